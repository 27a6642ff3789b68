"""Add notes to an error: in which module it happened, with which shapes, on which line, and why.

Nothing here runs before something has gone wrong: ``csrc/python/error_notes.cpp`` calls the two
functions below while an exception passes an operator or a module. Notes (PEP 678) leave ``str(e)``
as it is.
"""

from __future__ import annotations

import linecache
import os
import sys
from typing import TYPE_CHECKING, TypeVar

from tallow import _C
from tallow._advice import layers, modules, tensors  # noqa: F401  # they register their rules
from tallow._advice.rules import Finding, diagnose, is_tensor
from tallow._user_frame import is_ours

if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from tallow.nn.modules.module import Module

_E = TypeVar("_E", bound=Exception)

__all__ = [
    "advise",
    "annotate_blame",
    "annotate_call",
    "annotate_op",
    "line_of_trace",
    "user_line",
]

_STATE = "_tallow_notes"  # what has been noted already; plain data, so that errors can be pickled
_LONGEST_HEAD = 100
_LONGEST_SHAPES = 8


def annotate_op(error: Exception, op: str, values: dict[str, Any]) -> None:
    """Note what an operator was given, where that explains its error.

    Args:
        error: raised by the operator itself.
        op: its name.
        values: its arguments by name.
    """
    state = _state(error)
    if state["explained"]:
        return
    finding = diagnose(error, values, None)
    if finding is not None:
        _explain(error, state, f"{op.removeprefix('__').removesuffix('__')}()", values, finding)
        _publish(error, state)


def annotate_call(
    error: Exception, module: Module, args: tuple[Any, ...], kwargs: dict[str, Any] | None
) -> None:
    """Note the module that an error passes on its way up; the innermost is described in full.

    Args:
        error: raised inside the call.
        module: the module that was called.
        args: what it was called with.
        kwargs: by keyword.
    """
    if isinstance(error, (StopIteration, MemoryError)):
        return
    state = _state(error)
    if state["module"] is None:
        state.update(module=id(module), root=type(module).__name__, head=_head(module), path="")
        if not state["explained"]:
            values = _named_arguments(module, args, kwargs)
            finding = diagnose(error, values, module) or Finding()
            _explain(error, state, "called with", values, finding)
    elif state["module"] != id(module):
        prefix = _name_within(module, state["module"])
        if prefix is not None:
            path = f"{prefix}.{state['path']}" if state["path"] else prefix
            state.update(module=id(module), root=type(module).__name__, path=path)
        elif not state["path"]:
            # It was made on the way: say where.
            head = f"{state['head']}, called by {_head(module)}"
            state.update(module=id(module), root=type(module).__name__, head=head)
    _publish(error, state)


def advise(error: _E, **facts: Any) -> _E:
    """Note the user's line and a hint on an error that is about to be raised.

    Args:
        error: returned, so that the call can stand behind ``raise``.
        facts: what the rule needs beyond the error's text.
    """
    state = _state(error)
    finding = diagnose(error, facts, None)
    state["explained"] = True
    line = _user_line(error)
    if line:
        state["notes"].append(line)
    if finding is not None and finding.hint:
        state["notes"].append(f"hint: {finding.hint}")
    _publish(error, state)
    return error


def annotate_blame(error: Exception, text: str) -> None:
    """Note what backward knows of a saved tensor that was written over or freed."""
    state = _state(error)
    state["explained"] = True
    state["notes"].append(text)
    line = _user_line(error)
    if line:
        state["notes"].append(line)
    _publish(error, state)


def user_line() -> str | None:
    """Return the line of the user's program that is being executed."""
    return _user_line(None)


def line_of_trace(trace: list[str]) -> str | None:
    """Return the last line outside the package from what ``traceback.format_stack`` made."""
    package = os.path.dirname(os.path.dirname(__file__))
    for entry in reversed(trace):
        place, _, source = entry.strip().partition("\n")
        if package not in place:
            return f"{place}: {source.strip()}" if source else place
    return None


def _explain(
    error: Exception, state: dict[str, Any], title: str, values: dict[str, Any], finding: Finding
) -> None:
    state["explained"] = True
    state["notes"].append(_shapes(title, values, finding))
    line = _user_line(error)
    if line:
        state["notes"].append(line)
    if finding.hint:
        state["notes"].append(f"hint: {finding.hint}")


