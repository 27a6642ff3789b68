"""The watcher of a thread: hands events of the native side to traces, bad values to guards.

``tallow._C`` calls ``begin``, ``end`` and ``bad``; :class:`tallow.nn.Module` calls ``module_call``.
Each thread has its own watcher, so a trace sees what its own thread does and nothing else.
"""

from __future__ import annotations

import threading
import weakref
from typing import TYPE_CHECKING, Any

from tallow import _C

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow._explain.guard import nan_guard
    from tallow._explain.recorder import Recorder
    from tallow.nn import Module

__all__ = ["Watcher", "current_watcher", "scope_of", "split_scope"]


class Watcher:
    """What is active in one thread, and the modules that are being called in it."""

    def __init__(self) -> None:
        self.recorders: list[Recorder] = []
        self._guards: list[weakref.ref[nan_guard]] = []
        self.scope_users = 0  # blocks of record_scopes() that are open
        self.modules: list[Module] = []  # being called, outermost first
        self.scopes: list[str] = []  # of the modules above
        self._names: dict[int, tuple[weakref.ref[Module], str]] = {}

    # What is active.

    @property
    def guards(self) -> list[nan_guard]:
        """The guards that are alive; nobody here keeps them so."""
        return [guard for ref in self._guards if (guard := ref()) is not None]

    def add_guard(self, guard: nan_guard) -> None:
        """Ask a guard about bad values from now on, until it is removed or dies."""

        def died(ref: weakref.ref[nan_guard]) -> None:
            self._guards.remove(ref)
            if current_watcher() is self:
                self.install()

        self._guards.append(weakref.ref(guard, died))
        self.install()

    def remove_guard(self, guard: nan_guard) -> None:
        """Undo :meth:`add_guard`."""
        self._guards = [ref for ref in self._guards if ref() is not guard]
        if current_watcher() is self:
            self.install()

    def install(self) -> None:
        """Tell the native side whom to call and for what."""
        active = self.recorders or self._guards or self.scope_users
        _C._set_watcher(
            self if active else None,
            bool(self.recorders),
            any(guard.watches_forward for guard in self.guards),
            any(guard.watches_backward for guard in self.guards),
        )
        if not active:
            self._names.clear()

    # Called by the native side.

    def begin(self, kind: str, subject: Any, args: Any) -> None:
        """An op, call, hook, node or pass begins."""
        if self.recorders:
            self.recorders[-1].begin(kind, subject, args, _C._get_scope()[0])

    def end(self, result: Any, error: Any, time_ns: int, allocated: int, saved: int) -> None:
        """What began last has ended."""
        if self.recorders:
            self.recorders[-1].end(result, error, time_ns, allocated, saved)

    def bad(self, kind: str, subject: Any, args: Any, result: Any) -> None:
        """A result may hold values that are not finite."""
        scope, in_backward = _C._get_scope()
        for guard in self.guards:
            guard.found(kind, subject, args, result, scope, in_backward)

    # Called by modules and their hooks.

    def hook_removed(self, table: Any, key: int) -> None:
        """A handle is about to remove the hook that stands in `table` under `key`."""
        if self.recorders:
            self.recorders[-1].ledger.removed(table, key)

    def module_call(
        self,
        module: Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """Call a module as it would be without a watcher, but in parts that are events."""
        scope = self._scope(module)
        before = _C._set_scope(scope)
        self.modules.append(module)
        self.scopes.append(scope)

        try:
            for guard in self.guards:
                guard.module_begins(module, args, kwargs, outermost=len(self.modules) == 1)
            if self.recorders:
                result = self._traced_call(module, forward, args, kwargs)
            else:
                result = module._call_with_hooks(forward, args, kwargs)
            for guard in self.guards:
                guard.module_ended(module, args, result, scope)
            return result
        finally:
            self.scopes.pop()
            self.modules.pop()
            _C._set_scope(before)

    def _traced_call(
        self, module: Any, forward: Callable[..., Any], args: Any, kwargs: dict[str, Any]
    ) -> Any:
        def traced_forward(*args: Any, **kwargs: Any) -> Any:
            return _C._watched_call("forward", module, forward, args, kwargs)

        def call(*args: Any, **kwargs: Any) -> Any:
            return module._call_with_hooks(traced_forward, args, kwargs)

        return _C._watched_call("call", module, call, args, kwargs)

    def _scope(self, module: Module) -> str:
        known = self._names.get(id(module))
        if known is not None and known[0]() is module:
            return known[1]
        if not self.modules:
            self._learn(module, type(module).__name__)
        else:
            # A module that came after its root was called, or that is no child of it.
            self._learn(self.modules[0], split_scope(self.scopes[0])[0])
            known = self._names.get(id(module))
            if known is None or known[0]() is not module:
                self._learn(module, f"{self.scopes[-1]}.({type(module).__name__})")
        return self._names[id(module)][1]

    def learn(self, root: Module) -> None:
        """Name the modules below `root` by their paths."""
        self._learn(root, type(root).__name__)

    def name_of(self, module: Any) -> str | None:
        """Return the scope of a module that has been called or learnt."""
        known = self._names.get(id(module))
        return known[1] if known is not None and known[0]() is module else None

    def _learn(self, root: Module, name: str) -> None:
        prefix = name if ":" in name else f"{name}:"
        for path, module in root.named_modules():
            joint = "." if path and not prefix.endswith(":") else ""
            self._names[id(module)] = weakref.ref(module), f"{prefix}{joint}{path}"


def split_scope(scope: str) -> tuple[str, str]:
    """Return class of the outermost module and path below it.

    Example:
        >>> split_scope("LeNet:layer1.conv1")
        ('LeNet', 'layer1.conv1')
    """
    root, _, path = scope.partition(":")
    return root, path


def scope_of(note: Any) -> str | None:
    """Return the scope in what a node remembers of its making; see csrc/python/watch.cpp."""
    if isinstance(note, tuple):
        note = note[0]
    return note if isinstance(note, str) else None


class _Local(threading.local):
    watcher: Watcher | None = None


_local = _Local()


def current_watcher() -> Watcher:
    """Return the watcher of the calling thread."""
    if _local.watcher is None:
        _local.watcher = Watcher()
    return _local.watcher


class ObservedHook:
    """A hook whose calls are events while its thread is watched.

    Args:
        kind: which hook, see ``events.HOOK_KINDS``.
        module: the module it is registered on.
        hook: what to call.
    """

    __slots__ = ("hook", "kind", "module")

    def __init__(self, kind: str, module: Any, hook: Callable[..., Any]) -> None:
        self.kind = kind
        self.module = module
        self.hook = hook

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        watcher = _C._watcher()
        if watcher is None:
            return self.hook(*args, **kwargs)
        before = _C._set_scope(watcher.name_of(self.module) or _C._get_scope()[0])
        try:
            return _C._watched_call(self.kind, (self.hook, self.module), self.hook, args, kwargs)
        finally:
            _C._set_scope(before)
