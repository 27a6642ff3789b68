"""What distributions have in common that take a covariance as any one of three matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from .utils import lazy_property

if TYPE_CHECKING:
    from tallow import Tensor


def precision_to_scale_tril(precision: Tensor) -> Tensor:
    """Return the lower Cholesky factor of the inverse of a matrix.

    Args:
        precision: ``(..., N, N)``, positive definite.
    """
    # With the order of rows and columns reversed, P = U U^T for an upper U, and inv(U)^T is lower.
    reversed_factor = tallow.linalg.cholesky(precision.flip((-2, -1)))
    lower_inverse = reversed_factor.flip((-2, -1)).mT
    identity = tallow.eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    identity = identity.expand(precision.shape)
    return tallow.linalg.solve_triangular(lower_inverse, identity, upper=False)


def only_matrix(error: type[Exception], **given: Tensor | None) -> tuple[str, Tensor]:
    """Return name and value of the one matrix that is given.

    Raises:
        error: none is, or several are.
    """
    matrices = [(name, matrix) for name, matrix in given.items() if matrix is not None]
    if len(matrices) != 1:
        raise error(f"Exactly one of {' or '.join(given)} may be specified.")
    return matrices[0]


def factor_of(name: str, matrix: Tensor) -> Tensor:
    """Return the lower Cholesky factor of the covariance that is given as the matrix so named."""
    if name == "covariance_matrix":
        return tallow.linalg.cholesky(matrix)
    return precision_to_scale_tril(matrix) if name == "precision_matrix" else matrix


class Covariance:
    """The three matrices, computed from the factor when they are asked for and not given."""

    _unbroadcasted_scale_tril: Tensor

    def _spread(self, matrix: Tensor) -> Tensor:
        batch_shape: Any = self._batch_shape  # type: ignore[attr-defined]
        return matrix.expand((*batch_shape, -1, -1))

    @lazy_property
    def scale_tril(self) -> Tensor:
        """Lower Cholesky factor of the covariance."""
        return self._spread(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """Covariance."""
        factor = self._unbroadcasted_scale_tril
        return self._spread(factor @ factor.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """Inverse of the covariance."""
        factor = self._unbroadcasted_scale_tril
        one = tallow.eye(factor.size(-1), dtype=factor.dtype, device=factor.device)
        return self._spread(tallow.cholesky_solve(one, factor))

    def _half_log_det(self) -> Tensor:
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
