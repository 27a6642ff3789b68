"""Adam with decoupled weight decay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .adam import Adam

if TYPE_CHECKING:
    from .._tensor import Tensor
    from .optimizer import ParamsT

__all__ = ["AdamW"]


class AdamW(Adam):
    """Adam that shrinks each parameter by ``lr * weight_decay`` before its step.

    Args:
        params: tensors, ``(name, tensor)`` pairs or dicts of options; see :class:`Optimizer`.
        lr: step size, >= 0; a number or a one-element tensor.
        betas: decay rates of the averages of the gradient and its square, each in [0, 1).
        eps: added to the denominator, >= 0.
        weight_decay: share of the parameter, times ``lr``, that is taken away; >= 0.
        amsgrad: divide by the largest average of the square seen so far.
        maximize: climb instead of descend.
        foreach: accepted for compatibility; a step always treats the list of parameters at once.
        capturable: as of :class:`Adam`.
        differentiable: record the step for autograd; parameters must then be non-leaves.
        fused: accepted for compatibility, as ``foreach``.

    Raises:
        ValueError: an option out of range.

    Source: Loshchilov and Hutter, arXiv:1711.05101, algorithm 2.

    Example:
        >>> import tallow
        >>> weight = tallow.nn.Parameter(tallow.ones(2))
        >>> optimizer = tallow.optim.AdamW([weight], lr=0.25, weight_decay=1.0)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> weight.tolist()
        [0.5, 0.5]
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )
