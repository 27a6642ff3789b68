"""The former place of :mod:`tallow.library`, which packages still import."""

from __future__ import annotations

from typing import NoReturn

from tallow.library import custom_op

__all__ = ["custom_op", "get_ctx"]


def get_ctx() -> NoReturn:
    """Refuse: no graph is traced, so there is no context of one.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError("get_ctx() can only be called inside of a function of shapes being traced")
