"""Sparse tensors: coordinates and values, or compressed rows. Made when first used.

See :func:`tallow.sparse_coo_tensor`, :func:`tallow.sparse_csr_tensor` and ``Tensor.to_sparse``. The
layouts ``sparse_csc``, ``sparse_bsr`` and ``sparse_bsc`` are not supported.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import tallow
from tallow._absent import name_absent_ones
from tallow.sparse import _products
from tallow.sparse._rows import SparseRows, sparse_csr_tensor
from tallow.sparse._tensor import SparseTensor, sparse_coo_tensor, to_sparse_coo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tallow import Tensor

__all__ = [
    *("BFloat16Tensor", "ByteTensor", "CharTensor", "DoubleTensor", "FloatTensor", "HalfTensor"),
    *("IntTensor", "LongTensor", "ShortTensor"),
    "SparseRows",
    "SparseTensor",
    "addmm",
    "check_sparse_tensor_invariants",
    "dsmm",
    "hspmm",
    "log_softmax",
    "mm",
    "sampled_addmm",
    "smm",
    "softmax",
    "sparse_coo_tensor",
    "sparse_csr_tensor",
    "spdiags",
    "spmm",
    "sum",
    "to_sparse_coo",
]


def mm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """Multiply matrices, one or both of them sparse.

    Args:
        mat1: ``(n, k)``.
        mat2: ``(k, m)``.

    Returns:
        ``(n, m)``, sparse if both are. Gradients of sparse factors have their places.

    Raises:
        RuntimeError: sizes or dtypes that do not fit.

    Example:
        >>> import tallow
        >>> tallow.sparse.mm(tallow.eye(2).to_sparse(), tallow.ones(2, 1))
        tensor([[1.],
                [1.]])
    """
    return tallow.mm(mat1, mat2)


spmm = dsmm = mm


def addmm(mat: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1) -> Tensor:
    """Return ``beta * mat + alpha * (mat1 @ mat2)`` for a sparse `mat1`."""
    return tallow.addmm(mat, mat1, mat2, beta=beta, alpha=alpha)


def hspmm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """Return the product of a sparse and a dense matrix, sparse in its rows."""
    return _products._hspmm(_sparse("hspmm", mat1), mat2)


def smm(input: Tensor, mat: Tensor) -> Tensor:
    """Return the product of a sparse and a dense matrix as a sparse tensor."""
    return _products._smm(_sparse("smm", input), mat)


def sum(input: Tensor, dim: Any = None, dtype: Any = None) -> Tensor:
    """Add the elements of a sparse tensor.

    Args:
        input: a sparse tensor.
        dim: one dimension or several; all by default.
        dtype: of the result; the input's by default.

    Returns:
        Dense if all sparse dimensions are added, else sparse.

    Example:
        >>> import tallow
        >>> tallow.sparse.sum(tallow.eye(3).to_sparse())
        tensor(3.)
    """
    return tallow.sum(input, dim, dtype=dtype) if dim is not None else input.sum(dtype=dtype)


def softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Apply softmax to the listed elements along a dimension, the others being minus infinity."""
    return _products._softmax(_sparse("softmax", input), dim, dtype)


def log_softmax(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
    """Apply log_softmax to the listed elements along a dimension; see :func:`softmax`."""
    return _products._log_softmax(_sparse("log_softmax", input), dim, dtype)


def _sparse(name: str, x: Any) -> SparseTensor:
    if not isinstance(x, SparseTensor):
        raise NotImplementedError(f"sparse.{name}: expected a sparse tensor, given a dense one")
    coordinates: Any = x.to_sparse_coo()
    return coordinates


def sampled_addmm(
    input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Any = 1, alpha: Any = 1
) -> Tensor:
    """Return ``beta * input + alpha * (mat1 @ mat2)`` at the places of `input`.

    Args:
        input: ``(n, m)`` as compressed rows.
        mat1: ``(n, k)``, dense.
        mat2: ``(k, m)``, dense.
        beta: factor of `input`.
        alpha: factor of the product.
    """
    if not isinstance(input, SparseRows):
        raise RuntimeError(
            "Expected self to have sparse csr layout, but got self with layout "
            f"{str(input.layout).rpartition('.')[2].title().replace('_', '')}"
        )
    (rows, columns), values = input._parts
    products = (mat1[rows] * mat2.t()[columns]).sum(-1)
    made: Any = SparseRows._of(input._parts[0], values * beta + products * alpha, input.shape, True)
    return made


def spdiags(diagonals: Tensor, offsets: Tensor, shape: Any, layout: Any = None) -> Tensor:
    """Make a sparse matrix with the rows of `diagonals` along its diagonals.

    Args:
        diagonals: ``(k, n)``; element j of a row belongs to column j.
        offsets: ``(k,)`` of different integers; positive ones are above the main diagonal.
        shape: rows and columns of the result.
        layout: ``sparse_coo``, the default, or ``sparse_csr``.

    Example:
        >>> import tallow
        >>> tallow.sparse.spdiags(tallow.ones(1, 2), tallow.tensor([1]), (2, 2)).to_dense()
        tensor([[0., 1.],
                [0., 0.]])
    """
    lines = diagonals.view(1, -1) if diagonals.dim() < 2 else diagonals
    starts = tallow.as_tensor(offsets, device=lines.device).reshape(-1)
    if lines.size(0) != starts.numel():
        raise RuntimeError(
            "spdiags(): Number of diagonals (rows of diagonals) must match the number of offsets, "
            f"but got {lines.size(0)} and {starts.numel()}"
        )
    if starts.unique().numel() != starts.numel():
        raise RuntimeError("spdiags(): Offset tensor contains duplicate values")
    columns = tallow.arange(lines.size(1), device=lines.device).expand_as(lines)
    rows = columns - starts.unsqueeze(1)
    inside = (rows >= 0) & (rows < shape[0]) & (columns < shape[1])
    places = tallow.stack([rows[inside], columns[inside]])
    made = sparse_coo_tensor(places, lines[inside], shape)
    return made if layout is None else made.to_sparse(layout=layout)


@contextmanager
def check_sparse_tensor_invariants(enable: bool = True) -> Iterator[None]:
    """Do nothing: places of sparse tensors are always checked when these are made."""
    yield


def _constructor(dtype: Any) -> Any:
    def make(indices: Any, values: Any = None, size: Any = None) -> Tensor:
        return sparse_coo_tensor(indices, values, size, dtype=dtype)

    make.__doc__ = f"Make a sparse tensor of {dtype}; the old spelling of sparse_coo_tensor."
    return make


HalfTensor = _constructor(tallow.float16)
BFloat16Tensor = _constructor(tallow.bfloat16)
FloatTensor = _constructor(tallow.float32)
DoubleTensor = _constructor(tallow.float64)
CharTensor = _constructor(tallow.int8)
ByteTensor = _constructor(tallow.uint8)
ShortTensor = _constructor(tallow.int16)
IntTensor = _constructor(tallow.int32)
LongTensor = _constructor(tallow.int64)

name_absent_ones(__name__)
