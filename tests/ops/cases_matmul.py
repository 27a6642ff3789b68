"""Cases of matrix products and linear."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_case import OpCase, Sample, T

# A dot product of k terms near 1 carries k roundings of float32; half results round once.
DOT = {"float32": (1e-5, 1e-4), "float16": (2e-3, 1e-2), "bfloat16": (1.6e-2, 5e-2)}
# Around the edges of the register tiles and of the 256-deep blocks.
MATRICES = (
    (1, 1, 1),
    (2, 3, 4),
    (7, 5, 3),
    (6, 16, 16),
    (13, 33, 17),
    (64, 64, 64),
    (65, 31, 47),
    (3, 257, 50),
    (1, 300, 65),
    (49, 2, 1),
)
EMPTY = ((0, 3, 4), (3, 0, 4), (3, 4, 0))


def product(name: str, ref: Any, samples: Any, **options: Any) -> OpCase:
    """A matrix product, exact on small integers."""
    return OpCase(name, ref=ref, samples=samples, exact=True, tolerance=DOT, **options)


def pairs(sizes: Any) -> list[Sample]:
    return [Sample(T(m, k), T(k, n), grad=m * k + k * n < 64) for m, k, n in sizes]


CASES = [
    product("mm", np.matmul, pairs(MATRICES + EMPTY), out=True),
    product(
        "matmul",
        np.matmul,
        [
            Sample(T(5), T(5)),
            Sample(T(0), T(0)),
            Sample(T(3, 5), T(5)),
            Sample(T(5), T(5, 3)),
            Sample(T(3, 4), T(4, 2)),
            Sample(T(2, 3, 4), T(4)),
            Sample(T(4), T(2, 4, 3)),
            Sample(T(2, 3, 4), T(4, 5)),
            Sample(T(3, 4), T(2, 4, 5)),
            Sample(T(2, 3, 4), T(2, 4, 2)),
            Sample(T(2, 1, 3, 4), T(3, 4, 2), grad=False),
            Sample(T(0, 3, 4), T(0, 4, 2)),
            Sample(T(2, 3, 0), T(2, 0, 2)),
            Sample(T(9, 33, 20), T(9, 20, 17), grad=False),
            Sample(T(128, 300), T(300), grad=False),
            Sample(T(300), T(300, 130), grad=False),
        ],
        out=True,
    ),
    product(
        "bmm",
        np.matmul,
        [
            Sample(T(2, 3, 4), T(2, 4, 2)),
            Sample(T(1, 17, 33), T(1, 33, 9), grad=False),
            Sample(T(0, 3, 4), T(0, 4, 2)),
            Sample(T(3, 2, 0), T(3, 0, 2)),
        ],
        out=True,
    ),
    product(
        "mv",
        np.matmul,
        [Sample(T(3, 5), T(5)), Sample(T(0, 5), T(5)), Sample(T(3, 0), T(0))],
        out=True,
    ),
    product("dot", np.dot, [Sample(T(5), T(5)), Sample(T(0), T(0)), Sample(T(1), T(1))], out=True),
    product("outer", np.outer, [Sample(T(3), T(4)), Sample(T(0), T(4))], out=True),
    product(
        "addmm",
        lambda c, a, b, beta=1, alpha=1: beta * c + alpha * (a @ b),
        [
            Sample(T(3, 2), T(3, 4), T(4, 2)),
            Sample(T(2), T(3, 4), T(4, 2), beta=2, alpha=3),
            Sample(T(3, 1), T(3, 4), T(4, 2), beta=0),
            Sample(T(1), T(0, 4), T(4, 2)),
            Sample(T(65), T(17, 64), T(64, 65), grad=False),
        ],
        out=True,
        inplace=True,
    ),
    product(
        "baddbmm",
        lambda c, a, b, beta=1, alpha=1: beta * c + alpha * (a @ b),
        [
            Sample(T(2, 3, 2), T(2, 3, 4), T(2, 4, 2)),
            Sample(T(2), T(2, 3, 4), T(2, 4, 2), beta=2, alpha=3),
        ],
        out=True,
        inplace=True,
    ),
    OpCase(
        "linear",
        fn="nn.functional.linear",
        ref=lambda x, w, b=None: x @ w.T + (0 if b is None else b),
        samples=[
            Sample(T(3, 4), T(2, 4), T(2)),
            Sample(T(3, 4), T(2, 4)),
            Sample(T(4), T(2, 4), T(2)),
            Sample(T(2, 3, 4), T(5, 4), T(5)),
            Sample(T(0, 4), T(2, 4), T(2)),
            Sample(T(3, 0), T(2, 0), T(2)),
            Sample(T(64, 120), T(84, 120), T(84), grad=False),
            Sample(T(1, 784), T(10, 784), T(10), grad=False),
        ],
        exact=True,
        tolerance=DOT,
    ),
    OpCase(
        "bilinear",
        fn="nn.functional.bilinear",
        ref=lambda a, b, w, bias=None: (
            np.einsum("ni,oij,nj->no", a, w, b) + (0 if bias is None else bias)
        ),
        samples=[Sample(T(2, 3), T(2, 4), T(2, 3, 4), T(2)), Sample(T(2, 3), T(2, 4), T(1, 3, 4))],
        tolerance=DOT,
    ),
    OpCase(
        "einsum",
        ref=np.einsum,
        samples=[
            Sample("ij,jk->ik", T(2, 3), T(3, 4)),
            Sample("bij,bjk->bik", T(2, 2, 3), T(2, 3, 2)),
            Sample("ij->ji", T(2, 3)),
            Sample("ii->i", T(3, 3)),
            Sample("ij->", T(2, 3)),
            Sample("i,j->ij", T(2), T(3)),
            Sample("...ij,...jk->...ik", T(2, 2, 3), T(3, 2)),
        ],
        method=False,
        tolerance=DOT,
    ),
    product("vdot", np.dot, [Sample(T(5), T(5)), Sample(T(0), T(0))], out=True),
    product("inner", np.inner, [Sample(T(5), T(5)), Sample(T(2, 3), T(4, 3))], out=True),
    product(
        "addmv",
        lambda c, a, x, beta=1, alpha=1: beta * c + alpha * (a @ x),
        [Sample(T(3), T(3, 4), T(4)), Sample(T(1), T(3, 4), T(4), beta=2, alpha=3)],
        out=True,
        inplace=True,
    ),
    product(
        "addr",
        lambda c, x, y, beta=1, alpha=1: beta * c + alpha * np.outer(x, y),
        [
            Sample(T(3, 2), T(3), T(2)),
            Sample(T(3, 17), T(3), T(17), alpha=3),
            Sample(T(2), T(3), T(2), beta=2, alpha=3),
        ],
        out=True,
        inplace=True,
    ),
    product(
        "addbmm",
        lambda c, a, b, beta=1, alpha=1: beta * c + alpha * (a @ b).sum(0),
        [Sample(T(3, 2), T(2, 3, 4), T(2, 4, 2)), Sample(T(2), T(2, 3, 4), T(2, 4, 2), alpha=3)],
        out=True,
        inplace=True,
    ),
    OpCase(
        "chain_matmul",
        ref=lambda *matrices: np.linalg.multi_dot(matrices),
        samples=[Sample(T(2, 3), T(3, 4), T(4, 2))],
        method=False,
        tolerance=DOT,
    ),
]
