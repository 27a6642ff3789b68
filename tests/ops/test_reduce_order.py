"""The order in which floats are combined: a tree whose shape is the size's alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tallow

LEAF, LANES = 256, 16
# Up to several leaves side by side, with and without a rest, and more than one parallel task.
SIZES = (
    1,
    2,
    15,
    17,
    255,
    256,
    257,
    511,
    512,
    768,
    1000,
    1024,
    1025,
    1792,
    2303,
    4096,
    16385,
    70001,
)
Join = Callable[[Any, Any], Any]


def fold_leaf(x: Any, join: Join) -> Any:
    """Lane i takes the elements 16 g + i in turn, then the lanes are folded by halves."""
    lanes = [None] * LANES
    for i, value in enumerate(x):
        lane = i % LANES
        lanes[lane] = value if lanes[lane] is None else join(lanes[lane], value)
    half = LANES // 2
    while half:
        for i in range(half):
            if lanes[i + half] is not None:
                lanes[i] = join(lanes[i], lanes[i + half])
        half //= 2
    return lanes[0]


def fold(x: Any, join: Join) -> Any:
    """Leaves are joined with a neighbour of the same size as soon as both are complete."""
    stack: list[tuple[int, Any]] = []
    for begin in range(0, len(x), LEAF):
        size, value = 1, fold_leaf(x[begin : begin + LEAF], join)
        while stack and stack[-1][0] == size:
            value = join(stack.pop()[1], value)
            size *= 2
        stack.append((size, value))
    value = stack.pop()[1]
    while stack:
        value = join(stack.pop()[1], value)
    return value


def numbers(size: int, dtype: str) -> Any:
    return np.random.default_rng(size).uniform(0.9, 1.1, size).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES)
def test_sums_and_products_are_folded_in_the_tree(size: int, dtype: str) -> None:
    x = numbers(size, dtype)
    assert tallow.from_numpy(x).sum().numpy() == fold(x, np.add)
    assert tallow.from_numpy(x).prod().numpy() == fold(x, np.multiply)


@pytest.mark.parametrize("size", SIZES[:-1])
def test_rows_columns_and_scattered_elements_have_the_same_bits(size: int) -> None:
    x = tallow.from_numpy(numbers(5 * size, "float32")).reshape(5, size)
    expected = [row.clone().sum().item() for row in x]
    apart = tallow.zeros(5, size, 2)[..., 0].copy_(x)
    for layout in (x, x.t().contiguous().t(), apart):
        assert layout.sum(1).tolist() == expected
    halves = x.bfloat16()
    assert tallow.equal(halves.sum(1, dtype=tallow.float32), halves.float().sum(1))


def test_runs_that_end_within_a_leaf() -> None:
    x = tallow.from_numpy(numbers(3 * 4 * 1090, "float32")).reshape(3, 4, 1090)
    expected = [x[:, c].reshape(-1).sum().item() for c in range(4)]
    assert x.sum((0, 2)).tolist() == expected


@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64, tallow.float16, tallow.bfloat16])
@pytest.mark.parametrize("columns", [2, 3, 10, 31, 32, 33, 64, 65, 100, 130])
@pytest.mark.parametrize("size", [1, 7, 16, 17, 257, 600])
def test_columns_of_any_number_have_the_bits_of_rows(
    size: int, columns: int, dtype: tallow.dtype
) -> None:
    x = tallow.from_numpy(numbers(size * columns, "float64")).to(dtype).reshape(size, columns)
    apart = tallow.zeros(size, columns + 3, dtype=dtype)[:, 1:-2].copy_(x)
    strided = tallow.zeros(size, columns, 2, dtype=dtype)[..., 1].copy_(x)
    rows = x.t().contiguous()
    for name in ("sum", "mean", "prod", "amax", "var"):
        if name == "var" and size == 1:
            continue
        expected = getattr(rows, name)(1)
        for layout in (x, apart, strided):
            assert tallow.equal(getattr(layout, name)(0), expected), name


def test_a_block_of_columns_that_reaches_back_does_not_cross_its_group() -> None:
    x = tallow.from_numpy(numbers(3 * 300 * 70, "float32")).reshape(3, 300, 70)
    rows = x.transpose(1, 2).contiguous()
    assert tallow.equal(x.sum(1), rows.sum(2))
    assert tallow.equal(x.var(1), rows.var(2))


@pytest.mark.parametrize("columns", [1, 7, 31, 32, 33, 512, 513, 700])
def test_columns_of_integers(columns: int) -> None:
    values = np.random.default_rng(columns).integers(-(2**40), 2**40, (600, columns))
    x = tallow.from_numpy(values)
    assert x.sum(0).tolist() == values.sum(0).tolist()
    assert x[::2].prod(0).tolist() == values[::2].prod(0).tolist()
