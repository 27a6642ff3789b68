"""LU, Cholesky and triangular systems of our own kernels: sizes around every cut they make."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tallow
from tallow import linalg

# Around the 16 columns that are treated one by one, the panel of 128, and halves between them.
SIZES = (0, 1, 2, 3, 15, 16, 17, 31, 33, 65, 127, 128, 129, 150, 257)
DTYPES = (np.float32, np.float64)
BATCHES = ((), (3,), (2, 0), (2, 2))


def values(*shape: int, dtype: Any, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def relative_error(result: np.ndarray, expected: np.ndarray, scale: np.ndarray, dtype: Any) -> Any:
    """The largest error in units of roundoff of `scale`, what was added up in absolute values."""
    assert result.shape == expected.shape
    if not result.size:
        return 0.0
    return (np.abs(result - expected) / scale.clip(1e-300)).max() / np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("columns", [1, 7, 40, 150, None])
@pytest.mark.parametrize("rows", SIZES)
def test_lu_multiplies_back(rows: int, columns: int | None, dtype: Any) -> None:
    for batch in BATCHES if rows < 40 else ((), (2,)):
        A = values(*batch, rows, rows if columns is None else columns, dtype=dtype)
        P, L, U = (part.numpy().astype(np.float64) for part in linalg.lu(tallow.from_numpy(A)))
        scale = P @ (np.abs(L) @ np.abs(U))
        assert relative_error(P @ (L @ U), A, scale, dtype) < 8
        assert (np.abs(L) <= 1).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", SIZES)
def test_cholesky_multiplies_back(n: int, dtype: Any) -> None:
    for batch in BATCHES if n < 40 else ((), (2,)):
        X = values(*batch, n, n, dtype=dtype).astype(np.float64)
        A = (X @ X.swapaxes(-1, -2) + n * np.eye(n)).astype(dtype)
        L = linalg.cholesky(tallow.from_numpy(A)).numpy().astype(np.float64)
        assert (np.triu(L, 1) == 0).all()
        scale = np.abs(L) @ np.abs(L).swapaxes(-1, -2)
        assert relative_error(L @ L.swapaxes(-1, -2), A, scale, dtype) < 8


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("unitriangular", [False, True])
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("upper", [True, False])
def test_triangular_solution_multiplies_back(
    upper: bool, left: bool, unitriangular: bool, dtype: Any
) -> None:
    for n in SIZES[1:]:
        for batch, other in (((), ()), ((2,), ()), ((), (2,)), ((2, 1), (3,))):
            # Diagonally dominant; the triangle that does not count is full of NaN.
            A = values(*batch, n, n, dtype=dtype) / n + 2 * np.eye(n, dtype=dtype)
            T = (np.triu(A) if upper else np.tril(A)).astype(np.float64)
            A[..., ~(np.tri(n, dtype=bool).T if upper else np.tri(n, dtype=bool))] = np.nan
            if unitriangular:
                T[..., range(n), range(n)] = 1
                A[..., range(n), range(n)] = np.nan
            B = values(*other, *((n, 3) if left else (3, n)), dtype=dtype, seed=1)
            X = linalg.solve_triangular(
                *map(tallow.from_numpy, (A.astype(dtype), B)),
                upper=upper,
                left=left,
                unitriangular=unitriangular,
            )
            X = X.numpy().astype(np.float64)
            pairs = ((T, X), (np.abs(T), np.abs(X)))
            product, scale = (a @ x if left else x @ a for a, x in pairs)
            expected = np.broadcast_to(B, product.shape)
            assert relative_error(product, expected, scale, dtype) < 32


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("adjoint", [True, False])
@pytest.mark.parametrize("left", [True, False])
def test_lu_solve_solves(left: bool, adjoint: bool, dtype: Any) -> None:
    for n in SIZES[1:]:
        for batch, other in (((), ()), ((2,), ()), ((), (2,)), ((2, 1), (3,))):
            A = values(*batch, n, n, dtype=dtype) / n + np.eye(n, dtype=dtype)
            B = values(*other, *((n, 3) if left else (3, n)), dtype=dtype, seed=1)
            factors = linalg.lu_factor(tallow.from_numpy(A))
            X = linalg.lu_solve(*factors, tallow.from_numpy(B), left=left, adjoint=adjoint)
            X = X.numpy().astype(np.float64)
            M = A.swapaxes(-1, -2) if adjoint else A
            product = M @ X if left else X @ M
            tolerance = 2000 * np.finfo(dtype).eps
            assert np.allclose(product, B, rtol=tolerance, atol=tolerance)


def test_the_first_of_equal_maxima_is_the_pivot() -> None:
    A = tallow.tensor([[1.0, 2.0], [-1.0, 3.0], [1.0, 7.0]])
    assert linalg.lu_factor(A).pivots.tolist() == [1, 2]


def test_a_zero_pivot_is_named_and_the_rest_is_factored() -> None:
    A = tallow.tensor([[0.0, 1.0, 2.0], [0.0, 3.0, 4.0], [0.0, 5.0, 7.0]])
    LU, pivots, info = linalg.lu_factor_ex(A)
    assert info == 1
    assert pivots.tolist() == [1, 3, 3]
    P, L, U = tallow.lu_unpack(LU, pivots)
    assert tallow.equal(P @ L @ U, A)


@pytest.mark.parametrize("n", [1, 3, 17, 40, 129])
def test_the_first_bad_minor_is_named(n: int) -> None:
    for bad in {0, n // 2, n - 1}:
        A = tallow.eye(n).repeat(2, 1, 1)
        A[1, bad, bad] = -1.0
        L, info = linalg.cholesky_ex(A)
        assert info.tolist() == [0, bad + 1]
        assert tallow.equal(L[0], tallow.eye(n))
        assert not L[1].any()


def test_nan_does_not_pass_for_positive() -> None:
    assert linalg.cholesky_ex(tallow.full((2, 2), tallow.nan)).info == 1


def test_infinite_quotients_do_not_spread_to_other_columns() -> None:
    A = tallow.tensor([[1e-30, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    A[1, 0] = tallow.inf
    LU = linalg.lu_factor_ex(A).LU
    assert LU[0].tolist() == [tallow.inf, 1.0, 0.0]
    assert not LU[:, 2].isnan().any()


@pytest.mark.parametrize("n", [3, 20, 140])
def test_results_do_not_depend_on_the_number_of_threads(n: int) -> None:
    A = tallow.from_numpy(values(3, n, n, dtype=np.float32))
    threads = tallow.get_num_threads()
    results = []
    try:
        for count in (1, 2, 3):
            tallow.set_num_threads(count)
            results.append([linalg.inv(A), linalg.inv(A[0]), linalg.lu_factor(A).LU])
    finally:
        tallow.set_num_threads(threads)
    for other in results[1:]:
        assert all(map(tallow.equal, results[0], other))


@pytest.mark.parametrize("layout", ["transposed", "every second", "expanded"])
def test_memory_order_does_not_matter(layout: str) -> None:
    A = tallow.from_numpy(values(2, 6, 6, dtype=np.float64)) + 4 * tallow.eye(6).double()
    view = {
        "transposed": A.mT,
        "every second": A[:, ::2, ::2],
        "expanded": A[0].expand(3, 6, 6),
    }[layout]
    dense = view.clone(memory_format=tallow.contiguous_format)
    for function in (linalg.inv, linalg.det, lambda x: linalg.lu_factor(x).LU):
        assert tallow.equal(function(view), function(dense))
    B = tallow.ones(view.size(-1), 2).double()
    for upper in (True, False):
        both = [linalg.solve_triangular(x, B, upper=upper) for x in (view, dense)]
        assert tallow.equal(*both)


@pytest.mark.parametrize("upper", [True, False])
@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("unitriangular", [True, False])
def test_triangular_solution_has_both_derivatives(
    upper: bool, left: bool, unitriangular: bool
) -> None:
    A = tallow.from_numpy(values(2, 3, 3, dtype=np.float64)) + 3 * tallow.eye(3).double()
    B = tallow.from_numpy(values(*((3, 2) if left else (2, 3)), dtype=np.float64, seed=1))
    form = {"upper": upper, "left": left, "unitriangular": unitriangular}
    inputs = (A.requires_grad_(), B.requires_grad_())
    assert tallow.autograd.gradcheck(lambda a, b: linalg.solve_triangular(a, b, **form), inputs)
    assert tallow.autograd.gradgradcheck(lambda a, b: linalg.solve_triangular(a, b, **form), inputs)


def test_a_singular_triangle_gives_infinities_instead_of_an_error() -> None:
    X = linalg.solve_triangular(tallow.zeros(2, 2), tallow.ones(2, 1), upper=True)
    assert X[1].item() == tallow.inf


MISTAKES = {
    "vector": (lambda f: linalg.lu_solve(*f, tallow.ones(3)), "at least 2 dimensions"),
    "rows": (
        lambda f: linalg.lu_solve(*f, tallow.ones(4, 1)),
        r"Incompatible shapes of A and B for the equation AX = B \(3x3 and 4x1\)",
    ),
    "dtype": (
        lambda f: linalg.lu_solve(*f, tallow.ones(3, 1).double()),
        "found LU of type Float and B of type Double",
    ),
    "type of pivots": (
        lambda f: linalg.lu_solve(f[0], f[1].long(), tallow.ones(3, 1)),
        "pivots should be a Tensor of scalar type torch.int32",
    ),
    "number of pivots": (
        lambda f: linalg.lu_solve(f[0], f[1][:2], tallow.ones(3, 1)),
        "Number of pivots per batch should be same as the dimension of the matrix",
    ),
    "batch of pivots": (
        lambda f: linalg.lu_solve(f[0][None], f[1], tallow.ones(3, 1)),
        r"Expected LU.shape\[:-1\] and pivots.shape to be the same",
    ),
    "pivot zero": (
        lambda f: linalg.lu_solve(f[0], f[1] * 0, tallow.ones(3, 1)),
        "Pivots given to lu_solve must all be greater or equal to 1",
    ),
    "pivot too large": (
        lambda f: linalg.lu_solve(f[0], f[1] * 9, tallow.ones(3, 1)),
        r"Pivots given to lu_solve must all be smaller or equal to LU.size\(-2\)",
    ),
    "factor not square": (
        lambda f: tallow.cholesky_solve(tallow.ones(3, 1), f[0][:2]),
        "A must be batches of square matrices, but they are 2 by 3 matrices",
    ),
    "rows of cholesky_solve": (
        lambda f: tallow.cholesky_solve(tallow.ones(4, 1), f[0]),
        "Incompatible matrix sizes for cholesky_solve: each A matrix is 3 by 3",
    ),
    "zero in a factor": (
        lambda f: tallow.cholesky_inverse(tallow.stack([tallow.eye(2), tallow.zeros(2, 2)])),
        r"cholesky_inverse: \(Batch element 1\): The diagonal element 1 is zero",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_named(name: str) -> None:
    call, message = MISTAKES[name]
    with pytest.raises(RuntimeError, match=message):
        call(linalg.lu_factor(tallow.eye(3)))


ONES = tallow.ones(2, 2)
SECOND = tallow.stack([tallow.eye(2), ONES])


@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64, tallow.complex64])
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a: linalg.inv(a[1]), linalg.LinAlgError, "linalg.inv: The diagonal element 2 is"),
        (linalg.inv, linalg.LinAlgError, r"linalg.inv: \(Batch element 1\): The diagonal elemen"),
        (
            lambda a: linalg.inv_ex(a[1], check_errors=True),
            linalg.LinAlgError,
            "linalg.inv_ex: The diagonal element 2 is zero",
        ),
        (
            lambda a: linalg.solve(a, a),
            linalg.LinAlgError,
            r"torch.linalg.solve: \(Batch element 1\): The solver failed",
        ),
        (
            lambda a: linalg.solve_ex(a, a, check_errors=True),
            linalg.LinAlgError,
            r"torch.linalg.solve_ex: \(Batch element 1\): The solver failed",
        ),
        (
            lambda a: linalg.lu_factor(a[1]),
            RuntimeError,
            r"torch.linalg.lu_factor: U\[2,2\] is zero and using it on lu_solve would",
        ),
        (
            lambda a: linalg.cholesky_ex(a, check_errors=True),
            linalg.LinAlgError,
            r"linalg.cholesky_ex: \(Batch element 1\): The factorization could not",
        ),
    ],
)
def test_errors_name_the_matrix_and_the_place(call, error, message, dtype) -> None:
    with pytest.raises(error, match="^" + message):
        call(SECOND.to(dtype))


def test_lu_of_a_singular_matrix_tells_where() -> None:
    assert tallow.lu(ONES, get_infos=True)[2] == 2
    assert len(tallow.lu(ONES)) == 2
