"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from ._rule import (
    PerParameterOptimizer,
    advance,
    check_lr,
    check_not_negative,
    decayed,
    new_step_count,
    number,
)

if TYPE_CHECKING:
    from .._tensor import Tensor
    from .optimizer import ParamsT

__all__ = ["ASGD"]


class ASGD(PerParameterOptimizer):
    """Take gradient steps of falling size and keep a running average of the parameters.

    The average is ``state[param]["ax"]``; it starts after ``t0`` steps.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of options; see :class:`Optimizer`.
        lr: step size, >= 0; a number or a one-element tensor.
        lambd: decay of the parameters and of the step size.
        alpha: power with which the step size falls.
        t0: number of steps before averaging starts.
        weight_decay: factor of the L2 penalty, >= 0.
        foreach: accepted for compatibility; it does not change the numbers.
        maximize: climb instead of descend.
        differentiable: record the step for autograd; parameters must then be non-leaves.
        capturable: accepted for compatibility; it concerns CUDA graphs.

    Raises:
        ValueError: an option out of range.

    Source: Polyak and Juditsky, Acceleration of stochastic approximation by averaging,
    SIAM J. Control Optim. 30, 1992; step size as in Bottou's sgd.

    Example:
        >>> import tallow
        >>> weight = tallow.nn.Parameter(tallow.zeros(2))
        >>> optimizer = tallow.optim.ASGD([weight], lr=0.5, lambd=0.0)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> weight.tolist()
        [-0.5, -0.5]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("weight_decay", weight_decay)
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
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
            "eta": new_step_count(number(group["lr"])),
            "mu": new_step_count(1.0),
            "ax": tallow.zeros_like(param),
        }

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        steps = advance(state["step"])
        grad = decayed(grad, param, group)
        lr, lambd = number(group["lr"]), group["lambd"]
        eta, mu = number(state["eta"]), number(state["mu"])
        param.mul_(1 - lambd * eta).add_(grad, alpha=-eta)
        average = state["ax"]
        if mu == 1:
            average.copy_(param)
        else:
            average.add_(param.sub(average).mul_(mu))
        state["eta"].fill_(lr / (1 + lambd * lr * steps) ** group["alpha"])
        state["mu"].fill_(1 / max(1, steps - group["t0"]))
