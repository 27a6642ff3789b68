"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C

from ._rule import (
    PerParameterOptimizer,
    check_implementation,
    check_lr,
    check_not_negative,
    decayed,
    number,
    suits_native_step,
    with_gradients,
)

if TYPE_CHECKING:
    from .._tensor import Tensor
    from .optimizer import ParamsT

_VF = _C._VariableFunctions

__all__ = ["SGD"]


class SGD(PerParameterOptimizer):
    """Move against the gradient, optionally with a running sum of past gradients.

    With ``g`` the gradient plus ``weight_decay * p``: ``v = momentum * v + (1 - dampening) * g``
    (``v = g`` at the first step) and ``p -= lr * v``, or ``p -= lr * (g + momentum * v)`` with
    ``nesterov``.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of options; see :class:`Optimizer`.
        lr: step size, >= 0; a number or a one-element tensor.
        momentum: share of the running sum that is kept, >= 0.
        dampening: share of the new gradient that is left out of the running sum.
        weight_decay: factor of the L2 penalty, >= 0.
        nesterov: look ahead along the running sum; needs momentum and no dampening.
        maximize: climb instead of descend.
        foreach: accepted for compatibility; a step always treats the list of parameters at once.
        differentiable: record the step for autograd; parameters must then be non-leaves.
        fused: accepted for compatibility, as ``foreach``.

    Raises:
        ValueError: an option out of range.

    Source: Sutskever et al., On the importance of initialization and momentum in deep learning,
    ICML 2013, in the variant where the learning rate multiplies the whole step.

    Example:
        >>> import tallow
        >>> weight = tallow.nn.Parameter(tallow.tensor([1.0, 2.0]))
        >>> optimizer = tallow.optim.SGD([weight], lr=0.5)
        >>> (weight * weight).sum().backward()
        >>> optimizer.step()
        >>> weight.tolist()
        [0.0, 0.0]
    """

    _takes_sparse_gradients = True

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative("momentum", momentum)
        check_not_negative("weight_decay", number(weight_decay))
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_implementation(foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _step_group(self, group: dict[str, Any]) -> None:
        params, grads = with_gradients(group)
        if not suits_native_step(group, params, grads):
            super()._step_group(group)
            return
        if group["momentum"] == 0:
            self._native_step(group, params, grads, [], first=False)
            return
        states = [self.state[param] for param in params]
        buffers = [state.get("momentum_buffer") for state in states]
        if all(buffer is not None for buffer in buffers):
            self._native_step(group, params, grads, buffers, first=False)
            return
        for first in (True, False):
            chosen = [i for i, buffer in enumerate(buffers) if (buffer is None) == first]
            if not chosen:
                continue
            for i in chosen if first else ():
                states[i]["momentum_buffer"] = tallow.empty_like(params[i])
            self._native_step(
                group,
                [params[i] for i in chosen],
                [grads[i] for i in chosen],
                [states[i]["momentum_buffer"] for i in chosen],
                first=first,
            )

    def _native_step(
        self,
        group: dict[str, Any],
        params: list[Tensor],
        grads: list[Tensor],
        buffers: list[Tensor],
        *,
        first: bool,
    ) -> None:
        _VF._fused_sgd_(
            params,
            grads,
            buffers,
            weight_decay=number(group["weight_decay"]),
            momentum=group["momentum"],
            lr=number(group["lr"]),
            dampening=group["dampening"],
            nesterov=group["nesterov"],
            maximize=group["maximize"],
            is_first_step=first,
        )

    def _keeps_state(self, group: dict[str, Any]) -> bool:
        return bool(group["momentum"] != 0)

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        grad = decayed(grad, param, group)
        momentum = group["momentum"]
        if momentum != 0:
            velocity = state.get("momentum_buffer")
            if velocity is None:
                velocity = state["momentum_buffer"] = grad.detach().clone()
            else:
                velocity.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            grad = grad.add(velocity, alpha=momentum) if group["nesterov"] else velocity
        param.add_(grad, alpha=-number(group["lr"]))
