"""Handles that undo a hook registration, and the machinery behind module backward hooks."""

from __future__ import annotations

import warnings
import weakref
from collections import OrderedDict
from collections.abc import MutableMapping
from typing import TYPE_CHECKING

from tallow import _C
from tallow._tensor import Tensor
from tallow._user_frame import outside_stacklevel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from tallow.nn.modules.module import Module

_cross_boundary = _C._cross_boundary

__all__ = ["BackwardHook", "RemovableHandle", "unserializable_hook", "warn_if_has_hooks"]


class RemovableHandle:
    """Undo one hook registration.

    The handle refers to the hook table weakly, so it keeps neither the table nor its owner alive.

    Args:
        hooks_dict: the table (an ``OrderedDict``) in which the hook is stored under :attr:`id`.
        extra_dict: one more table, or a list of tables, that hold flags under the same id.

    Raises:
        TypeError: the table cannot be referenced weakly (a plain ``dict`` cannot).

    Example:
        >>> table = OrderedDict()
        >>> handle = RemovableHandle(table)
        >>> table[handle.id] = print
        >>> handle.remove()
        >>> len(table)
        0
    """

    id: int
    next_id: int = 0  # process-wide: an id names one registration whatever table it went to

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        self.extra_dict_ref: tuple[Any, ...] = ()
        if extra_dict is not None:
            tables = extra_dict if isinstance(extra_dict, list) else (extra_dict,)
            self.extra_dict_ref = tuple(weakref.ref(table) for table in tables)

    def remove(self) -> None:
        """Take the hook out of its tables; a second call does nothing."""
        if (watcher := _C._watcher()) is not None:
            watcher.hook_removed(self.hooks_dict_ref(), self.id)
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            table = ref()
            if table is not None:
                table.pop(self.id, None)

    def __getstate__(self) -> tuple[Any, ...]:
        return (self.hooks_dict_ref(), self.id, tuple(ref() for ref in self.extra_dict_ref))

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        hooks_dict, self.id = state[:2]
        # A table that had died before pickling comes back as a reference that is dead at once.
        self.hooks_dict_ref = weakref.ref(OrderedDict() if hooks_dict is None else hooks_dict)
        extra = state[2] if len(state) > 2 else ()
        self.extra_dict_ref = tuple(
            weakref.ref(OrderedDict() if table is None else table) for table in extra
        )
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.remove()


