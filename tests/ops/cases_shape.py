"""Cases of views, of copies in another shape, and of joining and splitting."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_case import ALL, OpCase, Sample, T

TWO, THREE = T(2, 3), T(2, 3, 4)


def moves(name: str, ref: Any, *samples: Sample, **options: Any) -> OpCase:
    """A function that only moves elements: exact in every dtype."""
    return OpCase(name, ref=ref, samples=samples, dtypes=ALL, **options)


def movedim(x: np.ndarray, source: Any, destination: Any) -> np.ndarray:
    return np.moveaxis(x, source, destination)


def split(x: np.ndarray, size: Any, dim: int = 0) -> list[np.ndarray]:
    if isinstance(size, int):
        ends = list(range(size, x.shape[dim], size))
    else:
        ends = list(np.cumsum(size)[:-1])
    return np.split(x, ends, dim)


def chunk(x: np.ndarray, chunks: int, dim: int = 0) -> list[np.ndarray]:
    return split(x, max(-(-x.shape[dim] // chunks), 1), dim)


def unbind(x: np.ndarray, dim: int = 0) -> list[np.ndarray]:
    return [np.take(x, i, dim) for i in range(x.shape[dim])]


def flatten(x: np.ndarray, start_dim: int = 0, end_dim: int = -1) -> np.ndarray:
    if x.ndim == 0:
        return x.reshape(1)
    start, end = start_dim % x.ndim, end_dim % x.ndim
    return x.reshape(*x.shape[:start], int(np.prod(x.shape[start : end + 1])), *x.shape[end + 1 :])


CASES = [
    moves(
        "reshape",
        lambda x, s: x.reshape(s),
        Sample(THREE, (4, 6)),
        Sample(THREE, (-1,)),
        Sample(T(0, 3), (3, 0)),
        Sample(T(), (1, 1)),
    ),
    moves("transpose", np.swapaxes, Sample(THREE, 0, 2), Sample(TWO, -1, 0)),
    moves("swapaxes", np.swapaxes, Sample(THREE, 0, 2)),
    moves("permute", np.transpose, Sample(THREE, (2, 0, 1)), Sample(TWO, (-1, 0)), Sample(T(), ())),
    moves("t", np.transpose, Sample(TWO), Sample(T(3)), Sample(T())),
    moves("movedim", movedim, Sample(THREE, 0, 2), Sample(THREE, (0, 1), (2, 0))),
    moves(
        "squeeze",
        lambda x, dim=None: np.squeeze(x) if dim is None else np.squeeze(x, dim),
        Sample(T(1, 3, 1)),
        Sample(T(1, 3, 1), 0),
        Sample(T(1, 3, 1), (0, 2)),
        Sample(T()),
    ),
    moves("unsqueeze", np.expand_dims, Sample(TWO, 0), Sample(TWO, -1), Sample(T(), 0)),
    moves("flatten", flatten, Sample(THREE), Sample(THREE, 1), Sample(THREE, 0, 1), Sample(T())),
    moves("unflatten", lambda x, dim, sizes: x.reshape(2, *sizes), Sample(T(2, 6), 1, (2, 3))),
    moves("ravel", np.ravel, Sample(THREE), Sample(T())),
    moves(
        "broadcast_to",
        np.broadcast_to,
        Sample(T(3), (2, 3)),
        Sample(T(2, 1), (2, 4)),
        Sample(T(), (2, 2)),
    ),
    moves("select", lambda x, dim, i: np.take(x, i, dim), Sample(THREE, 1, 2), Sample(T(5), 0, -1)),
    moves(
        "narrow",
        lambda x, d, start, n: np.take(x, range(start, start + n), d),
        Sample(THREE, 1, 1, 2),
        Sample(T(5), 0, 2, 0),
    ),
    moves("diagonal", np.diagonal, Sample(T(3, 4)), Sample(T(3, 4), 1), Sample(THREE, 0, 0, 2)),
    moves("diag", np.diag, Sample(T(3)), Sample(T(3, 3)), Sample(T(2), 1)),
    moves("tril", np.tril, Sample(T(3, 4)), Sample(T(2, 3, 3), 1), Sample(T(3, 3), -1)),
    moves("triu", np.triu, Sample(T(3, 4)), Sample(T(2, 3, 3), 1), Sample(T(3, 3), -1)),
    moves("flip", np.flip, Sample(TWO, (0,)), Sample(THREE, (0, 2)), Sample(T(0, 2), (1,))),
    moves("roll", np.roll, Sample(T(5), 2), Sample(TWO, 1, 0), Sample(THREE, (1, -1), (0, 2))),
    moves("tile", np.tile, Sample(TWO, (2, 1)), Sample(T(3), (2, 2))),
    moves("repeat_interleave", np.repeat, Sample(T(3), 2), Sample(TWO, 2, 1)),
    moves("rot90", lambda x, k=1, dims=(0, 1): np.rot90(x, k, dims), Sample(TWO), Sample(TWO, 2)),
    moves(
        "cat",
        np.concatenate,
        Sample([T(2, 3), T(1, 3)]),
        Sample([T(2, 1), T(2, 3)], 1),
        Sample([T(0, 3), T(2, 3)]),
        Sample([T(3)]),
        method=False,
        out=True,
    ),
    moves(
        "stack",
        np.stack,
        Sample([T(2, 3), T(2, 3)]),
        Sample([T(2), T(2)], -1),
        Sample([T(), T()]),
        method=False,
        out=True,
    ),
    moves("hstack", np.hstack, Sample([T(2), T(3)]), Sample([T(2, 1), T(2, 2)]), method=False),
    moves("vstack", np.vstack, Sample([T(2), T(2)]), Sample([T(1, 2), T(2, 2)]), method=False),
    moves("split", split, Sample(T(5), 2), Sample(T(2, 5), (1, 4), 1), Sample(T(4, 2), 4)),
    moves("chunk", chunk, Sample(T(5), 2), Sample(T(2, 5), 3, 1)),
    moves("unbind", unbind, Sample(TWO), Sample(TWO, 1)),
    OpCase(
        "meshgrid",
        ref=lambda *xs, indexing="ij": np.meshgrid(*xs, indexing=indexing),
        samples=[Sample(T(2), T(3), indexing="ij"), Sample(T(2), T(3), indexing="xy")],
        method=False,
    ),
    OpCase(
        "pad",
        fn="nn.functional.pad",
        ref=lambda x, pad, mode="constant", value=None: np.pad(
            x,
            [(0, 0)] * (x.ndim - len(pad) // 2)
            + [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)],
            constant_values=0 if value is None else value,
        ),
        samples=[
            Sample(T(2, 3), (1, 2)),
            Sample(T(2, 3), (1, 2, 0, 1), value=1.5),
            Sample(T(1, 2, 2), (1, 1, 2, 0)),
        ],
        method=False,
    ),
    moves("dstack", np.dstack, Sample([T(2), T(2)]), Sample([T(1, 2), T(1, 2)]), method=False),
    moves("repeat", np.tile, Sample(T(2, 3), (2, 1)), Sample(T(3), (2, 2)), Sample(T(2), (0,))),
    moves("fliplr", np.fliplr, Sample(TWO)),
    moves("flipud", np.flipud, Sample(TWO)),
    moves(
        "view",
        lambda x, size: x.reshape(size),
        Sample(THREE, (6, 4)),
        Sample(T(6), (-1, 2)),
        layouts=False,
    ),
    moves("view_as", lambda x, y: x.reshape(y.shape), Sample(T(6), T(2, 3, grad=False))),
    moves("reshape_as", lambda x, y: x.reshape(y.shape), Sample(T(6), T(2, 3, grad=False))),
    moves("adjoint", lambda x: np.conj(np.swapaxes(x, -1, -2)), Sample(TWO), Sample(THREE)),
    moves("expand", np.broadcast_to, Sample(T(3), (2, 3)), Sample(T(2, 1), (2, 4))),
    moves("expand_as", lambda x, y: np.broadcast_to(x, y.shape), Sample(T(3), T(2, 3, grad=False))),
    OpCase(
        "sum_to_size",
        ref=lambda x, size: x.sum(0) if len(size) < x.ndim else x.sum(1, keepdims=True),
        samples=[Sample(T(2, 3), (3,)), Sample(T(2, 3), (2, 1))],
        tolerance={"float16": (2e-3, 2e-3), "bfloat16": (2e-2, 2e-2)},
    ),
    OpCase(
        "unfold",
        ref=lambda x, dimension, size, step: np.swapaxes(
            np.lib.stride_tricks.sliding_window_view(x, size, dimension), dimension, dimension
        )[(slice(None),) * dimension + (slice(None, None, step),)],
        samples=[Sample(T(7), 0, 3, 2), Sample(T(2, 5), 1, 2, 1)],
        dtypes=ALL,
    ),
    moves("split_with_sizes", split, Sample(T(5), (2, 3)), Sample(T(2, 5), (1, 0, 4), 1)),
    OpCase(
        "as_strided",
        ref=lambda x, size, stride, offset=0: np.lib.stride_tricks.as_strided(
            x.ravel()[offset:], size, [s * x.itemsize for s in stride]
        ),
        samples=[Sample(T(12), (3, 2), (2, 1)), Sample(T(12), (2, 2), (1, 1), 3)],
        dtypes=ALL,
        layouts=False,
    ),
]
