"""Operators of the user by namespace and name: ``tallow.ops.namespace.name(...)``."""

from __future__ import annotations

from typing import Any

__all__ = ["load_library", "loaded_libraries"]

loaded_libraries: set[str] = set()
refused_libraries: set[str] = set()


def load_library(path: Any) -> None:
    """Raise: shared libraries of operators are linked to libtorch, whose place this package takes.

    In the place of torchvision's library the package has operators of its own.

    Raises:
        OSError: any other library.
    """
    from pathlib import PurePath

    library = PurePath(path)
    if library.parent.name == "torchvision" and library.name.split(".")[0] == "_C":
        import tallow._vision  # noqa: F401 - defines them

        loaded_libraries.add(str(path))
        return
    refused_libraries.add(str(path))
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


# What tensor subclasses of PyTorch tell apart in __torch_dispatch__, which is not called here.
_INTERNAL = frozenset(
    [
        "_pin_memory",
        "_sparse_addmm",
        "_sparse_mm_reduce_impl",
        "_to_copy",
        "alias",
        "index",
        "slice",
    ]
)


class _Builtin:
    """A function of the top level under its name in ``aten``; each overload is the same function.

    Args:
        function: what it calls; without one it refuses.
        name: with the namespace and, for an overload, that.
    """

    def __init__(self, function: Any, name: str) -> None:
        self._function = function
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._function is None:
            raise NotImplementedError(f"ops.{self._name} is known by name only")
        return self._function(*args, **kwargs)

    def __repr__(self) -> str:
        return self._name

    def __getattr__(self, overload: str) -> _Builtin:
        if overload.startswith("__") or self._name.count(".") > 1:
            raise AttributeError(f"{self._name!r} has no attribute {overload!r}")
        operator = _Builtin(self._function, f"{self._name}.{overload}")
        setattr(self, overload, operator)
        return operator


_builtins: dict[str, _Builtin] = {}


def _builtin(name: str) -> _Builtin | None:
    if name not in _builtins and name[:2] != "__":
        import tallow

        # Changes in place are methods only.
        function = getattr(tallow, name, None) or getattr(tallow.Tensor, name, None)
        if not callable(function) or isinstance(function, type):
            function = None
        if function is not None or name in _INTERNAL:
            _builtins[name] = _Builtin(function, f"aten.{name}")
    return _builtins.get(name)


class _Namespace:
    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> _Op | _Builtin:
        from tallow.library import OPS

        qualname = f"{self._name}::{name}"
        if qualname not in OPS:
            builtin = _builtin(name) if self._name == "aten" else None
            if builtin is not None:
                return builtin
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
