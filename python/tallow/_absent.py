"""The error for a name that PyTorch may have and this package has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["AbsentName"]


class AbsentName(AttributeError):
    """A module has no such attribute; the text names the most similar one.

    The search waits until somebody reads the text, since ``hasattr`` fails often.

    Example:
        >>> str(AbsentName("tallow", "zeross", lambda: ["zeros", "ones"])).splitlines()[0]
        "module 'tallow' has no attribute 'zeross'; the most similar name here is 'zeros'"
    """

    def __init__(self, module: str, name: str, known: Callable[[], Iterable[str]]) -> None:
        super().__init__(f"module {module!r} has no attribute {name!r}", name=name)
        self._known = known

    def __str__(self) -> str:
        import difflib

        text = super().__str__()
        similar = difflib.get_close_matches(self.name or "", list(self._known()), 1, 0.6)
        return f"{text}; the most similar name here is {similar[0]!r}" if similar else text
