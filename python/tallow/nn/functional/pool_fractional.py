"""Max pooling over windows at random places.

Source: B. Graham, Fractional max-pooling, 2014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow._composite import composite
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
        return tallow.full((*sample.shape, 1), last, dtype=tallow.int64)
    alpha = last / (out - 1)
    count = tallow.arange(out - 1, dtype=sample.dtype)
    moved = ((count + sample.unsqueeze(-1)) * alpha).long()
    moved = moved - (sample.unsqueeze(-1) * alpha).long()
    end = tallow.full((*sample.shape, 1), last, dtype=tallow.int64)
    return tallow.cat([moved, end], -1)


def _pool(
    name: str,
    input: Tensor,
    n: int,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    samples: Tensor | None,
) -> tuple[Tensor, Tensor]:
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    x = input if input.dim() == n + 2 else input.unsqueeze(0)
    if x.dim() != n + 2:
        raise RuntimeError(
            f"{name}: Expected {n + 1}D or {n + 2}D tensor, but got: {list(input.shape)}"
        )
    kernel = ntuple(n)(kernel_size)
    sizes = x.shape[2:]
    if output_size is None:
        ratio = ntuple(n)(output_ratio)
        out = [int(size * r) for size, r in zip(sizes, ratio, strict=True)]
    else:
        out = list(ntuple(n)(output_size))
    for size, o, k in zip(sizes, out, kernel, strict=True):
        if o + k - 1 > size:
            raise RuntimeError(f"{name}: pool size ({k}) too large relative to input size ({size})")
    batch, channels = x.shape[:2]
    if samples is None:
        samples = tallow.rand(batch, channels, n, dtype=x.dtype)
    position = tallow.zeros(1, dtype=tallow.int64)
    shape = [batch, channels]
    for d, (size, o, k) in enumerate(zip(sizes, out, kernel, strict=True)):
        # The last random number is for the first dimension of volumes, in PyTorch's order.
        column = d if n == 3 else n - 1 - d
        begin = _begins(samples[..., column], size, o, k)
        here = begin.unsqueeze(-1) + tallow.arange(k)  # (N, C, out, k)
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
