"""Cases of the functions that read or write at given positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_case import ALL, FLOATING_AND_HALF, OpCase, Sample, T


def at(*values: Any) -> T:
    """An index argument."""
    return T(values=list(values), dtype="int64")


def along(dim: int, index: np.ndarray, ndim: int) -> tuple[Any, ...]:
    """NumPy's spelling of x[:, ..., index, ...]."""
    return (slice(None),) * (dim % max(ndim, 1)) + (index,)


def put(x: np.ndarray, dim: int, index: np.ndarray, src: Any, combine: Any = None) -> np.ndarray:
    """scatter: out[..., index[i], ...] (op)= src[i] along dim."""
    out = x.copy()
    for where in np.ndindex(*index.shape):
        target = (*where[:dim], index[where], *where[dim + 1 :])
        value = src[where] if isinstance(src, np.ndarray) else src
        out[target] = value if combine is None else combine(out[target], value)
    return out


def index_put(x: np.ndarray, dim: int, index: np.ndarray, src: Any, combine: Any) -> np.ndarray:
    """index_add and index_copy: whole slices instead of elements."""
    out = x.copy()
    for position, target in enumerate(index):
        here, there = along(dim, target, x.ndim), along(dim, position, x.ndim)
        out[here] = combine(out[here], src[there])
    return out


def fill(x: np.ndarray, dim: int, index: np.ndarray, value: Any) -> np.ndarray:
    out = x.copy()
    out[along(dim, index, x.ndim)] = value
    return out


def masked_put(x: np.ndarray, mask: np.ndarray, source: np.ndarray) -> np.ndarray:
    out = x.copy()
    mask = np.broadcast_to(mask, x.shape)
    out[mask] = source.ravel()[: int(mask.sum())]
    return out


def put_at(x: np.ndarray, indices: Any, values: np.ndarray, accumulate: bool) -> np.ndarray:
    out = x.copy()
    if accumulate:
        np.add.at(out, tuple(indices), values)
    else:
        out[tuple(indices)] = values
    return out


SUM = {"float16": (2e-3, 2e-3), "bfloat16": (2e-2, 2e-2)}
MASK = T(values=[[True, False, True], [False, False, True]], dtype="bool")

