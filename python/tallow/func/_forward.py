"""Transforms that push tangents forward, by differentiating a backward pass: jvp, jacfwd, hessian.

The backward pass of ``f`` maps cotangents ``v`` to ``J^T v``. That is linear in ``v``, so its own
backward pass, given tangents ``t``, is ``J t``, whatever ``v`` was.
"""

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
from tallow.func._reverse import jacrev
from tallow.utils._pytree import tree_flatten, tree_structure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tallow import Tensor

__all__ = ["hessian", "jacfwd", "jvp", "linearize"]


class _Pushforward:
    """The linear map from tangents of a function's arguments to tangents of its outputs."""

    def __init__(self, level: Level, outputs: list[Tensor]) -> None:
        self._outputs = outputs
        self._outside = level.reaches_outside(outputs)
        # Any cotangents would do; zeros of them give a graph whose values do not matter.
        self._cotangents = [tallow.zeros_like(y).detach().requires_grad_() for y in outputs]
        self._pulled = gradients(outputs, level.leaves, self._cotangents, create_graph=True)

    def __call__(self, tangents: Sequence[Tensor]) -> list[Tensor]:
        recorded = self._outside or (
            tallow.is_grad_enabled() and any(t.requires_grad for t in tangents)
        )
        return gradients(self._pulled, self._cotangents, tangents, recorded)


