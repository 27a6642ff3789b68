"""The zip archive around a checkpoint.

Only what the format needs: records are stored, each begins at a multiple of 64 bytes, and sizes
and check sums are known before a record is written, so that a plain ``write`` is enough.

Source: PKWARE, APPNOTE.TXT, .ZIP File Format Specification 6.3.10, sections 4.3 and 4.5.
"""

from __future__ import annotations

import os
import struct
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ALIGNMENT", "ArchiveError", "ArchiveReader", "ArchiveWriter", "is_archive"]

ALIGNMENT = 64
_PADDING_ID = b"FB"  # the extra field that PyTorch pads with
_ZIP64_ID = 1
_LIMIT32 = 0xFFFFFFFF
_LIMIT16 = 0xFFFF
_VERSION_NEEDED = 45  # the version that introduced 64-bit sizes

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR64 = struct.Struct("<4sIQI")
_LOCAL_MARK = b"PK\x03\x04"
_CENTRAL_MARK = b"PK\x01\x02"
_END_MARK = b"PK\x05\x06"
_END64_MARK = b"PK\x06\x06"
_LOCATOR64_MARK = b"PK\x06\x07"
_DATE_1980_01_01 = 33
_UTF8_NAMES = 1 << 11
_ENCRYPTED = 1
_STORED, _DEFLATED = 0, 8


class ArchiveError(RuntimeError):
    """A file that is no archive, or a damaged one."""


