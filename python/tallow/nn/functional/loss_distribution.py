"""Losses that compare with probability distributions; see :mod:`.loss` for the common arguments."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

from tallow import _C
from tallow._user_frame import outside_stacklevel
from tallow.nn._reduction import get_enum
from tallow.nn.functional._validate import reduce_loss, reduction_name
from tallow.overrides import handle_torch_function, has_torch_function_variadic

if TYPE_CHECKING:
    from tallow._tensor import Tensor

__all__ = [
    "gaussian_nll_loss",
    "kl_div",
    "poisson_nll_loss",
]

_VF = _C._VariableFunctions


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """Compute the terms ``y * (log(y) - x)`` of the Kullback-Leibler divergence.

    Args:
        input: log probabilities, any shape.
        target: probabilities, or log probabilities with ``log_target``.
        size_average: deprecated.
        reduce: deprecated.
        reduction: ``none``, ``mean``, ``sum``, or ``batchmean``: the sum divided by the size of
            dimension 0, which is the divergence per sample.
        log_target: whether ``target`` holds logarithms.
    """
    if has_torch_function_variadic(input, target):
        return handle_torch_function(
            kl_div,
            (input, target),
            input,
            target,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
            log_target=log_target,
        )
    reduction = reduction_name(size_average, reduce, reduction)
    if reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math "
            "definition.'mean' will be changed to behave the same as 'batchmean' in the next major "
            "release.",
            stacklevel=outside_stacklevel(),
        )
    if reduction != "batchmean":
        return _VF.kl_div(input, target, get_enum(reduction), log_target=log_target)
    total = _VF.kl_div(input, target, get_enum("sum"), log_target=log_target)
    return total / input.size(0) if input.dim() != 0 else total


def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Compute minus the log probability of counts under Poisson distributions.

    Args:
        input: log rates, or rates without ``log_input``.
        target: counts, a shape that broadcasts with that of ``input``.
        log_input: whether ``input`` holds logarithms.
        full: add Stirling's approximation of ``log(target!)`` for counts above 1.
        size_average: deprecated.
        eps: added to rates before the logarithm.
        reduce: deprecated.
        reduction: ``none``, ``mean`` or ``sum``.
    """
    if has_torch_function_variadic(input, target):
        return handle_torch_function(
            poisson_nll_loss,
            (input, target),
            input,
            target,
            log_input=log_input,
            full=full,
            size_average=size_average,
            eps=eps,
            reduce=reduce,
            reduction=reduction,
        )
    reduction = reduction_name(size_average, reduce, reduction)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        above_one = target.clamp_min(1)  # keeps the unused branch finite
        stirling = above_one * above_one.log() - above_one
        stirling = stirling + 0.5 * (2 * math.pi * above_one).log()
        loss = loss + stirling.masked_fill(target <= 1, 0.0)
    return reduce_loss(loss, reduction)


def _lacks_one_dim(var: Tensor, input: Tensor) -> bool:
    """Whether a shape is another but for one dimension of size 1."""
    if var.dim() != input.dim():
        return False
    differing = [v for v, size in zip(var.size(), input.size(), strict=True) if v != size]
    return differing == [1]


def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """Compute minus the log density of ``target`` under normal distributions.

    Args:
        input: means, any shape.
        target: the shape of ``input``, or one that broadcasts.
        var: variances: a number, or the shape of ``input``, where one dimension may be 1 and
            the last may be missing.
        full: add the constant term ``log(2 * pi) / 2``.
        eps: smallest variance; the gradient ignores this bound.
        reduction: ``none``, ``mean`` or ``sum``.

    Raises:
        ValueError: a variance is negative or has the wrong shape, or the reduction is unknown.

    Source: D. Nix, A. Weigend, Estimating the mean and variance of the target probability
    distribution, ICNN 1994.
    """
    if has_torch_function_variadic(input, target, var):
        return handle_torch_function(
            gaussian_nll_loss,
            (input, target, var),
            input,
            target,
            var,
            full=full,
            eps=eps,
            reduction=reduction,
        )
    from tallow.autograd.grad_mode import no_grad

    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = input.new_full(input.size(), var)
    elif bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    if var.size() != input.size():
        if input.size()[:-1] == var.size():
            var = var.unsqueeze(-1)
        elif not _lacks_one_dim(var, input):
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    var = var.clone()
    with no_grad():
        var.clamp_(min=eps)
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduce_loss(loss, reduction)
