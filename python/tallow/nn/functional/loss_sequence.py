"""Losses of sequences: CTC, and cross entropy of a linear layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow._composite import composite, few
from tallow.nn.functional.linear import linear
from tallow.nn.functional.loss import cross_entropy

if TYPE_CHECKING:
    from tallow._tensor import Tensor

__all__ = ["ctc_loss", "linear_cross_entropy"]


def _lengths(name: str, value: Any, count: int, device: Any) -> Tensor:
    lengths = tallow.as_tensor(value, dtype=tallow.int64, device=device).reshape(-1)
    if lengths.numel() != count:
        raise RuntimeError(f"{name} must be of size batch_size")
    return lengths


def _padded_targets(targets: Tensor, lengths: Tensor, count: int) -> Tensor:
    """Labels as (N, S), also if they were one sequence after another."""
    if targets.dim() == 2:
        return targets.long()
    longest = int(lengths.max()) if lengths.numel() else 0
    begin = lengths.cumsum(0) - lengths
    place = begin.unsqueeze(1) + tallow.arange(longest, device=lengths.device)
    if targets.numel() == 0:
        return tallow.zeros(count, longest, dtype=tallow.int64, device=targets.device)
    return targets.long()[place.clamp(max=targets.numel() - 1)]


def _shifted(alpha: Tensor, by: int) -> Tensor:
    lost = alpha.new_full((alpha.size(0), by), -math.inf)
    return tallow.cat([lost, alpha[:, :-by]], 1) if alpha.size(1) > by else lost[:, : alpha.size(1)]


def _log_sum(parts: list[Tensor]) -> Tensor:
    """Logarithm of the sum of exponentials; nothing at all stays minus infinity."""
    stacked = tallow.stack(parts)
    highest = stacked.detach().amax(0)
    highest = tallow.where(highest == -math.inf, tallow.zeros_like(highest), highest)
    total = (stacked - highest).exp().sum(0)
    empty = total == 0
    return tallow.where(
        empty, tallow.full_like(total, -math.inf), total.masked_fill(empty, 1).log() + highest
    )


def _path_losses(
    log_probs: Tensor, labels: Tensor, steps: Tensor, lengths: Tensor, blank: int
) -> Tensor:
    """Minus the log-probability of all alignments, by the forward recursion.

    Source: A. Graves et al., Connectionist temporal classification, ICML 2006, section 4.1.
    """
    time, count, _ = log_probs.shape
    width = 2 * labels.size(1) + 1
    device = log_probs.device
    extended = tallow.full((count, width), blank, dtype=tallow.int64, device=device)
    extended[:, 1::2] = labels
    emitted = log_probs.gather(2, extended.unsqueeze(0).expand(time, count, width))
    # A blank may be left out between different labels.
    skip = tallow.zeros(count, width, dtype=tallow.bool, device=device)
    if width > 2:
        skip[:, 2:] = (extended[:, 2:] != blank) & (extended[:, 2:] != extended[:, :-2])
    place = tallow.arange(width, device=device)
    start = place < 2
    none = emitted.new_full((count, width), -math.inf)
    allowed = start & (place < (2 * lengths + 1).unsqueeze(1))
    alpha = tallow.where(allowed, emitted[0], none) if time else none
    history = [tallow.where(place == 0, tallow.zeros_like(none), none), alpha]
    for t in range(1, time):
        jump = tallow.where(skip, _shifted(alpha, 2), none)
        alpha = _log_sum([alpha, _shifted(alpha, 1), jump]) + emitted[t]
        history.append(alpha)
    last = tallow.stack(history)[steps, tallow.arange(count, device=device)]
    end = (2 * lengths).unsqueeze(1)
    final = last.gather(1, end).squeeze(1)
    before = last.gather(1, (end - 1).clamp(min=0)).squeeze(1)
    before = tallow.where(lengths > 0, before, tallow.full_like(before, -math.inf))
    return -_log_sum([final, before])


def _reduced(losses: Tensor, lengths: Tensor, reduction: str, zero_infinity: bool) -> Tensor:
    if zero_infinity:
        losses = tallow.where(losses == math.inf, tallow.zeros_like(losses), losses)
    if reduction == "mean":
        return (losses / lengths.clamp(min=1)).mean()
    if reduction == "sum":
        return losses.sum()
    if reduction != "none":
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return losses


@composite
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Sum over all alignments of labels to longer sequences of predictions.

    Args:
        log_probs: ``(T, N, C)`` or ``(T, C)``, logarithms of probabilities.
        targets: ``(N, S)``, ``(S,)``, or all labels one after another.
        input_lengths: number of predictions of each sequence.
        target_lengths: number of labels of each sequence.
        blank: the class that means no label.
        reduction: 'none', 'sum', or 'mean' of the losses divided by the numbers of labels.
        zero_infinity: count sequences that are too short for their labels as 0.

    Raises:
        RuntimeError: lengths that do not fit.

    Source: A. Graves et al., Connectionist temporal classification, ICML 2006.
    """
    small: Tensor | None = few(
        _C._nn.ctc_losses_few, log_probs, targets, input_lengths, target_lengths, blank
    )
    if small is not None:
        labels_of = target_lengths if isinstance(target_lengths, tuple | list) else [target_lengths]
        counts = tallow.tensor(labels_of, dtype=small.dtype)
        return _reduced(small, counts, reduction, zero_infinity)
    batched = log_probs.dim() == 3
    x = log_probs if batched else log_probs.unsqueeze(1)
    time, count, classes = x.shape
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    steps = _lengths("input_lengths", input_lengths, count, x.device)
    lengths = _lengths("target_lengths", target_lengths, count, x.device)
    if bool((steps < 0).any()) or bool((steps > time).any()):
        worst = int(steps.max())
        raise RuntimeError(
            f"Expected input_lengths to have value at most {time}, but got value {worst}"
        )
    if not batched and targets.dim() == 1:
        targets = targets.unsqueeze(0)
    labels = _padded_targets(targets.to(x.device), lengths, count)
    if lengths.numel() and int(lengths.min()) < 0:
        raise RuntimeError(
            f"Expected target_lengths to have value at least 0, but got value {int(lengths.min())} "
            "(while checking arguments for ctc_loss)"
        )
    if lengths.numel() and int(lengths.max()) > labels.size(1):
        raise RuntimeError(
            f"Expected tensor to have size at least {int(lengths.max())} at dimension 1, but got "
            f"size {list(labels.shape)} for argument #2 'targets' (while checking arguments for "
            "ctc_loss_cpu)"
        )
    inside = tallow.arange(labels.size(1), device=labels.device) < lengths.unsqueeze(1)
    labels = tallow.where(inside, labels, tallow.full_like(labels, blank))
    losses = _path_losses(x, labels, steps, lengths, blank)
    if x.requires_grad:
        # PyTorch's gradient is the one with respect to the logits of log_softmax.
        used = (tallow.arange(time, device=x.device).unsqueeze(1) < steps).unsqueeze(
            2
        ) & losses.isfinite().view(1, -1, 1)
        probabilities = x.exp()
        extra = (probabilities - probabilities.detach()).masked_fill(~used, 0)
        losses = losses + extra.sum((0, 2))
    losses = _reduced(losses, lengths.to(losses.dtype), reduction, zero_infinity)
    return losses if batched or reduction != "none" else losses.squeeze(0)


