"""Exact bytes: what a step, a failure or an exception leaves behind; cycles and growth."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import op_run
import tallow
import training
from op_case import OpCase, flatten, load_cases


def live_bytes() -> int:
    """Bytes asked for and not yet given back."""
    return int(tallow._C._memory_stats()["live_bytes"])


@contextmanager
def no_collector() -> Iterator[None]:
    """Without the garbage collector, so that only reference counts free memory."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def tensors_in(value: Any) -> Iterator[Any]:
    """The tensors in nested dicts, lists and tuples."""
    if isinstance(value, tallow.Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from tensors_in(item)


class Trainer:
    """A model with its optimiser and a fixed batch."""

    def __init__(self, name: str, optimizer: str, **settings: Any) -> None:
        tallow.manual_seed(0)
        self.model = training.MODELS[name](tallow)
        self.optimizer = getattr(tallow.optim, optimizer)(self.model.parameters(), **settings)
        self.x = tallow.rand(4, 1, 28, 28)
        self.y = tallow.arange(4)

    def loss(self) -> Any:
        return tallow.nn.functional.cross_entropy(self.model(self.x), self.y)

    def step(self) -> None:
        self.optimizer.zero_grad()
        self.loss().backward()
        self.optimizer.step()

    def kept_bytes(self) -> int:
        """Parameters, gradients, optimiser state and the batch."""
        kept = [self.x, self.y]
        for parameter in self.model.parameters():
            kept += [parameter, parameter.grad]
        kept += tensors_in(list(self.optimizer.state.values()))
        return sum(tensor.nbytes for tensor in kept)


OPTIMIZERS = [
    ("SGD", {"lr": 0.01}),
    ("SGD", {"lr": 0.01, "momentum": 0.9}),
    ("Adam", {"lr": 1e-3}),
    ("AdamW", {"lr": 1e-3}),
]


@pytest.mark.parametrize("name", training.MODELS)
@pytest.mark.parametrize(("optimizer", "settings"), OPTIMIZERS)
def test_a_step_leaves_parameters_gradients_and_state_only(
    name: str, optimizer: str, settings: dict[str, float]
) -> None:
    with no_collector():
        before = live_bytes()
        trainer = Trainer(name, optimizer, **settings)
        for _ in range(2):
            trainer.step()
            assert live_bytes() - before == trainer.kept_bytes()


def test_forward_under_no_grad_leaves_nothing() -> None:
    trainer = Trainer("lenet", "SGD", lr=0.01)
    with no_collector():
        before = live_bytes()
        with tallow.no_grad():
            trainer.model(trainer.x)
        assert live_bytes() == before


def test_backward_frees_the_graph_while_the_loss_lives() -> None:
    x = tallow.rand(1000, requires_grad=True)
    y = x
    before = live_bytes()
    for _ in range(10):
        y = y.tanh()
    loss = y.sum()
    del y
    assert live_bytes() - before >= 10 * x.nbytes
    loss.backward()
    assert live_bytes() - before == x.grad.nbytes + loss.nbytes


def test_peak_is_counted() -> None:
    x = tallow.zeros(1000)
    tallow._C._reset_peak_memory()
    before = live_bytes()
    x + 1
    assert tallow._C._memory_stats()["peak_bytes"] - before == x.nbytes
    assert live_bytes() == before


@pytest.mark.parametrize("steps", [200, pytest.param(10_000, marks=pytest.mark.slow)])
def test_no_growth_over_many_steps(steps: int) -> None:
    with no_collector():
        trainer = Trainer("lenet", "Adam", lr=1e-3)
        trainer.step()
        before, objects = live_bytes(), len(gc.get_objects())
        for _ in range(steps):
            trainer.step()
        assert live_bytes() == before
        assert len(gc.get_objects()) - objects < 20


def resident_bytes() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.slow
def test_resident_memory_stays_flat() -> None:
    trainer = Trainer("lenet", "Adam", lr=1e-3)
    for _ in range(500):
        trainer.step()
    before = resident_bytes()
    for _ in range(2000):
        trainer.step()
    assert resident_bytes() - before < 2**20


class Cube(tallow.autograd.Function):
    """A custom function with a saved tensor."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        (x,) = ctx.saved_tensors
        return 3 * x * x * grad


def plain_steps() -> None:
    trainer = Trainer("mlp", "SGD", lr=0.01)
    for _ in range(20):
        trainer.step()


def hooked_steps() -> None:
    trainer = Trainer("mlp", "SGD", lr=0.01)
    trainer.x.requires_grad_()
    seen: list[Any] = []
    for module in trainer.model.modules():
        module.register_forward_hook(lambda module, args, output: seen.append(output.shape))
        module.register_full_backward_hook(lambda module, inputs, outputs: None)
    for parameter in trainer.model.parameters():
        parameter.register_hook(lambda grad: grad * 2)
        parameter.register_post_accumulate_grad_hook(lambda parameter: None)
    for _ in range(20):
        trainer.step()


def custom_function_steps() -> None:
    x = tallow.rand(5, requires_grad=True)
    for _ in range(20):
        Cube.apply(x).sum().backward()


def double_backward_steps() -> None:
    x = tallow.rand(5, requires_grad=True)
    for _ in range(20):
        (first,) = tallow.autograd.grad((x.sin() * x).sum(), x, create_graph=True)
        first.sum().backward()
        x.grad = None


@pytest.mark.parametrize(
    "work", [plain_steps, hooked_steps, custom_function_steps, double_backward_steps]
)
def test_no_garbage_cycles(work: Any) -> None:
    work()
    with no_collector():
        before = live_bytes()
        work()
        assert gc.collect() == 0
        assert live_bytes() == before


def test_an_exception_in_a_hook_gives_the_memory_back() -> None:
    trainer = Trainer("lenet", "SGD", lr=0.01)
    trainer.step()

    def fail(module: Any, inputs: Any, outputs: Any) -> None:
        raise ValueError("from a hook")

    handle = trainer.model[3].register_full_backward_hook(fail)
    trainer.optimizer.zero_grad()
    with no_collector():
        before = live_bytes()
        with pytest.raises(ValueError, match="from a hook"):
            trainer.loss().backward()
        trainer.optimizer.zero_grad()
        assert live_bytes() == before
    handle.remove()
    trainer.step()


def bits(tensors: list[Any]) -> list[bytes]:
    return [tensor.detach().numpy().tobytes() for tensor in tensors]


def loss_and_gradients(trainer: Trainer) -> list[bytes]:
    tallow.manual_seed(1)
    trainer.optimizer.zero_grad()
    loss = trainer.loss()
    loss.backward()
    return bits([loss, *(parameter.grad for parameter in trainer.model.parameters())])


def allocations() -> int:
    """How many allocations there were so far."""
    return int(tallow._C._memory_stats()["allocations"])


def with_each_allocation_failing(work: Callable[[], Any]) -> Iterator[tuple[int, Any]]:
    """Call `work` with its 1st, 2nd, ... allocation failing.

    Yields the number and the result, which is None where the failure became an exception; a kernel
    may also do without a buffer.
    """
    before = allocations()
    work()
    for n in range(1, allocations() - before + 1):
        result = None
        tallow._C._fail_nth_allocation(n)
        try:
            result = work()
        except RuntimeError as error:
            assert "allocate" in str(error)
        finally:
            tallow._C._fail_nth_allocation(0)
        yield n, result


def test_every_allocation_of_a_step_may_fail() -> None:
    trainer = Trainer("lenet", "SGD", lr=0.01)
    wanted = loss_and_gradients(trainer)
    trainer.optimizer.zero_grad()
    weights = bits(list(trainer.model.parameters()))
    tried = 0
    with no_collector():
        before = live_bytes()
        for n, result in with_each_allocation_failing(lambda: loss_and_gradients(trainer)):
            assert result in (None, wanted), f"other numbers after allocation {n} failed"
            trainer.optimizer.zero_grad()
            assert live_bytes() == before, f"allocation {n} failed and left memory behind"
            tried += 1
    assert tried > 50
    assert bits(list(trainer.model.parameters())) == weights
    assert loss_and_gradients(trainer) == wanted


def test_out_of_memory_is_an_exception_with_the_size() -> None:
    with pytest.raises(RuntimeError, match=str(2**50)):
        tallow.empty(2**50, dtype=tallow.uint8)
    assert tallow.ones(3).sum().item() == 3


CASES = [pytest.param(case, id=case.id) for case in load_cases()]


@pytest.mark.parametrize("case", CASES)
def test_operator_survives_any_failing_allocation(case: OpCase) -> None:
    """Forward and backward of the first samples, with allocation 1, 2, 3, ... failing."""
    samples = [item for item in case.all_samples() if item[1].grad][:2]
    function = case.function(tallow)
    for number, sample in samples:
        args, kwargs = op_run.tensors(
            tallow, case, number, sample, case.dtypes[0], requires_grad=case.grad
        )
        inputs = op_run.differentiable_inputs((args, kwargs))
        operands = bits(inputs)

        def work(args: Any = args, kwargs: Any = kwargs, inputs: Any = inputs) -> bool:
            outputs = flatten(function(*args, **kwargs))
            if inputs and any(getattr(leaf, "requires_grad", False) for leaf in outputs):
                op_run.gradients(tallow, outputs, inputs)
            return True

        work()
        with no_collector():
            before = live_bytes()
            for n, _ in with_each_allocation_failing(work):
                assert live_bytes() == before, f"{case.id}{sample}: allocation {n}"
        assert bits(inputs) == operands, f"{case.id}{sample}"
