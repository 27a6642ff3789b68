"""Type names that code annotated for a script compiler takes from here."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple, Union  # noqa: UP035

from tallow.jit import Final

__all__ = [
    "Any",
    "BroadcastingList1",
    "BroadcastingList2",
    "BroadcastingList3",
    "Dict",
    "Final",
    "List",
    "Optional",
    "Tuple",
    "Union",
]

# One number that stands for so many, or a list: only ever an annotation.
BroadcastingList1 = BroadcastingList2 = BroadcastingList3 = list
