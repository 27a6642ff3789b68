"""Hooks of tensors and of graph nodes: when they run, with what, and what they may change."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

import tallow
from tallow import Tensor


def leaf(*values: float) -> Tensor:
    return tallow.tensor(values or (1.0, 2.0), requires_grad=True)


def gradient(tensor: Tensor) -> list[float]:
    assert tensor.grad is not None
    values: list[float] = tensor.grad.tolist()
    return values


def fn(tensor: Tensor) -> Any:
    return tensor.grad_fn


# ---- Hooks of tensors.


def test_a_hook_sees_the_gradient_summed_over_all_users() -> None:
    seen = []
    x = leaf()
    y = x * 2
    y.register_hook(lambda g: seen.append(g.tolist()))
    (y * 3 + y * 4).sum().backward()
    assert seen == [[7, 7]]


def test_what_a_hook_returns_flows_on() -> None:
    x = leaf()
    y = x * 2
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert gradient(x) == [20, 20]


def test_hooks_run_in_the_order_of_registration_each_with_the_last_result() -> None:
    x = leaf()
    x.register_hook(lambda g: g + 1)
    x.register_hook(lambda g: g * 10)
    x.sum().backward()
    assert gradient(x) == [20, 20]


def test_a_removed_hook_does_not_run() -> None:
    x = leaf()
    handle = x.register_hook(lambda g: g * 10)
    kept = x.register_hook(lambda g: g + 1)
    handle.remove()
    handle.remove()
    x.sum().backward()
    assert gradient(x) == [2, 2]
    assert kept.id in x._backward_hooks


def test_a_handle_is_a_context() -> None:
    x = leaf()
    with x.register_hook(lambda g: g * 10):
        x.sum().backward()
    x.sum().backward()
    assert gradient(x) == [11, 11]


def test_a_hook_of_a_leaf_runs_before_accumulation_in_every_pass() -> None:
    seen = []
    x = leaf()
    x.register_hook(lambda g: seen.append((g.tolist(), x.grad is None)))
    x.sum().backward()
    x.sum().backward()
    assert seen == [([1, 1], True), ([1, 1], False)]


def test_a_hook_must_return_a_tensor_of_the_same_shape() -> None:
    x = leaf()
    x.register_hook(lambda g: g[:1])
    with pytest.raises(RuntimeError, match="^hook '<lambda>' has changed the size of value"):
        x.sum().backward()
    y = leaf()
    y.register_hook(lambda g: 1)
    with pytest.raises(TypeError, match="^expected Variable, but hook returned 'int'"):
        y.sum().backward()


def test_only_tensors_that_require_grad_take_hooks() -> None:
    with pytest.raises(
        RuntimeError, match="^cannot register a hook on a tensor that doesn't requi"
    ):
        tallow.ones(2).register_hook(lambda g: g)


def test_an_error_in_a_hook_ends_the_pass() -> None:
    x = leaf()
    y = x * 2

    def fail(g: Tensor) -> None:
        raise KeyError("hook")

    y.register_hook(fail)
    with pytest.raises(KeyError, match="hook"):
        y.sum().backward()
    assert x.grad is None


def test_hooks_see_gradients_that_can_be_differentiated_with_create_graph() -> None:
    seen = []
    x = leaf()
    x.register_hook(lambda g: seen.append(g.requires_grad))
    tallow.autograd.grad((x * x).sum(), [x], create_graph=True)
    tallow.autograd.grad((x * x).sum(), [x])
    assert seen == [True, False]


def test_a_hook_stays_with_the_value_that_is_overwritten() -> None:
    seen = []
    x = leaf()
    y = x * 2
    y.register_hook(lambda g: seen.append(("old", g.tolist())))
    y.mul_(3)
    y.register_hook(lambda g: seen.append(("new", g.tolist())))
    y.sum().backward()
    assert seen == [("new", [1, 1]), ("old", [3, 3])]


def test_hooks_run_without_recording_and_may_start_a_pass_of_their_own() -> None:
    modes = []
    other = leaf()

    def hook(g: Tensor) -> None:
        modes.append(tallow.is_grad_enabled())
        with tallow.enable_grad():
            (other * 5).sum().backward()

    x = leaf()
    x.register_hook(hook)
    x.sum().backward()
    assert modes == [False]
    assert gradient(other) == [5, 5]


# ---- retain_grad.


def test_retain_grad_keeps_the_gradient_after_hooks() -> None:
    x = leaf()
    y = x * 2
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    y.sum().backward()
    assert gradient(y) == [10, 10]


def test_retain_grad_follows_a_tensor_through_writes() -> None:
    x = leaf()
    y = x * 2
    y.retain_grad()
    y.mul_(3)
    y.sum().backward()
    assert gradient(y) == [1, 1]
    assert gradient(x) == [6, 6]


def test_retained_gradients_add_up() -> None:
    x = leaf()
    y = x * 2
    y.retain_grad()
    y.sum().backward(retain_graph=True)
    y.sum().backward()
    assert gradient(y) == [2, 2]


def test_a_leaf_retains_its_gradient_anyway() -> None:
    x = leaf()
    x.retain_grad()
    assert not x.retains_grad
    with pytest.raises(
        RuntimeError, match="^can't retain_grad on Tensor that has requires_grad=Fa"
    ):
        tallow.ones(2).retain_grad()


# ---- After accumulation.


def test_a_post_accumulate_hook_sees_the_leaf_with_its_gradient() -> None:
    seen = []
    x = leaf()
    x.register_post_accumulate_grad_hook(lambda p: seen.append((p is x, gradient(p))))
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    assert seen == [(True, [2, 2]), (True, [4, 4])]


def test_a_post_accumulate_hook_may_drop_the_gradient() -> None:
    x = leaf()

    def step(p: Tensor) -> None:
        with tallow.no_grad():
            p -= p.grad
        p.grad = None

    x.register_post_accumulate_grad_hook(step)
    x.sum().backward()
    assert x.grad is None
    assert x.tolist() == [0, 1]


def test_post_accumulate_hooks_are_for_leaves() -> None:
    with pytest.raises(
        RuntimeError, match="^post accumulate grad hooks cannot be registered on non"
    ):
        (leaf() * 2).register_post_accumulate_grad_hook(lambda p: None)


def test_grad_runs_no_post_accumulate_hooks() -> None:
    seen = []
    x = leaf()
    x.register_post_accumulate_grad_hook(lambda p: seen.append(p))
    tallow.autograd.grad(x.sum(), [x])
    assert seen == []


# ---- Hooks of nodes.


def test_a_hook_of_a_node_sees_what_goes_in_and_out() -> None:
    seen = []
    x = leaf()
    y = x * 3
    fn(y).register_hook(lambda inp, out: seen.append((inp[0].tolist(), inp[1], out[0].tolist())))
    y.sum().backward()
    assert seen == [([3, 3], None, [1, 1])]


def test_a_hook_of_a_node_may_replace_the_gradients_of_its_inputs() -> None:
    x = leaf()
    y = x * 3
    fn(y).register_hook(lambda inp, out: (inp[0] * 10, None))
    y.sum().backward()
    assert gradient(x) == [30, 30]


def test_a_prehook_of_a_node_may_replace_what_comes_in() -> None:
    x = leaf()
    y = x * 3
    handle = fn(y).register_prehook(lambda out: (out[0] * 10,))
    y.sum().backward(retain_graph=True)
    handle.remove()
    y.sum().backward()
    assert gradient(x) == [33, 33]


def test_hooks_of_tensors_run_before_prehooks_of_their_node() -> None:
    seen = []
    x = leaf()
    y = x * 3
    fn(y).register_prehook(lambda out: seen.append("node"))
    y.register_hook(lambda g: seen.append("tensor"))
    y.sum().backward()
    assert seen == ["tensor", "node"]


def test_a_hook_of_a_node_must_return_as_many_gradients() -> None:
    y = leaf() * 3
    fn(y).register_hook(lambda inp, out: (inp[0], None, None))
    with pytest.raises(
        RuntimeError, match="^hook '<lambda>' has returned an incorrect number of va"
    ):
        y.sum().backward()


# ---- Lifetimes.


def test_a_hook_lives_as_long_as_the_graph_needs_it() -> None:
    class Callback:
        def __call__(self, g: Tensor) -> None:
            pass

    callback = Callback()
    alive = weakref.ref(callback)
    x = leaf()
    y = x * 2
    y.register_hook(callback)
    z = y.sum()
    del callback, y
    gc.collect()
    assert alive() is not None
    del z
    gc.collect()
    assert alive() is None


def test_a_hook_that_refers_to_its_tensor_is_no_leak() -> None:
    x = leaf()
    x.register_hook(lambda g, x=x: None)
    alive = weakref.ref(x)
    del x
    gc.collect()
    assert alive() is None


def test_a_removed_hook_is_freed() -> None:
    class Callback:
        def __call__(self, g: Tensor) -> None:
            pass

    callback = Callback()
    alive = weakref.ref(callback)
    x = leaf()
    handle = x.register_hook(callback)
    del callback
    handle.remove()
    gc.collect()
    assert alive() is None
