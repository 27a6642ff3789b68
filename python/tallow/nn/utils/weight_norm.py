"""Weight normalisation by a forward pre-hook; the older form."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, TypeVar

import tallow
from tallow._composites.weights import _weight_norm
from tallow._user_frame import outside_stacklevel
from tallow.nn.modules.module import Module
from tallow.nn.parameter import Parameter
from tallow.nn.utils._weight_hooks import refuse_second, remove_hook

if TYPE_CHECKING:
    from tallow._tensor import Tensor

__all__ = ["WeightNorm", "remove_weight_norm", "weight_norm"]

_M = TypeVar("_M", bound=Module)


class WeightNorm:
    """The hook: before each forward, the weight is computed from its length and direction."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Any) -> Tensor:
        """Return ``g * v / |v|``."""
        g = getattr(module, self.name + "_g")
        v = getattr(module, self.name + "_v")
        return _weight_norm(v, g, self.dim)

    def remove(self, module: Module) -> None:
        """Put the present weight in the place of length and direction."""
        weight = self.compute_weight(module)
        for name in (self.name, self.name + "_g", self.name + "_v"):
            if name in module._parameters:
                del module._parameters[name]
        module.__dict__.pop(self.name, None)
        setattr(module, self.name, Parameter(weight.detach()))

    def __call__(self, module: Module, inputs: Any) -> None:
        """Compute the weight for the forward that follows."""
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: _M, name: str = "weight", dim: int | None = 0) -> _M:
    """Train length and direction of a weight apart: ``w = g * v / |v|``.

    The parameters become ``<name>_g`` and ``<name>_v``. New programs use
    :func:`tallow.nn.utils.parametrizations.weight_norm`, which needs no hook.

    Args:
        module: changed in place.
        name: a parameter.
        dim: each slice along it has a length of its own; None or -1 for one length of all.

    Returns:
        The module.

    Raises:
        RuntimeError: the parameter is normalised already.

    Source: Salimans and Kingma, Weight normalization, arXiv:1602.07868.

    Example:
        >>> import warnings
        >>> warnings.simplefilter("ignore")
        >>> list(weight_norm(tallow.nn.Linear(2, 2)).state_dict())
        ['bias', 'weight_g', 'weight_v']
    """
    warnings.warn(
        "`torch.nn.utils.weight_norm` is deprecated in favor of "
        "`torch.nn.utils.parametrizations.weight_norm`.",
        FutureWarning,
        stacklevel=outside_stacklevel(),
    )
    refuse_second(module, WeightNorm, "weight_norm", name)
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    if isinstance(weight, tallow.nn.UninitializedParameter):
        raise ValueError(
            "The module passed to `WeightNorm` can't have uninitialized parameters. Make sure to "
            "run the dummy forward before applying weight normalization"
        )
    del module._parameters[name]
    g = tallow.norm_except_dim(weight.detach(), 2, hook.dim)
    module.register_parameter(name + "_g", Parameter(g))
    module.register_parameter(name + "_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: _M, name: str = "weight") -> _M:
    """Make a weight that :func:`weight_norm` split a plain parameter again.

    Args:
        module: changed in place.
        name: the parameter.

    Returns:
        The module.

    Raises:
        ValueError: the parameter is not normalised.
    """
    remove_hook(module, WeightNorm, "weight_norm", name)
    return module
