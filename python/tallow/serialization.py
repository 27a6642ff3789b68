"""Saving objects with tensors to files, and loading them, in PyTorch's format."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import pickle
import stat
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import tallow
from tallow._absent import name_absent_ones

from ._serialization.allowed import Allowed
from ._serialization.archive import ArchiveError, ArchiveReader, ArchiveWriter, is_archive
from ._serialization.legacy import load_legacy
from ._serialization.loading import StorageReader, default_restore_location
from ._serialization.names import name_here, storage_type
from ._serialization.safe import SafeUnpickler, globals_in
from ._serialization.writer import StorageTable, make_pickler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = [
    "add_safe_globals",
    "clear_safe_globals",
    "default_restore_location",
    "get_safe_globals",
    "get_unsafe_globals_in_checkpoint",
    "load",
    "safe_globals",
    "save",
]

# For annotations: what the argument `map_location` may be.
MAP_LOCATION: TypeAlias = Any
DEFAULT_PROTOCOL = 2
UnpicklingError = pickle.UnpicklingError

_safe_globals: list[Any] = []


def add_safe_globals(safe_globals: Iterable[Any]) -> None:
    """Let restricted loads use more classes and functions.

    Args:
        safe_globals: classes and functions that may be called with any arguments, or pairs of one
            and the full name it has in files.

    Example:
        >>> import tallow
        >>> class Settings:
        ...     pass
        >>> tallow.serialization.add_safe_globals([Settings])
        >>> Settings in tallow.serialization.get_safe_globals()
        True
        >>> tallow.serialization.clear_safe_globals()
    """
    for item in safe_globals:
        if item not in _safe_globals:
            _safe_globals.append(item)


def get_safe_globals() -> list[Any]:
    """Return what ``add_safe_globals`` has added."""
    return list(_safe_globals)


def clear_safe_globals() -> None:
    """Take back what ``add_safe_globals`` has added."""
    _safe_globals.clear()


class safe_globals:
    """Let restricted loads inside a ``with`` block use more classes and functions.

    Args:
        safe_globals: as for :func:`add_safe_globals`.
    """

    def __init__(self, safe_globals: Iterable[Any]) -> None:
        self._added = list(safe_globals)

    def __enter__(self) -> None:
        self._before = get_safe_globals()
        add_safe_globals(self._added)

    def __exit__(self, *exception: object) -> None:
        _safe_globals[:] = self._before


def save(
    obj: object,
    f: str | os.PathLike[str] | IO[bytes],
    pickle_module: Any = pickle,
    pickle_protocol: int = DEFAULT_PROTOCOL,
    _use_new_zipfile_serialization: bool = True,
    _disable_byteorder_record: bool = False,
) -> None:
    """Save an object to a file that PyTorch can load.

    A file given by its path appears complete or not at all: the bytes go to a temporary file in
    the same folder, which takes the place of the old one when it is safely on disk.

    Args:
        obj: anything that can be pickled; tensors keep sharing their storages.
        f: a path, or anything with a ``write`` method that takes bytes.
        pickle_module: its Pickler is used.
        pickle_protocol: version of the pickle format.
        _use_new_zipfile_serialization: must stay True; the old format is only read.
        _disable_byteorder_record: leave out the record that names the byte order.

    Raises:
        RuntimeError: the folder does not exist, or tensors of different types share bytes.
        PicklingError: something in ``obj`` cannot be pickled.

    Example:
        >>> import io, tallow
        >>> file = io.BytesIO()
        >>> tallow.save({"weight": tallow.ones(2)}, file)
        >>> position = file.seek(0)
        >>> tallow.load(file)
        {'weight': tensor([1., 1.])}
    """
    if not _use_new_zipfile_serialization:
        raise NotImplementedError("save(): the format from before PyTorch 1.6 is only read")
    table = StorageTable()
    pickled = io.BytesIO()
    make_pickler(pickle_module, pickled, pickle_protocol, table.persistent_id).dump(obj)

    def write_archive(write: Callable[[Any], Any], folder: str) -> None:
        archive = ArchiveWriter(write, folder)
        archive.add("data.pkl", pickled.getvalue())
        archive.add(".format_version", b"1")
        archive.add(".storage_alignment", b"64")
        if not _disable_byteorder_record:
            archive.add("byteorder", b"little")
        for key, storage in table.storages.items():
            archive.add(f"data/{key}", storage.cpu() if storage.nbytes() else b"")
        archive.add("version", b"3\n")
        archive.add(".data/serialization_id", f"{archive.checksum():040d}".encode())
        archive.close()

    if isinstance(f, (str, os.PathLike)):
        path = os.path.realpath(f)
        stem = os.path.splitext(os.path.basename(os.fspath(f)))[0]
        folder = stem if stem.isascii() and stem else "archive"
        with _replacing(path) as file:
            write_archive(file.write, folder)
    elif hasattr(f, "write"):
        write_archive(f.write, "archive")
    else:
        raise AttributeError(
            "expected 'f' to be string, path, or a file-like object with a 'write' attribute"
        )


@contextlib.contextmanager
def _replacing(path: str) -> Iterator[IO[bytes]]:
    """Open a temporary file that takes the place of ``path`` if the block ends well."""
    folder, name = os.path.split(path)
    if not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist.")
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        mode = None
    if mode is not None and not stat.S_ISREG(mode):
        # A device or a pipe cannot be replaced; a folder raises here.
        with open(path, "wb") as file:
            yield file
        return
    temporary = os.path.join(folder, f".{name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        with open(temporary, "xb") as file:
            if mode is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise
    # The new name itself is only safe once the folder is on disk.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def load(
    f: str | os.PathLike[str] | IO[bytes],
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool | None = None,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Load an object that ``save`` of this package or of PyTorch has written.

    Args:
        f: a path, or a seekable binary file.
        map_location: where storages go: a device, a dict from devices in the file to devices, or
            a function from storage and device to a storage or None.
        pickle_module: its Unpickler is used; only without restrictions.
        weights_only: build nothing but tensors, numbers, text, containers and what
            ``add_safe_globals`` allows. False runs whatever the file says: only for files from
            sources you trust. The default is True unless ``pickle_module`` is given.
        mmap: leave the bytes of the storages in the file until they are used; then the check sums
            of the storages are not compared. Changes stay in memory.
        pickle_load_args: passed on to the Unpickler.

    Raises:
        UnpicklingError: the file holds something that is not allowed, or is damaged.
        RuntimeError: the archive is damaged, or a device is not here.

    Example:
        >>> import io, tallow
        >>> file = io.BytesIO()
        >>> tallow.save([tallow.arange(3), "text"], file)
        >>> position = file.seek(0)
        >>> tallow.load(file)
        [tensor([0, 1, 2]), 'text']
    """
    if weights_only is None:
        weights_only = pickle_module is None
    if weights_only and pickle_module is not None:
        raise RuntimeError("Can not safely load weights when explicit pickle_module is specified")
    if map_location is not None and not (
        callable(map_location) or isinstance(map_location, (str, dict, tallow.device))
    ):
        raise TypeError(f"'{type(map_location).__name__}' object is not callable")
    run = _restricted if weights_only else _unrestricted(pickle_module or pickle, pickle_load_args)
    is_path = isinstance(f, (str, os.PathLike))
    if mmap and not is_path:
        raise ValueError("f must be a file path in order to use the mmap argument")
    if not is_path:
        for method in ("read", "seek", "tell"):
            if not hasattr(f, method):
                raise AttributeError(
                    f"'{type(f).__name__}' object has no attribute '{method}'. You can only load "
                    "from a file that is seekable. Please pre-load the data into a buffer like "
                    "io.BytesIO and try to load from it instead."
                )
    with _opened(f) as file:
        name = getattr(file, "name", "the file object")
        try:
            return _load_file(file, run, map_location, bool(mmap))
        except UnpicklingError as error:
            raise (_restricted_error(error, name) if weights_only else error) from None
        except ArchiveError as error:
            raise RuntimeError(f"load(): {name}: {error}") from None


