"""Rows of a table whose gradient lists the rows that were used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallow import _C
from tallow.autograd import Function
from tallow.autograd.function import once_differentiable
from tallow.sparse._tensor import SparseTensor

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["rows_with_sparse_gradient"]


class _Rows(Function):
    @staticmethod
    def forward(weight: Tensor, index: Tensor, padding_idx: int) -> Tensor:
        return _C._VariableFunctions.embedding(weight, index, padding_idx, False, False)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        weight, index, ctx.padding_idx = inputs
        ctx.size = weight.shape
        ctx.save_for_backward(index)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Any:
        (index,) = ctx.saved_tensors
        rows, values = index.reshape(-1).long(), grad.reshape(-1, ctx.size[1])
        if ctx.padding_idx >= 0:
            kept = (rows != ctx.padding_idx).nonzero().squeeze(1)
            rows, values = rows[kept], values[kept]
        return SparseTensor._of(rows.unsqueeze(0), values, ctx.size), None, None


def rows_with_sparse_gradient(
    weight: Tensor, index: Tensor, padding_idx: int, scale_grad_by_freq: bool
) -> Tensor:
    """Look rows up as :func:`tallow.nn.functional.embedding` does, with ``sparse=True``.

    Args:
        weight: ``(num_embeddings, embedding_dim)``.
        index: integers, any shape.
        padding_idx: the row that gets no gradient; -1 for none.
        scale_grad_by_freq: must be False.
    """
    if scale_grad_by_freq:
        raise RuntimeError(
            "embedding_backward: scale_grad_by_freq not supported with sparse gradients"
        )
    return _C._named(_Rows.apply(weight, index, padding_idx), "EmbeddingBackward0")
