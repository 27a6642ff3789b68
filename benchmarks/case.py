"""What a benchmark case is, the list of all of them, and what cases are made from."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

# A module of this package each; its CASES are in the group of that name.
GROUPS = (
    "gemm",
    "conv",
    "channels_last",
    "pool",
    "norm",
    "loss",
    "attention",
    "pointwise",
    "reduce",
    "data",
    "sort",
    "call",
    "optim",
    "models",
    "ops",
    "tiny",
)

# Gets a library, prepares the inputs, and returns what is to be timed. The result of the first call
# is compared between the libraries.
Setup = Callable[[ModuleType], Callable[[], Any]]


@dataclass(frozen=True)
class Work:
    """What every program must do for a result: multiply-adds of float32, or bytes moved."""

    multiply_adds: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Case:
    """One thing to time.

    Attributes:
        name: "group/what", matched by --cases.
        setup: makes the call from torch or tallow, which both run the very same code.
        tolerance: largest difference of a result, relative to the largest value in it.
        arrays: the same in the interface of NumPy, which JAX has too, where that is one line.
        network: of an inference, makes the network and its input from torch, for ONNX Runtime.
        work: what bounds it on this machine, where something simple does.
    """

    name: str
    setup: Setup
    tolerance: float = 1e-4
    arrays: Setup | None = None
    network: Callable[[ModuleType], tuple[Any, Any]] | None = None
    work: Work | None = None

    def has(self, library: str) -> bool:
        """Can the library run this case?"""
        if library in ("numpy", "jax"):
            return self.arrays is not None
        if library == "machine":
            return self.work is not None
        return library != "onnxruntime" or self.network is not None


def all_cases() -> Iterator[Case]:
    """Every case, group by group."""
    for group in GROUPS:
        yield from importlib.import_module(f"benchmarks.{group}").CASES


# Distinct random values of an input; a larger one repeats them, so that setting up is quick.
DISTINCT = (1 << 18) + 3


def values(*shape: int, seed: int = 0) -> Any:
    """Float32 values between -1 and 1 as an array."""
    import numpy as np

    numel = int(np.prod(shape))
    drawn = np.random.RandomState(seed).uniform(-1, 1, min(numel, DISTINCT)).astype(np.float32)
    return np.resize(drawn, shape)


def filled(lib: ModuleType, *shape: int, seed: int = 0, grad: bool = False) -> Any:
    """The same float32 values between -1 and 1 in both libraries."""
    tensor = lib.from_numpy(values(*shape, seed=seed)).clone()
    return tensor.requires_grad_() if grad else tensor


def integers(lib: ModuleType, high: int, *shape: int, seed: int = 0) -> Any:
    """The same int64 values in [0, high) in both libraries."""
    import numpy as np

    return lib.from_numpy(np.random.RandomState(seed).randint(0, high, shape).astype(np.int64))


def forward_backward(
    lib: ModuleType, function: Callable[..., Any], *inputs: Any
) -> Callable[[], Any]:
    """Time the function and the gradients of all its inputs."""
    weight = filled(lib, *function(*inputs).shape, seed=99)

    def step() -> Any:
        return lib.autograd.grad(function(*inputs), inputs, weight)

    return step


def both(
    group: str,
    name: str,
    make: Callable[[ModuleType, bool], tuple[Any, ...]],
    work: Work | None = None,
) -> list[Case]:
    """Two cases of one function: forward alone, and forward with all gradients.

    Args:
        group: name of the group.
        name: name of the first case; the second one's ends in "-step".
        make: gets the library and whether gradients are wanted; returns function and inputs.
        work: what bounds the forward.
    """

    def forward(lib: ModuleType) -> Any:
        function, *inputs = make(lib, False)
        return lambda: function(*inputs)

    def step(lib: ModuleType) -> Any:
        return forward_backward(lib, *make(lib, True))

    return [Case(f"{group}/{name}", forward, work=work), Case(f"{group}/{name}-step", step)]
