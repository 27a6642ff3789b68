"""Samples of gamma and Dirichlet distributions as differentiable functions of the parameters.

A sample z of a distribution with cdf F(z; a) and density f moves by -F_a / f per unit of the
parameter a, if the underlying random number stays. Source: Figurnov, Mohamed and Mnih, Implicit
reparameterization gradients, 2018. F_a comes from the power series of F, term by term.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.autograd import Function

from ._draws import standard_gamma as draw_gamma

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["_dirichlet_grad", "_sample_dirichlet", "_standard_gamma", "_standard_gamma_grad"]

# Terms below this share of the sum are left out.
_NEGLIGIBLE = 1e-17
_MOST_TERMS = 20_000
# Above, the normal approximation of the cube root is better than needed and the series long.
_LARGE = 1e5


def _gamma_slope(z: Tensor, a: Tensor) -> Tensor:
    """dz/da of a gamma sample. Source of the series: DLMF 8.7.1."""
    large = a > _LARGE
    safe_a = a.masked_fill(large, 1.0)
    safe_z = z.masked_fill(large, 1.0)
    # P / f = (z / a) sum of z^n / (a + 1)_n; T is the sum's derivative, negated.
    term = tallow.ones_like(z)
    total = term.clone()
    inverse_sum = tallow.zeros_like(z)
    derivative = tallow.zeros_like(z)
    for n in range(1, _MOST_TERMS):
        term = term * safe_z / (safe_a + n)
        inverse_sum = inverse_sum + 1 / (safe_a + n)
        total = total + term
        derivative = derivative + term * inverse_sum
        if n % 16 == 0 and not (term * inverse_sum > _NEGLIGIBLE * derivative).any():
            break
    log_z = tallow.log(safe_z)
    exact = -safe_z / safe_a * (total * (log_z - tallow.digamma(safe_a + 1)) - derivative)
    exact = tallow.where(safe_z == 0, tallow.zeros_like(exact), exact)
    # Wilson and Hilferty: (z / a)^(1/3) = 1 - 1 / (9a) + x / (3 sqrt(a)) for normal x.
    root = (z / a) ** (1 / 3)
    x = (root - 1 + 1 / (9 * a)) * 3 * a.sqrt()
    cube = root**3 + 3 * a * root * root * (1 / (9 * a * a) - x / (6 * a * a.sqrt()))
    return tallow.where(large, cube, exact)


def _beta_slope(x: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """dx/da of a beta sample. Source of the series: DLMF 8.17.8."""
    flip = x > (a + 1) / (a + b + 2)
    # The series in x, or, where it converges faster, that of the other tail in 1 - x.
    argument = tallow.where(flip, 1 - x, x)
    base = tallow.where(flip, b, a)
    total_ab = a + b
    log_slope = tallow.zeros_like(x)
    term = tallow.ones_like(x)
    total = term.clone()
    derivative = tallow.zeros_like(x)
    for n in range(1, _MOST_TERMS):
        term = term * argument * (total_ab + n - 1) / (base + n)
        own = tallow.where(flip, tallow.zeros_like(x), 1 / (base + n))
        log_slope = log_slope + 1 / (total_ab + n - 1) - own
        total = total + term
        derivative = derivative + term * log_slope
        if n % 16 == 0 and not (term * (1 + log_slope.abs()) > _NEGLIGIBLE * total).any():
            break
    factor = tallow.log(x) - tallow.digamma(a) + tallow.digamma(total_ab)
    left = total * (factor - 1 / a) + derivative
    right = -(total * factor + derivative)
    slope = -x * (1 - x) / base * tallow.where(flip, right, left)
    return tallow.where((x <= 0) | (x >= 1), tallow.zeros_like(slope), slope)


class _StandardGamma(Function):
    _node_name = "StandardGammaBackward0"

    @staticmethod
    def forward(ctx: Any, concentration: Tensor, generator: Any = None) -> Tensor:
        dtype = concentration.dtype
        sample = draw_gamma(concentration, generator).to(dtype).clamp(min=tallow.finfo(dtype).tiny)
        ctx.save_for_backward(sample, concentration)
        return sample

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        sample, concentration = ctx.saved_tensors
        return grad * _standard_gamma_grad(concentration, sample).to(grad.dtype), None


class _Dirichlet(Function):
    @staticmethod
    def forward(ctx: Any, concentration: Tensor, generator: Any = None) -> Tensor:
        gamma = draw_gamma(concentration.to(tallow.float64), generator).clamp(
            min=tallow.finfo(tallow.float64).tiny
        )
        dtype = concentration.dtype
        sample = (gamma / gamma.sum(-1, keepdim=True)).to(dtype)
        sample = sample.clamp(min=tallow.finfo(dtype).tiny)
        ctx.save_for_backward(sample, concentration)
        return sample

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        sample, concentration = (saved.to(tallow.float64) for saved in ctx.saved_tensors)
        slope = _dirichlet_grad(sample, concentration, concentration.sum(-1, keepdim=True))
        wide = grad.to(tallow.float64)
        return (slope * (wide - (sample * wide).sum(-1, keepdim=True))).to(grad.dtype), None


def _standard_gamma_grad(self: Tensor, output: Tensor) -> Tensor:
    """Return how a gamma sample `output` moves with its concentration."""
    sample, concentration = (tensor.to(tallow.float64) for tensor in (output, self))
    return _gamma_slope(sample, concentration).to(self.dtype)


def _dirichlet_grad(x: Tensor, alpha: Tensor, total: Tensor) -> Tensor:
    """Return how elements of a Dirichlet sample move with their own concentrations."""
    sample, own, whole = (tensor.to(tallow.float64) for tensor in (x, alpha, total))
    # Each element is beta distributed; when it moves, the others shrink in proportion.
    slope = _beta_slope(sample, own, whole - own) / (1 - sample)
    return tallow.nan_to_num(slope, nan=0.0, posinf=0.0, neginf=0.0).to(x.dtype)


def _standard_gamma(self: Tensor, generator: Any = None) -> Tensor:
    """Draw from gamma distributions of rate 1.

    Args:
        self: floating point, > 0.
        generator: where the random numbers come from.

    Returns:
        Samples of the same shape and type, differentiable once.
    """
    sample: Tensor = _StandardGamma.apply(self, generator)
    return sample


def _sample_dirichlet(self: Tensor, generator: Any = None) -> Tensor:
    """Draw from Dirichlet distributions.

    Args:
        self: ``(..., K)``, floating point, > 0.
        generator: where the random numbers come from.

    Returns:
        Samples of the same shape and type, differentiable once.
    """
    sample: Tensor = _Dirichlet.apply(self, generator)
    return sample
