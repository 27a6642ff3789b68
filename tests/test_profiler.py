"""Profiles: what they record, how they sum it up, and that they leave nothing behind."""

from __future__ import annotations

import gzip
import json
import time

import pytest

import tallow
from tallow import _C, nn, profiler
from tallow.autograd import profiler as older
from tallow.profiler import ProfilerActivity, profile, record_function, schedule


def keys(prof):
    return [average.key for average in prof.key_averages()]


def test_forward_and_backward_of_a_model_are_seen():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())
    with profile(record_shapes=True) as prof:
        model(tallow.ones(2, 4)).sum().backward()
    assert {"aten::linear", "aten::relu", "backward", "ReluBackward0"} <= set(keys(prof))
    linear = next(event for event in prof.events() if event.name == "aten::linear")
    assert linear.input_shapes == [[2, 4], [3, 4], [3]]
    assert linear.cpu_memory_usage >= 2 * 3 * 4
    assert _C._watcher() is None


def test_times_are_nested_and_add_up():
    with profile() as prof, record_function("outer"):
        with record_function("inner"):
            time.sleep(0.002)
        tallow.ones(3)
    outer, inner, ones = prof.events()
    assert (outer.name, inner.name, ones.name) == ("outer", "inner", "aten::ones")
    assert inner.cpu_parent is outer
    assert outer.cpu_children == [inner, ones]
    assert outer.cpu_time_total >= inner.cpu_time_total >= 2000
    expected = outer.cpu_time_total - inner.cpu_time_total - ones.cpu_time_total
    assert outer.self_cpu_time_total == pytest.approx(max(0.0, expected))
    whole = prof.key_averages().self_cpu_time_total
    assert whole == pytest.approx(outer.cpu_time_total, rel=0.05)


def test_equal_names_are_summed_and_other_shapes_kept_apart_on_demand():
    with profile(record_shapes=True) as prof:
        for size in (2, 2, 3):
            tallow.ones(size).exp()
    assert {average.key: average.count for average in prof.key_averages()} == {
        "aten::ones": 3,
        "aten::exp": 3,
    }
    apart = prof.key_averages(group_by_input_shape=True)
    assert [(a.key, a.count, a.input_shapes) for a in apart if a.key == "aten::exp"] == [
        ("aten::exp", 2, [[2]]),
        ("aten::exp", 1, [[3]]),
    ]
    assert prof.key_averages().total_average().count == 6


def test_the_table_has_pytorchs_columns(torch):
    def run(lib, module):
        with module.profile(record_shapes=True, profile_memory=True) as prof:
            lib.ones(1000).add(1)
        return prof.key_averages(group_by_input_shape=True)

    ours, theirs = run(tallow, profiler), run(torch, torch.profiler)
    text = ours.table(sort_by="cpu_time_total", row_limit=1, header="Title")
    lines, expected = text.splitlines(), theirs.table(header="Title").splitlines()
    assert lines[0] == "Title"
    heading = next(line for line in expected if "Self CPU %" in line)
    assert lines[2].split() == heading.split()
    assert len(lines) == 7
    assert lines[-1].startswith("Self CPU time total: ")
    with pytest.raises(AttributeError):
        ours.table(sort_by="no")


def test_time_units_and_long_names():
    with profile() as prof, record_function("x" * 90):
        time.sleep(0.001)
    table = prof.key_averages().table(time_unit="s")
    assert "x" * 52 + "..." in table
    assert "0.00" in table
    assert "ms" not in table


def test_a_schedule_records_chosen_steps():
    ready = []
    plan = schedule(wait=1, warmup=1, active=2, repeat=1)
    with profile(schedule=plan, on_trace_ready=lambda p: ready.append((p.step_num, keys(p)))) as p:
        for step in range(8):
            tallow.ones(2)
            if step == 2:
                tallow.ones(2).exp()
            p.step()
    assert ready == [
        (4, ["ProfilerStep#2", "aten::ones", "aten::exp", "ProfilerStep#3"]),
    ]
    assert _C._watcher() is None


@pytest.mark.parametrize(
    "options",
    [
        {"wait": 1, "warmup": 1, "active": 2, "repeat": 2, "skip_first": 1},
        {"wait": 0, "warmup": 0, "active": 1},
        {"wait": 2, "warmup": 0, "active": 3, "repeat": 1, "skip_first": 3},
        {"wait": 2, "warmup": 1, "active": 1, "skip_first": 2, "skip_first_wait": 1},
    ],
)
@pytest.mark.filterwarnings("ignore:Profiler won't be using warmup:UserWarning")
def test_schedules_are_pytorchs(torch, options):
    ours, theirs = schedule(**options), torch.profiler.schedule(**options)
    assert [ours(i).name for i in range(20)] == [theirs(i).name for i in range(20)]


