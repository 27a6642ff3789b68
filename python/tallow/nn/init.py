"""Fill tensors with starting values, in place and without recording for autograd.

Random values are drawn in PyTorch's order, so the same seed gives the same values.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

from tallow import _C
from tallow._absent import name_absent_ones
from tallow._user_frame import outside_stacklevel
from tallow.autograd.grad_mode import no_grad

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    from tallow import Generator
    from tallow._tensor import Tensor

    FanMode = Literal["fan_in", "fan_out"]

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]

_VF = _C._VariableFunctions

_LINEAR = frozenset(
    [
        "linear",
        "conv1d",
        "conv2d",
        "conv3d",
        "conv_transpose1d",
        "conv_transpose2d",
        "conv_transpose3d",
    ]
)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """Return the factor by which weights make up for the shrinking of a nonlinearity.

    Args:
        nonlinearity: ``linear``, ``conv1d`` ... ``conv_transpose3d``, ``sigmoid``, ``tanh``,
            ``relu``, ``leaky_relu`` or ``selu``.
        param: the negative slope of ``leaky_relu`` (default 0.01).

    Raises:
        ValueError: unknown nonlinearity, or a slope that is no number.

    Example:
        >>> calculate_gain("tanh")
        1.6666666666666667
    """
    if nonlinearity in _LINEAR or nonlinearity == "sigmoid":
        return 1
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is None:
            param = 0.01
        elif isinstance(param, bool) or not isinstance(param, (int, float)):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + param**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def uniform_(
    tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill ``tensor`` with values drawn uniformly from ``[a, b)``."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(
    tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill ``tensor`` with values drawn from the normal distribution."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill ``tensor`` with values drawn from the normal distribution cut off outside ``[a, b]``.

    Draws again until all values lie inside: from the normal distribution where most of it does,
    otherwise from the uniform one with the acceptance rule of Robert.
    Source: C. P. Robert, Simulation of truncated normal variables, Statistics and Computing 5
    (1995), section 2.

    Example:
        >>> bool(trunc_normal_(tallow.empty(100), a=-1.0, b=1.0).abs().max() <= 1)
        True
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of "
            "values may be incorrect.",
            stacklevel=outside_stacklevel(),
        )
    inside = _normal_cdf((b - mean) / std) - _normal_cdf((a - mean) / std)
    with no_grad():
        if inside > 0.3:
            return _reject_normal_(tensor, mean, std, a, b, generator)
        return _reject_uniform_(tensor, mean, std, a, b, generator)


def _normal_cdf(x: float) -> float:
    return (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0


def _reject_normal_(
    tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None
) -> Tensor:
    tensor.normal_(mean, std, generator=generator)
    while True:
        outside = (tensor < a) | (tensor > b)
        if not outside.any():
            return tensor
        fresh = _VF.empty_like(tensor).normal_(mean, std, generator=generator)
        tensor.copy_(_VF.where(outside, fresh, tensor))


def _reject_uniform_(
    tensor: Tensor, mean: float, std: float, a: float, b: float, generator: Generator | None
) -> Tensor:
    mode = min(max(mean, a), b)  # where in [a, b] the density is greatest

    def rejected(values: Tensor) -> Tensor:
        density = (((mode - mean) / std) ** 2 / 2 - ((values - mean) / std) ** 2 / 2).exp()
        return _VF.empty_like(tensor).uniform_(generator=generator) > density

    tensor.uniform_(a, b, generator=generator)
    pending = rejected(tensor)
    while pending.any():
        fresh = _VF.empty_like(tensor).uniform_(a, b, generator=generator)
        tensor.copy_(_VF.where(pending, fresh, tensor))
        pending = pending & rejected(tensor)
    return tensor


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill ``tensor`` with ``val``."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor: Tensor) -> Tensor:
    """Fill ``tensor`` with ones."""
    return constant_(tensor, 1.0)


def zeros_(tensor: Tensor) -> Tensor:
    """Fill ``tensor`` with zeros."""
    with no_grad():
        return tensor.zero_()


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with the identity.

    Raises:
        ValueError: ``tensor`` is not a matrix.
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with no_grad():
        tensor.zero_()
        tensor.diagonal().fill_(1)
    return tensor


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill a convolution weight such that the convolution keeps as many channels as it can.

    Args:
        tensor: ``(C_out, C_in / groups, *kernel)`` with one to three kernel dimensions.
        groups: groups of the convolution; each one keeps its own channels.

    Raises:
        ValueError: wrong number of dimensions, or ``C_out`` is no multiple of ``groups``.
    """
    if tensor.dim() not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    channels = tensor.size(0)
    if channels % groups != 0:
        raise ValueError("dim 0 must be divisible by groups")
    per_group = channels // groups
    centre = tuple(size // 2 for size in tensor.shape[2:])
    with no_grad():
        tensor.zero_()
        for group in range(groups):
            for i in range(min(per_group, tensor.size(1))):
                tensor[(group * per_group + i, i, *centre)] = 1
    return tensor


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """Count the inputs of one output unit and the outputs of one input unit of a weight."""
    if tensor.dim() < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions"
        )
    field = math.prod(tensor.shape[2:])
    return tensor.size(1) * field, tensor.size(0) * field


