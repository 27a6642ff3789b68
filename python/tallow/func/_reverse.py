"""Transforms by backward passes: grad, grad_and_value, vjp, jacrev."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import tallow
from tallow.func._levels import (
    Level,
    called,
    chosen_arguments,
    gradients,
    only_tensors,
    replaced_arguments,
    split_aux,
    unit,
)
from tallow.utils._pytree import tree_flatten, tree_map, tree_structure

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = ["grad", "grad_and_value", "jacrev", "vjp"]


def grad(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that computes the gradient of ``func``.

    Transforms can be nested. The result can be differentiated outside by whatever ``func`` used
    that requires a gradient.

    Args:
        func: returns a tensor of one element, and with ``has_aux`` something else beside it.
        argnums: positions of the arguments to differentiate by; they may be trees of tensors.
        has_aux: the new function returns ``(gradient, aux)``.

    Returns:
        A function of the same arguments.

    Raises:
        RuntimeError: when called, if ``func`` returns something else or ``argnums`` do not fit.
        ValueError: when called, if an argument to differentiate by has parts that are no tensors.

    Example:
        >>> grad(lambda x: x**3)(tallow.tensor(2.0))
        tensor(12.)
        >>> grad(grad(lambda x: x**3))(tallow.tensor(2.0))
        tensor(12.)
    """
    compute = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        gradient, value = compute(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return wrapper


def grad_and_value(
    func: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Return a function that computes the gradient of ``func`` and its value.

    Args:
        func: as for :func:`grad`.
        argnums: as for :func:`grad`.
        has_aux: the new function returns ``(gradient, (value, aux))``.

    Example:
        >>> grad_and_value(lambda x: (x * x).sum())(tallow.tensor([1.0, 2.0]))
        (tensor([2., 4.]), tensor(5.))
    """
    caller = "grad_and_value(f)(*args)"

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        level = Level(chosen_arguments(args, argnums))
        result = called(func, replaced_arguments(args, argnums, level.tree), kwargs)
        output, aux = split_aux(result, has_aux, caller)
        if not isinstance(output, tallow.Tensor):
            raise RuntimeError(
                f"{caller}: Expected f(*args) to return a Tensor, got {type(output)}"
            )
        if output.dim() != 0:
            raise RuntimeError(
                f"{caller}: Expected f(*args) to return a scalar Tensor, got tensor with "
                f"{output.dim()} dims. Maybe you wanted to use the vjp or jacrev APIs instead?"
            )
        outside = level.reaches_outside([output])
        found = gradients([output], level.leaves, [tallow.ones_like(output)], outside)
        gradient = level.spec.unflatten(found)
        output = level.released(output)
        return gradient, (output, level.released(aux)) if has_aux else output

    return wrapper


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """Return the output of a function, and a function for products with its Jacobian's transpose.

    Args:
        func: returns a tree of tensors, and with ``has_aux`` something else beside it.
        primals: its arguments, trees of tensors.
        has_aux: return that too.

    Returns:
        ``(output, vjp_fn)`` or ``(output, vjp_fn, aux)``. ``vjp_fn`` takes cotangents of the
        structure of the output and returns a tuple with one entry per argument; it may be called
        many times.

    Raises:
        RuntimeError: ``func`` returns something else.
        ValueError: an argument has parts that are no tensors.

    Example:
        >>> output, vjp_fn = vjp(lambda x: x * x, tallow.tensor([1.0, 2.0]))
        >>> vjp_fn(tallow.tensor([1.0, 10.0]))
        (tensor([ 2., 40.]),)
    """
    caller = "vjp(f, *primals)"
    level = Level(primals)
    output, aux = split_aux(called(func, level.tree, {}), has_aux, caller)
    outputs = only_tensors(output, caller)
    outside = level.reaches_outside(outputs)
    spec = tree_structure(output)

    def vjp_fn(cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        weights, given = tree_flatten(cotangents)
        if given != spec:
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of "
                f"outputs to the function. cotangents: {_spec_text(given)}, primal output: "
                f"{_spec_text(spec)}"
            )
        recorded = outside or (
            tallow.is_grad_enabled() and any(weight.requires_grad for weight in weights)
        )
        create = recorded if create_graph is None else create_graph
        return level.spec.unflatten(gradients(outputs, level.leaves, weights, create))

    released = level.released(output)
    return (released, vjp_fn, level.released(aux)) if has_aux else (released, vjp_fn)


def _spec_text(spec: Any) -> str:
    from tallow.utils._pytree import treespec_pprint

    return treespec_pprint(spec)


def jacrev(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
    _preallocate_and_copy: bool = False,
) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of ``func``, one backward pass per row.

    Args:
        func: returns a tree of tensors, and with ``has_aux`` something else beside it.
        argnums: positions of the arguments to differentiate by; they may be trees of tensors.
        has_aux: the new function returns ``(jacobian, aux)``.
        chunk_size: rows that PyTorch computes at once; here always one, so it only has to be
            None or > 0.

    Returns:
        A function of the same arguments. Its result has the structure of the output, with in each
        place that of the arguments, with tensors of the output's shape followed by the argument's.

    Raises:
        ValueError: ``chunk_size`` <= 0.

    Example:
        >>> jacrev(lambda x: x**2)(tallow.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError("jacrev: `chunk_size` should be greater than 0.")
    caller = "vjp(f, *primals)"

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        level = Level(chosen_arguments(args, argnums))
        result = called(func, replaced_arguments(args, argnums, level.tree), kwargs)
        output, aux = split_aux(result, has_aux, caller)
        outside = level.reaches_outside(only_tensors(output, caller))

        def jacobian(y: Tensor) -> Any:
            return level.spec.unflatten(_rows(y, level.leaves, outside))

        rows = tree_map(jacobian, output)
        return (rows, level.released(aux)) if has_aux else rows

    return wrapper


def _rows(y: Tensor, leaves: list[Tensor], create_graph: bool) -> list[Tensor]:
    """Jacobians of one output, one backward pass per element."""
    rows = []
    for i in range(y.numel() if y.requires_grad else 0):
        rows.append(gradients([y], leaves, [unit(y, i)], create_graph))
    if not rows:
        return [tallow.zeros(*y.shape, *x.shape, dtype=x.dtype, device=x.device) for x in leaves]
    return [
        tallow.stack(parts).view(*y.shape, *x.shape)
        for x, parts in zip(leaves, zip(*rows, strict=True), strict=True)
    ]
