"""Graphs: making, changing, printing and compiling them."""

from __future__ import annotations

import copy
import operator
import pickle
from typing import Any, Optional

import pytest

import tallow
from tallow import Tensor, fx, nn

HERE = tallow.__name__


def small() -> tuple[fx.Graph, dict[str, fx.Node]]:
    graph = fx.Graph()
    x = graph.placeholder("x")
    y = graph.placeholder("y", default_value=3)
    total = graph.call_function(operator.add, (x, y))
    relu = graph.call_method("relu", (total,))
    output = graph.output((relu, {"x": [x]}))
    return graph, {"x": x, "y": y, "add": total, "relu": relu, "output": output}


def names(graph: fx.Graph) -> list[str]:
    return [node.name for node in graph.nodes]


def test_code_forgets_results_after_their_last_use() -> None:
    graph, _ = small()
    assert graph.python_code("self").src == (
        "\n\n\n"
        "def forward(self, x, y = 3):\n"
        "    add = x + y;  y = None\n"
        "    relu = add.relu();  add = None\n"
        "    return (relu, {'x': [x]})\n"
        "    "
    )
    module = fx.GraphModule({}, graph)
    result, rest = module(tallow.tensor([-5.0, 1.0]))
    assert result.tolist() == [0, 4]
    assert rest["x"][0].tolist() == [-5, 1]


def test_code_of_many_steps() -> None:
    graph = fx.Graph()
    x = graph.placeholder("x")
    changed = graph.call_function(operator.iadd, (x, 1))
    graph.call_function(tallow.relu, (x,))
    item = graph.call_function(operator.getitem, (changed, (Ellipsis, slice(None, 2))))
    back = graph.call_function(operator.neg, (item,))
    shape = graph.call_function(getattr, (back, "shape"))
    other = graph.call_function(getattr, (back, "not a name"))
    device = graph.call_method("to", (back, tallow.device("cpu")), {"dtype": tallow.float64})
    graph.output((device, shape, float("inf"), other))
    assert graph.python_code("self").src.split("\n")[4:-1] == [
        "    x += 1;  iadd = x",
        f"    relu = {HERE}.relu(x);  x = relu = None",
        "    getitem = iadd[(Ellipsis, slice(None, 2, None))];  iadd = None",
        "    neg = -getitem;  getitem = None",
        "    getattr_1 = neg.shape",
        "    getattr_2 = getattr(neg, 'not a name')",
        f"    to = neg.to(device(type='cpu'), dtype = {HERE}.float64);  neg = None",
        "    return (to, getattr_1, inf, getattr_2)",
    ]


def test_types_are_written() -> None:
    def function(x, m, n=None):
        return {"a": x}

    function.__annotations__ = {
        "x": Tensor,
        "m": list[Tensor],
        "n": Optional[int],  # noqa: UP045
        "return": dict[str, Tensor],
    }
    module = fx.symbolic_trace(function)
    assert (
        f"def forward(self, x : {HERE}.Tensor, m : list[{HERE}.Tensor], "
        f"n : typing_Union[int,NoneType] = None) -> dict[str,{HERE}.Tensor]:"
    ) in module.code
    assert f"%x : {HERE}.Tensor [num_users=1] = placeholder[target=x]" in str(module.graph)


@pytest.mark.parametrize(
    ("wished", "expected"),
    [
        (["a", "a", "a"], ["a", "a_1", "a_2"]),
        (["a_1", "a", "a_1"], ["a_1", "a", "a_2"]),
        (["sum", "input", "for", "inf"], ["sum_1", "input_1", "for_1", "inf_1"]),
        (["layer1.0.Conv2d", "0", "AuxLogits"], ["layer1_0_Conv2d", "_0", "AuxLogits"]),
        (["", "*args", "**kw"], ["_unnamed", "_args", "_kw"]),
    ],
)
def test_names_are_identifiers_and_differ(wished: list[str], expected: list[str]) -> None:
    graph = fx.Graph()
    for name in wished:
        graph.create_node("placeholder", "x", name=name)
    assert names(graph) == expected


def test_targets_give_names() -> None:
    graph = fx.Graph()
    graph.call_module("AuxLogits.convBlock.0")
    graph.call_method("__call__")
    graph.get_attr("a.b")
    assert names(graph) == ["aux_logits_conv_block_0", "call", "a_b"]


def test_users_follow_arguments() -> None:
    _, node = small()
    assert list(node["x"].users) == [node["add"], node["output"]]
    assert node["add"].all_input_nodes == [node["x"], node["y"]]
    node["add"].update_arg(1, node["x"])
    assert not node["y"].users
    assert node["add"].all_input_nodes == [node["x"]]
    node["relu"].update_kwarg("out", node["y"])
    node["relu"].insert_arg(0, node["x"])
    assert node["relu"].args == (node["x"], node["add"])
    assert list(node["y"].users) == [node["relu"]]
    node["relu"].kwargs = {}
    assert not node["y"].users
    assert node["x"].replace_all_uses_with(node["y"], lambda user: user.op == "output") == [
        node["output"]
    ]
    assert node["output"].args[0][1] == {"x": [node["y"]]}


