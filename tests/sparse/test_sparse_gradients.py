"""Gradients through sparse tensors, and gradients that are sparse."""

from __future__ import annotations

from typing import Any

import pytest

import tallow
from tallow import nn, sparse
from tallow.autograd import gradcheck

F = nn.functional
INDICES = [[0, 0, 2, 3], [1, 4, 0, 2]]


def values() -> tallow.Tensor:
    return tallow.tensor([0.5, -1.5, 2.0, 0.7], dtype=tallow.float64, requires_grad=True)


def matrix(v: tallow.Tensor) -> Any:
    return tallow.sparse_coo_tensor(INDICES, v, (4, 5))


def dense(*shape: int) -> tallow.Tensor:
    numbers = tallow.linspace(-1, 2, tallow.Size(shape).numel(), dtype=tallow.float64)
    return numbers.view(shape).requires_grad_()


# ---- Through sparse tensors.


@pytest.mark.parametrize(
    "function",
    [
        lambda v, d: matrix(v) @ d,
        lambda v, d: matrix(v).to_sparse_csr() @ d,
        lambda v, d: d.t() @ matrix(v).t(),
        lambda v, d: tallow.addmm(d[:4], matrix(v), d),
        lambda v, d: sparse.mm(matrix(v), matrix(v).t()).to_dense() + d[:4, :1],
        lambda v, d: matrix(v).to_dense() * d.sum(),
        lambda v, d: (matrix(v) + 2 * matrix(v * v)).to_dense() * d.sum(),
        lambda v, d: (matrix(v) * d.t()[:1]).to_dense(),
        lambda v, d: d.t() + matrix(v),
        lambda v, d: sparse.softmax(matrix(v), 1).to_dense() * d.sum(),
        lambda v, d: sparse.log_softmax(matrix(v), 0).values() * d.sum(),
        lambda v, d: sparse.sum(matrix(v), 0).to_dense() * d.sum(),
        lambda v, d: matrix(v).square().coalesce().values() * d.sum(),
        lambda v, d: d.sum() * matrix(v).index_select(0, tallow.tensor([2, 0])).to_dense(),
    ],
)
def test_gradients_equal_differences(function: Any) -> None:
    def call(v: tallow.Tensor, d: tallow.Tensor) -> tallow.Tensor:
        result = function(v, d)
        return result.to_dense() if isinstance(result, sparse.SparseTensor) else result

    assert gradcheck(call, (values(), dense(5, 4)))


def test_a_leaf_has_a_gradient_at_its_places() -> None:
    x = tallow.sparse_coo_tensor(INDICES, values(), (4, 5), requires_grad=True)
    assert x.is_leaf
    assert x.requires_grad
    (x @ dense(5, 2)).sum().backward()
    assert x.grad.layout == tallow.sparse_coo
    assert x.grad._indices().tolist() == INDICES
    expected = dense(5, 2).sum(1)[tallow.tensor(INDICES[1])]
    assert x.grad._values().equal(expected.detach())
    x.grad = None
    assert x.grad is None


def test_hooks_see_sparse_gradients() -> None:
    x = tallow.sparse_coo_tensor(INDICES, values(), (4, 5), requires_grad=True)
    seen = []
    x.register_hook(lambda grad: seen.append(grad) or grad * 2)
    x.sum().backward()
    assert seen[0].is_sparse
    assert x.grad._values().tolist() == [2, 2, 2, 2]


# ---- Sparse gradients of tables.


def table(**options: Any) -> nn.Embedding:
    return nn.Embedding(6, 2, sparse=True, _weight=tallow.arange(12.0).view(6, 2), **options)


def test_a_table_has_a_gradient_of_the_rows_used() -> None:
    layer = table(padding_idx=1)
    layer(tallow.tensor([[1, 2], [2, 4]])).sum().backward()
    grad = layer.weight.grad
    assert grad.is_sparse
    assert grad._indices().tolist() == [[2, 2, 4]]
    assert grad.to_dense().tolist() == [[0, 0], [0, 0], [2, 2], [0, 0], [1, 1], [0, 0]]


def test_gradients_add_up() -> None:
    layer = table()
    for index in ([1, 3], [1, 3], [3]):
        layer(tallow.tensor(index)).sum().backward()
    assert layer.weight.grad.is_sparse
    assert layer.weight.grad.to_dense()[:, 0].tolist() == [0, 2, 0, 3, 0, 0]


def test_sparse_and_dense_uses_of_a_table_add_up() -> None:
    for order in (1, -1):
        layer = table()
        uses = [layer(tallow.tensor([1, 3])).sum(), layer.weight.sum()][::order]
        (uses[0] + uses[1]).backward()
        assert layer.weight.grad.layout == tallow.strided
        assert layer.weight.grad[:, 0].tolist() == [1, 2, 1, 2, 1, 1]
        layer.weight.grad = None
        layer(tallow.tensor([1])).sum().backward()
        layer.weight.sum().backward()
        assert layer.weight.grad[:, 0].tolist() == [1, 2, 1, 1, 1, 1]


def test_grad_returns_it_and_a_pass_with_a_graph_is_refused() -> None:
    layer = table()
    (grad,) = tallow.autograd.grad(layer(tallow.tensor([5])).sum(), layer.weight)
    assert grad.is_sparse
    with pytest.raises(RuntimeError, match="scale_grad_by_freq not supported with sparse"):
        F.embedding(tallow.tensor([1]), layer.weight, sparse=True, scale_grad_by_freq=True)


