"""Attention whose scores and mask a function of the program decides; all scores are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import tallow
from tallow._absent import name_absent_ones
from tallow.nn.attention._block_mask import (
    BlockMask,
    and_masks,
    apply_mod,
    create_block_mask,
    create_mask,
    noop_mask,
    or_masks,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = [
    "AuxOutput",
    "AuxRequest",
    "BlockMask",
    "FlexKernelOptions",
    "and_masks",
    "create_block_mask",
    "create_mask",
    "flex_attention",
    "noop_mask",
    "or_masks",
]

_DEFAULT_SPARSE_BLOCK_SIZE = 128
FlexKernelOptions = dict


class AuxRequest(NamedTuple):
    """Which further results are wanted."""

    lse: bool = False
    max_scores: bool = False


class AuxOutput(NamedTuple):
    """Further results: those that were asked for."""

    lse: Tensor | None = None
    max_scores: Tensor | None = None


def _check(query: Tensor, key: Tensor, value: Tensor, enable_gqa: bool) -> None:
    if not query.dim() == key.dim() == value.dim() == 4:
        raise NotImplementedError("NYI: query, key, and value must be 4D tensors")
    if query.shape[-1] != key.shape[-1]:
        raise ValueError(
            "Expect query and key/value to have the same embedding dimension but got "
            f"E={query.shape[-1]} and E={key.shape[-1]}."
        )
    heads, kv_heads = query.shape[1], key.shape[1]
    if not enable_gqa and heads != kv_heads:
        raise ValueError(
            "Expect query and key/value to have the same number of heads but got "
            f"Hq={heads} and Hkv={kv_heads}. Try setting enable_gqa=True for GQA."
        )
    if kv_heads == 0 or heads % kv_heads:
        raise ValueError(
            "Expect number of query heads to be a multiple of kv heads for GQA but got "
            f"Hq={heads} and Hkv={kv_heads}."
        )
    if key.shape[:3] != value.shape[:3]:
        raise ValueError(
            "flex_attention: expected key and value of the same batch, heads and length, given "
            f"{tuple(key.shape)} and {tuple(value.shape)}"
        )
    if query.shape[0] != key.shape[0] and key.shape[0] != 1:
        raise ValueError(
            f"Expect query and key/value to have the same batch size but got Bq={query.shape[0]} "
            f"and Bkv={key.shape[0]}."
        )


def _check_mask(mask: BlockMask, query: Tensor, key: Tensor) -> None:
    lengths = query.shape[-2], key.shape[-2]
    if tuple(mask.seq_lengths) == lengths:
        return
    larger = mask.seq_lengths[0] > lengths[0] or mask.seq_lengths[1] > lengths[1]
    advice = (
        "larger length than you're using it for, you can either 1. create a new block mask with "
        "the correct length, or 2. 'adjust' the existing block mask to the correct length by "
        "calling block_mask._adjust(q_len, kv_len)."
        if larger
        else "smaller length than you're using it for, you likely need to create a new block mask."
    )
    raise ValueError(
        f"block_mask was created for block_mask.shape={mask.shape} but got q_len={lengths[0]} and "
        f"kv_len={lengths[1]}. As the block mask was created for a {advice}"
    )


def flex_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    score_mod: Callable[..., Tensor] | None = None,
    block_mask: BlockMask | None = None,
    scale: float | None = None,
    enable_gqa: bool = False,
    return_lse: bool = False,
    kernel_options: dict[str, Any] | None = None,
    *,
    return_aux: AuxRequest | None = None,
) -> Any:
    """Attend with scores that a function changes.

    The scores of every query and key are kept, and nothing is left out for a masked block: it
    takes the memory and time of attention written out. Scores and sums are in float32 for half
    types. Differentiable as often as the functions are.

    Args:
        query: (B, H, L, E).
        key: (B, H, S, E), or of fewer heads with `enable_gqa`.
        value: (B, H, S, V).
        score_mod: from a score and its batch, head, query and key number to another score. It is
            called once with tensors that broadcast to (B, H, L, S).
        block_mask: which keys a query sees, of :func:`create_block_mask`. A query that sees none
            gets zeros.
        scale: factor of the products; 1 / sqrt(E) by default.
        enable_gqa: let groups of query heads share a head of `key` and `value`.
        return_lse: return also the logarithm of the sum of exponentials, (B, H, L).
        kernel_options: choices for a compiled kernel; there is none, so they change nothing.
        return_aux: which further results to return, as :class:`AuxOutput`.

    Raises:
        NotImplementedError: the inputs are not 4-d.
        ValueError: shapes that do not fit, or a mask of other lengths.

    Example:
        >>> from tallow.nn.attention.flex_attention import create_block_mask, flex_attention
        >>> causal = create_block_mask(lambda b, h, q, k: q >= k, None, None, 3, 3, device="cpu")
        >>> x = tallow.eye(3).reshape(1, 1, 3, 3)
        >>> flex_attention(x, x, x, lambda score, b, h, q, k: score * 0, causal)[0, 0]
        tensor([[1.0000, 0.0000, 0.0000],
                [0.5000, 0.5000, 0.0000],
                [0.3333, 0.3333, 0.3333]])
    """
    _check(query, key, value, enable_gqa)
    if block_mask is not None:
        _check_mask(block_mask, query, key)
    groups = query.shape[1] // key.shape[1]
    if groups > 1:
        key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    wide = tallow.float64 if query.dtype == tallow.float64 else tallow.float32
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    scores = (query.to(wide) @ key.to(wide).transpose(-2, -1)) * factor
    sizes = (*query.shape[:3], key.shape[2])
    if score_mod is not None:
        scores = apply_mod(score_mod, sizes, query.device, scores).to(wide)
    if block_mask is not None:
        seen = apply_mod(block_mask.mask_mod, sizes, query.device)
        scores = scores.masked_fill(~seen, -float("inf"))
    lse = scores.logsumexp(-1)
    # A row without a key has the sum 0; its weights are 0, not 0 / 0.
    shift = lse.masked_fill(lse == -float("inf"), 0.0)
    result = ((scores - shift.unsqueeze(-1)).exp() @ value.to(wide)).to(query.dtype)
    if return_aux is not None:
        most = scores.detach().amax(-1) if return_aux.max_scores else None
        return result, AuxOutput(lse if return_aux.lse else None, most)
    return (result, lse) if return_lse else result


name_absent_ones(__name__)
