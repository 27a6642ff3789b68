"""Attributes, conversions, text and copies of sparse tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.sparse._rows import SparseRows
from tallow.sparse._tensor import SparseTensor, at_places_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = ["FUNCTIONS", "with_values"]

FUNCTIONS: dict[str, Callable[..., Any]] = {}


def _named(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function under names, as one that takes compressed rows as they are."""

    def enter(function: Callable[..., Any]) -> Callable[..., Any]:
        function.takes_rows = True  # type: ignore[attr-defined]
        for name in names:
            FUNCTIONS[name] = function
        return function

    return enter


def with_values(x: SparseTensor, values: Tensor) -> SparseTensor:
    """Return other values, one for each that `x` lists, at the same places."""
    made: Any = type(x)._of(x._parts[0], values, x.shape, x._is_coalesced)
    return made


# ---- Attributes. Those of autograd are those of the values.

for _attribute in ("device", "is_cpu", "is_cuda", "is_meta", "requires_grad", "is_leaf", "grad_fn",
                   "output_nr", "retains_grad"):  # fmt: skip

    def _of_values(x: SparseTensor, _name: str = _attribute) -> Any:
        return getattr(x._parts[1], _name)

    _named(_attribute)(_of_values)


@_named("get_device")
def _get_device(x: SparseTensor) -> int:
    return x._parts[1].get_device()


@_named("layout")
def _layout(x: SparseTensor) -> Any:
    return tallow.sparse_csr if isinstance(x, SparseRows) else tallow.sparse_coo


@_named("is_sparse")
def _is_sparse(x: SparseTensor) -> bool:
    return not isinstance(x, SparseRows)


@_named("is_sparse_csr")
def _is_sparse_csr(x: SparseTensor) -> bool:
    return isinstance(x, SparseRows)


@_named("grad")
def _grad(x: SparseTensor) -> Any:
    grad = x._parts[1].grad
    return None if grad is None else with_values(x, grad)


@_named("grad=")
def _set_grad(x: SparseTensor, value: Any = None) -> None:
    if value is not None:
        raise NotImplementedError("grad: the gradient of a sparse tensor cannot be assigned")
    x._parts[1].grad = None


@_named("requires_grad=", "requires_grad_")
def _set_requires_grad(x: SparseTensor, requires_grad: bool = True) -> SparseTensor:
    x._parts[1].requires_grad_(requires_grad)
    return x


@_named("data")
def _data(x: SparseTensor) -> SparseTensor:
    return with_values(x, x._parts[1].detach())


@_named("type")
def _type(x: SparseTensor, dtype: Any = None, **options: Any) -> Any:
    if dtype is not None:
        return _to(x, dtype, **options)
    prefix, _, name = x._parts[1].type().rpartition(".")
    return f"{prefix}.sparse.{name}"


@_named("contiguous")
def _contiguous(x: SparseTensor, *args: Any, **options: Any) -> None:
    raise RuntimeError("unsupported memory format option Contiguous")


@_named("stride")
def _stride(x: SparseTensor, dim: int | None = None) -> Any:
    return (0,) * x.dim() if dim is None else 0


@_named("storage_offset")
def _storage_offset(x: SparseTensor) -> int:
    return 0


@_named("is_contiguous", "is_pinned", "is_shared")
def _no(x: SparseTensor, *args: Any, **options: Any) -> bool:
    return False


@_named("data_ptr", "const_data_ptr")
def _address(x: SparseTensor) -> None:
    raise RuntimeError("Cannot access data pointer of Tensor that doesn't have storage")


@_named("storage", "untyped_storage", "_typed_storage")
def _storage(x: SparseTensor) -> None:
    raise NotImplementedError("Cannot access storage of SparseTensorImpl")


@_named("numpy", "__array__")
def _numpy(x: SparseTensor, *args: Any, **options: Any) -> None:
    raise TypeError("can't convert Sparse layout tensor to numpy. Use Tensor.to_dense() first.")


@_named("nbytes")
def _nbytes(x: SparseTensor) -> None:
    raise RuntimeError(
        "nbytes is not defined for sparse tensors.  If you want the size of the constituent "
        "tensors, add the nbytes of the indices and values.  If you want the size of the  "
        "equivalent dense tensor, multiply numel() by element_size()"
    )


@_named("item", "__float__", "__int__", "__bool__")
def _item(x: SparseTensor) -> Any:
    if x.numel() != 1:
        raise RuntimeError(f"a Tensor with {x.numel()} elements cannot be converted to Scalar")
    return x.to_dense().item()


# ---- Hooks and backward passes see the values' gradient as a sparse one.


@_named("register_hook")
def _register_hook(x: Any, hook: Any) -> Any:
    def on_values(grad: Tensor) -> Any:
        changed = hook(with_values(x, grad))
        return changed._parts[1] if isinstance(changed, SparseTensor) else changed

    return x._parts[1].register_hook(on_values)


