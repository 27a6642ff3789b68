"""How tensors are pickled on their way to another process: as descriptors of shared memory."""

from __future__ import annotations

import multiprocessing.spawn
from multiprocessing.reduction import DupFd, ForkingPickler
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _alias, _shared_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = ["init_reductions", "rebuild_tensor", "reduce_tensor"]


def rebuild_tensor(cls: type, fd: Any, place: tuple[Any, ...], requires_grad: bool) -> Tensor:
    """Make a tensor over shared memory that another process has sent.

    Args:
        cls: Tensor or Parameter.
        fd: brings the descriptor.
        place: dtype, storage offset, size and stride.
        requires_grad: whether it requires gradients.
    """
    storage = _shared_memory.storage_of(_shared_memory.open_map(fd.detach()))
    dtype, offset, size, stride = place
    tensor: Tensor = tallow._C._tensor_from_storage(storage, dtype, offset, size, stride)
    if issubclass(cls, tallow.nn.Parameter):
        return cls(tensor, requires_grad)
    return tensor.requires_grad_(requires_grad)


def check_can_travel(tensor: Tensor) -> None:
    """Refuse what stays in its process: the history of recorded operations, memory of devices.

    Args:
        tensor: about to be sent.

    Raises:
        RuntimeError: it has a history, or lies on a CUDA device.
    """
    if tensor.is_cuda:
        raise RuntimeError(
            f"a tensor on {tensor.device} cannot be sent to another process (CUDA IPC is not "
            "supported): send tensor.cpu(), and move it to the device there"
        )
    if tensor.requires_grad and not tensor.is_leaf:
        raise RuntimeError(
            "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd "
            "does not support crossing process boundaries.  If you just want to transfer the "
            "data, call detach() on the tensor before serializing (e.g., putting it on the queue)."
        )


def reduce_tensor(tensor: Tensor) -> tuple[Any, ...]:
    """Move a tensor to shared memory; return what makes a tensor over it in another process.

    Args:
        tensor: a leaf, or one that requires no gradient.

    Raises:
        RuntimeError: it has a history that autograd recorded, or lies on a CUDA device.
    """
    check_can_travel(tensor)
    if tensor.numel() == 0 or tensor.is_meta:
        return tensor.__reduce_ex__(2)
    _shared_memory.share(tensor)
    mapping = _shared_memory.map_of(tensor.untyped_storage())
    assert mapping is not None
    place = (tensor.dtype, tensor.storage_offset(), tuple(tensor.size()), tuple(tensor.stride()))
    return rebuild_tensor, (type(tensor), DupFd(mapping.fd), place, tensor.requires_grad)


class _AliasMode:
    """Starts alias mode in the process that unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _alias.install, ()


def _with_alias_mode(prepare: Callable[[str], dict[str, Any]]) -> Callable[[str], dict[str, Any]]:
    """Let new processes import the main program, which says ``import torch``, as this one did."""

    def get_preparation_data(name: str) -> dict[str, Any]:
        data = prepare(name)
        return {**data, "tallow": _AliasMode()} if _alias.is_installed() else data

    return get_preparation_data


def init_reductions() -> None:
    """Tell Python's multiprocessing how to send tensors. Importing the package does that."""
    ForkingPickler.register(tallow.Tensor, reduce_tensor)
    ForkingPickler.register(tallow.nn.Parameter, reduce_tensor)
    spawning: Any = multiprocessing.spawn
    spawning.get_preparation_data = _with_alias_mode(spawning.get_preparation_data)
