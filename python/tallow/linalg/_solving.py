"""Solving, inverting and determinants, with their derivatives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import return_types
from tallow._composite import check_floating, composite, recorded, spelled
from tallow.autograd import Function
from tallow.linalg import _lapack
from tallow.linalg._lapack import LinAlgError, check_square

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = [
    "det",
    "inv",
    "inv_ex",
    "slogdet",
    "solve",
    "solve_ex",
    "solve_triangular",
    "tensorinv",
    "tensorsolve",
]


class _Inverse(Function):
    _node_name = "LinalgInvExBackward0"

    @staticmethod
    def forward(ctx: Any, A: Tensor) -> Tensor:
        result = _lapack.inverse(A)
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (inverse,) = ctx.saved_tensors
        return -(inverse.mH @ grad @ inverse.mH)


def _inverse(A: Tensor) -> Tensor:
    return _Inverse.apply(A) if recorded(A) else _lapack.inverse(A)


@composite
def inv(A: Tensor) -> Tensor:
    """Invert square matrices.

    Args:
        A: (..., N, N), floating point or complex.

    Raises:
        RuntimeError: the matrices are not square.
        LinAlgError: one is singular.

    Example:
        >>> inv(tallow.tensor([[2.0, 0.0], [0.0, 4.0]]))
        tensor([[0.5000, 0.0000],
                [0.0000, 0.2500]])
    """
    check_square("linalg.inv", A)
    return _inverse(A)


@composite
def inv_ex(A: Tensor, *, check_errors: bool = False) -> return_types.linalg_inv_ex:
    """Invert square matrices and say with a number, 0 for success, how it went.

    Args:
        A: (..., N, N), floating point or complex.
        check_errors: raise for a singular matrix.

    Raises:
        LinAlgError: with `check_errors`, a singular matrix.
    """
    check_square("linalg.inv_ex", A)
    info = tallow.zeros(A.shape[:-2], dtype=tallow.int32, device=A.device)
    try:
        return return_types.linalg_inv_ex(_inverse(A), info)
    except LinAlgError as error:
        if check_errors:
            raise LinAlgError(str(error).replace("linalg.inv", "linalg.inv_ex", 1)) from None
        info = _lapack.lu(A.detach())[2]
        return return_types.linalg_inv_ex(tallow.full_like(A, tallow.nan), info)


class _Solve(Function):
    _node_name = "LinalgSolveExBackward0"

    @staticmethod
    def forward(ctx: Any, A: Tensor, B: Tensor) -> Tensor:
        result = _lapack.solve(A, B)
        ctx.save_for_backward(A, result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        A, X = ctx.saved_tensors
        grad_b = _Solve.apply(A.mH, grad)
        return -(grad_b @ X.mH), grad_b


@composite
def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """Solve ``A @ X = B``, or ``X @ A = B`` with ``left=False``.

    Args:
        A: (..., N, N), floating point or complex.
        B: (..., N, K), or a vector (N,) or a batch of vectors (..., N).
        left: on which side of `A` the unknown stands.

    Raises:
        RuntimeError: sizes or dtypes do not fit.
        LinAlgError: a matrix is singular.

    Example:
        >>> solve(tallow.tensor([[2.0, 0.0], [0.0, 4.0]]), tallow.tensor([2.0, 2.0]))
        tensor([1.0000, 0.5000])
    """
    check_square("linalg.solve", A)
    if A.dtype != B.dtype:
        raise RuntimeError(
            f"linalg.solve: Expected A and B to have the same dtype, but found A of type {A.dtype} "
            f"and B of type {B.dtype} instead"
        )
    if B.dim() == 0:
        raise RuntimeError("linalg.solve: The input tensor B must have at least 2 dimensions.")
    vector = B.dim() == 1 or (A.dim() - 1 == B.dim() and B.shape == A.shape[:-1])
    if vector and not left:
        raise RuntimeError(
            "linalg.solve: Vector broadcasting of the left hand side is not supported for "
            "left=False. In this case linalg.solve is equivalent to B / A.squeeze(-1)"
        )
    right = B.unsqueeze(-1) if vector else B
    n = A.size(-1)
    rows = right.size(-2) if left else right.size(-1)
    if rows != n:
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B for the equation "
            f"{'AX = B' if left else 'XA = B'} ({A.size(-2)}x{n} and "
            f"{right.size(-2)}x{right.size(-1)})"
        )
    if not left:
        return _broadcast_solve(A.mT, right.mT).mT
    result = _broadcast_solve(A, right)
    return result.squeeze(-1) if vector else result


@composite
def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False
) -> return_types.linalg_solve_ex:
    """Like :func:`solve`, with numbers that tell which matrices are singular instead of an error.

    Args:
        A: (..., N, N), floating point or complex.
        B: right sides, as for :func:`solve`.
        left: on which side of `A` the unknown stands.
        check_errors: raise for a singular matrix.

    Returns:
        The solution, NaN where a matrix is singular, and the place of the first zero on the
        diagonal of its factor U, or 0.

    Raises:
        RuntimeError: sizes or dtypes do not fit.
        LinAlgError: a singular matrix with `check_errors`.
    """
    check_square("linalg.solve", A)
    info = _lapack.lu(A.detach())[2]
    singular = info != 0
    if not bool(singular.any()):
        return return_types.linalg_solve_ex(solve(A, B, left=left), info)
    if check_errors:
        raise _lapack.no_solution("linalg.solve_ex", info)
    stand_in = tallow.eye(A.size(-1), dtype=A.dtype, device=A.device)
    found = solve(tallow.where(singular[..., None, None], stand_in, A), B, left=left)
    lost = singular.reshape(*singular.shape, *[1] * (found.dim() - singular.dim()))
    return return_types.linalg_solve_ex(found.masked_fill(lost, tallow.nan), info)


def _broadcast_solve(A: Tensor, B: Tensor) -> Tensor:
    A, B = _with_one_batch(A, B)
    return _Solve.apply(A, B) if recorded(A, B) else _lapack.solve(A, B)


def _with_one_batch(A: Tensor, B: Tensor) -> tuple[Tensor, Tensor]:
    if A.shape[:-2] == B.shape[:-2]:
        return A, B
    batch = tallow.broadcast_shapes(A.shape[:-2], B.shape[:-2])
    return A.expand(*batch, *A.shape[-2:]), B.expand(*batch, *B.shape[-2:])


class _SolveTriangular(Function):
    _node_name = "LinalgSolveTriangularBackward0"

    @staticmethod
    def forward(
        ctx: Any, A: Tensor, B: Tensor, upper: bool, left: bool, unitriangular: bool
    ) -> Tensor:
        result = _lapack.solve_triangular(A, B, upper, left, unitriangular)
        ctx.save_for_backward(A, result)
        ctx.form = upper, left, unitriangular
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        A, X = ctx.saved_tensors
        upper, left, unitriangular = ctx.form
        grad_b = _SolveTriangular.apply(A.mH, grad, not upper, left, unitriangular)
        grad_a = -(grad_b @ X.mH if left else X.mH @ grad_b)
        grad_a = grad_a.triu(int(unitriangular)) if upper else grad_a.tril(-int(unitriangular))
        return grad_a, grad_b, None, None, None


@composite
def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """Solve with triangular matrices; the other triangle is not looked at.

    Args:
        A: (..., N, N), triangular.
        B: (..., N, K), or (..., K, N) with ``left=False``.
        upper: which triangle of `A` counts.
        left: on which side of `A` the unknown stands.
        unitriangular: take the diagonal of `A` to be ones.

    Raises:
        RuntimeError: sizes or dtypes do not fit.
    """
    check_square("linalg.solve_triangular", A)
    check_floating("linalg.solve_triangular", B)
    if B.dim() < 2:
        raise RuntimeError(
            "linalg.solve_triangular: The input tensor B must have at least 2 dimensions."
        )
    if A.dtype != B.dtype:
        raise RuntimeError(
            "linalg.solve_triangular: Expected A and B to have the same dtype, but found A of type "
            f"{A.dtype} and B of type {B.dtype} instead"
        )
    if B.size(-2 if left else -1) != A.size(-1):
        raise RuntimeError(
            "linalg.solve_triangular: Incompatible shapes of A and B for the equation "
            f"{'AX = B' if left else 'XA = B'} ({A.size(-2)}x{A.size(-1)} and "
            f"{B.size(-2)}x{B.size(-1)})"
        )
    form = upper, left, unitriangular
    if not recorded(A, B) and not A.is_complex():
        return _lapack.solve_triangular(A, B, *form)
    return _SolveTriangular.apply(*_with_one_batch(A, B), *form)


class _Det(Function):
    _node_name = "LinalgDetBackward0"

    @staticmethod
    def forward(ctx: Any, A: Tensor) -> Tensor:
        result = _lapack.det(A)
        ctx.save_for_backward(A, result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        A, result = ctx.saved_tensors
        return grad[..., None, None] * _cofactors(A, result).conj()


def _cofactors(A: Tensor, determinant: Tensor) -> Tensor:
    """The matrix of cofactors, also of singular matrices (through the singular values)."""
    try:
        inverse = _inverse(A)
    except LinAlgError:
        inverse = None
    if inverse is not None:
        with tallow.no_grad():
            lengths = [tallow.linalg.vector_norm(x, dim=(-2, -1)) for x in (A, inverse)]
        # Their product bounds the quotient of the largest and the smallest singular value.
        limit = 0.01 / tallow.finfo(A.dtype).eps
        if bool((lengths[0] * lengths[1] < limit).all()):
            return determinant[..., None, None] * inverse.mT
    from tallow.linalg._spectral import svd

    U, S, Vh = svd(A)
    n = S.size(-1)
    hole = tallow.eye(n, dtype=tallow.bool, device=A.device)
    others = S.unsqueeze(-2).expand(*S.shape[:-1], n, n).masked_fill(hole, 1).prod(-1)
    with tallow.no_grad():
        sign = _Det.apply(U) * _Det.apply(Vh)
    return (sign[..., None, None] * (U * others.unsqueeze(-2).to(U.dtype)) @ Vh).conj()


@composite
@spelled(input="A")
def det(A: Tensor) -> Tensor:
    """Return the determinants of square matrices.

    Args:
        A: (..., N, N), floating point or complex.

    Example:
        >>> det(tallow.tensor([[2.0, 1.0], [0.0, 3.0]]))
        tensor(6.)
    """
    check_square("linalg.det", A)
    return _Det.apply(A) if recorded(A) else _lapack.det(A)


class _Slogdet(Function):
    _node_name = "LinalgSlogdetBackward0"

    @staticmethod
    def forward(ctx: Any, A: Tensor) -> tuple[Tensor, Tensor]:
        sign, logarithm = _lapack.slogdet(A)
        ctx.save_for_backward(A, sign)
        return sign, logarithm

    @staticmethod
    def backward(ctx: Any, grad_sign: Tensor, grad: Tensor) -> Tensor:
        A, sign = ctx.saved_tensors
        factor = grad
        if A.is_complex():  # d sign = i sign Im(d log det)
            turned = grad_sign.conj() * sign
            factor = tallow.complex(grad, -turned.imag)
        return factor[..., None, None] * _inverse(A).mH


@composite
@spelled(input="A")
def slogdet(A: Tensor) -> return_types.linalg_slogdet:
    """Return sign and logarithm of the absolute value of determinants.

    Args:
        A: (..., N, N), floating point or complex.

    Example:
        >>> slogdet(tallow.eye(2)).logabsdet
        tensor(0.)
    """
    check_square("linalg.slogdet", A)
    values = _Slogdet.apply(A) if recorded(A) else _lapack.slogdet(A)
    return return_types.linalg_slogdet(*values)


@composite
def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """Invert a tensor as the linear map from its last dimensions to its first `ind`.

    Args:
        A: the product of the first `ind` sizes equals that of the others.
        ind: number of leading dimensions, positive.

    Raises:
        RuntimeError: the products differ.
    """
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    first, last = A.shape[:ind], A.shape[ind:]
    if first.numel() != last.numel():
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[ind:]) == "
            f"prod(self.shape[:ind]), but got {last.numel()} != {first.numel()}"
        )
    square = A.reshape(first.numel(), last.numel())
    return inv(square).reshape(*last, *first)


@composite
def tensorsolve(A: Tensor, B: Tensor, dims: tuple[int, ...] | None = None) -> Tensor:
    """Solve ``tensordot(A, X, X.ndim) = B``.

    Args:
        A: with as many elements as the square of those of `B`.
        B: right side.
        dims: dimensions of `A` to move to its end first.

    Raises:
        RuntimeError: the sizes do not fit.
    """
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(A.dim() - len(dims), A.dim())))
    shape = A.shape[B.dim() :]
    if tallow.Size(shape).numel() != B.numel():
        raise RuntimeError(
            "Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == "
            f"prod(self.shape[:other.ndim]), but got {tallow.Size(shape).numel()} != {B.numel()}"
        )
    return solve(A.reshape(B.numel(), -1), B.flatten()).reshape(shape)
