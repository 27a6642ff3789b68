"""Exponential families, whose entropies follow from one function."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow

from .distribution import Distribution
from .utils import _sum_rightmost

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """Densities of the form ``exp(t(x) . theta - F(theta) + k(x))``.

    Subclasses give the natural parameters theta, the log normalizer F and the mean of the carrier
    k; the entropy is the Bregman divergence of F. Source: Nielsen and Nock, Entropies and
    cross-entropies of exponential families, 2010.
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        raise NotImplementedError

    @property
    def _mean_carrier_measure(self) -> float:
        raise NotImplementedError

    def entropy(self) -> Tensor:
        params = [p.detach().requires_grad_() for p in self._natural_params]
        with tallow.enable_grad():
            normalizer = self._log_normalizer(*params)
            slopes = tallow.autograd.grad(normalizer.sum(), params, create_graph=True)
        result = normalizer - self._mean_carrier_measure
        events = len(self._event_shape)
        for param, slope in zip(params, slopes, strict=True):
            result = result - _sum_rightmost(param * slope, events)
        return result
