"""QR of matrices of at most 32 rows and columns by our own reflections."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tallow
from tallow import linalg

DTYPES = ("float32", "float64", "complex64", "complex128")
SHAPES = ((1, 1), (1, 5), (5, 1), (3, 3), (10, 10), (31, 7), (7, 31), (32, 32), (33, 4), (4, 33))


def values(*shape: int, dtype: str) -> np.ndarray:
    random = np.random.default_rng(0)
    result = random.standard_normal(shape)
    if "complex" in dtype:
        result = result + 1j * random.standard_normal(shape)
    return result.astype(dtype)


def near(result: tallow.Tensor, expected: np.ndarray) -> Any:
    eps = 20 * np.finfo(expected.dtype).eps
    return np.allclose(result.numpy(), expected, eps * 8, eps * 8, equal_nan=True)


@pytest.mark.parametrize("mode", ["reduced", "complete"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_small_matrices_have_the_factors_of_lapack(dtype: str, shape: Any, mode: Any) -> None:
    A = values(2, *shape, dtype=dtype)
    Q, R = linalg.qr(tallow.from_numpy(A), mode)
    expected = np.linalg.qr(A, mode)
    assert near(Q, expected[0])
    assert near(R, expected[1])


@pytest.mark.parametrize(
    "rows",
    [
        [[0, 0], [0, 0]],
        [[-0.0, 1], [0, 1]],
        [[-1, 2], [0, -3]],
        [[0, 1], [0, 2]],
        [[1e-300, 1], [1e-300, 2]],
        [[1e200, 1], [1e200, 3]],
        [[1, 0], [np.nan, 1]],
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_columns_that_need_no_reflection_or_cannot_be_squared(rows: Any, dtype: str) -> None:
    A = np.array(rows, dtype)
    for result, expected in zip(linalg.qr(tallow.from_numpy(A)), np.linalg.qr(A), strict=True):
        assert near(result, expected)


def test_strides_do_not_matter() -> None:
    A = values(6, 4, dtype="float32")
    wide = tallow.from_numpy(np.repeat(A.T, 2, 1))[:, ::2].T
    assert not wide.is_contiguous()
    for result, expected in zip(linalg.qr(wide), linalg.qr(tallow.from_numpy(A)), strict=True):
        assert result.equal(expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_recorded_call_has_the_same_bits(dtype: str) -> None:
    A = tallow.from_numpy(values(5, 4, dtype=dtype))
    plain, recorded = linalg.qr(A), linalg.qr(A.clone().requires_grad_())
    assert recorded.Q.grad_fn is not None
    assert plain.Q.equal(recorded.Q.detach())
    assert plain.R.equal(recorded.R.detach())
