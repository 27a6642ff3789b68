"""Whole training steps; both libraries draw the same initial weights from the same seed."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled


def lenet(lib: ModuleType) -> Any:
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def mlp(lib: ModuleType) -> Any:
    nn = lib.nn
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))


def train_step(model: Any, optimizer: str, batch: int, **settings: Any) -> Any:
    def setup(lib: ModuleType) -> Any:
        net = model(lib)
        optim = getattr(lib.optim, optimizer)(net.parameters(), **settings)
        x = filled(lib, batch, 1, 28, 28)
        target = lib.arange(batch) % 10
        loss_of = lib.nn.CrossEntropyLoss()

        def step() -> Any:
            optim.zero_grad()
            loss = loss_of(net(x), target)
            loss.backward()
            optim.step()
            return loss

        return step

    return setup


def forward_only(model: Any, batch: int) -> Any:
    def setup(lib: ModuleType) -> Any:
        net = model(lib).eval()
        x = filled(lib, batch, 1, 28, 28)

        def call() -> Any:
            with lib.no_grad():
                return net(x)

        return call

    return setup


CASES = [
    Case("models/lenet-sgd-b64", train_step(lenet, "SGD", 64, lr=0.01, momentum=0.9)),
    Case("models/lenet-adam-b64", train_step(lenet, "Adam", 64, lr=1e-3)),
    Case("models/lenet-sgd-b8", train_step(lenet, "SGD", 8, lr=0.01)),
    Case("models/lenet-forward-b64", forward_only(lenet, 64)),
    Case("models/lenet-forward-b1", forward_only(lenet, 1)),
    Case("models/mlp-sgd-b64", train_step(mlp, "SGD", 64, lr=0.01, momentum=0.9)),
    Case("models/mlp-adam-b64", train_step(mlp, "Adam", 64, lr=1e-3)),
    Case("models/mlp-forward-b64", forward_only(mlp, 64)),
]
