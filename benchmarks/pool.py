"""Pooling, forward and with the gradient."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from benchmarks.case import Case, Work, both, filled

# Input shape and call.
CALLS: dict[str, tuple[tuple[int, ...], Callable[[Any, Any], Any]]] = {
    "max-3x3-stride2": ((16, 64, 112, 112), lambda F, x: F.max_pool2d(x, 3, 2, 1)),
    "max-2x2": ((16, 64, 56, 56), lambda F, x: F.max_pool2d(x, 2)),
    "max-2x2-lenet": ((64, 6, 28, 28), lambda F, x: F.max_pool2d(x, 2)),
    "avg-2x2": ((16, 64, 56, 56), lambda F, x: F.avg_pool2d(x, 2)),
    "avg-3x3-stride2": ((16, 64, 56, 56), lambda F, x: F.avg_pool2d(x, 3, 2, 1)),
    "adaptive-avg-1": ((16, 512, 7, 7), lambda F, x: F.adaptive_avg_pool2d(x, 1)),
    "adaptive-avg-6": ((16, 256, 13, 13), lambda F, x: F.adaptive_avg_pool2d(x, 6)),
    "adaptive-max-6": ((16, 256, 13, 13), lambda F, x: F.adaptive_max_pool2d(x, 6)),
    "max-1d": ((32, 64, 512), lambda F, x: F.max_pool1d(x, 2)),
}


def cases(name: str) -> list[Case]:
    def make(lib: ModuleType, grad: bool) -> Any:
        shape, call = CALLS[name]
        return lambda x: call(lib.nn.functional, x), filled(lib, *shape, grad=grad)

    return both("pool", name, make, WORK.get(name))


# What reads and writes more than a cache holds: input and output.
WORK = {"max-3x3-stride2": Work(bytes=4 * 16 * 64 * (112 * 112 + 56 * 56))}
CASES = [case for name in CALLS for case in cases(name)]
