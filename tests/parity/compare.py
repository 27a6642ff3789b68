"""Compares results of PyTorch with ours: structure, dtype, shape, values."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

import tallow
from parity.translate import name_of, to_numpy

# rtol, atol; float32 is PyTorch's default of its consistency tests times ten: two correct
# implementations sum in different orders.
TOLERANCE = {
    "float64": (1e-7, 1e-7),
    "complex128": (1e-7, 1e-7),
    "float32": (1.3e-5, 2e-5),
    "complex64": (1.3e-5, 2e-5),
    "float16": (1e-2, 1e-3),
    "bfloat16": (3e-2, 1e-2),
}


class Difference(Exception):
    """What differs: `kind` is one of structure, dtype, shape, value."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def leaves(value: Any) -> list[Any]:
    """The results in a tree, in order."""
    if isinstance(value, list | tuple) and not isinstance(value, torch.Size | tallow.Size):
        return [leaf for item in value for leaf in leaves(item)]
    if isinstance(value, dict):
        return leaves(list(value.values()))
    return [value]


def check_plain(expected: Any, actual: Any, *, values: bool) -> None:
    """Compare results that are no tensors: numbers, sizes, texts."""
    if isinstance(actual, tallow.Tensor):
        raise Difference("structure", f"a tensor instead of {type(expected).__name__}")
    plain = (bool, int, float, complex, str, torch.Size, type(None))
    if not values or not isinstance(expected, plain):
        return
    if isinstance(expected, float | complex):
        same = bool(np.isclose(expected, actual, rtol=1e-6, equal_nan=True))
    elif isinstance(expected, torch.Size):
        same = tuple(expected) == tuple(actual)
    else:
        same = expected == actual
    if not same:
        raise Difference("value", f"{actual!r} instead of {expected!r}")


def check_leaf(expected: Any, actual: Any, *, values: bool = True, scale: float = 1) -> None:
    """Raise Difference unless the two results agree."""
    if not isinstance(expected, torch.Tensor):
        check_plain(expected, actual, values=values)
        return
    if not isinstance(actual, tallow.Tensor):
        raise Difference("structure", f"{type(actual).__name__} instead of a tensor")
    dtype = name_of(expected.dtype)
    if name_of(actual.dtype) != dtype:
        raise Difference("dtype", f"{name_of(actual.dtype)} instead of {dtype}")
    if tuple(actual.shape) != tuple(expected.shape):
        raise Difference("shape", f"{tuple(actual.shape)} instead of {tuple(expected.shape)}")
    if not values:
        return
    want, got = to_numpy(expected), to_numpy(actual)
    rtol, atol = (scale * part for part in TOLERANCE.get(dtype, (0, 0)))
    with np.errstate(all="ignore"):
        if scale > 1 and want.size:  # a gradient is a sum: its error is that of its largest terms
            atol = max(atol, rtol * float(np.abs(np.nan_to_num(want, posinf=0, neginf=0)).max()))
        close = np.isclose(got, want, rtol=rtol, atol=atol, equal_nan=True)
    if not close.all():
        at = tuple(int(i) for i in np.argwhere(~close)[0])
        text = f"{got[at]} instead of {want[at]} at {at}, {int((~close).sum())} of {close.size}"
        raise Difference("value", text)


def check(expected: Any, actual: Any, *, values: bool = True, scale: float = 1) -> None:
    """Compare two trees of results."""
    want, got = leaves(expected), leaves(actual)
    if len(want) != len(got):
        raise Difference("structure", f"{len(got)} results instead of {len(want)}")
    for expected_leaf, actual_leaf in zip(want, got, strict=True):
        check_leaf(expected_leaf, actual_leaf, values=values, scale=scale)
