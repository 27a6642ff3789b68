"""Normalisation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tallow import _C
from tallow.nn.functional.padding import constant_pad
from tallow.overrides import handle_torch_function, has_torch_function_variadic

if TYPE_CHECKING:
    from typing import Any

    from tallow._tensor import Tensor

__all__ = [
    "batch_norm",
    "group_norm",
    "instance_norm",
    "layer_norm",
    "local_response_norm",
    "normalize",
    "rms_norm",
]

_VF = _C._VariableFunctions


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel over the batch and all other dimensions.

    Args:
        input: ``(N, C, *)``, floating point.
        running_mean: ``(C,)``; used in evaluation, updated in training.
        running_var: ``(C,)``; used in evaluation, updated in training (unbiased).
        weight: ``(C,)``, factor on the normalised values.
        bias: ``(C,)``, added after the factor.
        training: use the statistics of ``input`` instead of the running ones.
        momentum: weight of the new statistics in the running ones.
        eps: added to the variance.

    Raises:
        ValueError: training on one value per channel.
        RuntimeError: a size differs from the number of channels, or statistics are missing.

    Source: S. Ioffe, C. Szegedy, Batch normalization, ICML 2015.
    """
    if has_torch_function_variadic(input, running_mean, running_var, weight, bias):
        return handle_torch_function(
            batch_norm,
            (input, running_mean, running_var, weight, bias),
            input,
            running_mean,
            running_var,
            weight=weight,
            bias=bias,
            training=training,
            momentum=momentum,
            eps=eps,
        )
    if training:
        _check_values_per_channel(input)
    return _VF.batch_norm(
        input, weight, bias, running_mean, running_var, training, momentum, eps, True
    )


