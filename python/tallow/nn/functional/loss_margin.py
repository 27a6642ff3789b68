"""Losses that ask for a margin between scores or distances.

See :mod:`.loss` for the common arguments.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow import _C
from tallow._composite import c_name, few
from tallow.nn._reduction import get_enum
from tallow.nn.functional._validate import reduce_loss, reduction_name
from tallow.nn.functional.distance import pairwise_distance
from tallow.overrides import handle_torch_function, has_torch_function_variadic

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow._tensor import Tensor

__all__ = [
    "cosine_embedding_loss",
    "hinge_embedding_loss",
    "margin_ranking_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
    "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]

_VF = _C._VariableFunctions
_nn = _C._nn


def _check_scores(input: Tensor) -> None:
    """Refuse scores that are no vector and no matrix, or have no classes."""
    if input.dim() > 2 or (input.dim() > 0 and input.size(-1) == 0):
        raise RuntimeError(
            "Expected non-empty vector or matrix with optional 0-dim batch size, but got: "
            f"{list(input.shape)}"
        )


def _check_classes(name: str, input: Tensor, target: Tensor) -> None:
    """Refuse classes that are no int64, and scores that are no floating-point numbers."""
    if not input.is_floating_point():
        raise NotImplementedError(
            f"\"{name}_cpu_kernel\" not implemented for '{c_name(input.dtype)}'"
        )
    if target.dtype is not tallow.int64:
        raise RuntimeError(f"expected scalar type Long but found {c_name(target.dtype)}")


def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Compute the mean over classes of ``max(0, margin - x[target] + x[class]) ** p``.

    Args:
        input: scores, ``(C,)`` or ``(N, C)``.
        target: class indices, ``()`` or ``(N,)``; the target class itself does not count.
        p: 1 or 2.
        margin: by how much the target should win.
        weight: ``(C,)``, factor per target class.
        size_average: deprecated.
        reduce: deprecated.
        reduction: ``none``, ``mean`` or ``sum``.

    Raises:
        ValueError: another ``p``.
        RuntimeError: the shapes do not fit, or a target is no class.
    """
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            multi_margin_loss,
            (input, target, weight),
            input,
            target,
            p=p,
            margin=margin,
            weight=weight,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    reduction = reduction_name(size_average, reduce, reduction)
    get_enum(reduction)
    if p != 1 and p != 2:
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    if weight is None:
        small: Tensor | None = few(_nn.multi_margin_few, input, target, p == 2, margin)
        if small is not None:
            return reduce_loss(small, reduction)
    _check_scores(input)
    scores = input if input.dim() == 2 else input.reshape(1, -1)
    classes = target.reshape(-1)
    n, count = scores.shape
    if classes.numel() != n:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of "
            f"input samples (batch size). Expected target size [{n}], but got "
            f"{list(target.shape)}. Input has shape {list(input.shape)}."
        )
    if weight is not None and weight.numel() != count:
        raise RuntimeError(
            f"inconsistent weight size, expected {count} but got {list(weight.shape)}"
        )
    _check_classes("multi_margin_loss", input, target)
    if n and not 0 <= int(classes.min()) <= int(classes.max()) < count:
        raise RuntimeError("target out of range")
    index = classes.unsqueeze(1)
    violation = (margin - scores.gather(1, index) + scores).clamp_min(0)
    if p == 2:
        violation = violation.square()
    if weight is not None:
        violation = violation * weight[classes].unsqueeze(1)
    loss = violation.scatter(1, index, 0.0).sum(1) / count
    return reduce_loss(loss if input.dim() == 2 else loss[0], reduction)


