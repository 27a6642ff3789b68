"""Replacing parts of graphs that look like a pattern."""

from __future__ import annotations

from typing import Any

import pytest

import tallow
from tallow import fx, nn


def steps(module: fx.GraphModule) -> list[str]:
    return [n.name for n in module.graph.nodes if n.op not in ("placeholder", "output")]


def check(program: Any, pattern: Any, replacement: Any, count: int, expected: list[str]) -> Any:
    module = program if isinstance(program, fx.GraphModule) else fx.symbolic_trace(program)
    assert len(fx.replace_pattern(module, pattern, replacement)) == count
    module.graph.lint()
    assert steps(module) == expected
    return module


def test_every_place_is_replaced() -> None:
    def program(x, a, b):
        return x + tallow.cat([a, b]).sum() + tallow.cat([a, x]).sum()

    module = check(
        program,
        lambda a, b: tallow.cat([a, b]).sum(),
        lambda a, b: a * b,
        2,
        ["mul", "add", "mul_1", "add_1"],
    )
    assert module(1, 2, 3) == 1 + 2 * 3 + 2 * 1


def test_matches_name_the_steps() -> None:
    module = fx.symbolic_trace(lambda x: (x + 1).relu())
    (match,) = fx.replace_pattern(module, lambda y: y.relu(), lambda y: y.neg())
    assert match.anchor.name == "relu"
    assert {str(key): str(value) for key, value in match.nodes_map.items()} == {
        "y": "add",
        "relu": "relu",
    }


def test_the_first_of_places_with_common_steps() -> None:
    module = check(
        lambda x: x.relu().relu().relu(),
        lambda x: x.relu().relu(),
        lambda x: x.neg(),
        1,
        ["neg", "relu_2"],
    )
    assert module(tallow.tensor([-1.0])).tolist() == [1]
    check(
        lambda x: x.relu().relu().relu().relu(),
        lambda x: x.relu().relu(),
        lambda x: x.neg().abs(),
        2,
        ["neg", "abs_1", "neg_1", "abs_2"],
    )


def test_what_is_used_elsewhere_is_no_place() -> None:
    def program(x):
        y = x + 1
        return y * 2, y

    check(program, lambda x: (x + 1) * 2, lambda x: x - 7, 0, ["add", "mul"])

    def returns_both(x):
        y = x + 1
        return y * 2, y

    module = check(program, returns_both, lambda x: (x - 1, x - 2), 1, ["sub", "sub_1"])
    assert module(10) == (9, 8)


def test_other_arguments_are_other_steps() -> None:
    check(
        lambda x: tallow.add(x, 3) * tallow.add(x, 4),
        lambda x: tallow.add(x, 3),
        lambda x: x,
        1,
        ["add_1", "mul"],
    )
    for program, pattern in (
        (lambda x: tallow.add(x, x), lambda x, y: tallow.add(x, y)),
        (lambda x, y: tallow.add(x, y), lambda x, y: tallow.add(x, other=y)),
        (lambda x, y: tallow.add(x, 1.0), lambda x, y: tallow.add(x, 1)),
        (lambda x, y: tallow.add(x, y), lambda x: tallow.add(x, x)),
        (lambda x, y: tallow.add(x, y), lambda x, y: tallow.mul(x, y)),
    ):
        assert not fx.replace_pattern(fx.symbolic_trace(program), pattern, pattern)


def test_arguments_of_a_pattern_stand_for_numbers_too() -> None:
    module = check(
        lambda x: x.split(2)[0],
        lambda x, n: x.split(n),
        lambda x, n: x.chunk(n),
        1,
        ["chunk", "getitem"],
    )
    assert module(tallow.arange(6)).tolist() == [0, 1, 2]


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(2, 2)
        self.second = nn.ReLU()

    def forward(self, x):
        return self.second(self.first(x)) * 2


class Activation(nn.Module):
    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.act = module

    def forward(self, x):
        return self.act(x)


def test_modules_match_by_kind_and_bring_their_own() -> None:
    net = Net()
    module = fx.symbolic_trace(net)
    check(module, Activation(nn.ReLU()), Activation(nn.Tanh()), 1, ["first", "act", "mul"])
    x = tallow.randn(3, 2)
    assert tallow.equal(module(x), net.first(x).tanh() * 2)
    assert [name for name, _ in module.named_children()] == ["first", "act"]
    check(module, Activation(nn.ReLU()), Activation(nn.Tanh()), 0, ["first", "act", "mul"])


def test_several_results() -> None:
    module = fx.symbolic_trace(lambda x, y: x.sin() + y.cos())
    check(
        module,
        lambda x, y: (x.sin(), y.cos()),
        lambda x, y: (x * 2, y * 3),
        1,
        ["mul", "mul_1", "add"],
    )
    assert module(1, 1) == 5


def test_wrong_numbers_are_refused() -> None:
    module = fx.symbolic_trace(lambda x: x.sin())
    with pytest.raises(RuntimeError, match="the pattern has 1 arguments and the replacement 2"):
        fx.replace_pattern(module, lambda x: x.sin(), lambda x, y: x)
    with pytest.raises(RuntimeError, match="the pattern has 1 results and the replacement 2"):
        fx.replace_pattern(module, lambda x: x.sin(), lambda x: (x, x.cos()))
    with pytest.raises(AssertionError, match="The insert point can't be None"):
        fx.replace_pattern(module, lambda x: x, lambda x: x)
