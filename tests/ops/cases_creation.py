"""Cases of functions that make tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_case import FLOATING, OpCase, Sample, T


def creation(name: str, ref: Any, *samples: Sample, **options: Any) -> OpCase:
    """A function without tensor arguments; the result has the default dtype or int64."""
    return OpCase(
        name,
        ref=ref,
        samples=samples,
        dtypes=("float32",),
        result="any",
        grad=False,
        method=False,
        **options,
    )


def like(name: str, ref: Any, *rest: Any) -> OpCase:
    """A function that takes shape and dtype from a tensor."""
    return OpCase(
        name,
        ref=ref,
        samples=[Sample(T(2, 3), *rest), Sample(T(0), *rest), Sample(T(), *rest)],
        dtypes=FLOATING,
        grad=False,
        method=False,
    )


def sized(value: float) -> Any:
    return lambda x, size, *rest: np.full(size, rest[0] if rest else value)


def new(name: str, value: float, *rest: Any) -> OpCase:
    """A method that takes dtype from a tensor and a size."""
    return OpCase(
        name,
        ref=sized(value),
        samples=[Sample(T(2), (2, 3), *rest), Sample(T(2), (0,), *rest)],
        dtypes=FLOATING,
        grad=False,
    )


def arange(*bounds: float) -> np.ndarray:
    return np.arange(*bounds)


def corners(name: str) -> Any:
    return lambda row, col, offset=0: np.stack(getattr(np, name)(row, offset, col))


CASES = [
    creation("zeros", np.zeros, Sample((2, 3)), Sample((0,)), Sample(()), out=True),
    creation("ones", np.ones, Sample((2, 3)), Sample((0,)), Sample(()), out=True),
    creation("full", np.full, Sample((2, 3), 1.5), Sample((2,), 3), Sample((2,), True), out=True),
    creation(
        "arange",
        arange,
        Sample(5),
        Sample(0),
        Sample(2, 9, 3),
        Sample(0.5, 3.0, 0.5),
        Sample(5, 0, -2),
        out=True,
    ),
    creation(
        "linspace",
        lambda a, b, n: np.linspace(a, b, n),
        Sample(0.0, 1.0, 5),
        Sample(-2, 9, 12),
        Sample(3.0, 3.0, 1),
        Sample(0.0, 1.0, 0),
        out=True,
    ),
    creation(
        "logspace",
        lambda a, b, n, base=10.0: np.logspace(a, b, n, base=base),
        Sample(0.0, 1.0, 5),
        Sample(-2.0, 2.0, 9, 2.0),
        out=True,
    ),
    creation("eye", np.eye, Sample(3), Sample(2, 4), Sample(3, 1), Sample(0), out=True),
    creation("tril_indices", corners("tril_indices"), Sample(3, 4), Sample(3, 4, -1)),
    creation("triu_indices", corners("triu_indices"), Sample(3, 4), Sample(3, 4, 1)),
    like("zeros_like", np.zeros_like),
    like("ones_like", np.ones_like),
    like("full_like", np.full_like, 2.5),
    new("new_zeros", 0),
    new("new_ones", 1),
    new("new_full", 0, 2.5),
]
