"""Functions of functions: derivatives, Jacobians, maps over a dimension.

Everything is built from backward passes; see :func:`jvp` and :func:`vmap` for what that means.
"""

from __future__ import annotations

from typing import Any

from tallow.func._forward import hessian, jacfwd, jvp, linearize
from tallow.func._functionalize import functionalize
from tallow.func._models import (
    functional_call,
    replace_all_batch_norm_modules_,
    stack_module_state,
)
from tallow.func._reverse import grad, grad_and_value, jacrev, vjp
from tallow.func._vmap import vmap

__all__ = [
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "vjp",
    "vmap",
]


def __getattr__(name: str) -> Any:
    from tallow._absent import AbsentName

    raise AbsentName(__name__, name, lambda: __all__)
