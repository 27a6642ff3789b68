"""Softmax and its relatives: accuracy, the ends of the range, and bits in every layout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tallow

SIZES = (1, 3, 16, 17, 255, 257, 769, 1000)


def rows(size: int, offset: float, spread: float) -> Any:
    noise = np.random.default_rng(size).standard_normal((4, size))
    return (offset + spread * noise).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("spread", [1.0, 40.0, 1e5, 3e37])
def test_columns_have_the_bits_of_rows(size: int, spread: float) -> None:
    x = tallow.from_numpy(rows(size, 0.0, spread))
    for call in (tallow.softmax, tallow.log_softmax, tallow.logsumexp):
        across = call(x.t().contiguous(), 0)
        assert tallow.equal(across.t() if across.dim() == 2 else across, call(x, 1))


@pytest.mark.parametrize("offset", [0.0, -300.0, 1e4, 3e6])
@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_softmax_is_accurate_however_large_its_input(offset: float, spread: float) -> None:
    x = rows(1000, offset, spread)
    exact = np.exp(x.astype(np.float64) - x.max(1, keepdims=True))
    exact /= exact.sum(1, keepdims=True)
    given = tallow.softmax(tallow.from_numpy(x), 1).numpy()
    counted = exact > 1e-37
    error = np.abs(given - exact)[counted] / exact[counted]
    assert error.max() <= 4 * 2.0**-24
    assert np.all(given[~counted] <= 1e-37)


def test_what_is_far_below_the_maximum_is_zero() -> None:
    x = tallow.tensor([[0.0, -103.0, -104.5, -111.0, -1e30, -3e38, -float("inf")]])
    y = tallow.softmax(x, 1)[0]
    assert y[0].item() == 1.0
    assert y[1].item() == float(np.float32(np.exp(-103.0)))
    assert y[2:].tolist() == [0.0] * 5
    assert tallow.softmax(tallow.tensor([3e38, -3e38]), 0).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("most", [0.0, 3.3, -90.7, 255.9, 256.1, -1e6, 3e38, -3.4e38])
def test_a_row_of_one_number_is_certain(most: float) -> None:
    x = tallow.tensor([[most]], requires_grad=True)
    assert tallow.softmax(x, 1).item() == 1.0
    assert tallow.log_softmax(x, 1).item() == 0.0
    assert tallow.logsumexp(x, 1).item() == x.item()
    loss = tallow.nn.functional.cross_entropy(x, tallow.tensor([0]))
    loss.backward()
    assert (loss.item(), x.grad.item()) == (0.0, 0.0)


def test_rows_of_the_least_number_are_even() -> None:
    x = tallow.full((3, 4), -3.4e38)
    assert tallow.softmax(x, 1).eq(0.25).all()
    assert tallow.log_softmax(x, 1).eq(float(np.float32(-np.log(4)))).all()


@pytest.mark.parametrize("offset", [0.0, 37.0, 256.0, -255.0, 1e4])
@pytest.mark.parametrize("spread", [1.0, 10.0])
@pytest.mark.parametrize("size", [10, 1000])
def test_logarithms_are_accurate_however_large_their_input(
    size: int, spread: float, offset: float
) -> None:
    x = rows(size, offset, spread)
    most = x.max(1, keepdims=True).astype(np.float64)
    total = most + np.log(np.exp(x - most).sum(1, keepdims=True))
    exact = x - total
    ulp = [np.spacing(np.abs(v).astype(np.float32)) for v in (exact, total)]
    given = tallow.log_softmax(tallow.from_numpy(x), 1).numpy()
    assert np.all(np.abs(given - exact) <= 0.5 * ulp[0] + ulp[1])
    sums = tallow.logsumexp(tallow.from_numpy(x), 1, keepdim=True).numpy()
    assert np.all(np.abs(sums - total) <= ulp[1] + 2.0**-23)


@pytest.mark.parametrize("size", [1, 10, 128, 300, 5000])
def test_a_row_does_not_depend_on_those_beside_it(size: int) -> None:
    x = tallow.from_numpy(np.resize(rows(size, 0.0, 3.0), (37, size)).copy())
    for call in (tallow.softmax, tallow.log_softmax, tallow.logsumexp):
        alone = [call(x[i : i + 1], 1) for i in range(37)]
        assert tallow.equal(call(x, 1), tallow.cat(alone))


@pytest.mark.parametrize("row", [[1.0, float("nan")], [float("inf"), 1.0], [-float("inf")] * 3])
def test_nan_and_an_infinite_maximum_make_nan(row: list[float]) -> None:
    for dtype in (tallow.float32, tallow.float64, tallow.bfloat16):
        assert tallow.softmax(tallow.tensor(row, dtype=dtype), 0).isnan().all()


@pytest.mark.parametrize("log", [False, True])
def test_gradients_of_rows_are_those_of_columns(log: bool) -> None:
    call = tallow.log_softmax if log else tallow.softmax
    x = tallow.from_numpy(rows(300, 0.0, 3.0))
    across = x.t().contiguous().requires_grad_()
    x.requires_grad_()
    weight = tallow.from_numpy(rows(300, 1.0, 1.0))
    (call(x, 1) * weight).sum().backward()
    (call(across, 0) * weight.t().contiguous()).sum().backward()
    assert tallow.equal(across.grad.t(), x.grad)
