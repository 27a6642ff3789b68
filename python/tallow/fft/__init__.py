"""Discrete Fourier transforms, their frequencies and shifts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow._absent import AbsentName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow import Tensor

from tallow.fft._transforms import (
    fft,
    fft2,
    fftn,
    hfft,
    hfft2,
    hfftn,
    ifft,
    ifft2,
    ifftn,
    ihfft,
    ihfft2,
    ihfftn,
    irfft,
    irfft2,
    irfftn,
    rfft,
    rfft2,
    rfftn,
)

__all__ = [
    "fft",
    "fft2",
    "fftfreq",
    "fftn",
    "fftshift",
    "hfft",
    "hfft2",
    "hfftn",
    "ifft",
    "ifft2",
    "ifftn",
    "ifftshift",
    "ihfft",
    "ihfft2",
    "ihfftn",
    "irfft",
    "irfft2",
    "irfftn",
    "rfft",
    "rfft2",
    "rfftfreq",
    "rfftn",
]


def fftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Return the frequencies of a transform of `n` samples, in the order it returns them.

    Args:
        n: number of samples.
        d: time between samples.
        dtype: element type.
        device: where the tensor lives.

    Example:
        >>> fftfreq(4)
        tensor([ 0.0000,  0.2500, -0.5000, -0.2500])
    """
    positive = tallow.arange((n + 1) // 2, dtype=dtype or tallow.get_default_dtype(), device=device)
    negative = tallow.arange(-(n // 2), 0, dtype=positive.dtype, device=device)
    return tallow.cat([positive, negative]) / (n * d)


def rfftfreq(n: int, d: float = 1.0, *, dtype: Any = None, device: Any = None) -> Tensor:
    """Return the non-negative frequencies of a transform of `n` real samples.

    Args:
        n: number of samples.
        d: time between samples.
        dtype: element type.
        device: where the tensor lives.

    Example:
        >>> rfftfreq(4)
        tensor([0.0000, 0.2500, 0.5000])
    """
    numbers = tallow.arange(n // 2 + 1, dtype=dtype or tallow.get_default_dtype(), device=device)
    return numbers / (n * d)


def _dims(input: Tensor, dim: int | Sequence[int] | None) -> list[int]:
    if dim is None:
        return list(range(input.dim()))
    return [dim] if isinstance(dim, int) else list(dim)


def fftshift(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Move the zero frequency to the middle.

    Args:
        input: any tensor.
        dim: dimensions to shift; all by default.

    Example:
        >>> fftshift(tallow.tensor([0, 1, -2, -1]))
        tensor([-2, -1,  0,  1])
    """
    dims = _dims(input, dim)
    return input.roll([input.size(d) // 2 for d in dims], dims)


def ifftshift(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """Undo :func:`fftshift`.

    Args:
        input: any tensor.
        dim: dimensions to shift; all by default.

    Example:
        >>> ifftshift(tallow.tensor([-2, -1, 0, 1]))
        tensor([ 0,  1, -2, -1])
    """
    dims = _dims(input, dim)
    return input.roll([-(input.size(d) // 2) for d in dims], dims)


def __getattr__(name: str) -> Any:
    raise AbsentName(__name__, name, lambda: __all__)