def unserializable_hook(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a tensor hook that must not be written when the tensor is pickled."""
    fn.__tallow_unserializable__ = True  # type: ignore[attr-defined]
    return fn


def warn_if_has_hooks(tensor: Tensor) -> None:
    """Warn about each hook of ``tensor`` that pickling is going to lose."""
    for hook in (getattr(tensor, "_backward_hooks", None) or {}).values():
        if not hasattr(hook, "__tallow_unserializable__"):
            warnings.warn(
                f"backward hook {hook!r} on tensor will not be serialized.  If this is expected, "
                f"you can decorate the function with @{_C._get_namespace()}.utils.hooks."
                "unserializable_hook to suppress this warning",
                stacklevel=2,
            )


class WrappedHook:
    """A hook that looks like the function it calls, with the module it belongs to held weakly.

    Args:
        hook: the user's function.
        module: passed as the first argument of every call; ``None`` calls ``hook`` as it is.
    """

    def __init__(self, hook: Callable[..., Any], module: Module | None = None) -> None:
        self.hook = hook
        for name in ("__module__", "__name__", "__qualname__", "__doc__"):
            if hasattr(hook, name):
                setattr(self, name, getattr(hook, name))
        self.module = None if module is None else weakref.ref(module)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.module is None:
            return self.hook(*args, **kwargs)
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args, **kwargs)

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state["module"] = None if self.module is None else self.module()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        module = state["module"]
        self.__dict__.update(state)
        self.module = None if module is None else weakref.ref(module)


class BackwardHook:
    """Run the full backward hooks of one module call.

    Tensors that enter the module pass an identity node, and so do those that leave it. The inner
    node sees the gradients of the inputs, the outer one those of the outputs. What comes out of a
    node stands for the whole of what went in, also where it is written to in place
    (``csrc/autograd/boundary.h``), so the module and its surroundings may do that as if there were
    no hooks. The nodes own this object, which owns neither: the graph is freed by reference
    counting.

    Args:
        module: first argument of every hook.
        user_hooks: called ``(module, grad_input, grad_output)``.
        user_pre_hooks: called ``(module, grad_output)``.
    """

    __slots__ = (
        "grad_outputs",
        "inputs_cross",
        "module",
        "n_inputs",
        "user_hooks",
        "user_pre_hooks",
    )

    def __init__(
        self,
        module: Module,
        user_hooks: Sequence[Callable[..., Any]],
        user_pre_hooks: Sequence[Callable[..., Any]],
    ) -> None:
        self.module = module
        self.user_hooks = user_hooks
        self.user_pre_hooks = user_pre_hooks
        # What each backward pass that is between the two nodes found at the outer one.
        self.grad_outputs: dict[int, Any] = {}
        self.n_inputs = 0
        self.inputs_cross = False  # does the inner node exist?

    def enter(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Let the arguments of ``forward`` cross the inner boundary."""
        count = self.n_inputs = len(args)
        values = [*args, *kwargs.values()] if kwargs else list(args)
        if _cross_boundary(values, count, self._on_grad_input, False):
            self.inputs_cross = True
            args = tuple(values[:count])
            if kwargs:
                kwargs = dict(zip(kwargs, values[count:], strict=True))
        return args, kwargs

    def leave(self, result: Any) -> Any:
        """Let what ``forward`` returned cross the outer boundary."""
        on_grad = self._on_grad_output
        if isinstance(result, Tensor):
            values = [result]
            _cross_boundary(values, 1, on_grad, True)
            return values[0]
        if not isinstance(result, tuple):
            warnings.warn(
                "For backward hooks to be called, module output should be a Tensor or a tuple of "
                f"Tensors but received {type(result)}",
                stacklevel=outside_stacklevel(),
            )
            # Every leaf of the structure has a slot of its own.
            values = _leaves(result)
            crosses = _cross_boundary(values, len(values), on_grad, True)
            return _with_leaves(result, iter(values)) if crosses else result
        # One slot per item; what hides in a nested structure crosses without being shown.
        values = list(result)
        for item in result:
            if not isinstance(item, Tensor):
                values += [leaf for leaf in _leaves(item) if isinstance(leaf, Tensor)]
        if not _cross_boundary(values, len(result), on_grad, True):
            return result
        hidden = iter(values[len(result) :])
        items = [
            new if isinstance(new, Tensor) else _with_tensors(new, hidden)
            for new in values[: len(result)]
        ]
        return getattr(type(result), "_make", tuple)(items)  # a namedtuple stays one

    def setup_input_hook(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Let positional arguments cross the inner boundary."""
        return self.enter(args, {})[0]

    setup_output_hook = leave

    def _on_grad_output(self, grads: tuple[Tensor | None, ...]) -> Any:
        shown: Any = grads
        for hook in self.user_pre_hooks:
            result = hook(self.module, shown)
            if result is not None:
                shown = _checked_grads(result, shown, "Backward pre hook", "grad_output")
        if self.inputs_cross:
            self._keep_for_inputs(shown)
        else:
            self._run_hooks_without_grad_input(shown)
        return None if shown is grads else shown

    def _keep_for_inputs(self, grad_outputs: Any) -> None:
        # A pass that ended without reaching the inputs has left its entry behind.
        for pass_id in [*self.grad_outputs]:
            if not _C._is_graph_task_running(pass_id):
                del self.grad_outputs[pass_id]
        self.grad_outputs[_C._current_graph_task_id()] = grad_outputs

    def _run_hooks_without_grad_input(self, grad_outputs: Any) -> None:
        """Run the hooks from the outer boundary, since no gradient reaches the inner one."""
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module "
            "outputs since no inputs require gradients. See "
            "https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
            "#torch.nn.Module.register_full_backward_hook for more details.",
            stacklevel=outside_stacklevel(),
        )
        grad_inputs: tuple[None, ...] = (None,) * self.n_inputs
        for hook in self.user_hooks:
            result = hook(self.module, grad_inputs, grad_outputs)
            if result is None:
                continue
            if isinstance(result, Tensor) or any(grad is not None for grad in result):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always "
                    "return None or None for all gradients."
                )

    def _on_grad_input(self, grads: tuple[Tensor | None, ...]) -> Any:
        # The gradient may come around the module's output, as in a double backward. The hooks
        # stay silent then.
        if not self.grad_outputs:
            return None
        grad_outputs = self.grad_outputs.pop(_C._current_graph_task_id(), None)
        if grad_outputs is None:
            return None
        shown: Any = grads
        for hook in self.user_hooks:
            result = hook(self.module, shown, grad_outputs)
            if result is not None:
                shown = _checked_grads(result, shown, "Backward hook", "grad_input")
        return None if shown is grads else shown


def _checked_grads(result: Any, old: Any, who: str, what: str) -> Any:
    """Return what a hook returned as a sequence of as many gradients as it was given."""
    if isinstance(result, Tensor) and len(old) == 1:
        return (result,)
    if len(result) != len(old):
        raise RuntimeError(
            f"{who} returned an invalid number of {what}, got {len(result)}, "
            f"but expected {len(old)}"
        )
    return result


# Outputs of modules that are neither a tensor nor a tuple: lists, mappings and dataclasses, nested
# at will. Tuples inside them are made anew, everything else is changed in place.


def _parts(value: Any) -> Iterable[tuple[Any, Any]] | None:
    """Return the (key, value) pairs of a structure, or ``None`` for a leaf."""
    if isinstance(value, (list, tuple)):
        return enumerate(value)
    if isinstance(value, MutableMapping):
        return list(value.items())
    if hasattr(type(value), "__dataclass_fields__"):
        return [(name, getattr(value, name, None)) for name in value.__dataclass_fields__]
    return None


def _leaves(value: Any, seen: tuple[int, ...] = ()) -> list[Any]:
    """Return what is no structure, depth first; a structure that contains itself ends there."""
    parts = None if isinstance(value, Tensor) or id(value) in seen else _parts(value)
    if parts is None:
        return [value]
    seen = (*seen, id(value))
    return [leaf for _, part in parts for leaf in _leaves(part, seen)]


def _with_leaves(value: Any, leaves: Iterator[Any], seen: tuple[int, ...] = ()) -> Any:
    """Put other leaves into a structure, in the order of :func:`_leaves`."""
    parts = None if isinstance(value, Tensor) or id(value) in seen else _parts(value)
    if parts is None:
        return next(leaves)
    seen = (*seen, id(value))
    new = [(key, part, _with_leaves(part, leaves, seen)) for key, part in parts]
    if all(old is other for _, old, other in new):
        return value
    if isinstance(value, tuple):
        return getattr(type(value), "_make", tuple)([other for _, _, other in new])
    for key, old, other in new:
        if old is other:
            continue
        if isinstance(value, (list, MutableMapping)):
            value[key] = other
        else:
            object.__setattr__(value, key, other)  # also where the dataclass is frozen
    return value


def _with_tensors(value: Any, tensors: Iterator[Tensor]) -> Any:
    """Put other tensors into a structure, and keep its leaves that are none."""
    leaves = [next(tensors) if isinstance(leaf, Tensor) else leaf for leaf in _leaves(value)]
    return _with_leaves(value, iter(leaves))
