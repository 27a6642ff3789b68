"""Gradients of convolutions with respect to one operand, without a graph of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import autograd
from tallow.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tallow import Tensor

__all__ = [
    *("conv1d_input", "conv1d_weight", "conv2d_input"),
    *("conv2d_weight", "conv3d_input", "conv3d_weight"),
]


def _gradient(
    run: Callable[[Tensor], Tensor], size: Sequence[int], like: Tensor, grad_output: Tensor
) -> Tensor:
    """The gradient of a linear function of a tensor of some size: at zero as everywhere."""
    again = tallow.is_grad_enabled()
    with tallow.enable_grad():
        point = tallow.zeros(tuple(size), dtype=like.dtype, device=like.device, requires_grad=True)
        (found,) = autograd.grad(run(point), point, grad_output, create_graph=again)
    return found


def _pair(name: str) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """The two functions for a convolution."""
    conv = getattr(functional, name)

    def of_input(
        input_size: Sequence[int],
        weight: Tensor,
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        return _gradient(
            lambda x: conv(x, weight, None, stride, padding, dilation, groups),
            input_size,
            weight,
            grad_output,
        )

    def of_weight(
        input: Tensor,
        weight_size: Sequence[int],
        grad_output: Tensor,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        return _gradient(
            lambda w: conv(input, w, None, stride, padding, dilation, groups),
            weight_size,
            input,
            grad_output,
        )

    for function, what in ((of_input, "input"), (of_weight, "weight")):
        function.__name__ = function.__qualname__ = f"{name}_{what}"
        function.__doc__ = (
            f"Return the gradient of :func:`{name}` with respect to its {what}.\n\n"
            f"The size of the {what} is given in its place; the other arguments are those of the\n"
            "convolution, without a bias, and `grad_output` is the gradient of its result."
        )
    return of_input, of_weight


conv1d_input, conv1d_weight = _pair("conv1d")
conv2d_input, conv2d_weight = _pair("conv2d")
conv3d_input, conv3d_weight = _pair("conv3d")
