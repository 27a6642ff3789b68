"""embedding, embedding_renorm_ and one_hot beyond their table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tallow
from tallow.autograd import gradcheck, gradgradcheck

T = tallow.tensor
F = tallow.nn.functional


def table(rows: int = 5, width: int = 3) -> Any:
    return tallow.randn(rows, width, dtype=tallow.float64, requires_grad=True)


def test_gradient_adds_up_repeated_rows() -> None:
    weight = table()
    tallow.embedding(weight, T([[1, 3], [1, 1]])).sum().backward()
    assert weight.grad[:, 0].tolist() == [0, 3, 0, 1, 0]


def test_padding_row_gets_no_gradient() -> None:
    weight = table()
    tallow.embedding(weight, T([1, 2, 2]), 2).sum().backward()
    assert weight.grad[:, 0].tolist() == [0, 1, 0, 0, 0]


def test_padding_row_gets_none_even_from_infinite_gradients() -> None:
    weight = table()
    tallow.embedding(weight, T([1, 2]), 2).backward(tallow.full((2, 3), float("inf")).double())
    assert weight.grad[2].tolist() == [0, 0, 0]


def test_scaling_by_frequency() -> None:
    weight = table()
    tallow.embedding(weight, T([1, 1, 1, 4]), -1, True).sum().backward()
    np.testing.assert_allclose(weight.grad[:, 0].tolist(), [0, 1, 0, 0, 1])


@pytest.mark.parametrize("padding", [-1, 1])
@pytest.mark.parametrize("by_frequency", [False, True])
def test_derivatives(padding: int, by_frequency: bool) -> None:
    index = T([[1, 3], [1, 0]])

    def function(weight: Any) -> Any:
        return tallow.embedding(weight, index, padding, by_frequency)

    weight = table()
    if padding < 0:
        assert by_frequency or gradcheck(function, (weight,))
        assert by_frequency or gradgradcheck(function, (weight,))
    out = function(weight)
    seed = tallow.randn_like(out).requires_grad_()
    (first,) = tallow.autograd.grad(out, weight, seed, create_graph=True)
    assert gradcheck(
        lambda s: tallow.autograd.grad(function(weight), weight, s, create_graph=True)[0], (seed,)
    )
    assert first.shape == weight.shape


@pytest.mark.parametrize("dtype", [tallow.int32, tallow.int64])
@pytest.mark.parametrize("shape", [(), (0,), (2, 0), (7,), (2, 3)])
def test_shapes(dtype: Any, shape: tuple[int, ...]) -> None:
    weight = table()
    index = tallow.randint(0, 5, shape, dtype=dtype)
    out = tallow.embedding(weight, index)
    assert out.shape == (*shape, 3)
    np.testing.assert_array_equal(out.detach().numpy(), weight.detach().numpy()[index.numpy()])


def test_transposed_table() -> None:
    weight = tallow.randn(3, 5).t()
    assert tallow.embedding(weight, T([4])).tolist() == [weight[4].tolist()]


def test_renorm_shortens_only_long_rows() -> None:
    weight = T([[3.0, 4.0], [0.3, 0.4], [30.0, 40.0]])
    tallow.embedding_renorm_(weight, T([0, 1, 0]), 1.0, 2.0)
    np.testing.assert_allclose(weight[0].tolist(), [0.6, 0.8], rtol=1e-6)
    np.testing.assert_allclose(weight[1:].tolist(), [[0.3, 0.4], [30, 40]], rtol=1e-6)


@pytest.mark.parametrize(
    ("index", "kind", "message"),
    [
        ([5], IndexError, "index out of range in self: index 5 (element 0 of the index) is not in"),
        ([0, -1], IndexError, "index out of range in self: index -1 (element 1 of the index)"),
        (
            [1.0],
            RuntimeError,
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: "
            "Long, Int; but got",
        ),
    ],
)
def test_bad_indices(index: list[float], kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as error:
        tallow.embedding(table(), T(index))
    assert str(error.value).startswith(message)


def test_weight_must_be_a_matrix() -> None:
    with pytest.raises(RuntimeError, match="^'weight' must be 2-D"):
        tallow.embedding(tallow.ones(3), T([1]))


@pytest.mark.parametrize(
    ("index", "classes", "message"),
    [
        ([2, -1], -1, "Class values must be non-negative."),
        ([2], 2, "Class values must be smaller than num_classes."),
        ([], -1, "Can not infer total number of classes from empty tensor."),
    ],
)
def test_one_hot_refuses(index: list[int], classes: int, message: str) -> None:
    with pytest.raises(RuntimeError) as error:
        F.one_hot(T(index, dtype=tallow.int64), classes)
    assert str(error.value) == message


def test_one_hot_of_nothing() -> None:
    assert F.one_hot(tallow.zeros(0, 2, dtype=tallow.int64), 3).shape == (0, 2, 3)
