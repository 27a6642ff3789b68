"""Functions and methods that are replaced while a program is recorded."""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from tallow.fx.node import map_aggregate
from tallow.fx.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["WRAPPED", "Patches", "single_step", "wrap"]

# Names in the globals of modules whose functions become single steps.
WRAPPED: dict[tuple[int, str], dict[str, Any]] = {}


class Patches:
    """Changes of modules and classes that are taken back in the end."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []
        self._seen: set[int] = set()

    def __enter__(self) -> Patches:
        return self

    def __exit__(self, *exception: object) -> None:
        for undo in reversed(self._undo):
            undo()

    def entry(self, names: dict[str, Any], name: str, value: Any) -> None:
        """Replace a global name; one that was not there is a built-in function."""
        if name in names:
            self._undo.append(functools.partial(names.__setitem__, name, names[name]))
        else:
            self._undo.append(functools.partial(names.pop, name, None))
        names[name] = value

    def method(self, owner: type, name: str, value: Any) -> None:
        """Replace a method."""
        before = vars(owner)[name]
        self._undo.append(lambda: setattr(owner, name, before))
        setattr(owner, name, value)

    def first_visit(self, names: dict[str, Any]) -> bool:
        """Tell whether these names were not looked at yet."""
        new = id(names) not in self._seen
        self._seen.add(id(names))
        return new


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
    WRAPPED[id(frame.f_globals), name] = frame.f_globals
    return fn_or_name
