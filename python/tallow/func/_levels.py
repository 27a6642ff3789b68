"""What the transforms share: differentiable copies of arguments, and which graphs reach outside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.utils._pytree import tree_flatten, tree_leaves, tree_map

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tallow import Tensor

__all__ = [
    "Level",
    "called",
    "chosen_arguments",
    "gradients",
    "only_tensors",
    "replaced_arguments",
    "split_aux",
    "unit",
]


class Level:
    """One differentiation: the arguments as tensors to differentiate by, and how far it reaches.

    Attributes:
        leaves: the tensors of the arguments. One that requires a gradient already is a view of it,
            so that what is computed from it can be differentiated outside as well.
        tree: the arguments made of these tensors.
    """

    def __init__(self, arguments: Any) -> None:
        self._recording = tallow.is_grad_enabled()
        with tallow.enable_grad():
            self.tree = tree_map(self._tracked, arguments)
        self.leaves, self.spec = tree_flatten(self.tree)
        self._own = {id(leaf) for leaf in self.leaves}

    def _tracked(self, x: Any) -> Tensor:
        if not isinstance(x, tallow.Tensor):
            raise ValueError(f"Thing passed to transform API must be Tensor, got {type(x)}")
        if not (x.is_floating_point() or x.is_complex()):
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if self._recording and x.requires_grad:
            return x.view_as(x)
        return x.detach().requires_grad_()

    def reaches_outside(self, tensors: Sequence[Tensor]) -> bool:
        """Tell whether tensors depend on others that require a gradient than the arguments'."""
        if not self._recording:
            return False
        waiting = [t.grad_fn for t in tensors if t.grad_fn is not None]
        if any(t.requires_grad and t.grad_fn is None and id(t) not in self._own for t in tensors):
            return True
        seen = set(waiting)
        while waiting:
            node: Any = waiting.pop()
            variable = getattr(node, "variable", None)
            if variable is not None and id(variable) not in self._own:
                return True
            for following, _ in node.next_functions:
                if following is not None and following not in seen:
                    seen.add(following)
                    waiting.append(following)
        return False

    def released(self, tree: Any) -> Any:
        """Results without the graph of this differentiation, unless others need it."""
        return tree_map(self._released, tree)

    def _released(self, x: Any) -> Any:
        if not isinstance(x, tallow.Tensor) or not x.requires_grad:
            return x
        return x if self.reaches_outside([x]) else x.detach()


def gradients(
    outputs: Sequence[Tensor],
    inputs: Sequence[Tensor],
    weights: Sequence[Tensor],
    create_graph: bool,
) -> list[Tensor]:
    """Gradients of the outputs that have any, with zeros for what they do not depend on."""
    pairs = [(o, w) for o, w in zip(outputs, weights, strict=True) if o.requires_grad]
    if not pairs:
        return [tallow.zeros_like(x) for x in inputs]
    with tallow.enable_grad():
        found = tallow.autograd.grad(
            [o for o, _ in pairs],
            list(inputs),
            [w for _, w in pairs],
            retain_graph=True,
            create_graph=create_graph,
            allow_unused=True,
        )
    return [tallow.zeros_like(x) if g is None else g for x, g in zip(inputs, found, strict=True)]


def only_tensors(tree: Any, caller: str) -> list[Tensor]:
    """The leaves of what a function returned.

    Raises:
        RuntimeError: one is no tensor.
    """
    leaves = tree_leaves(tree)
    for leaf in leaves:
        if not isinstance(leaf, tallow.Tensor):
            raise RuntimeError(
                f"{caller}: expected f(*primals) to return only tensors, got unsupported type "
                f"{type(leaf)}"
            )
    return leaves


def split_aux(value: Any, has_aux: bool, caller: str) -> tuple[Any, Any]:
    """A function's output and what it returned beside it.

    Raises:
        RuntimeError: it should be a pair and is not.
    """
    if not has_aux:
        return value, None
    if not isinstance(value, tuple) or len(value) != 2:
        raise RuntimeError(
            f"{caller}: output of function f should be a tuple: (output, aux) if has_aux is True"
        )
    return value


def chosen_arguments(args: tuple[Any, ...], argnums: Any) -> Any:
    """The arguments to differentiate by: one, or a tuple of them.

    Raises:
        RuntimeError: ``argnums`` is neither a position nor a tuple of different ones.
    """
    if isinstance(argnums, int):
        return args[_position(args, argnums)]
    if not isinstance(argnums, tuple):
        raise RuntimeError(f"argnums must be int or Tuple[int, ...], got: {type(argnums)}")
    if not argnums:
        raise RuntimeError("argnums must be non-empty")
    positions = [_position(args, argnum) for argnum in argnums]
    if len(set(positions)) != len(positions):
        raise RuntimeError(f"argnums elements must be unique, got {argnums}")
    return tuple(args[position] for position in positions)


def _position(args: tuple[Any, ...], argnum: Any) -> int:
    if not isinstance(argnum, int):
        raise RuntimeError(f"argnum must be int, got: {type(argnum)}")
    if not -len(args) <= argnum < len(args):
        raise RuntimeError(f"Got argnum={argnum}, but only {len(args)} positional inputs")
    return argnum % len(args)


def replaced_arguments(args: tuple[Any, ...], argnums: Any, chosen: Any) -> list[Any]:
    """The arguments with others in the place of the chosen ones."""
    replaced = list(args)
    if isinstance(argnums, int):
        replaced[argnums] = chosen
    else:
        for argnum, value in zip(argnums, chosen, strict=True):
            replaced[argnum] = value
    return replaced


def called(func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """Call a function with recording switched on."""
    with tallow.enable_grad():
        return func(*args, **kwargs)


def unit(x: Tensor, i: int) -> Tensor:
    """A tensor like another that is one at an element and zero elsewhere."""
    unit = tallow.zeros(x.numel(), dtype=x.dtype, device=x.device)
    unit[i] = 1
    return unit.view(x.shape)
