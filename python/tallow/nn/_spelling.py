"""How the package spells its own name and types in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow import _C

if TYPE_CHECKING:
    from typing import Any


def package() -> str:
    """Return the name under which the running program knows this package."""
    return _C._get_namespace()


def typename(value: Any) -> str:
    """Return the type of ``value`` as messages print it: ``torch.FloatTensor``, ``int``, ..."""
    return tallow.typename(value)


def scalar_name(dtype: Any) -> str:
    """Return the element type as kernel messages print it: ``Float``, ``Long``, ``BFloat16``."""
    name = repr(dtype).rpartition(".")[2]
    known = {
        "float64": "Double",
        "float32": "Float",
        "float16": "Half",
        "bfloat16": "BFloat16",
        "int64": "Long",
        "int32": "Int",
        "int16": "Short",
        "int8": "Char",
        "uint8": "Byte",
        "complex64": "ComplexFloat",
        "complex128": "ComplexDouble",
    }
    return known.get(name, name.capitalize())
