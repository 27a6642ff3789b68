"""Types of what has no signature of its own: members of native classes and functions of `_C`.

A function's entry is what follows `def name`; a tuple holds overloads. Entries name builtin types
plainly; tools/gen_stubs.py renames those that members of the class hide.
"""

from __future__ import annotations

OTHER = "(self, other: Tensor | Number) -> Tensor"
COMPARED = "(self, other: Any) -> Tensor"
NOTHING_TO_INT = "(self) -> int"
NOTHING_TO_BOOL = "(self) -> bool"
NOTHING_TO_TENSOR = "(self) -> Tensor"

_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor")
_BINARY += ("lshift", "rshift")
_NUMBERS = ("dim", "ndimension", "nelement", "numel", "data_ptr", "element_size", "get_device")
_NUMBERS += ("storage_offset", "__len__", "__int__", "__index__", "__hash__")
_QUESTIONS = ("is_complex", "is_floating_point", "is_signed", "is_inference", "is_pinned")
_QUESTIONS += ("is_conj", "is_neg", "_is_view", "__bool__")
_TENSORS = ("__neg__", "__pos__", "__abs__", "__invert__", "detach_")

FUNCTIONS: dict[str, dict[str, str | tuple[str, ...]]] = {
    "TensorBase": {
        "__init__": "(self, *args: Any, device: device | str | None = ...) -> None",
        **{f"__{form}{name}__": OTHER for name in _BINARY for form in ("", "r", "i")},
        **dict.fromkeys(("__matmul__", "__rmatmul__"), "(self, other: Tensor) -> Tensor"),
        **dict.fromkeys(("__lt__", "__le__", "__gt__", "__ge__"), OTHER),
        **dict.fromkeys(("__eq__", "__ne__"), COMPARED),
        **dict.fromkeys(_NUMBERS, NOTHING_TO_INT),
        **dict.fromkeys(_QUESTIONS, NOTHING_TO_BOOL),
        **dict.fromkeys(_TENSORS, NOTHING_TO_TENSOR),
        "__float__": "(self) -> float",
        "__getitem__": "(self, indices: Index) -> Tensor",
        "__setitem__": "(self, indices: Index, value: Tensor | Number) -> None",
        "as_subclass": "(self, cls: type[_T]) -> _T",
        "is_contiguous": "(self, memory_format: memory_format = ...) -> bool",
        "item": "(self) -> bool | int | float",
        "numpy": "(self, *, force: bool = ...) -> ndarray[Any, Any]",
        "requires_grad_": "(self, requires_grad: bool = ...) -> Tensor",
        "retain_grad": "(self) -> None",
        "size": ("(self, dim: None = ...) -> Size", "(self, dim: int) -> int"),
        "stride": ("(self, dim: None = ...) -> tuple[int, ...]", "(self, dim: int) -> int"),
        "tolist": "(self) -> Any",
        "untyped_storage": "(self) -> StorageBase",
    },
    "Size": {
        "__new__": "(cls, sizes: Iterable[int] = ...) -> Size",
        "__add__": "(self, other: tuple[int, ...]) -> Size",
        "__getitem__": ("(self, index: SupportsIndex) -> int", "(self, index: slice) -> Size"),
        "__mul__": "(self, times: SupportsIndex) -> Size",
        "__rmul__": "(self, times: SupportsIndex) -> Size",
        "numel": NOTHING_TO_INT,
    },
    "device": {
        "__init__": "(self, type: str | int | device, index: int | None = ...) -> None",
        "__enter__": "(self) -> device",
        "__exit__": "(self, *args: object) -> None",
    },
    "dtype": {"to_real": "(self) -> dtype", "to_complex": "(self) -> dtype"},
    "DisableTorchFunctionSubclass": {"__exit__": "(self, *args: object) -> None"},
    "Generator": {
        "__init__": "(self, device: device | str = ...) -> None",
        "get_state": NOTHING_TO_TENSOR,
        "manual_seed": "(self, seed: int) -> Generator",
        "set_state": "(self, new_state: Tensor) -> Generator",
    },
    "Node": {
        "_sequence_nr": NOTHING_TO_INT,
        "name": "(self) -> str",
        "register_hook": "(self, hook: Callable[..., Any]) -> RemovableHandle",
        "register_prehook": "(self, hook: Callable[..., Any]) -> RemovableHandle",
    },
    "_FunctionBase": {
        "mark_dirty": "(self, *tensors: Tensor) -> None",
        "mark_non_differentiable": "(self, *tensors: Tensor) -> None",
        "save_for_backward": "(self, *tensors: Tensor | None) -> None",
        "set_materialize_grads": "(self, value: bool) -> None",
    },
    "_GradMode": {
        "__enter__": "(self) -> None",
        "__exit__": "(self, kind: object, value: object, traceback: object) -> None",
        "__new__": "(cls, orig_func: Any = None) -> Any",
        "_undo_switch": "(self) -> None",
    },
    "_SetGradEnabled": {
        "__enter__": "(self) -> None",
        "__exit__": "(self, kind: object, value: object, traceback: object) -> None",
        "__init__": "(self, mode: bool) -> None",
        "_undo_switch": "(self) -> None",
    },
    "_InferenceMode": {
        "__enter__": "(self) -> None",
        "__exit__": "(self, kind: object, value: object, traceback: object) -> None",
        "__new__": "(cls, mode: Any = True) -> Any",
    },
    "StorageBase": {
        "__init__": "(self, *args: Any, device: device | str | None = ...) -> None",
        "__deepcopy__": "(self, memo: dict[int, Any]) -> StorageBase",
        "__getitem__": "(self, index: int | slice) -> Any",
        "__setitem__": "(self, index: int | slice, value: Any) -> None",
        "__iter__": "(self) -> Iterator[int]",
        "__buffer__": "(self, flags: int, /) -> memoryview",
        "clone": "(self) -> StorageBase",
        "copy_": "(self, source: Any, non_blocking: bool | None = ...) -> StorageBase",
        "cpu": "(self) -> StorageBase",
        "element_size": NOTHING_TO_INT,
        "fill_": "(self, value: int) -> StorageBase",
        "from_file": "(cls, filename: str, shared: bool = ..., nbytes: int = ...) -> StorageBase",
        "is_pinned": "(self, device: device | str = ...) -> bool",
        "is_shared": NOTHING_TO_BOOL,
        "is_shared_with": "(self, other: StorageBase) -> bool",
        "resize_": "(self, nbytes: int) -> StorageBase",
        "size": NOTHING_TO_INT,
        "tolist": "(self) -> list[int]",
        "untyped": "(self) -> StorageBase",
    },
    "": {
        "_get_tracing_state": "() -> Any",
        "_set_tracing_state": "(state: Any) -> None",
        "_has_torch_function": "(input: Any) -> bool",
        "_set_grad_enabled": "(enabled: bool) -> bool",
        "_call_has_torch_function": "(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool",
        "_get_namespace": "() -> str",
        "get_default_device": "() -> device",
        "get_num_threads": "() -> int",
        "is_anomaly_check_nan_enabled": "() -> bool",
        "is_anomaly_enabled": "() -> bool",
        "is_grad_enabled": "() -> bool",
        "is_inference_mode_enabled": "() -> bool",
        "_set_tensor_class": "(cls: type) -> None",
        "_set_parameter_class": "(cls: type) -> None",
        "_tensor_from_storage": (
            "(storage: StorageBase, dtype: dtype, offset: int, size: Sequence[int],"
            " stride: Sequence[int]) -> Tensor"
        ),
        "as_tensor": (
            "(data: Any, dtype: dtype | None = ..., device: device | str | int | None = ...)"
            " -> Tensor"
        ),
        "from_dlpack": (
            "(ext_tensor: Any, *, device: device | str | int | None = ...,"
            " copy: bool | None = ...) -> Tensor"
        ),
        "from_numpy": "(ndarray: Any) -> Tensor",
        "get_default_dtype": "() -> dtype",
        "set_default_dtype": "(d: dtype) -> None",
        "set_num_threads": "(int: int) -> None",
        "tensor": (
            "(data: Any, *, dtype: dtype | None = ..., device: device | str | int | None = ...,"
            " requires_grad: bool = ..., pin_memory: bool = ...) -> Tensor"
        ),
    },
}

