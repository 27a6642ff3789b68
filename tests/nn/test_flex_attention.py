"""flex_attention: functions of scores and of places, against attention written out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tallow
from tallow import Tensor
from tallow.nn.attention.flex_attention import (
    AuxRequest,
    and_masks,
    create_block_mask,
    create_mask,
    flex_attention,
    noop_mask,
    or_masks,
)
from tallow.nn.functional import scaled_dot_product_attention

LENGTH = 13


def causal(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
    return q >= k


def heads(number: int = 4, dtype: Any = tallow.float64) -> Tensor:
    generator = tallow.Generator().manual_seed(number)
    return tallow.randn(2, number, LENGTH, 8, generator=generator, dtype=dtype)


def test_without_functions_it_is_plain_attention() -> None:
    q, k, v = heads(4), heads(4) + 1, heads(4) - 1
    expected = scaled_dot_product_attention(q, k, v, scale=0.2)
    assert tallow.allclose(flex_attention(q, k, v, scale=0.2), expected, atol=1e-14)


def test_a_block_mask_leaves_out_keys() -> None:
    q = heads()
    mask = create_block_mask(causal, None, None, LENGTH, LENGTH)
    expected = scaled_dot_product_attention(q, q, q, is_causal=True)
    assert tallow.allclose(flex_attention(q, q, q, block_mask=mask), expected, atol=1e-14)


TABLE = tallow.randn(
    2, 4, LENGTH, LENGTH, generator=tallow.Generator().manual_seed(1), dtype=tallow.float64
)


@pytest.mark.parametrize(
    "mod",
    [
        lambda s, b, h, q, k: s + TABLE[b, h, q, k],
        lambda s, b, h, q, k: s + TABLE[b][h][q, k],
        lambda s, b, h, q, k: s + TABLE[b][h][q][k],
    ],
    ids=["at once", "by head", "by query"],
)
def test_scores_may_read_a_table_step_by_step(mod: Callable[..., Tensor]) -> None:
    q = heads()
    expected = scaled_dot_product_attention(q, q, q, attn_mask=TABLE)
    assert tallow.allclose(flex_attention(q, q, q, mod), expected, atol=1e-14)


def test_an_error_in_a_function_is_the_programs_own() -> None:
    with pytest.raises(IndexError, match="out of bounds|out of range"):
        flex_attention(heads(), heads(), heads(), lambda s, b, h, q, k: s + TABLE[b + 2, h, q, k])


def test_a_query_without_keys_gets_zeros_and_no_nan_gradient() -> None:
    q = heads().requires_grad_()
    mask = create_block_mask(lambda b, h, q, k: q > k, None, None, LENGTH, LENGTH)
    out, lse = flex_attention(q, q, q, block_mask=mask, return_lse=True)
    out.sum().backward()
    assert out[:, :, 0].abs().max() == 0
    assert lse[:, :, 0].isneginf().all()
    assert q.grad is not None
    assert q.grad.isfinite().all()


def test_gradients_reach_what_the_functions_use() -> None:
    q = heads(2)[:1, :, :3, :2].clone().requires_grad_()
    slope = tallow.rand(2, dtype=tallow.float64, requires_grad=True)
    mask = create_block_mask(causal, None, None, 3, 3)

    def attend(q: Tensor, slope: Tensor) -> Any:
        return flex_attention(q, q, q, lambda s, b, h, i, j: s + slope[h] * (j - i), mask)

    assert tallow.autograd.gradcheck(attend, (q, slope))
    assert tallow.autograd.gradgradcheck(attend, (q, slope))


def test_groups_of_heads_share_keys() -> None:
    q, k = heads(4), heads(2)
    wide = k.repeat_interleave(2, 1)
    assert flex_attention(q, k, k, enable_gqa=True).equal(flex_attention(q, wide, wide))


def test_half_types_are_summed_in_float32() -> None:
    q = heads(dtype=tallow.bfloat16)
    out = flex_attention(q, q, q)
    wide = flex_attention(q.float(), q.float(), q.float())
    assert out.dtype == tallow.bfloat16
    assert out.equal(wide.bfloat16())


def test_further_results_come_as_asked() -> None:
    q = heads()
    _, more = flex_attention(q, q, q, return_aux=AuxRequest(max_scores=True))
    assert more.lse is None
    assert tallow.allclose(more.max_scores, (q @ q.mT / 8**0.5).amax(-1))


def test_blocks_are_listed_by_row_and_column() -> None:
    # The lists that PyTorch 2.13 makes of a causal mask of 300 places.
    mask = create_block_mask(causal, None, None, 300, 300)
    assert mask.kv_num_blocks.tolist() == [[[1, 1, 3]]]
    assert mask.kv_indices.tolist() == [[[[0, 1, 2], [1, 0, 2], [0, 1, 2]]]]
    assert mask.full_kv_num_blocks is not None
    assert mask.full_kv_num_blocks.tolist() == [[[0, 1, 0]]]
    assert mask.to_dense().tolist() == [[[[1, 0, 0], [1, 1, 0], [1, 1, 1]]]]
    assert round(mask.sparsity(), 2) == -9.23
    assert (mask.shape, mask.numel()) == ((1, 1, 300, 300), 90000)


def test_masks_are_combined() -> None:
    near = lambda b, h, q, k: (q - k).abs() < 2  # noqa: E731
    both = create_mask(and_masks(causal, near), 1, 1, 5, 5)
    either = create_mask(or_masks(causal, near), 1, 1, 5, 5)
    ones = tallow.ones(1, 1, 5, 5, dtype=tallow.bool)
    assert both.equal(ones.tril() & ones.triu(-1))
    assert either.equal(ones.tril(1))
    assert create_mask(noop_mask, 2, None, 5, 5).equal(ones.expand(2, 1, 5, 5))


def test_a_function_of_scores_gives_a_mask_too() -> None:
    mask = create_mask(
        lambda s, b, h, q, k: tallow.where(q >= k, s, -float("inf")), None, None, 3, 3
    )
    assert mask.equal(tallow.ones(1, 1, 3, 3, dtype=tallow.bool).tril())


def test_an_adjusted_mask_has_other_lengths() -> None:
    mask = create_block_mask(causal, None, None, 300, 300)._adjust(5, 7)
    assert mask.shape == (1, 1, 5, 7)


def test_a_slice_of_a_mask_lists_blocks_and_does_not_attend() -> None:
    mask = create_block_mask(lambda b, h, q, k: q >= k + h, 2, 4, LENGTH, LENGTH)[1, :2]
    assert mask.shape == (1, 2, LENGTH, LENGTH)
    with pytest.raises(RuntimeError, match="^Cannot use mask_mod from a sliced BlockMask"):
        flex_attention(heads(2), heads(2), heads(2), block_mask=mask)


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (lambda q: (q[0], q, q), NotImplementedError, "NYI: query, key, and value must be 4D"),
        (lambda q: (q, q[..., :4], q), ValueError, "Expect query and key/value to have the same e"),
        (
            lambda q: (q, q[:, :1], q[:, :1]),
            ValueError,
            "Expect query and key/value to have the sa",
        ),
        (lambda q: (q, q, q[:, :, :5]), ValueError, "flex_attention: expected key and value of th"),
        (lambda q: (q[:1], q, q), ValueError, "Expect query and key/value to have the same batch"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(change: Any, kind: Any, message: str) -> None:
    with pytest.raises(kind, match=f"^{message}"):
        flex_attention(*change(heads()))


@pytest.mark.parametrize(("length", "advice"), [(5, "larger"), (400, "smaller")])
def test_a_mask_of_other_lengths_is_refused(length: int, advice: str) -> None:
    mask = create_block_mask(causal, None, None, 300, 300)
    q = tallow.ones(1, 1, length, 2)
    with pytest.raises(ValueError, match=f"^block_mask was created for .* a {advice} length"):
        flex_attention(q, q, q, block_mask=mask)


def test_an_order_for_kernels_is_refused() -> None:
    with pytest.raises(NotImplementedError, match="compute_dq_write_order"):
        create_block_mask(causal, None, None, 3, 3, compute_dq_write_order=True)


def test_no_places_are_no_results() -> None:
    q = tallow.ones(1, 1, 0, 2)
    mask = create_block_mask(causal, None, None, 0, 0)
    assert flex_attention(q, q, q, lambda s, b, h, i, j: s + 1, mask).shape == (1, 1, 0, 2)
