"""Cases of the reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_case import ALL, FLOATING, FLOATING_AND_HALF, REAL, OpCase, Sample, T

ROWS = (
    Sample(T()),
    Sample(T(1)),
    Sample(T(7)),
    Sample(T(2, 3, 4)),
    Sample(T(33, 65), grad=False),
    Sample(T(2, 3, 4), 1),
    Sample(T(2, 3, 4), -1, True),
    Sample(T(2, 1, 4), dim=0, keepdim=True),
    Sample(T(4, 1000), 1, grad=False),
    Sample(T(1000, 4), 0, grad=False),
)
SEVERAL = (
    *ROWS,
    Sample(T(2, 3, 4), (0, 2)),
    Sample(T(2, 3, 4), dim=(0, 1, 2), keepdim=True),
)
NOTHING = (Sample(T(0)), Sample(T(2, 0, 3), 1), Sample(T(2, 0, 3), 0))
# A sum of n float32 terms near 1 has an absolute error that grows with the sum.
SUM = {"float32": (1e-5, 1e-4), "float16": (2e-3, 2e-2), "bfloat16": (2e-2, 0.2)}


def over(ref: Any) -> Any:
    """Give a NumPy reduction the argument names of ours."""

    def wrapped(x: np.ndarray, dim: Any = None, keepdim: bool = False, **options: Any) -> Any:
        return ref(x, axis=dim, keepdims=keepdim, **options)

    return wrapped


def along(values: Any, indices: Any) -> Any:
    """The pair (values, indices) of a reduction along one dimension, or the value alone."""

    def wrapped(x: np.ndarray, dim: int | None = None, keepdim: bool = False) -> Any:
        if dim is None:
            return values(x)
        return values(x, axis=dim, keepdims=keepdim), indices(x, axis=dim, keepdims=keepdim)

    return wrapped


def spread(kind: str) -> Any:
    """var or std with PyTorch's `correction` (1 where NumPy has 0)."""

    def wrapped(
        x: np.ndarray, dim: Any = None, keepdim: bool = False, correction: int = 1
    ) -> np.ndarray:
        return np.asarray(getattr(np, kind)(x, axis=dim, keepdims=keepdim, ddof=correction))

    return wrapped


def logsumexp(x: np.ndarray, dim: Any, keepdim: bool = False) -> np.ndarray:
    with np.errstate(divide="ignore"):
        return np.log(np.exp(x).sum(axis=dim, keepdims=keepdim))


DISTINCT = tuple(
    Sample(T(*shape, distinct=True), *args, grad=shape != (5, 999), **kwargs)
    for shape, args, kwargs in (
        ((7,), (), {}),
        ((2, 3, 4), (), {}),
        ((2, 3, 4), (1,), {}),
        ((2, 3, 4), (-1,), {"keepdim": True}),
        ((1, 4), (0,), {}),
        ((), (0,), {}),
        ((5, 999), (1,), {}),
        ((5, 999), (0,), {}),
    )
)

HOLES = T(values=[[1.0, np.nan, 2.0], [np.nan, 0.5, -1.0]], grad=False)
D = T(3, 5, distinct=True)

