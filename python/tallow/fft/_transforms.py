"""Discrete Fourier transforms on NumPy's, with their derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow._composite import c_name, composite, few
from tallow.fft._maps import (
    Complex,
    FromHalf,
    OfReal,
    ToHalf,
    complex_of,
    product,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow import Tensor

__all__ = [
    *("fft", "fft2", "fftn", "hfft", "hfft2", "hfftn", "ifft", "ifft2", "ifftn"),
    *("ihfft", "ihfft2", "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftn"),
]

_NORMS = (None, "forward", "backward", "ortho")

# Kinds of transforms of few numbers, as csrc/ops/few.h counts them.
_FORWARD, _INVERSE, _TO_HALF, _FROM_HALF, _HERMITIAN, _TO_HERMITIAN = range(6)
_fft_few = _C._nn.fft_few


def _few(x: Tensor, s: Any, dim: Any, norm: str | None, kind: int) -> Tensor | None:
    """The transform if it is small and nothing is unusual, else None."""
    found: Tensor | None = few(_fft_few, x, s, dim, norm, kind)
    return found


def _check_norm(norm: str | None) -> None:
    if norm not in _NORMS:
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')


def _scale(norm: str | None, count: int, inverse: bool) -> float:
    """The factor of a transform of `count` points."""
    if norm == "ortho":
        return count**-0.5
    return 1 / count if (norm == "forward") != inverse else 1.0


def _refuse_half(x: Tensor) -> None:
    if x.dtype in (tallow.float16, tallow.bfloat16):
        raise RuntimeError(f"Unsupported dtype {c_name(x.dtype)}")


def _as_complex(x: Tensor) -> Tensor:
    _refuse_half(x)
    if x.is_complex():
        return x
    return x.to(complex_of(x.dtype if x.is_floating_point() else tallow.get_default_dtype()))


def _as_real(x: Tensor, name: str) -> Tensor:
    if x.is_complex():
        raise RuntimeError(f"{name} expects a real input tensor, but got {c_name(x.dtype)}")
    _refuse_half(x)
    return x if x.is_floating_point() else x.to(tallow.get_default_dtype())


def _resized(x: Tensor, dims: Sequence[int], sizes: Sequence[int]) -> Tensor:
    """Cut or fill with zeros at the end of each dimension."""
    for d, size in zip(dims, sizes, strict=True):
        if size < x.size(d):
            x = x.narrow(d, 0, size)
        elif size > x.size(d):
            shape = list(x.shape)
            shape[d] = size - x.size(d)
            x = tallow.cat([x, tallow.zeros(shape, dtype=x.dtype, device=x.device)], d)
    return x


def _one(x: Tensor, n: int | None, dim: int) -> tuple[list[int], list[int | None]]:
    count = x.dim()
    if not count:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    if not -count <= dim < count:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], "
            f"but got {dim})"
        )
    return [dim % count], [n]


def _many(
    x: Tensor, s: Sequence[int] | int | None, dim: Sequence[int] | int | None
) -> tuple[list[int], list[int | None]]:
    s = [s] if isinstance(s, int) else s
    dim = [dim] if isinstance(dim, int) else dim
    if dim is None:
        count = x.dim() if s is None else len(s)
        if s is not None and count > x.dim():
            raise RuntimeError(
                f"Got shape with {count} values but input tensor only has {x.dim()} dimensions."
            )
        dims = list(range(x.dim() - count, x.dim()))
    else:
        dims = [_one(x, None, d)[0][0] for d in dim]
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
    if s is not None and len(s) != len(dims):
        raise RuntimeError("When given, dim and shape arguments must have the same length")
    sizes: list[int | None] = [None if n == -1 else n for n in s or [-1] * len(dims)]
    return dims, sizes


def _check_points(sizes: Sequence[int]) -> None:
    for size in sizes:
        if size < 1:
            raise RuntimeError(f"Invalid number of data points ({size}) specified")


def _complex_transform(
    x: Tensor, dims: list[int], sizes: list[int | None], norm: str | None, inverse: bool
) -> Tensor:
    _check_norm(norm)
    full = [x.size(d) if n is None else n for d, n in zip(dims, sizes, strict=True)]
    _check_points(full)
    if not dims:
        return _as_complex(x)
    scale = _scale(norm, product(full), inverse)
    if x.is_complex():
        return Complex.apply(_resized(x, dims, full), tuple(dims), inverse, scale)
    return OfReal.apply(_resized(_as_real(x, "fft"), dims, full), tuple(dims), inverse, scale)


def _half_transform(
    x: Tensor, dims: list[int], sizes: list[int | None], norm: str | None, name: str, inverse: bool
) -> Tensor:
    """Real to half of a Hermitian spectrum."""
    _check_norm(norm)
    x = _as_real(x, name)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    full = [x.size(d) if n is None else n for d, n in zip(dims, sizes, strict=True)]
    _check_points(full)
    scale = _scale(norm, product(full), inverse)
    return ToHalf.apply(_resized(x, dims, full), tuple(dims), scale)


def _from_half_transform(
    x: Tensor, dims: list[int], sizes: list[int | None], norm: str | None, name: str, inverse: bool
) -> Tensor:
    """Half of a Hermitian spectrum to real."""
    _check_norm(norm)
    x = _as_complex(x)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    full = [x.size(d) if n is None else n for d, n in zip(dims, sizes, strict=True)]
    last = 2 * (x.size(dims[-1]) - 1) if sizes[-1] is None else full[-1]
    _check_points([*full[:-1], last])
    half = _resized(x, dims, [*full[:-1], last // 2 + 1])
    scale = _scale(norm, product([*full[:-1], last]), inverse)
    return FromHalf.apply(half, tuple(dims), last, scale)


@composite
def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Transform along one dimension.

    Args:
        input: real or complex.
        n: number of points; cuts the input or fills it with zeros.
        dim: dimension to transform.
        norm: which direction divides by the number of points: 'forward', 'backward' (default)
            or 'ortho', both by its root.

    Raises:
        RuntimeError: no points, or another `norm`.

    Example:
        >>> fft(tallow.tensor([1.0, 0.0]))
        tensor([1.+0.j, 1.+0.j])
    """
    found = _few(input, n, dim, norm, _FORWARD)
    if found is not None:
        return found
    return _complex_transform(input, *_one(input, n, dim), norm, False)


