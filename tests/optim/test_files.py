"""Optimiser and schedule state goes to PyTorch and back through .pt files."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tallow
from tallow import nn, optim

RULES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"momentum": 0.9, "lr": 0.01}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.01}),
    ("AdamW", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True}),
    ("Adagrad", {}),
    ("Adadelta", {}),
    ("Adafactor", {}),
    ("Adamax", {}),
    ("NAdam", {}),
    ("RAdam", {}),
    ("ASGD", {"t0": 3}),
    ("Rprop", {}),
    ("Muon", {}),
    ("LBFGS", {"max_iter": 3}),
    ("LBFGS", {"max_iter": 3, "line_search_fn": "strong_wolfe"}),
]


class Run:
    """A model, an optimiser and a schedule of one library, from a fixed start."""

    def __init__(self, library: ModuleType, name: str, options: dict[str, Any]) -> None:
        library.manual_seed(1)
        self.library = library
        start = [library.randn(5, 7), library.randn(2, 7)]
        self.x, self.y = library.randn(16, 5), library.randn(16, 7)
        self.params = [library.nn.Parameter(value) for value in start]
        self.optimizer = getattr(library.optim, name)(self.params, **options)
        self.schedule = library.optim.lr_scheduler.StepLR(self.optimizer, 2, 0.5)

    def train(self, steps: int) -> list[np.ndarray]:
        def closure() -> Any:
            self.optimizer.zero_grad()
            loss = ((self.x @ self.params[0] + self.params[1].sum(0) - self.y) ** 2).mean()
            loss.backward()
            return loss

        for _ in range(steps):
            self.optimizer.step(closure)
            self.schedule.step()
        return [param.detach().numpy().copy() for param in self.params]

    def save(self, path: Any) -> None:
        state = {
            "params": [param.detach() for param in self.params],
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }
        self.library.save(state, path)

    def load(self, path: Any) -> None:
        state = self.library.load(path)
        with self.library.no_grad():
            for param, value in zip(self.params, state["params"], strict=True):
                param.copy_(value)
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])


@pytest.mark.parametrize("ours_first", [True, False])
@pytest.mark.parametrize(("name", "options"), RULES)
def test_the_other_library_continues_a_run(torch, tmp_path, name, options, ours_first):
    libraries = (tallow, torch) if ours_first else (torch, tallow)
    first, second = (Run(library, name, options) for library in libraries)
    first.train(4)
    first.save(tmp_path / "state.pt")
    second.load(tmp_path / "state.pt")
    # bfloat16 sums inside Muon may round the other way; a step of it has size 1e-3.
    tolerance = 1e-5 if name != "Muon" else 1e-4
    for mine, other in zip(first.train(4), second.train(4), strict=True):
        np.testing.assert_allclose(mine, other, rtol=tolerance, atol=tolerance)
    assert first.schedule.get_last_lr() == second.schedule.get_last_lr()


@pytest.mark.parametrize("options", [{}, {"nesterov": False}, {"adjust_lr_fn": "match_rms_adamw"}])
@pytest.mark.parametrize("shape", [(4, 3), (3, 7), (1, 5), (33, 20)])
def test_muon_moves_as_pytorchs(torch, shape, options):
    def moved(library: ModuleType) -> np.ndarray:
        library.manual_seed(2)
        param = library.nn.Parameter(library.zeros(shape))
        optimizer = library.optim.Muon([param], lr=0.01, weight_decay=0.0, **options)
        for _ in range(100):
            param.grad = library.randn(shape)
            optimizer.step()
        return param.detach().numpy()

    ours, theirs = moved(tallow), moved(torch)
    np.testing.assert_allclose(ours, theirs, atol=4e-3 * np.abs(theirs).max())


def test_muon_checks_its_iteration_before_a_step_changes_anything():
    weight = nn.Parameter(tallow.ones(2, 2))
    weight.grad = tallow.ones(2, 2)
    for options, message in (
        ({"ns_steps": 100}, "Number of steps must be less than 100"),
        ({"ns_coefficients": (1.0, 2.0)}, "Coefficients must be a tuple of exactly 3 values"),
    ):
        optimizer = optim.Muon([weight], **options)
        with pytest.raises(ValueError, match=message):
            optimizer.step()
        assert not optimizer.state
    assert weight.unique().tolist() == [1]


@pytest.mark.parametrize("name", ["Adafactor", "Muon"])
def test_complex_parameters_are_refused(name):
    weight = nn.Parameter(tallow.ones(2, 2, dtype=tallow.complex64))
    optimizer = getattr(optim, name)([weight])
    weight.grad = tallow.ones_like(weight)
    with pytest.raises(RuntimeError, match=f"{name} does not support complex parameters"):
        optimizer.step()


def test_sparse_adam_has_no_gradient_to_work_with():
    weight = nn.Parameter(tallow.ones(2))
    optimizer = optim.SparseAdam([weight])
    optimizer.step()
    weight.grad = tallow.ones(2)
    with pytest.raises(RuntimeError, match="SparseAdam does not support dense gradients"):
        optimizer.step()
    with pytest.raises(ValueError, match="SparseAdam does not support complex parameters"):
        optim.SparseAdam([nn.Parameter(tallow.ones(2, dtype=tallow.complex64))])
