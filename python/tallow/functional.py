"""Functions on tensors that are clearer in Python than in the core."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow._composites.einsum import einsum
from tallow._composites.shapes import (
    atleast_1d,
    atleast_2d,
    atleast_3d,
    block_diag,
    broadcast_shapes,
    broadcast_tensors,
    cartesian_prod,
    meshgrid,
    unpacked,
)
from tallow._composites.unique import unique, unique_consecutive
from tallow.overrides import handle_torch_function, has_torch_function, has_torch_function_unary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow import Size, Tensor

__all__ = [
    "atleast_1d",
    "atleast_2d",
    "atleast_3d",
    "block_diag",
    "broadcast_shapes",
    "broadcast_tensors",
    "cartesian_prod",
    "chain_matmul",
    "einsum",
    "meshgrid",
    "norm",
    "split",
    "tensordot",
    "unique",
    "unique_consecutive",
    "unravel_index",
]


def norm(
    input: Tensor,
    p: float | str | None = "fro",
    dim: Any = None,
    keepdim: bool = False,
    out: Tensor | None = None,
    dtype: Any = None,
) -> Tensor:
    """Return a vector norm, or the nuclear norm of matrices.

    Args:
        input: floating point or complex.
        p: order of a vector norm; 'fro' is 2, 'nuc' sums the singular values of matrices.
        dim: dimensions to reduce; all by default.
        keepdim: keep them with size 1.
        out: receives the result.
        dtype: convert the input first.

    Example:
        >>> norm(tallow.tensor([3.0, 4.0]))
        tensor(5.)
    """
    if has_torch_function_unary(input):
        return handle_torch_function(
            norm, (input,), input, p=p, dim=dim, keepdim=keepdim, out=out, dtype=dtype
        )
    order: Any = p
    if p == "nuc":
        chosen = (-2, -1) if dim is None else tuple(dim)
        result = tallow.linalg.matrix_norm(input, "nuc", chosen, keepdim, dtype=dtype)
    else:
        result = _C._VariableFunctions.norm(input, order, dim, keepdim, dtype=dtype)
    return result if out is None else out.copy_(result)


def split(
    tensor: Tensor, split_size_or_sections: int | Sequence[int], dim: int = 0
) -> tuple[Tensor, ...]:
    """Cut a tensor into views along one dimension.

    Args:
        tensor: at least one-dimensional.
        split_size_or_sections: size of each piece (the last may be smaller), or the sizes of all.
        dim: dimension to cut.

    Raises:
        RuntimeError: the sizes do not add up.

    Example:
        >>> split(tallow.arange(5), 2)
        (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    if has_torch_function_unary(tensor):
        return handle_torch_function(split, (tensor,), tensor, split_size_or_sections, dim=dim)
    return tensor.split(split_size_or_sections, dim)


def chain_matmul(*matrices: Tensor, out: Tensor | None = None) -> Tensor:
    """Multiply matrices in the order that needs the fewest multiplications.

    Args:
        *matrices: two-dimensional, with matching inner sizes.
        out: receives the result.

    Raises:
        RuntimeError: no matrices, or one that is not two-dimensional.

    Example:
        >>> chain_matmul(tallow.ones(2, 3), tallow.ones(3, 4), tallow.ones(4, 1))
        tensor([[12.],
                [12.]])
    """
    items = unpacked(matrices)
    if has_torch_function(items):
        return handle_torch_function(chain_matmul, items, *items)
    if not items:
        raise RuntimeError("chain_matmul(): Expected one or more matrices")
    for matrix in items:
        if matrix.dim() != 2:
            raise RuntimeError(f"Tensor dimension is {matrix.dim()}, expected 2 instead.")
    result = _chain_product(items)
    return result if out is None else out.copy_(result)


def _chain_product(matrices: Sequence[Tensor]) -> Tensor:
    """Dynamic programme over the place of the last product. Source: Cormen et al., 15.2."""
    count = len(matrices)
    sizes = [matrices[0].size(0), *[matrix.size(1) for matrix in matrices]]
    if count == 3:
        (a, b, c), (p, q, r, s) = matrices, sizes
        return a @ (b @ c) if (r + p) * q * s <= (q + s) * p * r else (a @ b) @ c
    best: dict[tuple[int, int], tuple[int, int]] = {(i, i): (0, i) for i in range(count)}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            best[i, j] = min(
                (
                    best[i, k][0] + best[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1],
                    k,
                )
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        if i == j:
            return matrices[i]
        k = best[i, j][1]
        return product(i, k) @ product(k + 1, j)

    return product(0, count - 1)


def tensordot(a: Tensor, b: Tensor, dims: Any = 2, out: Tensor | None = None) -> Tensor:
    """Sum products over several dimensions of two tensors.

    Args:
        a: left tensor.
        b: right tensor.
        dims: how many last dimensions of `a` meet the first ones of `b`; or two lists (or a
            tensor with two rows) that name the dimensions to pair.
        out: receives the result.

    Returns:
        The remaining dimensions of `a`, then those of `b`.

    Raises:
        RuntimeError: the dimensions do not fit each other.

    Example:
        >>> tensordot(tallow.ones(2, 3, 4), tallow.ones(3, 4, 5)).shape
        tallow.Size([2, 5])
    """
    if has_torch_function((a, b)):
        return handle_torch_function(tensordot, (a, b), a, b, dims=dims, out=out)
    pairs = _contracted_dims(a, b, dims)
    if isinstance(dims, int) and a.shape[a.dim() - dims :] == b.shape[:dims]:
        inner = b.shape[:dims].numel()
        if inner:
            kept = a.shape[: a.dim() - dims] + b.shape[dims:]
            product = (a.reshape(-1, inner) @ b.reshape(inner, -1)).reshape(kept)
            return product if out is None else out.copy_(product)
    for i, j in zip(*pairs, strict=True):
        if a.size(i) != b.size(j):
            if a.size(i) == 1:
                b = b.sum(j, keepdim=True)
            elif b.size(j) == 1:
                a = a.sum(i, keepdim=True)
            else:
                raise RuntimeError(
                    f"contracted dimensions need to match, but first has size {a.size(i)} in dim "
                    f"{i} and second has size {b.size(j)} in dim {j}"
                )
    left, right = _distinct(a, pairs[0]), _distinct(b, pairs[1])
    rows = [i for i in range(a.dim()) if i not in left]
    columns = [j for j in range(b.dim()) if j not in right]
    shape = [a.size(i) for i in rows] + [b.size(j) for j in columns]
    inner = tallow.Size([a.size(i) for i in left]).numel()
    outer = tallow.Size([a.size(i) for i in rows]).numel()
    last = tallow.Size([b.size(j) for j in columns]).numel()
    one = a.permute(rows + left).reshape(outer, inner)
    two = b.permute(right + columns).reshape(inner, last)
    result = (one @ two).reshape(shape)
    return result if out is None else out.copy_(result)


def _contracted_dims(a: Tensor, b: Tensor, dims: Any) -> tuple[list[int], list[int]]:
    if isinstance(dims, tallow.Tensor):
        dims = dims.tolist() if dims.numel() > 1 else int(dims)
    if isinstance(dims, int):
        if dims < 0:
            raise RuntimeError(f"tensordot expects dims >= 0, but got dims={dims}")
        if dims > min(a.dim(), b.dim()):
            raise RuntimeError(f"tensordot expects dims < ndim_a or ndim_b, but got dims={dims}")
        return list(range(-dims, 0)), list(range(dims))
    pairs = tuple([d] if isinstance(d, int) else list(d) for d in dims)
    if len(pairs) != 2 or len(pairs[0]) != len(pairs[1]):
        raise RuntimeError("both dimension lists should have same length")
    return pairs[0], pairs[1]


def _distinct(tensor: Tensor, dims: list[int]) -> list[int]:
    """Count dimensions from the front; a dimension may be named once."""
    wrapped = [d % tensor.dim() for d in dims]
    for d in wrapped:
        if wrapped.count(d) > 1:
            raise RuntimeError(f"dim {d} appears multiple times in the list of dims")
    return wrapped


def unravel_index(indices: Tensor, shape: int | Sequence[int] | Size) -> tuple[Tensor, ...]:
    """Turn positions in a flattened tensor into one index per dimension.

    Args:
        indices: integers.
        shape: sizes of the tensor before flattening.

    Raises:
        TypeError: `indices` are not integers.
        ValueError: a size is negative.

    Example:
        >>> unravel_index(tallow.tensor([5, 7]), (3, 4))
        (tensor([1, 1]), tensor([1, 3]))
    """
    if has_torch_function_unary(indices):
        return handle_torch_function(unravel_index, (indices,), indices, shape=shape)
    if indices.is_floating_point() or indices.is_complex() or indices.dtype == tallow.bool:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {indices.dtype}")
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(size < 0 for size in sizes):
        raise ValueError(f"'shape' cannot have negative values, but got {sizes}")
    coordinates = []
    rest = indices
    for size in reversed(sizes):
        coordinates.append(rest % size)
        rest = rest.div(size, rounding_mode="floor")
    return tuple(reversed(coordinates))
