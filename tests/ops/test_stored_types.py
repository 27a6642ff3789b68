"""Types of stored data: uint16, uint32, uint64 and the five 8-bit floating-point types."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import op_run
import tallow
from op_case import OpCase, flatten, load_cases, map_leaves
from tallow.utils.data import default_collate

# Bits of the fraction, bias of the exponent, greatest code of a number, code of overflow, of NaN.
FLOATS = {
    "float8_e4m3fn": (3, 7, 0x7E, 0x7E, 0x7F),
    "float8_e5m2": (2, 15, 0x7B, 0x7C, 0x7F),
    "float8_e4m3fnuz": (3, 8, 0x7F, 0x80, 0x80),
    "float8_e5m2fnuz": (2, 16, 0x7F, 0x80, 0x80),
}
UNSIGNED = ["uint16", "uint32", "uint64"]
BYTES = [*FLOATS, "float8_e8m0fnu"]
ALL = [*UNSIGNED, *BYTES]


def dtype_of(name: str) -> tallow.dtype:
    return getattr(tallow, name)


def magnitudes(name: str) -> np.ndarray:
    """The numbers that the codes from 0 on stand for, in float64."""
    fraction, bias, greatest, _, _ = FLOATS[name]
    code = np.arange(greatest + 1)
    exponent, low = code >> fraction, code % (1 << fraction)
    normal = np.exp2(exponent - bias) * (1 + low / (1 << fraction))
    return np.where(exponent == 0, low * 2.0 ** (1 - bias - fraction), normal)


def encoded(name: str, x: np.ndarray) -> np.ndarray:
    """Codes of the nearest numbers, the even one in the middle."""
    _, _, greatest, overflow, nan = FLOATS[name]
    values = magnitudes(name)
    step = values[-1] - values[-2]
    values = np.append(values, values[-1] + step)  # what rounding would give without overflow
    with np.errstate(invalid="ignore"):  # of signalling NaNs
        size = np.abs(x.astype(np.float64))
    below = np.clip(np.searchsorted(values, size, side="right") - 1, 0, greatest)
    middle = (values[below] + values[below + 1]) / 2
    up = (size > middle) | ((size == middle) & (below % 2 == 1))
    code = np.where(up, below + 1, below)
    sign = np.where(np.signbit(x), 0x80, 0)
    code = np.where(code > greatest, overflow, code)
    if name.endswith("fnuz"):
        code = np.where((code == 0) | (code == 0x80), code, code | sign)
        return np.where(np.isnan(x), nan, code).astype(np.uint8)
    return (np.where(np.isnan(x), nan, code) | sign).astype(np.uint8)


def some_floats(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    bits = rng.integers(0, 2**32, 60_000, dtype=np.uint64).astype(np.uint32)
    usual = rng.standard_normal(20_000) * np.exp2(rng.integers(-20, 20, 20_000))
    special = [0.0, -0.0, math.inf, -math.inf, math.nan, 448, 464, 465, 240, 248, 57344, 61440]
    return np.concatenate([bits.view(np.float32), usual.astype(np.float32), np.float32(special)])


def codes(x: tallow.Tensor) -> np.ndarray:
    return x.view(tallow.uint8).numpy()


@pytest.mark.parametrize("name", FLOATS)
def test_every_code_is_the_number_of_the_format(name: str) -> None:
    x = tallow.arange(256).to(tallow.uint8).view(dtype_of(name)).float().numpy()
    expected = magnitudes(name).astype(np.float32)
    np.testing.assert_array_equal(x[: len(expected)], expected)
    negative = x[128 : 128 + len(expected)]
    np.testing.assert_array_equal(negative[1:], -expected[1:])
    assert np.isnan(negative[0]) if name.endswith("fnuz") else np.signbit(negative[0])
    rest = x[len(expected) : 128]
    infinite = 1 if name == "float8_e5m2" else 0
    assert np.isposinf(rest[:infinite]).all()
    assert np.isnan(rest[infinite:]).all()


@pytest.mark.parametrize("name", FLOATS)
def test_floats_round_to_the_nearest_code(name: str) -> None:
    x = some_floats(3)
    result = tallow.from_numpy(x).to(dtype_of(name))
    np.testing.assert_array_equal(codes(result), encoded(name, x))


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("n", [0, 1, 2, 15, 16, 17, 511, 512, 513, 1031])
def test_casts_of_any_length(name: str, n: int) -> None:
    x = some_floats(4)[-n:] if n else some_floats(4)[:0]
    result = tallow.from_numpy(x).to(dtype_of(name))
    np.testing.assert_array_equal(codes(result), encoded(name, x))
    np.testing.assert_array_equal(
        result.to(tallow.bfloat16).view(tallow.int16).numpy(),
        result.float().to(tallow.bfloat16).view(tallow.int16).numpy(),
    )


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("source", ["float64", "float16", "bfloat16"])
def test_other_floats_round_by_way_of_float(name: str, source: str) -> None:
    x = tallow.from_numpy(some_floats(5)).to(dtype_of(source))
    direct, by_float = x.to(dtype_of(name)), x.float().to(dtype_of(name))
    np.testing.assert_array_equal(codes(direct), codes(by_float))


def test_scales_are_powers_of_two() -> None:
    kind = tallow.float8_e8m0fnu
    x = tallow.arange(256).to(tallow.uint8).view(kind).float()
    np.testing.assert_array_equal(x.numpy()[:255], np.exp2(np.arange(255.0) - 127))
    assert math.isnan(x[255])
    given = [1.0, 1.25, 1.5, -1.5, 3.0, 448.0, 3.4e38, math.inf, math.nan, 0.0, 2.0**-126]
    codes_of_given = [127, 127, 128, 128, 129, 136, 255, 255, 255, 0, 1]
    assert codes(tallow.tensor(given).to(kind)).tolist() == codes_of_given


@pytest.mark.parametrize("name", UNSIGNED)
@pytest.mark.parametrize(
    "other",
    ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64", "complex128"],
)
def test_unsigned_numbers_convert_as_in_numpy(name: str, other: str) -> None:
    largest = np.iinfo(name).max
    a = np.array([0, 1, 2, 127, 128, largest // 2, largest // 2 + 1, largest - 1, largest], name)
    x = tallow.from_numpy(a)
    np.testing.assert_array_equal(x.to(dtype_of(other)).numpy(), a.astype(other))


@pytest.mark.parametrize("name", UNSIGNED)
def test_numbers_become_unsigned_ones(name: str) -> None:
    largest = np.iinfo(name).max
    integers = np.array([0, 1, -1, -2, 65535, 65536, 2**40, -(2**40), 2**63 - 1])
    result = tallow.from_numpy(integers).to(dtype_of(name))
    np.testing.assert_array_equal(result.numpy(), integers.astype(name))
    floats = tallow.tensor([0.0, 1.9, -1.0, 60000.7], dtype=tallow.float64).to(dtype_of(name))
    assert floats.tolist() == [0, 1, largest, 60000]


def test_large_floats_become_uint64() -> None:
    x = tallow.tensor([2.0**63, 1.8e19, 2.0**64, -(2.0**70), math.nan], dtype=tallow.float64)
    expected = [2**63, 18000000000000000000, 0, 2**63, 2**63]
    assert x.to(tallow.uint64).tolist() == expected
    back = tallow.tensor([2**64 - 1, 2**63 + 2**39 + 1], dtype=tallow.uint64)
    assert back.float().tolist() == [2.0**64, 2.0**63 + 2.0**40]


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("other", ALL)
def test_conversion_between_stored_types(name: str, other: str) -> None:
    x = tallow.tensor([1.0, 2.0, 4.0, 64.0, 1.0, 128.0]).to(dtype_of(name))
    result = x.to(dtype_of(other))
    assert result.dtype == dtype_of(other)
    assert result.float().tolist() == x.float().tolist()


@pytest.mark.parametrize("name", ALL)
def test_creation_and_reading(name: str) -> None:
    kind = dtype_of(name)
    one = 2.0 if name in BYTES else 2
    for x in (
        tallow.full((3,), 2, dtype=kind),
        tallow.ones(3, dtype=kind) * tallow.full((3,), 2, dtype=kind),
        tallow.empty(3, dtype=kind).fill_(2),
        tallow.tensor([2, 2, 2], dtype=kind),
        tallow.zeros(3, dtype=kind).copy_(tallow.tensor(2.0)),
    ):
        assert x.dtype == kind
        assert x.tolist() == [one] * 3
        assert type(x[0].item()) is type(one)
        assert float(x[1]) == 2.0
        assert int(x[2]) == 2
        assert bool(x[0])


@pytest.mark.parametrize("name", ALL)
def test_moves(name: str) -> None:
    kind = dtype_of(name)
    numbers = tallow.tensor([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    x = numbers.to(kind)
    pick = tallow.tensor([1, 0])
    mask = tallow.tensor([True, False, True])

    def written(y: tallow.Tensor, value: tallow.Tensor) -> tallow.Tensor:
        y = y.clone()
        y[pick] = value
        y[:, 1:2] = value[:, :1]
        y[:, mask] = value[:, :2]
        return y

    for move in (
        lambda y: y.t().contiguous(),
        lambda y: y.permute(1, 0).reshape(6),
        lambda y: y[:, ::2],
        lambda y: y[pick],
        lambda y: y[:, mask],
        lambda y: y[1, [2, 0]],
        lambda y: tallow.cat([y, y[:1]]),
        lambda y: tallow.stack([y, y], 1),
        lambda y: y.expand(4, 2, 3).contiguous(),
        lambda y: y.repeat(2, 2),
        lambda y: y.flip(1),
        lambda y: y.roll(1, 1),
        lambda y: y.index_select(1, pick),
        lambda y: y.gather(1, pick[:, None]),
        lambda y: y.take(pick),
        lambda y: y.masked_select(mask),
        lambda y: y.unfold(1, 2, 1).clone(),
        lambda y: tallow.where(mask, y, y[:, :1]),
        lambda y: tallow.nn.functional.embedding(pick, y),
        lambda y: tallow.repeat_interleave(y, 2, 1),
        lambda y: y.diagonal().clone(),
        lambda y: y.clone().masked_fill_(mask, 2),
        lambda y: y.clone().index_copy_(0, pick, y),
        lambda y: y.clone().scatter_(1, pick[:, None], y),
        lambda y: written(y, y + 0 if y.dtype == tallow.float32 else y.clone()),
    ):
        result = move(x)
        assert result.dtype == kind
        assert result.float().tolist() == move(numbers).tolist()


@pytest.mark.parametrize("name", ALL)
def test_equality(name: str) -> None:
    x = tallow.tensor([1.0, 2.0, 4.0]).to(dtype_of(name))
    y = tallow.tensor([1.0, 4.0, 4.0]).to(dtype_of(name))
    assert (x == y).tolist() == [True, False, True]
    assert (x != y).tolist() == [False, True, False]
    assert (x == 2).tolist() == [False, True, False]
    assert tallow.equal(x, x.clone())
    assert not tallow.equal(x, y)
    assert tallow.isnan(x).tolist() == [False] * 3
    assert x.view(3, 1).eq(x).sum() == 3


@pytest.mark.parametrize("name", FLOATS)
def test_equality_is_that_of_numbers(name: str) -> None:
    kind = dtype_of(name)
    nan = tallow.tensor([math.nan], dtype=kind)
    assert not nan.eq(nan)
    assert tallow.isnan(nan)
    zeros = tallow.tensor([0.0, -0.0], dtype=kind)
    assert (zeros[0] == zeros[1]).item()
    assert not zeros.any()
    assert nan.any()


@pytest.mark.parametrize("name", UNSIGNED)
def test_arithmetic_of_unsigned_numbers(name: str) -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, np.iinfo(name).max, 1025, name, endpoint=True)
    b = rng.integers(1, np.iinfo(name).max, 1025, name)
    x, y = tallow.from_numpy(a), tallow.from_numpy(b)
    for result, expected in (
        (x * y, a * b),
        (x & y, a & b),
        (x | y, a | b),
        (x ^ y, a ^ b),
        (x * 3, a * np.array(3, name)),
    ):
        assert result.dtype == x.dtype
        np.testing.assert_array_equal(result.numpy(), expected)
    assert x.sum().dtype == tallow.int64
    assert x.sum().item() == int(a.astype(np.int64).sum())
    np.testing.assert_array_equal(x.cumsum(0).numpy(), a.astype(np.int64).cumsum())
    assert x[:3].prod().dtype == tallow.int64
    assert (x / y).dtype == tallow.float32
    np.testing.assert_allclose((x / y).numpy(), a.astype(np.float64) / b, rtol=1e-6)
    assert x.sqrt().dtype == tallow.float32
    assert (x + 0.5).dtype == tallow.float32
    assert x.round().tolist() == a.tolist()
    assert x.any()
    assert (x * 0).any().item() is False


@pytest.mark.parametrize("name", ALL)
def test_what_is_not_computed_is_refused_by_name(name: str) -> None:
    x = tallow.ones(2, 2, dtype=dtype_of(name))
    shown = name.replace("float", "Float").replace("uint", "UInt")
    for call in (
        lambda: x + x,
        lambda: x - x,
        lambda: -x,
        lambda: x < x,
        lambda: x.clamp(0, 1),
        lambda: x.max(),
        lambda: x.amin(),
        lambda: x.argmax(),
        lambda: tallow.maximum(x, x),
        lambda: x.softmax(0),
        lambda: x.clone().index_add_(0, tallow.tensor([0]), x[:1]),
        lambda: tallow.arange(3, dtype=dtype_of(name)),
        lambda: tallow.rand(3, dtype=dtype_of(name)),
        lambda: tallow.randn(3, dtype=dtype_of(name)),
    ):
        with pytest.raises(NotImplementedError, match=f"not implemented for '{shown}'"):
            call()


def results(call: Callable[[], Any]) -> list[Any]:
    tallow.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return flatten(call())


@pytest.mark.parametrize("name", ["float8_e5m2", "uint16"])
@pytest.mark.parametrize("case", [pytest.param(case, id=case.id) for case in load_cases()])
def test_operators_refuse_or_agree_with_the_wide_type(case: OpCase, name: str) -> None:
    kind = dtype_of(name)
    wide = tallow.float32 if kind.is_floating_point else tallow.int64

    def store(x: tallow.Tensor) -> tallow.Tensor:
        return x.abs().to(kind) if x.dtype == tallow.float32 else x

    def widen(x: tallow.Tensor) -> tallow.Tensor:
        return x.to(wide) if x.dtype == kind else x

    for number, sample in case.all_samples():
        given = op_run.tensors(tallow, case, number, sample, "float32", integers=True)
        stored = args, kwargs = map_leaves(store, tallow.Tensor, given)
        if "dtype" in kwargs:
            continue
        try:
            found = results(lambda: case.function(tallow)(*args, **kwargs))  # noqa: B023
        except (NotImplementedError, RuntimeError, TypeError, ValueError, IndexError):
            continue
        args, kwargs = map_leaves(widen, tallow.Tensor, stored)
        expected = results(lambda: case.function(tallow)(*args, **kwargs))  # noqa: B023
        for ours, theirs in zip(found, expected, strict=True):
            if not isinstance(ours, tallow.Tensor):
                assert ours == theirs
                continue
            rounded = theirs.to(kind) if ours.dtype == kind else theirs
            np.testing.assert_allclose(
                op_run.to_numpy(widen(ours)), op_run.to_numpy(widen(rounded)), 1e-5, 1e-5
            )


@pytest.mark.parametrize("name", BYTES)
def test_sums_of_byte_floats_are_refused_unless_converted(name: str) -> None:
    x = tallow.ones(4, dtype=dtype_of(name))
    for call in (lambda: x.sum(), lambda: x.exp(), lambda: x.cumsum(0), lambda: x.sort()):
        with pytest.raises(NotImplementedError, match="not implemented for 'Float8_"):
            call()
    assert x.sum(dtype=tallow.float32).item() == 4.0
    assert x.mean(dtype=tallow.float32).item() == 1.0


def test_promotion_is_refused_where_it_would_lose_numbers() -> None:
    with pytest.raises(RuntimeError, match="Promotion for Float8 Types is not supported"):
        tallow.promote_types(tallow.float8_e5m2, tallow.float32)
    with pytest.raises(RuntimeError, match="Promotion for uint16, uint32, uint64 types"):
        tallow.promote_types(tallow.uint16, tallow.int32)
    assert tallow.promote_types(tallow.uint64, tallow.float16) == tallow.float16
    x = tallow.ones(2, dtype=tallow.uint16)
    assert tallow.result_type(x, 1) == tallow.uint16
    assert tallow.result_type(x, 1.5) == tallow.float32
    assert tallow.result_type(x, 1j) == tallow.complex64
    assert tallow.result_type(tallow.ones(2, dtype=tallow.float8_e5m2), 1.5) == tallow.float8_e5m2
    assert tallow.can_cast(tallow.uint16, tallow.int8)
    assert not tallow.can_cast(tallow.float8_e5m2, tallow.uint32)
    assert tallow.can_cast(tallow.uint32, tallow.float8_e4m3fn)
    with pytest.raises(TypeError, match="couldn't find storage object Float8_e5m2Storage"):
        tallow.set_default_dtype(tallow.float8_e5m2)


def test_numbers_that_do_not_fit_are_refused() -> None:
    assert tallow.full((2,), -1, dtype=tallow.uint16).tolist() == [65535, 65535]
    with pytest.raises(RuntimeError, match="value cannot be converted to type uint16"):
        tallow.full((2,), 70000, dtype=tallow.uint16)
    assert tallow.full((2,), 2**64 - 1, dtype=tallow.uint64).tolist() == [2**64 - 1] * 2
    assert tallow.tensor(2**63, dtype=tallow.uint64).item() == 2**63
    assert (tallow.tensor([2**63], dtype=tallow.uint64) == 2**63).item()
    with pytest.raises(RuntimeError, match="value cannot be converted to type int64_t"):
        tallow.full((2,), 2**63)
    with pytest.raises((RuntimeError, ValueError), match="Overflow when unpacking long"):
        tallow.tensor(2**63)
    with pytest.raises(TypeError, match="an integer is required"):
        tallow.tensor([1.5], dtype=tallow.uint64)


@pytest.mark.parametrize("name", BYTES)
def test_filling_checks_the_range(name: str) -> None:
    kind = dtype_of(name)
    largest = tallow.finfo(kind).max
    assert tallow.full((2,), largest, dtype=kind).tolist() == [largest] * 2
    for fill in (lambda v: tallow.full((2,), v, dtype=kind), tallow.zeros(2, dtype=kind).fill_):
        with pytest.raises(RuntimeError, match="value cannot be converted to type c10::Float8_"):
            fill(largest * 1.01)
        assert math.isnan(fill(math.nan)[0])
    # One element is converted as a tensor is.
    single = tallow.full((1,), largest * 4, dtype=kind)
    assert single.item() == tallow.tensor(largest * 4).to(kind).item() or single.isnan()


def test_negative_numbers_are_not_uint64() -> None:
    with pytest.raises(OverflowError, match="can't convert negative int to unsigned"):
        tallow.tensor([-1], dtype=tallow.uint64)
    with pytest.raises(ValueError, match="Overflow when unpacking long long"):
        tallow.tensor([2**63], dtype=tallow.uint16)


@pytest.mark.parametrize("name", UNSIGNED)
def test_sorting_unsigned_numbers(name: str) -> None:
    largest = np.iinfo(name).max
    a = np.random.default_rng(1).integers(0, largest, (3, 301), name, endpoint=True)
    a[:, :9] = [largest, 0, largest // 2, largest // 2 + 1, 1, 1, largest, 0, 2]
    x = tallow.from_numpy(a)
    values, indices = x.sort()
    np.testing.assert_array_equal(values.numpy(), np.sort(a))
    np.testing.assert_array_equal(indices.numpy(), np.argsort(a, kind="stable"))
    np.testing.assert_array_equal(x.sort(descending=True)[0].numpy(), np.sort(a)[:, ::-1])
    np.testing.assert_array_equal(x.unique().numpy(), np.unique(a))
    assert tallow.unique_consecutive(x[0, 4:6]).tolist() == [1]


@pytest.mark.parametrize("name", UNSIGNED)
def test_random_integers_are_those_of_int64(name: str) -> None:
    drawn = tallow.randint(5, 60000, (7,), generator=tallow.Generator().manual_seed(3))
    generator = tallow.Generator().manual_seed(3)
    x = tallow.randint(5, 60000, (7,), dtype=dtype_of(name), generator=generator)
    assert x.dtype == dtype_of(name)
    assert x.tolist() == drawn.tolist()
    with pytest.raises(RuntimeError, match="from is out of bounds for .*unsigned int"):
        tallow.randint(-1, 5, (2,), dtype=dtype_of(name))


@pytest.mark.parametrize("name", FLOATS)
def test_predicates_and_sizes(name: str) -> None:
    x = tallow.tensor([-2.0, 0.0, math.nan], dtype=dtype_of(name))
    assert abs(x[:2]).tolist() == [2.0, 0.0]
    assert tallow.isfinite(x).tolist() == [True, True, False]
    assert not tallow.isinf(x).any()
    assert x.any()
    assert not x.all()


@pytest.mark.parametrize("name", FLOATS)
def test_products_of_matrices_are_summed_in_float(name: str) -> None:
    kind = dtype_of(name)
    generator = tallow.Generator().manual_seed(1)
    a = tallow.randn(5, 33, generator=generator).mul(0.3).to(kind)
    b = tallow.randn(33, 7, generator=generator).mul(0.3).to(kind)
    bias = tallow.randn(7, generator=generator).to(kind)
    expected = (a.float() @ b.float()).to(kind)
    assert (a @ b).dtype == kind
    assert tallow.equal(a @ b, expected)
    assert tallow.equal(tallow.nn.functional.linear(a, b.t()), expected)
    expected = tallow.addmm(bias.float(), a.float(), b.float(), beta=0.5, alpha=2).to(kind)
    assert tallow.equal(tallow.addmm(bias, a, b, beta=0.5, alpha=2), expected)
    weight = b.clone().requires_grad_()
    (a @ weight).float().sum().backward()
    assert weight.grad.dtype == kind
    for call in (lambda: a[None].expand(2, 5, 33) @ b[None].expand(2, 33, 7), lambda: a @ b[:, 0]):
        with pytest.raises(NotImplementedError, match="not implemented for 'Float8_"):
            call()
    with pytest.raises(NotImplementedError, match='"addmm_impl_cpu_" not implemented for \'UInt16'):
        tallow.ones(2, 2, dtype=tallow.uint16) @ tallow.ones(2, 2, dtype=tallow.uint16)


def test_scales_have_no_zero() -> None:
    x = tallow.zeros(2, dtype=tallow.float8_e8m0fnu)
    assert x.tolist() == [2.0**-127] * 2
    assert repr(x) == "tensor([0., 0.], dtype=tallow.float8_e8m0fnu)"
    assert x.all()
    assert x.bool().all()


def test_indices_are_not_unsigned() -> None:
    index = tallow.tensor([0, 1], dtype=tallow.uint16)
    with pytest.raises(IndexError, match="tensors used as indices must be long, int, byte or bool"):
        tallow.ones(5)[index]


def test_tokens_in_a_mapped_file(tmp_path) -> None:
    path = tmp_path / "train.bin"
    np.arange(70, dtype=np.uint16).tofile(path)
    data = np.memmap(path, dtype=np.uint16, mode="r+")
    x = tallow.from_numpy(data[10:20])
    assert x.dtype == tallow.uint16
    assert x.long().tolist() == list(range(10, 20))
    batch = tallow.stack([tallow.from_numpy(data[i : i + 4]) for i in (0, 30)])
    assert batch.to(tallow.int64).tolist() == [[0, 1, 2, 3], [30, 31, 32, 33]]
    x[0] = 7
    assert data[10] == 7


@pytest.mark.parametrize("name", UNSIGNED)
def test_numpy_shares_memory(name: str) -> None:
    x = tallow.tensor([1, 2, 3], dtype=dtype_of(name))
    array = x.numpy()
    assert array.dtype == name
    array[0] = 9
    assert x.tolist() == [9, 2, 3]
    assert tallow.tensor(array).dtype == dtype_of(name)
    assert tallow.tensor(array[1]).dtype == dtype_of(name)


def test_an_array_holds_its_tensor() -> None:
    x = tallow.arange(6.0).view(2, 3)
    array = x.t().numpy()
    assert type(array.base) is tallow.Tensor
    assert array.base.data_ptr() == x.data_ptr()
    del x
    assert array.tolist() == [[0, 3], [1, 4], [2, 5]]
    array += 1
    assert array.base.tolist() == [[1, 4], [2, 5], [3, 6]]


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,) * 20])
def test_arrays_of_one_element_or_none_have_the_shape_of_the_tensor(shape: tuple[int, ...]) -> None:
    assert tallow.ones(shape).numpy().shape == shape


@pytest.mark.parametrize("name", BYTES)
def test_numpy_has_no_byte_floats(name: str) -> None:
    shown = name.replace("float", "Float")
    with pytest.raises(TypeError, match=f"Got unsupported ScalarType {shown}"):
        tallow.zeros(2, dtype=dtype_of(name)).numpy()


@pytest.mark.parametrize("name", ALL)
def test_dlpack_and_copies(name: str) -> None:
    x = tallow.tensor([1.0, 2.0, 4.0]).to(dtype_of(name))
    shared = tallow.from_dlpack(x)
    assert shared.dtype == x.dtype
    assert shared.data_ptr() == x.data_ptr()
    for other in (copy.deepcopy(x), pickle.loads(pickle.dumps(x)), default_collate([x])[0]):
        assert other.dtype == x.dtype
        assert other.tolist() == x.tolist()
        assert other.data_ptr() != x.data_ptr()


@pytest.mark.parametrize("name", ALL)
def test_the_bytes_can_be_viewed(name: str) -> None:
    x = tallow.tensor([1.0, 2.0]).to(dtype_of(name))
    assert x.view(tallow.uint8).view(dtype_of(name)).tolist() == x.tolist()
    assert x.element_size() == dtype_of(name).itemsize
    shown = name.replace("float", "Float").replace("uint", "UInt")
    assert x.type() == f"{tallow._C._get_namespace()}.{shown}Tensor"
    assert x.is_floating_point() == name.startswith("float")
    assert x.is_signed() == (name in FLOATS)


@pytest.mark.parametrize("name", FLOATS)
def test_gradients_flow_through_casts(name: str) -> None:
    x = tallow.ones(3, requires_grad=True)
    (x.to(dtype_of(name)).float() * 2).sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]
    with pytest.raises(RuntimeError, match="floating point"):
        tallow.ones(3, dtype=tallow.uint16).requires_grad_()


def test_a_module_holds_weights_of_eight_bits() -> None:
    layer = tallow.nn.Linear(3, 2, bias=False).to(tallow.float8_e4m3fn)
    assert layer.weight.dtype == tallow.float8_e4m3fn
    state = layer.state_dict()
    other = tallow.nn.Linear(3, 2, bias=False)
    other.load_state_dict(state)
    assert other.weight.tolist() == layer.weight.tolist()
    assert layer.to(tallow.bfloat16)(tallow.ones(1, 3, dtype=tallow.bfloat16)).shape == (1, 2)


@pytest.mark.parametrize("name", ALL)
def test_printing(name: str) -> None:
    x = tallow.tensor([1.0, 2.0]).to(dtype_of(name))
    numbers = "1., 2." if name in BYTES else "1, 2"
    assert repr(x) == f"tensor([{numbers}], dtype=tallow.{name})"
