"""Factors of symmetric matrices that need not be positive definite, in LAPACK's form."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow import return_types
from tallow._composite import c_name, composite
from tallow.linalg._lapack import array, check_square, tensor

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["ldl_factor", "ldl_factor_ex", "ldl_solve"]

# Pivots smaller than this times the greatest number beside them are not divided by.
# Source: J. R. Bunch, L. Kaufman, "Some stable methods for calculating inertia and solving
# symmetric linear systems", Mathematics of Computation 31 (1977).
_ALPHA = (1 + math.sqrt(17)) / 8


def _size(x: Any) -> Any:
    """Magnitudes; of complex numbers the sum of those of the parts, as LAPACK compares them."""
    return abs(x.real) + abs(x.imag)


def _chosen(rest: Any, hermitian: bool) -> tuple[int, int]:
    """Which row of the remaining matrix becomes the first or second, and the order of the pivot."""
    diagonal = abs(rest[0, 0].real) if hermitian else _size(rest[0, 0])
    column = _size(rest[1:, 0])
    greatest = column.max(initial=0)
    if not len(column) or diagonal >= _ALPHA * greatest:  # also where both are zero
        return 0, 1
    row = 1 + int(column.argmax())
    beside = _size(rest[row])
    beside[row] = 0
    if diagonal >= _ALPHA * greatest * (greatest / beside.max()):
        return 0, 1
    own = abs(rest[row, row].real) if hermitian else _size(rest[row, row])
    return (row, 1) if own >= _ALPHA * beside.max() else (row, 2)


def _factor(work: Any, pivots: Any, hermitian: bool) -> int:
    """Factor one full matrix in place, L and D into its lower triangle.

    Returns:
        The first step without a pivot that is not zero, from 1, or 0.
    """
    import numpy as np

    info = k = 0
    n = len(work)
    while k < n:
        rest = work[k:, k:]
        row, order = _chosen(rest, hermitian)
        last = order - 1
        if row != last:
            rest[[last, row]] = rest[[row, last]]
            rest[:, [last, row]] = rest[:, [row, last]]
        pivots[k : k + order] = k + row + 1 if order == 1 else -(k + row + 1)
        if hermitian:
            diagonal = np.arange(order)
            rest[diagonal, diagonal] = rest[diagonal, diagonal].real
        below, block = rest[order:, :order], rest[:order, :order]
        if order == 1 and _size(block[0, 0]) == 0:
            info = info or k + 1
        elif len(below):
            factors = _divided(below, block, hermitian)
            rest[order:, order:] -= factors @ (below.conj() if hermitian else below).T
            rest[order:, :order] = factors
        k += order
    return info


def _divided(below: Any, block: Any, hermitian: bool) -> Any:
    """The rows of L: `below` divided by a pivot of order 1 or 2."""
    import numpy as np

    if len(block) == 1:
        return below * (1 / block[0, 0])
    # The number outside the diagonal is the largest: all are divided by it first.
    scale = abs(block[1, 0]) if hermitian else block[1, 0]
    side = block[1, 0] / scale
    first, second = block[1, 1] / scale, block[0, 0] / scale
    factor = 1 / (first * second - 1) / scale
    x, y = below[:, 0], below[:, 1]
    back = side.conj() if hermitian else side
    return np.stack([factor * (first * x - side * y), factor * (second * y - back * x)], 1)


@composite
def ldl_factor_ex(
    A: Tensor, *, hermitian: bool = False, check_errors: bool = False
) -> return_types.linalg_ldl_factor_ex:
    """Like :func:`ldl_factor`, with the first step whose pivot is zero, or 0, in place of an error.

    Args:
        A: (..., N, N), of which the lower triangles are read.
        hermitian: A is hermitian, not symmetric; makes a difference for complex numbers.
        check_errors: raise for a zero pivot.

    Raises:
        RuntimeError: no square matrices, integers, or a zero pivot with `check_errors`.
        NotImplementedError: the result would need a gradient.

    Example:
        >>> ldl_factor_ex(tallow.zeros(2, 2)).info
        tensor(1, dtype=tallow.int32)
    """
    import numpy as np

    check_square("torch.linalg.ldl_factor_ex", A)
    if A.requires_grad and tallow.is_grad_enabled():
        raise NotImplementedError("the derivative for 'linalg_ldl_factor_ex' is not implemented.")
    hermitian = hermitian and A.is_complex()
    lower = A.detach().tril()
    mirrored = A.detach().tril(-1)
    full = array(lower + (mirrored.mH if hermitian else mirrored.mT))
    *batch, n = full.shape[:-1]
    work = full.reshape(math.prod(batch), n, n).copy()
    pivots = np.zeros(work.shape[:2], np.int32)
    found = [_factor(matrix, pivot, hermitian) for matrix, pivot in zip(work, pivots, strict=True)]
    info = np.array(found, np.int32).reshape(tuple(batch))
    if check_errors and info.any():
        step = int(info[info != 0][0])
        raise RuntimeError(f"torch.linalg.ldl_factor_ex: pivot {step} is zero: D is singular")
    return return_types.linalg_ldl_factor_ex(
        tensor(np.tril(work).reshape(full.shape), A),
        tensor(pivots.reshape(full.shape[:-1]), A),
        tensor(info, A),
    )


@composite
def ldl_factor(A: Tensor, *, hermitian: bool = False) -> return_types.linalg_ldl_factor:
    """Factor symmetric or hermitian matrices: ``P @ L @ D @ L.T @ P.T`` with a unit lower L.

    D has blocks of order 1 and 2 on its diagonal, since A need not be positive definite.

    Args:
        A: (..., N, N), floating point or complex, of which the lower triangles are read.
        hermitian: A is hermitian, not symmetric; makes a difference for complex numbers.

    Returns:
        L below D in one matrix, and the exchanges, int32 of shape (..., N): in step k, from 1, row
        ``pivots[k - 1]`` came to the place k; two equal negative ones stand for a block of order
        2, whose second row came from there.

    Raises:
        RuntimeError: no square matrices, integers, or a zero pivot.
        NotImplementedError: the result would need a gradient.

    Example:
        >>> A = tallow.tensor([[0.0, 2.0], [2.0, 0.0]])
        >>> ldl_factor(A).pivots.tolist()
        [-2, -2]
    """
    LD, pivots, info = ldl_factor_ex(A, hermitian=hermitian)
    if bool((info != 0).any()):
        step = int(info[info != 0][0])
        raise RuntimeError(f"torch.linalg.ldl_factor: pivot {step} is zero: D is singular")
    return return_types.linalg_ldl_factor(LD, pivots)


def _solve(matrix: Any, pivots: Any, x: Any, hermitian: bool) -> None:
    """Overwrite the right sides in `x` with the solutions."""
    steps = []
    k, n = 0, len(matrix)
    while k < n:
        order = 1 if pivots[k] > 0 else 2
        steps.append((k, order, abs(int(pivots[k])) - 1))
        k += order
    for k, order, row in steps:
        last = k + order - 1
        x[[last, row]] = x[[row, last]]
        x[k + order :] -= matrix[k + order :, k : k + order] @ x[k : k + order]
        x[k : k + order] = _unpivoted(
            matrix[k : k + order, k : k + order], x[k : last + 1], hermitian
        )
    for k, order, row in reversed(steps):
        last = k + order - 1
        factors = matrix[k + order :, k : k + order]
        x[k : k + order] -= (factors.conj() if hermitian else factors).T @ x[k + order :]
        x[[last, row]] = x[[row, last]]


def _unpivoted(block: Any, x: Any, hermitian: bool) -> Any:
    """Solve with one block of D."""
    if len(block) == 1:
        return x / (block[0, 0].real if hermitian else block[0, 0])
    # _divided() solves from the right.
    solved = _divided(x.conj().T if hermitian else x.T, block, hermitian)
    return (solved.conj() if hermitian else solved).T


@composite
def ldl_solve(LD: Tensor, pivots: Tensor, B: Tensor, *, hermitian: bool = False) -> Tensor:
    """Solve ``A @ X = B`` with what :func:`ldl_factor` returned.

    Args:
        LD: (..., N, N), packed factors.
        pivots: (..., N), exchanges.
        B: (..., N, K), right sides.
        hermitian: as when A was factored.

    Raises:
        RuntimeError: sizes or dtypes do not fit, or `pivots` are none.
        NotImplementedError: the result would need a gradient.

    Example:
        >>> A = tallow.tensor([[0.0, 2.0], [2.0, 0.0]])
        >>> ldl_solve(*ldl_factor(A), tallow.tensor([[2.0], [4.0]])).tolist()
        [[2.0], [1.0]]
    """
    _check_solve(LD, pivots, B)
    batch = tallow.broadcast_shapes(LD.shape[:-2], B.shape[:-2])
    whole = B.expand(*batch, *B.shape[-2:])
    if not whole.numel():
        return whole.clone()
    matrices = array(LD.expand(*batch, *LD.shape[-2:])).reshape(-1, *LD.shape[-2:])
    exchanges = array(pivots.expand(*batch, pivots.size(-1))).reshape(-1, pivots.size(-1))
    result = array(whole.contiguous()).copy()
    hermitian = hermitian and LD.is_complex()
    for matrix, pivot, x in zip(
        matrices, exchanges, result.reshape(-1, *B.shape[-2:]), strict=True
    ):
        _solve(matrix, pivot, x, hermitian)
    return tensor(result, B)


def _check_solve(LD: Tensor, pivots: Tensor, B: Tensor) -> None:
    name = "torch.linalg.ldl_solve"
    check_square(name, LD)
    if B.dim() < 2:
        raise RuntimeError(
            f"{name}: Expected B to have at least 2 dimensions, but it has {B.dim()}"
        )
    if B.size(-2) != LD.size(-1):
        raise RuntimeError(
            f"Incompatible matrix sizes for {name}: each A matrix is {LD.size(-1)} by "
            f"{LD.size(-1)} but each b matrix is {B.size(-2)} by {B.size(-1)}"
        )
    if pivots.shape != LD.shape[:-1]:
        raise RuntimeError(
            f"{name}: Expected LD.shape[:-1] and pivots.shape to be the same, but got pivots with "
            f"shape {list(pivots.shape)} instead"
        )
    if pivots.is_floating_point() or pivots.is_complex() or pivots.dtype == tallow.bool:
        raise RuntimeError(f"{name}: Expected pivots to be integers. Got {c_name(pivots.dtype)}")
    if LD.dtype != B.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {c_name(B.dtype)} and A "
            f"of type {c_name(LD.dtype)} instead."
        )
    if pivots.numel() and not bool(((pivots != 0) & (pivots.abs() <= LD.size(-2))).all()):
        raise RuntimeError(
            "Pivots given to ldl_solve must all satisfy |pivot| <= LD.size(-2). Did you properly "
            "pass the result of ldl_factor?"
        )
    if tallow.is_grad_enabled() and (LD.requires_grad or B.requires_grad):
        raise NotImplementedError("the derivative for 'linalg_ldl_solve' is not implemented.")
