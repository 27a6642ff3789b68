"""dropout, feature_dropout, alpha_dropout, feature_alpha_dropout, native_dropout."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tallow
from tallow.autograd import gradcheck, gradgradcheck

ALL = [
    tallow.dropout,
    tallow.feature_dropout,
    tallow.alpha_dropout,
    tallow.feature_alpha_dropout,
]
INPLACE = [
    tallow.dropout_,
    tallow.feature_dropout_,
    tallow.alpha_dropout_,
    tallow.feature_alpha_dropout_,
]


def test_elements_are_dropped_or_scaled() -> None:
    x = tallow.arange(1.0, 10_001.0)
    y = tallow.dropout(x, 0.2, True)
    kept = y != 0
    assert kept.float().mean().item() == pytest.approx(0.8, abs=0.02)
    np.testing.assert_array_equal(
        y[kept].numpy(), x[kept].numpy() * (np.float32(1) / np.float32(0.8))
    )


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize(("p", "train"), [(0, True), (0.5, False), (1, False)])
def test_identity_returns_the_input_and_draws_nothing(function: Any, p: float, train: bool) -> None:
    x = tallow.ones(2, 3, requires_grad=True)
    before = tallow.get_rng_state().tolist()
    assert function(x, p, train) is x
    assert tallow.get_rng_state().tolist() == before


@pytest.mark.parametrize("function", ALL)
def test_everything_is_dropped_at_p_1_without_drawing(function: Any) -> None:
    before = tallow.get_rng_state().tolist()
    x = tallow.tensor([[1.0, float("nan"), 2.0]])
    y = function(x, 1, True).tolist()[0]
    assert y[0] == y[2] == 0
    assert np.isnan(y[1])
    assert tallow.get_rng_state().tolist() == before


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_probability_outside_0_1_is_refused(function: Any, p: float) -> None:
    with pytest.raises(RuntimeError, match="^dropout probability has to be between 0 and 1"):
        function(tallow.ones(2, 2), p, True)


def test_integers_are_refused() -> None:
    with pytest.raises(
        RuntimeError, match="^result type Float can't be cast to the desired output"
    ):
        tallow.dropout(tallow.ones(2, dtype=tallow.int64), 0.5, True)


@pytest.mark.parametrize("function", ALL)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_nothing_stays_nothing(function: Any, shape: tuple[int, ...]) -> None:
    assert function(tallow.zeros(shape), 0.5, True).shape == shape


@pytest.mark.parametrize("function", ALL)
def test_gradients(function: Any) -> None:
    x = tallow.randn(3, 4, 2, dtype=tallow.float64, requires_grad=True)

    def seeded(x: Any) -> Any:
        tallow.manual_seed(1)
        return function(x, 0.4, True)

    assert gradcheck(seeded, (x,))
    assert gradgradcheck(seeded, (x,))


@pytest.mark.parametrize(("function", "inplace"), list(zip(ALL, INPLACE, strict=True)))
@pytest.mark.parametrize("transposed", [False, True])
def test_inplace_gives_the_same_numbers(function: Any, inplace: Any, transposed: bool) -> None:
    x = tallow.randn(6, 5)
    x = x.t() if transposed else x
    tallow.manual_seed(3)
    expected = function(x, 0.5, True)
    written = x.clone()
    tallow.manual_seed(3)
    assert inplace(written, 0.5, True) is written
    np.testing.assert_allclose(written.numpy(), expected.numpy(), rtol=1e-6)


def test_inplace_is_recorded() -> None:
    leaf = tallow.ones(50, requires_grad=True)
    y = tallow.dropout_(leaf * 1, 0.5, True)
    y.sum().backward()
    np.testing.assert_array_equal(leaf.grad.numpy(), y.detach().numpy())


@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16, tallow.float64])
def test_backward_uses_the_factor_of_forward(dtype: Any) -> None:
    x = tallow.ones(200, dtype=dtype, requires_grad=True)
    y = tallow.dropout(x, 0.3, True)
    y.backward(tallow.ones_like(y))
    assert x.grad.tolist() == y.tolist()


def test_memory_order_is_kept() -> None:
    x = tallow.ones(2, 3, 4, 5).to(memory_format=tallow.channels_last)
    y = tallow.dropout(x, 0.5, True)
    assert y.stride() == x.stride()


def test_channels_are_dropped_together() -> None:
    y = tallow.feature_dropout(tallow.ones(20, 10, 3, 2), 0.5, True)
    flat = y.reshape(200, 6)
    assert set(flat.unique().tolist()) == {0, 2}
    assert (flat == flat[:, :1]).all()


def test_feature_dropout_needs_channels() -> None:
    with pytest.raises(RuntimeError, match="^Feature dropout requires at least 2 dimensions"):
        tallow.feature_dropout(tallow.ones(3), 0.5, True)


def test_alpha_dropout_keeps_mean_and_variance() -> None:
    y = tallow.alpha_dropout(tallow.randn(200_000), 0.3, True)
    assert y.mean().item() == pytest.approx(0, abs=0.01)
    assert y.std().item() == pytest.approx(1, abs=0.01)


def test_feature_alpha_dropout_drops_channels_together() -> None:
    y = tallow.feature_alpha_dropout(tallow.zeros(20, 10, 4), 0.5, True)
    assert (y == y[:, :, :1]).all()
    assert len(y.unique()) == 2


@pytest.mark.parametrize("p", [0.0, 0.25, 1.0])
def test_native_dropout_returns_the_mask(p: float) -> None:
    x = tallow.randn(1000, requires_grad=True)
    y, mask = tallow.native_dropout(x, p, True)
    assert mask.dtype == tallow.bool
    factor = 1 / (1 - p) if p < 1 else 0
    np.testing.assert_allclose(y.tolist(), (x * mask * factor).tolist(), rtol=1e-6)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), (mask * factor).tolist(), rtol=1e-6)


def test_native_dropout_outside_training_copies() -> None:
    x = tallow.randn(5)
    y, mask = tallow.native_dropout(x, 0.5, False)
    assert y is not x
    assert y.tolist() == x.tolist()
    assert mask.all()
