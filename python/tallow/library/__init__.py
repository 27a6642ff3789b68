"""Operators of your own: functions that autograd and ``tallow.ops`` treat as one operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallow._absent import name_absent_ones
from tallow.library import _schema
from tallow.library._custom import OPS, CustomOpDef, find, make
from tallow.ops import refused_libraries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = [
    "CustomOpDef",
    "Library",
    "custom_op",
    "define",
    "impl",
    "infer_schema",
    "register_autocast",
    "register_autograd",
    "register_fake",
    "register_kernel",
    "register_vmap",
]

# Keys of PyTorch's dispatcher that mean a kernel for devices; None for every device.
_DEVICES = {
    "cpu": "cpu",
    "cuda": "cuda",
    "default": None,
    "compositeexplicitautograd": None,
    "compositeimplicitautograd": None,
}


def custom_op(
    name: str,
    fn: Callable[..., Any] | None = None,
    /,
    *,
    mutates_args: str | Iterable[str],
    device_types: str | Iterable[str] | None = None,
    schema: str | None = None,
    tags: Any = None,
) -> Any:
    """Make an operator of a function, which may compute by any means; usable as a decorator.

    The function gets its tensors without history. Its derivative comes from
    :meth:`CustomOpDef.register_autograd`.

    Args:
        name: ``namespace::name``; the operator is also ``tallow.ops.namespace.name``.
        fn: the function, with annotated parameters and result.
        mutates_args: names of the tensors that it writes to, or 'unknown'.
        device_types: which devices the function is for; all by default.
        schema: in the place of annotations, such as ``(Tensor x) -> Tensor``.
        tags: accepted; they are for compilers.

    Raises:
        ValueError: another form of name, or annotations that an operator cannot have.

    Example:
        >>> @custom_op("example::double", mutates_args=())
        ... def double(x: tallow.Tensor) -> tallow.Tensor:
        ...     return tallow.from_numpy(x.numpy() * 2)
        >>> double.register_autograd(lambda ctx, grad: grad * 2)
        >>> x = tallow.ones(2, requires_grad=True)
        >>> double(x).sum().backward()
        >>> x.grad
        tensor([2., 2.])
    """

    def decorate(function: Callable[..., Any]) -> CustomOpDef:
        return make(name, function, mutates_args, device_types, schema)

    return decorate if fn is None else decorate(fn)


def infer_schema(
    prototype_function: Callable[..., Any],
    /,
    *,
    mutates_args: str | Iterable[str],
    op_name: str | None = None,
) -> str:
    """Return the schema that a function's annotations spell.

    Raises:
        ValueError: annotations that an operator cannot have.
    """
    return f"{op_name or ''}{_schema.infer(prototype_function, mutates_args)}"


def define(qualname: str, schema: str, *, lib: Any = None, tags: Any = ()) -> None:
    """Define an operator without kernels.

    Args:
        qualname: ``namespace::name``.
        schema: such as ``(Tensor x, int n=1) -> Tensor``.
        lib: accepted; operators live as long as the process.
        tags: accepted; they are for compilers.

    Raises:
        ValueError: another form of name.
        RuntimeError: the schema cannot be read.
    """
    if qualname.count("::") != 1:
        raise ValueError(
            f"define: expected a name of the form 'namespace::name', given {qualname!r}"
        )
    OPS[qualname] = CustomOpDef(qualname, _schema.parse(schema), check_alias=False)


def impl(qualname: Any, types: Any, func: Any = None, *, lib: Any = None) -> Any:
    """Give a defined operator a kernel; usable as a decorator.

    Args:
        qualname: the operator's name; or a :class:`Library`, followed by a name and a key.
        types: 'cpu', 'cuda', 'default', a key such as 'CompositeImplicitAutograd', or several.
        func: the kernel.
        lib: accepted; kernels live as long as the process.

    Raises:
        RuntimeError: no such operator, or a key that is not supported.
    """
    if isinstance(qualname, Library):
        library, name, key = qualname, types, func or ""

        def add(function: Callable[..., Any]) -> Callable[..., Any]:
            library.impl(name, function, key)
            return function

        return add
    op = find(qualname)

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        for one in [types] if isinstance(types, str) else types:
            _add(op, one, function)
        return function

    return register if func is None else register(func)


def _add(op: CustomOpDef, key: str, function: Callable[..., Any]) -> None:
    folded = key.lower()
    if folded == "meta":
        op.register_fake(function)
        return
    if folded.startswith("autocast"):
        # It converts its arguments and calls the operator again, then without autocast.
        op._autocast[folded.removeprefix("autocast")] = function
        return
    if folded not in _DEVICES:
        raise RuntimeError(
            f"impl: {op._qualname}: the key {key!r} is not supported; expected one of CPU, CUDA, "
            "CompositeExplicitAutograd, CompositeImplicitAutograd, Autocast..., Meta (and "
            "register_autograd for the derivative)"
        )
    op._composite = folded == "compositeimplicitautograd"
    op.register_kernel(_DEVICES[folded], function)


def register_kernel(op: Any, device_types: Any, func: Any = None, /, *, lib: Any = None) -> Any:
    """Give an operator a kernel; see :meth:`CustomOpDef.register_kernel`."""
    return find(op).register_kernel(device_types, func)


def register_fake(
    op: Any, func: Any = None, /, *, lib: Any = None, _stacklevel: int = 1, **options: Any
) -> Any:
    """Accept a function of shapes; see :meth:`CustomOpDef.register_fake`.

    Packages whose own library of operators was refused still describe the shapes of its operators
    when they are imported: then there may be none of the name.
    """
    if refused_libraries and isinstance(op, str) and op not in OPS:
        return (lambda function: function) if func is None else func
    found = find(op)
    return found.register_fake if func is None else found.register_fake(func)


def register_autograd(
    op: Any, backward: Any, /, *, setup_context: Any = None, lib: Any = None
) -> None:
    """Give an operator a derivative; see :meth:`CustomOpDef.register_autograd`."""
    find(op).register_autograd(backward, setup_context=setup_context)


def register_autocast(op: Any, device_type: str, cast_inputs: Any, /, *, lib: Any = None) -> None:
    """Convert arguments where autocast is on; see :meth:`CustomOpDef.register_autocast`."""
    find(op).register_autocast(device_type, cast_inputs)


def register_vmap(op: Any, func: Any = None, /, *, lib: Any = None) -> Any:
    """Accept a batching rule; see :meth:`CustomOpDef.register_vmap`."""
    return find(op).register_vmap(func)


class Library:
    """A namespace to define operators in and to give them kernels.

    Args:
        ns: the namespace.
        kind: 'DEF' and 'FRAGMENT' may define, 'IMPL' only adds kernels.
        dispatch_key: the key that :meth:`impl` takes by default.

    Raises:
        ValueError: another kind.
    """

    def __init__(self, ns: str, kind: str, dispatch_key: str = "") -> None:
        if kind not in ("DEF", "FRAGMENT", "IMPL"):
            raise ValueError(f"Unsupported kind: {kind}")
        self.ns, self.kind, self.dispatch_key = ns, kind, dispatch_key

    def __repr__(self) -> str:
        return f"Library(kind={self.kind}, ns={self.ns}, dispatch_key={self.dispatch_key})>"

    def define(self, schema: str, alias_analysis: str = "", *, tags: Any = ()) -> str:
        """Define an operator from its name and schema, and return its qualified name."""
        if self.kind == "IMPL":
            raise RuntimeError("Library.define: a library of kind 'IMPL' defines no operators")
        name, _, rest = schema.partition("(")
        define(f"{self.ns}::{name.strip()}", f"({rest}", tags=tags)
        return f"{self.ns}::{name.strip()}"

    def impl(
        self,
        op_name: Any,
        fn: Callable[..., Any],
        dispatch_key: str = "",
        *,
        with_keyset: bool = False,
        allow_override: bool = False,
    ) -> None:
        """Give an operator of the namespace a kernel.

        Raises:
            RuntimeError: no such operator, or a key that is not supported.
            NotImplementedError: `with_keyset`.
        """
        if with_keyset:
            raise NotImplementedError("Library.impl: with_keyset is not supported")
        name = op_name if isinstance(op_name, str) else op_name._qualname
        qualified = name if "::" in name else f"{self.ns}::{name}"
        key = dispatch_key or self.dispatch_key or "CompositeImplicitAutograd"
        _add(find(qualified), key, fn)


name_absent_ones(__name__)
