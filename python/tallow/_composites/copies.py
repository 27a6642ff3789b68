"""Views as copies: ``view_copy`` is ``view``, and then a contiguous tensor of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow._composite import composite, wrong_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tallow import Tensor

__all__ = [
    *("as_strided_copy", "detach_copy", "diagonal_copy", "expand_copy", "permute_copy"),
    *("select_copy", "slice_copy", "split_copy", "split_with_sizes_copy", "squeeze_copy"),
    *("t_copy", "transpose_copy", "unbind_copy", "unfold_copy", "unsqueeze_copy"),
    *("view_as_complex_copy", "view_as_real_copy", "view_copy"),
]


def _copied(view: Callable[..., Any]) -> Callable[..., Any]:
    """Make the copying form of a function that views its first argument."""
    name = view.__name__.removeprefix("_")

    def call(*args: Any, **kwargs: Any) -> Any:
        seen = view(*args, **kwargs)
        if isinstance(seen, tuple | list):
            return tuple(part.clone(memory_format=tallow.contiguous_format) for part in seen)
        return seen.clone(memory_format=tallow.contiguous_format)

    view.__name__ = view.__qualname__ = f"{name}_copy"  # for the errors of its signature
    call.__name__ = call.__qualname__ = f"{name}_copy"
    call.__doc__ = f"Return what :meth:`tallow.Tensor.{name}` views as a contiguous copy."
    return composite(call)


def _ints(name: str, argument: str, value: Any) -> Any:
    """Refuse a single number where PyTorch takes a sequence."""
    if not isinstance(value, tuple | list):
        raise TypeError(
            f"{name}(): argument '{argument}' (position 2) must be tuple of ints, not "
            f"{type(value).__name__}"
        )
    return value


def _as_strided(
    input: Tensor, size: Sequence[int], stride: Sequence[int], storage_offset: int | None = None
) -> Tensor:
    return input.as_strided(size, stride, storage_offset)


def _detach(input: Tensor) -> Tensor:
    return input.detach()


def _diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    return input.diagonal(offset, dim1, dim2)


def _expand(input: Tensor, size: Sequence[int], *, implicit: bool = False) -> Tensor:
    return input.expand(_ints("expand_copy", "size", size))


def _permute(input: Tensor, dims: Sequence[int]) -> Tensor:
    return input.permute(_ints("permute_copy", "dims", dims))


def _select(input: Tensor, dim: int, index: int) -> Tensor:
    return input.select(dim, index)


def _slice(
    input: Tensor, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> Tensor:
    count = input.dim()
    if not count:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    if not -count <= dim < count:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], but got "
            f"{dim})"
        )
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    part: Tensor = input[(slice(None),) * (dim % count) + (slice(start, end, step),)]
    return part


def _split(input: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    return tuple(input.split(split_size, dim))


def _split_with_sizes(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    sizes = _ints("split_with_sizes_copy", "split_sizes", split_sizes)
    return tuple(input.split(list(sizes), dim))


def _squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    return input.squeeze() if dim is None else input.squeeze(dim)


def _t(input: Tensor) -> Tensor:
    return input.t()


def _transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    return input.transpose(dim0, dim1)


def _unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    return tuple(input.unbind(dim))


def _unfold(input: Tensor, dimension: int, size: int, step: int) -> Tensor:
    return input.unfold(dimension, size, step)


def _unsqueeze(input: Tensor, dim: int) -> Tensor:
    return input.unsqueeze(dim)


def _view_as_complex(input: Tensor) -> Tensor:
    return tallow.view_as_complex(input)


def _view_as_real(input: Tensor) -> Tensor:
    return tallow.view_as_real(input)


def _view(input: Tensor, size: Any = None, *, dtype: Any = None) -> Tensor:
    asked = size if dtype is None else dtype
    if not isinstance(asked, tuple | list | tallow.dtype):
        raise wrong_arguments(
            "view_copy", (input, asked), "(Tensor input, dtype dtype)", "(Tensor input, ints size)"
        )
    return input.view(asked)


as_strided_copy = _copied(_as_strided)
detach_copy = _copied(_detach)
diagonal_copy = _copied(_diagonal)
expand_copy = _copied(_expand)
permute_copy = _copied(_permute)
select_copy = _copied(_select)
slice_copy = _copied(_slice)
split_copy = _copied(_split)
split_with_sizes_copy = _copied(_split_with_sizes)
squeeze_copy = _copied(_squeeze)
t_copy = _copied(_t)
transpose_copy = _copied(_transpose)
unbind_copy = _copied(_unbind)
unfold_copy = _copied(_unfold)
unsqueeze_copy = _copied(_unsqueeze)
view_as_complex_copy = _copied(_view_as_complex)
view_as_real_copy = _copied(_view_as_real)
view_copy = _copied(_view)
