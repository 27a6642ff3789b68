"""Recording programs: which steps, under which names, and what cannot be recorded."""

from __future__ import annotations

import functools
import math
import operator
from typing import Any, NamedTuple

import pytest

import tallow
from tallow import Tensor, fx, nn
from tallow.fx._symbolic_trace import is_fx_tracing
from tallow.nn import functional as F


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lin = nn.Linear(3, 3)
        self.weight = nn.Parameter(tallow.full((3,), 2.0))
        self.register_buffer("shift", tallow.ones(3))
        self.constant = tallow.ones(3)

    def forward(self, x, double=False):
        y = F.relu(self.lin(x) * self.weight + self.weight) + self.shift
        return y * 2 if double else y - self.constant


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = Block()
        self.layers = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5))
        self.scale = 3.0

    def forward(self, x):
        x = self.layers(self.block(x))
        return tallow.cat([x, x.view(-1, x.shape[1])], dim=1)[:, 1:-1] * self.scale


def helper(x: Any, n: int) -> Any:
    return x * n if n > 1 else x


fx.wrap("helper")
fx.wrap("len")


@fx.wrap
def absolute(x: Any) -> Any:
    return x if x.sum() > 0 else -x


def text(graph: fx.Graph) -> str:
    return str(graph).replace(f"target={tallow.__name__}.", "target=")


def test_the_steps_of_a_module() -> None:
    graph = fx.symbolic_trace(Net()).graph
    assert text(graph).split("\n") == [
        "graph():",
        "    %x : [num_users=1] = placeholder[target=x]",
        "    %block_lin : [num_users=1] = call_module[target=block.lin](args = (%x,), kwargs = {})",
        "    %block_weight : [num_users=2] = get_attr[target=block.weight]",
        "    %mul : [num_users=1] = call_function[target=operator.mul]"
        "(args = (%block_lin, %block_weight), kwargs = {})",
        "    %add : [num_users=1] = call_function[target=operator.add]"
        "(args = (%mul, %block_weight), kwargs = {})",
        "    %relu : [num_users=1] = call_function[target=nn.functional.relu]"
        "(args = (%add,), kwargs = {inplace: False})",
        "    %block_shift : [num_users=1] = get_attr[target=block.shift]",
        "    %add_1 : [num_users=1] = call_function[target=operator.add]"
        "(args = (%relu, %block_shift), kwargs = {})",
        "    %block_constant : [num_users=1] = get_attr[target=block.constant]",
        "    %sub : [num_users=1] = call_function[target=operator.sub]"
        "(args = (%add_1, %block_constant), kwargs = {})",
        "    %layers_0 : [num_users=1] = call_module[target=layers.0](args = (%sub,), kwargs = {})",
        "    %layers_1 : [num_users=3] = call_module[target=layers.1]"
        "(args = (%layers_0,), kwargs = {})",
        "    %getattr_1 : [num_users=1] = call_function[target=builtins.getattr]"
        "(args = (%layers_1, shape), kwargs = {})",
        "    %getitem : [num_users=1] = call_function[target=operator.getitem]"
        "(args = (%getattr_1, 1), kwargs = {})",
        "    %view : [num_users=1] = call_method[target=view]"
        "(args = (%layers_1, -1, %getitem), kwargs = {})",
        "    %cat : [num_users=1] = call_function[target=cat]"
        "(args = ([%layers_1, %view],), kwargs = {dim: 1})",
        "    %getitem_1 : [num_users=1] = call_function[target=operator.getitem]"
        "(args = (%cat, (slice(None, None, None), slice(1, -1, None))), kwargs = {})",
        "    %mul_1 : [num_users=1] = call_function[target=operator.mul]"
        "(args = (%getitem_1, 3.0), kwargs = {})",
        "    return mul_1",
    ]


@pytest.mark.parametrize("training", [True, False])
def test_a_traced_module_does_the_same(training: bool) -> None:
    net = Net().train(training)
    traced = fx.symbolic_trace(net)
    x = tallow.randn(2, 3)
    results = []
    for module in (net, traced):
        tallow.manual_seed(1)
        results.append(module(x))
    assert tallow.equal(*results)
    assert traced.training == training
    assert traced.block.weight is net.block.weight
    assert set(traced.state_dict()) == {*net.state_dict(), "block.constant"}
    traced(x).sum().backward()
    assert net.block.weight.grad is not None


