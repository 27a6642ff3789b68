"""autograd.Function: contexts, argument binding, once_differentiable, legacy errors."""

from __future__ import annotations

from typing import Any

import pytest

import tallow
from tallow.autograd import Function
from tallow.autograd.function import (
    BackwardCFunction,
    FunctionCtx,
    InplaceFunction,
    once_differentiable,
)


class Cube(Function):
    @staticmethod
    def forward(ctx: Any, x: tallow.Tensor) -> tallow.Tensor:
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, grad: tallow.Tensor) -> tallow.Tensor:
        (x,) = ctx.saved_tensors
        return 3 * x * x * grad


def leaf(*values: float) -> tallow.Tensor:
    return tallow.tensor(values or (1.0, 2.0), requires_grad=True)


def test_gradient_of_a_function() -> None:
    x = leaf()
    Cube.apply(x).sum().backward()
    assert x.grad.tolist() == [3, 12]


def test_second_derivative_goes_through_backward() -> None:
    x = leaf()
    (first,) = tallow.autograd.grad(Cube.apply(x).sum(), x, create_graph=True)
    (second,) = tallow.autograd.grad(first.sum(), x)
    assert second.tolist() == [6, 12]


def test_node_is_the_context_and_carries_the_name() -> None:
    y = Cube.apply(leaf())
    assert type(y.grad_fn).__name__ == "CubeBackward"
    assert y.grad_fn.name() == "CubeBackward"
    assert isinstance(y.grad_fn, BackwardCFunction)
    assert isinstance(y.grad_fn, FunctionCtx)


def test_vjp_is_another_name_for_backward() -> None:
    class Twice(Function):
        @staticmethod
        def forward(ctx: Any, x: tallow.Tensor) -> tallow.Tensor:
            return x * 2

        @staticmethod
        def vjp(ctx: Any, grad: tallow.Tensor) -> tallow.Tensor:
            return grad * 2

    x = leaf()
    Twice.apply(x).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_backward_and_vjp_together_are_an_error() -> None:
    class Both(Cube):
        @staticmethod
        def vjp(ctx: Any, grad: tallow.Tensor) -> tallow.Tensor:
            return grad

    with pytest.raises(RuntimeError, match=r"^Implementing both 'backward' and 'vjp'"):
        Both.apply(leaf()).sum().backward()


class Scaled(Function):
    @staticmethod
    def forward(ctx: Any, x: tallow.Tensor, bias: Any = None, factor: float = 1) -> tallow.Tensor:
        ctx.factor = factor
        return x * factor

    @staticmethod
    def backward(ctx: Any, grad: tallow.Tensor) -> Any:
        return grad * ctx.factor, None, None


class Separate(Function):
    @staticmethod
    def forward(x: tallow.Tensor, factor: float = 2) -> tallow.Tensor:
        return x * factor

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.inputs = inputs

    @staticmethod
    def backward(ctx: Any, grad: tallow.Tensor) -> Any:
        return grad * ctx.inputs[1], None


def test_keyword_arguments_are_bound_by_position() -> None:
    x = leaf()
    Scaled.apply(x, bias=None, factor=4).sum().backward()
    assert x.grad.tolist() == [4, 4]
    assert Scaled.apply(x=x, bias=None, factor=3).tolist() == [3, 6]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"factor": 4}, r"forward\(\) missing required argument: 'bias' \(position 1\)"),
        ({"z": 4}, r"forward\(\) got an unexpected keyword argument 'z'"),
        ({"x": 4}, r"forward\(\) got multiple values for argument 'x'"),
    ],
)
def test_keyword_arguments_that_do_not_fit(kwargs: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=f"^{message}$"):
        Scaled.apply(leaf(), **kwargs)


def test_setup_context_sees_defaults() -> None:
    x = leaf()
    y = Separate.apply(x)
    assert y.grad_fn.inputs[1] == 2
    y.sum().backward()
    assert x.grad.tolist() == [2, 2]
    assert Separate.apply(x, factor=5).grad_fn.inputs[1] == 5


def test_instances_are_deprecated_and_cannot_be_called() -> None:
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        made = Cube()
    with pytest.raises(RuntimeError, match=r"^Legacy autograd function"):
        made(leaf())


def test_inplace_function_remembers_its_flag() -> None:
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        assert InplaceFunction(True).inplace is True


def test_incomplete_functions_say_what_is_missing() -> None:
    class Empty(Function):
        pass

    class NoBackward(Function):
        @staticmethod
        def forward(ctx: Any, x: tallow.Tensor) -> tallow.Tensor:
            return x * 2

    with pytest.raises(NotImplementedError, match=r"^You must implement the forward function"):
        Empty.apply(leaf())
    y = NoBackward.apply(leaf()).sum()
    with pytest.raises(
        NotImplementedError, match=r"^You must implement either the backward or vjp"
    ):
        y.backward()


class Once(Function):
    @staticmethod
    def forward(ctx: Any, x: tallow.Tensor) -> tuple[tallow.Tensor, tallow.Tensor]:
        return x * 2, x * 3

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, a: tallow.Tensor, b: tallow.Tensor) -> tallow.Tensor:
        assert not tallow.is_grad_enabled()
        return a * 2 + b * 3


def test_once_differentiable_runs_without_recording() -> None:
    x = leaf()
    y, z = Once.apply(x)
    (y + z).sum().backward()
    assert x.grad.tolist() == [5, 5]


@pytest.mark.parametrize("start", [None, leaf(1.0, 1.0)])
def test_once_differentiable_refuses_a_second_derivative(start: tallow.Tensor | None) -> None:
    x = leaf()
    y = Once.apply(x)[0]
    root = y.sum() if start is None else y
    (grad,) = tallow.autograd.grad(root, x, start, create_graph=True)
    assert grad.tolist() == [2, 2]
    assert grad.requires_grad
    with pytest.raises(RuntimeError, match=r"^trying to differentiate twice a function"):
        grad.sum().backward()


def test_once_differentiable_keeps_missing_gradients() -> None:
    class First(Function):
        @staticmethod
        def forward(ctx: Any, x: tallow.Tensor, y: tallow.Tensor) -> tallow.Tensor:
            return x * 2

        @staticmethod
        @once_differentiable
        def backward(ctx: Any, grad: tallow.Tensor) -> Any:
            return grad * 2, None

    x, y = leaf(), leaf()
    grads = tallow.autograd.grad(
        First.apply(x, y).sum(), (x, y), create_graph=True, allow_unused=True
    )
    assert grads[0].tolist() == [2, 2]
    assert grads[1] is None


def test_function_holds_its_payload_only_as_long_as_the_graph() -> None:
    import gc
    import weakref

    class Payload:
        pass

    seen = []

    class Keep(Function):
        @staticmethod
        def forward(ctx: Any, x: tallow.Tensor) -> tallow.Tensor:
            ctx.payload = Payload()
            seen.append(weakref.ref(ctx.payload))
            return x * 2

        @staticmethod
        def backward(ctx: Any, grad: tallow.Tensor) -> tallow.Tensor:
            return grad * 2

    gc.collect()
    gc.disable()
    try:
        y = Keep.apply(leaf()).exp()
        assert seen[0]() is not None
        del y
        assert seen[0]() is None
    finally:
        gc.enable()
