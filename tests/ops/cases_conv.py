"""Cases of the convolutions."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_case import INTEGRAL, OpCase, Sample, T

DOT = {"float32": (1e-5, 1e-4), "float16": (2e-3, 2e-2), "bfloat16": (1.6e-2, 5e-2)}


def several(value: Any, count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value)


def conv(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> np.ndarray:
    """Cross-correlation by definition: a sum over the kernel's positions."""
    space = weight.ndim - 2
    if x.ndim == space + 1:
        return conv(x[None], weight, bias, stride, padding, dilation, groups)[0]
    stride, dilation = several(stride, space), several(dilation, space)
    kernel = weight.shape[2:]
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        pads = [(t // 2, t - t // 2) for t in total]
    else:
        pads = [(p, p) for p in several(0 if padding == "valid" else padding, space)]
    x = np.pad(x, [(0, 0), (0, 0), *pads])
    sizes = [
        (x.shape[2 + i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in range(space)
    ]
    out = np.zeros((x.shape[0], weight.shape[0], *sizes))
    per_in, per_out = x.shape[1] // groups, weight.shape[0] // groups
    for group in range(groups):
        inputs = x[:, group * per_in : (group + 1) * per_in]
        outputs = slice(group * per_out, (group + 1) * per_out)
        for at in np.ndindex(*kernel):
            window = tuple(
                slice(
                    at[i] * dilation[i],
                    at[i] * dilation[i] + (sizes[i] - 1) * stride[i] + 1,
                    stride[i],
                )
                for i in range(space)
            )
            taps = weight[(outputs, slice(None), *at)]
            out[:, outputs] += np.einsum("nc...,oc->no...", inputs[(..., *window)], taps)
    return out if bias is None else out + bias.reshape(-1, *[1] * space)


def conv_transpose(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> np.ndarray:
    """Adds a scaled copy of the kernel to the output at each input position."""
    space = weight.ndim - 2
    if x.ndim == space + 1:
        return conv_transpose(
            x[None], weight, bias, stride, padding, output_padding, groups, dilation
        )[0]
    stride, padding = several(stride, space), several(padding, space)
    dilation, extra = several(dilation, space), several(output_padding, space)
    kernel = weight.shape[2:]
    full = [
        (x.shape[2 + i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1 + extra[i]
        for i in range(space)
    ]
    per_in, per_out = x.shape[1] // groups, weight.shape[1]
    out = np.zeros((x.shape[0], per_out * groups, *full))
    for group in range(groups):
        inputs = x[:, group * per_in : (group + 1) * per_in]
        taps = weight[group * per_in : (group + 1) * per_in]
        outputs = slice(group * per_out, (group + 1) * per_out)
        for at in np.ndindex(*kernel):
            window = tuple(
                slice(
                    at[i] * dilation[i],
                    at[i] * dilation[i] + (x.shape[2 + i] - 1) * stride[i] + 1,
                    stride[i],
                )
                for i in range(space)
            )
            out[(slice(None), outputs, *window)] += np.einsum(
                "nc...,co->no...", inputs, taps[(..., *at)]
            )
    inner = tuple(slice(p, size - p) for p, size in zip(padding, full, strict=True))
    out = out[(..., *inner)]
    return out if bias is None else out + bias.reshape(-1, *[1] * space)


CASES = [
    OpCase(
        "conv1d",
        fn="nn.functional.conv1d",
        ref=conv,
        samples=[
            Sample(T(2, 3, 6), T(2, 3, 3), T(2)),
            Sample(T(3, 9), T(2, 3, 2)),
            Sample(T(1, 4, 7), T(2, 2, 3), None, 2, 1, 2, 2),
            Sample(T(2, 2, 5), T(2, 2, 3), padding="same"),
            Sample(T(0, 2, 5), T(2, 2, 3)),
        ],
        exact=True,
        tolerance=DOT,
        lacks=INTEGRAL,
    ),
    OpCase(
        "conv2d",
        fn="nn.functional.conv2d",
        ref=conv,
        samples=[
            Sample(T(1, 1, 4, 4), T(1, 1, 3, 3), T(1)),
            Sample(T(2, 2, 3, 3), T(2, 2, 2, 2), T(2)),
            Sample(T(2, 4, 4), T(4, 1, 1, 1), groups=2),
            Sample(T(1, 2, 4, 3), T(2, 2, 3, 3), padding=1),
            Sample(T(1, 2, 5, 4), T(2, 2, 2, 3), stride=(2, 1), padding=(0, 2)),
            Sample(T(1, 1, 5, 5), T(2, 1, 2, 2), dilation=2),
            Sample(T(1, 2, 3, 4), T(2, 1, 3, 3), T(2), padding="same", groups=2),
            Sample(T(1, 2, 4, 4), T(2, 2, 3, 3), padding="valid"),
            Sample(T(0, 2, 4, 4), T(3, 2, 3, 3)),
            Sample(T(4, 3, 17, 19), T(8, 3, 5, 5), T(8), padding=2, grad=False),
            Sample(T(2, 16, 9, 11), T(33, 16, 3, 3), T(33), padding=1, grad=False),
            Sample(T(3, 32, 14, 14), T(32, 1, 3, 3), padding=1, groups=32, grad=False),
            Sample(T(2, 20, 8, 8), T(30, 20, 1, 1), T(30), grad=False),
            Sample(T(8, 6, 14, 14), T(16, 6, 5, 5), T(16), grad=False),
            Sample(T(2, 8, 15, 15), T(8, 8, 3, 3), stride=2, padding=1, grad=False),
        ],
        exact=True,
        tolerance=DOT,
        lacks=INTEGRAL,
    ),
    OpCase(
        "conv_transpose1d",
        fn="nn.functional.conv_transpose1d",
        ref=conv_transpose,
        samples=[
            Sample(T(2, 3, 4), T(3, 2, 3), T(2)),
            Sample(T(1, 2, 4), T(2, 2, 3), None, 2, 1, 1),
        ],
        exact=True,
        tolerance=DOT,
        lacks=INTEGRAL,
    ),
    OpCase(
        "conv_transpose2d",
        fn="nn.functional.conv_transpose2d",
        ref=conv_transpose,
        samples=[
            Sample(T(1, 2, 3, 3), T(2, 2, 2, 2), T(2)),
            Sample(T(2, 3, 3), T(2, 2, 3, 3)),
            Sample(T(1, 2, 3, 2), T(2, 2, 3, 3), stride=2, padding=1, output_padding=1),
            Sample(T(1, 4, 2, 2), T(4, 1, 2, 2), groups=2, dilation=2),
            Sample(T(1, 2, 3, 3), T(2, 1, 2, 3), stride=(1, 2), padding=(0, 1)),
            Sample(T(3, 16, 7, 9), T(16, 8, 4, 4), T(8), stride=2, padding=1, grad=False),
        ],
        exact=True,
        tolerance=DOT,
        lacks=INTEGRAL,
    ),
]
