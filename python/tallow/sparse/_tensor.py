"""``SparseTensor``: coordinates and values instead of an element for every place.

The native part of the object is a tensor of the device ``meta``: it has the sizes, the dtype and no
memory, so that nothing can take its elements for those of a dense tensor. Indices and values are
ordinary dense tensors, and every function of a sparse tensor is a composition of functions of
these: that makes the derivatives.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tallow import Tensor

__all__ = [
    *("SparseTensor", "added", "at_places_of", "linear_places", "sparse_coo_tensor"),
    *("to_sparse_coo", "unraveled", "wrapped_dim"),
]


class SparseTensor(tallow.Tensor):
    """A tensor whose elements are zero but for those listed.

    Made by :func:`tallow.sparse_coo_tensor` (layout ``sparse_coo``: the coordinates of each
    element), :func:`tallow.sparse_csr_tensor` (layout ``sparse_csr``: where in the list each row
    begins, and the columns), or ``Tensor.to_sparse()``. Functions that have no sparse form raise
    NotImplementedError.

    Example:
        >>> import tallow
        >>> x = tallow.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3))
        >>> x @ tallow.ones(3, 1)
        tensor([[3.],
                [4.]])
    """

    _parts: tuple[Tensor, Tensor]  # indices (sparse_dim, nnz), values (nnz, *dense sizes)
    _is_coalesced: bool  # places are unique and in order

    @classmethod
    def _of(
        cls, indices: Tensor, values: Tensor, size: Iterable[int], coalesced: bool = False
    ) -> SparseTensor:
        """A tensor of these parts, which are trusted to fit."""
        shape = tallow.empty(tuple(size), dtype=values.dtype, device="meta")
        with _C.DisableTorchFunctionSubclass():
            made: Any = _C._make_subclass(cls, shape)
        made._parts = indices, values
        made._is_coalesced = coalesced
        return made

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        from tallow.sparse import _dispatch

        return _dispatch.call(func, args, kwargs or {})

    # ---- What only sparse tensors have.

    def indices(self) -> Tensor:
        """Return the places, one column for each element; the tensor must be coalesced."""
        self._require_coalesced("indices")
        return self._parts[0]

    def values(self) -> Tensor:
        """Return the elements in the order of :meth:`indices`; the tensor must be coalesced."""
        self._require_coalesced("values")
        return self._parts[1]

    def _require_coalesced(self, what: str) -> None:
        if not self._is_coalesced:
            raise RuntimeError(
                f"Cannot get {what} on an uncoalesced tensor, please call .coalesce() first"
            )

    def _indices(self) -> Tensor:
        return self._parts[0]

    def _values(self) -> Tensor:
        return self._parts[1]

    def _nnz(self) -> int:
        return self._parts[0].size(1)

    def sparse_dim(self) -> int:
        """Return how many dimensions, the first ones, are given by coordinates."""
        return self._parts[0].size(0)

    def dense_dim(self) -> int:
        """Return how many dimensions, the last ones, each listed element has."""
        return self._parts[1].dim() - 1

    def is_coalesced(self) -> bool:
        """Tell whether no place is listed twice and the places are in order."""
        return self._is_coalesced

    def coalesce(self) -> SparseTensor:
        """Return the tensor with its places in order, each once, with the sum of its elements."""
        if self._is_coalesced:
            return self
        indices, values = self._parts
        sizes = self.shape[: indices.size(0)]
        places, inverse = tallow.unique(linear_places(indices, sizes), return_inverse=True)
        sums = added(values, inverse, places.numel())
        return type(self)._of(unraveled(places, sizes), sums, self.shape, True)

    def _coalesced_(self, coalesced: bool) -> SparseTensor:
        self._is_coalesced = coalesced
        return self

    def to_dense(self, dtype: Any = None, *, masked_grad: bool | None = None) -> Tensor:
        """Return the same numbers with an element for every place.

        Args:
            dtype: of the result; the tensor's own by default.
            masked_grad: None or True: the gradient has this tensor's places. Others are refused.
        """
        if masked_grad is False:
            raise NotImplementedError("to_dense(): masked_grad=False is not supported")
        indices, values = self._parts
        sizes = self.shape[: indices.size(0)]
        dense = added(values, linear_places(indices, sizes), math.prod(sizes))
        dense = dense.reshape(tuple(self.shape))
        return dense if dtype is None else dense.to(dtype)

    def to_sparse(self, sparse_dim: Any = None, *, layout: Any = None, **options: Any) -> Tensor:
        """Return the tensor in another sparse layout, or itself."""
        if options:
            raise NotImplementedError(f"to_sparse(): {', '.join(options)} is not supported")
        if layout is tallow.sparse_csr:
            return self.to_sparse_csr()
        if layout not in (None, tallow.sparse_coo):
            raise NotImplementedError(f"to_sparse(): layout {layout} is not supported")
        if sparse_dim is not None and sparse_dim != self.sparse_dim():
            return to_sparse_coo(self.to_dense(), sparse_dim)
        return self

    def to_sparse_coo(self) -> Tensor:
        """Return the tensor in the layout of coordinates."""
        return self

    def to_sparse_csr(self, dense_dim: int | None = None) -> Tensor:
        """Return the matrix as rows that are compressed."""
        from tallow.sparse._rows import SparseRows

        return SparseRows._from_coordinates(self, dense_dim)

    def sparse_resize_(self, size: Sequence[int], sparse_dim: int, dense_dim: int) -> SparseTensor:
        """Raise: a tensor keeps its sizes."""
        raise NotImplementedError("sparse_resize_: make a new tensor from indices() and values()")


_C._set_sparse_class(SparseTensor)


def _looked_up(name: str) -> Callable[..., Any]:
    def method(self: SparseTensor, *args: Any, **kwargs: Any) -> Any:
        from tallow.sparse import _dispatch

        return _dispatch.call_by_name(name, (self, *args), kwargs)

    method.__name__ = name
    return method


# Methods that are not offered to __torch_function__, since they must be fast or ask about memory.
_NOT_OFFERED = (
    "__array__ __bool__ __dlpack__ __float__ __index__ __int__ chalf const_data_ptr cuda data_ptr"
    " detach_ dim_order get_device index_reduce_ is_contiguous is_pinned item map2_ numpy"
    " pin_memory record_stream requires_grad_ retain_grad storage storage_offset storage_type"
    " stride tolist untyped_storage _typed_storage"
)
for _name in _NOT_OFFERED.split():
    setattr(SparseTensor, _name, _looked_up(_name))


def wrapped_dim(dim: int, dims: int) -> int:
    """Return a dimension, which may count from the end, of a tensor of `dims` dimensions."""
    last = max(dims, 1) - 1
    if not -last - 1 <= dim <= last or not dims:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-last - 1}, {last}], but got "
            f"{dim})"
        )
    return dim % dims


def linear_places(indices: Tensor, sizes: Sequence[int]) -> Tensor:
    """Return the number of each place, counted row by row."""
    place = indices.new_zeros(indices.size(1))
    for row, size in zip(indices.unbind(0), sizes, strict=True):
        place = place * size + row
    return place


def unraveled(places: Tensor, sizes: Sequence[int]) -> Tensor:
    """Return the coordinates of numbered places, the inverse of :func:`linear_places`."""
    rows = []
    for size in reversed(tuple(sizes)):
        rows.append(places % max(size, 1))
        places = places // max(size, 1)
    return tallow.stack(rows[::-1]) if rows else places.new_zeros((0, places.numel()))


def added(values: Tensor, places: Tensor, count: int) -> Tensor:
    """Return `count` sums of those values that have the same place."""
    if values.dtype is tallow.bool:
        return added(values.to(tallow.int32), places, count) != 0
    return values.new_zeros((count, *values.shape[1:])).index_add(0, places, values)


def sparse_coo_tensor(
    indices: Any = None,
    values: Any = None,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
    is_coalesced: bool | None = None,
) -> SparseTensor:
    """Make a tensor from the places and values of its elements that are not zero.

    Args:
        indices: ``(sparse_dim, nnz)`` of integers, one column for each element.
        values: ``(nnz, *dense sizes)``; elements of the same place stand for their sum.
        size: the sizes, ``sparse_dim`` and then the dense ones; the smallest that fit by default.
            Given alone, the tensor has no elements.
        dtype: of the values; inferred by default.
        device: of both parts.
        pin_memory: must be False.
        requires_grad: compute gradients for the values.
        check_invariants: places are always checked; False changes nothing.
        is_coalesced: promise that the places are unique and in order.

    Raises:
        RuntimeError: parts that do not fit each other or the sizes, or a place out of range.
        TypeError: indices that are no integers.

    Example:
        >>> import tallow
        >>> tallow.sparse_coo_tensor([[0, 1]], [1.0, 2.0], (3,)).to_dense()
        tensor([1., 2., 0.])
    """
    if pin_memory:
        raise NotImplementedError("sparse_coo_tensor(): pin_memory=True is not supported")
    if values is None:
        size, indices = (indices if size is None else size), None
        if size is None:
            raise TypeError("sparse_coo_tensor(): expected indices and values, or a size")
        indices = tallow.empty((len(size), 0), dtype=tallow.int64, device=device)
        values = tallow.empty((0,), dtype=dtype, device=device)
    places = tallow.as_tensor(indices, device=device)
    if places.numel() and (places.is_floating_point() or places.is_complex()):
        raise TypeError(f"sparse_coo_tensor(): indices must be integers, but got {places.dtype}")
    places = places.to(tallow.int64)
    data = tallow.as_tensor(values, dtype=dtype, device=device)
    if data.dim() == 0:
        data = data.expand(1)
    size = _checked_size(places, data, size)
    if requires_grad:
        data = data.detach().requires_grad_()
    return SparseTensor._of(places.detach(), data, size, bool(is_coalesced))


def _checked_size(indices: Tensor, values: Tensor, size: Any) -> tuple[int, ...]:
    """Return the sizes, after the parts are found to fit them."""
    if indices.dim() != 2:
        raise RuntimeError(f"indices must be sparse_dim x nnz, but got: {list(indices.shape)}")
    sparse_dim, nnz = indices.shape
    if nnz != values.size(0):
        raise RuntimeError(
            "indices and values must have same nnz, but got nnz from indices: "
            f"{nnz}, nnz from values: {values.size(0)}"
        )
    if size is None:
        most = (indices.amax(1) + 1).tolist() if nnz else [0] * sparse_dim
        size = (*most, *values.shape[1:])
    size = tuple(int(n) for n in size)
    dense_dim = values.dim() - 1
    if len(size) != sparse_dim + dense_dim:
        raise RuntimeError(
            "'len(size) == sparse_dim + dense_dim' is not satisfied: len(size) = "
            f"{len(size)}, sparse_dim = {sparse_dim}, dense_dim = {dense_dim}"
        )
    if tuple(values.shape[1:]) != size[sparse_dim:]:
        raise RuntimeError(
            f"values has incorrect size, expected {[nnz, *size[sparse_dim:]]}, got "
            f"{list(values.shape)}"
        )
    for dimension in range(sparse_dim if nnz else 0):
        row = indices[dimension]
        least, most = int(row.min()), int(row.max())
        if least < 0:
            raise RuntimeError(f"found negative index {least} for dim {dimension}")
        if most >= size[dimension]:
            raise RuntimeError(
                f"size is inconsistent with indices: for dim {dimension}, size is "
                f"{size[dimension]} but found index {most}"
            )
    return size


def at_places_of(mask: SparseTensor, dense: Tensor) -> SparseTensor:
    """Return the elements of a dense tensor at the places of a sparse one.

    Raises:
        RuntimeError: the sizes differ.
    """
    if dense.shape != mask.shape:
        raise RuntimeError(
            "sparse_mask(): operands have incompatible sizes; self has size "
            f"{list(dense.shape)} but mask has size {list(mask.shape)}"
        )
    indices = mask._parts[0]
    made: Any = type(mask)._of(indices, dense[tuple(indices)], mask.shape, mask._is_coalesced)
    return made


def to_sparse_coo(dense: Tensor, sparse_dim: int | None = None) -> SparseTensor:
    """Return a dense tensor as coordinates and values of what is not zero in it.

    Args:
        dense: any dense tensor.
        sparse_dim: how many dimensions get coordinates, the first ones; all by default.
    """
    count = dense.dim() if sparse_dim is None else sparse_dim
    if not 0 <= count <= dense.dim():
        raise RuntimeError(
            f"dense_to_sparse: sparse_dim argument must be in [0,{dense.dim()}] range, but "
            f"{count} is given"
        )
    used = dense.detach() != 0
    if count < dense.dim():
        used = used.flatten(count).any(-1)
    indices = used.nonzero().t().contiguous()
    values = dense[tuple(indices)] if count else dense.unsqueeze(0)
    if not count:
        indices = indices.new_zeros((0, 1))
    return SparseTensor._of(indices, values, dense.shape, True)
