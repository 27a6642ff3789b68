"""Sums, products and counts with integer results, and positions in short rows."""

from __future__ import annotations

import numpy as np
import pytest

import tallow

INTEGERS = ["bool", "uint8", "int8", "int16", "int32", "int64"]
ALL = [*INTEGERS, "float16", "float32", "float64"]


def numbers(dtype: str, *shape: int, zeros: float = 0.0) -> np.ndarray:
    random = np.random.RandomState(0)
    values = random.randint(-100, 100, shape)
    return np.where(random.rand(*shape) < zeros, 0, values).astype(dtype)


# A row, many rows, more than one segment, more columns than a block, few long columns.
SHAPES = [(1, 1), (7, 9), (3, 40_000), (300, 5), (5, 700), (40_000, 3), (0, 4), (4, 0)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", INTEGERS)
def test_sums_and_products_are_those_of_numpy(dtype, shape):
    values = numbers(dtype, *shape)
    for layout in (values, np.asfortranarray(values)):
        x = tallow.from_numpy(layout.copy(order="K"))
        for axis in (0, 1, (0, 1)):
            for name in ("sum", "prod"):
                expected = getattr(np, name)(values.astype(np.int64), axis=axis)
                whole = name == "prod" and axis == (0, 1)
                got = x.prod() if whole else getattr(x, name)(axis)
                assert got.dtype == tallow.int64
                np.testing.assert_array_equal(got.numpy(), expected)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", ALL)
def test_counts_are_those_of_numpy(dtype, shape):
    values = numbers(dtype, *shape, zeros=0.4)
    for layout in (values, np.asfortranarray(values)):
        x = tallow.from_numpy(layout.copy(order="K"))
        for axis in (0, 1, (0, 1)):
            np.testing.assert_array_equal(
                x.count_nonzero(axis).numpy(), np.count_nonzero(values, axis=axis)
            )
            np.testing.assert_array_equal(x.any(axis).numpy(), values.any(axis=axis))
            np.testing.assert_array_equal(x.all(axis).numpy(), values.all(axis=axis))


def test_counts_of_full_columns_do_not_overflow_their_bytes():
    for rows in (254, 255, 256, 511, 20_000):
        assert tallow.ones(rows, 3, dtype=tallow.bool).sum(0).tolist() == [rows] * 3


@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16, tallow.float32, tallow.float64])
def test_negative_zero_is_zero_and_nan_is_not(dtype):
    x = tallow.tensor([[-0.0, 0.0], [float("nan"), -0.0]], dtype=dtype)
    assert x.count_nonzero(1).tolist() == [0, 1]
    assert x.any(1).tolist() == [False, True]
    assert tallow.linalg.vector_norm(x, 0, 1).tolist() == [0, 1]


@pytest.mark.parametrize("n", [1, 2, 10, 33, 64, 65])
@pytest.mark.parametrize("dtype", ["int64", "int8", "float32", "float64"])
def test_positions_in_short_rows_are_the_first_of_equals(dtype, n):
    values = np.random.RandomState(n).randint(0, 5, (500, n)).astype(dtype)
    x = tallow.from_numpy(values)
    np.testing.assert_array_equal(x.argmax(1).numpy(), values.argmax(1))
    np.testing.assert_array_equal(x.argmin(1).numpy(), values.argmin(1))
    found = x[:, ::2].max(1)
    np.testing.assert_array_equal(found.values.numpy(), values[:, ::2].max(1))
    np.testing.assert_array_equal(found.indices.numpy(), values[:, ::2].argmax(1))


def test_the_first_nan_of_a_short_row_is_found():
    x = tallow.zeros(300, 6)
    x[7, 3] = x[7, 5] = x[299, 0] = float("nan")
    assert x.argmax(1)[7].item() == 3
    assert x.min(1).values[299].isnan()
    assert x.amax(0).isnan().tolist() == [True, False, False, True, False, True]


def test_nansum_leaves_nan_out_wherever_there_is_one():
    values = np.random.RandomState(0).rand(300, 40)
    values[5, 7] = np.nan
    x = tallow.from_numpy(values)
    for axis in (0, 1, (0, 1)):
        np.testing.assert_allclose(x.nansum(axis).numpy(), np.nansum(values, axis=axis))
    infinite = tallow.tensor([float("inf"), float("-inf"), 1.0])
    assert infinite.nansum().isnan()


@pytest.mark.parametrize("dtype", [*ALL, "bfloat16"])
@pytest.mark.parametrize("columns", [1, 3, 10, 33])
def test_short_rows_with_gaps_between_them(dtype, columns):
    x = tallow.arange(80).reshape(80, 1).expand(80, 40).to(getattr(tallow, dtype)).contiguous()
    view = x[:, 2 : 2 + columns]
    assert tallow.equal(view.sum(1), view.contiguous().sum(1))
    assert view.amax(1).tolist() == x[:, 0].tolist()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "int64"])
def test_extrema_of_rows_of_any_length(dtype):
    limits = np.iinfo(dtype)
    for n in (1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 191, 200):
        for place in {0, n // 3, n // 2, n - 1}:
            values = np.full((3, n), limits.min, dtype)
            values[:, place] = (limits.max, 5, limits.min)
            x = tallow.from_numpy(values)
            assert x.amax(1).tolist() == values.max(1).tolist()
            assert (~x).amin(1).tolist() == (~values).min(1).tolist()
