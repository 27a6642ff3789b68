"""tallow.explain(): the tree, its figures, its forms, and what happens around it."""

from __future__ import annotations

import gc
import json
import threading
import weakref
from xml.etree import ElementTree

import pytest

import tallow
from tallow import nn
from tallow.autograd import Function
from tallow.utils.data import DataLoader, TensorDataset


def small_net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 3), nn.ReLU())


def titles(trace: tallow._explain.Trace) -> list[str]:
    return [event.title for event in trace.walk()]


def test_a_call_is_shown_in_order_with_paths():
    with tallow.explain() as trace:
        small_net()(tallow.ones(1, 2))
    call = trace.find("call")[0]
    assert [event.title for event in call.walk()] == [
        "Sequential.__call__",
        "forward",
        "0: Linear.__call__",
        "forward",
        "op linear",
        "1: ReLU.__call__",
        "forward",
        "op relu",
    ]
    assert [event.path for event in trace.find("op")[-2:]] == ["0", "1"]


def test_hooks_stand_where_they_run_and_say_what_they_changed():
    net = small_net()

    def halve(module, args):
        return (args[0] / 2,)

    def look(module, args, output):
        return None

    def zero(module, args, output):
        output.zero_()

    net[1].register_forward_pre_hook(halve)
    net[1].register_forward_hook(look)
    net[1].register_forward_hook(zero)
    with tallow.explain() as trace:
        net(tallow.ones(1, 2))
    relu = trace.find("call", "ReLU")[0]
    assert [child.kind for child in relu.children] == [
        "forward pre-hook",
        "forward",
        "forward hook",
        "forward hook",
    ]
    changes = [child.change for child in relu.children if "hook" in child.kind]
    assert changes == ["args[0] replaced", "no change", "output changed in place"]
    assert relu.children[0].name == "halve"
    assert relu.children[0].children[0].name == "div"


def test_a_replaced_output_shows_both_shapes():
    layer = nn.Linear(2, 3)
    layer.register_forward_hook(lambda module, args, output: output[:, :1])
    with tallow.explain() as trace:
        layer(tallow.ones(4, 2))
    assert trace.find("forward hook")[0].change == "output replaced: f32[4, 3] -> f32[4, 1]"


def test_hooks_with_keyword_arguments_are_described():
    class Scale(nn.Module):
        def forward(self, x, *, factor):
            return x * factor

    module = Scale()
    module.register_forward_pre_hook(
        lambda module, args, kwargs: (args, {"factor": 3}), with_kwargs=True
    )
    with tallow.explain() as trace:
        module(tallow.ones(2), factor=2)
    assert trace.find("forward pre-hook")[0].change == "arguments[1][0] replaced: 2 -> 3"
    assert trace.find("call")[0].inputs == "f32[2], 2"


def test_the_backward_pass_is_shown_with_modules_parameters_and_hooks():
    net = small_net()
    net[1].register_full_backward_hook(lambda module, grad_input, grad_output: (grad_input[0] * 2,))
    x = tallow.ones(1, 2)
    with tallow.explain() as trace:
        net(x).sum().backward()
    backward = trace.find("backward")[0]
    nodes = {event.name: event.path for event in backward.walk() if event.kind == "node"}
    assert nodes["SumBackward0"] is None
    assert nodes["ReluBackward0"] == "1"
    assert nodes["AddmmBackward0"] == "0"
    leaves = [event.path for event in backward.walk() if event.name == "AccumulateGrad"]
    assert sorted(leaves) == ["0.bias", "0.weight"]
    hook = trace.find("full backward hook")[0]
    assert hook.change == "grad_input[0] replaced"
    assert hook in list(backward.walk())


def test_tensor_and_node_hooks_are_shown():
    x = tallow.ones(2, requires_grad=True)
    y = x * 2
    y.register_hook(lambda grad: grad * 3)
    y.grad_fn.register_prehook(lambda grads: None)
    y.grad_fn.register_hook(lambda grad_inputs, grad_outputs: None)
    x.register_post_accumulate_grad_hook(lambda leaf: None)
    with tallow.explain() as trace:
        y.sum().backward()
    for kind, change in (
        ("tensor hook", "grad replaced"),
        ("node pre-hook", "no change"),
        ("node hook", "no change"),
        ("post-accumulate hook", "no change"),
    ):
        (event,) = trace.find(kind)
        assert event.change == change


