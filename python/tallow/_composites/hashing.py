"""Hashes of tensors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow
from tallow._composite import c_name, composite

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["hash_tensor"]

_INTEGERS = ("bool", "uint8", "int8", "int16", "int32", "int64")
_FLOATS = ("float16", "bfloat16", "float32", "float64")


@composite
def hash_tensor(input: Tensor, dim: Any = (), *, keepdim: bool = False, mode: int = 0) -> Tensor:
    """Combine the bits of the elements, widened to 64, by exclusive or.

    Args:
        input: real, of any shape; floating point elements are widened to float64, others to int64.
        dim: a dimension, or several; all of them if None or empty.
        keepdim: keep the reduced dimensions, with size 1.
        mode: 0, the only one.

    Returns:
        uint64.

    Raises:
        RuntimeError: another mode, the same dimension twice, or no elements and no dimension.
        IndexError: a dimension out of range, or without elements.
        NotImplementedError: complex, uint16 to uint64 or float8 elements.

    Example:
        >>> hash_tensor(tallow.tensor([1, 2, 4])).item()
        7
    """
    if mode != 0:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}")
    dims = _dims(input, dim)
    kind = repr(input.dtype).rpartition(".")[2]
    if kind not in _INTEGERS + _FLOATS:
        raise NotImplementedError(f"\"xor_sum_cpu\" not implemented for '{c_name(input.dtype)}'")
    kept = [d for d in range(input.dim()) if d not in dims]
    words = input.detach().to(tallow.int64 if kind in _INTEGERS else tallow.float64)
    count = math.prod(input.shape[d] for d in dims)
    words = words.permute([*dims, *kept]).reshape(count, *(input.shape[d] for d in kept))
    words = words.view(tallow.int64)
    while (count := words.size(0)) > 1:
        half = count // 2
        folded = words[:half] ^ words[half : 2 * half]
        words = tallow.cat([folded, words[2 * half :]]) if count % 2 else folded
    shape = [1 if d in dims else size for d, size in enumerate(input.shape)]
    result = words.view(tallow.uint64).reshape(shape if keepdim else [shape[d] for d in kept])
    return result.clone()


def _dims(input: Tensor, dim: Any) -> list[int]:
    """The dimensions to reduce, all of which have elements."""
    given = () if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if not given:
        if input.numel() == 0:
            raise RuntimeError(
                "hash_tensor: Expected reduction dim to be specified for input.numel() == 0. "
                "Specify the reduction dim with the 'dim' argument."
            )
        return list(range(input.dim()))
    dims: list[int] = []
    reach = max(input.dim(), 1)
    for d in given:
        if not -reach <= d < reach:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [{-reach}, {reach - 1}], "
                f"but got {d})"
            )
        if d % reach in dims:
            raise RuntimeError(f"dim {d % reach} appears multiple times in the list of dims")
        dims.append(d % reach)
    for d in dims if input.dim() else []:
        if input.size(d) == 0:
            raise IndexError(f"hash_tensor: Expected reduction dim {d} to have non-zero size.")
    return dims if input.dim() else []
