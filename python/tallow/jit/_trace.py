"""Tracing: record the calls a program makes on tensors, and replay them."""

from __future__ import annotations

import copy
import inspect
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import tallow
from tallow import _C
from tallow.nn import Module
from tallow.overrides import TorchFunctionMode, resolve_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tallow import Tensor

__all__ = [
    "Error",
    "Graph",
    "TopLevelTracedModule",
    "TracerWarning",
    "TracingState",
    "is_tracing",
    "trace",
    "trace_module",
]

# The modules of the trace being recorded with their names; None when there is no trace.
_trace_module_map: dict[Module, str] | None = None


class Error(Exception):
    """A traced program refused inputs by an exception that is no RuntimeError."""


class TracerWarning(Warning):
    """A trace may not behave like the program it was recorded from."""


class Value(NamedTuple):
    """A tensor inside a graph: a number, unique in the graph."""

    number: int

    def __repr__(self) -> str:
        return f"%{self.number}"


class Constant(NamedTuple):
    """A tensor from outside the graph, such as a parameter: a number in the graph's list."""

    number: int

    def __repr__(self) -> str:
        return f"#{self.number}"


class Call(NamedTuple):
    """One recorded call; tensors among the arguments are values or constants."""

    function: Callable[..., Any]
    args: Any
    kwargs: Any
    result: Any
    scope: str

    def __deepcopy__(self, memo: dict[int, Any]) -> Call:
        rest = (copy.deepcopy(part, memo) for part in self[1:])
        return Call(self.function, *rest)

    def __repr__(self) -> str:
        name = resolve_name(self.function) or getattr(self.function, "__name__", "call")
        given = [repr(arg) for arg in self.args]
        given += [f"{key}={value!r}" for key, value in self.kwargs.items()]
        where = f"  # {self.scope}" if self.scope else ""
        return f"{self.result!r} = {name}({', '.join(given)}){where}"


def _mapped(value: Any, kind: type, change: Callable[[Any], Any]) -> Any:
    """Rebuild nested containers with every instance of `kind` replaced."""
    if isinstance(value, kind):
        return change(value)
    if isinstance(value, (Value, Constant)):
        return value
    if isinstance(value, (tuple, list)):
        items = [_mapped(item, kind, change) for item in value]
        make = getattr(type(value), "_make", type(value))
        return make(items)
    if isinstance(value, dict):
        return {key: _mapped(item, kind, change) for key, item in value.items()}
    if isinstance(value, slice):
        parts = (value.start, value.stop, value.step)
        return slice(*(_mapped(part, kind, change) for part in parts))
    return value


class Graph:
    """Recorded calls from inputs to outputs; parameters appear as constants, by reference."""

    def __init__(self) -> None:
        self.inputs: Any = ()
        self.calls: list[Call] = []
        self.outputs: Any = None
        self.constants: list[Tensor] = []

    def __iter__(self) -> Iterator[Call]:
        return iter(self.calls)

    def __repr__(self) -> str:
        lines = [f"graph{self.inputs!r}:"]
        lines += [f"  {call!r}" for call in self.calls]
        return "\n".join([*lines, f"  return {self.outputs!r}"])

    def run(self, *inputs: Any) -> Any:
        """Replay the calls on new inputs of the structure that was traced."""
        values: dict[Value, Any] = {}
        _bind(self.inputs, inputs, values)

        def resolve(item: Any) -> Any:
            return values[item] if isinstance(item, Value) else self.constants[item.number]

        for call in self.calls:
            args = _mapped(call.args, (Value, Constant), resolve)  # type: ignore[arg-type]
            kwargs = _mapped(call.kwargs, (Value, Constant), resolve)  # type: ignore[arg-type]
            _bind(call.result, call.function(*args, **kwargs), values)
        return _mapped(self.outputs, (Value, Constant), resolve)  # type: ignore[arg-type]


def _bind(template: Any, actual: Any, values: dict[Value, Any]) -> None:
    """Give the values named in `template` the tensors at the same places in `actual`."""
    if isinstance(template, Value):
        values[template] = actual
    elif isinstance(template, Constant):
        return
    elif isinstance(template, (tuple, list)):
        for inner, item in zip(template, actual, strict=True):
            _bind(inner, item, values)
    elif isinstance(template, dict):
        for key, inner in template.items():
            _bind(inner, actual[key], values)


