"""Reductions and scans."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled, values


def reduction(name: str, *arguments: Any, rows: int = 1024, columns: int = 1024) -> Case:
    def setup(lib: ModuleType) -> Any:
        x, call = filled(lib, rows, columns), getattr(lib, name)
        return lambda: call(x, *arguments)

    def in_numpy(np: ModuleType) -> Any:
        x, call = np.asarray(values(rows, columns)), getattr(np, name)
        return lambda: call(x, *arguments)

    label = name + "".join(f"-dim{a}" for a in arguments)
    label += "" if rows * columns == 1 << 20 else f"-{rows}x{columns}"
    in_both = name in ("sum", "mean", "argmax", "cumsum", "cumprod", "prod")
    return Case(f"reduce/{label}", setup, 1e-3, in_numpy if in_both else None)


def channels(lib: ModuleType) -> Any:
    x = filled(lib, 16, 64, 56, 56)
    return lambda: x.mean((0, 2, 3))


def accuracy(lib: ModuleType) -> Any:
    x, target = filled(lib, 1024, 10), lib.arange(1024) % 10
    return lambda: (x.argmax(1) == target).sum()


def norm(lib: ModuleType) -> Any:
    x = filled(lib, 1 << 20)
    return lambda: x.norm()


def booleans(lib: ModuleType) -> Any:
    x = filled(lib, 1 << 20) < 2
    return lambda: x.all()


def std_mean(lib: ModuleType) -> Any:
    x = filled(lib, 1024, 1024)
    return lambda: lib.std_mean(x, 1)


CASES = [
    reduction("sum"),
    reduction("sum", 0),
    reduction("sum", 1),
    reduction("sum", rows=1, columns=1000),
    reduction("sum", rows=4096, columns=4096),
    reduction("mean", 1),
    reduction("prod", 1),
    reduction("var", 0),
    reduction("var", 1),
    Case("reduce/std_mean-dim1", std_mean, 1e-3),
    reduction("max"),
    reduction("max", 0),
    reduction("max", 1),
    reduction("amax", 1),
    reduction("argmax"),
    reduction("argmax", 0),
    reduction("argmax", 1),
    Case("reduce/mean-channels", channels, 1e-3),
    Case("reduce/norm-1m", norm, 1e-3),
    Case("reduce/all-1m", booleans),
    Case("reduce/accuracy-1024x10", accuracy),
    reduction("cumsum", 0),
    reduction("cumsum", 1),
    reduction("cumprod", 1),
    reduction("logcumsumexp", 1),
    reduction("cummax", 1),
]
