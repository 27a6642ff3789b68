"""What a restricted load may build: a fixed list of names, and what the user adds to it."""

from __future__ import annotations

import builtins
import pickle
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _utils

from . import numpy_data
from .names import storage_type

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Allowed", "build_state", "full_name"]

UnpicklingError = pickle.UnpicklingError

_DTYPES = frozenset(
    (
        *("float64", "float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2"),
        *("float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"),
        *("complex32", "complex64", "complex128", "bool"),
        *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    )
)


def _encoded(text: Any, encoding: Any) -> bytes:
    """Undo what the pickle protocol 2 does to bytes."""
    if type(text) is not str or encoding != "latin1":
        raise UnpicklingError("only bytes written by Python 3 can be decoded")
    return text.encode("latin1")


def _size(values: Any) -> Any:
    return tallow.Size(_utils._integers(values))


def _device(kind: Any, index: Any = None) -> Any:
    return tallow.device(kind) if index is None else tallow.device(kind, index)


_LAYOUTS = {
    "torch.strided": tallow.strided,
    "torch.sparse_coo": tallow.sparse_coo,
    "torch.sparse_csr": tallow.sparse_csr,
}


def _layout(name: Any) -> Any:
    if name not in _LAYOUTS:
        raise UnpicklingError(f"tensors of the layout {name!r} are not supported")
    return _LAYOUTS[name]


def _rebuild_sparse_tensor(layout: Any, data: Any) -> Any:
    parts, rest = data[: 2 if layout is tallow.sparse_coo else 3], data[2:]
    if not all(isinstance(part, tallow.Tensor) for part in parts) or not rest:
        raise UnpicklingError("a sparse tensor is made from tensors and sizes")
    return _utils._rebuild_sparse_tensor(layout, data)


def _parameter(data: Any, *args: Any) -> Any:
    if not isinstance(data, tallow.Tensor):
        raise UnpicklingError(f"a Parameter is made from a tensor, not from {type(data)}")
    return tallow.nn.Parameter(data, *args)


def _rebuild_from_type(function: Any, kind: Any, args: Any, state: Any) -> Any:
    if function not in _TENSOR_BUILDERS or type(args) is not tuple:
        raise UnpicklingError(f"a tensor is not made by {function!r}")
    if not (isinstance(kind, type) and issubclass(kind, tallow.Tensor)):
        raise UnpicklingError(f"{kind!r} is not a kind of tensor")
    if state is not None:
        _check_attributes(state)
    return _utils._rebuild_from_type_v2(function, kind, args, state)


def _rebuild_parameter_with_state(data: Any, requires_grad: Any, hooks: Any, state: Any) -> Any:
    if state is not None:
        _check_attributes(state)
    return _utils._rebuild_parameter_with_state(data, requires_grad, hooks, state)


_TENSOR_BUILDERS = (
    _utils._rebuild_tensor,
    _utils._rebuild_tensor_v2,
    _utils._rebuild_tensor_v3,
    _utils._rebuild_meta_tensor_no_storage,
    _utils._rebuild_parameter,
)

# What each name in a file stands for; the values may be called.
_CALLABLE: dict[str, Callable[..., Any]] = {
    **{f"torch._utils.{builder.__name__}": builder for builder in _TENSOR_BUILDERS},
    "torch._utils._rebuild_parameter_with_state": _rebuild_parameter_with_state,
    "torch._utils._rebuild_sparse_tensor": _rebuild_sparse_tensor,
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type,
    "torch.nn.parameter.Parameter": _parameter,
    "torch.Size": _size,
    "torch.device": _device,
    "torch.serialization._get_layout": _layout,
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "_codecs.encode": _encoded,
    "builtins.bytes": bytes,  # empty ones in protocol 2
    "builtins.bytearray": bytearray,
    "builtins.set": set,
    "builtins.frozenset": frozenset,
    "builtins.complex": complex,
    "builtins.slice": slice,
    "builtins.range": range,
    **numpy_data.FUNCTIONS,
}
_CALLABLE_IDS = frozenset(map(id, _CALLABLE.values()))
# Names that may only be passed on as values.
_VALUES: dict[str, Any] = {
    "torch.Tensor": tallow.Tensor,
    "numpy.ndarray": numpy_data.ARRAY,
}
# Constructors that could otherwise be made to loop over or allocate anything.
_ARGUMENTS: dict[Any, tuple[type, ...]] = {
    bytes: (),
    bytearray: (bytes, str),
    set: (list, tuple, set, frozenset),
    frozenset: (list, tuple, set, frozenset),
    complex: (float, int),
    slice: (int, type(None)),
    range: (int,),
    OrderedDict: (list,),
    Counter: (dict,),
}