class TracingState:
    """A trace being recorded: what ``_C._get_tracing_state()`` returns meanwhile."""

    def __init__(self) -> None:
        self.graph = Graph()
        self._known: dict[int, Value | Constant] = {}
        self._alive: list[Tensor] = []  # keeps ids from being used again
        self._scopes: list[str] = []
        self._values = 0

    def push_scope(self, name: str) -> None:
        """Enter a module."""
        self._scopes.append(name)

    def pop_scope(self) -> None:
        """Leave the module entered last."""
        self._scopes.pop()

    def define(self, tensor: Tensor) -> Value:
        """Number a tensor that the graph computes or receives."""
        value = Value(self._values)
        self._values += 1
        self._known[id(tensor)] = value
        self._alive.append(tensor)
        return value

    def use(self, tensor: Tensor) -> Value | Constant:
        """Return the number of a tensor; a new one becomes a constant."""
        if id(tensor) not in self._known:
            if tensor.grad_fn is not None:
                warnings.warn(
                    "Trace had a tensor that was computed out of its sight; it becomes a constant.",
                    TracerWarning,
                    stacklevel=4,
                )
            self._known[id(tensor)] = Constant(len(self.graph.constants))
            self.graph.constants.append(tensor)
            self._alive.append(tensor)
        return self._known[id(tensor)]

    def record(self, function: Callable[..., Any], args: Any, kwargs: Any, result: Any) -> None:
        """Add a call to the graph unless it only asks something about tensors."""
        used = _mapped(args, tallow.Tensor, self.use), _mapped(kwargs, tallow.Tensor, self.use)
        known = set(self._known)
        tensors: list[Tensor] = []
        _mapped(result, tallow.Tensor, tensors.append)
        if not tensors and getattr(function, "__name__", "") != "__setitem__":
            return

        def name(tensor: Tensor) -> Value | Constant:
            # In-place calls return what they were given.
            return self.use(tensor) if id(tensor) in known else self.define(tensor)

        named = _mapped(result, tallow.Tensor, name)
        scope = self._scopes[-1] if self._scopes else ""
        self.graph.calls.append(Call(function, *used, named, scope))


class _Recorder(TorchFunctionMode):
    """Passes every call on and tells the trace about it."""

    def __init__(self, state: TracingState) -> None:
        self.state = state

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        self.state.record(func, args, kwargs, result)
        return result


def is_tracing() -> bool:
    """Tell whether a trace is being recorded.

    Example:
        >>> is_tracing()
        False
    """
    return _C._get_tracing_state() is not None


class _Recordings:
    """The graphs of a function: one freezes sizes, so each combination has one of its own."""

    _MOST = 32

    def __init__(self, function: Callable[..., Any], graph: Graph, inputs: tuple[Any, ...]) -> None:
        self.function = function
        self.graphs = {_sizes(inputs): graph}

    def run(self, *args: Any) -> Any:
        """Replay the calls for inputs of these sizes, or record them."""
        sizes = _sizes(args)
        graph = self.graphs.get(sizes)
        if graph is not None:
            return graph.run(*args)
        try:
            graph, outputs = _record(self.function, args)
        except (AssertionError, IndexError, TypeError, ValueError) as error:
            raise Error(str(error)) from error
        if len(self.graphs) == self._MOST:
            del self.graphs[next(iter(self.graphs))]
        self.graphs[sizes] = graph
        return outputs


def _sizes(inputs: Any) -> tuple[Any, ...]:
    found: list[Any] = []
    _mapped(inputs, tallow.Tensor, lambda tensor: found.append(tuple(tensor.shape)))
    return tuple(found)


class _TracedFunction:
    """A recorded function: callable like the original."""

    def __init__(self, recordings: _Recordings) -> None:
        self._recordings = recordings
        self.__name__ = getattr(recordings.function, "__name__", "traced")
        self.__wrapped__ = recordings.function

    @property
    def graph(self) -> Graph:
        """The record of the example inputs."""
        return next(iter(self._recordings.graphs.values()))

    def __call__(self, *args: Any) -> Any:
        return self._recordings.run(*args)


class TopLevelTracedModule(Module):
    """A module that replays the calls another one made, on the same parameters."""

    def __init__(self, original: Module, graph: Graph, inputs: tuple[Any, ...]) -> None:
        super().__init__()
        for name, parameter in original._parameters.items():
            self.register_parameter(name, parameter)
        for name, buffer in original._buffers.items():
            self.register_buffer(
                name, buffer, persistent=name not in original._non_persistent_buffers_set
            )
        for name, child in original._modules.items():
            self._modules[name] = child
        self.training = original.training
        self.original_name = type(original).__name__
        self.graph = graph
        self._recordings = _Recordings(original, graph, inputs)

    def forward(self, *args: Any) -> Any:
        """Replay the recorded calls."""
        return self._recordings.run(*args)

    def extra_repr(self) -> str:
        """Name the class that was traced."""
        return f"original_name={self.original_name}"


