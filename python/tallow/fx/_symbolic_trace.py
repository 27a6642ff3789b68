"""Recording a program by calling it with values that note what is done with them."""

from __future__ import annotations

import functools
import inspect
import math
from types import FunctionType
from typing import TYPE_CHECKING, Any

import tallow
from tallow._symbols import _assert
from tallow.fx._patching import (
    _autowrap_check,
    _patch_wrapped_functions,
    _Patcher,
    compatibility,
    wrap,
)
from tallow.fx.graph import Graph
from tallow.fx.graph_module import GraphModule
from tallow.fx.proxy import Proxy, TracerBase
from tallow.nn import Module, Parameter, Sequential

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tallow import Tensor


# With names that packages with a tracer of their own build it of.
__all__ = [
    "FunctionType",
    "ScriptObject",
    "Tracer",
    "compatibility",
    "is_fx_tracing",
    "symbolic_trace",
    "wrap",
]

_orig_module_call = Module.__call__
_orig_module_getattr = Module.__getattr__
_tracing = 0


class ScriptObject:
    """A value of PyTorch's compiler: never, so that ``isinstance`` answers no."""


def is_fx_tracing() -> bool:
    """Tell whether a trace is under way."""
    return _tracing > 0


class Tracer(TracerBase):
    """Records programs; subclasses decide which modules are single steps.

    Args:
        autowrap_modules: modules whose functions are single steps.
        autowrap_functions: functions that are.
        param_shapes_constant: must be False: shapes of parameters are steps.

    Raises:
        NotImplementedError: `param_shapes_constant`.
    """

    def __init__(
        self,
        autowrap_modules: tuple[ModuleType, ...] = (math,),
        autowrap_functions: tuple[Callable[..., Any], ...] = (),
        param_shapes_constant: bool = False,
    ) -> None:
        super().__init__()
        if param_shapes_constant:
            raise NotImplementedError("Tracer: param_shapes_constant=True is not supported")
        self._autowrap_search = list(autowrap_modules)
        self._autowrap_function_ids = {id(function) for function in autowrap_functions}
        for module in autowrap_modules:
            for name, value in vars(module).items():
                if not name.startswith("_") and callable(value):
                    self._autowrap_function_ids.add(id(value))
        self.root: Module = Module()
        self.proxy_buffer_attributes = False
        self.submodule_paths: dict[Module, str] | None = None
        self.tensor_attrs: dict[Tensor, str] = {}

    # --- what subclasses override ---

    def is_leaf_module(self, m: Module, module_qualname: str) -> bool:
        """Tell whether a module is a single step: those of ``nn`` are, but for Sequential.

        Args:
            m: the module.
            module_qualname: its path in the root.
        """
        return m.__module__.startswith(("tallow.nn", "torch.nn")) and not isinstance(m, Sequential)

    def path_of_module(self, mod: Module) -> str:
        """Return the path of a module in the root.

        Raises:
            NameError: the root does not have it.
        """
        paths = self.submodule_paths
        if paths is None:
            paths = {module: path for path, module in self.root.named_modules()}
        if mod not in paths:
            raise NameError("module is not installed as a submodule")
        return paths[mod]

    def call_module(
        self, m: Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Record a call of a module, as a step or by calling it.

        Args:
            m: the module.
            forward: calls it.
            args: positional arguments.
            kwargs: named ones.
        """
        path = self.path_of_module(m)
        if not self.is_leaf_module(m, path):
            return forward(*args, **kwargs)
        return self.create_proxy("call_module", path, args, kwargs)

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Proxy]) -> Any:
        """Return what an attribute of a module is in the trace: a value for a parameter.

        Args:
            attr: the name.
            attr_val: the attribute.
            parameter_proxy_cache: values that were made, by path.
        """
        kinds: list[Any] = [self.root.named_parameters()] if isinstance(attr_val, Parameter) else []
        if self.proxy_buffer_attributes and isinstance(attr_val, tallow.Tensor) and not kinds:
            kinds = [self.root.named_buffers()]
        for named in kinds:
            for path, one in named:
                if one is attr_val:
                    if path not in parameter_proxy_cache:
                        made = self.create_proxy("get_attr", path, (), {})
                        parameter_proxy_cache[path] = made
                    return parameter_proxy_cache[path]
        return attr_val

    def create_arg(self, a: Any) -> Any:
        """Return what stands for a value in a step; tensors are attributes of the root.

        Raises:
            NameError: a parameter that the root does not have.
            NotImplementedError: nothing can stand for it.
        """
        if isinstance(a, Parameter):
            for path, one in self.root.named_parameters():
                if one is a:
                    return self.create_node("get_attr", path, (), {})
            raise NameError("parameter is not a member of this module")
        if isinstance(a, tallow.Tensor):
            if a not in self.tensor_attrs:
                name = self.get_fresh_qualname("_tensor_constant")
                setattr(self.root, name, a)
                self.tensor_attrs[a] = name
            return self.create_node("get_attr", self.tensor_attrs[a], (), {})
        if isinstance(a, tuple) and hasattr(a, "_fields"):
            args = tuple(self.create_arg(item) for item in a)
            return self.create_node("call_function", type(a), args, {})
        return super().create_arg(a)

    def get_fresh_qualname(self, prefix: str) -> str:
        """Return a name that the root does not have yet."""
        number = 0
        while hasattr(self.root, f"{prefix}{number}"):
            number += 1
        return f"{prefix}{number}"

    # --- tracing ---

    def trace(
        self, root: Module | Callable[..., Any], concrete_args: dict[str, Any] | None = None
    ) -> Graph:
        """Record a module or a function.

        Args:
            root: what is recorded.
            concrete_args: values of arguments that the program may ask for: numbers, bools,
                strings or None. The graph checks that it gets the same.

        Raises:
            TraceError: control flow depends on a value.
        """
        global _tracing
        if isinstance(root, Module):
            self.root, function = root, getattr(type(root), self.traced_func_name)
            self.submodule_paths = {module: path for path, module in root.named_modules()}
        else:
            self.root, function = Module(), root
            self.submodule_paths = None
        self.graph = Graph(tracer_cls=type(self))
        self.tensor_attrs = _tensors_of(self.root)
        program, args = self.create_args_for_root(function, isinstance(root, Module), concrete_args)
        _tracing += 1
        try:
            with _Patcher() as patches:
                self._patch(patches, getattr(inspect.unwrap(function), "__globals__", {}))
                returned = _annotations(inspect.unwrap(function)).get("return")
                result = self.create_arg(program(*args))
                self.create_node("output", "output", (result,), {}, type_expr=returned)
        finally:
            _tracing -= 1
            self.submodule_paths = None
        return self.graph

    def create_args_for_root(
        self, root_fn: Any, is_module: bool, concrete_args: dict[str, Any] | None = None
    ) -> tuple[Any, list[Any]]:
        """Return the function to call, and its arguments, for which the graph gets placeholders.

        Args:
            root_fn: what is recorded.
            is_module: its first argument is the module.
            concrete_args: see :meth:`trace`.

        Raises:
            RuntimeError: a method without an argument for the module.
        """
        plain = inspect.unwrap(root_fn)
        code, types = plain.__code__, _annotations(plain)
        defaults = inspect.signature(plain).parameters
        count = code.co_argcount + code.co_kwonlyargcount
        names = list(code.co_varnames[:count])
        args: list[Any] = []
        if is_module:
            if not count and not code.co_flags & inspect.CO_VARARGS:
                raise RuntimeError("`self` argument cannot be part of *args expansion!")
            args.append(self.root)
            names = names[1:]
        concrete = concrete_args or {}
        order = [name for name in names if name in concrete]
        for name in names:
            shown = f"{name}_{order.index(name) + 1}" if name in concrete else name
            proxy = self._argument(shown, defaults[name].default, types.get(name))
            args.append(self._fixed(name, proxy, concrete[name]) if name in concrete else proxy)
        keyword = args[len(args) - code.co_kwonlyargcount :] if code.co_kwonlyargcount else []
        keyword_names = names[len(names) - len(keyword) :] if keyword else []
        rest = code.co_varnames[count:]
        stars = [
            bool(code.co_flags & flag) for flag in (inspect.CO_VARARGS, inspect.CO_VARKEYWORDS)
        ]
        if not keyword and not any(stars):
            return root_fn, args
        args = args[: len(args) - len(keyword)]
        named = dict(zip(keyword_names, keyword, strict=True))
        more = iter(rest)
        spread = self._argument(f"*{next(more)}") if stars[0] else None
        options = self._argument(f"**{next(more)}") if stars[1] else None
        if not any(stars):
            return functools.partial(root_fn, **named), args
        return _with_stars(plain, named, spread, options), args

    def _argument(
        self, name: str, default: Any = inspect.Parameter.empty, type_: Any = None
    ) -> Any:
        args = () if default is inspect.Parameter.empty or name[0] == "*" else (default,)
        return self.create_proxy("placeholder", name, args, {}, type_expr=type_)

    def _fixed(self, name: str, proxy: Any, value: Any) -> Any:
        if value is not None and not isinstance(value, bool | int | float | complex | str):
            raise NotImplementedError(
                f"trace: concrete_args[{name!r}]: expected a number, a bool, a string or None, "
                f"given {type(value).__name__}"
            )
        text = f"{name} has been specialized to have value {value} but got another value"
        same = proxy == value
        self.create_proxy("call_function", _assert, (same, text), {})
        return value

    def _patch(self, patches: _Patcher, names: dict[str, Any]) -> None:
        call, attribute = Module.__call__, Module.__getattr__
        parameters: dict[str, Proxy] = {}

        @functools.wraps(call)
        def traced_call(module: Module, *args: Any, **kwargs: Any) -> Any:
            def forward(*args: Any, **kwargs: Any) -> Any:
                return call(module, *args, **kwargs)

            names = getattr(module.forward, "__globals__", {})
            _autowrap_check(patches, names, self._autowrap_function_ids)
            return self.call_module(module, forward, args, kwargs)

        @functools.wraps(attribute)
        def traced_attribute(module: Module, name: str) -> Any:
            return self.getattr(name, attribute(module, name), parameters)

        patches.patch_method(Module, "__call__", traced_call, False)
        patches.patch_method(Module, "__getattr__", traced_attribute, False)
        _patch_wrapped_functions(patches)
        for scope in (names, *map(vars, self._autowrap_search)):
            _autowrap_check(patches, scope, self._autowrap_function_ids)


def _annotations(function: Any) -> dict[str, Any]:
    """The types of a function's arguments; the package's own are for its readers."""
    if (function.__module__ or "").partition(".")[0] in ("tallow", "torch"):
        return {}
    types: dict[str, Any] = {}
    for name, value in getattr(function, "__annotations__", {}).items():
        try:
            types[name] = eval(value, function.__globals__) if isinstance(value, str) else value
        except (NameError, AttributeError, SyntaxError, TypeError):
            continue  # a name for type checkers only
    return types


def _with_stars(plain: Any, named: dict[str, Any], spread: Any, options: Any) -> Any:
    """A function whose ``*args`` and ``**kwargs`` are two values of the trace."""
    flags = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
    code, more = plain.__code__, (spread is not None) + (options is not None)
    fixed = code.replace(
        co_flags=code.co_flags & ~flags,
        co_argcount=code.co_argcount + code.co_kwonlyargcount + more,
        co_kwonlyargcount=0,
        co_posonlyargcount=0,
    )
    bare = type(plain)(fixed, plain.__globals__, plain.__name__, None, plain.__closure__)
    last = [value for value in (spread, options) if value is not None]
    return lambda *args: bare(*args, *named.values(), *last)


def _tensors_of(root: Module) -> dict[Tensor, str]:
    """The paths of buffers and of tensors that are plain attributes."""
    found: dict[Tensor, str] = {}
    for prefix, module in root.named_modules():
        start = f"{prefix}." if prefix else ""
        for values in (vars(module), module._buffers):
            for name, value in values.items():
                if isinstance(value, tallow.Tensor):
                    found.setdefault(value, f"{start}{name}")
    return found


def symbolic_trace(
    root: Module | Callable[..., Any], concrete_args: dict[str, Any] | None = None
) -> GraphModule:
    """Record a module or a function, and return a module that does the same.

    Args:
        root: it is called once, with values that note what is done with them.
        concrete_args: values of arguments that control flow depends on.

    Raises:
        TraceError: control flow depends on another value.

    Example:
        >>> traced = symbolic_trace(lambda x: tallow.relu(x) + 1)
        >>> print(traced.code.strip())
        def forward(self, x):
            relu = tallow.relu(x);  x = None
            add = relu + 1;  relu = None
            return add
        >>> traced(tallow.tensor([-1.0, 2.0]))
        tensor([1., 3.])
    """
    tracer = Tracer()
    graph = tracer.trace(root, concrete_args)
    name = type(root).__name__ if isinstance(root, Module) else root.__name__
    return GraphModule(tracer.root, graph, name)
