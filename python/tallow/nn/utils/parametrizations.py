"""Ready-made parametrizations: weight and spectral normalisation, orthogonal matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import tallow
from tallow._composites.weights import _weight_norm
from tallow.nn import functional as F
from tallow.nn.modules.module import Module
from tallow.nn.utils import parametrize
from tallow.nn.utils._power import as_matrix, output_dim, power_iterations

if TYPE_CHECKING:
    from tallow._tensor import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

_M = TypeVar("_M", bound=Module)


class _Orthogonal(Module):
    base: Tensor

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        """Map any matrix to one with orthonormal columns, or rows where it is wide."""
        wide = x.size(-2) < x.size(-1)
        if wide:
            x = x.mT
        q = _reflected(x) if self.orthogonal_map == "householder" else self._rotated(x)
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if wide else q

    def _rotated(self, x: Tensor) -> Tensor:
        """Map the skew part of a tall matrix to the first columns of an orthogonal one."""
        n, k = x.shape[-2:]
        x = x.tril()
        if n != k:
            x = tallow.cat([x, x.new_zeros(*x.shape[:-1], n - k)], -1)
        skew = x - x.mH
        if self.orthogonal_map == "matrix_exp":
            q = tallow.matrix_exp(skew)
        else:
            one = tallow.eye(n, dtype=skew.dtype, device=skew.device)
            q = tallow.linalg.solve(one - skew / 2, one + skew / 2)
        return q[..., :k] if n != k else q

    def right_inverse(self, q: Tensor) -> Tensor:
        """Return a matrix that ``forward`` maps to the orthogonal matrix nearest at hand."""
        if q.shape != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. "
                f"Got a tensor of shape {q.shape}."
            )
        wide = q.size(-2) < q.size(-1)
        tall = q.mT if wide else q
        n, k = tall.shape[-2:]
        if not hasattr(self, "base"):
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    "It is not possible to assign to the matrix exponential or the Cayley "
                    "parametrizations when use_trivialization=False."
                )
            # The signs of R's diagonal are what the reflections miss; forward reads them back.
            packed, tau = tallow.geqrf(tall.detach())
            signs = packed.diagonal(dim1=-2, dim2=-1)
            signs.sign_()
            signs[tau == 0.0] *= -1
            return packed.mT if wide else packed
        if n == k:
            self.base = tall.clone() if _is_orthogonal(tall) else _orthogonalised(tall)
        else:
            rest = tallow.randn(*tall.shape[:-2], n, n - k, dtype=tall.dtype, device=tall.device)
            self.base = _orthogonalised(tallow.cat([tall, rest], -1))
        # Every map takes minus one to one: the base alone is the value.
        start = tallow.zeros_like(q)
        start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
        return start


def _reflected(x: Tensor) -> Tensor:
    """The product of the reflections whose vectors stand below the diagonal."""
    below = x.tril(-1)
    tau = 2.0 / (1.0 + (below * below.conj()).sum(-2))
    q = tallow.linalg.householder_product(below, tau)
    # Not trained: the diagonal holds the sign of each column.
    return q * x.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)


def _orthogonalised(x: Tensor) -> Tensor:
    """The Q of a QR factorization whose R has a positive diagonal."""
    q, r = tallow.linalg.qr(x.detach())
    return q * r.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


def _is_orthogonal(q: Tensor) -> bool:
    n, k = q.shape[-2:]
    one = tallow.eye(k, dtype=q.dtype, device=q.device)
    tolerance = 10.0 * n * tallow.finfo(q.dtype).eps
    return tallow.allclose(q.mH @ q, one.expand(*q.shape[:-2], k, k), atol=tolerance)


def orthogonal(
    module: _M,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> _M:
    """Keep a weight orthogonal, or unitary where it is complex.

    The last two dimensions are the matrix. If it is not square, its columns or rows, whichever
    are fewer, are orthonormal.

    Args:
        module: changed in place.
        name: a parameter of at least two dimensions.
        orthogonal_map: ``"matrix_exp"``, ``"cayley"`` or ``"householder"``; by default the first
            for square and complex matrices, otherwise the last.
        use_trivialization: multiply by a fixed orthogonal matrix, so that the weight can start
            from, and be set to, any orthogonal matrix.

    Returns:
        The module; see :func:`~tallow.nn.utils.parametrize.register_parametrization`.

    Raises:
        ValueError: no such tensor, fewer than two dimensions, or an unknown map.

    Source: Lezcano-Casado, Trivializations for gradient-based optimization on manifolds,
    arXiv:1909.09501; Golub and Van Loan, Matrix Computations, section 5.1.

    Example:
        >>> layer = orthogonal(tallow.nn.Linear(3, 3))
        >>> tallow.allclose(layer.weight @ layer.weight.T, tallow.eye(3), atol=1e-6)
        True
    """
    weight = _tensor_of(module, name)
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        square = weight.size(-2) == weight.size(-1)
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in ("matrix_exp", "cayley", "householder"):
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
            f"Got: {orthogonal_map}"
        )
    made = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return parametrize.register_parametrization(module, name, made, unsafe=True)


def _tensor_of(module: Module, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, tallow.Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        """Return the weight of the given lengths and directions."""
        return _weight_norm(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return lengths and directions of a weight."""
        return tallow.norm_except_dim(weight, 2, self.dim), weight


