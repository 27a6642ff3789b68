"""Every draw rule of the CPU generator as one expression, for tallow and PyTorch alike."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

SEEDS = (0, 42, 2**32 - 1, 2**33 + 7)
SIZES = (1, 5, 15, 16, 17, 100, 1025, 5003)
FLOATING = ("float32", "float64", "float16", "bfloat16")
INTEGRAL = ("uint8", "int8", "int16", "int32", "int64")


def fill(name: str, *args: Any) -> Callable[[ModuleType, str], list[Any]]:
    """An in-place fill of vectors of all sizes, one after the other from one stream."""

    def draw(lib: ModuleType, dtype: str) -> list[Any]:
        return [getattr(lib.empty(size, dtype=getattr(lib, dtype)), name)(*args) for size in SIZES]

    return draw


def transposed(name: str, *args: Any) -> Callable[[ModuleType, str], list[Any]]:
    """A fill of a tensor whose memory order is not its index order, and of one with gaps."""

    def draw(lib: ModuleType, dtype: str) -> list[Any]:
        kind = getattr(lib, dtype)
        turned = lib.zeros(5, 7, dtype=kind).t()
        gaps = lib.zeros(6, 8, dtype=kind)[:, ::2]
        return [getattr(turned, name)(*args), getattr(gaps, name)(*args)]

    return draw


def like(function: Callable[..., Any]) -> Callable[[ModuleType, str], list[Any]]:
    """A function of a vector of numbers in (0, 1)."""

    def draw(lib: ModuleType, dtype: str) -> list[Any]:
        inputs = [(lib.arange(1, n + 1, dtype=lib.float64) / (n + 1)) for n in SIZES]
        return [function(lib, x.to(getattr(lib, dtype))) for x in inputs]

    return draw


def single(function: Callable[..., Any]) -> Callable[[ModuleType, str], list[Any]]:
    """A function that needs nothing but the element type."""
    return lambda lib, dtype: [function(lib, getattr(lib, dtype))]


def images(lib: ModuleType, x: Any) -> Any:
    """A batch of images made of a vector."""
    return x[:1].reshape(1, 1, 1, 1).expand(3, 5, 2, 2).clone()


# name: (element types, how to draw)
DRAWS: dict[str, tuple[tuple[str, ...], Callable[[ModuleType, str], list[Any]]]] = {
    "uniform": (FLOATING, fill("uniform_")),
    "uniform-bounds": (FLOATING, fill("uniform_", -0.1, 0.3)),
    "uniform-order": (FLOATING, transposed("uniform_")),
    "normal": (FLOATING, fill("normal_")),
    "normal-scaled": (FLOATING, fill("normal_", 1.5, 0.02)),
    "normal-order": (FLOATING, transposed("normal_")),
    "bernoulli-number": (FLOATING + INTEGRAL, fill("bernoulli_", 0.3)),
    "bernoulli-tensor": (FLOATING, like(lambda lib, x: lib.bernoulli(x))),
    "exponential": (FLOATING, fill("exponential_", 1.7)),
    "geometric": (FLOATING + INTEGRAL, fill("geometric_", 0.3)),
    "cauchy": (FLOATING, fill("cauchy_", 0.3, 2)),
    "log_normal": (FLOATING, fill("log_normal_", 0.3, 0.7)),
    "random": (FLOATING + INTEGRAL, fill("random_")),
    "random-below": (FLOATING + INTEGRAL, fill("random_", 100)),
    "random-between": (("float32", "float64", "int64"), fill("random_", -5, 2**24)),
    "random-wide": (("float32", "float64", "int64"), fill("random_", -(2**40), 2**41)),
    "random-all": (("int64",), fill("random_", -(2**63), None)),
    "rand": (FLOATING, single(lambda lib, d: lib.rand(3, 7, dtype=d))),
    "randn": (FLOATING, single(lambda lib, d: lib.randn(3, 7, dtype=d))),
    "randint": (("int64",), single(lambda lib, d: lib.randint(3, 1000, (4, 50), dtype=d))),
    "randperm": (("int64", "int32", "float32"), single(lambda lib, d: lib.randperm(200, dtype=d))),
    "normal-tensors": (FLOATING, like(lambda lib, x: lib.normal(x, x))),
    "normal-number": (FLOATING, like(lambda lib, x: lib.normal(2.0, x))),
    "multinomial-one": (FLOATING, like(lambda lib, x: lib.multinomial(x, 1, True))),
    "multinomial-replace": (FLOATING, like(lambda lib, x: lib.multinomial(x, 20, True))),
    # Few samples of the larger types: equal scores may be ordered either way.
    "multinomial": (
        ("float32", "float64"),
        like(lambda lib, x: lib.multinomial(x, min(len(x) // 2 + 1, 20))),
    ),
    "dropout": (FLOATING, like(lambda lib, x: lib.dropout(x, 0.3, True))),
    "native_dropout": (FLOATING, like(lambda lib, x: lib.native_dropout(x, 0.3, True)[0])),
    "feature_dropout": (
        FLOATING,
        like(lambda lib, x: lib.feature_dropout(images(lib, x), 0.4, True)),
    ),
    "alpha_dropout": (("float32", "float64"), like(lambda lib, x: lib.alpha_dropout(x, 0.3, True))),
    "feature_alpha_dropout": (
        ("float32", "float64"),
        like(lambda lib, x: lib.feature_alpha_dropout(images(lib, x), 0.4, True)),
    ),
}  # fmt: skip


def to_bytes(tensor: Any) -> bytes:
    """The elements in row-major order."""
    if "bfloat16" in str(tensor.dtype):
        tensor = tensor.float()
    return np.ascontiguousarray(tensor.numpy()).tobytes()


def fingerprint(lib: ModuleType, name: str) -> str:
    """Hash of all numbers one rule draws, and of the generator's state after each seed."""
    dtypes, draw = DRAWS[name]
    sha = hashlib.sha256()
    for seed in SEEDS:
        lib.manual_seed(seed)
        for dtype in dtypes:
            for tensor in draw(lib, dtype):
                sha.update(to_bytes(tensor))
        sha.update(lib.get_rng_state().numpy().tobytes())
    return sha.hexdigest()[:16]