CASES = [
    OpCase(
        "index_select",
        ref=lambda x, dim, index: np.take(x, index, dim),
        samples=[
            Sample(T(3, 4), 0, at(2, 0, 0)),
            Sample(T(2, 3, 4), 1, at(1, 1)),
            Sample(T(2, 3), -1, T(values=[2, 1], dtype="int32")),
            Sample(T(3, 4), 1, T(0, dtype="int64")),
        ],
        dtypes=ALL,
        out=True,
    ),
    OpCase(
        "gather",
        ref=lambda x, dim, index: np.take_along_axis(x, index, dim),
        samples=[
            Sample(T(3, 4), 1, at([0, 3], [1, 1], [2, 0])),
            Sample(T(3, 4), 0, at([0, 2, 1, 1])),
            Sample(T(2, 3), 1, T(2, 0, dtype="int64")),
        ],
        dtypes=ALL,
        out=True,
    ),
    OpCase(
        "take_along_dim",
        ref=lambda x, index, dim: np.take_along_axis(x, index, dim),
        samples=[Sample(T(3, 4), at([0, 3], [1, 1], [2, 0]), 1)],
        out=True,
    ),
    OpCase(
        "scatter",
        ref=put,
        samples=[
            Sample(T(3, 4), 1, at([0, 3], [1, 2], [2, 0]), T(3, 2)),
            Sample(T(3, 4), 0, at([0, 2, 1, 1]), T(1, 4)),
            Sample(T(3, 4), 1, at([0], [1], [2]), 2.5),
        ],
        dtypes=FLOATING_AND_HALF,
        out=True,
        inplace=True,
    ),
    OpCase(
        "scatter_add",
        ref=lambda x, dim, index, src: put(x, dim, index, src, np.add),
        samples=[
            Sample(T(3, 4), 1, at([0, 0], [1, 2], [2, 2]), T(3, 2)),
            Sample(T(3, 4), 0, at([0, 2, 1, 1], [0, 2, 1, 0]), T(2, 4)),
            Sample(T(5), 0, T(0, dtype="int64"), T(0)),
        ],
        tolerance=SUM,
        out=True,
        inplace=True,
    ),
    OpCase(
        "index_add",
        ref=lambda x, dim, index, src, alpha=1: index_put(
            x, dim, index, alpha * src, lambda old, new: old + new
        ),
        samples=[
            Sample(T(3, 4), 0, at(2, 0, 2), T(3, 4)),
            Sample(T(2, 3), 1, at(1, 1), T(2, 2), alpha=2),
        ],
        tolerance=SUM,
        out=True,
        inplace=True,
    ),
    OpCase(
        "index_copy",
        ref=lambda x, dim, index, src: index_put(x, dim, index, src, lambda old, new: new),
        samples=[Sample(T(3, 4), 0, at(2, 0), T(2, 4)), Sample(T(2, 3), 1, at(1), T(2, 1))],
        out=True,
        inplace=True,
    ),
    OpCase(
        "index_fill",
        ref=fill,
        samples=[
            Sample(T(3, 4), 0, at(2, 0), 1.5),
            Sample(T(2, 3), 1, at(1), -2),
            Sample(T(2, 3, 17), 1, at(2, 0), 4),
        ],
        inplace=True,
    ),
    OpCase(
        "masked_fill",
        ref=lambda x, mask, value: np.where(mask, value, x),
        samples=[
            Sample(T(2, 3), MASK, 1.5),
            Sample(T(2, 3), T(3, dtype="bool"), -2),
            Sample(T(2, 3), MASK, T()),
            Sample(T(0, 3), T(3, dtype="bool"), 1.0),
        ],
        inplace=True,
        layout_bits=True,
    ),
    OpCase(
        "masked_select",
        ref=lambda x, mask: np.broadcast_arrays(x, mask)[0][np.broadcast_to(mask, (2, 3))],
        samples=[Sample(T(2, 3), MASK), Sample(T(3), MASK)],
        dtypes=ALL,
        out=True,
    ),
    OpCase(
        "masked_scatter",
        ref=masked_put,
        samples=[Sample(T(2, 3), MASK, T(5)), Sample(T(2, 3), MASK, T(2, 3))],
        inplace=True,
    ),
    OpCase(
        "nonzero",
        ref=lambda x: np.argwhere(x),
        samples=[Sample(T(3, 4)), Sample(T(0)), Sample(T(7)), Sample(T(17, 9))],
        dtypes=ALL,
        domain=(-1, 1),
        result="int64",
        grad=False,
        out=True,
    ),
    OpCase(
        "take",
        ref=lambda x, index: np.take(x, index),
        samples=[Sample(T(2, 3), at(0, 5, 2)), Sample(T(2, 3), at([-1, 1], [2, 2]))],
        out=True,
    ),
    OpCase(
        "embedding",
        fn="nn.functional.embedding",
        ref=lambda index, weight, padding_idx=None: weight[index],
        samples=[
            Sample(at(1, 0, 3), T(4, 3)),
            Sample(at([1, 1], [0, 2]), T(4, 3), padding_idx=1, grad=False),
            Sample(T(0, dtype="int64"), T(4, 3)),
        ],
        method=False,
    ),
    OpCase(
        "one_hot",
        fn="nn.functional.one_hot",
        ref=lambda index, num_classes=-1: np.eye(num_classes if num_classes > 0 else 4, dtype=int)[
            index
        ],
        samples=[Sample(at(1, 0, 3)), Sample(at([1, 1], [0, 2]), 5)],
        dtypes=("int64",),
        grad=False,
        method=False,
    ),
    OpCase(
        "scatter_reduce",
        ref=lambda x, dim, index, src, reduce, include_self=True: put(
            x, dim, index, src, {"sum": np.add, "prod": np.multiply, "amax": np.maximum}[reduce]
        ),
        samples=[
            Sample(T(3, 4), 1, at([0, 0], [1, 2], [2, 2]), T(3, 2), "sum"),
            Sample(T(3, 4, low=0.5), 1, at([0, 0], [1, 2], [2, 2]), T(3, 2, low=0.5), "prod"),
            Sample(T(3, 4), 0, at([0, 2, 1, 1]), T(1, 4), "amax"),
        ],
        tolerance=SUM,
        inplace=True,
        gradgrad=False,
    ),
    OpCase(
        "argwhere",
        ref=np.argwhere,
        samples=[Sample(T(3, 4)), Sample(T(0))],
        domain=(-1, 1),
        dtypes=ALL,
        result="int64",
        grad=False,
    ),
    OpCase(
        "index_put",
        ref=lambda x, indices, values, accumulate=False: put_at(x, indices, values, accumulate),
        samples=[
            Sample(T(3, 4), (at(0, 2),), T(2, 4)),
            Sample(T(3, 4), (at(0, 2, 0), at(1, 3, 1)), T(3), accumulate=True),
            Sample(T(3, 4), (at(0, 2),), T()),
        ],
        tolerance=SUM,
        inplace=True,
    ),
    OpCase(
        "put",
        ref=lambda x, index, source, accumulate=False: put_at(
            x.ravel(), (index,), source, accumulate
        ).reshape(x.shape),
        samples=[
            Sample(T(2, 3), at(4, 0), T(2)),
            Sample(T(2, 3), at(4, 0, 4), T(3), accumulate=True),
        ],
        inplace=True,
    ),
]
