"""Convolutions: shapes around the kernels' blocks, all three derivatives, error texts."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import tallow
from tallow.nn import functional as F


class Geometry(NamedTuple):
    """One convolution problem; batch, channels and size of the input first."""

    input: tuple[int, int, int, int]
    outputs: int
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1


GEOMETRIES = [
    Geometry((2, 3, 8, 9), 4, (3, 3)),
    Geometry((2, 4, 8, 9), 6, (3, 2), padding=(1, 1), groups=2),
    Geometry((3, 1, 28, 28), 6, (5, 5)),  # the first layer of LeNet
    Geometry((9, 6, 12, 12), 16, (5, 5)),  # and the second: several images per step
    Geometry((2, 3, 11, 13), 5, (3, 3), stride=(2, 3), padding=(1, 2)),
    Geometry((2, 3, 17, 19), 5, (3, 3), stride=(2, 2), padding=(2, 2), dilation=(2, 2)),
    Geometry((2, 4, 9, 9), 8, (1, 1)),
    Geometry((2, 4, 9, 9), 8, (1, 1), groups=2),
    Geometry((2, 4, 9, 9), 8, (1, 1), stride=(2, 2)),
    Geometry((2, 6, 10, 11), 6, (3, 3), padding=(1, 1), groups=6),
    Geometry((2, 6, 10, 11), 12, (3, 3), stride=(2, 2), padding=(1, 1), groups=6),
    Geometry((1, 3, 30, 31), 7, (7, 7), stride=(4, 4), padding=(3, 3)),
    Geometry((1, 3, 16, 16), 70, (8, 8), stride=(8, 8)),
    Geometry((1, 40, 7, 7), 66, (3, 3), padding=(1, 1)),
    Geometry((9, 2, 1, 50), 3, (1, 5), padding=(0, 2)),
    Geometry((2, 2, 5, 5), 2, (2, 2), stride=(3, 3)),  # some input pixels are in no window
    Geometry((2, 3, 5, 5), 2, (1, 1), stride=(3, 3), padding=(1, 1)),
    Geometry((1, 2, 6, 6), 2, (3, 3), padding=(4, 4)),  # some windows see only padding
    Geometry((1, 70, 6, 6), 20, (3, 3), padding=(1, 1)),  # longer than one block of the sum
    Geometry((1, 5, 200, 20), 3, (3, 3), padding=(1, 1)),  # several row tiles
    Geometry((2, 3, 20, 26), 40, (3, 3), stride=(2, 1), padding=(1, 0), dilation=(1, 3)),
    Geometry((4, 5, 31, 35), 5, (3, 3), stride=(2, 2), padding=(1, 1), groups=5),
    Geometry((5, 40, 7, 7), 36, (1, 1)),  # a small map
    Geometry((3, 8, 14, 14), 12, (3, 3), padding=(1, 1), groups=4),
]


def integers(seed: int, *shape: int) -> np.ndarray:
    return np.random.RandomState(seed).randint(-2, 3, shape).astype("float64")


def windows(x: np.ndarray, g: Geometry) -> np.ndarray:
    """im2col by definition: (N, C, kernel rows, kernel columns, output rows, output columns)."""
    (kh, kw), (sh, sw), (dh, dw) = g.kernel, g.stride, g.dilation
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in g.padding)])
    oh = (x.shape[2] - dh * (kh - 1) - 1) // sh + 1
    ow = (x.shape[3] - dw * (kw - 1) - 1) // sw + 1
    taps = [
        [x[:, :, i * dh : i * dh + sh * oh : sh, j * dw : j * dw + sw * ow : sw][:, :, :oh, :ow]
         for j in range(kw)]
        for i in range(kh)
    ]  # fmt: skip
    return np.moveaxis(np.array(taps), (0, 1), (2, 3))


def split(x: np.ndarray, axis: int, groups: int) -> np.ndarray:
    shape = list(x.shape)
    return x.reshape(*shape[:axis], groups, shape[axis] // groups, *shape[axis + 1 :])


class Problem(NamedTuple):
    """Operands and, from sums over windows, all results of one geometry."""

    x: np.ndarray
    w: np.ndarray
    b: np.ndarray
    grad: np.ndarray
    output: np.ndarray
    grad_x: np.ndarray
    grad_w: np.ndarray


def problem(g: Geometry) -> Problem:
    x = integers(1, *g.input)
    w = integers(2, g.outputs, g.input[1] // g.groups, *g.kernel)
    b = integers(3, g.outputs)
    columns = split(windows(x, g), 1, g.groups)
    weight = split(w, 0, g.groups)
    output = np.einsum("ngcijyx,gocij->ngoyx", columns, weight, optimize=True)
    output = output.reshape(x.shape[0], g.outputs, *output.shape[3:])
    grad = integers(4, *output.shape)
    rows = split(grad, 1, g.groups)
    grad_w = np.einsum("ngcijyx,ngoyx->gocij", columns, rows, optimize=True).reshape(w.shape)
    back = np.einsum("gocij,ngoyx->ngcijyx", weight, rows, optimize=True)
    back = back.reshape(x.shape[0], x.shape[1], *back.shape[3:])
    padded = np.zeros((*x.shape[:2], x.shape[2] + 2 * g.padding[0], x.shape[3] + 2 * g.padding[1]))
    (oh, ow), (sh, sw), (dh, dw) = output.shape[2:], g.stride, g.dilation
    for i in range(g.kernel[0]):
        for j in range(g.kernel[1]):
            window = padded[:, :, i * dh : i * dh + sh * oh : sh, j * dw : j * dw + sw * ow : sw]
            window[:, :, :oh, :ow] += back[:, :, i, j]
    (ph, pw), (h, width) = g.padding, x.shape[2:]
    return Problem(x, w, b, grad, output, padded[:, :, ph : ph + h, pw : pw + width], grad_w)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("g", GEOMETRIES, ids=str)
def test_small_integers_are_exact_forward_and_backward(g: Geometry, dtype: str) -> None:
    p = problem(g)
    x, w, b, grad = (tallow.tensor(v.astype(dtype)) for v in (p.x, p.w, p.b, p.grad))
    for leaf in (x, w, b):
        leaf.requires_grad_()
    out = F.conv2d(x, w, b, g.stride, g.padding, g.dilation, g.groups)
    np.testing.assert_array_equal(out.detach().numpy(), p.output + p.b[:, None, None])
    out.backward(grad)
    np.testing.assert_array_equal(x.grad.numpy(), p.grad_x)
    np.testing.assert_array_equal(w.grad.numpy(), p.grad_w)
    np.testing.assert_array_equal(b.grad.numpy(), p.grad.sum((0, 2, 3)))


@pytest.mark.parametrize("g", GEOMETRIES, ids=str)
def test_transposed_convolution_is_the_transpose(g: Geometry) -> None:
    p = problem(g)
    extra = [
        size + 2 * pad - d * (k - 1) - 1 - s * (o - 1)
        for size, pad, d, k, s, o in zip(
            p.x.shape[2:], g.padding, g.dilation, g.kernel, g.stride, p.grad.shape[2:], strict=True
        )
    ]
    if any(e >= max(s, d) for e, s, d in zip(extra, g.stride, g.dilation, strict=True)):
        pytest.skip("not reachable with an output padding below the stride")
    y, w = (tallow.tensor(v.astype("float32")) for v in (p.grad, p.w))
    bias = tallow.arange(float(p.x.shape[1]))
    out = F.conv_transpose2d(y, w, bias, g.stride, g.padding, extra, g.groups, g.dilation)
    np.testing.assert_array_equal(out.numpy(), p.grad_x + np.arange(p.x.shape[1])[:, None, None])


@pytest.mark.parametrize("dtype", ["int64", "int8", "complex64", "float16", "bfloat16"])
def test_other_types_are_exact(dtype: str) -> None:
    p = problem(Geometry((2, 2, 7, 6), 3, (3, 2), stride=(2, 1), padding=(1, 1)))
    x, w = (tallow.tensor(v.astype("float32")).to(getattr(tallow, dtype)) for v in (p.x, p.w))
    out = F.conv2d(x, w, stride=(2, 1), padding=1)
    assert out.dtype == x.dtype
    wide = out if dtype == "complex64" else out.to(tallow.float64)
    np.testing.assert_array_equal(wide.numpy(), p.output)


def fingerprint() -> str:
    """Hash of results and gradients of layers large enough to be divided."""
    sha = hashlib.sha256()
    layers = [
        ((32, 1, 28, 28), (6, 1, 5, 5), {}),
        ((32, 6, 12, 12), (16, 6, 5, 5), {}),
        ((2, 33, 30, 30), (70, 33, 3, 3), {"padding": 1}),
        ((2, 32, 31, 31), (32, 1, 3, 3), {"padding": 1, "groups": 32, "stride": 2}),
        ((3, 64, 20, 20), (40, 64, 1, 1), {}),
    ]
    random = np.random.RandomState(0)
    for x_shape, w_shape, options in layers:
        x = tallow.tensor(random.standard_normal(x_shape).astype("float32")).requires_grad_()
        w = tallow.tensor(random.standard_normal(w_shape).astype("float32")).requires_grad_()
        b = tallow.zeros(w_shape[0]).requires_grad_()
        out = F.conv2d(x, w, b, **options)
        out.square().sum().backward()
        for result in (out.detach(), x.grad, w.grad, b.grad):
            sha.update(result.numpy().tobytes())
    return sha.hexdigest()


def test_bits_do_not_depend_on_threads() -> None:
    prints = set()
    for threads in (1, 2, 3, 8):
        tallow.set_num_threads(threads)
        prints.add(fingerprint())
    assert len(prints) == 1


def test_bits_do_not_depend_on_the_instruction_set() -> None:
    levels = [level for level in tallow._C._cpu_levels() if level != "baseline"]
    code = "import sys; sys.path[:0] = {path!r}\nimport test_conv\nprint(test_conv.fingerprint())"
    prints = {
        subprocess.run(
            [sys.executable, "-c", code.format(path=[os.path.dirname(__file__), *sys.path])],
            env={**os.environ, "TALLOW_CPU_LEVEL": level},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for level in levels
    }
    assert len(prints) <= 1


def test_an_image_does_not_depend_on_its_batch() -> None:
    x, w = tallow.randn(5, 3, 20, 20), tallow.randn(8, 3, 3, 3)
    batch = F.conv2d(x, w, padding=1)
    for i in range(5):
        assert tallow.equal(F.conv2d(x[i : i + 1], w, padding=1)[0], batch[i])


def test_infinite_pixel_reaches_only_its_windows() -> None:
    x = tallow.zeros(1, 1, 6, 6)
    x[0, 0, 0, 5] = float("inf")
    x.requires_grad_()
    w = tallow.ones(1, 1, 3, 3, requires_grad=True)
    out = F.conv2d(x, w)
    assert out.isinf().sum() == 1
    out.backward(tallow.ones_like(out))
    assert w.grad.isnan().sum() == 0
    assert w.grad.isinf().sum() == 1  # only the corner tap ever meets the pixel


def test_infinite_pixel_stays_out_of_the_end_of_a_vector() -> None:
    x = tallow.zeros(4, 2, 17, 17)
    x[0, 0, 1, 0] = float("inf")  # follows the last pixel of the row before
    w = tallow.ones(2, 1, 3, 3, requires_grad=True)
    F.conv2d(x, w, groups=2).backward(tallow.ones(4, 2, 15, 15))
    assert w.grad.isnan().sum() == 0
    assert w.grad[0, 0].isinf().tolist() == [
        [True, False, False],
        [True, False, False],
        [False] * 3,
    ]


@pytest.mark.parametrize("kernel", [1, 2, 3, 4])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding_pads_the_right_more(kernel: int, dilation: int) -> None:
    x = tallow.tensor(integers(1, 1, 2, 9).astype("float32"))
    w = tallow.tensor(integers(2, 3, 2, kernel).astype("float32"))
    total = dilation * (kernel - 1)
    padded = tallow.zeros(1, 2, 9 + total)
    padded[:, :, total // 2 : total // 2 + 9] = x
    assert tallow.equal(
        F.conv1d(x, w, padding="same", dilation=dilation), F.conv1d(padded, w, dilation=dilation)
    )


def test_same_padding_of_even_kernels_has_derivatives() -> None:
    x = tallow.randn(1, 2, 5, 4, dtype=tallow.float64, requires_grad=True)
    w = tallow.randn(3, 2, 2, 4, dtype=tallow.float64, requires_grad=True)
    assert tallow.autograd.gradcheck(lambda x, w: F.conv2d(x, w, padding="same"), (x, w))
    assert tallow.autograd.gradgradcheck(lambda x, w: F.conv2d(x, w, padding="same"), (x, w))


@pytest.mark.parametrize("transposed", [False, True])
def test_third_derivatives_exist(transposed: bool) -> None:
    x = tallow.randn(1, 2, 4, 4, dtype=tallow.float64, requires_grad=True)
    w = tallow.randn(2, 2, 2, 2, dtype=tallow.float64, requires_grad=True)

    def cubed_gradient(x: Any, w: Any) -> Any:
        conv = F.conv_transpose2d if transposed else F.conv2d
        out = conv(x, w, stride=2, padding=1).pow(3).sum()
        return tallow.autograd.grad(out, (x, w), create_graph=True)

    assert tallow.autograd.gradgradcheck(cubed_gradient, (x, w))


def test_empty_batch_gives_empty_output_and_zero_gradients() -> None:
    x = tallow.zeros(0, 3, 8, 8, requires_grad=True)
    w = tallow.ones(4, 3, 3, 3, requires_grad=True)
    out = F.conv2d(x, w)
    assert out.shape == (0, 4, 6, 6)
    out.sum().backward()
    assert x.grad.shape == (0, 3, 8, 8)
    assert not w.grad.any()


def test_graph_has_one_node_with_an_edge_per_argument() -> None:
    x = tallow.ones(1, 3, 8, 8)
    w = tallow.ones(4, 3, 3, 3, requires_grad=True)
    out = F.conv2d(x, w)
    assert out.grad_fn.name() == "ConvolutionBackward0"
    assert [fn is not None for fn, _ in out.grad_fn.next_functions] == [False, True, False]
    assert F.conv1d(x[:, :, 0], w[0]).grad_fn.name() == "ConvolutionBackward0"
    assert F.conv_transpose2d(x, w[:3]).grad_fn.name() == "ConvolutionBackward0"


def test_non_contiguous_operands() -> None:
    g = Geometry((2, 4, 8, 9), 6, (3, 2))
    p = problem(g)
    x = tallow.tensor(p.x.astype("float32")).to(memory_format=tallow.channels_last)
    w = tallow.tensor(p.w.astype("float32")).transpose(2, 3).contiguous().transpose(2, 3)
    np.testing.assert_array_equal(F.conv2d(x, w).numpy(), p.output)


def o(*shape: int, dtype: Any = None) -> Any:
    return tallow.ones(*shape, dtype=dtype or tallow.float32)


ERRORS: list[tuple[Callable[[], Any], str]] = [
    (lambda: F.conv2d(o(1, 2, 8, 8), o(4, 3, 3, 3)),
     "Given groups=1, weight of size [4, 3, 3, 3], expected input[1, 2, 8, 8] to have 3 channels, "
     "but got 2 channels instead"),
    (lambda: F.conv2d(o(1, 3, 4, 4), o(4, 3, 9, 9)),
     "Calculated padded input size per channel: (4 x 4). Kernel size: (9 x 9). Kernel size can't be"
     " greater than actual input size"),
    (lambda: F.conv2d(o(3, 8), o(4, 3, 3, 3)),
     "Expected 3D (unbatched) or 4D (batched) input to conv2d, but got input of size: [3, 8]"),
    (lambda: F.conv1d(o(8), o(4, 3, 3)),
     "Expected 2D (unbatched) or 3D (batched) input to conv1d, but got input of size: [8]"),
    (lambda: F.conv2d(o(1, 3, 8, 8), o(4, 3, 3)),
     "expected stride to be a single integer value or a list of 1 values to match the convolution "
     "dimensions, but got stride=[1, 1]"),
    (lambda: F.conv2d(o(1, 4, 8, 8), o(4, 2, 3, 3), groups=3),
     "Given groups=3, expected weight to be divisible by 3 at dimension 0, but got weight of size "
     "[[4, 2, 3, 3]] instead"),
    (lambda: F.conv2d(o(1, 4, 8, 8), o(4, 2, 3, 3), groups=0),
     "non-positive groups is not supported"),
    (lambda: F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), o(5)),
     "Given weight of size [4, 3, 3, 3], expected bias to be 1-dimensional with 4 elements, but got"
     " bias of size [5] instead"),
    (lambda: F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), stride=0),
     "non-positive stride is not supported"),
    (lambda: F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), padding=-1),
     "negative padding is not supported"),
    (lambda: F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), dilation=0),
     "dilation should be greater than zero"),
    (lambda: F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), stride=(1, 1, 1)),
     "expected stride to be a single integer value or a list of 2 values to match the convolution "
     "dimensions, but got stride=[1, 1, 1]"),
    (lambda: F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), padding="full"),
     "Invalid padding string: 'full'"),
    (lambda: F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), padding="same", stride=2),
     "padding='same' is not supported for strided convolutions"),
    (lambda: F.conv2d(o(1, 3, 8, 8, dtype=tallow.float64), o(4, 3, 3, 3)),
     "expected scalar type Double but found Float"),
    (lambda: F.conv2d(o(1, 3, 8, 8), o(4, 3, 3, 3), o(4, dtype=tallow.float64)),
     "Input type (float) and bias type (double) should be the same"),
    (lambda: F.conv2d(o(1, 3, 0, 8), o(4, 3, 3, 3), padding=2),
     "Only zero batch or zero channel inputs are supported, but got input shape: [1, 3, 0, 8]"),
    (lambda: F.conv2d(o(1, 3, 8, 8), o(4, 3, 0, 3)), "kernel size should be greater than zero"),
    (lambda: F.conv_transpose2d(o(1, 3, 8, 8), o(4, 3, 3, 3)),
     "Given transposed=1, weight of size [4, 3, 3, 3], expected input[1, 3, 8, 8] to have 4 "
     "channels, but got 3 channels instead"),
    (lambda: F.conv_transpose2d(o(1, 4, 8, 8), o(4, 3, 3, 3), output_padding=1),
     "output padding must be smaller than either stride or dilation"),
    (lambda: F.conv_transpose2d(o(1, 4, 1, 1), o(4, 3, 3, 3), padding=2),
     "Given input size per channel: (1 x 1). Calculated output size per channel: (-1 x -1). Output "
     "size is too small"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_error_begins_as_pytorchs(number: int) -> None:
    call, text = ERRORS[number]
    with pytest.raises(RuntimeError) as caught:
        call()
    assert str(caught.value).startswith(text)
