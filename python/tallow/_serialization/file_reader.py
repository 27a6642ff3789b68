"""Reading single records of a saved file, as programs do that load weights one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallow._serialization.archive import ArchiveReader

if TYPE_CHECKING:
    from tallow import Tensor, dtype

__all__ = ["PyTorchFileReader"]


class PyTorchFileReader:
    """The records of a file that ``tallow.save`` or ``torch.save`` wrote, by their names.

    Args:
        name_or_buffer: path, or a binary file that can seek.

    Raises:
        RuntimeError: no such archive, or a damaged one; also of the methods, where a record is
            missing or damaged.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> tallow.save({"w": tallow.ones(2)}, file)
        >>> reader = tallow.PyTorchFileReader(io.BytesIO(file.getvalue()))
        >>> reader.get_storage_from_record("data/0", 2, tallow.float32)
        tensor([1., 1.])
    """

    def __init__(self, name_or_buffer: Any) -> None:
        named = isinstance(name_or_buffer, str)
        self._opened = open(name_or_buffer, "rb") if named else None  # noqa: SIM115
        self._archive = ArchiveReader(self._opened or name_or_buffer)

    def __del__(self) -> None:
        opened = getattr(self, "_opened", None)  # absent if there was no such file
        if opened is not None:
            opened.close()

    def get_all_records(self) -> list[str]:
        """Return the names of all records."""
        return self._archive.names()

    def has_record(self, name: str) -> bool:
        """Tell whether there is a record of this name."""
        return name in self._archive

    def get_record(self, name: str) -> bytes:
        """Return the bytes of a record."""
        return self._archive.read(name)

    def get_record_size(self, name: str) -> int:
        """Return the number of bytes of a record."""
        return self._archive.size(name)

    def get_storage_from_record(self, name: str, numel: int, dtype: dtype) -> Tensor:
        """Return a new tensor of ``numel`` elements of a type with the bytes of a record."""
        import tallow

        data = bytearray(self._archive.size(name))
        self._archive.read_into(name, data)
        if not numel:
            return tallow.empty(0, dtype=dtype)
        return tallow.frombuffer(data, dtype=dtype, count=numel)
