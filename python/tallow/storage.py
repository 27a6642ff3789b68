"""Storages: the memory of tensors, as a sequence of bytes or of elements of one type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow._absent import absent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tallow import Tensor

__all__ = ["STORAGE_DTYPES", "TypedStorage", "UntypedStorage", "storage_from_bytes"]

# The class names that PyTorch's files use, and the element type each stands for.
STORAGE_DTYPES = {
    "FloatStorage": "float32",
    "DoubleStorage": "float64",
    "HalfStorage": "float16",
    "BFloat16Storage": "bfloat16",
    "LongStorage": "int64",
    "IntStorage": "int32",
    "ShortStorage": "int16",
    "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool",
    "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}
_NAMES = {dtype: name for name, dtype in STORAGE_DTYPES.items()}


def storage_from_bytes(data: Any, device: str | None = None) -> Any:
    """Return a new storage with a copy of some bytes.

    Args:
        data: bytes, or any contiguous buffer.
        device: where the storage is to be, if not on the CPU.

    Example:
        >>> from tallow.storage import storage_from_bytes
        >>> storage_from_bytes(b"ab").tolist()
        [97, 98]
    """
    source = memoryview(data).cast("B")
    storage = UntypedStorage(source.nbytes)
    if source.nbytes:
        memoryview(storage)[:] = source
    return storage if device is None else storage.cuda(device)


def as_tensor(storage: Any, dtype: Any) -> Tensor:
    """Return a whole storage as a one-dimensional tensor that shares its memory."""
    count = storage.nbytes() // dtype.itemsize
    tensor: Tensor = _C._tensor_from_storage(storage, dtype, 0, (count,), (1,))
    return tensor


def _dtype_name(dtype: Any) -> str:
    return str(dtype).rpartition(".")[2]


def has_class(dtype: Any) -> bool:
    """Tell whether storages of a type have a class name of their own in PyTorch's files.

    Args:
        dtype: the element type. Later ones, such as uint16 and float8_e5m2, have none.
    """
    return _dtype_name(dtype) in _NAMES


def _checked_index(index: int, size: int) -> int:
    if not -size <= index < size:
        raise IndexError(f"index {index} out of range for storage of size {size}")
    return index % size


class _ByteMethods:
    """What Python adds to the native storage class, whose instances are sequences of bytes."""

    if TYPE_CHECKING:
        device: Any

        def nbytes(self) -> int: ...

    is_sparse = False
    filename = None

    @property
    def is_cpu(self) -> bool:
        """Whether the memory belongs to the CPU."""
        return self.device.type == "cpu"

    @property
    def is_cuda(self) -> bool:
        """Whether the memory belongs to a CUDA device."""
        return self.device.type == "cuda"

    def size(self) -> int:
        """Return the number of bytes."""
        return self.nbytes()

    def element_size(self) -> int:
        """Return the size of an element: one byte."""
        return 1

    def tolist(self) -> list[int]:
        """Return the bytes as numbers."""
        return list(memoryview(self.cpu()).tobytes())

    def clone(self) -> Any:
        """Return a copy."""
        return as_tensor(self, tallow.uint8).clone().untyped_storage()

    def cpu(self) -> Any:
        """Return this storage, or a copy of it if it is on another device."""
        return self if self.is_cpu else self._moved("cpu")

    def cuda(self, device: Any = None, non_blocking: bool = False) -> Any:
        """Return this storage, or a copy of it, on a CUDA device."""
        target = tallow.device("cuda" if device is None else device)
        if self.is_cuda and target.index in (None, self.device.index):
            return self
        return self._moved(target)

    def _moved(self, device: Any) -> Any:
        return as_tensor(self, tallow.uint8).to(device).untyped_storage()

    def untyped(self) -> Any:
        """Return this storage."""
        return self

    def copy_(self, source: Any, non_blocking: bool = False) -> Any:
        """Overwrite the bytes with those of another storage.

        Args:
            source: a storage with as many bytes.
            non_blocking: accepted for compatibility.

        Raises:
            RuntimeError: the sizes differ.
        """
        if source.nbytes() != self.nbytes():
            raise RuntimeError(
                f"size does not match, self was {self.nbytes()} bytes but src was "
                f"{source.nbytes()} bytes"
            )
        if self.nbytes():
            memoryview(self)[:] = memoryview(source.untyped())  # type: ignore[arg-type]
        return self

    def fill_(self, value: int) -> Any:
        """Set every byte.

        Args:
            value: in 0..255.
        """
        as_tensor(self, tallow.uint8).fill_(value)
        return self

    def is_shared(self) -> bool:
        """Tell whether processes forked from this one see changes."""
        from tallow._shared_memory import is_shared

        return is_shared(as_tensor(self, tallow.uint8))

    def is_pinned(self, device: Any = None) -> bool:
        """Tell whether the memory is page-locked for an accelerator.

        Args:
            device: accepted for compatibility.
        """
        return as_tensor(self, tallow.uint8).is_pinned()

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, slice):
            return memoryview(self)[_checked_index(index, self.nbytes())]  # type: ignore[arg-type]
        start, stop, step = index.indices(self.nbytes())
        if step != 1:
            raise RuntimeError(
                f"Trying to slice with a step of {step}, but only a step of 1 is supported"
            )
        if stop <= start:
            return UntypedStorage(0)
        from tallow._buffer import frombuffer

        part = frombuffer(self, dtype=tallow.uint8, offset=start, count=stop - start)
        return part.untyped_storage()

    def __setitem__(self, index: Any, value: Any) -> None:
        if not isinstance(index, slice):
            index = _checked_index(index, self.nbytes())
        as_tensor(self, tallow.uint8)[index] = value

    def __iter__(self) -> Iterator[int]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        return _text(self.tolist(), "UntypedStorage", f"device={self.device}")

    def __reduce__(self) -> tuple[Any, ...]:
        data = memoryview(self.cpu()).tobytes()
        return (storage_from_bytes, (data,) if self.is_cpu else (data, str(self.device)))

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        memo[id(self)] = copied = self.clone()
        return copied

    @classmethod
    def from_file(cls, filename: str, shared: bool = False, nbytes: int = 0) -> Any:
        """Map a file into memory.

        Args:
            filename: a file of at least ``nbytes`` bytes.
            shared: write changes back to the file; otherwise they stay private.
            nbytes: size of the storage.

        Raises:
            ValueError: the file is shorter.
        """
        import mmap

        from tallow._buffer import frombuffer

        if nbytes == 0:
            return UntypedStorage(0)
        with open(filename, "r+b" if shared else "rb") as file:
            access = mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY
            mapped = mmap.mmap(file.fileno(), nbytes, access=access)
        return frombuffer(mapped, dtype=tallow.uint8).untyped_storage()


def _text(values: list[Any], name: str, details: str) -> str:
    lines = "".join(f" {value}\n" for value in values)
    return f"{lines}[{_C._get_namespace()}.storage.{name}({details}) of size {len(values)}]"


UntypedStorage: Any = _C.StorageBase
for _name, _member in vars(_ByteMethods).items():
    if callable(_member) or not _name.startswith("__"):  # not what Python notes in every class
        setattr(UntypedStorage, _name, _member)
# Pickles and messages know the class by this place and name.
UntypedStorage.__module__ = __name__
UntypedStorage.__name__ = UntypedStorage.__qualname__ = "UntypedStorage"


class _StorageType(type):
    """Makes ``FloatStorage`` and the others: names for a TypedStorage of one element type."""

    dtype: Any

    def __instancecheck__(cls, instance: Any) -> bool:
        if not type.__instancecheck__(TypedStorage, instance):
            return False
        return cls is TypedStorage or bool(instance.dtype == cls.dtype)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is not TypedStorage:
            kwargs.setdefault("dtype", cls.dtype)
        return type.__call__(TypedStorage, *args, **kwargs)


class TypedStorage(metaclass=_StorageType):
    """A storage seen as elements of one type.

    Args:
        args: the number of elements, or their values.
        wrap_storage: the bytes to use instead of new ones.
        dtype: the element type; the default one if missing.
        device: accepted for compatibility; only the CPU has memory.
        _internal: accepted for compatibility.

    Example:
        >>> import tallow
        >>> tallow.storage.TypedStorage([1, 2], dtype=tallow.int16).nbytes()
        4
    """

    is_sparse = False

    def __init__(
        self,
        *args: Any,
        wrap_storage: Any = None,
        dtype: Any = None,
        device: Any = None,
        _internal: bool = False,
    ) -> None:
        self.dtype = tallow.get_default_dtype() if dtype is None else dtype
        if wrap_storage is not None:
            if args:
                raise RuntimeError(
                    "TypedStorage.__init__: No positional arguments should be given when using "
                    "'wrap_storage'"
                )
            if not isinstance(wrap_storage, UntypedStorage):
                raise TypeError(
                    "TypedStorage.__init__: Argument 'wrap_storage' must be UntypedStorage, but "
                    f"got {type(wrap_storage)}"
                )
            self._untyped_storage = wrap_storage
        elif not args:
            self._untyped_storage = UntypedStorage(0)
        elif isinstance(args[0], int):
            self._untyped_storage = UntypedStorage(args[0] * self.dtype.itemsize)
        else:
            values = tallow.tensor(list(args[0]), dtype=self.dtype, device="cpu")
            self._untyped_storage = values.untyped_storage()

    @property
    def device(self) -> Any:
        """Where the memory is."""
        return self._untyped_storage.device

    def _tensor(self) -> Tensor:
        return as_tensor(self._untyped_storage, self.dtype)

    def untyped(self) -> Any:
        """Return the bytes."""
        return self._untyped_storage

    def size(self) -> int:
        """Return the number of elements."""
        return int(self._untyped_storage.nbytes()) // int(self.dtype.itemsize)

    _size = __len__ = size

    def nbytes(self) -> int:
        """Return the number of bytes."""
        return int(self._untyped_storage.nbytes())

    def element_size(self) -> int:
        """Return the number of bytes of an element."""
        return int(self.dtype.itemsize)

    def data_ptr(self) -> int:
        """Return the address of the first byte."""
        return int(self._untyped_storage.data_ptr())

    def tolist(self) -> list[Any]:
        """Return the elements as Python numbers."""
        values: list[Any] = self._tensor().tolist()
        return values

    def clone(self) -> TypedStorage:
        """Return a copy."""
        return TypedStorage(wrap_storage=self._untyped_storage.clone(), dtype=self.dtype)

    def cpu(self) -> TypedStorage:
        """Return this storage."""
        return self

    def copy_(self, source: Any, non_blocking: bool = False) -> TypedStorage:
        """Overwrite the elements with those of another storage.

        Args:
            source: a typed storage with as many elements.
            non_blocking: accepted for compatibility.
        """
        self._tensor().copy_(source._tensor())
        return self

    def fill_(self, value: Any) -> TypedStorage:
        """Set every element.

        Args:
            value: a number.
        """
        self._tensor().fill_(value)
        return self

    def resize_(self, size: int) -> TypedStorage:
        """Change the number of elements.

        Args:
            size: the new number, >= 0.
        """
        self._untyped_storage.resize_(size * self.element_size())
        return self

    def is_shared(self) -> bool:
        """Tell whether processes forked from this one see changes."""
        return bool(self._untyped_storage.is_shared())

    def pickle_storage_type(self) -> str:
        """Return the class name that stands for the element type in PyTorch's files.

        Raises:
            KeyError: there is none.
        """
        return _NAMES[_dtype_name(self.dtype)]

    _pickle_storage_type = pickle_storage_type

    def type(self) -> str:
        """Return the name of the class with this element type."""
        return f"{_C._get_namespace()}.{self.pickle_storage_type()}"

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return self._tensor()[_checked_index(index, self.size())].item()

    def __setitem__(self, index: Any, value: Any) -> None:
        if not isinstance(index, slice):
            index = _checked_index(index, self.size())
        self._tensor()[index] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TypedStorage):
            return NotImplemented
        return bool(self.dtype == other.dtype and self._untyped_storage is other._untyped_storage)

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        details = f"dtype={self.dtype}, device={self.device}"
        return _text(self.tolist(), "TypedStorage", details)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_typed_storage, (self._untyped_storage, self.dtype))

    def __deepcopy__(self, memo: dict[int, Any]) -> TypedStorage:
        memo[id(self)] = copied = self.clone()
        return copied


def _typed_storage(storage: Any, dtype: Any) -> TypedStorage:
    return TypedStorage(wrap_storage=storage, dtype=dtype)


def _load_from_bytes(data: bytes) -> Any:
    """Load the storage inside one of PyTorch's ordinary pickles, which name this function."""
    import io

    from tallow.serialization import load

    return load(io.BytesIO(data), weights_only=False)


def __getattr__(name: str) -> Any:
    """Make ``FloatStorage`` and the other names for one element type when first asked for."""
    if name not in STORAGE_DTYPES:
        raise absent(__name__, name)
    members = {"dtype": getattr(tallow, STORAGE_DTYPES[name]), "__module__": _C._get_namespace()}
    made = globals()[name] = _StorageType(name, (TypedStorage,), members)
    return made
