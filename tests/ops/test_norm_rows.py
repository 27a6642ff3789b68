"""Normalisation of rows, several of which are handled together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tallow
import tallow.nn.functional as F


def normalized(name: str, x: Any, size: int, weight: Any) -> Any:
    if name == "layer_norm":
        return F.layer_norm(x, (size,), weight, weight)
    return F.rms_norm(x, (size,), weight)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("size", [1, 10, 257, 5000])
@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
def test_a_row_does_not_depend_on_those_beside_it(name: str, size: int, weighted: bool) -> None:
    rng = np.random.default_rng(size)
    drawn = rng.standard_normal((3, 39, size)).astype(np.float32)
    x, grad, more = (tallow.from_numpy(a) for a in drawn)
    weight = more[0] if weighted else None
    x.requires_grad_()
    together = normalized(name, x, size, weight)
    together.backward(grad)
    for i in (0, 1, 15, 16, 36, 38):
        row = x.detach()[i : i + 1].requires_grad_()
        alone = normalized(name, row, size, weight)
        alone.backward(grad[i : i + 1])
        assert tallow.equal(alone[0], together[i])
        assert tallow.equal(row.grad[0], x.grad[i])


@pytest.mark.parametrize("rows", [1, 3, 4, 31, 33, 70])
def test_weight_gradients_add_up_every_row_once(rows: int) -> None:
    rng = np.random.default_rng(rows)
    x = tallow.from_numpy(rng.integers(-3, 4, (rows, 24)).astype(np.float32))
    grad = tallow.from_numpy(rng.integers(-3, 4, (rows, 24)).astype(np.float32))
    weight, bias = tallow.ones(24, requires_grad=True), tallow.zeros(24, requires_grad=True)
    F.layer_norm(x, (24,), weight, bias).backward(grad)
    assert tallow.equal(bias.grad, grad.sum(0))
    exact = x.double()
    exact = (exact - exact.mean(1, keepdim=True)) / (
        exact.var(1, correction=0, keepdim=True) + 1e-5
    ).sqrt()
    assert tallow.allclose(weight.grad.double(), (exact * grad.double()).sum(0), atol=1e-4)
