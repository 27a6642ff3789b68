"""Differences, integrals, covariances, quantiles and histograms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow._composite import c_name, composite, wrong_arguments

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = [
    *("corrcoef", "cov", "cumulative_trapezoid", "diff", "gradient"),
    *("nanquantile", "quantile", "trapezoid", "trapz"),
]


@composite
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Tensor | None = None,
    append: Tensor | None = None,
) -> Tensor:
    """Subtract each element from the next, `n` times.

    Args:
        input: at least one-dimensional; bool gives the exclusive or.
        n: how often.
        dim: dimension.
        prepend: elements to put before the first.
        append: elements to put after the last.

    Raises:
        RuntimeError: a 0-d input or a negative `n`.

    Example:
        >>> diff(tallow.tensor([1, 4, 9]))
        tensor([3, 5])
    """
    if input.dim() == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    pieces = [x for x in (prepend, input, append) if x is not None] if n else [input]
    x = tallow.cat(pieces, dim) if len(pieces) > 1 else input
    n = min(n, x.size(dim))
    for _ in range(n):
        size = x.size(dim)
        later, earlier = (
            x.narrow(dim, min(1, size), max(size - 1, 0)),
            x.narrow(dim, 0, max(size - 1, 0)),
        )
        x = later ^ earlier if x.dtype == tallow.bool else later - earlier
    return x.clone() if n == 0 else x


def _spacing(y: Tensor, x: Any, dx: float, dim: int) -> Any:
    """Distances between samples, shaped to multiply sums of neighbours."""
    if x is None:
        return dx
    gaps = diff(x)
    if x.dim() == 1:
        shape = [1] * y.dim()
        shape[dim % y.dim()] = -1
        return gaps.reshape(shape)
    return diff(x, dim=dim)


def _panels(y: Tensor, x: Any, dx: float, dim: int, name: str) -> Tensor:
    if y.dtype == tallow.bool:
        raise RuntimeError(f"{name}: received a bool input for `y`, but bool is not supported")
    size = y.size(dim)
    sums = y.narrow(dim, min(1, size), max(size - 1, 0)) + y.narrow(dim, 0, max(size - 1, 0))
    return sums * _spacing(y, x, dx, dim) / 2


@composite
def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """Integrate samples by the trapezoid rule.

    Args:
        y: samples.
        x: their places, a vector or of the shape of `y`.
        dx: distance of the samples, without `x`.
        dim: dimension of the samples.

    Example:
        >>> trapezoid(tallow.tensor([1.0, 2.0, 3.0]))
        tensor(4.)
    """
    if y.size(dim) == 0:
        return y.sum(dim)
    if x is None and y.dtype != tallow.bool:
        return (y.sum(dim) - (y.select(dim, 0) + y.select(dim, -1)) / 2) * dx
    return _panels(y, x, dx, dim, "trapezoid").sum(dim)


@composite
def trapz(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """Do what :func:`trapezoid` does, under its old name."""
    return trapezoid(y, x, dx=dx, dim=dim)


@composite
def cumulative_trapezoid(
    y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1
) -> Tensor:
    """Integrate up to each sample but the first; see :func:`trapezoid`."""
    return _panels(y, x, dx, dim, "cumulative_trapezoid").cumsum(dim)


@composite
def gradient(
    input: Tensor, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """Estimate derivatives by central differences inside and one-sided ones at the ends.

    Args:
        input: samples.
        spacing: distance of the samples: a number, one for each dimension, or places as tensors.
        dim: dimension or dimensions; all by default.
        edge_order: 1 or 2, order of the estimate at the ends.

    Returns:
        One tensor for each dimension.

    Raises:
        RuntimeError: an `edge_order` other than 1 and 2, or too few samples.
    """
    if isinstance(spacing, tallow.Tensor):
        raise wrong_arguments(
            "gradient",
            (input, spacing),
            "(Tensor input, *, Number spacing, int dim, int edge_order)",
            "(Tensor input, *, tuple of Numbers spacing, tuple of ints dim, int edge_order)",
            "(Tensor input, *, tuple of Tensors spacing, tuple of ints dim, int edge_order)",
        )
    dims = list(range(input.dim())) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    seen = {d % max(input.dim(), 1) for d in dims}
    if len(seen) < len(dims):
        twice = next(d for d in dims if dims.count(d) > 1 or d < 0)
        raise RuntimeError(
            f"dim {twice % max(input.dim(), 1)} appears multiple times in the list of dims"
        )
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    spacing = 1 if spacing is None else spacing
    if isinstance(spacing, list | tuple):
        if len(spacing) != len(dims):
            raise RuntimeError(
                "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and "
                "dim arguments to have the same length, but got a spacing argument of length "
                f"{len(spacing)} and a dim argument of length {len(dims)}."
            )
        for step in spacing:
            if isinstance(step, tallow.Tensor) and step.dim() != 1:
                raise RuntimeError(
                    "torch.gradient expected each element of spacing to have one dimension, but "
                    f"got an element with {step.dim()} dimensions!"
                )
        steps = list(spacing)
    else:
        steps = [spacing] * len(dims)
    for d in dims:
        if input.size(d) < edge_order + 1:
            raise RuntimeError(
                "torch.gradient expected each dimension size to be at least edge_order+1"
            )
    return tuple(_slope(input, step, d, edge_order) for step, d in zip(steps, dims, strict=True))


def _even_slope(y: Tensor, step: Any, dim: int, edge_order: int) -> Tensor:
    """The estimate for samples at equal distances."""
    size = y.size(dim)

    def across(first: int, last: int, count: int) -> Tensor:
        rise = y.narrow(dim, last, count) - y.narrow(dim, first, count)
        return rise / (step * (last - first))

    first, last = across(0, 1, 1), across(size - 2, size - 1, 1)
    if edge_order == 2:
        first = 1.5 * first - 0.5 * across(1, 2, 1)
        last = 1.5 * last - 0.5 * across(size - 3, size - 2, 1)
    return tallow.cat([first, across(0, 2, size - 2), last], dim)


def _slope(y: Tensor, step: Any, dim: int, edge_order: int) -> Tensor:
    if not isinstance(step, tallow.Tensor):
        return _even_slope(y, step, dim, edge_order)
    y, gaps = y.movedim(dim, -1), diff(step)
    slopes = (y[..., 1:] - y[..., :-1]) / gaps
    before, after = gaps[:-1], gaps[1:]
    inner = (slopes[..., :-1] * after + slopes[..., 1:] * before) / (before + after)
    first, last = slopes[..., :1], slopes[..., -1:]
    if edge_order == 2:
        first = first + (first - slopes[..., 1:2]) * (gaps[0] / (gaps[0] + gaps[1]))
        last = last + (last - slopes[..., -2:-1]) * (gaps[-1] / (gaps[-1] + gaps[-2]))
    return tallow.cat([first, inner, last], -1).movedim(-1, dim)


@composite
def cov(
    input: Tensor,
    *,
    correction: int = 1,
    fweights: Tensor | None = None,
    aweights: Tensor | None = None,
) -> Tensor:
    """Return the covariances of variables, whose observations are the columns.

    Args:
        input: (variables, observations), or a vector of observations.
        correction: how much less than the number of observations to divide by.
        fweights: how often each observation was made, integers.
        aweights: how much each observation counts.

    Raises:
        RuntimeError: more than two dimensions, or weights that do not fit.
    """
    if input.dim() > 2:
        raise RuntimeError(
            "cov(): expected input to have two or fewer dimensions but got an input with "
            f"{input.dim()} dimensions"
        )
    if input.dtype == tallow.bool:
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = input.reshape(1, -1) if input.dim() < 2 else input
    count = x.size(1)
    weights = None
    if fweights is not None:
        integral = not (fweights.is_floating_point() or fweights.is_complex())
        _check_weights(
            "fweights", fweights, integral and fweights.dtype != tallow.bool, "integral", count
        )
        weights = fweights
    if aweights is not None:
        _check_weights("aweights", aweights, aweights.is_floating_point(), "floating point", count)
        weights = aweights if weights is None else weights * aweights
    if weights is None:
        total: Any = count
        mean = x.sum(1, keepdim=True) / count
    else:
        total = weights.sum()
        mean = (x * weights).sum(1, keepdim=True) / total
    divisor = total
    if correction:
        if aweights is not None:
            factor = aweights if fweights is None else fweights * aweights
            divisor = total - correction * (factor * aweights).sum() / total
        else:
            divisor = total - correction
    centred = x - mean
    scaled = centred if weights is None else centred * weights
    divisor = tallow.as_tensor(divisor, device=x.device).clamp(min=0).to(centred.dtype)
    return (scaled @ centred.mH / divisor).squeeze()


def _check_weights(name: str, weights: Tensor, fits: bool, kind: str, count: int) -> None:
    if weights.dim() > 1:
        raise RuntimeError(
            f"cov(): expected {name} to have one or fewer dimensions but got {name} with "
            f"{weights.dim()} dimensions"
        )
    if not fits:
        raise RuntimeError(
            f"cov(): expected {name} to have {kind} dtype but got {name} with "
            f"{c_name(weights.dtype)} dtype"
        )
    if weights.numel() != count:
        raise RuntimeError(
            f"cov(): expected {name} to have the same numel as there are observations in the "
            f"input but got {weights.numel()} != {count}"
        )
    if count and bool((weights < 0).any()):
        raise RuntimeError(f"cov(): {name} cannot be negative")


@composite
def corrcoef(input: Tensor) -> Tensor:
    """Return the correlations of variables, whose observations are the columns.

    Args:
        input: (variables, observations), or a vector of observations.

    Raises:
        RuntimeError: more than two dimensions.
    """
    if input.dim() > 2:
        raise RuntimeError(
            "corrcoef(): expected input to have two or fewer dimensions but got an input with "
            f"{input.dim()} dimensions"
        )
    covariance = cov(input)
    if covariance.dim() == 0:
        return covariance / covariance
    deviation = covariance.diagonal()
    if deviation.is_complex():
        deviation = deviation.real
    deviation = deviation.sqrt()
    result = covariance / deviation.unsqueeze(-1) / deviation.unsqueeze(0)
    return result if result.is_complex() else result.clamp(-1, 1)


_MODES = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile(
    name: str, input: Tensor, q: Any, dim: int | None, keepdim: bool, mode: str, skip_nan: bool
) -> Tensor:
    if mode not in _MODES:
        raise RuntimeError(
            f"{name}() expected interpolation to be one of linear, lower, higher, midpoint or "
            f"nearest, but got {mode}"
        )
    if input.numel() == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if input.dtype not in (tallow.float32, tallow.float64):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    scalar = not isinstance(q, tallow.Tensor)
    if scalar and not isinstance(q, int | float | tallow.SymFloat):
        raise wrong_arguments(
            name,
            (input, q),
            "(Tensor input, Tensor q, int dim, bool keepdim, *, str interpolation)",
            "(Tensor input, float q, int dim, bool keepdim, *, str interpolation)",
        )
    levels = tallow.tensor(q, dtype=input.dtype, device=input.device) if scalar else q
    if levels.dim() > 1:
        raise RuntimeError(
            f"{name}() q must be a scalar or 1D tensor, but got a tensor with {levels.dim()} "
            "dimensions"
        )
    if levels.dtype != input.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    with tallow.no_grad():
        if not bool(((levels >= 0) & (levels <= 1)).all()):
            raise RuntimeError(
                f"{name}() q must be in the range [0, 1] but got {q}"
                if scalar
                else f"{name}() q values must be in the range [0, 1]"
            )
    x = input.flatten() if dim is None or input.dim() == 0 else input.movedim(dim, -1)
    ordered = x.sort(-1).values
    if skip_nan:
        rank = levels.reshape(-1, *[1] * (x.dim() - 1)) * (
            (~x.isnan()).sum(-1).to(x.dtype) - 1
        ).clamp(min=0)
    else:
        broken = x.isnan().any(-1, keepdim=True)
        ordered = tallow.where(broken, tallow.full_like(ordered, tallow.nan), ordered)
        rank = levels.reshape(-1, *[1] * (x.dim() - 1)) * (x.size(-1) - 1)
        rank = rank.expand(-1, *x.shape[:-1])
    rank = rank.movedim(0, -1)
    result = _interpolated(ordered, rank, mode)
    result = result.movedim(-1, 0)
    if keepdim:
        result = (
            result.reshape(-1, *[1] * input.dim())
            if dim is None
            else result.unsqueeze(dim % max(input.dim(), 1) + 1)
        )
        if input.dim() == 0:
            result = result.reshape(-1)
    return result.squeeze(0) if levels.dim() == 0 else result


def _interpolated(ordered: Tensor, rank: Tensor, mode: str) -> Tensor:
    if mode in ("lower", "higher", "nearest"):
        rounded = {"lower": rank.floor, "higher": rank.ceil, "nearest": rank.round}[mode]()
        return ordered.gather(-1, rounded.long())
    below = rank.floor()
    low, high = ordered.gather(-1, below.long()), ordered.gather(-1, rank.ceil().long())
    return low.lerp(high, tallow.full_like(rank, 0.5) if mode == "midpoint" else rank - below)


@composite
def quantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """Return the values below which given shares of the elements lie.

    Args:
        input: float32 or float64; a slice with NaN gives NaN.
        q: share in 0 .. 1, or a vector of shares, which becomes the first dimension.
        dim: dimension to reduce; all by default.
        keepdim: keep it with size 1.
        interpolation: 'linear', 'lower', 'higher', 'midpoint' or 'nearest' between two elements.

    Raises:
        RuntimeError: no elements, another dtype, or shares outside 0 .. 1.

    Example:
        >>> quantile(tallow.tensor([1.0, 2.0, 3.0]), 0.25)
        tensor(1.5000)
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, False)


@composite
def nanquantile(
    input: Tensor,
    q: Any,
    dim: int | None = None,
    keepdim: bool = False,
    *,
    interpolation: str = "linear",
) -> Tensor:
    """Do what :func:`quantile` does, without the NaNs."""
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, True)
