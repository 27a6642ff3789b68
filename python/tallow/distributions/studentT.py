"""Student's t-distributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from .chi2 import Chi2
from .distribution import Distribution
from .utils import _standard_normal, broadcast_all

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["StudentT"]


class StudentT(Distribution):
    """Student's t-distributions.

    Args:
        df: degrees of freedom, > 0.
        loc: median.
        scale: > 0.
        validate_args: see :class:`Distribution`.

    Example:
        >>> from tallow.distributions import StudentT
        >>> StudentT(4.0).variance
        tensor(2.)
    """

    arg_constraints = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.real
    has_rsample = True

    def __init__(
        self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df, validate_args=validate_args)
        super().__init__(self.df.shape, validate_args=validate_args)

    def _expand_parts(self, new: Any, batch_shape: Any) -> None:
        new._chi2 = self._chi2.expand(batch_shape)

    @property
    def mean(self) -> Tensor:
        return self.loc.masked_fill(self.df <= 1, tallow.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        finite = self.scale.pow(2) * self.df / (self.df - 2)
        infinite = tallow.where(self.df > 1, tallow.inf, tallow.nan).to(finite)
        return tallow.where(self.df > 2, finite, infinite)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        normal = _standard_normal(shape, self.df.dtype, self.df.device)
        return self.loc + self.scale * normal * tallow.rsqrt(
            self._chi2.rsample(sample_shape) / self.df
        )

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (value - self.loc) / self.scale
        norm = (
            self.scale.log()
            + 0.5 * self.df.log()
            + 0.5 * math.log(math.pi)
            + tallow.lgamma(0.5 * self.df)
            - tallow.lgamma(0.5 * (self.df + 1.0))
        )
        return -0.5 * (self.df + 1.0) * tallow.log1p(y**2.0 / self.df) - norm

    def entropy(self) -> Tensor:
        log_beta = (
            tallow.lgamma(0.5 * self.df) + math.lgamma(0.5) - tallow.lgamma(0.5 * (self.df + 1))
        )
        slopes = tallow.digamma(0.5 * (self.df + 1)) - tallow.digamma(0.5 * self.df)
        return self.scale.log() + 0.5 * (self.df + 1) * slopes + 0.5 * self.df.log() + log_beta
