"""Attention with a program for the scores, which needs a compiler: known by name only."""

from __future__ import annotations

from typing import Any, NoReturn

from tallow._absent import name_absent_ones

__all__ = ["AuxRequest", "BlockMask", "create_block_mask", "create_mask", "flex_attention"]

_DEFAULT_SPARSE_BLOCK_SIZE = 128


def _refuse(name: str) -> NoReturn:
    raise NotImplementedError(
        f"nn.attention.flex_attention.{name}: not supported; use "
        "nn.functional.scaled_dot_product_attention with attn_mask"
    )


class BlockMask:
    """Which blocks of scores are used: none can be made."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse("BlockMask")


class AuxRequest:
    """Which further results are wanted: none can be had."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _refuse("AuxRequest")


def create_block_mask(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse."""
    _refuse("create_block_mask")


def create_mask(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse."""
    _refuse("create_mask")


def flex_attention(*args: Any, **kwargs: Any) -> NoReturn:
    """Refuse."""
    _refuse("flex_attention")


name_absent_ones(__name__)
