"""Reading files of the safetensors format, with a check of everything that the header says.

Source of the format: the README of the safetensors package. Eight bytes give the length of the
header, little-endian; the header is a JSON object of name -> dtype, shape and the place of the
bytes, which follow it and which the tensors cover without holes.
"""

from __future__ import annotations

import json
import math
import mmap
import os
from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from typing import Self

    from tallow import Tensor

__all__ = ["DTYPE_NAMES", "SafetensorError", "parse_header", "safe_open", "tensor_at"]

# In the order of the format's own writer, the last ones first in the file.
_DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "F8_E5M2": "float8_e5m2",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E8M0": "float8_e8m0fnu",
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "I16": "int16",
    "U16": "uint16",
    "F16": "float16",
    "BF16": "bfloat16",
    "I32": "int32",
    "U32": "uint32",
    "F32": "float32",
    "C64": "complex64",
    "F64": "float64",
    "I64": "int64",
    "U64": "uint64",
}
# The name in the file of each dtype here.
DTYPE_NAMES = {name: code for code, name in _DTYPES.items()}

_LONGEST_HEADER = 100_000_000
METADATA = "__metadata__"


class SafetensorError(Exception):
    """A file is no valid safetensors file, or lacks what was asked for."""


def _refuse(message: str) -> SafetensorError:
    return SafetensorError(f"Error while deserializing header: {message}")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _refuse("a name occurs twice")
    return found


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 63


def _checked(name: str, entry: Any) -> tuple[Any, tuple[int, ...], int, int]:
    """Return dtype, shape, begin and end of one tensor."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise _refuse(f"{name!r} must have dtype, shape and data_offsets, got {entry!r:.200}")
    code, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(code, str) or code not in _DTYPES:
        raise _refuse(f"{name!r} has dtype {code!r:.50}, expected one of {', '.join(_DTYPES)}")
    if not isinstance(shape, list) or not all(map(_is_count, shape)) or len(shape) > 64:
        raise _refuse(f"{name!r} has the shape {shape!r:.200}, expected a list of sizes")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_count, offsets)):
        raise _refuse(f"{name!r} has data_offsets {offsets!r:.200}, expected begin and end")
    dtype = getattr(tallow, _DTYPES[code])
    begin, end = offsets
    nbytes = math.prod(shape) * dtype.itemsize
    if end - begin != nbytes:
        raise _refuse(f"{name!r} has {end - begin} bytes, but its shape and dtype need {nbytes}")
    return dtype, tuple(shape), begin, end


def parse_header(data: Any) -> tuple[dict[str, Any], dict[str, str], int]:
    """Read and check the header of a file.

    Args:
        data: the bytes of the whole file.

    Returns:
        Name -> (dtype, shape, begin, end), the metadata, and where the bytes of tensors begin.

    Raises:
        SafetensorError: anything that the format does not allow.
    """
    size = len(data)
    if size < 8:
        raise _refuse("header too small")
    length = int.from_bytes(data[:8], "little")
    if length > _LONGEST_HEADER:
        raise _refuse("header too large")
    start = 8 + length
    if start > size:
        raise _refuse(f"invalid header length: {length} in a file of {size} bytes")
    text = bytes(data[8:start])
    if not text.startswith(b"{"):
        raise _refuse("invalid start character in header")
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise _refuse(f"invalid JSON in header: {error}") from None
    metadata = header.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise _refuse(f"{METADATA} must map text to text")
    entries = {name: _checked(name, entry) for name, entry in header.items()}
    # In the order of their places the tensors must follow each other and fill the file.
    position = 0
    for name, (_, _, begin, end) in sorted(entries.items(), key=lambda item: item[1][2:]):
        if begin != position:
            raise _refuse(f"invalid offset of {name!r}: it begins at {begin}, expected {position}")
        position = end
    if start + position != size:
        raise _refuse(f"the tensors need {position} bytes, but {size - start} are there")
    return entries, metadata, start


def tensor_at(data: Any, start: int, entry: tuple[Any, tuple[int, ...], int, int]) -> Tensor:
    """Make a tensor of a part of a file, without a copy if the bytes are aligned.

    Args:
        data: the whole file.
        start: where the bytes of tensors begin.
        entry: from :func:`parse_header`.
    """
    dtype, shape, begin, end = entry
    if begin == end:
        return tallow.empty(shape, dtype=dtype, device="cpu")
    place = start + begin
    if place % dtype.itemsize:
        data, place = bytes(data[place : start + end]), 0
    count = (end - begin) // dtype.itemsize
    return tallow.frombuffer(data, dtype=dtype, count=count, offset=place).view(shape)


class _Slice:
    """A tensor of a file before it is read; indexing reads it."""

    def __init__(self, file: safe_open, name: str) -> None:
        self._file = file
        self._name = name

    def get_shape(self) -> list[int]:
        """Return the sizes."""
        return list(self._file._entry(self._name)[1])

    def get_dtype(self) -> str:
        """Return the name of the dtype in the file."""
        return DTYPE_NAMES[str(self._file._entry(self._name)[0]).rpartition(".")[2]]

    def __getitem__(self, index: Any) -> Tensor:
        return self._file.get_tensor(self._name)[index]


class safe_open:
    """Read single tensors of a file, which stays on disk until they are used.

    Changes of the tensors stay in memory.

    Args:
        filename: path of the file.
        framework: ``"pt"``, whose tensors are those of this package.
        device: ``"cpu"``.

    Raises:
        SafetensorError: the file is not valid.
        FileNotFoundError: it is not there.

    Example:
        >>> import os, tempfile
        >>> from tallow.safetensors import safe_open
        >>> from tallow.safetensors.torch import save_file
        >>> path = os.path.join(tempfile.mkdtemp(), "x.safetensors")
        >>> save_file({"weight": tallow.arange(3)}, path)
        >>> with safe_open(path, framework="pt") as file:
        ...     print(list(file.keys()), file.get_tensor("weight"))
        ['weight'] tensor([0, 1, 2])
    """

    def __init__(self, filename: Any, framework: str = "pt", device: Any = "cpu") -> None:
        if framework not in ("pt", "torch", "pytorch"):
            raise SafetensorError(f"framework {framework!r} is not supported, expected 'pt'")
        if tallow.device(device).type != "cpu":
            raise SafetensorError(f"device {device} is not supported, expected cpu")
        with open(filename, "rb") as file:
            if os.fstat(file.fileno()).st_size < 8:
                raise _refuse("header too small")
            self._data: Any = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        self._entries, self._metadata, self._start = parse_header(self._data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        # Tensors may still use the mapping; it goes with the last of them.
        self._data = None

    def _entry(self, name: str) -> Any:
        if name not in self._entries:
            raise SafetensorError(f"File does not contain tensor {name}")
        return self._entries[name]

    def keys(self) -> list[str]:
        """Return the names, sorted."""
        return sorted(self._entries)

    offset_keys = keys

    def metadata(self) -> dict[str, str] | None:
        """Return the texts that were saved with the tensors, None without any."""
        return self._metadata or None

    def get_tensor(self, name: str) -> Tensor:
        """Return one tensor.

        Args:
            name: its name.

        Raises:
            SafetensorError: there is none of that name, or the file was closed.
        """
        if self._data is None:
            raise SafetensorError("File is closed")
        return tensor_at(self._data, self._start, self._entry(name))

    def get_slice(self, name: str) -> _Slice:
        """Return one tensor to be indexed.

        Args:
            name: its name.
        """
        self._entry(name)
        return _Slice(self, name)
