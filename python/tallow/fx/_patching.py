"""Functions and methods that are replaced while a program is recorded.

The private names are those that packages with a tracer of their own build it of.
"""

from __future__ import annotations

import builtins
import functools
import inspect
from typing import TYPE_CHECKING, Any

from tallow.fx.node import map_aggregate
from tallow.fx.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compatibility", "single_step", "wrap"]

# Names in the globals of modules whose functions become single steps.
_wrapped: dict[tuple[int, str], dict[str, Any]] = {}


class _Patcher:
    """Changes of modules and classes that are taken back in the end."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._seen: set[int] = set()

    def __enter__(self) -> _Patcher:
        return self

    def __exit__(self, *exception: object) -> None:
        for undo in reversed(self._undo):
            undo()

    def patch(
        self, frame_dict: dict[str, Any], name: str, new_fn: Any, deduplicate: bool = True
    ) -> None:
        """Replace a global name; one that was not there is a built-in function."""
        before = frame_dict.get(name)
        if deduplicate and hasattr(before, "__fx_wrapped__"):
            return
        if name in frame_dict:
            self._undo.append(functools.partial(frame_dict.__setitem__, name, before))
        else:
            self._undo.append(functools.partial(frame_dict.pop, name, None))
        frame_dict[name] = new_fn

    def patch_method(self, cls: type, name: str, new_fn: Any, deduplicate: bool = True) -> None:
        """Replace a method."""
        before = vars(cls)[name]
        if deduplicate and hasattr(before, "__fx_wrapped__"):
            return
        self._undo.append(lambda: setattr(cls, name, before))
        setattr(cls, name, new_fn)

    def visit_once(self, thing: Any) -> bool:
        """Tell whether this was not looked at yet."""
        new = id(thing) not in self._seen
        self._seen.add(id(thing))
        return new


def _autowrap_check(patcher: _Patcher, frame_dict: dict[str, Any], function_ids: set[int]) -> None:
    """Let some functions among global names be single steps."""
    if not patcher.visit_once(frame_dict):
        return
    for name, value in list(frame_dict.items()):
        if id(value) in function_ids and not name.startswith("_") and callable(value):
            patcher.patch(frame_dict, name, single_step(value))


def _patch_wrapped_functions(patcher: _Patcher) -> None:
    """Let the functions that :func:`wrap` named be single steps."""
    for (_, name), scope in _wrapped.items():
        original = scope.get(name, getattr(builtins, name, None))
        if original is not None:
            patcher.patch(scope, name, single_step(original))


def compatibility(is_backward_compatible: bool) -> Callable[[Any], Any]:
    """Mark nothing: PyTorch's own functions say by this whether they may change."""
    return lambda function: function


def single_step(function: Any) -> Any:
    """Return a function that becomes a step if it gets values of a trace."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        proxy = _find_proxy(args, kwargs)
        if proxy is None:
            return function(*args, **kwargs)
        result = proxy.tracer.create_proxy("call_function", function, args, kwargs)
        result.node.meta["is_wrapped"] = True
        return result

    wrapped.__fx_wrapped__ = True  # type: ignore[attr-defined]
    return wrapped


def _find_proxy(*trees: Any) -> Proxy | None:
    found: list[Proxy] = []

    def look(leaf: Any) -> Any:
        if isinstance(leaf, Proxy):
            found.append(leaf)
        return leaf

    map_aggregate(trees, look)
    return found[0] if found else None


def wrap(fn_or_name: str | Callable[..., Any]) -> Any:
    """Let a function of a module be a single step of traces.

    Called at the top level of a module, also as a decorator.

    Args:
        fn_or_name: a function, or the name of one in the module.

    Raises:
        RuntimeError: neither a function nor a name.
        NotImplementedError: called inside a function.

    Example:
        >>> tallow.fx.wrap("len")
        'len'
    """
    if not callable(fn_or_name) and not isinstance(fn_or_name, str):
        raise RuntimeError(
            "Unsupported type for global function! Must be either a callable or string name"
        )
    name = fn_or_name if isinstance(fn_or_name, str) else getattr(fn_or_name, "__name__", "")
    frame = inspect.currentframe()
    frame = frame.f_back if frame is not None else None
    if frame is None or frame.f_code.co_name != "<module>":
        raise NotImplementedError("wrap must be called at the top level of a module")
    _wrapped[id(frame.f_globals), name] = frame.f_globals
    return fn_or_name
