"""Extensions in C++ that are linked to libtorch, whose place this package takes."""

from __future__ import annotations

from typing import Any, NoReturn

from tallow._absent import name_absent_ones

__all__ = ["CUDA_HOME", "load", "load_inline"]

CUDA_HOME = None


def load(name: str, *args: Any, **kwargs: Any) -> NoReturn:
    """Raise.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(
        f"cpp_extension: {name}: extensions need libtorch and cannot work with tallow; define "
        "operators in Python with tallow.library.custom_op"
    )


load_inline = load

name_absent_ones(__name__)
