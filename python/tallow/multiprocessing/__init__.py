"""Python's multiprocessing, with tensors that travel as shared memory instead of copies.

A tensor put on a queue or given to a process is moved to shared memory, and both sides see changes
of either. The other process must fetch it before the sender ends.
"""

from __future__ import annotations

import multiprocessing
from multiprocessing import *  # noqa: F403

from tallow._absent import name_absent_ones

from .reductions import init_reductions
from .spawn import (
    ProcessContext,
    ProcessException,
    ProcessExitedException,
    ProcessRaisedException,
    spawn,
    start_processes,
)

__all__ = [
    "ProcessContext",
    "ProcessException",
    "ProcessExitedException",
    "ProcessRaisedException",
    "get_all_sharing_strategies",
    "get_sharing_strategy",
    "set_sharing_strategy",
    "spawn",
    "start_processes",
]
__all__ += multiprocessing.__all__

_STRATEGIES = {"file_descriptor"}


def get_all_sharing_strategies() -> set[str]:
    """Return the ways in which shared memory reaches other processes.

    Example:
        >>> tallow.multiprocessing.get_all_sharing_strategies()
        {'file_descriptor'}
    """
    return set(_STRATEGIES)


def get_sharing_strategy() -> str:
    """Return how shared memory reaches other processes: by its file descriptor."""
    return "file_descriptor"


def set_sharing_strategy(new_strategy: str) -> None:
    """Accept the name of PyTorch's ways to share memory; descriptors are always used.

    Args:
        new_strategy: ``"file_descriptor"``, or ``"file_system"``, which PyTorch offers for
            programs that run out of descriptors.

    Raises:
        AssertionError: another name.
    """
    if new_strategy not in {*_STRATEGIES, "file_system"}:
        raise AssertionError(
            f"invalid sharing strategy {new_strategy!r}, expected one of {_STRATEGIES}"
        )


init_reductions()

name_absent_ones(__name__)
