"""Sorting, selection and searching at the lengths where the way of doing it changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tallow

LENGTHS = (1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 399, 400, 1000)
DTYPES = ("bool", "uint8", "int16", "int32", "int64", "float16", "float32", "float64")


def rows(dtype: str, n: int, seed: int = 0) -> np.ndarray[Any, Any]:
    """Five rows with many ties, some of them extreme; floats have NaN, infinities and -0."""
    rng = np.random.default_rng([seed, n])
    x = rng.integers(-40, 40, (5, n))
    if dtype == "bool":
        return x > 0
    a = np.abs(x).astype(dtype) if dtype == "uint8" else x.astype(dtype)
    if a.dtype.kind == "f":
        for value in (np.nan, np.inf, -np.inf, -0.0):
            a[rng.random(a.shape) < 0.03] = value
    else:
        for value in (np.iinfo(dtype).min, np.iinfo(dtype).max):
            a[rng.random(a.shape) < 0.03] = value
    return a


def order_of(a: np.ndarray[Any, Any], descending: bool) -> np.ndarray[Any, Any]:
    """The stable order along the rows; NaN is the largest."""
    if descending:
        return a.shape[1] - 1 - np.argsort(a[:, ::-1], 1, kind="stable")[:, ::-1]
    return np.argsort(a, 1, kind="stable")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("descending", [False, True])
def test_sort_is_stable(dtype: str, n: int, descending: bool) -> None:
    a = rows(dtype, n)
    values, order = tallow.from_numpy(a).sort(1, descending=descending)
    expected = order_of(a, descending)
    np.testing.assert_array_equal(order.numpy(), expected)
    np.testing.assert_array_equal(values.numpy(), np.take_along_axis(a, expected, 1))


@pytest.mark.parametrize("dtype", DTYPES[1:])
@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("largest", [False, True])
def test_topk_takes_the_first_of_equals(dtype: str, n: int, largest: bool) -> None:
    a = rows(dtype, n, 1)
    for k in {1, min(5, n), n // 4, n // 2, n - 1, n}:
        values, order = tallow.from_numpy(a).topk(k, 1, largest)
        expected = order_of(a, largest)[:, :k]
        np.testing.assert_array_equal(order.numpy(), expected)
        np.testing.assert_array_equal(values.numpy(), np.take_along_axis(a, expected, 1))


@pytest.mark.parametrize("ramp", [1, -1])
def test_topk_of_ordered_rows(ramp: int) -> None:
    a = ramp * np.arange(50_000)
    values, order = tallow.from_numpy(a).topk(700)
    np.testing.assert_array_equal(values.numpy(), np.sort(a)[:-701:-1])
    np.testing.assert_array_equal(a[order.numpy()], values.numpy())


def test_topk_of_a_number_is_the_number() -> None:
    x = tallow.tensor(3.5, requires_grad=True)
    for k in (0, 1):
        values, index = x.topk(k)
        assert (values.item(), index.item()) == (3.5, 0)
        assert tallow.autograd.grad(values, x)[0].item() == 1


@pytest.mark.parametrize("dtype", DTYPES[1:])
@pytest.mark.parametrize("n", LENGTHS)
def test_kthvalue_is_what_sort_has_there(dtype: str, n: int) -> None:
    a = rows(dtype, n, 2)
    for k in {1, n // 3 + 1, n}:
        value, index = tallow.from_numpy(a).kthvalue(k, 1)
        np.testing.assert_array_equal(index.numpy(), order_of(a, False)[:, k - 1])
        np.testing.assert_array_equal(value.numpy(), np.sort(a, 1)[:, k - 1])


@pytest.mark.parametrize("n", LENGTHS)
def test_median_stops_at_nan(n: int) -> None:
    a = rows("float32", n, 3)
    a[0] = np.arange(n)
    value, index = tallow.from_numpy(a).median(1)
    for row, v, i in zip(a, value.tolist(), index.tolist(), strict=True):
        wanted = np.nan if np.isnan(row).any() else np.sort(row)[(n - 1) // 2]
        np.testing.assert_array_equal([v, row[i]], [wanted, wanted])


@pytest.mark.parametrize("dtype", DTYPES[1:])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 63, 64, 65, 1000])
@pytest.mark.parametrize("right", [False, True])
def test_searchsorted_equals_numpy(dtype: str, n: int, right: bool) -> None:
    edges = np.sort(rows(dtype, max(n, 1), 4)[0])[:n]
    for count in (1, 64, 129):
        values = rows(dtype, count, 5)
        result = tallow.searchsorted(
            tallow.from_numpy(edges), tallow.from_numpy(values), right=right
        )
        expected = np.searchsorted(edges, values, "right" if right else "left")
        np.testing.assert_array_equal(result.numpy(), expected)


def test_searchsorted_in_a_row_each() -> None:
    edges, values = np.sort(rows("float32", 70, 6), 1), rows("float32", 90, 7)
    result = tallow.searchsorted(tallow.from_numpy(edges), tallow.from_numpy(values))
    expected = [np.searchsorted(e, v) for e, v in zip(edges, values, strict=True)]
    np.testing.assert_array_equal(result.numpy(), expected)


@pytest.mark.parametrize("shape", [(8, 0), (2, 3, 0)])
def test_searchsorted_in_rows_of_nothing_finds_the_first_place(shape: tuple[int, ...]) -> None:
    values = tallow.ones(*shape[:-1], 5)
    tallow.full((values.numel(),), 7)  # left behind where the result may lie
    assert tallow.searchsorted(tallow.ones(shape), values).tolist() == values.sub(1).tolist()


@pytest.mark.parametrize("shape", [(2, 5), (5,), (4, 4), (4, 6)])
def test_searchsorted_refuses_a_sorter_of_another_shape(shape: tuple[int, ...]) -> None:
    edges, values = tallow.zeros(4, 5), tallow.ones(4, 3)
    with pytest.raises(RuntimeError, match="boundary and sorter must have the same size"):
        tallow.searchsorted(edges, values, sorter=tallow.zeros(shape, dtype=tallow.int64))
    with pytest.raises(RuntimeError, match="sorter must be a tensor of long dtype but got"):
        tallow.searchsorted(edges, values, sorter=tallow.zeros(4, 5))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 255, 256, 257, 1000])
def test_unique_with_and_without_counts(dtype: str, n: int) -> None:
    a = rows(dtype, n, 8)[0]
    expected, inverse, counts = np.unique(
        a, return_inverse=True, return_counts=True, equal_nan=False
    )
    np.testing.assert_array_equal(tallow.unique(tallow.from_numpy(a)).numpy(), expected)
    got = tallow.unique(tallow.from_numpy(a), return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(got[0].numpy(), expected)
    np.testing.assert_array_equal(a[got[1].numpy() == 0], a[inverse == 0])
    np.testing.assert_array_equal(got[2].numpy(), counts)


@pytest.mark.parametrize("values", [[], [3], [1, 1, 2, 2, 2, 1]])
def test_unique_consecutive_of_few(values: list[int]) -> None:
    runs, counts = tallow.unique_consecutive(
        tallow.tensor(values, dtype=tallow.int64), return_counts=True
    )
    assert tallow.unique_consecutive(tallow.tensor(values, dtype=tallow.int64)).equal(runs)
    assert runs.repeat_interleave(counts).tolist() == values


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("n", [1, 63, 256, 257, 1003])
@pytest.mark.parametrize("most", [1, 3, 40])
def test_unique_consecutive_of_long_and_short_runs(dtype: str, n: int, most: int) -> None:
    lengths = np.random.default_rng(n).integers(1, most + 1, n)
    a = np.repeat(rows(dtype, n, 9)[0], lengths)
    same = a[1:] == a[:-1]
    first = np.flatnonzero(np.concatenate([[True], ~same]))
    x = tallow.from_numpy(a)
    values, inverse, counts = tallow.unique_consecutive(x, True, True)
    np.testing.assert_array_equal(values.numpy(), a[first])
    np.testing.assert_array_equal(counts.numpy(), np.diff(first, append=len(a)))
    np.testing.assert_array_equal(inverse.numpy(), np.cumsum(np.concatenate([[0], ~same])))
    for asked in ((False, False), (True, False), (False, True)):
        found = tallow.unique_consecutive(x, *asked)
        np.testing.assert_array_equal((found[0] if any(asked) else found).numpy(), a[first])
        if any(asked):
            assert found[1].equal(inverse if asked[0] else counts)


@pytest.mark.parametrize("largest", [0, 9, 2047, 2048, 100_000])
@pytest.mark.parametrize("n", [1, 5, 200_001])
def test_bincount_equals_numpy(largest: int, n: int) -> None:
    a = np.random.default_rng(n).integers(0, largest + 1, n)
    np.testing.assert_array_equal(tallow.bincount(tallow.from_numpy(a)).numpy(), np.bincount(a))


@pytest.mark.parametrize(
    ("boundaries", "values", "expected"),
    [
        ([1, 2, 3], 2.5, 2),
        ([1, 2, 3], [2.5], [2]),
        ([1.0, 2.0, 3.0], [2], [1]),
        # A tensor with dimensions decides the type, a number does not.
        ([1, 2**24, 2**24 + 1], [2.0**24 + 1], [1]),
        ([1.0, 2.1], 2.1, 1),
    ],
)
def test_searchsorted_compares_in_the_common_type(boundaries, values, expected):
    given = values if isinstance(values, float) else tallow.tensor(values)
    assert tallow.searchsorted(tallow.tensor(boundaries), given).tolist() == expected
    assert tallow.bucketize(given, tallow.tensor(boundaries)).tolist() == expected


@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16])
@pytest.mark.parametrize("shape", [(1, 1), (3, 15), (4, 256), (5, 257), (9, 700)])
def test_running_totals_of_half_types_are_those_of_floats(dtype, shape):
    x = (tallow.rand(shape) + 0.5).to(dtype)
    for name in ("cumsum", "cumprod", "logcumsumexp"):
        wide = getattr(x.float(), name)(1)
        assert tallow.equal(getattr(x, name)(1), wide.to(dtype))
