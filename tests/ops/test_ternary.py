"""where, clamp, lerp, addcmul and addcdiv."""

from __future__ import annotations

import math

import pytest

import tallow


def test_lerp_reaches_both_ends_exactly() -> None:
    start, end = tallow.tensor([0.1, 1e8]), tallow.tensor([0.3, -7.0])
    assert tallow.equal(tallow.lerp(start, end, 0.0), start)
    assert tallow.equal(tallow.lerp(start, end, 1.0), end)


def test_clamp_of_nan_and_crossed_bounds() -> None:
    x = tallow.tensor([math.nan, -5.0, 0.0, 5.0])
    result = tallow.clamp(x, -1, 1)
    assert math.isnan(result[0])
    assert result[1:].tolist() == [-1.0, 0.0, 1.0]
    assert tallow.clamp(x, 3, 1)[1:].tolist() == [1.0, 1.0, 1.0]
    assert tallow.clamp(tallow.tensor([1, 5]), 1.5, 3).tolist() == [1.5, 3.0]
    assert x.clip(max=0)[1:].tolist() == [-5.0, 0.0, 0.0]


@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64])
@pytest.mark.parametrize("count", [1, 8, 33])
@pytest.mark.parametrize("bounds", [(math.nan, 1.0), (-1.0, math.nan)])
def test_clamp_to_nan_is_nan(bounds: tuple[float, float], count: int, dtype: tallow.dtype) -> None:
    assert tallow.zeros(count, dtype=dtype).clamp(*bounds).isnan().all()


def test_clamp_by_tensors_broadcasts() -> None:
    x = tallow.zeros(2, 3)
    low = tallow.tensor([-1.0, 1.0, -1.0])
    high = tallow.tensor([[2.0], [-0.5]])
    assert tallow.clamp(x, low, high).tolist() == [[0.0, 1.0, 0.0], [-0.5, -0.5, -0.5]]


def test_where_promotes_and_broadcasts() -> None:
    condition = tallow.tensor([[True], [False]])
    result = tallow.where(condition, tallow.tensor([1, 2]), 0.5)
    assert result.tolist() == [[1.0, 2.0], [0.5, 0.5]]
    assert tallow.tensor([1.0, 2.0]).where(tallow.tensor([True, False]), 9.0).tolist() == [1.0, 9.0]


def test_gradients_of_where_do_not_mix_branches() -> None:
    x = tallow.tensor([1.0, 0.0], requires_grad=True)
    tallow.where(x > 0, x, tallow.zeros(2)).sum().backward()
    assert x.grad.tolist() == [1.0, 0.0]


def test_addcmul_and_addcdiv_scale_by_value() -> None:
    x, a, b = tallow.tensor([1.0]), tallow.tensor([6.0]), tallow.tensor([3.0])
    assert tallow.addcmul(x, a, b, value=0.5).item() == 10.0
    assert tallow.addcdiv(x, a, b, value=0.5).item() == 2.0
    n = tallow.tensor([1, 2])
    assert tallow.addcmul(n, n, n, value=2).tolist() == [3, 10]


def test_ternary_operations_broadcast_three_ways() -> None:
    x, a, b = tallow.ones(2, 1, 1), tallow.ones(3, 1), tallow.arange(4.0)
    assert tallow.addcmul(x, a, b).shape == (2, 3, 4)
    assert tallow.addcmul(x, a, b)[1, 2].tolist() == [1.0, 2.0, 3.0, 4.0]
    assert tallow.lerp(x, a, b).shape == (2, 3, 4)
