"""Where the names live that ``import tallow`` does not load at once."""

from __future__ import annotations

__all__ = ["LAZY"]

# Module -> what of it belongs to the top level.
_HOMES = {
    "_buffer": "frombuffer",
    "_dtype_info": "finfo iinfo",
    "_legacy": (
        "BFloat16Tensor BoolTensor ByteTensor CharTensor DoubleTensor FloatTensor HalfTensor"
        " IntTensor LongTensor ShortTensor typename"
    ),
    "_settings": (
        "are_deterministic_algorithms_enabled get_default_device get_float32_matmul_precision"
        " is_deterministic_algorithms_warn_only_enabled is_warn_always_enabled set_default_device"
        " set_default_tensor_type set_float32_matmul_precision set_warn_always"
        " set_anomaly_enabled set_flush_denormal get_num_interop_threads set_num_interop_threads"
        " use_deterministic_algorithms"
    ),
    "_tensor_str": "set_printoptions",
    "_alias": "as_torch",
    "amp": "autocast GradScaler",
    "amp.autocast_mode": (
        "get_autocast_dtype is_autocast_cache_enabled is_autocast_cpu_enabled is_autocast_enabled"
        " set_autocast_dtype set_autocast_enabled"
    ),
    "compiler": "compile",
    "functional": "unravel_index",
    "special._error_inverse": "erfinv",
    "special._gamma": "digamma lgamma mvlgamma polygamma",
    "serialization": "load save",
    "storage": (
        "BFloat16Storage BoolStorage ByteStorage CharStorage ComplexDoubleStorage"
        " ComplexFloatStorage DoubleStorage FloatStorage HalfStorage IntStorage LongStorage"
        " ShortStorage TypedStorage UntypedStorage"
    ),
    "_predicates": (
        "get_device is_complex is_conj is_floating_point is_inference is_neg is_nonzero is_signed"
        " is_storage is_tensor numel"
    ),
}
_SUBMODULES = (
    "accelerator amp autograd backends compiler cuda demo distributed fft functional hub jit linalg"
    " mps nn optim overrides random serialization special storage testing torch_version types utils"
    " version"
)

LAZY: dict[str, str] = {
    name: module for module, names in _HOMES.items() for name in names.split()
} | {name: name for name in _SUBMODULES.split()}
