"""What a trace keeps of the values it sees: shapes and types, never the tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallow._tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TensorInfo", "describe", "describe_all", "nbytes_text", "tensors_in", "time_text"]

_SHORT = {
    "float": "f",
    "bfloat": "bf",
    "int": "i",
    "uint": "u",
    "complex": "c",
}
_MOST_ITEMS = 4
_MOST_TEXT = 24
_MOST_DEPTH = 4


class TensorInfo:
    """Shape, dtype and need for gradients of a tensor that may be gone.

    Args:
        tensor: what to describe; no reference to it is kept.
    """

    __slots__ = ("dtype", "requires_grad", "shape")

    def __init__(self, tensor: Tensor) -> None:
        self.shape: tuple[int, ...] = tuple(tensor.shape)
        self.dtype: str = str(tensor.dtype).rpartition(".")[2]
        self.requires_grad: bool = tensor.requires_grad

    def __str__(self) -> str:
        kind = self.dtype.rstrip("0123456789")
        bits = self.dtype[len(kind) :]
        return f"{_SHORT.get(kind, kind)}{bits}[{', '.join(map(str, self.shape))}]"

    def to_json(self) -> dict[str, Any]:
        """Return the facts as a dict that `json` can write."""
        return {
            "shape": list(self.shape),
            "dtype": self.dtype,
            "requires_grad": self.requires_grad,
        }


def describe(value: Any, depth: int = 0) -> str:
    """Return a value in short: ``f32[2, 3]`` for a tensor, a number itself, else the type."""
    if isinstance(value, Tensor):
        return str(TensorInfo(value))
    if value is None or isinstance(value, (bool, int, float, complex)):
        return repr(value)
    if isinstance(value, str):
        return repr(value if len(value) <= _MOST_TEXT else value[:_MOST_TEXT] + "...")
    if depth >= _MOST_DEPTH:
        return "..."
    if isinstance(value, dict):
        parts = [f"{key}: {describe(item, depth + 1)}" for key, item in _first(value.items())]
        return "{" + ", ".join(parts) + (", ..." if len(value) > _MOST_ITEMS else "") + "}"
    if isinstance(value, (tuple, list)):
        parts = [describe(item, depth + 1) for item in _first(value)]
        text = ", ".join(parts) + (", ..." if len(value) > _MOST_ITEMS else "")
        if isinstance(value, list):
            return f"[{text}]"
        return f"({text},)" if len(value) == 1 else f"({text})"
    name = getattr(value, "__name__", None)
    return name if isinstance(name, str) else type(value).__name__


def describe_all(values: Any) -> str:
    """Return the values of a call in short, separated by commas."""
    return ", ".join(describe(value) for value in values)


def _first(values: Any) -> list[Any]:
    return [value for value, _ in zip(values, range(_MOST_ITEMS), strict=False)]


def tensors_in(value: Any, depth: int = 0) -> Iterator[Tensor]:
    """Yield the tensors in nested tuples, lists, dicts and dataclasses."""
    if isinstance(value, Tensor):
        yield value
    elif depth >= _MOST_DEPTH:
        return
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item, depth + 1)
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from tensors_in(item, depth + 1)
    elif hasattr(type(value), "__dataclass_fields__"):
        for name in type(value).__dataclass_fields__:
            yield from tensors_in(getattr(value, name, None), depth + 1)


def time_text(nanoseconds: int) -> str:
    """Return a duration with three figures and a unit.

    Example:
        >>> time_text(12_345), time_text(5_000_000)
        ('12.3 us', '5.00 ms')
    """
    value = float(nanoseconds)
    for unit in ("ns", "us", "ms"):
        if value < 999.5:
            return _figures(value, unit)
        value /= 1000
    return _figures(value, "s")


def nbytes_text(nbytes: int) -> str:
    """Return a size with three figures and a unit.

    Example:
        >>> nbytes_text(640), nbytes_text(1_638_400), nbytes_text(-2048)
        ('640 B', '1.56 MiB', '-2.00 KiB')
    """
    sign, value = ("-", -float(nbytes)) if nbytes < 0 else ("", float(nbytes))
    if value < 1024:
        return f"{sign}{int(value)} B"
    for unit in ("KiB", "MiB", "GiB"):
        value /= 1024
        if value < 999.5 or unit == "GiB":
            break
    return sign + _figures(value, unit)


def _figures(value: float, unit: str) -> str:
    if unit == "ns" or value >= 99.95:
        return f"{value:.0f} {unit}"
    return f"{value:.1f} {unit}" if value >= 9.995 else f"{value:.2f} {unit}"
