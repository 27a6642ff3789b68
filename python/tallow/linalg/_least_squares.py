"""Pseudo-inverses, least squares, ranks and condition numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow import return_types
from tallow._composite import check_floating, composite
from tallow.autograd import Function
from tallow.linalg._lapack import applied, array, check_matrix, check_square, tensor

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["cond", "lstsq", "matrix_rank", "pinv"]


_NUMBERS = (int, float, type(None))


def _threshold(largest: Tensor, A: Tensor, atol: Any, rtol: Any) -> Tensor:
    """Values above ``max(atol, rtol * largest)`` count as non-zero."""
    if rtol is None:
        given = atol is not None and bool((tallow.as_tensor(atol) > 0).any())
        rtol = 0.0 if given else tallow.finfo(A.dtype).eps * max(A.shape[-2:])
    if isinstance(atol, _NUMBERS) and isinstance(rtol, int | float):
        return (largest * rtol).clamp(min=0.0 if atol is None else atol)
    options: Any = {"dtype": largest.dtype, "device": largest.device}
    absolute = tallow.as_tensor(0.0 if atol is None else atol, **options)
    relative = tallow.as_tensor(rtol, **options)
    return tallow.maximum(absolute, relative * largest)


def _singular_values(A: Tensor, hermitian: bool) -> Tensor:
    if hermitian:
        check_square("linalg.matrix_rank", A)
        return tallow.linalg.eigvalsh(A).abs()
    return tallow.linalg.svdvals(A)


@composite
def matrix_rank(
    A: Tensor,
    tol: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
) -> Tensor:
    """Count the singular values that are not negligible.

    Args:
        A: (..., M, N), floating point or complex.
        tol: absolute bound, the old name of `atol` with ``rtol=0``.
        hermitian: take `A` to be Hermitian, and use eigenvalues.
        atol: absolute bound.
        rtol: bound relative to the largest value; by default max(M, N) * eps, or 0 with `atol`.

    Raises:
        RuntimeError: fewer than two dimensions.

    Example:
        >>> matrix_rank(tallow.ones(3, 3))
        tensor(1)
    """
    check_matrix("linalg.matrix_rank", A, "input")
    if tol is not None:
        atol, rtol = tol, 0.0
    with tallow.no_grad():
        values = _singular_values(A, hermitian)
        if values.size(-1) == 0:
            return tallow.zeros(A.shape[:-2], dtype=tallow.int64, device=A.device)
        bound = _threshold(values.amax(-1), A, atol, rtol)
        return (values > bound.unsqueeze(-1)).sum(-1)


class _Pinv(Function):
    _node_name = "LinalgPinvBackward0"

    @staticmethod
    def forward(ctx: Any, A: Tensor, atol: Any, rtol: Any, hermitian: bool) -> Tensor:
        import numpy as np

        values = array(A)
        if hermitian:
            w, V = np.linalg.eigh(values)
            U, S, Vh = V, w, V.swapaxes(-1, -2).conj()
        else:
            U, S, Vh = np.linalg.svd(values, full_matrices=False)
        largest = tensor(np.abs(S).max(-1), A)
        bound = array(_threshold(largest, A, atol, rtol))[..., None]
        keep = np.abs(S) > bound
        inverse = np.where(keep, 1 / np.where(keep, S, 1), 0)
        adjoint = (U * inverse[..., None, :]) @ Vh
        result = tensor(adjoint.swapaxes(-1, -2).conj(), A)
        ctx.save_for_backward(A, result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        # Source: Golub and Pereyra, The differentiation of pseudo-inverses (1973), theorem 4.3.
        A, P = ctx.saved_tensors
        Ph = P.mH
        change = -(Ph @ grad @ Ph)
        change = change + (grad.mH - A @ (P @ grad.mH)) @ P @ Ph
        change = change + Ph @ P @ (grad.mH - (grad.mH @ P) @ A)
        return change, None, None, None


@composite
def pinv(
    A: Tensor,
    rcond: Any = None,
    hermitian: bool = False,
    *,
    atol: Any = None,
    rtol: Any = None,
) -> Tensor:
    """Return the pseudo-inverse of Moore and Penrose.

    Args:
        A: (..., M, N), floating point or complex.
        rcond: the old name of `rtol`.
        hermitian: take `A` to be Hermitian.
        atol: singular values below it count as zero.
        rtol: the same relative to the largest one; by default max(M, N) * eps, or 0 with `atol`.

    Raises:
        RuntimeError: fewer than two dimensions.

    Example:
        >>> pinv(tallow.tensor([[2.0], [0.0]]))
        tensor([[0.5000, 0.0000]])
    """
    if A.dim() < 2:
        raise RuntimeError("linalg.pinv: The input tensor A must have at least 2 dimensions.")
    check_floating("linalg.pinv", A)
    if hermitian:
        check_square("linalg.pinv", A)
    if A.numel() == 0:
        return A.mT.clone() * 1
    return applied(_Pinv, A, atol, rcond if rtol is None else rtol, hermitian)


@composite
def lstsq(
    A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None
) -> return_types.linalg_lstsq:
    """Find X with the least ``norm(A @ X - B)``, of least norm where there are many.

    Args:
        A: (..., M, N), floating point or complex.
        B: (..., M, K), or vectors (..., M).
        rcond: singular values below this share of the largest count as zero.
        driver: 'gels', 'gelsy' (default), 'gelsd' or 'gelss'; decides what else is returned.

    Returns:
        The solution, squared residuals (of full-rank systems with M > N), ranks and singular
        values; the last three are empty where PyTorch's driver does not compute them.

    Raises:
        RuntimeError: sizes or dtypes do not fit, or an unknown driver.
    """
    check_matrix("torch.linalg.lstsq", A, "input")
    if A.dtype != B.dtype:
        raise RuntimeError(
            "torch.linalg.lstsq: Expected input and other to have the same dtype, but got input's "
            f"dtype {A.dtype} and other's dtype {B.dtype}"
        )
    chosen = "gelsy" if driver is None else driver
    if chosen not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)"
        )
    m, n = A.shape[-2:]
    vector = B.dim() == 1 or (A.dim() - 1 == B.dim() and B.shape == A.shape[:-1])
    right = B.unsqueeze(-1) if vector else B
    if right.size(-2) != m:
        raise RuntimeError("torch.linalg.lstsq: input.size(-2) should match other.size(-2)")
    bound = tallow.finfo(A.dtype).eps * max(m, n) if rcond is None else rcond
    solution = pinv(A, rtol=bound) @ right
    residuals = (solution.abs() if solution.is_complex() else solution).flatten()[:0]
    rank = tallow.empty(0, dtype=tallow.int64, device=A.device)
    values = residuals.detach()
    if chosen != "gels":
        rank = matrix_rank(A, rtol=bound)
    if chosen in ("gelsd", "gelss"):
        with tallow.no_grad():
            values = tallow.linalg.svdvals(A)
    if m > n and chosen != "gelsy" and (chosen == "gels" or bool((rank == n).all())):
        residuals = (A @ solution - right).abs().square().sum(-2)
    return return_types.linalg_lstsq(
        solution.squeeze(-1) if vector else solution, residuals, rank, values
    )


@composite
def cond(A: Tensor, p: float | str | None = None) -> Tensor:
    """Return condition numbers: the norm times the norm of the inverse.

    Args:
        A: (..., M, N); square unless `p` is 2, -2 or None.
        p: order of the matrix norm; 2 by default.

    Raises:
        RuntimeError: not square, or an unknown order.

    Example:
        >>> cond(tallow.tensor([[4.0, 0.0], [0.0, 2.0]]))
        tensor(2.)
    """
    check_matrix("linalg.cond", A)
    if p is None or p in (2, -2):
        values = tallow.linalg.svdvals(A)
        if values.size(-1) == 0:
            return values.sum(-1)
        first, last = values[..., 0], values[..., -1]
        return last / first if p == -2 else first / last
    check_square("linalg.cond", A)
    if A.numel() == 0:
        return tallow.zeros(A.shape[:-2], dtype=A.abs().dtype, device=A.device)
    norm = tallow.linalg.matrix_norm
    if p == "nuc":
        values = tallow.linalg.svdvals(A)
        return values.sum(-1) * values.reciprocal().sum(-1)
    inverse, info = tallow.linalg.inv_ex(A)
    product = norm(A, p) * norm(inverse, p)
    return product.masked_fill(info != 0, math.inf)
