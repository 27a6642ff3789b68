"""segment_reduce: consecutive pieces of different lengths."""

from __future__ import annotations

import math
from typing import Any

import pytest

import tallow

INFINITY = math.inf
REDUCTIONS = {
    "sum": ([3.0, 0.0, 18.0], [13.0, 10.0, 28.0]),
    "mean": ([1.5, math.nan, 4.5], [6.5, 10.0, 7.0]),
    "prod": ([2.0, 1.0, 360.0], [20.0, 10.0, 3600.0]),
    "max": ([2.0, -INFINITY, 6.0], [10.0, 10.0, 10.0]),
    "min": ([1.0, INFINITY, 3.0], [1.0, 10.0, 3.0]),
}


def data() -> tallow.Tensor:
    return tallow.arange(1.0, 7.0)


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64, tallow.bfloat16])
def test_values_of_lengths_and_of_offsets(reduce: str, dtype: tallow.dtype) -> None:
    expected = tallow.tensor(REDUCTIONS[reduce][0]).to(dtype)
    x = data().to(dtype)
    for given in (
        {"lengths": tallow.tensor([2, 0, 4])},
        {"lengths": tallow.tensor([2, 0, 4], dtype=tallow.int32)},
        {"offsets": tallow.tensor([0, 2, 2, 6])},
    ):
        found = tallow.segment_reduce(x, reduce, **given)
        assert found.dtype == dtype
        assert tallow.allclose(found, expected, equal_nan=True)


@pytest.mark.parametrize("reduce", REDUCTIONS)
def test_an_initial_value_takes_part_in_every_segment(reduce: str) -> None:
    lengths = tallow.tensor([2, 0, 4])
    found = tallow.segment_reduce(data(), reduce, lengths=lengths, initial=10.0)
    assert found.tolist() == pytest.approx(REDUCTIONS[reduce][1])


def test_each_row_may_have_segments_of_its_own() -> None:
    x = tallow.arange(24.0).reshape(2, 6, 2)
    lengths = tallow.tensor([[1, 5], [3, 3]])
    found = tallow.segment_reduce(x, "sum", lengths=lengths, axis=1)
    expected = [[x[0, :1].sum(0), x[0, 1:].sum(0)], [x[1, :3].sum(0), x[1, 3:].sum(0)]]
    assert tallow.equal(found, tallow.stack([tallow.stack(row) for row in expected]))


def test_offsets_may_leave_elements_out_at_both_ends() -> None:
    offsets = tallow.tensor([1, 3, 4])
    assert tallow.segment_reduce(data(), "sum", offsets=offsets).tolist() == [5.0, 4.0]


def test_unsafe_lengths_may_leave_elements_out() -> None:
    lengths = tallow.tensor([2, 3])
    found = tallow.segment_reduce(data(), "sum", lengths=lengths, unsafe=True)
    assert found.tolist() == [3.0, 12.0]


@pytest.mark.parametrize("shape", [(0,), (0, 3), (4, 0)])
def test_no_elements(shape: tuple[int, ...]) -> None:
    lengths = tallow.tensor([shape[0], 0])
    found = tallow.segment_reduce(tallow.zeros(shape), "sum", lengths=lengths)
    assert tallow.equal(found, tallow.zeros(2, *shape[1:]))


def test_not_a_number_is_the_extremum() -> None:
    x = tallow.tensor([1.0, math.nan, 2.0, 3.0])
    found = tallow.segment_reduce(x, "max", lengths=tallow.tensor([3, 1]))
    assert math.isnan(found[0])
    assert found[1] == 3


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("initial", [None, 0.5])
def test_gradients(reduce: str, initial: float | None) -> None:
    tallow.manual_seed(0)
    x = tallow.rand(2, 5, 3, dtype=tallow.float64, requires_grad=True)
    lengths = tallow.tensor([[2, 3], [1, 4]])

    def run(x: tallow.Tensor) -> Any:
        return tallow.segment_reduce(x, reduce, lengths=lengths, axis=1, initial=initial)

    assert tallow.autograd.gradcheck(run, (x,))


@pytest.mark.parametrize(
    ("error", "text", "given"),
    [
        (RuntimeError, "Either lengths or offsets must be defined", {}),
        (RuntimeError, "indices based reduction", {"indices": tallow.tensor([0])}),
        (RuntimeError, "negative value", {"lengths": tallow.tensor([-2, 8])}),
        (RuntimeError, "sum to data.size", {"lengths": tallow.tensor([2, 3])}),
        (RuntimeError, "sum to data.size", {"lengths": tallow.tensor([9]), "unsafe": True}),
        (RuntimeError, "last dimension of lengths", {"lengths": tallow.tensor([6]), "axis": 1}),
        (RuntimeError, "last dimension of lengths", {"lengths": tallow.tensor(6)}),
        (RuntimeError, r"in \[0, 6\], got \[0, 7\]", {"offsets": tallow.tensor([0, 7])}),
        (RuntimeError, "do not decrease", {"offsets": tallow.tensor([0, 4, 2])}),
        (NotImplementedError, "lengths_cpu_kernel1.*'Float'", {"lengths": tallow.tensor([6.0])}),
    ],
)
def test_segments_that_do_not_fit_are_refused(
    error: type[Exception], text: str, given: dict[str, Any]
) -> None:
    with pytest.raises(error, match=text):
        tallow.segment_reduce(data(), "sum", **given)


def test_other_reductions_and_integers_are_refused() -> None:
    lengths = tallow.tensor([6])
    with pytest.raises(RuntimeError, match="got std"):
        tallow.segment_reduce(data(), "std", lengths=lengths)
    with pytest.raises(NotImplementedError, match="'Long'"):
        tallow.segment_reduce(data().long(), "sum", lengths=lengths)
