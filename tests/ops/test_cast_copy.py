"""Conversions between element types, and copies between layouts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tallow

REAL = ["bool", "uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64"]
INTEGERS = ("uint8", "int8", "int16", "int32", "int64")


@pytest.mark.parametrize("source", REAL)
@pytest.mark.parametrize("target", REAL)
@pytest.mark.parametrize("count", [0, 1, 17, 67])
def test_numbers_that_fit_convert_as_in_numpy(source: str, target: str, count: int) -> None:
    rng = np.random.default_rng(count)
    values = rng.integers(0, 2 if source == "bool" else 100, count).astype(source)
    if source.startswith("float"):
        values += np.array(0.75, source)
    result = tallow.from_numpy(values).to(getattr(tallow, target))
    np.testing.assert_array_equal(result.numpy(), values.astype(target))


@pytest.mark.parametrize("source", ["float16", "float32", "float64"])
@pytest.mark.parametrize("target", INTEGERS)
def test_floats_that_do_not_fit_convert_to_a_defined_integer(source: str, target: str) -> None:
    x = tallow.tensor([math.nan, math.inf, -math.inf, -1.5], dtype=getattr(tallow, source))
    smallest = {"int32": -(2**31), "int64": -(2**63)}.get(target, 0)
    minus_one = 255 if target == "uint8" else -1
    assert x.to(getattr(tallow, target)).tolist() == [smallest] * 3 + [minus_one]


def test_integers_wrap_on_the_way_down() -> None:
    x = tallow.tensor([300, -1, 2**40 + 5])
    assert x.to(tallow.uint8).tolist() == [44, 255, 5]
    assert x.to(tallow.int32).tolist() == [300, -1, 5]


def test_everything_but_zero_is_true() -> None:
    assert tallow.tensor([0.0, -0.0, math.nan, 1e-40]).bool().tolist() == [False, False, True, True]
    assert tallow.tensor([0j, 1j]).bool().tolist() == [False, True]


def test_complex_to_real_drops_the_imaginary_part() -> None:
    z = tallow.tensor([3 + 4j])
    assert z.to(tallow.float32).item() == 3.0
    assert z.to(tallow.complex128).item() == 3 + 4j
    assert tallow.tensor([2]).to(tallow.complex64).item() == 2 + 0j


def test_every_half_becomes_the_same_float_as_in_numpy() -> None:
    bits = np.arange(65536, dtype=np.uint16)
    halves = tallow.from_numpy(bits.view(np.int16)).view(tallow.float16)
    expected = bits.view(np.float16).astype(np.float32)
    np.testing.assert_array_equal(halves.float().numpy(), expected)
    back = halves.float().to(tallow.float16).view(tallow.int16).numpy().view(np.uint16)
    numbers = ~np.isnan(expected)
    np.testing.assert_array_equal(back[numbers], bits[numbers])


def test_floats_round_to_half_as_in_numpy() -> None:
    rng = np.random.default_rng(2)
    x = np.concatenate(
        [
            rng.integers(0, 2**32, 50_000, dtype=np.uint64).astype(np.uint32).view(np.float32),
            rng.uniform(-70000, 70000, 10_000).astype(np.float32),
            rng.uniform(-1e-4, 1e-4, 10_000).astype(np.float32),
            np.array(
                [65504, 65519.99, 65520, 2**-24, 2**-25, 1.0009765625, 1.00146484375], np.float32
            ),
        ]
    )
    with np.errstate(over="ignore"):
        expected = x.astype(np.float16)
    np.testing.assert_array_equal(tallow.from_numpy(x).to(tallow.float16).numpy(), expected)


def test_floats_round_to_bfloat16_to_nearest_even() -> None:
    rng = np.random.default_rng(2)
    bits = rng.integers(0, 2**32, 50_000, dtype=np.uint64).astype(np.uint32)
    x = bits.view(np.float32)
    finite = np.isfinite(x)
    rounded = ((bits.astype(np.uint64) + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    result = tallow.from_numpy(x).to(tallow.bfloat16).view(tallow.int16).numpy().view(np.uint16)
    np.testing.assert_array_equal(result[finite], rounded[finite])
    assert tallow.isnan(tallow.tensor([math.nan]).to(tallow.bfloat16)).item()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64", "complex128"])
@pytest.mark.parametrize("rows", [1, 7, 32, 65])
@pytest.mark.parametrize("columns", [1, 5, 33, 130])
def test_transposing_copy(dtype: str, rows: int, columns: int) -> None:
    a = np.arange(rows * columns).reshape(rows, columns).astype(dtype)
    x = tallow.from_numpy(a)
    np.testing.assert_array_equal(x.T.contiguous().numpy(), a.T)
    target = tallow.empty(columns, rows, dtype=getattr(tallow, dtype)).T
    target.copy_(x)
    np.testing.assert_array_equal(target.numpy(), a)


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "int64", "complex128"])
@pytest.mark.parametrize("width", [1, 2, 3, 7, 8, 15, 16, 17, 33, 64, 100, 129])
def test_copies_of_short_rows(dtype: str, width: int) -> None:
    a = np.arange(9 * 300).reshape(9, 300).astype(dtype)
    x = tallow.from_numpy(a)
    for view, expected in (
        (x[:, 5 : 5 + width], a[:, 5 : 5 + width]),
        (x[:, 5 : 5 + 2 * width : 2], a[:, 5 : 5 + 2 * width : 2]),
        (x[:, 1 : 1 + 2 * width : 3].T, a[:, 1 : 1 + 2 * width : 3].T),
        (x[:, 3:4].expand(9, width), a[:, 3:4].repeat(width, 1)),
        (x[3:4, :width].expand(9, width), a[3:4, :width].repeat(9, 0)),
    ):
        np.testing.assert_array_equal(view.contiguous().numpy(), expected)


@pytest.mark.parametrize("shape", [(1040, 4100), (3, 2 << 20)])
def test_transposing_copy_beyond_the_caches(shape: tuple[int, int]) -> None:
    a = np.arange(shape[0] * shape[1], dtype=np.float32).reshape(shape)
    np.testing.assert_array_equal(tallow.from_numpy(a).T.contiguous().numpy(), a.T)


@pytest.mark.parametrize("order", [(2, 1, 0), (1, 2, 0), (0, 2, 1), (2, 0, 1)])
def test_copy_of_permuted_dimensions(order: tuple[int, ...]) -> None:
    a = np.arange(3 * 40 * 35).reshape(3, 40, 35)
    result = tallow.from_numpy(a).permute(order).contiguous()
    np.testing.assert_array_equal(result.numpy(), a.transpose(order))
    half = tallow.from_numpy(a).permute(order).to(tallow.float16).contiguous()
    np.testing.assert_array_equal(half.numpy(), a.transpose(order).astype(np.float16))


def test_copy_broadcasts_and_converts() -> None:
    x = tallow.zeros(2, 3)
    x.copy_(tallow.tensor([1, 2, 3]))
    assert x.tolist() == [[1.0, 2.0, 3.0]] * 2
    with pytest.raises(RuntimeError):
        x.copy_(tallow.ones(4))


@pytest.mark.parametrize("offset", [0, 1, 5])
def test_large_copy_and_fill(offset: int) -> None:
    count = (1 << 22) + 100 + offset
    x = tallow.arange(count, dtype=tallow.float32)
    y = tallow.zeros(count)
    y[offset:].copy_(x[: count - offset])
    assert y[offset].item() == 0.0
    assert y[-1].item() == count - offset - 1
    assert tallow.equal(y[offset:], x[: count - offset])
    y[offset:].fill_(2.5)
    assert y[offset:].eq(2.5).all()
    assert y[:offset].eq(0).all()


@pytest.mark.parametrize("dtype", ["bool", "int8", "int16", "float16", "float32", "complex128"])
def test_fill_of_strided_views(dtype: str) -> None:
    x = tallow.zeros(5, 6, dtype=getattr(tallow, dtype))
    x[::2, 1::3].fill_(1)
    expected = np.zeros((5, 6), np.int64)
    expected[::2, 1::3] = 1
    np.testing.assert_array_equal(x.to(tallow.int64).numpy(), expected)


def test_gradients_are_cast_back() -> None:
    x = tallow.tensor([1.0, 2.0], requires_grad=True)
    (x.double() * tallow.tensor([3.0, 4.0], dtype=tallow.float64)).sum().backward()
    assert x.grad.dtype == tallow.float32
    assert x.grad.tolist() == [3.0, 4.0]


@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16])
def test_half_results_are_rounded_once(dtype: Any) -> None:
    x = tallow.linspace(-3, 3, 203).to(dtype)
    y = tallow.linspace(0.3, 7, 203).to(dtype)
    for name in ("add", "sub", "mul", "div", "maximum", "atan2"):
        function = getattr(tallow, name)
        assert tallow.equal(function(x, y), function(x.float(), y.float()).to(dtype))


@pytest.mark.parametrize("shape", [(2048, 2049), (1025, 4096), (3, 1030, 1400)])
def test_results_beyond_the_caches_from_transposed_operands(shape: tuple[int, ...]) -> None:
    values = np.arange(math.prod(shape), dtype=np.float32).reshape(shape) + 1
    x = tallow.from_numpy(values).transpose(-1, -2)
    expected = np.swapaxes(values, -1, -2)
    assert np.array_equal(x.contiguous().numpy(), expected)
    assert np.array_equal((x + tallow.ones(x.shape)).numpy(), expected + 1)
