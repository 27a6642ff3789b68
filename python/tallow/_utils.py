"""How tensors are taken apart for pickling and put together again.

The functions named ``_rebuild...`` are named in PyTorch's files, which gives their names, their
places and the order of their arguments.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C

if TYPE_CHECKING:
    from tallow import Tensor
    from tallow.nn import Parameter


def _get_obj_state(obj: Any) -> Any:
    """Return the Python attributes of a tensor, None if there are none."""
    return obj.__dict__ or None


def _set_obj_state(obj: Any, state: Any) -> Any:
    """Give a tensor the attributes that ``_get_obj_state`` returned."""
    if state:
        obj.__dict__.update(state)
    return obj


def _reduce_tensor(tensor: Tensor, protocol: Any) -> tuple[Any, ...]:
    """Return the function and the arguments that make the tensor again.

    The history of a tensor and its hooks are left out.
    """
    hooks: OrderedDict[int, Any] = OrderedDict()
    size, stride = tuple(tensor.size()), tuple(tensor.stride())
    if tensor.is_meta:
        function: Any = _rebuild_meta_tensor_no_storage
        args: tuple[Any, ...] = (tensor.dtype, size, stride, tensor.requires_grad)
    else:
        storage, dtype = tensor.untyped_storage(), tensor.dtype
        geometry = (tensor.storage_offset(), size, stride, tensor.requires_grad, hooks)
        if tallow.storage.has_class(dtype):
            typed = tallow.storage.TypedStorage(wrap_storage=storage, dtype=dtype, _internal=True)
            function, args = _rebuild_tensor_v2, (typed, *geometry)
        else:
            function, args = _rebuild_tensor_v3, (storage, *geometry, dtype)
    state = _get_obj_state(tensor)
    if type(tensor) is tallow.Tensor and state is None:
        return (function, args)
    return (_rebuild_from_type_v2, (function, type(tensor), args, state))


def _reduce_sparse_tensor(tensor: Any) -> tuple[Any, ...]:
    """Return the function and the arguments that make a sparse tensor again."""
    indices, values = (part.detach() for part in tensor._parts)
    size: tuple[Any, ...] = (tensor.shape,)
    parts: tuple[Any, ...] = (indices, values)
    if tensor.is_sparse:
        size += (tensor.is_coalesced(),)
    else:
        parts = (tensor.crow_indices(), indices[1], values)
    return (_rebuild_sparse_tensor, (tensor.layout, (*parts, *size)))


def _rebuild_sparse_tensor(layout: Any, data: Any) -> Tensor:
    from tallow import sparse

    if layout is tallow.sparse_csr:
        return sparse.sparse_csr_tensor(*data)
    if layout is not tallow.sparse_coo:
        raise NotImplementedError(f"sparse tensors of layout {layout} are not supported")
    indices, values, size, *coalesced = data
    made = sparse.sparse_coo_tensor(indices, values, size)
    # Whether places are unique and in order is looked up, not believed.
    return made.coalesce() if coalesced and coalesced[0] else made


def _integers(values: Any) -> tuple[int, ...]:
    """Return sizes or strides that may come from a file, checked to be integers."""
    if not isinstance(values, (tuple, list)) or not all(type(number) is int for number in values):
        raise TypeError(f"tensor sizes and strides must be tuples of integers, got {values!r}")
    return tuple(values)


def _rebuild_tensor(storage: Any, storage_offset: int, size: Any, stride: Any) -> Tensor:
    return _rebuild_tensor_v3(
        storage, storage_offset, size, stride, False, OrderedDict(), storage.dtype
    )


def _rebuild_tensor_v2(
    storage: Any,
    storage_offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    backward_hooks: Any,
    metadata: Any = None,
) -> Tensor:
    return _rebuild_tensor_v3(
        storage,
        storage_offset,
        size,
        stride,
        requires_grad,
        backward_hooks,
        storage.dtype,
        metadata,
    )


def _rebuild_tensor_v3(
    storage: Any,
    storage_offset: int,
    size: Any,
    stride: Any,
    requires_grad: bool,
    backward_hooks: Any,
    dtype: Any,
    metadata: Any = None,
) -> Tensor:
    """Return a view of a storage; the native function checks that it fits.

    Args:
        storage: a typed or an untyped storage.
        storage_offset: first element.
        size: sizes.
        stride: steps, in elements.
        requires_grad: whether autograd records what is done with the tensor.
        backward_hooks: ignored.
        dtype: element type.
        metadata: flags of a lazy conjugate or negative view, which is then worked out.
    """
    sizes, strides = _integers(size), _integers(stride)
    (offset,) = _integers((storage_offset,))
    if storage.device.type == "meta":
        tensor = tallow.empty_strided(sizes, strides, dtype=dtype, device="meta")
    else:
        tensor = _C._tensor_from_storage(storage.untyped(), dtype, offset, sizes, strides)
    if metadata:
        if metadata.get("conj"):
            tensor = tallow.conj_physical(tensor)
        if metadata.get("neg"):
            tensor = tallow.neg(tensor)
    if requires_grad:
        tensor.requires_grad_(True)
    return tensor


def _rebuild_meta_tensor_no_storage(
    dtype: Any, size: Any, stride: Any, requires_grad: bool
) -> Tensor:
    tensor = tallow.empty_strided(_integers(size), _integers(stride), dtype=dtype, device="meta")
    if requires_grad:
        tensor.requires_grad_(True)
    return tensor


def _rebuild_parameter(data: Tensor, requires_grad: bool, backward_hooks: Any) -> Parameter:
    return tallow.nn.Parameter(data, requires_grad)


def _rebuild_parameter_with_state(
    data: Tensor, requires_grad: bool, backward_hooks: Any, state: Any
) -> Parameter:
    parameter = tallow.nn.Parameter(data, requires_grad)
    return _set_obj_state(parameter, state)


def _rebuild_from_type_v2(function: Any, new_type: Any, args: tuple[Any, ...], state: Any) -> Any:
    tensor = function(*args)
    if type(tensor) is not new_type:
        # Through a detached alias, so that the result is a leaf again.
        needs_grad = tensor.requires_grad
        tensor = tensor.detach().as_subclass(new_type)
        if needs_grad:
            tensor.requires_grad_(True)
    if hasattr(new_type, "__setstate__"):
        tensor.__setstate__(state)
        return tensor
    return _set_obj_state(tensor, state)


# ---- lists of tensors as one


def _flatten_dense_tensors(tensors: Any) -> Tensor:
    """Return the elements of all tensors, one after another."""
    return tallow.cat([tensor.reshape(-1) for tensor in tensors])


def _unflatten_dense_tensors(flat: Tensor, tensors: Any) -> tuple[Tensor, ...]:
    """Return views of `flat` with the shapes of `tensors`."""
    parts = flat.split([tensor.numel() for tensor in tensors])
    return tuple(part.view(like.shape) for part, like in zip(parts, tensors, strict=True))
