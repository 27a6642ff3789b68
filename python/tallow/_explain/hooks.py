"""Which hooks were registered, which of them ran, and why the others did not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallow import _C
from tallow._explain.values import describe, tensors_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tallow.nn import Module

__all__ = ["HookLedger", "SilentHook"]

_FORWARD_TABLES = (
    ("forward pre-hook", "_forward_pre_hooks"),
    ("forward hook", "_forward_hooks"),
)
_SKIPPED = "only module(x) runs hooks"


class SilentHook:
    """A registered hook that did not run, and why.

    Attributes:
        path: where its module sits below the outermost module called.
        module: class of that module.
        kind: which hook, see ``events.HOOK_KINDS``.
        name: the hook.
        reason: why it did not run.
    """

    __slots__ = ("kind", "module", "name", "path", "reason")

    def __init__(self, path: str, module: str, kind: str, name: str, reason: str) -> None:
        self.path = path
        self.module = module
        self.kind = kind
        self.name = name
        self.reason = reason

    def to_json(self) -> dict[str, str]:
        """Return the facts as a dict that `json` can write."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __str__(self) -> str:
        where = f"{self.path}: {self.module}" if self.path else self.module
        return f"{where}: {self.kind} {self.name} did not run: {self.reason}"


class _ModuleFacts:
    """What happened to one module inside the block."""

    def __init__(self, module: Module, path: str) -> None:
        self.module = module
        self.path = path
        self.calls = 0
        self.calls_with_grad = 0
        self.inference = False
        self.direct = ""  # where forward was called without the module
        self.error = ""
        self.output = ""  # of the last call
        self.output_has_tensor = False
        self.output_needs_grad = False
        self.input_needs_grad = False
        # (kind, key) -> hook; and how many calls had begun when it was first seen
        self.hooks: dict[tuple[str, int], Callable[..., Any]] = {}
        self.first_seen: dict[tuple[str, int], int] = {}
        self.removed: dict[tuple[str, int], int] = {}  # calls that had begun by then

    def note_hooks(self) -> None:
        present = dict(registered_hooks(self.module))
        for key, hook in present.items():
            if key not in self.hooks:
                self.hooks[key] = hook
                self.first_seen[key] = self.calls
        for key in self.hooks:
            if key not in present:
                self.removed.setdefault(key, self.calls)


def registered_hooks(module: Any) -> Iterator[tuple[tuple[str, int], Callable[..., Any]]]:
    """Yield ``(kind, key), hook`` of every forward and backward hook on a module."""
    for kind, table in _FORWARD_TABLES:
        for key, hook in getattr(module, table).items():
            yield (kind, key), hook
    for key, hook in module._backward_pre_hooks.items():
        yield ("full backward pre-hook", key), hook
    kind = "backward hook" if module._is_full_backward_hook is False else "full backward hook"
    for key, hook in module._backward_hooks.items():
        yield (kind, key), hook