def test_arguments_cannot_be_changed_in_place() -> None:
    _, node = small()
    for change in (
        lambda: node["output"].args[0][1]["x"].append(1),
        lambda: node["output"].args[0][1].update(y=1),
        lambda: node["add"].kwargs.update(alpha=1),
    ):
        with pytest.raises(TypeError, match="object does not support mutation"):
            change()


def test_steps_are_inserted_replaced_and_erased() -> None:
    graph, node = small()
    module = fx.GraphModule({}, graph)
    with graph.inserting_before(node["relu"]):
        graph.call_method("neg", (node["add"],))
    with graph.inserting_after(node["relu"]):
        new = graph.call_function(tallow.sigmoid, (node["add"],))
    node["relu"].replace_all_uses_with(new)
    graph.erase_node(node["relu"])
    assert names(graph) == ["x", "y", "add", "neg", "sigmoid", "output"]
    assert len(graph.nodes) == 6
    graph.lint()
    assert graph.eliminate_dead_code()
    assert not graph.eliminate_dead_code()
    assert names(graph) == ["x", "y", "add", "sigmoid", "output"]
    module.recompile()
    assert module(tallow.zeros(1), 0)[0].tolist() == [0.5]
    with pytest.raises(RuntimeError, match="Tried to erase Node add but it still had 1 users"):
        graph.erase_node(node["add"])


def test_steps_with_effects_stay() -> None:
    @fx.has_side_effect
    def report(x: Any) -> None:
        return None

    graph, node = small()
    with graph.inserting_before(node["output"]):
        graph.call_function(report, (node["x"],))
        graph.call_function(tallow._assert, (node["x"], "why"))
    assert not graph.eliminate_dead_code()
    assert graph.eliminate_dead_code(lambda n: n.op in ("placeholder", "output"))


def test_steps_can_be_moved_and_visited_while_changing() -> None:
    graph, node = small()
    node["x"].prepend(node["y"])
    assert names(graph)[:2] == ["y", "x"]
    node["x"].append(node["y"])
    assert names(graph)[:2] == ["x", "y"]
    assert node["x"].next is node["y"]
    assert node["y"].prev is node["x"]
    for one in reversed(graph.nodes):
        if not one.users:
            graph.erase_node(one)
    assert len(graph.nodes) == 0


def test_lint_finds_wrong_orders_and_missing_attributes() -> None:
    graph, node = small()
    node["x"].prepend(node["add"])
    with pytest.raises(RuntimeError, match="'x' of Node 'add' was used before it has been defined"):
        graph.lint()
    other, _ = small()
    with other.inserting_before(other.output_node()):
        other.call_method("neg", (node["x"],))
    with pytest.raises(RuntimeError, match="does not belong to this Graph"):
        other.lint()
    graph = fx.Graph()
    graph.output(graph.get_attr("a.b"))
    graph.owning_module = nn.Module()
    with pytest.raises(RuntimeError, match="references nonexistent attribute a"):
        graph.lint()


def test_wrong_targets_are_refused() -> None:
    graph = fx.Graph()
    with pytest.raises(ValueError, match="but a Callable is expected"):
        graph.create_node("call_function", "relu")
    with pytest.raises(ValueError, match="but a str is expected"):
        graph.create_node("call_method", len)
    with pytest.raises(
        RuntimeError, match="Node lin referenced target lin but that target was not"
    ):
        graph.output(graph.call_module("lin"))
        fx.GraphModule({}, graph)
    with pytest.raises(RuntimeError, match="Unsupported type 3 passed for root!"):
        fx.GraphModule(3, fx.Graph())  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError, match="python_code: colored=True"):
        graph.python_code("self", colored=True)


def test_graphs_are_copied_into_others() -> None:
    graph, node = small()
    node["add"].meta["note"] = 1
    target = fx.Graph()
    values: dict[fx.Node, Any] = {}
    result = target.graph_copy(graph, values)
    target.output(result)
    assert str(target) == str(graph)
    assert values[node["add"]].meta == {"note": 1}
    assert str(copy.deepcopy(graph)) == str(graph)
    assert target.find_nodes(op="call_method", target="relu") == [values[node["relu"]]]


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([nn.Linear(2, 2), nn.Tanh()])
        self.weight = nn.Parameter(tallow.ones(2))

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x * self.weight


def test_copies_and_files_of_graph_modules() -> None:
    module = fx.symbolic_trace(Net())
    module.meta["note"] = 1
    x = tallow.randn(3, 2)
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert other.code == module.code
        assert str(other.graph) == str(module.graph)
        assert tallow.equal(other(x), module(x))
        assert other.weight is not module.weight
        assert other.meta == {"note": 1}
    shallow = copy.copy(module)
    assert shallow.weight is module.weight
    assert type(shallow) is not type(module)


