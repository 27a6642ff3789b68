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
    """What both share: one unchanging object per dtype, compared by dtype."""

    dtype: str
    _made: dict[Any, Any]

    def __init_subclass__(cls) -> None:
        if cls.__bases__ != (_Info,):
            base = cls.__bases__[0].__name__
            raise TypeError(f"type '{_C._get_namespace()}.{base}' is not an acceptable base type")
        cls._made = {}

    @classmethod
    def _make(cls, type: Any, described: dict[str, Any]) -> Any:
        """Make the object for a dtype, or for a Python type, and keep it."""
        self = object.__new__(cls)
        self.__dict__.update(described)
        return cls._made.setdefault(type, self)

    def __setattr__(self, name: str, value: Any = None) -> None:
        owner = f"'{_C._get_namespace()}.{type(self).__name__}'"
        if name in self.__dict__:
            raise AttributeError(f"attribute '{name}' of {owner} objects is not writable")
        raise AttributeError(f"{owner} object has no attribute '{name}'")

    __delattr__ = __setattr__

    def __reduce__(self) -> Any:
        return type(self), (getattr(tallow, self.dtype),)

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

    bits: int
    resolution: float
    min: float
    max: float
    eps: float
    smallest_normal: float
    tiny: float

    def __new__(cls, type: Any = None) -> finfo:
        try:
            return cls._made[type]
        except (KeyError, TypeError):  # new, or not hashable
            type = tallow.get_default_dtype() if type is None else type
            return cls._make(type, _floating_point(_name(type, "finfo")))

    def __repr__(self) -> str:
        return (
            f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
            f"eps={self.eps:g}, smallest_normal={self.tiny:g}, tiny={self.tiny:g}, "
            f"dtype={self.dtype})"
        )


def _floating_point(name: str) -> dict[str, Any]:
    """The attributes of finfo."""
    if name in _BYTES:
        largest, eps, tiny, least = _BYTES[name]
        limits = {"min": least, "max": largest, "eps": eps, "smallest_normal": tiny, "tiny": tiny}
        return {"bits": 8, "resolution": 1.0, "dtype": name, **limits}
    if name not in _FORMATS:
        raise TypeError(
            "torch.finfo() requires a floating point input type. Use torch.iinfo to handle "
            "'torch.finfo'"
        )
    bits, fraction, exponent = _FORMATS[name]
    bias = 2 ** (exponent - 1) - 1
    eps = 2.0**-fraction
    largest = (2.0 - eps) * 2.0**bias
    tiny = 2.0 ** (1 - bias)
    # Decimal digits that survive a round trip: floor(fraction * log10(2)).
    resolution = float(f"1e-{int(fraction * 0.30103)}")
    parts = {"complex32": "float16", "complex64": "float32", "complex128": "float64"}
    limits = {"min": -largest, "max": largest, "eps": eps, "smallest_normal": tiny, "tiny": tiny}
    return {"bits": bits, "resolution": resolution, "dtype": parts.get(name, name), **limits}


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

    bits: int
    min: int
    max: int

    def __new__(cls, type: Any) -> iinfo:
        try:
            return cls._made[type]
        except (KeyError, TypeError):  # new, or not hashable
            return cls._make(type, _integer(_name(type, "iinfo")))

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


def _integer(name: str) -> dict[str, Any]:
    """The attributes of iinfo."""
    if name == "bool":
        raise TypeError("torch.bool is not supported by torch.iinfo")
    if not name.lstrip("u").startswith("int"):
        raise TypeError(
            "torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'"
        )
    bits = int(name.rpartition("int")[2])
    signed = not name.startswith("u")
    least = -(2 ** (bits - 1)) if signed else 0
    return {"bits": bits, "dtype": name, "min": least, "max": 2 ** (bits - signed) - 1}
