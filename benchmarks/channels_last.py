"""Images in channels_last, as PyTorch advises for convolutions: inputs, weights and gradients."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from benchmarks.case import Case, both, filled
from benchmarks.conv import OTHERS, RESNET, Shape
from benchmarks.networks import resnet18


def in_order(lib: ModuleType, *shape: int, seed: int = 0, grad: bool = False) -> Any:
    """Values as of ``filled``, with the channels behind the pixels."""
    tensor = filled(lib, *shape, seed=seed).contiguous(memory_format=lib.channels_last)
    return tensor.requires_grad_() if grad else tensor


CONVOLUTIONS = {
    "3x3-c64-s56": RESNET["3x3-c64-s56"],
    "3x3-c64-s56-b8": RESNET["3x3-c64-s56"]._replace(batch=8),
    "3x3-stride2-b8": RESNET["3x3-stride2"]._replace(batch=8),
    "stem-7x7": RESNET["stem-7x7"],
    "1x1-c256-c64": RESNET["1x1-c256-c64"],
    "1x1-c64-c256-b8": RESNET["1x1-c64-c256"]._replace(batch=8),
    "depthwise-c32-s112": OTHERS["depthwise-c32-s112"],
    "depthwise-c384-s14": OTHERS["depthwise-c384-s14"],
}


def convolution(name: str, shape: Shape) -> list[Case]:
    def make(lib: ModuleType, grad: bool) -> Any:
        x = in_order(lib, shape.batch, shape.channels, shape.size, shape.size, grad=grad)
        kernel = (shape.outputs, shape.channels // shape.groups, shape.kernel, shape.kernel)
        w = in_order(lib, *kernel, seed=1, grad=grad)
        b = filled(lib, shape.outputs, seed=2, grad=grad)
        conv2d = lib.nn.functional.conv2d
        return (
            lambda x, w, b: conv2d(x, w, b, shape.stride, shape.padding, 1, shape.groups),
            x,
            w,
            b,
        )

    return both("channels_last", name, make)


# Input shape and call.
CALLS: dict[str, tuple[tuple[int, ...], Callable[[Any, Any], Any]]] = {
    "max-3x3-stride2": ((16, 64, 112, 112), lambda F, x: F.max_pool2d(x, 3, 2, 1)),
    "avg-2x2": ((16, 64, 56, 56), lambda F, x: F.avg_pool2d(x, 2)),
    "adaptive-avg-1": ((16, 512, 7, 7), lambda F, x: F.adaptive_avg_pool2d(x, 1)),
    "adaptive-avg-6": ((16, 256, 13, 13), lambda F, x: F.adaptive_avg_pool2d(x, 6)),
    "batch-norm": ((16, 64, 56, 56), lambda F, x: F.batch_norm(x, None, None, training=True)),
    "group-norm": ((16, 64, 56, 56), lambda F, x: F.group_norm(x, 8)),
    "upsample-bilinear": (
        (8, 64, 32, 32),
        lambda F, x: F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False),
    ),
    "upsample-nearest": ((8, 64, 32, 32), lambda F, x: F.interpolate(x, scale_factor=2)),
    "pad": ((8, 64, 56, 56), lambda F, x: F.pad(x, (1, 1, 1, 1))),
    "pixel-shuffle": ((8, 64, 56, 56), lambda F, x: F.pixel_shuffle(x, 2)),
}


def call(name: str) -> list[Case]:
    def make(lib: ModuleType, grad: bool) -> Any:
        shape, function = CALLS[name]
        return lambda x: function(lib.nn.functional, x), in_order(lib, *shape, grad=grad)

    return both("channels_last", name, make)


def network(batch: int) -> Case:
    def setup(lib: ModuleType) -> Callable[[], Any]:
        net = resnet18(lib).eval().to(memory_format=lib.channels_last)
        x = in_order(lib, batch, 3, 224, 224)

        def infer() -> Any:
            with lib.no_grad():
                return net(x)

        return infer

    return Case(f"channels_last/resnet18-b{batch}", setup, 1e-3)


CASES = [
    *(case for name, shape in CONVOLUTIONS.items() for case in convolution(name, shape)),
    *(case for name in CALLS for case in call(name)),
    network(1),
    network(8),
]