def _publish(error: Exception, state: dict[str, Any]) -> None:
    """Bring the notes on the error up to date; the first names the module."""
    if _C._get_namespace() != "tallow" and not state["path"]:
        # Tests written for PyTorch match whole texts, and pytest matches the notes too: in alias
        # mode only errors from inside a network are annotated.
        return
    where = None
    if state["module"] is not None:
        where = f"in {state['head']}"
        if state["path"]:
            where = f"in {state['path']}: {state['head']} of {state['root']}"
    notes = [note for note in (where, *state["notes"]) if note is not None]
    others = [note for note in getattr(error, "__notes__", ()) if note not in state["shown"]]
    state["shown"] = notes
    error.__notes__ = others + notes


def _state(error: Exception) -> dict[str, Any]:
    state = error.__dict__.get(_STATE)
    if state is None:
        state = {"module": None, "path": "", "explained": False, "notes": [], "shown": []}
        error.__dict__[_STATE] = state
    return state


def _head(module: Module) -> str:
    """Return the first line of the module's repr, which has its settings but not its children."""
    try:
        extra = " ".join(module.extra_repr().split())
        name = module._get_name()
    except Exception:
        extra, name = "...", type(module).__name__
    if not extra and getattr(module, "_modules", None):
        extra = "..."
    text = f"{name}({extra})"
    return text if len(text) <= _LONGEST_HEAD else text[: _LONGEST_HEAD - 4] + "...)"


def _name_within(module: Module, child: int) -> str | None:
    """Return the path from ``module`` to the module of this identity below it."""
    for name, candidate in module._modules.items():
        if id(candidate) == child:
            return name
    for name, candidate in module.named_modules(remove_duplicate=False):
        if id(candidate) == child:
            return name
    return None


def _named_arguments(
    module: Module, args: tuple[Any, ...], kwargs: dict[str, Any] | None
) -> dict[str, Any]:
    """Name positional arguments as ``forward`` does."""
    code = getattr(getattr(module.forward, "__func__", module.forward), "__code__", None)
    names: tuple[str, ...] = ()
    if code is not None:
        names = code.co_varnames[1 : code.co_argcount]
    named = {names[i] if i < len(names) else f"args[{i}]": value for i, value in enumerate(args)}
    return {**named, **(kwargs or {})}


def _shapes(title: str, values: dict[str, Any], finding: Finding) -> str:
    """Return one line per argument, with a caret under each axis that does not fit."""
    lines = [title]
    shown = {**values, **finding.extra}
    shown = {name: value for name, value in shown.items() if not _is_option(value)}
    width = max((len(name) for name in shown), default=0)
    for name, value in list(shown.items())[:_LONGEST_SHAPES]:
        text, starts = _describe(value)
        lines.append(f"  {name:<{width}} {text}")
        for axis, why in finding.marks.get(name, ()):
            if -len(starts) <= axis < len(starts):
                start, length = starts[axis]
                lines.append(" " * (width + 3 + start) + "^" * length + f" {why}")
    return "\n".join(lines)


def _is_option(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(isinstance(item, int) for item in value)
    return value is None or isinstance(value, (bool, int, float, str))


def _describe(value: Any) -> tuple[str, list[tuple[int, int]]]:
    """Return a short text for a value, and for a tensor where each size stands in it."""
    shape = getattr(value, "shape", None)
    if shape is None or not hasattr(value, "dtype"):
        if isinstance(value, (list, tuple)) and any(hasattr(item, "shape") for item in value):
            return f"{type(value).__name__} of {', '.join(_describe(v)[0] for v in value[:4])}", []
        text = repr(value) if isinstance(value, (int, float, str, type(None))) else ""
        return text if 0 < len(text) <= 40 else type(value).__name__, []
    text, starts = "[" if is_tensor(value) else f"{type(value).__name__} [", []
    for i, size in enumerate(shape):
        if i > 0:
            text += ", "
        starts.append((len(text), len(str(size))))
        text += str(size)
    return f"{text}] {str(value.dtype).rpartition('.')[2]}", starts


def _user_line(error: Exception | None) -> str | None:
    """Return the innermost line of the user's program that led to the error."""
    place = None
    traceback = None if error is None else error.__traceback__
    while traceback is not None:
        if not is_ours(traceback.tb_frame):
            place = traceback.tb_frame, traceback.tb_lineno
        traceback = traceback.tb_next
    if place is None:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and is_ours(frame):
            frame = frame.f_back
        if frame is None:
            return None
        place = frame, frame.f_lineno
    frame, number = place
    code = frame.f_code
    source = linecache.getline(code.co_filename, number, frame.f_globals).strip()
    where = f"at {code.co_filename}:{number}, in {code.co_name}"
    return f"{where}: {source}" if source else where