def test_a_function_is_one_event_around_its_ops():
    class Double(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, grad):
            return grad * 2

    with tallow.explain() as trace:
        Double.apply(tallow.ones(2, requires_grad=True)).sum().backward()
    (function,) = trace.find("function")
    assert function.title == "Double.apply"
    assert [child.name for child in function.children] == ["mul"]
    node = next(event for event in trace.find("node") if event.name == "DoubleBackward")
    assert [child.name for child in node.children] == ["mul"]


def test_bytes_count_what_stays_and_what_backward_needs():
    x = tallow.ones(256, requires_grad=True)
    with tallow.explain() as trace:
        y = x.exp()
    (event,) = trace.find("op", "exp")
    assert event.allocated == 1024
    assert event.saved == 1024
    assert y.shape == (256,)


def test_parameters_do_not_count_as_saved():
    layer = nn.Linear(64, 64)
    x = tallow.ones(2, 64, requires_grad=True) * 1
    with tallow.explain() as trace:
        layer(x)
    assert trace.find("op", "linear")[0].saved == 2 * 64 * 4


def test_times_of_parents_hold_those_of_children():
    with tallow.explain() as trace:
        small_net()(tallow.ones(1, 2))
    for event in trace.walk():
        assert event.time_ns > 0
        assert sum(child.time_ns for child in event.children) <= event.time_ns


def test_indexing_is_an_op():
    with tallow.explain() as trace:
        x = tallow.zeros(3)
        x[1] = 2.0
        x[1:]
    assert [event.name for event in trace.find("op")] == ["zeros", "setitem", "getitem"]


def test_an_exception_leaves_a_partial_trace():
    class Broken(nn.Module):
        def forward(self, x):
            x.exp()
            raise ValueError("on purpose")

    net = nn.Sequential(nn.Linear(2, 2), Broken())
    with pytest.raises(ValueError, match="on purpose"), tallow.explain() as trace:
        net(tallow.ones(1, 2))
    assert trace.find("call", "Broken")[0].error == "ValueError: on purpose"
    assert trace.find("op", "exp")[0].error == ""
    assert "raised ValueError: on purpose" in str(trace)
    assert tallow._C._watcher() is None
    net[0](tallow.ones(1, 2))


def test_an_error_of_an_op_keeps_its_type_and_message():
    with pytest.raises(RuntimeError, match="must match the size") as plain:
        tallow.ones(2) + tallow.ones(3)
    with pytest.raises(RuntimeError) as shown, tallow.explain() as trace:
        tallow.ones(2) + tallow.ones(3)
    assert str(shown.value) == str(plain.value)
    assert trace.find("op", "add")[0].error.startswith("RuntimeError: The size of tensor")


def test_an_error_in_backward_is_shown_and_passes():
    class Fails(Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, grad):
            raise KeyError("lost")

    y = Fails.apply(tallow.ones(1, requires_grad=True)).sum()
    with pytest.raises(KeyError, match="lost"), tallow.explain() as trace:
        y.backward()
    assert trace.find("backward")[0].error == "KeyError: 'lost'"


def test_no_tensor_lives_longer_because_of_a_trace():
    net = small_net()
    net[0].register_forward_hook(lambda module, args, output: None)
    gc.collect()
    gc.disable()
    try:
        before = tallow._C._memory_stats()["live_bytes"], tallow._C._live_nodes()
        with tallow.explain() as trace:
            net(tallow.ones(8, 2)).sum().backward()
        for parameter in net.parameters():
            parameter.grad = None
        assert (tallow._C._memory_stats()["live_bytes"], tallow._C._live_nodes()) == before
        assert len(trace) > 10
        gone = weakref.ref(net)
        del net, parameter
        assert gone() is None
    finally:
        gc.enable()


def test_results_and_gradients_are_those_without_a_trace():
    net = small_net()
    net[0].register_full_backward_hook(lambda module, grad_input, grad_output: None)
    x = tallow.rand(4, 2, requires_grad=True)
    plain = tallow.autograd.grad(net(x).sum(), x)[0]
    with tallow.explain():
        shown = tallow.autograd.grad(net(x).sum(), x)[0]
    assert tallow.equal(plain, shown)


