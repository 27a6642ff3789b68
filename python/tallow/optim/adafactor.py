"""Adafactor."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow

from ._rule import PerParameterOptimizer, advance, new_step_count, number

if TYPE_CHECKING:
    from .._tensor import Tensor
    from .optimizer import ParamsT

__all__ = ["Adafactor"]


class Adafactor(PerParameterOptimizer):
    """Adam whose average of squares is kept as one row and one column per matrix.

    The size of a step is relative to the size of the parameter.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of options; see :class:`Optimizer`.
        lr: upper bound of the relative step size, >= 0; a number or a one-element tensor.
        beta2_decay: exponent of the step number in the weight of a new square, <= 0.
        eps: lower bounds of the squares, by default the dtype's precision, and of the size of a
            parameter.
        d: largest root mean square of an update, >= 1.
        weight_decay: share of the parameter, times ``lr``, that is taken away; >= 0.
        foreach: accepted for compatibility; it does not change the numbers.
        maximize: climb instead of descend.

    Raises:
        ValueError: an option out of range.
        RuntimeError: a complex parameter, at the first step.

    Source: Shazeer and Stern, Adafactor: adaptive learning rates with sublinear memory cost,
    arXiv:1804.04235, algorithms 4 and 5.

    Example:
        >>> import tallow
        >>> weight = tallow.nn.Parameter(tallow.ones(2, 3))
        >>> optimizer = tallow.optim.Adafactor([weight], lr=0.5)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> weight.mean()
        tensor(0.5000, grad_fn=<MeanBackward0>)
        >>> [tuple(value.shape) for value in optimizer.state[weight].values()]
        [(), (2, 1), (1, 3)]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, tallow.Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        for name, value in (("Learning rate", lr), ("epsilon1", eps[0] or 0.0)):
            if not value >= 0.0:
                raise ValueError(f"{name} should be >= 0 but is: {value}")
        if not beta2_decay <= 0.0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if not eps[1] >= 0.0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if not d >= 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        if not weight_decay >= 0.0:
            raise ValueError(f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _step_group(self, group: dict[str, Any]) -> None:
        if any(param.grad is not None and param.is_complex() for param in group["params"]):
            raise RuntimeError("Adafactor does not support complex parameters")
        super()._step_group(group)

    def _new_state(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = {"step": new_step_count()}
        grad: Any = param.grad
        if grad.dim() <= 1:
            state["variance"] = tallow.zeros_like(grad)
        else:
            *batch, rows, columns = grad.shape
            state["row_var"] = grad.new_zeros(*batch, rows, 1)
            state["col_var"] = grad.new_zeros(*batch, 1, columns)
        return state

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        steps, lr = advance(state["step"]), number(group["lr"])
        floor, least = group["eps"]
        if floor is None:
            floor = tallow.finfo(param.dtype).eps
        fresh = steps ** group["beta2_decay"]
        size = max(least, _mean_root(param)) * min(lr, 1.0 / math.sqrt(steps))
        if group["weight_decay"] != 0:
            param.mul_(1 - lr * group["weight_decay"])
        if grad.dim() > 1:
            rows, columns = state["row_var"], state["col_var"]
            rows.lerp_(grad.norm(dim=-1, keepdim=True).square_().div_(grad.size(-1)), fresh)
            columns.lerp_(grad.norm(dim=-2, keepdim=True).square_().div_(grad.size(-2)), fresh)
            square = rows @ columns
            square.div_(rows.mean(dim=-2, keepdim=True).clamp_(min=floor))
        else:
            state["variance"].lerp_(grad * grad, fresh)
            square = state["variance"].clone()
        update = square.clamp_(min=floor * floor).rsqrt_().mul_(grad)
        param.add_(update, alpha=-size / max(1.0, _mean_root(update) / group["d"]))


def _mean_root(x: Tensor) -> float:
    """The root of the mean square of all elements."""
    return float(x.norm(2).item()) / math.sqrt(max(x.numel(), 1))
