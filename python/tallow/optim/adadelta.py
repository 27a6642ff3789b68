"""Adadelta."""

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

__all__ = ["Adadelta"]


class Adadelta(PerParameterOptimizer):
    """Scale each gradient by the ratio of past step sizes to past gradient sizes.

    With ``v`` and ``d`` the running averages of the squared gradient and of the squared step:
    ``step = sqrt(d + eps) / sqrt(v + eps) * g`` and ``p -= lr * step``.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of options; see :class:`Optimizer`.
        lr: step size, >= 0; a number or a one-element tensor.
        rho: decay rate of both averages, in [0, 1].
        eps: added under both roots, >= 0.
        weight_decay: factor of the L2 penalty, >= 0.
        foreach: accepted for compatibility; it does not change the numbers.
        capturable: accepted for compatibility; it concerns CUDA graphs.
        maximize: climb instead of descend.
        differentiable: record the step for autograd; parameters must then be non-leaves.

    Raises:
        ValueError: an option out of range.

    Source: Zeiler, arXiv:1212.5701, algorithm 1.

    Example:
        >>> import tallow
        >>> weight = tallow.nn.Parameter(tallow.zeros(2))
        >>> optimizer = tallow.optim.Adadelta([weight], rho=0.0, eps=1.0)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> weight.tolist()
        [-0.7071067690849304, -0.7071067690849304]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative("epsilon", eps)
        check_not_negative("weight_decay", weight_decay)
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _new_state(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": new_step_count(),
            "square_avg": tallow.zeros_like(param),
            "acc_delta": tallow.zeros_like(param),
        }

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        advance(state["step"])
        grad = decayed(grad, param, group)
        rho, eps = group["rho"], group["eps"]
        square, travelled = state["square_avg"], state["acc_delta"]
        square.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        root = square.add(eps).sqrt_()
        delta = travelled.add(eps).sqrt_().div_(root).mul_(grad)
        travelled.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        param.add_(delta, alpha=-number(group["lr"]))
