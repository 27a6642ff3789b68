"""Cases of the pooling functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_case import FLOATING_AND_HALF, OpCase, Sample, T


def several(value: Any, count: int) -> tuple[int, ...]:
    if value is None:
        return ()
    return (value,) * count if isinstance(value, int) else tuple(value) * (count // len(value))


def length(size: int, kernel: int, stride: int, pad: int, dilation: int, ceil: bool) -> int:
    """Output length; a window may not start in the padding behind the input."""
    reach = size + 2 * pad - dilation * (kernel - 1) - 1
    count = (-(-reach // stride) if ceil else reach // stride) + 1
    return count - 1 if ceil and (count - 1) * stride >= size + pad else count


def pool(space: int, kind: str) -> Any:
    """Max or average pooling over the last `space` dimensions, by definition."""

    def pooled(
        x: np.ndarray,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
        return_indices: bool = False,
    ) -> Any:
        kernel = several(kernel_size, space)
        stride = several(stride, space) or kernel
        padding, dilation = several(padding, space), several(dilation, space)
        size = x.shape[x.ndim - space :]
        sizes = [
            length(size[i], kernel[i], stride[i], padding[i], dilation[i], ceil_mode)
            for i in range(space)
        ]
        out = np.zeros((*x.shape[: x.ndim - space], *sizes))
        indices = np.zeros(out.shape, np.int64)
        flat = np.arange(int(np.prod(size))).reshape(size)
        for at in np.ndindex(*sizes):
            starts = [at[i] * stride[i] - padding[i] for i in range(space)]
            window = tuple(
                slice(
                    max(starts[i], starts[i] % dilation[i] if starts[i] < 0 else starts[i]),
                    min(starts[i] + dilation[i] * (kernel[i] - 1) + 1, size[i]),
                    dilation[i],
                )
                for i in range(space)
            )
            values = x[(..., *window)].reshape(*x.shape[: x.ndim - space], flat[window].size)
            if kind == "max":
                out[(..., *at)] = values.max(-1)
                indices[(..., *at)] = flat[window].ravel()[values.argmax(-1)]
                continue
            divisor = values.shape[-1]
            if count_include_pad:
                divisor = int(
                    np.prod(
                        [
                            min(starts[i] + kernel[i], size[i] + padding[i]) - starts[i]
                            for i in range(space)
                        ]
                    )
                )
            out[(..., *at)] = values.sum(-1) / (divisor_override or divisor)
        return (out, indices) if return_indices else out

    return pooled


def average(space: int) -> Any:
    """Average pooling with the argument order of avg_pool."""

    def pooled(
        x: np.ndarray, kernel_size: Any, stride: Any = None, padding: Any = 0, *rest: Any, **kw: Any
    ) -> Any:
        names = ("ceil_mode", "count_include_pad", "divisor_override")
        return pool(space, "avg")(
            x, kernel_size, stride, padding, **dict(zip(names, rest, strict=False)), **kw
        )

    return pooled


def adaptive(space: int, kind: str) -> Any:
    """Windows from floor(i * size / count) to ceil((i + 1) * size / count)."""

    def pooled(x: np.ndarray, output_size: Any, return_indices: bool = False) -> Any:
        size = x.shape[x.ndim - space :]
        counts = [
            size[i] if n is None else n
            for i, n in enumerate(
                (output_size,) * space
                if output_size is None or isinstance(output_size, int)
                else output_size
            )
        ]
        out = np.zeros((*x.shape[: x.ndim - space], *counts))
        indices = np.zeros(out.shape, np.int64)
        flat = np.arange(int(np.prod(size))).reshape(size)
        for at in np.ndindex(*counts):
            window = tuple(
                slice(at[i] * size[i] // counts[i], -(-(at[i] + 1) * size[i] // counts[i]))
                for i in range(space)
            )
            values = x[(..., *window)].reshape(*x.shape[: x.ndim - space], flat[window].size)
            out[(..., *at)] = values.mean(-1) if kind == "avg" else values.max(-1)
            indices[(..., *at)] = flat[window].ravel()[values.argmax(-1)]
        return (out, indices) if return_indices else out

    return pooled


def case(name: str, ref: Any, *samples: Sample, **options: Any) -> OpCase:
    """A pooling function of nn.functional."""
    return OpCase(
        name,
        fn=f"nn.functional.{name}",
        ref=ref,
        samples=samples,
        dtypes=FLOATING_AND_HALF,
        **options,
    )


def D(*shape: int) -> T:
    """A tensor without ties, so that the maximum is unique and gradcheck's steps keep it."""
    return T(*shape, distinct=True)