def _calculate_correct_fan(tensor: Tensor, mode: FanMode) -> int:
    mode = mode.lower()  # type: ignore[assignment]
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    return fan_in if mode == "fan_in" else fan_out


def xavier_uniform_(
    tensor: Tensor, gain: float = 1.0, generator: Generator | None = None
) -> Tensor:
    """Fill with uniform values of variance ``gain**2 * 2 / (fan_in + fan_out)``.

    Source: X. Glorot, Y. Bengio, Understanding the difficulty of training deep feedforward neural
    networks, AISTATS 2010, equation 16.
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    std = gain * math.sqrt(2.0 / float(fan_in + fan_out))
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with normal values of variance ``gain**2 * 2 / (fan_in + fan_out)``.

    Source: as :func:`xavier_uniform_`.
    """
    fan_in, fan_out = _calculate_fan_in_and_fan_out(tensor)
    std = gain * math.sqrt(2.0 / float(fan_in + fan_out))
    return normal_(tensor, 0.0, std, generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0,
    mode: FanMode = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with uniform values of variance ``gain**2 / fan``.

    Args:
        tensor: a weight of at least two dimensions, outputs first.
        a: negative slope, where the nonlinearity is ``leaky_relu``.
        mode: ``fan_in`` keeps the variance in the forward pass, ``fan_out`` in the backward pass.
        nonlinearity: what follows the layer; see :func:`calculate_gain`.
        generator: source of randomness; the default one if ``None``.

    Raises:
        ValueError: unknown mode or nonlinearity, or fewer than two dimensions.

    Source: K. He, X. Zhang, S. Ren, J. Sun, Delving deep into rectifiers, ICCV 2015, equation 10.
    """
    if 0 in tensor.shape:
        warnings.warn(
            "Initializing zero-element tensors is a no-op", stacklevel=outside_stacklevel()
        )
        return tensor
    std = _kaiming_std(tensor, a, mode, nonlinearity)
    bound = math.sqrt(3.0) * std
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0,
    mode: FanMode = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Fill with normal values of variance ``gain**2 / fan``; see :func:`kaiming_uniform_`."""
    if 0 in tensor.shape:
        warnings.warn(
            "Initializing zero-element tensors is a no-op", stacklevel=outside_stacklevel()
        )
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def _kaiming_std(tensor: Tensor, a: float, mode: FanMode, nonlinearity: str) -> float:
    fan = _calculate_correct_fan(tensor, mode)
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def orthogonal_(tensor: Tensor, gain: float = 1, generator: Generator | None = None) -> Tensor:
    """Fill with a random matrix whose rows, or columns where there are fewer, are orthonormal.

    Args:
        tensor: at least two dimensions; all but the first count as columns.
        gain: factor on the result.
        generator: source of randomness; the default one if ``None``.

    Raises:
        ValueError: fewer than two dimensions.

    Source: A. Saxe, J. McClelland, S. Ganguli, Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks, ICLR 2014.
    """
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows = tensor.size(0)
    columns = tensor.numel() // rows
    with no_grad():
        drawn = _VF.empty((rows, columns), dtype=tensor.dtype, device=tensor.device)
        drawn.normal_(0, 1, generator=generator)
        wide = rows < columns
        basis = _orthonormal_rows(drawn if wide else drawn.t())
        tensor.copy_((basis if wide else basis.t()).reshape(tensor.shape)).mul_(gain)
    return tensor


def _orthonormal_rows(matrix: Tensor) -> Tensor:
    """Orthonormalise the rows from top to bottom.

    Each row is projected twice, which makes the result orthogonal to working precision.
    Source: B. Parlett, The symmetric eigenvalue problem, section 6.9 ("twice is enough").
    """
    basis = matrix.double().contiguous()
    for i in range(basis.size(0)):
        row = basis[i]
        for _ in range(2 if i else 0):
            above = basis[:i]
            row.sub_(above.t().mv(above.mv(row)))
        row.div_(row.norm())
    return basis


def sparse_(
    tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None
) -> Tensor:
    """Fill a matrix with normal values, a fraction ``sparsity`` of each column being zero.

    Raises:
        ValueError: ``tensor`` is not a matrix.

    Source: J. Martens, Deep learning via Hessian-free optimization, ICML 2010, section 5.
    """
    if tensor.dim() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            tensor[_VF.randperm(rows)[:zeros], column] = 0
    return tensor


def _deprecated(successor: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Return ``successor`` under its old name, which lacks the underscore and warns."""
    old, new = successor.__name__[:-1], successor.__name__

    def legacy(*args: Any, **kwargs: Any) -> Tensor:
        warnings.warn(
            f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`.",
            FutureWarning,
            stacklevel=outside_stacklevel(),
        )
        return successor(*args, **kwargs)

    legacy.__name__ = legacy.__qualname__ = old
    legacy.__doc__ = f"Old name of :func:`{new}`; deprecated."
    return legacy


uniform = _deprecated(uniform_)
normal = _deprecated(normal_)
constant = _deprecated(constant_)
eye = _deprecated(eye_)
dirac = _deprecated(dirac_)
xavier_uniform = _deprecated(xavier_uniform_)
xavier_normal = _deprecated(xavier_normal_)
kaiming_uniform = _deprecated(kaiming_uniform_)
kaiming_normal = _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)
sparse = _deprecated(sparse_)

_no_grad_trunc_normal_ = trunc_normal_

name_absent_ones(__name__)
