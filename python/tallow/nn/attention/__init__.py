"""Which implementation of scaled_dot_product_attention may run: on a CPU there is one."""

from __future__ import annotations

import contextlib
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["SDPBackend", "sdpa_kernel"]


class SDPBackend(Enum):
    """An implementation of attention."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


# PyTorch has these on a CPU; our tiled kernel stands for both.
_ON_CPU = frozenset({SDPBackend.MATH, SDPBackend.FLASH_ATTENTION})


@contextlib.contextmanager
def sdpa_kernel(
    backends: list[SDPBackend] | SDPBackend, set_priority: bool = False
) -> Iterator[None]:
    """Allow only some implementations of attention in a block.

    Args:
        backends: those allowed. One of a CPU's, MATH or FLASH_ATTENTION, has to be among them.
        set_priority: accepted; with one implementation the order does not matter.

    Raises:
        AssertionError: something else than an SDPBackend.
        RuntimeError: only implementations for other devices.

    Example:
        >>> from tallow.nn.attention import SDPBackend, sdpa_kernel
        >>> q = tallow.ones(1, 1, 2, 4)
        >>> with sdpa_kernel(SDPBackend.MATH):
        ...     tallow.nn.functional.scaled_dot_product_attention(q, q, q).shape
        tallow.Size([1, 1, 2, 4])
    """
    if not isinstance(backends, list | SDPBackend):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances, "
            f"got {type(backends).__name__}"
        )
    chosen = [backends] if isinstance(backends, SDPBackend) else backends
    if not _ON_CPU.intersection(chosen):
        raise RuntimeError(
            "No viable backend for scaled_dot_product_attention was found. "
            f"sdpa_kernel: expected MATH or FLASH_ATTENTION among them, got {chosen}"
        )
    yield
