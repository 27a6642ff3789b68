"""Builds the tree of a trace from begins and ends, and notes what hooks could have run."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from tallow._explain.events import HOOK_KINDS, Event, Frame, user_frame
from tallow._explain.hooks import HookLedger
from tallow._explain.watcher import scope_of, split_scope

if TYPE_CHECKING:
    from types import FrameType

__all__ = ["Recorder"]

_INTERNAL_HOOKS = "tallow.utils.hooks"
_DEEPEST = 40


class Recorder:
    """The open end of a trace.

    Args:
        roots: where finished outermost events go.
    """

    def __init__(self, roots: list[Event]) -> None:
        self.roots = roots
        self.frames: list[Frame | None] = []  # None: an event that is not shown
        self.ledger = HookLedger()
        self.start = time.perf_counter_ns()

    def begin(self, kind: str, subject: Any, args: Any, scope: str | None) -> None:
        """Add an event as the last child of the one that is open."""
        event = self._event(kind, subject, scope)
        if event is None:
            self.frames.append(None)
            return
        event.start_ns = time.perf_counter_ns() - self.start
        open_event = self._open_event()
        (self.roots if open_event is None else open_event.children).append(event)
        if event.kind in ("op", "function", "call"):
            self._look_at_frames(event)
        self.frames.append(Frame(event, subject, args))
        if event.kind in HOOK_KINDS:
            self.ledger.fired(event.kind, subject[0], subject[1])
        elif event.kind == "call":
            self.ledger.called(subject, outermost=self._is_outermost_call())
        elif event.kind == "backward":
            self.ledger.passes += 1

    def end(self, result: Any, error: Any, time_ns: int, allocated: int, saved: int) -> None:
        """Finish the open event."""
        if not self.frames:
            return
        frame = self.frames.pop()
        if frame is None:
            return
        if frame.event.kind == "call":
            self.ledger.call_ended(frame.subject, frame.args, result, error)
        frame.finish(result, error, time_ns, allocated, saved)

    def adopt(self, events: list[Event], inner: Recorder) -> None:
        """Show what an inner trace has recorded as part of the event that is open here."""
        open_event = self._open_event()
        (self.roots if open_event is None else open_event.children).extend(events)
        self.ledger.merge(inner.ledger)

    def close(self) -> None:
        """Let go of every object: what is left open has been interrupted."""
        for frame in self.frames:
            if frame is not None:
                frame.event.error = frame.event.error or "not finished inside the block"
                frame.args = frame.subject = frame.in_place = None
        self.frames.clear()

    def _open_event(self) -> Event | None:
        return next((frame.event for frame in reversed(self.frames) if frame is not None), None)

    def _is_outermost_call(self) -> bool:
        return not any(f is not None and f.event.kind == "call" for f in self.frames[:-1])

    def _event(self, kind: str, subject: Any, scope: str | None) -> Event | None:
        path = None if scope is None else split_scope(scope)[1]
        if kind in ("call", "forward"):
            return Event(kind, type(subject).__name__, path)
        if kind == "op":
            return Event(kind, subject, path)
        if kind == "function":
            return Event(kind, subject.__name__, path)
        if kind == "pass":
            return Event("backward", "backward")
        if kind == "node":
            name, note, leaf = subject
            made_in = scope_of(note)
            path = None if made_in is None else split_scope(made_in)[1]
            if leaf is not None:
                path = self.ledger.parameter_name(leaf) or path
            return Event(kind, name, path)
        hook = subject[0]
        if getattr(type(hook), "__module__", "") == _INTERNAL_HOOKS:
            return None
        if getattr(type(getattr(hook, "__self__", None)), "__module__", "") == _INTERNAL_HOOKS:
            return None
        return Event(kind, hook_name(hook), path)

    def _look_at_frames(self, event: Event) -> None:
        """Find the user's line, and modules whose ``forward`` was called without the module."""
        frame: FrameType | None = user_frame()
        if frame is not None:
            event.source = f"{frame.f_code.co_filename}:{frame.f_lineno}"
        innermost = self.ledger.innermost()
        frame = sys._getframe(2)
        for _ in range(_DEEPEST):
            if frame is None:
                return
            code = frame.f_code
            if code.co_name == "forward" and code.co_varnames[:1] == ("self",):
                module = frame.f_locals.get("self")
                if module is innermost:
                    return
                if hasattr(module, "_forward_hooks"):
                    caller = frame.f_back
                    where = f"{caller.f_code.co_filename}:{caller.f_lineno}" if caller else ""
                    self.ledger.forward_called(module, where)
            frame = frame.f_back


def hook_name(hook: Any) -> str:
    """Return what a hook is called in a trace."""
    for name in (getattr(hook, "__qualname__", None), getattr(hook, "__name__", None)):
        if isinstance(name, str):
            return name.rpartition("<locals>.")[2]
    inner = getattr(hook, "func", None) or getattr(hook, "hook", None)
    return hook_name(inner) if inner is not None else type(hook).__name__
