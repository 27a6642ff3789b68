"""Attention."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import tallow
from tallow import _C
from tallow._user_frame import outside_stacklevel
from tallow.nn.functional.dropout import dropout
from tallow.nn.functional.linear import linear
from tallow.nn.functional.padding import pad
from tallow.overrides import handle_torch_function, has_torch_function_variadic

if TYPE_CHECKING:
    from tallow import dtype as DType
    from tallow._tensor import Tensor

__all__ = ["multi_head_attention_forward", "scaled_dot_product_attention"]

_VF = _C._VariableFunctions


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Average values, weighted by the softmax of the products of queries and keys.

    Args:
        query: ``(*, L, E)``.
        key: ``(*, S, E)``.
        value: ``(*, S, V)``.
        attn_mask: broadcasts to ``(*, L, S)``. A bool mask is true where a key takes part; any
            other one is added to the products.
        dropout_p: probability with which a weight is dropped.
        is_causal: let position ``i`` see keys up to ``i`` only.
        scale: factor on the products; ``1 / sqrt(E)`` by default.
        enable_gqa: repeat the heads (dimension -3) of key and value to the number of the query's.

    Returns:
        ``(*, L, V)``; a query that sees no key gets zeros.

    Raises:
        RuntimeError: the shapes or dtypes do not fit.

    Source: A. Vaswani et al., Attention is all you need, NIPS 2017, equation 1.
    """
    tensors = (query, key, value) if attn_mask is None else (query, key, value, attn_mask)
    if has_torch_function_variadic(*tensors):
        return handle_torch_function(
            scaled_dot_product_attention,
            tensors,
            query,
            key,
            value,
            attn_mask=attn_mask,
            dropout_p=dropout_p,
            is_causal=is_causal,
            scale=scale,
            enable_gqa=enable_gqa,
        )
    plain = attn_mask is None and not dropout_p and query.dim() == 4 and query.is_cpu
    if plain and query.shape == key.shape == value.shape and _same_floating(query, key, value):
        return _VF._scaled_dot_product_flash_attention_for_cpu(
            query, key, value, 0.0, is_causal, scale=scale
        )[0]
    _check_attention(query, key, value, attn_mask)
    if not dropout_p and _has_kernel(query, key, value, attn_mask, enable_gqa):
        lead = (None,) * (4 - query.dim())
        if lead:
            query, key, value = query[lead], key[lead], value[lead]
        attended = _VF._scaled_dot_product_flash_attention_for_cpu(
            query, key, value, 0.0, is_causal, attn_mask=attn_mask, scale=scale
        )[0]
        return attended[(0,) * len(lead)] if lead else attended
    if enable_gqa:
        heads, key_heads, value_heads = query.size(-3), key.size(-3), value.size(-3)
        if heads % key_heads != 0 or heads % value_heads != 0:
            raise RuntimeError(
                "Number of heads in key and value must divide the number of heads in query"
            )
        key = key.repeat_interleave(heads // key_heads, -3)
        value = value.repeat_interleave(heads // value_heads, -3)
    if scale is None:
        scale = 1.0 / math.sqrt(query.size(-1)) if query.size(-1) else 1.0
    # Half of the factor on each side keeps the products of half types in range.
    root = math.sqrt(abs(scale))
    scores = (query * math.copysign(root, scale)).matmul((key * root).transpose(-2, -1))
    masked = attn_mask is not None or is_causal
    if is_causal:
        visible = _VF.ones(
            (query.size(-2), key.size(-2)), dtype=tallow.bool, device=query.device
        ).tril()
        scores = scores.masked_fill(~visible, -math.inf)
    if attn_mask is not None:
        if attn_mask.dtype == tallow.bool:
            scores = scores.masked_fill(~attn_mask, -math.inf)
        else:
            scores = scores + attn_mask
    if masked:
        blind = (scores == -math.inf).all(-1, keepdim=True)
        weights = scores.masked_fill(blind, 0.0).softmax(-1).masked_fill(blind, 0.0)
    else:
        weights = scores.softmax(-1)
    if dropout_p:
        weights = dropout(weights, dropout_p)
    return weights.matmul(value)


def _same_floating(query: Tensor, key: Tensor, value: Tensor) -> bool:
    dtype = query.dtype
    return dtype == key.dtype and dtype == value.dtype and query.is_floating_point()


def _has_kernel(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, enable_gqa: bool
) -> bool:
    """Tell whether the native kernel can do it: no broadcasting but of the mask and the heads."""
    q, k, v = tuple(query.shape), tuple(key.shape), tuple(value.shape)
    if not (len(q) == len(k) == len(v) <= 4 and query.is_cpu and query.is_floating_point()):
        return False
    if k[:-1] != v[:-1] or q[-1] != k[-1] or q[:-3] != k[:-3]:
        return False
    if q[:-2] != k[:-2] and not (enable_gqa and k[-3] and q[-3] % k[-3] == 0):
        return False
    if attn_mask is None:
        return True
    scores = (*q[:-1], k[-2])
    m = attn_mask.shape
    return (
        not (attn_mask.requires_grad and tallow.is_grad_enabled())
        and len(m) <= len(scores)
        and all(a in (1, b) for a, b in zip(reversed(m), reversed(scores), strict=False))
    )


def _check_attention(query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None) -> None:
    if min(query.dim(), key.dim(), value.dim()) < 2:
        raise RuntimeError(
            "Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
            f"{query.dim()} key.dim: {key.dim()} and value.dim: {value.dim()} instead."
        )
    if not query.dtype == key.dtype == value.dtype:
        raise RuntimeError(
            "Expected query, key, and value to have the same dtype, but got query.dtype: "
            f"{_c_name(query.dtype)} key.dtype: {_c_name(key.dtype)} and value.dtype: "
            f"{_c_name(value.dtype)} instead."
        )
    if attn_mask is None or attn_mask.dtype in (tallow.bool, query.dtype):
        return
    if attn_mask.dtype != tallow.float32:
        raise RuntimeError(
            "Expected attn_mask dtype to be bool or float or to match query dtype, but got "
            f"attn_mask.dtype: {_c_name(attn_mask.dtype)} and  query.dtype: "
            f"{_c_name(query.dtype)} instead."
        )


def _c_name(dtype: DType) -> str:
    """Return the name of the C type behind a dtype."""
    name = repr(dtype).rpartition(".")[2]
    return {
        "float32": "float",
        "float64": "double",
        "float16": "c10::Half",
        "bfloat16": "c10::BFloat16",
        "int64": "long int",
        "int32": "int",
        "int16": "short int",
        "int8": "signed char",
        "uint8": "unsigned char",
    }.get(name, name)


def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Tensor | None,
    in_proj_bias: Tensor | None,
    bias_k: Tensor | None,
    bias_v: Tensor | None,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Tensor,
    out_proj_bias: Tensor | None,
    training: bool = True,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None,
    v_proj_weight: Tensor | None = None,
    static_k: Tensor | None = None,
    static_v: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Attend with several heads; the work of :class:`tallow.nn.MultiheadAttention`.

    Args:
        query: ``(L, N, E)`` or ``(L, E)``.
        key: ``(S, N, E_k)`` or ``(S, E_k)``.
        value: ``(S, N, E_v)`` or ``(S, E_v)``.
        embed_dim_to_check: ``E``.
        num_heads: divides ``E``.
        in_proj_weight: ``(3 * E, E)``, maps query, key and value.
        in_proj_bias: ``(3 * E,)``.
        bias_k: ``(1, 1, E)``, appended to the keys.
        bias_v: ``(1, 1, E)``, appended to the values.
        add_zero_attn: append a zero to keys and values.
        dropout_p: probability with which a weight is dropped in training.
        out_proj_weight: ``(E, E)``.
        out_proj_bias: ``(E,)``.
        training: apply dropout.
        key_padding_mask: ``(N, S)`` or ``(S,)``; true (or added minus infinity) hides a key.
        need_weights: return the weights as well.
        attn_mask: ``(L, S)`` or ``(N * num_heads, L, S)``; true (or added) hides a key.
        use_separate_proj_weight: map with the three following weights instead.
        q_proj_weight: ``(E, E)``.
        k_proj_weight: ``(E, E_k)``.
        v_proj_weight: ``(E, E_v)``.
        static_k: ``(N * num_heads, S, E / num_heads)``, in place of mapped keys.
        static_v: ``(N * num_heads, S, E / num_heads)``, in place of mapped values.
        average_attn_weights: average the weights over the heads.
        is_causal: a hint that ``attn_mask`` is the causal one.

    Returns:
        The output, in the shape of ``query``, and the weights, ``(N, L, S)`` or
        ``(N, num_heads, L, S)``, or ``None``.

    Raises:
        AssertionError: the shapes do not fit.
        RuntimeError: a mask does not fit.
    """
    tensors = (
        query,
        key,
        value,
        in_proj_weight,
        in_proj_bias,
        bias_k,
        bias_v,
        out_proj_weight,
        out_proj_bias,
    )
    if has_torch_function_variadic(*tensors):
        return handle_torch_function(
            multi_head_attention_forward,
            tensors,
            query,
            key,
            value,
            embed_dim_to_check,
            num_heads,
            in_proj_weight,
            in_proj_bias,
            bias_k,
            bias_v,
            add_zero_attn,
            dropout_p,
            out_proj_weight,
            out_proj_bias,
            training=training,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            use_separate_proj_weight=use_separate_proj_weight,
            q_proj_weight=q_proj_weight,
            k_proj_weight=k_proj_weight,
            v_proj_weight=v_proj_weight,
            static_k=static_k,
            static_v=static_v,
            average_attn_weights=average_attn_weights,
            is_causal=is_causal,
        )
    batched = _check_batched(query, key, value, key_padding_mask, attn_mask)
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        key_padding_mask = None if key_padding_mask is None else key_padding_mask.unsqueeze(0)
    length, n, embed_dim = query.shape
    key_padding_mask = _additive_mask(key_padding_mask, "key_padding_mask", query, attn_mask)
    if is_causal and attn_mask is None:
        raise RuntimeError(
            "Need attn_mask if specifying the is_causal hint. You may use the Transformer module "
            "method `generate_square_subsequent_mask` to create this mask."
        )
    use_hint = is_causal and key_padding_mask is None and not need_weights
    attn_mask = None if use_hint else _additive_mask(attn_mask, "attn_mask", query)
    assert embed_dim == embed_dim_to_check, (
        f"was expecting embedding dimension of {embed_dim_to_check}, but got {embed_dim}"
    )
    head_dim = embed_dim // num_heads
    assert head_dim * num_heads == embed_dim, (
        f"embed_dim {embed_dim} not divisible by num_heads {num_heads}"
    )
    if use_separate_proj_weight:
        assert key.shape[:2] == value.shape[:2], (
            f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}"
        )
        assert q_proj_weight is not None, "q_proj_weight is None but use_separate_proj_weight"
        assert k_proj_weight is not None, "k_proj_weight is None but use_separate_proj_weight"
        assert v_proj_weight is not None, "v_proj_weight is None but use_separate_proj_weight"
        biases = (None, None, None) if in_proj_bias is None else in_proj_bias.chunk(3)
        q = linear(query, q_proj_weight, biases[0])
        k = linear(key, k_proj_weight, biases[1])
        v = linear(value, v_proj_weight, biases[2])
    else:
        assert key.shape == value.shape, (
            f"key shape {key.shape} does not match value shape {value.shape}"
        )
        assert in_proj_weight is not None, "in_proj_weight is None"
        q, k, v = _project_packed(query, key, value, in_proj_weight, in_proj_bias)
    if attn_mask is not None:
        attn_mask = _as_3d_mask(attn_mask, (length, key.shape[0]), n * num_heads)
    if bias_k is not None and bias_v is not None:
        assert static_k is None, "bias cannot be added to static key."
        assert static_v is None, "bias cannot be added to static value."
        k = _VF.cat([k, bias_k.repeat(1, n, 1)])
        v = _VF.cat([v, bias_v.repeat(1, n, 1)])
        attn_mask, key_padding_mask = _one_more_key(attn_mask), _one_more_key(key_padding_mask)
    # (length, n, embed) -> (n * heads, length, head)
    q = q.reshape(length, n * num_heads, head_dim).transpose(0, 1)
    k = _split_heads(k, static_k, "key", n * num_heads, head_dim)
    v = _split_heads(v, static_v, "value", n * num_heads, head_dim)
    if add_zero_attn:
        zeros = k.new_zeros((n * num_heads, 1, head_dim))
        k, v = _VF.cat([k, zeros], 1), _VF.cat([v, zeros], 1)
        attn_mask, key_padding_mask = _one_more_key(attn_mask), _one_more_key(key_padding_mask)
    attn_mask = _merge_masks(attn_mask, key_padding_mask, n, num_heads, k.size(1))
    dropout_p = dropout_p if training else 0.0
    weights = None
    if need_weights:
        products = (q * math.sqrt(1.0 / head_dim)).bmm(k.transpose(1, 2))
        weights = (products if attn_mask is None else products + attn_mask).softmax(-1)
        if dropout_p > 0.0:
            weights = dropout(weights, dropout_p)
        attended = weights.bmm(v)
        weights = weights.view(n, num_heads, length, k.size(1))
        weights = weights.mean(1) if average_attn_weights else weights
    else:
        attended = scaled_dot_product_attention(q, k, v, attn_mask, dropout_p, use_hint)
    output = linear(
        attended.transpose(0, 1).reshape(length * n, embed_dim), out_proj_weight, out_proj_bias
    ).view(length, n, out_proj_weight.size(0))
    if not batched:
        return output.squeeze(1), None if weights is None else weights.squeeze(0)
    return output, weights


def _check_batched(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None,
    attn_mask: Tensor | None,
) -> bool:
    """Check the numbers of dimensions; return whether there is a batch dimension."""
    if query.dim() not in (2, 3):
        raise AssertionError(
            "query should be unbatched 2D or batched 3D tensor but received "
            f"{query.dim()}-D query tensor"
        )
    batched = query.dim() == 3
    kind = "batched (3-D)" if batched else "unbatched (2-D)"
    assert key.dim() == value.dim() == query.dim(), (
        f"For {kind} `query`, expected `key` and `value` to be {query.dim()}-D but found "
        f"{key.dim()}-D and {value.dim()}-D tensors respectively"
    )
    if key_padding_mask is not None:
        assert key_padding_mask.dim() == query.dim() - 1, (
            f"For {kind} `query`, expected `key_padding_mask` to be `None` or {query.dim() - 1}-D "
            f"but found {key_padding_mask.dim()}-D tensor instead"
        )
    if attn_mask is not None:
        assert attn_mask.dim() in (2, 3), (
            f"For {kind} `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found "
            f"{attn_mask.dim()}-D tensor instead"
        )
    return batched


def _additive_mask(
    mask: Tensor | None, name: str, query: Tensor, other: Tensor | None = None
) -> Tensor | None:
    """Turn a bool mask (true hides) into one to add to the products."""
    if mask is None:
        return None
    is_bool = mask.dtype == tallow.bool
    if not is_bool and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {name} are supported")
    if other is not None and other.dtype != mask.dtype:
        warnings.warn(
            f"Support for mismatched {name} and attn_mask is deprecated. Use same type for both "
            "instead.",
            stacklevel=outside_stacklevel(),
        )
    if not is_bool:
        return mask
    return _VF.zeros_like(mask, dtype=query.dtype).masked_fill_(mask, -math.inf)


def _as_3d_mask(mask: Tensor, shape: tuple[int, int], heads: int) -> Tensor:
    """Check an attention mask and give it a dimension for the heads."""
    if mask.dim() == 2:
        if tuple(mask.shape) != shape:
            raise RuntimeError(
                f"The shape of the 2D attn_mask is {mask.shape}, but should be {shape}."
            )
        return mask.unsqueeze(0)
    if tuple(mask.shape) != (heads, *shape):
        raise RuntimeError(
            f"The shape of the 3D attn_mask is {mask.shape}, but should be {(heads, *shape)}."
        )
    return mask


def _project_packed(
    query: Tensor, key: Tensor, value: Tensor, weight: Tensor, bias: Tensor | None
) -> tuple[Tensor, ...]:
    """Map query, key and value with the parts of one weight, in as few products as possible."""
    embed_dim = query.size(-1)
    if key is value:
        if query is key:
            return linear(query, weight, bias).chunk(3, -1)
        parts = [embed_dim, 2 * embed_dim]
        query_weight, rest = weight.split(parts)
        query_bias, rest_bias = (None, None) if bias is None else bias.split(parts)
        return (linear(query, query_weight, query_bias), *linear(key, rest, rest_bias).chunk(2, -1))
    biases = (None, None, None) if bias is None else bias.chunk(3)
    return tuple(
        linear(x, w, b)
        for x, w, b in zip((query, key, value), weight.chunk(3), biases, strict=True)
    )


def _one_more_key(mask: Tensor | None) -> Tensor | None:
    return None if mask is None else pad(mask, (0, 1))


def _split_heads(
    mapped: Tensor, static: Tensor | None, name: str, heads: int, head_dim: int
) -> Tensor:
    if static is None:
        return mapped.reshape(mapped.shape[0], heads, head_dim).transpose(0, 1)
    assert static.size(0) == heads, (
        f"expecting static_{name[0]}.size(0) of {heads}, but got {static.size(0)}"
    )
    assert static.size(2) == head_dim, (
        f"expecting static_{name[0]}.size(2) of {head_dim}, but got {static.size(2)}"
    )
    return static


def _merge_masks(
    attn_mask: Tensor | None, key_padding_mask: Tensor | None, n: int, heads: int, keys: int
) -> Tensor | None:
    if key_padding_mask is None:
        return attn_mask
    assert key_padding_mask.shape[0] == n, (
        f"Expected key_padded_mask.shape[0] to be {n}, but got {key_padding_mask.shape[0]}"
    )
    assert key_padding_mask.shape[1] == keys, (
        f"Expected key_padded_mask.shape[1] to be {keys}, but got {key_padding_mask.shape[1]}"
    )
    merged = key_padding_mask.view(n, 1, 1, keys).expand(n, heads, 1, keys)
    merged = merged.reshape(n * heads, 1, keys)
    return merged if attn_mask is None else attn_mask + merged
