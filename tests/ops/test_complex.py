"""Operators of complex numbers that are made of those of their parts."""

from __future__ import annotations

import numpy as np
import pytest

import tallow

COMPLEX = [[1 + 2j, 3 - 1j, -2j], [1j, 2 + 2j, 4 - 3j]]


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("transposed", [False, True])
def test_running_sums_and_moments_of_complex_numbers(dim: int, transposed: bool) -> None:
    z = np.array(COMPLEX)
    x = tallow.tensor(COMPLEX, dtype=tallow.complex128)
    if transposed:
        z, x = z.T, x.T
    assert np.allclose(x.cumsum(dim).numpy(), z.cumsum(dim))
    assert np.allclose(x.conj().cumsum(dim).numpy(), z.conj().cumsum(dim))
    assert np.allclose(x.var(dim).numpy(), z.var(dim, ddof=1))
    assert np.allclose(x.std(dim, correction=0).numpy(), z.std(dim))
    assert x.var(dim).dtype == tallow.float64
    spread, mean = tallow.std_mean(x, dim)
    assert np.allclose(spread.numpy(), z.std(dim, ddof=1))
    assert np.allclose(mean.numpy(), z.mean(dim))
    assert np.allclose(x.lerp(x.conj(), 0.25).numpy(), 0.75 * z + 0.25 * z.conj())


def test_running_sums_and_moments_of_complex_numbers_have_derivatives() -> None:
    x = tallow.tensor(COMPLEX, dtype=tallow.complex128, requires_grad=True)
    weight = tallow.tensor(0.3 + 1j, dtype=tallow.complex128, requires_grad=True)
    for function in (
        lambda x, w: x.cumsum(1),
        lambda x, w: x.var(0),
        lambda x, w: x.std(),
        lambda x, w: tallow.var_mean(x, 1),
        lambda x, w: x.lerp(x * x, w),
    ):
        assert tallow.autograd.gradcheck(function, (x, weight))
        assert tallow.autograd.gradgradcheck(function, (x, weight))