@contextlib.contextmanager
def _opened(f: str | os.PathLike[str] | IO[bytes]) -> Iterator[IO[bytes]]:
    """Open a path; hand a file object through as it is."""
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            yield file
    else:
        yield f


def _get_layout(name: str) -> Any:
    """Return the layout that a file names, as ``torch.sparse_coo``."""
    return getattr(tallow, name.rpartition(".")[2])


def _load_file(file: Any, run: Any, map_location: Any, use_mmap: bool) -> Any:
    if not is_archive(file):
        if use_mmap:
            raise RuntimeError(
                "mmap can only be used with files saved with "
                "_use_new_zipfile_serialization=True; save the checkpoint again to use mmap."
            )
        data = file.read()
        if not data:
            raise EOFError("load(): the file is empty")
        if not data.startswith(pickle.PROTO):
            raise UnpicklingError(f"the file is no checkpoint: it begins with {data[:8]!r}")
        return load_legacy(data, run, map_location)
    reader = ArchiveReader(file)
    if "constants.pkl" in reader:
        raise RuntimeError(
            "load(): the file is a TorchScript archive, a program and not a checkpoint; "
            "save the state_dict of the model instead"
        )
    mapping = None
    if use_mmap:
        import mmap

        mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    storages = StorageReader(reader, map_location, mapping)
    return run(reader.read("data.pkl"), 0, storages.persistent_load)[0]


