"""Modules as functions of their parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow import Tensor
    from tallow.nn import Module

__all__ = ["functional_call", "replace_all_batch_norm_modules_", "stack_module_state"]


def functional_call(
    module: Module,
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with tensors in the place of its parameters and buffers.

    Args:
        module: has its own tensors again afterwards.
        parameter_and_buffer_dicts: dotted names with their tensors, in one dict or several; others
            stay. A single dict gets the new tensors of names that the call assigns to.
        args: one argument or a tuple of them.
        kwargs: arguments by keyword.
        tie_weights: let a tensor stand for all names of the parameter that it replaces.
        strict: refuse names that the module has not, and a module with others than the given.

    Returns:
        What the module returns.

    Raises:
        RuntimeError: names do not fit and ``strict``.
        ValueError: a name in several dicts, tied names with different tensors, or no dict at all.

    Example:
        >>> layer = tallow.nn.Linear(2, 1)
        >>> weights = dict(layer.named_parameters())
        >>> def loss(weights, x):
        ...     return functional_call(layer, weights, x).sum()
        >>> tallow.func.grad(loss)(weights, tallow.tensor([1.0, 2.0]))["weight"].detach()
        tensor([[1., 2.]])
    """
    from tallow.nn.utils.stateless import call_with

    tensors = parameter_and_buffer_dicts
    if not isinstance(tensors, dict):
        if not isinstance(tensors, list | tuple) or not all(isinstance(d, dict) for d in tensors):
            raise ValueError(
                "Expected parameter_and_buffer_dicts to be a dict, or a list/tuple of dicts, but "
                f"got {type(tensors)}"
            )
        names = [name for part in tensors for name in part]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(
                f"{repeated} appeared in multiple dictionaries; behavior of functional call is "
                "ambiguous"
            )
        tensors = {name: tensor for part in tensors for name, tensor in part.items()}
    return call_with(module, tensors, args, kwargs, tie_weights=tie_weights, strict=strict)


def stack_module_state(models: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Stack the parameters and buffers of equal modules, for :func:`vmap` over an ensemble.

    Args:
        models: modules of one class and mode, in a sequence.

    Returns:
        Parameters and buffers by name, with a new first dimension that counts the models. They are
        leaves and require a gradient where those of the models do.

    Raises:
        RuntimeError: no models, or different ones.

    Example:
        >>> params, buffers = stack_module_state([tallow.nn.Linear(2, 1) for _ in range(3)])
        >>> {name: tuple(tensor.shape) for name, tensor in params.items()}
        {'weight': (3, 1, 2), 'bias': (3, 1)}
    """
    if len(models) == 0:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({model.training for model in models}) > 1:
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if len({type(model) for model in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    params = [dict(model.named_parameters()) for model in models]
    buffers = [dict(model.named_buffers()) for model in models]
    return (
        {name: _stacked_leaf(name, [p[name] for p in params]) for name in params[0]},
        {name: _stacked_leaf(name, [b[name] for b in buffers]) for name in buffers[0]},
    )


def _stacked_leaf(name: str, tensors: list[Tensor]) -> Tensor:
    if len({tensor.requires_grad for tensor in tensors}) > 1:
        raise RuntimeError(f"Expected {name} from each model to have the same .requires_grad")
    return tallow.stack(tensors).detach().requires_grad_(tensors[0].requires_grad)


def replace_all_batch_norm_modules_(root: Module) -> Module:
    """Let every batch normalisation in a tree of modules use the statistics of its batch only.

    Args:
        root: changed in place.

    Returns:
        ``root``.

    Example:
        >>> replace_all_batch_norm_modules_(tallow.nn.BatchNorm1d(2)).running_mean is None
        True
    """
    from tallow.nn.modules.batchnorm import _BatchNorm

    for module in root.modules():
        if isinstance(module, _BatchNorm):
            module.running_mean = None
            module.running_var = None
            module.num_batches_tracked = None
            module.track_running_stats = False
    return root
