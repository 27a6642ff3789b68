"""Whole networks; both libraries draw the same initial weights from the same seed."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from benchmarks.case import Case, Setup, filled, integers
from benchmarks.networks import gpt, lenet, lstm, mlp, resnet18

Data = Callable[[ModuleType], tuple[Any, Any]]


def images(batch: int, channels: int, size: int, classes: int = 10) -> Data:
    return lambda lib: (
        filled(lib, batch, channels, size, size),
        integers(lib, classes, batch),
    )


def sequences(lib: ModuleType) -> tuple[Any, Any]:
    return filled(lib, 32, 32, 64), integers(lib, 10, 32)


def text(lib: ModuleType) -> tuple[Any, Any]:
    tokens = integers(lib, 65, 12, 65)
    return tokens[:, :-1], tokens[:, 1:].reshape(-1)


def training(model: Callable[..., Any], data: Data, optimizer: str, **settings: Any) -> Setup:
    def setup(lib: ModuleType) -> Any:
        net = model(lib)
        optim = getattr(lib.optim, optimizer)(net.parameters(), **settings)
        x, target = data(lib)
        loss_of = lib.nn.CrossEntropyLoss()

        def step() -> Any:
            optim.zero_grad()
            output = net(x)
            loss = loss_of(output.reshape(-1, output.shape[-1]), target)
            loss.backward()
            optim.step()
            return loss

        return step

    return setup


def inference(
    name: str, model: Callable[..., Any], data: Data, tolerance: float = 1e-4, onnx: bool = False
) -> Case:
    def network(lib: ModuleType) -> tuple[Any, Any]:
        return model(lib).eval(), data(lib)[0]

    def setup(lib: ModuleType) -> Any:
        net, x = network(lib)

        def call() -> Any:
            with lib.no_grad():
                return net(x)

        return call

    return Case(f"models/{name}", setup, tolerance, network=network if onnx else None)


DIGITS = {batch: images(batch, 1, 28) for batch in (1, 8, 32, 64, 256)}
PHOTOS = {batch: images(batch, 3, 224, 1000) for batch in (1, 8)}

CASES = [
    Case("models/lenet-train-sgd-b64", training(lenet, DIGITS[64], "SGD", lr=0.01, momentum=0.9)),
    Case("models/lenet-train-adam-b64", training(lenet, DIGITS[64], "Adam", lr=1e-3)),
    Case("models/lenet-train-sgd-b8", training(lenet, DIGITS[8], "SGD", lr=0.01)),
    inference("lenet-b64", lenet, DIGITS[64], onnx=True),
    inference("lenet-b1", lenet, DIGITS[1], onnx=True),
    Case("models/mlp-train-sgd-b32", training(mlp, DIGITS[32], "SGD", lr=0.01, momentum=0.9)),
    Case("models/mlp-train-adam-b256", training(mlp, DIGITS[256], "Adam", lr=1e-3)),
    inference("mlp-b64", mlp, DIGITS[64], onnx=True),
    inference("resnet18-b1", resnet18, PHOTOS[1], 1e-3, onnx=True),
    inference("resnet18-b8", resnet18, PHOTOS[8], 1e-3, onnx=True),
    Case(
        "models/resnet18-train-b8-s112",
        training(resnet18, images(8, 3, 112, 1000), "SGD", lr=0.01, momentum=0.9),
        1e-3,
    ),
    inference("gpt-b12", gpt, text, 1e-3),
    Case("models/gpt-train-b12", training(gpt, text, "AdamW", lr=1e-3), 1e-3),
    inference("lstm-b32", lstm, sequences, 1e-3),
    Case("models/lstm-train-b32", training(lstm, sequences, "Adam", lr=1e-3), 1e-3),
]
