"""Eigenvalues and singular values, with their derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import return_types
from tallow._composite import composite
from tallow.autograd import Function
from tallow.linalg._lapack import (
    LinAlgError,
    applied,
    array,
    check_matrix,
    check_square,
    tensor,
)

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["eig", "eigh", "eigvals", "eigvalsh", "svd", "svdvals"]


def _call(name: str, *operands: Any, **options: Any) -> Any:
    import numpy as np

    if not np.isfinite(operands[0]).all():
        raise LinAlgError(
            f"linalg.{name}: The algorithm failed to converge because the input matrix contained "
            "non-finite values."
        )
    return getattr(np.linalg, name)(*operands, **options)


def _off_diagonal_quotient(top: Tensor, gaps: Tensor) -> Tensor:
    """``top / gaps`` without its diagonal."""
    diagonal = tallow.eye(gaps.size(-1), dtype=tallow.bool, device=gaps.device)
    return (top / gaps.masked_fill(diagonal, 1)).masked_fill(diagonal, 0)


# Where values repeat, vectors have no derivative: it is left out unless a loss depends on them.


class _Eigh(Function):
    _node_name = "LinalgEighBackward0"

    @staticmethod
    def forward(ctx: Any, A: Tensor, uplo: str) -> tuple[Tensor, Tensor]:
        values, vectors = _call("eigh", array(A), UPLO=uplo)
        result = tensor(values, A), tensor(vectors, A)
        ctx.save_for_backward(*result)
        ctx.set_materialize_grads(False)
        return result

    @staticmethod
    def backward(ctx: Any, grad_values: Any, grad_vectors: Any) -> tuple[Any, None]:
        # Source: Giles, Collected matrix derivative results for forward and reverse mode AD, 3.1.
        L, V = ctx.saved_tensors
        if grad_vectors is None:
            if grad_values is None:
                return None, None
            return (V * grad_values.unsqueeze(-2).to(V.dtype)) @ V.mH, None
        if grad_values is None:
            grad_values = tallow.zeros_like(L)
        gaps = L.unsqueeze(-2) - L.unsqueeze(-1)
        inner = V.mH @ grad_vectors
        # Only what keeps V unitary counts.
        inner = _off_diagonal_quotient((inner - inner.mH) / 2, gaps.to(V.dtype))
        return V @ (inner + tallow.diag_embed(grad_values.to(V.dtype))) @ V.mH, None


def _check_eigh(A: Tensor, UPLO: str) -> None:
    check_square("linalg.eigh", A)
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")


@composite
def eigh(A: Tensor, UPLO: str = "L") -> return_types.linalg_eigh:
    """Return eigenvalues, ascending, and eigenvectors of symmetric or Hermitian matrices.

    Args:
        A: (..., N, N); only one triangle is looked at.
        UPLO: 'L' or 'U', which triangle.

    Raises:
        RuntimeError: the matrices are not square or `UPLO` is neither.
    """
    _check_eigh(A, UPLO)
    return return_types.linalg_eigh(*applied(_Eigh, A, UPLO.upper()))


@composite
def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """Return the eigenvalues of symmetric or Hermitian matrices; see :func:`eigh`."""
    if A.requires_grad and tallow.is_grad_enabled():
        return eigh(A, UPLO).eigenvalues
    _check_eigh(A, UPLO)
    return tensor(_call("eigvalsh", array(A), UPLO=UPLO.upper()), A)


def _complex_of(A: Tensor) -> tallow.dtype:
    return tallow.promote_types(A.dtype, tallow.complex64)


class _Eig(Function):
    _node_name = "LinalgEigBackward0"

    @staticmethod
    def forward(ctx: Any, A: Tensor) -> tuple[Tensor, Tensor]:
        values, vectors = _call("eig", array(A))
        dtype = _complex_of(A)
        result = tensor(values, A).to(dtype), tensor(vectors, A).to(dtype)
        ctx.save_for_backward(*result)
        ctx.real = not A.is_complex()
        ctx.set_materialize_grads(False)
        return result

    @staticmethod
    def backward(ctx: Any, grad_values: Any, grad_vectors: Any) -> Any:
        # Source: Boeddeker et al., On the computation of complex-valued gradients, section 4.6.
        L, V = ctx.saved_tensors
        if grad_values is None and grad_vectors is None:
            return None
        middle = tallow.diag_embed(tallow.zeros_like(L) if grad_values is None else grad_values)
        if grad_vectors is not None:
            gaps = (L.unsqueeze(-2) - L.unsqueeze(-1)).conj()
            inner = V.mH @ grad_vectors
            lengths = tallow.diag_embed(tallow.diagonal(inner, 0, -2, -1).real.to(V.dtype))
            middle = middle + _off_diagonal_quotient(inner - V.mH @ V @ lengths, gaps)
        result = tallow.linalg.solve(V.mH, middle @ V.mH)
        return result.real if ctx.real else result


@composite
def eig(A: Tensor) -> return_types.linalg_eig:
    """Return eigenvalues and eigenvectors, which are complex, of square matrices.

    Args:
        A: (..., N, N), floating point or complex.

    Raises:
        RuntimeError: the matrices are not square.
    """
    check_square("linalg.eig", A)
    return return_types.linalg_eig(*applied(_Eig, A))


@composite
def eigvals(A: Tensor) -> Tensor:
    """Return the complex eigenvalues of square matrices; see :func:`eig`."""
    check_square("linalg.eigvals", A)
    if A.requires_grad and tallow.is_grad_enabled():
        return applied(_Eig, A)[0]
    return tensor(_call("eigvals", array(A)), A).to(_complex_of(A))


class _Svd(Function):
    _node_name = "LinalgSvdBackward0"

    @staticmethod
    def forward(ctx: Any, A: Tensor, full: bool) -> tuple[Tensor, Tensor, Tensor]:
        U, S, Vh = _call("svd", array(A), full_matrices=full)
        result = tensor(U, A), tensor(S, A), tensor(Vh, A)
        ctx.save_for_backward(*result)
        ctx.full = full
        ctx.set_materialize_grads(False)
        return result

    @staticmethod
    def backward(ctx: Any, gU: Any, gS: Any, gVh: Any) -> tuple[Any, None]:
        # Source: Townsend, Differentiating the singular value decomposition (2016).
        U, S, Vh = ctx.saved_tensors
        k = S.size(-1)
        if gU is None and gVh is None:
            if gS is None:
                return None, None
            return (U[..., :k] * gS.unsqueeze(-2).to(U.dtype)) @ Vh[..., :k, :], None
        gU, gS, gVh = (
            tallow.zeros_like(factor) if grad is None else grad
            for factor, grad in ((U, gU), (S, gS), (Vh, gVh))
        )
        if ctx.full and (U.size(-1) > k or Vh.size(-2) > k):
            U, Vh, gU, gVh = U[..., :k], Vh[..., :k, :], gU[..., :k], gVh[..., :k, :]
        return _svd_grad(U, S, Vh, gU, gS, gVh), None


def _svd_grad(U: Tensor, S: Tensor, Vh: Tensor, gU: Tensor, gS: Tensor, gVh: Tensor) -> Tensor:
    m, n, k = U.size(-2), Vh.size(-1), S.size(-1)
    gaps = (S.unsqueeze(-2) - S.unsqueeze(-1)) * (S.unsqueeze(-2) + S.unsqueeze(-1))
    left, right = U.mH @ gU, gVh @ Vh.mH
    skew_left = _off_diagonal_quotient(left - left.mH, gaps.to(U.dtype))
    skew_right = _off_diagonal_quotient(right.mH - right, gaps.to(U.dtype))
    row, column = S.unsqueeze(-2).to(U.dtype), S.unsqueeze(-1).to(U.dtype)
    middle = skew_left * row + column * skew_right + tallow.diag_embed(gS.to(U.dtype))
    if U.is_complex():  # the phase that U and V share
        phase = tallow.diagonal(left, 0, -2, -1).imag / S
        middle = middle + tallow.diag_embed(phase.to(U.dtype) * 1j)
    result = U @ middle @ Vh
    if m > k:
        result = result + (gU - U @ left) / row @ Vh
    if n > k:
        result = result + (U / row) @ (gVh - right @ Vh)
    return result


class _Svdvals(Function):
    _node_name = "LinalgSvdBackward0"

    @staticmethod
    def forward(ctx: Any, A: Tensor) -> Tensor:
        U, S, Vh = _call("svd", array(A), full_matrices=False)
        ctx.save_for_backward(A)
        ctx.factors = tensor(U, A), tensor(Vh, A)
        return tensor(S, A)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (A,) = ctx.saved_tensors
        if tallow.is_grad_enabled():
            U, _, Vh = applied(_Svd, A, False)
        else:
            U, Vh = ctx.factors
        return (U * grad.unsqueeze(-2).to(U.dtype)) @ Vh


@composite
def svd(
    A: Tensor, full_matrices: bool = True, *, driver: str | None = None
) -> return_types.linalg_svd:
    """Factor matrices into ``U @ diag(S) @ Vh`` with orthonormal U and Vh and descending S.

    Args:
        A: (..., M, N), floating point or complex.
        full_matrices: make U and Vh square instead of as narrow as S.
        driver: only for CUDA tensors.

    Raises:
        RuntimeError: fewer than two dimensions, or a driver.
    """
    check_matrix("linalg.svd", A)
    _refuse_driver(driver)
    return return_types.linalg_svd(*applied(_Svd, A, full_matrices))


def _refuse_driver(driver: str | None) -> None:
    if driver is not None:
        raise RuntimeError(
            "linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with "
            "cuSOLVER backend."
        )


@composite
def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """Return the singular values of matrices, descending; see :func:`svd`."""
    check_matrix("linalg.svdvals", A)
    _refuse_driver(driver)
    if A.requires_grad and tallow.is_grad_enabled():
        return applied(_Svdvals, A)
    return tensor(_call("svd", array(A), compute_uv=False), A)
