"""``FloatTensor``, ``LongTensor`` and the others, made when the first is asked for."""

from __future__ import annotations

from tallow._legacy import NAMES, tensor_type

globals().update((name, tensor_type(name)) for name in NAMES)
