"""Cases of softmax and its relatives."""

from __future__ import annotations

import numpy as np

from op_case import OpCase, Sample, T

SAMPLES = (
    Sample(T(5), 0),
    Sample(T(), 0),
    Sample(T(2, 3, 4), 0),
    Sample(T(2, 3, 4), dim=1),
    Sample(T(2, 3, 4), -1),
    Sample(T(1, 1), 1),
    Sample(T(0, 3), 1),
    Sample(T(3, 0), 1),
    Sample(T(3, 17), 1, grad=False),
    Sample(T(65, 3), 0, grad=False),
    Sample(T(4, 1025), -1, grad=False),
)


def softmax(x: np.ndarray, dim: int) -> np.ndarray:
    if x.size == 0:
        return x
    shifted = np.exp(x - x.max(dim, keepdims=True)) if x.ndim else np.ones(())
    return shifted / (shifted.sum(dim, keepdims=True) if x.ndim else 1)


def log_softmax(x: np.ndarray, dim: int) -> np.ndarray:
    return np.log(softmax(x, dim))


CASES = [
    OpCase("softmax", ref=softmax, samples=SAMPLES),
    OpCase("log_softmax", ref=log_softmax, samples=SAMPLES),
    OpCase(
        "softmin",
        fn="nn.functional.softmin",
        ref=lambda x, dim: softmax(-x, dim),
        samples=[Sample(T(2, 3), dim=1)],
        method=False,
    ),
]
