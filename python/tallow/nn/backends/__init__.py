"""Empty; old pickles name modules of this package."""
