"""Optimiser steps on 20 small parameters and on 10 million numbers."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled

SMALL = [(64, 64), (64,)] * 10
LARGE = [(2048, 2048), (2048, 2048), (1600, 1024)]

RULES: dict[str, dict[str, Any]] = {
    "SGD": {"lr": 1e-4},
    "SGD-momentum": {"lr": 1e-4, "momentum": 0.9},
    "Adam": {"lr": 1e-4},
    "AdamW": {"lr": 1e-4},
    "RMSprop": {"lr": 1e-4},
}


def step(rule: str, size: str, shapes: list[tuple[int, ...]]) -> Case:
    def setup(lib: ModuleType) -> Any:
        params = [filled(lib, *shape, seed=i, grad=True) for i, shape in enumerate(shapes)]
        for i, param in enumerate(params):
            param.grad = filled(lib, *param.shape, seed=50 + i)
        optimizer = getattr(lib.optim, rule.partition("-")[0])(params, **RULES[rule])

        def call() -> Any:
            optimizer.step()
            return params

        return call

    return Case(f"optim/{rule}-{size}", setup)


def zero_grad(lib: ModuleType) -> Any:
    params = [filled(lib, *shape, grad=True) for shape in SMALL]
    optimizer = lib.optim.SGD(params, lr=0.1)
    return optimizer.zero_grad


def clip(lib: ModuleType) -> Any:
    params = [filled(lib, *shape, grad=True) for shape in SMALL]
    for param in params:
        param.grad = filled(lib, *param.shape, seed=1)
    return lambda: lib.nn.utils.clip_grad_norm_(params, 1e9)


CASES = [
    *(step(rule, "20-small", SMALL) for rule in RULES),
    *(step(rule, "10m", LARGE) for rule in ("SGD-momentum", "AdamW")),
    Case("optim/zero_grad-20-small", zero_grad),
    Case("optim/clip_grad_norm-20-small", clip),
]
