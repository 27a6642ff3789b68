"""What shows progress where tqdm is not installed."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["Counter"]


class Counter:
    """Write a count to the standard error stream, if that is a terminal.

    Args:
        total: the last count, if it is known.
        disable: write nothing.
        options: what else tqdm takes; without effect.

    Example:
        >>> with Counter(total=3, disable=True) as counter:
        ...     counter.update(2)
        >>> counter.n
        2
    """

    def __init__(self, total: int | None = None, disable: bool = False, **options: Any) -> None:
        self.total, self.n = total, 0
        self.disable = disable or not sys.stderr.isatty()

    def update(self, n: int = 1) -> None:
        """Count further."""
        self.n += n
        if not self.disable:
            share = f" ({self.n / self.total:.0%})" if self.total else ""
            sys.stderr.write(f"\r{self.n}{share}")

    def close(self) -> None:
        """End the line."""
        if not self.disable:
            sys.stderr.write("\n")

    def __enter__(self) -> Counter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