@composite
def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Undo :func:`fft`."""
    found = _few(input, n, dim, norm, _INVERSE)
    if found is not None:
        return found
    return _complex_transform(input, *_one(input, n, dim), norm, True)


@composite
def fftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Transform along several dimensions, all by default; see :func:`fft`."""
    found = _few(input, s, dim, norm, _FORWARD)
    if found is not None:
        return found
    return _complex_transform(input, *_many(input, s, dim), norm, False)


@composite
def ifftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Undo :func:`fftn`."""
    found = _few(input, s, dim, norm, _INVERSE)
    if found is not None:
        return found
    return _complex_transform(input, *_many(input, s, dim), norm, True)


@composite
def fft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """Transform along two dimensions; see :func:`fft`."""
    found = _few(input, s, dim, norm, _FORWARD)
    if found is not None:
        return found
    return _complex_transform(input, *_many(input, s, dim), norm, False)


@composite
def ifft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """Undo :func:`fft2`."""
    found = _few(input, s, dim, norm, _INVERSE)
    if found is not None:
        return found
    return _complex_transform(input, *_many(input, s, dim), norm, True)


@composite
def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Transform real numbers along one dimension to the non-negative frequencies."""
    found = _few(input, n, dim, norm, _TO_HALF)
    if found is not None:
        return found
    return _half_transform(input, *_one(input, n, dim), norm, "rfft", False)


@composite
def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Undo :func:`rfft`; `n` is the number of real points, by default even."""
    found = _few(input, n, dim, norm, _FROM_HALF)
    if found is not None:
        return found
    return _from_half_transform(input, *_one(input, n, dim), norm, "irfft", True)


@composite
def rfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Transform real numbers along several dimensions; half of the last is returned."""
    found = _few(input, s, dim, norm, _TO_HALF)
    if found is not None:
        return found
    return _half_transform(input, *_many(input, s, dim), norm, "rfftn", False)


@composite
def irfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Undo :func:`rfftn`."""
    found = _few(input, s, dim, norm, _FROM_HALF)
    if found is not None:
        return found
    return _from_half_transform(input, *_many(input, s, dim), norm, "irfftn", True)


@composite
def rfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """Transform real numbers along two dimensions; half of the last is returned."""
    found = _few(input, s, dim, norm, _TO_HALF)
    if found is not None:
        return found
    return _half_transform(input, *_many(input, s, dim), norm, "rfft2", False)


@composite
def irfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """Undo :func:`rfft2`."""
    found = _few(input, s, dim, norm, _FROM_HALF)
    if found is not None:
        return found
    return _from_half_transform(input, *_many(input, s, dim), norm, "irfft2", True)


@composite
def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Transform half of a Hermitian signal to real frequencies."""
    found = _few(input, n, dim, norm, _HERMITIAN)
    if found is not None:
        return found
    half = _as_complex(input).conj()
    return _from_half_transform(half, *_one(input, n, dim), norm, "hfft", False)


@composite
def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """Undo :func:`hfft`."""
    found = _few(input, n, dim, norm, _TO_HERMITIAN)
    if found is not None:
        return found
    return _half_transform(input, *_one(input, n, dim), norm, "ihfft", True).conj()


# A Hermitian signal's transform is the inverse one of its conjugate, scaled the other way round.
_OPPOSITE = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}


@composite
def hfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Transform half of a Hermitian signal of several dimensions to real frequencies."""
    found = _few(input, s, dim, norm, _HERMITIAN)
    if found is not None:
        return found
    _check_norm(norm)
    return irfftn(_as_complex(input).conj(), s, dim, _OPPOSITE[norm])


@composite
def ihfftn(input: Tensor, s: Any = None, dim: Any = None, norm: str | None = None) -> Tensor:
    """Undo :func:`hfftn`."""
    found = _few(input, s, dim, norm, _TO_HERMITIAN)
    if found is not None:
        return found
    _check_norm(norm)
    return rfftn(input, s, dim, _OPPOSITE[norm]).conj()


@composite
def hfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """Transform half of a Hermitian image to real frequencies."""
    found = _few(input, s, dim, norm, _HERMITIAN)
    if found is not None:
        return found
    return hfftn(input, s, dim, norm)


@composite
def ihfft2(input: Tensor, s: Any = None, dim: Any = (-2, -1), norm: str | None = None) -> Tensor:
    """Undo :func:`hfft2`."""
    found = _few(input, s, dim, norm, _TO_HERMITIAN)
    if found is not None:
        return found
    return ihfftn(input, s, dim, norm)
