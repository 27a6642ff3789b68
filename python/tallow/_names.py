"""Where the names live that ``import tallow`` does not load at once."""

from __future__ import annotations

__all__ = ["LAZY"]

# Module -> what of it belongs to the top level.
_HOMES = {
    "_dtype_info": "finfo iinfo",
    "_legacy": "typename",
    "_settings": (
        "are_deterministic_algorithms_enabled get_default_device get_float32_matmul_precision"
        " is_deterministic_algorithms_warn_only_enabled is_warn_always_enabled set_default_device"
        " set_default_tensor_type set_float32_matmul_precision set_warn_always"
        " use_deterministic_algorithms"
    ),
    "_tensor_str": "set_printoptions",
    "amp": "autocast GradScaler",
    "compiler": "compile",
    "serialization": "load save",
    "storage": "TypedStorage UntypedStorage",
    "_legacy_types": (
        "BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor"
        " IntTensor LongTensor ShortTensor"
    ),
    "_predicates": (
        "is_complex is_floating_point is_nonzero is_storage is_tensor numel get_device is_inference"
        " is_signed"
    ),
}
_SUBMODULES = (
    "accelerator amp autograd backends compiler cuda demo distributed fft functional hub jit linalg"
    " mps nn optim overrides random serialization special storage testing types utils version"
)

LAZY: dict[str, str] = {
    name: module for module, names in _HOMES.items() for name in names.split()
} | {name: name for name in _SUBMODULES.split()}
