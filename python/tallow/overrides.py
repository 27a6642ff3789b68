"""The ``__torch_function__`` protocol: other types and modes take over calls of the package."""

from __future__ import annotations

import functools
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import tallow
from tallow import _C
from tallow._absent import name_absent_ones
from tallow._names import LAZY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Self

    _Function = TypeVar("_Function", bound=Callable[..., Any])

__all__ = [
    "BaseTorchFunctionMode",
    "TorchFunctionMode",
    "get_default_nowrap_functions",
    "get_ignored_functions",
    "get_overridable_functions",
    "get_testing_overrides",
    "handle_torch_function",
    "has_torch_function",
    "has_torch_function_unary",
    "has_torch_function_variadic",
    "is_tensor_like",
    "is_tensor_method_or_property",
    "resolve_name",
    "wrap_torch_function",
]


class _Modes(threading.local):
    """The active modes of this thread, innermost last."""

    def __init__(self) -> None:
        self.stack: list[TorchFunctionMode] = []

    def replace(self, stack: list[TorchFunctionMode]) -> list[TorchFunctionMode]:
        """Make `stack` the active modes; return the ones that were."""
        before, self.stack = self.stack, stack
        _C._set_torch_function_mode_active(bool(stack))
        return before


_modes = _Modes()


class TorchFunctionMode:
    """Sees every call of the package's functions inside a ``with`` block.

    Subclasses define ``__torch_function__(self, func, types, args=(), kwargs=None)``; while it
    runs this mode is switched off, so it may call `func`.

    Example:
        >>> class Log(TorchFunctionMode):
        ...     def __torch_function__(self, func, types, args=(), kwargs=None):
        ...         print(func.__name__)
        ...         return func(*args, **(kwargs or {}))
        >>> with Log():
        ...     _ = tallow.ones(2).exp()
        ones
        exp
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        raise NotImplementedError

    def __enter__(self) -> Self:
        _modes.replace([*_modes.stack, self])
        return self

    def __exit__(self, *exc_info: object) -> None:
        _modes.replace(_modes.stack[:-1])


class BaseTorchFunctionMode(TorchFunctionMode):
    """A mode that changes nothing."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        return func(*args, **(kwargs or {}))


@contextmanager
def without_torch_function() -> Iterator[None]:
    """Switch overrides by types and by modes off inside a ``with`` block."""
    before = _modes.replace([])
    try:
        with _C.DisableTorchFunctionSubclass():
            yield
    finally:
        _modes.replace(before)


# Does the type of the argument, or an active mode, override calls?
has_torch_function_unary = _C._has_torch_function


def has_torch_function_variadic(*tensors: Any) -> bool:
    """Tell whether the type of any argument, or an active mode, overrides calls."""
    return any(map(_C._has_torch_function, tensors))


def has_torch_function(tensors: Iterable[Any]) -> bool:
    """Tell whether the type of any item, or an active mode, overrides calls.

    Example:
        >>> has_torch_function((tallow.ones(1), 3))
        False
    """
    return any(map(_C._has_torch_function, tensors))


def _takes_over(kind: type) -> bool:
    """Does the type itself override calls, whatever mode is active?"""
    method = getattr(kind, "__torch_function__", None)
    if method is None or method is _C._disabled_torch_function_impl or kind is tallow.Tensor:
        return False
    return _C._is_torch_function_subclass_enabled()


def _overloaded(arguments: Iterable[Any]) -> list[Any]:
    """One argument per overriding type: subclasses before superclasses, else left to right."""
    chosen: list[Any] = []
    for argument in arguments:
        kind = type(argument)
        if not _takes_over(kind) or any(kind is type(other) for other in chosen):
            continue
        place = next(
            (i for i, other in enumerate(chosen) if issubclass(kind, type(other))), len(chosen)
        )
        chosen.insert(place, argument)
    return chosen


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """Offer a call to the active mode and to the types of its arguments.

    Args:
        public_api: the function the user called.
        relevant_args: the arguments whose types may take over.
        *args: positional arguments of the call.
        **kwargs: keyword arguments of the call.

    Returns:
        What the first of them returns that does not answer ``NotImplemented``.

    Raises:
        TypeError: all of them answer ``NotImplemented``.
    """
    overloaded = _overloaded(relevant_args)
    types = tuple(type(argument) for argument in overloaded)
    stack = _modes.stack
    if stack:
        _modes.replace(stack[:-1])
        try:
            result = stack[-1].__torch_function__(public_api, types, args, kwargs)
        finally:
            _modes.replace(stack)
        if result is not NotImplemented:
            return result
    for argument in overloaded:
        result = argument.__torch_function__(public_api, types, args, kwargs)
        if result is not NotImplemented:
            return result
    name = resolve_name(public_api) or f"{public_api.__module__}.{public_api.__name__}"
    tried = [str(type(stack[-1]))] if stack else []
    tried += [str(kind) for kind in types]
    raise TypeError(
        f"no implementation found for '{name}' on types that implement __torch_function__: "
        f"[{', '.join(tried)}]"
    )


