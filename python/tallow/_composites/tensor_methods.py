"""Methods of Tensor that few programs call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = [
    *("chalf", "dim_order", "is_distributed", "is_set_to", "map2_", "map_"),
    *("new_empty_strided", "record_stream", "resize", "resize_as", "storage_type", "to_dense"),
    *("to_mkldnn", "to_sparse", "to_sparse_coo", "to_sparse_csr"),
    *("to_sparse_bsc", "to_sparse_bsr", "to_sparse_csc", "as_strided_", "coalesce"),
    *("const_data_ptr", "dense_dim", "dequantize", "indices", "is_coalesced"),
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
    return self.set_(self.detach().as_strided(size, stride, offset))


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
    refuse.__doc__ = f"Raise: {name} is a method of sparse tensors, which are not supported."
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


to_sparse = _refusal("to_sparse", "sparse tensors")
to_sparse_coo = _refusal("to_sparse_coo", "sparse tensors")
to_sparse_csr = _refusal("to_sparse_csr", "sparse tensors")
to_sparse_bsc = _refusal("to_sparse_bsc", "sparse tensors")
to_sparse_bsr = _refusal("to_sparse_bsr", "sparse tensors")
to_sparse_csc = _refusal("to_sparse_csc", "sparse tensors")
sparse_mask = _refusal("sparse_mask", "sparse tensors")
to_mkldnn = _refusal("to_mkldnn", "tensors of oneDNN")
chalf = _refusal("chalf", "complex numbers of half precision")