def test_a_graph_module_is_printed_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    module = fx.symbolic_trace(Net())
    assert str(module).startswith("Net(\n  (blocks): Module(\n    (0): Linear(")
    assert module.code in str(module)
    text = module.print_readable()
    assert capsys.readouterr().out == f"{text}\n"
    assert text.startswith(f"class Net({HERE}.nn.Module):\n    def forward(self, x):\n        bl")
    module.graph.print_tabular()
    table = capsys.readouterr().out.split("\n")
    assert table[0].split() == ["opcode", "name", "target", "args", "kwargs"]
    assert table[2].split() == ["placeholder", "x", "x", "()", "{}"]
    with pytest.raises(NotImplementedError, match="print_readable: include_stride=True"):
        module.print_readable(include_stride=True)


def test_errors_show_lines_of_the_code() -> None:
    import traceback

    module = fx.symbolic_trace(lambda x: x.nothing())
    with pytest.raises(AttributeError) as caught:
        module(tallow.ones(1))
    assert "nothing = x.nothing();  x = None" in "".join(traceback.format_tb(caught.tb))


def test_modules_are_added_and_removed() -> None:
    module = fx.symbolic_trace(Net())
    assert module.add_submodule("extra.inner", nn.Identity())
    assert not module.add_submodule("weight.inner", nn.Identity())
    assert module.delete_submodule("extra.inner")
    assert not module.delete_submodule("extra.inner")
    assert not module.delete_submodule("weight.inner")
    module.delete_all_unused_submodules()
    assert [path for path, _ in module.named_modules()] == ["", "blocks", "blocks.0", "blocks.1"]


def test_a_dictionary_gives_attributes() -> None:
    graph = fx.Graph()
    x = graph.placeholder("x")
    scaled = graph.call_function(operator.mul, (graph.get_attr("a.b"), x))
    graph.output(graph.call_module("lin.0", (scaled,)))
    module = fx.GraphModule({"a.b": tallow.ones(2), "lin.0": nn.Identity()}, graph)
    assert module(3).tolist() == [3, 3]
    assert "a.b" in dict(module.named_buffers())
    assert 'getattr(self.lin, "0")(mul)' in module.code


def test_interpreters_run_step_by_step() -> None:
    net = Net()
    module = fx.symbolic_trace(net)
    x = tallow.randn(1, 2)
    assert tallow.equal(fx.Interpreter(module).run(x), net(x))

    class Double(fx.Interpreter):
        def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
            return 2 * super().call_module(target, args, kwargs)

    expected = 2 * tallow.tanh(2 * net.blocks[0](x)) * net.weight
    assert tallow.allclose(Double(module).run(x), expected)
    first = next(iter(module.graph.nodes))
    assert tallow.equal(fx.Interpreter(module).run(initial_env={first: x}), net(x))
    with pytest.raises(RuntimeError, match="Expected positional argument for parameter x, but one"):
        fx.Interpreter(module).run()
    with pytest.raises(RuntimeError) as caught:
        fx.Interpreter(module).run(tallow.ones(1, 3))
    assert "While executing %blocks_0" in caught.value.__notes__[-1]
    keep = fx.Interpreter(module, garbage_collect_values=False)
    keep.run(x)
    assert len(keep.env) == len(module.graph.nodes)


def test_interpreters_know_defaults_and_stars() -> None:
    graph, _ = small()
    assert fx.Interpreter(fx.GraphModule({}, graph)).run(tallow.ones(1))[0].tolist() == [4]
    stars = fx.symbolic_trace(lambda x, *rest: x + rest[1])
    assert fx.Interpreter(stars).run(1, 2, 3) == 4


def test_transformers_make_new_graphs() -> None:
    class Swap(fx.Transformer):
        def call_function(self, target: Any, args: Any, kwargs: Any) -> Any:
            target = operator.sub if target is operator.mul else target
            return super().call_function(target, args, kwargs)

        def call_module(self, target: Any, args: Any, kwargs: Any) -> Any:
            if target == "blocks.1":
                return super().call_method("neg", args, kwargs)
            return super().call_module(target, args, kwargs)

    net = Net()
    module = Swap(fx.symbolic_trace(net)).transform()
    x = tallow.randn(1, 2)
    assert tallow.equal(module(x), -net.blocks[0](x) - net.weight)
    defaults = fx.Transformer(fx.GraphModule({}, small()[0])).transform()
    assert defaults(tallow.ones(1))[0].tolist() == [4]


def test_values_without_a_trace_add_to_their_graph() -> None:
    graph = fx.Graph()
    x = fx.Proxy(graph.placeholder("x"))
    result = (x + 1).sum(dim=0) / x.shape[0]
    graph.output(result.node)
    assert repr(result) == "Proxy(truediv)"
    assert fx.GraphModule({}, graph)(tallow.ones(2, 3)).tolist() == [2, 2, 2]


def test_maps_over_arguments() -> None:
    _, node = small()
    mapped = fx.map_arg([node["x"], (1, {"a": node["y"]}), slice(node["x"])], lambda n: n.name)
    assert mapped == ["x", (1, {"a": "y"}), slice("x")]
    with pytest.raises(AssertionError, match="fn must be a callable"):
        fx.map_arg([node["x"]], None)  # type: ignore[arg-type]
