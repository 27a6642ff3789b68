"""Questions about one object, as functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.overrides import handle_torch_function, has_torch_function_unary

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = [
    "get_device",
    "is_complex",
    "is_floating_point",
    "is_inference",
    "is_nonzero",
    "is_signed",
    "is_storage",
    "is_tensor",
    "numel",
]


def is_tensor(obj: Any) -> bool:
    """Say whether `obj` is a tensor.

    Example:
        >>> is_tensor(tallow.ones(1)), is_tensor([1])
        (True, False)
    """
    return isinstance(obj, tallow.Tensor)


def is_storage(obj: Any) -> bool:
    """Say whether `obj` is the storage of a tensor."""
    return isinstance(obj, (tallow.UntypedStorage, tallow.TypedStorage))


def is_nonzero(input: Tensor) -> bool:
    """Return the truth value of a tensor with one element.

    Raises:
        RuntimeError: the tensor has no or several elements.
    """
    return bool(input)


def _asks(name: str) -> Any:
    def ask(input: Tensor) -> Any:
        if has_torch_function_unary(input):
            return handle_torch_function(ask, (input,), input)
        return getattr(input, name)()

    ask.__name__ = ask.__qualname__ = name
    ask.__doc__ = f"Return ``input.{name}()``."
    return ask


get_device = _asks("get_device")
is_complex = _asks("is_complex")
is_floating_point = _asks("is_floating_point")
is_inference = _asks("is_inference")
is_signed = _asks("is_signed")
numel = _asks("numel")
