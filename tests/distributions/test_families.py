"""Every family gives PyTorch's numbers: golden ones, written by tests/distribution_cases.py."""

from __future__ import annotations

import json
import math

import pytest

import tallow
from distribution_cases import CASES, GOLDENS, describe

EXPECTED = json.loads(GOLDENS.read_text())

# PyTorch's gradient of these samples is a rational approximation, good to about 1e-3.
LOOSE_GRADIENTS = {"beta", "dirichlet", "gamma", "t", "chi-squared", "inverse gamma", "f"} | {
    "wishart",
    "wishart precision",
}


# PyTorch's log_prob and cdf take float32 only; test_distribution.py compares that.
REFUSED_THERE = {"generalised pareto", "heavy tail"}


def near(ours, theirs, tolerance):
    if isinstance(theirs, list):
        assert isinstance(ours, list), (ours, theirs)
        assert len(ours) == len(theirs)
        return all(near(a, b, tolerance) for a, b in zip(ours, theirs, strict=True))
    if isinstance(theirs, float) and isinstance(ours, float):
        if math.isnan(theirs) or math.isinf(theirs):
            return repr(ours) == repr(theirs)
        return math.isclose(ours, theirs, rel_tol=tolerance, abs_tol=tolerance)
    return ours == theirs


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore")
def test_a_family_answers_as_pytorch(name):
    answers = describe(tallow, name)
    for question, theirs in EXPECTED[name].items():
        if theirs == "RuntimeError" and name in REFUSED_THERE:
            continue
        tolerance = 3e-3 if question == "rsample" and name in LOOSE_GRADIENTS else 1e-9
        assert near(answers[question], theirs, tolerance), (
            question,
            answers[question],
            theirs,
        )


@pytest.mark.parametrize("name", CASES)
@pytest.mark.filterwarnings("ignore")
def test_goldens_are_what_pytorch_says(torch, name):
    current = json.loads(json.dumps(describe(torch, name)))
    assert all(near(current[key], value, 1e-12) for key, value in EXPECTED[name].items())
