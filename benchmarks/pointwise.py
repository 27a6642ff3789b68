"""Elementwise functions and reductions, in cache and out of it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled

SIZES = {"4k": 4096, "1m": 1 << 20}
UNARY = ("relu", "exp", "log1p", "tanh", "sigmoid", "sqrt", "sin", "erf")


def unary(name: str, size: str) -> Case:
    def setup(lib: ModuleType) -> Any:
        x, call = filled(lib, SIZES[size]).abs(), getattr(lib, name)
        return lambda: call(x)

    return Case(f"pointwise/{name}-{size}", setup)


def gelu(lib: ModuleType) -> Any:
    x, call = filled(lib, SIZES["1m"]), lib.nn.functional.gelu
    return lambda: call(x)


def add(size: str) -> Case:
    def setup(lib: ModuleType) -> Any:
        a, b = filled(lib, SIZES[size]), filled(lib, SIZES[size], seed=1)
        return lambda: a + b

    return Case(f"pointwise/add-{size}", setup)


def add_broadcast(lib: ModuleType) -> Any:
    a, b = filled(lib, 1024, 1024), filled(lib, 1024, seed=1)
    return lambda: a + b


def add_transposed(lib: ModuleType) -> Any:
    a, b = filled(lib, 1024, 1024), filled(lib, 1024, 1024, seed=1)
    return lambda: a + b.t()


def add_inplace(lib: ModuleType) -> Any:
    a, b = filled(lib, SIZES["1m"]), lib.zeros(SIZES["1m"])
    return lambda: a.add_(b)


def where(lib: ModuleType) -> Any:
    a, b = filled(lib, SIZES["1m"]), filled(lib, SIZES["1m"], seed=1)
    mask = a > 0
    return lambda: lib.where(mask, a, b)


def to_half(lib: ModuleType) -> Any:
    a = filled(lib, SIZES["1m"])
    return lambda: a.half()


def reduction(name: str, *arguments: Any) -> Case:
    def setup(lib: ModuleType) -> Any:
        x, call = filled(lib, 1024, 1024), getattr(lib, name)
        return lambda: call(x, *arguments)

    dims = "".join(f"-dim{a}" for a in arguments)
    return Case(f"pointwise/{name}{dims}", setup, tolerance=1e-3)


CASES = [
    *(unary(name, size) for name in UNARY for size in SIZES),
    Case("pointwise/gelu-1m", gelu),
    add("4k"),
    add("1m"),
    Case("pointwise/add-broadcast", add_broadcast),
    Case("pointwise/add-transposed", add_transposed),
    Case("pointwise/add_inplace-1m", add_inplace),
    Case("pointwise/where-1m", where),
    Case("pointwise/half-1m", to_half),
    reduction("sum"),
    reduction("sum", 0),
    reduction("sum", 1),
    reduction("mean", 1),
    reduction("var", 1),
    reduction("amax", 1),
    reduction("argmax", 1),
]
