"""Parts of the symbolic tracer that programs ask for its state."""
