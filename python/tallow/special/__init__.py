"""Special functions: the ones the core has, under the names mathematicians use."""

from __future__ import annotations

from typing import Any

import tallow

# Name here -> name in the package.
_NAMES = {
    "digamma": "digamma",
    "entr": "entr",
    "erf": "erf",
    "erfc": "erfc",
    "erfinv": "erfinv",
    "exp2": "exp2",
    "expit": "sigmoid",
    "expm1": "expm1",
    "gammaln": "lgamma",
    "i0": "i0",
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

__all__ = sorted(name for name, source in _NAMES.items() if hasattr(tallow, source))


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(tallow, _NAMES[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
