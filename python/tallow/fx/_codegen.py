"""The source of a graph, as a function ``forward``."""

from __future__ import annotations

import enum
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import tallow
from tallow.fx._names import CUSTOM_BUILTINS, Namespace, is_ours, qualified_name, root_name
from tallow.fx.node import Node, type_repr

if TYPE_CHECKING:
    from tallow.fx.graph import Graph

__all__ = ["PythonCode", "last_uses", "path_expression", "write"]

_SIGNS = (
    *("add +", "sub -", "mul *", "floordiv //", "truediv /", "mod %", "pow **", "lshift <<"),
    *("rshift >>", "and_ &", "or_ |", "xor ^", "matmul @", "eq ==", "ne !=", "lt <", "gt >"),
    *("le <=", "ge >="),
)
_BINARY = dict(pair.split(" ") for pair in _SIGNS)
_IN_PLACE = {f"i{name.strip('_')}": f"{sign}=" for name, sign in _BINARY.items() if "=" not in sign}
_UNARY = {"pos": "+", "neg": "-", "invert": "~"}


class PythonCode(NamedTuple):
    """A function's source, and the names that it uses."""

    src: str
    globals: dict[str, Any]


def path_expression(root: str, target: str) -> str:
    """Return the code of an attribute of an attribute; numbers are no names."""
    for part in target.split("."):
        root = f"{root}.{part}" if part.isidentifier() else f'getattr({root}, "{part}")'
    return root


class _Writer:
    def __init__(self, graph: Graph, root_module: str) -> None:
        self.graph, self.root = graph, root_module
        self.globals: dict[str, Any] = {}
        self.names = Namespace()
        self.parameters: list[str] = []
        self.returned = ""
        self.wrapped: dict[str, None] = {}
        for name, (_, value) in CUSTOM_BUILTINS.items():
            if name not in ("torch", "tallow") or name == root_name():
                self.add_global(name, value)

    def add_global(self, hint: str, obj: Any) -> str:
        """Return the code that names an object."""
        if is_ours(obj) and obj is not tallow.device:
            return qualified_name(obj)
        name = self.names.create_name(hint.replace(".", "_"), obj)
        self.globals[name] = obj
        return name

    def type_name(self, annotation: Any) -> str:
        """The code of a type."""
        if annotation is None:
            return "None"
        if isinstance(annotation, list):
            return f"[{','.join(map(self.type_name, annotation))}]"
        origin = getattr(annotation, "__origin__", None)
        if origin is None:
            return (
                "..." if annotation is ... else self.add_global(type_repr(annotation), annotation)
            )
        # typing.List[int] is made of typing.List, list[int] of list, Optional[int] of Union.
        base = origin
        if annotation.__class__.__module__ == "typing" and annotation._name not in (
            None,
            "Optional",
        ):
            base = getattr(sys.modules["typing"], annotation._name)
        name = getattr(base, "_name", None)
        hint = f"typing_{name}" if name else type_repr(base)
        inner = ",".join(map(self.type_name, annotation.__args__))
        return f"{self.add_global(hint, base)}[{inner or '()'}]"

    def value(self, arg: Any) -> str:
        """The code of an argument."""
        if isinstance(arg, Node):
            return arg.name
        if isinstance(arg, tuple) and hasattr(arg, "_fields"):
            return f"{self.add_global(type_repr(type(arg)), type(arg))}{self._tuple(arg)}"
        if isinstance(arg, tuple):
            return self._tuple(arg)
        if isinstance(arg, list):
            return f"[{', '.join(map(self.value, arg))}]"
        if isinstance(arg, dict):
            return "{" + ", ".join(f"{k!r}: {self.value(v)}" for k, v in arg.items()) + "}"
        if isinstance(arg, slice):
            return f"slice({', '.join(map(self.value, (arg.start, arg.stop, arg.step)))})"
        if isinstance(arg, enum.Enum):
            return f"{self.add_global(type_repr(type(arg)), type(arg))}.{arg.name}"
        if isinstance(arg, tallow.dtype | tallow.layout | tallow.memory_format):
            return re.sub(r"^(tallow|torch)\.", f"{root_name()}.", repr(arg))
        if isinstance(arg, tallow.Tensor):
            return f"{root_name()}.tensor({arg.tolist()!r}, dtype={self.value(arg.dtype)})"
        if isinstance(arg, type) or (callable(arg) and hasattr(arg, "__name__")):
            return self.add_global(getattr(arg, "__name__", "value"), arg)
        return repr(arg)

    def _tuple(self, arg: tuple[Any, ...]) -> str:
        return f"({', '.join(map(self.value, arg))}{',' if len(arg) == 1 else ''})"

    def arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
        """The code between the parentheses of a call."""
        named = [f"{key} = {self.value(arg)}" for key, arg in kwargs.items()]
        return ", ".join([*map(self.value, args), *named])

    def step(self, node: Node) -> str:
        """The code of a step, without the removal of what it used last."""
        typed = "" if node.type is None else f" : {self.type_name(node.type)}"
        if node.op == "placeholder":
            return self._placeholder(node, typed)
        if node.op == "output":
            if node.type is not None:
                self.returned = f" -> {self.type_name(node.type)}"
            return f"return {self.value(node.args[0])}"
        if node.op == "call_function":
            return self._call_function(node, typed)
        if node.op == "call_method":
            value = f"{self._object(node.args[0])}.{node.target}"
            value += f"({self.arguments(node.args[1:], node.kwargs)})"
        elif node.op == "call_module":
            value = f"{path_expression(self.root, node.target)}"
            value += f"({self.arguments(node.args, node.kwargs)})"
        else:
            value = path_expression(self.root, node.target)
        return f"{node.name}{typed} = {value}"

    def _object(self, arg: Any) -> str:
        """The code before a dot."""
        text = self.value(arg)
        return text if isinstance(arg, Node) else f"({text})"

    def _placeholder(self, node: Node, typed: str) -> str:
        default = f" = {self.value(node.args[0])}" if node.args else ""
        self.parameters.append(f"{node.target}{typed}{default}")
        plain = node.target.replace("*", "")
        return "" if plain == node.name else f"{node.name} = {plain}"

    def _call_function(self, node: Node, typed: str) -> str:
        target, args = node.target, node.args
        name = getattr(target, "__name__", "")
        head = f"{node.name}{typed} = "
        if getattr(target, "__module__", None) == "_operator" and not node.kwargs:
            values = [self.value(arg) for arg in args]
            if name in _BINARY and len(args) == 2:
                return f"{head}{values[0]} {_BINARY[name]} {values[1]}"
            if name in _UNARY and len(args) == 1:
                return f"{head}{_UNARY[name]}{values[0]}"
            if name == "getitem" and len(args) == 2:
                return f"{head}{values[0]}[{values[1]}]"
            if name in _IN_PLACE and len(args) == 2:
                return f"{values[0]} {_IN_PLACE[name]} {values[1]};  {head}{values[0]}"
        if target is getattr and len(args) == 2 and str(args[1]).isidentifier():
            return f"{head}{self._object(args[0])}.{args[1]}"
        path = self.add_global(qualified_name(target), target)
        if node.meta.get("is_wrapped", False):
            self.wrapped.setdefault(path)
        return f"{head}{path}({self.arguments(args, node.kwargs)})"


