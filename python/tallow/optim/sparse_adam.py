"""Adam for sparse gradients, which do not exist here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from ._rule import PerParameterOptimizer

if TYPE_CHECKING:
    from .._tensor import Tensor
    from .optimizer import ParamsT

__all__ = ["SparseAdam"]


class SparseAdam(PerParameterOptimizer):
    """Adam that updates only the rows of an embedding that a sparse gradient has.

    tallow has no sparse tensors, so no gradient is ever sparse: the optimiser can be made, its
    options are checked and its ``state_dict`` can be exchanged with PyTorch, but ``step`` refuses
    every gradient, as PyTorch's refuses dense ones. Use :class:`Adam` instead.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of options; see :class:`Optimizer`.
        lr: step size, > 0; a number or a one-element tensor.
        betas: decay rates of the averages of the gradient and its square, each in [0, 1).
        eps: added to the denominator, > 0.
        maximize: climb instead of descend.

    Raises:
        ValueError: an option out of range, or a complex parameter.
        RuntimeError: ``step`` meets a gradient.

    Example:
        >>> import tallow
        >>> weight = tallow.nn.Parameter(tallow.ones(2))
        >>> optimizer = tallow.optim.SparseAdam([weight])
        >>> weight.sum().backward()
        >>> optimizer.step()
        Traceback (most recent call last):
        RuntimeError: SparseAdam does not support dense gradients, please consider Adam instead
    """

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

    def _step_group(self, group: dict[str, Any]) -> None:
        if any(param.grad is not None for param in group["params"]):
            raise RuntimeError(
                "SparseAdam does not support dense gradients, please consider Adam instead"
            )
