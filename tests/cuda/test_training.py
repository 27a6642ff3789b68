"""Toy models train on a CUDA device to the CPU's losses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import tallow
import tallow.nn.functional as F
from tallow import nn

STEPS = 4


class Residual(nn.Module):
    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        wide = channels * stride
        self.conv1 = nn.Conv2d(channels, wide, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(wide)
        self.shortcut = (
            nn.Sequential(nn.Conv2d(channels, wide, 1, stride, bias=False), nn.BatchNorm2d(wide))
            if stride > 1
            else nn.Identity()
        )

    def forward(self, x: tallow.Tensor) -> tallow.Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class CharLSTM(nn.Module):
    def __init__(self, symbols: int, width: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(symbols, width)
        self.lstm = nn.LSTM(width, width, num_layers=2, batch_first=True)
        self.head = nn.Linear(width, symbols)

    def forward(self, x: tallow.Tensor) -> tallow.Tensor:
        hidden, _ = self.lstm(self.embed(x))
        return self.head(hidden).flatten(0, 1)


class GPTBlock(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: tallow.Tensor) -> tallow.Tensor:
        batch, time, width = x.shape
        parts = self.qkv(self.norm1(x)).view(batch, time, 3, self.heads, width // self.heads)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, time, width))
        return x + self.mlp(self.norm2(x))


class GPT(nn.Module):
    def __init__(self, symbols: int, width: int, time: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(symbols, width)
        self.place = nn.Embedding(time, width)
        self.blocks = nn.Sequential(GPTBlock(width, 2), GPTBlock(width, 2))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, symbols, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x: tallow.Tensor) -> tallow.Tensor:
        places = tallow.arange(x.shape[1], device=x.device)
        x = self.blocks(self.embed(x) + self.place(places))
        return self.head(self.norm(x)).flatten(0, 1)


def lenet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * 2 * 2, 16),
        nn.ReLU(),
        nn.Linear(16, 10),
    )


def resnet() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, 1, 1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        Residual(4, 1),
        Residual(4, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


def images(channels: int, size: int) -> tuple[tallow.Tensor, tallow.Tensor]:
    return tallow.randn(4, channels, size, size), tallow.randint(0, 10, (4,))


def text(symbols: int, time: int) -> tuple[tallow.Tensor, tallow.Tensor]:
    stream = tallow.randint(0, symbols, (2, time + 1))
    return stream[:, :-1], stream[:, 1:].flatten()


Optimizer = Callable[[nn.Module], tallow.optim.Optimizer]
sgd: Optimizer = lambda model: tallow.optim.SGD(  # noqa: E731
    model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-3
)
adamw: Optimizer = lambda model: tallow.optim.AdamW(model.parameters(), lr=3e-3)  # noqa: E731

MODELS = {
    "lenet": (lenet, lambda: images(1, 12), sgd),
    "resnet": (resnet, lambda: images(3, 8), sgd),
    "lstm": (lambda: CharLSTM(11, 8), lambda: text(11, 6), adamw),
    "gpt": (lambda: GPT(11, 8, 8), lambda: text(11, 8), adamw),
}


def train(
    model: nn.Module, data: tuple[tallow.Tensor, tallow.Tensor], optimizer: Optimizer
) -> list[float]:
    """The losses of a few steps, with the gradients clipped on the way."""
    inputs, targets = data
    steps = optimizer(model)
    losses = []
    for _ in range(STEPS):
        steps.zero_grad()
        loss = F.cross_entropy(model(inputs), targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        steps.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("name", MODELS)
def test_trains_to_the_losses_of_the_cpu(name: str) -> None:
    build, draw, optimizer = MODELS[name]
    tallow.manual_seed(1)
    model = build()
    data = draw()
    twin = build()
    twin.load_state_dict(model.state_dict())
    expected = train(model, data, optimizer)
    losses = train(twin.cuda(), (data[0].cuda(), data[1].cuda()), optimizer)
    assert losses[-1] < losses[0]
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    assert all(parameter.device.type == "cuda" for parameter in twin.parameters())


def test_a_captured_gpt_trains_to_the_losses_of_the_eager_one() -> None:
    def losses(captured: bool) -> list[float]:
        tallow.manual_seed(0)
        model = GPT(11, 8, 8).cuda()
        optimizer = adamw(model)
        inputs, targets = (tensor.cuda() for tensor in text(11, 8))

        def step(inputs: tallow.Tensor, targets: tallow.Tensor) -> tallow.Tensor:
            optimizer.zero_grad()
            loss = F.cross_entropy(model(inputs), targets)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            return loss.detach()

        run = tallow.cuda.capture(step) if captured else step
        result = [run(inputs, targets).item() for _ in range(5)]
        assert not captured or len(run._recorded) == 1
        return result

    np.testing.assert_allclose(losses(True), losses(False), rtol=1e-5)
