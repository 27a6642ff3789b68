"""Muon."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow

from ._rule import PerParameterOptimizer, number

if TYPE_CHECKING:
    from .._tensor import Tensor
    from .optimizer import ParamsT

__all__ = ["Muon"]

_MOST_STEPS = 100


class Muon(PerParameterOptimizer):
    """Momentum whose update is made nearly orthogonal before it is applied; for matrices only.

    Args:
        params: two-dimensional tensors, ``(name, tensor)`` pairs or dicts of options; see
            :class:`Optimizer`.
        lr: step size, >= 0; a number or a one-element tensor.
        weight_decay: share of the parameter, times ``lr``, that is taken away; >= 0.
        momentum: weight of the past in the average of gradients, >= 0.
        nesterov: look ahead along the average.
        ns_coefficients: of the first, third and fifth power in the Newton-Schulz iteration.
        eps: lower bound of the norm that the update is divided by.
        ns_steps: number of Newton-Schulz iterations, < 100; computed in bfloat16.
        adjust_lr_fn: ``"original"`` or None scales the step by the root of rows over columns where
            that is above one; ``"match_rms_adamw"`` by 0.2 times the root of the longer side.

    Raises:
        ValueError: an option out of range, or a parameter of other than two dimensions.
        RuntimeError: a complex parameter, at the first step.

    Source: Jordan, Muon: an optimizer for hidden layers in neural networks, 2024; Liu et al.,
    Muon is scalable for LLM training, arXiv:2502.16982, section 2.2.

    Example:
        >>> import tallow
        >>> weight = tallow.nn.Parameter(tallow.zeros(2, 2))
        >>> optimizer = tallow.optim.Muon([weight], lr=0.1)
        >>> (weight * tallow.tensor([[1.0, 0.0], [0.0, 3.0]])).sum().backward()
        >>> optimizer.step()
        >>> bool(weight[0, 0] < -0.05), bool(weight[0, 1].abs() < 0.01)
        (True, True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        if isinstance(lr, tallow.Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        for name, value in (
            ("Learning rate", lr),
            ("momentum", momentum),
            ("weight decay", weight_decay),
        ):
            if not value >= 0.0:
                raise ValueError(f"{name} should be >= 0 but is: {value}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                if param.dim() != 2:
                    raise ValueError(
                        "Muon only supports 2D parameters whereas we found a parameter with size: "
                        f"{param.size()}"
                    )

    def _step_group(self, group: dict[str, Any]) -> None:
        if any(param.grad is not None and param.is_complex() for param in group["params"]):
            raise RuntimeError("Muon does not support complex parameters")
        if group["ns_steps"] >= _MOST_STEPS:
            raise ValueError(
                f"Number of steps must be less than {_MOST_STEPS} for computational efficiency"
            )
        if len(group["ns_coefficients"]) != 3:
            raise ValueError("Coefficients must be a tuple of exactly 3 values")
        super()._step_group(group)

    def _new_state(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {"momentum_buffer": tallow.zeros_like(param)}

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        lr, momentum = number(group["lr"]), group["momentum"]
        average = state["momentum_buffer"]
        average.lerp_(grad, 1 - momentum)
        update = grad.lerp(average, momentum) if group["nesterov"] else average
        update = _orthogonalised(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = param.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            scale = 0.2 * math.sqrt(max(rows, columns))
        else:
            scale = math.sqrt(max(1, rows / columns)) if columns else 1.0
        param.mul_(1 - lr * group["weight_decay"])
        param.add_(update, alpha=-lr * scale)


def _orthogonalised(
    x: Tensor, coefficients: tuple[float, float, float], steps: int, eps: float
) -> Tensor:
    """Push all singular values of a matrix towards one by an odd polynomial of degree five."""
    first, third, fifth = coefficients
    y = x.bfloat16()
    tall = y.size(0) > y.size(1)
    if tall:
        y = y.T
    y = y / y.norm().clamp(min=eps)
    for _ in range(steps):
        gram = y @ y.T
        powers = tallow.addmm(gram, gram, gram, beta=third, alpha=fifth)
        y = tallow.addmm(y, powers, y, beta=first)
    return y.T if tall else y
