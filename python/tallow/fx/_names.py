"""How the functions, types and operators of a graph are called in its code."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from typing import Any

import tallow

__all__ = ["CUSTOM_BUILTINS", "Namespace", "is_ours", "qualified_name", "root_name", "snake_case"]


def root_name() -> str:
    """Return what the package is called in this process."""
    return tallow.__name__


# Where functions are looked for, in this order.
_PLACES = ("functional", "", "_C._nn", "nn.functional", "Tensor", "linalg", "fft", "special")


# Names that code can use without an import, with the statement that a file would need.
CUSTOM_BUILTINS: dict[str, tuple[str, Any]] = {
    "inf": ("from math import inf", float("inf")),
    "nan": ("from math import nan", float("nan")),
    "NoneType": ("NoneType = type(None)", type(None)),
    "torch": ("import torch", tallow),
    "tallow": ("import tallow", tallow),
    "device": ("from torch import device", tallow.device),
}


def is_ours(obj: Any) -> bool:
    """Tell whether an object is the package's, and can be named by its path."""
    module = getattr(obj, "__module__", None)
    if module is not None:
        return str(module).partition(".")[0] in ("tallow", "torch")
    # Functions of other libraries without a module are those of operators.
    return type(obj).__module__.startswith(("tallow.", "torch."))


def _at(path: str) -> Any:
    found: Any = tallow
    for part in path.split(".") if path else ():
        found = getattr(found, part, None)
    return found


def qualified_name(function: Any) -> str:
    """Return the path of a function: ``torch.nn.functional.relu``, ``math.sqrt``, ``getattr``.

    Raises:
        RuntimeError: the function has no place that code could name.
    """
    name = getattr(function, "__name__", None)
    if name is None:
        name = str(function)
    if getattr(builtins, name, None) is function:
        return str(name)
    if is_ours(function):
        if not hasattr(function, "__name__"):  # an operator of tallow.ops
            return f"{root_name()}.ops.{name}"
        for place in _PLACES:
            if getattr(_at(place), name, None) is function:
                return ".".join(part for part in (root_name(), place, name) if part)
    module = getattr(function, "__module__", None) or ""
    home = sys.modules.get(module)
    qualname = getattr(function, "__qualname__", name)
    if name == "<lambda>" or home is None:
        raise RuntimeError(f"fx: {function!r} has no name that code can call it by")
    if getattr(home, name, None) is not function and "." in qualname:
        name = qualname
    prefix, _, rest = module.partition(".")
    if prefix in ("tallow", "torch"):
        module = f"{root_name()}.{rest}" if rest else root_name()
    return f"{'operator' if module == '_operator' else module}.{name}"


def snake_case(text: str) -> str:
    """Return ``AuxLogits.conv`` as ``aux_logits.conv``."""
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", text).lower()


class Namespace:
    """Gives names that are identifiers, and each only once."""

    def __init__(self) -> None:
        self._objects: dict[Any, str] = {}
        self._used: set[str] = set()
        self._count: dict[str, int] = {}

    def create_name(self, candidate: str, obj: Any) -> str:
        """Return the name of an object, or make one from a candidate; None makes another one."""
        if obj is not None and id(obj) in self._objects:
            return self._objects[id(obj)]
        candidate = re.sub(r"[^0-9a-zA-Z_]+", "_", candidate) or "_unnamed"
        if candidate[0].isdigit():
            candidate = f"_{candidate}"
        match = re.match(r"(.*)_(\d+)$", candidate)
        base, number = (match[1], int(match[2])) if match else (candidate, None)
        if number is None or candidate in self._used:
            number = self._count.get(candidate, 0)
            if self._is_taken(candidate, obj):
                number += 1
                candidate = f"{candidate}_{number}"
        while candidate in self._used:
            number += 1
            candidate = f"{base}_{number}"
        self._used.add(candidate)
        self._count[base] = number
        if obj is not None:
            self._objects[id(obj)] = candidate
        return candidate

    def associate(self, name: str, obj: Any) -> None:
        """Let an object have a name that was made without it."""
        self._objects[id(obj)] = name

    def release(self, obj: Any) -> None:
        """Forget an object, whose id another one may get; its name stays taken."""
        self._objects.pop(id(obj), None)

    def _is_taken(self, name: str, obj: Any) -> bool:
        if keyword.iskeyword(name):
            return True
        if hasattr(builtins, name):
            return obj is not getattr(builtins, name)
        return name in CUSTOM_BUILTINS and obj is not CUSTOM_BUILTINS[name][1]
