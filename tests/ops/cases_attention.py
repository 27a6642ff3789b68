"""Cases of attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from op_case import OpCase, Sample, T


def attention(
    query: np.ndarray,
    key: np.ndarray,
    value: np.ndarray,
    attn_mask: np.ndarray | None = None,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> np.ndarray:
    if enable_gqa:
        key = key.repeat(query.shape[-3] // key.shape[-3], -3)
        value = value.repeat(query.shape[-3] // value.shape[-3], -3)
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = query @ key.swapaxes(-1, -2) * scale
    if is_causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    if attn_mask is not None and attn_mask.dtype == bool:
        scores = np.where(attn_mask, scores, -np.inf)
    elif attn_mask is not None:
        scores = scores + attn_mask
    largest = scores.max(-1, keepdims=True, initial=-1e300)
    weights = np.exp(scores - largest)
    total = weights.sum(-1, keepdims=True)
    return (weights / np.where(total == 0, 1, total)) @ value


def qkv(batch: tuple[int, ...], queries: int, keys: int, width: int, value: int = 0) -> list[T]:
    shapes = ((queries, width), (keys, width), (keys, value or width))
    return [T(*batch, *shape) for shape in shapes]


def case(variant: str, *samples: Sample, **options: Any) -> OpCase:
    return OpCase(
        "_scaled_dot_product_flash_attention_for_cpu",
        fn="nn.functional.scaled_dot_product_attention",
        ref=attention,
        samples=samples,
        method=False,
        # Half results are rounded once, but the sums before it carry float32 errors.
        tolerance={"float32": (1e-5, 1e-5), "float16": (2e-3, 1e-3), "bfloat16": (2e-2, 1e-2)},
        variant=variant,
        **options,
    )


# A mask that hides all keys of the first query and every third of the others.
HOLES = np.arange(5 * 7).reshape(5, 7) % 3 > 0
HOLES[0] = False

CASES = [
    case(
        "plain",
        Sample(*qkv((1, 2), 3, 4, 5)),
        Sample(*qkv((2, 1), 5, 7, 3, 2), scale=0.3),
        Sample(*qkv((2,), 4, 3, 2)),
        Sample(*qkv((), 3, 3, 1)),
        Sample(*qkv((1, 2), 65, 300, 17), grad=False),
    ),
    case(
        "empty",
        Sample(*qkv((1, 1), 0, 3, 2)),
        Sample(*qkv((1, 1), 3, 0, 2)),
        torch=False,  # takes empty integers too
    ),
    case(
        "causal",
        Sample(*qkv((1, 2), 4, 4, 3), is_causal=True),
        Sample(*qkv((1, 1), 5, 2, 3), is_causal=True),
        Sample(*qkv((1, 1), 2, 5, 3), is_causal=True),
        Sample(*qkv((1, 2), 250, 250, 16), is_causal=True, grad=False),
    ),
    case(
        "masked",
        Sample(*qkv((2, 2), 5, 7, 3), attn_mask=T(values=HOLES, dtype="bool", grad=False)),
        Sample(*qkv((2, 2), 3, 4, 2), attn_mask=T(2, 1, 3, 4, grad=False)),
        Sample(*qkv((2, 2), 3, 4, 2), attn_mask=T(1, 4, grad=False)),
        Sample(*qkv((1, 2), 3, 4, 2), attn_mask=T(3, 4)),  # with a gradient of its own
    ),
    case(
        "grouped",
        Sample(T(2, 4, 3, 5), T(2, 2, 4, 5), T(2, 2, 4, 5), enable_gqa=True),
        Sample(T(1, 3, 3, 2), T(1, 1, 3, 2), T(1, 1, 3, 2), is_causal=True, enable_gqa=True),
    ),
]
