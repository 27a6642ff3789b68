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
]


def new_empty_strided(self: Tensor, size: Any, stride: Any, **options: Any) -> Tensor:
    """Make an uninitialised tensor of the same dtype with the given sizes and strides."""
    options.setdefault("dtype", self.dtype)
    return tallow.empty_strided(size, stride, **options)


def map_(self: Tensor, tensor: Tensor, callable: Callable[[Any, Any], Any]) -> Tensor:
    """Set each element to ``callable(element, element of tensor)``."""
    pairs = zip(self.flatten().tolist(), tensor.expand_as(self).flatten().tolist(), strict=True)
    values = [callable(a, b) for a, b in pairs]
    return self.copy_(tallow.tensor(values, dtype=self.dtype).reshape(self.shape))


def map2_(self: Tensor, x: Tensor, y: Tensor, callable: Callable[[Any, Any, Any], Any]) -> Tensor:
    """Set each element to ``callable(element, element of x, element of y)``."""
    columns = [v.expand_as(self).flatten().tolist() for v in (self, x, y)]
    values = [callable(*row) for row in zip(*columns, strict=True)]
    return self.copy_(tallow.tensor(values, dtype=self.dtype).reshape(self.shape))


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


def _refusal(name: str, what: str) -> Any:
    def refuse(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{name}: {what} are not supported; expected a dense tensor")

    refuse.__name__ = name
    refuse.__doc__ = f"Raise: {what} are not supported."
    return refuse


to_sparse = _refusal("to_sparse", "sparse tensors")
to_sparse_coo = _refusal("to_sparse_coo", "sparse tensors")
to_sparse_csr = _refusal("to_sparse_csr", "sparse tensors")
to_mkldnn = _refusal("to_mkldnn", "tensors of oneDNN")
chalf = _refusal("chalf", "complex numbers of half precision")
