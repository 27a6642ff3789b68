"""Hooks, threads and lifetimes: nothing leaks, nothing crosses over, and later calls still work."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import weakref

import pytest

import tallow
from tallow import nn


def leaf(*shape):
    return tallow.ones(*(shape or (2,)), requires_grad=True)


def silent(*args):
    """A hook that can be pickled."""


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def hooked_net():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(inplace=True), nn.Linear(3, 1))
    for module in net.modules():
        module.register_forward_pre_hook(silent)
        module.register_forward_hook(silent)
        module.register_full_backward_pre_hook(silent)
        module.register_full_backward_hook(silent)
    return net


def test_a_graph_with_hooks_is_freed_by_counting_alone(no_collector):
    net, nodes = hooked_net(), tallow._C._live_nodes()
    out = net(leaf(4, 2) * 1)
    out.sum().backward()
    del out
    assert tallow._C._live_nodes() == nodes
    net(leaf(4, 2) * 1)  # never run backwards
    assert tallow._C._live_nodes() == nodes


def test_a_hooked_module_is_freed_by_counting_alone(no_collector):
    net = hooked_net()
    net(leaf(4, 2) * 1).sum().backward()
    dead = weakref.ref(net)
    del net
    assert dead() is None


def test_a_graph_keeps_the_module_whose_hooks_it_will_call(no_collector):
    seen = []
    net = nn.Linear(2, 1)
    net.register_full_backward_hook(lambda m, gi, go: seen.append(type(m).__name__))
    out, dead = net(leaf(2)), weakref.ref(net)
    del net
    out.sum().backward()
    del out
    assert seen == ["Linear"]
    assert dead() is None


def test_an_error_in_a_hook_frees_everything(no_collector):
    nodes = tallow._C._live_nodes()
    net = nn.Linear(2, 1)
    net.register_full_backward_hook(lambda *a: 1 / 0)
    out = net(leaf(2))
    try:
        out.sum().backward()
    except ZeroDivisionError as error:
        error.__traceback__ = None
    del out
    assert tallow._C._live_nodes() == nodes


def test_gradients_of_a_finished_pass_are_not_kept():
    net = nn.Linear(2, 1)
    kept = []
    net.register_full_backward_hook(lambda m, gi, go: kept.append(go))
    x = leaf(2)
    out = net(x)
    tallow.autograd.grad(out, net.weight, retain_graph=True)  # stops short of the inputs
    assert kept == []
    out.backward(retain_graph=True)
    out.backward()
    assert len(kept) == 2


def run_in_threads(work, count=4):
    errors = []

    def guarded(i):
        try:
            work(i)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


def test_four_threads_train_hooked_modules_of_their_own():
    grads = [None] * 4

    def work(i):
        net = nn.Linear(8, 8, bias=False)
        with tallow.no_grad():
            net.weight.fill_(1.0)
        seen = []
        net.register_full_backward_hook(lambda m, gi, go: seen.append(go[0].sum().item()))
        for _ in range(20):
            net.weight.grad = None
            net(tallow.full((4, 8), float(i), requires_grad=True)).sum().backward()
        assert seen == [32.0] * 20
        grads[i] = net.weight.grad

    run_in_threads(work)
    for i, grad in enumerate(grads):
        assert grad.tolist() == [[4.0 * i] * 8] * 8


def test_four_threads_call_one_hooked_module():
    net = nn.Linear(8, 8, bias=False)
    seen = []
    net.register_full_backward_hook(lambda m, gi, go: seen.append((gi[0].sum(), go[0].sum())))
    expected = net.weight.detach().sum().item()

    def work(i):
        for _ in range(20):
            x = tallow.full((1, 8), 1.0, requires_grad=True)
            tallow.autograd.grad((net(x) * (i + 1)).sum(), x)

    run_in_threads(work)
    assert len(seen) == 80
    for grad_input, grad_output in seen:
        times = grad_output.item() / 8
        assert grad_input.item() == pytest.approx(expected * times, rel=1e-4, abs=1e-4)


def test_four_threads_run_one_graph_backwards():
    net = nn.Linear(2, 2)
    seen = []
    net.register_full_backward_hook(lambda m, gi, go: seen.append(go[0].sum().item()))
    x = leaf(3, 2)
    out = net(x)

    def work(i):
        for _ in range(10):
            grad = tallow.full((3, 2), float(i))
            tallow.autograd.grad(out, x, grad, retain_graph=True)

    run_in_threads(work)
    assert sorted(seen) == [0.0] * 10 + [6.0] * 10 + [12.0] * 10 + [18.0] * 10


def test_a_hook_may_run_another_backward():
    inner_grads = []

    def hook(module, grad_input, grad_output):
        y = leaf(2)
        with tallow.enable_grad():  # backward runs without
            (y * 3).sum().backward()
        inner_grads.append(y.grad.tolist())

    net = nn.Linear(2, 1)
    net.register_full_backward_hook(hook)
    x = leaf(2)
    net(x).backward()
    assert inner_grads == [[3, 3]]
    assert x.grad.tolist() == net.weight.detach()[0].tolist()


def test_a_hook_may_run_the_same_graph_again():
    seen = []
    net = nn.Linear(2, 1)
    x = leaf(2)

    def hook(module, grad_input, grad_output):
        seen.append(grad_output[0].item())
        if len(seen) == 1:
            tallow.autograd.grad(out, x, tallow.tensor([2.0]), retain_graph=True)

    net.register_full_backward_pre_hook(lambda m, go: None)
    net.register_full_backward_hook(hook)
    out = net(x)
    out.backward(retain_graph=True)
    assert seen == [1, 2]


def test_a_hook_may_remove_itself():
    seen = []
    net = nn.Linear(2, 1)

    def once(*args):
        seen.append("hook")
        handle.remove()

    handle = net.register_full_backward_hook(once)
    for _ in range(2):
        net(leaf(2)).backward()
    assert seen == ["hook"]


def test_a_copy_has_hooks_of_its_own_that_get_the_copy():
    seen = []
    net = nn.Linear(2, 1)
    handle = net.register_full_backward_hook(lambda m, gi, go: seen.append(m))
    other = copy.deepcopy(net)
    handle.remove()
    other(leaf(2)).backward()
    net(leaf(2)).backward()
    assert seen == [other]


def test_a_pickled_module_keeps_its_hooks():
    net = pickle.loads(pickle.dumps(hooked_net()))
    for module in net.modules():
        assert list(module._backward_hooks.values()) == [silent]
        assert list(module._forward_hooks.values()) == [silent]
    net(leaf(4, 2) * 1).sum().backward()
    assert net[0].weight.grad is not None


BAD_BACKWARD_HOOKS = {
    "too few arguments": (lambda m, gi: None, TypeError, "positional argument"),
    "a number": (lambda m, gi, go: 5, TypeError, "has no len"),
    "a tuple of a number": (lambda m, gi, go: (5,), TypeError, "hook returned 'int'"),
    "too many": (lambda m, gi, go: gi + gi, RuntimeError, "got 2, but expected 1"),
    "another shape": (lambda m, gi, go: gi[0][:1], RuntimeError, "changed the size of value"),
    "another dtype": (
        lambda m, gi, go: gi[0].double(), RuntimeError, "changed the type of value"
    ),
    "an exception": (lambda m, gi, go: {}["no"], KeyError, "no"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_BACKWARD_HOOKS)
def test_a_bad_backward_hook_is_refused_and_does_no_harm(name):
    hook, kind, text = BAD_BACKWARD_HOOKS[name]
    net, x = nn.Linear(2, 1), leaf(2)
    with net.register_full_backward_hook(hook), pytest.raises(kind, match=text):
        net(x).backward()
    x.grad = None
    net(x).backward()
    assert x.grad.tolist() == net.weight.detach()[0].tolist()


@pytest.mark.parametrize("register", ["register_forward_hook", "register_forward_pre_hook"])
def test_a_bad_forward_hook_is_refused_and_does_no_harm(register):
    net, x = nn.Linear(2, 1), leaf(2)
    with getattr(net, register)(lambda: None), pytest.raises(TypeError, match="positional arg"):
        net(x)
    with getattr(net, register)(5), pytest.raises(TypeError, match="'int' object is not callable"):
        net(x)
    net(x).backward()


def test_hooks_belong_on_modules_and_on_tensors_with_gradients():
    with pytest.raises(RuntimeError, match="doesn't require gradient"):
        tallow.ones(2).register_hook(silent)
    with pytest.raises(AttributeError, match="register_full_backward_hook"):
        tallow.ones(2).register_full_backward_hook(silent)
