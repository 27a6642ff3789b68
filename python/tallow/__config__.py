"""What the native module was built with, as text."""

from __future__ import annotations

from tallow import version
from tallow._absent import name_absent_ones

__all__ = ["parallel_info", "show"]


def show() -> str:
    """Return the build's description in lines: version, instruction set and libraries.

    Programs search it for ``USE_CUDA=1`` or ``USE_MKL=OFF``: the settings have PyTorch's names.

    Example:
        >>> "USE_MKL=OFF" in tallow.__config__.show()
        True
    """
    from tallow.backends import cpu

    settings = {"TORCH_VERSION": version.torch, "USE_CUDA": "0", "USE_MKL": "OFF"}
    settings |= {"USE_MKLDNN": "OFF", "USE_OPENMP": "OFF", "USE_ROCM": "OFF"}
    lines = [
        f"tallow {version.tallow} built with:",
        "  - C++ Version: 202002",
        f"  - CPU capability usage: {cpu.get_cpu_capability()}",
        f"  - Build settings: {', '.join(f'{k}={v}' for k, v in settings.items())}",
    ]
    return "\n".join(lines) + "\n"


def parallel_info() -> str:
    """Return in lines how kernels are spread over threads.

    Example:
        >>> print(tallow.__config__.parallel_info().splitlines()[-1])
        ATen parallel backend: native thread pool
    """
    import os

    from tallow import _C

    lines = [
        "ATen/Parallel:",
        f"\tat::get_num_threads() : {_C.get_num_threads()}",
        f"std::thread::hardware_concurrency() : {os.cpu_count()}",
        "ATen parallel backend: native thread pool",
    ]
    return "\n".join(lines) + "\n"


name_absent_ones(__name__)
