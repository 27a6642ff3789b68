"""Operators of the user by namespace and name: ``tallow.ops.namespace.name(...)``."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["load_library", "loaded_libraries"]

loaded_libraries: set[str] = set()


def load_library(path: Any) -> NoReturn:
    """Raise: shared libraries of operators are linked to libtorch, whose place this package takes.

    Raises:
        OSError: always.
    """
    raise OSError(
        f"load_library: {path}: libraries of operators need libtorch and cannot work with tallow; "
        "define operators in Python with tallow.library.custom_op"
    )


class _Op:
    """An operator as an attribute of its namespace."""

    def __init__(self, qualname: str) -> None:
        self._qualname = qualname
        self.__name__ = qualname.split("::")[1]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from tallow.library import find

        return find(self._qualname)(*args, **kwargs)

    @property
    def default(self) -> _Op:
        """The only overload."""
        return self

    def overloads(self) -> list[str]:
        """Return the names of the overloads."""
        return ["default"]

    def __repr__(self) -> str:
        return f"<OpOverloadPacket(op='{self._qualname.replace('::', '.')}')>"


class _Namespace:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> _Op:
        from tallow.library import OPS

        qualname = f"{self._name}::{name}"
        if qualname not in OPS:
            raise AttributeError(f"'_OpNamespace' {self._name!r} object has no attribute {name!r}")
        return _Op(qualname)

    def __dir__(self) -> list[str]:
        from tallow.library import OPS

        return [name.split("::")[1] for name in OPS if name.split("::")[0] == self._name]

    def __repr__(self) -> str:
        return f"<module 'torch.ops.{self._name}' from 'torch.ops'>"


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _Namespace(name)