def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Compute the mean over classes of the margins by which wrong classes beat right ones.

    Args:
        input: scores, ``(C,)`` or ``(N, C)``.
        target: indices of the right classes, the shape of ``input``; -1 ends the list.
        size_average: deprecated.
        reduce: deprecated.
        reduction: ``none``, ``mean`` or ``sum``.

    Raises:
        RuntimeError: the shapes differ, or a target is no class.
    """
    if has_torch_function_variadic(input, target):
        return handle_torch_function(
            multilabel_margin_loss,
            (input, target),
            input,
            target,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    reduction = reduction_name(size_average, reduce, reduction)
    get_enum(reduction)
    small: Tensor | None = few(_nn.multilabel_margin_few, input, target)
    if small is not None:
        return reduce_loss(small, reduction)
    _check_scores(input)
    if input.shape != target.shape:
        raise RuntimeError(
            f"inconsistent target size: {list(target.shape)} for input of size: {list(input.shape)}"
        )
    scores = input if input.dim() == 2 else input.reshape(1, -1)
    classes = target.reshape(scores.shape)
    count = scores.size(1)
    _check_classes("multilabel_margin_loss", input, target)
    if classes.numel() and not -1 <= int(classes.min()) <= int(classes.max()) < count:
        raise RuntimeError(
            f"argument #2 'target' is out of range: its values should be -1 or below {count}"
        )
    listed = (classes < 0).cumsum(1) == 0  # up to the first -1
    index = classes.masked_fill(~listed, 0)
    is_right = _VF.zeros_like(scores).scatter_add(1, index, listed.to(scores.dtype)) > 0
    right_scores = scores.gather(1, index).unsqueeze(2)
    violation = (1 - right_scores + scores.unsqueeze(1)).clamp_min(0)
    counts = listed.unsqueeze(2) & ~is_right.unsqueeze(1)
    loss = violation.masked_fill(~counts, 0.0).sum((1, 2)) / count
    return reduce_loss(loss if input.dim() == 2 else loss[0], reduction)


def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Compute the mean over classes of the binary cross entropy of scores.

    Args:
        input: scores, ``(*, C)``.
        target: 0 or 1 per class, the shape of ``input``.
        weight: factor per class.
        size_average: deprecated.
        reduce: deprecated.
        reduction: ``none``, ``mean`` or ``sum``.
    """
    if has_torch_function_variadic(input, target, weight):
        return handle_torch_function(
            multilabel_soft_margin_loss,
            (input, target, weight),
            input,
            target,
            weight=weight,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    reduction = reduction_name(size_average, reduce, reduction)
    loss = -(target * _nn.log_sigmoid(input) + (1 - target) * _nn.log_sigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduce_loss(loss.mean(-1), reduction)


def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Compute ``x`` where the target is 1 and ``max(0, margin - x)`` where it is -1.

    Args:
        input: distances, any shape.
        target: 1 or -1, the shape of ``input``.
        margin: distance beyond which dissimilar pairs cost nothing.
        size_average: deprecated.
        reduce: deprecated.
        reduction: ``none``, ``mean`` or ``sum``.
    """
    if has_torch_function_variadic(input, target):
        return handle_torch_function(
            hinge_embedding_loss,
            (input, target),
            input,
            target,
            margin=margin,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    reduction = reduction_name(size_average, reduce, reduction)
    apart = (margin - input).clamp_min(0)
    loss = _VF.where(target != 1, apart, 0.0) + _VF.where(target != -1, input, 0.0)
    return reduce_loss(loss, reduction)


def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Compute ``log(1 + exp(-y * x))``.

    Args:
        input: scores, any shape.
        target: 1 or -1, the shape of ``input``.
        size_average: deprecated.
        reduce: deprecated.
        reduction: ``none``, ``mean`` or ``sum``.
    """
    if has_torch_function_variadic(input, target):
        return handle_torch_function(
            soft_margin_loss,
            (input, target),
            input,
            target,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    reduction = reduction_name(size_average, reduce, reduction)
    return reduce_loss(-_nn.log_sigmoid(input * target), reduction)


def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Compute ``max(0, -y * (x1 - x2) + margin)``.

    Args:
        input1: any shape.
        input2: as many dimensions as ``input1``.
        target: 1 where ``input1`` should be the greater one, else -1.
        margin: by how much.
        size_average: deprecated.
        reduce: deprecated.
        reduction: ``none``, ``mean`` or ``sum``.

    Raises:
        RuntimeError: the numbers of dimensions differ.
    """
    if has_torch_function_variadic(input1, input2, target):
        return handle_torch_function(
            margin_ranking_loss,
            (input1, input2, target),
            input1,
            input2,
            target,
            margin=margin,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    reduction = reduction_name(size_average, reduce, reduction)
    if not input1.dim() == input2.dim() == target.dim():
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return reduce_loss((-target * (input1 - input2) + margin).clamp_min(0), reduction)


def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Compute ``1 - cos`` for similar pairs of vectors, ``max(0, cos - margin)`` for other pairs.

    Args:
        input1: ``(N, D)`` or ``(D,)``.
        input2: the shape of ``input1``.
        target: 1 or -1, ``(N,)`` or ``()``.
        margin: cosine below which dissimilar pairs cost nothing.
        size_average: deprecated.
        reduce: deprecated.
        reduction: ``none``, ``mean`` or ``sum``.

    Raises:
        RuntimeError: the shapes do not fit.
    """
    if has_torch_function_variadic(input1, input2, target):
        return handle_torch_function(
            cosine_embedding_loss,
            (input1, input2, target),
            input1,
            input2,
            target,
            margin=margin,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    reduction = reduction_name(size_average, reduce, reduction)
    if target.dim() > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    dims = target.dim() + 1
    if input1.dim() != dims or input2.dim() != dims:
        raise RuntimeError(
            f"{target.dim()}D target tensor expects {dims}D input tensors, but found inputs with "
            f"sizes {list(input1.shape)} and {list(input2.shape)}."
        )
    squares = [x.square().sum(-1) + 1e-12 for x in (input1, input2)]
    cosine = (input1 * input2).sum(-1) / (squares[0] * squares[1]).sqrt()
    similar = _VF.where(target == 1, 1 - cosine, 0.0)
    other = _VF.where(target == -1, (cosine - margin).clamp_min(0), 0.0)
    return reduce_loss(similar + other, reduction)


def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:
    """Compute ``max(0, d(anchor, positive) - d(anchor, negative) + margin)``.

    Args:
        anchor: ``(N, D)`` or ``(D,)``.
        positive: the shape of ``anchor``.
        negative: the shape of ``anchor``.
        margin: by how much the negative should be farther away; positive.
        p: exponent of the norm that measures distances.
        eps: added to the differences.
        swap: use the distance of positive and negative, where it is the smaller one.
        size_average: deprecated.
        reduce: deprecated.
        reduction: ``none``, ``mean`` or ``sum``.

    Raises:
        ValueError: ``margin`` is not positive.
        RuntimeError: the numbers of dimensions differ.

    Source: V. Balntas, E. Riba, D. Ponsa, K. Mikolajczyk, BMVC 2016.
    """
    if has_torch_function_variadic(anchor, positive, negative):
        return handle_torch_function(
            triplet_margin_loss,
            (anchor, positive, negative),
            anchor,
            positive,
            negative,
            margin=margin,
            p=p,
            eps=eps,
            swap=swap,
            size_average=size_average,
            reduce=reduce,
            reduction=reduction,
        )
    reduction = reduction_name(size_average, reduce, reduction)

    def distance(a: Tensor, b: Tensor) -> Tensor:
        return pairwise_distance(a, b, p, eps)

    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """Compute :func:`triplet_margin_loss` with any measure of distance.

    Args:
        anchor: any shape that ``distance_function`` takes.
        positive: the shape of ``anchor``.
        negative: the shape of ``anchor``.
        distance_function: of two tensors; :func:`pairwise_distance` by default.
        margin: by how much the negative should be farther away; positive.
        swap: use the distance of positive and negative, where it is the smaller one.
        reduction: ``none``, ``mean`` or ``sum``.

    Raises:
        ValueError: ``margin`` is not positive.
        RuntimeError: the numbers of dimensions differ.
    """
    if has_torch_function_variadic(anchor, positive, negative):
        return handle_torch_function(
            triplet_margin_with_distance_loss,
            (anchor, positive, negative),
            anchor,
            positive,
            negative,
            distance_function=distance_function,
            margin=margin,
            swap=swap,
            reduction=reduction,
        )
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    distance = pairwise_distance if distance_function is None else distance_function
    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


def _triplet(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    distance: Callable[[Tensor, Tensor], Tensor],
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of "
            f"dimensions, but got: anchor {anchor.dim()}D, positive {positive.dim()}D, and "
            f"negative {negative.dim()}D inputs"
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = _VF.minimum(far, distance(positive, negative))
    return reduce_loss((near - far + margin).clamp_min(0), reduction)