@_named("retain_grad")
def _retain_grad(x: SparseTensor) -> None:
    x._parts[1].retain_grad()


# ---- Conversions and copies.


@_named("to")
def _to(x: SparseTensor, *args: Any, **options: Any) -> SparseTensor:
    others = [arg for arg in args if isinstance(arg, SparseTensor)]
    if others:
        options = {"dtype": others[0].dtype, "device": others[0].device, **options}
        args = tuple(arg for arg in args if not isinstance(arg, SparseTensor))
    values = x._parts[1].to(*args, **options)
    if values is x._parts[1]:
        return x
    made: Any = type(x)._of(x._parts[0].to(values.device), values, x.shape, x._is_coalesced)
    return made


_CASTS = "float double half bfloat16 bool byte char short int long cfloat cdouble cpu cuda detach"

for _method in _CASTS.split():

    def _by_values(x: SparseTensor, *args: Any, _name: str = _method, **options: Any) -> Any:
        values = getattr(x._parts[1], _name)(*args, **options)
        return x if values is x._parts[1] else _to(with_values(x, values), values.device)

    _named(_method)(_by_values)


@_named("type_as")
def _type_as(x: Any, other: Any) -> Any:
    return x.to(other.dtype)


@_named("detach_")
def _detach_(x: SparseTensor) -> SparseTensor:
    x._parts = x._parts[0], x._parts[1].detach()
    return x


@_named("clone")
def _clone(x: SparseTensor, *, memory_format: Any = None) -> SparseTensor:
    indices, values = x._parts
    made: Any = type(x)._of(indices.clone(), values.clone(), x.shape, x._is_coalesced)
    return made


@_named("__deepcopy__")
def _deepcopy(x: SparseTensor, memo: dict[Any, Any]) -> Any:
    from copy import deepcopy

    if id(x) not in memo:
        indices, values = (deepcopy(part, memo) for part in x._parts)
        memo[id(x)] = type(x)._of(indices, values, x.shape, x._is_coalesced)
    return memo[id(x)]


@_named("__reduce_ex__")
def _reduce_ex(x: SparseTensor, proto: Any) -> Any:
    from tallow import _utils

    return _utils._reduce_sparse_tensor(x)


@_named("to_dense")
def _to_dense(x: SparseTensor, *args: Any, **options: Any) -> Tensor:
    return x.to_dense(*args, **options)


@_named("sparse_mask")
def _sparse_mask(x: SparseTensor, mask: SparseTensor) -> SparseTensor:
    return at_places_of(mask, x.to_dense())


@_named("new_zeros", "new_empty")
def _new_zeros(x: SparseTensor, *size: Any, dtype: Any = None, **options: Any) -> SparseTensor:
    shape = tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size
    values = x._parts[1].new_zeros((0,), dtype=dtype)
    places = x._parts[0].new_zeros((len(shape), 0))
    return SparseTensor._of(places, values, shape, True)


@_named("zeros_like", "empty_like")
def _zeros_like(x: SparseTensor, *, dtype: Any = None, device: Any = None, **options: Any) -> Any:
    indices, values = x._parts
    none = tallow.zeros(
        (0, *values.shape[1:]), dtype=dtype or values.dtype, device=device or values.device
    )
    return type(x)._of(indices[:, :0].to(none.device), none, x.shape, True)


# ---- Text.


@_named("__format__")
def _format(x: SparseTensor, spec: str) -> str:
    return str(x) if not spec else object.__format__(x, spec)


@_named("__repr__", "__str__")
def _repr(x: SparseTensor, **options: Any) -> str:
    from tallow._tensor_str import _gradient_note, _joined, _tensor_str

    def part(label: str, value: Tensor) -> str:
        first = f"{label}=tensor("
        body = _tensor_str(value.detach(), 7 + len(first)) if value.numel() else "[]"
        size = "" if value.numel() else f", size={tuple(value.shape)}"
        return f"{first}{body}{size})"

    values = x._parts[1]
    default = tallow.get_default_dtype()
    implied = (default, default.to_complex(), tallow.int64, tallow.bool)
    notes = [f"size={tuple(x.shape)}", f"nnz={x._nnz()}"]
    if values.dtype not in (implied if values.numel() else (default,)):
        notes.append(f"dtype={values.dtype}")
    notes += [f"layout={x.layout}", *_gradient_note(values)]
    line = ",\n       "
    if isinstance(x, SparseRows):
        parts = [part("crow_indices", x.crow_indices()), part("col_indices", x.col_indices())]
        text = line.join([*parts, part("values", values)])
    else:
        text = line.join([part("indices", x._parts[0]), part("values", values), notes.pop(0)])
    return _joined(f"tensor({text}", notes, 7)