def _positional(function: Callable[..., Any], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    bound = inspect.signature(function).bind(**kwargs)
    return bound.args


def _record(function: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[Graph, Any]:
    """Run `function` on fresh aliases of the inputs; return the graph, and what it returned."""
    state = TracingState()
    fresh = _mapped(inputs, tallow.Tensor, lambda tensor: tensor.view_as(tensor))
    state.graph.inputs = _mapped(fresh, tallow.Tensor, state.define)
    before = _C._get_tracing_state()
    _C._set_tracing_state(state)
    try:
        with _Recorder(state):
            outputs = function(*fresh)
    finally:
        _C._set_tracing_state(before)
    state.graph.outputs = _mapped(outputs, tallow.Tensor, state.use)
    return state.graph, outputs


def _check(function: Callable[..., Any], graph: Graph, inputs: tuple[Any, ...]) -> None:
    """Warn if the trace disagrees with the program on the example inputs."""
    with tallow.no_grad(), tallow.random.fork_rng():
        state = tallow.get_rng_state()
        expected = function(*inputs)
        tallow.set_rng_state(state)
        actual = graph.run(*inputs)
    try:
        tallow.testing.assert_close(actual, expected, rtol=1e-5, atol=1e-5, equal_nan=True)
    except (AssertionError, TypeError) as error:
        warnings.warn(
            f"Output of the traced function does not match the Python function: {error}",
            TracerWarning,
            stacklevel=4,
        )


def trace(
    func: Any,
    example_inputs: Any = None,
    optimize: Any = None,
    check_trace: bool = True,
    check_inputs: Any = None,
    check_tolerance: float = 1e-5,
    strict: bool = True,
    example_kwarg_inputs: dict[str, Any] | None = None,
    **others: Any,
) -> Any:
    """Record the calls that a function or module makes for some example inputs.

    Branches and numbers taken from tensors are frozen to what the example needed. Sizes are not:
    inputs of other sizes are recorded when they come.

    Args:
        func: a function of tensors, or a module.
        example_inputs: a tensor, or a tuple of arguments.
        optimize: accepted, without effect.
        check_trace: replay once and warn if the results differ.
        check_inputs: accepted, without effect.
        check_tolerance: accepted, without effect.
        strict: accepted, without effect.
        example_kwarg_inputs: arguments by name, in place of `example_inputs`.
        **others: accepted, without effect.

    Returns:
        A module (for a module) or a callable that replays the calls; its ``graph`` is the record.

    Example:
        >>> double = trace(lambda x: x * 2 + 1, tallow.ones(2))
        >>> double(tallow.tensor([5.0, 6.0]))
        tensor([11., 13.])
    """
    global _trace_module_map
    target = func.forward if isinstance(func, Module) else func
    if example_inputs is None:
        if example_kwarg_inputs is None:
            raise RuntimeError("example_kwarg_inputs should be a dict")
        inputs = _positional(target, example_kwarg_inputs)
    elif isinstance(example_inputs, (tallow.Tensor, dict)):
        inputs = (example_inputs,)
    else:
        inputs = tuple(example_inputs)
    before = _trace_module_map
    if isinstance(func, Module):
        _trace_module_map = {module: name for name, module in func.named_modules()}
    try:
        graph, _ = _record(func, inputs)
    finally:
        _trace_module_map = before
    if check_trace:
        _check(func, graph, inputs)
    return (
        TopLevelTracedModule(func, graph, inputs)
        if isinstance(func, Module)
        else _TracedFunction(_Recordings(func, graph, inputs))
    )


def trace_module(mod: Module, inputs: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
    """Trace one method of a module.

    Args:
        mod: the module.
        inputs: the name of the method (only ``'forward'``) with its example inputs.
        *args: as for :func:`trace`.
        **kwargs: as for :func:`trace`.

    Raises:
        NotImplementedError: another method.
    """
    if set(inputs) != {"forward"}:
        raise NotImplementedError("trace_module: only 'forward' can be traced")
    return trace(mod, inputs["forward"], *args, **kwargs)
