"""Results that are not there yet."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from tallow._absent import name_absent_ones

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Future", "collect_all", "wait_all"]

T = TypeVar("T")
S = TypeVar("S")


class Future(Generic[T]):
    """A result that another thread, or a later line, sets once.

    Args:
        devices: must be empty: values on GPUs are not waited for here.

    Raises:
        ValueError: devices are given.

    Example:
        >>> later = Future()
        >>> doubled = later.then(lambda done: done.value() * 2)
        >>> later.set_result(21)
        >>> doubled.wait()
        42
    """

    def __init__(self, *, devices: Any = None) -> None:
        if devices:
            raise ValueError(f"Future: Expected devices to have indices, got {devices[0]}")
        self._lock = threading.Condition()
        self._done = False
        self._value: Any = None
        self._error: BaseException | None = None
        self._callbacks: list[Callable[[Future[T]], Any]] = []

    def done(self) -> bool:
        """Tell whether there is a result or an error."""
        return self._done

    def wait(self) -> T:
        """Wait for the result and return it, or raise the error that was set."""
        with self._lock:
            self._lock.wait_for(self.done)
        if self._error is not None:
            raise self._error
        value: T = self._value
        return value

    def value(self) -> T:
        """Return the result, or raise the error that was set.

        Raises:
            RuntimeError: neither is there yet.
        """
        if not self._done:
            raise RuntimeError("Future.value: the future is not completed; wait() waits for it")
        return self.wait()

    def set_result(self, result: T) -> None:
        """Set the result and run the callbacks.

        Raises:
            RuntimeError: it is set already.
        """
        self._complete(result, None)

    def set_exception(self, result: Any) -> None:
        """Set an error, which :meth:`wait` raises.

        Raises:
            RuntimeError: a result or an error is set already.
        """
        assert isinstance(result, Exception), (
            f"{result} is of type {type(result)}, not an Exception."
        )
        self._complete(None, result)

    def _complete(self, value: Any, error: BaseException | None) -> None:
        with self._lock:
            if self._done:
                raise RuntimeError(
                    "Attempting to mark a completed Future as complete again. Note that a Future "
                    "can only be marked completed once."
                )
            self._value, self._error, self._done = value, error, True
            callbacks, self._callbacks = self._callbacks, []
            self._lock.notify_all()
        for callback in callbacks:
            callback(self)

    def add_done_callback(self, callback: Callable[[Future[T]], None]) -> None:
        """Call a function with this future when it is done, at once if it is."""
        with self._lock:
            if not self._done:
                self._callbacks.append(callback)
                return
        callback(self)

    def then(self, callback: Callable[[Future[T]], S]) -> Future[S]:
        """Return a future of what a function makes of this one when it is done."""
        after: Future[S] = Future()

        def run(done: Future[T]) -> None:
            try:
                value = callback(done)
            except Exception as error:  # the waiting side gets it
                after.set_exception(error)
            else:
                after.set_result(value)

        self.add_done_callback(run)
        return after


def collect_all(futures: list[Future[Any]]) -> Future[list[Future[Any]]]:
    """Return a future of the given ones, done when all of them are.

    Args:
        futures: those to wait for; with none the result is done.
    """
    result: Future[list[Future[Any]]] = Future()
    lock, left = threading.Lock(), [len(futures)]
    if not futures:
        result.set_result([])

    def count(_: Future[Any]) -> None:
        with lock:
            left[0] -= 1
            last = left[0] == 0
        if last:
            result.set_result(list(futures))

    for future in futures:
        future.add_done_callback(count)
    return result


def wait_all(futures: list[Future[Any]]) -> list[Any]:
    """Wait for all, and return their results.

    Raises:
        Exception: what was set as an error.
    """
    return [future.wait() for future in collect_all(futures).wait()]


name_absent_ones(__name__)
