"""Context managers and decorators that switch gradient recording on and off."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any, TypeVar

from tallow import _C
from tallow._C import is_grad_enabled, is_inference_mode_enabled

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType
    from typing import Self

__all__ = [
    "enable_grad",
    "inference_mode",
    "is_grad_enabled",
    "is_inference_mode_enabled",
    "no_grad",
    "set_grad_enabled",
    "set_multithreading_enabled",
]

_Decorated = TypeVar("_Decorated", bound="Callable[..., Any]")

# co_flags bit of a generator function (inspect.CO_GENERATOR, spelled out to keep imports light).
_GENERATOR_FLAG = 0x20


class _Mode:
    """A switch that works as a context manager and as a decorator.

    Subclasses implement `_set`, which changes the thread's state, and `_get`, which returns what
    `_set` needs to bring the present state back.
    """

    _saved: tuple[Any, ...] = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        return super().__new__(cls)

    def _get(self) -> Any:
        raise NotImplementedError

    def _set(self, state: Any) -> None:
        raise NotImplementedError

    def _enter_state(self) -> Any:
        """The state that holds inside the block."""
        raise NotImplementedError

    def __enter__(self) -> None:
        # A stack, because one object may be entered again while it is active.
        self._saved = (*self._saved, self._get())
        self._set(self._enter_state())

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        *rest, before = self._saved
        self._saved = tuple(rest)
        self._set(before)

    def _fresh(self) -> _Mode:
        """Return a new object for one call of a decorated function."""
        return type(self)()

    def __call__(self, function: _Decorated) -> _Decorated:
        if isinstance(function, type):
            warnings.warn(
                "Decorating classes is deprecated and will be disabled in future versions. "
                "You should only decorate functions or methods. To preserve the current behavior "
                "of class decoration, you can directly decorate the `__init__` method and "
                "nothing else.",
                FutureWarning,
                stacklevel=2,
            )
            function.__init__ = self(function.__init__)  # type: ignore[misc]
            return function
        code = getattr(function, "__code__", None)
        if code is not None and code.co_flags & _GENERATOR_FLAG:
            return self._wrap_generator(function)  # type: ignore[return-value]

        @functools.wraps(function)
        def in_mode(*args: Any, **kwargs: Any) -> Any:
            with self._fresh():
                return function(*args, **kwargs)

        return in_mode  # type: ignore[return-value]

    def _wrap_generator(self, function: Callable[..., Generator[Any, Any, Any]]) -> Any:
        """Hold the mode while the generator runs, and the caller's while it is suspended."""

        @functools.wraps(function)
        def in_mode(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            generator = function(*args, **kwargs)
            step: Callable[[], Any] = functools.partial(next, generator)
            while True:
                try:
                    with self._fresh():
                        produced = step()
                except StopIteration as end:
                    return end.value
                try:
                    sent = yield produced
                except GeneratorExit:
                    with self._fresh():
                        generator.close()
                    raise
                except BaseException as error:
                    step = functools.partial(generator.throw, error)
                else:
                    step = functools.partial(generator.send, sent)

        return in_mode


class _GradMode(_Mode):
    """Switches gradient recording to `_enabled`."""

    _enabled: bool

    def _get(self) -> bool:
        return is_grad_enabled()

    def _set(self, state: bool) -> None:
        _C._set_grad_enabled(state)

    def _enter_state(self) -> bool:
        return self._enabled


class _BareGradMode(_GradMode):
    """A grad mode without arguments: ``@no_grad`` means the same as ``@no_grad()``."""

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        mode = super().__new__(cls)
        return mode if function is None else mode(function)


class no_grad(_BareGradMode):
    """Record nothing: results do not require gradients.

    Works as a context manager and as a decorator, also of generators, with or without
    parentheses. Factory functions with ``requires_grad=True`` still make leaves.

    Example:
        >>> x = tallow.ones(1, requires_grad=True)
        >>> with tallow.no_grad():
        ...     (x * 2).requires_grad
        False
    """

    _enabled = False


class enable_grad(_BareGradMode):
    """Record gradients again inside :class:`no_grad`.

    Example:
        >>> x = tallow.ones(1, requires_grad=True)
        >>> with tallow.no_grad(), tallow.enable_grad():
        ...     (x * 2).requires_grad
        True
    """

    _enabled = True


class set_grad_enabled(_GradMode):
    """Switch recording on or off, at once; as a context manager the old mode comes back.

    Args:
        mode: whether gradients are recorded.

    Example:
        >>> with tallow.set_grad_enabled(False):
        ...     tallow.is_grad_enabled()
        False
    """

    def __init__(self, mode: bool) -> None:
        if not isinstance(mode, bool):
            raise TypeError(
                "set_grad_enabled(): argument 'enabled' (position 1) must be bool, not "
                f"{type(mode).__name__}"
            )
        before = is_grad_enabled()
        _C._set_grad_enabled(mode)
        self._enabled = self.mode = mode
        self._before: bool | None = before

    def __enter__(self) -> None:
        if self._before is None:
            super().__enter__()
        else:
            # The constructor has already switched; leaving the block undoes that.
            self._saved = (*self._saved, self._before)
            self._before = None

    def __call__(self, function: _Decorated) -> _Decorated:
        """Decorate `function`."""
        if self._before is not None:
            # Used as a decorator: only calls of the function are to run in this mode.
            _C._set_grad_enabled(self._before)
            self._before = None
        return super().__call__(function)

    def _fresh(self) -> set_grad_enabled:
        return type(self)(self.mode)

    def __repr__(self) -> str:
        return f"{type(self).__module__}.{type(self).__name__}(mode={self.mode})"


class inference_mode(_Mode):
    """Record nothing and skip version counting: for code that never meets autograd.

    Tensors made inside are marked; outside they may not be saved for backward nor be written
    in place.

    Args:
        mode: ``False`` switches inference mode off inside the block.

    Example:
        >>> with tallow.inference_mode():
        ...     tallow.ones(2).is_inference()
        True
    """

    def __new__(cls, mode: Any = True) -> Any:
        """Make a mode, or decorate a function when used without parentheses."""
        if isinstance(mode, bool):
            return super().__new__(cls)
        return cls()(mode)

    def __init__(self, mode: bool = True) -> None:
        self.mode = mode

    def _get(self) -> tuple[bool, bool]:
        return is_inference_mode_enabled(), is_grad_enabled()

    def _set(self, state: tuple[bool, bool]) -> None:
        inference, grad = state
        _C._set_inference_mode(inference)
        _C._set_grad_enabled(grad)

    def _enter_state(self) -> tuple[bool, bool]:
        return self.mode, not self.mode

    def _fresh(self) -> inference_mode:
        return type(self)(self.mode)


class set_multithreading_enabled:
    """Accepted for compatibility: one thread walks the graph and each kernel uses all threads.

    Args:
        mode: remembered, without effect.
    """

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(self, *exc_info: object) -> None:
        """Do nothing."""
