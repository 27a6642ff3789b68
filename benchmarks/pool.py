"""Pooling, forward and with the gradient."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled, forward_backward

CALLS = {
    "max2": lambda F, x: F.max_pool2d(x, 2),
    "max3-stride2": lambda F, x: F.max_pool2d(x, 3, 2, 1),
    "avg2": lambda F, x: F.avg_pool2d(x, 2),
    "adaptive-avg1": lambda F, x: F.adaptive_avg_pool2d(x, 1),
}


def case(name: str, grad: bool) -> Case:
    def setup(lib: ModuleType) -> Any:
        functional = lib.nn.functional
        x = filled(lib, 16, 32, 28, 28, grad=grad)
        if grad:
            return forward_backward(lib, lambda x: CALLS[name](functional, x), x)
        return lambda: CALLS[name](functional, x)

    return Case(f"pool/{name}{'-step' if grad else ''}", setup)


CASES = [case(name, grad) for name in CALLS for grad in (False, True)]
