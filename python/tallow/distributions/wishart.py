"""Wishart distributions."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import tallow
from tallow._user_frame import outside_stacklevel

from . import constraints
from ._covariance import Covariance, factor_of, only_matrix
from .chi2 import Chi2
from .exp_family import ExponentialFamily

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["Wishart"]

_TRIES = 10


class Wishart(Covariance, ExponentialFamily):
    """Sums of ``df`` outer products of normal vectors with themselves.

    Args:
        df: degrees of freedom, > N - 1; a number or a tensor of the batch shape.
        covariance_matrix: ``(..., N, N)``, of the normal vectors; or
        precision_matrix: its inverse; or
        scale_tril: its lower Cholesky factor.
        validate_args: see :class:`Distribution`.

    Raises:
        AssertionError: not exactly one of the three matrices.
        ValueError: too few dimensions or degrees of freedom.

    Source: Bartlett, On the theory of statistical regression, 1933, for the samples.

    Example:
        >>> from tallow.distributions import Wishart
        >>> Wishart(3.0, tallow.eye(2)).mean
        tensor([[3., 0.],
                [0., 3.]])
    """

    support = constraints.positive_definite
    has_rsample = True
    _mean_carrier_measure = 0

    def __init__(
        self,
        df: Any,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        name, matrix = only_matrix(
            AssertionError,
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        if matrix.dim() < 2:
            raise ValueError(
                "scale_tril must be at least two-dimensional, with optional leading batch "
                "dimensions"
            )
        if not isinstance(df, tallow.Tensor):
            df = tallow.tensor(df, dtype=matrix.dtype, device=matrix.device)
        batch_shape = tallow.broadcast_shapes(df.shape, matrix.shape[:-2])
        size = matrix.size(-1)
        self.df = df.expand(batch_shape)
        self.__dict__[name] = matrix.expand((*batch_shape, -1, -1))
        if (self.df <= size - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {size - 1}.")
        super().__init__(batch_shape, (size, size), validate_args=validate_args)
        if (self.df < size).any():
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for "
                "ndim - 1 < df < ndim.",
                stacklevel=outside_stacklevel(),
            )
        self._unbroadcasted_scale_tril = factor_of(name, matrix)
        steps = tallow.arange(size, dtype=matrix.dtype, device=matrix.device)
        self._chi2 = Chi2(self.df.unsqueeze(-1) - steps)

    @property
    def arg_constraints(self) -> Any:
        """Region of each parameter."""
        return {
            "covariance_matrix": constraints.positive_definite,
            "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky,
            "df": constraints.greater_than(self._event_shape[-1] - 1),
        }

    def _expand_parts(self, new: Any, batch_shape: Any) -> None:
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril
        new._event_shape = self._event_shape
        new._chi2 = self._chi2.expand((*batch_shape, self._event_shape[-1]))

    def _wide_df(self) -> Tensor:
        return self.df.view((*self._batch_shape, 1, 1))

    @property
    def mean(self) -> Tensor:
        return self._wide_df() * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        factor = self.df - self.covariance_matrix.shape[-1] - 1
        factor = tallow.where(factor <= 0, tallow.nan, factor)
        return factor.view((*self._batch_shape, 1, 1)) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        covariance = self.covariance_matrix
        variances = covariance.diagonal(dim1=-2, dim2=-1)
        products = variances.unsqueeze(-1) * variances.unsqueeze(-2)
        return self._wide_df() * (covariance.pow(2) + products)

    def _drawn(self, sample_shape: Any) -> Tensor:
        size = self._event_shape[-1]
        diagonal = self._chi2.rsample(sample_shape).sqrt()
        noise = tallow.diag_embed(diagonal)
        rows, columns = tallow.tril_indices(size, size, offset=-1, device=noise.device)
        count = size * (size - 1) // 2
        below = tallow.randn(
            (*sample_shape, *self._batch_shape, count), dtype=noise.dtype, device=noise.device
        )
        noise[..., rows, columns] = below
        factor = self._unbroadcasted_scale_tril @ noise
        return factor @ factor.mT

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draw samples; those that come out singular are drawn again a few times."""
        shape = tallow.Size(sample_shape)
        # PyTorch draws every sample that is not singular a second time, and so does this, for the
        # same numbers.
        flat = self._drawn(shape).flatten(0, len(shape) - 1) if shape else self._drawn((1,))
        singular = tallow.ones(flat.size(0), dtype=tallow.bool, device=flat.device)
        for _ in range(_TRIES):
            fresh = self._drawn((int(singular.sum()),))
            flat = flat.index_put((singular,), fresh)
            bad = ~self.support.check(fresh)
            singular[singular.clone()] = bad.flatten(1).any(1) if bad.dim() > 1 else bad
            if not singular.any():
                break
        else:
            warnings.warn("Singular sample detected.", stacklevel=outside_stacklevel())
        return flat.view(self._extended_shape(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        size = self._event_shape[-1]
        solved = tallow.cholesky_solve(value, self._unbroadcasted_scale_tril)
        norm = self.df * (0.5 * size * math.log(2) + self._half_log_det())
        return (
            -norm
            - tallow.mvlgamma(self.df / 2, size)
            + 0.5 * (self.df - size - 1) * tallow.linalg.slogdet(value).logabsdet
            - 0.5 * solved.diagonal(dim1=-2, dim2=-1).sum(-1)
        )

    def entropy(self) -> Tensor:
        size = self._event_shape[-1]
        half = self.df / 2
        steps = 0.5 * tallow.arange(size, dtype=half.dtype, device=half.device)
        slope = tallow.digamma(half.unsqueeze(-1) - steps).sum(-1)
        return (
            (size + 1) * (0.5 * size * math.log(2) + self._half_log_det())
            + tallow.mvlgamma(half, size)
            - 0.5 * (self.df - size - 1) * slope
            + 0.5 * self.df * size
        )

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        size = self._event_shape[-1]
        return (-0.5 * self.precision_matrix, 0.5 * (self.df - size - 1))

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        x, y = natural_params
        size = self._event_shape[-1]
        half = y + 0.5 * (size + 1)
        log_det = tallow.linalg.slogdet(-2 * x).logabsdet
        return half * (-log_det + math.log(2) * size) + tallow.mvlgamma(half, size)
