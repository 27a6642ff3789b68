"""The named tuples that functions with several results return.

Native operators bring theirs along; those of functions written in Python are here. All print as
PyTorch's do.

Example:
    >>> tallow.return_types.max is type(tallow.ones(2, 3).max(1))
    True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from tallow import _C
from tallow._absent import AbsentName

if TYPE_CHECKING:
    from tallow import Tensor

    _Tuple = TypeVar("_Tuple", bound=type[Any])


def _shown(cls: _Tuple) -> _Tuple:
    """Let the tuple print as those of native operators do."""

    def show(self: Any) -> str:
        fields = ",\n".join(f"{name}={value!r}" for name, value in self._asdict().items())
        return f"{_C._get_namespace()}.return_types.{cls.__name__}(\n{fields})"

    cls.__repr__ = show  # type: ignore[assignment]
    return cls


@_shown
class frexp(NamedTuple):
    """Result of :func:`tallow.frexp`."""

    mantissa: Tensor
    exponent: Tensor


@_shown
class geqrf(NamedTuple):
    """Result of :func:`tallow.geqrf`."""

    a: Tensor
    tau: Tensor


@_shown
class histogram(NamedTuple):
    """Result of :func:`tallow.histogram`."""

    hist: Tensor
    bin_edges: Tensor


@_shown
class histogramdd(NamedTuple):
    """Result of :func:`tallow.histogramdd`."""

    hist: Tensor
    bin_edges: tuple[Tensor, ...]


@_shown
class linalg_cholesky_ex(NamedTuple):
    """Result of :func:`tallow.linalg.cholesky_ex`."""

    L: Tensor
    info: Tensor


@_shown
class linalg_eig(NamedTuple):
    """Result of :func:`tallow.linalg.eig`."""

    eigenvalues: Tensor
    eigenvectors: Tensor


@_shown
class linalg_eigh(NamedTuple):
    """Result of :func:`tallow.linalg.eigh`."""

    eigenvalues: Tensor
    eigenvectors: Tensor


@_shown
class linalg_lu_factor_ex(NamedTuple):
    """Result of :func:`tallow.linalg.lu_factor_ex`."""

    LU: Tensor
    pivots: Tensor
    info: Tensor


@_shown
class linalg_ldl_factor(NamedTuple):
    """Result of :func:`tallow.linalg.ldl_factor`."""

    LD: Tensor
    pivots: Tensor


@_shown
class linalg_ldl_factor_ex(NamedTuple):
    """Result of :func:`tallow.linalg.ldl_factor_ex`."""

    LD: Tensor
    pivots: Tensor
    info: Tensor


@_shown
class linalg_solve_ex(NamedTuple):
    """Result of :func:`tallow.linalg.solve_ex`."""

    result: Tensor
    info: Tensor


@_shown
class linalg_inv_ex(NamedTuple):
    """Result of :func:`tallow.linalg.inv_ex`."""

    inverse: Tensor
    info: Tensor


@_shown
class linalg_lstsq(NamedTuple):
    """Result of :func:`tallow.linalg.lstsq`."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


@_shown
class linalg_lu(NamedTuple):
    """Result of :func:`tallow.linalg.lu`."""

    P: Tensor
    L: Tensor
    U: Tensor


@_shown
class linalg_lu_factor(NamedTuple):
    """Result of :func:`tallow.linalg.lu_factor`."""

    LU: Tensor
    pivots: Tensor


@_shown
class linalg_qr(NamedTuple):
    """Result of :func:`tallow.linalg.qr`."""

    Q: Tensor
    R: Tensor


@_shown
class linalg_slogdet(NamedTuple):
    """Result of :func:`tallow.linalg.slogdet`."""

    sign: Tensor
    logabsdet: Tensor


@_shown
class linalg_svd(NamedTuple):
    """Result of :func:`tallow.linalg.svd`."""

    U: Tensor
    S: Tensor
    Vh: Tensor


@_shown
class lu_unpack(NamedTuple):
    """Result of :func:`tallow.lu_unpack`."""

    P: Tensor
    L: Tensor
    U: Tensor


@_shown
class svd(NamedTuple):
    """Result of :func:`tallow.svd`."""

    U: Tensor
    S: Tensor
    V: Tensor


@_shown
class triangular_solve(NamedTuple):
    """Result of :func:`tallow.triangular_solve`."""

    solution: Tensor
    cloned_coefficient: Tensor


def __getattr__(name: str) -> Any:
    native = _C._return_types().get(name)
    if native is None:
        raise AbsentName(__name__, name, __dir__)
    return native


def __dir__() -> list[str]:
    return sorted([*globals(), *_C._return_types()])