def test_a_module_called_twice_is_shown_twice():
    layer = nn.Linear(2, 2)
    net = nn.Sequential(layer, nn.ReLU(), layer)
    with tallow.explain() as trace:
        net(tallow.ones(1, 2))
    assert [event.path for event in trace.find("call", "Linear")] == ["0", "0"]


def test_recursion_is_shown_as_deep_as_it_is():
    class Countdown(nn.Module):
        def forward(self, x, n):
            return x if n == 0 else self(x + 1, n - 1)

    with tallow.explain() as trace:
        Countdown()(tallow.zeros(1), 5)
    assert len(trace.find("call", "Countdown")) == 6
    assert len(trace.find("op", "add")) == 5


def test_a_block_inside_a_block_appears_in_both():
    with tallow.explain() as outer:
        tallow.ones(1)
        with tallow.explain() as inner:
            tallow.zeros(1)
        tallow.ones(2)
    assert titles(inner) == ["op zeros"]
    assert titles(outer) == ["op ones", "op zeros", "op ones"]


def test_a_block_inside_a_forward_appears_where_it_ran():
    class Looks(nn.Module):
        def forward(self, x):
            with tallow.explain() as self.trace:
                return x * 2

    module = Looks()
    with tallow.explain() as trace:
        module(tallow.ones(1))
    assert titles(module.trace) == ["op mul"]
    assert [e.title for e in trace.find("forward")[0].walk()] == ["forward", "op mul"]


def test_a_block_may_begin_and_end_in_the_middle_of_things():
    net = small_net()
    traces = []

    def enter(module, args):
        traces.append(tallow.explain())
        traces[-1].__enter__()

    net[0].register_forward_pre_hook(enter)
    net[1].register_forward_hook(lambda *args: traces[-1].__exit__())
    x = tallow.ones(1, 2, requires_grad=True)
    net(x)
    assert [event.kind for event in traces[0].events] == ["op", "call"]
    y = net(x)
    y.register_hook(lambda grad: enter(None, None))
    net[0].bias.register_hook(lambda grad: traces[-1].__exit__())
    y.sum().backward()
    assert traces[-1].find("node", "AddmmBackward0")
    with tallow.explain() as trace:
        x.exp().sum().backward()
    assert [event.title for event in trace.events] == ["op exp", "op sum", "backward"]
    assert len(trace.events[2].children) == 3


def test_other_threads_are_not_recorded():
    started, done = threading.Event(), threading.Event()

    def work() -> None:
        started.wait()
        small_net()(tallow.ones(1, 2))
        with tallow.explain() as trace:
            tallow.zeros(3)
        seen.append(titles(trace))
        done.set()

    seen: list[list[str]] = []
    thread = threading.Thread(target=work)
    thread.start()
    with tallow.explain() as trace:
        started.set()
        done.wait()
        tallow.ones(1)
    thread.join()
    assert titles(trace) == ["op ones"]
    assert seen == [["op zeros"]]


def test_data_loaders_and_generators_work_inside():
    data = TensorDataset(tallow.arange(4.0).unsqueeze(1))
    net = nn.Linear(1, 1)
    with tallow.explain() as trace:
        outputs = (net(batch) for (batch,) in DataLoader(data, batch_size=2))
        total = sum(output.sum() for output in outputs)
    assert total.requires_grad
    assert len(trace.find("call", "Linear")) == 2


def test_a_mode_and_a_trace_see_the_same_call():
    class Counts(tallow.overrides.TorchFunctionMode):
        calls = 0

        def __torch_function__(self, func, types, args=(), kwargs=None):
            type(self).calls += 1
            return func(*args, **(kwargs or {}))

    with Counts(), tallow.explain() as trace:
        tallow.ones(2).exp()
    assert Counts.calls >= 2
    assert [event.name for event in trace.find("op")] == ["ones", "exp"]


