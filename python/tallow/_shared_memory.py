"""Tensors whose memory is shared with other processes.

The memory is an anonymous file: forked processes inherit it, others receive its descriptor. No name
in /dev/shm is used, so that nothing is left behind and the size of that file system is no limit.
"""

from __future__ import annotations

import errno
import mmap
import os
import weakref
from typing import TYPE_CHECKING, Any

import tallow
from tallow._composite import composite

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["SharedMap", "create", "is_shared", "map_of", "open_map", "share"]


class SharedMap(mmap.mmap):
    """A mapping of an anonymous file that knows the file's descriptor."""

    fd: int


# Start address of each shared mapping that is still in use. A mapping lives as long as a storage
# exports its buffer.
_mappings: weakref.WeakValueDictionary[int, SharedMap] = weakref.WeakValueDictionary()


def open_map(fd: int) -> SharedMap:
    """Map an anonymous file.

    Args:
        fd: its descriptor, which is closed together with the mapping.
    """
    try:
        mapping = SharedMap(fd, os.fstat(fd).st_size)
    except BaseException:
        os.close(fd)
        raise
    mapping.fd = fd
    weakref.finalize(mapping, os.close, fd).atexit = False
    return mapping


def create(nbytes: int) -> SharedMap:
    """Make a mapping of a new anonymous file.

    Args:
        nbytes: its size, > 0.

    Raises:
        RuntimeError: there is not as much memory.
    """
    try:
        # The pages come when they are written, as those of other memory do. No file system limits
        # them, so that writing never meets SIGBUS.
        if nbytes > os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        fd = os.memfd_create("tallow", os.MFD_CLOEXEC)
        try:
            os.ftruncate(fd, nbytes)
        except BaseException:
            os.close(fd)
            raise
        return open_map(fd)
    except OSError as error:
        raise RuntimeError(
            f"unable to allocate {nbytes} bytes of shared memory: {error.strerror}"
        ) from None


def _remembered(mapping: SharedMap) -> Tensor:
    """Return the bytes of a mapping as a tensor that is known to be shared."""
    data = tallow.frombuffer(mapping, dtype=tallow.uint8)
    _mappings[data.data_ptr()] = mapping
    return data


def storage_of(mapping: SharedMap) -> Any:
    """Return a storage over the memory of a mapping.

    Args:
        mapping: lives at least as long.
    """
    return _remembered(mapping).untyped_storage()


def map_of(storage: Any) -> SharedMap | None:
    """Return the mapping under a storage, None if its memory is not shared.

    Args:
        storage: an untyped storage.
    """
    return _mappings.get(storage.data_ptr()) if _mappings else None


@composite
def is_shared(tensor: Tensor) -> bool:
    """Tell whether the memory of a tensor is shared with other processes; CUDA's always counts."""
    return tensor.is_cuda or map_of(tensor.untyped_storage()) is not None


def share(tensor: Tensor) -> Tensor:
    """Move the data of a tensor to shared memory; return the tensor.

    Views made before keep the old memory. Tensors on CUDA devices stay as they are.
    """
    if is_shared(tensor) or tensor.numel() == 0:
        return tensor
    copy = _remembered(create(tensor.nbytes)).view(tensor.dtype).view(tensor.shape)
    with tallow.no_grad():
        copy.copy_(tensor)
    tensor.data = copy
    return tensor
