"""What type checkers say about ordinary programs; mypy reads this file, pytest runs it."""

from __future__ import annotations

from typing import Any, assert_type

import numpy as np

import tallow
from tallow import Tensor, nn


def test_arithmetic_gives_tensors() -> None:
    x = tallow.ones(2, 3)
    assert_type(x, Tensor)
    assert_type(x + 1, Tensor)
    assert_type(2.0 * x, Tensor)
    assert_type(1 - x @ x.T @ x, Tensor)
    assert_type(-(x**2), Tensor)
    assert_type(x == 1, Tensor)
    assert_type((x != x).any(), Tensor)
    assert_type((x > 0) & (x < 2), Tensor)
    x += 1
    assert_type(x, Tensor)


def test_sizes_are_given_one_by_one_or_as_a_sequence() -> None:
    x = tallow.zeros((2, 3))
    assert_type(x.reshape(3, 2), Tensor)
    assert_type(x.reshape([3, 2]).view(x.shape), Tensor)
    assert_type(x.view(-1, 3), Tensor)
    assert_type(x.view(tallow.int32), Tensor)
    assert_type(x.permute(1, 0).permute((1, 0)), Tensor)
    assert_type(x.expand(4, -1, -1), Tensor)
    assert_type(x.new_zeros((1,)), Tensor)
    assert_type(x.sum((0, 1)).sum(), Tensor)


def test_geometry_is_made_of_integers() -> None:
    x = tallow.zeros(2, 3)
    assert_type(x.shape, tallow.Size)
    assert_type(x.shape[0], int)
    assert_type(x.shape[1:], tallow.Size)
    assert_type(x.size(), tallow.Size)
    assert_type(x.size(0), int)
    assert_type(x.stride(), tuple[int, ...])
    assert_type(x.numel() // x.dim(), int)
    rows, columns = x.shape
    assert_type(rows * columns, int)


def test_results_with_names() -> None:
    values, indices = tallow.zeros(2, 3).max(dim=1)
    assert_type(values, Tensor)
    assert_type(indices, Tensor)
    assert_type(tallow.zeros(2, 3).sort().indices, Tensor)
    assert_type(tallow.zeros(2, 3).max(), Tensor)


def test_conversions() -> None:
    x = tallow.zeros(1, dtype=tallow.float64, device="cpu")
    assert_type(x.item(), bool | int | float)
    assert_type(float(x), float)
    assert_type(x.dtype, tallow.dtype)
    assert_type(x.device, tallow.device)
    assert_type(x.numpy(), np.ndarray[Any, Any])
    assert_type(tallow.from_numpy(np.zeros(2)), Tensor)
    assert_type(x.to("cpu").to(tallow.float32), Tensor)
    assert_type(tallow.where(x > 0, x, 0.0), Tensor)


def test_gradients() -> None:
    x = tallow.ones(2, requires_grad=True)
    (x * x).sum().backward()
    assert_type(x.grad, Tensor | None)
    assert x.grad is not None
    assert_type(x.grad.norm(), Tensor)
    with tallow.no_grad():
        x -= 0.1 * x.grad


def test_modules() -> None:
    layer = nn.Linear(2, 3)
    assert_type(layer.weight.shape[0], int)
    model = nn.Sequential(layer, nn.ReLU())
    optimizer = tallow.optim.SGD(model.parameters(), lr=0.1)
    optimizer.step()
    assert_type(tallow.relu(layer.weight), Tensor)
    assert_type(nn.functional.relu(layer.weight), Tensor)


def test_indexing() -> None:
    x = tallow.arange(6).reshape(2, 3)
    assert_type(x[0], Tensor)
    assert_type(x[:, None, ..., 1:], Tensor)
    assert_type(x[x > 2], Tensor)
    assert_type(x[[0, 1]], Tensor)
    x[0] = 1
    x[x == 1] = 0.0
    for row in x:
        assert_type(row, Tensor)