def _check_linear(input: Tensor, weight: Tensor, bias: Tensor | None) -> None:
    if input.dim() not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if weight.dim() < 2:
        raise RuntimeError(
            f"expected linear_weight with dimensionality at least 2, got {weight.dim()}"
        )
    features = input.size(-1), weight.size(-1)
    if features[0] != features[1]:
        raise RuntimeError(
            "expected equal input and linear_weight last dimensions (in_features), got "
            f"{features[0]} and {features[1]}, respectively"
        )
    if bias is not None and bias.shape != weight.shape[:-1]:
        raise RuntimeError(
            f"expected linear_bias shape {tuple(weight.shape[:-1])}, got {tuple(bias.shape)}"
        )
    if weight.dim() > 2 and input.dim() == 1:
        raise RuntimeError(
            f"K-dimensional loss defined by linear_weight shape {tuple(weight.shape)} requires "
            f"batched input, (N, {features[0]}), got unbatched input with shape "
            f"{tuple(input.shape)}"
        )


@composite
def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor | None = None,
    weight: Tensor | None = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Tensor:
    """Return the cross entropy of what a linear layer makes of the input.

    Args:
        input: ``(N, in_features)`` or ``(in_features,)``.
        linear_weight: ``(C, in_features)`` or ``(C, d1, ..., in_features)``.
        target: classes or probabilities, as for :func:`cross_entropy`.
        linear_bias: ``(C,)`` or ``(C, d1, ...)``.
        weight: weight of each class.
        reduction: 'mean', 'sum' or 'none'.
        ignore_index: class that does not count; -100 by default.
        label_smoothing: in 0 .. 1.
        options: how PyTorch splits the batch to save memory; the result does not depend on it.

    Raises:
        RuntimeError: input and weight do not fit each other.
    """
    _check_linear(input, linear_weight, linear_bias)
    if ignore_index is not None and target.is_floating_point():
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    outputs = linear_weight.shape[:-1]
    flat = linear_weight.reshape(-1, linear_weight.size(-1))
    bias = None if linear_bias is None else linear_bias.reshape(-1)
    logits = linear(input, flat, bias)
    logits = logits.reshape(*input.shape[:-1], *outputs)
    return cross_entropy(
        logits,
        target,
        weight=weight,
        reduction=reduction,
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
    )
