"""Questions about values, as functions: the methods of tensors answer most of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.overrides import handle_torch_function, has_torch_function_unary

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = [
    "get_device",
    "is_complex",
    "is_conj",
    "is_floating_point",
    "is_inference",
    "is_neg",
    "is_nonzero",
    "is_signed",
    "is_storage",
    "is_tensor",
    "numel",
]


def is_tensor(obj: Any) -> bool:
    """Tell whether a value is a tensor.

    Example:
        >>> is_tensor(tallow.ones(1))
        True
    """
    return isinstance(obj, tallow.Tensor)


def is_storage(obj: Any) -> bool:
    """Tell whether a value is the storage of a tensor."""
    return isinstance(obj, (tallow.UntypedStorage, tallow.TypedStorage))


def _asked(function: Any, input: Any) -> Any:
    """Put the question of the same name to a tensor, or to what takes the call over."""
    if has_torch_function_unary(input):
        return handle_torch_function(function, (input,), input)
    if not isinstance(input, tallow.Tensor):
        raise TypeError(
            f"{function.__name__}(): argument 'input' (position 1) must be Tensor, not "
            f"{type(input).__name__}"
        )
    return getattr(input, function.__name__)()


def numel(input: Tensor) -> int:
    """Return the number of elements.

    Example:
        >>> numel(tallow.ones(2, 3))
        6
    """
    return _asked(numel, input)


def is_floating_point(input: Tensor) -> bool:
    """Tell whether the dtype is a floating point one."""
    return _asked(is_floating_point, input)


def is_complex(input: Tensor) -> bool:
    """Tell whether the dtype is a complex one."""
    return _asked(is_complex, input)


def is_signed(input: Tensor) -> bool:
    """Tell whether the dtype has negative numbers."""
    return _asked(is_signed, input)


def is_inference(input: Tensor) -> bool:
    """Tell whether the tensor was made in inference mode."""
    return _asked(is_inference, input)


def is_conj(input: Tensor) -> bool:
    """Tell whether conjugation is still to be carried out: it never is."""
    return _asked(is_conj, input)


def is_neg(input: Tensor) -> bool:
    """Tell whether negation is still to be carried out: it never is."""
    return _asked(is_neg, input)


def get_device(input: Tensor) -> int:
    """Return the index of the CUDA device, -1 on the CPU."""
    return _asked(get_device, input)


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
