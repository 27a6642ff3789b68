"""Masks of attention given by a function, and which blocks of scores they leave."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = [
    "BlockMask",
    "and_masks",
    "apply_mod",
    "create_block_mask",
    "create_mask",
    "noop_mask",
    "or_masks",
]

_SCORE_ARGUMENTS = 5


def apply_mod(
    mod: Callable[..., Tensor],
    sizes: tuple[int, int, int, int],
    device: Any,
    scores: Tensor | None = None,
) -> Tensor:
    """Call a function of scores or of places for all places (B, H, Q, K) at once.

    Where it indexes step by step, as in ``bias[b][h]``, numbers that broadcast do not do: it is
    called for each batch and head then, or for each query.

    Raises:
        ValueError: its results do not broadcast to `sizes`.
    """
    numbers = [tallow.arange(n, device=device) for n in sizes]
    for single in (0, 2):
        try:
            result = _call(mod, sizes, numbers, single, scores)
        except (IndexError, RuntimeError):  # an error of the program's own comes again below
            continue
        if result is not None:
            return result
    result = _call(mod, sizes, numbers, 3, scores)
    if result is None:
        raise ValueError(f"flex_attention: expected one result per place of {sizes}, given more")
    return result


def _call(
    mod: Callable[..., Tensor],
    sizes: tuple[int, int, int, int],
    numbers: list[Tensor],
    single: int,
    scores: Tensor | None,
) -> Tensor | None:
    """Call with the first `single` numbers one by one; None if results have more dimensions."""
    rest = sizes[single:]
    together = [
        own.reshape(-1, *(1,) * (len(sizes) - 1 - dim))
        for dim, own in enumerate(numbers)
        if dim >= single
    ]
    pieces = []
    for places in product(*numbers[:single]):
        given = () if scores is None else (scores[places] if places else scores,)
        piece = mod(*given, *places, *together)
        if piece.dim() > len(rest):
            return None
        pieces.append(piece.expand(rest))
    if 0 in sizes:
        return tallow.zeros(sizes, dtype=tallow.bool) if scores is None else scores
    return tallow.stack(pieces).reshape(sizes)


def noop_mask(batch: Tensor, head: Tensor, token_q: Tensor, token_kv: Tensor) -> Tensor:
    """Let every query see every key."""
    return batch.new_ones(size=(), dtype=tallow.bool)


def _combine(masks: tuple[Callable[..., Tensor], ...], how: Any) -> Callable[..., Tensor]:
    if not all(callable(mask) for mask in masks):
        raise RuntimeError(f"All inputs should be callable mask_mods: {masks}")

    def combined(b: Tensor, h: Tensor, q_idx: Tensor, kv_idx: Tensor) -> Tensor:
        result = b.new_full((), how is tallow.logical_and, dtype=tallow.bool)
        for mask in masks:
            result = how(result, mask(b, h, q_idx, kv_idx))
        return result

    return combined


def or_masks(*mask_mods: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a mask that lets through what one of the masks does."""
    return _combine(mask_mods, tallow.logical_or)


