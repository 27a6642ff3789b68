"""What the kernels of neural networks do at sizes where they change their way of working, and that
their results depend neither on the order of threads nor on the run."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable

import pytest

import tallow
from tallow import Tensor
from tallow.nn import functional as F

# Lengths around which softmax and the norms change: registers of a lane, of a warp, blocks.
LENGTHS = (1, 31, 32, 33, 64, 65, 256, 257, 1024, 1025, 3001)
HALVES = (tallow.float16, tallow.bfloat16)


def both(function: Callable[..., Tensor], *inputs: Tensor) -> tuple[list[Tensor], list[Tensor]]:
    """Result and gradients of `function` on the CPU, and on the device."""
    sides = []
    for name in ("cpu", "cuda"):
        leaves = [x.to(name).requires_grad_(x.dtype.is_floating_point) for x in inputs]
        out = function(*leaves)
        grad = tallow.linspace(-1, 1, out.numel()).reshape(out.shape).to(out.dtype)
        wanted = [x for x in leaves if x.requires_grad]
        found = tallow.autograd.grad(out, wanted, grad.to(name), allow_unused=True)
        sides.append([x.cpu() for x in (out.detach(), *found) if x is not None])
    return sides[0], sides[1]


def assert_agree(
    function: Callable[..., Tensor], *inputs: Tensor, rtol: float = 2e-5, atol: float = 2e-5
) -> None:
    for expected, actual in zip(*both(function, *inputs), strict=True):
        tallow.testing.assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=True)


@pytest.mark.parametrize("n", LENGTHS)
def test_softmax_of_rows(n: int) -> None:
    x = tallow.randn(3, n)
    assert_agree(lambda x: x.softmax(1), x)
    assert_agree(lambda x: x.log_softmax(1), x, atol=1e-4)
    assert_agree(lambda x: x.logsumexp(1), x)


@pytest.mark.parametrize("n", [7, 1500])
def test_softmax_along_other_dimensions(n: int) -> None:
    assert_agree(lambda x: x.softmax(1), tallow.randn(2, n, 3))


@pytest.mark.parametrize("n", [4, 2000])
def test_softmax_of_infinities(n: int) -> None:
    x = tallow.zeros(4, n)
    x[0, 1] = -math.inf
    x[1] = -math.inf
    x[2, 0] = math.inf
    x[3, n - 1] = math.nan
    device = x.to("cuda")
    for function in (Tensor.softmax, Tensor.log_softmax, Tensor.logsumexp):
        for dim in (0, 1):
            expected, actual = function(x, dim), function(device, dim).cpu()
            tallow.testing.assert_close(actual, expected, equal_nan=True)


@pytest.mark.parametrize("n", LENGTHS)
def test_layer_norm(n: int) -> None:
    inputs = tallow.randn(5, n), tallow.randn(n), tallow.randn(n)
    assert_agree(lambda x, w, b: F.layer_norm(x, (n,), w, b), *inputs, atol=2e-4)


@pytest.mark.parametrize("shape", [(70, 5), (3, 40, 7), (2, 3, 9, 9)])
def test_batch_norm(shape: tuple[int, ...]) -> None:
    channels = shape[1]
    inputs = tallow.randn(*shape), tallow.randn(channels), tallow.randn(channels)
    assert_agree(
        lambda x, w, b: F.batch_norm(x, None, None, w, b, training=True), *inputs, atol=1e-4
    )


@pytest.mark.parametrize("size", [1, 16, 17, 65, 130])
def test_products_of_small_tiles(size: int) -> None:
    assert_agree(tallow.matmul, tallow.randn(3, size), tallow.randn(size, size + 1), atol=1e-4)


@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64, *HALVES])
def test_products_of_large_tiles(dtype: tallow.dtype) -> None:
    # 130 matrices of one tile of 64 x 64 each, with edges.
    a, b = tallow.randn(130, 35, 19).to(dtype), tallow.randn(130, 19, 61).to(dtype)
    tolerance = {tallow.float16: 1e-2, tallow.bfloat16: 8e-2}.get(dtype, 1e-4)
    for left in (a, a.mT.contiguous().mT):
        for right in (b, b.mT.contiguous().mT):
            actual = (left.to("cuda") @ right.to("cuda")).cpu()
            tallow.testing.assert_close(actual, left @ right, rtol=tolerance, atol=tolerance)


def test_weight_gradient_summed_in_parts() -> None:
    # 4 x 1296 positions: long enough a sum to be cut.
    inputs = tallow.randn(4, 2, 38, 38), tallow.randn(3, 2, 3, 3)
    assert_agree(F.conv2d, *inputs, atol=2e-3)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("classes", [5, 1500])
def test_cross_entropy(classes: int, reduction: str) -> None:
    target = tallow.tensor([0, 4, -100, 2])

    def loss(x: Tensor, weight: Tensor) -> Tensor:
        return F.cross_entropy(
            x,
            target.to(x.device),
            weight=weight.detach().abs(),
            reduction=reduction,
            label_smoothing=0.1,
        )

    assert_agree(loss, tallow.randn(4, classes), tallow.rand(classes), atol=1e-4)


def test_sums_of_many_losses() -> None:
    # More elements than one block adds.
    inputs = tallow.randn(5000), tallow.rand(5000)
    assert_agree(lambda x, t: F.mse_loss(x, t.detach()), *inputs)


def test_target_out_of_range_is_found() -> None:
    x = tallow.randn(3, 5, device="cuda")
    F.cross_entropy(x, tallow.tensor([0, 5, 1]).to("cuda"))
    with pytest.raises(IndexError, match="Target 5 is out of bounds"):
        tallow.cuda.synchronize()
    assert F.cross_entropy(x, tallow.tensor([0, 4, 1]).to("cuda")).item() > 0


@pytest.mark.parametrize("name", ["input", "target"])
def test_numbers_that_are_no_probabilities_are_found(name: str) -> None:
    wrong, right = tallow.tensor([0.5, 1.5]).to("cuda"), tallow.tensor([0.5, 0.5]).to("cuda")
    F.binary_cross_entropy(*((wrong, right) if name == "input" else (right, wrong)))
    with pytest.raises(RuntimeError, match=f"all elements of {name} should be between 0 and 1"):
        tallow.cuda.synchronize()


@pytest.mark.parametrize("width", [8, 200])
def test_attention_of_more_columns_than_a_lane_holds(width: int) -> None:
    shape = (1, 2, 35, width)
    inputs = tallow.randn(*shape), tallow.randn(*shape), tallow.randn(*shape)
    assert_agree(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True), *inputs, atol=1e-4
    )


def small_network() -> list[Tensor]:
    """One pass through kernels of every kind, gradients included."""
    tallow.manual_seed(3)
    x = tallow.randn(2, 3, 12, 12).to("cuda").requires_grad_()
    weight = tallow.randn(4, 3, 3, 3).to("cuda").requires_grad_()
    scale = tallow.rand(4).to("cuda").requires_grad_()
    y = F.batch_norm(F.conv2d(x, weight, padding=1), None, None, scale, training=True)
    y = F.max_pool2d(y, 3, 2, 1)
    y = F.scaled_dot_product_attention(y, y, y).flatten(1)
    loss = F.cross_entropy(y, tallow.tensor([3, 100]).to("cuda"))
    return [loss.detach().cpu(), *(g.cpu() for g in tallow.autograd.grad(loss, [x, weight, scale]))]


def test_results_do_not_depend_on_the_order_of_threads(emulator: ctypes.CDLL) -> None:
    expected = small_network()
    try:
        for order in (1, 2):  # reverse, shuffled
            emulator.tallow_emu_set_order(order, 5)
            for a, b in zip(expected, small_network(), strict=True):
                assert a.equal(b)
    finally:
        emulator.tallow_emu_set_order(0, 0)
