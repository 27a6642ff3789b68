"""What programs may name, ask an object for, but not make where there is one process."""

from __future__ import annotations

from typing import Any

__all__ = ["OfManyProcesses"]


class OfManyProcesses:
    """A class without objects.

    Raises:
        NotImplementedError: always.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kind = type(self)
        raise NotImplementedError(
            f"{kind.__module__.partition('.')[2]}.{kind.__name__}: tensors live in one process here"
        )
