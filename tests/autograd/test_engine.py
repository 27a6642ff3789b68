"""The backward pass: order, accumulation, retaining, choosing inputs, depth, and its errors."""

from __future__ import annotations

from typing import Any

import pytest

import tallow
from tallow import Tensor
from tallow.autograd import Function, grad


def leaf(*values: float) -> Tensor:
    return tallow.tensor(values or (1.0, 2.0), requires_grad=True)


def gradient(tensor: Tensor) -> list[float]:
    assert tensor.grad is not None
    values: list[float] = tensor.grad.tolist()
    return values


class Trace(Function):
    """The identity, which notes when its backward runs."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, name: str, seen: list[str]) -> Tensor:
        ctx.name, ctx.seen = name, seen
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        ctx.seen.append(ctx.name)
        return g, None, None


# ---- Order.


def test_nodes_run_in_reverse_order_of_their_creation() -> None:
    seen: list[str] = []
    x = leaf()
    first = Trace.apply(x, "first", seen)
    second = Trace.apply(x, "second", seen)
    third = Trace.apply(first, "third", seen)
    (second + third).sum().backward()
    assert seen == ["third", "second", "first"]


def test_a_node_runs_once_with_the_sum_of_what_its_users_send() -> None:
    seen: list[str] = []
    x = leaf()
    y = Trace.apply(x, "y", seen)
    (y * 2 + y * 3).sum().backward()
    assert seen == ["y"]
    assert gradient(x) == [5, 5]


def test_a_node_waits_for_the_longest_path() -> None:
    seen: list[str] = []
    x = leaf()
    y = Trace.apply(x, "source", seen)
    long = y
    for i in range(3):
        long = Trace.apply(long, str(i), seen)
    (y + long).sum().backward()
    assert seen == ["2", "1", "0", "source"]


def test_roots_are_added_where_their_graphs_meet() -> None:
    x = leaf()
    y = x * 2
    tallow.autograd.backward([y.sum(), (y * y).sum()])
    assert gradient(x) == [10, 18]


def test_a_root_may_occur_twice_and_lie_on_the_way_of_another() -> None:
    x = leaf()
    y = x * 2
    z = y * 3
    tallow.autograd.backward([y, z, y], [tallow.ones(2)] * 3)
    assert gradient(x) == [10, 10]


# ---- Accumulation.


def test_gradients_add_up_over_backward_passes() -> None:
    x = leaf()
    for _ in range(3):
        (x * 2).sum().backward()
    assert gradient(x) == [6, 6]


def test_the_second_gradient_is_added_in_place() -> None:
    x = leaf()
    (x * 2).sum().backward()
    first = x.grad
    (x * 2).sum().backward()
    assert x.grad is first


@pytest.mark.filterwarnings("ignore:Using backward")
def test_with_create_graph_the_second_gradient_is_a_new_tensor() -> None:
    x = leaf()
    (x * x).sum().backward(create_graph=True)
    first = x.grad
    (x * x).sum().backward(create_graph=True)
    assert x.grad is not first
    assert x.grad is not None
    assert x.grad.requires_grad


def test_the_gradient_that_was_handed_in_is_not_kept_as_grad() -> None:
    x = leaf()
    start = tallow.ones(2)
    (x * 1).backward(start)
    assert x.grad is not start
    x.backward(start)
    assert gradient(x) == [2, 2]
    assert start.tolist() == [1, 1]


def test_two_leaves_do_not_share_one_gradient() -> None:
    x, y = leaf(), leaf()
    (x + y).sum().backward()
    assert x.grad is not None
    assert y.grad is not None
    x.grad.mul_(5)
    assert gradient(y) == [1, 1]


def test_a_gradient_takes_the_memory_order_of_its_leaf() -> None:
    x = tallow.ones(3, 2).t().requires_grad_()
    (x * tallow.ones(2, 3)).sum().backward()
    assert x.grad is not None
    assert x.grad.stride() == x.stride()


def test_grad_computes_without_accumulating() -> None:
    x, w = leaf(), leaf()
    (found,) = grad((x * w * 3).sum(), [x])
    assert found.tolist() == [3, 6]
    assert x.grad is None
    assert w.grad is None


# ---- Which inputs.


def test_inputs_limits_who_gets_a_gradient() -> None:
    x, w = leaf(), leaf()
    (x * w).sum().backward(inputs=[x])
    assert gradient(x) == [1, 2]
    assert w.grad is None


def test_inputs_may_be_in_the_middle_of_the_graph() -> None:
    x = leaf()
    y = x * 2
    (y * y).sum().backward(inputs=[y])
    assert x.grad is None
    assert y.grad is not None
    assert y.grad.tolist() == [4, 8]


def test_inputs_may_not_be_empty() -> None:
    with pytest.raises(RuntimeError, match=r"^`inputs` argument to `backward\(\)` cannot be empty"):
        leaf().sum().backward(inputs=[])


def test_only_what_leads_to_the_inputs_is_run() -> None:
    seen: list[str] = []
    x, w = leaf(), leaf()
    (Trace.apply(x, "x", seen) * Trace.apply(w, "w", seen)).sum().backward(inputs=[x])
    assert seen == ["x"]


def test_an_input_that_is_not_reached_must_be_allowed() -> None:
    x, w = leaf(), leaf()
    with pytest.raises(RuntimeError, match="^The differentiated Tensor at index 1 appears"):
        grad((x * 2).sum(), [x, w])
    assert grad((x * 2).sum(), [w], allow_unused=True) == (None,)
    (zeros,) = grad((x * 2).sum(), [w], materialize_grads=True)
    assert zeros.tolist() == [0, 0]


def test_materialised_gradients_contradict_refusing_unused_inputs() -> None:
    x = leaf()
    with pytest.raises(
        ValueError, match="^Expected allow_unused to be True or not passed when mat"
    ):
        grad(x.sum(), [x], allow_unused=False, materialize_grads=True)


def test_an_input_must_require_grad() -> None:
    x = leaf()
    with pytest.raises(
        RuntimeError, match="^One of the differentiated Tensors does not require gr"
    ):
        grad(x.sum(), [tallow.ones(2)])


def test_the_root_itself_may_be_an_input() -> None:
    x = leaf()
    y = (x * 2).sum()
    assert [g.tolist() for g in grad(y, [y, x])] == [1, [2, 2]]


# ---- Roots.


def test_a_root_without_gradient_must_be_a_scalar() -> None:
    with pytest.raises(
        RuntimeError, match="^grad can be implicitly created only for scalar outputs"
    ):
        (leaf() * 2).backward()


def test_a_root_must_require_grad() -> None:
    with pytest.raises(
        RuntimeError, match="^element 0 of tensors does not require grad and does no"
    ):
        tallow.ones(1).backward()


def test_the_gradient_of_a_root_has_its_shape() -> None:
    with pytest.raises(RuntimeError, match="^Mismatch in shape: grad_output"):
        (leaf() * 2).backward(tallow.ones(3))


def test_a_leaf_is_a_root_too() -> None:
    x = tallow.tensor(3.0, requires_grad=True)
    x.backward()
    assert x.grad is not None
    assert x.grad.item() == 1


# ---- Retaining the graph.


def test_a_second_backward_needs_a_retained_graph() -> None:
    x = leaf()
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert gradient(x) == [4, 8]
    with pytest.raises(RuntimeError, match="^Trying to backward through the graph a second time"):
        y.backward()


def test_a_graph_that_saved_nothing_may_be_used_again() -> None:
    x = leaf()
    y = (x + 1).sum()
    y.backward()
    y.backward()
    assert gradient(x) == [2, 2]


def test_create_graph_retains_the_graph_unless_told_otherwise() -> None:
    x = leaf()
    y = (x * x).sum()
    grad(y, [x], create_graph=True)
    grad(y, [x], create_graph=True, retain_graph=False)
    with pytest.raises(RuntimeError, match="^Trying to backward through the graph a second time"):
        grad(y, [x])


def test_a_branch_that_did_not_run_keeps_what_it_saved() -> None:
    x, w = leaf(), leaf()
    a = x * x
    b = w * w
    y = (a + b).sum()
    grad(y, [x])
    assert grad(b.sum(), [w])[0].tolist() == [2, 4]


# ---- Higher derivatives.


def test_derivatives_of_derivatives() -> None:
    x = tallow.tensor(2.0, requires_grad=True)
    y = x**4
    for expected in (32, 48, 48, 24):
        (y,) = grad(y, [x], create_graph=True)
        assert y.item() == expected


def test_without_create_graph_a_gradient_is_a_constant() -> None:
    x = leaf()
    (found,) = grad((x * x).sum(), [x])
    assert not found.requires_grad


# ---- Depth.


@pytest.mark.parametrize("length", [100_000])
def test_a_deep_chain_needs_no_stack(length: int) -> None:
    x = tallow.ones(1, requires_grad=True)
    y = x
    for _ in range(length):
        y = y + 0
    y.backward()
    assert gradient(x) == [1]
    del y


def test_a_deep_chain_that_is_never_used_is_freed_without_recursion() -> None:
    y = tallow.ones(1, requires_grad=True)
    for _ in range(100_000):
        y = y * 1
    del y


def test_a_wide_sum_of_many_branches() -> None:
    x = tallow.ones(1, requires_grad=True)
    tallow.stack([x * i for i in range(1000)]).sum().backward()
    assert gradient(x) == [sum(range(1000))]


# ---- A pass within a pass.


class Inner(Function):
    """Runs a backward pass of its own, over another graph, inside backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        with tallow.enable_grad():
            again = x.detach().requires_grad_()
            (slope,) = grad((again * again).sum(), [again])
        return g * slope


def test_backward_may_run_inside_backward() -> None:
    x = leaf()
    Inner.apply(Inner.apply(x)).sum().backward()
    assert gradient(x) == [4, 32]


def test_passes_may_nest_deeply() -> None:
    depth = 50

    class Nest(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, level: int) -> Tensor:
            ctx.level = level
            return x.clone()

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
            if ctx.level < depth:
                with tallow.enable_grad():
                    x = tallow.ones(1, requires_grad=True)
                    Nest.apply(x, ctx.level + 1).backward()
                assert x.grad is not None
                g = g + x.grad
            return g, None

    x = tallow.ones(1, requires_grad=True)
    Nest.apply(x, 0).backward()
    assert gradient(x) == [depth + 1]


def test_an_error_in_backward_leaves_the_engine_usable() -> None:
    class Fails(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Tensor:
            raise ZeroDivisionError("on purpose")

    x = leaf()
    y = x * 2
    with pytest.raises(ZeroDivisionError, match="^on purpose$"):
        (y + Fails.apply(y)).sum().backward()
    assert x.grad is None
    (x * 3).sum().backward()
    assert gradient(x) == [3, 3]
