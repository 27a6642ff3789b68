"""Matrix functions under their older names, most of them those of `tallow.linalg`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import linalg, return_types
from tallow._composite import c_name, check_floating, composite, recorded, spelled
from tallow.linalg import _lapack
from tallow.linalg._lapack import (
    LinAlgError,
    array,
    check_matrix,
    check_square,
    permutation,
    tensor,
)

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = [
    *("cholesky", "cholesky_inverse", "cholesky_solve", "det", "frobenius_norm", "geqrf"),
    *(
        "inverse",
        "orgqr",
        "ormqr",
        "logdet",
        "lu",
        "lu_solve",
        "lu_unpack",
        "matrix_exp",
        "matrix_power",
        "nuclear_norm",
        "pca_lowrank",
        "pinverse",
    ),
    *("qr", "slogdet", "svd", "svd_lowrank", "triangular_solve", "vander"),
]

# mypy meets the cycle of imports before the decorators of these.
det = linalg.det  # type: ignore[has-type]
matrix_exp = linalg.matrix_exp  # type: ignore[has-type]
matrix_power = linalg.matrix_power  # type: ignore[has-type]
slogdet = linalg.slogdet  # type: ignore[has-type]
orgqr = linalg.householder_product


@composite
@spelled(input2="tau", input3="other")
def ormqr(
    input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False
) -> Tensor:
    """Multiply a matrix by the whole Q of a QR factorization, without forming Q.

    Args:
        input: (..., M, K), the vectors of the reflections in its columns below the diagonal.
        tau: (..., K), their factors.
        other: (..., M, N), or (..., N, M) with ``left=False``.
        left: multiply from the left.
        transpose: use the adjoint of Q.

    Raises:
        RuntimeError: sizes or dtypes do not fit.
    """
    _check_ormqr(input, tau, other, left)
    m, k = input.size(-2), tau.size(-1)
    vectors = input[..., :k].tril(-1) + tallow.eye(m, k, dtype=input.dtype, device=input.device)
    result = other if left else other.mH
    # From the left Q is applied, its last reflection first; the adjoint in the other order. From
    # the right the adjoint of the product is computed.
    adjoint = transpose if left else not transpose
    factors = tau.conj() if adjoint else tau
    for j in range(k) if adjoint else reversed(range(k)):
        v = vectors[..., j : j + 1]
        result = result - factors[..., j, None, None] * (v @ (v.mH @ result))
    return result if left else result.mH


def _check_ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool) -> None:
    for name, tensor_, least in (("input", input, 2), ("other", other, 2), ("tau", tau, 1)):
        if tensor_.dim() < least:
            raise RuntimeError(f"torch.ormqr: {name} must have at least {least} dimensions.")
    side = -2 if left else -1
    if other.size(side) < tau.size(-1):
        raise RuntimeError(
            f"torch.ormqr: other.shape[{side}] must be greater than or equal to tau.shape[-1]"
        )
    if other.size(side) != input.size(-2):
        raise RuntimeError(f"torch.ormqr: other.shape[{side}] must be equal to input.shape[-2]")
    if tau.size(-1) != min(other.size(side), input.size(-1)):
        raise RuntimeError(
            f"torch.ormqr: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])"
        )
    for name, tensor_, batch in (("tau", tau, tau.shape[:-1]), ("other", other, other.shape[:-2])):
        if tensor_.dtype != input.dtype:
            raise RuntimeError(
                f"torch.ormqr: Expected input and {name} to have the same dtype, but input has "
                f"dtype{c_name(input.dtype)} and {name} has dtype {c_name(tensor_.dtype)}"
            )
        if batch != input.shape[:-2]:
            raise RuntimeError(
                f"torch.ormqr: Expected batch dimensions of {name} to be equal to "
                f"input.shape[:-2], but got {list(batch)}"
            )
    check_floating("torch.ormqr", input)


@composite
def geqrf(input: Tensor) -> return_types.geqrf:
    """Factor matrices as LAPACK does: R and the reflections whose product is Q in one matrix.

    Args:
        input: (..., M, N), floating point or complex.

    Returns:
        R on and above the diagonal with the vectors of the reflections below it, and their
        factors, (..., min(M, N)); see :func:`tallow.linalg.householder_product`.

    Raises:
        RuntimeError: fewer than two dimensions.
        NotImplementedError: the result would need a gradient; use :func:`tallow.linalg.qr`.
    """
    import math

    import numpy as np

    check_matrix("torch.geqrf", input, "input")
    if input.requires_grad and tallow.is_grad_enabled():
        raise NotImplementedError("the derivative for 'geqrf' is not implemented.")
    *batch, m, n = input.shape
    flat = array(input).reshape(math.prod(batch), m, n)
    packed = np.empty_like(flat)
    factors = np.zeros((len(flat), min(m, n)), flat.dtype)
    for i, matrix in enumerate(flat):
        raw, factors[i] = np.linalg.qr(matrix, mode="raw")
        packed[i] = raw.T
    return return_types.geqrf(
        tensor(packed.reshape(input.shape), input),
        tensor(factors.reshape(*batch, min(m, n)), input),
    )


@composite
def inverse(input: Tensor) -> Tensor:
    """Invert square matrices; see :func:`tallow.linalg.inv`."""
    return linalg.inv(input)


@composite
def logdet(input: Tensor) -> Tensor:
    """Return the logarithm of determinants; NaN for negative ones."""
    sign, logarithm = linalg.slogdet(input)
    if input.is_complex():
        return logarithm + 1j * tallow.angle(sign).to(sign.dtype)
    return tallow.where(sign < 0, tallow.full_like(logarithm, tallow.nan), logarithm)


@composite
def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """Factor positive definite matrices; see :func:`tallow.linalg.cholesky`."""
    return linalg.cholesky(input, upper=upper)


@composite
@spelled(input2="L")
def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """Solve with matrices given by their Cholesky factor.

    Args:
        input: (..., N, K), right sides.
        L: (..., N, N), lower factor, or upper with `upper`.
        upper: which factor.
    """
    if input.dim() < 2:
        raise RuntimeError(
            f"b should have at least 2 dimensions, but has {input.dim()} dimensions instead"
        )
    if L.dim() < 2:
        raise RuntimeError(
            f"u should have at least 2 dimensions, but has {L.dim()} dimensions instead"
        )
    if L.size(-1) != L.size(-2):
        raise RuntimeError(
            "A must be batches of square matrices, but they are "
            f"{L.size(-2)} by {L.size(-1)} matrices"
        )
    if input.size(-2) != L.size(-1):
        raise RuntimeError(
            f"Incompatible matrix sizes for cholesky_solve: each A matrix is {L.size(-1)} by "
            f"{L.size(-1)} but each b matrix is {input.size(-2)} by {input.size(-1)}"
        )
    if input.dtype != L.dtype:
        raise RuntimeError(
            f"Expected b and A to have the same dtype, but found b of type {c_name(input.dtype)} "
            f"and A of type {c_name(L.dtype)} instead."
        )
    lower = L.mH if upper else L
    if not recorded(L, input) and not L.is_complex():
        half = _lapack.solve_triangular(lower, input, False)
        return _lapack.solve_triangular(lower.mT, half, True)
    # Only the triangle counts, but the gradient is that of a matrix.
    lower = lower.detach().tril() + (lower - lower.detach())
    return linalg.solve(lower.mH, linalg.solve(lower, input))


@composite
def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """Invert matrices given by their Cholesky factor.

    Args:
        input: (..., N, N), lower factor, or upper with `upper`.
        upper: which factor.

    Raises:
        RuntimeError: the matrices are not square.
        LinAlgError: a factor has a zero on its diagonal.
    """
    check_square("cholesky_inverse", input)
    zeros = input.detach().diagonal(0, -2, -1) == 0
    if bool(zeros.any()):
        *item, step = zeros.nonzero()[0].tolist()
        where = f"(Batch element {item[0]}): " if item else ""
        raise LinAlgError(
            f"cholesky_inverse: {where}The diagonal element {step + 1} is zero, the inversion "
            "could not be completed because the input matrix is singular."
        )
    one = tallow.eye(input.size(-1), dtype=input.dtype, device=input.device).expand(input.shape)
    return cholesky_solve(one, input, upper)


@composite
def qr(input: Tensor, some: bool = True) -> tuple[Tensor, Tensor]:
    """Factor matrices; see :func:`tallow.linalg.qr`."""
    return linalg.qr(input, "reduced" if some else "complete")


@composite
def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> return_types.svd:
    """Factor matrices into ``U @ diag(S) @ V.mH``; see :func:`tallow.linalg.svd`.

    Args:
        input: (..., M, N).
        some: as few columns as possible.
        compute_uv: without it U and V are zero.
    """
    if not compute_uv:
        m, n = input.shape[-2:]
        batch = input.shape[:-2]
        values = linalg.svdvals(input)
        zeros = [tallow.zeros(*batch, k, k, dtype=input.dtype, device=input.device) for k in (m, n)]
        return return_types.svd(zeros[0], values, zeros[1])
    U, S, Vh = linalg.svd(input, full_matrices=not some)
    return return_types.svd(U, S, Vh.mH)


@composite
def lu(A: Tensor, pivot: bool = True, get_infos: bool = False) -> tuple[Tensor, ...]:
    """Factor matrices; see :func:`tallow.linalg.lu_factor`.

    Args:
        A: (..., M, N).
        pivot: must be True.
        get_infos: also return the place of the first zero on the diagonal of U, or 0.
    """
    packed, pivots, info = linalg.lu_factor_ex(A, pivot=pivot)
    return (packed, pivots, info) if get_infos else (packed, pivots)


@composite
@spelled(input="b")
def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor) -> Tensor:
    """Solve with what :func:`lu` returned; see :func:`tallow.linalg.lu_solve`."""
    return linalg.lu_solve(LU_data, LU_pivots, b)


def _check_pivots(pivots: Tensor, rows: int) -> None:
    if pivots.dtype != tallow.int32:
        raise RuntimeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 "
            f"dtype, as lu_factor returns it, got {pivots.dtype}"
        )
    if pivots.numel() and not 1 <= int(pivots.min()) <= int(pivots.max()) <= rows:
        raise RuntimeError(
            "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive, "
            f"that is {rows}, got {pivots.tolist()}"
        )


@composite
def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True
) -> return_types.lu_unpack:
    """Return the factors P, L and U of which :func:`lu` returned the packed form.

    Args:
        LU_data: (..., M, N), packed factors.
        LU_pivots: (..., min(M, N)), exchanges of rows.
        unpack_data: without it L and U are empty.
        unpack_pivots: without it P is empty.

    Example:
        >>> P, L, U = lu_unpack(*tallow.linalg.lu_factor(tallow.tensor([[0.0, 1.0], [2.0, 3.0]])))
        >>> P @ L @ U
        tensor([[0., 1.],
                [2., 3.]])
    """
    if LU_data.dim() < 2:
        raise RuntimeError(
            "torch.lu_unpack: Expected tensor with 2 or more dimensions. "
            f"Got size: {list(LU_data.shape)} instead"
        )
    m, n = LU_data.shape[-2:]
    k = min(m, n)
    if unpack_pivots:
        _check_pivots(LU_pivots, m)
    none = tallow.empty(0, dtype=LU_data.dtype, device=LU_data.device)
    L = LU_data[..., :, :k].tril(-1) + tallow.eye(m, k, dtype=LU_data.dtype, device=LU_data.device)
    return return_types.lu_unpack(
        permutation(LU_pivots, m, LU_data) if unpack_pivots else none,
        L if unpack_data else none,
        LU_data[..., :k, :].triu() if unpack_data else none,
    )


@composite
@spelled(input="b")
def triangular_solve(
    b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> return_types.triangular_solve:
    """Solve with triangular matrices; see :func:`tallow.linalg.solve_triangular`."""
    matrix = A.mT if transpose else A
    solution = linalg.solve_triangular(
        matrix, b, upper=upper != transpose, unitriangular=unitriangular
    )
    return return_types.triangular_solve(solution, A.clone())


@composite
def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """Return the pseudo-inverse; see :func:`tallow.linalg.pinv`."""
    return linalg.pinv(input, rcond)


@composite
def nuclear_norm(input: Tensor, dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    """Sum the singular values; see :func:`tallow.linalg.matrix_norm`."""
    return linalg.matrix_norm(input, "nuc", tuple(dim), keepdim)


@composite
def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """Return the root of the sum of squares; see :func:`tallow.linalg.vector_norm`."""
    return linalg.vector_norm(input, 2, dim, keepdim)


@composite
def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """Return the powers of the elements of a vector, the highest first unless `increasing`."""
    if x.dim() != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    result = linalg.vander(x, N=N)
    return result if increasing else result.flip(-1)


def _range_of(A: Tensor, q: int, niter: int) -> Tensor:
    """An orthonormal basis of nearly the range of A.

    Source: Halko, Martinsson and Tropp, Finding structure with randomness (2009), algorithm 4.4.
    """
    sketch = tallow.randn(A.size(-1), q, dtype=A.dtype, device=A.device)
    Q = linalg.qr(A @ sketch).Q
    for _ in range(niter):
        Q = linalg.qr(A.mH @ Q).Q
        Q = linalg.qr(A @ Q).Q
    return Q


@composite
def svd_lowrank(
    A: Tensor, q: int | None = 6, niter: int | None = 2, M: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Approximate the `q` largest singular values and their vectors.

    Args:
        A: (..., M, N).
        q: how many.
        niter: iterations that sharpen the approximation.
        M: subtracted from `A`.
    """
    q, niter = 6 if q is None else q, 2 if niter is None else niter
    matrix = A if M is None else A - M
    m, n = matrix.shape[-2:]
    wide = m < n
    B = matrix.mH if wide else matrix
    Q = _range_of(B, q, niter)
    U, S, Vh = linalg.svd(Q.mH @ B, full_matrices=False)
    U, V = Q @ U, Vh.mH
    return (V, S, U) if wide else (U, S, V)


@composite
def pca_lowrank(
    A: Tensor, q: int | None = None, center: bool = True, niter: int = 2
) -> tuple[Tensor, Tensor, Tensor]:
    """Approximate the principal components of rows; see :func:`svd_lowrank`.

    Args:
        A: (..., M, N).
        q: how many; min(6, M, N) by default.
        center: subtract the mean of the rows first.
        niter: iterations that sharpen the approximation.

    Raises:
        ValueError: `q` or `niter` out of range.
    """
    m, n = A.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(
            f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}"
        )
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
