"""A picture of digits with what the network reads in them, as a PNG file."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import tallow

from .images import SIDE

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["png_bytes", "write_picture"]

_COLUMNS, _ROWS = 12, 6
_ZOOM = 2
_MARGIN = 4
_RIGHT, _WRONG = (0x1A, 0x7F, 0x37), (0xCF, 0x22, 0x2E)
# Each figure in five rows of three pixels, top first.
_FIGURES = (
    "111 101 101 101 111",
    "010 110 010 010 111",
    "111 001 111 100 111",
    "111 001 111 001 111",
    "101 101 111 001 001",
    "111 100 111 001 111",
    "111 100 111 101 111",
    "111 001 010 010 010",
    "111 101 111 101 111",
    "111 101 111 001 111",
)


def png_bytes(picture: Tensor) -> bytes:
    """Return a picture as a PNG file.

    Args:
        picture: ``(height, width, 3)``, uint8: red, green, blue.

    Source: W3C Recommendation, Portable Network Graphics (PNG) Specification, second edition,
    sections 5.3 and 9.2.
    """
    height, width, _ = picture.shape
    # Every row begins with the number of its filter, 0 for none.
    rows = tallow.zeros(height, 1 + 3 * width, dtype=tallow.uint8)
    rows[:, 1:] = picture.reshape(height, 3 * width)
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(memoryview(rows.untyped_storage()).tobytes(), 9)
    chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )


def _figure(digit: int) -> Tensor:
    rows = [[int(pixel) for pixel in row] for row in _FIGURES[digit].split()]
    return tallow.tensor(rows, dtype=tallow.bool)


def _enlarged(picture: Tensor, zoom: int) -> Tensor:
    """Repeat each pixel of ``(height, width)`` in both directions."""
    height, width = picture.shape
    wide = picture.view(height, 1, width, 1).expand(height, zoom, width, zoom)
    return wide.reshape(height * zoom, width * zoom)


def _tile(image: Tensor, digit: int, colour: tuple[int, int, int]) -> Tensor:
    """Return an image in grey on white with a coloured figure in its upper left corner."""
    ink = _enlarged(image, _ZOOM)
    grey = (255 - ink.clamp(0, 1) * 255).to(tallow.uint8)
    tile = grey.unsqueeze(2).repeat(1, 1, 3)
    mask = _enlarged(_figure(digit), _ZOOM)
    height, width = mask.shape
    corner = tile[2 : 2 + height, 2 : 2 + width]
    for channel, value in enumerate(colour):
        corner[:, :, channel].masked_fill_(mask, value)
    return tile


def write_picture(path: Path, images: Tensor, labels: Tensor, read: Tensor) -> int:
    """Draw digits with what the network reads in them: green if right, red if wrong.

    Args:
        path: the file to write.
        images: ``(N, 1, 28, 28)``; the misread ones come first.
        labels: ``(N,)``, what the images show.
        read: ``(N,)``, what the network reads.

    Returns:
        The number of digits in the picture.
    """
    shown: list[int] = read.tolist()
    truth: list[int] = labels.tolist()
    order = sorted(range(len(truth)), key=lambda i: shown[i] == truth[i])
    order = order[: _COLUMNS * _ROWS]
    step = SIDE * _ZOOM + _MARGIN
    picture = tallow.full(
        (_ROWS * step + _MARGIN, _COLUMNS * step + _MARGIN, 3), 220, dtype=tallow.uint8
    )
    for place, index in enumerate(order):
        top = place // _COLUMNS * step + _MARGIN
        left = place % _COLUMNS * step + _MARGIN
        colour = _RIGHT if shown[index] == truth[index] else _WRONG
        tile = _tile(images[index, 0], shown[index], colour)
        picture[top : top + tile.size(0), left : left + tile.size(1)] = tile
    path.write_bytes(png_bytes(picture))
    return len(order)
