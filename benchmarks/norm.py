"""Softmax and normalisation, forward and with the gradients."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from benchmarks.case import Case, both, filled


def softmax(name: str, shape: tuple[int, ...], dim: int = -1) -> list[Case]:
    def make(lib: ModuleType, grad: bool) -> Any:
        return lambda x: getattr(lib, name)(x, dim), filled(lib, *shape, grad=grad)

    label = "x".join(map(str, shape)) + ("" if dim == -1 else f"-dim{dim}")
    return both("norm", f"{name}-{label}", make)


def affine(name: str, shape: tuple[int, ...], call: Callable[..., Any]) -> list[Case]:
    """A normalisation with weight and bias of the last dimension, or of the channels."""

    def make(lib: ModuleType, grad: bool) -> Any:
        size = shape[1] if len(shape) == 4 else shape[-1]
        w, b = (filled(lib, size, seed=seed, grad=grad) for seed in (1, 2))
        return (
            lambda x, w, b: call(lib.nn.functional, x, w, b),
            filled(lib, *shape, grad=grad),
            w,
            b,
        )

    return both("norm", name, make)


def batch_norm_eval(lib: ModuleType) -> Any:
    x, w, b = filled(lib, 16, 64, 56, 56), filled(lib, 64, seed=1), filled(lib, 64, seed=2)
    mean, var = filled(lib, 64, seed=3), filled(lib, 64, seed=4).abs() + 0.5
    return lambda: lib.nn.functional.batch_norm(x, mean, var, w, b)


def rms_norm(lib: ModuleType, grad: bool) -> Any:
    x, w = filled(lib, 512, 768, grad=grad), filled(lib, 768, seed=1, grad=grad)
    return lambda x, w: lib.nn.functional.rms_norm(x, (768,), w), x, w


IMAGES = (16, 64, 28, 28)

CASES = [
    *softmax("softmax", (32, 10)),
    *softmax("softmax", (4096, 1000)),
    *softmax("softmax", (16, 12, 128, 128)),
    softmax("softmax", (64, 50257))[0],
    *softmax("softmax", (512, 512), dim=0),
    *softmax("log_softmax", (32, 10)),
    *softmax("log_softmax", (1024, 1000)),
    *softmax("logsumexp", (1024, 1000)),
    *affine("layer_norm-512x768", (512, 768), lambda F, x, w, b: F.layer_norm(x, (768,), w, b)),
    *affine("layer_norm-4x64", (4, 64), lambda F, x, w, b: F.layer_norm(x, (64,), w, b)),
    *both("norm", "rms_norm-512x768", rms_norm),
    Case("norm/batch_norm-eval", batch_norm_eval),
    *affine(
        "batch_norm-train",
        IMAGES,
        lambda F, x, w, b: F.batch_norm(x, None, None, w, b, True),
    ),
    *affine("group_norm", IMAGES, lambda F, x, w, b: F.group_norm(x, 8, w, b)),
    *affine("instance_norm", IMAGES, lambda F, x, w, b: F.instance_norm(x, None, None, w, b)),
]
