"""Looking at what runs: ``tallow.explain()``, ``tallow.nan_guard()`` and ``Tensor.graph()``."""

from __future__ import annotations

from tallow._explain.guard import NonFiniteError, nan_guard
from tallow._explain.trace import Trace, explain

__all__ = ["NonFiniteError", "Trace", "explain", "nan_guard"]
