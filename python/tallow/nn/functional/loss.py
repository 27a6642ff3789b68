"""The loss functions of classification and regression.

``reduction`` is ``none`` (one loss per element or sample), ``mean`` or ``sum``. The arguments
``size_average`` and ``reduce`` say the same in the way of old programs; they are deprecated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow import _C
from tallow.nn._reduction import get_enum
from tallow.nn.functional._validate import reduce_loss, reduction_name, warn_if_broadcast
from tallow.overrides import handle_torch_function, has_torch_function_variadic

if TYPE_CHECKING:
    from tallow._tensor import Tensor

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "huber_loss",
    "l1_loss",
    "mse_loss",
    "nll_loss",
    "smooth_l1_loss",
]

_VF = _C._VariableFunctions
_nn = _C._nn


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """Compute minus the log probability of the target classes, from unnormalised scores.

    Args:
        input: scores, ``(C,)``, ``(N, C)`` or ``(N, C, *)``, floating point.
        target: class indices, ``()``, ``(N,)`` or ``(N, *)``; or class probabilities in the shape
            of ``input``.
        weight: ``(C,)``, factor per class; ``mean`` divides by the sum of the factors.
        size_average: deprecated.
        ignore_index: a target that does not count.
        reduce: deprecated.
        reduction: ``none``, ``mean`` or ``sum``.
        label_smoothing: from 0 to 1, the part of the target that is spread over all classes.

    Raises:
        IndexError: a target is no class.
        ValueError: the batch sizes differ.
        RuntimeError: the shapes or dtypes do not fit.

    Example:
        >>> cross_entropy(tallow.zeros(1, 4), tallow.tensor([2]))
        tensor(1.3863)
    """
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            cross_entropy,
            (input, target, weight),
            input,
            target,
            weight=weight,
            size_average=size_average,
            ignore_index=ignore_index,
            reduce=reduce,
            reduction=reduction,
            label_smoothing=label_smoothing,
        )
    reduction = reduction_name(size_average, reduce, reduction)
    return _nn.cross_entropy_loss(
        input, target, weight, get_enum(reduction), ignore_index, label_smoothing
    )


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Compute minus the log probability of the target classes, from log probabilities.

    Arguments as :func:`cross_entropy`; ``target`` holds class indices.

    Raises:
        IndexError: a target is no class.
        ValueError: the batch sizes differ.
        RuntimeError: the shapes or dtypes do not fit.
    """
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            nll_loss,
            (input, target, weight),
            input,
            target,
            weight=weight,
            size_average=size_average,
            ignore_index=ignore_index,
            reduce=reduce,
            reduction=reduction,
        )
    reduction = reduction_name(size_average, reduce, reduction)
    return _nn.nll_loss_nd(input, target, weight, get_enum(reduction), ignore_index)


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Compute ``-(y * log(x) + (1 - y) * log(1 - x))``, each logarithm being at least -100.

    Args:
        input: probabilities, any shape.
        target: probabilities, the shape of ``input``.
        weight: factor per element, a shape that broadcasts to that of ``input``.
        size_average: deprecated.
        reduce: deprecated.
        reduction: ``none``, ``mean`` or ``sum``.

    Raises:
        ValueError: the shapes differ.
        RuntimeError: an input is outside the interval from 0 to 1.
    """
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            binary_cross_entropy,
            (input, target, weight),
            input,
            target,
            weight=weight,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    reduction = reduction_name(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size "
            f"({input.size()}) is deprecated. Please ensure they have the same size."
        )
    if weight is not None:
        weight = weight.expand(input.size())
    return _nn.binary_cross_entropy(input, target, weight, get_enum(reduction))


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """Compute :func:`binary_cross_entropy` of the sigmoid of ``input``, without its overflow.

    Args:
        input: scores, any shape.
        target: probabilities, the shape of ``input``.
        weight: factor per element.
        size_average: deprecated.
        reduce: deprecated.
        reduction: ``none``, ``mean`` or ``sum``.
        pos_weight: factor on the term of the positive class, broadcast over ``input``.

    Raises:
        ValueError: the shapes differ.
    """
    if has_torch_function_variadic(input, target, weight, pos_weight):
        return handle_torch_function(
            binary_cross_entropy_with_logits,
            (input, target, weight, pos_weight),
            input,
            target,
            weight=weight,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
            pos_weight=pos_weight,
        )
    reduction = reduction_name(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Target size ({target.size()}) must be the same as input size ({input.size()})"
        )
    return _VF.binary_cross_entropy_with_logits(
        input, target, weight, pos_weight, get_enum(reduction)
    )


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Compute ``(x - y) ** 2``.

    Args:
        input: any shape.
        target: the shape of ``input``; another one that broadcasts is accepted with a warning.
        size_average: deprecated.
        reduce: deprecated.
        reduction: ``none``, ``mean`` or ``sum``.
        weight: factor per element, the shape of ``input``; ``mean`` divides by its sum.

    Raises:
        ValueError: ``weight`` has another shape.

    Example:
        >>> mse_loss(tallow.tensor([1.0, 2.0]), tallow.tensor([1.0, 4.0]))
        tensor(2.)
    """
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            mse_loss,
            (input, target, weight),
            input,
            target,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
            weight=weight,
        )
    warn_if_broadcast(input, target)
    reduction = reduction_name(size_average, reduce, reduction)
    if input.shape != target.shape:
        input, target = tallow.broadcast_tensors(input, target)
    if weight is not None:
        return _weighted(_nn.mse_loss(input, target, 0), weight, reduction)
    return _nn.mse_loss(input, target, get_enum(reduction))


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """Compute ``|x - y|``; arguments as :func:`mse_loss`."""
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            l1_loss,
            (input, target, weight),
            input,
            target,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
            weight=weight,
        )
    warn_if_broadcast(input, target)
    reduction = reduction_name(size_average, reduce, reduction)
    if input.shape != target.shape:
        input, target = tallow.broadcast_tensors(input, target)
    if weight is not None:
        return _weighted(_nn.l1_loss(input, target, 0), weight, reduction)
    return _nn.l1_loss(input, target, get_enum(reduction))


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Compute ``|x - y| - beta / 2``, or ``(x - y) ** 2 / (2 * beta)`` where that is below beta.

    Args:
        input: any shape.
        target: the shape of ``input``; another one that broadcasts is accepted with a warning.
        size_average: deprecated.
        reduce: deprecated.
        reduction: ``none``, ``mean`` or ``sum``.
        beta: where the square takes over from the absolute value; not negative.

    Raises:
        RuntimeError: ``beta`` is negative.

    Source: R. Girshick, Fast R-CNN, ICCV 2015.
    """
    if has_torch_function_variadic(input, target):
        return handle_torch_function(
            smooth_l1_loss,
            (input, target),
            input,
            target,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
            beta=beta,
        )
    warn_if_broadcast(input, target)
    reduction = reduction_name(size_average, reduce, reduction)
    if input.shape != target.shape:
        input, target = tallow.broadcast_tensors(input, target)
    return _nn.smooth_l1_loss(input, target, get_enum(reduction), beta)


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """Compute ``delta * (|x - y| - delta / 2)``, or ``(x - y) ** 2 / 2`` where that is below delta.

    Args:
        input: any shape.
        target: the shape of ``input``; another one that broadcasts is accepted with a warning.
        reduction: ``none``, ``mean`` or ``sum``.
        delta: where the square takes over from the absolute value; positive.
        weight: factor per element, the shape of ``input``; ``mean`` divides by the number of
            elements all the same.

    Raises:
        RuntimeError: ``delta`` is not positive.
        ValueError: ``weight`` has another shape.

    Source: P. Huber, Robust estimation of a location parameter, 1964.
    """
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            huber_loss,
            (input, target, weight),
            input,
            target,
            reduction=reduction,
            delta=delta,
            weight=weight,
        )
    warn_if_broadcast(input, target)
    if input.shape != target.shape:
        input, target = tallow.broadcast_tensors(input, target)
    if weight is None:
        return _nn.huber_loss(input, target, get_enum(reduction), delta)
    _check_weight(weight, input)
    return reduce_loss(_nn.huber_loss(input, target, 0, delta) * weight, reduction)


def _check_weight(weight: Tensor, loss: Tensor) -> None:
    if weight.size() != loss.size():
        raise ValueError("Weights and input must have the same size.")


def _weighted(loss: Tensor, weight: Tensor, reduction: str) -> Tensor:
    _check_weight(weight, loss)
    code = get_enum(reduction)
    weighted = loss * weight
    if code == 0:
        return weighted
    return weighted.sum() / weight.sum() if code == 1 else weighted.sum()
