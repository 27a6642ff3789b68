"""The memory order of images, contiguous or channels_last, as PyTorch 2.13 keeps it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tallow
import tallow.nn.functional as F

LAST = tallow.channels_last

KEEP_THE_ORDER: dict[str, Callable[[Any], Any]] = {
    "relu": F.relu,
    "gelu": F.gelu,
    "product": lambda x: x * tallow.ones(16, 1, 1),
    "dropout": lambda x: F.dropout(x, 0.0),
    "batch norm": lambda x: F.batch_norm(x, None, None, training=True),
    "group norm": lambda x: F.group_norm(x, 4),
    "cat of channels": lambda x: tallow.cat([x, x * 2, x], 1),
    "cat of rows": lambda x: tallow.cat([x, x * 2], 2),
    "cat of columns": lambda x: tallow.cat([x, x * 2], -1),
    "cat of images": lambda x: tallow.cat([x, x.double() * 2]),
    "pad": lambda x: F.pad(x, (1, 2, 0, 1), value=3),
    "pad columns": lambda x: F.pad(x, (-1, 2)),
    "pad channels": lambda x: F.pad(x, (0, 1, 2, 0, 3, 1)),
    "pad images": lambda x: F.pad(x, (0, 1, 2, 0, 3, 1, 0, 1)),
    "reflect": lambda x: F.pad(x, (1, 2, 1, 1), mode="reflect"),
    "replicate": lambda x: F.pad(x, (1, 2, 1, 1), mode="replicate"),
    "pixel shuffle": lambda x: F.pixel_shuffle(x, 2),
    "pixel unshuffle": lambda x: F.pixel_unshuffle(x, 3),
    "channel shuffle": lambda x: F.channel_shuffle(x, 4),
    "nearest": lambda x: F.interpolate(x, scale_factor=2),
    "bilinear": lambda x: F.interpolate(x, (7, 20), mode="bilinear"),
    "bicubic": lambda x: F.interpolate(x, (7, 20), mode="bicubic", align_corners=True),
    "area": lambda x: F.interpolate(x, (4, 5), mode="area"),
    "smooth": lambda x: F.interpolate(x, (4, 5), mode="bilinear", antialias=True),
}
CONTIGUOUS_RESULTS: dict[str, Callable[[Any], Any]] = {
    "circular": lambda x: F.pad(x, (1, 2, 1, 1), mode="circular"),
    "instance norm": F.instance_norm,
    "softmax": lambda x: F.softmax(x, 1),
    "cat of both": lambda x: tallow.cat([x, x.contiguous()], 1),
}


def image() -> Any:
    return tallow.randn(2, 16, 9, 12)


@pytest.mark.parametrize("name", KEEP_THE_ORDER)
def test_results_keep_the_order(name: str) -> None:
    x = image()
    expected = KEEP_THE_ORDER[name](x)
    got = KEEP_THE_ORDER[name](x.to(memory_format=LAST))
    assert expected.is_contiguous()
    assert got.is_contiguous(memory_format=LAST)
    tallow.testing.assert_close(got, expected, check_stride=False)


@pytest.mark.parametrize("name", KEEP_THE_ORDER)
def test_gradients_keep_the_order(name: str) -> None:
    x = image().requires_grad_()
    y = x.detach().to(memory_format=LAST).requires_grad_()
    expected, got = KEEP_THE_ORDER[name](x), KEEP_THE_ORDER[name](y)
    grad = tallow.randn(expected.shape, dtype=expected.dtype)
    expected.backward(grad)
    got.backward(grad.to(memory_format=LAST))
    assert y.grad.is_contiguous(memory_format=LAST)
    tallow.testing.assert_close(y.grad, x.grad, check_stride=False)


@pytest.mark.parametrize("name", CONTIGUOUS_RESULTS)
def test_some_results_are_contiguous(name: str) -> None:
    x = image()
    got = CONTIGUOUS_RESULTS[name](x.to(memory_format=LAST))
    assert got.is_contiguous()
    tallow.testing.assert_close(got, CONTIGUOUS_RESULTS[name](x))


def test_a_network_stays_in_channels_last() -> None:
    net = tallow.nn.Sequential(
        tallow.nn.Conv2d(3, 8, 3, padding=1),
        tallow.nn.BatchNorm2d(8),
        tallow.nn.ReLU(),
        tallow.nn.MaxPool2d(2),
        tallow.nn.ConvTranspose2d(8, 4, 2, stride=2),
        tallow.nn.Upsample(scale_factor=2, mode="bilinear"),
    )
    x = tallow.randn(2, 3, 8, 10)
    expected = net(x)
    net.to(memory_format=LAST)
    got = net(x)
    assert got.is_contiguous(memory_format=LAST)
    tallow.testing.assert_close(got, expected, check_stride=False)
    got.sum().backward()
    assert net[0].weight.grad.is_contiguous(memory_format=LAST)
