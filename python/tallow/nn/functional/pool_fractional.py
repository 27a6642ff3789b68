"""Max pooling over windows at random places.

Source: B. Graham, Fractional max-pooling, 2014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow._composite import composite, few
from tallow.nn.functional._pool_checks import in_all_dims
from tallow.nn.functional._validate import ntuple

if TYPE_CHECKING:
    from tallow._tensor import Tensor

__all__ = [
    "fractional_max_pool2d",
    "fractional_max_pool2d_with_indices",
    "fractional_max_pool3d",
    "fractional_max_pool3d_with_indices",
]


def _begins(sample: Tensor, size: int, out: int, window: int) -> Tensor:
    """Where the windows of one dimension begin: (N, C, out), from one random number each."""
    last = size - window
    if out == 1:
        return tallow.full((*sample.shape, 1), last, dtype=tallow.int64, device=sample.device)
    alpha = last / (out - 1)
    count = tallow.arange(out - 1, dtype=sample.dtype, device=sample.device)
    moved = ((count + sample.unsqueeze(-1)) * alpha).long()
    moved = moved - (sample.unsqueeze(-1) * alpha).long()
    end = tallow.full((*sample.shape, 1), last, dtype=tallow.int64, device=sample.device)
    return tallow.cat([moved, end], -1)


_AXES = {2: ("height", "width"), 3: ("time", "height", "width")}


def _sizes(
    name: str, x: Tensor, n: int, kernel_size: Any, output_size: Any, output_ratio: Any
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The sizes of the windows and of the result, checked."""
    kernel, sizes = ntuple(n)(kernel_size), x.shape[2:]
    if output_size is None:
        ratio = ntuple(n)(output_ratio)
        if len(ratio) != n:
            raise ValueError(
                f"{name} requires output_ratio to either be a single Int or tuple of Ints."
            )
        out = tuple(int(size * r) for size, r in zip(sizes, ratio, strict=True))
    else:
        out = ntuple(n)(output_size)
    for argument, value in (("kernel_size", kernel), ("output_size", out)):
        if len(value) != n:
            raise RuntimeError(f"{name}: {argument} must either be a single Int or tuple of Ints")
        least = 1 if argument == "kernel_size" else 0
        if min(value) < least:
            raise RuntimeError(
                f"{name}: {argument} must be at least {least}, but got {list(value)}"
            )
    for d in range(1, x.dim()):
        if x.size(d) == 0:
            raise RuntimeError(
                f"{name}(): Expected input to have non-zero size for non-batch dimensions, but got"
                f"{list(x.shape)} with dimension {d} being empty."
            )
    for axis, size, o, k in zip(_AXES[n], sizes, out, kernel, strict=True):
        if o + k - 1 > size:
            raise RuntimeError(
                f"{name}(): pool {axis} {k} too large relative to input {axis} {size}"
            )
    return kernel, out


def _check_samples(samples: Tensor, x: Tensor, n: int) -> None:
    """Refuse random numbers that are not one for each channel and dimension."""
    if samples.dtype != x.dtype:
        raise RuntimeError("Expect _random_samples to have the same dtype as input")
    if samples.dim() != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {samples.dim()}")
    for d, what in enumerate(("batch", "channel")):
        if samples.size(d) < x.size(d):
            raise RuntimeError(f"Expect _random_samples.size({d}) no less then input {what} size.")
    if samples.size(2) != n:
        raise RuntimeError(f"Expect _random_samples.size(2) equals to {n}; got {samples.size(2)}.")


def _pool(
    name: str,
    input: Tensor,
    n: int,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    samples: Tensor | None,
) -> tuple[Tensor, Tensor]:
    if samples is not None and output_size is not None:
        small = few(
            _C._nn.fractional_max_pool_few,
            *(input, in_all_dims(kernel_size, n), in_all_dims(output_size, n), samples),
        )
        if small is not None and small[0] is not None and samples.size(2) == n:
            return small
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    x = input if input.dim() == n + 2 else input.unsqueeze(0)
    if x.dim() != n + 2:
        raise RuntimeError(
            f"{name}: Expected {n + 1}D or {n + 2}D tensor, but got: {list(input.shape)}"
        )
    kernel, out = _sizes(name, x, n, kernel_size, output_size, output_ratio)
    batch, channels = x.shape[:2]
    sizes = x.shape[2:]
    if samples is None:
        samples = tallow.rand(batch, channels, n, dtype=x.dtype, device=x.device)
    else:
        _check_samples(samples, x, n)
        samples = samples[:batch, :channels]
    if batch == 0 or 0 in out:
        values = x.flatten()[:0].reshape(batch, channels, *out)
        indices = tallow.zeros(values.shape, dtype=tallow.int64, device=x.device)
        return (values, indices) if input.dim() == n + 2 else (values[0], indices[0])
    position = tallow.zeros(1, dtype=tallow.int64, device=x.device)
    shape = [batch, channels]
    for d, (size, o, k) in enumerate(zip(sizes, out, kernel, strict=True)):
        # The last random number is for the first dimension of volumes, in PyTorch's order.
        column = d if n == 3 else n - 1 - d
        begin = _begins(samples[..., column], size, o, k)
        here = begin.unsqueeze(-1) + tallow.arange(k, device=x.device)  # (N, C, out, k)
        position = position.reshape(*position.shape, 1, 1) if d else position.reshape(1, 1, 1, 1)
        here = here.reshape(batch, channels, *[1] * (2 * d), o, k)
        position = position * size + here
        shape += [o]
    order = [0, 1, *range(2, 2 + 2 * n, 2), *range(3, 3 + 2 * n, 2)]
    position = position.permute(order).reshape(*shape, -1)
    values = x.flatten(2).gather(2, position.flatten(2)).view(position.shape)
    best, which = values.max(-1)
    indices = position.gather(-1, which.unsqueeze(-1)).squeeze(-1)
    return (best, indices) if input.dim() == n + 2 else (best.squeeze(0), indices.squeeze(0))


@composite
def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return maxima and their positions; see :func:`fractional_max_pool2d`."""
    return _pool(
        "fractional_max_pool2d", input, 2, kernel_size, output_size, output_ratio, _random_samples
    )


@composite
def fractional_max_pool2d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Return the maxima of windows at random places of images.

    Args:
        input: ``(N, C, H, W)`` or ``(C, H, W)``.
        kernel_size: size of the windows.
        output_size: size of the result.
        output_ratio: size of the result as a share of that of the input.
        return_indices: also return the positions of the maxima.

    Raises:
        ValueError: neither size nor ratio.
        RuntimeError: windows larger than the input.
    """
    found = fractional_max_pool2d_with_indices(
        input, kernel_size, output_size, output_ratio, True, _random_samples
    )
    return found if return_indices else found[0]


@composite
def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Return maxima and their positions; see :func:`fractional_max_pool3d`."""
    return _pool(
        "fractional_max_pool3d", input, 3, kernel_size, output_size, output_ratio, _random_samples
    )


@composite
def fractional_max_pool3d(
    input: Tensor,
    kernel_size: Any,
    output_size: Any = None,
    output_ratio: Any = None,
    return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:
    """Return the maxima of windows at random places of volumes; see `fractional_max_pool2d`."""
    found = fractional_max_pool3d_with_indices(
        input, kernel_size, output_size, output_ratio, True, _random_samples
    )
    return found if return_indices else found[0]
