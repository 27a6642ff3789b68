"""Arithmetic with sparse tensors, element by element, and their sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.sparse._attributes import with_values
from tallow.sparse._tensor import SparseTensor, linear_places, wrapped_dim

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = ["FUNCTIONS", "take_over"]

FUNCTIONS: dict[str, Callable[..., Any]] = {}


def take_over(x: SparseTensor, result: Any) -> SparseTensor:
    """Make `x` what the result of an in-place function is."""
    if x.requires_grad and x.is_leaf and tallow.is_grad_enabled():
        raise RuntimeError(
            "a leaf Variable that requires grad is being used in an in-place operation."
        )
    if result.shape != x.shape or result.dtype != x.dtype:
        raise RuntimeError(
            f"output with shape {list(x.shape)} of {x.dtype} cannot hold a result of shape "
            f"{list(result.shape)} of {result.dtype}"
        )
    x._parts, x._is_coalesced = result._parts, result._is_coalesced
    return x


def _with_inplace(name: str, function: Callable[..., Any], *operators: str) -> None:
    """Enter a function, its operators, and the forms of both that change their first argument."""

    def inplace(x: Any, *args: Any, **options: Any) -> Any:
        if isinstance(x, SparseTensor):
            return take_over(x, function(x, *args, **options))
        return x.copy_(function(x, *args, **options))

    FUNCTIONS[name] = function
    FUNCTIONS[f"{name}_"] = inplace
    for operator in operators:
        FUNCTIONS[f"__{operator}__"] = function
        FUNCTIONS[f"__i{operator}__"] = inplace


def _is_number(value: Any) -> bool:
    return not isinstance(value, tallow.Tensor) or (
        not isinstance(value, SparseTensor) and value.dim() == 0
    )


def _same_sizes(name: str, x: Tensor, y: Tensor) -> None:
    if x.shape != y.shape:
        raise RuntimeError(
            f"{name}: expected sizes of 'self' and 'other' to match, but {list(x.shape)} != "
            f"{list(y.shape)}"
        )


# ---- Sums of tensors.


def _add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    if not isinstance(other, SparseTensor):
        if isinstance(other, tallow.Tensor):
            raise RuntimeError(
                "add(sparse, dense) is not supported. Use add(dense, sparse) instead."
            )
        raise NotImplementedError(
            "add(): a number cannot be added to a sparse tensor: call to_dense() first"
        )
    if not isinstance(input, SparseTensor):
        return _dense_add(input, other, alpha)
    _same_sizes("add", input, other)
    if input.sparse_dim() != other.sparse_dim():
        raise RuntimeError(
            "add: expected 'self' and 'other' to have same number of sparse dimensions, but "
            f"{input.sparse_dim()} != {other.sparse_dim()}"
        )
    scaled = other._parts[1] if alpha == 1 else other._parts[1] * alpha
    dtype = tallow.result_type(input._parts[1], scaled)
    if input._parts[0].shape == other._parts[0].shape and input._parts[0].equal(other._parts[0]):
        return with_values(input, input._parts[1] + scaled)
    values = tallow.cat([input._parts[1].to(dtype), scaled.to(dtype)])
    indices = tallow.cat([input._parts[0], other._parts[0]], 1)
    sum_of = SparseTensor._of(indices, values, input.shape)
    return sum_of.coalesce() if input._is_coalesced and other._is_coalesced else sum_of


def _dense_add(input: Tensor, other: SparseTensor, alpha: Any) -> Tensor:
    _same_sizes("add", input, other)
    values = other._parts[1] if alpha == 1 else other._parts[1] * alpha
    dtype = tallow.result_type(input, values)
    if not other.sparse_dim():
        return input.to(dtype) + other.to_dense(dtype) * alpha
    return input.to(dtype).index_put(tuple(other._parts[0]), values.to(dtype), accumulate=True)


def _add_(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    if isinstance(input, SparseTensor):
        return take_over(input, _add(input, other, alpha=alpha))
    _same_sizes("add", input, other)
    if not other.sparse_dim():
        return input.add_(other.to_dense(), alpha=alpha)
    values = other._parts[1] if alpha == 1 else other._parts[1] * alpha
    return input.index_put_(tuple(other._parts[0]), values.to(input.dtype), accumulate=True)


def _sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return _add(input, other, alpha=-alpha)


def _sub_(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    return _add_(input, other, alpha=-alpha)


FUNCTIONS.update(
    dict.fromkeys(("add", "__add__", "__radd__"), _add)
    | dict.fromkeys(("add_", "__iadd__"), _add_)
    | dict.fromkeys(("sub", "subtract", "__sub__"), _sub)
    | dict.fromkeys(("sub_", "subtract_", "__isub__"), _sub_)
)
FUNCTIONS["__radd__"] = lambda self, other: _add(other, self)
FUNCTIONS["__rsub__"] = lambda self, other: _add(other, self, alpha=-1)


# ---- Products: where either factor is zero, so is the product.


def _mul(input: Any, other: Any) -> Any:
    if not isinstance(input, SparseTensor):
        input, other = other, input
    if _is_number(other):
        return with_values(input, input._parts[1] * other)
    if not isinstance(other, SparseTensor):
        spread = other.expand(input.shape)
        return with_values(input, input._parts[1] * spread[tuple(input._parts[0])])
    _same_sizes("mul", input, other)
    return _at_common_places(input.coalesce(), other.coalesce())


def _at_common_places(x: SparseTensor, y: SparseTensor) -> SparseTensor:
    sizes = x.shape[: x.sparse_dim()]
    mine, theirs = (linear_places(part._parts[0], sizes) for part in (x, y))
    if not theirs.numel():
        mine = mine[:0]
    at = tallow.searchsorted(theirs, mine).clamp(max=max(theirs.numel() - 1, 0))
    common = (theirs[at] == mine).nonzero().squeeze(1)
    values = x._parts[1][common] * y._parts[1][at[common]]
    return SparseTensor._of(x._parts[0][:, common], values, x.shape, True)


def _div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    if isinstance(input, SparseTensor) and _is_number(other):
        if rounding_mode is not None and input.layout is tallow.sparse_coo:
            input = input.coalesce()  # rounding parts is not rounding their sum
        values = tallow.div(input._parts[1], other, rounding_mode=rounding_mode)
        return with_values(input, values)
    raise RuntimeError("Sparse division requires a scalar or zero-dim dense tensor divisor")


def _floor_div(input: Any, other: Any) -> Any:
    return _div(input, other, rounding_mode="floor")


_with_inplace("mul", _mul, "mul")
_with_inplace("multiply", _mul)
_with_inplace("div", _div, "truediv")
_with_inplace("divide", _div)
_with_inplace("true_divide", _div)
_with_inplace("floor_divide", _floor_div, "floordiv")
FUNCTIONS["__rmul__"] = _mul


# ---- Functions that leave zero where it is.


def _value_by_value(name: str) -> Callable[..., Any]:
    def function(input: SparseTensor, *args: Any, **options: Any) -> SparseTensor:
        summed = input.coalesce() if input.layout is tallow.sparse_coo else input
        return with_values(summed, getattr(tallow, name)(summed._parts[1], *args, **options))

    return function


_WITH_INPLACE = (
    "abs absolute asin arcsin asinh arcsinh atan arctan atanh arctanh ceil conj_physical deg2rad"
    " erf erfinv expm1 floor frac log1p neg negative rad2deg relu round sgn sign sin sinh sqrt"
    " square tan tanh trunc fix"
)
_WITHOUT = "conj resolve_conj resolve_neg isnan isinf isneginf isposinf signbit positive"
for _name in _WITH_INPLACE.split():
    _with_inplace(_name, _value_by_value(_name))
for _name in _WITHOUT.split():
    FUNCTIONS[_name] = _value_by_value(_name)
FUNCTIONS["__neg__"] = FUNCTIONS["neg"]
FUNCTIONS["__pos__"] = FUNCTIONS["positive"]
FUNCTIONS["__abs__"] = FUNCTIONS["abs"]


def _pow(input: Any, exponent: Any) -> SparseTensor:
    if not isinstance(input, SparseTensor) or not _is_number(exponent) or not exponent > 0:
        raise RuntimeError("pow: a sparse tensor takes a positive number as exponent")
    return with_values(input.coalesce(), input.coalesce()._parts[1] ** exponent)


_with_inplace("pow", _pow, "pow")


# ---- Sums, norms and tests over elements.


def _sum(input: SparseTensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum of all elements, or along dimensions: sparse while a sparse dimension is left."""
    indices, values = input._parts
    if dtype is not None:
        values = values.to(dtype)
    if dim is None or dim == ():
        return values.sum()
    given = (dim,) if isinstance(dim, int) else dim
    dims = sorted({wrapped_dim(d, input.dim()) for d in given})
    count = indices.size(0)
    inner = [d - count + 1 for d in dims if d >= count]
    if inner:
        values = values.sum(inner, keepdim=keepdim)
    kept = [d for d in range(count) if d not in dims]
    size = [1 if d in dims else n for d, n in enumerate(input.shape) if keepdim or d not in dims]
    if not kept:
        total = values.sum(0)
        return total.reshape(size)
    rows = [indices[d] if d in kept else indices[d] * 0
            for d in range(count) if keepdim or d in kept]  # fmt: skip
    return SparseTensor._of(tallow.stack(rows), values, size).coalesce()


