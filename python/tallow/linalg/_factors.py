"""Cholesky, QR and LU, with their derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import return_types
from tallow._composite import c_name, composite, recorded
from tallow.autograd import Function
from tallow.linalg import _lapack
from tallow.linalg._lapack import (
    LinAlgError,
    applied,
    check_matrix,
    check_square,
    permutation,
)

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = [
    "cholesky",
    "cholesky_ex",
    "householder_product",
    "lu",
    "lu_factor",
    "lu_factor_ex",
    "lu_solve",
    "qr",
]


def _solve(A: Tensor, B: Tensor) -> Tensor:
    return tallow.linalg.solve(A, B)


class _Cholesky(Function):
    _node_name = "LinalgCholeskyExBackward0"

    @staticmethod
    def forward(ctx: Any, A: Tensor) -> tuple[Tensor, Tensor]:
        lower, failed = _lapack.cholesky(A)
        ctx.save_for_backward(lower)
        ctx.mark_non_differentiable(failed)
        return lower, failed

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> Tensor:
        # Source: Murray, Differentiation of the Cholesky decomposition (2016), equation 10.
        (L,) = ctx.saved_tensors
        inner = (L.mH @ grad).tril()
        inner = inner - 0.5 * tallow.diag_embed(tallow.diagonal(inner, 0, -2, -1))
        inner = 0.5 * (inner + inner.mH)
        inverse = tallow.linalg.inv(L)
        return inverse.mH @ inner @ inverse


@composite
def cholesky_ex(
    A: Tensor, *, upper: bool = False, check_errors: bool = False
) -> return_types.linalg_cholesky_ex:
    """Like :func:`cholesky`, with the order of the first bad minor, or 0, instead of an error.

    Args:
        A: (..., N, N), symmetric or Hermitian and positive definite.
        upper: return the upper factor.
        check_errors: raise nevertheless.

    Raises:
        LinAlgError: with `check_errors`, a matrix that is not positive definite.
    """
    return _cholesky("linalg.cholesky_ex", A, upper, check_errors)


def _cholesky(
    name: str, A: Tensor, upper: bool, check_errors: bool
) -> return_types.linalg_cholesky_ex:
    check_square(name, A)
    source = A.mH if upper else A
    lower, info = _Cholesky.apply(source) if recorded(A) else _lapack.cholesky(source)
    if check_errors and bool(info.any()):
        where, order = _lapack.first_failure(info)
        raise LinAlgError(
            f"{name}: {where}The factorization could not be completed because the input is not "
            f"positive-definite (the leading minor of order {order} is not positive-definite)."
        )
    return return_types.linalg_cholesky_ex(lower.mH if upper else lower, info)


@composite
def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """Factor positive definite matrices into ``L @ L.mH`` with a lower triangular L.

    Args:
        A: (..., N, N), symmetric or Hermitian and positive definite.
        upper: return ``L.mH`` instead.

    Raises:
        RuntimeError: the matrices are not square.
        LinAlgError: one is not positive definite.

    Example:
        >>> cholesky(tallow.tensor([[4.0, 2.0], [2.0, 2.0]]))
        tensor([[2., 0.],
                [1., 1.]])
    """
    return _cholesky("linalg.cholesky", A, upper, True).L


class _Qr(Function):
    _node_name = "LinalgQrBackward0"

    @staticmethod
    def forward(ctx: Any, A: Tensor, mode: Any) -> tuple[Tensor, Tensor]:
        result = _lapack.qr(A, mode)
        ctx.save_for_backward(*result)
        ctx.mode = mode
        return result

    @staticmethod
    def backward(ctx: Any, gQ: Tensor, gR: Tensor) -> tuple[Tensor, None]:
        Q, R = ctx.saved_tensors
        m, n = Q.size(-2), R.size(-1)
        if ctx.mode == "complete" and m > n:
            raise RuntimeError(
                "The QR decomposition is not differentiable when mode='complete' and nrows > ncols."
            )
        if m >= n:
            return _qr_grad(Q, R, gQ, gR), None
        left, right = R[..., :m], gR[..., m:]
        gQ = gQ + Q @ R[..., m:] @ right.mH
        return tallow.cat([_qr_grad(Q, left, gQ, gR[..., :m]), Q @ right], -1), None


def _qr_grad(Q: Tensor, R: Tensor, gQ: Tensor, gR: Tensor) -> Tensor:
    # Source: Walter and Lehmann, Algorithmic differentiation of linear algebra functions (2010).
    M = gR @ R.mH - Q.mH @ gQ
    mirrored = M.triu() + M.triu(1).mH
    if M.is_complex():
        diagonal = tallow.diagonal(mirrored, 0, -2, -1)
        mirrored = mirrored - tallow.diag_embed(diagonal - diagonal.real.to(M.dtype))
    return _solve(R, (gQ + Q @ mirrored).mH).mH


@composite
def qr(A: Tensor, mode: str = "reduced") -> return_types.linalg_qr:
    """Factor matrices into ``Q @ R`` with orthonormal columns of Q and upper triangular R.

    Args:
        A: (..., M, N), floating point or complex.
        mode: 'reduced' (Q has min(M, N) columns), 'complete' (Q is square) or 'r' (no Q).

    Raises:
        RuntimeError: fewer than two dimensions or another mode.
    """
    check_matrix("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), "
            "'r', or 'complete'"
        )
    if mode == "r":
        if A.requires_grad and tallow.is_grad_enabled():
            raise RuntimeError(
                "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
                "Please use linalg.qr(A, mode='reduced') if you are going to require gradients."
            )
        return return_types.linalg_qr(
            tallow.empty(0, dtype=A.dtype, device=A.device), applied(_Qr, A, "reduced")[1]
        )
    return return_types.linalg_qr(*applied(_Qr, A, mode))


class _LuFactor(Function):
    _node_name = "LinalgLuFactorExBackward0"

    @staticmethod
    def forward(ctx: Any, A: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        packed, pivots, info = _lapack.lu(A)
        ctx.save_for_backward(packed)
        ctx.exchanges = pivots
        ctx.mark_non_differentiable(pivots, info)
        return packed, pivots, info

    @staticmethod
    def backward(ctx: Any, grad: Tensor, *_: Tensor) -> Tensor:
        # d(LU) = dL U + L dU: below the diagonal only dL, on and above it only dU contributes.
        (packed,) = ctx.saved_tensors
        m, n = packed.shape[-2:]
        k = min(m, n)
        P = permutation(ctx.exchanges, m, packed)
        square = packed[..., :k, :k]
        L1 = square.tril(-1) + tallow.eye(k, dtype=packed.dtype, device=packed.device)
        U1 = square.triu()
        gL, gU = grad.tril(-1)[..., :k], grad.triu()[..., :k, :]
        inner = (L1.mH @ gL[..., :k, :]).tril(-1) + (gU[..., :k] @ U1.mH).triu()
        if n > k:
            U2, gU2 = packed[..., k:], gU[..., k:]
            top = inner - (gU2 @ U2.mH).tril(-1)
            first = _solve(U1, _solve(L1.mH, top).mH).mH
            return P @ tallow.cat([first, _solve(L1.mH, gU2)], -1)
        if m > k:
            L2, gL2 = packed[..., k:, :k], gL[..., k:, :]
            top = inner - (L2.mH @ gL2).triu()
            first = _solve(U1, _solve(L1.mH, top).mH).mH
            return P @ tallow.cat([first, _solve(U1, gL2.mH).mH], -2)
        return P @ _solve(U1, _solve(L1.mH, inner).mH).mH


def _lu(A: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    return _LuFactor.apply(A) if recorded(A) else _lapack.lu(A)


def _check_pivot(pivot: bool) -> None:
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")


@composite
def lu_factor(A: Tensor, *, pivot: bool = True) -> return_types.linalg_lu_factor:
    """Factor matrices by elimination; L and U are packed into one matrix.

    Args:
        A: (..., M, N), floating point or complex.
        pivot: must be True.

    Raises:
        RuntimeError: fewer than two dimensions, without pivoting, or a zero on the diagonal of U.
    """
    check_matrix("linalg.lu_factor", A)
    _check_pivot(pivot)
    packed, pivots, info = _lu(A)
    _check_diagonal("linalg.lu_factor", info)
    return return_types.linalg_lu_factor(packed, pivots)


def _check_diagonal(name: str, info: Tensor) -> None:
    if bool(info.any()):
        where, at = _lapack.first_failure(info)
        raise RuntimeError(
            f"torch.{name}: {where}U[{at},{at}] is zero and using it on lu_solve would result in a "
            "division by zero. If you still want to perform the factorization, consider calling "
            "linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
        )


@composite
def lu_factor_ex(
    A: Tensor, *, pivot: bool = True, check_errors: bool = False
) -> return_types.linalg_lu_factor_ex:
    """Like :func:`lu_factor`, with the place of the first zero on the diagonal of U, or 0.

    Args:
        A: (..., M, N), floating point or complex.
        pivot: must be True.
        check_errors: raise for a zero on the diagonal.

    Raises:
        RuntimeError: fewer than two dimensions, without pivoting, or a zero with `check_errors`.
    """
    if A.dim() < 2:
        raise RuntimeError(
            "torch.lu_factor: Expected tensor with 2 or more dimensions. Got size: "
            f"{list(A.shape)} instead"
        )
    check_matrix("torch.linalg.lu_factor_ex", A)
    _check_pivot(pivot)
    packed, pivots, info = _lu(A)
    if check_errors:
        _check_diagonal("linalg.lu_factor_ex", info)
    return return_types.linalg_lu_factor_ex(packed, pivots, info)


@composite
def lu(A: Tensor, *, pivot: bool = True) -> return_types.linalg_lu:
    """Factor matrices into ``P @ L @ U``.

    Args:
        A: (..., M, N), floating point or complex.
        pivot: must be True.

    Raises:
        RuntimeError: fewer than two dimensions, or without pivoting.
    """
    check_matrix("linalg.lu", A)
    _check_pivot(pivot)
    packed, pivots, _ = _lu(A)
    m, n = A.shape[-2:]
    k = min(m, n)
    L = packed[..., :k].tril(-1) + tallow.eye(m, k, dtype=A.dtype, device=A.device)
    return return_types.linalg_lu(permutation(pivots, m, A), L, packed[..., :k, :].triu())


def _check_lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, left: bool) -> None:
    name = "linalg.lu_solve"
    check_square(name, LU, "LU")
    if B.dim() < 2:
        raise RuntimeError(f"{name}: The input tensor B must have at least 2 dimensions.")
    if LU.dtype != B.dtype:
        raise RuntimeError(
            f"{name}: Expected LU and B to have the same dtype, but found LU of type "
            f"{c_name(LU.dtype)} and B of type {c_name(B.dtype)} instead"
        )
    if pivots.dtype != tallow.int32:
        raise RuntimeError(f"{name}: pivots should be a Tensor of scalar type torch.int32")
    n = LU.size(-1)
    if pivots.dim() == 0 or pivots.size(-1) != n:
        raise RuntimeError(
            f"{name}: Number of pivots per batch should be same as the dimension of the matrix"
        )
    if LU.shape[:-1] != pivots.shape:
        raise RuntimeError(
            f"{name}: Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with "
            f"shape {list(pivots.shape)} instead"
        )
    if B.size(-2 if left else -1) != n:
        raise RuntimeError(
            f"{name}: Incompatible shapes of A and B for the equation "
            f"{'AX = B' if left else 'XA = B'} ({n}x{n} and {B.size(-2)}x{B.size(-1)})"
        )


@composite
def lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False
) -> Tensor:
    """Solve with what :func:`lu_factor` returned.

    Args:
        LU: packed factors.
        pivots: exchanges.
        B: right sides.
        left: solve ``A @ X = B``, else ``X @ A = B``.
        adjoint: take the adjoint of A.

    Raises:
        RuntimeError: sizes or dtypes do not fit.
    """
    _check_lu_solve(LU, pivots, B, left)
    if not recorded(LU, B) and not LU.is_complex():
        if left:
            return _lapack.lu_solve(LU, pivots, B, adjoint)
        return _lapack.lu_solve(LU, pivots, B.mT, not adjoint).mT
    one = tallow.eye(LU.size(-1), dtype=LU.dtype, device=LU.device)
    A = permutation(pivots, LU.size(-1), LU) @ (LU.tril(-1) + one) @ LU.triu()
    return tallow.linalg.solve(A.mH if adjoint else A, B, left=left)


@composite
def householder_product(A: Tensor, tau: Tensor) -> Tensor:
    """Multiply the reflections that a QR factorization returns, and take the first columns.

    Args:
        A: (..., M, N), the vectors in its columns below the diagonal, M >= N.
        tau: (..., K), their factors, K <= N.

    Raises:
        RuntimeError: sizes do not fit.
    """
    check_matrix("linalg.householder_product", A, "input")
    m, n = A.shape[-2:]
    if m < n:
        raise RuntimeError(
            "linalg.householder_product: input.shape[-2] must be greater than or equal to "
            "input.shape[-1]"
        )
    if n < tau.size(-1):
        raise RuntimeError(
            "linalg.householder_product: input.shape[-1] must be greater than or equal to "
            "tau.shape[-1]"
        )
    vectors = A.tril(-1) + tallow.eye(m, n, dtype=A.dtype, device=A.device)
    result = tallow.eye(m, n, dtype=A.dtype, device=A.device).expand(A.shape)
    for k in reversed(range(tau.size(-1))):
        v = vectors[..., k : k + 1]
        result = result - tau[..., k, None, None] * (v @ (v.mH @ result))
    return result + 0 * A if tau.size(-1) == 0 else result
