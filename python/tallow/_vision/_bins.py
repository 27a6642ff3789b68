"""The bins of regions, their sums, and what the operators of regions refuse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow._vision._samples import Bags, groups
from tallow._vision.boxes import check_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = ["Bins", "check", "check_channels", "images_of", "mapping", "table_of", "wide"]


def check(name: str, first: str, tensor: Tensor, rois: Tensor, bins: tuple[int, int]) -> None:
    """Refuse tensors of shapes and types that do not fit."""
    if rois.dim() != 2 or rois.size(1) != 5:
        raise RuntimeError(
            f"rois must have shape as Tensor[K, 5]; {name} was given {tuple(rois.shape)}"
        )
    if tensor.dim() != 4:
        raise RuntimeError(f"{name}: expected {first} of 4 dimensions, given {tensor.dim()}")
    if tensor.dtype != rois.dtype:
        raise RuntimeError(
            f"Expected tensor for argument #1 '{first}' to have the same type as tensor for "
            f"argument #2 'rois'; but type {tensor.type()} does not equal {rois.type()} (while "
            f"checking arguments for {name})"
        )
    check_type(name, tensor, tallow.float16, tallow.float32, tallow.float64)
    if min(bins) < 0:
        raise RuntimeError(f"{name}: expected numbers of bins, given {bins[0]} and {bins[1]}")


def images_of(rois: Tensor, count: int) -> Tensor:
    """Return the image of each region."""
    image = rois[:, 0].to(tallow.int64)
    if bool(((image < 0) | (image >= count)).any()):
        raise IndexError(f"rois: expected numbers of images from 0 to {count - 1} in column 0")
    return image


def wide(tensor: Tensor) -> Tensor:
    """Return the tensor in a type to add up in."""
    return tensor.float() if tensor.dtype == tallow.float16 else tensor


def table_of(input: Tensor) -> Tensor:
    """Return a table whose rows are the channels of each place."""
    return input.permute(0, 2, 3, 1).reshape(-1, input.size(1))


class Bins:
    """The bins of all regions, and how the sums and means over them and their gradients are made.

    Args:
        shape: of the images.
        rois: ``(K, 5)``.
        bins: their numbers along both directions.
        counts: ``(K,)``, an upper bound of the numbers of elements of each region.
        bags: makes the elements of some regions.
        by_position: each bin has channels of its own.
    """

    def __init__(
        self,
        shape: Any,
        rois: Tensor,
        bins: tuple[int, int],
        counts: Tensor,
        bags: Callable[[slice], Bags],
        by_position: bool = False,
    ) -> None:
        self.shape, self.rois, self.bins = tuple(shape), rois, bins
        self.counts, self.bags, self.by_position = counts, bags, by_position

    @property
    def channels(self) -> int:
        """Channels of a bin."""
        return self.shape[1] // (self.bins[0] * self.bins[1] if self.by_position else 1)

    def _rows(self, input: Tensor) -> Tensor:
        """The table that bags index: with channels for each bin, a row has those of one."""
        if not self.by_position:
            return table_of(input)
        images, _, height, width = self.shape
        parts = input.view(images, self.channels, *self.bins, height, width)
        return parts.permute(2, 3, 0, 4, 5, 1).reshape(-1, self.channels)

    def _placed(self, bags: Bags) -> Bags:
        if not self.by_position:
            return bags
        images, _, height, width = self.shape
        count = self.bins[0] * self.bins[1]
        sizes = tallow.diff(bags.begin)
        number = tallow.arange(sizes.numel(), device=sizes.device) % count
        rows = (number * (images * height * width)).repeat_interleave(sizes)
        return bags._replace(rows=bags.rows + rows)

    def sums(self, input: Tensor) -> Tensor:
        """Return the sums of all bins: ``(K, channels, P, Q)``."""
        count = self.rois.size(0)
        if not count or not input.numel() or not min(self.bins):
            return input.new_zeros(count, self.channels, *self.bins)
        rows = self._rows(input)
        parts = [self._placed(self.bags(part)).sums(rows) for part in groups(self.counts)]
        return tallow.cat(parts).view(count, *self.bins, self.channels).permute(0, 3, 1, 2)

    def gradient(self, grad: Tensor) -> Tensor:
        """Return the gradient of the images from that of the sums."""
        with tallow.enable_grad():
            input = grad.new_zeros(self.shape, requires_grad=True)
            sums = self.sums(input)
            return (
                tallow.autograd.grad(sums, input, grad)[0] if sums.requires_grad else input.detach()
            )


def mapping(shape: Any, rois: Tensor, bins: tuple[int, int]) -> Tensor:
    """Return the channel that each bin of each result takes."""
    channels = tallow.arange(shape[1], dtype=tallow.int32, device=rois.device)
    each = channels.view(-1, *bins) if min(bins) else channels.new_empty(0, *bins)
    return each.expand(rois.size(0), *each.shape).contiguous()


def check_channels(input: Tensor, bins: tuple[int, int]) -> None:
    """Refuse images that do not have channels for each bin."""
    if not min(bins) or input.size(1) % (bins[0] * bins[1]):
        raise RuntimeError(
            "input channels must be a multiple of pooling height * pooling width; given "
            f"{input.size(1)} channels for {bins[0]} x {bins[1]} bins"
        )
