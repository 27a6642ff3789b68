"""What tools/gpu/bench.py times.

The setup of a case takes a library, tallow or torch, and returns what is to be called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

Setup = Callable[[ModuleType], Callable[[], Any]]


@dataclass(frozen=True)
class Case:
    """One thing to time, and what it is meant to reach."""

    setup: Setup
    speedup: float | None = None  # at least so many times as fast as PyTorch
    milliseconds: float | None = None  # at most
    nbytes: int = 0  # that a perfect kernel moves; for the part of the copy's bandwidth


def pointwise(name: str, size: int) -> Setup:
    """A function of one tensor."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        x, function = lib.rand(size, device="cuda"), getattr(lib, name)
        return lambda: function(x)

    return setup


def copy(size: int) -> Setup:
    """A copy on the device, whose bandwidth is the ceiling of others."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        x = lib.rand(size, device="cuda")
        y = lib.empty_like(x)
        return lambda: y.copy_(x)

    return setup


def product(n: int, dtype: str) -> Setup:
    """A product of square matrices."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        a, b = (lib.rand(n, n, device="cuda").to(getattr(lib, dtype)) for _ in range(2))
        return lambda: a @ b

    return setup


def convolution(batch: int, channels: int, size: int, dtype: str, last: bool) -> Setup:
    """A 3x3 convolution with its gradients."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        layer = lib.nn.Conv2d(channels, channels, 3, padding=1).cuda().to(getattr(lib, dtype))
        x = lib.rand(batch, channels, size, size, device="cuda").to(getattr(lib, dtype))
        if last:
            layer = layer.to(memory_format=lib.channels_last)
            x = x.contiguous(memory_format=lib.channels_last)
        return lambda: layer(x).sum().backward()

    return setup


def function(name: str, *shape: int, backward: bool = True, **arguments: Any) -> Setup:
    """A function of torch.nn.functional, with its gradient unless told otherwise."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        x = lib.rand(*shape, device="cuda", requires_grad=backward)
        call = getattr(lib.nn.functional, name)

        def step() -> None:
            x.grad = None
            out = call(x, **arguments)
            if backward:
                out.sum().backward()

        return step

    return setup


def cross_entropy(rows: int, classes: int) -> Setup:
    """The loss of random logits with its gradient."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        logits = lib.rand(rows, classes, device="cuda").bfloat16().requires_grad_()
        target = lib.randint(0, classes, (rows,), device="cuda")

        def step() -> None:
            logits.grad = None
            with lib.autocast("cuda", lib.bfloat16):
                loss = lib.nn.functional.cross_entropy(logits, target)
            loss.backward()

        return step

    return setup


def adamw(numel: int, tensors: int) -> Setup:
    """A step of AdamW over equal tensors."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        each = max(1, numel // tensors)
        params = [lib.nn.Parameter(lib.rand(each, device="cuda")) for _ in range(tensors)]
        for param in params:
            param.grad = lib.rand(each, device="cuda")
        return lib.optim.AdamW(params).step

    return setup


def training(
    lib: ModuleType, model: Any, x: Any, target: Any, dtype: str | None = None
) -> Callable[[], Any]:
    """A training step with SGD, under autocast if a type is given."""
    optimizer = lib.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step() -> None:
        optimizer.zero_grad()
        with lib.autocast("cuda", getattr(lib, dtype or "bfloat16"), enabled=dtype is not None):
            loss = lib.nn.functional.cross_entropy(model(x), target)
        loss.backward()
        optimizer.step()

    return step


def lenet(batch: int, captured: bool) -> Setup:
    """A training step of a LeNet, as usual or as a graph."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        nn = lib.nn
        model = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 10),
        ).cuda()  # fmt: skip
        x = lib.rand(batch, 1, 28, 28, device="cuda")
        target = lib.randint(0, 10, (batch,), device="cuda")
        step = training(lib, model, x, target)
        return graph_of(lib, step) if captured else step

    return setup


def graph_of(lib: ModuleType, step: Callable[[], Any]) -> Callable[[], Any]:
    """The same step, recorded and replayed."""
    side = lib.cuda.Stream()
    side.wait_stream(lib.cuda.current_stream())
    with lib.cuda.stream(side):
        for _ in range(3):
            step()
    lib.cuda.current_stream().wait_stream(side)
    graph = lib.cuda.CUDAGraph()
    with lib.cuda.graph(graph):
        step()
    return graph.replay


def resnet18(batch: int, width: int, size: int) -> Setup:
    """A training step of a ResNet-18 for small pictures in bfloat16."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        nn = lib.nn

        class Residual(nn.Module):
            def __init__(self, channels: int, out: int, stride: int) -> None:
                super().__init__()
                self.body = nn.Sequential(
                    nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out),
                    nn.ReLU(), nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out),
                )  # fmt: skip
                self.shortcut = nn.Sequential()
                if stride != 1:
                    self.shortcut = nn.Sequential(
                        nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)
                    )

            def forward(self, x: Any) -> Any:
                return nn.functional.relu(self.body(x) + self.shortcut(x))

        layers = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        for stage in range(4):
            before = width * 2 ** max(0, stage - 1)
            layers.append(Residual(before, width * 2**stage, 1 if stage == 0 else 2))
            layers.append(Residual(width * 2**stage, width * 2**stage, 1))
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8 * width, 10)]
        model = nn.Sequential(*layers).cuda()
        x = lib.rand(batch, 3, size, size, device="cuda")
        return training(lib, model, x, lib.randint(0, 10, (batch,), device="cuda"), "bfloat16")

    return setup