def last_uses(graph: Graph) -> dict[Node, list[Node]]:
    """Return the results that are not used after each step."""
    seen: set[Node] = set()
    result: dict[Node, list[Node]] = {}

    for node in reversed(graph.nodes):
        for used in node.all_input_nodes:
            if used not in seen:
                seen.add(used)
                result.setdefault(node, []).append(used)
    return result


def write(graph: Graph, root_module: str) -> PythonCode:
    """Return the source of a graph."""
    writer = _Writer(graph, root_module)
    last = last_uses(graph)
    body = ""
    for node in graph.nodes:
        line = writer.step(node)
        if node.op == "placeholder":
            body += f"{line}\n" if line else ""
        elif node.op == "output":
            body += f"{line}\n"
        else:
            removed = [*last.get(node, ()), *(() if node.users else (node,))]
            names = " = ".join([*(used.name for used in removed), "None"])
            body += f"{line};  {names}\n" if removed else f"{line}\n"
    body = "\n".join(f"    {line}" for line in (body or "pass\n").split("\n"))
    wrapped = "\n".join(
        f'{root_name()}.fx._symbolic_trace.wrap("{name}")' for name in writer.wrapped
    )
    parameters = "".join(f", {one}" for one in writer.parameters)
    head = f"def forward({root_module}{parameters}){writer.returned}:"
    text = head + body
    used = {name: value for name, value in writer.globals.items() if _is_used(name, text)}
    return PythonCode(f"\n{wrapped}\n\n{head}\n{body}", used | {root_name(): tallow})


def _is_used(name: str, text: str) -> bool:
    return name in CUSTOM_BUILTINS or re.search(rf"\b{re.escape(name)}\b", text) is not None
