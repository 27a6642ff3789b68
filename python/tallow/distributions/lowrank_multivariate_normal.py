"""Multivariate normal distributions whose covariance is a diagonal plus a matrix of low rank."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from .distribution import Distribution
from .multivariate_normal import batch_mahalanobis
from .utils import _standard_normal, lazy_property

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["LowRankMultivariateNormal"]


class LowRankMultivariateNormal(Distribution):
    """Normal vectors with covariance ``cov_factor @ cov_factor.T + diag(cov_diag)``.

    Determinants and inverses are those of M x M matrices.

    Args:
        loc: ``(..., N)`` mean.
        cov_factor: ``(..., N, M)``, with M smaller than N.
        cov_diag: ``(..., N)``, > 0.
        validate_args: see :class:`Distribution`.

    Raises:
        ValueError: shapes that do not fit.

    Source: Woodbury's identity and the matrix determinant lemma.

    Example:
        >>> from tallow.distributions import LowRankMultivariateNormal
        >>> factor = tallow.tensor([[1.0], [2.0]])
        >>> LowRankMultivariateNormal(tallow.zeros(2), factor, tallow.ones(2)).covariance_matrix
        tensor([[2., 2.],
                [2., 5.]])
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "cov_factor": constraints.independent(constraints.real, 2),
        "cov_diag": constraints.independent(constraints.positive, 1),
    }
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        cov_factor: Tensor,
        cov_diag: Tensor,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        event_shape = loc.shape[-1:]
        if cov_factor.dim() < 2:
            raise ValueError(
                "cov_factor must be at least two-dimensional, with optional leading batch "
                "dimensions"
            )
        if cov_factor.shape[-2:-1] != event_shape:
            raise ValueError(
                f"cov_factor must be a batch of matrices with shape {event_shape[0]} x m"
            )
        if cov_diag.shape[-1:] != event_shape:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event_shape}")
        batch_shape = tallow.broadcast_shapes(
            loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1]
        )
        self.loc = loc.expand((*batch_shape, *event_shape))
        self.cov_factor = cov_factor.expand((*batch_shape, *cov_factor.shape[-2:]))
        self.cov_diag = cov_diag.expand((*batch_shape, *event_shape))
        super().__init__(batch_shape, event_shape, validate_args=validate_args)
        scaled = (cov_factor / cov_diag.unsqueeze(-1)).mT  # W^T D^-1
        one = tallow.eye(cov_factor.size(-1), dtype=loc.dtype, device=loc.device)
        self._scaled_factor = scaled
        self._capacitance_tril = tallow.linalg.cholesky(scaled @ cov_factor + one)

    def _expand_parts(self, new: Any, batch_shape: Any) -> None:
        new._scaled_factor = self._scaled_factor
        new._capacitance_tril = self._capacitance_tril

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        """Variance of each element."""
        return self.cov_factor.pow(2).sum(-1) + self.cov_diag

    @lazy_property
    def scale_tril(self) -> Tensor:
        """Lower Cholesky factor of the covariance."""
        root = self.cov_diag.sqrt().unsqueeze(-1)
        white = self.cov_factor / root
        one = tallow.eye(self._event_shape[0], dtype=self.loc.dtype, device=self.loc.device)
        return root * tallow.linalg.cholesky(white @ white.mT + one)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """Covariance."""
        return self.cov_factor @ self.cov_factor.mT + tallow.diag_embed(self.cov_diag)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """Inverse of the covariance."""
        inner = self._whitened_factor()
        precision = tallow.diag_embed(self.cov_diag.reciprocal()) - inner.mT @ inner
        return precision.expand((*self._batch_shape, *self._event_shape, *self._event_shape))

    def _whitened_factor(self) -> Tensor:
        return tallow.linalg.solve_triangular(
            self._capacitance_tril, self._scaled_factor, upper=False
        )

    def _log_det(self) -> Tensor:
        """Logarithm of the covariance's determinant."""
        inner = self._capacitance_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return 2 * inner + self.cov_diag.log().sum(-1)

    def _squared_distance(self, away: Tensor) -> Tensor:
        """Squared lengths of vectors in the metric of the covariance."""
        inner = (self._scaled_factor @ away.unsqueeze(-1)).squeeze(-1)
        outer = (away.pow(2) / self.cov_diag).sum(-1)
        return outer - batch_mahalanobis(self._capacitance_tril, inner)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        rank = (*shape[:-1], self.cov_factor.size(-1))
        shared = _standard_normal(rank, self.loc.dtype, self.loc.device)
        own = _standard_normal(shape, self.loc.dtype, self.loc.device)
        moved = (self.cov_factor @ shared.unsqueeze(-1)).squeeze(-1)
        return self.loc + moved + self.cov_diag.sqrt() * own

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        constant = self._event_shape[0] * math.log(2 * math.pi)
        distance = self._squared_distance(value - self.loc)
        return -0.5 * (constant + self._log_det() + distance)

    def entropy(self) -> Tensor:
        constant = self._event_shape[0] * (1.0 + math.log(2 * math.pi))
        return (0.5 * (constant + self._log_det())).expand(self._batch_shape)
