"""Speed of tallow against PyTorch; run `python -m benchmarks --help` in the repository's root."""
