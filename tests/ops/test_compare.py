"""Comparisons, predicates, logical and bitwise operations."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tallow

COMPARISONS = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
DTYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64"]


@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [0, 1, 15, 17, 67])
def test_comparison_equals_numpy(name: str, dtype: str, count: int) -> None:
    rng = np.random.default_rng(count)
    a = rng.integers(0, 3, count).astype(dtype)
    b = rng.integers(0, 3, count).astype(dtype)
    result = getattr(tallow, name)(tallow.from_numpy(a), tallow.from_numpy(b))
    assert result.dtype == tallow.bool
    np.testing.assert_array_equal(result.numpy(), COMPARISONS[name](a, b))


@pytest.mark.parametrize("name", COMPARISONS)
def test_nan_compares_as_ieee_says(name: str) -> None:
    values = [math.nan, 0.0, -0.0, math.inf]
    pairs = [(a, b) for a in values for b in values]
    x = tallow.tensor([a for a, _ in pairs])
    y = tallow.tensor([b for _, b in pairs])
    expected = [COMPARISONS[name](a, b) for a, b in pairs]
    assert COMPARISONS[name](x, y).tolist() == expected


def test_mixed_types_are_compared_in_their_common_type() -> None:
    assert (tallow.tensor([2]) == tallow.tensor([2.0])).item()
    assert (
        tallow.tensor([200], dtype=tallow.uint8) > tallow.tensor([-1], dtype=tallow.int8)
    ).item()
    assert (tallow.tensor([True]) < 2).item()
    assert (tallow.tensor([1]) < 1.5).item()


def test_half_is_compared_with_the_rounded_number() -> None:
    for dtype in (tallow.float16, tallow.bfloat16):
        x = tallow.tensor([0.1], dtype=dtype)
        assert (x == 0.1).item()
        assert (x == tallow.tensor(0.1)).item()


def test_complex_numbers_have_equality_but_no_order() -> None:
    z = tallow.tensor([1 + 2j, 1 - 2j])
    assert (z == z[0]).tolist() == [True, False]
    with pytest.raises(NotImplementedError, match="\"lt_cpu\" not implemented for 'ComplexFloat'"):
        z < z  # noqa: B015


def test_comparison_into_a_float_tensor() -> None:
    x = tallow.tensor([1.0, 2.0])
    assert x.eq_(2).tolist() == [0.0, 1.0]
    assert x.dtype == tallow.float32


def test_comparison_of_strided_and_broadcast_operands() -> None:
    a = np.arange(24).reshape(4, 6) % 5
    x = tallow.from_numpy(a)
    np.testing.assert_array_equal((x.T[::2] > x[:, 1]).numpy(), a.T[::2] > a[:, 1])


@pytest.mark.parametrize("dtype", [*DTYPES, "float16", "bfloat16", "complex64"])
def test_logical_operations_take_any_type(dtype: str) -> None:
    x = tallow.tensor([0, 0, 1, 2]).to(getattr(tallow, dtype))
    y = tallow.tensor([0, 3, 0, 1])
    assert tallow.logical_and(x, y).tolist() == [False, False, False, True]
    assert tallow.logical_or(x, y).tolist() == [False, True, True, True]
    assert tallow.logical_xor(x, y).tolist() == [False, True, True, False]
    assert tallow.logical_not(x).tolist() == [True, True, False, False]


def test_nan_counts_as_true() -> None:
    assert tallow.logical_not(tallow.tensor([math.nan])).tolist() == [False]


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8", "int16", "int32", "int64"])
def test_bitwise_operations_equal_numpy(dtype: str) -> None:
    rng = np.random.default_rng(1)
    a = rng.integers(0, 2 if dtype == "bool" else 100, 67).astype(dtype)
    b = rng.integers(0, 2 if dtype == "bool" else 100, 67).astype(dtype)
    x, y = tallow.from_numpy(a), tallow.from_numpy(b)
    np.testing.assert_array_equal((x & y).numpy(), a & b)
    np.testing.assert_array_equal((x | y).numpy(), a | b)
    np.testing.assert_array_equal((x ^ y).numpy(), a ^ b)
    np.testing.assert_array_equal((~x).numpy(), ~a)


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64"])
def test_shifts_beyond_the_width(dtype: str) -> None:
    bits = np.iinfo(dtype).bits
    x = tallow.tensor([1, -1, -8], dtype=getattr(tallow, dtype))
    for amount in (bits, bits + 5, -1):
        assert (x << amount).tolist() == [0, 0, 0]
        assert (x >> amount).tolist() == [0, -1, -1]
    assert (x << 1).tolist() == [2, -2, -16]
    assert (x >> 1).tolist() == [0, -1, -4]
    assert (x << (bits - 1))[0].item() == np.iinfo(dtype).min


def test_shifts_of_unsigned_numbers() -> None:
    x = tallow.tensor([200], dtype=tallow.uint8)
    assert (x >> 7).item() == 1
    assert (x >> 9).item() == 0
    assert (x << 1).item() == 144


def test_numbers_may_come_first() -> None:
    x = tallow.tensor([1, 2])
    assert tallow.bitwise_and(3, x).tolist() == [1, 2]
    assert (1 << x).tolist() == [2, 4]


def test_predicates_of_floats_integers_and_complex() -> None:
    x = tallow.tensor([math.nan, math.inf, -math.inf, 0.0])
    assert tallow.isnan(x).tolist() == [True, False, False, False]
    assert tallow.isinf(x).tolist() == [False, True, True, False]
    assert tallow.isfinite(x).tolist() == [False, False, False, True]
    assert tallow.isposinf(x).tolist() == [False, True, False, False]
    assert tallow.isneginf(x).tolist() == [False, False, True, False]
    z = tallow.tensor([complex(math.nan, 1), complex(1, math.inf)])
    assert tallow.isnan(z).tolist() == [True, False]
    assert tallow.isinf(z).tolist() == [False, True]
    assert tallow.isfinite(z).tolist() == [False, False]
    n = tallow.tensor([1, 2])
    assert tallow.isnan(n).tolist() == [False, False]
    assert tallow.isposinf(n).tolist() == [False, False]
    assert tallow.isfinite(n).tolist() == [True, True]


def test_signbit_sees_negative_zero() -> None:
    assert tallow.signbit(tallow.tensor([-0.0, 0.0, -1.0])).tolist() == [True, False, True]
    assert tallow.signbit(tallow.tensor([-1, 0])).tolist() == [True, False]


def test_isclose() -> None:
    x = tallow.tensor([1.0, math.inf, math.nan, 100.0])
    y = tallow.tensor([1.0 + 1e-6, math.inf, math.nan, 101.0])
    assert tallow.isclose(x, y).tolist() == [True, True, False, False]
    assert tallow.isclose(x, y, equal_nan=True).tolist() == [True, True, True, False]
    assert tallow.isclose(x, y, rtol=0.02).tolist() == [True, True, False, True]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: tallow.ones(2) & tallow.ones(2),
            NotImplementedError,
            "\"bitwise_and_cpu\" not implemented for 'Float'",
        ),
        (
            lambda: tallow.ones(2) << 1,
            NotImplementedError,
            "\"lshift_cpu\" not implemented for 'Float'",
        ),
        (
            lambda: tallow.ones(3) == tallow.ones(2),
            RuntimeError,
            "The size of tensor a (3) must match the size of tensor b (2) at non-singleton "
            "dimension 0",
        ),
        (
            lambda: tallow.isposinf(tallow.ones(2), out=tallow.ones(2)),
            RuntimeError,
            "isposinf does not support non-boolean outputs.",
        ),
    ],
)
def test_wrong_input(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value).startswith(message)


def test_isclose_measures_integers_and_bools_in_floats() -> None:
    a, b = tallow.tensor([True, False]), tallow.tensor([True, True])
    assert tallow.isclose(a, b).tolist() == [True, False]
    assert tallow.isclose(tallow.tensor([1_000_000]), tallow.tensor([1_000_001])).item()
    with pytest.raises(RuntimeError, match="Long did not match Float"):
        tallow.isclose(tallow.tensor([1]), tallow.tensor([1.0]))
