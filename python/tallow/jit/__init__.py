"""Tracing, and the annotations of a script compiler that this package does not have.

``trace`` records a graph and returns a module that replays it. ``script`` and its companions leave
functions as they are, so that code annotated for a compiler runs.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tallow._absent import name_absent_ones
from tallow.jit._trace import (
    Error,
    Graph,
    TopLevelTracedModule,
    TracerWarning,
    is_tracing,
    trace,
    trace_module,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "Attribute",
    "Error",
    "Final",
    "Graph",
    "ScriptFunction",
    "ScriptModule",
    "TopLevelTracedModule",
    "TracerWarning",
    "annotate",
    "export",
    "fork",
    "freeze",
    "ignore",
    "interface",
    "is_scripting",
    "is_tracing",
    "isinstance",
    "optimize_for_inference",
    "script",
    "script_if_tracing",
    "script_method",
    "strict_fusion",
    "trace",
    "trace_module",
    "unused",
    "wait",
]

_T = TypeVar("_T")
_isinstance = isinstance

# The type of traced modules stands for compiled ones too: `isinstance(m, ScriptModule)` asks
# whether a module is more than Python code.
ScriptModule = TopLevelTracedModule


class ScriptFunction:
    """The type of compiled functions; there are none."""


def is_scripting() -> bool:
    """Tell whether the code is being compiled: never."""
    return False


def script(obj: _T, *args: Any, **kwargs: Any) -> _T:
    """Return a function, class or module as it is: there is no script compiler."""
    return obj


def script_method(fn: _T) -> _T:
    """Return a method as it is."""
    return fn


def script_if_tracing(fn: _T) -> _T:
    """Return a function as it is."""
    return fn


_script_if_tracing = script_if_tracing


def _overload(func: _T) -> _T:
    """Mark one of several signatures of a function for a script compiler; return it as it is."""
    return func


_overload_method = _overload


def export(fn: _T) -> _T:
    """Mark a method for a script compiler; return it as it is."""
    return fn


def unused(fn: _T) -> _T:
    """Mark a method that a script compiler should leave out; return it as it is."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """Mark a method that a script compiler should call as Python; usable with arguments too."""
    return drop if callable(drop) else lambda fn: fn


def interface(obj: _T) -> _T:
    """Mark an interface for a script compiler; return it as it is."""
    return obj


def annotate(the_type: Any, the_value: _T) -> _T:
    """Give a value a type for a script compiler; return the value."""
    return the_value


def isinstance(obj: Any, target_type: Any) -> bool:
    """Tell whether a value has a type, which may be a generic alias such as ``list[int]``."""
    return _isinstance(obj, getattr(target_type, "__origin__", target_type))


def freeze(mod: _T, *args: Any, **kwargs: Any) -> _T:
    """Return a module as it is."""
    return mod


def optimize_for_inference(mod: _T, *args: Any, **kwargs: Any) -> _T:
    """Return a module as it is."""
    return mod


def fork(func: Callable[..., _T], *args: Any, **kwargs: Any) -> Callable[[], _T]:
    """Call a function now; :func:`wait` returns its result."""
    return functools.partial(lambda value: value, func(*args, **kwargs))


def wait(future: Callable[[], _T]) -> _T:
    """Return the result of a call made by :func:`fork`."""
    return future()


class Attribute:
    """A value with a type for a script compiler."""

    def __init__(self, value: Any, type: Any) -> None:
        self.value = value
        self.type = type


class strict_fusion:
    """Accepted as a context manager; nothing is fused."""

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *exc_info: object) -> None:
        """Do nothing."""


def save(m: Any, f: Any, _extra_files: Any = None) -> None:
    """Raise: traced modules cannot be written yet."""
    raise NotImplementedError("jit.save: writing traced modules is not supported")


def load(f: Any, map_location: Any = None, **kwargs: Any) -> Any:
    """Raise: compiled modules cannot be read."""
    raise NotImplementedError("jit.load: reading compiled modules is not supported")


warnings.simplefilter("default", TracerWarning, append=True)

name_absent_ones(__name__)