def _check_values_per_channel(input: Tensor) -> None:
    size = input.size()
    if size[0] * math.prod(size[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {size}"
        )


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each channel of each sample over all other dimensions.

    Args:
        input: ``(N, C, *)``, floating point.
        running_mean: ``(C,)``; mean over samples, updated with ``use_input_stats``.
        running_var: ``(C,)``; mean over samples, updated with ``use_input_stats``.
        weight: ``(C,)``, factor on the normalised values.
        bias: ``(C,)``, added after the factor.
        use_input_stats: use the statistics of ``input`` instead of the running ones.
        momentum: weight of the new statistics in the running ones.
        eps: added to the variance.

    Raises:
        ValueError: ``use_input_stats`` with one element per channel.
        RuntimeError: statistics are missing.

    Source: D. Ulyanov, A. Vedaldi, V. Lempitsky, Instance normalization, arXiv 1607.08022.
    """
    if has_torch_function_variadic(input, running_mean, running_var, weight, bias):
        return handle_torch_function(
            instance_norm,
            (input, running_mean, running_var, weight, bias),
            input,
            running_mean=running_mean,
            running_var=running_var,
            weight=weight,
            bias=bias,
            use_input_stats=use_input_stats,
            momentum=momentum,
            eps=eps,
        )
    if use_input_stats:
        if math.prod(input.shape[2:]) == 1:
            raise ValueError(
                f"Expected more than 1 spatial element when training, got input size {input.size()}"
            )
    elif running_mean is None or running_var is None:
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when use_input_stats is false"
        )
    return _VF.instance_norm(
        input,
        weight,
        bias,
        running_mean,
        running_var,
        use_input_stats,
        momentum,
        eps,
        True,
    )


def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise over the last dimensions.

    Args:
        input: ``(*, *normalized_shape)``, floating point.
        normalized_shape: sizes of the last dimensions.
        weight: ``normalized_shape``, factor on the normalised values.
        bias: ``normalized_shape``, added after the factor.
        eps: added to the variance.

    Raises:
        RuntimeError: the shapes do not fit.

    Source: J. Ba, J. Kiros, G. Hinton, Layer normalization, arXiv 1607.06450.

    Example:
        >>> layer_norm(tallow.tensor([[0.0, 2.0]]), (2,), eps=0.0)
        tensor([[-1.,  1.]])
    """
    if has_torch_function_variadic(input, weight, bias):
        return handle_torch_function(
            layer_norm,
            (input, weight, bias),
            input,
            normalized_shape,
            weight=weight,
            bias=bias,
            eps=eps,
        )
    return _VF.layer_norm(input, normalized_shape, weight, bias, eps, True)


def rms_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """Divide by the root mean square over the last dimensions.

    Args:
        input: ``(*, *normalized_shape)``, floating point.
        normalized_shape: sizes of the last dimensions.
        weight: ``normalized_shape``, factor on the result.
        eps: added to the mean square; the machine epsilon of the dtype by default.

    Raises:
        RuntimeError: the shapes do not fit.

    Source: B. Zhang, R. Sennrich, Root mean square layer normalization, NeurIPS 2019.
    """
    if has_torch_function_variadic(input, weight):
        return handle_torch_function(
            rms_norm, (input, weight), input, normalized_shape, weight=weight, eps=eps
        )
    return _VF.rms_norm(input, normalized_shape, weight, eps)


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalise each group of channels of each sample.

    Args:
        input: ``(N, C, *)``, floating point.
        num_groups: number of groups; divides ``C``.
        weight: ``(C,)``, factor on the normalised values.
        bias: ``(C,)``, added after the factor.
        eps: added to the variance.

    Raises:
        ValueError: one value per group.
        RuntimeError: the sizes do not fit.

    Source: Y. Wu, K. He, Group normalization, ECCV 2018.
    """
    if has_torch_function_variadic(input, weight, bias):
        return handle_torch_function(
            group_norm, (input, weight, bias), input, num_groups, weight=weight, bias=bias, eps=eps
        )
    if input.dim() < 2:
        raise RuntimeError(
            f"Expected at least 2 dimensions for input tensor but received {input.dim()}"
        )
    size = list(input.size())
    if num_groups > 0 and size[0] * size[1] // num_groups * math.prod(size[2:]) == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size {size}"
        )
    return _VF.group_norm(input, num_groups, weight, bias, eps, True)


def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """Divide by a power of the mean square over neighbouring channels.

    Args:
        input: ``(N, C, *)`` with at least three dimensions, floating point.
        size: number of neighbouring channels.
        alpha: factor on the mean square.
        beta: exponent.
        k: added before the power is taken.

    Raises:
        ValueError: fewer than three dimensions.

    Source: A. Krizhevsky, I. Sutskever, G. Hinton, NIPS 2012, section 3.3.
    """
    if has_torch_function_variadic(input):
        return handle_torch_function(
            local_response_norm, (input,), input, size, alpha=alpha, beta=beta, k=k
        )
    if input.dim() < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality input (got {input.dim()} dimensions)"
        )
    if input.numel() == 0:
        return input
    channels_last = input.square().movedim(1, -1)
    padded = constant_pad(channels_last, [size // 2, (size - 1) // 2])
    mean_square = padded.unfold(-1, size, 1).mean(-1).movedim(-1, 1)
    return input / mean_square.mul(alpha).add(k).pow(beta)


def normalize(
    input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """Divide by the ``p``-norm along ``dim``.

    Args:
        input: any shape, floating point.
        p: exponent of the norm.
        dim: one dimension, or several.
        eps: smallest divisor.
        out: where to write the result; not differentiable.

    Example:
        >>> normalize(tallow.tensor([[3.0, 4.0]]))
        tensor([[0.6000, 0.8000]])
    """
    if has_torch_function_variadic(input, out):
        return handle_torch_function(normalize, (input, out), input, p=p, dim=dim, eps=eps, out=out)
    norm = input.norm(p, dim, keepdim=True)
    if out is None:
        return input / norm.clamp_min(eps).expand_as(input)
    return _VF.div(input, norm.clamp_min_(eps).expand_as(input), out=out)
