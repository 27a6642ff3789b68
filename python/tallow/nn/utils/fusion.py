"""Folding a normalisation into the layer before it, for inference."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, TypeVar

import tallow
from tallow.nn.parameter import Parameter

if TYPE_CHECKING:
    from tallow._tensor import Tensor

__all__ = [
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
]

_Layer = TypeVar("_Layer", bound=Any)


def fuse_conv_bn_eval(conv: _Layer, bn: Any, transpose: bool = False) -> _Layer:
    """Return a convolution that does what ``conv`` followed by ``bn`` does.

    Args:
        conv: a convolution in evaluation mode.
        bn: a batch normalisation in evaluation mode, with running statistics.
        transpose: whether ``conv`` is a transposed convolution.

    Raises:
        AssertionError: a layer is in training mode.
    """
    assert not conv.training, "Fusion only for eval!"
    assert not bn.training, "Fusion only for eval!"
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight,
        fused.bias,
        bn.running_mean,
        bn.running_var,
        bn.eps,
        bn.weight,
        bn.bias,
        transpose,
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Return weight and bias of the convolution that :func:`fuse_conv_bn_eval` makes."""
    scale = (bn_rv + bn_eps).rsqrt()
    if bn_w is not None:
        scale = scale * bn_w
    bias = -bn_rm if conv_b is None else conv_b - bn_rm
    bias = bias * scale
    if bn_b is not None:
        bias = bias + bn_b
    shape = [1] * conv_w.dim()
    shape[1 if transpose else 0] = -1
    weight = (conv_w * scale.reshape(shape)).to(conv_w.dtype)
    bias = bias.to(conv_w.dtype if conv_b is None else conv_b.dtype)
    return (
        Parameter(weight, conv_w.requires_grad),
        Parameter(bias, conv_w.requires_grad if conv_b is None else conv_b.requires_grad),
    )


def fuse_linear_bn_eval(linear: _Layer, bn: Any) -> _Layer:
    """Return a linear layer that does what ``linear`` followed by ``bn`` does.

    Args:
        linear: a linear layer in evaluation mode.
        bn: a batch normalisation in evaluation mode, with running statistics.

    Raises:
        AssertionError: a layer is in training mode, or the sizes do not fit.
    """
    assert not linear.training, "Fusion only for eval!"
    assert not bn.training, "Fusion only for eval!"
    assert linear.out_features == bn.num_features or bn.num_features == 1, (
        "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
        f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
    )
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor,
    bn_b: Tensor,
) -> tuple[Parameter, Parameter]:
    """Return weight and bias of the layer that :func:`fuse_linear_bn_eval` makes."""
    if linear_b is None:
        linear_b = tallow.zeros(linear_w.size(0), dtype=linear_w.dtype, device=linear_w.device)
    return fuse_conv_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b)
