"""Building blocks of neural networks: modules, their functional forms, and initialisation."""

from __future__ import annotations

from tallow._absent import name_absent_ones
from tallow.nn import common_types, functional, grad, init, modules, parallel, parameter, utils
from tallow.nn.modules import *  # noqa: F403
from tallow.nn.parallel import DataParallel
from tallow.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    "Buffer",
    "DataParallel",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "common_types",
    "functional",
    "grad",
    "init",
    "modules",
    "parallel",
    "parameter",
    "utils",
    *modules.__all__,
]

name_absent_ones(__name__)
