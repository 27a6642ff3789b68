"""Special functions, under the names mathematicians use."""

from __future__ import annotations

import importlib
from typing import Any

import tallow
from tallow._absent import AbsentName

# Name here -> name in the package.
_NAMES = {
    "digamma": "digamma",
    "erf": "erf",
    "erfc": "erfc",
    "erfinv": "erfinv",
    "exp2": "exp2",
    "expit": "sigmoid",
    "expm1": "expm1",
    "gammaln": "lgamma",
    "log1p": "log1p",
    "log_softmax": "log_softmax",
    "logit": "logit",
    "logsumexp": "logsumexp",
    "multigammaln": "mvlgamma",
    "polygamma": "polygamma",
    "psi": "digamma",
    "round": "round",
    "sinc": "sinc",
    "softmax": "softmax",
    "xlogy": "xlogy",
}

# Module beside this one -> its functions, loaded when first used.
_HOMES = {
    "_bessel_second": (
        *("airy_ai", "bessel_y0", "bessel_y1", "modified_bessel_i0", "modified_bessel_i1"),
        *("modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0"),
        *("scaled_modified_bessel_k1", "spherical_bessel_j0"),
    ),
    "_polynomials": (
        *("chebyshev_polynomial_t", "chebyshev_polynomial_u", "chebyshev_polynomial_v"),
        *("chebyshev_polynomial_w", "hermite_polynomial_h", "hermite_polynomial_he"),
        *("laguerre_polynomial_l", "legendre_polynomial_p", "shifted_chebyshev_polynomial_t"),
        *("shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v"),
        "shifted_chebyshev_polynomial_w",
    ),
    "_bessel": ("bessel_j0", "bessel_j1", "i0", "i0e", "i1", "i1e"),
    "_gamma_parts": ("gammainc", "gammaincc", "zeta"),
    "_normal": ("entr", "erfcx", "log_ndtr", "ndtr", "ndtri", "xlog1py"),
}

__all__ = sorted([*_NAMES, *(name for names in _HOMES.values() for name in names)])


def __getattr__(name: str) -> Any:
    # Asked once for each name: from then on it is an attribute like others.
    if name in _NAMES:
        return globals().setdefault(name, getattr(tallow, _NAMES[name]))
    for home, names in _HOMES.items():
        if name in names:
            module = importlib.import_module(f"tallow.special.{home}")
            return globals().setdefault(name, getattr(module, name))
    raise AbsentName(__name__, name, lambda: __all__)
