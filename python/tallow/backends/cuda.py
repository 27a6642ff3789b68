"""Switches of CUDA libraries, without effect on the CPU."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from tallow._settings import get_float32_matmul_precision, set_float32_matmul_precision

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "cudnn_sdp_enabled",
    "enable_cudnn_sdp",
    "enable_flash_sdp",
    "enable_math_sdp",
    "enable_mem_efficient_sdp",
    "flash_sdp_enabled",
    "is_built",
    "math_sdp_enabled",
    "matmul",
    "mem_efficient_sdp_enabled",
    "sdp_kernel",
]


class _MatmulSwitches:
    """Allowances for faster, less precise products."""

    allow_fp16_reduced_precision_reduction: bool = True
    allow_bf16_reduced_precision_reduction: bool = True

    @property
    def allow_tf32(self) -> bool:
        """Whether float32 products may round their factors to 10 bits, on CUDA devices."""
        return get_float32_matmul_precision() != "highest"

    @allow_tf32.setter
    def allow_tf32(self, allowed: bool) -> None:
        set_float32_matmul_precision("high" if allowed else "highest")


matmul = _MatmulSwitches()
_attention = {"flash": True, "math": True, "mem_efficient": True, "cudnn": True}


def is_built() -> bool:
    """Tell whether this build has CUDA: no."""
    return False


def flash_sdp_enabled() -> bool:
    """Return what :func:`enable_flash_sdp` was told."""
    return _attention["flash"]


def math_sdp_enabled() -> bool:
    """Return what :func:`enable_math_sdp` was told."""
    return _attention["math"]


def mem_efficient_sdp_enabled() -> bool:
    """Return what :func:`enable_mem_efficient_sdp` was told."""
    return _attention["mem_efficient"]


def cudnn_sdp_enabled() -> bool:
    """Return what :func:`enable_cudnn_sdp` was told."""
    return _attention["cudnn"]


def enable_flash_sdp(enabled: bool) -> None:
    """Allow flash attention."""
    _attention["flash"] = bool(enabled)


def enable_math_sdp(enabled: bool) -> None:
    """Allow attention by plain products."""
    _attention["math"] = bool(enabled)


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Allow memory-efficient attention."""
    _attention["mem_efficient"] = bool(enabled)


def enable_cudnn_sdp(enabled: bool) -> None:
    """Allow attention by cuDNN."""
    _attention["cudnn"] = bool(enabled)


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[dict[str, Any]]:
    """Choose the allowed kinds of attention inside a ``with`` block."""
    before = dict(_attention)
    _attention.update(
        flash=enable_flash,
        math=enable_math,
        mem_efficient=enable_mem_efficient,
        cudnn=enable_cudnn,
    )
    try:
        yield {}
    finally:
        _attention.update(before)
