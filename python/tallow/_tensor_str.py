"""Text form of tensors: number formats, wrapping, summarising, and the print options."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tallow import Tensor

__all__ = ["get_printoptions", "printoptions", "set_printoptions"]

_PROFILES: dict[str, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}

# Scientific notation begins where fixed notation would lose digits or waste columns.
_LARGEST_RATIO = 1000.0
_LARGEST_FIXED = 1e8
_SMALLEST_FIXED = 1e-4


class _Options:
    """The print options in force; one instance for the process."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PRINT_OPTS = _Options()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Choose how tensors are printed.

    Args:
        precision: digits after the decimal point.
        threshold: number of elements above which the middle is replaced by ``...``.
        edgeitems: items shown at each end of a summarised dimension.
        linewidth: columns after which a row is wrapped.
        profile: ``'default'``, ``'short'`` or ``'full'``; the other arguments refine it.
        sci_mode: force (``True``) or forbid (``False``) scientific notation; ``None`` decides
            per tensor.

    Raises:
        KeyError: unknown profile.

    Example:
        >>> tallow.set_printoptions(precision=2)
        >>> tallow.tensor([1.23456])
        tensor([1.23])
        >>> tallow.set_printoptions(profile="default")
    """
    if profile is not None:
        for key, value in _PROFILES[profile].items():
            setattr(PRINT_OPTS, key, value)
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    for key, choice in given.items():
        if choice is not None:
            setattr(PRINT_OPTS, key, choice)
    PRINT_OPTS.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """Return the print options in force as keyword arguments for :func:`set_printoptions`."""
    names = ("precision", "threshold", "edgeitems", "linewidth", "sci_mode")
    return {name: getattr(PRINT_OPTS, name) for name in names}


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """Use other print options inside a ``with`` block."""
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


class _PlainFormat:
    """Booleans and integers: right-aligned to the longest."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.width = max((len(str(value)) for value in values), default=0)

    def __call__(self, value: Any) -> str:
        return str(value).rjust(self.width)


class _FloatFormat:
    """Real numbers: whole, fixed or scientific notation, one choice for a whole tensor."""

    def __init__(self, values: Sequence[float]) -> None:
        finite = [v for v in values if v != 0 and math.isfinite(v)]
        self.whole = True
        self.scientific = False
        self.width = 1
        if not finite:
            return
        sizes = [abs(v) for v in finite]
        largest, smallest = max(sizes), min(sizes)
        self.whole = all(v == math.floor(v) for v in finite)
        if PRINT_OPTS.sci_mode is None:
            wide = largest / smallest > _LARGEST_RATIO or largest > _LARGEST_FIXED
            self.scientific = wide or (not self.whole and smallest < _SMALLEST_FIXED)
        else:
            self.scientific = PRINT_OPTS.sci_mode
        self.width = max(len(self._text(v)) for v in finite)

    def _text(self, value: float) -> str:
        if self.scientific:
            return f"{value:.{PRINT_OPTS.precision}e}"
        if self.whole:
            return f"{value:.0f}" + ("." if math.isfinite(value) else "")
        return f"{value:.{PRINT_OPTS.precision}f}"

    def __call__(self, value: float) -> str:
        return self._text(value).rjust(self.width)


class _ComplexFormat:
    """Complex numbers: each part keeps one notation for the whole tensor."""

    def __init__(self, values: Sequence[complex]) -> None:
        self.real = _FloatFormat([v.real for v in values])
        self.imag = _FloatFormat([v.imag for v in values])
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, value: complex) -> str:
        imag = self.imag(value.imag).lstrip()
        sign = "" if imag[0] in "+-" else "+"
        return f"{self.real(value.real)}{sign}{imag}j"


class _Gap:
    """Stands for the elements that a summary leaves out."""


_GAP = _Gap()


def _edges(size: int, summarize: bool) -> tuple[range, range] | None:
    """Indices kept at both ends of a dimension, or None when all of it is shown."""
    if not summarize or size <= 2 * PRINT_OPTS.edgeitems:
        return None
    return range(PRINT_OPTS.edgeitems), range(size - PRINT_OPTS.edgeitems, size)


def _shown(data: Tensor, summarize: bool) -> Any:
    """Nested lists of the elements to print, with `_GAP` where elements are left out."""
    if data.dim() == 0:
        return data.item()
    ends = _edges(data.size(0), summarize)
    if data.dim() == 1:
        if ends is None:
            return data.tolist()
        head, tail = ends
        kept = data[head.start : head.stop].tolist(), data[tail.start : tail.stop].tolist()
    else:
        if ends is None:
            return [_shown(data[i], summarize) for i in range(data.size(0))]
        kept = tuple([_shown(data[i], summarize) for i in end] for end in ends)  # type: ignore[assignment]
    return [*kept[0], _GAP, *kept[1]]


