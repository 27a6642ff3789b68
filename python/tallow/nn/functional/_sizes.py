"""Sizes that memory cannot hold, for functions that make tables before their result."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow._tensor import Tensor

__all__ = ["check_fits"]

_WORTH_ASKING = 2**20


def check_fits(input: Tensor, shape: Sequence[int]) -> None:
    """Raise, before anything is made that is as long as one of the sizes, what the result would.

    Raises:
        RuntimeError: a result of this shape and the type of `input` has more elements than can be
            counted, or than memory can be had for (:class:`tallow.OutOfMemoryError`).
    """
    largest = max(shape)
    if largest >= 2**63:
        raise RuntimeError("value cannot be converted to type int64_t without overflow")
    if largest >= _WORTH_ASKING:
        input.new_empty(shape)
