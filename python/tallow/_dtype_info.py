"""Limits of the number formats: ``finfo`` and ``iinfo``."""

from __future__ import annotations

from typing import Any

import tallow
from tallow import _C

__all__ = ["finfo", "iinfo"]

# Bits of the whole number, of the stored fraction, and of the exponent.
_FORMATS = {
    "float16": (16, 10, 5),
    "bfloat16": (16, 7, 8),
    "float32": (32, 23, 8),
    "float64": (64, 52, 11),
    "complex32": (16, 10, 5),
    "complex64": (32, 23, 8),
    "complex128": (64, 52, 11),
}
# Largest number, relative spacing, smallest normal number and least number of one-byte formats.
# Source: Micikevicius et al., FP8 formats for deep learning, 2022; OCP microscaling formats, 2023.
_BYTES = {
    "float8_e4m3fn": (448.0, 2.0**-3, 2.0**-6, -448.0),
    "float8_e4m3fnuz": (240.0, 2.0**-3, 2.0**-7, -240.0),
    "float8_e5m2": (57344.0, 2.0**-2, 2.0**-14, -57344.0),
    "float8_e5m2fnuz": (57344.0, 2.0**-3, 2.0**-15, -57344.0),
    "float8_e8m0fnu": (2.0**127, 1.0, 2.0**-127, 2.0**-127),
}
_PYTHON = {float: "float64", complex: "complex128", int: "int64"}


def _name(dtype: Any, what: str) -> str:
    """The bare name of a dtype or Python type."""
    if dtype in _PYTHON:
        return _PYTHON[dtype]
    if not isinstance(dtype, tallow.dtype):
        raise TypeError(
            f"{what}(): argument 'type' (position 1) must be {_C._get_namespace()}.dtype, not "
            f"{type(dtype).__name__}"
        )
    return repr(dtype).rpartition(".")[2]


class _Info:
    """What both share: one object per dtype, compared by dtype."""

    dtype: str

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.dtype == self.dtype

    def __hash__(self) -> int:
        return hash((type(self), self.dtype))


class finfo(_Info):
    """Limits of a floating point dtype; of a complex one, those of its parts.

    Args:
        type: the dtype; the default dtype if left out.

    Raises:
        TypeError: not a floating point dtype.

    Example:
        >>> finfo(tallow.float16).max
        65504.0
    """

    def __init__(self, type: Any = None) -> None:
        name = _name(tallow.get_default_dtype() if type is None else type, "finfo")
        if name in _BYTES:
            self.bits, self.resolution, self.dtype = 8, 1.0, name
            self.max, self.eps, self.tiny, self.min = _BYTES[name]
            self.smallest_normal = self.tiny
            return
        if name not in _FORMATS:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle "
                "'torch.finfo'"
            )
        self.bits, fraction, exponent = _FORMATS[name]
        bias = 2 ** (exponent - 1) - 1
        self.eps = 2.0**-fraction
        self.max = (2.0 - self.eps) * 2.0**bias
        self.min = -self.max
        self.tiny = self.smallest_normal = 2.0 ** (1 - bias)
        # Decimal digits that survive a round trip: floor(fraction * log10(2)).
        self.resolution = float(f"1e-{int(fraction * 0.30103)}")
        self.dtype = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}.get(
            name, name
        )

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
            f"eps={self.eps:g}, smallest_normal={self.tiny:g}, tiny={self.tiny:g}, "
            f"dtype={self.dtype})"
        )


class iinfo(_Info):
    """Limits of an integer dtype.

    Args:
        type: the dtype.

    Raises:
        TypeError: not an integer dtype.

    Example:
        >>> iinfo(tallow.int8).max
        127
    """

    def __init__(self, type: Any) -> None:
        name = _name(type, "iinfo")
        if name == "bool":
            raise TypeError("torch.bool is not supported by torch.iinfo")
        if not name.lstrip("u").startswith("int"):
            raise TypeError(
                "torch.iinfo() requires an integer input type. Use torch.finfo to handle "
                "'torch.iinfo'"
            )
        self.bits = int(name.rpartition("int")[2])
        self.dtype = name
        signed = not name.startswith("u")
        self.max = 2 ** (self.bits - signed) - 1
        self.min = -(2 ** (self.bits - 1)) if signed else 0

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"
