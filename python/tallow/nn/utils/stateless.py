"""Calling a module with other parameters than its own."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import tallow
from tallow.nn._spelling import package

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tallow._tensor import Tensor
    from tallow.nn.modules.module import Module

__all__ = ["functional_call"]


def functional_call(
    module: Module,
    parameters_and_buffers: dict[str, Tensor],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Call a module with tensors in the place of its parameters and buffers.

    New programs use :func:`tallow.func.functional_call`, which is the same.

    Args:
        module: has its own tensors again afterwards.
        parameters_and_buffers: dotted names with their tensors; others stay. Gets the new tensors
            of names that the call assigns to.
        args: one argument or a tuple of them.
        kwargs: arguments by keyword.
        tie_weights: let a tensor stand for all names of the parameter that it replaces.
        strict: refuse names that the module has not, and a module with others than the given.

    Returns:
        What the module returns.

    Raises:
        RuntimeError: names do not fit and ``strict``.
        ValueError: tied names were given different tensors.

    Example:
        >>> import warnings
        >>> warnings.simplefilter("ignore")
        >>> layer = tallow.nn.Linear(2, 1, bias=False)
        >>> functional_call(layer, {"weight": tallow.tensor([[1.0, 2.0]])}, tallow.ones(2))
        tensor([3.])
    """
    import warnings

    from tallow._user_frame import outside_stacklevel

    warnings.warn(
        "`torch.nn.utils.stateless.functional_call` is deprecated as of PyTorch 2.0 and will be "
        "removed in a future version of PyTorch. Please use `torch.func.functional_call` instead "
        "which is a drop-in replacement.",
        FutureWarning,
        stacklevel=outside_stacklevel(),
    )
    return call_with(
        module, parameters_and_buffers, args, kwargs, tie_weights=tie_weights, strict=strict
    )


def call_with(
    module: Module,
    tensors: dict[str, Tensor],
    args: Any,
    kwargs: dict[str, Any] | None,
    *,
    tie_weights: bool,
    strict: bool,
) -> Any:
    """Call a module with replaced tensors; see :func:`functional_call`."""
    if args is None:
        args = ()
    elif not isinstance(args, tuple):
        args = (args,)
    with _replaced(module, tensors, tie_weights=tie_weights, strict=strict):
        return module(*args, **(kwargs or {}))


@contextmanager
def _replaced(
    module: Module, tensors: dict[str, Tensor], *, tie_weights: bool, strict: bool
) -> Iterator[None]:
    owned = _named_tensors(module)
    names = _for_all_names(owned, tensors) if tie_weights else dict(tensors)
    if strict:
        _check_names(module, owned, names)
    for tensor in names.values():
        if not isinstance(tensor, tallow.Tensor):
            raise TypeError(f"{tensor} is not an instance of {package()}.Tensor")
    places = {name: _slot(module, name) for name in names}
    previous = {name: slots.get(key, _ABSENT) for name, (slots, key) in places.items()}
    try:
        for name, (slots, key) in places.items():
            slots[key] = names[name]
        yield
    finally:
        for name, (slots, key) in places.items():
            if name in tensors:
                tensors[name] = slots[key]  # the call may have assigned another one
            if previous[name] is _ABSENT:
                del slots[key]
            else:
                slots[key] = previous[name]


_ABSENT: Any = object()


def _named_tensors(module: Module) -> dict[str, Tensor]:
    found: dict[str, Tensor] = dict(module.named_parameters(remove_duplicate=False))
    found.update(module.named_buffers(remove_duplicate=False))
    return found


def _for_all_names(owned: dict[str, Tensor], tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Add the other names of every parameter or buffer that is replaced."""
    names: dict[int, list[str]] = {}
    for name, tensor in owned.items():
        names.setdefault(id(tensor), []).append(name)
    spread = dict(tensors)
    for group in names.values():
        given = [name for name in group if name in tensors]
        if not given:
            continue
        if any(tensors[name] is not tensors[given[0]] for name in given[1:]):
            raise ValueError(
                f"functional_call got multiple values for keys {sorted(given)}, which are tied. "
                "Consider using tie_weights=False"
            )
        spread.update((name, tensors[given[0]]) for name in group)
    return spread


def _check_names(module: Module, owned: dict[str, Tensor], tensors: dict[str, Tensor]) -> None:
    unexpected = sorted(tensors.keys() - owned.keys())
    missing = sorted(owned.keys() - tensors.keys())
    if unexpected or missing:
        parts = []
        if unexpected:
            parts.append("Unexpected key(s): " + ", ".join(map(repr, unexpected)) + ".")
        if missing:
            parts.append("Missing key(s): " + ", ".join(map(repr, missing)) + ".")
        raise RuntimeError(
            f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(parts)
        )


def _slot(module: Any, path: str) -> tuple[dict[str, Any], str]:
    """The table of a module below this one that holds a tensor, and the tensor's key there."""
    prefix, _, name = path.rpartition(".")
    for part in filter(None, prefix.split(".")):
        child = module._modules.get(part)
        if child is None:
            raise AttributeError(f"{type(module).__name__} has no attribute `{part}`")
        module = child
    for slots in (module._parameters, module._buffers):
        if name in slots:
            return slots, name
    return module.__dict__, name
