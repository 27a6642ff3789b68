"""Products by tensor cores, which the plugin's own kernels use for large enough tiles.

The tile has 64 x 64 results and takes 32 terms of 16 bits, or 16 in TF32, at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import tallow
import tallow.nn.functional as F

SHAPES = [(32, 32, 1), (64, 64, 32), (65, 63, 33), (127, 40, 100), (33, 130, 31), (48, 48, 0)]


@pytest.fixture
def tf32() -> Iterator[None]:
    before = tallow.get_float32_matmul_precision()
    tallow.set_float32_matmul_precision("high")
    yield
    tallow.set_float32_matmul_precision(before)


def rounded(x: np.ndarray) -> np.ndarray:
    """To ten bits after the point, as the factors of a product in TF32."""
    bits = x.astype(np.float32).view(np.uint32)
    return ((bits + 0x1000) & np.uint32(0xFFFFE000)).view(np.float32)


@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16], ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_products_of_half_types_are_summed_in_float(
    shape: tuple[int, int, int], dtype: tallow.dtype
) -> None:
    m, n, k = shape
    a, b = tallow.randn(m, k).to(dtype), tallow.randn(k, n).to(dtype)
    exact = a.double().numpy() @ b.double().numpy()
    result = (a.cuda() @ b.cuda()).cpu()
    assert result.dtype == dtype
    epsilon = tallow.finfo(dtype).eps
    np.testing.assert_allclose(result.double().numpy(), exact, rtol=epsilon, atol=1e-5)


@pytest.mark.parametrize("transposed", [(False, True), (True, False), (True, True)], ids=str)
def test_any_layout_of_the_factors(transposed: tuple[bool, bool]) -> None:
    a, b = tallow.randn(70, 45).half(), tallow.randn(45, 66).half()
    exact = a.double().numpy() @ b.double().numpy()
    on_device = [
        x.t().contiguous().cuda().t() if turned else x.cuda()
        for x, turned in zip((a, b), transposed, strict=True)
    ]
    np.testing.assert_allclose(
        (on_device[0] @ on_device[1]).cpu().numpy(), exact, rtol=2e-3, atol=1e-3
    )


def test_steps_batches_and_a_first_term() -> None:
    first = tallow.randn(3, 40, 50).bfloat16()
    a, b = tallow.randn(3, 40, 34).bfloat16(), tallow.randn(3, 34, 50).bfloat16()
    exact = 2 * (a.double() @ b.double()) - first.double()
    result = tallow.baddbmm(first.cuda(), a.cuda(), b.cuda(), beta=-1, alpha=2)
    np.testing.assert_allclose(result.cpu().double().numpy(), exact.numpy(), rtol=8e-3, atol=1e-4)
    part = tallow.randn(80, 90).half()
    product = part.cuda()[::2, 1::2] @ part.cuda()[1::2, :45].t()
    exact = part.double()[::2, 1::2] @ part.double()[1::2, :45].t()
    np.testing.assert_allclose(product.cpu().numpy(), exact.numpy(), rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("shape", [(5, 3, 7), (64, 65, 17), (20, 100, 33)], ids=str)
def test_tf32_rounds_the_factors_and_nothing_else(shape: tuple[int, int, int], tf32: None) -> None:
    m, n, k = shape
    a, b = tallow.randn(m, k), tallow.randn(k, n)
    result = (a.cuda() @ b.cuda()).cpu().numpy()
    expected = rounded(a.numpy()).astype(np.float64) @ rounded(b.numpy()).astype(np.float64)
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)
    assert not np.allclose(result, a.double().numpy() @ b.double().numpy(), rtol=1e-6, atol=1e-6)


def test_float32_is_exact_unless_tf32_is_allowed() -> None:
    a, b = tallow.randn(64, 48), tallow.randn(48, 64)
    exact = a.double().numpy() @ b.double().numpy()
    np.testing.assert_allclose((a.cuda() @ b.cuda()).cpu().numpy(), exact, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16], ids=str)
@pytest.mark.parametrize("groups", [1, 2])
def test_convolutions_of_half_types_and_their_gradients(dtype: tallow.dtype, groups: int) -> None:
    x = tallow.randn(2, 33 * groups, 5, 6).to(dtype)
    weight = (tallow.randn(35 * groups, 33, 3, 3) / 17).to(dtype)
    bias = tallow.randn(35 * groups).to(dtype)

    def run(device: str, dtype: tallow.dtype) -> list[np.ndarray]:
        inputs = [t.to(device=device, dtype=dtype).requires_grad_() for t in (x, weight, bias)]
        out = F.conv2d(inputs[0], inputs[1], inputs[2], padding=1, groups=groups)
        grads = tallow.autograd.grad(out.float().square().sum(), inputs)
        return [t.detach().cpu().double().numpy() for t in (out, *grads)]

    epsilon = tallow.finfo(dtype).eps
    for given, exact in zip(run("cuda", dtype), run("cpu", tallow.float64), strict=True):
        np.testing.assert_allclose(
            given, exact, rtol=4 * epsilon, atol=6 * epsilon * abs(exact).max()
        )


def test_not_a_number_and_infinity_go_through(tf32: None) -> None:
    a = tallow.zeros(32, 32)
    a[0, 0], a[1, 1] = float("inf"), float("nan")
    eye = tallow.eye(32)
    for dtype in (tallow.float32, tallow.float16, tallow.bfloat16):
        given = (a.to(dtype).cuda() + eye.to(dtype).cuda() @ a.to(dtype).cuda()).cpu()
        assert given[1, 1].isnan().item()
        assert given[0, 0].isinf().item() or given[0, 0].isnan().item()
