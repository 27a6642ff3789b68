"""Samplers that take numbers from the generator one element after the other.

How many numbers an element takes depends on their values, so these run in Python, on numbers drawn
ahead. Afterwards the generator stands where it would if they had been drawn singly, which gives
PyTorch's samples for a seed. They cost a few microseconds per element.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from tallow import Tensor

__all__ = ["binomial", "poisson", "standard_gamma"]

# Where the state of a generator keeps the second number of the last pair of normal numbers.
_SPARE_VALUE = 5024
_SPARE_FLAG = 5040


class _Source:
    """Uniform and normal float64 numbers of a generator, drawn ahead in blocks."""

    def __init__(self, generator: Any, expected: int) -> None:
        self.generator = _C.default_generator if generator is None else generator
        self.block = max(64, expected)

    def __enter__(self) -> Self:
        self.start = self.generator.get_state()
        raw = memoryview(self.start.untyped_storage())
        (flag,) = struct.unpack_from("<i", raw, _SPARE_FLAG)
        (spare,) = struct.unpack_from("<d", raw, _SPARE_VALUE)
        self.spare: float | None = spare if flag else None
        self.values: list[float] = []
        self.used = 0
        self.taken = 0
        return self

    def __exit__(self, *error: object) -> None:
        # Go back, and forward again by what was used.
        self.generator.set_state(self.start)
        used = self.taken + self.used
        if used:
            tallow.rand(used, dtype=tallow.float64, device="cpu", generator=self.generator)
        state = self.generator.get_state()
        raw = memoryview(state.untyped_storage())
        struct.pack_into("<d", raw, _SPARE_VALUE, 0.0 if self.spare is None else self.spare)
        struct.pack_into("<i", raw, _SPARE_FLAG, self.spare is not None)
        self.generator.set_state(state)

    def uniform(self) -> float:
        """A number in [0, 1)."""
        if self.used == len(self.values):
            self.taken += self.used
            self.used = 0
            drawn = tallow.rand(
                self.block, dtype=tallow.float64, device="cpu", generator=self.generator
            )
            self.values = drawn.tolist()
        value = self.values[self.used]
        self.used += 1
        return value

    def normal(self) -> float:
        """A standard normal number; every second is kept from the call before (Box and Muller)."""
        if self.spare is not None:
            value, self.spare = self.spare, None
            return value
        angle = 2 * math.pi * self.uniform()
        radius = math.sqrt(-2 * math.log1p(-self.uniform()))
        self.spare = radius * math.sin(angle)
        return radius * math.cos(angle)


def _each(draw: Callable[..., float], generator: Any, per_element: int, *params: Tensor) -> Tensor:
    """Draw one number for each element of the parameters, in the order of their indices."""
    like = params[0]
    rows = zip(*(p.detach().to(tallow.float64).reshape(-1).tolist() for p in params), strict=True)
    with _Source(generator, per_element * like.numel()) as source:
        values = [draw(source, *row) for row in rows]
    return tallow.tensor(values, dtype=tallow.float64, device=like.device).reshape(like.shape)


def _gamma(source: _Source, alpha: float, exponent: float, d: float) -> float:
    """Source: Marsaglia and Tsang, A simple method for generating gamma variables, 2000."""
    if math.isnan(alpha):
        return math.nan
    scale = 1.0
    if alpha < 1:
        if alpha <= 0:
            return 0.0
        scale = (1 - source.uniform()) ** exponent
    c = 1 / math.sqrt(9 * d)
    while True:
        y = -1.0
        while y <= 0:
            x = source.normal()
            y = 1 + c * x
        v = y * y * y
        u = 1 - source.uniform()
        square = x * x
        if u < 1 - 0.0331 * square * square:
            return scale * d * v
        if math.log(u) < 0.5 * square + d * (1 - v + math.log(v)):
            return scale * d * v


def _poisson(source: _Source, rate: float) -> float:
    """Source: Knuth for small rates; Hoermann, The transformed rejection method, 1993 (PTRS)."""
    if rate == 0:
        return 0.0
    if rate < 10:
        limit = math.exp(-rate)
        count, product = 0, source.uniform()
        while product > limit:
            count += 1
            product *= source.uniform()
        return float(count)
    log_rate = math.log(rate)
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse_alpha = 1.1239 + 1.1328 / (b - 3.4)
    v_r = 0.9277 - 3.6224 / (b - 2)
    while True:
        u = source.uniform() - 0.5
        v = source.uniform()
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= v_r:
            return float(k)
        if k < 0 or (us < 0.013 and v > us):
            continue
        height = math.log(v) + math.log(inverse_alpha) - math.log(a / (us * us) + b)
        if height <= -rate + k * log_rate - math.lgamma(k + 1):
            return float(k)


# log k! - Stirling's approximation for k < 10. Source: Hoermann, The generation of binomial
# random variates, 1993.
_STIRLING_TAIL = [
    math.lgamma(k + 1) - ((k + 0.5) * math.log(k + 1) - (k + 1) + 0.5 * math.log(2 * math.pi))
    for k in range(10)
]


def _stirling_tail(k: float) -> float:
    if k < 10:
        return _STIRLING_TAIL[int(k)]
    square = (k + 1) * (k + 1)
    return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1)


def _binomial(source: _Source, count: float, prob: float) -> float:
    if count <= 0 or prob <= 0:
        return 0.0
    if prob >= 1:
        return count
    if math.isnan(prob):
        return math.nan
    if prob > 0.5:
        return count - _binomial(source, count, 1 - prob)
    if count * prob >= 10:
        return _binomial_rejection(source, count, prob)
    # Lengths of runs of failures are geometric. Source: Devroye, chapter X.4.3.
    log_fail = math.log1p(-prob)
    total, successes = 0.0, 0
    while True:
        u = source.uniform()
        total += math.ceil(math.log(u) / log_fail) if u > 0 else math.inf
        if total > count:
            return float(successes)
        successes += 1


def _binomial_rejection(source: _Source, count: float, prob: float) -> float:
    """Source: Hoermann, The generation of binomial random variates, 1993 (BTRS)."""
    deviation = math.sqrt(count * prob * (1 - prob))
    b = 1.15 + 2.53 * deviation
    a = -0.0873 + 0.0248 * b + 0.01 * prob
    c = count * prob + 0.5
    v_r = 0.92 - 4.2 / b
    odds = prob / (1 - prob)
    alpha = (2.83 + 5.1 / b) * deviation
    m = math.floor((count + 1) * prob)
    while True:
        u = source.uniform() - 0.5
        v = source.uniform()
        us = 0.5 - abs(u)
        k = math.floor((2 * a / us + b) * u + c) if us else -1
        if us >= 0.07 and v <= v_r:
            return float(k)
        if k < 0 or k > count:
            continue
        v = math.log(v * alpha / (a / (us * us) + b)) if v > 0 else -math.inf
        bound = (
            (m + 0.5) * math.log((m + 1) / (odds * (count - m + 1)))
            + (count + 1) * math.log((count - m + 1) / (count - k + 1))
            + (k + 0.5) * math.log(odds * (count - k + 1) / (k + 1))
            + _stirling_tail(m)
            + _stirling_tail(count - m)
            - _stirling_tail(k)
            - _stirling_tail(count - k)
        )
        if v <= bound:
            return float(k)


def standard_gamma(concentration: Tensor, generator: Any = None) -> Tensor:
    """Draw from gamma distributions of rate 1, in float64.

    Args:
        concentration: floating point, >= 0.
        generator: where the random numbers come from.
    """
    # PyTorch computes these in the type of the concentration, and 1 / 3 always in float32.
    moved = tallow.where(concentration < 1, concentration + 1, concentration)
    return _each(_gamma, generator, 4, concentration, 1 / concentration, moved - 0.3333333432674408)


def poisson(rate: Tensor, generator: Any = None) -> Tensor:
    """Draw from Poisson distributions.

    Args:
        rate: floating point, >= 0.
        generator: where the random numbers come from.

    Returns:
        Counts, in the type of the rates.

    Raises:
        RuntimeError: a rate is negative.

    Example:
        >>> tallow.poisson(tallow.zeros(2))
        tensor([0., 0.])
    """
    if (rate < 0).any():
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return _each(_poisson, generator, 8, rate).to(rate.dtype)


def binomial(count: Tensor, prob: Tensor, generator: Any = None) -> Tensor:
    """Draw from binomial distributions.

    Args:
        count: numbers of trials, floating point.
        prob: probabilities of success.
        generator: where the random numbers come from.

    Returns:
        Counts, in the type of ``count``.

    Example:
        >>> tallow.binomial(tallow.full((2,), 3.0), tallow.ones(2))
        tensor([3., 3.])
    """
    count, prob = tallow.broadcast_tensors(count, prob)
    return _each(_binomial, generator, 8, count, prob).to(count.dtype)