def test_anomaly_mode_works_on_nodes_that_were_watched():
    x = tallow.zeros(1, requires_grad=True)
    with tallow.explain():
        unknown = nn.Sequential(nn.Identity())(x).sqrt() * 0
        with tallow.autograd.set_detect_anomaly(True):
            known = x.sqrt() * 0
    with tallow.autograd.set_detect_anomaly(True):
        with pytest.raises(RuntimeError, match="returned nan values"):
            unknown.backward()
        with (
            pytest.warns(UserWarning, match="Traceback of forward call"),
            pytest.raises(RuntimeError, match="returned nan values"),
        ):
            known.backward()


def test_source_lines_point_at_the_caller():
    with tallow.explain() as trace:
        tallow.ones(1)
    assert trace.events[0].source.startswith(__file__)


def test_text_can_be_cut_and_filtered():
    net, x = small_net(), tallow.ones(1, 2)
    with tallow.explain() as trace:
        net(x)
    assert trace.text(depth=1).count("\n") == 1
    shown = trace.text(kinds=("call",), columns=())
    assert [line.strip("│├└ ") for line in shown.split("\n")] == [
        "event",
        "Sequential.__call__",
        "0: Linear.__call__",
        "1: ReLU.__call__",
    ]


def test_columns_are_aligned_for_fifty_layers():
    net = nn.Sequential(*(nn.Sequential(nn.Linear(4, 4), nn.Tanh()) for _ in range(50)))
    with tallow.explain() as trace:
        net(tallow.ones(1, 4)).sum().backward()
    lines = str(trace).split("\n")
    place = lines[0].index("out")
    for line in lines[1:]:
        assert len(line) < 200
        if "op tanh" in line:
            assert line[place:].startswith("f32[1, 4]")
            assert line[place - 1] == " "


def test_the_json_holds_the_whole_tree():
    with tallow.explain() as trace:
        small_net()(tallow.ones(1, 2)).sum().backward()
    data = json.loads(trace.to_json())

    def count(events):
        return sum(1 + count(event["children"]) for event in events)

    assert count(data["events"]) == len(trace)
    linear = next(e for e in trace.walk() if e.name == "linear").to_json()
    assert linear["outputs"] == [{"shape": [1, 3], "dtype": "float32", "requires_grad": True}]


@pytest.mark.parametrize("ending", [".html", ".svg", ".json", ".txt"])
def test_files_need_nothing_from_elsewhere(tmp_path, ending):
    net = small_net()
    net.register_forward_hook(lambda module, args, output: None)
    with tallow.explain() as trace:
        net(tallow.ones(1, 2))
    trace.save(tmp_path / f"trace{ending}")
    text = (tmp_path / f"trace{ending}").read_text()
    for word in ("<script", "<link", "src=", "@import", "url("):
        assert word not in text
    assert text.replace('xmlns="http://www.w3.org/2000/svg"', "").count("http") == 0
    if ending == ".svg":
        ElementTree.fromstring(text)


def test_names_are_escaped_in_pages():
    layer = nn.Linear(1, 1)
    layer.register_forward_hook(lambda module, args, output: None)
    with tallow.explain() as trace:
        layer(tallow.ones(1, 1))
    assert "<lambda>" not in trace._repr_html_()
    assert "&lt;lambda&gt;" in trace._repr_html_()


def test_an_empty_block_says_so():
    with tallow.explain() as trace:
        pass
    assert "nothing was recorded" in str(trace)
    assert "Nothing was recorded" in trace._repr_html_()
    ElementTree.fromstring(trace.to_svg())


def test_misuse_is_refused(tmp_path):
    with tallow.explain() as trace:
        tallow.ones(1)
        with pytest.raises(RuntimeError, match="being recorded already"):
            trace.__enter__()
    with pytest.raises(RuntimeError, match="records one block"):
        trace.__enter__()
    with pytest.raises(ValueError, match=r"must end in \.html, \.json, \.svg, \.txt, got"):
        trace.save(tmp_path / "trace.png")
    with pytest.raises(ValueError, match="depth must be at least 1, got 0"):
        trace.text(depth=0)
    with pytest.raises(ValueError, match="columns must be among in, out, .* got 'size'"):
        trace.text(columns=("size",))
    with pytest.raises(ValueError, match="kinds must be a sequence of names, got 'op'"):
        trace.text(kinds="op")
