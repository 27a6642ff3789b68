"""Operators of the user: schema, kernels, derivative, and their place in tallow.ops."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, Optional

import numpy as np
import pytest

import tallow
from tallow import Tensor, library


@pytest.fixture(autouse=True)
def forget_operators() -> Any:
    before = dict(library.OPS)
    yield
    library.OPS.clear()
    library.OPS.update(before)


def sine() -> Any:
    """An operator on NumPy with its derivative."""

    @library.custom_op("test::sine", mutates_args=())
    def op(x: Tensor) -> Tensor:
        return tallow.from_numpy(np.sin(x.numpy()))

    op.register_autograd(
        lambda ctx, grad: grad * ctx.saved_tensors[0].cos(),
        setup_context=lambda ctx, inputs, output: ctx.save_for_backward(*inputs),
    )
    return op


def test_kernels_get_tensors_without_history() -> None:
    x = tallow.tensor([0.5, 2.0], requires_grad=True)
    y = sine()(x)
    assert y.grad_fn is not None
    assert np.allclose(y.detach().numpy(), np.sin([0.5, 2.0]))


def test_derivatives_can_be_differentiated_again() -> None:
    x = tallow.tensor([0.5, 2.0], dtype=tallow.float64, requires_grad=True)
    assert tallow.autograd.gradcheck(sine(), (x,))
    assert tallow.autograd.gradgradcheck(sine(), (x,))


def test_no_derivative_is_an_error_in_backward_only() -> None:
    @library.custom_op("test::plain", mutates_args=())
    def plain(x: Tensor) -> Tensor:
        return x * 2

    y = plain(tallow.ones(2, requires_grad=True))
    assert y.requires_grad
    with pytest.raises(RuntimeError, match=r"Trying to backward through test\.plain\.default but"):
        y.sum().backward()


def test_lists_of_tensors_have_gradients() -> None:
    seen = []

    @library.custom_op("test::lists", mutates_args=())
    def lists(xs: Sequence[Tensor], factor: float = 3.0) -> tuple[Tensor, list[Tensor]]:
        return xs[0] * factor, [x.clone() for x in xs]

    def backward(ctx: Any, one: Tensor, many: list[Tensor]) -> Any:
        seen.append(ctx.needs_input_grad)
        return [3 * one + many[0], many[1]], None

    lists.register_autograd(backward, setup_context=lambda ctx, inputs, output: None)
    a, b = (tallow.ones(1, requires_grad=True) for _ in range(2))
    one, (first, second) = lists([a, b])
    (one + 2 * first + 5 * second).backward()
    assert (a.grad.item(), b.grad.item()) == (5, 5)
    assert seen == [([True, True], False)]


def test_wrong_numbers_of_gradients_are_refused() -> None:
    @library.custom_op("test::two", mutates_args=())
    def two(x: Tensor, y: Tensor) -> Tensor:
        return x * y

    two.register_autograd(lambda ctx, grad: grad)
    with pytest.raises(RuntimeError, match="returned an incorrect number of gradients"):
        two(tallow.ones(1, requires_grad=True), tallow.ones(1)).backward()


def test_results_that_are_no_tensors_pass() -> None:
    @library.custom_op("test::mixed", mutates_args=())
    def mixed(x: Tensor) -> tuple[Tensor, int]:
        return x * 2, 7

    mixed.register_autograd(lambda ctx, grad, number: grad * 2)
    x = tallow.ones(1, requires_grad=True)
    y, number = mixed(x)
    y.backward()
    assert number == 7
    assert x.grad.item() == 2


def test_writing_changes_the_version() -> None:
    @library.custom_op("test::fill", mutates_args={"x"})
    def fill(x: Tensor) -> None:
        x.numpy()[...] = 5

    x = tallow.ones(2)
    before = x._version
    assert fill(x) is None
    assert x.tolist() == [5, 5]
    assert x._version > before
    with pytest.raises(RuntimeError, match="Cannot register autograd formula for non-functional"):
        fill.register_autograd(lambda ctx: None)


@pytest.mark.parametrize("kernel", [lambda x: x, lambda x: x[:1]])
def test_results_may_not_alias_arguments(kernel: Callable[[Tensor], Tensor]) -> None:
    op = library.custom_op("test::same", kernel, mutates_args=(), schema="(Tensor x) -> Tensor")
    with pytest.raises(RuntimeError, match="must not also be an input to this custom operator"):
        op(tallow.ones(2))


def test_the_schema_comes_from_annotations() -> None:
    def op(
        x: Tensor,
        n: int = 3,
        old: Optional[float] = None,  # noqa: UP045 - the older spelling counts too
        *,
        dims: list[int] | None = None,
    ) -> tuple[Tensor, int]: ...

    text = library.infer_schema(op, mutates_args={"x"})
    assert text == (
        "(Tensor(a0!) x, SymInt n=3, float? old=None, *, SymInt[]? dims=None) -> (Tensor, SymInt)"
    )


def _no_annotation(x): ...  # type: ignore[no-untyped-def]


def _no_result(x: Tensor): ...  # type: ignore[no-untyped-def]


def _bad_type(x: dict) -> Tensor: ...  # type: ignore[type-arg,empty-body]


def _varargs(*x: Tensor) -> Tensor: ...  # type: ignore[empty-body]


def _fine(x: Tensor) -> Tensor: ...  # type: ignore[empty-body]


@pytest.mark.parametrize(
    ("function", "writes", "text"),
    [
        (_no_annotation, (), "Parameter x must have a type annotation."),
        (_no_result, (), "No return type annotation was provided."),
        (_bad_type, (), "Parameter x has unsupported type <class 'dict'>."),
        (_varargs, (), "We do not support positional-only args, varargs, or varkwargs."),
        (_fine, ("y",), "{'y'} in mutates_args were not found in the custom op's signature."),
    ],
)
def test_other_functions_are_refused(function: Any, writes: tuple[str, ...], text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"infer_schema(func): {text}")):
        library.custom_op("test::refused", function, mutates_args=writes)
    assert "test::refused" not in library.OPS


@pytest.mark.parametrize(
    ("args", "kwargs", "text"),
    [
        ((3,), {}, "test::sine() Expected a value of type 'Tensor' for argument 'x' but instead"),
        ((tallow.ones(1), 1), {}, "test::sine() expected at most 1 argument(s) but received 2"),
        ((), {}, "test::sine() is missing value for argument 'x'."),
        ((tallow.ones(1),), {"y": 1}, "test::sine() received an unknown argument 'y'."),
    ],
)
def test_wrong_arguments_are_refused(args: Any, kwargs: Any, text: str) -> None:
    with pytest.raises(RuntimeError, match=re.escape(text)):
        sine()(*args, **kwargs)


def test_kernels_return_what_the_schema_says() -> None:
    op = library.custom_op(
        "test::pair", lambda x: x + 1, mutates_args=(), schema="(Tensor x) -> (Tensor, Tensor)"
    )
    with pytest.raises(TypeError, match="expected the kernel to return Tensor, Tensor, given"):
        op(tallow.ones(1))


def test_operators_have_a_place_in_ops() -> None:
    op = sine()
    x = tallow.ones(2)
    assert tallow.ops.test.sine(x).equal(op(x))
    assert tallow.ops.test.sine.default(x).equal(op(x))
    assert "sine" in dir(tallow.ops.test)
    with pytest.raises(AttributeError, match="object has no attribute 'cosine'"):
        tallow.ops.test.cosine.default(1)


def test_libraries_define_and_implement() -> None:
    lib = library.Library("test_lib", "DEF")
    lib.define("times(Tensor x, int n=2) -> Tensor")

    @library.impl(lib, "times", "CPU")
    def times(x: Tensor, n: int) -> Tensor:
        return x * n

    library.register_autograd("test_lib::times", lambda ctx, grad: (grad * 10, None))
    x = tallow.ones(2, requires_grad=True)
    y = tallow.ops.test_lib.times(x, n=3)
    y.sum().backward()
    assert y.tolist() == [3, 3]
    assert x.grad.tolist() == [10, 10]


def test_composite_kernels_are_recorded() -> None:
    library.define("test::twice", "(Tensor x) -> Tensor")

    @library.impl("test::twice", "CompositeImplicitAutograd")
    def twice(x: Tensor) -> Tensor:
        return x * 2

    x = tallow.ones(1, requires_grad=True)
    tallow.ops.test.twice(x).backward()
    assert x.grad.item() == 2


def test_kernels_of_other_devices_do_not_count() -> None:
    op = library.custom_op(
        "test::far",
        lambda x: x + 1,
        mutates_args=(),
        device_types="cuda",
        schema="(Tensor x) -> Tensor",
    )
    with pytest.raises(NotImplementedError, match="Could not run 'test::far' with arguments from"):
        op(tallow.ones(1))
    op.register_kernel("cpu", lambda x: x + 2)
    assert op(tallow.ones(1)).item() == 3


@pytest.mark.parametrize("schema", ["(Tensor x)", "Tensor x -> Tensor", "(Thing x) -> Tensor"])
def test_texts_that_are_no_schema_are_refused(schema: str) -> None:
    with pytest.raises(RuntimeError, match="schema"):
        library.define("test::unread", schema)


def test_keys_that_mean_nothing_here_are_refused() -> None:
    library.define("test::keyed", "(Tensor x) -> Tensor")
    with pytest.raises(RuntimeError, match="the key 'FuncTorchBatched' is not supported"):
        library.impl("test::keyed", "FuncTorchBatched", lambda x: x)
    with pytest.raises(RuntimeError, match="Could not find the operator test::nothing"):
        library.register_fake("test::nothing", lambda x: x)


def test_autocast_converts_arguments() -> None:
    seen = []

    @library.custom_op("test::under_autocast", mutates_args=())
    def under_autocast(x: Tensor, n: Tensor) -> Tensor:
        seen.append((x.dtype, n.dtype, tallow.is_autocast_enabled("cpu")))
        return x + n

    library.register_autocast("test::under_autocast", "cpu", tallow.bfloat16)
    x, n = tallow.ones(2, requires_grad=True), tallow.ones(2, dtype=tallow.int64)
    with tallow.autocast("cpu"):
        assert under_autocast(x, n).dtype == tallow.bfloat16
        under_autocast(x.double(), n)
    under_autocast(x, n)
    types = [tallow.bfloat16, tallow.float64, tallow.float32]
    assert seen == [(dtype, tallow.int64, False) for dtype in types]
    with pytest.raises(ValueError, match="Expected `device_type` of type `str`"):
        under_autocast.register_autocast(1, tallow.float32)  # type: ignore[arg-type]


def test_kernels_for_autocast_call_the_operator_again() -> None:
    scope = library.Library("test", "FRAGMENT")
    scope.define("cast(Tensor x) -> Tensor")
    scope.impl("cast", lambda x: x * 2, "CPU")
    scope.impl("cast", lambda x: tallow.ops.test.cast(x.double()).float(), "AutocastCPU")
    with tallow.autocast("cpu"):
        assert tallow.ops.test.cast(tallow.ones(1)).tolist() == [2]


def test_shared_libraries_are_refused() -> None:
    with pytest.raises(OSError, match="libraries of operators need libtorch"):
        tallow.ops.load_library("ops.so")
    # Its package goes on, and describes operators that are not there.
    assert tallow.library.register_fake("absent::op")(len) is len
