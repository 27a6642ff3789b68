"""Cholesky factors of random correlation matrices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from .beta import Beta
from .distribution import Distribution
from .utils import broadcast_all

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["LKJCholesky"]


class LKJCholesky(Distribution):
    """Cholesky factors of matrices with a density proportional to ``det^(concentration - 1)``.

    Args:
        dim: number of rows, >= 2.
        concentration: 1 for all correlation matrices alike, more for those nearer to one, > 0.
        validate_args: see :class:`Distribution`.

    Raises:
        ValueError: ``dim`` < 2.

    Source: Lewandowski, Kurowicka and Joe, Generating random correlation matrices based on vines
    and extended onion method, J. Multivariate Analysis 100, 2009, section 3.

    Example:
        >>> from tallow.distributions import LKJCholesky
        >>> factor = LKJCholesky(3, 0.5).sample()
        >>> tallow.allclose((factor @ factor.T).diagonal(), tallow.ones(3))
        True
    """

    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(
        self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}."
            )
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.size(), (dim, dim), validate_args=validate_args)
        # Row k, counted from 0, lies on a sphere of dimension k; its radius is a beta number.
        row = tallow.arange(dim - 1, device=self.concentration.device).to(self.concentration)
        row = tallow.cat([row.new_zeros(1), row])
        other = self.concentration.unsqueeze(-1) + 0.5 * (dim - 2) - 0.5 * row
        self._beta = Beta(row + 0.5, other)

    def _expand_parts(self, new: Any, batch_shape: Any) -> None:
        new.dim = self.dim
        new._beta = self._beta.expand((*batch_shape, self.dim))

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with tallow.no_grad():
            radius = self._beta.sample(sample_shape).unsqueeze(-1)
            shape = self._extended_shape(sample_shape)
            normal = tallow.randn(shape, dtype=radius.dtype, device=radius.device).tril(-1)
            direction = normal / normal.norm(dim=-1, keepdim=True)
            direction[..., 0, :].fill_(0.0)
            factor = radius.sqrt() * direction
            tiny = tallow.finfo(factor.dtype).tiny
            diagonal = (1 - factor.pow(2).sum(-1)).clamp(min=tiny).sqrt()
            return factor + tallow.diag_embed(diagonal)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        diagonal = value.diagonal(dim1=-1, dim2=-2)[..., 1:]
        order = tallow.arange(2, self.dim + 1, device=self.concentration.device)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - order
        density = (order * diagonal.log()).sum(-1)
        rows = self.dim - 1
        alpha = self.concentration + 0.5 * rows
        norm = 0.5 * rows * math.log(math.pi) + tallow.mvlgamma(alpha - 0.5, rows)
        return density - (norm - tallow.lgamma(alpha) * rows)
