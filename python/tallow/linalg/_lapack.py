"""Values of matrix routines, without derivatives: our own kernels, and NumPy for complex numbers.

docs/decisions/0012-factors-of-matrices.md says what is whose.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow._composite import check_floating, recorded

if TYPE_CHECKING:
    from tallow import Tensor
    from tallow.autograd import Function

__all__ = [
    "LinAlgError",
    "applied",
    "array",
    "check_matrix",
    "check_square",
    "cholesky",
    "det",
    "inverse",
    "lu",
    "lu_solve",
    "permutation",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "tensor",
]

_TOGETHER = 8  # columns that _lu_packed() eliminates before it goes on to the others
_native = _C._nn


class LinAlgError(RuntimeError):
    """A factorization could not be completed."""


def array(x: Tensor) -> Any:
    """The values as a NumPy array."""
    return x.detach().cpu().numpy()


def tensor(value: Any, like: Tensor) -> Tensor:
    """A NumPy result as a tensor on the device of `like`."""
    import numpy as np

    value = np.asarray(value)
    flags = value.flags
    if not (flags.c_contiguous and flags.owndata and flags.writeable):
        value = np.array(value, order="C", copy=True)
    result = tallow.from_numpy(value)
    return result if like.is_cpu else result.to(like.device)


class _Forgetful:
    """Stands in for the context of an operation that nothing is recorded of."""

    def save_for_backward(self, *_: Tensor) -> None: ...
    def set_materialize_grads(self, value: bool) -> None: ...


def applied(function: type[Function], A: Tensor, *arguments: Any) -> Any:
    """What ``function.apply`` returns; only its values where no derivative is wanted."""
    if recorded(A):
        return function.apply(A, *arguments)
    return function.forward(_Forgetful(), A, *arguments)


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


def _lu_packed(a: Any) -> tuple[Any, Any, Any]:
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


def first_failure(info: Tensor) -> tuple[str, int]:
    """Which of several matrices failed first, as messages say it, and its number in `info`."""
    flat = info.flatten()
    failed = flat.nonzero()
    at = int(failed[0, 0]) if failed.numel() else 0
    return f"(Batch element {at}): " if info.dim() else "", int(flat[at])


def _no_inverse(A: Tensor) -> LinAlgError:
    where, step = first_failure(lu(A.detach())[2])
    return LinAlgError(
        f"linalg.inv: {where}The diagonal element {step} is zero, the inversion could not be "
        "completed because the input matrix is singular."
    )


def no_solution(name: str, info: Tensor) -> LinAlgError:
    """The error of an equation with a singular matrix."""
    return LinAlgError(
        f"torch.{name}: {first_failure(info)[0]}The solver failed because the input matrix is "
        "singular."
    )


def inverse(A: Tensor) -> Tensor:
    """The inverses of square matrices.

    Raises:
        LinAlgError: one is singular.
    """
    if A.is_complex():
        import numpy as np

        try:
            return tensor(np.linalg.inv(array(A)), A)
        except np.linalg.LinAlgError:
            raise _no_inverse(A) from None
    result, singular = _native.linalg_inv(A if A.is_cpu else A.cpu())
    if singular >= 0:
        raise _no_inverse(A)
    return result if A.is_cpu else result.to(A.device)


def solve(A: Tensor, B: Tensor) -> Tensor:
    """The solutions of ``A @ X = B``.

    Raises:
        LinAlgError: a matrix is singular.
    """
    if A.is_complex():
        import numpy as np

        try:
            return tensor(np.linalg.solve(array(A), array(B)), A)
        except np.linalg.LinAlgError:
            raise no_solution("linalg.solve", lu(A.detach())[2]) from None
    result, singular = _native.linalg_solve(*((A, B) if A.is_cpu else (A.cpu(), B.cpu())))
    if singular >= 0:
        raise no_solution("linalg.solve", lu(A.detach())[2])
    return result if A.is_cpu else result.to(A.device)


def solve_triangular(
    A: Tensor, B: Tensor, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """The solutions of ``A @ X = B``, or of ``X @ A = B``, by one triangle of A."""
    if not A.is_complex():
        operands = (A, B) if A.is_cpu else (A.cpu(), B.cpu())
        result = _native.linalg_solve_triangular(*operands, upper, left, unitriangular)
        return result if A.is_cpu else result.to(A.device)
    triangle = A.triu() if upper else A.tril()
    if unitriangular:
        one = tallow.eye(A.size(-1), dtype=A.dtype, device=A.device)
        triangle = (A.triu(1) if upper else A.tril(-1)) + one
    if not left:
        return solve(triangle.mT, B.mT).mT
    return solve(triangle, B)


def det(A: Tensor) -> Tensor:
    """The determinants of square matrices."""
    if not A.is_complex():
        return _native.linalg_det(A) if A.is_cpu else _native.linalg_det(A.cpu()).to(A.device)
    import numpy as np

    return tensor(np.linalg.det(array(A)), A).to(A.dtype)


def slogdet(A: Tensor) -> tuple[Tensor, Tensor]:
    """Signs and logarithms of absolute values of determinants."""
    if not A.is_complex():
        return _home(_native.linalg_slogdet(A if A.is_cpu else A.cpu()), A)
    import numpy as np

    sign, logarithm = np.linalg.slogdet(array(A))
    return tensor(sign, A), tensor(logarithm, A)


def _home(results: Any, A: Tensor) -> Any:
    """Results of the CPU on the device of A."""
    return results if A.is_cpu else tuple([part.to(A.device) for part in results])


def lu(A: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """L and U in one, the exchanges of rows, and per matrix the first zero pivot, from 1, or 0."""
    if not A.is_complex():
        return _home(_native.linalg_lu(A if A.is_cpu else A.cpu()), A)
    packed, pivots, info = _lu_packed(array(A))
    return tensor(packed, A), tensor(pivots, A), tensor(info, A)


# Matrices with at most so many rows and columns have our own QR.
_SMALL = 32


def qr(A: Tensor, mode: Any) -> tuple[Tensor, Tensor]:
    """Orthonormal columns and a triangle; `mode` is 'reduced' or 'complete'."""
    m, n = A.shape[-2:]
    if A.numel() and m <= _SMALL and n <= _SMALL:
        found = _native.linalg_qr(A if A.is_cpu else A.cpu(), mode == "complete")
        return _home(found, A)
    import numpy as np

    Q, R = np.linalg.qr(array(A), mode)
    return tensor(Q, A), tensor(R, A)


def lu_solve(LU: Tensor, pivots: Tensor, B: Tensor, adjoint: bool) -> Tensor:
    """The solutions by real factors, of the transposed system with `adjoint`."""
    if LU.is_cpu:
        return _native.linalg_lu_solve(LU, pivots, B, adjoint)
    return _native.linalg_lu_solve(LU.cpu(), pivots.cpu(), B.cpu(), adjoint).to(LU.device)


def permutation(pivots: Tensor, rows: int, like: Tensor) -> Tensor:
    """The matrix P of ``A = P @ L @ U`` from the exchanges."""
    if pivots.is_cpu:
        return _native.linalg_permutation(pivots, rows, like.dtype)
    return _native.linalg_permutation(pivots.cpu(), rows, like.dtype).to(like.device)


def cholesky(A: Tensor) -> tuple[Tensor, Tensor]:
    """Lower factors, and per matrix the order of the first bad minor, or 0."""
    if not A.is_complex():
        return _home(_native.linalg_cholesky(A if A.is_cpu else A.cpu()), A)
    import numpy as np

    values = array(A)
    info = np.zeros(values.shape[:-2], np.int32)
    try:
        result = np.linalg.cholesky(values)
    except np.linalg.LinAlgError:
        result = np.zeros_like(values)
        for index in np.ndindex(*info.shape):
            info[index] = _first_bad_minor(values[index])
            if not info[index]:
                result[index] = np.linalg.cholesky(values[index])
    return tensor(result, A), tensor(info, A)


def _first_bad_minor(matrix: Any) -> int:
    import numpy as np

    for size in range(1, len(matrix) + 1):
        try:
            np.linalg.cholesky(matrix[:size, :size])
        except np.linalg.LinAlgError:
            return size
    return 0
