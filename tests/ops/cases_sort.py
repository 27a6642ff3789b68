"""Cases of sorting, selection and running sums."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_case import ALL, FLOATING, FLOATING_AND_HALF, OpCase, Sample, T


def D(*shape: int) -> T:
    """A tensor without ties."""
    return T(*shape, distinct=True)


def sort(x: np.ndarray, dim: int = -1, descending: bool = False) -> Any:
    order = np.argsort(-x if descending else x, axis=dim, kind="stable")
    return np.take_along_axis(x, order, dim), order


def topk(x: np.ndarray, k: int, dim: int = -1, largest: bool = True) -> Any:
    values, order = sort(x, dim, largest)
    pick = range(k)
    return np.take(values, pick, dim), np.take(order, pick, dim)


SUM = {"float32": (1e-5, 1e-5), "float16": (2e-3, 2e-2), "bfloat16": (2e-2, 0.1)}
LINES = (
    Sample(T(7), 0),
    Sample(T(2, 3, 4), 1),
    Sample(T(3, 0), 1),
    Sample(T(5, 130), 1, grad=False),
)

CASES = [
    OpCase(
        "sort",
        ref=sort,
        dtypes=FLOATING,
        samples=[
            Sample(D(7)),
            Sample(D(2, 3, 4), 1),
            Sample(D(2, 5), dim=0, descending=True),
            Sample(D(3, 85), grad=False),
            Sample(T(0)),
        ],
    ),
    OpCase(
        "argsort",
        ref=lambda *args, **kw: sort(*args, **kw)[1],
        dtypes=FLOATING,
        result="int64",
        grad=False,
        samples=[Sample(D(7)), Sample(D(2, 3, 4), 1), Sample(D(2, 5), dim=0, descending=True)],
    ),
    OpCase(
        "topk",
        ref=topk,
        dtypes=FLOATING,
        samples=[
            Sample(D(7), 3),
            Sample(D(3, 5), 2, 0),
            Sample(D(2, 6), 2, largest=False),
            Sample(D(4), 4),
            Sample(D(3, 100), 10, grad=False),
        ],
    ),
    OpCase(
        "kthvalue",
        samples=[Sample(D(7), 3), Sample(D(3, 5), 2, 0), Sample(D(3, 5), 5, 1, True)],
        dtypes=FLOATING,
    ),
    OpCase("cumsum", ref=np.cumsum, samples=LINES, tolerance=SUM, out=True, inplace=True),
    OpCase(
        "cumprod",
        ref=np.cumprod,
        samples=[*LINES[:3], Sample(T(values=[2.0, 0.0, 3.0, 0.0]), 0, grad=False)],
        tolerance=SUM,
        out=True,
        inplace=True,
    ),
    OpCase(
        "unique",
        method=False,
        grad=False,
        dtypes=ALL,
        torch=True,
        domain=(-3, 3),
        ref=lambda x, return_inverse=False, return_counts=False: np.unique(
            x, return_inverse=return_inverse, return_counts=return_counts
        ),
        samples=[
            Sample(T(17, dtype="int64")),
            Sample(T(4, 5, dtype="int64"), return_inverse=True, return_counts=True),
            Sample(T(0, dtype="int64")),
        ],
        result="any",
    ),
    OpCase(
        "bincount",
        grad=False,
        dtypes=("int64",),
        ref=lambda x, weights=None, minlength=0: np.bincount(x, weights, minlength),
        samples=[
            Sample(T(17, low=0, high=5)),
            Sample(T(17, low=0, high=5), minlength=9),
            Sample(T(9, low=0, high=3), T(9, dtype="float64")),
            Sample(T(0)),
        ],
        result="any",
    ),
    OpCase(
        "cummax",
        samples=[Sample(D(7), 0), Sample(D(2, 3), 1)],
        dtypes=FLOATING_AND_HALF,
        gradgrad=False,
    ),
    OpCase(
        "cummin",
        samples=[Sample(D(7), 0), Sample(D(2, 3), 1)],
        dtypes=FLOATING_AND_HALF,
        gradgrad=False,
    ),
    OpCase(
        "logcumsumexp",
        ref=lambda x, dim: np.logaddexp.accumulate(x, dim),
        samples=[Sample(T(7), 0), Sample(T(2, 3, 4), 1), Sample(T(3, 0), 1)],
        tolerance=SUM,
        out=True,
    ),
    OpCase("msort", ref=lambda x: np.sort(x, 0), samples=[Sample(D(7)), Sample(D(3, 4))]),
    OpCase(
        "mode",
        samples=[Sample(T(3, 9, low=0, high=3, dtype="int64")), Sample(D(5), 0)],
        dtypes=FLOATING,
    ),
    OpCase(
        "searchsorted",
        ref=lambda edges, x, right=False: np.searchsorted(edges, x, "right" if right else "left"),
        samples=[
            Sample(T(values=[-1.0, 0.0, 0.5, 1.0]), T(3, 5)),
            Sample(T(values=[-1.0, 0.0, 0.5, 1.0]), T(values=[0.5, 2.0, -3.0]), right=True),
        ],
        dtypes=FLOATING,
        result="int64",
        grad=False,
        method=False,
        out=True,
    ),
    OpCase(
        "bucketize",
        ref=lambda x, edges, right=False: np.searchsorted(edges, x, "right" if right else "left"),
        samples=[Sample(T(3, 5), T(values=[-1.0, 0.0, 0.5, 1.0]))],
        dtypes=FLOATING,
        result="int64",
        grad=False,
        method=False,
        out=True,
    ),
]
