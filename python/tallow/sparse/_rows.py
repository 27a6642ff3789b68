"""``SparseRows``: matrices as compressed rows, layout ``sparse_csr``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.sparse._tensor import SparseTensor, sparse_coo_tensor

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["SparseRows", "row_starts", "sparse_csr_tensor"]


class SparseRows(SparseTensor):
    """A matrix whose elements are listed row by row.

    Example:
        >>> import tallow
        >>> x = tallow.sparse_csr_tensor([0, 1, 2], [2, 0], [3.0, 4.0], (2, 3))
        >>> x.to_dense()
        tensor([[0., 0., 3.],
                [4., 0., 0.]])
    """

    @classmethod
    def _from_coordinates(cls, matrix: SparseTensor, dense_dim: int | None = None) -> SparseRows:
        if matrix.sparse_dim() != 2:
            raise RuntimeError(
                "to_sparse_csr: only matrices can be compressed by rows, but got a tensor with "
                f"{matrix.sparse_dim()} sparse dimensions"
            )
        if dense_dim not in (None, matrix.dense_dim()):
            raise NotImplementedError("to_sparse_csr: dense_dim is not supported here")
        ordered = matrix.coalesce()
        made: Any = cls._of(*ordered._parts, matrix.shape, True)
        return made

    def crow_indices(self) -> Tensor:
        """Return where in the list of elements each row begins, and where the last one ends."""
        return row_starts(self._parts[0][0], self.size(0))

    def col_indices(self) -> Tensor:
        """Return the column of each element."""
        return self._parts[0][1]

    def indices(self) -> Tensor:
        """Raise: compressed rows have no list of coordinates."""
        raise RuntimeError("indices expected sparse coordinate tensor layout but got SparseCsr")

    def coalesce(self) -> SparseTensor:
        """Raise: compressed rows are always in order."""
        raise RuntimeError("coalesce expected sparse coordinate tensor layout but got SparseCsr")

    def is_coalesced(self) -> bool:
        """Raise: compressed rows are always in order."""
        raise RuntimeError(
            "is_coalesced expected sparse coordinate tensor layout but got SparseCsr"
        )

    def to_sparse_coo(self) -> SparseTensor:
        """Return the matrix in the layout of coordinates."""
        return SparseTensor._of(*self._parts, self.shape, True)

    def to_sparse(self, sparse_dim: Any = None, *, layout: Any = None, **options: Any) -> Tensor:
        """Return the matrix in another sparse layout; that of coordinates by default."""
        if layout is tallow.sparse_csr:
            return self
        return self.to_sparse_coo().to_sparse(sparse_dim, layout=layout, **options)

    def to_sparse_csr(self, dense_dim: int | None = None) -> SparseRows:
        """Return the matrix itself."""
        return self


def row_starts(rows: Tensor, count: int) -> Tensor:
    """Return where each of `count` rows begins among elements in the order of rows, and the end."""
    return tallow.searchsorted(rows.contiguous(), tallow.arange(count + 1, device=rows.device))


def sparse_csr_tensor(
    crow_indices: Any,
    col_indices: Any,
    values: Any,
    size: Any = None,
    *,
    dtype: Any = None,
    device: Any = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    check_invariants: bool | None = None,
) -> SparseRows:
    """Make a matrix from its rows' elements that are not zero.

    Args:
        crow_indices: ``(rows + 1,)``; the elements of row i are those from ``crow_indices[i]`` to
            ``crow_indices[i + 1]``.
        col_indices: ``(nnz,)``, the column of each element, ascending within a row.
        values: ``(nnz,)``.
        size: rows and columns; the smallest that fit by default.
        dtype: of the values; inferred by default.
        device: of the parts.
        pin_memory: must be False.
        requires_grad: compute gradients for the values.
        check_invariants: indices are always checked; False changes nothing.

    Raises:
        RuntimeError: parts that do not fit each other or the sizes.

    Example:
        >>> import tallow
        >>> tallow.sparse_csr_tensor([0, 1, 1], [1], [5.0], (2, 2)).to_dense()
        tensor([[0., 5.],
                [0., 0.]])
    """
    starts = tallow.as_tensor(crow_indices, device=device).to(tallow.int64)
    columns = tallow.as_tensor(col_indices, device=device).to(tallow.int64)
    if starts.dim() != 1 or columns.dim() != 1 or starts.numel() < 1:
        raise RuntimeError(
            "sparse_csr_tensor(): crow_indices and col_indices must be vectors, but got: "
            f"{list(starts.shape)} and {list(columns.shape)}"
        )
    counts = tallow.diff(starts)
    fits = int(starts[0]) == 0 and int(starts[-1]) == columns.numel()
    if not fits or bool((counts < 0).any()):
        raise RuntimeError(
            "sparse_csr_tensor(): crow_indices must ascend from 0 to the number of elements, "
            f"{columns.numel()}, but got: {starts.tolist()[:8]}"
        )
    rows = tallow.arange(counts.numel(), device=columns.device).repeat_interleave(counts)
    places = tallow.stack([rows, columns])
    if size is None:
        size = (counts.numel(), int(columns.max()) + 1 if columns.numel() else 0)
    if len(size) != 2 or size[0] != counts.numel():
        raise RuntimeError(
            f"sparse_csr_tensor(): size must be ({counts.numel()}, columns), but got: {tuple(size)}"
        )
    matrix = sparse_coo_tensor(
        places, values, size, dtype=dtype, device=device, pin_memory=pin_memory,
        requires_grad=requires_grad,
    )  # fmt: skip
    steps = tallow.diff(places[0] * max(size[1], 1) + places[1])
    matrix._is_coalesced = not bool((steps <= 0).any())
    return SparseRows._from_coordinates(matrix)
