"""autocast("cuda"): which operators convert their arguments, and that models train with it."""

from __future__ import annotations

from typing import Any

import pytest

import tallow
import tallow.nn.functional as F
from tallow import amp, nn
from tallow.utils.checkpoint import checkpoint

HALF = tallow.bfloat16


def draw(*shape: int, **options: Any) -> tallow.Tensor:
    return tallow.randn(*shape, device="cuda", **options)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x @ x,
        lambda x: F.linear(x, x, x[0]),
        lambda x: F.conv2d(x[None, None], x[None, None, :2, :2]),
        lambda x: tallow.einsum("ij,jk->ik", x, x),
        lambda x: tallow.addmm(x, x, x),
        lambda x: F.scaled_dot_product_attention(x[None, None], x[None, None], x[None, None]),
        lambda x: nn.LSTM(4, 3, device="cuda")(x[None])[0],
        lambda x: nn.MultiheadAttention(4, 2, device="cuda")(x, x, x)[0],
    ],
)
def test_products_are_computed_in_the_lower_precision(call: Any) -> None:
    x = draw(4, 4)
    assert call(x).dtype == tallow.float32
    with amp.autocast("cuda", HALF):
        assert call(x).dtype == HALF
        with amp.autocast("cuda", enabled=False):
            assert call(x).dtype == tallow.float32
    assert call(x).dtype == tallow.float32


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.exp(),
        lambda x: x**2,
        lambda x: x.sum(),
        lambda x: F.softmax(x, -1),
        lambda x: F.layer_norm(x, (4,)),
        lambda x: F.mse_loss(x, x),
        lambda x: F.cross_entropy(x, tallow.tensor([0, 1, 2, 3], device="cuda")),
    ],
)
def test_sums_and_exponentials_are_computed_in_float32(call: Any) -> None:
    with amp.autocast("cuda", HALF):
        assert call(draw(4, 4, dtype=HALF)).dtype == tallow.float32


def test_the_rest_keeps_the_dtype_of_its_arguments() -> None:
    x = draw(4, 4, dtype=HALF)
    with amp.autocast("cuda", HALF):
        assert F.relu(x + x).dtype == HALF
        assert x.sum(dtype=HALF).dtype == HALF
        assert (x.double() @ x.double()).dtype == tallow.float64
        assert (x.cpu().float() @ x.cpu().float()).dtype == tallow.float32
        assert tallow.addcmul(x, x.float(), x).dtype == tallow.float32
        assert F.batch_norm(x, None, None, training=True).dtype == HALF


def test_float16_is_the_default() -> None:
    with amp.autocast("cuda"):
        assert (draw(2, 2) @ draw(2, 2)).dtype == tallow.float16


def test_binary_cross_entropy_is_refused() -> None:
    x = tallow.rand(3, device="cuda")
    with amp.autocast("cuda"):
        with pytest.raises(RuntimeError, match="are unsafe to autocast"):
            F.binary_cross_entropy(x, x)
        F.binary_cross_entropy_with_logits(x, x)


def test_a_weight_is_converted_once() -> None:
    weight = draw(4, 4).requires_grad_()
    x = draw(4, 4)

    def conversion() -> Any:
        node = tallow.mm(x, weight).grad_fn
        assert node is not None
        return node.next_functions[1][0]

    with amp.autocast("cuda", HALF):
        first = conversion()
        assert conversion() is first
        with tallow.no_grad():
            weight.mul_(2)
        assert conversion() is not first
    with amp.autocast("cuda", HALF, cache_enabled=False):
        first = conversion()
        assert conversion() is not first


def test_gradients_have_the_dtype_of_their_tensors() -> None:
    layer = nn.Linear(4, 3, device="cuda")
    x = draw(2, 4, requires_grad=True)
    with amp.autocast("cuda", HALF):
        F.cross_entropy(layer(x), tallow.tensor([0, 2], device="cuda")).backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.dtype == x.grad.dtype == tallow.float32


@pytest.mark.parametrize("use_reentrant", [True, False])
def test_a_checkpoint_computes_again_in_the_same_precision(use_reentrant: bool) -> None:
    layer = nn.Linear(4, 4, device="cuda")
    x = draw(2, 4, requires_grad=True)
    seen = []

    def part(x: tallow.Tensor) -> tallow.Tensor:
        seen.append(layer(x).dtype)
        return layer(x)

    with amp.autocast("cuda", HALF):
        result = checkpoint(part, x, use_reentrant=use_reentrant)
    result.float().sum().backward()
    assert seen == [HALF, HALF]


@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16])
def test_a_model_trains_with_a_scaler(dtype: tallow.dtype) -> None:
    tallow.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16, 3)
    ).cuda()
    images, labels = draw(6, 1, 6, 6), tallow.tensor([0, 1, 2] * 2, device="cuda")
    optimizer = tallow.optim.AdamW(net.parameters(), lr=1e-2)
    scaler = amp.GradScaler("cuda", 1024.0, enabled=dtype == tallow.float16)
    losses = []
    for _ in range(5):
        optimizer.zero_grad()
        with amp.autocast("cuda", dtype):
            loss = F.cross_entropy(net(images), labels)
        scaler.scale(loss).backward()
        scaler.unscale_(optimizer)
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        scaler.step(optimizer)
        scaler.update()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert net[0].weight.dtype == tallow.float32


def test_own_functions_choose_their_precision() -> None:
    class Product(tallow.autograd.Function):
        @staticmethod
        @amp.custom_fwd(device_type="cuda", cast_inputs=tallow.float32)
        def forward(ctx: Any, x: tallow.Tensor) -> tallow.Tensor:
            ctx.save_for_backward(x)
            return x @ x

        @staticmethod
        @amp.custom_bwd(device_type="cuda")
        def backward(ctx: Any, grad: tallow.Tensor) -> tallow.Tensor:
            (x,) = ctx.saved_tensors
            assert (x @ x).dtype == tallow.float32
            return grad @ x.mT + x.mT @ grad

    x = draw(3, 3, dtype=HALF, requires_grad=True)
    with amp.autocast("cuda", HALF):
        result = Product.apply(x)
        assert result.dtype == tallow.float32
        result.sum().backward()
    assert x.grad is not None