class _Record(NamedTuple):
    """An entry of the central directory."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    header: int


class ArchiveWriter:
    """Writes records one after the other to anything with a ``write`` method.

    Args:
        write: takes bytes.
        folder: first part of every record's name.
    """

    def __init__(self, write: Any, folder: str) -> None:
        self._write = write
        self._folder = folder
        self._position = 0
        self._records: list[_Record] = []

    def _put(self, data: Any) -> None:
        self._write(data)
        self._position += len(data)

    def add(self, name: str, data: Any) -> None:
        """Write a record.

        Args:
            name: its name inside the folder.
            data: bytes, or a contiguous buffer of them.
        """
        payload = memoryview(data).cast("B")
        full_name = f"{self._folder}/{name}"
        record = _Record(
            full_name, _STORED, zlib.crc32(payload), len(payload), len(payload), self._position
        )
        self._records.append(record)
        encoded = full_name.encode()
        large = len(payload) >= _LIMIT32
        extra = _zip64_extra((len(payload), len(payload))) if large else b""
        start = self._position + _LOCAL.size + len(encoded) + len(extra) + 4
        padding = -start % ALIGNMENT
        extra += _PADDING_ID + struct.pack("<H", padding) + b"Z" * padding
        size = _LIMIT32 if large else len(payload)
        self._put(
            _LOCAL.pack(
                _LOCAL_MARK,
                _VERSION_NEEDED,
                _UTF8_NAMES,
                _STORED,
                0,
                _DATE_1980_01_01,
                record.crc,
                size,
                size,
                len(encoded),
                len(extra),
            )
        )
        self._put(encoded + extra)
        if len(payload):
            self._put(payload)

    def close(self) -> None:
        """Write the central directory."""
        start = self._position
        for record in self._records:
            self._put(_central_entry(record))
        size, count = self._position - start, len(self._records)
        end64 = self._position
        if count >= _LIMIT16 or start >= _LIMIT32 or size >= _LIMIT32:
            body = _END64.size - 12
            self._put(
                _END64.pack(
                    _END64_MARK,
                    body,
                    _VERSION_NEEDED,
                    _VERSION_NEEDED,
                    0,
                    0,
                    count,
                    count,
                    size,
                    start,
                )
            )
            self._put(_LOCATOR64.pack(_LOCATOR64_MARK, 0, end64, 1))
        short_count = min(count, _LIMIT16)
        self._put(
            _END.pack(
                _END_MARK,
                0,
                0,
                short_count,
                short_count,
                min(size, _LIMIT32),
                min(start, _LIMIT32),
                0,
            )
        )

    def checksum(self) -> int:
        """Return a number that depends on every record so far."""
        parts = (f"{record.name} {record.size} {record.crc}\n" for record in self._records)
        return zlib.crc32("".join(parts).encode())


def _zip64_extra(values: Iterable[int]) -> bytes:
    body = b"".join(struct.pack("<Q", value) for value in values)
    return struct.pack("<2H", _ZIP64_ID, len(body)) + body


def _central_entry(record: _Record) -> bytes:
    name = record.name.encode()
    wide = [value for value in (record.size, record.packed, record.header) if value >= _LIMIT32]
    extra = _zip64_extra(wide) if wide else b""
    return (
        _CENTRAL.pack(
            _CENTRAL_MARK,
            _VERSION_NEEDED,
            _VERSION_NEEDED,
            _UTF8_NAMES,
            _STORED,
            0,
            _DATE_1980_01_01,
            record.crc,
            min(record.packed, _LIMIT32),
            min(record.size, _LIMIT32),
            len(name),
            len(extra),
            0,
            0,
            0,
            0,
            min(record.header, _LIMIT32),
        )
        + name
        + extra
    )


def is_archive(file: Any) -> bool:
    """Tell whether a seekable file begins with a zip record, from its present position."""
    start = file.tell()
    mark = file.read(4)
    file.seek(start)
    return bool(mark == _LOCAL_MARK)


class ArchiveReader:
    """Finds and checks the records of an archive.

    Args:
        file: seekable; the archive begins at its present position and ends with the file.

    Raises:
        ArchiveError: no archive, or a damaged one.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        self._start = file.tell()
        self._length = file.seek(0, os.SEEK_END) - self._start
        records = self._read_directory()
        if not records:
            raise ArchiveError("the archive has no records")
        self.folder = records[0].name.partition("/")[0]
        self._records: dict[str, _Record] = {}
        for record in records:
            folder, slash, name = record.name.partition("/")
            if not slash or folder != self.folder:
                raise ArchiveError(f"record {record.name!r} is not in the folder {self.folder!r}")
            if name in self._records:
                raise ArchiveError(f"record {record.name!r} is there twice")
            self._records[name] = record

    def _read(self, offset: int, count: int) -> bytes:
        if offset < 0 or count < 0 or offset + count > self._length:
            raise ArchiveError(
                f"{count} bytes at offset {offset} lie outside the file of {self._length} bytes"
            )
        self._file.seek(self._start + offset)
        data = self._file.read(count)
        if len(data) != count:
            raise ArchiveError(f"the file ended after {len(data)} of {count} bytes")
        return bytes(data)

    def _read_directory(self) -> list[_Record]:
        count, size, start = self._locate_directory()
        data = self._read(start, size)
        records = []
        position = 0
        for _ in range(count):
            if position + _CENTRAL.size > size:
                raise ArchiveError("the central directory is too short for its records")
            fields = _CENTRAL.unpack_from(data, position)
            if fields[0] != _CENTRAL_MARK:
                raise ArchiveError("the central directory is damaged")
            name_length, extra_length, comment_length = fields[10:13]
            position += _CENTRAL.size
            end = position + name_length + extra_length
            if end + comment_length > size:
                raise ArchiveError("the central directory is too short for its records")
            name = data[position : position + name_length]
            records.append(_record(fields, name, data[position + name_length : end]))
            position = end + comment_length
        return records

    def _locate_directory(self) -> tuple[int, int, int]:
        """Return number of records, size and offset of the central directory."""
        # The end record is last, but for a comment of at most 64 KiB.
        tail_length = min(self._length, _END.size + _LIMIT16)
        tail = self._read(self._length - tail_length, tail_length)
        found = tail.rfind(_END_MARK)
        if found < 0 or found + _END.size > len(tail):
            raise ArchiveError(
                "failed finding central directory: the file is cut off, or is no archive"
            )
        count, size, start = _END.unpack_from(tail, found)[4:7]
        if _LIMIT16 in (count,) or _LIMIT32 in (size, start):
            end = self._length - tail_length + found
            locator = self._read(end - _LOCATOR64.size, _LOCATOR64.size)
            mark, _, end64, _ = _LOCATOR64.unpack(locator)
            fields = _END64.unpack(self._read(end64, _END64.size))
            if mark != _LOCATOR64_MARK or fields[0] != _END64_MARK:
                raise ArchiveError("the 64-bit end record is damaged")
            count, size, start = fields[7:10]
        if count * _CENTRAL.size > size:
            raise ArchiveError(f"{count} records do not fit in a directory of {size} bytes")
        return count, size, start

    def __contains__(self, name: str) -> bool:
        return name in self._records

    def names(self) -> list[str]:
        """Return the names of the records, in the order of the directory."""
        return list(self._records)

    def size(self, name: str) -> int:
        """Return the number of bytes of a record."""
        return self._record(name).size

    def _record(self, name: str) -> _Record:
        try:
            return self._records[name]
        except KeyError:
            raise ArchiveError(f"record {self.folder}/{name} is missing") from None

    def offset(self, name: str) -> int | None:
        """Return where a record's bytes begin in the file, None if they are compressed.

        Raises:
            ArchiveError: the header before the bytes does not belong to the record.
        """
        record = self._record(name)
        header = _LOCAL.unpack(self._read(record.header, _LOCAL.size))
        name_length, extra_length = header[9:11]
        stored_name = self._read(record.header + _LOCAL.size, name_length)
        if header[0] != _LOCAL_MARK or stored_name != record.name.encode():
            raise ArchiveError(f"the header of record {record.name} is damaged")
        begin: int = record.header + _LOCAL.size + name_length + extra_length
        if begin + record.packed > self._length:
            raise ArchiveError(f"record {record.name} reaches beyond the end of the file")
        return self._start + begin if record.method == _STORED else None

    def read(self, name: str) -> bytes:
        """Return the bytes of a record.

        Raises:
            ArchiveError: the record is missing or damaged.
        """
        data = bytearray(self.size(name))
        self.read_into(name, data)
        return bytes(data)

    def read_into(self, name: str, target: Any) -> None:
        """Read a record into a buffer of its size and compare the check sum.

        Raises:
            ArchiveError: the record is missing or damaged.
        """
        record = self._record(name)
        view = memoryview(target).cast("B")
        if self.offset(name) is None:
            view[:] = self._unpacked(record)
        elif record.size:
            self._fill(record, view)
        if zlib.crc32(view) != record.crc:
            raise ArchiveError(
                f"record {record.name} is damaged: its check sum does not match "
                f"({zlib.crc32(view):08x}, expected {record.crc:08x})"
            )

    def _begin(self, record: _Record) -> int:
        header = _LOCAL.unpack(self._read(record.header, _LOCAL.size))
        return int(record.header + _LOCAL.size + header[9] + header[10])

    def _fill(self, record: _Record, view: memoryview) -> None:
        self._file.seek(self._start + self._begin(record))
        read_into = getattr(self._file, "readinto", None)
        done = 0
        while done < record.size:
            if read_into is not None:
                got = read_into(view[done:])
            else:
                part = self._file.read(record.size - done)
                view[done : done + len(part)] = part
                got = len(part)
            if not got:
                raise ArchiveError(f"the file ended inside record {record.name}")
            done += got

    def _unpacked(self, record: _Record) -> bytes:
        packed = self._read(self._begin(record), record.packed)
        # No more than one byte too many is unpacked, whatever the record claims.
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            data = inflate.decompress(packed, record.size + 1)
        except zlib.error as error:
            raise ArchiveError(f"record {record.name} is damaged: {error}") from None
        if len(data) != record.size:
            raise ArchiveError(f"record {record.name} does not have {record.size} bytes")
        return data


