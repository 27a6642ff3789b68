"""Sparse tensors in other shapes: transposed, cut, joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.sparse._tensor import SparseTensor, to_sparse_coo, wrapped_dim

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tallow import Tensor

__all__ = ["FUNCTIONS"]


def _permute(input: SparseTensor, *dims: Any) -> SparseTensor:
    order = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
    order = [wrapped_dim(d, input.dim()) for d in order]
    indices, values = input._parts
    count = indices.size(0)
    if sorted(order) != list(range(input.dim())):
        raise RuntimeError(
            f"permute(sparse_coo): {tuple(order)} is not an order of {input.dim()} dimensions"
        )
    if any(d >= count for d in order[:count]):
        raise RuntimeError("permute: sparse and dense dimensions cannot be exchanged")
    inner = [0, *(d - count + 1 for d in order[count:])]
    size = [input.size(d) for d in order]
    same = order[:count] == list(range(count))
    return SparseTensor._of(
        indices if same else indices[order[:count]],
        values.permute(inner),
        size,
        input._is_coalesced and same,
    )


def _transpose(input: SparseTensor, dim0: int, dim1: int) -> SparseTensor:
    order = list(range(input.dim()))
    a, b = wrapped_dim(dim0, input.dim()), wrapped_dim(dim1, input.dim())
    order[a], order[b] = order[b], order[a]
    return _permute(input, order)


def _t(input: SparseTensor) -> SparseTensor:
    if input.dim() > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.dim()}D")
    return _transpose(input, 0, 1) if input.dim() == 2 else input


def _matrix_transpose(input: SparseTensor) -> SparseTensor:
    return _transpose(input, -2, -1)


def _unsqueeze(input: SparseTensor, dim: int) -> SparseTensor:
    dim = wrapped_dim(dim, input.dim() + 1)
    indices, values = input._parts
    count = indices.size(0)
    size = [*input.shape[:dim], 1, *input.shape[dim:]]
    if dim > count:
        return SparseTensor._of(
            indices, values.unsqueeze(dim - count + 1), size, input._is_coalesced
        )
    rows = [*indices[:dim], indices.new_zeros(indices.size(1)), *indices[dim:]]
    return SparseTensor._of(tallow.stack(rows), values, size, input._is_coalesced)


def _select(input: SparseTensor, dim: int, index: int) -> Any:
    dim = wrapped_dim(dim, input.dim())
    size = input.size(dim)
    if not -size <= index < size:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(input.shape)} at "
            f"dimension {dim}"
        )
    index %= size
    indices, values = input._parts
    count = indices.size(0)
    rest = [n for d, n in enumerate(input.shape) if d != dim]
    if dim >= count:
        chosen = values.select(dim - count + 1, index)
        return SparseTensor._of(indices, chosen, rest, input._is_coalesced)
    here = (indices[dim] == index).nonzero().squeeze(1)
    if count == 1:
        return values[here].sum(0)
    kept = [d for d in range(count) if d != dim]
    places = indices[:, here][kept]
    return SparseTensor._of(places, values[here], rest, input._is_coalesced)


def _getitem(input: Any, key: Any) -> Any:
    if not isinstance(input, SparseTensor):
        raise NotImplementedError("an index cannot be a sparse tensor: call to_dense() first")
    keys = key if isinstance(key, tuple) else (key,)
    if Ellipsis in [k for k in keys if not isinstance(k, tallow.Tensor)]:
        at = next(i for i, k in enumerate(keys) if k is Ellipsis)
        fill = (slice(None),) * (input.dim() - len(keys) + 1)
        keys = (*keys[:at], *fill, *keys[at + 1 :])
    result: Any = input
    dim = 0
    for one in keys:
        if isinstance(one, slice) and one == slice(None):
            dim += 1
        elif isinstance(one, int) and not isinstance(one, bool):
            result = result.select(dim, one)
        elif isinstance(one, tallow.Tensor) and one.dtype == tallow.int64 and one.dim() == 1:
            result = result.index_select(dim, one)
            dim += 1
        else:
            raise NotImplementedError(
                "Could not run 'aten::as_strided' with arguments from the 'SparseCPU' backend. "
                "Sparse tensors take integers, ':' and vectors of int64 as indices."
            )
    return result


def _index_select(input: SparseTensor, dim: int, index: Tensor) -> SparseTensor:
    dim = wrapped_dim(dim, input.dim())
    index = index.reshape(-1).to(tallow.int64)
    size = input.size(dim)
    bad = (index < 0) | (index >= size)
    if bool(bad.any()):
        raise IndexError(
            f"index_select(): index {int(index[bad][0])} is out of range for dimension {dim} of "
            f"size {size}"
        )
    indices, values = input._parts
    count = indices.size(0)
    shape = [*input.shape[:dim], index.numel(), *input.shape[dim + 1 :]]
    if dim >= count:
        chosen = values.index_select(dim - count + 1, index)
        return SparseTensor._of(indices, chosen, shape, input._is_coalesced)
    ordered, origin = index.sort(stable=True)
    row = indices[dim].contiguous()
    first = tallow.searchsorted(ordered, row)
    counts = tallow.searchsorted(ordered, row, right=True) - first
    entry = tallow.arange(row.numel(), device=row.device).repeat_interleave(counts)
    before = counts.cumsum(0) - counts
    step = tallow.arange(entry.numel(), device=row.device) - before[entry]
    moved = origin[first[entry] + step]
    places = [moved if d == dim else part[entry] for d, part in enumerate(indices)]
    result = SparseTensor._of(tallow.stack(places), values[entry], shape)
    return result.coalesce() if input._is_coalesced else result


def _narrow(input: SparseTensor, dim: int, start: int, length: int) -> SparseTensor:
    dim = wrapped_dim(dim, input.dim())
    size = input.size(dim)
    start = start + size if start < 0 else start
    if start < 0 or length < 0 or start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    chosen = tallow.arange(start, start + length, device=input._parts[0].device)
    return _index_select(input, dim, chosen)


def _unbind(input: SparseTensor, dim: int = 0) -> tuple[Any, ...]:
    return tuple(_select(input, dim, i) for i in range(input.size(dim)))


def _iterate(input: SparseTensor) -> Any:
    return iter(_unbind(input))


def _cat(tensors: Sequence[Any], dim: int = 0) -> SparseTensor:
    """Join along a dimension: the places of each tensor behind those of the ones before it."""
    first = tensors[0]
    if not all(isinstance(x, SparseTensor) for x in tensors):
        raise RuntimeError("Concatenating sparse tensors, but a dense tensor was found")
    dim = wrapped_dim(dim, first.dim())
    count = first.sparse_dim()
    for position, x in enumerate(tensors):
        rest = [n for d, n in enumerate(x.shape) if d != dim]
        if rest != [n for d, n in enumerate(first.shape) if d != dim] or x.sparse_dim() != count:
            raise RuntimeError(
                "All tensors must have the same shape: "
                f"{list(first.shape)} (except in the concatenating dimension), but got "
                f"{list(x.shape)} at position {position}"
            )
    if dim >= count:
        return to_sparse_coo(tallow.cat([x.to_dense() for x in tensors], dim), count)
    places, offset = [], 0
    for x in tensors:
        moved = x._parts[0].clone()
        moved[dim] += offset
        places.append(moved)
        offset += x.size(dim)
    shape = [*first.shape[:dim], offset, *first.shape[dim + 1 :]]
    values = tallow.cat([x._parts[1] for x in tensors])
    coalesced = dim == 0 and all(x._is_coalesced for x in tensors)
    return SparseTensor._of(tallow.cat(places, 1), values, shape, coalesced)


def _stack(tensors: Sequence[Any], dim: int = 0) -> SparseTensor:
    return _cat([_unsqueeze(x, dim) for x in tensors], dim)


def _setitem(input: SparseTensor, key: Any, value: Any) -> None:
    raise TypeError("Cannot assign to a sparse tensor")


def _reshape(input: SparseTensor, *shape: Any) -> None:
    raise RuntimeError("reshape is not implemented for sparse tensors")


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "permute": _permute,
    "transpose": _transpose,
    "swapaxes": _transpose,
    "swapdims": _transpose,
    "t": _t,
    "T": _t,
    "mT": _matrix_transpose,
    "H": lambda x: _matrix_transpose(x).conj(),
    "adjoint": lambda x: _matrix_transpose(x).conj(),
    "unsqueeze": _unsqueeze,
    "select": _select,
    "__getitem__": _getitem,
    "__setitem__": _setitem,
    "index_select": _index_select,
    "narrow": _narrow,
    "unbind": _unbind,
    "__iter__": _iterate,
    "cat": _cat,
    "concat": _cat,
    "concatenate": _cat,
    "stack": _stack,
    "reshape": _reshape,
    "flatten": _reshape,
}
