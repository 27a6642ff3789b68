"""PyTorch's databases of test inputs: operators, modules, optimisers."""

from __future__ import annotations

import sys
import types
import unittest
import warnings
from typing import Any


def _stand_in_for_expecttest() -> None:
    """PyTorch's test package imports `expecttest`, of which the databases use nothing."""
    if "expecttest" not in sys.modules:
        module = types.ModuleType("expecttest")
        module.TestCase = unittest.TestCase  # type: ignore[attr-defined]
        sys.modules["expecttest"] = module


def op_db() -> list[Any]:
    """One OpInfo for each operator and variant."""
    _stand_in_for_expecttest()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db as entries
    return entries


def module_db() -> list[Any]:
    """One ModuleInfo for each layer."""
    _stand_in_for_expecttest()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_modules import module_db as entries
    return entries


def optim_db() -> list[Any]:
    """One OptimizerInfo for each optimiser."""
    _stand_in_for_expecttest()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_optimizers import optim_db as entries
    return entries


def entry_id(entry: Any) -> str:
    """'add' or 'div.floor_rounding'."""
    variant = entry.variant_test_name
    return f"{entry.name}.{variant}" if variant else entry.name