def test_tracing_leaves_modules_as_they_were() -> None:
    call, attribute, root = nn.Module.__call__, nn.Module.__getattr__, math.sqrt
    fx.symbolic_trace(Net())
    with pytest.raises(fx.proxy.TraceError):
        fx.symbolic_trace(lambda x: x if x > 0 else 1)
    assert nn.Module.__call__ is call
    assert nn.Module.__getattr__ is attribute
    assert math.sqrt is root
    assert globals()["helper"].__name__ == "helper"
    assert "len" not in globals()
    assert not is_fx_tracing()


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: 1 if x > 0 else 2, "symbolically traced variables cannot be used as inputs to"),
        (lambda x: not x, "symbolically traced variables cannot be used as inputs to control flow"),
        (lambda x: [one + 1 for one in x], "Proxy object cannot be iterated"),
        (lambda x: 3 in x, "Proxy object cannot be iterated"),
        (lambda x: max(*x), "Proxy object cannot be iterated"),
        (lambda x: dict(**x), "Proxy object cannot be iterated"),
    ],
)
def test_control_flow_of_values_is_refused(function: Any, message: str) -> None:
    with pytest.raises(fx.proxy.TraceError, match=message) as caught:
        fx.symbolic_trace(function)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda x: x.__len__(), RuntimeError, "'len' is not supported in symbolic tracing by def"),
        (lambda x: int(x), TypeError, "int"),
        (lambda x: range(x), TypeError, "Proxy"),
        (lambda x: {x: 1}, RuntimeError, "cannot contain a Node. Got key: x"),
        (lambda x: x + object(), NotImplementedError, "argument of type: <class 'object'>"),
    ],
)
def test_what_has_no_step_is_refused(function: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        fx.symbolic_trace(function)


def test_unpacking_takes_as_many_elements_as_there_are_names() -> None:
    def function(x):
        first, second = x.split(2)
        return first + second

    traced = fx.symbolic_trace(function)
    assert [node.name for node in traced.graph.nodes] == [
        "x", "split", "getitem", "getitem_1", "add", "output",
    ]  # fmt: skip
    assert traced(tallow.arange(4)).tolist() == [2, 4]


@pytest.mark.parametrize(
    ("name", "args"),
    [
        *((name, (2.5,)) for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow")),
        *((name, (2.5,)) for name in ("eq", "ne", "lt", "le", "gt", "ge")),
        *((name, ()) for name in ("neg", "pos")),
    ],
)
def test_operators_and_reflected_ones(name: str, args: tuple[Any, ...]) -> None:
    function = getattr(operator, name)
    x = tallow.tensor([1.5, 2.0])
    assert tallow.equal(fx.symbolic_trace(lambda x: function(x, *args))(x), function(x, *args))
    if args:
        traced = fx.symbolic_trace(lambda x: function(*args, x))
        assert tallow.equal(traced(x), function(*args, x))


def test_bits_matrices_and_absolute_values() -> None:
    def function(x):
        return [x & 3, x | 4, x ^ 1, x << 1, x >> 1, ~x, abs(x), 3 & x, x @ x, 2 ^ x]

    x = tallow.tensor([[1, -2], [3, 4]])
    found, expected = fx.symbolic_trace(function)(x), function(x)
    assert all(tallow.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_functions_of_the_package_are_steps() -> None:
    def function(x):
        y = tallow.where(x > 0, x, -x).softmax(-1).to(tallow.float64)
        z = F.max_pool2d(F.pad(y, (1, 1)), 2) + tallow.ones(3, dtype=tallow.float64)
        return tallow.einsum("...ij->...i", z), tallow.linalg.norm(z), z.max(1)[0], z.mT.shape

    x = tallow.randn(1, 4, 4)
    found, expected = fx.symbolic_trace(function)(x), function(x)
    assert all(tallow.equal(a, b) for a, b in zip(found[:3], expected[:3], strict=True))
    assert found[3] == expected[3]


class Pair(NamedTuple):
    first: Any
    second: int


def test_arguments_may_be_nested() -> None:
    def function(x, tree):
        more = tallow.stack((tree["a"][0], x), 0)[..., None, slice(0, x.size(1))]
        return {"out": (more, [x.dtype]), "pair": Pair(x, 3), "slice": slice(0, x.shape[0])}

    x = tallow.ones(2, 2)
    found = fx.symbolic_trace(function)(x, {"a": [x]})
    assert found["out"][0].shape == (2, 2, 1, 2)
    assert found["out"][1] == [tallow.float32]
    assert isinstance(found["pair"], Pair)
    assert found["pair"].second == 3
    assert found["slice"] == slice(0, 2)


def test_all_kinds_of_parameters() -> None:
    def function(x: Tensor, y=2, *rest, z: float = 3.0, **named):
        return x * y + z + rest[0] * named["w"]

    traced = fx.symbolic_trace(function)
    arguments = [n.target for n in traced.graph.nodes if n.op == "placeholder"]
    assert arguments == ["x", "y", "z", "*rest", "**named"]

    def plain(x, y=2, *, z=3):
        return x * y + z

    traced = fx.symbolic_trace(plain)
    assert traced(tallow.ones(1)).tolist() == [5]
    assert traced(tallow.ones(1), 1, z=1).tolist() == [2]


def test_stars_keep_their_places() -> None:
    def function(x, *rest, **named):
        return x + rest[0] * named["w"]

    traced = fx.symbolic_trace(function)
    assert traced(1, 2, w=3) == 7
    assert "def forward(self, x, *rest, **named):" in traced.code


def test_concrete_arguments_decide_control_flow() -> None:
    block = Block()
    traced = fx.symbolic_trace(block, concrete_args={"double": True})
    x = tallow.ones(1, 3)
    assert tallow.equal(traced(x, True), block(x, True))
    with pytest.raises(AssertionError, match="double has been specialized to have value True"):
        traced(x, False)
    with pytest.raises(NotImplementedError, match=r"concrete_args\['double'\]: expected a number"):
        fx.symbolic_trace(block, concrete_args={"double": [1]})


def test_wrapped_functions_are_single_steps() -> None:
    def function(x):
        return absolute(helper(x, 2)) + len(x) + math.floor(2.5)

    traced = fx.symbolic_trace(function)
    names = [node.name for node in traced.graph.nodes]
    assert names == ["x", "helper", "absolute", "len_1", "add", "add_1", "output"]
    x = tallow.tensor([-1.0, -2.0])
    assert traced(x).tolist() == function(x).tolist() == [6, 8]
    assert f'{tallow.__name__}.fx._symbolic_trace.wrap("len")' in traced.code
    with pytest.raises(NotImplementedError, match="wrap must be called at the top level of a mod"):
        fx.wrap("helper")
    with pytest.raises(RuntimeError, match="Unsupported type for global function!"):
        fx.wrap(3)  # type: ignore[arg-type]


def test_functions_and_modules_can_be_wrapped_for_a_tracer() -> None:
    graph = fx.Tracer(autowrap_functions=(unwrapped,)).trace(lambda x: unwrapped(x))
    assert [node.target for node in graph.nodes][1] is unwrapped
    with pytest.raises(fx.proxy.TraceError):
        fx.symbolic_trace(lambda x: unwrapped(x))
    graph = fx.Tracer(autowrap_modules=(operator,)).trace(lambda x: operator.index(x))
    assert [node.target for node in graph.nodes][1] is operator.index


def unwrapped(x: Any) -> Any:
    return x if x else -x


def test_tracers_choose_single_steps() -> None:
    class Whole(fx.Tracer):
        def is_leaf_module(self, m: nn.Module, module_qualname: str) -> bool:
            return module_qualname == "block" or super().is_leaf_module(m, module_qualname)

    net = Net().eval()
    graph = Whole().trace(net)
    assert [n.target for n in graph.nodes if n.op == "call_module"] == [
        "block", "layers.0", "layers.1",
    ]  # fmt: skip
    x = tallow.ones(1, 3)
    assert tallow.equal(fx.GraphModule(net, graph)(x), net(x))
    with pytest.raises(NameError, match="module is not installed as a submodule"):
        fx.symbolic_trace(lambda x: nn.Identity()(x))
    with pytest.raises(NameError, match="parameter is not a member of this module"):
        fx.symbolic_trace(lambda x: x + nn.Parameter(tallow.ones(1)))
    with pytest.raises(NotImplementedError, match="param_shapes_constant"):
        fx.Tracer(param_shapes_constant=True)


def test_packages_build_tracers_of_the_same_parts() -> None:
    from tallow.fx import _symbolic_trace as parts

    class Other(nn.Module):
        def __call__(self, x):
            return x

    class Own(fx.Tracer):
        @parts.compatibility(is_backward_compatible=True)
        def trace(self, root, concrete_args=None):
            self.root, self.graph = root, fx.Graph(tracer_cls=type(self))
            function, args = self.create_args_for_root(type(root).forward, True, concrete_args)

            def call(module, *args, **kwargs):
                return self.call_module(module, parts._orig_module_call, args, kwargs)

            with parts._Patcher() as patcher:
                patcher.patch_method(nn.Module, "__call__", call, deduplicate=False)
                patcher.patch_method(Other, "__call__", call, deduplicate=False)
                parts._patch_wrapped_functions(patcher)
                parts._autowrap_check(patcher, globals(), self._autowrap_function_ids)
                self.create_node("output", "output", (self.create_arg(function(*args)),), {})
            return self.graph

    class Root(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tanh, self.other = nn.Tanh(), Other()

        def forward(self, x):
            return helper(self.other(self.tanh(x)), 2)

    class Leaves(Own):
        def is_leaf_module(self, m, module_qualname):
            return True

    graph = Leaves().trace(Root())
    assert [node.name for node in graph.nodes] == ["x", "tanh", "other", "helper", "output"]
    assert not isinstance(3, parts.ScriptObject)
    assert "__call__" in vars(Other)


def test_buffers_may_be_values() -> None:
    class Buffers(fx.Tracer):
        def __init__(self) -> None:
            super().__init__()
            self.proxy_buffer_attributes = True

    graph = Buffers().trace(Block(), {"double": False})
    assert [n.target for n in graph.nodes if n.op == "get_attr"] == [
        "weight", "shift", "constant",
    ]  # fmt: skip


def test_two_traces_do_not_mix() -> None:
    one, other = fx.Graph(), fx.Graph()
    x, y = fx.Proxy(one.placeholder("x")), fx.Proxy(other.placeholder("y"))
    with pytest.raises(RuntimeError, match="Found multiple different tracers"):
        tallow.add(x, y)


def test_partial_methods_and_decorated_functions() -> None:
    def decorate(function):
        @functools.wraps(function)
        def inner(*args):
            return function(*args) + 1

        return inner

    @decorate
    def function(x):
        return x * 2

    assert fx.symbolic_trace(function)(3) == 7
