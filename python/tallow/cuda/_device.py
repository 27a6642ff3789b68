"""Which CUDA devices there are, and which one the calling thread uses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C

if TYPE_CHECKING:
    from tallow import Tensor

_runtime = _C._cuda


def why_unavailable() -> str:
    """Say in a sentence what keeps CUDA from being used, and what to do about it.

    Opens the plugin, but starts nothing on any device.

    Returns:
        The empty string if CUDA can be used.

    Example:
        >>> tallow.cuda.is_available() == (tallow.cuda.why_unavailable() == "")
        True
    """
    return _runtime.why_unavailable()


_LIBRARIES = ("cuBLASLt", "cuDNN", "NCCL")


def libraries() -> dict[str, int | str]:
    """Open the libraries of NVIDIA's and say what came of it.

    cuBLASLt computes matrix products and cuDNN convolutions where they are installed and can; the
    plugin's own kernels do the rest. Nothing uses NCCL yet.

    Returns:
        For each library its version, as it counts itself, or a sentence about what keeps it from
        being used.

    Example:
        >>> sorted(tallow.cuda.libraries())
        ['NCCL', 'cuBLASLt', 'cuDNN']
    """
    if why := why_unavailable():
        return dict.fromkeys(_LIBRARIES, why)
    answers = (_runtime.library_version(index) for index in range(len(_LIBRARIES)))
    return {
        name: version or problem
        for name, (version, problem) in zip(_LIBRARIES, answers, strict=True)
    }


def is_available() -> bool:
    """Tell whether a CUDA device can be used, without starting anything on it."""
    return why_unavailable() == ""


def is_initialized() -> bool:
    """Tell whether something has been started on a CUDA device."""
    return _runtime.is_initialized()


def device_count() -> int:
    """Return the number of CUDA devices."""
    return _runtime.device_count() if is_available() else 0


def _lazy_init() -> None:
    """Raise if CUDA cannot be used."""
    why = why_unavailable()
    if not why:
        return
    if not _runtime.is_loaded():
        raise AssertionError(f"Torch not compiled with CUDA enabled: {why}")
    raise RuntimeError(f"No CUDA GPUs are available: {why}")


def init() -> None:
    """Make CUDA ready for use; every other function does so by itself.

    Raises:
        AssertionError: the plugin is not installed.
        RuntimeError: there is no driver or no device.
    """
    _lazy_init()


def _index(device: Any = None) -> int:
    """Return the index of a device given in any form; the current one for ``None``."""
    _lazy_init()
    if device is None:
        return _runtime.current_device()
    if isinstance(device, int):
        return _runtime.current_device() if device < 0 else device
    given = tallow.device(device) if isinstance(device, str) else device
    if given.type != "cuda":
        raise ValueError(f"Expected a cuda device, but got: {given}")
    return _runtime.current_device() if given.index is None else given.index


def current_device() -> int:
    """Return the index of the calling thread's device."""
    _lazy_init()
    return _runtime.current_device()


def set_device(device: Any) -> None:
    """Make a device the calling thread's own; a negative index changes nothing."""
    if isinstance(device, int) and device < 0:
        return
    _runtime.set_device(_index(device))


class device:
    """Choose a device inside a ``with`` block.

    Args:
        device: a device or its index; negative or ``None`` changes nothing.

    Raises:
        RuntimeError: on entering the block, if the device cannot be used.
    """

    def __init__(self, device: Any) -> None:
        if isinstance(device, str):
            device = tallow.device(device)
        self.idx = -1 if device is None else getattr(device, "index", device)
        self.prev_idx = -1

    def __enter__(self) -> None:
        if isinstance(self.idx, int) and self.idx < 0:
            return
        if not _runtime.is_loaded() and not is_available():
            raise RuntimeError(f"PyTorch was compiled without CUDA support: {why_unavailable()}")
        self.prev_idx = current_device()
        set_device(self.prev_idx if self.idx is None else self.idx)

    def __exit__(self, *exc_info: object) -> None:
        if self.prev_idx >= 0:
            _runtime.set_device(self.prev_idx)


class device_of(device):
    """Choose the device of a tensor inside a ``with`` block; for CPU tensors nothing changes."""

    def __init__(self, obj: Tensor) -> None:
        super().__init__(obj.get_device() if obj.is_cuda else -1)


class _DeviceProperties:
    """What a device is: `name`, `major` and `minor` capability, `total_memory` and more."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"device properties have no {name!r}")

    def __repr__(self) -> str:
        return (
            f"_CudaDeviceProperties(name={self.name!r}, major={self.major}, minor={self.minor}, "
            f"total_memory={self.total_memory // 2**20}MB, "
            f"multi_processor_count={self.multi_processor_count}, "
            f"L2_cache_size={self.L2_cache_size // 2**20}MB)"
        )


def get_device_properties(device: Any = None) -> _DeviceProperties:
    """Describe a device: its name, capability, memory and more."""
    return _DeviceProperties(_runtime.properties(_index(device)))


def get_device_name(device: Any = None) -> str:
    """Return the name of a device."""
    return get_device_properties(device).name


def get_device_capability(device: Any = None) -> tuple[int, int]:
    """Return the compute capability of a device, major and minor."""
    properties = get_device_properties(device)
    return properties.major, properties.minor


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """Tell whether the current device computes in bfloat16.

    Args:
        including_emulation: count devices that compute in float32 and round.
    """
    if not is_available():
        return False
    return including_emulation or get_device_capability()[0] >= 8


def is_tf32_supported() -> bool:
    """Tell whether the current device multiplies float32 matrices in TensorFloat-32."""
    return is_bf16_supported(including_emulation=False)


def can_device_access_peer(device: Any, peer_device: Any) -> bool:
    """Tell whether one device can read the memory of another."""
    return _runtime.can_access_peer(_index(device), _index(peer_device))


def synchronize(device: Any = None) -> None:
    """Wait for all work on a device.

    Raises:
        IndexError: a kernel has met an index out of range since the last call that waited.
    """
    _runtime.synchronize(_index(device))
