"""Private functions of PyTorch's optimisers, which optimisers written after them import."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

# Parts of docstrings.
_capturable_doc = "capturable (bool, optional): may steps be captured in a graph of a device?"
_differentiable_doc = "differentiable (bool, optional): may autograd record steps?"
_foreach_doc = "foreach (bool, optional): which of two implementations steps; they agree."
_fused_doc = "fused (bool, optional): which of two implementations steps; they agree."
_maximize_doc = "maximize (bool, optional): go up the gradient instead of down."
_params_doc = "params (iterable): the parameters, or a dict for each group of them."


def _use_grad_for_differentiable(step: Callable[..., Any]) -> Callable[..., Any]:
    """Let autograd record a step only if the optimiser's default ``differentiable`` says so."""

    @functools.wraps(step)
    def recorded(self: Any, *args: Any, **kwargs: Any) -> Any:
        with tallow.set_grad_enabled(bool(self.defaults["differentiable"])):
            return step(self, *args, **kwargs)

    return recorded


def _default_to_fused_or_foreach(
    params: list[Any], differentiable: bool, use_fused: bool = False
) -> tuple[bool, bool]:
    """Return whether to use each of the two other implementations: neither."""
    return False, False


def _disable_dynamo_if_unsupported(single_tensor_fn: Any = None) -> Callable[[Any], Any]:
    """Return a decorator that returns its function: nothing is compiled."""
    return lambda function: function


def _get_capturable_supported_devices(supports_xla: bool = True) -> list[str]:
    """Return the devices whose steps can be captured."""
    return ["cuda"]


def _get_scalar_dtype(is_fused: bool | None = None) -> Any:
    """Return the type of step counters."""
    wide = not is_fused and tallow.get_default_dtype() == tallow.float64
    return tallow.float64 if wide else tallow.float32


def _get_value(x: Any) -> Any:
    """Return a number, also of a tensor of one."""
    return x.item() if isinstance(x, tallow.Tensor) else x


def _dispatch_sqrt(x: Any) -> Any:
    """Return the root of a number or a tensor."""
    return x.sqrt() if isinstance(x, tallow.Tensor) else x**0.5


def _stack_if_compiling(x: Any) -> Any:
    """Return the numbers as they are."""
    return x


def _to_scalar(x: Any) -> Any:
    """Return a tensor of one number without dimensions, and a number as it is."""
    return x.squeeze() if isinstance(x, tallow.Tensor) and x.dim() != 0 else x


def _view_as_real(params: list[Tensor], *state_and_grads: list[Tensor]) -> None:
    """Replace complex tensors in lists by views of their real and imaginary parts."""
    for i, parameter in enumerate(params):
        if parameter.is_complex():
            for tensors in (params, *state_and_grads):
                tensors[i] = tallow.view_as_real(tensors[i])
