"""Activation checkpointing."""

from __future__ import annotations

import pytest

import tallow
from tallow import nn
from tallow.nn import functional as F
from tallow.utils.checkpoint import (
    CheckpointError,
    checkpoint,
    checkpoint_sequential,
    set_checkpoint_early_stop,
)

BOTH = pytest.mark.parametrize("use_reentrant", [False, True])


def counted(function):
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return function(*args, **kwargs)

    wrapper.calls = 0
    return wrapper


@BOTH
def test_gradients_are_the_same_and_the_function_runs_twice(use_reentrant):
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    x = tallow.randn(4, 3, requires_grad=True)
    net(x).pow(2).sum().backward()
    expected = [p.grad.clone() for p in (*net.parameters(), x)]
    net.zero_grad()
    x.grad = None
    function = counted(net)
    result = checkpoint(function, x, use_reentrant=use_reentrant)
    assert function.calls == 1
    result.pow(2).sum().backward()
    assert function.calls == 2
    for p, grad in zip((*net.parameters(), x), expected, strict=True):
        assert tallow.equal(p.grad, grad)


@BOTH
def test_random_numbers_are_drawn_again(use_reentrant):
    x = tallow.ones(1000, requires_grad=True)
    result = checkpoint(F.dropout, x, use_reentrant=use_reentrant)
    state = tallow.get_rng_state()
    result.sum().backward()
    assert tallow.equal(x.grad, result.detach())
    assert tallow.equal(tallow.get_rng_state(), state)


def test_random_numbers_need_not_be_kept():
    x = tallow.ones(1000, requires_grad=True)
    result = checkpoint(F.dropout, x, use_reentrant=False, preserve_rng_state=False)
    result.sum().backward()
    assert not tallow.equal(x.grad, result.detach())


def test_nothing_is_saved_in_between():
    sizes = []
    x = tallow.ones(4, requires_grad=True)

    def pack(tensor):
        sizes.append(tensor.numel())
        return tensor

    with tallow.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = checkpoint(lambda t: t.exp().sin().tanh(), x, use_reentrant=False)
        assert sizes == []
        result.sum().backward()


def test_the_second_run_stops_early():
    steps = []

    def function(t):
        steps.append("exp")
        a = t.exp()
        steps.append("sin")
        b = a.sin()
        steps.append("sum")
        return b.sum()

    x = tallow.ones(2, requires_grad=True)
    checkpoint(function, x, use_reentrant=False).backward()
    assert steps == ["exp", "sin", "sum", "exp", "sin"]
    steps.clear()
    with set_checkpoint_early_stop(False):
        checkpoint(function, x, use_reentrant=False).backward()
    assert steps == ["exp", "sin", "sum"] * 2


@BOTH
def test_a_second_backward_runs_the_function_again(use_reentrant):
    x = tallow.zeros(2, requires_grad=True)
    function = counted(lambda t: t.exp())
    result = checkpoint(function, x, use_reentrant=use_reentrant)
    result.sum().backward(retain_graph=True)
    result.sum().backward()
    assert x.grad.tolist() == [2, 2]
    assert function.calls == 3
    with pytest.raises(RuntimeError, match="^Trying to backward through the graph a second time"):
        result.sum().backward()


def test_checkpoints_inside_checkpoints():
    x = tallow.full((2,), 0.5, requires_grad=True)

    def inner(t):
        return checkpoint(lambda u: u.sin().exp(), t, use_reentrant=False).tanh()

    checkpoint(inner, x, use_reentrant=False).sum().backward()
    y = tallow.full((2,), 0.5, requires_grad=True)
    y.sin().exp().tanh().sum().backward()
    assert tallow.equal(x.grad, y.grad)


def test_keyword_arguments_and_containers():
    x, y = (tallow.ones(2, requires_grad=True) for _ in range(2))
    result = checkpoint(
        lambda pair, scale: pair["x"] * pair["y"] * scale,
        {"x": x, "y": y},
        scale=3.0,
        use_reentrant=False,
    )
    result.sum().backward()
    assert x.grad.tolist() == y.grad.tolist() == [3, 3]


