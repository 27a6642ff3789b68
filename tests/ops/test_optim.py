"""The native optimiser steps over lists of parameters."""

from __future__ import annotations

import pytest

import tallow

SIZES = [(), (1,), (17,), (3, 5)]


def parameters():
    return [tallow.randn(size) for size in SIZES], [tallow.randn(size) for size in SIZES]


def test_fused_sgd_subtracts_the_scaled_gradient():
    params, grads = parameters()
    expected = [p - 0.1 * g for p, g in zip(params, grads, strict=True)]
    tallow._fused_sgd_(
        params, grads, [], weight_decay=0.0, momentum=0.0, lr=0.1, dampening=0.0,
        nesterov=False, maximize=False, is_first_step=True,
    )  # fmt: skip
    for p, e in zip(params, expected, strict=True):
        tallow.testing.assert_close(p, e)


@pytest.mark.parametrize("name", ["_fused_adam_", "_fused_adamw_"])
def test_first_adam_step_has_the_length_of_the_learning_rate(name):
    params, grads = parameters()
    before = [p.clone() for p in params]
    zeros = [[tallow.zeros_like(p) for p in params] for _ in range(2)]
    steps = [tallow.ones(()) for _ in params]
    getattr(tallow, name)(
        params, grads, *zeros, [], steps, lr=0.1, beta1=0.9, beta2=0.999, weight_decay=0.0,
        eps=0.0, amsgrad=False, maximize=False,
    )  # fmt: skip
    for p, b, g in zip(params, before, grads, strict=True):
        tallow.testing.assert_close(p, b - 0.1 * g.sign())


@pytest.mark.parametrize("count", [0, 2])
def test_a_step_or_rate_that_is_no_number_is_refused(count):
    params, zeros = [tallow.ones(3)], [tallow.zeros(3)]
    numbers = {"beta1": 0.9, "beta2": 0.99, "weight_decay": 0.0, "eps": 1e-8}
    flags = {"amsgrad": False, "maximize": False}
    for steps, lr in ((tallow.ones(count), 0.1), (tallow.ones(1), tallow.ones(count))):
        with pytest.raises(RuntimeError, match=f"a Tensor with {count} elements cannot be"):
            tallow._fused_adam_(params, zeros, zeros, zeros, [], [steps], lr=lr, **numbers, **flags)
    assert params[0].tolist() == [1, 1, 1]
