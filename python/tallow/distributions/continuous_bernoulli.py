"""Continuous Bernoulli distributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow.nn.functional import binary_cross_entropy_with_logits

from . import constraints
from ._binary import BinaryParams
from .exp_family import ExponentialFamily
from .utils import clamp_probs

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["ContinuousBernoulli"]


class ContinuousBernoulli(BinaryParams, ExponentialFamily):
    """Numbers in 0 .. 1 with a density proportional to ``probs^x (1 - probs)^(1 - x)``.

    Args:
        probs: the parameter, in (0, 1); not a probability.
        logits: log odds of it, instead of ``probs``.
        lims: between these the formulas, which divide 0 by 0 at 0.5, are replaced by Taylor's.
        validate_args: see :class:`Distribution`.

    Raises:
        ValueError: not exactly one of ``probs`` and ``logits``.

    Source: Loaiza-Ganem and Cunningham, The continuous Bernoulli: fixing a pervasive error in
    variational autoencoders, arXiv:1907.06845.

    Example:
        >>> from tallow.distributions import ContinuousBernoulli
        >>> ContinuousBernoulli(0.5).variance
        tensor(0.0833)
    """

    support = constraints.unit_interval
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        probs: Any = None,
        logits: Any = None,
        lims: tuple[float, float] = (0.499, 0.501),
        validate_args: bool | None = None,
    ) -> None:
        self._set_params(probs, logits)
        if probs is not None:
            check = self._validate_args if validate_args is None else validate_args
            if check and not constraints.unit_interval.check(self.probs).all():
                raise ValueError("The parameter probs has invalid values")
            self.__dict__["probs"] = clamp_probs(self.probs)
        self._lims = lims
        super().__init__(self._param.shape, validate_args=validate_args)

    def _expand_parts(self, new: Any, batch_shape: Any) -> None:
        new._lims = self._lims

    def _stable(self) -> tuple[Tensor, Tensor]:
        """Where the formulas can be used, and the parameter with a safe value elsewhere."""
        p = self.probs
        stable = (p <= self._lims[0]) | (p > self._lims[1])
        return stable, tallow.where(stable, p, self._lims[0])

    def _log_norm(self) -> Tensor:
        """Logarithm of the factor that makes the density integrate to one."""
        stable, p = self._stable()
        log_norm = (tallow.log1p(-p) - p.log()).abs().log() - (1 - 2 * p).abs().log()
        x = (self.probs - 0.5).pow(2)
        return tallow.where(stable, log_norm, math.log(2) + (4 / 3 + 104 / 45 * x) * x)

    @property
    def mean(self) -> Tensor:
        stable, p = self._stable()
        mean = p / (2 * p - 1) + 1 / (tallow.log1p(-p) - p.log())
        x = self.probs - 0.5
        return tallow.where(stable, mean, 0.5 + (1 / 3 + 16 / 45 * x.pow(2)) * x)

    @property
    def stddev(self) -> Tensor:
        return self.variance.sqrt()

    @property
    def variance(self) -> Tensor:
        stable, p = self._stable()
        variance = p * (p - 1) / (1 - 2 * p).pow(2) + 1 / (tallow.log1p(-p) - p.log()).pow(2)
        x = (self.probs - 0.5).pow(2)
        return tallow.where(stable, variance, 1 / 12 - (1 / 15 - 128 / 945 * x) * x)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.icdf(tallow.rand(shape, dtype=self.probs.dtype, device=self.probs.device))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        logits, value = tallow.broadcast_tensors(self.logits, value)
        loss = binary_cross_entropy_with_logits(logits, value, reduction="none")
        return -loss + self._log_norm()

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        stable, p = self._stable()
        share = (p.pow(value) * (1 - p).pow(1 - value) + p - 1) / (2 * p - 1)
        return tallow.where(stable, share, value).clamp(0, 1)

    def icdf(self, value: Tensor) -> Tensor:
        stable, p = self._stable()
        low = tallow.log1p(-p)
        x = (tallow.log1p(-p + value * (2 * p - 1)) - low) / (p.log() - low)
        return tallow.where(stable, x, value)

    def entropy(self) -> Tensor:
        log_0, log_1 = tallow.log1p(-self.probs), self.probs.log()
        return self.mean * (log_0 - log_1) - self._log_norm() - log_0

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        return (self.logits,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        (x,) = natural_params
        stable = (x <= self._lims[0] - 0.5) | (x > self._lims[1] - 0.5)
        safe = tallow.where(stable, x, self._lims[0] - 0.5)
        log_norm = tallow.special.expm1(safe).abs().log() - safe.abs().log()
        taylor = 0.5 * x + x.pow(2) / 24 - x.pow(4) / 2880
        return tallow.where(stable, log_norm, taylor)