CASES = [
    case(
        "max_pool1d",
        pool(1, "max"),
        Sample(D(2, 3, 7), 2),
        Sample(D(3, 7), 3, 1, 1),
        Sample(D(1, 1, 9), 2, 2, 0, 3),
        Sample(D(1, 2, 8), 3, 2, 1, ceil_mode=True),
        Sample(D(1, 2, 8), 3, return_indices=True),
    ),
    case(
        "max_pool2d",
        pool(2, "max"),
        Sample(D(1, 2, 4, 6), 2),
        Sample(D(2, 5, 5), 3, 2, 1),
        Sample(D(1, 1, 6, 6), (2, 3), (1, 2)),
        Sample(D(1, 1, 7, 7), 3, 1, 1, 2),
        Sample(D(1, 1, 5, 7), 2, ceil_mode=True),
        Sample(D(1, 1, 5, 7), 3, 2, 1, return_indices=True),
        Sample(D(3, 7, 33, 35), 2, grad=False),
        Sample(D(2, 3, 17, 19), 3, 2, 1, grad=False),
        Sample(D(0, 2, 4, 4), 2),
    ),
    case(
        "avg_pool1d",
        average(1),
        Sample(T(2, 3, 7), 2),
        Sample(T(3, 7), 3, 1, 1),
        Sample(T(1, 2, 8), 3, 2, 1, True),
        Sample(T(1, 2, 8), 3, 2, 1, count_include_pad=False),
    ),
    case(
        "avg_pool2d",
        average(2),
        Sample(T(1, 2, 4, 6), 2),
        Sample(T(2, 5, 5), 3, 2, 1),
        Sample(T(1, 1, 6, 6), (2, 3), (1, 2)),
        Sample(T(1, 1, 5, 7), 2, ceil_mode=True),
        Sample(T(1, 1, 5, 5), 3, 2, 1, True, False),
        Sample(T(1, 1, 5, 5), 3, 2, 1, divisor_override=5),
        Sample(T(3, 7, 33, 35), 2, grad=False),
        Sample(T(0, 2, 4, 4), 2),
    ),
    case(
        "adaptive_avg_pool1d",
        adaptive(1, "avg"),
        Sample(T(2, 2, 7), 3),
        Sample(T(2, 5), 1),
        Sample(T(1, 1, 3), 5),
    ),
    case(
        "adaptive_avg_pool2d",
        adaptive(2, "avg"),
        Sample(T(1, 2, 5, 4), 2),
        Sample(T(2, 5, 4), (1, None)),
        Sample(T(1, 1, 3, 3), (5, 1)),
        Sample(T(2, 3, 17, 19), (4, 7), grad=False),
        Sample(T(1, 2, 4, 6), 1),
        Sample(T(1, 2, 3, 4), (0, 2)),
    ),
    case(
        "adaptive_max_pool1d",
        adaptive(1, "max"),
        Sample(D(2, 2, 7), 3),
        Sample(D(2, 5), 1),
        Sample(D(1, 2, 7), 3, return_indices=True),
    ),
    case(
        "adaptive_max_pool2d",
        adaptive(2, "max"),
        Sample(D(1, 2, 5, 4), 2),
        Sample(D(2, 5, 4), (1, None)),
        Sample(D(1, 1, 3, 3), (5, 1)),
        Sample(D(1, 2, 5, 4), 2, return_indices=True),
    ),
]
