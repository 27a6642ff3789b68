"""Adamax."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from ._rule import (
    PerParameterOptimizer,
    advance,
    check_betas,
    check_lr,
    check_not_negative,
    decayed,
    new_step_count,
    number,
)

if TYPE_CHECKING:
    from .._tensor import Tensor
    from .optimizer import ParamsT

__all__ = ["Adamax"]


class Adamax(PerParameterOptimizer):
    """Adam with a decaying maximum in place of the root mean square.

    With ``m`` the running average of the gradient and ``u = max(beta2 * u, |g| + eps)``:
    ``p -= lr / (1 - beta1**t) * m / u``.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of options; see :class:`Optimizer`.
        lr: step size, >= 0; a number or a one-element tensor.
        betas: decay rates of the average and of the maximum, each in [0, 1).
        eps: added to the size of the gradient, >= 0.
        weight_decay: factor of the L2 penalty, >= 0.
        foreach: accepted for compatibility; it does not change the numbers.
        maximize: climb instead of descend.
        differentiable: record the step for autograd; parameters must then be non-leaves.
        capturable: accepted for compatibility; it concerns CUDA graphs.

    Raises:
        ValueError: an option out of range.

    Source: Kingma and Ba, arXiv:1412.6980, algorithm 2.

    Example:
        >>> import tallow
        >>> weight = tallow.nn.Parameter(tallow.zeros(2))
        >>> optimizer = tallow.optim.Adamax([weight], lr=0.25, eps=0.0)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> weight.tolist()
        [-0.25, -0.25]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("epsilon", eps)
        check_betas(betas)
        check_not_negative("weight_decay", weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _new_state(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": new_step_count(),
            "exp_avg": tallow.zeros_like(param),
            "exp_inf": tallow.zeros_like(param),
        }

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        steps = advance(state["step"])
        grad = decayed(grad, param, group)
        beta1, beta2 = group["betas"]
        mean, largest = state["exp_avg"], state["exp_inf"]
        mean.lerp_(grad, 1 - beta1)
        largest.copy_(tallow.maximum(largest.mul_(beta2), grad.abs().add_(group["eps"])))
        param.addcdiv_(mean, largest, value=-number(group["lr"]) / (1 - beta1**steps))
