"""Convolution whose kernel takes its elements from places that an input moves.

Source: Deformable Convolutional Networks (arXiv:1703.06211), and with factors of the elements,
arXiv:1811.11168.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import tallow
from tallow._vision.boxes import check_type
from tallow.nn.functional import embedding_bag

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["deform_conv2d", "deform_conv2d_backward"]


class _Settings(NamedTuple):
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    offset_groups: int
    use_mask: bool


def _settings(arguments: tuple[Any, ...]) -> _Settings:
    """Put the arguments after the tensors in pairs."""
    pairs = (arguments[0:2], arguments[2:4], arguments[4:6])
    return _Settings(*pairs, *arguments[6:])


def _check(tensors: tuple[Tensor, ...], at: _Settings) -> None:
    """Refuse shapes that do not fit."""
    input, weight, offset, mask, bias = tensors
    if input.dim() != 4 or offset.dim() != 4 or weight.dim() != 4:
        raise RuntimeError(
            "deform_conv2d: expected input, weight and offset of 4 dimensions, given "
            f"{input.dim()}, {weight.dim()} and {offset.dim()}"
        )
    for name, tensor in (("weight", weight), ("offset", offset), ("mask", mask), ("bias", bias)):
        if tensor.dtype != input.dtype:
            raise RuntimeError(
                f"deform_conv2d: expected {name} of the input's type, given {tensor.dtype} and "
                f"{input.dtype}"
            )
    check_type("deformable_im2col", input, tallow.float16, tallow.float32, tallow.float64)
    channels, taps = weight.size(1) * at.groups, weight.size(2) * weight.size(3)
    if min(*at.stride, *at.dilation, at.groups, at.offset_groups) < 1 or min(at.padding) < 0:
        raise RuntimeError(f"deform_conv2d: expected positive settings, given {at}")
    if input.size(1) != channels or weight.size(0) % at.groups or channels % at.offset_groups:
        raise RuntimeError(
            f"deform_conv2d: {input.size(1)} channels and weights of shape {tuple(weight.shape)} "
            f"do not fit {at.groups} groups and {at.offset_groups} groups of offsets"
        )
    size = tuple(
        (input.size(2 + i) + 2 * at.padding[i] - at.dilation[i] * (weight.size(2 + i) - 1) - 1)
        // at.stride[i]
        + 1
        for i in (0, 1)
    )
    if min(size) <= 0:
        raise RuntimeError(f"Calculated output size too small - out_h: {size[0]} out_w: {size[1]}")
    given = (("offset", offset, 2), *((("mask", mask, 1),) if at.use_mask else ()))
    for name, tensor, each in given:
        expected = (input.size(0), each * at.offset_groups * taps, *size)
        if tuple(tensor.shape) != expected:
            raise RuntimeError(
                f"deform_conv2d: expected {name} of shape {expected}, given {tuple(tensor.shape)}"
            )
    if tuple(bias.shape) != (weight.size(0),):
        raise RuntimeError(
            f"deform_conv2d: expected bias of shape ({weight.size(0)},), given {tuple(bias.shape)}"
        )


def deform_conv2d(
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    mask: Tensor,
    bias: Tensor,
    *settings: Any,
) -> Tensor:
    """Convolve an image with places of the kernel's elements moved.

    Args:
        input: ``(N, C, H, W)``.
        weight: ``(O, C / groups, P, Q)``.
        offset: ``(N, 2 * offset_groups * P * Q, Y, X)``, by how much each place is moved, down and
            right.
        mask: ``(N, offset_groups * P * Q, Y, X)``, factors of the elements.
        bias: ``(O,)``.
        settings: stride, padding and dilation, two each, groups, offset_groups and use_mask.

    Raises:
        RuntimeError: arguments of shapes or types that do not fit.
        NotImplementedError: a type without a kernel.
    """
    at = _settings(settings)
    _check((input, weight, offset, mask, bias), at)
    if input.dtype == tallow.float16:
        wide = [tensor.float() for tensor in (input, weight, offset, mask, bias)]
        return _convolve(at, *wide).to(input.dtype)
    return _convolve(at, input, weight, offset, mask, bias)


def deform_conv2d_backward(
    grad: Tensor,
    input: Tensor,
    weight: Tensor,
    offset: Tensor,
    mask: Tensor,
    bias: Tensor,
    *settings: Any,
) -> tuple[Tensor, ...]:
    """Return the gradients of the five tensors of :func:`deform_conv2d`."""
    at = _settings(settings)
    given = (input, weight, offset, mask, bias)
    _check(given, at)
    with tallow.enable_grad():
        leaves = [tensor.detach().requires_grad_() for tensor in given]
        wide = [tensor.float() if tensor.dtype == tallow.float16 else tensor for tensor in leaves]
        out = _convolve(at, *wide).to(grad.dtype)
        grads = tallow.autograd.grad(out, leaves, grad, allow_unused=True)
    return tuple(
        tallow.zeros_like(tensor) if found is None else found
        for tensor, found in zip(given, grads, strict=True)
    )


def _convolve(
    at: _Settings, input: Tensor, weight: Tensor, offset: Tensor, mask: Tensor, bias: Tensor
) -> Tensor:
    images, channels = input.shape[:2]
    taps = weight.size(2) * weight.size(3)
    size = offset.shape[2:]
    columns = _columns(input, weight.shape[2:], offset, mask if at.use_mask else None, at)
    # (N, offset groups, taps, Y X, channels of a group) -> (groups, channels taps, N Y X)
    columns = columns.permute(1, 4, 2, 0, 3).reshape(
        at.groups, channels // at.groups * taps, images * size.numel()
    )
    out = weight.reshape(at.groups, -1, columns.size(1)).bmm(columns)
    out = out.reshape(weight.size(0), images, *size).transpose(0, 1)
    return out + bias.view(-1, 1, 1)


def _columns(
    input: Tensor, kernel: Any, offset: Tensor, mask: Tensor | None, at: _Settings
) -> Tensor:
    """The channels at each place of the kernel: ``(N, offset groups, P * Q, Y * X, channels)``."""
    images, channels, height, width = input.shape
    parts, taps, points = at.offset_groups, kernel[0] * kernel[1], offset.shape[2:].numel()
    moved = offset.view(images, parts, taps, 2, *offset.shape[2:])
    places = []
    for axis in (0, 1):
        device, dtype = input.device, input.dtype
        tap = tallow.arange(kernel[axis], device=device).to(dtype) * at.dilation[axis]
        tap = (tap.view(-1, 1) if axis == 0 else tap).expand(kernel).reshape(-1, 1, 1)
        out = tallow.arange(offset.size(2 + axis), device=device).to(dtype) * at.stride[axis]
        out = out.view(-1, 1) if axis == 0 else out
        places.append((tap + out - at.padding[axis]) + moved[:, :, :, axis])
    index, factor = _neighbours(places[0], places[1], (height, width))
    if mask is not None:
        factor = factor * mask.reshape(images, parts, taps, *mask.shape[2:], 1)
    table = input.reshape(images * parts, channels // parts, height * width).transpose(1, 2)
    first = tallow.arange(images * parts, device=input.device) * (height * width)
    index = index + first.view(images, parts, 1, 1, 1, 1)
    sums = embedding_bag(
        index.reshape(-1, 4),
        table.reshape(-1, channels // parts),
        mode="sum",
        per_sample_weights=factor.reshape(-1, 4),
    )
    return sums.view(images, parts, taps, points, channels // parts)


def _neighbours(y: Tensor, x: Tensor, shape: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """The four elements around each place, and their weights: 0 outside the image."""
    sides = []
    for at, size in ((y, shape[0]), (x, shape[1])):
        low = at.detach().floor()
        part = at - low
        ends = tallow.stack([low, low + 1], -1)
        weight = tallow.stack([1 - part, part], -1)
        inside = (ends >= 0) & (ends < size) & (at > -1).unsqueeze(-1)
        weight = tallow.where(inside, weight, 0)
        sides.append((tallow.where(inside, ends, 0).to(tallow.int64), weight))
    (rows, down), (columns, across) = sides
    index = rows.unsqueeze(-1) * shape[1] + columns.unsqueeze(-2)
    weight = down.unsqueeze(-1) * across.unsqueeze(-2)
    return index.flatten(-2), weight.flatten(-2)
