"""Adam with Nesterov momentum."""

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

__all__ = ["NAdam"]


class NAdam(PerParameterOptimizer):
    """Adam whose first average looks one step ahead, with a slowly growing momentum.

    With ``mu_t = beta1 * (1 - 0.5 * 0.96**(t * momentum_decay))`` and ``M_t`` the product of the
    first ``t`` of them, the first average of Adam's rule is replaced by
    ``mu_{t+1} * m / (1 - M_{t+1}) + (1 - mu_t) * g / (1 - M_t)``.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of options; see :class:`Optimizer`.
        lr: step size, >= 0; a number or a one-element tensor.
        betas: decay rates of the averages of the gradient and its square, each in [0, 1).
        eps: added to the denominator, >= 0.
        weight_decay: factor of the L2 penalty, >= 0.
        momentum_decay: how fast the momentum grows towards ``beta1``, >= 0.
        decoupled_weight_decay: shrink the parameter directly, as AdamW does.
        foreach: accepted for compatibility; it does not change the numbers.
        maximize: climb instead of descend.
        capturable: accepted for compatibility; it concerns CUDA graphs.
        differentiable: record the step for autograd; parameters must then be non-leaves.

    Raises:
        ValueError: an option out of range.

    Source: Dozat, Incorporating Nesterov momentum into Adam, ICLR workshop 2016.

    Example:
        >>> import tallow
        >>> weight = tallow.nn.Parameter(tallow.zeros(2))
        >>> optimizer = tallow.optim.NAdam([weight], lr=0.0)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> weight.tolist()
        [0.0, 0.0]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_not_negative("epsilon", eps)
        check_betas(betas)
        check_not_negative("weight_decay", weight_decay)
        check_not_negative("momentum_decay", momentum_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _new_state(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {
            "step": new_step_count(),
            "mu_product": new_step_count(1.0),
            "exp_avg": tallow.zeros_like(param),
            "exp_avg_sq": tallow.zeros_like(param),
        }

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        steps = advance(state["step"])
        lr, (beta1, beta2) = number(group["lr"]), group["betas"]
        if group["decoupled_weight_decay"]:
            param.mul_(1 - lr * group["weight_decay"])
        else:
            grad = decayed(grad, param, group)
        decay = group["momentum_decay"]
        mu, mu_next = (beta1 * (1.0 - 0.5 * 0.96 ** (t * decay)) for t in (steps, steps + 1))
        product = float(state["mu_product"].mul_(mu).item())
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        root = square.div(1 - beta2**steps).sqrt_().add_(group["eps"])
        param.addcdiv_(grad, root, value=-lr * (1.0 - mu) / (1.0 - product))
        param.addcdiv_(mean, root, value=-lr * mu_next / (1.0 - product * mu_next))