def _restricted(
    data: bytes, position: int, persistent_load: Callable[[Any], Any]
) -> tuple[Any, int]:
    machine = SafeUnpickler(data, Allowed(_safe_globals), persistent_load, position)
    return machine.load(), machine.position


def _restricted_error(error: Exception, name: Any) -> UnpicklingError:
    return UnpicklingError(
        f"Weights only load failed. If you trust where {name} comes from, you have two options: "
        "pass weights_only=False, which can run code from the file, or allow the classes it needs "
        f"with add_safe_globals.\n\tWeightsUnpickler error: {error}"
    )


@functools.cache
def _unpickler_class(pickle_module: Any) -> Any:
    """Return an Unpickler class of the given module that finds PyTorch's names here."""

    class Unpickler(pickle_module.Unpickler):  # type: ignore[misc]
        def find_class(self, module: str, name: str) -> Any:
            storage = storage_type(module, name)
            if storage is not None:
                return storage
            here, name = name_here(module, name)
            try:
                return super().find_class(here, name)
            except (ImportError, AttributeError) as error:
                if here == module:
                    raise
                raise AttributeError(
                    f"load(): the file needs {module}.{name}, which this package does not have"
                ) from error

    return Unpickler


def _unrestricted(pickle_module: Any, options: dict[str, Any]) -> Any:
    """Return a function that runs one pickle with an unpickler of the given module."""
    options = {"encoding": "utf-8", **options}

    def run(data: bytes, position: int, persistent_load: Callable[[Any], Any]) -> tuple[Any, int]:
        stream = io.BytesIO(data)
        stream.seek(position)
        machine = _unpickler_class(pickle_module)(stream, **options)
        machine.persistent_load = persistent_load
        return machine.load(), stream.tell()

    return run


def get_unsafe_globals_in_checkpoint(f: str | os.PathLike[str] | IO[bytes]) -> list[str]:
    """Return the names in a file that a restricted load would refuse.

    Args:
        f: a path, or a seekable binary file.

    Raises:
        ValueError: a file of the format from before PyTorch 1.6.

    Example:
        >>> import io, tallow
        >>> file = io.BytesIO()
        >>> tallow.save(tallow.nn.ReLU(), file)
        >>> position = file.seek(0)
        >>> tallow.serialization.get_unsafe_globals_in_checkpoint(file)
        ['torch.nn.modules.activation.ReLU']
    """
    with _opened(f) as file:
        start = file.tell()
        if not is_archive(file):
            raise ValueError("Expected input to be a checkpoint returned by save()")
        names = globals_in(ArchiveReader(file).read("data.pkl"))
        file.seek(start)
    allowed = Allowed(_safe_globals)
    refused = []
    for name in sorted(names):
        module, _, last = name.rpartition(".")
        try:
            allowed.find(module, last)
        except UnpicklingError:
            refused.append(name)
    return refused


name_absent_ones(__name__)
