"""``autocast``: remembers what was asked for; operations keep the dtypes of their inputs."""

from __future__ import annotations

import functools
import threading
import warnings
from typing import TYPE_CHECKING, Any

import tallow

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
        self.nesting = 0

    def dtype(self, device_type: str) -> Any:
        default = tallow.bfloat16 if device_type == "cpu" else tallow.float16
        return self.dtypes.get(device_type, default)


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


def get_autocast_dtype(device_type: str) -> Any:
    """Return the dtype that autocast is set to for a device type."""
    return _state.dtype(device_type)


def set_autocast_dtype(device_type: str, dtype: Any) -> None:
    """Set the dtype of autocast for a device type."""
    _state.dtypes[device_type] = dtype


def is_autocast_cpu_enabled() -> bool:
    """Tell whether autocast is switched on for the CPU."""
    return is_autocast_enabled("cpu")


def is_autocast_cache_enabled() -> bool:
    """Tell whether autocast may keep converted weights."""
    return _state.cache_enabled


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Remember whether autocast may keep converted weights."""
    _state.cache_enabled = bool(enabled)


def clear_autocast_cache() -> None:
    """Return: no converted weights are kept."""


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
    """Ask for mixed precision inside a ``with`` block or a function.

    On the CPU nothing is converted: half-precision arithmetic would be slower there, not faster.

    Args:
        device_type: ``'cpu'``, ``'cuda'``, ...
        dtype: the lower precision; remembered.
        enabled: ``False`` switches autocast off inside the block.
        cache_enabled: remembered.

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
        set_autocast_enabled(self.device, self._enabled)
        set_autocast_dtype(self.device, self.fast_dtype)
        _state.cache_enabled = self._cache_enabled
        return self

    def __exit__(self, *exc_info: object) -> None:
        enabled, dtype, cache_enabled = self._before.pop()
        set_autocast_enabled(self.device, enabled)
        set_autocast_dtype(self.device, dtype)
        _state.cache_enabled = cache_enabled

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Run `function` inside this mode."""

        @functools.wraps(function)
        def in_mode(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return in_mode


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str = "cuda", cast_inputs: Any = None
) -> Any:
    """Decorate ``forward`` of an autograd function so that it runs under autocast's rules.

    Args:
        fwd: the static method.
        device_type: accepted.
        cast_inputs: accepted; nothing is converted.
    """
    return functools.partial(custom_fwd, device_type=device_type) if fwd is None else fwd


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str = "cuda") -> Any:
    """Decorate ``backward`` of an autograd function; the counterpart of :func:`custom_fwd`.

    Args:
        bwd: the static method.
        device_type: accepted.
    """
    return functools.partial(custom_bwd, device_type=device_type) if bwd is None else bwd
