"""Tools for working with modules and their parameters."""

from __future__ import annotations

from typing import Any

from tallow.nn.utils import rnn
from tallow.nn.utils.clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from tallow.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters
from tallow.nn.utils.fusion import (
    fuse_conv_bn_eval,
    fuse_conv_bn_weights,
    fuse_linear_bn_eval,
    fuse_linear_bn_weights,
)
from tallow.nn.utils.init import skip_init
from tallow.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm
from tallow.nn.utils.weight_norm import remove_weight_norm, weight_norm

__all__ = [
    "clip_grad_norm",
    "clip_grad_norm_",
    "clip_grad_value_",
    "clip_grads_with_norm_",
    "convert_conv2d_weight_memory_format",
    "convert_conv3d_weight_memory_format",
    "fuse_conv_bn_eval",
    "fuse_conv_bn_weights",
    "fuse_linear_bn_eval",
    "fuse_linear_bn_weights",
    "get_total_norm",
    "parameters_to_vector",
    "parametrizations",
    "parametrize",
    "prune",
    "remove_spectral_norm",
    "remove_weight_norm",
    "rnn",
    "skip_init",
    "spectral_norm",
    "stateless",
    "vector_to_parameters",
    "weight_norm",
]

_LAZY = {
    "convert_conv2d_weight_memory_format": "memory_format",
    "convert_conv3d_weight_memory_format": "memory_format",
    **{name: name for name in ("parametrizations", "parametrize", "prune", "stateless")},
}


def __getattr__(name: str) -> Any:
    import importlib

    home = _LAZY.get(name)
    if home is None:
        from tallow._absent import AbsentName

        raise AbsentName(__name__, name, lambda: __all__)
    module = importlib.import_module(f"{__name__}.{home}")
    return module if home == name else getattr(module, name)
