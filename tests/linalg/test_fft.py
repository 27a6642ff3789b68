"""Fourier transforms against NumPy's in double precision, and their derivatives."""

from __future__ import annotations

import numpy as np
import pytest

import tallow

OF_COMPLEX = ("fft", "ifft", "fft2", "ifft2", "fftn", "ifftn", "irfft", "irfft2", "irfftn", "hfft")
OF_REAL = ("fft", "ifft", "fft2", "ifft2", "fftn", "ifftn", "rfft", "rfft2", "rfftn", "ihfft")
SHAPES = ((2, 3), (3, 1, 4), (5, 2), (4, 7))
NORMS = (None, "forward", "ortho")


def _numbers(shape: tuple[int, ...], real: bool) -> np.ndarray:
    rng = np.random.default_rng(len(shape) + shape[-1])
    x = rng.standard_normal(shape)
    return x if real else x + 1j * rng.standard_normal(shape)


def _check(name: str, x: np.ndarray, dtype: str, norm: str | None) -> None:
    expected = getattr(np.fft, name)(x, norm=norm)
    found = getattr(tallow.fft, name)(tallow.from_numpy(x.astype(dtype)), norm=norm).numpy()
    single = dtype in ("float32", "complex64")
    dtypes = {"c": ("complex128", "complex64"), "f": ("float64", "float32")}
    assert found.dtype == dtypes[expected.dtype.kind][single]
    eps = 2e-6 if single else 1e-14
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= eps * max(1.0, np.abs(expected).max())


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", OF_REAL)
def test_of_real_numbers(name: str, norm: str | None) -> None:
    for shape in SHAPES:
        for dtype in ("float32", "float64"):
            _check(name, _numbers(shape, True), dtype, norm)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", OF_COMPLEX)
def test_of_complex_numbers(name: str, norm: str | None) -> None:
    for shape in SHAPES:
        for dtype in ("complex64", "complex128"):
            _check(name, _numbers(shape, False), dtype, norm)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("name", ["fft", "ifft2", "rfftn", "irfft2"])
def test_of_so_many_that_single_precision_stays(name: str, norm: str | None) -> None:
    real = name == "rfftn"
    _check(name, _numbers((65, 101), real), "float32" if real else "complex64", norm)
    if name in ("fft", "ifft2"):
        _check(name, _numbers((65, 101), True), "float32", norm)


def test_sums_of_few_are_exact() -> None:
    assert tallow.fft.fft(tallow.tensor([1.0, 2.0, 3.0]))[0] == 6
    assert tallow.fft.rfft(tallow.tensor([1.0, 2.0, 3.0]))[0] == 6


@pytest.mark.parametrize("size", [1, 2, 3, 6])
@pytest.mark.parametrize("name", ["fft", "ifft2", "fftn", "rfft", "rfft2", "ihfft"])
def test_derivatives_by_real_numbers(name: str, size: int) -> None:
    x = tallow.from_numpy(_numbers((3, size), True)).requires_grad_()
    assert tallow.autograd.gradcheck(lambda x: getattr(tallow.fft, name)(x, norm="ortho"), (x,))
    assert tallow.autograd.gradgradcheck(getattr(tallow.fft, name), (x,))


@pytest.mark.parametrize("n", [1, 4, 5])
@pytest.mark.parametrize("name", ["fft", "irfft", "hfft"])
def test_derivatives_by_complex_numbers(name: str, n: int) -> None:
    x = tallow.from_numpy(_numbers((2, 4), False)).requires_grad_()
    assert tallow.autograd.gradcheck(lambda x: getattr(tallow.fft, name)(x, n=n), (x,))
    assert tallow.autograd.gradgradcheck(lambda x: getattr(tallow.fft, name)(x, n=n), (x,))


def test_nothing_to_transform_many_times() -> None:
    assert tallow.fft.fft(tallow.zeros(0, 4)).shape == (0, 4)
    assert tallow.fft.rfft2(tallow.zeros(0, 4, 4)).shape == (0, 4, 3)
