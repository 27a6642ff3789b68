"""Memory formats of the weights of convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import tallow

if TYPE_CHECKING:
    from tallow.nn.modules.module import Module

    _M = TypeVar("_M", bound=Module)

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]


def convert_conv2d_weight_memory_format(module: _M, memory_format: Any) -> _M:
    """Change the memory format of every 4-d convolution weight in a tree of modules.

    Args:
        module: changed in place.
        memory_format: such as ``tallow.channels_last``.

    Returns:
        The module.

    Example:
        >>> layer = tallow.nn.Conv2d(2, 2, 3)
        >>> layer = convert_conv2d_weight_memory_format(layer, tallow.channels_last)
        >>> layer.weight.is_contiguous(memory_format=tallow.channels_last)
        True
    """
    nn = tallow.nn
    return _convert(module, memory_format, (nn.Conv2d, nn.ConvTranspose2d))


def convert_conv3d_weight_memory_format(module: _M, memory_format: Any) -> _M:
    """Change the memory format of every 5-d convolution weight in a tree of modules.

    Args:
        module: changed in place.
        memory_format: such as ``tallow.channels_last_3d``.

    Returns:
        The module.
    """
    nn = tallow.nn
    return _convert(module, memory_format, (nn.Conv3d, nn.ConvTranspose3d))


def _convert(module: _M, memory_format: Any, kinds: Any) -> _M:
    for each in module.modules():
        if isinstance(each, kinds):
            weight = each.weight
            weight.data = weight.detach().clone(memory_format=memory_format)
    return module
