"""Adam for sparse gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from ._rule import PerParameterOptimizer, number

if TYPE_CHECKING:
    from .._tensor import Tensor
    from .optimizer import ParamsT

__all__ = ["SparseAdam"]


class SparseAdam(PerParameterOptimizer):
    """Adam that updates only the rows of an embedding that a sparse gradient has.

    The averages of a row, too, change only in steps whose gradient has the row.

    Source: :class:`Adam`, and PyTorch's documentation of ``SparseAdam``.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of options; see :class:`Optimizer`.
        lr: step size, > 0; a number or a one-element tensor.
        betas: decay rates of the averages of the gradient and its square, each in [0, 1).
        eps: added to the denominator, > 0.
        maximize: climb instead of descend.

    Raises:
        ValueError: an option out of range, or a complex parameter.
        RuntimeError: ``step`` meets a dense gradient.

    Example:
        >>> import tallow
        >>> table = tallow.nn.Embedding(3, 2, sparse=True, _weight=tallow.ones(3, 2))
        >>> optimizer = tallow.optim.SparseAdam(table.parameters(), lr=0.5)
        >>> table(tallow.tensor([1])).sum().backward()
        >>> optimizer.step()
        >>> table.weight.detach()[:, 0]
        tensor([1.0000, 0.5000, 1.0000])
    """

    _takes_sparse_gradients = True

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        maximize: bool = False,
    ) -> None:
        if isinstance(lr, tallow.Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr > 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not eps > 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        for index, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Invalid beta parameter at index {index}: {beta}")
        defaults = {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize}
        super().__init__(params, defaults)
        for group in self.param_groups:
            if any(param.is_complex() for param in group["params"]):
                raise ValueError("SparseAdam does not support complex parameters")

    def _new_state(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        zeros = tallow.zeros_like(param), tallow.zeros_like(param)
        return {"step": 0, "exp_avg": zeros[0], "exp_avg_sq": zeros[1]}

    def _update(
        self, param: Tensor, grad: Any, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not grad.is_sparse:
            raise RuntimeError(
                "SparseAdam does not support dense gradients, please consider Adam instead"
            )
        state["step"] += 1
        grad = grad.coalesce()
        if not grad.values().numel():
            return
        first, second = group["betas"]
        average = _moved(state["exp_avg"], grad, grad.values(), first)
        square = _moved(state["exp_avg_sq"], grad, grad.values().square(), second)
        bias = 1 - first ** state["step"], 1 - second ** state["step"]
        rate = number(group["lr"]) * bias[1] ** 0.5 / bias[0]
        param.add_(_at(grad, average / square.sqrt().add_(group["eps"])), alpha=-rate)


def _at(places: Any, values: Tensor) -> Tensor:
    from tallow.sparse import sparse_coo_tensor

    return sparse_coo_tensor(places.indices(), values, places.shape)


def _moved(average: Any, grad: Any, values: Tensor, beta: float) -> Tensor:
    """Move a running average towards values at the places of a gradient; return it there."""
    before = average.sparse_mask(grad).values()
    step = (values - before).mul_(1 - beta)
    average.add_(_at(grad, step))
    return before + step
