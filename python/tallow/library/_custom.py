"""Operators of the user: a schema, kernels by device, and a derivative that may come later."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import tallow
from tallow.autograd import Function
from tallow.library._schema import Schema, accepts, infer, parse
from tallow.overrides import handle_torch_function, has_torch_function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tallow import Tensor

__all__ = ["OPS", "CustomOpDef", "find"]

OPS: dict[str, CustomOpDef] = {}  # by qualified name


def find(op: Any) -> CustomOpDef:
    """Return the operator that a name, an operator or an attribute of ``tallow.ops`` means.

    Raises:
        RuntimeError: there is none of the name.
    """
    if isinstance(op, CustomOpDef):
        return op
    name = op if isinstance(op, str) else op._qualname
    if name not in OPS:
        raise RuntimeError(
            f"Could not find the operator {name}. Please make sure you have defined it"
        )
    return OPS[name]


class CustomOpDef:
    """An operator made by :func:`custom_op`; calling it checks the arguments and runs a kernel."""

    def __init__(self, name: str, schema: Schema, *, check_alias: bool) -> None:
        self._namespace, self._name = name.split("::")
        self._qualname = name
        self._schema = schema
        self._check_alias = check_alias
        self._kernels: dict[str | None, Callable[..., Any]] = {}
        self._disabled: set[str] = set()
        self._autocast: dict[str, Callable[..., Any]] = {}  # called in its place, by device
        self._backward: Callable[..., Any] | None = None
        self._setup_context: Callable[..., Any] | None = None
        self._composite = False  # does the kernel consist of differentiable operations?
        self._node = _node_type(self)

    def __repr__(self) -> str:
        return f"<CustomOpDef({self._qualname})>"

    def register_kernel(
        self, device_types: str | Iterable[str] | None, fn: Callable[..., Any] | None = None, /
    ) -> Any:
        """Give the operator a kernel for some kinds of devices; usable as a decorator."""

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            given = [device_types] if isinstance(device_types, str) else device_types
            for device in [None] if given is None else given:
                self._kernels[device] = function
            return function

        return register if fn is None else register(fn)

    def register_autocast(self, device_type: str, cast_inputs: tallow.dtype) -> None:
        """Convert what the operator is given where autocast is on.

        Args:
            device_type: the kind of device whose autocast is meant.
            cast_inputs: to which type floating-point tensors of such devices are converted, but
                for float64.

        Raises:
            ValueError: a kind of device without autocast.
        """
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not tallow.amp.is_autocast_available(device_type):
            raise ValueError(f"Device type '{device_type}' does not support autocast.")

        def converted(value: Any) -> Any:
            if isinstance(value, list | tuple):
                return type(value)(converted(item) for item in value)
            eligible = (
                isinstance(value, tallow.Tensor)
                and value.is_floating_point()
                and value.device.type == device_type
                and value.dtype != tallow.float64
            )
            return value.to(cast_inputs) if eligible else value

        def convert_and_call(*args: Any, **kwargs: Any) -> Any:
            given = {key: converted(value) for key, value in kwargs.items()}
            return self(*map(converted, args), **given)

        self._autocast.setdefault(device_type, convert_and_call)

    def register_fake(self, fn: Callable[..., Any], /) -> Callable[..., Any]:
        """Accept a function that computes shapes only: nothing is traced here, so it never runs."""
        return fn

    def register_vmap(self, func: Callable[..., Any] | None = None) -> Any:
        """Accept a batching rule: ``vmap`` calls the operator once per element here."""
        return (lambda fn: fn) if func is None else func

    def _refuse_keyword_tensors(self) -> None:
        if any(p.keyword_only and p.type.startswith("Tensor") for p in self._schema.parameters):
            raise NotImplementedError(
                "custom_op with kwarg-only Tensor args. Please make your tensors not kwarg-only. "
                f"Got: {self._name}{self._schema}"
            )

    def register_autograd(
        self, backward: Callable[..., Any], /, *, setup_context: Callable[..., Any] | None = None
    ) -> None:
        """Give the operator a derivative.

        Args:
            backward: from ``ctx`` and the gradients of the results to the gradients of the
                positional arguments, a list for a list of tensors.
            setup_context: called with ``(ctx, inputs, output)`` after the kernel, and with
                ``keyword_only_inputs`` if there are any, to save what `backward` needs.

        Raises:
            NotImplementedError: a keyword-only parameter is a tensor.
            RuntimeError: the operator writes to its arguments.
        """
        self._refuse_keyword_tensors()
        if any(one.mutated for one in self._schema.parameters):
            raise RuntimeError(
                f"Cannot register autograd formula for non-functional operator {self} with schema "
                f"{self._qualname}{self._schema}. Please create a functional operator and register "
                "an autograd formula for that."
            )
        self._backward, self._setup_context = backward, setup_context

    @contextmanager
    def set_kernel_enabled(self, device_type: str, enabled: bool = True) -> Iterator[None]:
        """Leave the kernel of a device out, or not, inside a ``with`` block."""
        before = set(self._disabled)
        (self._disabled.discard if enabled else self._disabled.add)(device_type)
        try:
            yield
        finally:
            self._disabled = before

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        values = [*args, *kwargs.values()]
        overriding = [v for v in values if hasattr(v, "__torch_function__")]
        if has_torch_function(overriding):
            return handle_torch_function(self, overriding, *args, **kwargs)
        inputs, keyword = self._schema.bind(self._qualname, args, kwargs)
        tensors = _tensors([*inputs, *keyword.values()])
        if self._autocast and tensors:
            device = tensors[0].device.type
            if device in self._autocast and tallow.is_autocast_enabled(device):
                with tallow.autocast(device, enabled=False):
                    return self._autocast[device](*inputs, **keyword)
        wanted = tallow.is_grad_enabled() and any(t.requires_grad for t in tensors)
        writes = any(one.mutated for one in self._schema.parameters)
        if self._composite or writes or not wanted:
            return self._run(inputs, keyword)
        call = _Call(self, inputs, keyword)
        return call.result(self._node.apply(call, *call.leaves))

    def _kernel(self, tensors: list[Tensor]) -> Callable[..., Any]:
        device = tensors[0].device.type if tensors else "cpu"
        kernel = None if device in self._disabled else self._kernels.get(device)
        kernel = kernel or self._kernels.get(None)
        if kernel is None:
            raise NotImplementedError(
                f"Could not run '{self._qualname}' with arguments from the '{device.upper()}' "
                f"backend. It has kernels for: {sorted(map(str, self._kernels))}"
            )
        return kernel

    def _run(self, inputs: list[Any], keyword: dict[str, Any]) -> Any:
        """Run the kernel: without recording, unless it is a composite."""
        tensors = _tensors([*inputs, *keyword.values()])
        kernel = self._kernel(tensors)
        if self._composite:
            return kernel(*inputs, **keyword)
        with tallow.no_grad():
            plain = [_detached(value) for value in inputs]
            result = kernel(*plain, **{key: _detached(v) for key, v in keyword.items()})
        self._bump(inputs, keyword)
        self._check_result(result)
        if self._check_alias:
            self._refuse_alias(tensors, _tensors([result]))
        return result

    def _check_result(self, result: Any) -> None:
        kinds = self._schema.returns
        parts = result if len(kinds) > 1 else () if not kinds and result is None else (result,)
        if (
            not isinstance(parts, list | tuple)
            or len(parts) != len(kinds)
            or not all(accepts(kind, part) for kind, part in zip(kinds, parts, strict=True))
        ):
            given = (
                [type(part).__name__ for part in parts]
                if isinstance(parts, list | tuple)
                else type(result).__name__
            )
            raise TypeError(
                f"{self._qualname}: expected the kernel to return {', '.join(kinds) or 'None'}, "
                f"given {given}"
            )

    def _bump(self, inputs: list[Any], keyword: dict[str, Any]) -> None:
        """Let autograd know of what was written, by whatever means."""
        given = iter(inputs)
        for one in self._schema.parameters:
            value = keyword[one.name] if one.keyword_only else next(given)
            if one.mutated:
                tallow.autograd.graph.increment_version(_tensors([value]))

    def _refuse_alias(self, inputs: list[Tensor], results: list[Tensor]) -> None:
        seen = {t.untyped_storage().data_ptr() for t in inputs}
        for result in results:
            place = result.untyped_storage().data_ptr()
            if place and place in seen:
                raise RuntimeError(
                    f"{self._name} (with implementation in {self._kernel(inputs).__module__}): The "
                    "output of this custom operator (1) must not also be an input to this custom "
                    "operator and (2) may not alias any inputs to this custom operator or other "
                    "returns. Return a clone of the offending output: x.clone() in the place of x."
                )
            seen.add(place)


def _tensors(tree: Any) -> list[Any]:
    if isinstance(tree, tallow.Tensor):
        return [tree]
    return [t for item in tree for t in _tensors(item)] if isinstance(tree, list | tuple) else []


def _detached(value: Any) -> Any:
    """The same memory without history, so that a kernel may hand it to NumPy."""
    if isinstance(value, tallow.Tensor):
        return value.detach() if value.requires_grad else value
    if isinstance(value, list | tuple):
        return type(value)(_detached(item) for item in value)
    return value


def _flattened(values: Iterable[Any]) -> tuple[list[Any], list[int | None]]:
    """Values with lists of tensors taken apart, and the lengths of these lists."""
    leaves: list[Any] = []
    lengths: list[int | None] = []
    for value in values:
        parts = _tensors(value) if isinstance(value, list | tuple) else None
        lengths.append(len(parts) if parts else None)
        leaves += parts or [value]
    return leaves, lengths


def _grouped(leaves: Iterable[Any], lengths: list[int | None]) -> list[Any]:
    """Undo :func:`_flattened`."""
    rest = iter(leaves)
    return [
        next(rest) if length is None else [next(rest) for _ in range(length)] for length in lengths
    ]


class _Call:
    """One recorded call: autograd knows tensors only, so lists are taken apart around it."""

    def __init__(self, op: CustomOpDef, inputs: list[Any], keyword: dict[str, Any]) -> None:
        self.op, self.inputs, self.keyword = op, inputs, keyword
        self.leaves, self.lengths = _flattened(inputs)
        self.results: list[int | None] = []
        self.others: list[Any] = []
        self.single = False

    def forward(self, ctx: Any) -> tuple[Tensor, ...]:
        output = self.op._run(self.inputs, self.keyword)
        self.single = not isinstance(output, tuple)
        leaves, self.results = _flattened([output] if self.single else output)
        # What is no tensor goes around autograd.
        self.others = [None if isinstance(leaf, tallow.Tensor) else leaf for leaf in leaves]
        op = self.op
        if op._setup_context is not None:
            ctx.needs_input_grad = self.structured(ctx.needs_input_grad[1:])
            named = {"inputs": tuple(self.inputs), "output": output}
            if any(one.keyword_only for one in op._schema.parameters):
                named["keyword_only_inputs"] = self.keyword
            op._setup_context(ctx=ctx, **named)
        return tuple(leaf for leaf in leaves if isinstance(leaf, tallow.Tensor))

    def structured(self, leaves: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(_grouped(leaves, self.lengths))

    def result(self, tensors: Any) -> Any:
        """The operator's result from the tensors that autograd returns."""
        rest = iter(tensors)
        leaves = [next(rest) if other is None else other for other in self.others]
        values = _grouped(leaves, self.results)
        return values[0] if self.single else tuple(values)

    def backward(self, ctx: Any, grads: tuple[Any, ...]) -> tuple[Any, ...]:
        op = self.op
        if op._backward is None:
            raise RuntimeError(
                f"Trying to backward through {op._namespace}.{op._name}.default but no autograd "
                "formula was registered. Please use register_autograd to add one."
            )
        rest = iter(grads)
        leaves = [next(rest) if other is None else None for other in self.others]
        found = op._backward(ctx, *_grouped(leaves, self.results))
        found = found if isinstance(found, tuple) else (found,)
        if len(found) != len(self.inputs):
            raise RuntimeError(
                f"function {op._node.__name__}Backward returned an incorrect number of gradients "
                f"(expected {len(self.inputs)}, got {len(found)})"
            )
        flat: list[Any] = []
        for value, length in zip(found, self.lengths, strict=True):
            if length is None:
                flat.append(value)
            elif value is None:
                flat += [None] * length
            elif not isinstance(value, list | tuple) or len(value) != length:
                raise RuntimeError(
                    f"{op._qualname}: the backward of a list of {length} tensors should return a "
                    "list of as many gradients"
                )
            else:
                flat += value
        return tuple(flat)


def _node_type(op: CustomOpDef) -> Any:
    def forward(ctx: Any, call: _Call, *leaves: Any) -> tuple[Tensor, ...]:
        ctx.call = call
        return call.forward(ctx)

    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        return None, *ctx.call.backward(ctx, grads)

    methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    name = f"GeneratedBackwardFor_{op._namespace}_{op._name}_default"
    return type(name, (Function,), methods)


def make(
    name: str,
    function: Callable[..., Any],
    mutates_args: str | Iterable[str],
    device_types: str | Iterable[str] | None,
    schema: str | None,
) -> CustomOpDef:
    """Define an operator whose kernel is a Python function."""
    if name.count("::") != 1:
        raise ValueError(
            f"custom_op: expected a name of the form 'namespace::name', given {name!r}"
        )
    read = infer(function, mutates_args) if schema is None else parse(schema)
    op = CustomOpDef(name, read, check_alias=True)
    op._refuse_keyword_tensors()
    OPS[name] = op
    op.register_kernel(device_types, function)
    return op
