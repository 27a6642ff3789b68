"""Names in files: what is called ``tallow.x`` here is called ``torch.x`` in every checkpoint."""

from __future__ import annotations

from typing import Any

import tallow
from tallow.storage import STORAGE_DTYPES

__all__ = ["StorageType", "name_here", "name_in_file", "storage_type"]

_HERE = "tallow"
_THERE = "torch"

# Objects that live elsewhere than in PyTorch.
_MOVED = {
    ("torch._tensor", "_rebuild_from_type_v2"): ("tallow._utils", "_rebuild_from_type_v2"),
}
_MOVED_BACK = {here: there for there, here in _MOVED.items()}


class StorageType:
    """Stands for a storage class inside a file: an element type, None for plain bytes."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"StorageType({self.dtype})"


def storage_type(module: str, name: str) -> StorageType | None:
    """Return what a storage class named in a file stands for, None for any other name."""
    if (module, name) in (("torch.storage", "UntypedStorage"), ("torch", "UntypedStorage")):
        return StorageType(None)
    if module in ("torch", "torch.cuda") and name in STORAGE_DTYPES:
        return StorageType(getattr(tallow, STORAGE_DTYPES[name]))
    return None


def name_in_file(module: str, name: str) -> tuple[str, str]:
    """Return the name under which an object of this package is written."""
    if (module, name) in _MOVED_BACK:
        return _MOVED_BACK[module, name]
    if module == _HERE or module.startswith(_HERE + "."):
        return _THERE + module[len(_HERE) :], name
    return module, name


def name_here(module: str, name: str) -> tuple[str, str]:
    """Return where an object named in a file is found."""
    if (module, name) in _MOVED:
        return _MOVED[module, name]
    if module == _THERE or module.startswith(_THERE + "."):
        return _HERE + module[len(_THERE) :], name
    return module, name
