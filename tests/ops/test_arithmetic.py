"""Arithmetic of two and three operands: promotion, integers, broadcasting, in-place, errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tallow
from ulp import spread_floats, ulp_error

DTYPES = [
    "bool",
    "uint8",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "bfloat16",
    "float32",
    "float64",
    "complex64",
    "complex128",
]
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")

# The type of a sum of two tensors with dimensions; rows and columns in the order of DTYPES, one
# letter each. Source: PyTorch's promotion lattice.
LETTERS = dict(zip("?Bbhilegfdsz", DTYPES, strict=True))
SUMS = (
    "?BbhilegfdszBBhhilegfdszbhbhilegfdszhhhhilegfdsziiiiilegfdszllllllegfdsz"
    "eeeeeeeffdszggggggfgfdszfffffffffdszddddddddddzzssssssssszszzzzzzzzzzzzz"
)


@pytest.mark.parametrize("first", range(12))
def test_types_of_tensors_with_dimensions(first: int) -> None:
    a = tallow.ones(2).to(getattr(tallow, DTYPES[first]))
    for second, name in enumerate(DTYPES):
        expected = getattr(tallow, LETTERS[SUMS[12 * first + second]])
        assert (a + tallow.ones(2).to(getattr(tallow, name))).dtype == expected


@pytest.mark.parametrize(
    ("tensor", "number", "expected"),
    [
        ("int8", 3, "int8"),
        ("int8", 3.5, "float32"),
        ("int8", True, "int8"),
        ("bool", 1, "int64"),
        ("bool", 1.5, "float32"),
        ("float16", 2.5, "float16"),
        ("float64", 2, "float64"),
        ("float32", 1j, "complex64"),
        ("float64", 1j, "complex128"),
        ("int64", 1j, "complex64"),
    ],
)
def test_a_number_decides_only_by_its_kind(tensor: str, number: Any, expected: str) -> None:
    x = tallow.ones(2, dtype=getattr(tallow, tensor))
    assert (x * number).dtype == getattr(tallow, expected)
    assert (number * x).dtype == getattr(tallow, expected)


@pytest.mark.parametrize(
    ("with_dims", "zero_dim", "expected"),
    [
        ("float32", "float64", "float32"),
        ("int32", "int64", "int32"),
        ("int32", "float64", "float64"),
        ("float16", "complex128", "complex64"),
        ("bool", "uint8", "uint8"),
    ],
)
def test_a_zero_dim_tensor_decides_only_by_its_kind(
    with_dims: str, zero_dim: str, expected: str
) -> None:
    x = tallow.ones(2, dtype=getattr(tallow, with_dims))
    y = tallow.ones((), dtype=getattr(tallow, zero_dim))
    assert (x + y).dtype == getattr(tallow, expected)
    assert (y + x).dtype == getattr(tallow, expected)


def test_default_dtype_is_the_type_of_floating_numbers() -> None:
    tallow.set_default_dtype(tallow.float64)
    try:
        assert (tallow.tensor([1]) + 0.5).dtype == tallow.float64
    finally:
        tallow.set_default_dtype(tallow.float32)


def test_numbers_are_rounded_to_half_except_as_factors() -> None:
    x = tallow.linspace(-2, 2, 41).to(tallow.float16)
    assert tallow.equal(x + 0.1, x + tallow.full((41,), 0.1, dtype=tallow.float16))
    assert tallow.equal(x * 0.1, (x.float() * 0.1).to(tallow.float16))
    assert (tallow.tensor([0.1], dtype=tallow.float16) == 0.1).item()


# ---- Integers.


@pytest.mark.parametrize("name", INTEGERS)
def test_integer_arithmetic_equals_numpy_and_wraps(name: str) -> None:
    info = np.iinfo(name)
    rng = np.random.default_rng(3)
    a = rng.integers(info.min, info.max, 67, dtype=name, endpoint=True)
    b = rng.integers(info.min, info.max, 67, dtype=name, endpoint=True)
    x, y = tallow.from_numpy(a), tallow.from_numpy(b)
    with np.errstate(over="ignore"):
        for result, expected in ((x + y, a + b), (x - y, a - b), (x * y, a * b)):
            np.testing.assert_array_equal(result.numpy(), expected)
            assert result.numpy().dtype == expected.dtype


@pytest.mark.parametrize("name", INTEGERS)
def test_integer_division_follows_python(name: str) -> None:
    info = np.iinfo(name)
    a = np.array([7, 7, 0, info.max, info.min, 5, info.min], name)
    divisors = [3, 2, 5, 3, 3, 1, 1] if info.min == 0 else [3, -2, 5, -3, 3, -1, -3]
    b = np.array(divisors, name)
    x, y = tallow.from_numpy(a), tallow.from_numpy(b)
    pairs = list(zip(a.tolist(), b.tolist(), strict=True))
    assert (x // y).tolist() == [p // q for p, q in pairs]
    assert (x % y).tolist() == [p % q for p, q in pairs]
    truncated = [abs(p) // abs(q) * (1 if (p < 0) == (q < 0) else -1) for p, q in pairs]
    assert tallow.div(x, y, rounding_mode="trunc").tolist() == truncated
    rests = [p - t * q for (p, q), t in zip(pairs, truncated, strict=True)]
    assert tallow.fmod(x, y).tolist() == rests


def test_integer_division_of_large_numbers_is_exact() -> None:
    near = [k * 2**e + d for k in (1, -1, 3) for e in (31, 52, 53, 54, 61) for d in (-2, -1, 0, 1)]
    numbers = [*near, *range(-9, 0), *range(1, 10), 10**15, -(10**15) + 1, 2**63 - 1, -(2**63) + 1]
    a, b = (np.ravel(grid) for grid in np.meshgrid(numbers, numbers))
    x, y = tallow.from_numpy(a), tallow.from_numpy(b)
    assert (x // y).tolist() == (a // b).tolist()
    assert (x % y).tolist() == (a % b).tolist()
    assert tallow.fmod(x, y).tolist() == np.fmod(a, b).tolist()
    truncated = [
        abs(p) // abs(q) * (1 if (p < 0) == (q < 0) else -1)
        for p, q in zip(a.tolist(), b.tolist(), strict=True)
    ]
    assert tallow.div(x, y, rounding_mode="trunc").tolist() == truncated


@pytest.mark.parametrize("name", ["int8", "int16", "int32", "int64"])
def test_smallest_integer_over_minus_one_wraps(name: str) -> None:
    smallest = int(np.iinfo(name).min)
    x = tallow.tensor([smallest], dtype=getattr(tallow, name))
    assert (x // -1).item() == smallest
    assert (x % -1).item() == 0
    assert tallow.fmod(x, -1).item() == 0


@pytest.mark.parametrize("name", ["floor_divide", "remainder", "fmod"])
@pytest.mark.parametrize("divisor", [0, tallow.tensor([1, 0, 1])])
def test_integer_division_by_zero_changes_nothing(name: str, divisor: Any) -> None:
    x = tallow.tensor([1, 2, 3])
    with pytest.raises(RuntimeError, match="^ZeroDivisionError"):
        getattr(tallow, name)(x, divisor)
    with pytest.raises(RuntimeError, match="^ZeroDivisionError"):
        getattr(x, name + "_")(divisor)
    assert x.tolist() == [1, 2, 3]
    assert x._version == 0


def test_integer_powers() -> None:
    x = tallow.tensor([-3, -1, 0, 1, 2, 3])
    wrapped = (3**41 + 2**63) % 2**64 - 2**63
    assert (x**3).tolist() == [-27, -1, 0, 1, 8, 27]
    assert (x ** tallow.tensor([2, -3, 0, -1, -1, 41])).tolist() == [9, -1, 1, 1, 0, wrapped]
    with pytest.raises(RuntimeError, match="Integers to negative integer powers are not allowed"):
        x**-1


def test_numbers_wrap_into_narrow_integer_tensors() -> None:
    assert (tallow.tensor([44], dtype=tallow.int8) + 300).item() == 88
    assert (tallow.tensor([44], dtype=tallow.uint8) + -1).item() == 43


# ---- Floating-point division and powers.


def test_floor_division_and_remainder_of_floats_follow_python() -> None:
    a = [7.0, -7.0, 7.0, -7.0, 0.5, -0.1, 5.0, -1e-20]
    b = [3.0, 3.0, -3.0, -3.0, 0.1, 1.0, math.inf, 1.0]
    x, y = (tallow.tensor(v, dtype=tallow.float64) for v in (a, b))
    assert (x // y).tolist() == [p // q for p, q in zip(a, b, strict=True)]
    assert (x % y).tolist() == [p % q for p, q in zip(a, b, strict=True)]
    assert tallow.fmod(x, y).tolist() == [math.fmod(p, q) for p, q in zip(a, b, strict=True)]


def test_float_division_by_zero_is_not_an_error() -> None:
    x = tallow.tensor([1.0, -1.0, 0.0])
    assert (x / 0)[:2].tolist() == [math.inf, -math.inf]
    assert (x // 0)[:2].tolist() == [math.inf, -math.inf]
    assert tallow.isnan(x % 0).all()


def test_rounding_mode_is_checked() -> None:
    with pytest.raises(RuntimeError, match="div expected rounding_mode to be one of None"):
        tallow.div(tallow.ones(2), 2, rounding_mode="up")


POWER_BASES = [0.0, -0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, math.inf, -math.inf, math.nan]
POWER_EXPONENTS = [0.0, -0.0, 1.0, -1.0, 2.0, 3.0, -3.0, 2.5, -2.5, math.inf, -math.inf, math.nan]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_powers_of_special_values_follow_ieee(dtype: type) -> None:
    base = np.repeat(np.array(POWER_BASES, dtype), len(POWER_EXPONENTS))
    exponent = np.tile(np.array(POWER_EXPONENTS, dtype), len(POWER_BASES))
    with np.errstate(all="ignore"):
        expected = np.power(base, exponent)
    result = tallow.pow(tallow.from_numpy(base), tallow.from_numpy(exponent)).numpy()
    np.testing.assert_allclose(result, expected, rtol=1e-6, equal_nan=True)
    np.testing.assert_array_equal(
        np.signbit(result[expected == 0]), np.signbit(expected[expected == 0])
    )


def test_float32_power_is_within_one_ulp() -> None:
    rng = np.random.default_rng(5)
    x = np.abs(spread_floats(1e-30, 1e30))
    y = rng.uniform(-1.2, 1.2, x.size).astype(np.float32)
    result = tallow.pow(tallow.from_numpy(x), tallow.from_numpy(y)).numpy()
    assert ulp_error(result, np.power(x.astype(np.float64), y.astype(np.float64))) <= 0.55


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, -2, 0.5, -0.5, 2.7])
def test_power_by_a_number_equals_power_by_a_tensor(exponent: float) -> None:
    x = tallow.linspace(0.1, 3, 37, dtype=tallow.float64)
    expected = tallow.pow(x, tallow.full((37,), float(exponent), dtype=tallow.float64))
    np.testing.assert_allclose(tallow.pow(x, exponent).numpy(), expected.numpy(), rtol=1e-15)


# ---- Extremes and odds and ends.


def test_maximum_propagates_nan_and_fmax_does_not() -> None:
    x = tallow.tensor([math.nan, 1.0, math.nan])
    y = tallow.tensor([1.0, math.nan, math.nan])
    assert tallow.isnan(tallow.maximum(x, y)).all()
    assert tallow.isnan(tallow.minimum(x, y)).all()
    assert tallow.fmax(x, y)[:2].tolist() == [1.0, 1.0]
    assert tallow.fmin(x, y)[:2].tolist() == [1.0, 1.0]
    assert tallow.isnan(tallow.fmax(x, y)[2])


def test_ties_share_the_gradient_of_maximum() -> None:
    x = tallow.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = tallow.tensor([2.0, 2.0, 2.0], requires_grad=True)
    tallow.maximum(x, y).sum().backward()
    assert x.grad.tolist() == [0.0, 0.5, 1.0]
    assert y.grad.tolist() == [1.0, 0.5, 0.0]


def test_xlogy_is_zero_at_zero_but_keeps_nan() -> None:
    x = tallow.tensor([0.0, 0.0, 1.0])
    y = tallow.tensor([0.0, math.nan, 0.0])
    result = tallow.xlogy(x, y).tolist()
    assert result[0] == 0
    assert math.isnan(result[1])
    assert result[2] == -math.inf


def test_logaddexp_of_infinities() -> None:
    x = tallow.tensor([math.inf, -math.inf, 0.0, 1000.0])
    y = tallow.tensor([math.inf, -math.inf, -math.inf, 1000.0])
    expected = [math.inf, -math.inf, 0.0, pytest.approx(1000 + math.log(2))]
    assert tallow.logaddexp(x, y).tolist() == expected


def test_atan2_of_all_quadrants_and_zeros() -> None:
    y = np.array([0.0, -0.0, 0.0, -0.0, 1.0, -1.0, 2.0, np.inf, np.inf, -np.inf], np.float32)
    x = np.array([1.0, 1.0, -1.0, -1.0, 0.0, 0.0, -3.0, np.inf, -np.inf, -np.inf], np.float32)
    result = tallow.atan2(tallow.from_numpy(y), tallow.from_numpy(x)).numpy()
    np.testing.assert_allclose(result, np.arctan2(y, x), rtol=1e-7)
    np.testing.assert_array_equal(np.signbit(result), np.signbit(np.arctan2(y, x)))


def test_hypot_neither_overflows_nor_loses_infinity() -> None:
    x = tallow.tensor([3e38, 1e-30, math.inf, math.nan])
    y = tallow.tensor([1e38, 1e-30, math.nan, 1.0])
    result = tallow.hypot(x, y).tolist()
    assert result[0] == pytest.approx(3.1622777e38)
    assert result[1] == pytest.approx(1.4142135e-30)
    assert result[2] == math.inf
    assert math.isnan(result[3])


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="needs a wider type to compare with")
@pytest.mark.parametrize("name", ["atan2", "hypot"])
def test_float64_functions_of_two_operands_are_within_one_and_a_half_ulp(name: str) -> None:
    generator = np.random.default_rng(0)
    scale = 2.0 ** generator.integers(-1000, 1000, 20_000)
    x = generator.standard_normal(20_000) * scale
    y = generator.standard_normal(20_000) * scale * 2.0 ** generator.integers(-4, 5, 20_000)
    exact = getattr(np, name)(y.astype(np.longdouble), x.astype(np.longdouble))
    spacing = np.ldexp(np.longdouble(1), np.frexp(exact)[1] - 53)
    result = getattr(tallow, name)(tallow.from_numpy(y), tallow.from_numpy(x)).numpy()
    assert np.max(np.abs(result - exact) / spacing) <= 1.5


@pytest.mark.parametrize("name", ["atan2", "hypot"])
def test_float64_functions_of_two_operands_have_the_special_values_of_numpy(name: str) -> None:
    ends = [0.0, -0.0, 1.0, -2.0, math.inf, -math.inf, math.nan, 1.7e308, -1e308, 5e-324, 2e-310]
    y, x = (grid.ravel() for grid in np.meshgrid(ends, ends))
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(y, x)
    result = getattr(tallow, name)(tallow.from_numpy(y), tallow.from_numpy(x)).numpy()
    np.testing.assert_allclose(result, expected, rtol=1e-15)
    number = ~np.isnan(expected)
    assert (np.signbit(result) == np.signbit(expected))[number].all()


# ---- Shapes, destinations and memory.


def test_result_keeps_the_memory_order_of_its_operands() -> None:
    x = tallow.ones(2, 3, 4).permute(2, 0, 1)
    assert (x + x).stride() == x.stride()
    assert (x + 1).stride() == x.stride()
    assert (x[:, :, ::2] + 1).stride() == (1, 8, 4)
    image = tallow.ones(2, 3, 4, 5).contiguous(memory_format=tallow.channels_last)
    assert (image + tallow.ones(1, 3, 1, 1)).stride() == image.stride()


@pytest.mark.parametrize("shape", [(0,), (3, 0), (1, 1), (5, 1, 7)])
def test_broadcasting_against_every_layout(shape: tuple[int, ...]) -> None:
    x = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    y = np.arange(7, dtype=np.float32)[-shape[-1] :] if shape[-1] else np.ones(1, np.float32)
    result = (tallow.from_numpy(x) + tallow.from_numpy(y)).numpy()
    np.testing.assert_array_equal(result, x + y)


@pytest.mark.parametrize("rows", [1, 31, 33, 70])
@pytest.mark.parametrize("columns", [1, 3, 63, 65, 1025])
def test_tiles_of_transposed_operands(rows: int, columns: int) -> None:
    rng = np.random.default_rng(rows * columns)
    a = rng.normal(size=(rows, columns)).astype(np.float32)
    b = rng.normal(size=(columns, rows)).astype(np.float32)
    result = tallow.from_numpy(a) + tallow.from_numpy(b).T * tallow.from_numpy(a[:1])
    np.testing.assert_allclose(result.numpy(), a + b.T * a[:1], rtol=1e-6, atol=1e-6)


def test_many_dimensions_with_mixed_types_and_strides() -> None:
    rng = np.random.default_rng(11)
    a = rng.normal(size=(3, 4, 5, 6)).astype(np.float32)
    b = rng.integers(-9, 9, (6, 5, 4, 3))
    c = rng.integers(0, 2, (4, 1, 6)).astype(bool)
    x = tallow.from_numpy(a).permute(2, 0, 3, 1)[::2]
    y = tallow.from_numpy(b).permute(1, 3, 0, 2)[::2]
    expected = a.transpose(2, 0, 3, 1)[::2] + b.transpose(1, 3, 0, 2)[::2]
    np.testing.assert_array_equal((x + y).numpy(), expected.astype(np.float32))
    np.testing.assert_array_equal(
        (tallow.from_numpy(a) * tallow.from_numpy(c)).numpy(), a * c.astype(np.float32)
    )


def test_large_results_are_right_to_the_last_element() -> None:
    count = (1 << 22) + 17  # beyond the size whose stores bypass the caches
    x = tallow.arange(count, dtype=tallow.float32)
    y = x * 0.5 + 1
    assert y[0].item() == 1.0
    assert y[-1].item() == float(np.float32((count - 1) * 0.5) + np.float32(1))
    assert tallow.equal(y[1::2].contiguous(), x[1::2] * 0.5 + 1)


@pytest.mark.parametrize("dtype", ["int32", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("size", [1, 15, 63, 65, 1025, 65537])
def test_a_repeated_operand_gives_the_bits_of_its_copies(size: int, dtype: str) -> None:
    kind = getattr(tallow, dtype)
    row = (tallow.arange(size) % 13 - 6).to(kind)
    rest = [tallow.tensor(2, dtype=kind), tallow.tensor(-3, dtype=kind)]
    calls = [
        (2, lambda a, b: a - b),
        (2, lambda a, b: a * b),
        (2, lambda a, b: a < b),
        (2, lambda a, b: a == b),
        (2, tallow.maximum),
        (3, tallow.addcmul),
        (3, lambda a, b, c: tallow.clamp(a, c, b)),
        (3, lambda a, b, c: tallow.where(a > 0, b, c)),
    ]
    if kind.is_floating_point:
        calls += [(2, tallow.div), (2, tallow.atan2), (3, tallow.lerp)]
    for operands, call in calls:
        for position in range(operands):
            given = list(rest[: operands - 1])
            given.insert(position, row)
            copies = [x.expand(size).clone() for x in given]
            assert tallow.equal(call(*given), call(*copies))


def test_a_column_is_repeated_along_every_row() -> None:
    x = tallow.arange(67 * 130, dtype=tallow.float32).reshape(67, 130)
    column = tallow.arange(67, dtype=tallow.float32).reshape(67, 1)
    for call in (tallow.mul, tallow.sub, tallow.lt):
        expected = call(x, column.expand(67, 130).clone())
        assert tallow.equal(call(x, column), expected)
        assert tallow.equal(call(x.t(), column.t()), expected.t())


def test_streamed_results_have_the_bits_of_small_ones() -> None:
    count = (1 << 22) + 29
    x = (tallow.arange(count + 1, dtype=tallow.float32) % 1009 - 500)[1:]
    for call in (tallow.relu, tallow.exp, lambda x: x * x, lambda x: 3 - x):
        y = call(x)
        for begin in range(0, count, 1 << 20):
            part = slice(begin, begin + (1 << 20))
            assert tallow.equal(y[part], call(x[part]))


def test_inplace_keeps_identity_and_counts_versions() -> None:
    x = tallow.ones(3)
    y = x.view(3)
    assert x.add_(2) is x
    assert y.tolist() == [3.0, 3.0, 3.0]
    assert x._version == y._version == 1


def test_inplace_on_a_strided_view_touches_nothing_else() -> None:
    base = tallow.zeros(4, 6)
    base[::2, 1::2].add_(1)
    expected = np.zeros((4, 6), np.float32)
    expected[::2, 1::2] = 1
    np.testing.assert_array_equal(base.numpy(), expected)


def test_inplace_converts_the_result_to_its_own_type() -> None:
    x = tallow.ones(2, dtype=tallow.float64)
    x.add_(tallow.tensor([1, 2]))
    assert x.dtype == tallow.float64
    assert x.tolist() == [2.0, 3.0]
    y = tallow.ones(2, dtype=tallow.float16)
    y.mul_(tallow.tensor([0.1, 0.2], dtype=tallow.float64))
    assert y.dtype == tallow.float16


def test_inplace_saves_what_it_overwrites() -> None:
    x = tallow.tensor([2.0, 3.0], requires_grad=True)
    w = tallow.tensor([5.0, 7.0], requires_grad=True)
    y = x * 1
    y.mul_(w)
    y.sum().backward()
    assert x.grad.tolist() == [5.0, 7.0]
    assert w.grad.tolist() == [2.0, 3.0]


def test_out_is_resized_and_converted() -> None:
    out = tallow.empty(0, dtype=tallow.float64)
    result = tallow.add(tallow.ones(2, 3), 1, out=out)
    assert result is out
    assert out.shape == (2, 3)
    assert out.tolist() == [[2.0] * 3] * 2


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: tallow.ones(2, 3) + tallow.ones(2, 4),
            "The size of tensor a (3) must match the size of tensor b (4) at non-singleton "
            "dimension 1",
        ),
        (
            lambda: tallow.ones(3).add_(tallow.ones(2, 3)),
            "output with shape [3] doesn't match the broadcast shape [2, 3]",
        ),
        (
            lambda: tallow.ones(2, dtype=tallow.int64).add_(1.5),
            "result type Float can't be cast to the desired output type Long",
        ),
        (
            lambda: tallow.add(tallow.tensor([1]), tallow.tensor([1]), alpha=1.5),
            "For integral input tensors, argument alpha must not be a floating point number.",
        ),
        (
            lambda: tallow.add(tallow.tensor([1]), tallow.tensor([1]), alpha=True),
            "Boolean alpha only supported for Boolean results.",
        ),
        (
            lambda: tallow.tensor([True]) - tallow.tensor([True]),
            "Subtraction, the `-` operator, with two bool tensors is not supported.",
        ),
        (
            lambda: 1 - tallow.tensor([True]),
            "Subtraction, the `-` operator, with a bool tensor is not supported.",
        ),
        (
            lambda: tallow.ones(1).expand(3).add_(1),
            "unsupported operation: more than one element of the written-to tensor refers to a "
            "single memory location.",
        ),
        (
            lambda: tallow.ones(3, requires_grad=True).mul_(2),
            "a leaf Variable that requires grad is being used in an in-place operation.",
        ),
        (
            lambda: tallow.ones(2).clamp(),
            "torch.clamp: At least one of 'min' or 'max' must not be None",
        ),
        (
            lambda: tallow.where(tallow.tensor([1]), 1, 2),
            "where expected condition to be a boolean tensor, but got a tensor with dtype Long",
        ),
        (
            lambda: tallow.ones(2) + tallow.ones(2, device="meta"),
            "Tensor on device meta is not on the expected device cpu!",
        ),
    ],
)
def test_wrong_input(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(RuntimeError) as raised:
        call()
    assert str(raised.value).startswith(message)


def test_overlapping_operands_are_refused() -> None:
    x = tallow.arange(5.0)
    with pytest.raises(RuntimeError, match="some elements of the input tensor and the written-to"):
        x[1:].add_(x[:-1])
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    x.add_(x)
    assert x.tolist() == [0.0, 2.0, 4.0, 6.0, 8.0]


def test_meta_tensors_have_shapes_and_types_only() -> None:
    x = tallow.ones(2, 1, device="meta") * tallow.ones(3, dtype=tallow.float64, device="meta")
    assert x.shape == (2, 3)
    assert x.dtype == tallow.float64
    assert x.device.type == "meta"


@pytest.mark.parametrize(
    ("expression", "node"),
    [
        (lambda x: x + 1, "AddBackward0"),
        (lambda x: x - 1, "SubBackward0"),
        (lambda x: x * 2, "MulBackward0"),
        (lambda x: x / 2, "DivBackward0"),
        (lambda x: 2 / x, "MulBackward0"),
        (lambda x: x**2, "PowBackward0"),
        (lambda x: x**x, "PowBackward1"),
        (lambda x: -x, "NegBackward0"),
        (lambda x: tallow.rsub(x, 1), "RsubBackward1"),
        (lambda x: tallow.where(x > 0, x, 1.0), "WhereBackward0"),
        (lambda x: x.clamp(0, 1), "ClampBackward1"),
        (lambda x: x.maximum(x), "MaximumBackward0"),
    ],
)
def test_graph_nodes_have_pytorch_names(expression: Callable[[Any], Any], node: str) -> None:
    assert expression(tallow.ones(2, requires_grad=True)).grad_fn.name() == node


@pytest.mark.parametrize(
    "name", ["remainder", "pow", "float_power", "xlogy", "bitwise_and", "bitwise_left_shift"]
)
def test_one_of_two_operands_is_a_tensor(name: str) -> None:
    function = getattr(tallow, name)
    with pytest.raises(TypeError, match=rf"^{name}\(\) received an invalid combination"):
        function(2, 3)
    assert function(2, tallow.tensor(3)).item() == function(tallow.tensor(2), 3).item()


@pytest.mark.parametrize("other", [(700,), (1,), (9, 1, 700), (9, 1, 1), (13, 1), (9, 13, 1)])
@pytest.mark.parametrize("mine", [tallow.float32, tallow.int64])
@pytest.mark.parametrize("theirs", [tallow.float32, tallow.int64, tallow.int8])
def test_rows_of_many_blocks_meet_their_partners(
    other: tuple[int, ...], mine: tallow.dtype, theirs: tallow.dtype
) -> None:
    x = tallow.arange(9 * 13 * 700).reshape(9, 13, 700).to(mine)
    y = (tallow.arange(math.prod(other)).reshape(other) * 3).to(theirs)
    expected = x + y.expand(x.shape).contiguous()
    assert tallow.equal(x + y, expected)
    assert tallow.equal(y + x, expected)
    assert tallow.equal(x[:, 1:, :650] + y.expand(x.shape)[:, 1:, :650], expected[:, 1:, :650])


@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64])
@pytest.mark.parametrize("n", [15, 17, 33, 129])
def test_clamping_one_element_that_is_expanded(dtype: tallow.dtype, n: int) -> None:
    x = tallow.tensor([0.25], dtype=dtype).expand(n)
    assert tallow.clamp(x, -1, 1).tolist() == [0.25] * n
    assert tallow.clamp(x, -1, 0).tolist() == [0.0] * n
