"""Wrong arguments give an exception that says so; the process never dies and never hangs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import tallow


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the search forks")
def test_random_calls_of_every_operator_return_or_raise() -> None:
    script = Path(__file__).parent / "bad_input_calls.py"
    command = [sys.executable, "-W", "ignore", str(script), "1", "12"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]


@pytest.mark.parametrize("name", ["add", "add_", "sum", "relu_", "reshape"])
def test_a_method_taken_from_the_class_needs_a_tensor(name: str) -> None:
    method = getattr(tallow.Tensor, name)
    with pytest.raises(TypeError, match=f"descriptor '{name}' for .* doesn't apply to a 'int'"):
        method(5, tallow.ones(2))
    with pytest.raises(TypeError, match=f"unbound method .*{name}.* needs an argument"):
        method()


def test_inplace_function_needs_a_tensor() -> None:
    with pytest.raises(TypeError, match=r"xlogy_\(\): argument 'input' must be Tensor, not int"):
        tallow.xlogy_(2, tallow.ones(2))


@pytest.mark.parametrize("name", ["add_", "mul_", "eq_", "scatter_", "masked_fill_", "sign_"])
def test_binary_inplace_operations_are_methods_only(name: str) -> None:
    assert not hasattr(tallow, name)
    assert hasattr(tallow.Tensor, name)


def test_index_put_needs_an_index() -> None:
    x = tallow.zeros(3)
    with pytest.raises(IndexError, match="at least one index must be provided"):
        x.index_put_([], tallow.tensor(1.0))
    assert x.tolist() == [0, 0, 0]


def test_a_list_of_tensors_holds_tensors() -> None:
    with pytest.raises(TypeError, match="expected Tensor as element 1 in argument 0, but got None"):
        tallow.cat([tallow.ones(2), None])
    with pytest.raises(TypeError, match="expected Tensor as element 0"):
        tallow._fused_sgd_(
            [None], [None], [], lr=0.1, weight_decay=0.0, momentum=0.0, dampening=0.0,
            nesterov=False, maximize=False, is_first_step=False,
        )  # fmt: skip


class TestTriangleIndices:
    """The number of positions is computed, not counted, so huge rows of nothing cost nothing."""

    def test_rows_past_the_triangle_are_skipped(self) -> None:
        assert tallow.triu_indices(2**63 - 1, 2).tolist() == [[0, 0, 1], [0, 1, 1]]
        assert tallow.triu_indices(3, 2**40, 2**40 - 1).tolist() == [[0], [2**40 - 1]]
        assert tallow.tril_indices(2**40, 2, -(2**40)).shape == (2, 0)
        assert tallow.tril_indices(5, 3, -(2**63)).shape == (2, 0)
        assert tallow.tril_indices(2**62, 0).shape == (2, 0)

    def test_too_many_positions_are_refused(self) -> None:
        with pytest.raises(RuntimeError, match="Storage size calculation overflowed"):
            tallow.tril_indices(2**62, 2)
        with pytest.raises(RuntimeError, match="Storage size calculation overflowed"):
            tallow.tril_indices(2**63 - 1, 2**63 - 1, 2**63 - 1)

    @pytest.mark.parametrize("offset", range(-7, 8))
    @pytest.mark.parametrize(("row", "col"), [(0, 3), (3, 0), (1, 1), (5, 3), (3, 5), (4, 4)])
    def test_positions_are_those_of_the_triangle(self, row: int, col: int, offset: int) -> None:
        lower = [(r, c) for r in range(row) for c in range(col) if c - r <= offset]
        upper = [(r, c) for r in range(row) for c in range(col) if c - r >= offset]
        assert list(zip(*tallow.tril_indices(row, col, offset).tolist(), strict=True)) == lower
        assert list(zip(*tallow.triu_indices(row, col, offset).tolist(), strict=True)) == upper


def test_chunk_into_more_pieces_than_elements() -> None:
    assert [part.tolist() for part in tallow.ones(3).chunk(2**62)] == [[1], [1], [1]]
