"""What a benchmark case is and the list of all of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

GROUPS = ("overhead", "matmul", "conv", "pool", "rows", "pointwise", "models")

# Gets torch or tallow, prepares the inputs, and returns what is to be timed. The call's result is
# compared between the two.
Setup = Callable[[ModuleType], Callable[[], Any]]


@dataclass(frozen=True)
class Case:
    """One thing to time.

    Attributes:
        name: "group/what", matched by --cases.
        setup: makes the call from the library; both libraries run the very same code.
        tolerance: largest difference of a result, relative to the largest value in it.
    """

    name: str
    setup: Setup
    tolerance: float = 1e-4


def all_cases() -> Iterator[Case]:
    """Every case, group by group."""
    for group in GROUPS:
        yield from importlib.import_module(f"benchmarks.{group}").CASES


def filled(lib: ModuleType, *shape: int, seed: int = 0, grad: bool = False) -> Any:
    """The same values in both libraries, between -1 and 1."""
    import numpy as np

    values = np.random.RandomState(seed).uniform(-1, 1, shape).astype(np.float32)
    tensor = lib.from_numpy(values).clone()
    return tensor.requires_grad_() if grad else tensor


def forward_backward(lib: ModuleType, function: Callable[..., Any], *inputs: Any) -> Setup:
    """Time the function and the gradients of all its inputs."""
    output = function(*inputs)
    weight = filled(lib, *output.shape, seed=99)

    def step() -> Any:
        return lib.autograd.grad(function(*inputs), inputs, weight)

    return step  # type: ignore[return-value]