def test_double_backward():
    x = tallow.full((1,), 2.0, requires_grad=True)
    (grad,) = tallow.autograd.grad(
        checkpoint(lambda t: t**3, x, use_reentrant=False), x, create_graph=True
    )
    grad.backward()
    assert x.grad.item() == 12


def test_without_gradients_it_is_a_plain_call():
    function = counted(tallow.exp)
    with tallow.no_grad():
        assert checkpoint(function, tallow.zeros(1), use_reentrant=False).item() == 1
    assert function.calls == 1


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (lambda t: t.exp(), "A different number of tensors was saved during the original forward"),
        (lambda t: t.double().exp().sin().float(), "Recomputed values for the following tensors"),
    ],
)
def test_another_second_run_is_an_error(second, message):
    runs = iter([lambda t: t.exp().sin(), second])
    x = tallow.ones(2, requires_grad=True)
    result = checkpoint(lambda t: next(runs)(t), x, use_reentrant=False)
    with pytest.raises(CheckpointError, match=message):
        result.sum().backward()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_an_error_in_the_second_run_reaches_the_caller():
    runs = iter([lambda t: t.exp(), lambda t: 1 / 0])
    x = tallow.ones(2, requires_grad=True)
    result = checkpoint(lambda t: next(runs)(t), x, use_reentrant=False)
    with pytest.raises(ZeroDivisionError):
        result.sum().backward()
    assert tallow.is_grad_enabled()


def test_contexts_surround_both_runs():
    log = []

    class Context:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            log.append(self.name)

        def __exit__(self, *exception):
            log.append(f"end of {self.name}")

    x = tallow.ones(1, requires_grad=True)
    result = checkpoint(
        tallow.exp, x, use_reentrant=False, context_fn=lambda: (Context("first"), Context("second"))
    )
    result.backward()
    assert log == ["first", "end of first", "second", "end of second"]


@BOTH
@pytest.mark.parametrize("segments", [1, 2, 3])
def test_sequential(use_reentrant, segments):
    steps = [nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1)]
    net = nn.Sequential(*steps)
    x = tallow.randn(2, 3, requires_grad=True)
    result = checkpoint_sequential(net, segments, x, use_reentrant=use_reentrant)
    assert tallow.equal(result, net(x))
    result.sum().backward()
    grad = x.grad.clone()
    x.grad = None
    net(x).sum().backward()
    assert tallow.equal(grad, x.grad)


def test_warnings_and_errors():
    x = tallow.ones(1, requires_grad=True)
    with pytest.warns(UserWarning, match="the use_reentrant parameter should be passed explicit"):
        checkpoint(tallow.exp, x)
    with pytest.warns(UserWarning, match="^None of the inputs have requires_grad=True"):
        checkpoint(tallow.exp, tallow.ones(1), use_reentrant=True)
    with pytest.raises(ValueError, match="Unexpected keyword arguments: b"):
        checkpoint(tallow.exp, x, b=1, use_reentrant=True)
    with pytest.raises(ValueError, match="Passing `context_fn` or `debug` is only supported"):
        checkpoint(tallow.exp, x, use_reentrant=True, debug=True)
    with pytest.raises(ValueError, match="determinism_check should be one of"):
        checkpoint(tallow.exp, x, use_reentrant=False, determinism_check="x")
    with pytest.raises(ValueError, match="Unexpected keyword arguments: x"):
        checkpoint_sequential([tallow.exp], 1, x, use_reentrant=False, x=1)


@pytest.mark.parametrize(
    "differentiate",
    [
        lambda y, x: tallow.autograd.grad(y, [x]),
        lambda y, x: tallow.autograd.grad(y, [x], create_graph=True),
        lambda y, x: y.backward(inputs=[x]),
    ],
)
def test_the_reentrant_variant_serves_no_chosen_inputs(differentiate):
    x = tallow.ones(3, requires_grad=True)
    with pytest.raises(
        RuntimeError, match="^When use_reentrant=True, .* incompatible with .grad()"
    ):
        differentiate(checkpoint(lambda t: t * t, x, use_reentrant=True).sum(), x)
    assert x.grad is None
    checkpoint(lambda t: t * t, x, use_reentrant=True).sum().backward()
    assert x.grad.tolist() == [2, 2, 2]
