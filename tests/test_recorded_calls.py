"""Every call in the tables of benchmarks/, on small inputs, gives what PyTorch gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import ModuleType

import pytest

import tallow
from recorded_calls import Digest, calls, describe, recorded

CALLS = dict(calls())
EXPECTED = recorded()
TOLERANCES = {"float32": 2e-5, "complex64": 2e-5, "bfloat16": 1e-2, "float16": 2e-3}
# Gradients of eigenvectors of a matrix whose eigenvalues are close.
LOOSE = dict.fromkeys(("linalg.eigh-definite-step", "linalg.svd-square-step"), 1e-3)


def near(ours: Digest, theirs: Digest, tolerance: float) -> bool:
    """Are the sums equal, measured against the sum of magnitudes?"""
    if len(ours) != len(theirs) or len(ours) < 3 or ours[:2] != theirs[:2]:
        return ours == theirs
    bound = tolerance * max(theirs[3], 1e-6)
    return all(abs(a - b) <= bound for a, b in zip(ours[2:4], theirs[2:4], strict=True)) and (
        ours[4:] == theirs[4:]
    )


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    """As the records were made: one of the calls asks."""
    before = tallow.get_num_threads()
    tallow.set_num_threads(1)
    yield
    tallow.set_num_threads(before)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_call_gives_what_pytorch_gives(name: str) -> None:
    ours, theirs = describe(tallow, CALLS[name]), EXPECTED[name]
    assert len(ours) == len(theirs), (ours, theirs)
    for one, other in zip(ours, theirs, strict=True):
        tolerance = LOOSE.get(name, TOLERANCES.get(str(other[0]), 1e-6))
        assert near(one, other, tolerance), (one, other)


def test_the_records_are_what_pytorch_says(torch: ModuleType) -> None:
    drawn = list(EXPECTED)[::40]
    for name in drawn:
        now = json.loads(json.dumps(describe(torch, CALLS[name])))
        assert all(near(a, b, 1e-5) for a, b in zip(now, EXPECTED[name], strict=True)), name
