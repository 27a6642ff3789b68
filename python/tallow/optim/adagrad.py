"""Adagrad."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from ._rule import (
    PerParameterOptimizer,
    advance,
    check_implementation,
    check_lr,
    check_not_negative,
    decayed,
    new_step_count,
    number,
)

if TYPE_CHECKING:
    from .._tensor import Tensor
    from .optimizer import ParamsT

__all__ = ["Adagrad"]


class Adagrad(PerParameterOptimizer):
    """Divide each gradient by the root of the sum of all past squared gradients.

    With ``s`` that sum and ``t`` the number of steps before this one:
    ``p -= lr / (1 + t * lr_decay) * g / (sqrt(s) + eps)``.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of options; see :class:`Optimizer`.
        lr: step size, >= 0; a number or a one-element tensor.
        lr_decay: how fast the step size falls with the number of steps, >= 0.
        weight_decay: factor of the L2 penalty, >= 0.
        initial_accumulator_value: what the sum of squares starts from, >= 0.
        eps: added to the denominator, >= 0.
        foreach: accepted for compatibility; it does not change the numbers.
        maximize: climb instead of descend.
        differentiable: record the step for autograd; parameters must then be non-leaves.
        fused: accepted for compatibility, as ``foreach``.

    Raises:
        ValueError: an option out of range.

    Source: Duchi, Hazan and Singer, Adaptive subgradient methods, JMLR 12, 2011.

    Example:
        >>> import tallow
        >>> weight = tallow.nn.Parameter(tallow.zeros(2))
        >>> optimizer = tallow.optim.Adagrad([weight], lr=0.5, eps=0.0)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> weight.tolist()
        [-0.5, -0.5]
    """

    _takes_sparse_gradients = True

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_not_negative("lr_decay", lr_decay)
        check_not_negative("weight_decay", weight_decay)
        check_not_negative("initial_accumulator_value", initial_accumulator_value)
        check_not_negative("epsilon", eps)
        check_implementation(foreach, fused, differentiable)
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for param in group["params"]:
                self.state[param] = self._new_state(param, group)

    def share_memory(self) -> None:
        """Move the sums of squares to shared memory, for training by several processes."""
        for state in self.state.values():
            state["sum"].share_memory_()

    def _new_state(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        start = group["initial_accumulator_value"]
        if param.is_complex():
            start = complex(start, start)
        return {"step": new_step_count(), "sum": tallow.full_like(param, start)}

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if grad.is_sparse and group["weight_decay"] != 0:
            raise RuntimeError("weight_decay option is not compatible with sparse gradients")
        steps = advance(state["step"])
        lr = number(group["lr"]) / (1 + (steps - 1) * group["lr_decay"])
        if grad.is_sparse:
            _update_rows(param, grad, state["sum"], lr, group["eps"])
            return
        grad = decayed(grad, param, group)
        state["sum"].addcmul_(grad, grad)
        param.addcdiv_(grad, state["sum"].sqrt().add_(group["eps"]), value=-lr)


def _update_rows(param: Tensor, grad: Any, total: Any, lr: float, eps: float) -> None:
    """The same rule for those rows that a sparse gradient has."""
    from tallow.sparse import sparse_coo_tensor

    grad = grad.coalesce()
    total.add_(grad.square())
    root = total.sparse_mask(grad).values().sqrt().add_(eps)
    param.add_(sparse_coo_tensor(grad.indices(), grad.values() / root, grad.shape), alpha=-lr)
