"""Pickling an object with its storages kept aside."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import tallow
from tallow.storage import TypedStorage, UntypedStorage

from .names import name_in_file

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["StorageTable", "make_pickler"]


class StorageTable:
    """Gives every storage a key and remembers it until it is written."""

    def __init__(self) -> None:
        self._keys: dict[tuple[int, int], str] = {}
        self._dtypes: dict[str, Any] = {}
        self.storages: dict[str, Any] = {}

    def persistent_id(self, obj: Any) -> tuple[Any, ...] | None:
        """Return what stands for a storage in the pickle, None for any other object.

        Raises:
            RuntimeError: the same bytes under two element types.
        """
        if isinstance(obj, TypedStorage):
            storage, dtype, name, count = obj.untyped(), obj.dtype, _class_name(obj), obj.size()
        elif isinstance(obj, UntypedStorage):
            storage, dtype, name, count = obj, None, "UntypedStorage", obj.nbytes()
        else:
            return None
        key = self._key(storage)
        known = self._dtypes.setdefault(key, dtype)
        if known != dtype and None not in (known, dtype):
            raise RuntimeError(
                "Cannot save multiple tensors or storages that view the same data as different "
                "types"
            )
        kind = _storage_names.setdefault(name, _StorageName(name))
        return ("storage", kind, key, str(storage.device), count)

    def _key(self, storage: Any) -> str:
        size = storage.nbytes()
        # Empty storages all have the address 0 and share nothing.
        place = (storage.data_ptr(), size) if size else (id(storage), -1)
        key = self._keys.setdefault(place, str(len(self._keys)))
        self.storages[key] = storage
        return key


class _StorageName:
    """Is written as the name of a storage class."""

    def __init__(self, name: str) -> None:
        self.name = name


# One object per name, so that a name is written once per file.
_storage_names: dict[str, _StorageName] = {}


def _class_name(storage: TypedStorage) -> str:
    return storage.pickle_storage_type()


def _save_storage_name(pickler: Any, obj: _StorageName) -> None:
    module = "torch.storage" if obj.name == "UntypedStorage" else "torch"
    _write_global(pickler, obj, module, obj.name)


def _save_dtype(pickler: Any, obj: Any) -> None:
    _write_global(pickler, obj, "torch", str(obj).rpartition(".")[2])


def _save_layout(pickler: Any, obj: Any) -> None:
    name = str(obj).rpartition(".")[2]
    _write_global(pickler, object(), "torch.serialization", "_get_layout")
    pickler.save((f"torch.{name}",))
    pickler.write(pickle.REDUCE)
    pickler.memoize(obj)


def _write_global(pickler: Any, obj: Any, module: str, name: str) -> None:
    if pickler.proto >= 4:
        pickler.save(module)
        pickler.save(name)
        pickler.write(pickle.STACK_GLOBAL)
    else:
        pickler.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
    pickler.memoize(obj)


_PurePickler: Any = vars(pickle)["_Pickler"]


class _Pickler(_PurePickler):  # type: ignore[misc]
    """Writes names of this package as PyTorch's, so that PyTorch can read the file.

    The C pickler looks every name up before it writes it, and PyTorch need not be installed.
    """

    dispatch: dict[Any, Any] = _PurePickler.dispatch.copy()

    def save_global(self, obj: Any, name: str | None = None) -> None:
        name = name or getattr(obj, "__qualname__", None) or obj.__name__
        module = pickle.whichmodule(obj, name)  # type: ignore[attr-defined]
        written_module, written_name = name_in_file(module, name)
        if written_module == module:
            super().save_global(obj, name)
            return
        _check_reachable(obj, module, name)
        _write_global(self, obj, written_module, written_name)


_Pickler.dispatch[_StorageName] = _save_storage_name
_Pickler.dispatch[tallow.dtype] = _save_dtype
_Pickler.dispatch[tallow.layout] = _save_layout
# The stock entry is a function that does not look at the override above.
_Pickler.dispatch[type(_class_name)] = _Pickler.save_global


def _check_reachable(obj: Any, module: str, name: str) -> None:
    import sys

    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if found is not obj:
        raise pickle.PicklingError(f"Can't pickle {obj}: it's not found as {module}.{name}")


def make_pickler(
    pickle_module: Any, file: Any, protocol: int, persistent_id: Callable[[Any], Any]
) -> Any:
    """Return a Pickler of the given module that keeps storages aside.

    Args:
        pickle_module: the standard module, or one like it.
        file: where the pickle is written.
        protocol: version of the pickle format.
        persistent_id: returns what stands for a storage, None for other objects.
    """
    kind = _Pickler if pickle_module is pickle else pickle_module.Pickler
    pickler = kind(file, protocol=protocol)
    pickler.persistent_id = persistent_id
    return pickler
