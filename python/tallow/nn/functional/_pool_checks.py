"""What pooling of volumes and unpooling refuse, before they compute anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow import _C
from tallow._composite import c_name
from tallow.nn.functional._validate import ntuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tallow._tensor import Tensor

__all__ = ["Window", "check_unpool", "check_volume", "in_all_dims", "volume_window"]


class Window:
    """Size, step, padding and dilation of the windows of volumes: three numbers each."""

    def __init__(
        self,
        kernel: tuple[int, ...],
        step: tuple[int, ...],
        pad: tuple[int, ...],
        spread: tuple[int, ...],
    ) -> None:
        self.kernel, self.step, self.pad, self.spread = kernel, step, pad, spread


def _triple(value: Any, message: str) -> tuple[int, ...]:
    found = ntuple(3)(value)
    if len(found) == 1:
        return found * 3
    if len(found) != 3:
        raise RuntimeError(message)
    return found


def in_all_dims(size: Any, n: int) -> Any:
    """One number, repeated for each of `n` dimensions; anything else as it is."""
    return (size,) * n if type(size) is int else size


def volume_window(
    op: str, kernel_size: Any, stride: Any, padding: Any, dilation: Any = 1
) -> Window:
    """Return the windows that the arguments of a pooling of volumes describe.

    Raises:
        RuntimeError: an argument has neither one nor three numbers.
    """
    either = "either " if op == "max_pool3d" else ""
    kernel = _triple(
        kernel_size, f"{op}: kernel_size must {either}be a single int, or a tuple of three ints"
    )
    omitted = stride is None or stride == () or stride == []
    step = (
        kernel
        if omitted
        else _triple(
            stride,
            f"{op}: stride must {either}be omitted, a single int, or a tuple of three ints",
        )
    )
    pad = _triple(padding, f"{op}: padding must {either}be a single int, or a tuple of three ints")
    spread = _triple(
        dilation, f"{op}: dilation must be either a single int, or a tuple of three ints"
    )
    return Window(kernel, step, pad, spread)


def _positive(what: str, prefix: str, sizes: Sequence[int]) -> None:
    if min(sizes) <= 0:
        parts = " ".join(f"{prefix}{axis}: {n}" for axis, n in zip("THW", sizes, strict=True))
        raise RuntimeError(f"{what} should be greater than zero, but got {parts}")


def check_volume(
    name: str, x: Tensor, window: Window, *, ceil_mode: bool, window_fits: bool = False
) -> None:
    """Refuse windows without elements, steps or room, and inputs that are no volumes.

    Args:
        name: the function, for messages.
        x: the input, which should be ``(N, C, D, H, W)`` or ``(C, D, H, W)``.
        window: what pools it.
        ceil_mode: may the last window end outside?
        window_fits: must a window fit into the input without its padding?

    Raises:
        RuntimeError: as said.
    """
    if 0 in window.step:
        raise RuntimeError("stride should not be zero")
    for pad, kernel, spread in zip(window.pad, window.kernel, window.spread, strict=True):
        if pad < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {pad}")
        if pad > ((kernel - 1) * spread + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={pad}, "
                f"kernel_size={kernel} and dilation={spread}"
            )
    _positive("kernel size", "k", window.kernel)
    _positive("stride", "d", window.step)
    _positive("dilation", "dilation", window.spread)
    if x.dim() not in (4, 5):
        raise RuntimeError("non-empty 4D or 5D (batch mode) tensor expected for input")
    for place, size in enumerate(x.shape[x.dim() - 4 :]):
        if size == 0:
            raise RuntimeError(
                f"{name}(): Expected input's non-batch dimensions to have positive length, but "
                f"input has a shape of {list(x.shape)} and non-batch dimension {place} has "
                "length zero!"
            )
    sizes = tuple(x.shape[-3:])
    if window_fits and any(size < k for size, k in zip(sizes, window.kernel, strict=True)):
        raise RuntimeError(
            "input image (T: {} H: {} W: {}) smaller than kernel size "
            "(kT: {} kH: {} kW: {})".format(*sizes, *window.kernel)
        )
    pooled = [
        _pooled(r, k, s, p, d, ceil_mode)
        for r, k, s, p, d in zip(
            sizes, window.kernel, window.step, window.pad, window.spread, strict=True
        )
    ]
    if min(pooled) <= 0:
        channels = x.size(-4)
        shown, result = ("x".join(map(str, (channels, *part))) for part in (sizes, pooled))
        raise RuntimeError(
            f"Given input size: ({shown}). Calculated output size: ({result}). "
            "Output size is too small"
        )


def _pooled(size: int, kernel: int, step: int, pad: int, spread: int, ceil_mode: bool) -> int:
    """How many windows there are along one dimension."""
    span = size + 2 * pad - spread * (kernel - 1) - 1
    steps = -(-span // step) if ceil_mode else span // step
    # The last window must begin inside the input or its left padding.
    return steps + (0 if ceil_mode and steps * step >= size + pad else 1)


def check_unpool(input: Tensor, indices: Tensor, n: int, stride: Sequence[int]) -> None:
    """Refuse maxima and positions that no pooling of `n` dimensions gives.

    Raises:
        NotImplementedError: maxima that are no floating-point numbers.
        RuntimeError: another number of dimensions, positions of another dtype or shape, no
            elements in a dimension, or steps that are not positive.
    """
    dims = 3 if n == 3 else 2  # lines are images of width 1
    missing = dims - n
    if indices.dtype is not _C.int64:
        raise RuntimeError(
            f"elements in indices should be type int64 but got: {c_name(indices.dtype)}"
        )
    if input.dim() not in (n + 1, n + 2):
        raise RuntimeError(
            f"Input to max_unpooling{dims}d should be a {dims + 1}d or {dims + 2}d Tensor, but "
            f"got a tensor with {input.dim() + missing} dimensions."
        )
    if input.shape != indices.shape:
        ones = [1] * missing
        raise RuntimeError(
            "Expected shape of indices to be same as that of the input tensor "
            f"({[*input.shape, *ones]}) but got indices tensor with shape: "
            f"{[*indices.shape, *ones]}"
        )
    if n == 3 and min(stride) <= 0:
        raise RuntimeError(f"strides should be greater than zero, but got stride: {list(stride)}")
    for d in range(input.dim() - n - 1, input.dim()):
        if input.size(d) == 0:
            raise RuntimeError(
                f"max_unpooling{dims}d_forward_out_cpu(): Expected input to have non-zero size "
                f"for non-batch dimensions, but got {list(input.shape)} with dimension {d} being "
                "empty."
            )
    if not input.is_floating_point():
        raise NotImplementedError(
            f"\"max_unpool{dims}d\" not implemented for '{c_name(input.dtype)}'"
        )
