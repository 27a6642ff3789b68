"""Module backward hooks: what they see, what they may change, and that they leak nothing."""

from __future__ import annotations

import gc
import warnings

import pytest

import tallow
from tallow import nn


class Fn(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, *args, **kwargs):
        return self.fn(*args, **kwargs)


def leaf(*shape):
    return tallow.ones(*(shape or (2,)), requires_grad=True)


def test_a_hook_sees_the_gradients_of_inputs_and_outputs():
    seen = []
    module = Fn(lambda a, b: a * b)
    module.register_full_backward_hook(lambda m, gi, go: seen.append((gi, go)))
    x, y = leaf(), leaf()
    module(x, y).backward(tallow.tensor([1.0, 2.0]))
    ((grad_input, grad_output),) = seen
    assert [g.tolist() for g in grad_input] == [[1, 2], [1, 2]]
    assert [g.tolist() for g in grad_output] == [[1, 2]]


def test_a_pre_hook_replaces_the_gradient_of_the_output():
    module = Fn(lambda a: a * 2)
    module.register_full_backward_pre_hook(lambda m, go: (go[0] * 10,))
    x = leaf()
    module(x).sum().backward()
    assert x.grad.tolist() == [20, 20]


def test_a_hook_replaces_the_gradient_of_the_input():
    module = Fn(lambda a: a * 2)
    module.register_full_backward_hook(lambda m, gi, go: (gi[0] * 10,))
    x = leaf()
    module(x).sum().backward()
    assert x.grad.tolist() == [20, 20]


def test_a_bare_tensor_is_accepted_where_there_is_one_slot():
    module = Fn(lambda a: a * 2)
    module.register_full_backward_hook(lambda m, gi, go: gi[0] * 10)
    module.register_full_backward_pre_hook(lambda m, go: go[0] * 2)
    for size in (1, 2):
        x = leaf(size)
        module(x).sum().backward()
        assert x.grad.tolist() == [40] * size


def test_a_bare_tensor_is_refused_where_there_are_several_slots():
    module = Fn(lambda a, b: a * b)
    module.register_full_backward_hook(lambda m, gi, go: gi[0][:1])
    with pytest.raises(RuntimeError, match="got 1, but expected 2"):
        module(leaf(), leaf()).sum().backward()


def test_nested_modules_run_outside_in_and_inside_out():
    log = []
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    for name, module in net.named_modules():
        module.register_full_backward_pre_hook(lambda m, go, n=name: log.append("<" + n))
        module.register_full_backward_hook(lambda m, gi, go, n=name: log.append(n + ">"))
    net(leaf()).sum().backward()
    assert log == ["<", "<1", "1>", "<0", "0>", ">"]


def test_hooks_run_on_every_backward():
    count = []
    module = Fn(lambda a: a * 2)
    module.register_full_backward_hook(lambda *a: count.append(1))
    out = module(leaf()).sum()
    out.backward(retain_graph=True)
    out.backward()
    assert len(count) == 2


def test_without_inputs_that_need_gradients_hooks_fire_on_the_output():
    weight = nn.Parameter(tallow.ones(2))
    seen = []
    module = Fn(lambda a: a * weight)
    module.register_full_backward_hook(lambda m, gi, go: seen.append(gi))
    with pytest.warns(UserWarning, match="^Full backward hook is firing"):
        module(tallow.ones(2)).sum().backward()
    assert seen == [(None,)]


def test_an_exception_in_a_hook_reaches_the_caller_and_leaves_backward_usable():
    module = Fn(lambda a: a * 2)
    with module.register_full_backward_hook(lambda *a: 1 / 0):
        out = module(leaf()).sum()
    with pytest.raises(ZeroDivisionError):
        out.backward()
    x = leaf()
    module(x).sum().backward()
    assert x.grad.tolist() == [2, 2]
    assert tallow.is_grad_enabled()


def test_second_derivatives_pass_through_a_hooked_module():
    module = Fn(lambda a: a**3)
    module.register_full_backward_hook(lambda *a: None)
    x = tallow.tensor([2.0], requires_grad=True)
    (grad,) = tallow.autograd.grad(module(x).sum(), x, create_graph=True)
    grad.sum().backward()
    assert x.grad.tolist() == [12]


def test_regular_and_full_hooks_do_not_mix():
    module = Fn(None)
    module.register_full_backward_hook(print).remove()
    with pytest.raises(RuntimeError, match="^Cannot use both regular backward hooks and full"):
        module.register_backward_hook(print)


def test_a_regular_hook_sees_the_last_node_only():
    seen = []
    net = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    net.register_backward_hook(lambda m, gi, go: seen.append(len(gi)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        net(leaf(4, 3)).sum().backward()
    assert seen == [1]


def test_hooks_leave_nothing_for_the_collector():
    gc.collect()
    gc.disable()
    try:
        net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
        for module in net.modules():
            module.register_full_backward_hook(lambda *a: None)
            module.register_full_backward_pre_hook(lambda *a: None)
        x = leaf(3, 2)
        nodes = tallow._C._live_nodes()
        out = net(x)
        assert tallow._C._live_nodes() > nodes
        out.sum().backward()
        del out
        assert tallow._C._live_nodes() == nodes
        assert gc.collect() == 0
    finally:
        gc.enable()