def test_wrong_schedules():
    with pytest.raises(AssertionError, match="Invalid profiler schedule arguments"):
        schedule(wait=-1, warmup=0, active=1)
    with pytest.raises(AssertionError, match="active=0 .need > 0."):
        schedule(wait=0, warmup=0, active=0)


def test_accumulated_events():
    plan = schedule(wait=1, warmup=0, active=1, repeat=2)
    for accumulate, expected in ((True, 2), (False, 1)):
        with profile(schedule=plan, acc_events=accumulate) as prof:
            for _ in range(4):
                tallow.ones(2)
                prof.step()
        assert sum(event.name == "aten::ones" for event in prof.events()) == expected


def test_callers_and_modules_on_demand():
    with profile(with_stack=True, with_modules=True) as prof:
        nn.ReLU()(tallow.ones(2))
    assert "nn.Module: ReLU" in keys(prof)
    assert "test_profiler.py" in prof.events()[0].stack[0]
    assert "test_profiler.py" in prof.key_averages(group_by_stack_n=1).table()


@pytest.mark.parametrize("name", ["trace.json", "trace.json.gz"])
def test_chrome_traces(tmp_path, name):
    with profile(record_shapes=True) as prof, record_function("part"):
        tallow.ones(2).exp()
    prof.add_metadata_json("answer", "42")
    prof.export_chrome_trace(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    trace = json.loads(gzip.decompress(data) if name.endswith("gz") else data)
    assert trace["answer"] == 42
    part, ones, exp = trace["traceEvents"]
    assert (part["name"], part["cat"], ones["cat"]) == ("part", "user_annotation", "cpu_op")
    assert exp["args"]["Input Dims"] == [[2]]
    assert part["ts"] <= ones["ts"] <= exp["ts"]
    assert exp["ts"] + exp["dur"] <= part["ts"] + part["dur"] + 1


def test_a_handler_writes_a_file_per_recording(tmp_path):
    handler = profiler.tensorboard_trace_handler(tmp_path / "runs", "worker")
    with profile(on_trace_ready=handler):
        tallow.ones(2)
    (file,) = (tmp_path / "runs").iterdir()
    assert file.name.startswith("worker.")
    assert json.loads(file.read_text())["traceEvents"][0]["name"] == "aten::ones"


def test_an_error_in_the_block_leaves_a_readable_profile():
    with pytest.raises(ZeroDivisionError), profile() as prof, record_function("part"):
        tallow.ones(2)
        1 / 0
    assert keys(prof) == ["part", "aten::ones"]
    assert _C._watcher() is None


def test_named_functions_and_names_without_a_profile():
    @record_function("work")
    def work(x):
        return x + 1

    assert work(tallow.ones(1)).item() == 2
    with profile() as prof:
        work(tallow.ones(1))
    assert keys(prof) == ["aten::ones", "work", "aten::add"]


def test_explain_inside_a_profile_takes_over_for_a_while():
    with profile() as prof:
        tallow.ones(1)
        with tallow.explain() as trace, record_function("ignored"):
            tallow.ones(1).exp()
        tallow.ones(1).log()
    assert keys(prof) == ["aten::ones", "aten::log"]
    assert [event.name for event in trace.find("op")] == ["ones", "exp"]


def test_what_is_not_supported_is_named():
    with pytest.raises(NotImplementedError, match="profile: with_flops is not supported"):
        profile(with_flops=True)
    with pytest.warns(UserWarning, match="CUDA is not available, disabling CUDA profiling"):
        profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA])
    with pytest.raises(AssertionError, match="Profiler must be initialized before"):
        profile().key_averages()
    with pytest.raises(AttributeError, match="most similar name here is 'profile'"):
        profiler.profiles
    assert profiler.supported_activities() == {ProfilerActivity.CPU}


def test_the_older_module():
    with older.profile(record_shapes=True) as prof:
        tallow.ones(2).exp()
    assert [event.name for event in prof.function_events] == ["aten::ones", "aten::exp"]
    assert "aten::exp" in prof.key_averages().table(sort_by="self_cpu_time_total")
    assert "aten::exp" in prof.table()
    assert prof.total_average().count == 2
    with older.profile(enabled=False):
        assert _C._watcher() is None
    with pytest.raises(NotImplementedError, match="only the CPU is supported"):
        older.profile(use_device="cuda")


def test_steps_of_optimisers_are_named_as_in_pytorch(torch):
    def run(lib, module):
        weight = lib.nn.Parameter(lib.ones(2))
        optimizer = lib.optim.SGD([weight], lr=0.1)
        weight.grad = lib.ones(2)
        with module.profile() as prof:
            optimizer.step()
        return [event.name for event in prof.events() if event.name.startswith("Optimizer")]

    assert run(tallow, profiler) == run(torch, torch.profiler) == ["Optimizer.step#SGD.step"]
