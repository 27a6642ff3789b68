"""Functions refuse wrong inputs by name, in the words PyTorch 2.13 begins with."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import tallow
from tallow.nn import functional as F

ones = tallow.ones


def longs(*size: int) -> tallow.Tensor:
    return tallow.zeros(size, dtype=tallow.int64)


Case = tuple[Callable[[], Any], type[Exception], str]

VOLUME_POOLING: list[Case] = [
    (lambda: F.avg_pool3d(ones(0, 1, 49), 2), RuntimeError, "non-empty 4D or 5D (batch mode)"),
    (lambda: F.max_pool3d(ones(1, 1, 0, 2, 2), 1), RuntimeError, "Expected input's non-batch dim"),
    (lambda: F.max_pool3d(ones(1, 0, 2, 2, 2), 1), RuntimeError, "Expected input's non-batch dim"),
    (lambda: F.max_pool3d(ones(1, 1, 2, 2, 2), 2, 0), RuntimeError, "stride should not be zero"),
    (
        lambda: F.max_pool3d(ones(1, 1, 2, 2, 2), (1, 1)),
        RuntimeError,
        "max_pool3d: kernel_size must either be a single int, or a tuple of three ints",
    ),
    (
        lambda: F.max_pool3d(ones(1, 1, 2, 2, 2), 3),
        RuntimeError,
        "Given input size: (1x2x2x2). Calculated output size: (1x0x0x0). Output size is too small",
    ),
    (
        lambda: F.avg_pool3d(ones(1, 1, 2, 2, 2), 3),
        RuntimeError,
        "input image (T: 2 H: 2 W: 2) smaller than kernel size (kT: 3 kH: 3 kW: 3)",
    ),
    (
        lambda: F.avg_pool3d(ones(1, 1, 2, 2, 2), 2, 1, 2),
        RuntimeError,
        "pad should be at most half of effective kernel size, but got pad=2, kernel_size=2 and",
    ),
    (
        lambda: F.avg_pool3d(ones(1, 1, 2, 2, 2), 3, 1, 1),
        RuntimeError,
        "input image (T: 2 H: 2 W: 2) smaller than kernel size (kT: 3 kH: 3 kW: 3)",
    ),
    (
        lambda: F.max_pool3d(ones(1, 1, 2, 2, 2), 2, 1, -1),
        RuntimeError,
        "pad must be non-negative, but got pad: -1",
    ),
    (
        lambda: F.adaptive_avg_pool3d(ones(2, 2, 2), 2),
        ValueError,
        "Input dimension should be at least 4",
    ),
    (
        lambda: F.adaptive_max_pool3d(ones(1, 1, 1, 1, 1), (-1, 0, 2)),
        RuntimeError,
        "Trying to create tensor with negative dimension -1: [1, 1, -1, 0, 2]",
    ),
    (
        lambda: F.adaptive_max_pool3d(ones(1, 1, 0, 2, 2), 2),
        RuntimeError,
        "adaptive_max_pool3d(): Expected input to have non-zero size for non-batch dimensions",
    ),
]
UNPOOLING: list[Case] = [
    (
        lambda: F.max_unpool1d(ones(2, 3), longs(2, 3), 2, 0, 2),
        ValueError,
        "max_unpooling: output_size must contain non-negative spatial dimensions, but got output",
    ),
    (
        lambda: F.max_unpool2d(ones(2, 3, 3), longs(2, 3, 3), 2, (2, 0, 1)),
        RuntimeError,
        "max_unpool2d: stride must be a single int, or a sequence of 2 ints, given [2, 0, 1]",
    ),
    (
        lambda: F.max_unpool1d(ones(8, 8), longs(8, 7), 3, 2),
        RuntimeError,
        "Expected shape of indices to be same as that of the input tensor ([8, 8, 1]) but got",
    ),
    (
        lambda: F.max_unpool2d(ones(1, 4, 4), longs(1, 4, 1), 3, 2),
        RuntimeError,
        "Expected shape of indices to be same as that of the input tensor ([1, 4, 4]) but got",
    ),
    (
        lambda: F.max_unpool2d(ones(1, 4, 4), ones(1, 4, 4), 3, 2),
        RuntimeError,
        "elements in indices should be type int64 but got: Float",
    ),
    (
        lambda: F.max_unpool3d(ones(4, 4, 4), longs(4, 4, 4), 3, 2),
        RuntimeError,
        "Input to max_unpooling3d should be a 4d or 5d Tensor, but got a tensor with 3 dimensions.",
    ),
    (
        lambda: F.max_unpool3d(ones(1, 1, 4, 4, 4), longs(1, 1, 4, 4, 4), 3, 0),
        RuntimeError,
        "strides should be greater than zero, but got stride: [0, 0, 0]",
    ),
]
CONVOLUTIONS: list[Case] = [
    (
        lambda: F.conv3d(ones(2, 2, 3, 4, 5), ones(2, 2, 4, 3, 3), groups=3),
        RuntimeError,
        "Given groups=3, expected weight to be at least 3 at dimension 0, but got weight of size",
    ),
    (
        lambda: F.conv3d(ones(1, 2, 3, 3, 3), ones(2, 2, 2, 2, 2), ones(3)),
        RuntimeError,
        "Given weight of size [2, 2, 2, 2, 2], expected bias to be 1-dimensional with 2 elements",
    ),
    (
        lambda: F.conv3d(ones(1, 2, 3, 3, 3), ones(2, 2, 0, 2, 2)),
        RuntimeError,
        "kernel size should be greater than zero, but got: 0 x 2 x 2 (TxHxW)",
    ),
    (
        lambda: F.conv3d(ones(1, 2, 3, 3, 3), ones(2, 2, 2, 2, 2), padding=(1, 1)),
        RuntimeError,
        "expected padding to be a single integer value or a list of 3 values",
    ),
    (
        lambda: F.conv_transpose3d(ones(1, 3, 3, 3, 3), ones(2, 2, 2, 2, 2)),
        RuntimeError,
        "Given transposed=1, weight of size [2, 2, 2, 2, 2], expected input[1, 3, 3, 3, 3] to have",
    ),
    (
        lambda: F.conv_transpose3d(ones(1, 2, 3, 3, 3), ones(2, 2, 2, 2, 2), ones(3)),
        RuntimeError,
        "Given transposed=1, weight of size [2, 2, 2, 2, 2], expected bias to be 1-dimensional",
    ),
]
LINE_POOLING: list[Case] = [
    (
        lambda: F.max_pool1d(ones(0, 10), 1),
        RuntimeError,
        "max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for",
    ),
    (
        lambda: F.max_pool1d(ones(1, 1, 49), 2, 50, 4, return_indices=True),
        RuntimeError,
        "pad should be at most half of effective kernel size, but got pad=4, kernel_size=2 and",
    ),
    (
        lambda: F.max_pool1d(ones(1, 1, 4), (2, 2), return_indices=True),
        RuntimeError,
        "max_pool1d() argument 'kernel_size' should contain one int (got 2)",
    ),
    (
        lambda: F.fractional_max_pool2d(ones(1, 0, 4, 5), 2, output_ratio=0.5),
        RuntimeError,
        "fractional_max_pool2d(): Expected input to have non-zero size for non-batch dimensions",
    ),
    (
        lambda: F.fractional_max_pool2d(ones(1, 1, 4, 5), (2, 9), 1),
        RuntimeError,
        "fractional_max_pool2d(): pool width 9 too large relative to input width 5",
    ),
    (
        lambda: F.fractional_max_pool2d(ones(1, 1, 4, 5), 2, 1, _random_samples=ones(1, 1, 3)),
        RuntimeError,
        "Expect _random_samples.size(2) equals to 2; got 3.",
    ),
]
LOSSES: list[Case] = [
    (
        lambda: F.multi_margin_loss(ones(5, 4), ones(5), reduction="abc"),
        ValueError,
        "abc is not a valid value for reduction",
    ),
    (
        lambda: F.multi_margin_loss(ones(5, 0), longs(5)),
        RuntimeError,
        "Expected non-empty vector or matrix with optional 0-dim batch size, but got: [5, 0]",
    ),
    (
        lambda: F.multi_margin_loss(ones(5, 4), longs(5), weight=ones(3)),
        RuntimeError,
        "inconsistent weight size, expected 4 but got [3]",
    ),
    (
        lambda: F.multilabel_margin_loss(ones(5, 4), ones(5, 4)),
        RuntimeError,
        "expected scalar type Long but found Float",
    ),
    (
        lambda: F.multilabel_margin_loss(ones(4), longs(4) + 9),
        RuntimeError,
        "argument #2 'target' is out of range",
    ),
    (
        lambda: F.linear_cross_entropy(ones(2, 3, 3), ones(2, 3), ones(3, 2)),
        RuntimeError,
        "expected input with dimensionality 1 or 2, got 3",
    ),
    (
        lambda: F.linear_cross_entropy(ones(3), ones(2, 4, 3), ones(2, 4)),
        RuntimeError,
        "K-dimensional loss defined by linear_weight shape (2, 4, 3) requires batched input",
    ),
    (
        lambda: F.linear_cross_entropy(ones(2, 3), ones(5, 4), longs(2)),
        RuntimeError,
        "expected equal input and linear_weight last dimensions (in_features), got 3 and 4",
    ),
    (
        lambda: F.linear_cross_entropy(ones(2, 3), ones(2, 3), longs(2), linear_bias=ones(2, 1)),
        RuntimeError,
        "expected linear_bias shape (2,), got (2, 1)",
    ),
]
STATISTICS: list[Case] = [
    (
        lambda: tallow.cov(ones(5), aweights=ones(5, 5)),
        RuntimeError,
        "cov(): expected aweights to have one or fewer dimensions",
    ),
    (
        lambda: tallow.cov(ones(5), fweights=ones(5)),
        RuntimeError,
        "cov(): expected fweights to have integral dtype but got fweights with Float dtype",
    ),
    (
        lambda: tallow.cov(ones(5), aweights=ones(4)),
        RuntimeError,
        "cov(): expected aweights to have the same numel as there are observations in the input",
    ),
    (
        lambda: tallow.cov(ones(5), aweights=-ones(5)),
        RuntimeError,
        "cov(): aweights cannot be negative",
    ),
    (
        lambda: tallow.gradient(ones(3, 3), spacing=0.1, dim=(1, 1)),
        RuntimeError,
        "dim 1 appears multiple times in the list of dims",
    ),
    (
        lambda: tallow.gradient(ones(3, 3), dim=(1, -1)),
        RuntimeError,
        "dim 1 appears multiple times in the list of dims",
    ),
    (
        lambda: tallow.gradient(ones(3, 3), spacing=[ones(3, 3)], dim=1),
        RuntimeError,
        "torch.gradient expected each element of spacing to have one dimension",
    ),
    (
        lambda: tallow.quantile(ones(3), [0.5]),
        TypeError,
        "quantile() received an invalid combination of arguments - got (Tensor, list), but",
    ),
    (
        lambda: tallow.nanquantile(ones(3), 2),
        RuntimeError,
        "nanquantile() q must be in the range [0, 1] but got 2",
    ),
]
SHAPES: list[Case] = [
    (
        lambda: tallow.movedim(ones(3, 2), 0, (1,)),
        TypeError,
        "movedim() received an invalid combination of arguments - got (Tensor, int, tuple), but",
    ),
    (
        lambda: ones(3, 2).moveaxis((0,), 1),
        TypeError,
        "moveaxis() received an invalid combination of arguments",
    ),
    (
        lambda: tallow.hsplit(ones(5, 5), "abc"),
        TypeError,
        "hsplit() received an invalid combination of arguments - got (Tensor, str), but",
    ),
    (
        lambda: tallow.tensor_split(ones(5), (1.5,)),
        TypeError,
        "tensor_split() received an invalid combination of arguments - got (Tensor, tuple), but",
    ),
    (
        lambda: tallow.tensor_split(ones(5), ones(1)),
        RuntimeError,
        "tensor_split expected tensor_indices_or_sections to have dtype of long, but got Float",
    ),
    (
        lambda: tallow.narrow_copy(ones(10), 0, 0, -1),
        RuntimeError,
        "start (0) + length (-1) exceeds dimension size (10).",
    ),
    (
        lambda: tallow.narrow_copy(tallow.tensor(1.0), 0, 0, -1),
        RuntimeError,
        "narrow() cannot be applied to a 0-dim tensor.",
    ),
    (
        lambda: tallow.narrow_copy(ones(2), 0, 3, -1),
        IndexError,
        "start out of range (expected to be in range of [-2, 2], but got 3)",
    ),
    (
        lambda: tallow.hsplit(ones(4, 4), -1),
        RuntimeError,
        "number of sections must be larger than 0, got -1",
    ),
    (
        lambda: tallow.permute_copy(ones(2), 0),
        TypeError,
        "permute_copy(): argument 'dims' (position 2) must be tuple of ints, not int",
    ),
    (
        lambda: tallow.view_copy(ones(2), -1),
        TypeError,
        "view_copy() received an invalid combination of arguments - got (Tensor, int), but",
    ),
    (
        lambda: tallow.fft.rfft(ones(4).half()),
        RuntimeError,
        "Unsupported dtype Half",
    ),
    (
        lambda: F.grid_sample(ones(1, 1, 2, 2), longs(1, 2, 2, 2), align_corners=True),
        RuntimeError,
        "expected scalar type Float but found Long",
    ),
    (
        lambda: tallow.linalg.solve(ones(2, 2), tallow.tensor(1.0)),
        RuntimeError,
        "linalg.solve: The input tensor B must have at least 2 dimensions.",
    ),
    (
        lambda: tallow.fft.fft(tallow.tensor(1.0)),
        IndexError,
        "Dimension specified as -1 but tensor has no dimensions",
    ),
]
NUMBERS: list[Case] = [
    (
        lambda: tallow.igamma(longs(3), 2),
        TypeError,
        "igamma(): argument 'other' (position 2) must be Tensor, not int",
    ),
    (
        lambda: tallow.igammac(longs(3), longs(3)),
        NotImplementedError,
        "\"igammac_cpu\" not implemented for 'Long'",
    ),
    (
        lambda: tallow.polar(2, ones(3)),
        TypeError,
        "polar(): argument 'abs' (position 1) must be Tensor, not int",
    ),
    (
        lambda: tallow.polar(ones(3), ones(3).double()),
        RuntimeError,
        "Expected object of scalar type Float but got scalar type Double for second argument",
    ),
    (
        lambda: tallow.polar(ones(3), ones(3), out=ones(3)),
        RuntimeError,
        "Expected object of scalar type ComplexFloat but got scalar type Float for argument 'out'",
    ),
    (
        lambda: tallow.complex(ones(3), ones(3), out=tallow.ones(3, dtype=tallow.complex128)),
        RuntimeError,
        "Expected object of scalar type ComplexFloat but got scalar type ComplexDouble for",
    ),
]


@pytest.mark.parametrize(
    ("call", "kind", "text"),
    VOLUME_POOLING
    + UNPOOLING
    + CONVOLUTIONS
    + LINE_POOLING
    + LOSSES
    + STATISTICS
    + SHAPES
    + NUMBERS,
)
def test_wrong_input_is_refused(call: Callable[[], Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=re.escape(text)) as caught:
        call()
    assert type(caught.value) is kind


def test_out_is_not_resized_over_the_indices() -> None:
    where = tallow.tensor([2, 1, 0])
    with pytest.raises(RuntimeError, match="unsupported operation"):
        tallow.gather(tallow.arange(3), 0, where[1:], out=where[:1])
    assert where.tolist() == [2, 1, 0]


def test_windows_past_the_end_count_with_ceil_mode() -> None:
    assert F.max_pool3d(ones(1, 1, 2, 2, 2), 3, 2, 0, 1, True).shape == (1, 1, 1, 1, 1)


def test_pooling_to_nothing_keeps_the_gradient() -> None:
    x = ones(1, 1, 2, 2, 2, requires_grad=True)
    y = F.adaptive_max_pool3d(x, (1, 0, 2))
    assert y.shape == F.adaptive_avg_pool3d(x, (1, 0, 2)).shape == (1, 1, 1, 0, 2)
    y.sum().backward()
    assert x.grad.abs().sum() == 0


@pytest.mark.parametrize("n", [2, 3])
def test_fractional_pooling_of_an_empty_batch(n: int) -> None:
    x = ones(0, 1, *[5] * n, requires_grad=True)
    pool = F.fractional_max_pool2d if n == 2 else F.fractional_max_pool3d
    values, where = pool(x, 2, output_ratio=0.5, return_indices=True)
    assert values.shape == where.shape == (0, 1, *[2] * n)
    values.sum().backward()
    assert x.grad.shape == x.shape


def test_statistics_of_group_norm_have_a_gradient() -> None:
    x = tallow.randn(2, 4, 3, dtype=tallow.float64, requires_grad=True)
    affine = tallow.ones(4, dtype=tallow.float64), tallow.zeros(4, dtype=tallow.float64)

    def statistics(x: tallow.Tensor) -> tuple[tallow.Tensor, ...]:
        return tallow.native_group_norm(x, *affine, 2, 4, 3, 2, 1e-5)[1:]

    with tallow.no_grad():
        expected = statistics(x)
    for found, plain in zip(statistics(x), expected, strict=True):
        assert found.requires_grad
        assert tallow.allclose(found, plain)
    assert tallow.autograd.gradcheck(statistics, (x,))


def test_native_group_norm_needs_no_affine_parameters_and_counts_its_input() -> None:
    x = tallow.randn(2, 4, 3)
    out, mean, rstd = tallow.native_group_norm(x, None, None, 2, 4, 3, 2, 1e-5)
    assert out.equal(F.group_norm(x, 2))
    assert mean.shape == rstd.shape == (2, 2)
    with pytest.raises(RuntimeError, match=r"expected N \* C \* HxW to be the 24 elements of"):
        tallow.native_group_norm(x, None, None, 5, 4, 3, 2, 1e-5)


@pytest.mark.parametrize("loss", [F.nll_loss, F.cross_entropy])
@pytest.mark.parametrize(
    ("shape", "target", "error", "message"),
    [
        ((3,), longs(2), ValueError, "For 1D input, 1D target must have size 1, but got target"),
        ((3,), longs(0), ValueError, "For 1D input, 1D target must have size 1, but got target"),
        ((3,), ones(2), RuntimeError, "expected target dtype to be Long or Byte, but got Float"),
        (
            (2, 3),
            longs(),
            ValueError,
            "Expected input batch_size (2) to match target batch_size (0",
        ),
        ((2, 3, 4), longs(), ValueError, "Expected input batch_size (2) to match target batch_siz"),
        (
            (2, 3),
            longs(3),
            ValueError,
            "Expected input batch_size (2) to match target batch_size (3",
        ),
    ],
)
def test_targets_that_do_not_fit_are_refused(
    loss: Any, shape: tuple[int, ...], target: tallow.Tensor, error: Any, message: str
) -> None:
    with pytest.raises(error) as caught:
        loss(ones(shape), target)
    assert str(caught.value).startswith(message)


def test_multinomial_looks_at_the_type_of_out_first() -> None:
    with pytest.raises(RuntimeError, match="^multinomial expects Long tensor out, got: Float"):
        tallow.multinomial(-ones(3), 5, out=ones(2))


def test_cross_without_a_dimension_is_deprecated() -> None:
    a, b = tallow.randn(2, 3), tallow.randn(2, 3)
    with pytest.warns(UserWarning, match="^Using tallow.cross without specifying the dim arg is"):
        found = a.cross(b)
    assert found.equal(tallow.linalg.cross(a, b))
