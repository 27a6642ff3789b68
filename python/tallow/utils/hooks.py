"""Handles that undo a hook registration, and the machinery behind module backward hooks."""

from __future__ import annotations

import warnings
import weakref
from collections import OrderedDict
from typing import TYPE_CHECKING

from tallow import _C
from tallow._tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from tallow.nn.modules.module import Module

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
        if extra_dict is None:
            extra_dict = ()
        elif not isinstance(extra_dict, list):
            extra_dict = (extra_dict,)
        self.extra_dict_ref = tuple(weakref.ref(table) for table in extra_dict)

    def remove(self) -> None:
        """Take the hook out of its tables; a second call does nothing."""
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

    Every tensor that enters the module, and every tensor that leaves it, passes through an identity
    function. The node of the inner identity sees the gradients of the inputs, that of the outer
    one the gradients of the outputs; the user's hooks hang on these two nodes. The object is owned
    by the nodes and owns neither of them, so the graph is freed by reference counting.

    Args:
        module: first argument of every hook.
        user_hooks: called ``(module, grad_input, grad_output)``.
        user_pre_hooks: called ``(module, grad_output)``.
    """

    def __init__(
        self,
        module: Module,
        user_hooks: Iterable[Callable[..., Any]],
        user_pre_hooks: Iterable[Callable[..., Any]],
    ) -> None:
        self.module = module
        self.user_hooks = list(user_hooks)
        self.user_pre_hooks = list(user_pre_hooks)
        self.grad_outputs: Any = None
        self.n_inputs = -1
        self.n_outputs = -1
        # Positions of the tensors; None while the node that reports on them does not exist.
        self.input_tensors_index: list[int] | None = None
        self.output_tensors_index: list[int] | None = None

    def setup_input_hook(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Pass the tensors of ``args`` through the inner boundary and hang the hooks on it."""
        self.n_inputs = len(args)
        new_args, self.input_tensors_index, node = _through_boundary(args)
        if node is not None:
            node.register_hook(self._on_grad_input)
        return new_args

    def setup_output_hook(self, result: Any) -> Any:
        """Pass the tensors of ``result`` through the outer boundary; hang the pre-hooks on it."""
        outputs = result if isinstance(result, tuple) else (result,)
        self.n_outputs = len(outputs)
        new_outputs, self.output_tensors_index, node = _through_boundary(outputs)
        if node is not None:
            node.register_prehook(self._on_grad_output)
        return new_outputs if isinstance(result, tuple) else new_outputs[0]

    def _on_grad_output(self, grad_output: tuple[Tensor | None, ...]) -> tuple[Any, ...]:
        assert self.output_tensors_index is not None
        grads: Any = _scatter_grads(grad_output, self.output_tensors_index, self.n_outputs)
        for hook in self.user_pre_hooks:
            result = hook(self.module, grads)
            if result is not None:
                grads = _checked_grads(result, grads, "Backward pre hook", "grad_output")
        self.grad_outputs = grads
        if self.input_tensors_index is None:
            self._run_hooks_without_grad_input()
        return tuple(grads[i] for i in self.output_tensors_index)

    def _run_hooks_without_grad_input(self) -> None:
        """Run the hooks from the outer boundary, since no gradient reaches the inner one."""
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module "
            "outputs since no inputs require gradients. See "
            "https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html"
            "#torch.nn.Module.register_full_backward_hook for more details.",
            stacklevel=5,
        )
        grad_outputs, self.grad_outputs = self.grad_outputs, None
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

    def _on_grad_input(
        self, grad_input: tuple[Tensor | None, ...], _: tuple[Tensor | None, ...]
    ) -> tuple[Any, ...] | None:
        # The gradient may come around the module's output: a double backward does, and so does the
        # backward of an output in which the tensors are hidden (a dict). The hooks stay silent.
        if self.grad_outputs is None:
            return None
        assert self.input_tensors_index is not None
        grad_outputs, self.grad_outputs = self.grad_outputs, None
        grads: Any = _scatter_grads(grad_input, self.input_tensors_index, self.n_inputs)
        for hook in self.user_hooks:
            result = hook(self.module, grads, grad_outputs)
            if result is not None:
                grads = _checked_grads(result, grads, "Backward hook", "grad_input")
        return tuple(grads[i] for i in self.input_tensors_index)


def _through_boundary(values: tuple[Any, ...]) -> tuple[tuple[Any, ...], list[int] | None, Any]:
    """Pass the tensors of ``values`` through one identity node.

    Returns:
        The values with the tensors replaced, the positions of the tensors, and the node. The last
        two are ``None`` when no gradient can flow; the values are then returned untouched.
    """
    from tallow.nn.modules._functions import BackwardHookFunction

    index = [i for i, value in enumerate(values) if isinstance(value, Tensor)]
    if not (_C.is_grad_enabled() and any(values[i].requires_grad for i in index)):
        return values, None, None
    outputs = BackwardHookFunction.apply(*(values[i] for i in index))
    new_values = list(values)
    for i, output in zip(index, outputs, strict=True):
        new_values[i] = output
    node = next(output.grad_fn for output in outputs if output.grad_fn is not None)
    make = getattr(type(values), "_make", tuple)  # a namedtuple stays one
    return make(new_values), index, node


def _scatter_grads(
    grads: tuple[Tensor | None, ...], index: list[int], length: int
) -> tuple[Tensor | None, ...]:
    slots: list[Tensor | None] = [None] * length
    for i, grad in zip(index, grads, strict=True):
        slots[i] = grad
    return tuple(slots)


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
