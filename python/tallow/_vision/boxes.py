"""Non-maximum suppression."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow._composite import c_name

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["check_type", "nms"]

_TOGETHER = 256  # boxes that are decided at a time


def nms(dets: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Return the indices of the boxes that no better one covers, best first.

    Args:
        dets: ``(N, 4)``, left, top, right and bottom.
        scores: ``(N,)``.
        iou_threshold: a better box covers another if the area of their intersection is more than
            this part of the area of their union.

    Raises:
        RuntimeError: arguments of other shapes, or of two types.
        NotImplementedError: neither float32 nor float64.
    """
    if dets.dim() != 2:
        raise RuntimeError(f"boxes should be a 2d tensor, got {dets.dim()}D")
    if dets.size(1) != 4:
        raise RuntimeError(f"boxes should have 4 elements in dimension 1, got {dets.size(1)}")
    if scores.dim() != 1:
        raise RuntimeError(f"scores should be a 1d tensor, got {scores.dim()}D")
    if dets.size(0) != scores.size(0):
        raise RuntimeError(
            "boxes and scores should have same number of elements in dimension 0, got "
            f"{dets.size(0)} and {scores.size(0)}"
        )
    if dets.dtype != scores.dtype:
        raise RuntimeError(
            f"dets should have the same type as scores, got {dets.dtype} and {scores.dtype}"
        )
    check_type("nms_kernel", dets, tallow.float32, tallow.float64)
    order = scores.sort(descending=True, stable=True)[1]
    boxes = dets[order]
    kept = []
    # The first boxes that are left can only be covered by one another.
    while order.numel():
        best = _uncovered(_covers(boxes[:_TOGETHER], boxes[:_TOGETHER], iou_threshold))
        kept.append(order[:_TOGETHER][best])
        rest = boxes[_TOGETHER:]
        left = ~_covers(boxes[:_TOGETHER][best], rest, iou_threshold).any(0)
        order, boxes = order[_TOGETHER:][left], rest[left]
    return tallow.cat(kept) if kept else order


def _covers(better: Tensor, boxes: Tensor, threshold: float) -> Tensor:
    """Tell of each pair whether the area in common is too large a part of the whole."""
    ours, theirs = better.unsqueeze(1), boxes.unsqueeze(0)
    size = (tallow.minimum(ours, theirs)[..., 2:] - tallow.maximum(ours, theirs)[..., :2]).clamp(0)
    common = size[..., 0] * size[..., 1]
    whole = _areas(better).unsqueeze(1) + _areas(boxes) - common
    return (common / whole).to(tallow.float64) > threshold


def _areas(boxes: Tensor) -> Tensor:
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def _uncovered(covers: Tensor) -> Tensor:
    """Tell which boxes no earlier uncovered one covers.

    Each round decides at least one box more, the first one of those that were not; so the rounds
    end when nothing changes.
    """
    covers = covers.triu(1)
    result = ~covers.new_zeros(covers.size(0))
    while True:
        following = ~(covers & result.unsqueeze(1)).any(0)
        if bool((following == result).all()):
            return result
        result = following


def check_type(kernel: str, tensor: Tensor, *types: tallow.dtype) -> None:
    """Refuse a tensor of another type.

    Raises:
        NotImplementedError: naming the kernel and the type.
    """
    if tensor.dtype not in types:
        expected = ", ".join(map(str, types))
        raise NotImplementedError(
            f"\"{kernel}\" not implemented for '{c_name(tensor.dtype)}'; expected {expected}"
        )
