"""Dividing batches among devices: there is one device, the CPU, and nothing to divide."""

from __future__ import annotations

from typing import Any, NoReturn

from tallow._absent import name_absent_ones

__all__ = ["gather", "is_namedtuple", "scatter", "scatter_kwargs"]


def is_namedtuple(obj: Any) -> bool:
    """Tell whether ``obj`` is a tuple whose class names its fields.

    Example:
        >>> from tallow.nn.parallel.scatter_gather import is_namedtuple
        >>> is_namedtuple((1, 2))
        False
    """
    return isinstance(obj, tuple) and hasattr(obj, "_asdict") and hasattr(obj, "_fields")


def _refuse(function: str) -> NoReturn:
    raise NotImplementedError(
        f"nn.parallel.{function}: there are no accelerators to divide a batch among; "
        "nn.DataParallel runs its module as it is"
    )


def scatter(inputs: Any, target_gpus: Any, dim: int = 0) -> NoReturn:
    """Refuse: cutting a batch needs several devices."""
    _refuse("scatter")


def scatter_kwargs(inputs: Any, kwargs: Any, target_gpus: Any, dim: int = 0) -> NoReturn:
    """Refuse: cutting a batch needs several devices."""
    _refuse("scatter_kwargs")


def gather(outputs: Any, target_device: Any, dim: int = 0) -> NoReturn:
    """Refuse: putting a batch together needs several devices."""
    _refuse("gather")


name_absent_ones(__name__)
