"""Matrix products with sparse factors, and softmax along a sparse dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow._composite import c_name
from tallow.sparse._rows import row_starts
from tallow.sparse._tensor import SparseTensor, added, linear_places, wrapped_dim

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = ["FUNCTIONS"]


def _check_matrices(name: str, x: Tensor, y: Tensor) -> None:
    if x.dim() != 2 or y.dim() != 2:
        raise RuntimeError(f"{name}: Expected 2D matrices, got {x.dim()}D and {y.dim()}D tensors")
    if x.size(1) != y.size(0):
        if isinstance(y, SparseTensor):
            raise RuntimeError(
                f"mat1 and mat2 shapes cannot be multiplied ({x.size(0)}x{x.size(1)} and "
                f"{y.size(0)}x{y.size(1)})"
            )
        raise RuntimeError(
            f"addmm: Argument #3 (dense): Expected dim 0 size {x.size(1)}, got {y.size(0)}"
        )
    if x.dtype != y.dtype:
        raise RuntimeError(
            f"expected mat1 and mat2 to have the same dtype, but got: {x.dtype} != {y.dtype}"
        )


def _mm(input: Any, mat2: Any) -> Any:
    """The product of two matrices; sparse if both are."""
    _check_matrices("mm", input, mat2)
    if not isinstance(input, SparseTensor):
        return _sparse_dense(mat2.t(), input.t()).t()
    if isinstance(mat2, SparseTensor):
        return _sparse_sparse(input.coalesce(), mat2.coalesce())
    return _sparse_dense(input, mat2)


_BAGS = (tallow.float32, tallow.float64, tallow.float16, tallow.bfloat16)


def _sparse_dense(matrix: SparseTensor, dense: Tensor) -> Tensor:
    """Each row of the product is a weighted sum of the dense rows that the columns name."""
    if matrix.sparse_dim() != 2:
        return matrix.to_dense() @ dense
    if dense.dtype not in _BAGS or not dense.numel():
        (rows, columns), values = matrix._parts
        return added(values.unsqueeze(1) * dense[columns], rows, matrix.size(0))
    ordered = matrix.coalesce()
    (rows, columns), values = ordered._parts
    return tallow.nn.functional.embedding_bag(
        columns,
        dense,
        row_starts(rows, matrix.size(0)),
        mode="sum",
        per_sample_weights=values,
        include_last_offset=True,
    )


def _sparse_sparse(x: SparseTensor, y: SparseTensor) -> SparseTensor:
    """Every element of x meets the elements in the row of y that its column names."""
    if x.sparse_dim() != 2 or y.sparse_dim() != 2:
        raise RuntimeError("mm: expected sparse matrices without dense dimensions")
    (rows, columns), values = x._parts
    starts = row_starts(y._parts[0][0], y.size(0))
    counts = tallow.diff(starts)[columns]
    left = tallow.arange(columns.numel(), device=columns.device).repeat_interleave(counts)
    before = counts.cumsum(0) - counts
    step = tallow.arange(left.numel(), device=left.device) - before[left]
    right = starts[columns[left]] + step
    indices = tallow.stack([rows[left], y._parts[0][1][right]])
    products = values[left] * y._parts[1][right]
    return SparseTensor._of(indices, products, (x.size(0), y.size(1))).coalesce()


def _mv(input: SparseTensor, vec: Tensor) -> Tensor:
    return _mm(input, vec.unsqueeze(1)).squeeze(1)


def _matmul(input: Any, other: Any) -> Any:
    if other.dim() == 1 and input.dim() == 2:
        return _mv(input, other)
    if input.dim() == 1 and other.dim() == 2:
        return _mm(input.unsqueeze(0), other).squeeze(0)
    if input.dim() == 3:
        return _bmm(input, other)
    return _mm(input, other)


def _bmm(input: SparseTensor, mat2: Tensor) -> Tensor:
    """Matrices of a batch lie on the diagonal of one large matrix."""
    if input.dim() != 3 or mat2.dim() != 3 or isinstance(mat2, SparseTensor):
        raise RuntimeError("bmm: expected a sparse and a dense batch of matrices")
    if input.sparse_dim() != 3 or input.size(0) != mat2.size(0) or input.size(2) != mat2.size(1):
        raise RuntimeError(f"bmm: batches of {list(input.shape)} and {list(mat2.shape)} do not fit")
    (batch, rows, columns), values = input._parts
    count, n, k = input.shape
    places = tallow.stack([batch * n + rows, batch * k + columns])
    diagonal = SparseTensor._of(places, values, (count * n, count * k))
    return _sparse_dense(diagonal, mat2.flatten(0, 1)).view(count, n, mat2.size(2))


def _addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    product = _mm(mat1, mat2)
    if alpha != 1:
        product = product * alpha
    return product + input * beta if beta != 1 else _sum_of(input, product)


def _sum_of(input: Any, product: Any) -> Any:
    return product + input if isinstance(input, SparseTensor) else input + product


def _linear(input: SparseTensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product: Tensor = _mm(input, weight.t())
    return product if bias is None else product + bias


def _hspmm(mat1: SparseTensor, mat2: Tensor) -> SparseTensor:
    """The product, sparse in its rows only."""
    product: Any = _mm(mat1, mat2)
    return product.to_sparse(1)


def _smm(input: SparseTensor, mat: Tensor) -> SparseTensor:
    product: Any = _mm(input, mat)
    return product.to_sparse()


def _softmax(input: SparseTensor, dim: int, dtype: Any = None) -> SparseTensor:
    return _normalised(input, dim, dtype, False)


def _log_softmax(input: SparseTensor, dim: int, dtype: Any = None) -> SparseTensor:
    return _normalised(input, dim, dtype, True)


def _normalised(input: SparseTensor, dim: int, dtype: Any, log: bool) -> SparseTensor:
    """Softmax over the listed elements along a dimension; those not listed are minus infinity."""
    ordered = input.coalesce()
    indices, values = ordered._parts
    if dtype is not None:
        values = values.to(dtype)
    if not values.is_floating_point():
        raise NotImplementedError(f"\"softmax\" not implemented for '{c_name(values.dtype)}'")
    dim = wrapped_dim(dim, input.dim())
    count = indices.size(0)
    if dim >= count:
        function = tallow.log_softmax if log else tallow.softmax
        return SparseTensor._of(indices, function(values, dim - count + 1), input.shape, True)
    others = [d for d in range(count) if d != dim]
    lines = linear_places(indices[others], [input.size(d) for d in others])
    _, line = tallow.unique(lines, return_inverse=True)
    lines_used = int(line.max()) + 1 if line.numel() else 0
    place = line.view(-1, *[1] * (values.dim() - 1)).expand_as(values)
    lowest = values.detach().new_full((lines_used, *values.shape[1:]), -float("inf"))
    most = lowest.scatter_reduce(0, place, values.detach(), "amax")
    shifted = values - most[line]
    sums = added(shifted.exp(), line, lines_used)[line]
    result = shifted - sums.log() if log else shifted.exp() / sums
    return SparseTensor._of(indices, result, input.shape, True)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "mm": _mm,
    "spmm": _mm,
    "dsmm": _mm,
    "mv": _mv,
    "matmul": _matmul,
    "__matmul__": _matmul,
    "__rmatmul__": lambda self, other: _matmul(other, self),
    "bmm": _bmm,
    "addmm": _addmm,
    "linear": _linear,
    "hspmm": _hspmm,
    "smm": _smm,
    "sparse_softmax": _softmax,
    "sparse_log_softmax": _log_softmax,
}
