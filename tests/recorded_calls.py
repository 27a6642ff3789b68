"""What the small calls of the benchmarks compute, in a few numbers.

PyTorch's are in goldens/calls.json, written by tools/record_calls.py. tests/test_recorded_calls.py
compares tallow with them, so that every name in the tables of benchmarks/ is tested where PyTorch
is absent.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
GOLDENS = ROOT / "tests" / "goldens" / "calls.json"
sys.path.insert(0, str(ROOT))

from benchmarks import ops, ops_tables, tiny  # noqa: E402

import recorded_table  # noqa: E402

ROWS = tiny.ROWS
# Of one tensor: type, shape, sum of the elements times weights, sum of their absolute values.
Digest = list[Any]


def calls() -> Iterator[tuple[str, Callable[[ModuleType], Callable[[], Any]]]]:
    """Names, and what makes the call from a library."""
    for words, variants, names in (*ops_tables.TIER_0, *ops_tables.TIER_1):
        for name in names.split():
            for variant in variants:
                yield ops.label(words, variant, name), ops.setup_of(words, variant, name, ROWS)
    for case in tiny.calls():
        yield case.name.removeprefix("tiny/calls/"), case.setup
    for line in recorded_table.CALLS.splitlines():
        if line and not line.startswith("--"):
            yield line, tiny.expression_setup(line)


def digests(value: Any) -> list[Digest]:
    """Those of all tensors in a result, and of its numbers."""
    if isinstance(value, list | tuple):
        return [digest for item in value for digest in digests(item)]
    if isinstance(value, bool | int | float):
        kind = next(kind for kind in (bool, int, float) if isinstance(value, kind))
        return [[kind.__name__, [], *folded(np.array(value, dtype=np.float64))]]
    if not hasattr(value, "untyped_storage"):
        return []
    dtype = str(value.dtype).rpartition(".")[2]
    value = value.detach().resolve_conj().contiguous()
    if value.is_complex():
        value = value.view(value.real.dtype)
    return [[dtype, list(value.shape), *folded(value.double().numpy())]]


def folded(array: Any) -> list[Any]:
    """Two numbers; elements that are not finite count as what they are."""
    flat = array.reshape(-1)
    finite = np.isfinite(flat)
    weights = np.cos(np.arange(flat.size) * 1.7) + 0.1
    kept = np.where(finite, flat, 0)
    odd = int((~finite).sum())
    sums = [float(kept @ weights), float(np.abs(kept).sum())]
    return [*(float(f"{number:.7g}") for number in sums), *([odd] if odd else [])]


def describe(library: ModuleType, setup: Callable[[ModuleType], Callable[[], Any]]) -> list[Digest]:
    """What the call gives, or the name of its error."""
    library.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return digests(setup(library)())
        except Exception as error:
            return [[type(error).__name__]]


def recorded() -> dict[str, list[Digest]]:
    """What PyTorch gives."""
    goldens: dict[str, list[Digest]] = json.loads(GOLDENS.read_text())
    return goldens
