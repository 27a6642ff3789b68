"""Errors of float32 results in units in the last place, and inputs that find them."""

from __future__ import annotations

import numpy as np


def spread_floats(low: float, high: float, count: int = 60_000) -> np.ndarray:
    """Float32 numbers in [low, high], half of them even in value, half even in bit pattern."""
    rng = np.random.default_rng(7)
    by_value = rng.uniform(low, high, count // 2).astype(np.float32)
    bits = rng.integers(0, 2**32, 4 * count, dtype=np.uint64).astype(np.uint32)
    by_bits = bits.view(np.float32)
    by_bits = by_bits[(by_bits >= low) & (by_bits <= high)][: count // 2]
    return np.concatenate([by_value, by_bits, np.array([low, high], np.float32)])


def ulp_error(result: np.ndarray, exact: np.ndarray) -> float:
    """Largest distance of float32 `result` from float64 `exact` in float32 spacings there."""
    exact = np.asarray(exact, np.float64)
    _, exponent = np.frexp(np.maximum(np.abs(exact), 2.0**-126))
    spacing = np.ldexp(1.0, exponent - 24)
    return float(np.max(np.abs(result.astype(np.float64) - exact) / spacing, initial=0.0))
