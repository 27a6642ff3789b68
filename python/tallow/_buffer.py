"""Tensors over the memory of other objects, reached through Python's buffer protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallow import _C
from tallow.storage import as_tensor, storage_from_bytes

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["from_file", "frombuffer"]


class _BorrowedBytes:
    """Writable memory of another object, described in the way NumPy arrays describe theirs.

    While this object lives the owner can neither free nor resize the memory.
    """

    def __init__(self, view: memoryview) -> None:
        import ctypes

        self._export = (ctypes.c_char * view.nbytes).from_buffer(view)
        self.__array_interface__ = {
            "version": 3,
            "shape": (view.nbytes,),
            "typestr": "|u1",
            "data": (ctypes.addressof(self._export), False),
            "strides": None,
        }


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
    try:
        view = memoryview(buffer)
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    if not view.c_contiguous:
        raise ValueError("frombuffer(): the memory of the buffer is not contiguous")
    view = view.cast("B")
    size, itemsize = view.nbytes, dtype.itemsize
    if size == 0 or count == 0:
        raise ValueError(f"both buffer length ({size}) and count ({count}) must not be 0")
    if not 0 <= offset < size:
        raise ValueError(
            f"offset ({offset} bytes) must be non-negative and no greater than buffer length "
            f"({size} bytes) minus 1"
        )
    if count < 0 and (size - offset) % itemsize:
        raise ValueError(
            f"buffer length ({size - offset} bytes) after offset ({offset} bytes) must be a "
            f"multiple of element size ({itemsize})"
        )
    count = (size - offset) // itemsize if count < 0 else count
    if count * itemsize > size - offset:
        raise ValueError(
            f"requested buffer length ({count} * {itemsize} bytes) after offset ({offset} bytes) "
            f"must not be greater than actual buffer length ({size} bytes)"
        )
    part = view[offset : offset + count * itemsize]
    if part.readonly:
        storage = storage_from_bytes(part)
    else:
        storage = _C.from_numpy(_BorrowedBytes(part)).untyped_storage()
    tensor = as_tensor(storage, dtype)
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
