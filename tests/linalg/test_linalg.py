"""Factorizations, solvers and transforms: values against NumPy, derivatives by differences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tallow
from tallow import fft, linalg


def matrix(*shape: int, seed: int = 0, complex_: bool = False) -> tallow.Tensor:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape)
    if complex_:
        values = values + 1j * rng.standard_normal(shape)
    return tallow.from_numpy(values).requires_grad_()


def positive(A: tallow.Tensor) -> tallow.Tensor:
    return A @ A.mT + 3 * tallow.eye(A.size(-1), dtype=A.dtype)


SQUARE: dict[str, Callable[[Any], Any]] = {
    "inv": linalg.inv,
    "det": linalg.det,
    "slogdet": lambda A: linalg.slogdet(A).logabsdet,
    "cholesky": lambda A: linalg.cholesky(positive(A)),
    "cholesky upper": lambda A: linalg.cholesky(positive(A), upper=True),
    "eigh": lambda A: linalg.eigh(positive(A)).eigenvalues,
    "eigh vectors": lambda A: linalg.eigh(positive(A)).eigenvectors.abs(),
    "eigvals": lambda A: linalg.eigvals(A).abs(),
    "svdvals": linalg.svdvals,
    "svd": lambda A: [part.abs() for part in linalg.svd(A)],
    "qr": lambda A: list(linalg.qr(A)),
    "lu": lambda A: list(linalg.lu(A))[1:],
    "pinv": linalg.pinv,
    "matrix_exp": linalg.matrix_exp,
    "matrix_power": lambda A: linalg.matrix_power(A, -2),
    "nuclear norm": lambda A: linalg.matrix_norm(A, "nuc"),
    "spectral norm": lambda A: linalg.matrix_norm(A, 2),
    "cond": linalg.cond,
}


@pytest.mark.parametrize("name", SQUARE)
@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 3), (1, 1)])
def test_derivative_of_square_matrices(name: str, shape: tuple[int, ...]) -> None:
    assert tallow.autograd.gradcheck(SQUARE[name], (matrix(*shape),))


@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "cholesky", "qr", "svd", "pinv"])
def test_second_derivative(name: str) -> None:
    assert tallow.autograd.gradgradcheck(SQUARE[name], (matrix(3, 3, seed=1),))


@pytest.mark.parametrize(
    "function",
    [
        lambda A: linalg.eigh(A)[0],
        linalg.eigvalsh,
        lambda A: linalg.svd(A)[1],
        linalg.svdvals,
        lambda A: linalg.eig(A)[0].real,
        lambda A: linalg.eigvals(A).real,
        lambda A: linalg.norm(A, "nuc"),
    ],
)
def test_values_have_a_derivative_where_they_repeat(function: Callable[[Any], Any]) -> None:
    A = tallow.eye(4, dtype=tallow.float64).mul(3).requires_grad_()
    function(A).sum().backward()
    tallow.testing.assert_close(A.grad, tallow.eye(4, dtype=tallow.float64))


@pytest.mark.parametrize("shape", [(4, 2), (2, 4), (2, 3, 5)])
@pytest.mark.parametrize(
    "function",
    [
        lambda A: list(linalg.qr(A)),
        lambda A: [part.abs() for part in linalg.svd(A, full_matrices=False)],
        lambda A: list(linalg.lu(A))[1:],
        linalg.pinv,
    ],
)
def test_derivative_of_other_matrices(function: Callable[[Any], Any], shape: Any) -> None:
    assert tallow.autograd.gradcheck(function, (matrix(*shape, seed=2),))


@pytest.mark.parametrize("left", [True, False])
def test_solve_broadcasts_and_has_a_derivative(left: bool) -> None:
    A, B = matrix(2, 3, 3), matrix(1, 3, 3, seed=4)
    X = linalg.solve(A, B, left=left)
    product = A @ X if left else X @ A
    assert tallow.allclose(product, B.expand(2, 3, 3))
    assert tallow.autograd.gradcheck(lambda a, b: linalg.solve(a, b, left=left), (A, B))


def test_det_of_a_singular_matrix_has_the_cofactors_as_gradient() -> None:
    A = tallow.tensor([[1.0, 2.0], [2.0, 4.0]], dtype=tallow.float64, requires_grad=True)
    linalg.det(A).backward()
    assert tallow.allclose(A.grad, tallow.tensor([[4.0, -2.0], [-2.0, 1.0]], dtype=tallow.float64))


def test_cholesky_names_the_bad_minor() -> None:
    A = tallow.diag(tallow.tensor([1.0, -1.0, 1.0]))
    with pytest.raises(linalg.LinAlgError, match="leading minor of order 2 is not positive"):
        linalg.cholesky(A)
    assert linalg.cholesky_ex(A).info == 2


def test_inverse_of_a_singular_matrix_is_refused() -> None:
    with pytest.raises(linalg.LinAlgError, match="singular"):
        linalg.inv(tallow.zeros(2, 2))


@pytest.mark.parametrize("function", [linalg.inv, linalg.det, linalg.cholesky, linalg.eigh])
def test_matrices_that_are_not_square_are_refused(function: Callable[[Any], Any]) -> None:
    with pytest.raises(RuntimeError, match="must be batches of square matrices"):
        function(tallow.ones(2, 3))


def test_half_types_are_refused_by_name() -> None:
    with pytest.raises(RuntimeError, match="Low precision dtypes not supported. Got Half"):
        linalg.inv(tallow.ones(2, 2, dtype=tallow.float16))


def test_out_receives_the_result() -> None:
    out = tallow.empty(0)
    assert linalg.inv(2 * tallow.eye(2), out=out) is out
    assert out.tolist() == [[0.5, 0.0], [0.0, 0.5]]


@pytest.mark.parametrize("norm", [None, "forward", "ortho"])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "rfft2"])
def test_transform_equals_numpy(name: str, norm: str | None) -> None:
    x = matrix(3, 7, complex_=name in ("fft", "ifft", "irfft", "hfft")).detach()
    expected = getattr(np.fft, name)(x.numpy(), norm=norm)
    assert np.allclose(getattr(fft, name)(x, norm=norm).numpy(), expected)


@pytest.mark.parametrize("n", [3, 4, 7, 8])
@pytest.mark.parametrize("name", ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"])
def test_derivative_of_a_transform(name: str, n: int) -> None:
    x = matrix(2, 5, seed=3)
    assert tallow.autograd.gradcheck(lambda v: getattr(fft, name)(v, n=n).abs(), (x,))
    assert tallow.autograd.gradgradcheck(lambda v: getattr(fft, name)(v, n=n).abs(), (x,))


def test_transform_refuses_no_points_and_unknown_norms() -> None:
    with pytest.raises(RuntimeError, match=r"Invalid number of data points \(0\) specified"):
        fft.fft(tallow.ones(2), n=0)
    with pytest.raises(RuntimeError, match="Invalid normalization mode"):
        fft.fft(tallow.ones(2), norm="other")


@pytest.mark.parametrize("shape", [(1, 1), (7, 7), (8, 9), (17, 16), (3, 20, 33), (2, 33, 20)])
@pytest.mark.parametrize("complex_", [False, True])
def test_lu_of_all_widths(shape: tuple[int, ...], complex_: bool) -> None:
    A = matrix(*shape, complex_=complex_).detach()
    P, L, U = linalg.lu(A)
    assert tallow.allclose(P @ L @ U, A)
    assert bool((L.abs() <= 1 + 1e-12).all())  # the largest is the pivot


@pytest.mark.parametrize("name", ["eigvalsh", "eigvals", "svdvals"])
def test_values_are_the_same_without_a_gradient(name: str) -> None:
    A = matrix(3, 5, 5)
    A = (A + A.mT) / 2
    values = getattr(linalg, name)
    with tallow.no_grad():
        found = values(A)
    expected = values(A)
    assert found.dtype == expected.dtype
    assert expected.requires_grad
    assert not found.requires_grad
    assert tallow.allclose(found.real.sort().values, expected.detach().real.sort().values)


def test_det_of_an_almost_singular_matrix_has_the_cofactors_as_gradient() -> None:
    A = tallow.tensor([[1.0, 2.0], [2.0, 4.0 + 1e-15]], dtype=tallow.float64, requires_grad=True)
    linalg.det(A).backward()
    assert tallow.allclose(A.grad, tallow.tensor([[4.0, -2.0], [-2.0, 1.0]], dtype=tallow.float64))
