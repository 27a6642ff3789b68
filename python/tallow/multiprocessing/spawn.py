"""Run one function in several processes, and learn what went wrong in any of them."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import signal
import time
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "ProcessContext",
    "ProcessException",
    "ProcessExitedException",
    "ProcessRaisedException",
    "spawn",
    "start_processes",
]

# A message of this size fits into the buffer of a pipe, so that the sender need not wait.
_LONGEST_MESSAGE = 30_000


class ProcessException(Exception):
    """A process did not end well.

    Attributes:
        error_index: number of the process.
        pid: its id.
    """

    def __init__(self, msg: str, error_index: int, pid: int) -> None:
        super().__init__(msg)
        self.msg = msg
        self.error_index = error_index
        self.pid = pid

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.msg, self.error_index, self.pid)


class ProcessRaisedException(ProcessException):
    """The function raised an exception in a process."""


class ProcessExitedException(ProcessException):
    """A process was killed, or ended itself.

    Attributes:
        exit_code: its exit status; minus the number of the signal if it was killed.
        signal_name: name of the signal, or None.
    """

    def __init__(
        self,
        msg: str,
        error_index: int,
        error_pid: int,
        exit_code: int,
        signal_name: str | None = None,
    ) -> None:
        super().__init__(msg, error_index, error_pid)
        self.exit_code = exit_code
        self.signal_name = signal_name

    def __reduce__(self) -> tuple[Any, ...]:
        parts = (self.msg, self.error_index, self.pid, self.exit_code, self.signal_name)
        return type(self), parts


def _run(fn: Callable[..., Any], number: int, args: tuple[Any, ...], errors: Any) -> None:
    """What each process does."""
    try:
        fn(number, *args)
    except KeyboardInterrupt:
        pass  # the parent was interrupted as well
    except Exception:
        errors.send(traceback.format_exc()[-_LONGEST_MESSAGE:])
        raise SystemExit(1) from None


class ProcessContext:
    """Processes that ``spawn`` started.

    Attributes:
        processes: in the order of their numbers.
    """

    def __init__(self, processes: list[Any], errors: list[Any]) -> None:
        self.processes = processes
        self._errors = errors
        self._running = {process.sentinel: n for n, process in enumerate(processes)}

    def pids(self) -> list[int]:
        """Return the ids of the processes."""
        return [process.pid for process in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Wait for one process or more to end.

        Args:
            timeout: give up after so many seconds.
            grace_period: seconds that the others have to end after one has failed.

        Returns:
            Whether all have ended.

        Raises:
            ProcessRaisedException: the function raised in one of them; the others are ended.
            ProcessExitedException: one was killed, or ended with another status than 0.
        """
        if not self._running:
            return True
        ended = multiprocessing.connection.wait(list(self._running), timeout=timeout)
        failed = None
        for sentinel in ended:
            number = self._running.pop(sentinel)
            self.processes[number].join()
            if self.processes[number].exitcode != 0 and failed is None:
                failed = number
        if failed is None:
            return not self._running
        self._end_others(grace_period)
        self._report(failed)
        return False

    def _end_others(self, grace_period: float | None) -> None:
        deadline = time.monotonic() + (grace_period or 0)
        for process in self.processes:
            process.join(max(0, deadline - time.monotonic()))
        for process in self.processes:
            if process.is_alive():
                process.terminate()
        for process in self.processes:
            process.join(30)
            if process.is_alive():
                process.kill()
                process.join()

    def _report(self, number: int) -> None:
        process, errors = self.processes[number], self._errors[number]
        message = None
        if errors.poll():
            try:
                message = errors.recv()
            except EOFError:
                message = None  # the process closed its end without a word
        if message is not None:
            raise ProcessRaisedException(
                f"\n\n-- Process {number} terminated with the following error:\n{message}",
                number,
                process.pid,
            )
        code = process.exitcode
        if code < 0:
            name = signal.Signals(-code).name
            raise ProcessExitedException(
                f"process {number} terminated with signal {name}", number, process.pid, code, name
            )
        raise ProcessExitedException(
            f"process {number} terminated with exit code {code}", number, process.pid, code
        )


def start_processes(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run ``fn(i, *args)`` in ``nprocs`` processes, for i from 0 on.

    Args:
        fn: a function that can be pickled, for other methods than fork.
        args: further arguments.
        nprocs: number of processes.
        join: wait for all of them; otherwise return at once.
        daemon: end them together with this process.
        start_method: ``"spawn"``, ``"fork"`` or ``"forkserver"``.

    Returns:
        The processes, or None with ``join``.

    Raises:
        ProcessRaisedException: with ``join``, the function raised in one of them.
        ProcessExitedException: with ``join``, one was killed, or ended with a status.
    """
    context: Any = multiprocessing.get_context(start_method)
    processes, errors = [], []
    for number in range(nprocs):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(fn, number, args, theirs), daemon=daemon)
        process.start()
        theirs.close()
        processes.append(process)
        errors.append(ours)
    started = ProcessContext(processes, errors)
    if not join:
        return started
    while not started.join():
        pass
    return None


def spawn(
    fn: Callable[..., Any],
    args: tuple[Any, ...] = (),
    nprocs: int = 1,
    join: bool = True,
    daemon: bool = False,
    start_method: str = "spawn",
) -> ProcessContext | None:
    """Run ``fn(i, *args)`` in ``nprocs`` new processes; see :func:`start_processes`.

    Args:
        fn: a function that can be pickled.
        args: further arguments.
        nprocs: number of processes.
        join: wait for all of them; otherwise return at once.
        daemon: end them together with this process.
        start_method: ``"spawn"``; others belong to :func:`start_processes`.
    """
    return start_processes(fn, args, nprocs, join, daemon, start_method)
