"""Methods of Tensor that few programs call."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow.storage import as_tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

_VF = _C._VariableFunctions

__all__ = [
    *("chalf", "dim_order", "is_distributed", "is_set_to", "map2_", "map_"),
    *("new_empty_strided", "record_stream", "resize", "resize_as", "storage_type", "to_dense"),
    *("to_mkldnn", "to_sparse", "to_sparse_coo", "to_sparse_csr"),
    *("to_sparse_bsc", "to_sparse_bsr", "to_sparse_csc", "as_strided_", "coalesce"),
    *("const_data_ptr", "dense_dim", "dequantize", "indices", "is_coalesced", "set_"),
    *("module_load", "sparse_dim", "sparse_mask", "values"),
]


def new_empty_strided(self: Tensor, size: Any, stride: Any, **options: Any) -> Tensor:
    """Make an uninitialised tensor of the same dtype with the given sizes and strides."""
    options.setdefault("dtype", self.dtype)
    return tallow.empty_strided(size, stride, **options)


def map_(self: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Set each element to ``callable(element, element of tensor)``."""
    pairs = zip(self.flatten().tolist(), tensor.expand_as(self).flatten().tolist(), strict=True)
    values = [callable(a, b) for a, b in pairs]
    return self.copy_(
        tallow.tensor(values, dtype=self.dtype, device=self.device).reshape(self.shape)
    )


