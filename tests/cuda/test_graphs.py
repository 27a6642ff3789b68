"""Graphs: recording, replay, what may not be recorded."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

import tallow
from tallow import accelerator, cuda


def test_a_replay_does_the_work_again() -> None:
    x = tallow.zeros(4, device="cuda")
    graph = cuda.CUDAGraph()
    with cuda.graph(graph):
        assert cuda.is_current_stream_capturing()
        y = x * 2 + 1
    assert not cuda.is_current_stream_capturing()
    for value in (3.0, 5.0):
        x.fill_(value)
        graph.replay()
        assert y.tolist() == [2 * value + 1] * 4


def recorded(graph: cuda.CUDAGraph) -> tuple[tallow.Tensor, tallow.Tensor]:
    """The input and the output of a recorded addition."""
    x = tallow.zeros(3, device="cuda")
    with cuda.graph(graph):
        y = x + 1
    return x, y


def test_a_kept_graph_is_made_ready_when_it_is_asked_for() -> None:
    graph = cuda.CUDAGraph(keep_graph=True)
    with pytest.raises(RuntimeError, match="^capture_end.. must have been called before"):
        graph.instantiate()
    with pytest.raises(RuntimeError, match="cudaGraph_t instance until capture_end"):
        graph.raw_cuda_graph()
    x, y = recorded(graph)
    assert graph.raw_cuda_graph() != 0
    with pytest.raises(RuntimeError, match="cudaGraphExec_t instance until instantiate"):
        graph.raw_cuda_graph_exec()
    graph.instantiate()
    assert graph.raw_cuda_graph_exec() != 0
    graph.instantiate()
    x.fill_(4)
    graph.replay()
    assert y.tolist() == [5, 5, 5]
    graph.reset()
    with pytest.raises(RuntimeError, match="until instantiate"):
        graph.raw_cuda_graph_exec()


def test_the_first_replay_makes_a_kept_graph_ready() -> None:
    graph = cuda.CUDAGraph(keep_graph=True)
    _, y = recorded(graph)
    graph.replay()
    assert y.tolist() == [1, 1, 1]
    assert graph.raw_cuda_graph_exec() != 0


def test_a_graph_that_is_not_kept_is_ready_at_once() -> None:
    graph = cuda.CUDAGraph()
    with pytest.raises(RuntimeError, match="^Called CUDAGraph::pool"):
        graph.pool()
    recorded(graph)
    assert graph.raw_cuda_graph_exec() != 0
    assert graph.pool()[1] > 0
    with pytest.raises(RuntimeError, match="unless CUDAGraph was initialized with keep_graph=true"):
        graph.raw_cuda_graph()
    with pytest.raises(RuntimeError, match="only when keep_graph=true"):
        graph.instantiate()
    with (
        pytest.raises(RuntimeError, match="^This CUDAGraph instance already owns a captured graph"),
        cuda.stream(cuda.Stream()),
    ):
        graph.capture_begin()


def test_a_graph_is_drawn_if_it_is_kept_or_debugged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tallow.cuda._recording._debugging", False)
    kept, plain = cuda.CUDAGraph(keep_graph=True), cuda.CUDAGraph()
    recorded(kept)
    recorded(plain)
    kept.debug_dump(str(tmp_path / "kept.dot"))
    assert (tmp_path / "kept.dot").read_text().startswith("digraph")
    with pytest.warns(UserWarning, match="^CUDA Graphs debug not enabled"):
        plain.debug_dump(str(tmp_path / "plain.dot"))
    plain.enable_debug_mode()
    plain.debug_dump(str(tmp_path / "plain.dot"))
    assert (tmp_path / "plain.dot").read_text().startswith("digraph")
    with pytest.raises(RuntimeError):
        plain.debug_dump(str(tmp_path / "missing" / "plain.dot"))


def test_an_empty_recording_is_warned_of() -> None:
    graph = cuda.CUDAGraph()
    with pytest.warns(UserWarning, match="^The CUDA Graph is empty"), cuda.graph(graph):
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        recorded(cuda.CUDAGraph())


def test_what_is_not_supported_is_refused_by_name() -> None:
    graph = cuda.CUDAGraph()
    with pytest.raises(NotImplementedError, match="check_input_liveness"):
        graph.capture_begin(check_input_liveness=True)
    with pytest.raises(NotImplementedError, match="check_input_liveness"):
        cuda.graph(graph, check_input_liveness=True)
    with pytest.raises(NotImplementedError, match="enable_annotations"):
        cuda.graph(graph, enable_annotations=True)


def test_a_graph_of_the_accelerator_is_a_context() -> None:
    x = tallow.zeros(2, device="cuda")
    graph = accelerator.Graph()
    with cuda.stream(cuda.Stream()), graph:
        y = x - 1
    graph.replay()
    assert y.tolist() == [-1, -1]
    other = accelerator.Graph(pool=graph.pool(), capture_error_mode="relaxed")
    with cuda.stream(cuda.Stream()), other:
        z = x - 2
    other.replay()
    assert z.tolist() == [-2, -2]
    assert other.pool() == graph.pool()
    with pytest.raises(RuntimeError, match="non-default stream"), accelerator.Graph():
        pass


def test_memory_of_a_graph_is_its_own() -> None:
    x = tallow.ones(1000, device="cuda")
    graph = cuda.CUDAGraph()
    with cuda.graph(graph):
        temporary = x + 1
        y = temporary * 2
        del temporary
    others = [tallow.full((1000,), 9.0, device="cuda") for _ in range(20)]
    graph.replay()
    assert y.sum().item() == 4000
    assert all(other.sum().item() == 9000 for other in others)
    graph.reset()
    with pytest.raises(RuntimeError, match="^Called CUDAGraph::replay without a preceding"):
        graph.replay()


def test_random_numbers_differ_between_replays() -> None:
    cuda.manual_seed(1)
    x = tallow.zeros(100, device="cuda")
    graph = cuda.CUDAGraph()
    with cuda.graph(graph):
        y = tallow.rand_like(x)
    graph.replay()
    first = y.clone()
    graph.replay()
    second = y.clone()
    assert not tallow.equal(first, second)
    cuda.manual_seed(1)
    assert tallow.equal(tallow.rand(100, device="cuda"), first)
    assert tallow.equal(tallow.rand(100, device="cuda"), second)


def test_waiting_while_recording_is_refused_by_name() -> None:
    x = tallow.ones(2, device="cuda")
    graph = cuda.CUDAGraph()
    with (
        pytest.raises(RuntimeError, match="item waits for the device.*captured"),
        cuda.graph(graph),
    ):
        x[0].item()
    assert cuda.current_stream() == cuda.default_stream()
    assert (x + 1).tolist() == [2, 2]
    with pytest.raises(RuntimeError, match="replay without"):
        graph.replay()


def test_the_default_stream_cannot_be_recorded() -> None:
    with pytest.raises(RuntimeError, match="^CUDA graphs must be captured on a non-default stream"):
        cuda.CUDAGraph().capture_begin()
    with pytest.raises(ValueError, match="^Unknown capture error mode"):
        cuda.CUDAGraph().capture_begin(capture_error_mode="x")


def test_a_training_step_as_a_graph() -> None:
    tallow.manual_seed(0)
    weight = tallow.randn(3, device="cuda", requires_grad=True)
    x = tallow.randn(3, device="cuda")
    side = cuda.Stream()
    side.wait_stream(cuda.current_stream())
    with cuda.stream(side):
        for _ in range(2):
            (weight * x).sum().backward()
    cuda.current_stream().wait_stream(side)
    weight.grad = None
    graph = cuda.CUDAGraph()
    with cuda.graph(graph):
        loss = (weight * x * x).sum()
        loss.backward()
    for scale in (1.0, 2.0):
        x.fill_(scale)
        graph.replay()
        assert weight.grad is not None
        assert weight.grad.tolist() == [scale * scale] * 3


def test_graphed_callables_have_gradients() -> None:
    class Scale(tallow.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = tallow.nn.Parameter(tallow.tensor([2.0, 3.0], device="cuda"))

        def forward(self, x: tallow.Tensor) -> tallow.Tensor:
            return x * self.weight

    module = Scale()
    sample = tallow.zeros(2, device="cuda", requires_grad=True)
    graphed = cuda.make_graphed_callables(module, (sample,))
    assert graphed is module
    for value in (1.0, 4.0):
        x = tallow.full((2,), value, device="cuda", requires_grad=True)
        module.weight.grad = None
        y = graphed(x)
        assert y.tolist() == [2 * value, 3 * value]
        y.sum().backward()
        assert x.grad is not None
        assert x.grad.tolist() == [2, 3]
        assert module.weight.grad is not None
        assert module.weight.grad.tolist() == [value, value]
    with pytest.raises(ValueError, match="was recorded with"):
        graphed(tallow.ones(3, device="cuda"))


def test_a_captured_step_trains_as_the_eager_one() -> None:
    def losses(captured: bool) -> list[float]:
        tallow.manual_seed(0)
        model = tallow.nn.Linear(4, 1).cuda()
        optimizer = tallow.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        data = tallow.randn(6, 5, 4, device="cuda")

        def step(x: tallow.Tensor) -> tallow.Tensor:
            optimizer.zero_grad()
            loss = ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss.detach()

        run = cuda.capture(step) if captured else step
        result = [run(x).item() for x in data]
        assert not captured or len(run._recorded) == 1
        return result

    assert losses(True) == losses(False)


@pytest.mark.parametrize("kind", [tallow.optim.Adam, tallow.optim.AdamW])
@pytest.mark.parametrize("options", [{}, {"capturable": True}, {"amsgrad": True, "maximize": True}])
def test_adam_is_captured_and_goes_on_counting(kind: Any, options: dict[str, Any]) -> None:
    def losses(captured: bool, **more: Any) -> list[float]:
        tallow.manual_seed(0)
        model = tallow.nn.Linear(4, 1).cuda()
        optimizer = kind(model.parameters(), lr=0.05, weight_decay=0.1, **options, **more)
        data = tallow.randn(8, 5, 4, device="cuda")

        def step(x: tallow.Tensor) -> tallow.Tensor:
            optimizer.zero_grad()
            loss = ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss.detach()

        run = cuda.capture(step) if captured else step
        result = [run(x).item() for x in data[:6]]
        assert not captured or len(run._recorded) == 1
        # Steps without the graph count on where it stopped.
        result += [step(x).item() for x in data[6:]]
        assert optimizer.state[model.weight]["step"].item() == 8
        return result

    assert losses(True) == pytest.approx(losses(False), rel=1e-5)


def test_a_capturable_adam_is_recorded_by_hand() -> None:
    weight = tallow.ones(2, device="cuda", requires_grad=True)
    weight.grad = tallow.ones(2, device="cuda")
    optimizer = tallow.optim.Adam([weight], lr=0.5, capturable=True)
    optimizer.step()
    recorded = cuda.CUDAGraph()
    with cuda.graph(recorded):
        optimizer.step()
    for _ in range(3):
        recorded.replay()
    assert weight.tolist() == pytest.approx([-1, -1], abs=1e-4)
    assert optimizer.state_dict()["state"][0]["step"].item() == 4


def test_what_cannot_be_captured_runs_as_usual() -> None:
    step = cuda.capture(lambda x: x * x.sum().item(), warmup=1)
    x = tallow.ones(3, device="cuda")
    for _ in range(3):
        assert step(x).tolist() == [3, 3, 3]
    assert "item waits for the device" in step.reason


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        (tallow.optim.Adam, {}),
        (tallow.optim.Adam, {"fused": True}),
        (tallow.optim.Adam, {"foreach": True}),
        (tallow.optim.AdamW, {"fused": True}),
    ],
    ids=["plain", "fused", "foreach", "AdamW"],
)
def test_an_adam_that_is_not_capturable_is_not_recorded(kind: Any, options: dict[str, Any]) -> None:
    weight = tallow.ones(2, device="cuda", requires_grad=True)
    weight.grad = tallow.ones(2, device="cuda")
    optimizer = kind([weight], **options)
    optimizer.step()
    before = weight.tolist()
    message = (
        f"^Attempting CUDA graph capture of step\\(\\) for an instance of {kind.__name__} but "
        "param_groups' capturable is False.$"
    )
    with pytest.raises(RuntimeError, match=message), cuda.graph(cuda.CUDAGraph()):
        optimizer.step()
    assert weight.tolist() == before
    assert optimizer.state[weight]["step"].item() == 1


def test_steps_counted_on_the_host_are_not_captured() -> None:
    weight = tallow.ones(2, device="cuda", requires_grad=True)
    weight.grad = tallow.ones(2, device="cuda")
    optimizer = tallow.optim.Adagrad([weight])
    optimizer.step()
    with (
        pytest.raises(RuntimeError, match="^Attempting CUDA graph capture of step()"),
        cuda.graph(cuda.CUDAGraph()),
    ):
        optimizer.step()
