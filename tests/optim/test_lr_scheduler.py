"""Learning-rate schedules: the numbers of PyTorch, state, warnings and errors."""

from __future__ import annotations

import pickle
import warnings
from types import ModuleType
from typing import Any

import pytest

import tallow
from tallow.optim import SGD, Adagrad, Adam, lr_scheduler


def optimizer_for(library: ModuleType, kind: str = "SGD") -> Any:
    make = getattr(library.optim, kind)
    options = {"momentum": 0.9} if kind == "SGD" else {}
    groups = [{"params": [library.nn.Parameter(library.ones(2))]} for _ in range(2)]
    groups[1]["lr"] = 0.03
    return make(groups, lr=0.1, **options)


SCHEDULES = {
    "lambda": lambda s, o, **k: s.LambdaLR(o, lambda step: 0.9**step, **k),
    "lambdas": lambda s, o, **k: s.LambdaLR(o, [lambda e: 0.9**e, lambda e: 1.0], **k),
    "multiplicative": lambda s, o, **k: s.MultiplicativeLR(o, lambda step: 0.9, **k),
    "step": lambda s, o, **k: s.StepLR(o, 2, 0.3, **k),
    "every step": lambda s, o, **k: s.StepLR(o, 1, **k),
    "milestones": lambda s, o, **k: s.MultiStepLR(o, [2, 4, 4, 7], **k),
    "constant": lambda s, o, **k: s.ConstantLR(o, 0.4, 3, **k),
    "linear": lambda s, o, **k: s.LinearLR(o, **k),
    "falling line": lambda s, o, **k: s.LinearLR(o, 0.9, 0.1, 7, **k),
    "exponential": lambda s, o, **k: s.ExponentialLR(o, 0.9, **k),
    "cosine": lambda s, o, **k: s.CosineAnnealingLR(o, 5, 0.01, **k),
    "short cosine": lambda s, o, **k: s.CosineAnnealingLR(o, 1, **k),
    "restarts": lambda s, o, **k: s.CosineAnnealingWarmRestarts(o, 3, 2, **k),
    "equal restarts": lambda s, o, **k: s.CosineAnnealingWarmRestarts(o, 4, 1, 0.01, **k),
    "triangles": lambda s, o, **k: s.CyclicLR(o, 0.01, 0.1, 3, **k),
    "halved triangles": lambda s, o, **k: s.CyclicLR(o, 0.01, 0.1, 3, 5, "triangular2", **k),
    "shrinking triangles": lambda s, o, **k: s.CyclicLR(
        o, 0.01, [0.1, 0.2], 3, 5, "exp_range", 0.95, cycle_momentum=False, **k
    ),
    "own triangles": lambda s, o, **k: s.CyclicLR(o, 0.01, 0.1, 3, scale_fn=lambda x: 1 / x, **k),
    "one cycle": lambda s, o, **k: s.OneCycleLR(o, 0.1, 12, **k),
    "three phases": lambda s, o, **k: s.OneCycleLR(
        o, 0.1, epochs=3, steps_per_epoch=4, three_phase=True, **k
    ),
    "straight cycle": lambda s, o, **k: s.OneCycleLR(
        o, 0.1, 12, anneal_strategy="linear", pct_start=0.45, **k
    ),
    "polynomial": lambda s, o, **k: s.PolynomialLR(o, 8, 2.0, **k),
}
COMPOSED = {
    "two": lambda s, o: s.SequentialLR(o, [s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9)], [2]),
    "three": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1, total_iters=3), s.CosineAnnealingLR(o, 5), s.StepLR(o, 2)], [3, 8]
    ),
    "nested": lambda s, o: s.SequentialLR(
        o,
        [s.SequentialLR(o, [s.ConstantLR(o), s.StepLR(o, 1)], [2]), s.ExponentialLR(o, 0.9)],
        [4],
    ),
    "into restarts": lambda s, o: s.SequentialLR(
        o, [s.LinearLR(o, 0.1), s.CosineAnnealingWarmRestarts(o, 3)], [3]
    ),
    "chain": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9)]),
}


