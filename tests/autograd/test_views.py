"""Views and gradients between views, as in PyTorch."""

from __future__ import annotations

import pytest

import tallow


def test_as_strided_shares_the_gradient_among_elements_at_one_address() -> None:
    x = tallow.arange(4.0, requires_grad=True)
    expanded = x.expand(3, 4)
    part = expanded.as_strided((2,), (1,))
    x_grad, expanded_grad = tallow.autograd.grad(part.sum(), [x, expanded])
    assert x_grad.tolist() == [1, 1, 0, 0]
    assert expanded_grad.tolist() == [[pytest.approx(1 / 3)] * 2 + [0, 0]] * 3


def test_expand_names_the_last_dimension_that_does_not_fit() -> None:
    with pytest.raises(RuntimeError, match=r"^The expanded size of the tensor \(3\) must match"):
        tallow.ones(3, 4).expand(4, 3)


def test_grad_sees_a_tensors_gradient_before_its_hooks_where_backward_goes_on() -> None:
    x = tallow.ones(3, 4, requires_grad=True)
    y = x * 2
    y.register_hook(lambda grad: grad * 3)
    both = tallow.autograd.grad(y.sum(), [x, y], retain_graph=True)
    assert [grad[0, 0].item() for grad in both] == [6, 1]
    (alone,) = tallow.autograd.grad(y.sum(), [y])
    assert alone[0, 0].item() == 3


@pytest.mark.parametrize(
    ("result", "name"),
    [
        (lambda x: 1 - x, "RsubBackward1"),
        (lambda x: 2**x, "PowBackward2"),
        (lambda x: x - 1, "SubBackward0"),
        (lambda x: x**2, "PowBackward0"),
    ],
)
def test_a_number_on_the_left_has_its_own_node(result, name: str) -> None:  # type: ignore[no-untyped-def]
    assert type(result(tallow.ones(2, requires_grad=True)).grad_fn).__name__ == name


def test_plus_refuses_bool() -> None:
    with pytest.raises(RuntimeError, match=r"^The `\+` operator, on a bool tensor"):
        +tallow.tensor([True])


@pytest.mark.parametrize("value", [3, 1.5, "a", None])
def test_requires_grad_takes_only_a_bool(value: object) -> None:
    with pytest.raises(TypeError, match=r"requires_grad_\(\): argument 'requires_grad' \(position"):
        tallow.ones(2).requires_grad_(value)  # type: ignore[arg-type]


def test_size_of_a_scalar_has_no_dimensions() -> None:
    with pytest.raises(IndexError, match="^Dimension specified as 0 but tensor has no dimensions"):
        tallow.tensor(1.0).size(0)


@pytest.mark.parametrize("name", ["addcmul_", "addcdiv_"])
def test_an_op_that_overwrites_its_own_factor_has_the_right_gradient(name: str) -> None:
    x = tallow.tensor([2.0, 3.0], dtype=tallow.float64, requires_grad=True)
    y = x * 1
    getattr(y, name)(y, y + 1)
    z = getattr(x, name[:-1])(x, x + 1)
    (inplace,) = tallow.autograd.grad(y.sum(), [x])
    (plain,) = tallow.autograd.grad(z.sum(), [x])
    assert inplace.tolist() == plain.tolist()
