"""Checking and completing the arguments and gradients of ``autograd.functional``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

    Tensors = tuple[Tensor, ...]
    Optional = tuple[Tensor | None, ...]

__all__ = [
    "OUTPUTS",
    "as_tensors",
    "call",
    "filled",
    "finish",
    "gradients_of",
    "require_all",
    "vector",
]

OUTPUTS = "outputs of the user-provided function"


def as_tensors(value: Any, what: str, caller: str) -> tuple[Tensors, bool]:
    """Return `value` as a tuple of tensors, and whether it was a tuple."""
    rule = f"The {what} given to {caller} must be either a Tensor or a tuple of Tensors but the "
    if isinstance(value, tallow.Tensor):
        return (value,), False
    if not isinstance(value, tuple):
        raise TypeError(f"{rule}given {what} has type {type(value)}.")
    for i, item in enumerate(value):
        if not isinstance(item, tallow.Tensor):
            raise TypeError(f"{rule}value at index {i} has type {type(item)}.")
    return value, True


def _leaves(inputs: Tensors, create_graph: bool) -> Tensors:
    """Copies of `inputs` to differentiate with respect to; with `create_graph` still attached."""
    return tuple(
        x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_()
        for x in inputs
    )


def call(
    func: Callable[..., Any], inputs: Any, create_graph: bool, strict: bool, caller: str
) -> tuple[Tensors, bool, Tensors, bool]:
    """Run `func` on fresh leaves; return them and the outputs, each with its is-a-tuple flag."""
    given, many_inputs = as_tensors(inputs, "inputs", caller)
    leaves = _leaves(given, create_graph)
    outputs, many_outputs = as_tensors(func(*leaves), OUTPUTS, caller)
    if strict:
        for i, output in enumerate(outputs):
            if not output.requires_grad:
                raise RuntimeError(
                    f"Output {i} of the user-provided function does not require gradients. The "
                    "outputs must be computed in a differentiable manner from the input when "
                    "running in strict mode."
                )
    return leaves, many_inputs, outputs, many_outputs


def gradients_of(
    outputs: Tensors, inputs: Tensors, starts: Optional, create_graph: bool
) -> Optional:
    """Gradients of `outputs`, of which some may be constants; None where there is none."""
    live = [i for i, output in enumerate(outputs) if output.requires_grad]
    if not live:
        return (None,) * len(inputs)
    result: Optional = tallow.autograd.grad(
        [outputs[i] for i in live],
        inputs,
        [starts[i] for i in live],
        allow_unused=True,
        retain_graph=True,
        create_graph=create_graph,
    )
    return result


def filled(grads: Optional, like: Tensors) -> Tensors:
    """`grads` with zeros, shaped as `like`, in place of None."""
    return tuple(
        tallow.zeros_like(x) if grad is None else grad for grad, x in zip(grads, like, strict=True)
    )


def require_all(grads: Optional, strict: bool, text: str) -> None:
    for i, grad in enumerate(grads):
        if strict and grad is None:
            raise RuntimeError(text.format(i))


def finish(results: Any, create_graph: bool, many: bool) -> Any:
    """Cut results off the graph unless it is wanted, and unwrap a single one."""
    if not create_graph:
        results = tuple(result.detach() for result in results)
    return tuple(results) if many else results[0]


def _check_vector(v: Tensors, like: Tensors, many: bool) -> None:
    if len(v) != len(like):
        raise RuntimeError(
            f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}."
        )
    for i, (given, x) in enumerate(zip(v, like, strict=True)):
        if given.size() != x.size():
            name = f"Entry {i} in v" if many else "v"
            raise RuntimeError(
                f"{name} has invalid size: should be {x.size()} but got {given.size()}."
            )


def vector(v: Any, like: Tensors, many: bool, caller: str, owner: str) -> Optional:
    """Check the vector of a product; None stands for 1 when there is one element."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if {owner} a single Tensor with a single element."
            )
        return (tallow.ones_like(like[0]),)
    tensors, v_is_tuple = as_tensors(v, "v", caller)
    _check_vector(tensors, like, v_is_tuple or many)
    return tensors
