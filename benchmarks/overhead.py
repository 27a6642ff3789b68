"""From Python call to result on tensors so small that the arithmetic costs nothing."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled


def add(lib: ModuleType) -> Any:
    a, b = filled(lib, 4), filled(lib, 4, seed=1)
    return lambda: a + b


def add_recorded(lib: ModuleType) -> Any:
    a, b = filled(lib, 4, grad=True), filled(lib, 4, seed=1)
    return lambda: a + b


def add_function(lib: ModuleType) -> Any:
    a, b, call = filled(lib, 4), filled(lib, 4, seed=1), lib.add
    return lambda: call(a, b)


def add_keyword(lib: ModuleType) -> Any:
    a, b, call = filled(lib, 4), filled(lib, 4, seed=1), lib.add
    return lambda: call(a, other=b)


def mul_scalar(lib: ModuleType) -> Any:
    a = filled(lib, 4)
    return lambda: a * 2.0


def view(lib: ModuleType) -> Any:
    a = filled(lib, 4, 4)
    return lambda: a.view(16)


def index(lib: ModuleType) -> Any:
    a = filled(lib, 4, 4)
    return lambda: a[1]


def total(lib: ModuleType) -> Any:
    a = filled(lib, 4)
    return lambda: a.sum()


def matmul(lib: ModuleType) -> Any:
    a, b = filled(lib, 4, 4), filled(lib, 4, 4, seed=1)
    return lambda: a @ b


def softmax(lib: ModuleType) -> Any:
    a, call = filled(lib, 4, 4), lib.nn.functional.softmax
    return lambda: call(a, dim=-1)


def linear_module(lib: ModuleType) -> Any:
    module, x = lib.nn.Linear(4, 4), filled(lib, 4)
    return lambda: module(x)


def sequential(lib: ModuleType) -> Any:
    nn = lib.nn
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Softmax(dim=-1))
    x = filled(lib, 2, 4)
    return lambda: module(x)


def backward(lib: ModuleType) -> Any:
    x, y = filled(lib, 4, grad=True), filled(lib, 4, seed=1)

    def step() -> Any:
        x.grad = None
        (x * y).sum().backward()
        return x.grad

    return step


def chain(lib: ModuleType) -> Any:
    x, y = filled(lib, 1, grad=True), filled(lib, 1, seed=1)

    def step() -> Any:
        z = x
        for _ in range(100):
            z = z * y
        x.grad = None
        z.backward()
        return x.grad

    return step


def item(lib: ModuleType) -> Any:
    a = filled(lib, 1)
    return lambda: a.item()


def zeros(lib: ModuleType) -> Any:
    call = lib.zeros
    return lambda: call(4)


CASES = [
    Case(f"overhead/{setup.__name__}", setup)
    for setup in (
        add, add_recorded, add_function, add_keyword, mul_scalar, view, index, total, matmul,
        softmax, linear_module, sequential, backward, chain, item, zeros,
    )
]  # fmt: skip
