"""Kullback-Leibler divergences between distributions of two families.

Each is ``-H(p) - E[log q(x)]``, the entropy of p and a mean over it. Source: Gil, Alajaji and
Linder, Renyi divergence measures for commonly used univariate continuous distributions, 2013.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow

from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .continuous_bernoulli import ContinuousBernoulli
from .exponential import Exponential
from .gamma import Gamma
from .gumbel import Gumbel
from .kl import register_kl
from .laplace import Laplace
from .normal import Normal
from .pareto import Pareto
from .poisson import Poisson
from .uniform import Uniform
from .utils import euler_constant

if TYPE_CHECKING:
    from tallow import Tensor

__all__: list[str] = []


def _infinite_like(tensor: Tensor) -> Tensor:
    return tallow.full_like(tensor, math.inf)


def _never(*pairs: tuple[type, type]) -> None:
    """P reaches where q has no density."""
    for type_p, type_q in pairs:
        parameter = {
            Normal: "loc",
            Laplace: "loc",
            Gumbel: "loc",
            Gamma: "concentration",
            Exponential: "rate",
            Pareto: "scale",
            Poisson: "rate",
            Beta: "concentration1",
            Uniform: "low",
            ContinuousBernoulli: "probs",
        }[type_p]

        def formula(p: Any, q: Any, parameter: str = parameter) -> Tensor:
            return _infinite_like(getattr(p, parameter))

        register_kl(type_p, type_q)(formula)


_never(
    (Normal, Beta),
    (Normal, Exponential),
    (Normal, Gamma),
    (Normal, Pareto),
    (Normal, Uniform),
    (Laplace, Beta),
    (Laplace, Exponential),
    (Laplace, Gamma),
    (Laplace, Pareto),
    (Laplace, Uniform),
    (Gumbel, Beta),
    (Gumbel, Exponential),
    (Gumbel, Gamma),
    (Gumbel, Pareto),
    (Gumbel, Uniform),
    (Gamma, Beta),
    (Gamma, Pareto),
    (Gamma, Uniform),
    (Exponential, Beta),
    (Exponential, Pareto),
    (Exponential, Uniform),
    (Pareto, Beta),
    (Pareto, Uniform),
    (Beta, Pareto),
    (Normal, ContinuousBernoulli),
    (Laplace, ContinuousBernoulli),
    (Gumbel, ContinuousBernoulli),
    (Gamma, ContinuousBernoulli),
    (Exponential, ContinuousBernoulli),
    (Pareto, ContinuousBernoulli),
    (ContinuousBernoulli, Pareto),
    (Poisson, Bernoulli),
    (Poisson, Binomial),
)


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Any, q: Any) -> Tensor:
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


@register_kl(Exponential, Gamma)
def _exponential_gamma(p: Any, q: Any) -> Tensor:
    ratio = q.rate / p.rate
    return (
        -q.concentration * ratio.log()
        + ratio
        + tallow.lgamma(q.concentration)
        + q.concentration * euler_constant
        - (1 + euler_constant)
    )


@register_kl(Gamma, Exponential)
def _gamma_exponential(p: Any, q: Any) -> Tensor:
    return -p.entropy() - q.rate.log() + q.rate * p.concentration / p.rate


def _to_normal(p: Any, q: Any) -> Tensor:
    """Any p with two moments and an entropy."""
    second = p.variance + (p.mean - q.loc).pow(2)
    return (
        -p.entropy() + 0.5 * second / q.scale.pow(2) + q.scale.log() + 0.5 * math.log(2 * math.pi)
    )


for _family in (Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform):
    register_kl(_family, Normal)(_to_normal)


@register_kl(Normal, Laplace)
def _normal_laplace(p: Any, q: Any) -> Tensor:
    away = p.loc - q.loc
    standard = away / p.scale
    # Mean of |x - q.loc| for normal x.
    deviation = math.sqrt(2 / math.pi) * p.scale * tallow.exp(-0.5 * standard.pow(2))
    deviation = deviation + away * tallow.erf(math.sqrt(0.5) * standard)
    return -p.entropy() + tallow.log(2 * q.scale) + deviation / q.scale


@register_kl(Beta, Uniform)
def _beta_uniform(p: Any, q: Any) -> Tensor:
    result = -p.entropy() + (q.high - q.low).log()
    return tallow.where((q.low > 0) | (q.high < 1), math.inf, result)


# ---- to one family from several, by what they have to tell about x


def _mean_log(p: Any) -> Tensor:
    """Mean of the logarithm of x."""
    if isinstance(p, Beta):
        return tallow.digamma(p.concentration1) - tallow.digamma(
            p.concentration1 + p.concentration0
        )
    if isinstance(p, Pareto):
        return p.scale.log() + p.alpha.reciprocal()
    return _uniform_mean_log(p.low, p.high)


def _uniform_mean_log(low: Tensor, high: Tensor) -> Tensor:
    return (tallow.xlogy(high, high) - tallow.xlogy(low, low)) / (high - low) - 1


def _mean_exp(p: Any, t: Tensor) -> Tensor:
    """Mean of ``exp(-t x)``."""
    if isinstance(p, Normal):
        return tallow.exp(0.5 * (p.scale * t).pow(2) - p.loc * t)
    if isinstance(p, Exponential):
        return p.rate / (p.rate + t)
    if isinstance(p, Gamma):
        return (1 + t / p.rate).pow(-p.concentration)
    return (tallow.exp(-t * p.low) - tallow.exp(-t * p.high)) / (t * (p.high - p.low))


def _starting_at_zero(p: Any, result: Tensor) -> Tensor:
    if isinstance(p, Uniform):
        return tallow.where(p.low < 0, math.inf, result)
    return result


def _to_exponential(p: Any, q: Any) -> Tensor:
    return _starting_at_zero(p, -p.entropy() - q.rate.log() + q.rate * p.mean)


def _to_gamma(p: Any, q: Any) -> Tensor:
    norm = q.concentration * q.rate.log() - tallow.lgamma(q.concentration)
    mean = norm + (q.concentration - 1) * _mean_log(p) - q.rate * p.mean
    return _starting_at_zero(p, -p.entropy() - mean)


def _to_gumbel(p: Any, q: Any) -> Tensor:
    t = q.scale.reciprocal()
    mean = t * (q.loc - p.mean) - tallow.exp(t * q.loc) * _mean_exp(p, t) - q.scale.log()
    return -p.entropy() - mean


_GENERAL: tuple[tuple[type, Any, tuple[type, ...]], ...] = (
    (Exponential, _to_exponential, (Beta, ContinuousBernoulli, Pareto, Uniform)),
    (Gamma, _to_gamma, (Beta, Pareto, Uniform)),
    (Gumbel, _to_gumbel, (Exponential, Gamma, Normal, Uniform)),
)
for _type_q, _formula, _types_p in _GENERAL:
    for _type_p in _types_p:
        register_kl(_type_p, _type_q)(_formula)


@register_kl(Beta, ContinuousBernoulli)
def _beta_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    mean = p.mean * q.logits + tallow.log1p(-q.probs) + q._log_norm()
    return -p.entropy() - mean


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous_bernoulli(p: Any, q: Any) -> Tensor:
    result = _beta_continuous_bernoulli(p, q)
    # PyTorch counts a common end as outside.
    return tallow.where((p.high >= 1) | (p.low <= 0), math.inf, result)


@register_kl(ContinuousBernoulli, Uniform)
def _continuous_bernoulli_uniform(p: Any, q: Any) -> Tensor:
    result = -p.entropy() + (q.high - q.low).log()
    # PyTorch counts a common end as outside.
    return tallow.where((q.low >= 0) | (q.high <= 1), math.inf, result)


@register_kl(Uniform, Beta)
def _uniform_beta(p: Any, q: Any) -> Tensor:
    total = q.concentration1 + q.concentration0
    norm = tallow.lgamma(total) - tallow.lgamma(q.concentration1) - tallow.lgamma(q.concentration0)
    mean = (
        norm
        + (q.concentration1 - 1) * _uniform_mean_log(p.low, p.high)
        + (q.concentration0 - 1) * _uniform_mean_log(1 - p.high, 1 - p.low)
    )
    return tallow.where((p.high > 1) | (p.low < 0), math.inf, -p.entropy() - mean)


@register_kl(Uniform, Pareto)
def _uniform_pareto(p: Any, q: Any) -> Tensor:
    mean = q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * _mean_log(p)
    return tallow.where(p.low < q.scale, math.inf, -p.entropy() - mean)
