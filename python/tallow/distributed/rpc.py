"""Calls of functions in other processes: there are none to call."""

from __future__ import annotations

from typing import Any, NoReturn

from tallow._absent import name_absent_ones

__all__ = ["init_rpc", "is_available", "rpc_async", "rpc_sync", "shutdown"]


def is_available() -> bool:
    """Tell whether processes can call each other: no."""
    return False


def _refuse(*args: Any, **kwargs: Any) -> NoReturn:
    raise NotImplementedError("distributed.rpc: a group has one process here")


init_rpc = rpc_async = rpc_sync = shutdown = _refuse

name_absent_ones(__name__)
