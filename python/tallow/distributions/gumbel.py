"""Gumbel distributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, ExpTransform
from .uniform import Uniform
from .utils import broadcast_all, euler_constant

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["Gumbel"]


class Gumbel(TransformedDistribution):
    """Largest values of many.

    Args:
        loc: most probable value.
        scale: > 0.
        validate_args: see :class:`Distribution`.

    Example:
        >>> from tallow.distributions import Gumbel
        >>> Gumbel(0.0, 1.0).mean
        tensor(0.5772)
    """

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        finfo = tallow.finfo(self.loc.dtype)
        low = tallow.full_like(self.loc, finfo.tiny)
        high = tallow.full_like(self.loc, 1 - finfo.eps)
        base = Uniform(low, high, validate_args=validate_args)
        # -log(-log u), moved and scaled.
        transforms = [
            ExpTransform().inv,
            AffineTransform(loc=0, scale=-tallow.ones_like(self.scale)),
            ExpTransform().inv,
            AffineTransform(loc=loc, scale=-self.scale),
        ]
        super().__init__(base, transforms, validate_args=validate_args)

    def _expand_parts(self, new: Any, batch_shape: Any) -> None:
        new.loc = self.loc.expand(batch_shape)
        new.scale = self.scale.expand(batch_shape)

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * euler_constant

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return (math.pi / math.sqrt(6)) * self.scale

    @property
    def variance(self) -> Tensor:
        return self.stddev.pow(2)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (self.loc - value) / self.scale
        return (y - y.exp()) - self.scale.log()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + euler_constant)
