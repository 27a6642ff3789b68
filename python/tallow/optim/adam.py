"""Adam, with coupled or decoupled weight decay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C

from .._tensor import Tensor
from ._rule import (
    PerParameterOptimizer,
    advance,
    check_betas,
    check_implementation,
    check_lr,
    check_not_negative,
    decayed,
    new_step_count,
    number,
    on_device,
    places_steps_on_device,
    suits_native_step,
    with_gradients,
)

if TYPE_CHECKING:
    from .optimizer import ParamsT

_VF = _C._VariableFunctions

__all__ = ["Adam"]


class Adam(PerParameterOptimizer):
    """Scale each step by running averages of the gradient and of its square.

    With ``t`` the number of steps so far, ``m`` and ``v`` the averages with decay rates
    ``betas``: ``p -= lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)``.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of options; see :class:`Optimizer`.
        lr: step size, >= 0; a number or a one-element tensor.
        betas: decay rates of the two averages, each in [0, 1).
        eps: added to the denominator, >= 0.
        weight_decay: factor of the L2 penalty, >= 0.
        amsgrad: divide by the largest ``v`` seen so far.
        foreach: accepted for compatibility; a step always treats the list of parameters at once.
        maximize: climb instead of descend.
        capturable: count the steps of CUDA parameters on their device, so that a CUDA graph can
            record ``step``. ``cuda.capture`` asks for it itself.
        differentiable: record the step for autograd; parameters must then be non-leaves.
        fused: accepted for compatibility, as ``foreach``.
        decoupled_weight_decay: shrink the parameter directly instead of adding the penalty's
            gradient, which makes this AdamW.

    Raises:
        ValueError: an option out of range.

    Source: Kingma and Ba, arXiv:1412.6980, algorithm 1; Reddi et al., On the convergence of Adam
    and beyond, ICLR 2018; Loshchilov and Hutter, arXiv:1711.05101.

    Example:
        >>> import tallow
        >>> weight = tallow.nn.Parameter(tallow.zeros(2))
        >>> optimizer = tallow.optim.Adam([weight], lr=0.25)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> [round(value, 4) for value in weight.tolist()]
        [-0.25, -0.25]
    """

    _refusal_of_sparse = (
        "Adam does not support sparse gradients, please consider SparseAdam instead"
    )

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        if isinstance(lr, Tensor) and foreach and not capturable:
            raise ValueError(
                "lr as a Tensor is not supported for capturable=False and foreach=True"
            )
        check_lr(lr)
        check_not_negative("epsilon", eps)
        check_betas(betas)
        check_not_negative("weight_decay", weight_decay)
        check_implementation(foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _new_state(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state = {
            "step": new_step_count(),
            "exp_avg": tallow.zeros_like(param, memory_format=tallow.preserve_format),
            "exp_avg_sq": tallow.zeros_like(param, memory_format=tallow.preserve_format),
        }
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = tallow.zeros_like(param, memory_format=tallow.preserve_format)
        return state

    def _step_group(self, group: dict[str, Any]) -> None:
        params, grads = with_gradients(group)
        if places_steps_on_device(self, group, params):
            for param, grad in zip(params, grads, strict=True):
                self._step_on_device(param, grad, group)
            return
        if not suits_native_step(group, params, grads):
            super()._step_group(group)
            return
        means, squares, largest, steps = [], [], [], []
        for param in params:
            state = self.state[param]
            if not state:
                state.update(self._new_state(param, group))
            means.append(state["exp_avg"])
            squares.append(state["exp_avg_sq"])
            if group["amsgrad"]:
                largest.append(state["max_exp_avg_sq"])
            step = state["step"]
            if step.is_cuda:
                step = state["step"] = step.cpu()
            step += 1
            steps.append(step)
        native = _VF._fused_adamw_ if group["decoupled_weight_decay"] else _VF._fused_adam_
        beta1, beta2 = group["betas"]
        native(
            params,
            grads,
            means,
            squares,
            largest,
            steps,
            lr=number(group["lr"]),
            beta1=number(beta1),
            beta2=number(beta2),
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=group["amsgrad"],
            maximize=group["maximize"],
        )

    def _step_on_device(self, param: Tensor, grad: Tensor, group: dict[str, Any]) -> None:
        """The same step with its number on the device: nothing is read back."""
        state = self.state[param]
        if not state:
            state.update(self._new_state(param, group))
        state["step"] = step = on_device(state["step"], param)
        step += 1
        if group["maximize"]:
            grad = -grad
        lr, (beta1, beta2) = group["lr"], map(number, group["betas"])
        mean, square = _averages(param, grad, state, group, lr)
        root = (square.sqrt() / (1 - beta2**step).sqrt()).add_(group["eps"])
        param.addcdiv_(mean, root * ((beta1**step - 1) / lr))

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        lr, (beta1, beta2) = number(group["lr"]), map(number, group["betas"])
        mean, square = _averages(param, grad, state, group, lr)
        steps = advance(state["step"])
        root = (square.sqrt() / (1 - beta2**steps) ** 0.5).add_(group["eps"])
        param.addcdiv_(mean, root, value=-lr / (1 - beta1**steps))


def _averages(
    param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any], lr: Any
) -> tuple[Tensor, Tensor]:
    """Decay the weights and move the running averages; return those that the step divides."""
    if group["decoupled_weight_decay"]:
        param.mul_(1 - lr * group["weight_decay"])
    else:
        grad = decayed(grad, param, group)
    beta1, beta2 = map(number, group["betas"])
    mean, square = state["exp_avg"], state["exp_avg_sq"]
    mean.lerp_(grad, 1 - beta1)
    square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
    if group["amsgrad"]:
        largest = state["max_exp_avg_sq"]
        square = largest.copy_(tallow.maximum(largest, square))
    return mean, square
