"""Functions of matrices that are compositions: exponential, power, cross product."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import tallow
from tallow import _C
from tallow._composite import composite, few, spelled
from tallow.linalg._lapack import check_square

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["cross", "matrix_exp", "matrix_power"]

# Bounds on the 1-norm up to which the Pade approximation of each degree is exact to a unit of
# roundoff. Source: Higham, The scaling and squaring method revisited (2005), table 2.3.
_DEGREES = {3: 1.495585217958292e-2, 5: 2.539398330063230e-1, 7: 9.504178996162932e-1}
_DEGREES |= {9: 2.097847961257068, 13: 5.371920351148152}


def _pade(A: Tensor, degree: int) -> Tensor:
    """The diagonal Pade approximation of the exponential."""
    weights = [1.0]
    for j in range(degree):
        weights.append(weights[-1] * (degree - j) / ((2 * degree - j) * (j + 1)))
    square = A @ A
    power = tallow.eye(A.size(-1), dtype=A.dtype, device=A.device).expand(A.shape)
    even, odd = weights[0] * power, weights[1] * power
    for j in range(2, degree + 1, 2):
        power = power @ square
        even = even + weights[j] * power
        if j < degree:
            odd = odd + weights[j + 1] * power
    odd = A @ odd
    return tallow.linalg.solve(even - odd, even + odd)


@composite
@spelled(input="A")
def matrix_exp(A: Tensor) -> Tensor:
    """Return the exponential of square matrices.

    Source: Higham, The scaling and squaring method for the matrix exponential revisited (2005).

    Args:
        A: (..., N, N), floating point or complex.

    Raises:
        RuntimeError: the matrices are not square.

    Example:
        >>> matrix_exp(tallow.zeros(2, 2))
        tensor([[1., 0.],
                [0., 1.]])
    """
    check_square("linalg.matrix_exp", A)
    if A.numel() == 0:
        return A.clone()
    if A.dtype == tallow.float32:  # the squarings lose digits
        return matrix_exp(A.double()).float()
    with tallow.no_grad():
        size = float(A.abs().sum(-2).max())
    for degree, bound in _DEGREES.items():
        if size <= bound:
            return _pade(A, degree)
    halvings = max(0, math.ceil(math.log2(size / _DEGREES[13]))) if math.isfinite(size) else 0
    result = _pade(A / 2.0**halvings, 13)
    for _ in range(halvings):
        result = result @ result
    return result


@composite
@spelled(input="A")
def matrix_power(A: Tensor, n: int) -> Tensor:
    """Return ``A @ A @ ...`` with `n` factors, of the inverse if `n` is negative.

    Args:
        A: square matrices.
        n: exponent.

    Raises:
        RuntimeError: the matrices are not square.
        LinAlgError: a negative power of a singular matrix.

    Example:
        >>> matrix_power(tallow.tensor([[1.0, 1.0], [0.0, 1.0]]), 5)
        tensor([[1., 5.],
                [0., 1.]])
    """
    if A.dim() < 2 or A.size(-1) != A.size(-2):
        check_square("linalg.matrix_power", A)
    if n == 0:
        identity = tallow.eye(A.size(-1), dtype=A.dtype, device=A.device).expand(A.shape)
        return identity + 0 * A
    base = tallow.linalg.inv(A) if n < 0 else A
    n = abs(n)
    result = None
    while n:
        if n & 1:
            result = base if result is None else result @ base
        n >>= 1
        if n:
            base = base @ base
    assert result is not None
    return result.clone() if result is A else result


@composite
def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """Return the cross product of vectors of three elements.

    Args:
        input: left vectors.
        other: right vectors, with as many dimensions.
        dim: dimension of size 3.

    Raises:
        RuntimeError: the numbers of dimensions differ, or the dimension is not of size 3.
    """
    small: Tensor | None = few(_C._nn.cross_few, input, other, dim)
    if small is not None:
        return small
    if input.dim() != other.dim():
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    if input.size(dim) != 3 or other.size(dim) != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input.size(dim)} and "
            f"{other.size(dim)}"
        )
    input, other = tallow.broadcast_tensors(input, other)
    return tallow.cross(input, other, dim=dim)
