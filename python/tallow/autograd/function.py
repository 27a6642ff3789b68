"""``autograd.Function``: operations whose derivative is written in Python."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = [
    "BackwardCFunction",
    "Function",
    "FunctionCtx",
    "FunctionMeta",
    "InplaceFunction",
    "once_differentiable",
]

FunctionCtx = _C._FunctionBase


class BackwardCFunction(_C._FunctionBase):
    """The node a :class:`Function` leaves in the graph; it is the ``ctx`` its methods receive."""

    _forward_cls: type[Function]

    def apply(self, *grads: Any) -> Any:
        """Run the derivative: called with one gradient per output during the backward pass."""
        backward, vjp = self._forward_cls.backward, self._forward_cls.vjp
        if vjp is Function.vjp:
            return backward(self, *grads)
        if backward is not Function.backward:
            raise RuntimeError(
                "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. "
                "You should only implement one of them."
            )
        return vjp(self, *grads)


class FunctionMeta(type):
    """Gives every :class:`Function` its own node type, named after it."""

    def __init__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> None:
        node = attrs.get("_node_name", name + "Backward")
        cls._backward_cls = type(node, (BackwardCFunction,), {"_forward_cls": cls})
        super().__init__(name, bases, attrs)

    @property
    def _uses_setup_context(cls) -> bool:
        return cls.setup_context is not Function.setup_context  # type: ignore[attr-defined]


class Function(_C._FunctionBase, metaclass=FunctionMeta):
    """Base class of operations with a hand-written derivative.

    Subclasses define static methods: ``forward(ctx, *args)`` computes the result and
    ``backward(ctx, *grads)`` returns one gradient (or ``None``) per argument of ``forward``.
    Alternatively ``forward(*args)`` stays free of the context and ``setup_context(ctx, inputs,
    output)`` saves what ``backward`` needs. Call it as ``MyFunction.apply(*args)``.

    Example:
        >>> class Square(tallow.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         ctx.save_for_backward(x)
        ...         return x * x
        ...
        ...     @staticmethod
        ...     def backward(ctx, grad):
        ...         (x,) = ctx.saved_tensors
        ...         return 2 * x * grad
        >>> x = tallow.tensor(3.0, requires_grad=True)
        >>> Square.apply(x).backward()
        >>> x.grad
        tensor(6.)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all "
            "static, so you should invoke them on the class itself. Instantiating an autograd "
            "function will raise an error in a future version of PyTorch.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raise: instances were the old, non-static style."""
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use "
            "new-style autograd function with static forward method. "
            "(Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the result from ``(ctx, *args)``, or from ``*args`` with `setup_context`."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Save on `ctx` what the derivative needs; for a ``forward`` that takes no context."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """Return the gradients of the arguments of ``forward``, given those of its results."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function to use it with backward mode AD."
        )

    # The two names are alternatives: `apply` of the node uses the one a subclass defines.
    vjp = backward


_C._define_function(Function)


@functools.lru_cache(maxsize=1024)
def _argument_defaults(cls: type[Function]) -> dict[str, Any]:
    """Names of the arguments of ``cls.forward`` after the context, with their defaults."""
    import inspect

    parameters = list(inspect.signature(cls.forward).parameters.values())
    if not cls._uses_setup_context:
        parameters = parameters[1:]
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {p.name: p.default for p in parameters if p.kind not in variable}


def _positional(
    cls: type[Function], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, ...]:
    """Turn keyword arguments into positional ones.

    Gradients are returned by position, so the arguments must fill positions without a gap:
    defaults stand in for missing ones only in the `setup_context` style, where ``forward`` and
    ``setup_context`` have to agree on the inputs.
    """
    import inspect

    defaults = _argument_defaults(cls)
    names = list(defaults)
    for name in kwargs:
        if name not in defaults:
            raise TypeError(f"forward() got an unexpected keyword argument '{name}'")
        if name in names[: len(args)]:
            raise TypeError(f"forward() got multiple values for argument '{name}'")
    last = max((names.index(name) for name in kwargs), default=-1)
    if cls._uses_setup_context:
        last = len(names) - 1
    bound = list(args)
    for position in range(len(args), last + 1):
        name = names[position]
        if name in kwargs:
            bound.append(kwargs[name])
        elif cls._uses_setup_context and defaults[name] is not inspect.Parameter.empty:
            bound.append(defaults[name])
        else:
            raise TypeError(f"forward() missing required argument: '{name}' (position {position})")
    return tuple(bound)


class InplaceFunction(Function):
    """Old base class of functions that may write into their input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


class _NoSecondDerivative(Function):
    """Passes gradients on unchanged, and raises when they are themselves differentiated."""

    @staticmethod
    def forward(ctx: Any, anchor: Tensor, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        return tuple(grad if grad is None else grad.detach() for grad in grads)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a ``backward`` that is not itself differentiable, for instance because it uses NumPy.

    It runs without recording; asking for its derivative raises instead of being silently wrong.

    Args:
        backward: the static method to mark.

    Example:
        >>> class Twice(tallow.autograd.Function):
        ...     @staticmethod
        ...     def forward(ctx, x):
        ...         return x * 2
        ...
        ...     @staticmethod
        ...     @once_differentiable
        ...     def backward(ctx, grad):
        ...         return grad * 2
    """

    @functools.wraps(backward)
    def run_once(ctx: Any, *grads: Any) -> Any:
        with tallow.no_grad():
            results = backward(ctx, *grads)
        if not tallow.is_grad_enabled():
            return results
        single = not isinstance(results, tuple)
        guarded = _NoSecondDerivative.apply(
            tallow.empty(0, device="cpu", requires_grad=True), *((results,) if single else results)
        )
        return guarded[0] if single else guarded

    return run_once
