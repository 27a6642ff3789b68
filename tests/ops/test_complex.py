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


@pytest.mark.parametrize("length", [0, 1, 2, 7, 8, 9])
def test_running_products_of_complex_numbers(length: int) -> None:
    rng = np.random.default_rng(length)
    z = rng.normal(size=(3, length, 2)) + 1j * rng.normal(size=(3, length, 2))
    x = tallow.tensor(z)
    assert np.allclose(x.cumprod(1).numpy(), z.cumprod(1))
    assert np.allclose(x.mT.cumprod(-1).numpy(), z.swapaxes(1, 2).cumprod(-1))
    assert np.allclose(x.conj().cumprod(1).numpy(), z.conj().cumprod(1))
    x.cumprod_(0)
    assert np.allclose(x.numpy(), z.cumprod(0))


def test_a_running_product_of_one_number_is_a_copy() -> None:
    x = tallow.tensor(2 + 1j)
    x.cumprod(0).zero_()
    assert x.item() == 2 + 1j


def test_logsumexp_of_complex_numbers() -> None:
    z = np.array(COMPLEX)
    x = tallow.tensor(COMPLEX, dtype=tallow.complex128)
    assert np.allclose(x.logsumexp(0).numpy(), np.log(np.exp(z).sum(0)))
    assert x.logsumexp((0, 1), keepdim=True).shape == (1, 1)
    assert np.allclose(x.logsumexp((0, 1)).item(), np.log(np.exp(z).sum()))
    large = tallow.tensor([1000 + 1j, 1000.0]).logsumexp(0).item()
    assert np.allclose(large, 1000 + np.log(np.exp(1j) + 1))
    assert tallow.tensor([complex("-inf"), complex("-inf")]).logsumexp(0).item().real == -np.inf
    assert x[:, :0].logsumexp(1).tolist() == [-np.inf, -np.inf]


def test_running_products_and_logsumexp_of_complex_numbers_have_derivatives() -> None:
    x = tallow.tensor(COMPLEX, dtype=tallow.complex128, requires_grad=True)
    zeros = tallow.tensor([1 + 1j, 0, 2j], dtype=tallow.complex128, requires_grad=True)
    for function, at in (
        (lambda x: x.cumprod(1), x),
        (lambda x: x.cumprod(0), zeros),
        (lambda x: x.logsumexp((0, 1)), x),
        (lambda x: x.logsumexp(1), x),
    ):
        assert tallow.autograd.gradcheck(function, (at,))
        assert tallow.autograd.gradgradcheck(function, (at,))
