"""Von Mises distributions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, lazy_property

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["VonMises"]


# Coefficients of exp(-x) I(x) for the modified Bessel functions of order 0 and 1, below and above
# x = 3.75. Source: Abramowitz and Stegun, 9.8.1 to 9.8.4.
_SMALL = (
    (1.0, 3.5156229, 3.0899424, 1.2067492, 0.2659732, 0.0360768, 0.0045813),
    (0.5, 0.87890594, 0.51498869, 0.15084934, 0.02658733, 0.00301532, 0.00032411),
)
_LARGE = (
    (
        0.39894228,
        0.01328592,
        0.00225319,
        -0.00157565,
        0.00916281,
        -0.02057706,
        0.02635537,
        -0.01647633,
        0.00392377,
    ),
    (
        0.39894228,
        -0.03988024,
        -0.00362018,
        0.00163801,
        -0.01031555,
        0.02282967,
        -0.02895312,
        0.01787654,
        -0.00420059,
    ),
)


def _polynomial(x: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    value = tallow.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value


def _log_bessel(x: Tensor, order: int) -> Tensor:
    """Logarithm of the modified Bessel function of the first kind, of order 0 or 1, for x > 0."""
    small = _polynomial((x / 3.75) ** 2, _SMALL[order])
    if order:
        small = x.abs() * small
    large = x - 0.5 * x.log() + _polynomial(3.75 / x, _LARGE[order]).log()
    return tallow.where(x < 3.75, small.log(), large)


class VonMises(Distribution):
    """Angles around a direction; samples lie in [-pi, pi).

    Args:
        loc: the direction.
        concentration: > 0.
        validate_args: see :class:`Distribution`.

    Example:
        >>> from tallow.distributions import VonMises
        >>> VonMises(tallow.tensor(0.0), tallow.tensor(4.0)).log_prob(tallow.tensor(0.0))
        tensor(-0.2628)
    """

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}
    support = constraints.real

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        """Circular variance, between 0 and 1."""
        ratio = _log_bessel(self.concentration, 1) - _log_bessel(self.concentration, 0)
        return 1 - ratio.exp()

    @property
    def _proposal_r(self) -> Tensor:
        kappa = self.concentration.double()
        tau = 1 + (1 + 4 * kappa**2).sqrt()
        rho = (tau - (2 * tau).sqrt()) / (2 * kappa)
        # The difference cancels for small concentrations; there the series' first terms do.
        return tallow.where(kappa < 1e-5, 1 / kappa + kappa, (1 + rho**2) / (2 * rho))

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draw samples by rejection. Source: Best and Fisher, Efficient simulation, 1979."""
        shape = self._extended_shape(sample_shape)
        with tallow.no_grad():
            loc = self.loc.double()
            kappa = self.concentration.double().expand(shape)
            r = self._proposal_r.expand(shape)
            x = tallow.empty(shape, dtype=loc.dtype, device=loc.device)
            done = tallow.zeros(shape, dtype=tallow.bool, device=loc.device)
            while not done.all():
                u1, u2, u3 = tallow.rand((3, *shape), dtype=loc.dtype, device=loc.device).unbind()
                f = tallow.cos(math.pi * u1)
                z = (1 + r * f) / (r + f)
                c = kappa * (r - z)
                accept = (c * (2 - c) - u2 > 0) | ((c / u2).log() + 1 - c >= 0)
                x = tallow.where(accept, (u3 - 0.5).sign() * z.acos(), x)
                done = done | accept
            return ((x + math.pi + loc) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return (
            self.concentration * tallow.cos(value - self.loc)
            - math.log(2 * math.pi)
            - _log_bessel(self.concentration, 0)
        )
