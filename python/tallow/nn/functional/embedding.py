"""Looking up rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow import _C
from tallow.overrides import (
    handle_torch_function,
    has_torch_function_unary,
    has_torch_function_variadic,
)

if TYPE_CHECKING:
    from tallow._tensor import Tensor

__all__ = ["embedding", "one_hot"]

_VF = _C._VariableFunctions


def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """Replace every index by the row of ``weight`` that it names.

    Args:
        input: integers, any shape.
        weight: ``(num_embeddings, embedding_dim)``.
        padding_idx: a row that gets no gradient; may count from the end.
        max_norm: scale rows with a greater norm down to this one, in place.
        norm_type: exponent of that norm.
        scale_grad_by_freq: divide the gradient of a row by how often it occurs in ``input``.
        sparse: give ``weight``, a leaf, a sparse gradient: the rows that were used.

    Returns:
        The shape of ``input`` followed by ``embedding_dim``.

    Raises:
        AssertionError: ``padding_idx`` names no row.
        IndexError: an index names no row.
        RuntimeError: both ``sparse`` and ``scale_grad_by_freq``.

    Example:
        >>> embedding(tallow.tensor([1, 0]), tallow.eye(2))
        tensor([[0., 1.],
                [1., 0.]])
    """
    if has_torch_function_variadic(input, weight):
        return handle_torch_function(
            embedding,
            (input, weight),
            input,
            weight,
            padding_idx=padding_idx,
            max_norm=max_norm,
            norm_type=norm_type,
            scale_grad_by_freq=scale_grad_by_freq,
            sparse=sparse,
        )
    if padding_idx is None:
        padding_idx = -1  # the native function's sign for "none"
    elif padding_idx:
        rows = weight.size(0) if weight.dim() == 2 else 0  # the native function refuses others
        assert -rows <= padding_idx < rows, "Padding_idx must be within num_embeddings"
        padding_idx %= rows
    if max_norm is not None:
        input = input.contiguous()
        _limit_norms(weight, input, max_norm, norm_type)
    if sparse and weight.requires_grad and weight.is_leaf and tallow.is_grad_enabled():
        from tallow.sparse._embedding import rows_with_sparse_gradient

        return rows_with_sparse_gradient(weight, input, padding_idx, scale_grad_by_freq)
    if sparse:
        sparse = False  # only leaves keep gradients, and only these are worth it
    return _VF.embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)


def _limit_norms(weight: Tensor, index: Tensor, max_norm: float, norm_type: float) -> None:
    """Scale the indexed rows of ``weight`` so that no norm exceeds ``max_norm``, in place."""
    from tallow.autograd.grad_mode import no_grad

    with no_grad():
        rows = index.reshape(-1).unique()
        values = weight[rows]
        norms = values.norm(norm_type, 1, keepdim=True)
        factors = (max_norm / (norms + 1e-7)).clamp_max(1.0)  # as PyTorch: never divide by zero
        weight[rows] = values * _VF.where(norms > max_norm, factors, _VF.ones_like(factors))


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Write a 1 at the position each index names, among zeros.

    Args:
        tensor: int64, any shape.
        num_classes: length of the new last dimension; by default one more than the largest index.

    Returns:
        int64, the shape of ``tensor`` followed by ``num_classes``.

    Raises:
        RuntimeError: another dtype, or an index outside the new dimension.

    Example:
        >>> one_hot(tallow.tensor([0, 2]))
        tensor([[1, 0, 0],
                [0, 0, 1]])
    """
    if has_torch_function_unary(tensor):
        return handle_torch_function(one_hot, (tensor,), tensor, num_classes=num_classes)
    if tensor.dtype != tallow.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if tensor.numel() == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return tensor.new_empty((*tensor.shape, num_classes))
    if num_classes == -1:
        num_classes = max(int(tensor.max().item()) + 1, 1)
    elif num_classes < 1 or tensor.is_cuda:  # a device reports bad indices after the fact
        _check_classes(tensor, num_classes)
    try:
        zeros = tensor.new_zeros((*tensor.shape, num_classes))
        return zeros.scatter_(-1, tensor.unsqueeze(-1), 1)
    except RuntimeError:  # an index out of range
        _check_classes(tensor, num_classes)
        raise


def _check_classes(tensor: Tensor, num_classes: int) -> None:
    if tensor.min().item() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if tensor.max().item() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
