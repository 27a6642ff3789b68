"""Context managers and decorators that switch gradient recording on and off."""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any, TypeVar

from tallow import _C
from tallow._C import is_grad_enabled, is_inference_mode_enabled

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

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
    """What makes a native context manager a decorator as well.

    Subclasses define ``_set(state)``, which returns the state before, and `_inside`, the state that
    holds inside the block.
    """

    if TYPE_CHECKING:
        _set: Callable[[Any], Any]
        _inside: Any

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
            return self._wrap_generator(function)
        switch, inside = self._set, self._inside

        @functools.wraps(function)
        def in_mode(*args: Any, **kwargs: Any) -> Any:
            before = switch(inside)
            try:
                return function(*args, **kwargs)
            finally:
                switch(before)

        return in_mode  # type: ignore[return-value]

    def _wrap_generator(self, function: Callable[..., Generator[Any, Any, Any]]) -> Any:
        """Hold the mode while the generator runs, and the caller's while it is suspended."""

        @self
        def resume(step: Callable[[], Any]) -> Any:
            return step()

        @functools.wraps(function)
        def in_mode(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            generator = function(*args, **kwargs)
            step: Callable[[], Any] = functools.partial(next, generator)
            while True:
                try:
                    produced = resume(step)
                except StopIteration as end:
                    return end.value
                try:
                    sent = yield produced
                except GeneratorExit:
                    resume(generator.close)
                    raise
                except BaseException as error:
                    step = functools.partial(generator.throw, error)
                else:
                    step = functools.partial(generator.send, sent)

        return in_mode


class no_grad(_C._GradMode, _Mode):
    """Record nothing: results do not require gradients.

    Works as a context manager and as a decorator, also of generators, with or without
    parentheses. Factory functions with ``requires_grad=True`` still make leaves.

    Example:
        >>> x = tallow.ones(1, requires_grad=True)
        >>> with tallow.no_grad():
        ...     (x * 2).requires_grad
        False
    """

    _inside = False
    _set = staticmethod(_C._set_grad_enabled)


class enable_grad(_C._GradMode, _Mode):
    """Record gradients again inside :class:`no_grad`.

    Example:
        >>> x = tallow.ones(1, requires_grad=True)
        >>> with tallow.no_grad(), tallow.enable_grad():
        ...     (x * 2).requires_grad
        True
    """

    _inside = True
    _set = staticmethod(_C._set_grad_enabled)


class set_grad_enabled(_C._SetGradEnabled, _Mode):
    """Switch recording on or off, at once; as a context manager the old mode comes back.

    Args:
        mode: whether gradients are recorded.

    Example:
        >>> with tallow.set_grad_enabled(False):
        ...     tallow.is_grad_enabled()
        False
    """

    _set = staticmethod(_C._set_grad_enabled)

    @property
    def _inside(self) -> bool:
        return self.mode

    def __call__(self, function: _Decorated) -> _Decorated:
        """Decorate `function`: only its calls run in this mode."""
        self._undo_switch()
        return super().__call__(function)

    def __repr__(self) -> str:
        return f"{type(self).__module__}.{type(self).__name__}(mode={self.mode})"


class inference_mode(_C._InferenceMode, _Mode):
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

    @property
    def _inside(self) -> tuple[bool, bool]:
        return self.mode, not self.mode

    @staticmethod
    def _set(state: tuple[bool, bool]) -> tuple[bool, bool]:
        inference, grad = state
        before = is_inference_mode_enabled()
        _C._set_inference_mode(inference)
        return before, _C._set_grad_enabled(grad)


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