CASES = [
    OpCase("sum", ref=over(np.sum), samples=SEVERAL + NOTHING, tolerance=SUM),
    OpCase(
        "sum",
        variant="dtype",
        ref=lambda x, dim=None, keepdim=False, dtype=None: np.sum(x, dim, np.int64),
        samples=[Sample(T(3, 40)), Sample(T(3, 40), 1), Sample(T(0))],
        dtypes=("bool", "uint8", "int8", "int16", "int32", "int64"),
        domain=(-100, 100),
        result="int64",
        grad=False,
    ),
    OpCase("mean", ref=over(np.mean), samples=SEVERAL, tolerance=SUM),
    OpCase("prod", ref=over(np.prod), samples=(*ROWS[:4], *ROWS[5:8], *NOTHING), tolerance=SUM),
    OpCase(
        "var",
        ref=spread("var"),
        samples=(
            *SEVERAL[2:5],
            Sample(T(2, 3, 4), 1),
            Sample(T(2, 3), (0, 1), keepdim=True),
            Sample(T(3, 5), 1, correction=0),
            Sample(T(3, 5), 1, correction=2),
        ),
        method=False,
    ),
    OpCase(
        "std",
        ref=spread("std"),
        samples=(*SEVERAL[2:5], Sample(T(2, 3, 4), 1), Sample(T(3, 5), 1, correction=0)),
        method=False,
    ),
    OpCase(
        "var_mean",
        ref=lambda x, dim=None, keepdim=False: (
            np.var(x, dim, ddof=1, keepdims=keepdim),
            np.mean(x, dim, keepdims=keepdim),
        ),
        samples=(*SEVERAL[2:4], Sample(T(2, 3, 4), 1)),
        method=False,
    ),
    OpCase(
        "std_mean",
        ref=lambda x, dim=None, keepdim=False: (
            np.std(x, dim, ddof=1, keepdims=keepdim),
            np.mean(x, dim, keepdims=keepdim),
        ),
        samples=(*SEVERAL[2:4], Sample(T(2, 3, 4), 1)),
        method=False,
    ),
    OpCase("max", ref=along(np.max, np.argmax), samples=DISTINCT, dtypes=FLOATING),
    OpCase("min", ref=along(np.min, np.argmin), samples=DISTINCT, dtypes=FLOATING),
    OpCase("amax", ref=over(np.max), samples=SEVERAL, dtypes=REAL),
    OpCase("amin", ref=over(np.min), samples=SEVERAL, dtypes=REAL),
    OpCase(
        "aminmax",
        ref=lambda x, *, dim=None, keepdim=False: (
            np.min(x, axis=dim, keepdims=keepdim),
            np.max(x, axis=dim, keepdims=keepdim),
        ),
        samples=[Sample(T(7)), Sample(T(2, 3), dim=1), Sample(T(2, 3), dim=0, keepdim=True)],
        gradgrad=False,
    ),
    OpCase(
        "argmax",
        ref=over(np.argmax),
        samples=DISTINCT,
        dtypes=FLOATING,
        result="int64",
        grad=False,
    ),
    OpCase(
        "argmin",
        ref=over(np.argmin),
        samples=DISTINCT,
        dtypes=FLOATING,
        result="int64",
        grad=False,
    ),
    OpCase(
        "all",
        ref=over(np.all),
        samples=ROWS + NOTHING,
        dtypes=("bool", "float32", "int64"),
        domain=(0, 2),
        result="bool",
        grad=False,
    ),
    OpCase(
        "any",
        ref=over(np.any),
        samples=ROWS + NOTHING,
        dtypes=("bool", "float32", "int64"),
        domain=(0, 1),
        result="bool",
        grad=False,
    ),
    OpCase(
        "count_nonzero",
        ref=lambda x, dim=None: np.count_nonzero(x, dim),
        samples=[Sample(T(3, 40)), Sample(T(3, 40), 1), Sample(T(0)), Sample(T())],
        dtypes=ALL,
        domain=(-1, 1),
        result="int64",
        grad=False,
    ),
    OpCase(
        "logsumexp",
        ref=logsumexp,
        samples=[
            Sample(T(7), 0),
            Sample(T(2, 3, 4), 1),
            Sample(T(2, 3, 4), (0, 2), True),
            Sample(T(3, 0), 0),
            Sample(T(), 0),
        ],
    ),
    OpCase(
        "norm",
        ref=lambda x, p=2, dim=None, keepdim=False: np.linalg.norm(
            x.ravel() if dim is None else x,
            p,
            axis=dim,
            keepdims=keepdim if dim is not None else False,
        ),
        samples=[
            Sample(T(7)),
            Sample(T(2, 3)),
            Sample(T(2, 3), 1),
            Sample(T(2, 3), p=2, dim=1),
            Sample(T(2, 3), p=1, dim=0, keepdim=True),
            Sample(T(2, 3), p=float("inf"), dim=1),
            Sample(T(2, 3), p=3, dim=1),
        ],
        tolerance=SUM,
    ),
    OpCase(
        "median",
        ref=lambda x, dim=None, keepdim=False: np.sort(x.ravel())[(x.size - 1) // 2],
        samples=[Sample(T(7, distinct=True)), Sample(T(2, 4, distinct=True))],
        dtypes=FLOATING_AND_HALF,
    ),
    OpCase(
        "median",
        variant="dim",
        samples=[
            Sample(T(3, 5, distinct=True), 1),
            Sample(T(4, 3, distinct=True), dim=0, keepdim=True),
        ],
    ),
    OpCase(
        "nansum",
        ref=over(np.nansum),
        samples=[Sample(T(7)), Sample(T(2, 3), 1), Sample(HOLES), Sample(HOLES, 1, grad=False)],
        tolerance=SUM,
    ),
    OpCase(
        "nanmean",
        ref=over(np.nanmean),
        samples=[Sample(T(7)), Sample(T(2, 3), 1), Sample(HOLES), Sample(HOLES, 0, grad=False)],
        tolerance=SUM,
    ),
    OpCase(
        "nanmedian",
        samples=[Sample(D), Sample(HOLES, grad=False)],
        dtypes=FLOATING,
    ),
]
