"""Multivariate normal distributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from ._covariance import Covariance, factor_of, only_matrix
from .distribution import Distribution
from .utils import _standard_normal

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


class MultivariateNormal(Covariance, Distribution):
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
        name, matrix = only_matrix(
            ValueError,
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        if matrix.dim() < 2:
            kind = f"{name} matrix" if name == "scale_tril" else name
            raise ValueError(
                f"{kind} must be at least two-dimensional, with optional leading batch dimensions"
            )
        batch_shape = tallow.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.__dict__[name] = matrix.expand((*batch_shape, -1, -1))
        self.loc = loc.expand((*batch_shape, -1))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        self._unbroadcasted_scale_tril = factor_of(name, matrix)

    def _expand_parts(self, new: Any, batch_shape: Any) -> None:
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril

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
        standard = _standard_normal(shape, self.loc.dtype, self.loc.device)
        moved = tallow.matmul(self._unbroadcasted_scale_tril, standard.unsqueeze(-1))
        return self.loc + moved.squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        distance = batch_mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        constant = self._event_shape[0] * math.log(2 * math.pi)
        return -0.5 * (constant + distance) - self._half_log_det()

    def entropy(self) -> Tensor:
        constant = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        return (constant + self._half_log_det()).expand(self._batch_shape)
