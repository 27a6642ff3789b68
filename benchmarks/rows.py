"""Functions of rows: softmax, normalisation, losses."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled, forward_backward


def softmax(rows: int, columns: int, dim: int = 1) -> Case:
    def setup(lib: ModuleType) -> Any:
        x = filled(lib, rows, columns)
        return lambda: lib.softmax(x, dim)

    return Case(f"rows/softmax-{rows}x{columns}-dim{dim}", setup)


def log_softmax_step(lib: ModuleType) -> Any:
    x = filled(lib, 256, 1000, grad=True)
    return forward_backward(lib, lambda x: lib.log_softmax(x, 1), x)


def layer_norm(lib: ModuleType) -> Any:
    x, w, b = (filled(lib, *s, seed=i) for i, s in enumerate(((512, 768), (768,), (768,))))
    return lambda: lib.nn.functional.layer_norm(x, (768,), w, b)


def layer_norm_step(lib: ModuleType) -> Any:
    x, w, b = (
        filled(lib, *s, seed=i, grad=True) for i, s in enumerate(((512, 768), (768,), (768,)))
    )
    return forward_backward(
        lib, lambda x, w, b: lib.nn.functional.layer_norm(x, (768,), w, b), x, w, b
    )


def batch_norm_step(lib: ModuleType) -> Any:
    x = filled(lib, 16, 32, 28, 28, grad=True)
    w, b = filled(lib, 32, seed=1, grad=True), filled(lib, 32, seed=2, grad=True)

    def call(x: Any, w: Any, b: Any) -> Any:
        return lib.nn.functional.batch_norm(x, None, None, w, b, True)

    return forward_backward(lib, call, x, w, b)


def cross_entropy_step(lib: ModuleType) -> Any:
    x = filled(lib, 64, 10, grad=True)
    target = lib.arange(64) % 10

    def step() -> Any:
        return lib.autograd.grad(lib.nn.functional.cross_entropy(x, target), [x])

    return step


CASES = [
    softmax(64, 10),
    softmax(64, 1000),
    softmax(4096, 512),
    softmax(512, 512, dim=0),
    Case("rows/log_softmax-step", log_softmax_step),
    Case("rows/layer_norm", layer_norm),
    Case("rows/layer_norm-step", layer_norm_step),
    Case("rows/batch_norm-step", batch_norm_step),
    Case("rows/cross_entropy-step", cross_entropy_step),
]
