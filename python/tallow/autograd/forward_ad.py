"""Dual numbers, which do not exist here: making one is refused with a hint.

Derivatives along a direction come from two backward passes; see :func:`tallow.func.jvp`.
"""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

__all__ = [
    "UnpackedDualTensor",
    "dual_level",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "unpack_dual",
]


class UnpackedDualTensor(NamedTuple):
    """A value and its tangent."""

    primal: Any
    tangent: Any


def _refuse(name: str) -> NoReturn:
    raise NotImplementedError(
        f"forward_ad.{name}: tensors carry no tangents here; use tallow.func.jvp, jacfwd or "
        "linearize, which compute the same derivatives by backward passes"
    )


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> NoReturn:
    """Refuse: tensors carry no tangents.

    Raises:
        NotImplementedError: always.
    """
    _refuse("make_dual")


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """Return the tensor and, in the place of its tangent, None: tensors carry none.

    Example:
        >>> from tallow.autograd import forward_ad
        >>> forward_ad.unpack_dual(tallow.ones(1)).tangent is None
        True
    """
    return UnpackedDualTensor(tensor, None)


def enter_dual_level() -> NoReturn:
    """Refuse: tensors carry no tangents.

    Raises:
        NotImplementedError: always.
    """
    _refuse("enter_dual_level")


def exit_dual_level(*, level: int | None = None) -> NoReturn:
    """Refuse: tensors carry no tangents.

    Raises:
        NotImplementedError: always.
    """
    _refuse("exit_dual_level")


class dual_level:
    """Refuse when entered: tensors carry no tangents."""

    def __enter__(self) -> NoReturn:
        _refuse("dual_level")

    def __exit__(self, *exc_info: object) -> None:
        """Do nothing; it cannot have been entered."""
