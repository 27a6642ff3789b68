"""Files from before PyTorch 1.6: pickles one after the other, then the bytes of the storages."""

from __future__ import annotations

import pickle
import struct
from typing import TYPE_CHECKING, Any

from tallow.storage import UntypedStorage

from .loading import parsed_id, restored, typed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["load_legacy"]

UnpicklingError = pickle.UnpicklingError

_MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
_PROTOCOL_VERSION = 1001


class _Storages:
    """Makes storages when the object names them; their bytes come later in the file."""

    def __init__(self, map_location: Any, available: int) -> None:
        self._map_location = map_location
        self._available = available
        self._typed: dict[str, Any] = {}
        self.raw: dict[str, tuple[Any, int]] = {}

    def persistent_load(self, persistent_id: Any) -> Any:
        """Return a storage that is still to be filled.

        Raises:
            UnpicklingError: the name is damaged, or asks for more than the file can hold.
        """
        if type(persistent_id) is tuple and persistent_id[:1] in (("module",), (b"module",)):
            # (tag, class, file, source text): the source only served a warning.
            return persistent_id[1]
        kind, key, location, count = parsed_id(persistent_id)
        if len(persistent_id) > 5 and persistent_id[5] is not None:
            raise UnpicklingError(
                "views of storages, which PyTorch 0.3 and older wrote, are not supported"
            )
        if key not in self._typed:
            itemsize = 1 if kind.dtype is None else kind.dtype.itemsize
            self._available -= count * itemsize
            if self._available < 0:
                raise UnpicklingError(f"storage {key} has more bytes than the file")
            storage = UntypedStorage(count * itemsize)
            self.raw[key] = (storage, count)
            place = restored(storage, location, self._map_location)
            self._typed[key] = typed(place, kind.dtype)
        return self._typed[key]


def _nothing_persistent(persistent_id: Any) -> Any:
    raise UnpicklingError(f"unexpected storage {persistent_id!r}")


def load_legacy(data: bytes, run: Callable[..., tuple[Any, int]], map_location: Any) -> Any:
    """Return the object in a file of the old format.

    Args:
        data: the whole file.
        run: runs one pickle: takes data, position and a function from persistent ids to
            storages, returns the object and the position after it.
        map_location: the argument of ``load``.

    Raises:
        UnpicklingError: no such file, or a damaged one.
    """
    magic, position = run(data, 0, _nothing_persistent)
    if magic != _MAGIC_NUMBER:
        raise UnpicklingError("Invalid magic number; corrupt file?")
    version, position = run(data, position, _nothing_persistent)
    if version != _PROTOCOL_VERSION:
        raise UnpicklingError(f"Invalid protocol version: {version}")
    system, position = run(data, position, _nothing_persistent)
    if isinstance(system, dict) and not system.get("little_endian", True):
        raise UnpicklingError("the file was written on a big-endian machine in the old format")
    storages = _Storages(map_location, len(data) - position)
    result, position = run(data, position, storages.persistent_load)
    keys, position = run(data, position, _nothing_persistent)
    if type(keys) is not list:
        raise UnpicklingError("the list of storages is missing")
    for key in keys:
        if key not in storages.raw:
            raise UnpicklingError(f"storage {key!r} is in the file, but no tensor uses it")
        position = _fill(*storages.raw.pop(key), data, position)
    if storages.raw:
        raise UnpicklingError(f"the bytes of storage {next(iter(storages.raw))!r} are missing")
    return result


def _fill(storage: Any, count: int, data: bytes, position: int) -> int:
    if position + 8 > len(data):
        raise UnpicklingError("the file ended before a storage")
    (stated,) = struct.unpack_from("<q", data, position)
    position += 8
    size = storage.nbytes()
    if stated != count or position + size > len(data):
        raise UnpicklingError(f"a storage of {count} elements has the wrong size in the file")
    if size:
        memoryview(storage)[:] = memoryview(data)[position : position + size]
    return position + size
