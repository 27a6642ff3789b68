"""Attention beyond its table: special values, memory, layouts, wrong arguments."""

from __future__ import annotations

import numpy as np
import pytest

import tallow
from tallow.nn import functional as F

attend = F.scaled_dot_product_attention
kernel = tallow._C._VariableFunctions._scaled_dot_product_flash_attention_for_cpu


def random_qkv(*shape: int) -> list[tallow.Tensor]:
    tallow.manual_seed(3)
    return [tallow.randn(*shape, requires_grad=True) for _ in range(3)]


def test_no_matrix_of_all_weights_is_kept():
    q, k, v = random_qkv(1, 2, 1024, 16)
    before = tallow._C._memory_stats()["live_bytes"]
    out = attend(q, k, v, is_causal=True)
    kept = tallow._C._memory_stats()["live_bytes"] - before
    assert kept < 2 * out.numel() * 4


def test_a_query_that_sees_nothing_gets_zeros_and_gives_none():
    q, k, v = random_qkv(1, 1, 60, 8)
    mask = tallow.ones(60, 60, dtype=tallow.bool)
    mask[7] = False
    out = attend(q, k, v, mask)
    out.sum().backward()
    assert out[0, 0, 7].eq(0).all()
    assert q.grad[0, 0, 7].eq(0).all()
    assert out.isfinite().all()
    assert v.grad.isfinite().all()


def test_nan_and_infinity_reach_the_queries_that_see_them_only():
    q, k, v = (t.detach() for t in random_qkv(1, 1, 70, 8))
    k[0, 0, 50, 3] = float("nan")
    out = attend(q, k, v, is_causal=True)[0, 0]
    assert out[:50].isfinite().all()
    assert out[50:].isnan().all()
    mask = tallow.zeros(70, 70)
    mask[4, 2] = float("inf")
    assert attend(q, q, v, mask)[0, 0, 4].isnan().all()


def test_the_result_has_the_memory_order_of_the_query():
    q = tallow.randn(2, 5, 3, 8).transpose(1, 2)
    assert attend(q, q, q).stride() == q.stride()


def test_strided_operands_give_the_same_bits():
    q, k, v = (t.detach() for t in random_qkv(2, 3, 75, 16))
    strided = [t.transpose(1, 2).contiguous().transpose(1, 2) for t in (q, k, v)]
    for causal in (False, True):
        assert tallow.equal(attend(q, k, v, is_causal=causal), attend(*strided, is_causal=causal))


def test_logsumexp_is_that_of_the_scores():
    q, k, v = (t.detach() for t in random_qkv(1, 2, 5, 4))
    scores = (q @ k.transpose(-1, -2)) * 0.5
    assert tallow.allclose(kernel(q, k, v)[1], scores.logsumexp(-1))


def test_dropout_takes_the_weights_apart():
    q, k, v = random_qkv(1, 1, 4, 4)
    tallow.manual_seed(0)
    dropped = attend(q, k, v, dropout_p=0.5)
    assert not tallow.allclose(dropped, attend(q, k, v))


def test_long_rows_match_float64():
    q, k, v = (t.detach() for t in random_qkv(1, 1, 3, 8))
    k, v = k.repeat(1, 1, 2000, 1), v.repeat(1, 1, 2000, 1)
    exact = attend(q.double(), k.double(), v.double()).numpy()
    assert np.abs(attend(q, k, v).numpy() - exact).max() < 1e-6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"q": tallow.ones(2, 2)}, "Accept only 4 dims inputs"),
        ({"k": tallow.ones(1, 2, 3, 5)}, "Q/K/V should have the same head size"),
        ({"k": tallow.ones(1, 2, 4, 4)}, "key and value must have the same heads and rows"),
        ({"k": tallow.ones(2, 2, 3, 4)}, "must have the same batch size"),
        ({"v": tallow.ones(1, 2, 3, 4).double()}, "expected scalar type Float but found Double"),
        ({"q": tallow.ones(1, 3, 3, 4)}, "must divide that of the query, 3"),
        ({"dropout_p": 0.1}, "Currently do not support dropout > 0"),
    ],
)
def test_the_kernel_refuses(change, message):
    arguments = dict.fromkeys("qkv", tallow.ones(1, 2, 3, 4)) | change
    with pytest.raises(RuntimeError, match=message):
        kernel(
            arguments["q"], arguments["k"], arguments["v"], dropout_p=arguments.get("dropout_p", 0)
        )
