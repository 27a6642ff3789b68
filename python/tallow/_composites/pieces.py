"""Cutting tensors into pieces and putting columns together."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import tallow
from tallow._composite import c_name, composite, spelled, wrong_arguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow import Tensor

__all__ = [
    *("alias_copy", "column_stack", "combinations", "dsplit", "hsplit", "narrow_copy"),
    *("tensor_split", "unsafe_chunk", "unsafe_split", "unsafe_split_with_sizes", "vsplit"),
]


_OVERLOADS = spelled(
    indices="indices_or_sections",
    sections="indices_or_sections",
    tensor_indices_or_sections="indices_or_sections",
)


@composite
@_OVERLOADS
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Cut a tensor into views, of nearly equal sizes or at given positions.

    Args:
        input: at least one-dimensional.
        indices_or_sections: number of pieces, or the positions of the cuts; also as a tensor.
        dim: dimension to cut.

    Raises:
        RuntimeError: a 0-d input, no pieces, or more pieces than memory can hold
            (:class:`tallow.OutOfMemoryError`).

    Example:
        >>> tensor_split(tallow.arange(5), 2)
        (tensor([0, 1, 2]), tensor([3, 4]))
    """
    if input.dim() == 0:
        raise RuntimeError(
            "tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims"
        )
    sections = indices_or_sections
    if isinstance(sections, tallow.Tensor):
        if sections.dtype != tallow.int64:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to have dtype of long, but got "
                f"{c_name(sections.dtype)}"
            )
        if sections.dim() > 1:
            raise RuntimeError(
                "tensor_split expected tensor_indices_or_sections to be a zero-dimensional or "
                f"one-dimensional int64 tensor, but got a tensor with {sections.dim()} dims"
            )
        sections = sections.tolist()
    _check_sections("tensor_split", input, sections)
    return _pieces(input, sections, dim)


_PIECE_BYTES = 256  # of a view and its handle


def _check_count(sections: int, size: int) -> None:
    """Raise before the memory is full of pieces of no elements."""
    if sections <= max(size, 2**20):
        return
    try:
        tallow.empty(sections * _PIECE_BYTES, dtype=tallow.uint8)
    except (RuntimeError, OverflowError) as error:
        raise tallow.OutOfMemoryError(
            f"tensor_split: no memory for {sections} pieces of a dimension of size {size}"
        ) from error


def _pieces(input: Tensor, sections: Any, dim: int) -> tuple[Tensor, ...]:
    size = input.size(dim)
    if isinstance(sections, int):
        if sections <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {sections}")
        _check_count(sections, size)
        small, more = divmod(size, sections)
        if not more:
            return tuple([input.narrow(dim, k * small, small) for k in range(sections)])
        sizes = [small + 1] * more + [small] * (sections - more)
        bounds = [0, *itertools.accumulate(sizes)]
    else:
        bounds = [min(max(at + size if at < 0 else at, 0), size) for at in sections]
        bounds = [0, *bounds, size]
    return tuple(
        input.narrow(dim, min(begin, end) if end < begin else begin, max(end - begin, 0))
        for begin, end in itertools.pairwise(bounds)
    )


def _check_sections(name: str, input: Tensor, sections: Any) -> None:
    """Refuse what is neither a number of pieces nor a sequence of places."""
    if type(sections) is int:
        return
    places = list(sections) if isinstance(sections, list | tuple) else [sections]
    if not all(hasattr(place, "__index__") for place in places):
        raise wrong_arguments(
            name,
            (input, sections),
            "(Tensor input, tuple of ints indices)",
            "(Tensor input, int sections)",
        )


def _split_along(name: str, input: Tensor, sections: Any, dim: int) -> tuple[Tensor, ...]:
    _check_sections(name, input, sections)
    if isinstance(sections, int) and (sections == 0 or input.size(dim) % sections):
        raise RuntimeError(
            f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension "
            f"{input.size(dim)} is not divisible by the split_size {sections}!"
        )
    return _pieces(input, sections, dim)


def _check_dims(name: str, input: Tensor, least: int) -> None:
    if input.dim() < least:
        raise RuntimeError(
            f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor "
            f"with {input.dim()} dimensions!"
        )


