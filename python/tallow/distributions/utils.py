"""Helpers of the distributions: broadcasting of parameters, probabilities and their logarithms."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = [
    "broadcast_all",
    "clamp_probs",
    "euler_constant",
    "lazy_property",
    "logits_to_probs",
    "probs_to_logits",
    "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]

euler_constant = 0.57721566490153286060


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Make tensors of one shape from tensors and numbers.

    Args:
        values: tensors and numbers; numbers take the type of the first tensor, the default one if
            there is no tensor.

    Raises:
        ValueError: something that is neither.

    Example:
        >>> from tallow.distributions.utils import broadcast_all
        >>> broadcast_all(tallow.zeros(2), 1)
        (tensor([0., 0.]), tensor([1., 1.]))
    """
    if not all(isinstance(value, (tallow.Tensor, int, float)) for value in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects "
            "implementing __torch_function__."
        )
    like = next((value for value in values if isinstance(value, tallow.Tensor)), None)
    options: dict[str, Any] = {"dtype": tallow.get_default_dtype() if like is None else like.dtype}
    if like is not None:
        options["device"] = like.device
    tensors = [
        value if isinstance(value, tallow.Tensor) else tallow.tensor(value, **options)
        for value in values
    ]
    return tuple(tallow.broadcast_tensors(*tensors))


def _standard_normal(shape: Any, dtype: Any, device: Any) -> Tensor:
    """Draw standard normal numbers."""
    return tallow.empty(shape, dtype=dtype, device=device).normal_()


def _sum_rightmost(value: Any, count: int) -> Any:
    """Add up over the last ``count`` dimensions."""
    if count == 0:
        return value
    return value.reshape((*value.shape[:-count], -1)).sum(-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Keep probabilities away from 0 and 1 by the rounding unit of their type."""
    eps = tallow.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Return the probabilities that belong to logarithms.

    Args:
        logits: log odds if binary, else unnormalised logarithms along the last dimension.
        is_binary: each element is the log odds of its own event.
    """
    return tallow.sigmoid(logits) if is_binary else tallow.softmax(logits, dim=-1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Return the logarithms that belong to probabilities, finite for probabilities 0 and 1.

    Args:
        probs: in 0 .. 1.
        is_binary: return log odds.
    """
    clamped = clamp_probs(probs)
    log = tallow.log(clamped)
    return log - tallow.log1p(-clamped) if is_binary else log


class lazy_property:
    """A property that is computed once, then kept in the instance.

    Args:
        compute: the method.
    """

    def __init__(self, compute: Callable[[Any], Any]) -> None:
        self.compute = compute
        functools.update_wrapper(self, compute)  # type: ignore[arg-type]

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with tallow.enable_grad():
            value = self.compute(instance)
        instance.__dict__[self.compute.__name__] = value
        return value


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """Put the elements of vectors, row by row, below the diagonal of matrices.

    Args:
        vec: ``(..., D)`` where D elements fill a triangle.
        diag: 0 with the main diagonal, -1 below it.
    """
    count = vec.shape[-1]
    # Solves count = number of elements of the triangle of a size x size matrix.
    odd = 1 + 2 * diag
    size = round((-odd + (odd * odd + 8 * count + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2)
    rows, columns = tallow.tril_indices(size, size, diag, device=vec.device)
    if len(rows) != count:
        raise ValueError(
            f"The size of last dimension is {count} which cannot be expressed as the lower "
            "triangular part of a square D x D matrix."
        )
    where = (rows * size + columns).expand(vec.shape)
    flat = vec.new_zeros((*vec.shape[:-1], size * size)).scatter(-1, where, vec)
    return flat.reshape((*vec.shape[:-1], size, size))


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """Read the elements below the diagonal of matrices, row by row.

    Args:
        mat: ``(..., N, N)``.
        diag: 0 with the main diagonal, -1 below it, in -N .. N - 1.

    Raises:
        ValueError: ``diag`` is out of range.
    """
    size = mat.shape[-1]
    if not -size <= diag < size:
        raise ValueError(f"diag ({diag}) provided is outside [{-size}, {size - 1}].")
    rows, columns = tallow.tril_indices(size, size, diag, device=mat.device)
    return mat[..., rows, columns]
