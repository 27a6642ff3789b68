"""Multivariate normal distributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from .distribution import Distribution
from .utils import lazy_property, standard_normal

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["MultivariateNormal"]


def batch_mahalanobis(factor: Tensor, x: Tensor) -> Tensor:
    """Return squared lengths of vectors in the metric of covariance matrices.

    Args:
        factor: ``(..., N, N)`` lower Cholesky factors of the covariances.
        x: ``(..., N)``, broadcast with the factors.

    Returns:
        Of the common batch shape.
    """
    shape = tallow.broadcast_shapes(factor.shape[:-1], x.shape)
    wide = factor.expand((*shape, shape[-1]))
    standard = tallow.linalg.solve_triangular(wide, x.expand(shape).unsqueeze(-1), upper=False)
    return standard.squeeze(-1).pow(2).sum(-1)


def precision_to_scale_tril(precision: Tensor) -> Tensor:
    """Return the lower Cholesky factor of the inverse of a matrix.

    Args:
        precision: ``(..., N, N)``, positive definite.
    """
    # With the order of rows and columns reversed, P = U U^T for an upper U, and inv(U)^T is lower.
    reversed_factor = tallow.linalg.cholesky(precision.flip((-2, -1)))
    lower_inverse = reversed_factor.flip((-2, -1)).mT
    identity = tallow.eye(precision.shape[-1]).to(precision).expand(precision.shape)
    return tallow.linalg.solve_triangular(lower_inverse, identity, upper=False)


class MultivariateNormal(Distribution):
    """Normal vectors with any covariance.

    Args:
        loc: ``(..., N)`` mean.
        covariance_matrix: ``(..., N, N)``, positive definite; or
        precision_matrix: its inverse; or
        scale_tril: its lower Cholesky factor.
        validate_args: see :class:`Distribution`.

    Raises:
        ValueError: not exactly one of the three matrices, or too few dimensions.

    Example:
        >>> from tallow.distributions import MultivariateNormal
        >>> MultivariateNormal(tallow.zeros(2), 4 * tallow.eye(2)).entropy()
        tensor(4.2242)
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        matrices = [(name, matrix) for name, matrix in given.items() if matrix is not None]
        if len(matrices) != 1:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be "
                "specified."
            )
        ((name, matrix),) = matrices
        if matrix.dim() < 2:
            kind = f"{name} matrix" if name == "scale_tril" else name
            raise ValueError(
                f"{kind} must be at least two-dimensional, with optional leading batch dimensions"
            )
        batch_shape = tallow.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.__dict__[name] = matrix.expand((*batch_shape, -1, -1))
        self.loc = loc.expand((*batch_shape, -1))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = matrix
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = tallow.linalg.cholesky(matrix)
        else:
            self._unbroadcasted_scale_tril = precision_to_scale_tril(matrix)

    def _expand_parts(self, new: Any, batch_shape: Any) -> None:
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril

    def _spread(self, matrix: Tensor) -> Tensor:
        return matrix.expand((*self._batch_shape, *self._event_shape, *self._event_shape))

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
        identity = tallow.eye(factor.shape[-1]).to(factor).expand(factor.shape)
        inverse = tallow.linalg.solve_triangular(factor, identity, upper=False)
        return self._spread(inverse.mT @ inverse)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        variance = self._unbroadcasted_scale_tril.pow(2).sum(-1)
        return variance.expand((*self._batch_shape, *self._event_shape))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        standard = standard_normal(shape, self.loc.dtype, self.loc.device)
        moved = tallow.matmul(self._unbroadcasted_scale_tril, standard.unsqueeze(-1))
        return self.loc + moved.squeeze(-1)

    def _half_log_det(self) -> Tensor:
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        distance = batch_mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        constant = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (constant + distance) - self._half_log_det()

    def entropy(self) -> Tensor:
        constant = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        return (constant + self._half_log_det()).expand(self._batch_shape)