def weight_norm(module: _M, name: str = "weight", dim: int | None = 0) -> _M:
    """Train length and direction of a weight apart: ``w = g * v / |v|``.

    Args:
        module: changed in place.
        name: a parameter.
        dim: each slice along it has a length of its own; None or -1 for one length of all.

    Returns:
        The module, with ``g`` as ``original0`` and ``v`` as ``original1``. It loads a
        ``state_dict`` of the older :func:`tallow.nn.utils.weight_norm` as well.

    Raises:
        ValueError: no such tensor.
        IndexError: no such dimension.

    Source: Salimans and Kingma, Weight normalization, arXiv:1602.07868.

    Example:
        >>> layer = weight_norm(tallow.nn.Linear(20, 40))
        >>> [(key, list(value.shape)) for key, value in layer.state_dict().items()][1:]
        [('parametrizations.weight.original0', [40, 1]),
         ('parametrizations.weight.original1', [40, 20])]
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state_dict: dict[str, Any], prefix: str, *rest: Any) -> None:
        old = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    _u: Tensor
    _v: Tensor

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(
                "Dimension out of range (expected to be in range of "
                f"[-{weight.ndim}, {weight.ndim - 1}] but got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.dim = dim if dim >= 0 else dim + weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight, self.dim).detach()
            u, v = (matrix.new_empty(size).normal_(0, 1) for size in matrix.shape)
            self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
            self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
            power_iterations(matrix, self._u, self._v, 15, eps)

    def forward(self, weight: Tensor) -> Tensor:
        """Divide the weight by its largest singular value."""
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            power_iterations(matrix, self._u, self._v, self.n_power_iterations, self.eps)
        # The vectors change in place with the next call; this call's graph keeps copies.
        u, v = self._u.clone(), self._v.clone()
        return weight / tallow.vdot(u, tallow.mv(matrix, v))

    def right_inverse(self, value: Tensor) -> Tensor:
        """Take any value as it is: what has norm one stays so."""
        return value


def spectral_norm(
    module: _M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> _M:
    """Divide a weight by its largest singular value, estimated by power iterations.

    In training mode every use of the weight iterates on. A vector is divided by its length.

    Args:
        module: changed in place.
        name: a parameter; seen as a matrix of dimension ``dim`` by all the others.
        n_power_iterations: iterations per use, >= 1.
        eps: lower bound of the norms that vectors are divided by.
        dim: dimension of the outputs: 0, or 1 for transposed convolutions.

    Returns:
        The module; see :func:`~tallow.nn.utils.parametrize.register_parametrization`.

    Raises:
        ValueError: no such tensor, or no iterations.
        IndexError: no such dimension.

    Source: Miyato et al., Spectral normalization for GANs, arXiv:1802.05957, algorithm 1.

    Example:
        >>> layer = spectral_norm(tallow.nn.Linear(20, 40)).eval()
        >>> bool(tallow.linalg.matrix_norm(layer.weight, 2) < 1.1)
        True
    """
    weight = _tensor_of(module, name)
    if dim is None:
        dim = output_dim(module)
    made = _SpectralNorm(weight, n_power_iterations, dim, eps)
    return parametrize.register_parametrization(module, name, made)