def and_masks(*mask_mods: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return a mask that lets through what all of the masks do."""
    return _combine(mask_mods, tallow.logical_and)


def _takes_score(mod: Callable[..., Any]) -> bool:
    from inspect import Parameter, signature

    plain = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    needed = [
        one
        for one in signature(mod).parameters.values()
        if one.kind in plain and one.default is Parameter.empty
    ]
    return len(needed) == _SCORE_ARGUMENTS


def create_mask(
    mod_fn: Callable[..., Tensor],
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Any = None,
) -> Tensor:
    """Return what a function of places or of scores says of every place.

    Args:
        mod_fn: from batch, head, query and key number to a bool; or a function of a score and
            these, which is called with scores of 0.
        B: how many batches; None for one.
        H: how many heads; None for one.
        Q_LEN: how many queries.
        KV_LEN: how many keys.
        device: where the mask is.

    Returns:
        bool (B, H, Q_LEN, KV_LEN), or for a function of scores what is not minus infinity.
    """
    sizes = (B or 1, H or 1, Q_LEN, KV_LEN)
    device = tallow.get_default_device() if device is None else device
    if not _takes_score(mod_fn):
        return apply_mod(mod_fn, sizes, device).to(tallow.bool)
    scores = apply_mod(mod_fn, sizes, device, tallow.zeros(sizes, device=device))
    return ~tallow.isneginf(scores)


def _ordered(blocks: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many of a row's blocks count, and the numbers of all, those that count first."""
    order = tallow.argsort(blocks.to(tallow.int32), dim=-1, descending=True, stable=True)
    return blocks.sum(-1).to(tallow.int32), order.to(tallow.int32)


def _block_sums(mask: Tensor, block_size: tuple[int, int]) -> Tensor:
    high, wide = block_size
    rows, columns = mask.shape[-2:]
    padded = tallow.nn.functional.pad(mask, (0, -columns % wide, 0, -rows % high))
    batch, heads = mask.shape[:2]
    blocks = padded.reshape(
        batch, heads, padded.shape[2] // high, high, padded.shape[3] // wide, wide
    )
    return blocks.sum((3, 5))


class BlockMask:
    """Which keys the queries of :func:`flex_attention` see, made by :func:`create_block_mask`.

    Attributes:
        mask_mod: the function that decides.
        seq_lengths: how many queries and keys.
        BLOCK_SIZE: queries and keys per block.
        kv_num_blocks, kv_indices: for a row of blocks how many are seen in part, and which.
        full_kv_num_blocks, full_kv_indices: the same for blocks that are seen as a whole.
        q_num_blocks, q_indices, full_q_num_blocks, full_q_indices: the same for columns.
    """

    def __init__(
        self,
        mask: Tensor,
        mask_mod: Callable[..., Tensor],
        block_size: tuple[int, int],
        separate_full_blocks: bool = True,
    ) -> None:
        self.mask_mod, self.BLOCK_SIZE = mask_mod, block_size
        self.seq_lengths = (mask.shape[-2], mask.shape[-1])
        self._mask, self._separate = mask, separate_full_blocks
        sums = _block_sums(mask, block_size)
        full = sums == block_size[0] * block_size[1] if separate_full_blocks else sums < 0
        part = (sums > 0) & ~full
        self.kv_num_blocks, self.kv_indices = _ordered(part)
        self.q_num_blocks, self.q_indices = _ordered(part.transpose(-2, -1))
        self.full_kv_num_blocks = self.full_kv_indices = None
        self.full_q_num_blocks = self.full_q_indices = None
        if separate_full_blocks:
            self.full_kv_num_blocks, self.full_kv_indices = _ordered(full)
            self.full_q_num_blocks, self.full_q_indices = _ordered(full.transpose(-2, -1))

    @property
    def shape(self) -> tuple[int, ...]:
        """Batches, heads, queries and keys."""
        return tuple(self._mask.shape)

    def numel(self) -> int:
        """Return how many scores there are."""
        return self._mask.numel()

    def to_dense(self) -> Tensor:
        """Return 1 for each block of which something is seen, int32 (B, H, rows, columns)."""
        return (_block_sums(self._mask, self.BLOCK_SIZE) > 0).to(tallow.int32)

    def sparsity(self) -> float:
        """Return the share of the scores that no block needs, in per cent."""
        blocks = int(self.to_dense().sum())
        return 100 * (1 - blocks * self.BLOCK_SIZE[0] * self.BLOCK_SIZE[1] / self.numel())

    def to(self, device: Any) -> BlockMask:
        """Return the mask on a device."""
        return self._with(self._mask.to(device))

    def _with(self, mask: Tensor, mask_mod: Callable[..., Tensor] | None = None) -> BlockMask:
        return BlockMask(mask, mask_mod or self.mask_mod, self.BLOCK_SIZE, self._separate)

    def _adjust(self, new_q_len: int, new_kv_len: int) -> BlockMask:
        batch, heads = self.shape[:2]
        mask = create_mask(
            self.mask_mod, batch, heads, new_q_len, new_kv_len, device=self._mask.device
        )
        return self._with(mask)

    def __getitem__(self, index: Any) -> BlockMask:
        """Return the blocks of some batches and heads; its function cannot be called."""
        parts = index if isinstance(index, tuple) else (index,)
        if len(parts) > 2:
            raise ValueError(
                "BlockMask: expected the numbers of batches and heads, given an index of "
                f"{len(parts)} parts"
            )
        kept = tuple(slice(i, i + 1 or None) if isinstance(i, int) else i for i in parts)

        def refuse(*numbers: Any) -> Tensor:
            raise RuntimeError("Cannot use mask_mod from a sliced BlockMask")

        return self._with(self._mask[kept], refuse)

    def __str__(self) -> str:
        return f"BlockMask(shape={self.shape}, sparsity={self.sparsity():.2f}%)"

    def __repr__(self) -> str:
        return (
            f"BlockMask(shape={self.shape}, BLOCK_SIZE={self.BLOCK_SIZE}, "
            f"sparsity={self.sparsity():.2f}%, mask_mod={self.mask_mod.__name__})"
        )


def create_block_mask(
    mask_mod: Callable[..., Tensor],
    B: int | None,
    H: int | None,
    Q_LEN: int,
    KV_LEN: int,
    device: Any = None,
    BLOCK_SIZE: int | tuple[int, int] = 128,
    _compile: bool = False,
    separate_full_blocks: bool = True,
    compute_dq_write_order: bool = False,
    dq_kv_order: bool = True,
) -> BlockMask:
    """Make a mask of a function.

    Args:
        mask_mod: from batch, head, query and key number to a bool. It is called once with
            tensors that broadcast.
        B: how many batches; None where it makes no difference.
        H: how many heads; None where it makes no difference.
        Q_LEN: how many queries.
        KV_LEN: how many keys.
        device: where the mask is.
        BLOCK_SIZE: queries and keys per block, or one number for both.
        _compile: nothing is compiled, so it changes nothing.
        separate_full_blocks: list blocks that are seen as a whole apart.
        compute_dq_write_order: refused.
        dq_kv_order: an order for a compiled kernel; there is none, so it changes nothing.

    Raises:
        NotImplementedError: `compute_dq_write_order`.

    Example:
        >>> mask = create_block_mask(lambda b, h, q, k: q >= k, None, None, 4, 4, "cpu", 2)
        >>> mask.to_dense()[0, 0].tolist(), mask.sparsity()
        ([[1, 0], [1, 1]], 25.0)
    """
    if compute_dq_write_order:
        raise NotImplementedError("create_block_mask: compute_dq_write_order is not supported")
    size = (BLOCK_SIZE, BLOCK_SIZE) if isinstance(BLOCK_SIZE, int) else tuple(BLOCK_SIZE)
    mask = create_mask(mask_mod, B, H, Q_LEN, KV_LEN, device)
    return BlockMask(mask, mask_mod, (size[0], size[1]), separate_full_blocks)
