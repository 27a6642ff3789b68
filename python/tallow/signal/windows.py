"""Windows, symmetric or periodic, of float32 or float64 samples.

All take the number of samples `M` and ``sym``: without it the window is one period, that is a
symmetric window of ``M + 1`` samples without the last. `dtype`, `layout`, `device` and
`requires_grad` are those of a new tensor.

Source: F. J. Harris, On the use of windows for harmonic analysis with the discrete Fourier
transform, Proceedings of the IEEE 66(1), 1978; SciPy's ``scipy.signal.windows`` names them so.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tallow import Tensor

__all__ = [
    "bartlett",
    "blackman",
    "cosine",
    "exponential",
    "gaussian",
    "general_cosine",
    "general_hamming",
    "hamming",
    "hann",
    "kaiser",
    "nuttall",
]


def _window(
    name: str,
    M: int,
    sym: bool,
    formula: Callable[[Tensor, int], Tensor],
    dtype: Any = None,
    layout: Any = tallow.strided,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Evaluate ``formula(n, N)`` at the places n of a symmetric window of N samples."""
    if not isinstance(M, int):
        raise TypeError(f"{name}: M must be an int, not {type(M).__name__}")
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not tallow.strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    dtype = tallow.get_default_dtype() if dtype is None else dtype
    if dtype not in (tallow.float32, tallow.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    if M <= 1:
        values = tallow.ones(M, dtype=tallow.float64, device="cpu")
    else:
        length = M if sym else M + 1
        values = formula(tallow.arange(M, dtype=tallow.float64, device="cpu"), length)
    return values.to(device or tallow.get_default_device(), dtype).requires_grad_(requires_grad)


def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True, **options: Any
) -> Tensor:
    """Return ``exp(-abs(n - center) / tau)``.

    Args:
        M: number of samples.
        center: where the window is 1; the middle for None, the only choice if `sym`.
        tau: decay in samples.
        sym: make it symmetric.
        **options: of a new tensor.

    Raises:
        ValueError: `tau` not positive, a `center` with `sym`, or `M` negative.

    Example:
        >>> exponential(3)
        tensor([0.3679, 1.0000, 0.3679])
    """
    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")

    def formula(n: Tensor, length: int) -> Tensor:
        middle = (length - 1) / 2 if center is None else center
        return (-(n - middle).abs() / tau).exp()

    return _window("exponential", M, sym, formula, **options)


def cosine(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Return half a period of a sine that is sampled in the middle of its intervals.

    Example:
        >>> cosine(3)
        tensor([0.5000, 1.0000, 0.5000])
    """

    def formula(n: Tensor, length: int) -> Tensor:
        return ((n + 0.5) * (math.pi / length)).sin()

    return _window("cosine", M, sym, formula, **options)


def gaussian(M: int, *, std: float = 1.0, sym: bool = True, **options: Any) -> Tensor:
    """Return a bell of standard deviation `std`, in samples.

    Raises:
        ValueError: `std` not positive, or `M` negative.
    """
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")

    def formula(n: Tensor, length: int) -> Tensor:
        place = (n - (length - 1) / 2) / (std * math.sqrt(2))
        return (-place * place).exp()

    return _window("gaussian", M, sym, formula, **options)


def kaiser(M: int, *, beta: float = 12.0, sym: bool = True, **options: Any) -> Tensor:
    """Return Kaiser's window of shape `beta`.

    Raises:
        ValueError: `beta` or `M` negative.
    """
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")

    def formula(n: Tensor, length: int) -> Tensor:
        place = 2 * n / (length - 1) - 1
        size = tallow.special.i0(beta * (1 - place * place).clamp(min=0).sqrt())
        return size / tallow.special.i0(n.new_tensor(beta))

    return _window("kaiser", M, sym, formula, **options)


def bartlett(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Return a triangle that begins with 0.

    Example:
        >>> bartlett(5)
        tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """

    def formula(n: Tensor, length: int) -> Tensor:
        return 1 - (2 * n / (length - 1) - 1).abs()

    return _window("bartlett", M, sym, formula, **options)


def _cosines(name: str, M: int, a: Iterable[float], sym: bool, options: dict[str, Any]) -> Tensor:
    def formula(n: Tensor, length: int) -> Tensor:
        angle = n * (2 * math.pi / (length - 1))
        terms = [(-1) ** k * weight * (angle * k).cos() for k, weight in enumerate(a)]
        return tallow.stack(terms).sum(0)

    return _window(name, M, sym, formula, **options)


def general_cosine(M: int, *, a: Iterable[float], sym: bool = True, **options: Any) -> Tensor:
    """Return ``a[0] - a[1] * cos(x) + a[2] * cos(2 * x) - ...`` over one period.

    Args:
        M: number of samples.
        a: the weights of the cosines.
        sym: make it symmetric.
        **options: of a new tensor.

    Raises:
        TypeError: `a` is not a list or tuple.
        ValueError: `a` is empty, or `M` negative.
    """
    if not isinstance(a, list | tuple):
        raise TypeError("Coefficients must be a list/tuple")
    if not a:
        raise ValueError("Coefficients cannot be empty")

    return _cosines("general_cosine", M, a, sym, options)


def general_hamming(M: int, *, alpha: float = 0.54, sym: bool = True, **options: Any) -> Tensor:
    """Return ``alpha - (1 - alpha) * cos(x)`` over one period."""
    return _cosines("general_hamming", M, [alpha, 1 - alpha], sym, options)


def hamming(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Return a raised cosine that begins with 0.08."""
    return _cosines("hamming", M, [0.54, 0.46], sym, options)


def hann(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Return a raised cosine that begins with 0.

    Example:
        >>> hann(5)
        tensor([0.0000, 0.5000, 1.0000, 0.5000, 0.0000])
    """
    return _cosines("hann", M, [0.5, 0.5], sym, options)


def blackman(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Return a sum of two cosines that begins with 0."""
    return _cosines("blackman", M, [0.42, 0.5, 0.08], sym, options)


def nuttall(M: int, *, sym: bool = True, **options: Any) -> Tensor:
    """Return Nuttall's sum of three cosines, whose highest side lobe is at -98 dB.

    Source: A. H. Nuttall, Some windows with very good sidelobe behavior, 1981.
    """
    weights = [0.3635819, 0.4891775, 0.1365995, 0.0106411]
    return _cosines("nuttall", M, weights, sym, options)
