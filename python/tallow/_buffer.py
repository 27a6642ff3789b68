"""Tensors over the memory of other objects, reached through Python's buffer protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallow import _C
from tallow.storage import as_tensor

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["from_file", "frombuffer"]


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """Make a one-dimensional tensor from an object with a buffer, and share its memory.

    Read-only memory, that of ``bytes`` for instance, is copied.

    Args:
        buffer: contiguous memory.
        dtype: how to read it.
        count: number of elements; all that are there if negative.
        offset: number of bytes to skip.
        requires_grad: whether autograd records what is done with the tensor.

    Raises:
        ValueError: no buffer, an empty one, or a part that does not lie inside.

    Example:
        >>> import tallow
        >>> memory = bytearray(b"abc")
        >>> tensor = tallow.frombuffer(memory, dtype=tallow.uint8, offset=1)
        >>> memory[1] = 0
        >>> tensor
        tensor([ 0, 99], dtype=tallow.uint8)
    """
    tensor: Tensor = _C._tensor_over_buffer(buffer, dtype, count, offset)
    return tensor.requires_grad_() if requires_grad else tensor


def from_file(
    filename: str,
    shared: bool | None = None,
    size: int | None = 0,
    *,
    dtype: Any = None,
    layout: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor:
    """Make a one-dimensional tensor of the bytes of a file, without reading them yet.

    Args:
        filename: a file; with `shared` it is made, or made longer, if needed.
        shared: changes of the tensor are written to the file; otherwise they stay private.
        size: number of elements.
        dtype: how to read the bytes; the default dtype if not given.
        layout: must be strided.
        device: must be the CPU.
        pin_memory: must be False.
        requires_grad: whether autograd records what is done with the tensor.

    Raises:
        RuntimeError: no such file, a file that is too short, or an option that is not supported.
    """
    import os

    import tallow

    if layout not in (None, tallow.strided):
        raise RuntimeError(f"from_file: expected a strided layout, given {layout}")
    if device is not None and tallow.device(device).type != "cpu":
        raise RuntimeError(f"from_file: expected the CPU, given {device}")
    if pin_memory:
        raise RuntimeError("from_file: pin_memory=True is not supported for a mapped file")
    dtype = tallow.get_default_dtype() if dtype is None else dtype
    count = 0 if size is None else size
    if count < 0:
        raise RuntimeError(f"from_file: size must not be negative, given {count}")
    nbytes = count * dtype.itemsize
    mode = "read-write" if shared else "read-only"
    try:
        if shared:
            with open(filename, "ab") as file:
                file.truncate(max(nbytes, os.path.getsize(filename)))
        elif os.path.getsize(filename) < nbytes:
            raise RuntimeError(
                f"file <{filename}> size <{os.path.getsize(filename)}> is smaller than the "
                f"required mapping size <{nbytes}>"
            )
        storage = tallow.UntypedStorage.from_file(filename, bool(shared), nbytes)
    except OSError as error:
        raise RuntimeError(
            f"unable to open file <{filename}> in {mode} mode: {error.strerror} ({error.errno})"
        ) from None
    return as_tensor(storage, dtype).requires_grad_(requires_grad)
