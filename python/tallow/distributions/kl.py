"""Kullback-Leibler divergences between distributions, in closed form.

The pairs of one family and the most usual mixed ones are here; ``register_kl`` adds others.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow.nn.functional import softplus

from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .dirichlet import Dirichlet
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .lowrank_multivariate_normal import LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal, batch_mahalanobis
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import _sum_rightmost, euler_constant

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = ["kl_divergence", "register_kl"]

_formulas: dict[tuple[type, type], Callable[[Any, Any], Tensor]] = {}
_chosen: dict[tuple[type, type], Callable[[Any, Any], Tensor] | None] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Any], Any]:
    """Return a decorator that adds the divergence for two classes and their subclasses.

    Args:
        type_p: class of the first distribution.
        type_q: class of the second.

    Raises:
        TypeError: not classes.

    Example:
        >>> from tallow.distributions import Normal, kl_divergence, register_kl
        >>> class Mine(Normal):
        ...     pass
        >>> @register_kl(Mine, Mine)
        ... def kl_mine_mine(p, q):
        ...     return tallow.tensor(7.0)
        >>> kl_divergence(Mine(0.0, 1.0), Mine(0.0, 1.0))
        tensor(7.)
    """
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        # A class that distributions also derive from will do: packages have abstract ones.
        if not isinstance(kind, type):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def add(function: Callable[[Any, Any], Tensor]) -> Callable[[Any, Any], Tensor]:
        _formulas[type_p, type_q] = function
        _chosen.clear()
        return function

    return add


def _choose(type_p: type, type_q: type) -> Callable[[Any, Any], Tensor] | None:
    """The formula for the nearest pair of base classes; the first argument decides."""
    pairs = [
        pair for pair in _formulas if issubclass(type_p, pair[0]) and issubclass(type_q, pair[1])
    ]
    if not pairs:
        return None
    order_p, order_q = type_p.__mro__, type_q.__mro__
    return _formulas[min(pairs, key=lambda pair: (order_p.index(pair[0]), order_q.index(pair[1])))]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """Return the divergence of q from p: the mean of ``log p(x) - log q(x)`` over x of p.

    Args:
        p: the distribution that x follows.
        q: the one it is compared with.

    Returns:
        A tensor of the batch shape.

    Raises:
        NotImplementedError: no closed form is known for the two classes.

    Example:
        >>> from tallow.distributions import Normal, kl_divergence
        >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
        tensor(0.5000)
    """
    kinds = type(p), type(q)
    if kinds not in _chosen:
        _chosen[kinds] = _choose(*kinds)
    formula = _chosen[kinds]
    if formula is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {kinds[0].__name__} and q type "
            f"{kinds[1].__name__}"
        )
    return formula(p, q)


# ---- one family


@register_kl(ExponentialFamily, ExponentialFamily)
def _families(p: Any, q: Any) -> Tensor:
    """Bregman divergence of the log normalizers."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot be computed "
            "using Bregman divergences"
        )
    p_params = [param.detach().requires_grad_() for param in p._natural_params]
    q_params = q._natural_params
    with tallow.enable_grad():
        normalizer = p._log_normalizer(*p_params)
        slopes = tallow.autograd.grad(normalizer.sum(), p_params, create_graph=True)
    result = q._log_normalizer(*q_params) - normalizer
    for p_param, q_param, slope in zip(p_params, q_params, slopes, strict=True):
        result = result - _sum_rightmost((q_param - p_param) * slope, len(q.event_shape))
    return result


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Any, q: Any) -> Tensor:
    yes = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    yes = yes.masked_fill(q.probs == 0, math.inf).masked_fill(p.probs == 0, 0)
    no = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    no = no.masked_fill(q.probs == 1, math.inf).masked_fill(p.probs == 1, 0)
    return yes + no


@register_kl(Beta, Beta)
def _beta(p: Any, q: Any) -> Tensor:
    p_total = p.concentration1 + p.concentration0
    q_total = q.concentration1 + q.concentration0
    norms = (
        tallow.lgamma(q.concentration1)
        + tallow.lgamma(q.concentration0)
        + tallow.lgamma(p_total)
        - tallow.lgamma(p.concentration1)
        - tallow.lgamma(p.concentration0)
        - tallow.lgamma(q_total)
    )
    return (
        norms
        + (p.concentration1 - q.concentration1) * tallow.digamma(p.concentration1)
        + (p.concentration0 - q.concentration0) * tallow.digamma(p.concentration0)
        + (q_total - p_total) * tallow.digamma(p_total)
    )


@register_kl(Binomial, Binomial)
def _binomial(p: Any, q: Any) -> Tensor:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    log_odds = p.probs * (p.logits - q.logits)
    result = p.total_count * (log_odds + (-p.probs).log1p() - (-q.probs).log1p())
    return result.masked_fill(p.total_count > q.total_count, math.inf)


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Tensor:
    parts = p.probs * (p.logits - q.logits)
    parts = tallow.where((q.probs == 0).expand_as(parts), math.inf, parts)
    parts = tallow.where((p.probs == 0).expand_as(parts), 0.0, parts)
    return parts.sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: Any, q: Any) -> Tensor:
    return _categorical(p._categorical, q._categorical)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Any, q: Any) -> Tensor:
    """Source: Chyzak and Nielsen, A closed-form formula for the KL divergence, 2019."""
    above = (p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)
    return above.log() - (4 * p.scale * q.scale).log()


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Any, q: Any) -> Tensor:
    p_total, q_total = p.concentration.sum(-1), q.concentration.sum(-1)
    norms = tallow.lgamma(p_total) - tallow.lgamma(q_total)
    parts = (tallow.lgamma(p.concentration) - tallow.lgamma(q.concentration)).sum(-1)
    slopes = tallow.digamma(p.concentration) - tallow.digamma(p_total).unsqueeze(-1)
    return norms - parts + ((p.concentration - q.concentration) * slopes).sum(-1)


