"""Tensors whose memory is shared with the processes forked from this one."""

from __future__ import annotations

import mmap
import weakref
from typing import TYPE_CHECKING

import tallow

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["is_shared", "share"]

# Start address of each shared mapping that is still in use. A mapping lives as long as a storage
# exports its buffer.
_mappings: weakref.WeakValueDictionary[int, mmap.mmap] = weakref.WeakValueDictionary()


def is_shared(tensor: Tensor) -> bool:
    """Tell whether the memory of a tensor is shared with forked processes."""
    return tensor.untyped_storage().data_ptr() in _mappings


def share(tensor: Tensor) -> Tensor:
    """Move the data of a tensor to an anonymous shared mapping; return the tensor.

    Views made before keep the old memory.
    """
    if is_shared(tensor) or tensor.numel() == 0:
        return tensor
    mapping = mmap.mmap(-1, tensor.nbytes)  # anonymous and MAP_SHARED, so that forks see writes
    copy = tallow.frombuffer(mapping, dtype=tensor.dtype).view(tensor.shape)
    with tallow.no_grad():
        copy.copy_(tensor)
    tensor.data = copy
    _mappings[tensor.untyped_storage().data_ptr()] = mapping
    return tensor
