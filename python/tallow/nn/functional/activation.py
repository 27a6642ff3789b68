"""Activation functions, softmax and its relatives."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import tallow
from tallow import _C
from tallow._user_frame import outside_stacklevel
from tallow.overrides import (
    handle_torch_function,
    has_torch_function_unary,
)

if TYPE_CHECKING:
    from tallow import dtype as DType
    from tallow._tensor import Tensor

__all__ = [
    "celu",
    "celu_",
    "elu",
    "elu_",
    "gelu",
    "glu",
    "gumbel_softmax",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "hardtanh_",
    "leaky_relu",
    "leaky_relu_",
    "log_softmax",
    "logsigmoid",
    "mish",
    "prelu",
    "relu",
    "relu6",
    "relu_",
    "rrelu",
    "rrelu_",
    "selu",
    "selu_",
    "sigmoid",
    "silu",
    "softmax",
    "softmin",
    "softplus",
    "softshrink",
    "softsign",
    "tanh",
    "tanhshrink",
    "threshold",
    "threshold_",
]

_VF = _C._VariableFunctions
_nn = _C._nn

_relu, relu_ = _VF.relu, _VF.relu_
selu_ = _VF.selu_
celu_ = _VF.celu_
threshold_ = _VF.threshold_
prelu = _VF.prelu
hardshrink = _VF.hardshrink
elu_ = _nn.elu_
leaky_relu_ = _nn.leaky_relu_
hardtanh_ = _nn.hardtanh_
gelu = _nn.gelu
logsigmoid = _nn.log_sigmoid
softplus = _nn.softplus
softshrink = _nn.softshrink


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """Replace negative values by zero.

    Args:
        input: any shape.
        inplace: overwrite ``input``.

    Example:
        >>> relu(tallow.tensor([-1.0, 2.0]))
        tensor([0., 2.])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(relu, (input,), input, inplace=inplace)
    return relu_(input) if inplace else _relu(input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """Clamp to the interval from 0 to 6.

    Args:
        input: any shape.
        inplace: overwrite ``input``.

    Example:
        >>> relu6(tallow.tensor([-1.0, 8.0]))
        tensor([0., 6.])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(relu6, (input,), input, inplace=inplace)
    return _nn.relu6_(input) if inplace else _nn.relu6(input)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """Replace what does not exceed ``threshold`` by ``value``.

    Args:
        input: any shape.
        threshold: the bound.
        value: what takes the place of smaller or equal elements.
        inplace: overwrite ``input``.

    Example:
        >>> threshold(tallow.tensor([1.0, 3.0]), 2.0, -1.0)
        tensor([-1.,  3.])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(_threshold, (input,), input, threshold, value, inplace=inplace)
    apply = _VF.threshold_ if inplace else _VF.threshold
    return apply(input, threshold, value)


_threshold = threshold  # the parameter of the same name hides the function


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """Multiply negative values by ``negative_slope``.

    Args:
        input: any shape, floating point.
        negative_slope: factor below zero.
        inplace: overwrite ``input``.

    Example:
        >>> leaky_relu(tallow.tensor([-1.0, 2.0]), 0.5)
        tensor([-0.5000,  2.0000])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            leaky_relu, (input,), input, negative_slope=negative_slope, inplace=inplace
        )
    apply = _nn.leaky_relu_ if inplace else _nn.leaky_relu
    return apply(input, negative_slope)


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Multiply negative values by a slope that is random in training.

    Args:
        input: any shape, floating point.
        lower: smallest slope.
        upper: largest slope; not below ``lower``.
        training: draw a slope per element; otherwise use the mean of the bounds.
        inplace: overwrite ``input``.

    Source: B. Xu, N. Wang, T. Chen, M. Li, Empirical evaluation of rectified activations in
    convolutional network, arXiv 1505.00853.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            rrelu, (input,), input, lower=lower, upper=upper, training=training, inplace=inplace
        )
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    # As PyTorch: only the elements that need a slope draw one, in double precision, between bounds
    # of the input's precision.
    negative = input <= 0
    low, high = tallow.tensor([lower, upper], dtype=input.dtype, device=input.device).tolist()
    drawn = input.new_empty(int(negative.sum()), dtype=tallow.float64).uniform_(low, high)
    slope = _VF.ones_like(input)
    slope[negative] = drawn.to(input.dtype)
    return input.mul_(slope) if inplace else input * slope


def rrelu_(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False
) -> Tensor:
    """Apply :func:`rrelu` in place."""
    return rrelu(input, lower, upper, training, inplace=True)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Replace negative values by ``alpha * (exp(x) - 1)``.

    Args:
        input: any shape, floating point.
        alpha: minus the limit at minus infinity.
        inplace: overwrite ``input``.

    Source: D. Clevert, T. Unterthiner, S. Hochreiter, ICLR 2016.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(elu, (input,), input, alpha=alpha, inplace=inplace)
    return _nn.elu_(input, alpha) if inplace else _nn.elu(input, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """Apply the scaled ELU whose constants keep mean 0 and variance 1 from layer to layer.

    Args:
        input: any shape, floating point.
        inplace: overwrite ``input``.

    Source: G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, NIPS 2017.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(selu, (input,), input, inplace=inplace)
    return _VF.selu_(input) if inplace else _VF.selu(input)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """Replace negative values by ``alpha * (exp(x / alpha) - 1)``.

    Args:
        input: any shape, floating point.
        alpha: minus the limit at minus infinity; not zero.
        inplace: overwrite ``input``.

    Source: J. Barron, Continuously differentiable exponential linear units, arXiv 1704.07483.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(celu, (input,), input, alpha=alpha, inplace=inplace)
    return _VF.celu_(input, alpha) if inplace else _VF.celu(input, alpha)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """Multiply by the sigmoid: ``x * sigmoid(x)``, also called swish.

    Args:
        input: any shape, floating point.
        inplace: overwrite ``input``.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(silu, (input,), input, inplace=inplace)
    return _nn.silu_(input) if inplace else _nn.silu(input)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """Compute ``x * tanh(softplus(x))``.

    Args:
        input: any shape, floating point.
        inplace: overwrite ``input``.

    Source: D. Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(mish, (input,), input, inplace=inplace)
    return _nn.mish_(input) if inplace else _nn.mish(input)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """Clamp to the interval from ``min_val`` to ``max_val``.

    Args:
        input: any shape.
        min_val: smallest result.
        max_val: largest result; not below ``min_val``.
        inplace: overwrite ``input``.

    Raises:
        ValueError: ``min_val`` exceeds ``max_val``.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            hardtanh, (input,), input, min_val=min_val, max_val=max_val, inplace=inplace
        )
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    apply = _nn.hardtanh_ if inplace else _nn.hardtanh
    return apply(input, min_val, max_val)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """Compute ``clamp(x / 6 + 1 / 2, 0, 1)``.

    Args:
        input: any shape, floating point.
        inplace: overwrite ``input``.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(hardsigmoid, (input,), input, inplace=inplace)
    return _nn.hardsigmoid_(input) if inplace else _nn.hardsigmoid(input)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """Compute ``x * clamp(x + 3, 0, 6) / 6``.

    Args:
        input: any shape, floating point.
        inplace: overwrite ``input``.

    Source: A. Howard et al., Searching for MobileNetV3, ICCV 2019.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(hardswish, (input,), input, inplace=inplace)
    return _nn.hardswish_(input) if inplace else _nn.hardswish(input)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """Multiply the first half along ``dim`` by the sigmoid of the second half.

    Args:
        input: at least one dimension; the size along ``dim`` is even.
        dim: where to cut.

    Returns:
        The shape of ``input`` with half the size along ``dim``.

    Example:
        >>> glu(tallow.tensor([2.0, 0.0]))
        tensor([1.])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(glu, (input,), input, dim=dim)
    if input.dim() == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    return _nn.glu(input, dim)


def tanhshrink(input: Tensor) -> Tensor:
    """Compute ``x - tanh(x)``."""
    if has_torch_function_unary(input):
        return handle_torch_function(tanhshrink, (input,), input)
    return input - input.tanh()


def softsign(input: Tensor) -> Tensor:
    """Compute ``x / (1 + |x|)``."""
    if has_torch_function_unary(input):
        return handle_torch_function(softsign, (input,), input)
    return input / (input.abs() + 1)


def tanh(input: Tensor) -> Tensor:
    """Compute the hyperbolic tangent."""
    return input.tanh()


def sigmoid(input: Tensor) -> Tensor:
    """Compute ``1 / (1 + exp(-x))``."""
    return input.sigmoid()


def _get_softmax_dim(name: str, ndim: int, stacklevel: int) -> int:
    """Choose the dimension for callers that name none, and warn them."""
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
        "dim=X as an argument.",
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1


def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Tensor:
    """Compute ``exp(x) / sum(exp(x))`` along ``dim``.

    Args:
        input: any shape, floating point unless ``dtype`` is given.
        dim: the dimension along which the results add up to one.
        dtype: convert the input to this type first.

    Example:
        >>> softmax(tallow.tensor([0.0, 0.0]), dim=0)
        tensor([0.5000, 0.5000])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            softmax, (input,), input, dim=dim, _stacklevel=_stacklevel, dtype=dtype
        )
    if dim is None:
        dim = _get_softmax_dim("softmax", input.dim(), _stacklevel)
    return input.softmax(dim) if dtype is None else input.softmax(dim, dtype=dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Tensor:
    """Compute the logarithm of :func:`softmax` without losing precision.

    Args:
        input: any shape, floating point unless ``dtype`` is given.
        dim: the dimension along which the exponentials of the results add up to one.
        dtype: convert the input to this type first.

    Example:
        >>> log_softmax(tallow.tensor([0.0, 0.0]), dim=0)
        tensor([-0.6931, -0.6931])
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            log_softmax, (input,), input, dim=dim, _stacklevel=_stacklevel, dtype=dtype
        )
    if dim is None:
        dim = _get_softmax_dim("log_softmax", input.dim(), _stacklevel)
    return input.log_softmax(dim) if dtype is None else input.log_softmax(dim, dtype=dtype)


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: DType | None = None
) -> Tensor:
    """Compute :func:`softmax` of the negated input; same arguments."""
    if has_torch_function_unary(input):
        return handle_torch_function(
            softmin, (input,), input, dim=dim, _stacklevel=_stacklevel, dtype=dtype
        )
    if dim is None:
        dim = _get_softmax_dim("softmin", input.dim(), _stacklevel)
    negated = -input
    return negated.softmax(dim) if dtype is None else negated.softmax(dim, dtype=dtype)


def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """Draw from a categorical distribution in a way that gradients pass through.

    Args:
        logits: unnormalised log probabilities, any shape.
        tau: temperature; towards zero the samples become one-hot.
        hard: return one-hot vectors, with the gradient of the soft samples.
        eps: unused.
        dim: the dimension of the categories.

    Source: E. Jang, S. Gu, B. Poole, Categorical reparameterization with Gumbel-softmax, ICLR 2017.
    """
    if has_torch_function_unary(logits):
        return handle_torch_function(
            gumbel_softmax, (logits,), logits, tau=tau, hard=hard, eps=eps, dim=dim
        )
    if eps != 1e-10:
        warnings.warn(
            "`eps` parameter is deprecated and has no effect.", stacklevel=outside_stacklevel()
        )
    noise = _VF.empty_like(logits, memory_format=tallow.contiguous_format)
    gumbels = -noise.exponential_().log()
    soft = ((logits + gumbels) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    one_hot = _VF.zeros_like(logits).scatter_(dim, index, 1.0)
    return one_hot - soft.detach() + soft
