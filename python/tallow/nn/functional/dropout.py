"""Dropout."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from tallow import _C
from tallow._user_frame import outside_stacklevel
from tallow.nn.functional._validate import check_probability
from tallow.overrides import handle_torch_function, has_torch_function_unary

if TYPE_CHECKING:
    from tallow._tensor import Tensor

__all__ = [
    "alpha_dropout",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "feature_alpha_dropout",
]

_VF = _C._VariableFunctions


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Zero each element with probability ``p`` and divide the others by ``1 - p``.

    Args:
        input: any shape, floating point.
        p: probability of zeroing, from 0 to 1.
        training: without it the input is returned as it is.
        inplace: overwrite ``input``.

    Raises:
        ValueError: ``p`` is outside the interval from 0 to 1.

    Source: N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever, R. Salakhutdinov, JMLR 15 (2014).
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            dropout, (input,), input, p=p, training=training, inplace=inplace
        )
    check_probability(p)
    return _VF.dropout_(input, p, training) if inplace else _VF.dropout(input, p, training)


def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zero whole channels of ``(N, C, L)`` or ``(C, L)``; see :func:`dropout`.

    Raises:
        ValueError: ``p`` is outside the interval from 0 to 1.
        RuntimeError: wrong number of dimensions.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            dropout1d, (input,), input, p=p, training=training, inplace=inplace
        )
    check_probability(p)
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. Note that "
            "dropout1d exists to provide channel-wise dropout on inputs with 1 spatial dimension, "
            "a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )
    return _drop_unbatched(input, p, training, inplace, batched=input.dim() == 3)


def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zero whole channels of ``(N, C, H, W)``; see :func:`dropout`.

    A three-dimensional input counts as ``(N, C, L)``, with a warning.

    Raises:
        ValueError: ``p`` is outside the interval from 0 to 1.

    Source: J. Tompson et al., Efficient object localization using convolutional networks, CVPR
    2015.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            dropout2d, (input,), input, p=p, training=training, inplace=inplace
        )
    check_probability(p)
    if input.dim() not in (3, 4):
        _warn_about_dims(input, "dropout2d", "2 spatial dimensions", "3D or 4D")
    if input.dim() == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D "
            "dropout behavior is desired - input is interpreted as shape (N, C, L), where C is "
            "the channel dim. This behavior will change in a future release to interpret the "
            "input as one without a batch dimension, i.e. shape (C, H, W). To maintain the 1D "
            "channel-wise dropout behavior, please switch to using dropout1d instead.",
            stacklevel=outside_stacklevel(),
        )
    return _drop_features(input, p, training, inplace)


def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Zero whole channels of ``(N, C, D, H, W)`` or ``(C, D, H, W)``; see :func:`dropout`.

    Raises:
        ValueError: ``p`` is outside the interval from 0 to 1.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            dropout3d, (input,), input, p=p, training=training, inplace=inplace
        )
    check_probability(p)
    if input.dim() not in (4, 5):
        _warn_about_dims(input, "dropout3d", "3 spatial dimensions", "4D or 5D")
    return _drop_unbatched(input, p, training, inplace, batched=input.dim() == 5)


def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Drop elements to the saturation value of selu, keeping mean and variance.

    Args:
        input: any shape, floating point, with mean 0 and variance 1.
        p: probability of dropping, from 0 to 1.
        training: without it the input is returned as it is.
        inplace: overwrite ``input``.

    Raises:
        ValueError: ``p`` is outside the interval from 0 to 1.

    Source: G. Klambauer, T. Unterthiner, A. Mayr, S. Hochreiter, Self-normalizing neural networks,
    NIPS 2017, section "New Dropout Technique".
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            alpha_dropout, (input,), input, p=p, training=training, inplace=inplace
        )
    check_probability(p)
    apply = _VF.alpha_dropout_ if inplace else _VF.alpha_dropout
    return apply(input, p, training)


def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Drop whole channels of ``(N, C, *)`` as :func:`alpha_dropout` drops elements.

    Raises:
        ValueError: ``p`` is outside the interval from 0 to 1.
        RuntimeError: fewer than two dimensions.
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            feature_alpha_dropout, (input,), input, p=p, training=training, inplace=inplace
        )
    check_probability(p)
    apply = _VF.feature_alpha_dropout_ if inplace else _VF.feature_alpha_dropout
    return apply(input, p, training)


def _drop_features(input: Tensor, p: float, training: bool, inplace: bool) -> Tensor:
    apply = _VF.feature_dropout_ if inplace else _VF.feature_dropout
    return apply(input, p, training)


def _drop_unbatched(
    input: Tensor, p: float, training: bool, inplace: bool, batched: bool
) -> Tensor:
    if batched:
        return _drop_features(input, p, training, inplace)
    if inplace:
        return _drop_features(input.unsqueeze_(0), p, training, True).squeeze_(0)
    return _drop_features(input.unsqueeze(0), p, training, False).squeeze(0)


def _warn_about_dims(input: Tensor, name: str, spatial: str, expected: str) -> None:
    warnings.warn(
        f"{name}: Received a {input.dim()}-D input to {name}, which is deprecated and will result "
        "in an error in a future release. To retain the behavior and silence this warning, please "
        f"use dropout instead. Note that {name} exists to provide channel-wise dropout on inputs "
        f"with {spatial}, a channel dimension, and an optional batch dimension (i.e. {expected} "
        "inputs).",
        stacklevel=outside_stacklevel(),
    )
