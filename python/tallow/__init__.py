"""tallow: tensors, neural networks and automatic differentiation on a small native core.

The names are PyTorch's. Operations come from the native module ``tallow._C``; submodules that
importing the package does not need are loaded when first used.
"""

from __future__ import annotations

import importlib
import math as _math
from typing import TYPE_CHECKING, Any

from tallow import _C
from tallow._C import (
    DisableTorchFunctionSubclass,
    Generator,
    OutOfMemoryError,
    Size,
    as_tensor,
    bfloat16,
    bool,
    channels_last,
    channels_last_3d,
    complex32,
    complex64,
    complex128,
    contiguous_format,
    default_generator,
    device,
    dtype,
    float8_e4m3fn,
    float8_e4m3fnuz,
    float8_e5m2,
    float8_e5m2fnuz,
    float8_e8m0fnu,
    float16,
    float32,
    float64,
    from_dlpack,
    from_numpy,
    get_default_device,
    get_default_dtype,
    get_num_threads,
    int8,
    int16,
    int32,
    int64,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    is_grad_enabled,
    is_inference_mode_enabled,
    jagged,
    layout,
    memory_format,
    preserve_format,
    set_default_dtype,
    set_num_threads,
    sparse_bsc,
    sparse_bsr,
    sparse_coo,
    sparse_csc,
    sparse_csr,
    strided,
    tensor,
    uint8,
    uint16,
    uint32,
    uint64,
)

float = float32
double = float64
half = float16
int = int32
long = int64
short = int16
chalf = complex32
cfloat = complex64
cdouble = complex128

e = _math.e
inf = _math.inf
nan = _math.nan
pi = _math.pi
newaxis = None

# Every native op, under its own name: tallow.softmax is tallow._C._VariableFunctions.softmax.
if TYPE_CHECKING:
    from tallow._functions import *
else:
    globals().update(
        (name, function)
        for name, function in vars(_C._VariableFunctions).items()
        if not name.startswith("__")
    )

from tallow import (
    autograd,
    storage,
)
from tallow._names import LAZY as _LAZY
from tallow._tensor import Tensor
from tallow.autograd import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)
from tallow.functional import (  # type: ignore[no-redef]
    atleast_1d,
    atleast_2d,
    atleast_3d,
    block_diag,
    broadcast_shapes,
    broadcast_tensors,
    cartesian_prod,
    chain_matmul,
    einsum,
    meshgrid,
    norm,
    split,
    tensordot,
    unique,
    unique_consecutive,
)
from tallow.random import (
    fork_rng,
    get_rng_state,
    initial_seed,
    manual_seed,
    seed,
    set_rng_state,
)
from tallow.version import __version__

if TYPE_CHECKING:
    from tallow._names import *
else:

    def __getattr__(name: str) -> Any:
        """Load a submodule, or a function of one, when it is first asked for."""
        home = _LAZY.get(name)
        if home is None:
            from tallow._absent import AbsentName

            raise AbsentName(__name__, name, __dir__)
        module = importlib.import_module(f"tallow.{home}")
        value = module if home == name else getattr(module, name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
