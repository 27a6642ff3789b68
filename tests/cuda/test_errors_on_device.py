"""Errors that kernels find are raised by the next call that waits, and nothing else is lost."""

from __future__ import annotations

import pytest

import tallow
from tallow import cuda


def test_an_index_out_of_range_is_raised_at_the_next_wait() -> None:
    table = tallow.arange(12.0, device="cuda").view(4, 3)
    rows = table[tallow.tensor([1, 9], device="cuda")]
    with pytest.raises(IndexError, match="^index 9 is out of bounds for dimension 0 with size 4"):
        cuda.synchronize()
    assert rows.shape == (2, 3)
    cuda.synchronize()
    assert (table + 1).sum().item() == 78


def test_item_reports_it_too() -> None:
    x = tallow.arange(4.0, device="cuda")
    picked = x.index_select(0, tallow.tensor([5], device="cuda"))
    with pytest.raises((IndexError, RuntimeError), match=r"5"):
        picked.item()
    assert x.sum().item() == 6


def test_the_first_error_is_the_one_reported() -> None:
    x = tallow.arange(4.0, device="cuda")
    x[tallow.tensor([7], device="cuda")]
    x[tallow.tensor([8], device="cuda")]
    with pytest.raises(IndexError, match="index 7 "):
        cuda.synchronize()
    cuda.synchronize()
