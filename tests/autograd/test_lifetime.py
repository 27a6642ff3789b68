"""How long tensors, graphs and hooks live: nothing leaks, nothing goes too early.

The garbage collector is off: what is freed here is freed by reference counts.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

import tallow
from tallow import Tensor
from tallow.autograd import Function
from tallow.autograd.graph import saved_tensors_hooks


@pytest.fixture(autouse=True)
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def leaf() -> Tensor:
    return tallow.ones(3, requires_grad=True)


def fn(tensor: Tensor) -> Any:
    return tensor.grad_fn


# ---- What a graph holds.


def test_a_graph_keeps_what_it_saved_and_dies_with_its_result() -> None:
    x = leaf()
    w = tallow.ones(3)
    alive = weakref.ref(w)
    y = (x * w).sum()
    del w
    assert alive() is not None
    del y
    assert alive() is None


def test_backward_releases_what_was_saved() -> None:
    x = leaf()
    w = tallow.ones(3)
    alive = weakref.ref(w)
    y = (x * w).sum()
    del w
    y.backward(retain_graph=True)
    assert alive() is not None
    y.backward()
    assert alive() is None
    assert y.grad_fn is not None


def test_a_result_that_its_own_node_saved_is_no_cycle() -> None:
    y = leaf().exp()
    alive = weakref.ref(y)
    del y
    assert alive() is None


def test_a_leaf_lives_as_long_as_a_graph_leads_to_it() -> None:
    x = leaf()
    alive = weakref.ref(x)
    y = x + 1
    del x
    assert alive() is not None
    y.sum().backward()
    found = alive()
    assert found is not None
    assert found.grad is not None
    del found, y
    assert alive() is None


def test_an_intermediate_result_that_nobody_saved_is_freed() -> None:
    y = leaf() + 1
    alive = weakref.ref(y)
    z = y + 1
    del y
    assert alive() is None
    del z


def test_a_node_keeps_the_graph_behind_it() -> None:
    x = leaf()
    y = x * 2
    node = fn(y.sum())
    del y
    names = []
    while node is not None:
        names.append(node.name())
        node = node.next_functions[0][0] if node.next_functions else None
    assert names[:2] == ["SumBackward0", "MulBackward0"]


def test_all_graphs_lead_to_the_same_node_of_a_leaf() -> None:
    x = leaf()
    nodes = [fn(x * 2).next_functions[0][0], fn(x + 1).next_functions[0][0]]
    assert nodes[0] is nodes[1]
    assert nodes[0].variable is x


def test_a_view_keeps_its_base() -> None:
    base = tallow.ones(3)
    alive = weakref.ref(base)
    view = base[1:]
    del base
    assert alive() is view._base
    del view
    assert alive() is None


def test_a_rewritten_base_and_its_view_are_no_cycle() -> None:
    x = leaf()
    base = x * 1
    view = base[1:]
    view.mul_(2)
    refs = [weakref.ref(base), weakref.ref(view)]
    del base, view
    assert [ref() for ref in refs] == [None, None]


def test_a_gradient_with_a_graph_refers_to_its_leaf_until_it_is_dropped() -> None:
    x = leaf()
    (found,) = tallow.autograd.grad((x * x).sum(), [x], create_graph=True)
    alive = weakref.ref(x)
    del x
    assert alive() is not None
    del found
    assert alive() is None


# ---- During a pass.


def test_a_gradient_is_freed_as_soon_as_it_is_used() -> None:
    passed: list[Any] = []
    alive: list[bool] = []
    x = leaf()
    y = x * 2
    z = y * 3
    w = z * 4
    z.register_hook(lambda g: passed.append(weakref.ref(g)))
    x.register_hook(lambda g: alive.append(passed[0]() is not None))
    w.sum().backward()
    assert alive == [False]


def test_saved_tensors_are_freed_while_the_pass_goes_on() -> None:
    alive: list[bool] = []
    x = leaf()
    w = tallow.ones(3)
    saved = weakref.ref(w)
    y = x * 2
    z = (y * w).sum()
    del w
    x.register_hook(lambda g: alive.append(saved() is not None))
    z.backward()
    assert alive == [False]


def test_a_hook_may_drop_the_result_that_is_differentiated() -> None:
    kept: dict[str, Tensor] = {}
    x = leaf()
    y = x * 2
    y.register_hook(lambda g: kept.clear())
    kept["y"], kept["z"] = y, (y * 3).sum()
    del y
    kept["z"].backward()
    assert kept == {}
    assert x.grad is not None
    assert x.grad.tolist() == [6, 6, 6]


def test_a_pass_that_failed_keeps_nothing() -> None:
    class Fails(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Tensor:
            raise ValueError

    x = leaf()
    alive = weakref.ref(x)
    y = Fails.apply(x * 2).sum()
    with pytest.raises(ValueError, match="^$"):
        y.backward()
    del x, y
    gc.collect()  # the traceback
    assert alive() is None


# ---- Custom functions.


class Keeps(Function):
    """Saves its input and its output."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = x * 2
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        x, y = ctx.saved_tensors
        return g * (y / x)


def test_a_function_may_save_its_input_and_its_output() -> None:
    x = leaf() + 1
    y = Keeps.apply(x)
    refs = [weakref.ref(x), weakref.ref(y)]
    del x, y
    assert [ref() for ref in refs] == [None, None]


def test_saved_tensors_of_a_function_are_freed_by_backward() -> None:
    x = leaf() + 1
    alive = weakref.ref(x)
    y = Keeps.apply(x).sum()
    del x
    assert alive() is not None
    y.backward()
    assert alive() is None
    with pytest.raises(RuntimeError, match="^Trying to backward through the graph a second time"):
        y.backward()


def test_attributes_of_the_context_live_as_long_as_the_node() -> None:
    class Thing:
        pass

    class Holds(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, thing: Thing) -> Tensor:
            ctx.thing = thing
            return x.clone()

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
            return g, None

    thing = Thing()
    alive = weakref.ref(thing)
    y = Holds.apply(leaf(), thing)
    del thing
    y.sum().backward()
    assert alive() is not None
    del y
    assert alive() is None


# ---- Hooks of saved tensors.


def test_what_a_pack_hook_made_lives_until_backward() -> None:
    class Packed:
        def __init__(self, value: Tensor) -> None:
            self.value = value

    packed: list[Any] = []

    def pack(value: Tensor) -> Packed:
        box = Packed(value)
        packed.append(weakref.ref(box))
        return box

    x = leaf()
    with saved_tensors_hooks(pack, lambda box: box.value):
        y = (x * x).sum()
    assert [ref() is not None for ref in packed] == [True, True]
    y.backward()
    assert [ref() is not None for ref in packed] == [False, False]
    assert x.grad is not None
    assert x.grad.tolist() == [2, 2, 2]


# ---- Training.


def test_a_step_of_training_leaves_nothing_but_gradients() -> None:
    model = tallow.nn.Sequential(tallow.nn.Linear(4, 8), tallow.nn.ReLU(), tallow.nn.Linear(8, 1))
    data = tallow.ones(5, 4)

    def step() -> int:
        model.zero_grad()
        model(data).sum().backward()
        return sum(isinstance(o, Tensor) for o in gc.get_objects())

    first = step()
    assert [step() for _ in range(3)] == [first] * 3
