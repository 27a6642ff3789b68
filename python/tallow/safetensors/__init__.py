"""Files in the safetensors format: named tensors behind a header in JSON, and no code.

``tallow.safetensors.torch`` has the functions that whole files are saved and loaded with. In alias
mode both serve as ``safetensors`` where that package is not installed.
"""

from __future__ import annotations

from ._file import SafetensorError, safe_open

__all__ = ["SafetensorError", "safe_open"]
