"""Jacobians, Hessians and their products with vectors."""

from __future__ import annotations

from typing import Any

import pytest

import tallow
from tallow.autograd import functional as F

X = tallow.tensor([1.0, 2.0])
Y = tallow.tensor([3.0, 4.0])


def nested(value: Any) -> Any:
    if isinstance(value, tallow.Tensor):
        return value.tolist()
    return tuple(nested(item) for item in value)


def cube_sum(x: tallow.Tensor) -> tallow.Tensor:
    return (x**3).sum()


def test_jacobian_of_one_input_and_output() -> None:
    assert nested(F.jacobian(lambda x: x * x, X)) == [[2, 0], [0, 4]]


def test_jacobian_of_several_inputs_and_outputs() -> None:
    result = F.jacobian(lambda a, b: (a * b, a.sum()), (X, Y))
    assert nested(result) == (([[3, 0], [0, 4]], [[1, 0], [0, 2]]), ([1, 1], [0, 0]))


def test_jacobian_shape_is_output_then_input() -> None:
    assert F.jacobian(lambda x: x.expand(4, 2, 3).sum(2), tallow.ones(2, 3)).shape == (4, 2, 2, 3)


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_jacobian_vectorized_is_the_same(strategy: str) -> None:
    result = F.jacobian(lambda x: x * x, X, vectorize=True, strategy=strategy)
    assert nested(result) == [[2, 0], [0, 4]]


def test_jacobian_can_be_differentiated() -> None:
    x = X.clone().requires_grad_()
    F.jacobian(lambda a: a**3, x, create_graph=True).sum().backward()
    assert x.grad.tolist() == [6, 12]


def test_hessian() -> None:
    assert nested(F.hessian(cube_sum, X)) == [[6, 0], [0, 12]]
    result = F.hessian(lambda a, b: (a * b).sum(), (X, Y))
    zero, one = [[0, 0], [0, 0]], [[1, 0], [0, 1]]
    assert nested(result) == ((zero, one), (one, zero))


def test_products() -> None:
    v = tallow.tensor([1.0, -1.0])
    assert nested(F.vjp(lambda x: x * x, X, v)) == ([1, 4], [2, -4])
    assert nested(F.jvp(lambda x: x * x, X, v)) == ([1, 4], [2, -4])
    assert nested(F.vhp(cube_sum, X, v)) == (9, [6, -12])
    assert nested(F.hvp(cube_sum, X, v)) == (9, [6, -12])


def test_products_of_several_inputs() -> None:
    assert nested(F.vjp(lambda a, b: a * b, (X, Y), X)) == ([3, 8], ([3, 8], [1, 4]))
    assert nested(F.jvp(lambda a, b: (a, b * 2), (X, Y), (X, Y))) == (
        ([1, 2], [6, 8]),
        ([1, 2], [6, 8]),
    )
    assert nested(F.hvp(lambda a, b: (a * b).sum(), (X, Y), (X, Y))) == (11, ([3, 4], [1, 2]))


def test_vector_may_be_left_out_for_one_element() -> None:
    assert nested(F.vjp(lambda x: x.sum(), X)) == (3, [1, 1])
    assert nested(F.jvp(lambda x: x * x, tallow.tensor([3.0]))) == ([9], [6])


def test_independent_results_are_zero_unless_strict() -> None:
    assert nested(F.jacobian(lambda x: tallow.ones(2), X)) == [[0, 0], [0, 0]]
    assert nested(F.vjp(lambda x: tallow.ones(2), X, X)) == ([1, 1], [0, 0])
    assert nested(F.vhp(lambda x: x.sum(), X, X)) == (3, [0, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: F.jacobian(lambda x: tallow.ones(2), X, strict=True),
         "^Output 0 of the user-provided function does not require gradients"),
        (lambda: F.jacobian(lambda a, b: a, (X, Y), strict=True),
         "^Output 0 of the user-provided function is independent of input 1"),
        (lambda: F.jacobian(lambda x: x * 2, X, create_graph=True, strict=True),
         "^The jacobian of the user-provided function is independent of input 0"),
        (lambda: F.hessian(lambda x: x.sum(), X, strict=True),
         "^While computing the hessian, found that the jacobian"),
        (lambda: F.hessian(lambda x: x * 2, X), "should contain a single element$"),
        (lambda: F.hessian(lambda x: (x.sum(), x.sum()), X), "should return a single Tensor$"),
        (lambda: F.vjp(lambda x: x * 2, X), "^The vector v can only be None if"),
        (lambda: F.vjp(lambda x: x * 2, X, tallow.ones(3)), "^v has invalid size: should be"),
        (lambda: F.hvp(lambda a, b: (a * b).sum(), (X, Y), X), "^v is a tuple of invalid length"),
        (lambda: F.jacobian(lambda x: x, X, strict=True, vectorize=True), "not supported together"),
    ],
)  # fmt: skip
def test_errors(call: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call()


@pytest.mark.parametrize(
    ("func", "inputs", "message"),
    [
        (lambda x: 3, X, "the given outputs of the user-provided function has type <class 'int'>"),
        (lambda x: (x, 3), X, "the value at index 1 has type <class 'int'>"),
        (lambda x: x, 3, "^The inputs given to jacobian must be either a Tensor or a tuple"),
        (lambda x, y: x, [X, Y], "the given inputs has type <class 'list'>"),
    ],
)
def test_wrong_types(func: Any, inputs: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        F.jacobian(func, inputs)


def test_works_inside_no_grad_and_leaves_the_inputs_alone() -> None:
    with tallow.no_grad():
        assert nested(F.jacobian(lambda x: x * x, X)) == [[2, 0], [0, 4]]
    assert not X.requires_grad
    assert X.grad is None
