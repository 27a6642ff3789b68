"""``Variable``, the name tensors with gradients had before tensors and variables were merged."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["Variable"]


class _VariableMeta(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, tallow.Tensor)


class Variable(metaclass=_VariableMeta):
    """Old spelling of :class:`tallow.Tensor`; calling it returns a tensor.

    Args:
        data: the tensor to wrap; it shares memory with the result.
        requires_grad: whether the result records gradients.
        volatile: has no effect any more; giving it warns.

    Raises:
        TypeError: `data` is not a tensor.
        RuntimeError: gradients wanted of an integer or boolean tensor.

    Example:
        >>> Variable(tallow.ones(1), requires_grad=True)
        tensor([1.], requires_grad=True)
    """

    def __new__(  # type: ignore[misc]
        cls, data: Any = None, requires_grad: bool = False, volatile: Any = None
    ) -> Tensor:
        """Return a tensor that shares memory with `data`."""
        if volatile is not None:
            warnings.warn(
                "volatile was removed and now has no effect. Use `with tallow.no_grad():` instead.",
                stacklevel=2,
            )
        if data is None:
            data = tallow.empty(0)
        if not isinstance(data, tallow.Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        if requires_grad and not (data.is_floating_point() or data.is_complex()):
            raise RuntimeError(
                "Only Tensors of floating point and complex dtype can require gradients"
            )
        return data.detach().requires_grad_(requires_grad)