class HookLedger:
    """Keeps account of hooks while a trace is open; holds modules and hooks only until then."""

    def __init__(self) -> None:
        self.facts: dict[int, _ModuleFacts] = {}
        self.ran: set[tuple[int, str, int]] = set()  # module, kind, hook
        self.passes = 0
        self._removed: list[tuple[Any, int, Any]] = []  # table, key, hook
        self._parameters: dict[int, str] = {}
        self._stack: list[Any] = []
        self._kept: list[Any] = []  # so that ids stay those of one object

    def innermost(self) -> Any:
        """Return the module that is being called, or ``None``."""
        return self._stack[-1] if self._stack else None

    def called(self, module: Any, outermost: bool) -> None:
        """A module is called: take note of it, of its hooks, and of the modules below it."""
        if outermost:
            for path, child in module.named_modules():
                self._facts(child, path)
            for name, parameter in module.named_parameters():
                self._parameters[id(parameter)] = name
                self._kept.append(parameter)
        for known in self.facts.values():
            known.note_hooks()
        facts = self._facts(module, type(module).__name__)
        facts.calls += 1
        facts.calls_with_grad += _C.is_grad_enabled() and not _C.is_inference_mode_enabled()
        facts.inference = _C.is_inference_mode_enabled()
        self._stack.append(module)

    def call_ended(self, module: Any, args: Any, output: Any, error: Any) -> None:
        """The call is over."""
        if self._stack and self._stack[-1] is module:
            self._stack.pop()
        facts = self._facts(module, "")
        if error is not None:
            facts.error = type(error).__name__
            return
        outputs = list(tensors_in(output))
        facts.output = describe(output)
        facts.output_has_tensor = facts.output_has_tensor or bool(outputs)
        facts.output_needs_grad |= any(tensor.requires_grad for tensor in outputs)
        facts.input_needs_grad |= any(tensor.requires_grad for tensor in tensors_in(args))

    def parameter_name(self, tensor: Any) -> str:
        """Return the name of a parameter of a module that was called, or ``""``."""
        return self._parameters.get(id(tensor), "")

    def forward_called(self, module: Any, where: str) -> None:
        """``module.forward`` was called by something else than the module."""
        self._facts(module, type(module).__name__).direct = where

    def fired(self, kind: str, hook: Any, module: Any) -> None:
        """A hook is called."""
        self._kept.append(hook)
        self.ran.add((id(module), kind, id(hook)))

    def removed(self, table: Any, key: int) -> None:
        """A hook is being removed by its handle."""
        if table is not None and key in table:
            self._removed.append((table, key, table[key]))

    def merge(self, inner: HookLedger) -> None:
        """Count what an inner trace has seen run as run."""
        self._kept += inner._kept
        self.ran |= inner.ran
        self.passes += inner.passes

    def silent(self) -> list[SilentHook]:
        """Return the hooks that were registered and did not run."""
        from tallow._explain.recorder import hook_name

        found = []
        for facts in self.facts.values():
            facts.note_hooks()
            self._recall_removed(facts)
            for (kind, key), hook in facts.hooks.items():
                if (id(facts.module), kind, id(hook)) in self.ran:
                    continue
                reason = self._reason(facts, kind, (kind, key))
                name = type(facts.module).__name__
                found.append(SilentHook(facts.path, name, kind, hook_name(hook), reason))
        return found

    def _recall_removed(self, facts: _ModuleFacts) -> None:
        """Add the hooks that were gone before the module was first looked at."""
        state = facts.module
        full = state._is_full_backward_hook is not False
        for table, key, hook in self._removed:
            for kind, own in (
                ("forward pre-hook", state._forward_pre_hooks),
                ("forward hook", state._forward_hooks),
                ("full backward pre-hook", state._backward_pre_hooks),
                ("full backward hook" if full else "backward hook", state._backward_hooks),
            ):
                if own is table and (kind, key) not in facts.hooks:
                    facts.hooks[kind, key] = hook
                    facts.first_seen[kind, key] = facts.removed[kind, key] = 0

    def _facts(self, module: Any, path: str) -> _ModuleFacts:
        facts = self.facts.get(id(module))
        if facts is None:
            facts = self.facts[id(module)] = _ModuleFacts(module, path)
            facts.note_hooks()
        return facts

    def _reason(self, facts: _ModuleFacts, kind: str, key: tuple[str, int]) -> str:
        if key in facts.removed and facts.removed[key] <= facts.first_seen[key]:
            return "it was removed before the module was called"
        if not facts.calls:
            if facts.direct:
                return f"forward was called directly ({facts.direct}); {_SKIPPED}"
            return "the module was not called"
        if facts.first_seen[key] >= facts.calls:
            return "it was registered after the last call of the module"
        if kind.startswith("forward"):
            if facts.error:
                return f"the call raised {facts.error}"
            return "it was removed while the module was called"
        return self._backward_reason(facts)

    def _backward_reason(self, facts: _ModuleFacts) -> str:
        if facts.error and not facts.output:
            return f"the call raised {facts.error}"
        if not facts.calls_with_grad:
            mode = "inference_mode" if facts.inference else "no_grad"
            return f"the module was called under {mode}"
        if not facts.output_has_tensor:
            return f"the output ({facts.output}) holds no tensor"
        if not facts.output_needs_grad:
            if facts.input_needs_grad:
                return "the output needs no grad: it is detached or not of a floating type"
            return "no input and no parameter needs grad"
        if not self.passes:
            return "no backward pass ran inside the block"
        return "no gradient reached the output: the loss does not depend on it"