def plain(value: Any) -> Any:
    """Options and states without the objects that differ between the libraries."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != "params"}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def trace(library: ModuleType, make: Any, mode: str, kind: str) -> list[Any]:
    """Step a schedule and note groups, rates and state each time."""
    schedules = library.optim.lr_scheduler
    optimizer = optimizer_for(library, kind)
    options: dict[str, Any] = {}
    if mode == "resumed":
        for group in optimizer.param_groups:
            group.update(initial_lr=group["lr"], max_lr=0.1, min_lr=1e-6)
            group.update(max_momentum=0.9, base_momentum=0.8)
        options = {"last_epoch": 3}
    schedule = make(schedules, optimizer, **options)
    seen = []
    epochs = (3, 1, 7, 0, 5, 5, 2) if mode == "jumping" else (None,) * (8 if options else 12)
    for number, epoch in enumerate(epochs):
        optimizer.step()
        schedule.step(*(() if epoch is None else (epoch,)))
        seen.append(plain(optimizer.param_groups))
        seen.append(schedule.get_last_lr())
        seen.append(plain(schedule.state_dict()))
        if mode == "loaded" and number == 4:
            states = optimizer.state_dict(), schedule.state_dict()
            optimizer = optimizer_for(library, kind)
            schedule = make(schedules, optimizer)
            optimizer.load_state_dict(states[0])
            schedule.load_state_dict(states[1])
    return seen


@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("mode", ["plain", "resumed", "jumping", "loaded"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_and_state_are_pytorchs(torch, name, mode, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = trace(torch, SCHEDULES[name], mode, kind)
    assert trace(tallow, SCHEDULES[name], mode, kind) == expected


@pytest.mark.parametrize("mode", ["plain", "loaded"])
@pytest.mark.parametrize("name", COMPOSED)
def test_composed_schedules_are_pytorchs(torch, name, mode):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = trace(torch, COMPOSED[name], mode, "SGD")
    assert trace(tallow, COMPOSED[name], mode, "SGD") == expected


@pytest.mark.parametrize("name", [*SCHEDULES, *COMPOSED])
def test_100_steps_give_pytorchs_rates(torch, name):
    """Bit for bit, and the same error where a schedule is at its end."""

    def run(library: ModuleType) -> list[Any]:
        optimizer = optimizer_for(library, "SGD")
        make: Any = {**SCHEDULES, **COMPOSED}[name]
        schedule = make(library.optim.lr_scheduler, optimizer)
        rates: list[Any] = []
        for _ in range(100):
            optimizer.step()
            try:
                schedule.step()
            except ValueError as error:
                return [*rates, str(error)]
            rates.append(schedule.get_last_lr())
        return rates

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert run(tallow) == run(torch)


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_plateaus_are_pytorchs(torch, mode, threshold_mode):
    def run(library: ModuleType) -> list[Any]:
        optimizer = optimizer_for(library)
        schedule = library.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer, mode, 0.5, 2, 1e-2, threshold_mode, 1, [0.001, 0.002]
        )
        seen = []
        for number in range(40):
            schedule.step((number * 7919 % 13) / 10)
            seen.append((plain(optimizer.param_groups), plain(schedule.state_dict())))
        return seen

    assert run(tallow) == run(torch)


@pytest.fixture
def optimizer() -> SGD:
    return SGD([tallow.ones(1)], lr=1.0, momentum=0.9)


def rates(optimizer: SGD, schedule: Any, steps: int) -> list[float]:
    result = []
    for _ in range(steps):
        optimizer.step()
        schedule.step()
        result.append(optimizer.param_groups[0]["lr"])
    return result


def test_step_by_hand(optimizer):
    assert rates(optimizer, lr_scheduler.StepLR(optimizer, 2, 0.5), 4) == [1, 0.5, 0.5, 0.25]


def test_cosine_by_hand(optimizer):
    schedule = lr_scheduler.CosineAnnealingLR(optimizer, 2)
    assert rates(optimizer, schedule, 4) == pytest.approx([0.5, 0, 0.5, 1], abs=1e-15)


def test_plateau_by_hand(optimizer):
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    seen = []
    for loss in (1.0, 0.5, 0.5, tallow.tensor(0.5), 0.5):
        schedule.step(loss)
        seen.append(schedule.get_last_lr()[0])
    assert seen == [1, 1, 1, 0.5, 0.5]


def test_nested_schedules_may_come_later(optimizer):
    warm = lr_scheduler.ConstantLR(optimizer, 0.5, 10)
    chain = lr_scheduler.ChainedScheduler([lr_scheduler.ExponentialLR(optimizer, 0.5)])
    schedule = lr_scheduler.SequentialLR(optimizer, [warm, chain], [2])
    assert rates(optimizer, schedule, 4) == [0.5, 1, 0.5, 0.25]


def test_a_rate_in_a_tensor_is_changed_in_place():
    rate = tallow.tensor(1.0)
    optimizer = SGD([tallow.ones(1)], lr=rate)
    schedule = lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.5
    assert schedule.base_lrs[0].item() == 1


def test_momentum_moves_the_other_way():
    optimizer = Adam([tallow.ones(1)])
    schedule = lr_scheduler.OneCycleLR(optimizer, 1.0, 4, pct_start=0.5)
    assert optimizer.param_groups[0]["betas"] == (0.95, 0.999)
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["betas"] == (0.85, 0.999)


def test_functions_are_left_out_of_the_state_and_objects_saved():
    class Factor:
        def __init__(self, value: float) -> None:
            self.value = value

        def __call__(self, step: int) -> float:
            return self.value

    optimizer = SGD([tallow.ones(1)], lr=1.0)
    saved = lr_scheduler.LambdaLR(optimizer, Factor(0.5)).state_dict()
    assert saved["lr_lambdas"] == [{"value": 0.5}]
    other = lr_scheduler.LambdaLR(optimizer, Factor(0.25))
    other.load_state_dict(saved)
    assert other.lr_lambdas[0].value == 0.5
    assert "lr_lambdas" in saved
    assert lr_scheduler.LambdaLR(optimizer, lambda _: 1).state_dict()["lr_lambdas"] == [None]


def test_schedules_can_be_pickled_with_their_optimiser(optimizer):
    schedule = lr_scheduler.StepLR(optimizer, 2)
    again = pickle.loads(pickle.dumps(schedule))
    assert again.state_dict() == schedule.state_dict()
    assert type(schedule).__module__.endswith("optim.lr_scheduler")


# ---- warnings


def test_the_wrong_order_is_a_warning(optimizer):
    schedule = lr_scheduler.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match="Detected call of `lr_scheduler.step\\(\\)` before"):
        schedule.step()
    schedule.step()


def test_a_replaced_step_is_a_warning(optimizer):
    schedule = lr_scheduler.StepLR(optimizer, 2)
    optimizer.step = lambda: None
    with pytest.warns(UserWarning, match="Seems like `optimizer.step\\(\\)` has been overridden"):
        schedule.step()


def test_an_epoch_and_a_call_from_outside_are_warnings(optimizer):
    schedule = lr_scheduler.StepLR(optimizer, 2)
    optimizer.step()
    with pytest.warns(UserWarning, match="The epoch parameter in `scheduler.step\\(\\)`"):
        schedule.step(4)
    with pytest.warns(UserWarning, match="please use `get_last_lr\\(\\)`"):
        schedule.get_lr()


# ---- errors


def test_more_steps_than_the_cycle_has_change_nothing(optimizer):
    schedule = lr_scheduler.OneCycleLR(optimizer, 0.1, 2)
    rates(optimizer, schedule, 2)
    for _ in range(2):
        with pytest.raises(ValueError, match="Tried to step 3 times. The specified number of tot"):
            schedule.step()
    assert schedule.last_epoch == 2


BAD = [
    (lambda s, o: s.StepLR(5, 2), TypeError, "int is not an Optimizer"),
    (lambda s, o: s.StepLR(o, 2, last_epoch=3), KeyError, "\"param 'initial_lr' is not specified"),
    (lambda s, o: s.LambdaLR(o, [abs, abs]), ValueError, "Expected 1 lr_lambdas, but got 2"),
    (lambda s, o: s.ConstantLR(o, 2), ValueError, "Constant multiplicative factor expected to be"),
    (lambda s, o: s.LinearLR(o, 0), ValueError, "Starting multiplicative factor expected to be"),
    (lambda s, o: s.LinearLR(o, 1, 2), ValueError, "Ending multiplicative factor expected to be"),
    (lambda s, o: s.SequentialLR(o, [], []), ValueError, "SequentialLR expects at least one sched"),
    (lambda s, o: s.SequentialLR(o, [s.StepLR(o, 1)], [2]), ValueError, "Sequential Schedulers ex"),
    (
        lambda s, o: s.SequentialLR(o, [s.StepLR(o, 1), s.ReduceLROnPlateau(o)], [2]),
        ValueError,
        "SequentialLR does not support `ReduceLROnPlateau`",
    ),
    (
        lambda s, o: s.ChainedScheduler([s.StepLR(o, 1), s.StepLR(SGD([tallow.ones(1)]), 1)]),
        ValueError,
        "ChainedScheduler expects all schedulers to belong to the same optimizer",
    ),
    (lambda s, o: s.CosineAnnealingWarmRestarts(o, 0), ValueError, "Expected positive integer T_0"),
    (lambda s, o: s.CosineAnnealingWarmRestarts(o, 1, 0), ValueError, "Expected integer T_mult >="),
    (lambda s, o: s.CosineAnnealingWarmRestarts(o, 2).step(-1), ValueError, "Expected non-negati"),
    (lambda s, o: s.OneCycleLR(o, 0.1), ValueError, "You must define either total_steps OR"),
    (lambda s, o: s.OneCycleLR(o, 0.1, -5), ValueError, "Expected positive integer total_steps"),
    (lambda s, o: s.OneCycleLR(o, 0.1, 5, pct_start=2.0), ValueError, "Expected float between 0"),
    (lambda s, o: s.OneCycleLR(o, 0.1, 5, anneal_strategy="x"), ValueError, "anneal_strategy must"),
    (lambda s, o: s.OneCycleLR(o, [0.1, 0.2], 5), ValueError, "max_lr must have the same length"),
    (lambda s, o: s.OneCycleLR(Adagrad([tallow.ones(1)]), 0.1, 5), ValueError, "optimizer must s"),
    (lambda s, o: s.CyclicLR(o, 0.1, 0.2, mode="x"), ValueError, "mode is invalid and scale_fn is"),
    (lambda s, o: s.ReduceLROnPlateau(o, factor=1.0), ValueError, "Factor should be < 1.0."),
    (lambda s, o: s.ReduceLROnPlateau(o, mode="x"), ValueError, "mode x is unknown!"),
    (lambda s, o: s.ReduceLROnPlateau(o, min_lr=[1, 2]), ValueError, "expected 1 min_lrs, got 2"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_arguments_out_of_range(optimizer, number):
    make, kind, message = BAD[number]
    with pytest.raises(kind) as error:
        make(lr_scheduler, optimizer)
    assert str(error.value).startswith(message)
