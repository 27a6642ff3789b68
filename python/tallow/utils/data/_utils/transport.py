"""How batches come from a worker: small ones by copy, others as one piece of shared memory."""

from __future__ import annotations

import io
import os
import pickle
from multiprocessing import reduction
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _shared_memory, _utils

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

__all__ = ["receive", "send"]

# Below this size copying twice costs less than making a file and mapping it.
_SMALL = 1 << 15
_ALIGNMENT = 64


def _round_up(nbytes: int) -> int:
    return -(-nbytes // _ALIGNMENT) * _ALIGNMENT


class _Packer(reduction.ForkingPickler):
    """Pickles an object, and sets the storages of its tensors aside."""

    def __init__(self, file: Any) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.storages: list[Any] = []
        self._numbers: dict[int, int] = {}

    def reducer_override(self, obj: Any) -> Any:
        if not isinstance(obj, tallow.Tensor):
            return NotImplemented
        from tallow.multiprocessing.reductions import check_can_travel

        check_can_travel(obj)
        if not obj.is_meta and obj.nbytes < obj.untyped_storage().nbytes():
            # A view, of the whole data set perhaps: send what it shows.
            compact = obj.detach().clone().requires_grad_(obj.requires_grad)
            if type(obj) is tallow.Tensor:
                obj = compact
        return _utils._reduce_tensor(obj, 2)

    def persistent_id(self, obj: Any) -> int | None:
        if not isinstance(obj, tallow.UntypedStorage):
            return None
        # The list keeps the storages alive, so that addresses stay unique.
        number = self._numbers.setdefault(obj.data_ptr(), len(self.storages))
        if number == len(self.storages):
            self.storages.append(obj)
        return number


class _Unpacker(pickle.Unpickler):
    def __init__(self, data: bytes, storages: list[Any]) -> None:
        super().__init__(io.BytesIO(data))
        self.storages = storages

    def persistent_load(self, number: int) -> Any:
        return self.storages[number]


def send(connection: Connection, obj: Any) -> None:
    """Send an object with its tensors over one end of a two-way pipe.

    Args:
        connection: the end.
        obj: anything that can be pickled.

    Raises:
        RuntimeError: there is no memory, or a tensor has a history.
    """
    stream = io.BytesIO()
    packer = _Packer(stream)
    packer.dump(obj)
    sizes = [storage.nbytes() for storage in packer.storages]
    total = sum(map(_round_up, sizes))
    if total <= _SMALL:
        parts: list[Any] = [bytes(memoryview(s)) if s.nbytes() else b"" for s in packer.storages]
        connection.send_bytes(pickle.dumps((stream.getvalue(), parts, None)))
        return
    mapping = _shared_memory.create(total)
    position = 0
    with memoryview(mapping) as memory:
        for storage, size in zip(packer.storages, sizes, strict=True):
            if size:
                memory[position : position + size] = memoryview(storage).cast("B")
            position += _round_up(size)
    connection.send_bytes(pickle.dumps((stream.getvalue(), None, sizes)))
    reduction.send_handle(connection, mapping.fd, os.getppid())


def receive(connection: Connection) -> Any:
    """Return the next object that :func:`send` has sent.

    Args:
        connection: the other end.

    Raises:
        EOFError: the sender has gone.
    """
    data, parts, sizes = pickle.loads(connection.recv_bytes())
    if parts is not None:
        storages = [tallow.storage.storage_from_bytes(part) for part in parts]
        return _Unpacker(data, storages).load()
    try:
        fd = reduction.recv_handle(connection)
    except RuntimeError:
        raise EOFError from None  # the sender ended between message and descriptor
    whole = tallow.frombuffer(_shared_memory.open_map(fd), dtype=tallow.uint8)
    storages, position = [], 0
    for size in sizes:
        storages.append(whole.untyped_storage()[position : position + size])
        position += _round_up(size)
    return _Unpacker(data, storages).load()
