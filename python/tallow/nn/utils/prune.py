"""Pruning: masks that hold chosen elements of parameters at zero."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import tallow
from tallow.nn.utils._pruning_methods import (
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    PruningContainer,
    RandomStructured,
    RandomUnstructured,
    hook_of,
)

if TYPE_CHECKING:
    from tallow._tensor import Tensor
    from tallow.nn.modules.module import Module

    _M = TypeVar("_M", bound=Module)

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "custom_from_mask",
    "global_unstructured",
    "identity",
    "is_pruned",
    "l1_unstructured",
    "ln_structured",
    "random_structured",
    "random_unstructured",
    "remove",
]


def identity(module: _M, name: str) -> _M:
    """Give a parameter a mask of ones.

    Args:
        module: changed in place.
        name: a parameter.

    Returns:
        The module.
    """
    Identity.apply(module, name)
    return module


def random_unstructured(module: _M, name: str, amount: int | float) -> _M:
    """Prune elements of a parameter at random; see :class:`RandomUnstructured`."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: _M, name: str, amount: int | float, importance_scores: Tensor | None = None
) -> _M:
    """Prune the elements of a parameter that are smallest in absolute value.

    Args:
        module: changed in place.
        name: a parameter.
        amount: how many elements, or what share in [0, 1].
        importance_scores: compared in the place of the values; of the same shape.

    Returns:
        The module.

    Example:
        >>> layer = tallow.nn.Linear(4, 4)
        >>> int((l1_unstructured(layer, "weight", 0.25).weight == 0).sum())
        4
        >>> list(layer.state_dict())
        ['bias', 'weight_orig', 'weight_mask']
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: _M, name: str, amount: int | float, dim: int) -> _M:
    """Prune slices of a parameter at random; see :class:`RandomStructured`."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: _M,
    name: str,
    amount: int | float,
    n: Any,
    dim: int,
    importance_scores: Tensor | None = None,
) -> _M:
    """Prune the slices of a parameter that have the smallest norm; see :class:`LnStructured`.

    Example:
        >>> layer = tallow.nn.Linear(2, 3)
        >>> ln_structured(layer, "weight", amount=1, n=2, dim=0).weight_mask.sum()
        tensor(4.)
    """
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: _M, name: str, mask: Tensor) -> _M:
    """Prune the elements of a parameter for which a mask of its shape has zeros.

    Example:
        >>> layer = tallow.nn.Linear(3, 1)
        >>> custom_from_mask(layer, "bias", tallow.zeros(1)).bias.count_nonzero()
        tensor(0)
    """
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prune several parameters as if they were one vector.

    Args:
        parameters: pairs of a module and the name of its parameter.
        pruning_method: a method that prunes single elements.
        importance_scores: compared in the place of the values, for some of the pairs.
        kwargs: for the constructor of ``pruning_method``, such as ``amount``.

    Raises:
        TypeError: ``parameters`` or ``importance_scores`` of another kind, or a method that does
            not prune single elements.

    Example:
        >>> one, two = tallow.nn.Linear(2, 2), tallow.nn.Linear(2, 2)
        >>> pairs = [(one, "weight"), (two, "weight")]
        >>> global_unstructured(pairs, L1Unstructured, amount=3)
        >>> sum(int((layer.weight == 0).sum()) for layer in (one, two))
        3
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    pairs = list(parameters)
    scores = {} if importance_scores is None else importance_scores
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    tensors = [getattr(module, name) for module, name in pairs]
    values = tallow.cat(
        [scores.get(pair, t).reshape(-1) for pair, t in zip(pairs, tensors, strict=True)]
    )
    masks = [
        getattr(module, name + "_mask", tallow.ones_like(t)).reshape(-1)
        for (module, name), t in zip(pairs, tensors, strict=True)
    ]
    method._tensor_name = "temp"
    mask = PruningContainer(method).compute_mask(values, tallow.cat(masks))
    sizes = [t.numel() for t in tensors]
    for (module, name), t, part in zip(pairs, tensors, mask.split(sizes), strict=True):
        custom_from_mask(module, name, part.view_as(t))


def remove(module: _M, name: str) -> _M:
    """Make a pruned parameter an ordinary one again; its zeros stay, but may be trained.

    Args:
        module: changed in place.
        name: the parameter.

    Returns:
        The module.

    Raises:
        ValueError: the parameter is not pruned.

    Example:
        >>> layer = l1_unstructured(tallow.nn.Linear(2, 2), "weight", 1)
        >>> list(remove(layer, "weight").state_dict())
        ['bias', 'weight']
    """
    key = hook_of(module, name)
    if key is None:
        raise ValueError(
            f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
        )
    hook: Any = module._forward_pre_hooks[key]
    hook.remove(module)
    del module._forward_pre_hooks[key]
    return module


def is_pruned(module: Module) -> bool:
    """Tell whether a module or one below it has a pruned parameter.

    Example:
        >>> layer = tallow.nn.Linear(2, 2)
        >>> is_pruned(layer), is_pruned(l1_unstructured(layer, "weight", 1))
        (False, True)
    """
    return any(
        isinstance(hook, BasePruningMethod)
        for each in module.modules()
        for hook in each._forward_pre_hooks.values()
    )
