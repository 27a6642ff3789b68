"""Cases of the normalisations."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_case import OpCase, Sample, T

# Half results are rounded once, but the mean and the scale carry float32 errors.
CLOSE = {"float32": (1e-5, 1e-5), "float16": (2e-3, 2e-3), "bfloat16": (2e-2, 2e-2)}


def batch_norm(
    x: np.ndarray,
    running_mean: np.ndarray | None,
    running_var: np.ndarray | None,
    weight: np.ndarray | None = None,
    bias: np.ndarray | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> np.ndarray:
    dims = tuple(d for d in range(x.ndim) if d != 1)
    shape = [1, -1] + [1] * (x.ndim - 2)
    mean, var = (x.mean(dims), x.var(dims)) if training else (running_mean, running_var)
    out = (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + eps)
    out = out if weight is None else out * weight.reshape(shape)
    return out if bias is None else out + bias.reshape(shape)


def layer_norm(
    x: np.ndarray, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> np.ndarray:
    dims = tuple(range(x.ndim - len(normalized_shape), x.ndim))
    out = (x - x.mean(dims, keepdims=True)) / np.sqrt(x.var(dims, keepdims=True) + eps)
    out = out if weight is None else out * weight
    return out if bias is None else out + bias


def group_norm(
    x: np.ndarray, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5
) -> np.ndarray:
    grouped = x.reshape(x.shape[0], num_groups, -1)
    out = (grouped - grouped.mean(-1, keepdims=True)) / np.sqrt(
        grouped.var(-1, keepdims=True) + eps
    )
    shape = [1, -1] + [1] * (x.ndim - 2)
    out = out.reshape(x.shape)
    out = out if weight is None else out * weight.reshape(shape)
    return out if bias is None else out + bias.reshape(shape)


def case(name: str, ref: Any, *samples: Sample, **options: Any) -> OpCase:
    return OpCase(
        name,
        fn=f"nn.functional.{name}",
        ref=ref,
        samples=samples,
        tolerance=CLOSE,
        **options,
    )


def statistics(channels: int) -> tuple[T, T]:
    return T(channels, grad=False), T(channels, low=0.5, high=2, grad=False)


CASES = [
    case(
        "batch_norm",
        batch_norm,
        Sample(T(4, 3), *statistics(3), T(3), T(3), True),
        Sample(T(2, 3, 4), None, None, T(3), T(3), True),
        Sample(T(2, 2, 2, 3), *statistics(2), None, None, True, 0.3, 1e-3),
        Sample(T(2, 3, 2, 2), *statistics(3), T(3), T(3), False),
        Sample(T(2, 3), *statistics(3)),
        Sample(T(2, 3, 0), *statistics(3)),
        Sample(T(8, 5, 9, 11), *statistics(5), T(5), T(5), True, grad=False),
    ),
    case(
        "layer_norm",
        layer_norm,
        Sample(T(3, 5), (5,)),
        Sample(T(3, 5), (5,), T(5), T(5)),
        Sample(T(2, 3, 4), (3, 4), T(3, 4), T(3, 4)),
        Sample(T(2, 3, 4), (4,), None, None, 1e-3),
        Sample(T(7, 257), (257,), T(257), T(257), grad=False),
        Sample(T(0, 5), (5,)),
    ),
    case(
        "group_norm",
        group_norm,
        Sample(T(2, 4, 3), 2, T(4), T(4)),
        Sample(T(2, 4), 2),
        Sample(T(1, 2, 2, 2), 1, T(2), T(2)),
    ),
    case(
        "normalize",
        lambda x, p=2.0, dim=1, eps=1e-12: (
            x / np.maximum(np.linalg.norm(x, p, dim, keepdims=True), eps)
        ),
        Sample(T(3, 5)),
        Sample(T(2, 3, 4), dim=2),
        Sample(T(2, 3), p=1.0, dim=0),
        method=False,
    ),
    case(
        "instance_norm",
        lambda x, mean=None, var=None, weight=None, bias=None: group_norm(
            x, x.shape[1], weight, bias
        ),
        Sample(T(2, 3, 4), None, None, T(3), T(3)),
        Sample(T(2, 3, 2, 2)),
    ),
    case(
        "rms_norm",
        lambda x, shape, weight=None, eps=None: (
            (x / np.sqrt((x * x).mean(-1, keepdims=True) + (eps or 0)))
            * (1 if weight is None else weight)
        ),
        Sample(T(3, 5), (5,), T(5), 1e-5),
        Sample(T(2, 3, 4), (4,), None, 1e-3),
    ),
]
