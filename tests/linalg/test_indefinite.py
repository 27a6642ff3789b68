"""Factors of symmetric and hermitian matrices that are not positive definite."""

from __future__ import annotations

import numpy as np
import pytest

import tallow
from tallow import linalg

DTYPES = ["float32", "float64", "complex64", "complex128"]


def matrices(dtype: str, n: int, hermitian: bool, batch: tuple[int, ...] = ()) -> np.ndarray:
    rng = np.random.default_rng(n)
    a = rng.standard_normal((*batch, n, n))
    if dtype.startswith("complex"):
        a = a + 1j * rng.standard_normal(a.shape)
    other = np.swapaxes(a, -1, -2)
    # A weak diagonal, so that many pivots are of order 2.
    weak = np.where(np.eye(n, dtype=bool), 0.05, 1.0)
    return ((a + (other.conj() if hermitian else other)) * weak).astype(dtype)


def expanded(LD: np.ndarray, pivots: list[int], hermitian: bool) -> np.ndarray:
    """The product of the factors, step by step from the last."""
    n = len(LD)
    result = np.zeros_like(LD)
    k = n
    while k > 0:
        order = 1 if pivots[k - 1] > 0 else 2
        k -= order
        block = LD[k : k + order, k : k + order]
        across = np.tril(block, -1).T
        block = block + (across.conj() if hermitian else across)
        unit = np.concatenate([np.eye(order, dtype=LD.dtype), LD[k + order :, k : k + order]])
        turned = unit.conj().T if hermitian else unit.T
        result[k:, k:] += unit @ block @ turned
        last, row = k + order - 1, abs(pivots[k]) - 1
        result[[last, row]] = result[[row, last]]
        result[:, [last, row]] = result[:, [row, last]]
    return result


@pytest.mark.parametrize("hermitian", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 2, 3, 5, 8, 17, 40])
def test_the_factors_multiply_to_the_matrix(dtype: str, n: int, hermitian: bool) -> None:
    a = matrices(dtype, n, hermitian)
    LD, pivots = linalg.ldl_factor(tallow.from_numpy(a), hermitian=hermitian)
    assert pivots.dtype == tallow.int32
    assert not LD.triu(1).any()
    tolerance = 2e-4 if dtype in ("float32", "complex64") else 1e-11
    found = expanded(LD.numpy().copy(), pivots.tolist(), hermitian)
    np.testing.assert_allclose(found, a, rtol=tolerance, atol=tolerance * n)
    if n > 4:
        assert (pivots < 0).any()
    assert np.abs(np.tril(LD.numpy(), -2)).max(initial=0) < 8  # growth is bounded


@pytest.mark.parametrize("hermitian", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [0, 1, 3])
def test_solutions(dtype: str, columns: int, hermitian: bool) -> None:
    a = matrices(dtype, 9, hermitian, (2, 3))
    b = matrices(dtype, 9, False, (2, 3))[..., :columns]
    x, y = tallow.from_numpy(a), tallow.from_numpy(b.copy())
    found = linalg.ldl_solve(*linalg.ldl_factor(x, hermitian=hermitian), y, hermitian=hermitian)
    tolerance = 2e-3 if dtype in ("float32", "complex64") else 1e-10
    np.testing.assert_allclose((a @ found.numpy()), b, rtol=tolerance, atol=tolerance)
    shared = linalg.ldl_solve(
        *linalg.ldl_factor(x[0, 0], hermitian=hermitian), y, hermitian=hermitian
    )
    np.testing.assert_allclose(a[0, 0] @ shared.numpy(), b, rtol=tolerance, atol=tolerance)


def test_only_the_lower_triangle_is_read() -> None:
    a = tallow.from_numpy(matrices("float64", 6, False))
    junk = a + tallow.ones(6, 6, dtype=tallow.float64).triu(1)
    assert tallow.equal(linalg.ldl_factor(a).LD, linalg.ldl_factor(junk).LD)


def test_exchanges_are_those_of_lapack() -> None:
    # Worked by hand: the greatest number of the first column is in the third row.
    a = tallow.tensor([[0.0, 1, 2], [1, 0, 3], [2, 3, 0]])
    LD, pivots, info = linalg.ldl_factor_ex(a)
    assert pivots.tolist() == [-3, -3, 3]
    assert LD.tolist() == [[0, 0, 0], [2, 0, 0], [1.5, 0.5, -3]]
    assert info.item() == 0


def test_singular_matrices() -> None:
    both = tallow.stack([tallow.eye(2), tallow.zeros(2, 2)])
    assert linalg.ldl_factor_ex(both).info.tolist() == [0, 1]
    with pytest.raises(RuntimeError, match="pivot 1 is zero"):
        linalg.ldl_factor(both)
    with pytest.raises(RuntimeError, match="pivot 1 is zero"):
        linalg.ldl_factor_ex(both, check_errors=True)
    assert linalg.ldl_factor_ex(tallow.full((1, 1), float("nan"))).LD.isnan().all()


def test_empty_matrices() -> None:
    assert linalg.ldl_factor(tallow.zeros(0, 0)).pivots.shape == (0,)
    assert linalg.ldl_factor(tallow.zeros(0, 3, 3)).LD.shape == (0, 3, 3)
    assert linalg.ldl_solve(*linalg.ldl_factor(tallow.zeros(0, 0)), tallow.zeros(0, 2)).shape == (
        0,
        2,
    )


def test_what_does_not_fit_is_refused() -> None:
    LD, pivots = linalg.ldl_factor(tallow.eye(3))
    b = tallow.ones(3, 1)
    for call, message in (
        (lambda: linalg.ldl_factor(tallow.zeros(2, 3)), "must be batches of square matrices"),
        (lambda: linalg.ldl_factor(tallow.zeros(3)), "must have at least 2 dimensions"),
        (lambda: linalg.ldl_factor(tallow.ones(2, 2).long()), "Expected a floating point"),
        (lambda: linalg.ldl_solve(LD, pivots, b[:2]), "Incompatible matrix sizes"),
        (lambda: linalg.ldl_solve(LD, pivots[:2], b), "Expected LD.shape"),
        (lambda: linalg.ldl_solve(LD, pivots.float(), b), "Expected pivots to be integers. Got Fl"),
        (lambda: linalg.ldl_solve(LD, pivots, b.double()), "Expected b and A to have the same"),
        (lambda: linalg.ldl_solve(LD, pivots + 7, b), "Pivots given to ldl_solve must all satisfy"),
        (lambda: linalg.ldl_solve(LD, pivots * 0, b), "Pivots given to ldl_solve must all satisfy"),
        (lambda: linalg.ldl_solve(LD, pivots, b[0]), "at least 2 dimensions"),
    ):
        with pytest.raises(RuntimeError, match=message):
            call()
    with pytest.raises(NotImplementedError, match="the derivative for 'linalg_ldl_factor_ex' is"):
        linalg.ldl_factor(tallow.eye(2).requires_grad_())
    with pytest.raises(NotImplementedError, match="the derivative for 'linalg_ldl_solve' is"):
        linalg.ldl_solve(LD, pivots, b.requires_grad_())
