"""Questions about values that are not, or need not be, tensors."""

from __future__ import annotations

from typing import Any

from tallow._tensor import Tensor
from tallow.overrides import handle_torch_function, has_torch_function_unary
from tallow.storage import TypedStorage, UntypedStorage

__all__ = ["is_nonzero", "is_storage", "is_tensor"]

_STORAGES = (UntypedStorage, TypedStorage)


def is_tensor(obj: Any) -> bool:
    """Tell whether a value is a tensor.

    Example:
        >>> is_tensor(tallow.ones(1))
        True
    """
    return isinstance(obj, Tensor)


def is_storage(obj: Any) -> bool:
    """Tell whether a value is the storage of a tensor."""
    return not isinstance(obj, Tensor) and isinstance(obj, _STORAGES)


def is_nonzero(input: Tensor) -> bool:
    """Tell whether the only element of a tensor is not zero.

    Raises:
        RuntimeError: the tensor does not have one element.

    Example:
        >>> is_nonzero(tallow.tensor([0.0]))
        False
    """
    if has_torch_function_unary(input):
        return handle_torch_function(is_nonzero, (input,), input)
    return bool(input)
