"""Cases of the losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_case import OpCase, Sample, T

# A mean over float32 terms; half results are rounded once.
CLOSE = {"float32": (1e-5, 1e-5), "float16": (2e-3, 2e-3), "bfloat16": (2e-2, 2e-2)}


def reduced(value: np.ndarray, reduction: str) -> np.ndarray:
    if reduction == "none":
        return value
    return value.mean() if reduction == "mean" else value.sum()


def elementwise(formula: Any) -> Any:
    """A loss of input and target that is reduced at the end."""

    def loss(x: np.ndarray, y: np.ndarray, *rest: Any, reduction: str = "mean", **kw: Any) -> Any:
        return reduced(formula(x, y, *rest, **kw), reduction)

    return loss


def log_softmax(x: np.ndarray, dim: int) -> np.ndarray:
    shifted = x - x.max(dim, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(dim, keepdims=True))


def nll_loss(
    x: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> np.ndarray:
    if x.ndim == 1:
        x, target = x[None], target[None]
        squeeze = True
    else:
        squeeze = False
    weight = np.ones(x.shape[1]) if weight is None else weight
    kept = target != ignore_index
    safe = np.where(kept, target, 0)
    scale = weight[safe] * kept
    picked = -np.take_along_axis(x, safe[:, None], 1)[:, 0] * scale
    if reduction == "mean":
        return picked.sum() / scale.sum()
    if reduction == "sum":
        return picked.sum()
    return picked[0] if squeeze else picked


def cross_entropy(
    x: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> np.ndarray:
    dim = 0 if x.ndim == 1 else 1
    logs = log_softmax(x, dim)
    if target.dtype.kind == "f":
        classes = x.shape[dim]
        target = target * (1 - label_smoothing) + label_smoothing / classes
        shape = [1, -1] + [1] * (x.ndim - 2) if x.ndim > 1 else [-1]
        scaled = logs * target * (1 if weight is None else weight.reshape(shape))
        loss = -scaled.sum(dim)
        if reduction == "mean":
            return loss.sum() / max(loss.size, 1)
        return reduced(loss, reduction)
    hard = nll_loss(logs, target, weight, ignore_index, reduction)
    if label_smoothing == 0:
        return hard
    weights = np.ones(x.shape[dim]) if weight is None else weight
    shape = [1, -1] + [1] * (x.ndim - 2) if x.ndim > 1 else [-1]
    kept = target != ignore_index
    smooth = -(logs * weights.reshape(shape)).sum(dim) * kept
    if reduction == "mean":
        smooth = smooth.sum() / (weights[np.where(kept, target, 0)] * kept).sum()
    elif reduction == "sum":
        smooth = smooth.sum()
    return (1 - label_smoothing) * hard + label_smoothing / x.shape[dim] * smooth


def bce(x: np.ndarray, y: np.ndarray, weight: Any = None) -> np.ndarray:
    loss = -(y * np.log(x) + (1 - y) * np.log(1 - x))
    return loss if weight is None else loss * weight


def bce_with_logits(
    x: np.ndarray, y: np.ndarray, weight: Any = None, pos_weight: Any = None
) -> np.ndarray:
    positive = 1 if pos_weight is None else pos_weight
    loss = (1 - y) * x + (1 + (positive - 1) * y) * np.log1p(np.exp(-x))
    return loss if weight is None else loss * weight


def huber(x: np.ndarray, y: np.ndarray, delta: float = 1.0) -> np.ndarray:
    d = np.abs(x - y)
    return np.where(d <= delta, 0.5 * d * d, delta * (d - 0.5 * delta))


def smooth_l1(x: np.ndarray, y: np.ndarray, beta: float = 1.0) -> np.ndarray:
    d = np.abs(x - y)
    return np.where(d < beta, 0.5 * d * d / max(beta, 1e-30), d - 0.5 * beta)


def kl_div(x: np.ndarray, y: np.ndarray, log_target: bool = False) -> np.ndarray:
    return np.exp(y) * (y - x) if log_target else y * (np.log(y) - x)


def case(name: str, ref: Any, *samples: Sample, **options: Any) -> OpCase:
    return OpCase(
        name,
        fn=f"nn.functional.{name}",
        ref=ref,
        samples=samples,
        tolerance=CLOSE,
        method=False,
        **options,
    )


def labels(*values: Any) -> T:
    return T(values=list(values), dtype="int64")


def every_reduction(*args: Any, **kwargs: Any) -> tuple[Sample, ...]:
    return tuple(Sample(*args, reduction=r, **kwargs) for r in ("mean", "sum", "none"))


CASES = [
    case("mse_loss", elementwise(lambda x, y: (x - y) ** 2), *every_reduction(T(3, 4), T(3, 4))),
    case("l1_loss", elementwise(lambda x, y: np.abs(x - y)), *every_reduction(T(3, 4), T(3, 4))),
    case(
        "smooth_l1_loss",
        elementwise(smooth_l1),
        *every_reduction(T(3, 4), T(3, 4)),
        Sample(T(7), T(7), beta=0.3),
    ),
    case(
        "huber_loss",
        elementwise(huber),
        *every_reduction(T(3, 4), T(3, 4)),
        Sample(T(7), T(7), delta=0.3),
    ),
    case(
        "nll_loss",
        nll_loss,
        *every_reduction(T(3, 4), labels(0, 3, 1)),
        Sample(T(3, 4), labels(0, -100, 1)),
        Sample(T(3, 4), labels(0, 2, 1), T(4, low=0.5, grad=False), ignore_index=2),
        Sample(T(4), T(values=2, dtype="int64")),
        Sample(T(2, 3, 2, 2), labels([[0, 1], [2, 1]], [[1, 1], [0, 2]])),
    ),
    case(
        "cross_entropy",
        cross_entropy,
        *every_reduction(T(3, 4), labels(0, 3, 1)),
        Sample(T(3, 4), labels(0, -100, 1)),
        Sample(T(3, 4), labels(0, 2, 1), T(4, low=0.5, grad=False), ignore_index=2),
        Sample(T(3, 4), labels(0, 2, 1), label_smoothing=0.2),
        Sample(T(3, 4), labels(0, 2, 1), T(4, low=0.5, grad=False), label_smoothing=0.2),
        Sample(T(4), T(values=2, dtype="int64")),
        Sample(T(2, 3, 2), labels([0, 1], [2, 1])),
        Sample(T(3, 4), T(3, 4, low=0, high=1)),
        Sample(T(65, 10), labels(*[i % 10 for i in range(65)]), grad=False),
    ),
    case(
        "binary_cross_entropy",
        elementwise(bce),
        *every_reduction(T(3, 4), T(3, 4, low=0, high=1)),
        Sample(T(3, 4), T(3, 4), T(3, 4, grad=False)),
        domain=(0.1, 0.9),
    ),
    case(
        "binary_cross_entropy_with_logits",
        elementwise(bce_with_logits),
        *every_reduction(T(3, 4), T(3, 4, low=0, high=1)),
        Sample(T(3, 4), T(3, 4, low=0, high=1), pos_weight=T(4, low=0.5, grad=False)),
    ),
    case(
        "kl_div",
        elementwise(kl_div),
        *(
            s
            for s in every_reduction(T(3, 4), T(3, 4, low=0.1, high=1))
            if s.kwargs["reduction"] != "mean"
        ),
        Sample(T(3, 4), T(3, 4), reduction="sum", log_target=True),
    ),
]
