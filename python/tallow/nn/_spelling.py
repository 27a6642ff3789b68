"""How the package spells its own name and types in messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow import _C

if TYPE_CHECKING:
    from typing import Any


def package() -> str:
    """Return the name under which the running program knows this package."""
    return _C._get_namespace()


def typename(value: Any) -> str:
    """Return the type of ``value`` as messages print it: ``torch.FloatTensor``, ``int``, ..."""
    return tallow.typename(value)
