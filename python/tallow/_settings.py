"""Process-wide switches: determinism, precision hints, warnings, the default device."""

from __future__ import annotations

import warnings
from typing import Any

import tallow
from tallow import _C

__all__ = [
    "are_deterministic_algorithms_enabled",
    "get_deterministic_debug_mode",
    "get_device_module",
    "get_float32_matmul_precision",
    "get_num_interop_threads",
    "has_lapack",
    "has_mkl",
    "has_openmp",
    "has_spectral",
    "init_num_threads",
    "is_deterministic_algorithms_warn_only_enabled",
    "is_warn_always_enabled",
    "set_anomaly_enabled",
    "set_default_device",
    "set_default_tensor_type",
    "set_deterministic_debug_mode",
    "set_float32_matmul_precision",
    "set_flush_denormal",
    "set_num_interop_threads",
    "set_warn_always",
    "use_deterministic_algorithms",
]


# What PyTorch was built with; here NumPy has the routines of LAPACK and the Fourier transforms.
has_lapack = has_spectral = True
has_mkl = has_openmp = False


class _Settings:
    winograd: bool = True
    deterministic: bool = False
    deterministic_warn_only: bool = False
    matmul_precision: str = "highest"
    tf32_convolutions: bool = True
    cudnn: bool = True
    warn_always: bool = False


_settings = _Settings()


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for results that depend on nothing but the values.

    All operations give the same bits in every run and for any number of threads anyway. This
    switches off the one algorithm whose choice depends on the batch size, that of
    ``tallow.backends.cpu.winograd``.

    Args:
        mode: whether to; :func:`are_deterministic_algorithms_enabled` tells.
        warn_only: only remembered.
    """
    _settings.deterministic = bool(mode)
    _settings.deterministic_warn_only = bool(warn_only)
    _C._allow_winograd(_settings.winograd and not _settings.deterministic)


def allow_winograd(allowed: bool) -> None:
    """Set whether float32 convolutions may use the Winograd algorithm."""
    _settings.winograd = bool(allowed)
    _C._allow_winograd(_settings.winograd and not _settings.deterministic)


def is_winograd_allowed() -> bool:
    """Return what :func:`allow_winograd` was told."""
    return _settings.winograd


def are_deterministic_algorithms_enabled() -> bool:
    """Return what :func:`use_deterministic_algorithms` was told."""
    return _settings.deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Return what :func:`use_deterministic_algorithms` was told about warnings."""
    return _settings.deterministic_warn_only


def tell_cuda(**changes: Any) -> None:
    """Change settings that concern the CUDA plugin; it asks for them with every call."""
    for name, value in changes.items():
        setattr(_settings, name, value)
    products = _settings.matmul_precision != "highest"
    options = products + 2 * _settings.tf32_convolutions + 4 * (not _settings.cudnn)
    _C._cuda.set_math_options(options)


_DEBUG_MODES = ("default", "warn", "error")


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Do what :func:`use_deterministic_algorithms` does, by a level.

    Args:
        debug_mode: 0 or 'default' for off, 1 or 'warn', 2 or 'error' for on.

    Raises:
        TypeError: neither a number nor a text.
        RuntimeError: another number or text.
    """
    if not isinstance(debug_mode, int | str):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in _DEBUG_MODES:
            raise RuntimeError(
                "invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got "
                f"{debug_mode}"
            )
        debug_mode = _DEBUG_MODES.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(
            f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}"
        )
    use_deterministic_algorithms(debug_mode > 0, warn_only=debug_mode == 1)


def get_deterministic_debug_mode() -> int:
    """Return the level of :func:`set_deterministic_debug_mode`."""
    if not _settings.deterministic:
        return 0
    return 1 if _settings.deterministic_warn_only else 2


def get_device_module(device: Any = None) -> Any:
    """Return the module of a kind of device, such as ``tallow.cuda``.

    Args:
        device: a device or the text of one; by default the accelerator, or the CPU without one.

    Raises:
        RuntimeError: what is given names no device that has a module.
    """
    if device is None:
        device = tallow.accelerator.current_accelerator() or "cpu"
    if not isinstance(device, str | tallow.device):
        raise RuntimeError(f"Invalid value of device '{device}', expect torch.device, str, or None")
    kind = tallow.device(device).type
    if kind not in ("cpu", "cuda", "mps", "xpu"):
        raise RuntimeError(
            f"Device '{kind}' does not have a corresponding module registered as 'torch.{kind}'."
        )
    return getattr(tallow, kind)


def init_num_threads() -> None:
    """Return: the number of threads is set up when the package loads."""


def set_float32_matmul_precision(precision: str) -> None:
    """Allow less precise float32 products on CUDA devices; the CPU always computes them in full.

    Args:
        precision: ``'highest'``, or ``'high'`` or ``'medium'``, which both allow TF32: factors
            rounded to 10 bits.
    """
    if precision not in ("highest", "high", "medium"):
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current"
            "setFloat32MatmulPrecision call has no effect.",
            stacklevel=2,
        )
        return
    tell_cuda(matmul_precision=precision)


def get_float32_matmul_precision() -> str:
    """Return what :func:`set_float32_matmul_precision` was told."""
    return _settings.matmul_precision


def set_warn_always(b: bool) -> None:
    """Repeat warnings that are otherwise given once per process; remembered, without effect."""
    _settings.warn_always = bool(b)


def is_warn_always_enabled() -> bool:
    """Return what :func:`set_warn_always` was told."""
    return _settings.warn_always


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """Switch anomaly detection on or off; see :class:`tallow.autograd.set_detect_anomaly`."""
    _C._set_anomaly_enabled(mode, check_nan)


def set_flush_denormal(mode: bool) -> bool:
    """Tell whether tiny numbers can be rounded to zero as asked: they never are rounded.

    Raises:
        RuntimeError: `mode` is no bool.
    """
    if not isinstance(mode, bool):
        raise RuntimeError(f"flush_denormal expects a bool, but got {type(mode).__name__}")
    return not mode


def get_num_interop_threads() -> int:
    """Return how many operations may run at the same time: one."""
    return 1


def set_num_interop_threads(threads: int) -> None:
    """Accept how many operations may run at the same time; they run one after the other."""


def set_default_tensor_type(t: Any) -> None:
    """Choose the default dtype by the old name of a tensor type.

    Args:
        t: a class such as ``DoubleTensor``, or its name.

    Raises:
        TypeError: not a floating point type.
    """
    from tallow._legacy import dtype_of_type

    dtype = dtype_of_type(t)
    if not dtype.is_floating_point:
        raise TypeError("only floating-point types are supported as the default type")
    tallow.set_default_dtype(dtype)


def set_default_device(device: Any) -> None:
    """Choose where factory functions of the calling thread put tensors.

    Inside a block ``with tallow.device(...):`` they put them on that device instead.

    Args:
        device: a device or its name; ``None`` for the CPU.

    Example:
        >>> tallow.set_default_device("meta")
        >>> tallow.ones(2).device
        device(type='meta')
        >>> tallow.set_default_device(None)
    """
    _C._set_default_device(None if device is None else tallow.device(device))
