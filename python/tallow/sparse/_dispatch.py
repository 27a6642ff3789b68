"""Which functions take sparse tensors: the table behind ``SparseTensor.__torch_function__``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow.sparse import _arithmetic, _attributes, _products, _shapes
from tallow.sparse._rows import SparseRows
from tallow.sparse._tensor import SparseTensor

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["call", "call_by_name"]

# What asks for sizes and types only: the native part of the object knows it.
_KNOWN = (
    "shape size dim ndim ndimension numel nelement dtype element_size itemsize is_floating_point"
    " is_complex is_signed is_same_size __len__ __hash__ is_quantized is_nested is_mkldnn is_mps"
    " is_xpu is_inference _is_view result_type can_cast is_conj is_neg _backward_hooks"
    " _post_accumulate_grad_hooks _version"
)
_NATIVE = frozenset(_KNOWN.split())

_TABLE: dict[str, Callable[..., Any]] = {
    **_attributes.FUNCTIONS,
    **_arithmetic.FUNCTIONS,
    **_products.FUNCTIONS,
    **_shapes.FUNCTIONS,
}


def _name_of(func: Callable[..., Any]) -> str:
    """The function's name; that of the attribute, with ``=`` where it is set, for descriptors."""
    name: str = getattr(func, "__name__", "")
    owner = getattr(func, "__self__", None)
    if name in ("__get__", "__set__", "__delete__") and owner is not None:
        return str(owner.__name__) + ("" if name == "__get__" else "=")
    return name


def call(func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Do for arguments, some of them sparse, what `func` does for dense ones.

    Raises:
        NotImplementedError: it is not defined for sparse tensors here.
    """
    name = _name_of(func)
    if name in _NATIVE:
        with _C.DisableTorchFunctionSubclass():
            return func(*args, **kwargs)
    return call_by_name(name, args, kwargs)


def call_by_name(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Do the same for the function of a name."""
    if kwargs.get("out", tallow) is None:
        del kwargs["out"]
    function = _TABLE.get(name)
    if function is not None and "out" not in kwargs:
        return _with_rows(function, args, kwargs)
    target = ".out" if "out" in kwargs else ""
    raise NotImplementedError(
        f"Could not run 'aten::{name.strip('_')}{target}' with arguments from the 'SparseCPU' "
        "backend. It is not defined for sparse tensors here: call to_dense() first."
    )


def _with_rows(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a function; compressed rows take part as coordinates, and so do results."""
    rows = False

    def converted(value: Any) -> Any:
        nonlocal rows
        if isinstance(value, SparseRows):
            rows = True
            return value.to_sparse_coo()
        if isinstance(value, tuple):
            return tuple(converted(item) for item in value)
        if isinstance(value, list):
            return [converted(item) for item in value]
        return value

    if getattr(function, "takes_rows", False):
        return function(*args, **kwargs)
    args = tuple(converted(value) for value in args)
    result = function(*args, **kwargs)
    if rows and isinstance(result, SparseTensor) and result.dim() == 2:
        return result.to_sparse_csr()
    return result
