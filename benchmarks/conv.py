"""Convolutions: forward, and forward with all gradients."""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple

from benchmarks.case import Case, both, filled


class Shape(NamedTuple):
    """Square images and kernels."""

    batch: int
    channels: int
    size: int
    outputs: int
    kernel: int
    stride: int = 1
    padding: int = 0
    groups: int = 1


# Layers of ResNet-18 and ResNet-50 by what is particular to them; timed with 1 and 16 images.
RESNET = {
    "stem-7x7": Shape(1, 3, 224, 64, 7, 2, 3),
    "3x3-c64-s56": Shape(1, 64, 56, 64, 3, 1, 1),
    "3x3-c128-s28": Shape(1, 128, 28, 128, 3, 1, 1),
    "3x3-c256-s14": Shape(1, 256, 14, 256, 3, 1, 1),
    "3x3-c512-s7": Shape(1, 512, 7, 512, 3, 1, 1),
    "3x3-stride2": Shape(1, 64, 56, 128, 3, 2, 1),
    "1x1-c64-c256": Shape(1, 64, 56, 256, 1),
    "1x1-c256-c64": Shape(1, 256, 56, 64, 1),
    "1x1-c1024-c256": Shape(1, 1024, 14, 256, 1),
    "1x1-c2048-c512": Shape(1, 2048, 7, 512, 1),
    "1x1-stride2": Shape(1, 64, 56, 128, 1, 2),
}
OTHERS = {
    "lenet-1": Shape(64, 1, 28, 6, 5, 1, 2),
    "lenet-2": Shape(64, 6, 14, 16, 5),
    "cifar-c32-s32": Shape(32, 32, 32, 32, 3, 1, 1),
    "depthwise-c32-s112": Shape(4, 32, 112, 32, 3, 1, 1, 32),
    "depthwise-c384-s14": Shape(8, 384, 14, 384, 3, 1, 1, 384),
    "grouped-c128-s28": Shape(8, 128, 28, 128, 3, 1, 1, 32),
}


def convolution(name: str, shape: Shape) -> list[Case]:
    def make(lib: ModuleType, grad: bool) -> Any:
        x = filled(lib, shape.batch, shape.channels, shape.size, shape.size, grad=grad)
        w = filled(
            lib,
            shape.outputs,
            shape.channels // shape.groups,
            shape.kernel,
            shape.kernel,
            seed=1,
            grad=grad,
        )
        b = filled(lib, shape.outputs, seed=2, grad=grad)

        def call(x: Any, w: Any, b: Any) -> Any:
            return lib.nn.functional.conv2d(x, w, b, shape.stride, shape.padding, 1, shape.groups)

        return call, x, w, b

    return both("conv", name, make)


def transposed(name: str, kernel: int, stride: int, padding: int) -> list[Case]:
    def make(lib: ModuleType, grad: bool) -> Any:
        x = filled(lib, 8, 64, 28, 28, grad=grad)
        w = filled(lib, 64, 32, kernel, kernel, seed=1, grad=grad)
        b = filled(lib, 32, seed=2, grad=grad)

        def call(x: Any, w: Any, b: Any) -> Any:
            return lib.nn.functional.conv_transpose2d(x, w, b, stride, padding)

        return call, x, w, b

    return both("conv", name, make)


def one_dimensional(lib: ModuleType, grad: bool) -> Any:
    x = filled(lib, 16, 64, 512, grad=grad)
    w = filled(lib, 64, 64, 3, seed=1, grad=grad)
    return lambda x, w: lib.nn.functional.conv1d(x, w, None, 1, 1), x, w


CASES = [
    *(convolution(f"{name}-b1", shape)[0] for name, shape in RESNET.items()),
    *(convolution(f"{name}-b16", shape._replace(batch=16))[0] for name, shape in RESNET.items()),
    # With gradients a batch of 4 tells the same in a quarter of the time.
    *(convolution(f"{name}-b4", shape._replace(batch=4))[1] for name, shape in RESNET.items()),
    *(case for name, shape in OTHERS.items() for case in convolution(name, shape)),
    *transposed("transposed-4x4-stride2", 4, 2, 1),
    *transposed("transposed-3x3", 3, 1, 1),
    *both("conv", "1d-c64-s512", one_dimensional),
]
