"""Sizes that no memory holds, and windows that no image has, raise at once.

Tables of positions are made after the result is known to fit, and no number of a window divides,
multiplies or reaches beyond what kernels can count with.
"""

from __future__ import annotations

import pytest

import tallow
import tallow.nn.functional as F

LINE = tallow.ones(1, 2, 6)
IMAGE = tallow.ones(1, 2, 4, 4)
VOLUME = tallow.ones(1, 2, 3, 3, 3)
TOO_MUCH = (
    "Storage size calculation overflowed|can't allocate memory|cannot be converted to type int"
    "|numel: integer multiplication overflow"
)
HUGE = [2**40, 2**61, 2**62, 2**63 - 1]


@pytest.mark.parametrize("size", HUGE)
@pytest.mark.parametrize("mode", ["constant", "replicate"])
@pytest.mark.parametrize("input", [LINE, IMAGE, VOLUME], ids=["line", "image", "volume"])
def test_padding_beyond_memory_raises(input, mode, size):
    pad = (
        (size, 0) if input is LINE else (size, 0, 0, 0) if input is IMAGE else (size, 0, 0, 0, 0, 0)
    )
    with pytest.raises(RuntimeError, match=TOO_MUCH):
        F.pad(input, pad, mode=mode)


@pytest.mark.parametrize("pad", [(2**63 - 1, 2**63 - 1), (2**63 - 1, -(2**63)), (-(2**63), 0)])
def test_padding_that_overflows_raises(pad):
    with pytest.raises(RuntimeError, match="narrow|Storage size"):
        F.pad(tallow.ones(2), pad)


def test_padding_on_meta_makes_no_table():
    assert F.pad(tallow.empty(2, device="meta"), (2**40, 0)).shape == (2**40 + 2,)


@pytest.mark.parametrize("size", HUGE)
@pytest.mark.parametrize(
    ("input", "mode"),
    [
        *[(LINE, mode) for mode in ("nearest", "nearest-exact", "linear", "area")],
        *[(IMAGE, mode) for mode in ("nearest", "bilinear", "bicubic", "area")],
        *[(VOLUME, mode) for mode in ("nearest", "trilinear", "area")],
    ],
)
def test_resizing_beyond_memory_raises(input, mode, size):
    sizes = [2] * (input.dim() - 3) + [size]
    with pytest.raises(RuntimeError, match=TOO_MUCH):
        F.interpolate(input, size=sizes, mode=mode)
    with pytest.raises(RuntimeError, match=TOO_MUCH):
        F.interpolate(input, scale_factor=float(size), mode=mode)


@pytest.mark.parametrize("factor", [float("inf"), float("nan"), 1e30])
def test_resizing_by_no_number_raises(factor):
    with pytest.raises(RuntimeError, match="value cannot be converted to type int64_t"):
        F.interpolate(IMAGE, scale_factor=factor)


@pytest.mark.parametrize("number", [2**30, 2**31 - 1])
def test_a_single_window_may_have_any_stride(number):
    weight = tallow.ones(3, 2, 2, 2)
    once = F.conv2d(IMAGE, weight, stride=3)
    assert once.shape == (1, 3, 1, 1)
    assert tallow.equal(F.conv2d(IMAGE, weight, stride=number), once)
    assert tallow.equal(F.max_pool2d(IMAGE, 2, stride=number), tallow.ones(1, 2, 1, 1))
    assert tallow.equal(F.avg_pool2d(IMAGE, 2, stride=number), tallow.ones(1, 2, 1, 1))
    pixel = tallow.ones(1, 3, 1, 1)
    assert F.conv_transpose2d(pixel, weight, stride=number).shape == (1, 2, 2, 2)


def test_a_single_window_has_its_gradients():
    x = IMAGE.clone().requires_grad_()
    weight = tallow.ones(3, 2, 2, 2, requires_grad=True)
    F.conv2d(x, weight, stride=2**30).sum().backward()
    assert x.grad[0, 0].tolist() == [[3, 3, 0, 0], [3, 3, 0, 0], [0] * 4, [0] * 4]
    assert tallow.equal(weight.grad, tallow.ones(3, 2, 2, 2))


@pytest.mark.parametrize("number", [2**31, 2**62, 2**63 - 1])
@pytest.mark.parametrize("name", ["stride", "padding", "dilation"])
def test_windows_beyond_int_raise(name, number):
    for call in (
        lambda: F.conv1d(LINE, tallow.ones(3, 2, 2), **{name: number}),
        lambda: F.conv2d(IMAGE, tallow.ones(3, 2, 2, 2), **{name: number}),
        lambda: F.conv3d(VOLUME, tallow.ones(3, 2, 2, 2, 2), **{name: number}),
        lambda: F.conv_transpose2d(IMAGE, tallow.ones(2, 3, 2, 2), **{name: number}),
        lambda: F.max_pool1d(LINE, 2, **{"stride": 2, name: number}),
        lambda: F.max_pool2d(IMAGE, 2, **{"stride": 2, name: number}),
        lambda: F.max_pool3d(VOLUME, 2, **{"stride": 2, name: number}),
    ):
        with pytest.raises(RuntimeError):
            call()


def test_bincount_of_the_largest_integer_raises():
    with pytest.raises(RuntimeError, match="maximum value of input overflowed"):
        tallow.bincount(tallow.tensor([2**63 - 1]))


@pytest.mark.parametrize("dim", [2, -3, 2**62])
def test_renorm_of_a_dimension_beyond_the_last_raises(dim):
    with pytest.raises(IndexError, match="Dimension out of range"):
        tallow.ones(2, 3).renorm(2, dim, 1.0)


def test_polygamma_of_a_huge_order_ends():
    assert tallow.polygamma(2**40, tallow.tensor([0.5])).tolist() == [-float("inf")]


@pytest.mark.parametrize("length", [-1, -(2**63)])
def test_ctc_loss_of_negative_lengths_raises(length):
    with pytest.raises(RuntimeError, match="Expected target_lengths to have value at least 0"):
        F.ctc_loss(tallow.rand(5, 1, 3).log(), tallow.tensor([[1]]), (5,), (length,))


@pytest.mark.parametrize("factor", [2**31, 2**32, 2**62, 2**63 - 1])
@pytest.mark.parametrize("name", ["_pixel_shuffle", "_pixel_unshuffle"])
def test_shuffling_by_a_factor_too_large_raises(name, factor):
    shuffle = getattr(tallow._C._VariableFunctions, name)
    with pytest.raises((RuntimeError, ValueError), match="pixel_shuffle|factor is too large"):
        shuffle(IMAGE, factor)
    with pytest.raises((RuntimeError, ValueError), match="pixel_shuffle|overflowed"):
        shuffle(tallow.ones(0, 4, 4), factor)


@pytest.mark.parametrize("shape", [(0, 2**62, 2**62), (1, 0, 2**31, 2**31, 2**31)])
def test_strides_that_overflow_raise(shape):
    with pytest.raises(RuntimeError, match="Stride calculation overflowed"):
        tallow.empty(shape)
