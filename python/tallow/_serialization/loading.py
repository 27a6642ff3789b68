"""Storages on their way from a file into memory."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import tallow
from tallow._buffer import frombuffer
from tallow.storage import TypedStorage, UntypedStorage

from .names import StorageType

if TYPE_CHECKING:
    from .archive import ArchiveReader

__all__ = ["MetaStorage", "StorageReader", "default_restore_location", "restored"]

UnpicklingError = pickle.UnpicklingError


class MetaStorage:
    """A storage without memory: all that is left of one that is mapped to the meta device."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        self.device = tallow.device("meta")

    def untyped(self) -> MetaStorage:
        """Return this storage."""
        return self


def default_restore_location(storage: Any, location: str) -> Any:
    """Return the storage on the device that the file names.

    Args:
        storage: bytes on the CPU.
        location: a device, as text.

    Raises:
        RuntimeError: the device is not here.
    """
    if location == "cpu":
        return storage
    if location == "meta":
        return MetaStorage(tallow.uint8)
    here = tallow._C._get_namespace()
    if location.startswith("cuda") and tallow.cuda.is_available():
        index, count = tallow.device(location).index or 0, tallow.cuda.device_count()
        if index >= count:
            raise RuntimeError(
                f"Attempting to deserialize object on CUDA device {index} but "
                f"{here}.cuda.device_count() is {count}. Please use {here}.load with map_location "
                "to map your storages to an existing device."
            )
        return storage.cuda(location)
    if location.startswith("cuda"):
        raise RuntimeError(
            f"Attempting to deserialize object on a CUDA device but {here}.cuda.is_available() is "
            f"False. If you are running on a CPU-only machine, please use {here}.load with "
            f"map_location={here}.device('cpu') to map your storages to the CPU."
        )
    raise RuntimeError(
        f"don't know how to restore data location of {here}.storage.UntypedStorage "
        f"(tagged with {location})"
    )


def target_location(map_location: Any, location: str) -> str | None:
    """Return where a storage is wanted, None if a function has to be asked."""
    if map_location is None:
        return location
    if isinstance(map_location, dict):
        return str(map_location.get(location, location))
    if isinstance(map_location, (str, tallow.device)):
        return str(map_location)
    return None


def restored(storage: Any, location: str, map_location: Any) -> Any:
    """Return a storage that was read where the caller of ``load`` wants it."""
    target = target_location(map_location, location)
    if target is not None:
        return default_restore_location(storage, target)
    chosen = map_location(storage, location)
    return default_restore_location(storage, location) if chosen is None else chosen


def parsed_id(persistent_id: Any, length: int = 5) -> tuple[StorageType, Any, str, int]:
    """Return storage class, key, location and number of elements, all of the right type.

    Raises:
        UnpicklingError: anything else.
    """
    if type(persistent_id) is not tuple or len(persistent_id) < length:
        raise UnpicklingError(f"a storage is named by {persistent_id!r}")
    tag, kind, key, location, count = persistent_id[:5]
    if isinstance(tag, bytes):
        tag = tag.decode("ascii", "replace")
    if tag != "storage":
        raise UnpicklingError(f"Only persistent_load of storage is allowed, but got {tag!r}")
    if not isinstance(kind, StorageType):
        raise UnpicklingError(f"{kind!r} is not a storage class")
    if type(key) is not str or type(location) is not str or type(count) is not int or count < 0:
        raise UnpicklingError(f"a storage is named by {persistent_id!r}")
    return kind, key, location, count


def typed(storage: Any, dtype: Any) -> Any:
    """Return a storage with the element type of the tensors that use it."""
    if isinstance(storage, MetaStorage):
        return MetaStorage(dtype)
    if dtype is None or isinstance(storage, TypedStorage):
        return storage
    return TypedStorage(wrap_storage=storage, dtype=dtype, _internal=True)


class StorageReader:
    """Finds the storages of an archive, each once.

    Args:
        reader: the archive.
        map_location: the argument of ``load``.
        mapping: the file as memory; None reads each storage into memory of its own.
    """

    def __init__(self, reader: ArchiveReader, map_location: Any, mapping: Any = None) -> None:
        self._reader = reader
        self._map_location = map_location
        self._mapping = None if mapping is None else memoryview(mapping)
        self._swap = "byteorder" in reader and reader.read("byteorder") == b"big"
        self._loaded: dict[str, Any] = {}

    def persistent_load(self, persistent_id: Any) -> Any:
        """Return the storage that a pickle names.

        Raises:
            UnpicklingError: the name is damaged, or does not fit the record.
        """
        kind, key, location, count = parsed_id(persistent_id)
        record = f"data/{key}"
        itemsize = 1 if kind.dtype is None else kind.dtype.itemsize
        if self._reader.size(record) != count * itemsize:
            raise UnpicklingError(
                f"record {record} has {self._reader.size(record)} bytes, "
                f"but {count} elements of {itemsize} bytes are expected"
            )
        if key not in self._loaded:
            if target_location(self._map_location, location) == "meta":
                self._loaded[key] = MetaStorage(kind.dtype)
            else:
                storage = self._read(record, itemsize, kind)
                self._loaded[key] = restored(storage, location, self._map_location)
        return typed(self._loaded[key], kind.dtype)

    def _read(self, record: str, itemsize: int, kind: StorageType) -> Any:
        size = self._reader.size(record)
        offset = self._reader.offset(record)
        if self._mapping is not None and offset is not None and offset % itemsize == 0 and size:
            part = self._mapping[offset : offset + size]
            return frombuffer(part, dtype=tallow.uint8).untyped_storage()
        storage = UntypedStorage(size)
        if size:
            view = memoryview(storage)
            self._reader.read_into(record, view)
            if self._swap and kind.dtype is not None:
                _swap_bytes(view, kind.dtype)
        return storage


def _swap_bytes(view: memoryview, dtype: Any) -> None:
    """Turn numbers written on a big-endian machine around, in place."""
    width = dtype.itemsize // (2 if dtype.is_complex else 1)
    data = view.tobytes()
    for place in range(width):
        view[place::width] = data[width - 1 - place :: width]
