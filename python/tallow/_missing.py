"""Which ``torch`` names do scripts use that this package does not have?"""

from __future__ import annotations

import ast
import importlib
from types import ModuleType
from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["missing_names", "report"]


class _Uses(ast.NodeVisitor):
    """Collects the dotted torch names of one script with the lines they stand on."""

    def __init__(self) -> None:
        self.bound: dict[str, str] = {}  # name in the script -> dotted torch name
        self.found: list[tuple[str, int]] = []

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.split(".")[0] == "torch":
                self.found.append((alias.name, node.lineno))
                self.bound[alias.asname or "torch"] = alias.name if alias.asname else "torch"

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level or not node.module or node.module.split(".")[0] != "torch":
            return
        for alias in node.names:
            name = node.module if alias.name == "*" else f"{node.module}.{alias.name}"
            self.found.append((name, node.lineno))
            self.bound[alias.asname or alias.name] = name

    def visit_Attribute(self, node: ast.Attribute) -> None:
        parts: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            parts.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name) and inner.id in self.bound:
            dotted = ".".join([self.bound[inner.id], *reversed(parts)])
            self.found.append((dotted, node.lineno))
        else:
            self.visit(inner)


class _Absent(Exception):
    """A name that cannot be found: the shortest dotted prefix that fails."""


def _child(owner: Any, path: str, name: str) -> Any:
    try:
        return getattr(owner, name)
    except AttributeError:
        pass
    except ImportError:  # the name is here, and needs an optional package that is not
        return None
    if isinstance(owner, ModuleType):
        try:
            return importlib.import_module(f"{owner.__name__}.{name}")
        except ModuleNotFoundError:
            pass
    raise _Absent(f"{path}.{name}")


def _check(dotted: str) -> None:
    """Walk a dotted name through modules and classes; what lies in instances cannot be known."""
    owner: Any = tallow
    path = "torch"
    for name in dotted.split(".")[1:]:
        if not isinstance(owner, (ModuleType, type)):
            return
        owner = _child(owner, path, name)
        path = f"{path}.{name}"


def missing_names(source: str, filename: str = "<script>") -> dict[str, list[int]]:
    r"""List the torch names in a program that this package lacks.

    Args:
        source: text of the program.
        filename: shown in syntax errors.

    Returns:
        Each missing name with the lines that use it.

    Example:
        >>> missing_names("import torch\ntorch.no_such_thing(torch.ones(1))")
        {'torch.no_such_thing': [2]}
    """
    uses = _Uses()
    uses.visit(ast.parse(source, filename))
    missing: dict[str, set[int]] = {}
    for dotted, line in uses.found:
        try:
            _check(dotted)
        except _Absent as absent:
            missing.setdefault(str(absent), set()).add(line)
    return {name: sorted(lines) for name, lines in sorted(missing.items())}


def report(paths: Iterable[str]) -> list[str]:
    """Return one line per script and missing name."""
    from tallow import _alias

    lines = []
    with _alias.as_torch():
        for path in paths:
            with open(path, encoding="utf-8") as file:
                missing = missing_names(file.read(), path)
            for name, places in missing.items():
                lines.append(f"{path}: {name} (line {', '.join(map(str, places))})")
    return lines
