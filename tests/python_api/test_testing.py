"""assert_close and make_tensor."""

from __future__ import annotations

import math
from typing import Any

import pytest

import tallow
from tallow.testing import assert_allclose, assert_close, make_tensor

T = tallow.tensor


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (T([1.0, 2.0]), T([1.0, 2.0 + 1e-6])),
        (T([1.0]).half(), T([1.001]).half()),
        (T([math.inf]), T([math.inf])),
        (T([]), T([])),
        (1.0, 1.0 + 1e-8),
        (3, 3),
        (None, None),
        (math.inf, math.inf),
        ([T([1.0]), {"a": 2}], [T([1.0]), {"a": 2}]),
        ((1, 2), [1, 2]),
        (tallow.nn.Parameter(T([1.0])), T([1.0])),
    ],
)
def test_close(actual: Any, expected: Any) -> None:
    assert_close(actual, expected)


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (T([1.0, 2.0]), T([1.0, 3.0]),
         r"^Tensor-likes are not close!\n\nMismatched elements: 1 / 2 \(50.0%\)\n"
         r"Greatest absolute difference: 1.0 at index \(1,\) \(up to 1e-05 allowed\)\n"
         r"Greatest relative difference: 0.3333333432674408 at index \(1,\) "
         r"\(up to 1.3e-06 allowed\)$"),
        (T(1.0), T(2.0), r"^Scalars are not close!\n\nExpected 2.0 but got 1.0.\n"),
        (T([1, 2, 3]), T([1, 5, 3]), r"^Tensor-likes are not equal!"),
        (T([True]), T([False]), r"Greatest absolute difference: 1 at index \(0,\)\n"),
        (1, 2, r"^Scalars are not equal!\n\nExpected 2 but got 1.\nAbsolute difference: 1\n"),
        (1, 1.0, r"^The \(d\)types do not match: <class 'int'> != <class 'float'>.$"),
        (T([1.0]), T([1]), r"^The values for attribute 'dtype' do not match: "),
        (T([1.0]), T([1.0, 2.0]), r"^The values for attribute 'shape' do not match: "),
        (T([math.nan]), T([math.nan]), r"Greatest absolute difference: nan"),
        (True, False, r"^Booleans mismatch: True is not False$"),
        (None, 1, r"^None mismatch: None is not 1$"),
        ([1], [1, 2], r"^The length of the sequences mismatch: 1 != 2$"),
        ({"a": 1}, {"b": 1}, r"^The keys of the mappings do not match:\nMissing keys"),
        ([[T([1.0])], {"x": T([1.0])}], [[T([1.0])], {"x": T([2.0])}],
         r"\n\nThe failure occurred for item \[1\]\['x'\]$"),
    ],
)  # fmt: skip
def test_difference(actual: Any, expected: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        assert_close(actual, expected)


def test_options() -> None:
    assert_close(T([math.nan]), T([math.nan]), equal_nan=True)
    assert_close(T([1.0]), T([2.0]), rtol=1.0, atol=0.0)
    assert_close(T([1.0]).double(), T([1.0]), check_dtype=False)
    with pytest.raises(AssertionError, match=r"attribute 'stride\(\)' do not match"):
        assert_close(tallow.ones(2, 3), tallow.ones(3, 2).t(), check_stride=True)
    with pytest.raises(AssertionError, match=r"^my text$"):
        assert_close(1, 2, msg="my text")
    with pytest.raises(AssertionError, match=r"^note: Scalars are not equal!"):
        assert_close(1, 2, msg=lambda text: "note: " + text)
    with pytest.raises(ValueError, match="but got no atol"):
        assert_close(1.0, 1.0, rtol=1.0)


def test_values_that_cannot_be_compared() -> None:
    for pair in (("a", "a"), (T([1.0]), 1.0), (object(), object())):
        with pytest.raises(TypeError, match=r"^No comparison pair was able to handle"):
            assert_close(*pair)
    with pytest.raises(TypeError):
        assert_close(tallow.nn.Parameter(T([1.0])), T([1.0]), allow_subclasses=False)


def test_arrays() -> None:
    np = pytest.importorskip("numpy")
    assert_close(np.ones(2), np.ones(2))
    with pytest.raises(AssertionError, match=r"^Tensor-likes are not close!"):
        assert_close(np.ones(2), np.zeros(2))


def test_assert_allclose_is_deprecated() -> None:
    with pytest.warns(FutureWarning, match="is deprecated"):
        assert_allclose([1.0, 2.0], T([1.0, 2.0]))
    with pytest.warns(FutureWarning, match="is deprecated"), pytest.raises(AssertionError):
        assert_allclose([1.0, 2.0], T([1.0, 2.5]))


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        (tallow.float32, -9, 9),
        (tallow.float16, -9, 9),
        (tallow.int64, -9, 9),
        (tallow.uint8, 0, 9),
        (tallow.bool, 0, 1),
    ],
)
def test_make_tensor_ranges(dtype: Any, low: float, high: float) -> None:
    made = make_tensor(500, dtype=dtype, device="cpu")
    assert made.dtype == dtype
    assert made.shape == (500,)
    assert low <= made.double().min().item() < made.double().max().item() <= high


def test_make_tensor_options() -> None:
    assert make_tensor((2, 3), dtype=tallow.float32, device="cpu", requires_grad=True).is_leaf
    gaps = make_tensor(4, dtype=tallow.float32, device="cpu", noncontiguous=True)
    assert gaps.stride() == (2,)
    counts = make_tensor(500, dtype=tallow.uint8, device="cpu", high=2, exclude_zero=True)
    assert counts.unique().tolist() == [1]
    with pytest.raises(ValueError, match="`low` must be less than `high`"):
        make_tensor(1, dtype=tallow.float32, device="cpu", low=2, high=1)
    with pytest.raises(ValueError, match="not supported for boolean and integral"):
        make_tensor(1, dtype=tallow.int64, device="cpu", requires_grad=True)
