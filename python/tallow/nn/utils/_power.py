"""Power iterations on a weight, for both forms of spectral normalisation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow.nn import functional as F

if TYPE_CHECKING:
    from tallow._tensor import Tensor
    from tallow.nn.modules.module import Module

__all__ = ["as_matrix", "output_dim", "power_iterations"]


def output_dim(module: Module) -> int:
    """Return the dimension of a layer's weight that counts its outputs."""
    nn = tallow.nn
    transposed = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    return 1 if isinstance(module, transposed) else 0


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """Return a weight as the matrix of one dimension by all the others."""
    if dim != 0:
        weight = weight.permute(dim, *(d for d in range(weight.dim()) if d != dim))
    return weight.reshape(weight.size(0), -1)


def power_iterations(matrix: Tensor, u: Tensor, v: Tensor, count: int, eps: float) -> None:
    """Bring ``u`` and ``v``, in place, nearer to the first singular vectors of a matrix."""
    with tallow.no_grad():
        for _ in range(count):
            F.normalize(tallow.mv(matrix, v), dim=0, eps=eps, out=u)
            F.normalize(tallow.mv(matrix.mH, u), dim=0, eps=eps, out=v)