def map2_(self: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
    """Set each element to ``callable(element, element of x, element of y)``."""
    columns = [v.expand_as(self).flatten().tolist() for v in (self, x, y)]
    values = [callable(*row) for row in zip(*columns, strict=True)]
    return self.copy_(
        tallow.tensor(values, dtype=self.dtype, device=self.device).reshape(self.shape)
    )


def dim_order(self: Tensor, ambiguity_check: Any = False) -> tuple[int, ...]:
    """Return the dimensions from the one with the largest stride to that with the smallest.

    Args:
        self: a strided tensor.
        ambiguity_check: True: raise where another order would describe the memory as well; a list
            of memory formats: raise where the tensor has not exactly one of these.

    Raises:
        RuntimeError: as `ambiguity_check` asks for.

    Example:
        >>> tallow.empty(2, 3).t().dim_order()
        (1, 0)
    """
    if ambiguity_check is not False:
        _check_order(self, ambiguity_check)
    return tuple(sorted(range(self.dim()), key=self.stride, reverse=True))


def _check_order(self: Tensor, check: Any) -> None:
    if check is True:
        used = [stride for size, stride in zip(self.shape, self.stride(), strict=True) if size > 1]
        unique = len(used) == self.dim() and len(set(used)) == len(used)
    elif not isinstance(check, list | tuple):
        raise TypeError(
            "The ambiguity_check argument must be a bool or a list of memory formats, not "
            f"{type(check).__name__}"
        )
    else:
        unique = sum(self.is_contiguous(memory_format=form) for form in check) == 1
    if not unique:
        raise RuntimeError(
            "The tensor does not have unique dim order, or cannot map to exact one of the given "
            "memory formats."
        )


def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Tell whether both see the same memory in the same way."""
    return (
        self.data_ptr() == tensor.data_ptr()
        and self.shape == tensor.shape
        and self.stride() == tensor.stride()
    )


def is_distributed(self: Tensor) -> bool:
    """Return False."""
    return False


def record_stream(self: Tensor, stream: Any) -> None:
    """Raise: there are no streams on the CPU."""
    raise NotImplementedError("record_stream: expected a CUDA tensor, given one on the CPU")


def resize(self: Tensor, *sizes: Any) -> Tensor:
    """Return a resized copy of the view; the old spelling of ``resize_``."""
    return self.clone().resize_(*sizes)


def resize_as(self: Tensor, tensor: Tensor) -> Tensor:
    """Return a copy resized to the sizes of another tensor."""
    return self.clone().resize_(tensor.shape)


def storage_type(self: Tensor) -> Any:
    """Return the type of the storage."""
    return type(self.storage())


def to_dense(self: Tensor, dtype: Any = None, *, masked_grad: bool = True) -> Tensor:
    """Return the tensor: all are dense."""
    return self if dtype is None else self.to(dtype)


def set_(
    self: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None
) -> Tensor:
    """Let the tensor see the memory of another tensor or of a storage.

    Args:
        self: any tensor; its type stays.
        source: the tensor or storage; without one the tensor becomes empty.
        storage_offset: where the first element is, counted in elements.
        size: the sizes; those of `source` by default.
        stride: the strides; contiguous by default.

    Raises:
        RuntimeError: `source` has another type of elements or is too small, or `self` is a leaf
            that requires grad.
        TypeError: `source` is neither a tensor nor a storage.

    Example:
        >>> tallow.empty(0).set_(tallow.arange(4.0).untyped_storage(), 1, (3,))
        tensor([1., 2., 3.])
    """
    if source is None:
        return _VF._set_data(self)
    if not isinstance(source, tallow.Tensor):
        source = _elements(source, self.dtype)
    elif source.dtype != self.dtype:
        raise RuntimeError(
            f"Could not set tensor of type {source.dtype} to a tensor of type {self.dtype}"
        )
    if size is None:
        return _VF._set_data(self, source)
    size = (size,) if isinstance(size, int) else tuple(size)
    if stride is None:
        stride = [math.prod(size[d + 1 :]) for d in range(len(size))]
    return _VF._set_data(self, source.detach().as_strided(size, stride, storage_offset))


def _elements(storage: Any, dtype: Any) -> Tensor:
    """Return the whole storage as elements of a type that it has, or that its bytes may have."""
    if isinstance(storage, tallow.TypedStorage):
        if storage.dtype != dtype:
            raise RuntimeError(
                f"Expected a Storage of type {dtype} or an UntypedStorage, but got type "
                f"{storage.dtype} for argument 1 'storage'"
            )
        storage = storage.untyped()
    if not isinstance(storage, tallow.UntypedStorage):
        raise TypeError(
            "set_(): argument 'source' (position 1) must be Tensor or Storage, not "
            f"{type(storage).__name__}"
        )
    return as_tensor(storage, dtype)


def as_strided_(self: Tensor, size: Any, stride: Any, storage_offset: Any = None) -> Tensor:
    """Let the tensor see its storage with other sizes and strides.

    Raises:
        NotImplementedError: autograd would have to record it.
    """
    if self.requires_grad and tallow.is_grad_enabled():
        raise NotImplementedError(
            "as_strided_: recording is not supported; use as_strided, or detach the tensor"
        )
    offset = self.storage_offset() if storage_offset is None else storage_offset
    return _VF._set_data(self, self.detach().as_strided(size, stride, offset))


def const_data_ptr(self: Tensor) -> int:
    """Return the address of the first element, for reading."""
    return self.data_ptr()


def sparse_dim(self: Tensor) -> int:
    """Return the number of sparse dimensions: none."""
    return 0


def dense_dim(self: Tensor) -> int:
    """Return the number of dense dimensions: all."""
    return self.dim()


def dequantize(self: Tensor) -> Tensor:
    """Return the tensor in float32: nothing is quantised."""
    return self.float()


def module_load(self: Tensor, other: Tensor, assign: bool = False) -> Tensor:
    """Return what ``Module.load_state_dict`` puts in the place of this parameter."""
    return other.detach() if assign else self.copy_(other).detach()


def _sparse_only(name: str, coordinates: bool) -> Any:
    kind = "sparse coordinate" if coordinates else "sparse"

    def refuse(self: Tensor) -> Any:
        raise RuntimeError(f"{name} expected {kind} tensor layout but got Strided")

    refuse.__name__ = name
    refuse.__doc__ = f"Raise: {name} is a method of sparse tensors, and this one is dense."
    return refuse


coalesce = _sparse_only("coalesce", True)
indices = _sparse_only("indices", True)
is_coalesced = _sparse_only("is_coalesced", True)
values = _sparse_only("values", False)


def _refusal(name: str, what: str) -> Any:
    def refuse(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{name}: {what} are not supported; expected a dense tensor")

    refuse.__name__ = name
    refuse.__doc__ = f"Raise: {what} are not supported."
    return refuse


def to_sparse(
    self: Tensor, sparse_dim: int | None = None, *, layout: Any = None, **options: Any
) -> Tensor:
    """Return the tensor with coordinates and values of its elements that are not zero.

    Args:
        self: a dense tensor.
        sparse_dim: how many dimensions get coordinates, the first ones; all by default.
        layout: ``sparse_coo``, the default, or ``sparse_csr``.
        options: ``blocksize`` and ``dense_dim`` of PyTorch's other layouts, which are refused.

    Example:
        >>> tallow.tensor([0.0, 2.0]).to_sparse().values()
        tensor([2.])
    """
    from tallow.sparse import to_sparse_coo

    return to_sparse_coo(self, sparse_dim).to_sparse(layout=layout, **options)


def to_sparse_coo(self: Tensor) -> Tensor:
    """Return the tensor with coordinates and values of its elements that are not zero."""
    return to_sparse(self)


def to_sparse_csr(self: Tensor, dense_dim: int | None = None) -> Tensor:
    """Return the matrix as compressed rows of its elements that are not zero."""
    if self.dim() != 2:
        raise RuntimeError(
            f"to_sparse_csr: expected a matrix, given a tensor of {self.dim()} dimensions"
        )
    from tallow.sparse import to_sparse_coo

    return to_sparse_coo(self).to_sparse_csr(dense_dim)


def sparse_mask(self: Tensor, mask: Tensor) -> Tensor:
    """Return the elements at the places of a sparse tensor, as a sparse tensor.

    Args:
        self: a dense tensor.
        mask: a sparse tensor of the same sizes; its values do not matter.
    """
    from tallow.sparse._tensor import SparseTensor, at_places_of

    if not isinstance(mask, SparseTensor):
        raise RuntimeError(f"sparse_mask(): mask must be sparse, but got layout {mask.layout}")
    return at_places_of(mask, self)


to_sparse_bsc = _refusal("to_sparse_bsc", "tensors of the layout sparse_bsc")
to_sparse_bsr = _refusal("to_sparse_bsr", "tensors of the layout sparse_bsr")
to_sparse_csc = _refusal("to_sparse_csc", "tensors of the layout sparse_csc")
to_mkldnn = _refusal("to_mkldnn", "tensors of oneDNN")
chalf = _refusal("chalf", "complex numbers of half precision")