def wrap_torch_function(
    dispatcher: Callable[..., Iterable[Any]],
) -> Callable[[_Function], _Function]:
    """Let arguments override a function written in Python.

    Args:
        dispatcher: called with the arguments of the function; returns those whose types may
            take over.

    Example:
        >>> @wrap_torch_function(lambda x: (x,))
        ... def double(x):
        ...     return x * 2
    """

    def decorate(function: _Function) -> _Function:
        @functools.wraps(function)
        def dispatched(*args: Any, **kwargs: Any) -> Any:
            relevant = tuple(dispatcher(*args, **kwargs))
            if has_torch_function(relevant):
                return handle_torch_function(dispatched, relevant, *args, **kwargs)
            return function(*args, **kwargs)

        return dispatched  # type: ignore[return-value]

    return decorate


def converted(result: Any, cls: type) -> Any:
    """Give the tensors in a result the type `cls`."""
    if cls is tallow.Tensor:
        return result
    if isinstance(result, tallow.Tensor):
        return result if isinstance(result, cls) else result.as_subclass(cls)
    if isinstance(result, (tuple, list)):
        items = [converted(item, cls) for item in result]
        make = getattr(type(result), "_make", type(result))  # named tuples take their fields apart
        return make(items)
    return result


def is_tensor_like(inp: Any) -> bool:
    """Tell whether a value is a tensor or takes part in the protocol."""
    return type(inp) is tallow.Tensor or hasattr(inp, "__torch_function__")


def _namespaces() -> list[tuple[str, Any]]:
    """Where public functions live; a function found twice keeps the later name."""
    return [
        ("", tallow),
        ("functional", tallow.functional),
        ("nn.functional", tallow.nn.functional),
        ("nn.init", tallow.nn.init),
        ("Tensor", tallow.Tensor),
        ("linalg", tallow.linalg),
        ("fft", tallow.fft),
        ("special", tallow.special),
    ]


def _is_accessor(value: Any) -> bool:
    return isinstance(value, property) or type(value).__name__ == "getset_descriptor"


@functools.cache
def _functions() -> dict[Any, tuple[str, Any]]:
    """Every overridable function with its path inside the package and its namespace."""
    found: dict[Any, tuple[str, Any]] = {}
    for path, space in _namespaces():
        public = getattr(space, "__all__", None) or dir(space)
        for name in public:
            if space is tallow and LAZY.get(name) == name:
                continue  # a submodule: looking at it would import it
            value: Any = getattr(space, name, None)
            dotted = f"{path}.{name}" if path else name
            if isinstance(space, type) and _is_accessor(value):
                found[value.__get__] = f"{dotted}.__get__", space
                found[value.__set__] = f"{dotted}.__set__", space
            elif callable(value) and not isinstance(value, type) and value not in _ignored():
                found[value] = dotted, space
    return found


@functools.cache
def _ignored() -> frozenset[Any]:
    names = (
        "is_tensor typename set_printoptions manual_seed seed initial_seed get_rng_state "
        "set_rng_state save load is_grad_enabled is_inference_mode_enabled get_default_dtype "
        "set_default_dtype get_num_threads set_num_threads result_type promote_types can_cast "
        "compile as_torch"
    )
    values = (getattr(tallow, name, None) for name in names.split())
    methods = (
        getattr(tallow.Tensor, name)
        for name in ("__torch_function__", "__new__", "__init__", "as_subclass", "_make_subclass")
    )
    return frozenset(value for value in (*values, *methods) if value is not None)


def resolve_name(f: Callable[..., Any]) -> str | None:
    """Return the dotted public name of an overridable function, or ``None``.

    Example:
        >>> resolve_name(tallow.Tensor.add)
        'tallow.Tensor.add'
    """
    try:
        entry = _functions().get(f)
    except TypeError:  # not hashable, so not one of ours
        return None
    return None if entry is None else f"{_C._get_namespace()}.{entry[0]}"


def get_overridable_functions() -> dict[Any, list[Callable[..., Any]]]:
    """Return the functions that types may override, by the namespace they live in."""
    spaces: dict[Any, list[Callable[..., Any]]] = {}
    for function, (_, space) in _functions().items():
        spaces.setdefault(space, []).append(function)
    return spaces


def get_testing_overrides() -> dict[Callable[..., Any], Callable[..., Any]]:
    """Return, for every overridable function, a stand-in that accepts any arguments."""
    return {function: lambda *args, **kwargs: -1 for function in _functions()}


def get_ignored_functions() -> set[Callable[..., Any]]:
    """Return public functions that types cannot override."""
    return set(_ignored())


@functools.cache
def get_default_nowrap_functions() -> set[Callable[..., Any]]:
    """Return functions whose results keep their type under the default override."""
    kind: Any = tallow.Tensor
    return {kind._base.__get__, kind.grad.__get__}


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """Tell whether a function is a method of, or reads or writes an attribute of, a tensor."""
    entry = _functions().get(func)
    return entry is not None and entry[0].startswith("Tensor.")


name_absent_ones(__name__)
