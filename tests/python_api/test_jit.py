"""Tracing records calls and replays them; the script compiler's names change nothing."""

from __future__ import annotations

import copy
from typing import Any

import pytest

import tallow
from tallow import jit, nn
from tallow.nn import functional as F


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(3, 4)
        self.out = nn.Linear(4, 2)

    def forward(self, x: tallow.Tensor) -> tallow.Tensor:
        return F.softmax(self.out(tallow.relu(self.hidden(x))), dim=-1)


def test_traced_function_replays_its_calls() -> None:
    traced = jit.trace(lambda x, y: (x * 2 + y, x.sum()), (tallow.ones(2), tallow.ones(2)))
    a, b = traced(tallow.tensor([1.0, 2.0]), tallow.tensor([10.0, 20.0]))
    assert a.tolist() == [12, 24]
    assert b.item() == 3


def test_traced_module_follows_its_parameters() -> None:
    net = Net()
    x = tallow.randn(5, 3)
    traced = jit.trace(net, x)
    assert isinstance(traced, nn.Module)
    assert isinstance(traced, jit.ScriptModule)
    assert tallow.equal(traced(x), net(x))
    with tallow.no_grad():
        net.out.bias.add_(1)
    assert tallow.equal(traced(x), net(x))
    assert list(traced.state_dict()) == list(net.state_dict())


def test_traced_module_is_differentiable() -> None:
    net = Net()
    traced = jit.trace(net, tallow.randn(1, 3))
    x = tallow.randn(4, 3, requires_grad=True)
    traced(x)[:, 0].sum().backward()
    assert x.grad is not None
    assert net.hidden.weight.grad is not None


def test_graph_names_calls_and_scopes() -> None:
    graph = jit.trace(Net(), tallow.randn(1, 3)).graph
    scopes = [call.scope for call in graph]
    names = [getattr(call.function, "__name__", "") for call in graph]
    assert names == ["linear", "relu", "linear", "softmax"]
    assert scopes[0] == "hidden"
    assert scopes[2] == "out"
    assert repr(graph).startswith("graph(%0,):\n  %1 = ")


def test_containers_keywords_and_writes_in_place() -> None:
    def work(pair: tuple[tallow.Tensor, tallow.Tensor]) -> dict[str, tallow.Tensor]:
        a, b = pair
        total = tallow.add(a, b, alpha=2).clone()
        total[0] = 7
        total.mul_(10)
        return {"total": total, "parts": total.split(1)}

    traced = jit.trace(work, ((tallow.ones(2), tallow.ones(2)),))
    result = traced((tallow.tensor([1.0, 2.0]), tallow.tensor([3.0, 4.0])))
    assert result["total"].tolist() == [70, 100]
    assert [part.tolist() for part in result["parts"]] == [[70], [100]]


def test_is_tracing_only_meanwhile() -> None:
    seen = []
    assert not jit.is_tracing()
    jit.trace(
        lambda x: (seen.append(jit.is_tracing()), x * 2)[1], tallow.ones(1), check_trace=False
    )
    assert seen == [True]
    assert not jit.is_tracing()


def test_state_is_restored_after_an_error() -> None:
    def fail(x: tallow.Tensor) -> tallow.Tensor:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        jit.trace(fail, tallow.ones(1))
    assert not jit.is_tracing()


def test_a_trace_that_depends_on_values_is_noticed() -> None:
    calls = iter(range(10))
    with pytest.warns(jit.TracerWarning, match="does not match"):
        jit.trace(lambda x: x * next(calls), tallow.ones(1))


def test_script_names_change_nothing() -> None:
    def work(x: Any) -> Any:
        return x

    for decorate in (jit.script, jit.export, jit.unused, jit.ignore, jit.ignore(drop=True)):
        assert decorate(work) is work
    assert jit.annotate(int, 3) == 3
    assert jit.isinstance([1], list[int])
    assert not jit.is_scripting()
    assert jit.wait(jit.fork(work, 4)) == 4


def test_inputs_of_other_sizes_are_recorded_anew() -> None:
    calls = []

    def mean_and_flat(x: tallow.Tensor) -> tuple[tallow.Tensor, tallow.Tensor]:
        calls.append(x.shape)
        return x.sum() / x.shape[0], x.reshape(x.shape[0], -1)

    traced = tallow.jit.trace(mean_and_flat, tallow.ones(2, 3, 2), check_trace=False)
    for size in (4, 2, 4, 1):
        mean, flat = traced(tallow.ones(size, 3, 2))
        assert (mean.item(), flat.shape) == (6, (size, 6))
    assert [shape[0] for shape in calls] == [2, 4, 1]


def test_traced_modules_take_other_sizes_with_gradients_and_copies() -> None:
    class Norm(tallow.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = tallow.nn.Parameter(tallow.tensor(2.0))

        def forward(self, x: tallow.Tensor) -> tallow.Tensor:
            return (x * self.scale).expand(x.shape[0], -1) / x.shape[0]

    traced = copy.deepcopy(tallow.jit.trace(Norm(), tallow.ones(3, 4)))
    assert list(traced.state_dict()) == ["scale"]
    for size in (3, 5, 5):
        traced.zero_grad()
        traced(tallow.ones(size, 4)).sum().backward()
        assert traced.scale.grad.item() == 4


def test_a_traced_program_that_refuses_sizes_raises_an_error_of_jit() -> None:
    def first_two(x: tallow.Tensor) -> tallow.Tensor:
        tallow._assert(x.shape[0] == 2, "two rows")
        return x * 2

    traced = jit.trace(first_two, tallow.ones(2))
    with pytest.raises(jit.Error, match="two rows"):
        traced(tallow.ones(3))
