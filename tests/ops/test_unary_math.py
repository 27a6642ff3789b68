"""Functions of one tensor: accuracy in ulp, special values, independence of layout and position."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tallow
from ulp import spread_floats, ulp_error

Reference = Callable[[Any], Any]


def elementwise(function: Callable[[float], float]) -> Reference:
    """A function of the math module over an array."""
    return np.vectorize(function, otypes=[np.float64])


# Name, float64 reference, range, largest error in ulp. The bounds are those of every float in the
# range; the sample is a hundred-thousandth of them.
ACCURACY = [
    ("exp", np.exp, -87.3, 88.7, 1.0),
    ("exp2", np.exp2, -126.0, 127.9, 1.2),
    ("expm1", np.expm1, -80.0, 88.0, 0.51),
    ("log", np.log, 1e-37, 3e38, 0.8),
    ("log2", np.log2, 1e-37, 3e38, 0.51),
    ("log10", np.log10, 1e-37, 3e38, 0.51),
    ("log1p", np.log1p, -0.9999, 3e38, 0.9),
    ("sqrt", np.sqrt, 0.0, 3e38, 0.5),
    ("rsqrt", lambda x: 1 / np.sqrt(x), 1e-37, 3e38, 0.51),
    ("reciprocal", lambda x: 1 / x, 1e-37, 1e37, 0.5),
    ("sin", np.sin, -20.0, 20.0, 0.51),
    ("sin", np.sin, 1e3, 1e5, 0.51),
    ("sin", np.sin, 1e8, 3e38, 0.51),
    ("cos", np.cos, -20.0, 20.0, 0.51),
    ("cos", np.cos, 1e8, 3e38, 0.51),
    ("tan", np.tan, -20.0, 20.0, 0.51),
    ("asin", np.arcsin, -1.0, 1.0, 0.51),
    ("acos", np.arccos, -1.0, 1.0, 0.51),
    ("atan", np.arctan, -3e38, 3e38, 0.51),
    ("sinh", np.sinh, -88.0, 88.0, 0.51),
    ("cosh", np.cosh, -88.0, 88.0, 0.51),
    ("tanh", np.tanh, -20.0, 20.0, 0.9),
    ("asinh", np.arcsinh, -3e38, 3e38, 0.51),
    ("acosh", np.arccosh, 1.0, 3e38, 0.51),
    ("atanh", np.arctanh, -0.99999, 0.99999, 0.51),
    ("erf", elementwise(math.erf), -6.0, 6.0, 1.0),
    ("erfc", elementwise(math.erfc), -6.0, 9.0, 0.51),
    ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), -87.0, 20.0, 1.5),
]
FUNCTIONS = sorted({row[0] for row in ACCURACY})


# name, lowest and highest argument, bound in ulp of float64.
DOUBLE_BOUNDS = [
    ("exp", -708.0, 709.7, 1.01),
    ("exp2", -1021.0, 1023.9, 1.2),
    ("expm1", -40.0, 709.7, 1.7),
    ("log", 1e-307, 1e308, 0.85),
    ("log2", 1e-307, 1e308, 1.7),
    ("log1p", -0.999999, 1e308, 0.85),
    ("tanh", -25.0, 25.0, 2.7),
    ("sin", -1000.0, 1000.0, 1.5),
    ("cos", -1000.0, 1000.0, 1.5),
    ("atan", -1e30, 1e30, 1.3),
    ("log10", 1e-307, 1e308, 1.75),
    ("tan", -1000.0, 1000.0, 2.8),
    ("asin", -1.0, 1.0, 2.1),
    ("acos", -1.0, 1.0, 2.0),
    ("sinh", -710.4, 710.4, 2.4),
    ("cosh", -710.4, 710.4, 2.4),
    ("atanh", -0.99999, 0.99999, 1.9),
]


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="needs a wider type to compare with")
@pytest.mark.parametrize(("name", "low", "high", "bound"), DOUBLE_BOUNDS)
def test_float64_error_is_bounded(name, low, high, bound):
    x = np.concatenate([spread_floats(low, min(high, 3e38)), np.linspace(low, high, 5001)])
    x = np.append(x.astype(np.float64) * (1 + 2.0**-40), np.linspace(max(low, -2), 2, 20001))
    x = x[(x >= low) & (x <= high)]
    exact = getattr(np, name)(x.astype(np.longdouble))
    _, exponent = np.frexp(exact)
    spacing = np.ldexp(np.longdouble(1), exponent - 53)
    result = getattr(tallow, name)(tallow.from_numpy(x)).numpy()
    assert np.max(np.abs(result - exact) / spacing) <= bound


@pytest.mark.skipif(np.finfo(np.longdouble).nmant < 63, reason="needs a wider type to compare with")
@pytest.mark.parametrize(
    ("low", "high", "largest"), [(0.01, 10.0, 150.0), (1.3, 1.5, 1700.0), (0.999, 1.001, 7e5)]
)
def test_float64_powers_have_small_errors_where_results_are_large_or_tiny(low, high, largest):
    random = np.random.RandomState(0)
    x, y = random.uniform(low, high, 20_000), random.uniform(-largest, largest, 20_000)
    exact = np.power(x.astype(np.longdouble), y.astype(np.longdouble))
    kept = (exact > 1e-300) & (exact < 1e300)
    got = tallow.pow(tallow.from_numpy(x), tallow.from_numpy(y)).numpy()
    _, exponent = np.frexp(exact)
    error = np.abs(got - exact) / np.ldexp(np.longdouble(1), exponent - 53)
    assert error[kept].max() <= 1.5


def test_float64_powers_of_special_numbers_are_those_of_numpy():
    values = [0.0, 1.0, 2.0, 0.5, 3.0, np.inf, 1e308, 5e-324, 1e-300, 2.5, 1023.0, 1075.0]
    values = [*values, *(-value for value in values), np.nan]
    x, y = (np.ravel(grid) for grid in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        expected = np.power(x, y)
    got = tallow.pow(tallow.from_numpy(x), tallow.from_numpy(y)).numpy()
    np.testing.assert_allclose(got, expected, rtol=5e-16, atol=0)
    kept = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(got)[kept], np.signbit(expected)[kept])


def test_float64_complement_of_the_error_function():
    x = np.concatenate([np.linspace(-6, 26, 4001), np.linspace(-0.6, 0.6, 1001)])
    expected = np.vectorize(math.erfc)(x)
    got = tallow.erfc(tallow.from_numpy(x)).numpy()
    np.testing.assert_allclose(got, expected, rtol=8e-16, atol=0)


def test_float64_error_function():
    x = np.concatenate(
        [np.linspace(-7, 7, 4001), np.linspace(-0.6, 0.6, 2001), np.logspace(-300, 0)]
    )
    got = tallow.erf(tallow.from_numpy(x)).numpy()
    np.testing.assert_allclose(got, np.vectorize(math.erf)(x), rtol=3e-16, atol=0)
    ends = tallow.tensor([0.0, -0.0, math.inf, -math.inf, 30.0, math.nan], dtype=tallow.float64)
    assert str(tallow.erf(ends).tolist()) == "[0.0, -0.0, 1.0, -1.0, 1.0, nan]"


def test_float64_rounding_keeps_the_sign_of_zero():
    x = np.array(
        [0.0, -0.0, 0.5, -0.5, -0.2, 2.5, -2.5, -3.7, 1e300, np.inf, np.nan, 2.0**52 + 0.5]
    )
    for name, expected in (("floor", np.floor), ("ceil", np.ceil), ("trunc", np.trunc)):
        got = getattr(tallow, name)(tallow.from_numpy(x)).numpy()
        np.testing.assert_array_equal(got, expected(x))
        np.testing.assert_array_equal(np.signbit(got)[:-2], np.signbit(expected(x))[:-2])


@pytest.mark.parametrize("name", [name for name, *_ in DOUBLE_BOUNDS])
def test_float64_special_values_are_those_of_numpy(name):
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1, -1, 5e-324, -5e-324, 1e-310, 8.0, 1000])
    x = np.append(x, [-1000.0, 1e300, -1e300, 709.5, -745.0, 1024.0, -1075.0])
    with np.errstate(all="ignore"):
        expected = getattr(np, name)(x)
    result = getattr(tallow, name)(tallow.from_numpy(x)).numpy()
    np.testing.assert_allclose(result, expected, rtol=1e-15)
    number = ~np.isnan(expected)
    assert (np.signbit(result) == np.signbit(expected))[number].all()


@pytest.mark.parametrize(("name", "reference", "low", "high", "bound"), ACCURACY)
def test_float32_error_is_below_the_bound(
    name: str, reference: Reference, low: float, high: float, bound: float
) -> None:
    x = spread_floats(low, high)
    result = getattr(tallow, name)(tallow.from_numpy(x)).numpy()
    assert ulp_error(result, reference(x.astype(np.float64))) <= bound


@pytest.mark.parametrize("name", ["exp", "sigmoid", "expm1", "erfc"])
def test_results_in_the_subnormal_range_are_not_flushed(name: str) -> None:
    references: dict[str, Reference] = {
        "exp": np.exp,
        "sigmoid": np.exp,
        "expm1": np.expm1,
        "erfc": elementwise(math.erfc),
    }
    low, high = (9.2, 10.0) if name == "erfc" else (-103.0, -88.0)
    x = spread_floats(low, high, 2000)
    result = getattr(tallow, name)(tallow.from_numpy(x)).numpy()
    assert ulp_error(result, references[name](x.astype(np.float64))) <= 1.0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values_follow_ieee(name: str, dtype: type) -> None:
    reference = next(row[1] for row in ACCURACY if row[0] == name)
    x = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.0, -2.0, 1e-40, -1e-40], dtype)
    with np.errstate(all="ignore"):
        expected = reference(x.astype(np.float64)).astype(dtype)
    result = getattr(tallow, name)(tallow.from_numpy(x)).numpy()
    special = ~np.isfinite(expected) | (expected == 0)
    np.testing.assert_array_equal(result[special], expected[special])
    np.testing.assert_array_equal(
        np.signbit(result[expected == 0]), np.signbit(expected[expected == 0])
    )
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_an_element_alone_has_the_bits_it_has_in_an_array(name: str) -> None:
    x = tallow.from_numpy(np.linspace(0.01, 0.97, 203, dtype=np.float32)) + (name == "acosh")
    whole = getattr(tallow, name)(x)
    for i in (0, 1, 15, 16, 100, 201, 202):
        alone = getattr(tallow, name)(x[i : i + 1])
        assert alone.view(tallow.int32).item() == whole[i : i + 1].view(tallow.int32).item()


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16])
def test_half_types_are_float32_rounded_once(name: str, dtype: Any) -> None:
    x = tallow.linspace(0.01, 0.97, 301).to(dtype) + (name == "acosh")
    result = getattr(tallow, name)(x)
    assert result.dtype == dtype
    assert tallow.equal(result, getattr(tallow, name)(x.float()).to(dtype))


@pytest.mark.parametrize("name", ["exp", "sqrt", "sigmoid", "reciprocal", "tanh", "deg2rad"])
def test_integers_give_the_default_dtype(name: str) -> None:
    x = tallow.tensor([1, 2, 3])
    assert getattr(tallow, name)(x).dtype == tallow.float32
    tallow.set_default_dtype(tallow.float64)
    try:
        assert getattr(tallow, name)(x).dtype == tallow.float64
        assert getattr(tallow, name)(x > 1).dtype == tallow.float64
    finally:
        tallow.set_default_dtype(tallow.float32)


def test_sqrt_is_correctly_rounded() -> None:
    x = spread_floats(0.0, 3e38)
    np.testing.assert_array_equal(tallow.sqrt(tallow.from_numpy(x)).numpy(), np.sqrt(x))


def test_log2_of_powers_of_two_is_exact() -> None:
    exponents = np.arange(-149, 128, dtype=np.float32)
    x = np.ldexp(np.float32(1), exponents.astype(np.int32)).astype(np.float32)
    np.testing.assert_array_equal(tallow.log2(tallow.from_numpy(x)).numpy(), exponents)
    np.testing.assert_array_equal(tallow.exp2(tallow.from_numpy(exponents)).numpy(), x)


ROUNDING = [("floor", np.floor), ("ceil", np.ceil), ("trunc", np.trunc), ("round", np.rint)]


@pytest.mark.parametrize(("name", "reference"), ROUNDING)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_keeps_ties_zeros_and_large_numbers(
    name: str, reference: Reference, dtype: type
) -> None:
    x = np.array(
        [-2.5, -1.5, -0.5, -0.0, 0.0, 0.5, 1.5, 2.5, 0.49999997, 8388607.5, 1e10, np.inf, -np.inf],
        dtype,
    )
    result = getattr(tallow, name)(tallow.from_numpy(x)).numpy()
    np.testing.assert_array_equal(result, reference(x))
    np.testing.assert_array_equal(np.signbit(result), np.signbit(reference(x)))


def test_rounding_copies_integers() -> None:
    x = tallow.tensor([1, -2, 3])
    result = tallow.floor(x)
    assert result.tolist() == [1, -2, 3]
    assert result.data_ptr() != x.data_ptr()


def test_round_to_decimals() -> None:
    x = tallow.tensor([1.2345, -1.2355, 1250.0, 1350.0], dtype=tallow.float64)
    assert tallow.round(x, decimals=2).tolist() == [1.23, -1.24, 1250.0, 1350.0]
    assert tallow.round(x, decimals=-2).tolist() == [0.0, 0.0, 1200.0, 1400.0]


def test_frac_has_the_sign_of_its_input() -> None:
    assert tallow.frac(tallow.tensor([1.75, -1.75])).tolist() == [0.75, -0.75]


def test_sign_of_nan_is_zero() -> None:
    x = tallow.tensor([math.nan, -0.0, math.inf, -3.0])
    assert tallow.sign(x).tolist() == [0.0, 0.0, 1.0, -1.0]


def test_nan_to_num_defaults_to_the_largest_numbers() -> None:
    x = tallow.tensor([math.nan, math.inf, -math.inf, 1.5])
    largest = float(np.finfo(np.float32).max)
    assert tallow.nan_to_num(x).tolist() == [0.0, largest, -largest, 1.5]
    assert tallow.nan_to_num(x, nan=2.0, posinf=3.0, neginf=4.0).tolist() == [2.0, 3.0, 4.0, 1.5]


def test_logit_clamps_when_asked() -> None:
    x = tallow.tensor([-1.0, 0.0, 0.5, 1.0])
    plain = tallow.logit(x)
    assert math.isnan(plain[0].item())
    assert plain[1:].tolist() == [-math.inf, 0.0, math.inf]
    assert tallow.logit(x, eps=0.5).tolist() == [0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("dtype", [tallow.int8, tallow.int16, tallow.int32, tallow.int64])
def test_negating_the_smallest_integer_wraps(dtype: Any) -> None:
    smallest = tallow.iinfo(dtype).min
    x = tallow.tensor([smallest, 5], dtype=dtype)
    assert tallow.neg(x).tolist() == [smallest, -5]
    assert tallow.abs(x).tolist() == [smallest, 5]


def test_complex_parts_and_magnitude() -> None:
    z = tallow.tensor([3 + 4j, -1j])
    assert tallow.abs(z).tolist() == [5.0, 1.0]
    assert tallow.abs(z).dtype == tallow.float32
    assert tallow.conj(z).tolist() == [3 - 4j, 1j]
    assert tallow.real(z).tolist() == [3.0, 0.0]
    assert tallow.imag(z).tolist() == [4.0, -1.0]
    assert tallow.sgn(tallow.tensor([3 + 4j, 0j])).tolist() == [pytest.approx(0.6 + 0.8j), 0j]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: -tallow.tensor([True]), RuntimeError, "Negation, the `-` operator, on a bool"),
        (
            lambda: tallow.tensor([True]).positive(),
            RuntimeError,
            "The `+` operator, on a bool tensor is not",
        ),
        (
            lambda: tallow.abs(tallow.tensor([True])),
            NotImplementedError,
            "\"abs_cpu\" not implemented for 'Bool'",
        ),
        (
            lambda: tallow.floor(tallow.tensor([1j])),
            NotImplementedError,
            "floor is not supported for complex inputs",
        ),
        (
            lambda: tallow.tensor([4]).sqrt_(),
            RuntimeError,
            "result type Float can't be cast to the desired output type Long",
        ),
        (
            lambda: tallow.imag(tallow.tensor([1.0])),
            RuntimeError,
            "imag is not implemented for tensors with non-complex dtypes.",
        ),
    ],
)
def test_wrong_input(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value).startswith(message)


def test_inplace_function_differentiates_the_value_it_overwrote() -> None:
    x = tallow.tensor([0.5, 1.0], dtype=tallow.float64, requires_grad=True)
    y = (x * 1).sin_()
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.cos([0.5, 1.0]))


def test_function_that_saves_its_result_notices_a_later_change() -> None:
    x = tallow.tensor([0.5, 1.0], requires_grad=True)
    y = x.exp()
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