VARIABLES: dict[str, dict[str, str]] = {
    "TensorBase": {
        **dict.fromkeys(("T", "H", "mT", "mH", "data", "real", "imag"), "Tensor"),
        **dict.fromkeys(("grad", "_base"), "Tensor | None"),
        **dict.fromkeys(("_version", "itemsize", "nbytes", "ndim", "output_nr"), "int"),
        **dict.fromkeys(("is_leaf", "requires_grad", "retains_grad"), "bool"),
        **dict.fromkeys(("is_cpu", "is_cuda", "is_meta", "is_mkldnn", "is_mps"), "bool"),
        **dict.fromkeys(("is_nested", "is_quantized", "is_sparse"), "bool"),
        **dict.fromkeys(("is_sparse_csr", "is_xpu"), "bool"),
        **dict.fromkeys(
            ("_backward_hooks", "_post_accumulate_grad_hooks"), "dict[int, Any] | None"
        ),
        "device": "device",
        "dtype": "dtype",
        "grad_fn": "Node | None",
        "layout": "layout",
        "shape": "Size",
    },
    "device": {"type": "str", "index": "int | None"},
    "dtype": {
        **dict.fromkeys(("is_complex", "is_floating_point", "is_signed"), "bool"),
        "itemsize": "int",
    },
    "Generator": {"device": "device"},
    "Node": {
        "next_functions": "tuple[tuple[Node | None, int], ...]",
        "variable": "Tensor",
        "_input_metadata": "list[tuple[Size, dtype]]",
        "_saved_names": "list[str]",
    },
    "_FunctionBase": {
        "apply": "Any",  # of the class in Function, of the instance in the nodes
        "materialize_grads": "bool",
        "needs_input_grad": "tuple[bool, ...]",
        "saved_tensors": "tuple[Tensor, ...]",
        "saved_variables": "tuple[Tensor, ...]",
        "to_save": "tuple[Tensor | None, ...] | None",
    },
    "_InferenceMode": {"mode": "bool"},
    "_SetGradEnabled": {"mode": "bool"},
    "StorageBase": {
        "device": "device",
        "filename": "str | None",
        **dict.fromkeys(("is_cpu", "is_cuda", "is_sparse"), "bool"),
    },
}