@register_kl(Exponential, Exponential)
def _exponential(p: Any, q: Any) -> Tensor:
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(Gamma, Gamma)
def _gamma(p: Any, q: Any) -> Tensor:
    return (
        q.concentration * (p.rate / q.rate).log()
        + tallow.lgamma(q.concentration)
        - tallow.lgamma(p.concentration)
        + (p.concentration - q.concentration) * tallow.digamma(p.concentration)
        + (q.rate - p.rate) * (p.concentration / p.rate)
    )


@register_kl(Geometric, Geometric)
def _geometric(p: Any, q: Any) -> Tensor:
    return -p.entropy() - tallow.log1p(-q.probs) / p.probs - q.logits


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Any, q: Any) -> Tensor:
    ratio = p.scale / q.scale
    p_mode, q_mode = p.loc / q.scale, q.loc / q.scale
    tail = tallow.exp(q_mode + tallow.lgamma(1 + ratio) - p_mode)
    return -ratio.log() - q_mode + p_mode + ratio * euler_constant + tail - (1 + euler_constant)


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: Any, q: Any) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p: Any, q: Any) -> Tensor:
    ratio = p.scale / q.scale
    away = (p.loc - q.loc).abs()
    tail = ratio * tallow.exp(-away / p.scale)
    return -ratio.log() + away / q.scale + tail - 1


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: Any, q: Any) -> Tensor:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with different event shapes cannot be "
            "computed"
        )
    n = p.event_shape[0]
    p_factor, q_factor = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    batch = tallow.broadcast_shapes(p_factor.shape[:-2], q_factor.shape[:-2])
    q_factor_wide = q_factor.expand((*batch, n, n))
    whitened = tallow.linalg.solve_triangular(
        q_factor_wide, p_factor.expand((*batch, n, n)), upper=False
    )
    trace = whitened.pow(2).sum((-2, -1))
    distance = batch_mahalanobis(q_factor, q.loc - p.loc)
    return q._half_log_det() - p._half_log_det() + 0.5 * (trace + distance - n)


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _lowrank(p: Any, q: Any) -> Tensor:
    _check_sizes(p, q)
    inner = q._whitened_factor()
    root = p.cov_diag.sqrt().unsqueeze(-2)
    scaled = p.cov_factor * q.cov_diag.rsqrt().unsqueeze(-1)
    trace = (
        (p.cov_diag / q.cov_diag).sum(-1)
        + scaled.pow(2).sum((-2, -1))
        - (inner * root).pow(2).sum((-2, -1))
        - (inner @ p.cov_factor).pow(2).sum((-2, -1))
    )
    return _lowrank_result(
        q._log_det() - p._log_det(), trace, q._squared_distance(q.loc - p.loc), p
    )


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _multivariate_lowrank(p: Any, q: Any) -> Tensor:
    _check_sizes(p, q)
    factor = p._unbroadcasted_scale_tril
    scaled = factor * q.cov_diag.rsqrt().unsqueeze(-1)
    inner = q._whitened_factor() @ factor
    trace = scaled.pow(2).sum((-2, -1)) - inner.pow(2).sum((-2, -1))
    logarithms = q._log_det() - 2 * p._half_log_det()
    return _lowrank_result(logarithms, trace, q._squared_distance(q.loc - p.loc), p)


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _lowrank_multivariate(p: Any, q: Any) -> Tensor:
    _check_sizes(p, q)
    factor = q._unbroadcasted_scale_tril
    parts = tallow.cat([p.cov_factor, tallow.diag_embed(p.cov_diag.sqrt())], -1)
    batch = tallow.broadcast_shapes(factor.shape[:-2], parts.shape[:-2])
    whitened = tallow.linalg.solve_triangular(
        factor.expand((*batch, *factor.shape[-2:])),
        parts.expand((*batch, *parts.shape[-2:])),
        upper=False,
    )
    trace = whitened.pow(2).sum((-2, -1))
    logarithms = 2 * q._half_log_det() - p._log_det()
    return _lowrank_result(logarithms, trace, batch_mahalanobis(factor, q.loc - p.loc), p)


def _lowrank_result(logarithms: Tensor, trace: Tensor, distance: Tensor, p: Any) -> Tensor:
    return 0.5 * (logarithms + distance + trace - p.event_shape[0])


def _check_sizes(p: Any, q: Any) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two (Low Rank) Multivariate Normals with different event shapes "
            "cannot be computed"
        )


@register_kl(Normal, Normal)
def _normal(p: Any, q: Any) -> Tensor:
    ratio = (p.scale / q.scale).pow(2)
    away = ((p.loc - q.loc) / q.scale).pow(2)
    return 0.5 * (ratio + away - 1 - ratio.log())


@register_kl(Pareto, Pareto)
def _pareto(p: Any, q: Any) -> Tensor:
    ratio = q.alpha / p.alpha
    result = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return tallow.where(p.support.lower_bound < q.support.lower_bound, math.inf, result)


@register_kl(Poisson, Poisson)
def _poisson(p: Any, q: Any) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _uniform(p: Any, q: Any) -> Tensor:
    result = ((q.high - q.low) / (p.high - p.low)).log()
    return tallow.where((q.low > p.low) | (q.high < p.high), math.inf, result)


@register_kl(Independent, Independent)
def _independent(p: Any, q: Any) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: Any, q: Any) -> Tensor:
    """The same one-to-one transforms change nothing."""
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)