def full_name(obj: Any) -> str:
    """Return the name under which a file refers to a class or a function."""
    return f"{obj.__module__}.{obj.__qualname__}"


class Allowed:
    """The names that may occur in one load.

    Args:
        added: classes and functions the user trusts, or pairs of one and its name in files.
    """

    def __init__(self, added: Iterable[Any] = ()) -> None:
        self._added: dict[str, Any] = {}
        for item in added:
            obj, name = item if isinstance(item, tuple) else (item, full_name(item))
            self._added[name] = obj
            if name.startswith("tallow."):
                self._added["torch." + name.removeprefix("tallow.")] = obj

    def names(self) -> set[str]:
        """Return the names of everything that needs no permission."""
        return {*_CALLABLE, *_VALUES, *self._added}

    def find(self, module: str, name: str) -> Any:
        """Return the object that a file calls ``module.name``.

        Raises:
            UnpicklingError: it is not allowed.
        """
        if module == "__builtin__":  # what protocol 2 calls it
            module, name = "builtins", "range" if name == "xrange" else name
        full = f"{module}.{name}"
        if full in self._added:
            return self._added[full]
        if full in _CALLABLE:
            return _CALLABLE[full]
        if full in _VALUES:
            return _VALUES[full]
        storage = storage_type(module, name)
        if storage is not None:
            return storage
        if module == "torch" and name in _DTYPES and hasattr(tallow, name):
            return getattr(tallow, name)
        shown = name if hasattr(builtins, name) and module == "builtins" else full
        here = tallow._C._get_namespace()
        raise UnpicklingError(
            f"Unsupported global: GLOBAL {shown} was not an allowed global by default. Please use "
            f"`{here}.serialization.add_safe_globals([{shown}])` or the "
            f"`{here}.serialization.safe_globals([{shown}])` context manager to allowlist this "
            "global if you trust this class/function."
        )

    def is_added(self, obj: Any) -> bool:
        """Tell whether the user trusts this very object."""
        return any(obj is added for added in self._added.values())

    def call(self, function: Any, args: Any) -> Any:
        """Call an allowed function.

        Raises:
            UnpicklingError: it is not allowed, or fails.
        """
        if type(args) is not tuple:
            raise UnpicklingError(f"a call needs a tuple of arguments, not {type(args)}")
        if id(function) not in _CALLABLE_IDS:
            if not self.is_added(function):
                raise UnpicklingError(f"Trying to call reduce for unrecognized function {function}")
        elif function in _ARGUMENTS and not all(type(a) in _ARGUMENTS[function] for a in args):
            raise UnpicklingError(f"{function.__name__} does not take {[type(a) for a in args]}")
        try:
            return function(*args)
        except (UnpicklingError, MemoryError):
            raise
        except Exception as error:
            name = getattr(function, "__name__", str(function))
            raise UnpicklingError(f"{name} failed: {error}") from error

    def new(self, kind: Any, args: Any) -> Any:
        """Make an object of an allowed class without calling its constructor.

        Raises:
            UnpicklingError: the class is not allowed.
        """
        if type(args) is not tuple:
            raise UnpicklingError(f"a call needs a tuple of arguments, not {type(args)}")
        if kind is _parameter or kind is OrderedDict or kind in _ARGUMENTS:
            return self.call(kind, args)
        if isinstance(kind, type) and self.is_added(kind):
            return kind.__new__(kind, *args)
        raise UnpicklingError(f"Trying to create new object for unrecognized class {kind}")


def _check_attributes(state: Any) -> None:
    """Raise unless the state is a dict of plain attribute names."""
    if type(state) is not dict or not all(
        type(name) is str and not (name.startswith("__") and name.endswith("__")) for name in state
    ):
        raise UnpicklingError("an object's attributes must come as a dict of plain names")


def build_state(obj: Any, state: Any, allowed: Allowed) -> None:
    """Give an object its state, as the opcode BUILD asks for.

    Raises:
        UnpicklingError: the type of the object does not take a state.
    """
    if type(obj) is OrderedDict:
        _check_attributes(state)
        obj.__dict__.update(state)
    elif numpy_data.takes_state(obj):
        numpy_data.set_state(obj, state)
    elif allowed.is_added(type(obj)):
        if hasattr(obj, "__setstate__"):
            obj.__setstate__(state)
        else:
            _check_attributes(state)
            obj.__dict__.update(state)
    else:
        raise UnpicklingError(
            "Can only build OrderedDict or types allowlisted via `add_safe_globals`, "
            f"but got {type(obj)}"
        )