def test_tables_that_are_no_leaves_have_dense_gradients() -> None:
    weight = tallow.ones(3, 2, requires_grad=True)
    F.embedding(tallow.tensor([1]), weight * 2, sparse=True).sum().backward()
    assert weight.grad.tolist() == [[0, 0], [2, 2], [0, 0]]


@pytest.mark.parametrize("mode", ["sum", "mean"])
def test_bags_have_sparse_gradients(mode: str) -> None:
    index, offsets = tallow.tensor([1, 2, 2, 4]), tallow.tensor([0, 2])
    weights = [tallow.arange(12.0).view(6, 2).requires_grad_() for _ in range(2)]
    for weight, sparse_one in zip(weights, (False, True), strict=True):
        F.embedding_bag(index, weight, offsets, mode=mode, sparse=sparse_one).sum().backward()
    assert weights[1].grad.is_sparse
    assert weights[1].grad.to_dense().equal(weights[0].grad)
    with pytest.raises(ValueError, match="max mode does not support sparse weights"):
        F.embedding_bag(index, weights[0], offsets, mode="max", sparse=True)


# ---- Optimisers.


@pytest.mark.parametrize("name", ["SGD", "Adagrad"])
def test_a_sparse_step_is_the_dense_one(name: str) -> None:
    layers = table(), nn.Embedding(6, 2, _weight=tallow.arange(12.0).view(6, 2))
    for layer in layers:
        optimizer = getattr(tallow.optim, name)(layer.parameters(), lr=0.5)
        for index in ([1, 2, 2], [2, 5], [0, 0]):
            optimizer.zero_grad()
            layer(tallow.tensor(index)).square().sum().backward()
            optimizer.step()
    tallow.testing.assert_close(layers[0].weight, layers[1].weight)


def test_sparse_adam_is_adam_for_the_rows_it_meets() -> None:
    layers = table(), nn.Embedding(6, 2, _weight=tallow.arange(12.0).view(6, 2))
    optimizers = tallow.optim.SparseAdam, tallow.optim.Adam
    for layer, kind in zip(layers, optimizers, strict=True):
        optimizer = kind(layer.parameters(), lr=0.1)
        for _ in range(5):
            optimizer.zero_grad()
            layer(tallow.tensor([1, 4, 1])).square().sum().backward()
            optimizer.step()
    tallow.testing.assert_close(layers[0].weight, layers[1].weight)


def test_sparse_adam_leaves_other_rows_and_averages_alone() -> None:
    layer = table()
    optimizer = tallow.optim.SparseAdam(layer.parameters(), lr=0.1)
    for index in ([1], [2]):
        optimizer.zero_grad()
        layer(tallow.tensor(index)).sum().backward()
        optimizer.step()
    state = optimizer.state[layer.weight]
    assert state["step"] == 2
    tallow.testing.assert_close(
        state["exp_avg"][:, 0], tallow.tensor([0, 0.1, 0.1, 0, 0, 0], dtype=tallow.float32)
    )
    assert layer.weight[3:].equal(tallow.arange(6.0, 12).view(3, 2))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Adam", "Adam does not support sparse gradients, please consider SparseAdam instead"),
        ("AdamW", "Adam does not support sparse gradients, please consider SparseAdam instead"),
        *(
            (name, f"{name} does not support sparse gradients")
            for name in ("RMSprop", "Adadelta", "Adamax", "ASGD", "NAdam", "RAdam", "Rprop")
        ),
        ("Adafactor", "Adafactor does not support sparse gradients"),
        ("Muon", "Muon does not support sparse gradients"),
    ],
)
def test_other_optimisers_refuse_sparse_gradients(name: str, text: str) -> None:
    layer = table()
    optimizer = getattr(tallow.optim, name)(layer.parameters())
    layer(tallow.tensor([1])).sum().backward()
    before = layer.weight.detach().clone()
    with pytest.raises(RuntimeError, match=text):
        optimizer.step()
    assert layer.weight.equal(before)


@pytest.mark.parametrize("options", [{"weight_decay": 0.1}, {"momentum": 0.9}])
def test_sgd_refuses_what_is_dense(options: dict[str, float]) -> None:
    layer = table()
    optimizer = tallow.optim.SGD(layer.parameters(), lr=0.1, **options)
    layer(tallow.tensor([1])).sum().backward()
    if "momentum" in options:  # the buffer is sparse, as PyTorch's is
        optimizer.step()
        assert layer.weight[1].tolist() == pytest.approx([1.9, 2.9])
    else:
        with pytest.raises(RuntimeError, match="add.sparse, dense. is not supported"):
            optimizer.step()
    adagrad = tallow.optim.Adagrad(layer.parameters(), weight_decay=0.1)
    with pytest.raises(RuntimeError, match="weight_decay option is not compatible with sparse"):
        adagrad.step()


def test_gradients_can_be_set_to_zero_and_to_sparse_ones() -> None:
    layer = table()
    layer(tallow.tensor([1])).sum().backward()
    layer.zero_grad(set_to_none=False)
    assert not layer.weight.grad.to_dense().any()
    layer.weight.grad = tallow.sparse_coo_tensor([[3]], tallow.ones(1, 2), (6, 2))
    tallow.optim.SGD(layer.parameters(), lr=1.0).step()
    assert layer.weight[3].tolist() == [5, 6]
    with pytest.raises(RuntimeError, match="attempting to assign a gradient of size"):
        layer.weight.grad = tallow.sparse_coo_tensor([[3]], tallow.ones(1, 3), (6, 3))
