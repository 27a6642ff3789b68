"""Events: what happened inside ``tallow.explain()``, as a tree."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from tallow._explain.changes import InPlace, change_of
from tallow._explain.values import TensorInfo, describe, describe_all, tensors_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["HOOK_KINDS", "Event", "Frame"]

# How the events of the native side are called in a trace. Kinds that end in "hook" are hooks.
HOOK_KINDS = (
    "forward pre-hook",
    "forward hook",
    "full backward pre-hook",
    "full backward hook",
    "backward hook",
    "tensor hook",
    "post-accumulate hook",
    "node pre-hook",
    "node hook",
)
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


class Event:
    """One thing that happened: a call, an op, a hook, a node of the backward pass.

    Attributes:
        kind: ``"call"``, ``"forward"``, ``"op"``, ``"function"``, ``"backward"`` (a whole pass),
            ``"node"``, or one of the hooks.
        name: the op, node, function or hook; of a call, the class of the module.
        path: where the module sits in the outermost module called; ``""`` is that module itself,
            ``None`` outside of any.
        inputs: the arguments in short.
        outputs: the results in short.
        time_ns: how long it took, children included, the trace's own work excluded.
        allocated: bytes of tensors that were there afterwards and not before.
        saved: bytes of tensors kept for the backward pass, parameters not counted.
        change: what a hook changed.
        error: type and message of the exception that ended it, or ``""``.
        source: file and line of the caller outside of tallow.
        children: what happened inside, in order.
    """

    __slots__ = (
        "allocated",
        "change",
        "children",
        "error",
        "input_tensors",
        "inputs",
        "kind",
        "name",
        "output_tensors",
        "outputs",
        "path",
        "saved",
        "source",
        "start_ns",
        "time_ns",
    )

    def __init__(self, kind: str, name: str, path: str | None = None) -> None:
        self.kind = kind
        self.name = name
        self.path = path
        self.inputs = ""
        self.outputs = ""
        self.input_tensors: list[TensorInfo] = []
        self.output_tensors: list[TensorInfo] = []
        self.start_ns = 0
        self.time_ns = 0
        self.allocated = 0
        self.saved = 0
        self.change = ""
        self.error = ""
        self.source = ""
        self.children: list[Event] = []

    @property
    def title(self) -> str:
        """What stands in the first column of a printed trace."""
        if self.kind == "call":
            return f"{self.path}: {self.name}.__call__" if self.path else f"{self.name}.__call__"
        if self.kind == "forward":
            return "forward"
        if self.kind == "function":
            return f"{self.name}.apply"
        if self.kind == "backward":
            return "backward"
        if self.kind == "node":
            return f"{self.name}  ({self.path})" if self.path else self.name
        return f"{self.kind} {self.name}"

    def walk(self) -> Iterator[Event]:
        """Yield this event and everything inside it, in order."""
        yield self
        for child in self.children:
            yield from child.walk()

    def to_json(self) -> dict[str, Any]:
        """Return the event and its children as dicts that `json` can write."""
        return {
            "kind": self.kind,
            "name": self.name,
            "path": self.path,
            "inputs": [tensor.to_json() for tensor in self.input_tensors],
            "outputs": [tensor.to_json() for tensor in self.output_tensors],
            "start_ns": self.start_ns,
            "time_ns": self.time_ns,
            "allocated_bytes": self.allocated,
            "saved_bytes": self.saved,
            "change": self.change,
            "error": self.error,
            "source": self.source,
            "children": [child.to_json() for child in self.children],
        }

    def __repr__(self) -> str:
        return f"<{self.title}: {self.inputs} -> {self.outputs}>"


class Frame:
    """An event that has begun, with what is needed to finish it."""

    __slots__ = ("args", "event", "in_place", "subject")

    def __init__(self, event: Event, subject: Any, args: Any) -> None:
        self.event = event
        self.subject = subject
        self.args = args
        self.in_place = InPlace(args) if event.kind in HOOK_KINDS else None
        if args is not None:
            shown = args[1:] if event.kind in HOOK_KINDS and _is_module_hook(event.kind) else args
            event.inputs = describe_all(shown)
            event.input_tensors = [TensorInfo(tensor) for tensor in tensors_in(tuple(shown))]

    def finish(self, result: Any, error: Any, time_ns: int, allocated: int, saved: int) -> None:
        """Fill in what is known at the end, and let go of the arguments."""
        event = self.event
        event.time_ns, event.allocated, event.saved = time_ns, allocated, saved
        if event.kind not in ("op", "function"):
            event.saved = sum(child.saved for child in event.children)
        if error is not None:
            event.error = f"{type(error).__name__}: {error}".partition("\n")[0]
        elif event.kind in HOOK_KINDS:
            event.change = change_of(event.kind, self.args, result, self.in_place)
        if result is not None:
            event.outputs = describe_all(result) if event.kind == "node" else describe(result)
            event.output_tensors = [TensorInfo(tensor) for tensor in tensors_in(result)]
        self.args = self.subject = self.in_place = None


def _is_module_hook(kind: str) -> bool:
    return kind.startswith(("forward", "full", "backward"))


def user_frame() -> FrameType | None:
    """Return the innermost frame of code outside the package."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    return frame


def source_line() -> str:
    """Return file and line of the innermost call outside the package."""
    frame = user_frame()
    return "" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
