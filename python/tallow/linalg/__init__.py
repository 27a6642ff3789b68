"""Linear algebra: norms and products here, what needs a factorisation in the files beside."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow._absent import AbsentName

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow import Tensor

from tallow.linalg._factors import (
    cholesky,
    cholesky_ex,
    householder_product,
    lu,
    lu_factor,
    lu_factor_ex,
    lu_solve,
    qr,
)
from tallow.linalg._functions import cross, matrix_exp, matrix_power
from tallow.linalg._indefinite import ldl_factor, ldl_factor_ex, ldl_solve
from tallow.linalg._lapack import LinAlgError
from tallow.linalg._least_squares import cond, lstsq, matrix_rank, pinv
from tallow.linalg._solving import (
    det,
    inv,
    inv_ex,
    slogdet,
    solve,
    solve_ex,
    solve_triangular,
    tensorinv,
    tensorsolve,
)
from tallow.linalg._spectral import eig, eigh, eigvals, eigvalsh, svd, svdvals

__all__ = [
    "LinAlgError",
    "cholesky",
    "cholesky_ex",
    "cond",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "householder_product",
    "inv",
    "inv_ex",
    "ldl_factor",
    "ldl_factor_ex",
    "ldl_solve",
    "lstsq",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "matmul",
    "matrix_exp",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "multi_dot",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "svd",
    "svdvals",
    "tensorinv",
    "tensorsolve",
    "vander",
    "vecdot",
    "vector_norm",
]


def vector_norm(
    x: Tensor,
    ord: float = 2,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    dtype: Any = None,
    out: Tensor | None = None,
) -> Tensor:
    """Return ``(sum |x|**ord) ** (1 / ord)`` over all elements or some dimensions.

    Args:
        x: floating point or complex.
        ord: order; 0 counts non-zero elements, an infinity takes the largest or smallest.
        dim: dimensions to reduce; all by default.
        keepdim: keep reduced dimensions with size 1.
        dtype: convert the input first.
        out: receives the result.

    Raises:
        RuntimeError: an integer input, or an infinite norm of nothing.

    Example:
        >>> vector_norm(tallow.tensor([3.0, -4.0]))
        tensor(5.)
    """
    result = _C._VariableFunctions.norm(x, ord, dim, keepdim, dtype=dtype)
    return result if out is None else out.copy_(result)


def matrix_norm(
    A: Tensor,
    ord: float | str = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> Tensor:
    """Return a norm of matrices.

    Args:
        A: floating point or complex, at least two-dimensional.
        ord: ``'fro'``, ``'nuc'``, 2, -2 (sum, largest, smallest of the singular values), 1, -1
            (extreme column sum), inf, -inf (extreme row sum).
        dim: the two dimensions of the matrices.
        keepdim: keep them with size 1.
        dtype: convert the input first.

    Raises:
        RuntimeError: any other order.

    Example:
        >>> matrix_norm(tallow.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
        tensor(6.)
    """
    if len(dim) != 2:
        raise RuntimeError(
            "linalg.matrix_norm: dim must be a 2-tuple. Got " + " ".join(map(str, dim))
        )
    if A.dim() < 2:
        raise RuntimeError(
            "linalg.matrix_norm: The input tensor A must have at least 2 dimensions."
        )
    if dtype is not None:
        A = A.to(dtype)
    if ord == "fro":
        return vector_norm(A, 2, dim, keepdim)
    if ord in ("nuc", 2, -2):
        values = svdvals(A.movedim(tuple(dim), (-2, -1)))
        result = (
            values.sum(-1) if ord == "nuc" else values.amax(-1) if ord == 2 else values.amin(-1)
        )
        for d in sorted(d % A.dim() for d in dim) if keepdim else ():
            result = result.unsqueeze(d)
        return result
    if ord not in (1, -1, math.inf, -math.inf):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    row, column = (d % A.dim() for d in dim)
    summed, extreme = (row, column) if abs(float(ord)) == 1 else (column, row)
    sums = A.abs().sum(summed, keepdim=True)
    if float(ord) > 0 and sums.size(extreme) == 0:
        result = sums.sum(extreme, keepdim=True)  # the largest of no sums is 0
    else:
        result = (tallow.amax if float(ord) > 0 else tallow.amin)(sums, extreme, keepdim=True)
    return result if keepdim else result.squeeze((row, column))


def norm(
    A: Tensor,
    ord: float | str | None = None,
    dim: int | Sequence[int] | None = None,
    keepdim: bool = False,
    *,
    out: Tensor | None = None,
    dtype: Any = None,
) -> Tensor:
    """Return a vector or matrix norm.

    Args:
        A: floating point or complex.
        ord: without it the root of the sum of squares; otherwise the order of a vector norm (one
            dimension) or of a matrix norm (two).
        dim: dimensions to reduce; all by default.
        keepdim: keep reduced dimensions with size 1.
        out: receives the result.
        dtype: convert the input first.

    Example:
        >>> norm(tallow.tensor([3.0, 4.0]))
        tensor(5.)
    """
    if ord is not None and dim is None and A.dim() not in (1, 2):
        raise RuntimeError(
            "linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. "
            f"Got {A.dim()}D."
        )
    pair = not isinstance(dim, int) and dim is not None and len(dim) == 2
    if ord is not None and (isinstance(ord, str) or pair or (dim is None and A.dim() == 2)):
        chosen: Any = (-2, -1) if dim is None else dim
        result = matrix_norm(A, ord, chosen, keepdim, dtype=dtype)
    else:
        result = vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)
    return result if out is None else out.copy_(result)


def matmul(input: Tensor, other: Tensor, *, out: Tensor | None = None) -> Tensor:
    """Multiply matrices; see :func:`tallow.matmul`."""
    return tallow.matmul(input, other, out=out)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """View the diagonals of matrices; see :func:`tallow.diagonal`."""
    return tallow.diagonal(A, offset, dim1, dim2)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1, out: Tensor | None = None) -> Tensor:
    """Multiply vectors along one dimension and sum; complex `x` is conjugated.

    Args:
        x: left vectors.
        y: right vectors.
        dim: dimension of the vectors.
        out: receives the result.

    Example:
        >>> vecdot(tallow.tensor([1.0, 2.0]), tallow.tensor([3.0, 4.0]))
        tensor(11.)
    """
    result = ((x.conj() if x.is_complex() else x) * y).sum(dim)
    return result if out is None else out.copy_(result)


def multi_dot(tensors: Sequence[Tensor], *, out: Tensor | None = None) -> Tensor:
    """Multiply several matrices in the cheapest order; the ends may be vectors.

    Args:
        tensors: at least two, all matrices except the first and the last.
        out: receives the result.

    Raises:
        RuntimeError: fewer than two tensors.

    Example:
        >>> multi_dot([tallow.ones(3), tallow.ones(3, 2), tallow.ones(2)])
        tensor(6.)
    """
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    row, column = tensors[0].dim() == 1, tensors[-1].dim() == 1
    matrices = list(tensors)
    if row:
        matrices[0] = matrices[0].unsqueeze(0)
    if column:
        matrices[-1] = matrices[-1].unsqueeze(1)
    result = tallow.chain_matmul(*matrices)
    if row:
        result = result.squeeze(0)
    if column:
        result = result.squeeze(-1)
    return result if out is None else out.copy_(result)


def vander(x: Tensor, *, N: int | None = None) -> Tensor:
    """Return the powers ``x**0 .. x**(N - 1)`` of each element, along a new last dimension.

    Args:
        x: any numbers.
        N: number of powers; by default as many as elements.

    Example:
        >>> vander(tallow.tensor([2, 3]), N=3)
        tensor([[1, 2, 4],
                [1, 3, 9]])
    """
    x = x.unsqueeze(0) if x.dim() == 0 else x
    count = x.size(-1) if N is None else N
    return x.unsqueeze(-1) ** tallow.arange(count, device=x.device)


def __getattr__(name: str) -> Any:
    raise AbsentName(__name__, name, lambda: __all__)