def gpt(batch: int, time: int, width: int, heads: int, depth: int, symbols: int) -> Setup:
    """A training step of a GPT in bfloat16."""

    def setup(lib: ModuleType) -> Callable[[], Any]:
        nn = lib.nn

        class Block(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
                self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
                self.mlp = nn.Sequential(
                    nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
                )

            def forward(self, x: Any) -> Any:
                parts = self.qkv(self.norm1(x)).view(*x.shape[:2], 3, heads, width // heads)
                q, k, v = parts.permute(2, 0, 3, 1, 4)
                mixed = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
                x = x + self.out(mixed.transpose(1, 2).reshape(x.shape))
                return x + self.mlp(self.norm2(x))

        class GPT(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.embed, self.place = nn.Embedding(symbols, width), nn.Embedding(time, width)
                self.blocks = nn.Sequential(*(Block() for _ in range(depth)))
                self.norm = nn.LayerNorm(width)
                self.head = nn.Linear(width, symbols, bias=False)
                self.head.weight = self.embed.weight

            def forward(self, x: Any) -> Any:
                places = lib.arange(time, device="cuda")
                return self.head(
                    self.norm(self.blocks(self.embed(x) + self.place(places)))
                ).flatten(0, 1)

        x = lib.randint(0, symbols, (batch, time), device="cuda")
        target = lib.randint(0, symbols, (batch * time,), device="cuda")
        return training(lib, GPT().cuda(), x, target, "bfloat16")

    return setup


def cases(scale: int) -> dict[str, Case]:
    """The cases by name; rehearsals divide the sizes by `scale`, which is 1 on a GPU.

    The goals are those of docs/cuda.md.
    """

    def size(n: int, least: int = 1) -> int:
        return max(least, n // scale)

    rows, wide = size(8192), size(4096)
    matrix = 4 * rows * wide
    small = scale > 1
    resnet = (2, 2, 8) if small else (128, 64, 32)
    nano = (1, 8, 8, 2, 1, 16) if small else (8, 1024, 768, 12, 12, 50304)
    return {
        "copy of 2^26": Case(copy(size(1 << 26)), nbytes=8 * size(1 << 26)),
        "neg of 4": Case(pointwise("neg", 4), milliseconds=0.0035),
        "sigmoid of 2^26": Case(pointwise("sigmoid", size(1 << 26)), 1.0, nbytes=8 * size(1 << 26)),
        "float32 product of 4096": Case(product(wide, "float32"), 0.98),
        "bfloat16 product of 8192": Case(product(size(8192), "bfloat16"), 0.98),
        "float32 conv 3x3, 64 maps of 64x56x56, f+b": Case(
            convolution(size(64), size(64), size(56), "float32", False), 0.97
        ),
        "bfloat16 channels_last conv 3x3, 64 maps of 64x56x56, f+b": Case(
            convolution(size(64), size(64), size(56), "bfloat16", True), 0.97
        ),
        "softmax of 8192x4096": Case(
            function("softmax", rows, wide, backward=False, dim=1), 1.0, nbytes=2 * matrix
        ),
        "softmax of 8192x4096, f+b": Case(function("softmax", rows, wide, dim=1), 1.0),
        "layer_norm of 8192x4096": Case(
            function("layer_norm", rows, wide, backward=False, normalized_shape=(wide,)),
            1.0,
            nbytes=2 * matrix,
        ),
        "layer_norm of 8192x4096, f+b": Case(
            function("layer_norm", rows, wide, normalized_shape=(wide,)), 1.0
        ),
        "max_pool2d 2x2 of 64x64x112x112, f+b": Case(
            function("max_pool2d", size(64), size(64), size(112, 2), size(112, 2), kernel_size=2),
            1.4,
        ),
        "cross_entropy of 8192x50304 in bfloat16, f+b": Case(cross_entropy(rows, size(50304)), 4.0),
        "AdamW of 124M in 20 tensors": Case(adamw(size(124_000_000), 20), 2.5),
        "LeNet training step, 64 images": Case(lenet(size(64, 2), False), 2.0),
        "LeNet training step, captured": Case(lenet(size(64, 2), True), milliseconds=0.08),
        "ResNet-18 training step, 128 images": Case(resnet18(*resnet), 1.5),
        "GPT of 124M, 8x1024 tokens": Case(gpt(*nano), 1.25),
    }
