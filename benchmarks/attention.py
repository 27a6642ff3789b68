"""Scaled dot-product attention and the module around it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.case import Case, both, filled


def attention(batch: int, heads: int, length: int, size: int, kind: str) -> list[Case]:
    def make(lib: ModuleType, grad: bool) -> Any:
        q, k, v = (filled(lib, batch, heads, length, size, seed=s, grad=grad) for s in range(3))
        mask = filled(lib, length, length, seed=9) if kind == "mask" else None

        def call(q: Any, k: Any, v: Any) -> Any:
            return lib.nn.functional.scaled_dot_product_attention(
                q, k, v, attn_mask=mask, is_causal=kind == "causal"
            )

        return call, q, k, v

    return both("attention", f"{kind}-{batch}x{heads}x{length}x{size}", make)


def module(lib: ModuleType) -> Any:
    layer = lib.nn.MultiheadAttention(128, 4, batch_first=True)
    x = filled(lib, 8, 64, 128)
    return lambda: layer(x, x, x, need_weights=False)[0]


CASES = [
    *attention(12, 4, 64, 32, "causal"),
    *attention(8, 12, 256, 64, "causal"),
    attention(1, 12, 1024, 64, "causal")[0],
    *attention(4, 12, 128, 64, "full"),
    attention(1, 8, 2048, 64, "full")[0],
    *attention(4, 8, 128, 64, "mask"),
    Case("attention/module-8x64x128", module),
]
