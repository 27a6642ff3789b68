"""Limiting the size of gradients, in place."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import tallow
from tallow._tensor import Tensor
from tallow._user_frame import outside_stacklevel
from tallow.autograd.grad_mode import no_grad
from tallow.nn._spelling import package

if TYPE_CHECKING:
    from collections.abc import Iterable

    Tensors = Tensor | Iterable[Tensor]

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "get_total_norm",
]


def _as_list(tensors: Tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _gradients(parameters: Tensors) -> list[Tensor]:
    return [p.grad for p in _as_list(parameters) if p.grad is not None]


def get_total_norm(
    tensors: Tensors,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Compute the norm of all elements of several tensors together.

    Args:
        tensors: one tensor or several.
        norm_type: exponent of the norm; may be infinite.
        error_if_nonfinite: raise if the norm is infinite or not a number.
        foreach: accepted and not needed: the result is the same either way.

    Raises:
        RuntimeError: see ``error_if_nonfinite``.

    Example:
        >>> get_total_norm([tallow.tensor([3.0]), tallow.tensor([4.0])])
        tensor(5.)
    """
    norm_type = float(norm_type)
    with no_grad():
        norms = [t.norm(norm_type) for t in _as_list(tensors)]
        if not norms:
            return tallow.tensor(0.0)
        device = norms[0].device
        total = tallow.stack([norm.to(device) for norm in norms]).norm(norm_type)
    if error_if_nonfinite and not bool(total.isfinite()):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, "
            "so it cannot be clipped. To disable this error and scale the gradients by the "
            "non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return total


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale gradients whose norm is ``total_norm`` such that it does not exceed ``max_norm``.

    Args:
        parameters: the tensors whose gradients are scaled in place.
        max_norm: the bound.
        total_norm: what :func:`get_total_norm` computed.
        foreach: accepted and not needed: the result is the same either way.
    """
    gradients = _gradients(parameters)
    if not gradients:
        return
    # The small summand keeps the quotient finite. No branch: the norm stays on its device.
    with no_grad():
        factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
        for grad in gradients:
            grad.mul_(factor.to(grad.device))


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients such that their norm together does not exceed ``max_norm``.

    Args:
        parameters: the tensors whose gradients are scaled in place.
        max_norm: the bound.
        norm_type: exponent of the norm; may be infinite.
        error_if_nonfinite: raise if the norm is infinite or not a number.
        foreach: accepted and not needed: the result is the same either way.

    Returns:
        The norm before scaling.

    Raises:
        RuntimeError: see ``error_if_nonfinite``; no gradient has been changed then.

    Source: R. Pascanu, T. Mikolov, Y. Bengio, On the difficulty of training recurrent neural
    networks, ICML 2013.
    """
    parameters = _as_list(parameters)
    total = get_total_norm(_gradients(parameters), norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(parameters, max_norm, total, foreach)
    return total


def clip_grad_norm(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Old name of :func:`clip_grad_norm_`; deprecated."""
    warnings.warn(
        f"`{package()}.nn.utils.clip_grad_norm` is now deprecated in favor of "
        f"`{package()}.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=outside_stacklevel(),
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Clamp every element of the gradients to ``[-clip_value, clip_value]``.

    Args:
        parameters: the tensors whose gradients are clamped in place.
        clip_value: the bound.
        foreach: accepted and not needed: the result is the same either way.
    """
    clip_value = float(clip_value)
    with no_grad():
        for grad in _gradients(parameters):
            grad.clamp_(min=-clip_value, max=clip_value)