def jvp(
    func: Callable[..., Any],
    primals: Any,
    tangents: Any,
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """Return the output of a function and its derivative along a direction.

    Computed by two backward passes, so the operators that ``func`` uses have to be twice
    differentiable; all of tallow are unless their documentation says otherwise.

    Args:
        func: returns a tree of tensors, and with ``has_aux`` something else beside it.
        primals: tuple of its arguments, trees of tensors.
        tangents: the direction, of the same structure and shapes.
        strict: refuse an output that does not depend on the arguments.
        has_aux: return what ``func`` returns beside its output too.

    Returns:
        ``(output, tangent)`` or ``(output, tangent, aux)``.

    Raises:
        RuntimeError: structures or shapes do not fit, or something is no tensor.

    Source: Townsend, A new trick for calculating Jacobian vector products, 2017.

    Example:
        >>> x = tallow.tensor([1.0, 2.0])
        >>> jvp(lambda x: x**2, (x,), (tallow.ones(2),))
        (tensor([1., 4.]), tensor([2., 4.]))
    """
    caller = "jvp(f, primals, tangents)"
    if not isinstance(primals, tuple):
        raise RuntimeError(
            f"{caller}: Expected primals to be a tuple. E.g. it should be valid to call "
            "f(*primals)."
        )
    directions = _checked_tangents(primals, tangents, caller)
    level = Level(primals)
    output, aux = split_aux(called(func, level.tree, {}), has_aux, caller)
    outputs = only_tensors(output, caller)
    if strict and not all(y.requires_grad for y in outputs):
        raise RuntimeError(
            "jvp(f, primals, tangents, strict=True): The output of f is independent of the "
            "inputs. This is not allowed with strict=True."
        )
    moved = _Pushforward(level, outputs)(directions)
    tangent = tree_structure(output).unflatten(moved)
    output = level.released(output)
    return (output, tangent, level.released(aux)) if has_aux else (output, tangent)


def _checked_tangents(primals: Any, tangents: Any, caller: str) -> list[Tensor]:
    values, spec = tree_flatten(primals)
    directions, given = tree_flatten(tangents)
    if spec != given:
        raise RuntimeError(
            f"{caller}: Expected primals and tangents to have the same python structure. For "
            "example, if primals is a tuple of 3 tensors, tangents also must be. Got primals "
            f"with structure {spec} and tangents with structure {given}"
        )
    if not values:
        raise RuntimeError(f"{caller}: Expected primals to contain at least one Tensor.")
    for name, tensors in (("primals", values), ("tangents", directions)):
        for tensor in tensors:
            if not isinstance(tensor, tallow.Tensor):
                raise RuntimeError(
                    f"{caller}: Expected {name} to only contain Tensors, got {type(tensor)}"
                )
    for value, direction in zip(values, directions, strict=True):
        if value.shape != direction.shape:
            raise RuntimeError(
                "Trying to set a forward gradient that has a different size than that of the "
                f"original Tensor, this is not supported. Tensor is of size {list(value.shape)} "
                f"while the given forward gradient is of size {list(direction.shape)}."
            )
    return [d.to(v.dtype) for v, d in zip(values, directions, strict=True)]


def linearize(func: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the output of a function, and a function for its derivatives along directions.

    Args:
        func: returns a tree of tensors.
        primals: its arguments, trees of tensors.

    Returns:
        ``(output, jvp_fn)``; ``jvp_fn`` takes tangents of the arguments and returns the tangent of
        the output, without calling ``func`` again.

    Example:
        >>> output, jvp_fn = linearize(lambda x: x**2, tallow.tensor([1.0, 2.0]))
        >>> jvp_fn(tallow.ones(2))
        tensor([2., 4.])
    """
    level = Level(primals)
    output = called(func, level.tree, {})
    push = _Pushforward(level, only_tensors(output, "linearize(f, *primals)"))
    spec = tree_structure(output)

    def jvp_fn(*tangents: Any) -> Any:
        directions, given = tree_flatten(tangents)
        if given != level.spec:
            raise RuntimeError(
                f"Expected the tangents {given} to have the same argspec as the primals "
                f"{level.spec}"
            )
        for i, (tangent, leaf) in enumerate(zip(directions, level.leaves, strict=True)):
            if tangent.shape != leaf.shape:
                raise RuntimeError(
                    f"tangent:{i} with shape {tangent.shape} in flattened pytree doesn't match "
                    f"the shape {leaf.shape} of the corresponding primal."
                )
        return spec.unflatten(push(directions))

    return level.released(output), jvp_fn


def jacfwd(
    func: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Callable[..., Any]:
    """Return a function that computes the Jacobian of ``func``, one pass per column.

    ``func`` itself is called once. For fewer outputs than inputs :func:`jacrev` is cheaper.

    Args:
        func: returns a tree of tensors, and with ``has_aux`` something else beside it.
        argnums: positions of the arguments to differentiate by; they may be trees of tensors.
        has_aux: the new function returns ``(jacobian, aux)``.
        randomness: ``"error"``, ``"same"`` or ``"different"``; since there is one call, all
            columns see the same random numbers, and ``"different"`` is refused.

    Returns:
        A function of the same arguments; its result is structured as that of :func:`jacrev`.

    Raises:
        RuntimeError: another ``randomness``.
        NotImplementedError: ``randomness="different"``.

    Example:
        >>> jacfwd(lambda x: x**2)(tallow.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    if randomness == "different":
        raise NotImplementedError(
            "jacfwd: randomness='different' is not supported, since func is called once; use 'same'"
        )
    if randomness not in ("error", "same"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. "
            f"Got {randomness}"
        )
    caller = "jvp(f, primals, tangents)"

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        level = Level(chosen_arguments(args, argnums))
        result = called(func, replaced_arguments(args, argnums, level.tree), kwargs)
        output, aux = split_aux(result, has_aux, caller)
        outputs, spec = only_tensors(output, caller), tree_structure(output)
        columns = _columns(_Pushforward(level, outputs), level.leaves, outputs)
        jacobians = spec.unflatten([level.spec.unflatten(parts) for parts in columns])
        return (jacobians, level.released(aux)) if has_aux else jacobians

    return wrapper


def _columns(push: _Pushforward, leaves: list[Tensor], outputs: list[Tensor]) -> list[list[Tensor]]:
    """For each output the Jacobians by all leaves, one pass per element of these."""
    found: list[list[Tensor]] = [[] for _ in outputs]
    for position, leaf in enumerate(leaves):
        columns = []
        for i in range(leaf.numel()):
            directions = [tallow.zeros_like(x).detach() for x in leaves]
            directions[position] = unit(leaf, i)
            columns.append(push(directions))
        for k, y in enumerate(outputs):
            if columns:
                stacked = tallow.stack([column[k] for column in columns], -1)
                found[k].append(stacked.view(*y.shape, *leaf.shape))
            else:
                found[k].append(y.new_zeros(*y.shape, *leaf.shape))
    return found


def hessian(func: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Return a function that computes the second derivatives of ``func``.

    Args:
        func: returns a tree of tensors, usually one of a single element.
        argnums: positions of the arguments to differentiate by.

    Returns:
        A function of the same arguments.

    Example:
        >>> hessian(lambda x: (x**3).sum())(tallow.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)
