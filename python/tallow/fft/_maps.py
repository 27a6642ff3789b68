"""The linear maps that transforms consist of, on NumPy's, with their derivatives."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import tallow
from tallow.autograd import Function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow import Tensor

__all__ = ["Complex", "FromHalf", "OfReal", "ToHalf", "complex_of", "product"]


def complex_of(dtype: Any) -> Any:
    return tallow.complex128 if dtype in (tallow.float64, tallow.complex128) else tallow.complex64


def real_of(dtype: Any) -> Any:
    return tallow.float64 if dtype in (tallow.float64, tallow.complex128) else tallow.float32


def product(sizes: Sequence[int]) -> int:
    return tallow.Size(sizes).numel()


# NumPy transforms float32 as float64 where it has not to scale, which costs more than scaling twice
# if there are more elements than this, and gives exact sums of few.
_FEW = 4096


def _run(name: str, x: Tensor, sizes: list[int], scale: float, **options: Any) -> Any:
    """NumPy's transform of `sizes` points, times `scale`."""
    import numpy as np

    count = product(sizes)
    narrow = x.dtype in (tallow.float32, tallow.complex64) and x.numel() > _FEW
    if narrow or scale == 1 / count:
        norm, left = "backward" if name.startswith("i") else "forward", scale * count
    else:
        norm, left = "forward" if name.startswith("i") else "backward", scale
    result = getattr(np.fft, name)(x.detach().cpu().numpy(), norm=norm, **options)
    if left != 1:
        result *= result.real.dtype.type(left)
    return result


def _tensor(result: Any, x: Tensor, dtype: Any) -> Tensor:
    import numpy as np

    return tallow.from_numpy(np.ascontiguousarray(result)).to(dtype).to(x.device)


class Complex(Function):
    """Transform of complex numbers, times a factor; its adjoint is the one of the other sign."""

    _node_name = "FftC2CBackward0"

    @staticmethod
    def forward(ctx: Any, x: Tensor, dims: tuple[int, ...], inverse: bool, scale: float) -> Tensor:
        ctx.how = dims, inverse, scale
        sizes = [x.size(d) for d in dims]
        name = "ifftn" if inverse else "fftn"
        return _tensor(_run(name, x, sizes, scale, axes=dims), x, x.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        dims, inverse, scale = ctx.how
        return Complex.apply(grad, dims, not inverse, scale), None, None, None


class OfReal(Function):
    """The same of real numbers, half of whose spectrum follows from the other half."""

    _node_name = "FftR2CBackward0"

    @staticmethod
    def forward(ctx: Any, x: Tensor, dims: tuple[int, ...], inverse: bool, scale: float) -> Tensor:
        import numpy as np

        ctx.how = dims, inverse, scale
        half = _run("rfftn", x, [x.size(d) for d in dims], scale, axes=dims)
        result = tallow.empty(x.shape, dtype=complex_of(x.dtype), device="cpu")
        whole = result.numpy()
        last, size = dims[-1], x.size(dims[-1])
        known = half.shape[last]
        whole[_along(x, {last: slice(known)})] = half.conj() if inverse else half
        # Element k is the conjugate of element -k; of 0 that is itself, the others go backwards.
        ends = [((slice(1), slice(1)), (slice(1, None), slice(None, 0, -1))) for _ in dims[:-1]]
        for chosen in itertools.product(*ends):
            to = dict(zip(dims, (pair[0] for pair in chosen), strict=False))
            source = dict(zip(dims, (pair[1] for pair in chosen), strict=False))
            to[last], source[last] = slice(known, None), slice(size - known, 0, -1)
            if inverse:
                whole[_along(x, to)] = half[_along(x, source)]
            else:
                np.conjugate(half[_along(x, source)], out=whole[_along(x, to)])
        return result.to(x.device)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        dims, inverse, scale = ctx.how
        return Complex.apply(grad, dims, not inverse, scale).real, None, None, None


def _along(x: Tensor, slices: dict[int, slice]) -> tuple[slice, ...]:
    """An index of slices along some dimensions."""
    return tuple(slices.get(d, slice(None)) for d in range(x.dim()))


def _middle_weighted(x: Tensor, dim: int, size: int, weight: float) -> Tensor:
    """Multiply the frequencies that stand for two in half of a spectrum of `size` points."""
    factors = tallow.ones(x.size(dim), dtype=real_of(x.dtype), device=x.device)
    factors[1 : (size + 1) // 2] = weight
    shape = [1] * x.dim()
    shape[dim] = -1
    return x * factors.reshape(shape)


class ToHalf(Function):
    """Transform of real numbers to the non-negative frequencies of the last dimension."""

    _node_name = "FftR2CBackward0"

    @staticmethod
    def forward(ctx: Any, x: Tensor, dims: tuple[int, ...], scale: float) -> Tensor:
        ctx.how, ctx.size = (dims, scale), x.size(dims[-1])
        result = _run("rfftn", x, [x.size(d) for d in dims], scale, axes=dims)
        return _tensor(result, x, complex_of(x.dtype))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        dims, scale = ctx.how
        halved = _middle_weighted(grad, dims[-1], ctx.size, 0.5)
        return FromHalf.apply(halved, dims, ctx.size, scale), None, None


class FromHalf(Function):
    """Inverse of :class:`ToHalf` but for the factor, to `size` points in the last dimension."""

    _node_name = "FftC2RBackward0"

    @staticmethod
    def forward(ctx: Any, x: Tensor, dims: tuple[int, ...], size: int, scale: float) -> Tensor:
        ctx.how, ctx.size = (dims, scale), size
        sizes = [*(x.size(d) for d in dims[:-1]), size]
        result = _run("irfftn", x, sizes, scale, s=sizes, axes=dims)
        return _tensor(result, x, real_of(x.dtype))

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None, None]:
        dims, scale = ctx.how
        doubled = _middle_weighted(ToHalf.apply(grad, dims, scale), dims[-1], ctx.size, 2)
        return doubled, None, None, None