def _record(fields: tuple[Any, ...], raw_name: bytes, extra: bytes) -> _Record:
    """Return the entry of the central directory, with 64-bit sizes where they are used."""
    flags, method, crc, packed, size, header = (*fields[3:5], *fields[7:10], fields[16])
    try:
        name = raw_name.decode()
    except UnicodeDecodeError:
        raise ArchiveError(f"record name {raw_name!r} is not UTF-8") from None
    if flags & _ENCRYPTED:
        raise ArchiveError(f"record {name} is encrypted")
    if method not in (_STORED, _DEFLATED):
        raise ArchiveError(f"record {name} is compressed with method {method}")
    wide = _zip64_values(extra)
    values = []
    for value in (size, packed, header):
        if value == _LIMIT32:
            if not wide:
                raise ArchiveError(f"the 64-bit sizes of record {name} are missing")
            value = wide.pop(0)
        values.append(value)
    size, packed, header = values
    if method == _STORED and size != packed:
        raise ArchiveError(f"record {name} has two different sizes, {size} and {packed}")
    # Deflate makes nothing more than about 1032 times smaller.
    if size > 1040 * packed + 64:
        raise ArchiveError(f"record {name} cannot hold {size} bytes")
    return _Record(name, method, crc, packed, size, header)


def _zip64_values(extra: bytes) -> list[int]:
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        position += 4
        if kind == _ZIP64_ID:
            count = min(length, len(extra) - position) // 8
            return list(struct.unpack_from(f"<{count}Q", extra, position))
        position += length
    return []