def _flatten(items: Any) -> Iterator[Any]:
    if isinstance(items, list):
        for item in items:
            yield from _flatten(item)
    elif items is not _GAP:
        yield items


def _vector_text(items: list[Any], indent: int, format_one: Any) -> str:
    per_line = max(1, (PRINT_OPTS.linewidth - indent) // (format_one.width + 2))
    texts = [" ..." if item is _GAP else format_one(item) for item in items]
    lines = [", ".join(texts[i : i + per_line]) for i in range(0, len(texts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _nested_text(items: Any, dim: int, indent: int, format_one: Any) -> str:
    if dim == 0:
        return str(format_one(items))
    if dim == 1:
        return _vector_text(items, indent, format_one)
    parts = [
        "..." if item is _GAP else _nested_text(item, dim - 1, indent + 1, format_one)
        for item in items
    ]
    return "[" + ("," + "\n" * (dim - 1) + " " * (indent + 1)).join(parts) + "]"


def _tensor_str(tensor: Tensor, indent: int) -> str:
    """The bracketed elements, as if they began in column `indent`."""
    summarize = tensor.numel() > PRINT_OPTS.threshold
    if summarize and tensor.dim() and not PRINT_OPTS.edgeitems:
        return "[...]"
    shown = _shown(tensor, summarize)
    values = list(_flatten(shown))
    if tensor.dtype == tallow.float8_e8m0fnu:
        # PyTorch compares with a zero of this type, which is its smallest number.
        values = [0.0 if value == 2.0**-127 else value for value in values]
    format_one: Callable[[Any], str]
    if tensor.is_complex():
        format_one = _ComplexFormat(values)
    elif tensor.is_floating_point():
        format_one = _FloatFormat(values)
    else:
        format_one = _PlainFormat(values)
    return _nested_text(shown, tensor.dim(), indent, format_one)


def _gradient_note(tensor: Tensor) -> list[str]:
    try:
        node = tensor.grad_fn
    except RuntimeError:
        # A view whose history became invalid through an in-place write cannot name its node.
        return ["grad_fn=<Invalid>"]
    if node is not None:
        return [f"grad_fn=<{type(node).__name__}>"]
    return ["requires_grad=True"] if tensor.requires_grad else []


def _joined(text: str, notes: list[str], indent: int) -> str:
    """Append notes, moving those that would pass the line width to a new line."""
    column = len(text) - text.rfind("\n") + 1
    for note in notes:
        if column + len(note) + 2 > PRINT_OPTS.linewidth:
            text += ",\n" + " " * indent + note
            column = indent + len(note)
        else:
            text += ", " + note
            column += len(note) + 2
    return text + ")"


def _prefix(tensor: Tensor) -> str:
    if type(tensor) is tallow.Tensor or type(tensor) is tallow.nn.Parameter:
        return "tensor("
    return type(tensor).__name__ + "("


def _is_derived_parameter(tensor: Tensor) -> bool:
    parameter = tallow.nn.Parameter
    return isinstance(tensor, parameter) and type(tensor) is not parameter


def _tensor_text(tensor: Tensor, contents: str | None) -> str:
    prefix = _prefix(tensor)
    indent = len(prefix)
    notes = []
    if tensor.device.type != "cpu":
        notes.append(f"device='{tensor.device}'")
    default = tallow.get_default_dtype()
    dtype_note = f"dtype={tensor.dtype}"
    if tensor.is_meta:
        body = "..."
        notes.append(f"size={tuple(tensor.shape)}")
        if tensor.dtype != default:
            notes.append(dtype_note)
    elif tensor.numel() == 0:
        body = "[]"
        if tensor.dim() != 1:
            notes.append(f"size={tuple(tensor.shape)}")
        if tensor.dtype != default:
            notes.append(dtype_note)
    else:
        implied = (default, default.to_complex(), tallow.int64, tallow.bool)
        if not PRINT_OPTS.edgeitems:
            notes.append(f"size={tuple(tensor.shape)}")
        body = _tensor_str(tensor.detach(), indent)
        if tensor.dtype not in implied:
            notes.append(dtype_note)
    if contents is not None:
        body = contents
    text = _joined(prefix + body, notes + _gradient_note(tensor), indent)
    is_marked = type(tensor) is not tallow.Tensor and _is_derived_parameter(tensor)
    return f"Parameter({text})" if is_marked else text


def tensor_text(tensor: Tensor, contents: str | None = None) -> str:
    """Return ``repr(tensor)``; overrides and graph recording play no part in it.

    Args:
        tensor: the tensor to show.
        contents: shown in place of its elements.
    """
    from tallow.overrides import without_torch_function

    with without_torch_function(), tallow.no_grad():
        return _tensor_text(tensor, contents)
