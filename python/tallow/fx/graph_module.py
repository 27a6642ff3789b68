"""Modules whose ``forward`` is written by a graph."""

from __future__ import annotations

import copy
import itertools
import linecache
from typing import TYPE_CHECKING, Any

import tallow
from tallow.fx._names import CUSTOM_BUILTINS, root_name
from tallow.fx.graph import Graph, PythonCode
from tallow.nn import Module, Parameter

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["GraphModule", "reduce_graph_module"]

_USER_PRESERVED_ATTRIBUTES_KEY = "_user_preserved_attributes"
_numbers = itertools.count()
_HOOKS = (
    "_state_dict_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


def _compile(code: PythonCode) -> Callable[..., Any]:
    """The function ``forward`` of some source, which tracebacks can show."""
    name = f"<eval_with_key>.{next(_numbers)}"
    lines = code.src.splitlines(keepends=True)
    linecache.cache[name] = (len(code.src), None, lines, name)
    scope = dict(code.globals)
    exec(compile(code.src, name, "exec", dont_inherit=True), scope)
    return scope["forward"]


def _copy_attr(from_module: Module, to_module: Module, target: str) -> None:
    """Let a module have the attribute of another one, with modules on the way to it."""
    *prefix, field = target.split(".")
    for item in prefix:
        source, place = getattr(from_module, item), getattr(to_module, item, None)
        if source is place:
            return
        if place is None:
            place = Module()
            setattr(to_module, item, place)
        from_module, to_module = source, place
    value = getattr(from_module, field)
    if isinstance(value, tallow.Tensor) and not isinstance(value, Parameter):
        to_module.register_buffer(field, value)
    else:
        setattr(to_module, field, value)


def _assign_attr(from_obj: Any, to_module: Module, target: str) -> None:
    """Give a module an attribute at a path."""
    *prefix, field = target.split(".")
    for item in prefix:
        place = getattr(to_module, item, None)
        if place is None:
            place = Module()
            setattr(to_module, item, place)
        to_module = place
    if isinstance(from_obj, tallow.Tensor) and not isinstance(from_obj, Parameter):
        to_module.register_buffer(field, from_obj)
    else:
        setattr(to_module, field, from_obj)


class _CodeOnlyModule(Module):
    """A module of given attributes."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__()
        self.__dict__ = body


def _import_block(names: dict[str, Any]) -> str:
    """The statements that make the names of some source."""
    lines = []
    for name, value in names.items():
        if name in CUSTOM_BUILTINS:
            lines.append(CUSTOM_BUILTINS[name][0])
        else:
            path = value.__qualname__
            first, _, rest = path.partition(".")
            lines.append(f"from {value.__module__} import {first} as {name}")
            if rest:
                lines.append(f"{name} = {name}.{rest}")
    return "\n".join(lines).replace("torch", root_name())


def reduce_graph_module(body: dict[str, Any], import_block: str) -> Module:
    """Make a graph module again from what is saved of it: its attributes and its code."""
    from tallow.fx._symbolic_trace import Tracer

    scope: dict[str, Any] = {}
    exec(import_block, scope)
    forward = _compile(PythonCode(body["_code"], scope))
    tracer_class = body.get("_tracer_cls") or Tracer

    class KeepModules(tracer_class):  # type: ignore[misc, valid-type]
        def is_leaf_module(self, m: Module, module_qualname: str) -> bool:
            return True

    module = _CodeOnlyModule(body)
    named = type(body["_graphmodule_cls_name"], (_CodeOnlyModule,), {"forward": forward})
    module.__class__ = named
    graph = KeepModules().trace(module)
    graph._tracer_cls = tracer_class
    result = GraphModule(module, graph, body["_graphmodule_cls_name"])
    result.meta = body["meta"]
    for key, value in body.items():
        if not hasattr(result, key):
            setattr(result, key, value)
    return result


class GraphModule(Module):
    """A module made of a graph: `forward` is its source, compiled.

    Args:
        root: has the modules and attributes that the graph names; or a dictionary of them by path.
        graph: the steps.
        class_name: the name of the class.

    Raises:
        RuntimeError: the dictionary lacks one, or `root` is neither.

    Example:
        >>> graph = tallow.fx.Graph()
        >>> x = graph.placeholder("x")
        >>> _ = graph.output(graph.call_module("scale", (x,)))
        >>> module = GraphModule({"scale": tallow.nn.Identity()}, graph)
        >>> module(tallow.ones(2))
        tensor([1., 1.])
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> GraphModule:  # noqa: D102
        # Each has a class of its own, whose `forward` it is.
        base = next(one for one in cls.__mro__ if "_is_made" not in vars(one))
        made = type("GraphModuleImpl", (base,), {"_is_made": True, "__module__": base.__module__})
        return super().__new__(made)

    def __init__(
        self, root: Module | dict[str, Any], graph: Graph, class_name: str = "GraphModule"
    ) -> None:
        super().__init__()
        type(self).__name__ = class_name
        named = [node for node in graph.nodes if node.op in ("get_attr", "call_module")]
        if isinstance(root, Module):
            self.training = getattr(root, "training", True)
            for node in named:
                _copy_attr(root, self, node.target)
        elif isinstance(root, dict):
            for node in sorted(named, key=lambda node: node.target.count(".")):
                if node.target not in root:
                    raise RuntimeError(
                        f"Node {node} referenced target {node.target} but that target was not "
                        "provided in ``root``!"
                    )
                _assign_attr(root[node.target], self, node.target)
        else:
            raise RuntimeError(f"Unsupported type {root} passed for root!")
        self.graph = graph
        tracer = graph._tracer_cls
        self._tracer_cls = tracer if tracer and "<locals>" not in tracer.__qualname__ else None
        self.meta: dict[str, Any] = {}

    @property
    def graph(self) -> Graph:
        """The steps; setting them compiles."""
        return self._graph

    @graph.setter
    def graph(self, g: Graph) -> None:
        if not isinstance(g, Graph):
            raise AssertionError(f"Expected a Graph instance, but got {type(g)}")
        self._graph = g
        g.owning_module = self
        self.recompile()

    @property
    def code(self) -> str:
        """The source of `forward`."""
        return self._code

    def recompile(self) -> PythonCode:
        """Write `forward` again after the graph was changed, and return its source."""
        code = self._graph.python_code("self")
        self._code = code.src
        type(self).forward = _compile(code)
        return code

    def print_readable(self, print_output: bool = True, **options: Any) -> str:
        """Return the source as that of a class, and of the graph modules inside; maybe print it.

        Args:
            print_output: also print it.
            options: of PyTorch's printing, must be off.

        Raises:
            NotImplementedError: an option is on.
        """
        for name, value in options.items():
            if value:
                raise NotImplementedError(f"print_readable: {name}={value!r} is not supported")
        parts = [self._code.lstrip("\n")]
        parts += [
            child.print_readable(False)
            for child in self.children()
            if isinstance(child, GraphModule)
        ]
        body = "\n".join(part.rstrip(" ") for part in parts).replace("\n", "\n    ").rstrip(" ")
        text = f"class {type(self).__name__}({root_name()}.nn.Module):\n    {body}"
        if print_output:
            print(text)  # noqa: T201  # what it is for
        return text

    # --- submodules ---

    def add_submodule(self, target: str, m: Module) -> bool:
        """Put a module at a path; tell whether there was room for it."""
        *prefix, field = target.split(".")
        place: Any = self
        for item in prefix:
            following = getattr(place, item, None)
            if following is None:
                following = Module()
                setattr(place, item, following)
            if not isinstance(following, Module):
                return False
            place = following
        place.add_module(field, m)
        return True

    def delete_submodule(self, target: str) -> bool:
        """Remove the module at a path; tell whether there was one."""
        *prefix, field = target.split(".")
        place: Any = self
        for item in prefix:
            place = getattr(place, item, None)
            if not isinstance(place, Module):
                return False
        if not isinstance(getattr(place, field, None), Module):
            return False
        delattr(place, field)
        return True

    def delete_all_unused_submodules(self) -> None:
        """Remove the modules that no step uses."""
        used: set[str] = set()
        for node in self.graph.nodes:
            if node.op not in ("call_module", "get_attr"):
                continue
            parts = node.target.split(".")
            used.update(".".join(parts[: k + 1]) for k in range(len(parts)))
            if node.op == "call_module":
                inner = self.get_submodule(node.target)
                used.update(f"{node.target}.{path}" for path, _ in inner.named_modules() if path)
        for path in [path for path, _ in self.named_modules() if path and path not in used]:
            self.delete_submodule(path)

    # --- copies and files ---

    def _deepcopy_init(self) -> Any:
        """The constructor that copies are made with."""
        return GraphModule.__init__

    def __deepcopy__(self, memo: dict[int, Any]) -> GraphModule:
        result = type(self).__new__(type(self))
        memo[id(self)] = result
        body = _CodeOnlyModule(copy.deepcopy(self.__dict__, memo))
        self._deepcopy_init()(result, body, body.__dict__["_graph"])
        for name in _HOOKS:
            if name in self.__dict__:
                setattr(result, name, copy.deepcopy(self.__dict__[name], memo))
        result.meta = copy.deepcopy(getattr(self, "meta", {}), memo)
        for name, value in result.meta.get(_USER_PRESERVED_ATTRIBUTES_KEY, {}).items():
            setattr(result, name, value)
        return result

    def __copy__(self) -> GraphModule:
        result = GraphModule(self, self.graph, type(self).__name__)
        result.meta = getattr(self, "meta", {})
        return result

    def __reduce__(self) -> Any:
        body = self.__dict__.copy()
        body["_graphmodule_cls_name"] = type(self).__name__
        names = self._graph.python_code("self").globals
        body.pop("_graph")
        return reduce_graph_module, (body, _import_block(names))

    def __str__(self) -> str:
        lines = (
            super().__str__(),
            self._code,
            "# To see more debug info, please use `graph_module.print_readable()`",
        )
        return "\n".join(lines)
