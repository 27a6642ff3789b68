"""``autocast``: mixed precision on CUDA devices, remembered and no more on the CPU.

The operators that it converts for, and to what, stand in csrc/python/autocast.cpp.
"""

from __future__ import annotations

import functools
import threading
import warnings
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

__all__ = ["autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

_DEVICES = ("cpu", "cuda", "mps", "xpu", "hpu", "meta")


class _State(threading.local):
    """What autocast is set to in this thread, per device type."""

    def __init__(self) -> None:
        self.enabled: dict[str, bool] = {}
        self.dtypes: dict[str, Any] = {}
        self.cache_enabled = True
        self.nesting = 0  # how many blocks are open

    def dtype(self, device_type: str) -> Any:
        default = tallow.bfloat16 if device_type == "cpu" else tallow.float16
        return self.dtypes.get(device_type, default)

    def tell(self) -> None:
        """Tell the operators; they look at CUDA tensors only."""
        _C._set_cuda_autocast(
            self.enabled.get("cuda", False), self.dtype("cuda"), self.cache_enabled
        )


_state = _State()


def is_autocast_available(device_type: str) -> bool:
    """Tell whether a device type knows autocast at all."""
    return device_type in _DEVICES


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """Tell whether autocast is switched on for a device type."""
    return _state.enabled.get(device_type, False)


def set_autocast_enabled(device_type: str, enabled: bool) -> None:
    """Switch autocast on or off for a device type."""
    _state.enabled[device_type] = bool(enabled)
    _state.tell()


def get_autocast_dtype(device_type: str) -> Any:
    """Return the dtype that autocast is set to for a device type."""
    return _state.dtype(device_type)


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """Set the dtype of autocast for a device type."""
    _state.dtypes[device_type] = dtype
    _state.tell()


def is_autocast_cpu_enabled() -> bool:
    """Tell whether autocast is switched on for the CPU."""
    return is_autocast_enabled("cpu")


def is_autocast_cache_enabled() -> bool:
    """Tell whether autocast may keep converted weights."""
    return _state.cache_enabled


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Choose whether autocast may keep converted weights."""
    _state.cache_enabled = bool(enabled)
    _state.tell()


def clear_autocast_cache() -> None:
    """Forget the converted weights."""
    _C._clear_autocast_cache()


def autocast_increment_nesting() -> int:
    """Enter one more level of autocast, and return their number."""
    _state.nesting += 1
    return _state.nesting


def autocast_decrement_nesting() -> int:
    """Leave a level of autocast, and return the number of those left."""
    _state.nesting -= 1
    return _state.nesting


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """Switch autocast on or off for the CPU."""
    set_autocast_enabled("cpu", enabled)


def get_autocast_cpu_dtype() -> Any:
    """Return the dtype that autocast is set to for the CPU."""
    return get_autocast_dtype("cpu")


def set_autocast_cpu_dtype(dtype: Any) -> None:
    """Set the dtype of autocast for the CPU."""
    set_autocast_dtype("cpu", dtype)


def get_autocast_gpu_dtype() -> Any:
    """Return the dtype that autocast is set to for CUDA."""
    return get_autocast_dtype("cuda")


def set_autocast_gpu_dtype(dtype: Any) -> None:
    """Set the dtype of autocast for CUDA."""
    set_autocast_dtype("cuda", dtype)


class autocast:
    """Compute in mixed precision inside a ``with`` block or a function.

    On CUDA devices convolutions, matrix products, attention and recurrent layers convert float32
    and half-precision arguments to `dtype`; losses, norms, sums, softmax, powers and exponentials
    convert them to float32. Everything else keeps the dtypes of its arguments.

    On the CPU nothing is converted: half-precision arithmetic would be slower there, not faster.

    Args:
        device_type: ``'cpu'``, ``'cuda'``, ...
        dtype: the lower precision: float16, the default on CUDA devices, or bfloat16.
        enabled: ``False`` switches autocast off inside the block.
        cache_enabled: convert a weight once in the outermost block.

    Raises:
        RuntimeError: unknown device type.

    Example:
        >>> with autocast("cpu"):
        ...     tallow.is_autocast_enabled("cpu")
        True
    """

    def __init__(
        self,
        device_type: str,
        dtype: Any = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        if not is_autocast_available(device_type):
            raise RuntimeError(
                f"Expected one of {', '.join(_DEVICES)} device type at start of device string: "
                f"{device_type}"
            )
        if device_type == "cuda" and enabled and not tallow.cuda.is_available():
            warnings.warn(
                "CUDA is not available or torch_xla is imported. Disabling autocast.",
                stacklevel=2,
            )
            enabled = False
        self.device = device_type
        self.fast_dtype = _state.dtype(device_type) if dtype is None else dtype
        self._enabled = bool(enabled)
        self._cache_enabled = _state.cache_enabled if cache_enabled is None else cache_enabled
        self._before: list[tuple[bool, Any, bool]] = []

    def __enter__(self) -> Self:
        self._before.append(
            (
                is_autocast_enabled(self.device),
                get_autocast_dtype(self.device),
                _state.cache_enabled,
            )
        )
        autocast_increment_nesting()
        self._set(self._enabled, self.fast_dtype, self._cache_enabled)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._set(*self._before.pop())
        if autocast_decrement_nesting() == 0:
            clear_autocast_cache()

    def _set(self, enabled: bool, dtype: Any, cache_enabled: bool) -> None:
        _state.enabled[self.device] = enabled
        _state.dtypes[self.device] = dtype
        _state.cache_enabled = cache_enabled
        _state.tell()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Run `function` inside this mode."""

        @functools.wraps(function)
        def in_mode(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return in_mode


def autocast_as_now() -> list[autocast]:
    """Return the blocks that set autocast, somewhere else, to what it is set to now."""
    return [
        autocast(device_type, _state.dtype(device_type), enabled, _state.cache_enabled)
        for device_type, enabled in _state.enabled.items()
    ]


def _cast(value: Any, device_type: str, dtype: Any) -> Any:
    """Floating point tensors of a device type, but for float64, in another dtype."""
    if isinstance(value, tallow.Tensor):
        eligible = (
            value.is_floating_point()
            and value.device.type == device_type
            and value.dtype != tallow.float64
        )
        return value.to(dtype) if eligible else value
    if isinstance(value, dict):
        return {key: _cast(item, device_type, dtype) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_cast(item, device_type, dtype) for item in value)
    return value


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: Any = None
) -> Any:
    """Decorate ``forward`` of an autograd function so that it runs under autocast's rules.

    Args:
        fwd: the static method.
        device_type: ``'cuda'``, ...
        cast_inputs: convert the floating point tensors among the arguments to this dtype and
            switch autocast off inside; by default autocast stays as it is.
    """
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def in_mode(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        enabled = is_autocast_enabled(device_type)
        ctx._dtype = get_autocast_dtype(device_type)
        ctx._fwd_used_autocast = enabled and cast_inputs is None
        if cast_inputs is None or not enabled:
            return fwd(ctx, *args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(
                ctx,
                *_cast(args, device_type, cast_inputs),
                **_cast(kwargs, device_type, cast_inputs),
            )

    return in_mode


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Decorate ``backward`` of an autograd function; it runs with the autocast of the forward.

    Args:
        bwd: the static method.
        device_type: as given to :func:`custom_fwd`.
    """
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def in_mode(ctx: Any, *grads: Any) -> Any:
        with autocast(device_type, ctx._dtype, enabled=ctx._fwd_used_autocast):
            return bwd(ctx, *grads)

    return in_mode
