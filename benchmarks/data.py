"""Moving data: copies, transposes, joining, picking and spreading."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled, integers, values


def clone(lib: ModuleType) -> Any:
    x = filled(lib, 1 << 24)
    return lambda: x.clone()


def clone_small(lib: ModuleType) -> Any:
    x = filled(lib, 1 << 15)
    return lambda: x.clone()


def transpose(lib: ModuleType) -> Any:
    x = filled(lib, 2048, 2048).t()
    return lambda: x.contiguous()


def transpose_numpy(np: ModuleType) -> Any:
    x = np.asarray(values(2048, 2048)).T
    return lambda: np.ascontiguousarray(x)


def channels_last(lib: ModuleType) -> Any:
    x = filled(lib, 16, 64, 56, 56).permute(0, 2, 3, 1)
    return lambda: x.contiguous()


def images(lib: ModuleType) -> Any:
    """Three channels, from the order of files to the order of layers."""
    x = filled(lib, 8, 224, 224, 3).permute(0, 3, 1, 2)
    return lambda: x.contiguous()


def transpose_small(lib: ModuleType) -> Any:
    x = filled(lib, 64, 64, 64).bfloat16().transpose(1, 2)
    return lambda: x.contiguous()


def every_second(lib: ModuleType) -> Any:
    x = filled(lib, 512, 1024)[:, ::2]
    return lambda: x.contiguous()


def heads(lib: ModuleType) -> Any:
    x = filled(lib, 8, 256, 12, 64).transpose(1, 2)
    return lambda: x.contiguous()


def to_half(lib: ModuleType) -> Any:
    x = filled(lib, 1 << 20)
    return lambda: x.half()


def from_bytes(lib: ModuleType) -> Any:
    x = (integers(lib, 256, 64, 3, 64, 64)).to(lib.uint8)
    return lambda: x.float()


def fill(lib: ModuleType) -> Any:
    return lambda: lib.zeros(1 << 20)


def cat(lib: ModuleType) -> Any:
    parts = [filled(lib, 256, 256, seed=seed) for seed in range(8)]
    return lambda: lib.cat(parts, 1)


def stack(lib: ModuleType) -> Any:
    parts = [filled(lib, 3, 64, 64, seed=seed) for seed in range(32)]
    return lambda: lib.stack(parts)


def stack_last(lib: ModuleType) -> Any:
    parts = [filled(lib, 128, 256, seed=seed) for seed in range(4)]
    return lambda: lib.stack(parts, -1)


def pad(lib: ModuleType) -> Any:
    x = filled(lib, 16, 64, 28, 28)
    return lambda: lib.nn.functional.pad(x, (1, 1, 1, 1))


def reflect(lib: ModuleType) -> Any:
    x = filled(lib, 16, 64, 28, 28)
    return lambda: lib.nn.functional.pad(x, (1, 1, 1, 1), mode="reflect")


def flip(lib: ModuleType) -> Any:
    x = filled(lib, 1024, 1024)
    return lambda: x.flip(1)


def roll(lib: ModuleType) -> Any:
    x = filled(lib, 1024, 1024)
    return lambda: x.roll(3, 1)


def repeat(lib: ModuleType) -> Any:
    x = filled(lib, 256, 256)
    return lambda: x.repeat(4, 4)


def repeat_interleave(lib: ModuleType) -> Any:
    x = filled(lib, 256, 256)
    return lambda: x.repeat_interleave(4, 1)


def tril(lib: ModuleType) -> Any:
    x = filled(lib, 1024, 1024)
    return lambda: x.tril()


def rows(lib: ModuleType) -> Any:
    x, at = filled(lib, 10000, 64), integers(lib, 10000, 4096)
    return lambda: x[at]


def index_select(lib: ModuleType) -> Any:
    x, at = filled(lib, 10000, 64), integers(lib, 10000, 4096)
    return lambda: x.index_select(0, at)


def gather(lib: ModuleType) -> Any:
    x, at = filled(lib, 1024, 1000), integers(lib, 1000, 1024, 64)
    return lambda: x.gather(1, at)


def masked_select(lib: ModuleType) -> Any:
    x = filled(lib, 1 << 20)
    mask = x > 0
    return lambda: x[mask]


def masked_fill(lib: ModuleType) -> Any:
    x = filled(lib, 1 << 20)
    mask = x > 0
    return lambda: x.masked_fill(mask, 0.0)


def nonzero(lib: ModuleType) -> Any:
    x = filled(lib, 1 << 20) > 0.9
    return lambda: x.nonzero()


def scatter_add(lib: ModuleType) -> Any:
    at, x = integers(lib, 1000, 1024, 64), filled(lib, 1024, 64)
    return lambda: lib.zeros(1024, 1000).scatter_add_(1, at, x)


def index_add(lib: ModuleType) -> Any:
    at, x = integers(lib, 1000, 4096), filled(lib, 4096, 64)
    return lambda: lib.zeros(1000, 64).index_add_(0, at, x)


def embedding(lib: ModuleType) -> Any:
    table, at = filled(lib, 10000, 128), integers(lib, 10000, 32, 64)
    return lambda: lib.nn.functional.embedding(at, table)


def embedding_step(lib: ModuleType) -> Any:
    table, at = filled(lib, 10000, 128, grad=True), integers(lib, 10000, 32, 64)
    weight = filled(lib, 32, 64, 128, seed=1)
    return lambda: lib.autograd.grad(lib.nn.functional.embedding(at, table), [table], weight)


def one_hot(lib: ModuleType) -> Any:
    at = integers(lib, 1000, 512)
    return lambda: lib.nn.functional.one_hot(at, 1000)


def upsample(lib: ModuleType) -> Any:
    x = filled(lib, 8, 64, 28, 28)
    return lambda: lib.nn.functional.interpolate(x, scale_factor=2, mode="bilinear")


def downsample(lib: ModuleType) -> Any:
    x = filled(lib, 8, 64, 28, 28)
    return lambda: lib.nn.functional.interpolate(x, scale_factor=0.5, mode="bilinear")


def upsample_step(lib: ModuleType) -> Any:
    x, weight = filled(lib, 8, 64, 28, 28, grad=True), filled(lib, 8, 64, 56, 56, seed=1)
    resize = lib.nn.functional.interpolate
    return lambda: lib.autograd.grad(resize(x, scale_factor=2, mode="bilinear"), [x], weight)


def pick(lib: ModuleType) -> Any:
    x, at = filled(lib, 100_000), integers(lib, 100_000, 1 << 16)
    return lambda: x.index_select(0, at)


def randn(lib: ModuleType) -> Any:
    def call() -> Any:
        lib.manual_seed(0)
        return lib.randn(1 << 20)

    return call


def randperm(lib: ModuleType) -> Any:
    def call() -> Any:
        lib.manual_seed(0)
        return lib.randperm(60000)

    return call


CASES = [
    Case("data/clone-16m", clone),
    Case("data/clone-32k", clone_small),
    Case("data/transpose-2048", transpose, arrays=transpose_numpy),
    Case("data/channels-last", channels_last),
    Case("data/images", images),
    Case("data/transpose-64x64x64-bf16", transpose_small),
    Case("data/every-second", every_second),
    Case("data/heads", heads),
    Case("data/half-1m", to_half, 1e-3),
    Case("data/bytes-to-float", from_bytes),
    Case("data/zeros-1m", fill),
    *(
        Case(f"data/{setup.__name__}", setup)
        for setup in (
            cat, stack, stack_last, pad, reflect, flip, roll, repeat, repeat_interleave, tril, rows,
            index_select, gather,
            masked_select, masked_fill, nonzero, scatter_add, index_add, embedding,
            embedding_step, one_hot, upsample, downsample, upsample_step, pick, randn, randperm,
        )
    ),
]  # fmt: skip
