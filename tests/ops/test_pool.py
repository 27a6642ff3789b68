"""Pooling: NaN, ties, borders, positions, gradients, error texts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tallow
from tallow.nn import functional as F

inf, nan = float("inf"), float("nan")
FLOATING_AND_HALF = ("float32", "float64", "float16", "bfloat16")

# Input size, then kernel, stride, padding, dilation, ceil_mode.
WINDOWS: list[tuple[tuple[int, int], Any, Any, Any, Any, bool]] = [
    ((24, 24), 2, 2, 0, 1, False),
    ((25, 27), 2, 2, 0, 1, False),
    ((5, 71), 2, 2, 0, 1, False),
    ((20, 9), (5, 2), (1, 2), 0, (2, 1), False),
    ((7, 70), 3, 2, 1, 1, False),
    ((7, 70), 3, 2, 1, 1, True),
    ((13, 17), (3, 2), (1, 3), 1, 2, False),
    ((13, 40), 3, 1, 1, 1, False),
    ((7, 7), 7, 1, 0, 1, False),
    ((5, 50), (1, 2), (1, 2), 0, 1, True),
    ((5, 51), (2, 3), (2, 5), 1, (1, 2), True),
    ((1, 33), (1, 3), (1, 2), (0, 1), 1, False),
    ((18, 18), 17, 1, 0, 1, False),  # more taps than a byte can number
]


def pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def each_window(
    size: tuple[int, int],
    out: tuple[int, int],
    kernel: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
) -> Iterator[tuple[tuple[int, int], list[tuple[int, int]]]]:
    """Every output position with the input positions of its window, in row order."""
    kernel, stride, padding, dilation = pair(kernel), pair(stride), pair(padding), pair(dilation)
    for y in range(out[0]):
        for x in range(out[1]):
            rows = (y * stride[0] - padding[0] + i * dilation[0] for i in range(kernel[0]))
            columns = [x * stride[1] - padding[1] + j * dilation[1] for j in range(kernel[1])]
            yield (
                (y, x),
                [(r, c) for r in rows if 0 <= r < size[0] for c in columns if 0 <= c < size[1]],
            )


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        *((dtype, "ties") for dtype in (*FLOATING_AND_HALF, "int8", "int64")),
        *((dtype, "nan") for dtype in FLOATING_AND_HALF),
        *((dtype, "-inf") for dtype in FLOATING_AND_HALF),
    ],
)
def test_maximum_is_the_first_of_equals_or_the_last_nan(
    window: Any, dtype: str, values: str
) -> None:
    size, kernel, stride, padding, dilation, ceil_mode = window
    x = np.random.RandomState(0).randint(-3, 4, (2, *size)).astype("float64")
    if values == "nan":
        x[np.random.RandomState(1).rand(*x.shape) < 0.1] = nan
    if values == "-inf":
        x[:] = -inf
    out, index = F.max_pool2d(
        tallow.tensor(x).to(getattr(tallow, dtype)), kernel, stride, padding, dilation, ceil_mode,
        return_indices=True,
    )  # fmt: skip
    got = out.to(tallow.float64).numpy()
    for plane in range(2):
        spots = each_window(size, got.shape[1:], kernel, stride, padding, dilation)
        for (oy, ox), inside in spots:
            picked = [x[plane, r, c] for r, c in inside]
            bad = [i for i, v in enumerate(picked) if np.isnan(v)]
            best = bad[-1] if bad else int(np.argmax(picked))
            np.testing.assert_equal(got[plane, oy, ox], picked[best])
            row, column = inside[best]
            assert index[plane, oy, ox].item() == row * size[1] + column


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
def test_gradient_of_maximum_goes_to_the_maximum(window: Any, dtype: str) -> None:
    size, *options = window
    x = np.random.RandomState(0).permutation(2 * size[0] * size[1]).reshape(2, *size)
    leaf = tallow.tensor(x).to(getattr(tallow, dtype)).requires_grad_()
    out = F.max_pool2d(leaf, *options)
    grad = np.random.RandomState(1).randint(-3, 4, tuple(out.shape)).astype("float32")
    out.backward(tallow.tensor(grad).to(leaf.dtype))
    index = F.max_pool2d(leaf.detach(), *options, return_indices=True)[1].numpy()
    expected = np.zeros((2, size[0] * size[1]))
    for plane in range(2):
        np.add.at(expected[plane], index[plane].ravel(), grad[plane].ravel())
    np.testing.assert_array_equal(leaf.grad.float().numpy().reshape(2, -1), expected)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
@pytest.mark.parametrize("layout", [tallow.contiguous_format, tallow.channels_last])
@pytest.mark.parametrize(
    "window",
    [
        ((2, 1), (4, 1), (1, 0), (2, 1)),
        ((1, 2), (1, 2), (0, 1), (1, 2)),
        ((2, 3), (1, 2), (1, 1), (2, 1)),
    ],
)
def test_windows_in_the_padding_alone_are_minus_infinity(
    window: Any, layout: tallow.memory_format, dtype: str
) -> None:
    size = (2, 3, 1, 5) if window[0][0] == 2 else (2, 3, 5, 1)
    x = tallow.rand(size).to(getattr(tallow, dtype)).contiguous(memory_format=layout)
    pooled = F.max_pool2d(x, *window)
    lowest = -inf if dtype.startswith("float") else tallow.iinfo(x.dtype).min
    assert pooled.eq(lowest).all()
    assert F.max_pool2d(x, *window, return_indices=True)[0].equal(pooled)


@pytest.mark.parametrize("layout", [tallow.contiguous_format, tallow.channels_last])
@pytest.mark.parametrize("indices", [False, True])
def test_windows_in_the_padding_alone_have_no_gradient(
    indices: bool, layout: tallow.memory_format
) -> None:
    # Rows 0 of the windows are padding, rows 1 would be behind the image.
    x = tallow.rand(2, 40, 1, 64).contiguous(memory_format=layout).requires_grad_()
    weight = tallow.ones((), requires_grad=True)
    found = F.max_pool2d(x, (2, 1), (4, 1), (1, 0), (2, 1), False, indices)
    pooled = found[0] if indices else found
    (grad,) = tallow.autograd.grad(pooled, x, weight.expand_as(pooled), create_graph=True)
    assert grad.shape == x.shape
    assert not grad.any()
    (back,) = tallow.autograd.grad(grad, weight, tallow.ones_like(grad))
    assert back.item() == 0


def test_both_forms_of_maximum_have_the_same_gradient() -> None:
    x = tallow.randn(2, 3, 9, 9, requires_grad=True)
    (one,) = tallow.autograd.grad(F.max_pool2d(x, 3, 2, 1).square().sum(), x)
    pooled = F.max_pool2d(x, 3, 2, 1, return_indices=True)[0]
    (two,) = tallow.autograd.grad(pooled.square().sum(), x)
    assert tallow.equal(one, two)


@pytest.mark.parametrize("window", [w for w in WINDOWS if w[4] == 1], ids=str)
@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("divisor", [None, 3, -2])
def test_average_equals_its_definition(
    window: Any, count_include_pad: bool, divisor: int | None
) -> None:
    size, kernel, stride, padding, _, ceil_mode = window
    x = np.random.RandomState(0).standard_normal((2, *size))
    leaf = tallow.tensor(x).requires_grad_()
    out = F.avg_pool2d(leaf, kernel, stride, padding, ceil_mode, count_include_pad, divisor)
    grad = np.random.RandomState(1).standard_normal(tuple(out.shape))
    out.backward(tallow.tensor(grad))
    (kh, kw), (sh, sw), (ph, pw) = pair(kernel), pair(stride), pair(padding)
    grad_x = np.zeros_like(x)
    for (oy, ox), inside in each_window(size, out.shape[1:], kernel, stride, padding, 1):
        rows, columns = zip(*inside, strict=True)
        padded = min(kh, size[0] + ph - (oy * sh - ph)) * min(kw, size[1] + pw - (ox * sw - pw))
        by = divisor or (padded if count_include_pad else len(inside))
        mean = x[:, rows, columns].sum(1) / by
        np.testing.assert_allclose(out.detach().numpy()[:, oy, ox], mean, rtol=1e-12, atol=1e-12)
        grad_x[:, rows, columns] += grad[:, oy, ox, None] / by
    np.testing.assert_allclose(leaf.grad.numpy(), grad_x, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("planes", "size", "out"),
    [
        (3, (7, 6), (3, 4)),
        (16, (7, 6), (1, 4)),
        (17, (5, 6), (7, 4)),
        (2, (40, 40), (40, 4)),
        (33, (13, 13), (6, 6)),
        (15, (1, 1), (1, 3)),
        (9, (1, 70), (1, 7)),
        (31, (64, 50), (31, 49)),  # several strips
        (5, (700, 7), (2, 3)),  # one window in several strips
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", FLOATING_AND_HALF)
def test_adaptive_windows(
    planes: int, size: tuple[int, int], out: tuple[int, int], dtype: str
) -> None:
    x = np.random.RandomState(0).randint(-9, 10, (planes, *size))
    leaf = tallow.tensor(x).to(getattr(tallow, dtype)).requires_grad_()
    means = F.adaptive_avg_pool2d(leaf, out)
    maxima, index = F.adaptive_max_pool2d(leaf.detach(), out, return_indices=True)
    grad = np.random.RandomState(1).randint(-9, 10, (planes, *out))
    means.backward(tallow.tensor(grad).to(leaf.dtype))
    got, got_maxima = means.detach().double().numpy(), maxima.double().numpy()
    grad_x = np.zeros(x.shape)
    rtol = {"float16": 2**-10, "bfloat16": 2**-7}.get(dtype, 1e-6)
    for oy in range(out[0]):
        for ox in range(out[1]):
            rows = slice(oy * size[0] // out[0], -(-(oy + 1) * size[0] // out[0]))
            columns = slice(ox * size[1] // out[1], -(-(ox + 1) * size[1] // out[1]))
            window = x[:, rows, columns].reshape(planes, -1)
            np.testing.assert_allclose(got[:, oy, ox], window.mean(1), rtol=rtol)
            np.testing.assert_array_equal(got_maxima[:, oy, ox], window.max(1))
            height, width = x[:, rows, columns].shape[1:]
            first = window.argmax(1)
            spot = (rows.start + first // width) * size[1] + columns.start + first % width
            np.testing.assert_array_equal(index[:, oy, ox].numpy(), spot)
            grad_x[:, rows, columns] += grad[:, oy, ox, None, None] / (height * width)
    np.testing.assert_allclose(leaf.grad.double().numpy(), grad_x, rtol=rtol, atol=9 * rtol)


POOLS: list[tuple[str, Callable[[Any], Any]]] = [
    ("MaxPool2DWithIndicesBackward0", lambda x: F.max_pool2d(x, 2)),
    ("MaxPool2DWithIndicesBackward0", lambda x: F.max_pool2d(x, 2, return_indices=True)[0]),
    ("AvgPool2DBackward0", lambda x: F.avg_pool2d(x, 3, 2, 1)),
    ("AdaptiveAvgPool2DBackward0", lambda x: F.adaptive_avg_pool2d(x, 3)),
    ("MeanBackward1", lambda x: F.adaptive_avg_pool2d(x, 1)),
    ("AdaptiveMaxPool2DBackward0", lambda x: F.adaptive_max_pool2d(x, 3)),
    ("SqueezeBackward1", lambda x: F.max_pool1d(x[0], 2)),
    ("SqueezeBackward1", lambda x: F.avg_pool1d(x[0], 2)),
    ("SqueezeBackward1", lambda x: F.adaptive_avg_pool1d(x[0], 2)),
    ("SqueezeBackward1", lambda x: F.adaptive_max_pool1d(x[0], 2)),
]


@pytest.mark.parametrize("number", range(len(POOLS)))
def test_node_names_and_derivatives(number: int) -> None:
    name, pool = POOLS[number]
    values = np.random.RandomState(0).permutation(50).reshape(1, 2, 5, 5) / 10
    x = tallow.tensor(values).requires_grad_()
    assert pool(x).grad_fn.name() == name
    assert tallow.autograd.gradcheck(pool, (x,))
    assert tallow.autograd.gradgradcheck(lambda x: pool(x).square(), (x,))


def test_bits_do_not_depend_on_threads() -> None:
    x = tallow.tensor(np.random.RandomState(0).standard_normal((40, 3, 40, 41)).astype("float32"))
    prints = set()
    for threads in (1, 2, 3, 8):
        tallow.set_num_threads(threads)
        sha = hashlib.sha256()
        for _, pool in POOLS[:6]:
            leaf = x.clone().requires_grad_()
            out = pool(leaf)
            out.square().sum().backward()
            sha.update(out.detach().numpy().tobytes() + leaf.grad.numpy().tobytes())
        prints.add(sha.hexdigest())
    assert len(prints) == 1


def test_one_dimensional_pools_are_rows() -> None:
    x = tallow.tensor(np.random.RandomState(0).standard_normal((2, 3, 17)))
    for one, two in (
        (F.max_pool1d(x, 3, 2, 1), F.max_pool2d(x, (1, 3), (1, 2), (0, 1))),
        (F.avg_pool1d(x, 3, 2, 1), F.avg_pool2d(x, (1, 3), (1, 2), (0, 1))),
        (F.adaptive_avg_pool1d(x, 4), F.adaptive_avg_pool2d(x, (3, 4))),
        (F.adaptive_max_pool1d(x, 4), F.adaptive_max_pool2d(x, (3, 4))),
    ):
        assert tallow.equal(one, two)


def test_empty_batch() -> None:
    x = tallow.zeros(0, 3, 8, 8, requires_grad=True)
    for pool in (lambda x: F.max_pool2d(x, 2), lambda x: F.avg_pool2d(x, 2)):
        out = pool(x)
        assert out.shape == (0, 3, 4, 4)
        out.sum().backward()
    assert F.adaptive_avg_pool2d(x, 2).shape == (0, 3, 2, 2)
    assert F.adaptive_avg_pool2d(tallow.ones(1, 3, 8, 8), 0).shape == (1, 3, 0, 0)


def o(*shape: int) -> Any:
    return tallow.ones(*shape)


TOO_MUCH = "pad should be at most half of effective kernel size, but got pad=2, kernel_size=2 and"
ERRORS: list[tuple[Callable[[], Any], str]] = [
    (lambda: F.max_pool2d(o(1, 1, 1, 1), 2),
     "Given input size: (1x1x1). Calculated output size: (1x0x0). Output size is too small"),
    (lambda: F.max_pool2d(o(1, 1), 2), "non-empty 3D or 4D (batch mode) tensor expected for input"),
    (lambda: F.max_pool2d(o(1, 1, 8, 8), 0), "stride should not be zero"),
    (lambda: F.max_pool2d(o(1, 1, 8, 8), 2, 2, 2), TOO_MUCH),
    (lambda: F.max_pool2d(o(1, 1, 8, 8), 2, 2, -1), "pad must be non-negative, but got pad: -1"),
    (lambda: F.max_pool2d(o(1, 1, 8, 8), 2, 2, 0, 0),
     "dilation should be greater than zero, but got dilationH: 0 dilationW: 0"),
    (lambda: F.max_pool2d(o(1, 1, 8, 8), (2, 2, 2)),
     "max_pool2d: kernel_size must either be a single int, or a tuple of two ints"),
    (lambda: F.max_pool2d(o(1, 0, 8, 8), 2),
     "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:"
     "[1, 0, 8, 8]"),
    (lambda: F.max_pool1d(o(1, 1, 1), 2), "max_pool1d() Invalid computed output size: 0"),
    (lambda: F.max_pool1d(o(1, 1, 8), 2, 2, 2),
     "max_pool1d() padding should be at most half of kernel size, but got padding=2 and "
     "kernel_size=2"),
    (lambda: F.avg_pool2d(o(1, 1, 1, 1), 2),
     "Given input size: (1x1x1). Calculated output size: (1x0x0). Output size is too small"),
    (lambda: F.avg_pool2d(o(1, 1, 8, 8), 2, 2, 2), TOO_MUCH),
    (lambda: F.avg_pool2d(o(1, 1, 8, 8), 2, divisor_override=0), "divisor must be not zero"),
    (lambda: F.avg_pool1d(o(1), 2), "Expected 2 to 3 dimensions, but got 1-dimensional tensor"),
    (lambda: F.adaptive_avg_pool2d(o(1, 1, 8, 8), -1),
     "adaptive_avg_pool2d: elements of output_size must be greater than or equal to 0 but received "
     "{-1, -1}"),
    (lambda: F.adaptive_avg_pool2d(o(1, 1, 0, 8), 2),
     "adaptive_avg_pool2d(): Expected input to have non-zero size for non-batch dimensions, but "
     "input has sizes [1, 1, 0, 8] with dimension 2 being empty"),
    (lambda: F.adaptive_max_pool2d(o(1, 1, 8, 8), -1),
     "Trying to create tensor with negative dimension -1: [1, 1, -1, -1]"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_error_begins_as_pytorchs(number: int) -> None:
    call, text = ERRORS[number]
    with pytest.raises(RuntimeError) as caught:
        call()
    assert str(caught.value).startswith(text)


def test_bool_has_no_maximum() -> None:
    with pytest.raises(NotImplementedError, match="\"max_pool2d\" not implemented for 'Bool'"):
        F.max_pool2d(o(1, 1, 8, 8).bool(), 2)


def test_lp_pool_is_the_norm_of_its_windows():
    x = tallow.tensor([[3.0, 4.0, -1.0, 2.0, 7.0]])
    tallow.testing.assert_close(F.lp_pool1d(x, 2, 2), tallow.tensor([[5.0, 5.0**0.5]]))
    assert F.lp_pool1d(x, 1, 2, stride=1, ceil_mode=True).tolist() == [[7.0, 3.0, 1.0, 9.0]]
    image = tallow.full((1, 1, 4, 6), 2.0)
    four = tallow.full((1, 1, 2, 2), 4.0)  # the cube root of 8 times 2 ** 3
    tallow.testing.assert_close(F.lp_pool2d(image, 3, (2, 4), stride=2), four)
    volume = F.lp_pool3d(tallow.ones(1, 2, 2, 2, 2), 2, 2)
    tallow.testing.assert_close(volume.flatten(), tallow.full((2,), 8**0.5))


def test_lp_pool_of_zeros_has_a_gradient_of_zero():
    x = tallow.zeros(1, 1, 4, requires_grad=True)
    F.lp_pool1d(x, 2, 2).sum().backward()
    assert x.grad.tolist() == [[[0.0] * 4]]


def test_averages_without_a_stride_lie_side_by_side() -> None:
    image = tallow.rand(1, 2, 6, 7)
    assert tallow.equal(F.avg_pool2d(image, 2, stride=None), F.avg_pool2d(image, 2, stride=2))
    assert tallow.equal(F.avg_pool1d(image[0], 3, None), F.avg_pool1d(image[0], 3, stride=3))
