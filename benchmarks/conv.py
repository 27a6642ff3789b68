"""Convolutions: forward, and forward with all gradients."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled, forward_backward

# batch, input channels, size, output channels, kernel, stride, padding, groups
SHAPES = {
    "lenet-1": (64, 1, 28, 6, 5, 1, 2, 1),
    "lenet-2": (64, 6, 14, 16, 5, 1, 0, 1),
    "3x3-c64-s32": (8, 64, 32, 64, 3, 1, 1, 1),
    "3x3-c128-s28": (4, 128, 28, 128, 3, 1, 1, 1),
    "3x3-stride2": (4, 64, 56, 128, 3, 2, 1, 1),
    "1x1-c64-s56": (4, 64, 56, 256, 1, 1, 0, 1),
    "7x7-first": (2, 3, 224, 64, 7, 2, 3, 1),
    "depthwise": (4, 64, 56, 64, 3, 1, 1, 64),
    "one-image": (1, 32, 16, 32, 3, 1, 1, 1),
}


def inputs(lib: ModuleType, name: str, grad: bool) -> tuple[list[Any], Any]:
    n, c, size, k, kernel, stride, padding, groups = SHAPES[name]
    x = filled(lib, n, c, size, size, grad=grad)
    w = filled(lib, k, c // groups, kernel, kernel, seed=1, grad=grad)
    b = filled(lib, k, seed=2, grad=grad)

    def call(x: Any, w: Any, b: Any) -> Any:
        return lib.nn.functional.conv2d(x, w, b, stride, padding, 1, groups)

    return [x, w, b], call


def forward(name: str) -> Case:
    def setup(lib: ModuleType) -> Any:
        arguments, call = inputs(lib, name, grad=False)
        return lambda: call(*arguments)

    return Case(f"conv/{name}", setup)


def step(name: str) -> Case:
    def setup(lib: ModuleType) -> Any:
        arguments, call = inputs(lib, name, grad=True)
        return forward_backward(lib, call, *arguments)

    return Case(f"conv/{name}-step", setup)


CASES = [make(name) for name in SHAPES for make in (forward, step)]
