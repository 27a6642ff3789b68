"""Images in channels_last: results keep PyTorch's memory order, and the bits of contiguous ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

import tallow
import tallow.nn.functional as F

LAST = tallow.channels_last


def order(tensor: Any) -> str:
    """Say in which memory order a tensor is."""
    kinds = {"contiguous": tallow.contiguous_format, "last": LAST}
    found = [name for name, kind in kinds.items() if tensor.is_contiguous(memory_format=kind)]
    return "either" if len(found) == 2 else found[0] if found else str(tensor.stride())


def last(tensor: Any) -> Any:
    return tensor.detach().to(memory_format=LAST)


class Conv(NamedTuple):
    input: tuple[int, int, int, int]
    outputs: int
    kernel: tuple[int, int]
    stride: Any = 1
    padding: Any = 0
    dilation: Any = 1
    groups: int = 1


CONVS = {
    "1x1": Conv((2, 20, 9, 7), 33, (1, 1)),
    "1x1 of one pixel": Conv((3, 17, 1, 1), 5, (1, 1)),
    "1x1 with few pixels": Conv((1, 64, 7, 7), 40, (1, 1)),
    "1x1 in groups": Conv((2, 24, 5, 6), 12, (1, 1), groups=3),
    "1x1 with stride": Conv((2, 20, 9, 7), 33, (1, 1), 2),
    "1x1 padded": Conv((2, 20, 4, 5), 7, (1, 1), 1, 1),
    "long sums": Conv((1, 300, 6, 5), 40, (1, 1)),
    "3x3": Conv((2, 5, 9, 10), 7, (3, 3), 1, 1),
    "winograd": Conv((2, 33, 17, 19), 40, (3, 3), 1, 1),
    "winograd of wide images": Conv((1, 32, 9, 410), 32, (3, 3), 1, (0, 2)),
    "stem": Conv((2, 3, 20, 23), 19, (7, 7), 2, 3),
    "even kernel": Conv((1, 18, 8, 9), 6, (2, 4), (2, 1), (1, 2)),
    "dilated": Conv((2, 17, 12, 11), 18, (3, 3), (1, 2), 2, 2),
    "groups": Conv((2, 12, 9, 9), 20, (3, 3), 2, 1, 1, 4),
    "many groups": Conv((4, 40, 7, 6), 40, (3, 3), 1, 1, 1, 20),
    "depthwise": Conv((5, 35, 14, 15), 35, (3, 3), 1, 1, 1, 35),
    "depthwise with stride": Conv((2, 16, 13, 12), 16, (5, 3), 2, (2, 1), 1, 16),
    "depthwise dilated": Conv((1, 20, 12, 13), 20, (3, 3), (1, 2), 2, (2, 1), 20),
    "depthwise of wide rows": Conv((1, 18, 4, 1100), 18, (3, 3), 1, 1, 1, 18),
    "depthwise, two outputs": Conv((2, 9, 8, 8), 18, (3, 3), 1, 1, 1, 9),
    "wide": Conv((1, 4, 3, 300), 3, (3, 5), 1, (1, 2)),
    "one output": Conv((2, 33, 8, 9), 1, (3, 3), 1, 1),
    "one input": Conv((2, 1, 8, 9), 33, (3, 3), 1, 1),
}
DTYPES = [tallow.float32, tallow.float64, tallow.bfloat16, tallow.int32]
FLOATING = [tallow.float32, tallow.float64, tallow.float16]


def tensors(conv: Conv, dtype: Any, transposed: bool) -> tuple[Any, Any, Any]:
    tallow.manual_seed(0)
    weight = (conv.outputs, conv.input[1] // conv.groups, *conv.kernel)
    if transposed:
        weight = (conv.input[1], conv.outputs // conv.groups, *conv.kernel)
    made = (tallow.randn(*shape) for shape in (conv.input, weight, (conv.outputs,)))
    if dtype is tallow.int32:
        return tuple((tensor * 5).to(dtype) for tensor in made)
    return tuple(tensor.to(dtype) for tensor in made)


def convolve(conv: Conv, transposed: bool, *operands: Any) -> Any:
    if transposed:
        return F.conv_transpose2d(
            *operands, conv.stride, conv.padding, 0, conv.groups, conv.dilation
        )
    return F.conv2d(*operands, conv.stride, conv.padding, conv.dilation, conv.groups)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", CONVS)
def test_convolutions_have_the_same_bits(name: str, dtype: Any, transposed: bool) -> None:
    conv = CONVS[name]
    x, w, b = tensors(conv, dtype, transposed)
    expected = convolve(conv, transposed, x, w, b)
    for image, weight in [(last(x), w), (x, last(w)), (last(x), last(w))]:
        out = convolve(conv, transposed, image, weight, b)
        if order(image) == "last" or order(weight) == "last":
            assert order(out) in ("last", "either")
        assert tallow.equal(out, expected)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("dtype", FLOATING, ids=str)
@pytest.mark.parametrize("name", CONVS)
def test_gradients_of_convolutions_have_the_same_bits(
    name: str, dtype: Any, transposed: bool
) -> None:
    conv = CONVS[name]
    x, w, b = (t.requires_grad_() for t in tensors(conv, dtype, transposed))
    out = convolve(conv, transposed, x, w, b)
    grad = tallow.randn(out.shape).to(dtype)
    expected = tallow.autograd.grad(out, (x, w, b), grad)
    for image, weight in [(last(x), w.detach()), (x.detach(), last(w)), (last(x), last(w))]:
        image.requires_grad_()
        weight.requires_grad_()
        for given in (grad, last(grad)):
            out = convolve(conv, transposed, image, weight, b)
            got = tallow.autograd.grad(out, (image, weight, b), given)
            if order(image) == "last" or order(weight) == "last":
                assert order(got[0]) in ("last", "either")
                assert order(got[1]) in ("last", "either")
            for one, other in zip(got, expected, strict=True):
                assert tallow.equal(one, other)


Pools = dict[str, Callable[[Any], Any]]
POOLS: Pools = {
    "max": lambda x: F.max_pool2d(x, 3, 2, 1),
    "max with positions": lambda x: F.max_pool2d(x, 2, return_indices=True),
    "max dilated": lambda x: F.max_pool2d(x, (3, 2), (1, 2), (1, 0), (2, 3)),
    "max of large windows": lambda x: F.max_pool2d(x, 17, 3, 8, ceil_mode=True),
    "average": lambda x: F.avg_pool2d(x, 3, 2, 1),
    "average of even windows": lambda x: F.avg_pool2d(x, (2, 4), (1, 3), (1, 2), ceil_mode=True),
    "average without the padding": lambda x: F.avg_pool2d(x, 3, 1, 1, count_include_pad=False),
    "average by a divisor": lambda x: F.avg_pool2d(x, 2, 1, divisor_override=7),
    "adaptive average": lambda x: F.adaptive_avg_pool2d(x, (5, 3)),
    "adaptive maximum": lambda x: F.adaptive_max_pool2d(x, (4, 7), return_indices=True),
}
POOLED = [(2, 35, 17, 20), (3, 16, 18, 19), (1, 2, 20, 33)]


@pytest.mark.parametrize("shape", POOLED, ids=str)
@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64, tallow.bfloat16], ids=str)
@pytest.mark.parametrize("name", POOLS)
def test_pools_have_the_same_bits(name: str, dtype: Any, shape: Any) -> None:
    x = tallow.randn(*shape).to(dtype)
    x[0, 1, 3, 4] = float("nan")
    x[-1, 0, 5:9, 2:5] = 2.5  # equal elements
    outs = []
    for image in (x, last(x)):
        image.requires_grad_()
        out = POOLS[name](image)
        found = out if isinstance(out, tuple) else (out,)
        grad = tallow.ones(found[0].shape).cumsum(-1).to(dtype)
        gradients = [
            tallow.autograd.grad(found[0], image, g, retain_graph=True)[0]
            for g in (grad, last(grad))
        ]
        outs.append([*found, *gradients])
    for contiguous, other in zip(*outs, strict=True):
        assert (order(contiguous), order(other)) == ("contiguous", "last")
        assert tallow.equal(contiguous.nan_to_num(99), other.nan_to_num(99))


@pytest.mark.parametrize("name", ["max with positions", "average of even windows"])
def test_pools_of_integers_have_the_same_values(name: str) -> None:
    x = tallow.arange(2 * 18 * 9 * 11).remainder(101).view(2, 18, 9, 11)
    expected, got = POOLS[name](x), POOLS[name](last(x))
    if isinstance(expected, tuple):
        assert tallow.equal(got[1], expected[1])
        expected, got = expected[0], got[0]
    assert order(got) == "last"
    assert tallow.equal(got, expected)


@pytest.mark.parametrize("name", ["max", "average", "adaptive average"])
def test_pools_differentiate_twice_in_channels_last(name: str) -> None:
    x = last(tallow.randn(1, 3, 6, 7, dtype=tallow.float64)).requires_grad_()
    assert tallow.autograd.gradcheck(POOLS[name], (x,))
    assert tallow.autograd.gradgradcheck(POOLS[name], (x,))


# What reads an image and writes one.
STAGED: Pools = {
    "conv": lambda x: F.conv2d(x, tallow.ones(8, 64, 3, 3), padding=1),
    "conv 1x1": lambda x: F.conv2d(x, tallow.ones(8, 64, 1, 1)),
    "conv depthwise": lambda x: F.conv2d(x, tallow.ones(64, 1, 3, 3), padding=1, groups=64),
    "conv transposed": lambda x: F.conv_transpose2d(x, tallow.ones(64, 8, 2, 2), stride=2),
    "max pool": lambda x: F.max_pool2d(x, 2),
    "average pool": lambda x: F.avg_pool2d(x, 2),
    "adaptive pool": lambda x: F.adaptive_avg_pool2d(x, 7),
    "batch norm": lambda x: F.batch_norm(x, None, None, training=True),
    "group norm": lambda x: F.group_norm(x, 8),
    "pad": lambda x: F.pad(x, (1, 1, 1, 1)),
    "reflect": lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect"),
    "nearest": lambda x: F.interpolate(x, scale_factor=1.5),
    "shuffle": lambda x: F.pixel_shuffle(x, 4),
    "unshuffle": lambda x: F.pixel_unshuffle(x, 4),
}


def peak_bytes(function: Callable[[], Any]) -> int:
    function()
    before = tallow._C._memory_stats()["live_bytes"]
    tallow._C._reset_peak_memory()
    out = function()
    peak = tallow._C._memory_stats()["peak_bytes"] - before
    del out
    return int(peak)


@pytest.mark.parametrize("name", STAGED)
def test_no_copy_of_the_input_is_made(name: str) -> None:
    x = tallow.ones(2, 64, 96, 96)
    image = last(x)
    limit = peak_bytes(lambda: STAGED[name](x))
    peak = peak_bytes(lambda: STAGED[name](image))
    assert peak < limit + x.nbytes // 2
    assert order(STAGED[name](image)) == "last"


def group_norm(x: Any) -> Any:
    channels = x.size(1)
    weight, bias = tallow.linspace(-1, 2, channels), tallow.linspace(3, 1, channels)
    weight, bias = weight.to(x.dtype), bias.to(x.dtype)
    return F.group_norm(x, {35: 7, 16: 2, 2: 1, 64: 8}[channels], weight, bias)


# What moves or normalises the pixels of images.
OTHERS: Pools = {
    "group norm": group_norm,
    "group norm without parameters": lambda x: F.group_norm(x, 1),
    "constant": lambda x: F.pad(x, (1, 2, 3, 0), value=-0.5),
    "constant, cropped": lambda x: F.pad(x, (-2, 1, 0, -3)),
    "constant, channels": lambda x: F.pad(x, (1, 1, 0, 0, 2, 1)),
    "reflect": lambda x: F.pad(x, (3, 1, 2, 4), mode="reflect"),
    "replicate": lambda x: F.pad(x, (3, 1, 0, 4), mode="replicate"),
    "nearest": lambda x: F.interpolate(x, scale_factor=2),
    "nearest, any size": lambda x: F.interpolate(x, (29, 7)),
    "nearest, exact": lambda x: F.interpolate(x, scale_factor=(1.7, 3), mode="nearest-exact"),
    "shuffle": lambda x: F.pixel_shuffle(F.pad(x, (0, 0, 0, 0, 0, -x.size(1) % 4)), 2),
    "shuffle by three": lambda x: F.pixel_shuffle(F.pad(x, (0, 0, 0, 0, 0, -x.size(1) % 9)), 3),
    "unshuffle": lambda x: F.pixel_unshuffle(x[:, :, :16, :18], 2),
    "unshuffle by three": lambda x: F.pixel_unshuffle(x[:, :, :15, :18], 3),
}


@pytest.mark.parametrize("shape", [*POOLED, (2, 64, 16, 18)], ids=str)
@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64, tallow.bfloat16], ids=str)
@pytest.mark.parametrize("name", OTHERS)
def test_images_have_the_same_bits(name: str, dtype: Any, shape: Any) -> None:
    x = tallow.randn(*shape).to(dtype)
    outs = []
    for image in (x, last(x)):
        image.requires_grad_()
        out = OTHERS[name](image)
        grad = tallow.linspace(-3, 5, out.numel()).view(out.shape).to(dtype)
        gradients = [
            tallow.autograd.grad(out, image, g, retain_graph=True)[0] for g in (grad, last(grad))
        ]
        outs.append([out, *gradients])
    contiguous, channels_last = outs
    assert order(contiguous[0]) in ("contiguous", "either")
    assert order(channels_last[0]) in ("last", "either")
    for one, other in zip(contiguous, channels_last, strict=True):
        assert tallow.equal(one, other)


@pytest.mark.parametrize("name", OTHERS)
def test_images_differentiate_twice_in_channels_last(name: str) -> None:
    x = last(tallow.randn(1, 16, 16, 18)[:, :2, :9, :6].double()).requires_grad_()
    function = OTHERS[name]
    if "shuffle" in name:  # of sizes that fit
        x = last(tallow.randn(1, 9, 6, 6, dtype=tallow.float64)).requires_grad_()
        function = lambda x: F.pixel_unshuffle(F.pixel_shuffle(x, 3), 2)  # noqa: E731
    assert tallow.autograd.gradcheck(function, (x,))
    assert tallow.autograd.gradgradcheck(function, (x,))


@pytest.mark.parametrize("shape", [(3, 24), (2, 24, 1), (2, 24, 1, 1), (2, 24, 3), (2, 24, 300)])
def test_group_norm_of_few_and_many_pixels(shape: tuple[int, ...]) -> None:
    x = tallow.randn(*shape, dtype=tallow.float64) + 100
    groups = x.reshape(shape[0], 4, -1)
    centred = groups - groups.mean(-1, keepdim=True)
    expected = centred / ((centred * centred).mean(-1, keepdim=True) + 1e-5).sqrt()
    tallow.testing.assert_close(F.group_norm(x, 4), expected.reshape(shape))


# More channels than are summed together, not in whole vectors; more pixels than a leaf of the sum.
@pytest.mark.parametrize("shape", [(1, 140, 3, 301), (9, 70, 5, 61), (9, 6, 2, 2)], ids=str)
@pytest.mark.parametrize("groups", [1, 2])
def test_group_norm_of_wide_groups_has_the_same_bits(shape: Any, groups: int) -> None:
    x, weight, grad = tallow.randn(*shape), tallow.randn(shape[1]), tallow.randn(*shape)
    outs = []
    for image in (x, last(x)):
        operands = [tensor.detach().requires_grad_() for tensor in (image, weight)]
        out = F.group_norm(operands[0], groups, operands[1])
        outs.append([out, *tallow.autograd.grad(out, operands, grad)])
    assert all(tallow.equal(one, other) for one, other in zip(*outs, strict=True))


@pytest.mark.parametrize("rows", [2, 16, 255, 257, 4097, 20011])
@pytest.mark.parametrize("channels", [7, 67])
def test_batch_norm_of_rows_has_the_bits_of_columns(rows: int, channels: int) -> None:
    x, grad = tallow.randn(2, rows, channels).unbind()
    outs = []
    for turn in (lambda t: t, lambda t: t.t().contiguous()[None]):
        image = turn(x).requires_grad_()
        out = F.batch_norm(image, None, None, training=True)
        outs.append([out, *tallow.autograd.grad(out, image, turn(grad))])
    for one, other in zip(*outs, strict=True):
        assert tallow.equal(one, other[0].t())


def test_means_of_images_have_pytorchs_strides() -> None:
    x = last(tallow.randn(2, 3, 4, 4))
    assert F.adaptive_avg_pool2d(x, 1).stride() == (3, 1, 3, 3)
    assert F.adaptive_avg_pool2d(x[:, :2], 1).stride() == (2, 1, 2, 2)
    assert F.adaptive_avg_pool2d(x.contiguous(), 1).stride() == (3, 1, 1, 1)


def test_contiguous_leaves_strides_that_say_the_same() -> None:
    x = tallow.zeros(2, 3, 1, 1)
    assert x.contiguous(memory_format=LAST) is x
    assert x.to(memory_format=LAST).stride() == (3, 1, 3, 3)


def test_rows_of_pixels_are_repeated_exactly() -> None:
    # More than float32 can count: the rows of whole planes in a volume.
    x = tallow.zeros(1, 1, 1, 1, 2**24 + 3, dtype=tallow.uint8)
    x[..., -1] = 7
    assert F.interpolate(x, (2, 1, 2**24 + 3))[0, 0, 1, 0, -3:].tolist() == [0, 0, 7]


def test_maxima_of_halved_images_with_nan_infinity_and_equal_zeros() -> None:
    for shape in [(2, 3, 37, 71), (1, 2, 2, 2), (1, 1, 1, 1), (1, 1, 34, 65)]:
        x = tallow.randn(*shape)
        x[0, 0, ::5, ::7] = float("nan")
        x[-1, -1, 3:20] = -float("inf")
        x[-1, 0, :, 20:30] = -0.0
        x[-1, 0, ::3, 22:28] = 0.0
        y, at = F.max_pool2d(x, 3, 2, 1, return_indices=True)
        wide = F.pad(x, (1, 1, 1, 1), value=-float("inf"))
        windows = wide.unfold(2, 3, 2).unfold(3, 3, 2)[:, :, : y.size(2), : y.size(3)]
        expected = windows.amax((-2, -1))
        assert tallow.equal(y.nan_to_num(99), expected.nan_to_num(99))
        picked = x.flatten(2).gather(2, at.flatten(2)).view(y.shape)
        assert tallow.equal(picked.nan_to_num(99), y.nan_to_num(99))
        assert tallow.equal(tallow.signbit(picked), tallow.signbit(y))
        assert tallow.equal(F.max_pool2d(x, 3, 2, 1).nan_to_num(99), y.nan_to_num(99))


def test_gradients_of_halved_maxima_add_up() -> None:
    for shape in [(2, 3, 37, 71), (1, 2, 2, 2), (1, 1, 1, 1), (1, 1, 34, 66)]:
        x = tallow.randn(*shape).requires_grad_()
        y, at = F.max_pool2d(x, 3, 2, 1, return_indices=True)
        grad = tallow.randn(y.shape)
        expected = tallow.zeros(shape).flatten(2).scatter_add(2, at.flatten(2), grad.flatten(2))
        plain = F.max_pool2d(x, 3, 2, 1)
        assert tallow.equal(tallow.autograd.grad(plain, x, grad)[0], expected.view(shape))


def test_gradients_of_maxima_along_lines() -> None:
    for length, kernel in [(64, 2), (37, 2), (2, 2), (39, 3)]:
        x = tallow.randn(2, 3, length).requires_grad_()
        y, at = F.max_pool1d(x, kernel, return_indices=True)
        grad = tallow.randn(y.shape)
        expected = tallow.zeros(2, 3, length).scatter_add(2, at, grad)
        assert tallow.equal(tallow.autograd.grad(F.max_pool1d(x, kernel), x, grad)[0], expected)


@pytest.mark.parametrize("channels", [16, 64, 80, 20])
@pytest.mark.parametrize(
    "window", [(3, 2, 1), (2,), (3, 1, 1), ((2, 3), (1, 2), 0), (3, 4), (2, 2, 1, 1, True)]
)
def test_gradients_of_maxima_have_the_bits_of_planes(window: Any, channels: int) -> None:
    tallow.manual_seed(channels)
    plain = tallow.randn(2, channels, 9, 7)
    image = plain.to(memory_format=tallow.channels_last)
    grads = []
    for x in (plain.requires_grad_(), image.requires_grad_()):
        y = F.max_pool2d(x, *window)
        tallow.manual_seed(1)
        y.backward(tallow.randn(y.shape))
        grads.append(x.grad)
    assert tallow.equal(*grads)


@pytest.mark.parametrize("channels", [3, 16, 64, 83])
@pytest.mark.parametrize("size", [1, 6, (5, 3), (13, 20)])
def test_adaptive_averages_have_the_bits_of_planes(size: Any, channels: int) -> None:
    tallow.manual_seed(channels)
    plain = tallow.randn(2, channels, 13, 11)
    image = plain.to(memory_format=tallow.channels_last)
    assert tallow.equal(F.adaptive_avg_pool2d(image, size), F.adaptive_avg_pool2d(plain, size))
