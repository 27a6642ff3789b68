"""The version of the package, and what it was built with."""

from __future__ import annotations

from tallow.torch_version import TorchVersion

__all__ = ["__version__", "cuda", "debug", "git_version", "hip", "rocm", "xpu"]

# Changed together with pyproject.toml; a test compares them.
tallow = "0.1.0"
# The release of PyTorch whose interface is mirrored.
torch = "2.13.0"

__version__ = TorchVersion(tallow)
debug = False
cuda: str | None = None
git_version: str | None = None
hip: str | None = None
rocm: str | None = None
xpu: str | None = None
