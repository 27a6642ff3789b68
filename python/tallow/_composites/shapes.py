"""Bringing several tensors to common shapes: broadcasting, grids, block matrices."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import tallow
from tallow.overrides import handle_torch_function, has_torch_function

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
    "meshgrid",
]


def unpacked(tensors: tuple[Any, ...]) -> tuple[Any, ...]:
    """Accept ``f(a, b)`` and ``f([a, b])``."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        return tuple(tensors[0])
    return tensors


def _check_tensors(tensors: Sequence[Any]) -> None:
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, tallow.Tensor):
            raise TypeError(
                f"expected Tensor as element {i} in argument 0, but got {type(tensor).__name__}"
            )


def broadcast_shapes(*shapes: Any) -> Size:
    """Return the shape that tensors of the given shapes broadcast to.

    Args:
        *shapes: sizes as sequences of integers; an integer stands for one dimension.

    Raises:
        RuntimeError: the shapes do not fit each other.
        ValueError: a size is negative.

    Example:
        >>> broadcast_shapes((2, 1), (3,))
        tallow.Size([2, 3])
    """
    rows = [(shape,) if isinstance(shape, int) else tuple(shape) for shape in shapes]
    result = [1] * max((len(row) for row in rows), default=0)
    for position, row in enumerate(rows):
        for i in range(-1, -1 - len(row), -1):
            if row[i] < 0:
                raise ValueError("Attempting to broadcast a dimension with negative length!")
            if row[i] in (1, result[i]):
                continue
            if result[i] != 1:
                raise RuntimeError(
                    f"Attempting to broadcast a dimension of length {row[i]} at {i}! Mismatching "
                    f"argument at index {position} had {row}; but expected shape should be "
                    f"broadcastable to {result}"
                )
            result[i] = row[i]
    return tallow.Size(result)


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Expand tensors to a common shape, without copying; those that have it are returned as is.

    Args:
        *tensors: tensors whose shapes fit each other.

    Raises:
        RuntimeError: the shapes do not fit each other.

    Example:
        >>> [t.shape for t in broadcast_tensors(tallow.ones(2, 1), tallow.ones(3))]
        [tallow.Size([2, 3]), tallow.Size([2, 3])]
    """
    if has_torch_function(tensors):
        return handle_torch_function(broadcast_tensors, tensors, *tensors)
    _check_tensors(tensors)
    shape: tuple[int, ...] = tensors[0].shape if tensors else ()
    for tensor in tensors:
        if tensor.shape != shape:
            shape = _broadcast_pair(shape, tensor.shape)
    return tuple([t if t.shape == shape else t.expand(shape) for t in tensors])


def _broadcast_pair(one: tuple[int, ...], two: tuple[int, ...]) -> tuple[int, ...]:
    missing = len(two) - len(one)
    first = [1] * missing + [*one]
    second = [1] * -missing + [*two]
    for i in range(len(first) - 1, -1, -1):
        a, b = first[i], second[i]
        if a == 1:
            first[i] = b
        elif b not in (a, 1):
            raise RuntimeError(
                f"The size of tensor a ({a}) must match the size of tensor b ({b}) at "
                f"non-singleton dimension {i}"
            )
    return tuple(first)


def _atleast(function: Any, count: int, tensors: tuple[Any, ...]) -> Any:
    if has_torch_function(tensors):
        return handle_torch_function(function, tensors, *tensors)
    items = unpacked(tensors)
    for item in items:
        if not isinstance(item, tallow.Tensor):
            raise TypeError(
                f"{function.__name__}() received an invalid combination of arguments - expected "
                f"tensors, but got {type(item).__name__}"
            )
    results = []
    for tensor in items:
        while tensor.dim() < count:
            # The third dimension is added at the end, the first two at the front.
            tensor = tensor.unsqueeze(-1 if tensor.dim() == 2 else 0)
        results.append(tensor)
    single = len(tensors) == 1 and items is tensors
    return results[0] if single else tuple(results)


def atleast_1d(*tensors: Any) -> Any:
    """View tensors with at least one dimension.

    Args:
        *tensors: tensors, or one sequence of them.

    Returns:
        A tensor for one argument, else a tuple.

    Example:
        >>> atleast_1d(tallow.tensor(1.0))
        tensor([1.])
    """
    return _atleast(atleast_1d, 1, tensors)


def atleast_2d(*tensors: Any) -> Any:
    """View tensors with at least two dimensions, added at the front.

    Args:
        *tensors: tensors, or one sequence of them.

    Returns:
        A tensor for one argument, else a tuple.

    Example:
        >>> atleast_2d(tallow.ones(3)).shape
        tallow.Size([1, 3])
    """
    return _atleast(atleast_2d, 2, tensors)


def atleast_3d(*tensors: Any) -> Any:
    """View tensors with at least three dimensions: ``(n,)`` as ``(1, n, 1)``.

    Args:
        *tensors: tensors, or one sequence of them.

    Returns:
        A tensor for one argument, else a tuple.

    Example:
        >>> atleast_3d(tallow.ones(2, 3)).shape
        tallow.Size([2, 3, 1])
    """
    return _atleast(atleast_3d, 3, tensors)


def _placed(blocks: list[Tensor], width: int) -> Tensor:
    """Blocks written into zeros, without a derivative."""
    dtype = blocks[0].dtype
    for block in blocks[1:]:
        if block.dtype is not dtype:
            dtype = tallow.promote_types(dtype, block.dtype)
    height = sum(block.size(0) for block in blocks)
    result = tallow.zeros(height, width, dtype=dtype, device=blocks[0].device)
    top = left = 0
    for block in blocks:
        bottom, right = top + block.size(0), left + block.size(1)
        result[top:bottom, left:right] = block
        top, left = bottom, right
    return result


def block_diag(*tensors: Any) -> Tensor:
    """Put matrices on the diagonal of a larger one, zeros elsewhere.

    Args:
        *tensors: of at most two dimensions; a vector is one row, a number is 1 x 1.

    Raises:
        RuntimeError: a tensor has more than two dimensions.

    Example:
        >>> block_diag(tallow.tensor([1, 2]), tallow.tensor(3))
        tensor([[1, 2, 0],
                [0, 0, 3]])
    """
    if has_torch_function(tensors):
        return handle_torch_function(block_diag, tensors, *tensors)
    _check_tensors(tensors)
    for i, tensor in enumerate(tensors):
        if tensor.dim() > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has "
                f"{tensor.dim()} dimensions"
            )
    blocks = [tensor if tensor.dim() == 2 else atleast_2d(tensor) for tensor in tensors]
    blocks = blocks or [tallow.zeros(1, 0)]
    width = sum(block.size(1) for block in blocks)
    if not (tallow.is_grad_enabled() and any(block.requires_grad for block in blocks)):
        return _placed(blocks, width)
    rows = []
    left = 0
    for block in blocks:
        height = block.size(0)
        right = width - left - block.size(1)
        rows.append(
            tallow.cat([block.new_zeros(height, left), block, block.new_zeros(height, right)], 1)
        )
        left += block.size(1)
    return tallow.cat(rows)


def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """Return, for each vector, its values at every point of the grid the vectors span.

    Args:
        *tensors: vectors (or numbers) of one dtype, or one sequence of them.
        indexing: ``'ij'`` (default): the dimensions are in the order of the arguments; ``'xy'``:
            the first two are swapped, as for images.

    Returns:
        Views of shape ``(len(t0), len(t1), ...)``.

    Raises:
        RuntimeError: no tensor, different dtypes, or another `indexing`.

    Example:
        >>> meshgrid(tallow.arange(2), tallow.arange(3), indexing="ij")[1]
        tensor([[0, 1, 2],
                [0, 1, 2]])
    """
    if has_torch_function(tensors):
        return handle_torch_function(meshgrid, tensors, *tensors, indexing=indexing)
    vectors = unpacked(tensors)
    _check_tensors(vectors)
    if not vectors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing is None:
        warnings.warn(
            "torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
            "argument.",
            stacklevel=2,
        )
        indexing = "ij"
    if indexing not in ("ij", "xy"):
        raise RuntimeError(
            'torch.meshgrid: indexing must be one of "xy" or "ij", but received: ' + indexing
        )
    dtype = vectors[0].dtype
    for vector in vectors:
        if vector.dtype != dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    for vector in vectors:
        if vector.dim() > 1:
            raise RuntimeError(
                "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: "
                f"{list(vector.shape)}"
            )
    swap = indexing == "xy" and len(vectors) > 1
    if swap:
        vectors = (vectors[1], vectors[0], *vectors[2:])
    shape = [vector.numel() for vector in vectors]
    grids = []
    along = [1] * len(vectors)
    for i, vector in enumerate(vectors):
        along[i] = -1
        grids.append(vector.view(along).expand(shape))
        along[i] = 1
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def cartesian_prod(*tensors: Tensor) -> Tensor:
    """Return every combination of one element from each vector, as rows.

    Args:
        *tensors: vectors of one dtype.

    Raises:
        RuntimeError: a tensor is not a vector, or there is none.

    Example:
        >>> cartesian_prod(tallow.tensor([1, 2]), tallow.tensor([7, 8]))
        tensor([[1, 7],
                [1, 8],
                [2, 7],
                [2, 8]])
    """
    if has_torch_function(tensors):
        return handle_torch_function(cartesian_prod, tensors, *tensors)
    for tensor in tensors:
        if tensor.dim() != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(tensor.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    grids = meshgrid(*tensors, indexing="ij")
    return tallow.stack([grid.reshape(-1) for grid in grids], 1)