@composite
@_OVERLOADS
def hsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Cut along the second dimension (the first of vectors); see :func:`tensor_split`."""
    _check_dims("hsplit", input, 1)
    return _split_along("hsplit", input, indices_or_sections, 0 if input.dim() == 1 else 1)


@composite
@_OVERLOADS
def vsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Cut along the first dimension; see :func:`tensor_split`."""
    _check_dims("vsplit", input, 2)
    return _split_along("vsplit", input, indices_or_sections, 0)


@composite
@_OVERLOADS
def dsplit(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
    """Cut along the third dimension; see :func:`tensor_split`."""
    _check_dims("dsplit", input, 3)
    return _split_along("dsplit", input, indices_or_sections, 2)


@composite
def column_stack(tensors: Sequence[Tensor]) -> Tensor:
    """Put vectors, as columns, and matrices beside each other.

    Args:
        tensors: at most two-dimensional, or of the same shape but for dimension 1.

    Example:
        >>> column_stack([tallow.tensor([1, 2]), tallow.tensor([3, 4])])
        tensor([[1, 3],
                [2, 4]])
    """
    columns = [x.reshape(x.numel(), 1) if x.dim() <= 1 else x for x in tensors]
    return tallow.hstack(columns)


@composite
def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Like :func:`tallow.chunk`, for code that writes into the pieces."""
    return tuple(input.chunk(chunks, dim))


@composite
def unsafe_split(input: Tensor, split_size: int, dim: int = 0) -> tuple[Tensor, ...]:
    """Like :func:`tallow.split`, for code that writes into the pieces."""
    return tuple(input.split(split_size, dim))


@composite
def unsafe_split_with_sizes(
    input: Tensor, split_sizes: Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Like :func:`tallow.split` with sizes, for code that writes into the pieces."""
    return tuple(input.split(list(split_sizes), dim))


@composite
def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """Copy a range of one dimension; see :func:`tallow.narrow`.

    Raises:
        RuntimeError: the input has no such dimension, or the range leaves it.
    """
    if input.dim() == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if dim >= input.dim():
        raise RuntimeError(
            "Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got false. "
            f"narrow_copy(): the input has {input.dim()} dimensions, dim is {dim}"
        )
    size = input.size(dim)
    if not -size <= start <= size:
        raise IndexError(
            f"start out of range (expected to be in range of [{-size}, {size}], but got {start})"
        )
    if length < 0:
        raise RuntimeError(
            f"start ({start + size if start < 0 else start}) + length ({length}) exceeds "
            f"dimension size ({size})."
        )
    return input.narrow(dim, start, length).clone(memory_format=tallow.contiguous_format)


@composite
def alias_copy(input: Tensor) -> Tensor:
    """Copy a tensor."""
    return input.clone()


@composite
def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """Return all choices of `r` elements of a vector, in order.

    Args:
        input: one-dimensional.
        r: number of elements chosen, not negative.
        with_replacement: an element may be chosen again.

    Raises:
        RuntimeError: the input is no vector, `r` is negative, or memory cannot hold the choices
            (:class:`tallow.OutOfMemoryError`).

    Example:
        >>> combinations(tallow.tensor([1, 2, 3]))
        tensor([[1, 2],
                [1, 3],
                [2, 3]])
    """
    if input.dim() != 1:
        raise RuntimeError(
            f"Expect a 1D vector, but got shape {[int(size) for size in input.shape]}"
        )
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return tallow.empty(0, dtype=input.dtype, device=input.device)
    if not input.numel() or (r > input.numel() and not with_replacement):
        return input[:0].reshape(0, r)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    try:
        chosen = list(choose(range(input.numel()), r))
    except (MemoryError, OverflowError) as error:
        raise tallow.OutOfMemoryError(
            f"combinations: no memory for choices of {r} among {input.numel()} elements"
        ) from error
    index = tallow.tensor(chosen, dtype=tallow.int64, device=input.device).reshape(len(chosen), r)
    return input[index.flatten()].reshape(len(chosen), r)
