"""Matrix products."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled, forward_backward


def product(m: int, k: int, n: int) -> Case:
    def setup(lib: ModuleType) -> Any:
        a, b = filled(lib, m, k), filled(lib, k, n, seed=1)
        return lambda: a @ b

    return Case(f"matmul/{m}x{k}x{n}", setup)


def transposed(m: int, k: int, n: int) -> Case:
    def setup(lib: ModuleType) -> Any:
        a, b = filled(lib, m, k), filled(lib, n, k, seed=1)
        return lambda: a @ b.t()

    return Case(f"matmul/transposed-{m}x{k}x{n}", setup)


def batched(count: int, m: int, k: int, n: int) -> Case:
    def setup(lib: ModuleType) -> Any:
        a, b = filled(lib, count, m, k), filled(lib, count, k, n, seed=1)
        return lambda: lib.bmm(a, b)

    return Case(f"matmul/batch-{count}x{m}x{k}x{n}", setup)


def linear(rows: int, inputs: int, outputs: int) -> Case:
    def setup(lib: ModuleType) -> Any:
        x = filled(lib, rows, inputs, grad=True)
        w = filled(lib, outputs, inputs, seed=1, grad=True)
        b = filled(lib, outputs, seed=2, grad=True)
        return forward_backward(lib, lib.nn.functional.linear, x, w, b)

    return Case(f"matmul/linear-step-{rows}x{inputs}x{outputs}", setup)


CASES = [
    product(32, 32, 32),
    product(64, 64, 64),
    product(128, 128, 128),
    product(256, 256, 256),
    product(512, 512, 512),
    product(1024, 1024, 1024),
    product(1, 1024, 1024),
    product(1000, 64, 1000),
    transposed(64, 784, 256),
    transposed(512, 512, 512),
    batched(16, 64, 64, 64),
    batched(64, 32, 32, 32),
    linear(64, 784, 256),
    linear(64, 400, 120),
]