def _mean_refused(input: Any, *args: Any, **options: Any) -> None:
    raise NotImplementedError(
        "Could not run 'aten::mean.dim' with arguments from the 'SparseCPU' backend. The mean "
        "counts the zeros: divide the sum by the number of elements."
    )


def _norm(
    input: SparseTensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Any:
    if dim is not None or keepdim or dtype is not None:
        raise NotImplementedError("norm: a sparse tensor has a norm of all elements only")
    return input.coalesce()._parts[1].norm(2 if p in ("fro", None) else p)


def _any(input: SparseTensor) -> Any:
    return input.coalesce()._parts[1].any()


FUNCTIONS.update(sum=_sum, mean=_mean_refused, norm=_norm, any=_any)


def _zero_(input: SparseTensor) -> SparseTensor:
    return take_over(input, tallow.zeros_like(input))


def _copy_(input: Any, src: Any, non_blocking: bool = False) -> Any:
    if not isinstance(input, SparseTensor) or not isinstance(src, SparseTensor):
        raise RuntimeError(
            "copy_() between dense and sparse Tensors is not implemented! Found self type = "
            f"{input.type()} and src type = {src.type()}"
        )
    return take_over(input, src.to(input.dtype).clone())


FUNCTIONS.update(zero_=_zero_, copy_=_copy_)
