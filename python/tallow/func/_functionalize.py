"""``functionalize``: what it removes from a traced program is never recorded here."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["functionalize"]

_CHOICES = ("mutations", "mutations_and_views")


def functionalize(func: Callable[..., Any], *, remove: str = "mutations") -> Callable[..., Any]:
    """Return a function with the same results and the same changes of its arguments.

    PyTorch's form lets a tracer see no in-place operations. Nothing is traced here, so the function
    runs as it is.

    Args:
        func: any function.
        remove: 'mutations' or 'mutations_and_views'.

    Raises:
        RuntimeError: another `remove`, when the result is called.
    """

    @functools.wraps(func)
    def call(*args: Any, **kwargs: Any) -> Any:
        if remove not in _CHOICES:
            raise RuntimeError(
                f"functionalize(f, remove='mutations'): received invalid argument for "
                f"remove={remove}. Valid options are: {', '.join(_CHOICES)}"
            )
        return func(*args, **kwargs)

    return call
