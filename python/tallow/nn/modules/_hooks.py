"""Registering hooks on a module, and calling a module that has some."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from tallow._tensor import Tensor
from tallow._user_frame import outside_stacklevel
from tallow.utils.hooks import BackwardHook, RemovableHandle, WrappedHook

if TYPE_CHECKING:
    from collections import OrderedDict
    from collections.abc import Callable
    from typing import Any

    Hook = Callable[..., Any]

    # (id, hook, called with keyword arguments, called even after an error, registered globally)
    ForwardHook = tuple[int, Hook, bool, bool, bool]

_MIXED_ON_MODULE = (
    "Cannot use both regular backward hooks and full backward hooks on a single Module. "
    "Please use only one of them."
)


class HookMethods:
    """The part of :class:`Module` that deals with forward and backward hooks."""

    if TYPE_CHECKING:
        _forward_pre_hooks: OrderedDict[int, Hook]
        _forward_pre_hooks_with_kwargs: OrderedDict[int, bool]
        _forward_hooks: OrderedDict[int, Hook]
        _forward_hooks_with_kwargs: OrderedDict[int, bool]
        _forward_hooks_always_called: OrderedDict[int, bool]
        _backward_pre_hooks: OrderedDict[int, Hook]
        _backward_hooks: OrderedDict[int, Hook]
        _is_full_backward_hook: bool | None

        # Module answers these, since they also consult the global tables.
        _get_backward_hooks: Callable[[], tuple[list[Hook], list[Hook]]]
        _get_backward_pre_hooks: Callable[[], list[Hook]]
        _snapshot_forward_pre_hooks: Callable[[], list[tuple[Hook, bool]]]
        _snapshot_forward_hooks: Callable[[], list[ForwardHook]]

    # _call_with_hooks is what a call with hooks means. csrc/python/module_slots.cpp does the same,
    # faster, for modules whose hooks are their own, without options, and full ones for backward.

    def register_forward_pre_hook(
        self, hook: Hook, *, prepend: bool = False, with_kwargs: bool = False
    ) -> RemovableHandle:
        """Run ``hook`` before every :meth:`forward`.

        Args:
            hook: called ``(module, args)``, or ``(module, args, kwargs)`` with ``with_kwargs``.
                ``None`` keeps the arguments. Otherwise the result replaces them: a tuple is the
                new ``args`` and anything else the only argument; with ``with_kwargs`` it must be a
                tuple ``(args, kwargs)``.
            prepend: run before the hooks this module already has (global ones still come first).
            with_kwargs: show the keyword arguments to the hook and let it change them.

        Returns:
            A handle whose ``remove()`` undoes the registration.

        Example:
            >>> layer = tallow.nn.Identity()
            >>> handle = layer.register_forward_pre_hook(lambda module, args: args[0] + 1)
            >>> layer(1)
            2
        """
        handle = RemovableHandle(
            self._forward_pre_hooks, extra_dict=self._forward_pre_hooks_with_kwargs
        )
        _store(self._forward_pre_hooks, handle.id, hook, prepend)
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        return handle

    def register_forward_hook(
        self,
        hook: Hook,
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> RemovableHandle:
        """Run ``hook`` after every :meth:`forward`.

        Args:
            hook: called ``(module, args, output)``, or ``(module, args, kwargs, output)`` with
                ``with_kwargs``. Any result but ``None`` replaces the output.
            prepend: run before the hooks this module already has (global ones still come first).
            with_kwargs: show the keyword arguments to the hook.
            always_call: run also when the call raises an ``Exception``. The hook then sees the
                output so far (``None`` before ``forward`` returned), and its result is dropped.

        Returns:
            A handle whose ``remove()`` undoes the registration.

        Example:
            >>> layer = tallow.nn.Identity()
            >>> handle = layer.register_forward_hook(lambda module, args, output: output * 10)
            >>> layer(2)
            20
        """
        handle = RemovableHandle(
            self._forward_hooks,
            extra_dict=[self._forward_hooks_with_kwargs, self._forward_hooks_always_called],
        )
        _store(self._forward_hooks, handle.id, hook, prepend)
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        return handle

    def register_full_backward_pre_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Run ``hook`` as soon as the gradients of the module's outputs are known.

        Args:
            hook: called ``(module, grad_output)``; a result replaces ``grad_output``.
            prepend: run before the hooks this module already has.

        Returns:
            A handle whose ``remove()`` undoes the registration.
        """
        handle = RemovableHandle(self._backward_pre_hooks)
        _store(self._backward_pre_hooks, handle.id, hook, prepend)
        return handle

    def register_full_backward_hook(self, hook: Hook, prepend: bool = False) -> RemovableHandle:
        """Run ``hook`` as soon as the gradients of the module's inputs are known.

        Args:
            hook: called ``(module, grad_input, grad_output)`` with one slot per positional
                argument and per output, ``None`` where there is no tensor; an output that is a
                list, mapping or dataclass has a slot per leaf. A tuple (or, when there is one slot,
                a tensor) that it returns replaces ``grad_input``. In-place operations on the
                module's inputs and outputs mean what they mean without the hook.
            prepend: run before the hooks this module already has.

        Returns:
            A handle whose ``remove()`` undoes the registration.

        Raises:
            RuntimeError: the module has had a regular backward hook before.

        Example:
            >>> layer, x = tallow.nn.Identity(), tallow.ones(1, requires_grad=True)
            >>> handle = layer.register_full_backward_hook(lambda module, gi, go: (gi[0] * 5,))
            >>> layer(x).backward()
            >>> x.grad
            tensor([5.])
        """
        self._claim_backward_kind(full=True)
        handle = RemovableHandle(self._backward_hooks)
        _store(self._backward_hooks, handle.id, hook, prepend)
        return handle

    def register_backward_hook(self, hook: Hook) -> RemovableHandle:
        """Run ``hook`` after the node that made the module's output; deprecated.

        It sees the gradients of that one node, which need not be those of the module. Use
        :meth:`register_full_backward_hook`.

        Args:
            hook: called ``(module, grad_input, grad_output)``; a tuple replaces ``grad_input``.

        Returns:
            A handle whose ``remove()`` undoes the registration.

        Raises:
            RuntimeError: the module has had a full backward hook before.
        """
        self._claim_backward_kind(full=False)
        handle = RemovableHandle(self._backward_hooks)
        self._backward_hooks[handle.id] = hook
        return handle

    def _claim_backward_kind(self, full: bool) -> None:
        if self._is_full_backward_hook is (not full):
            raise RuntimeError(_MIXED_ON_MODULE)
        self._is_full_backward_hook = full

    # What a call with hooks means. csrc/python/module_slots.cpp does the same for modules whose
    # hooks are their own, full ones for the backward pass, and without options.

    def _call_with_hooks(self, forward: Hook, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run pre-hooks, ``forward`` and hooks in order; see :meth:`register_forward_hook`."""
        try:
            full_hooks, regular_hooks = self._get_backward_hooks()
            pre_hooks = self._get_backward_pre_hooks()
            for hook, with_kwargs in self._snapshot_forward_pre_hooks():
                args, kwargs = _run_pre_hook(self, hook, with_kwargs, args, kwargs)
            boundary = None
            if full_hooks or pre_hooks:
                boundary = BackwardHook(self, full_hooks, pre_hooks)  # type: ignore[arg-type]
                args, kwargs = boundary.enter(args, kwargs)
            result = forward(*args, **kwargs)
        except Exception:
            self._call_always_hooks(set(), args, kwargs, None)
            raise
        result = self._run_forward_hooks(args, kwargs, result)
        if boundary is not None:
            result = boundary.leave(result)
        if regular_hooks:
            _hang_regular_hooks(self, regular_hooks, args, result)
        return result

    def _run_forward_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> Any:
        called: set[int] = set()  # always-call hooks that have had their turn
        try:
            for key, hook, with_kwargs, always_call, _ in self._snapshot_forward_hooks():
                if always_call:
                    called.add(key)
                replaced = (
                    hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
                )
                if replaced is not None:
                    result = replaced
        except Exception:
            self._call_always_hooks(called, args, kwargs, result)
            raise
        return result

    def _call_always_hooks(
        self, called: set[int], args: tuple[Any, ...], kwargs: dict[str, Any], result: Any
    ) -> None:
        """Run the always-call hooks that an exception has kept from running."""
        for key, hook, with_kwargs, always_call, is_global in self._snapshot_forward_hooks():
            if not always_call or key in called:
                continue
            try:
                replaced = (
                    hook(self, args, kwargs, result) if with_kwargs else hook(self, args, result)
                )
            except Exception as error:
                warnings.warn(
                    f"{'global ' if is_global else ''}module forward hook with "
                    "``always_call=True`` raised an exception that was silenced as another error "
                    f"was raised in forward: {error}",
                    stacklevel=outside_stacklevel(),
                )
            else:
                if replaced is not None:
                    result = replaced

    def _maybe_warn_non_full_backward_hook(self, inputs: Any, result: Any, grad_fn: Any) -> None:
        """Say what regular backward hooks are going to miss, if anything."""
        results = (result,) if isinstance(result, Tensor) else result
        if not (isinstance(results, tuple) and all(isinstance(r, Tensor) for r in results)):
            _warn_regular(
                "s on a Module that does not return a single Tensor or a tuple of Tensors",
                "of the grad_output",
            )
            return
        inputs = (inputs,) if isinstance(inputs, Tensor) else inputs
        if not (isinstance(inputs, tuple) and all(isinstance(i, Tensor) for i in inputs)):
            _warn_regular(
                "s on a Module that does not take as input a single Tensor or a tuple of Tensors",
                "of the grad_input",
            )
            return
        nodes = {r.grad_fn for r in results if r.grad_fn is not None}
        if len(nodes) > 1 or (len(nodes) == 1 and grad_fn not in nodes):
            _warn_regular(
                " when outputs are generated by different autograd Nodes", "grad_output", "a "
            )
            return
        sources = {i.grad_fn for i in inputs if i.grad_fn is not None}
        if sources != {node for node, _ in grad_fn.next_functions}:
            _warn_regular(" when the forward contains multiple autograd Nodes", "grad_input", "a ")


def _store(table: OrderedDict[int, Hook], key: int, hook: Hook, prepend: bool) -> None:
    table[key] = hook
    if prepend:
        table.move_to_end(key, last=False)


def _run_pre_hook(
    module: Any, hook: Hook, with_kwargs: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Call one forward pre-hook and return the arguments it leaves."""
    if with_kwargs:
        replaced = hook(module, args, kwargs)
        if replaced is None:
            return args, kwargs
        if not (isinstance(replaced, tuple) and len(replaced) == 2):
            raise RuntimeError(
                "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                f"but got {replaced}."
            )
        return replaced
    replaced = hook(module, args)
    if replaced is None:
        return args, kwargs
    return replaced if isinstance(replaced, tuple) else (replaced,), kwargs


def _hang_regular_hooks(module: Any, hooks: list[Hook], args: Any, result: Any) -> None:
    """Register regular backward hooks on the node of the first tensor found in ``result``."""
    first = result
    while not isinstance(first, Tensor):
        if isinstance(first, dict):
            first = next(value for value in first.values() if isinstance(value, Tensor))
        else:
            first = first[0]
    grad_fn = first.grad_fn
    if grad_fn is None:
        return
    for hook in hooks:
        grad_fn.register_hook(WrappedHook(hook, module))
    module._maybe_warn_non_full_backward_hook(args, result, grad_fn)


def _warn_regular(when: str, missing: str, article: str = "") -> None:
    warnings.warn(
        f"Using {article}non-full backward hook{when} is deprecated and will be removed in future "
        f"versions. This hook will be missing some {missing}. Please use "
        "register_full_backward_hook to get the documented behavior.",
        FutureWarning,
        stacklevel=outside_stacklevel(),
    )
