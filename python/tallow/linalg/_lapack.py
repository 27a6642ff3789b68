"""Matrix routines of NumPy on tensors: no derivatives, only values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow._composite import check_floating

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = [
    "LinAlgError",
    "array",
    "check_matrix",
    "check_square",
    "lu_packed",
    "tensor",
]


_TOGETHER = 8  # columns that lu_packed() eliminates before it goes on to the others


class LinAlgError(RuntimeError):
    """A factorization could not be completed."""


def array(x: Tensor) -> Any:
    """The values as a NumPy array."""
    return x.detach().cpu().numpy()


def tensor(value: Any, like: Tensor) -> Tensor:
    """A NumPy result as a tensor on the device of `like`."""
    import numpy as np

    value = np.asarray(value)
    return tallow.from_numpy(np.array(value, order="C", copy=True)).to(like.device)


def check_matrix(name: str, A: Tensor, argument: str = "A") -> None:
    """Refuse fewer than two dimensions and dtypes without an algorithm.

    Raises:
        RuntimeError: as said.
    """
    if A.dim() < 2:
        raise RuntimeError(f"{name}: The input tensor {argument} must have at least 2 dimensions.")
    check_floating(name, A)


def check_square(name: str, A: Tensor, argument: str = "A") -> None:
    """Refuse what is no batch of square matrices.

    Raises:
        RuntimeError: as said.
    """
    check_matrix(name, A, argument)
    if A.size(-1) != A.size(-2):
        raise RuntimeError(
            f"{name}: {argument} must be batches of square matrices, but they are "
            f"{A.size(-2)} by {A.size(-1)} matrices"
        )


def _eliminate(flat: Any, k: int, rows: slice, columns: slice) -> None:
    """Subtract multiples of row k, whose factors are in column k."""
    flat[:, rows, columns] -= flat[:, rows, k, None] * flat[:, k, None, columns]


def lu_packed(a: Any) -> tuple[Any, Any, Any]:
    """LU with partial pivoting of a batch of matrices.

    Source: Golub and Van Loan, Matrix Computations, algorithm 3.4.1, one step for all matrices;
    what is right of a few columns follows with one product of matrices.

    Returns:
        L below and U on and above the diagonal; the row exchanged in each step, from 1; the first
        step whose pivot was zero, from 1, or 0.
    """
    import math

    import numpy as np

    lu = np.array(a, copy=True)
    *batch, m, n = lu.shape
    steps = min(m, n)
    count = math.prod(batch)
    flat = lu.reshape(count, m, n)
    pivots = np.zeros((count, steps), np.int32)
    info = np.zeros(count, np.int32)
    every = np.arange(count)
    for first in range(0, steps, _TOGETHER):
        last = min(first + _TOGETHER, steps)
        for k in range(first, last):
            chosen = k + np.abs(flat[:, k:, k]).argmax(1)
            pivots[:, k] = chosen + 1
            rows = flat[every, chosen].copy()
            flat[every, chosen] = flat[:, k]
            flat[:, k] = rows
            pivot = flat[:, k, k]
            singular = pivot == 0
            info[singular & (info == 0)] = k + 1
            divisor = np.where(singular, 1, pivot)
            flat[:, k + 1 :, k] /= divisor[:, None]
            _eliminate(flat, k, slice(k + 1, None), slice(k + 1, last))
        for k in range(first, last):
            _eliminate(flat, k, slice(k + 1, last), slice(last, None))
        flat[:, last:, last:] -= flat[:, last:, first:last] @ flat[:, first:last, last:]
    return flat.reshape(lu.shape), pivots.reshape(*batch, steps), info.reshape(tuple(batch))
