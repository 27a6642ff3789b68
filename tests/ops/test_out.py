"""What may be given as out=: memory apart from the arguments, and the right type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tallow

APART = "unsupported operation: some elements of the input tensor and the written-to tensor"
TWICE = "unsupported operation: more than one element of the written-to tensor"


def overlapping() -> list[tuple[str, Callable[[], Any], str]]:
    x = tallow.arange(6.0)
    grid = tallow.ones(4, 6)
    rows = tallow.tensor([0, 1])
    once = tallow.zeros(1).expand(3)
    empty = tallow.zeros(0, 6)
    return [
        ("cat", lambda: tallow.cat([grid], out=grid), APART),
        ("cat", lambda: tallow.cat([grid, grid], out=grid[:2]), APART),
        ("cat", lambda: tallow.cat([empty, grid], out=empty), APART),
        ("cat", lambda: tallow.cat([grid[:1]], out=tallow.zeros(1, 1).expand(1, 6)), TWICE),
        ("stack", lambda: tallow.stack([x], out=x), APART),
        ("gather", lambda: tallow.gather(rows, 0, rows, out=rows), APART),
        ("gather", lambda: tallow.gather(x, 0, tallow.tensor([0, 1, 2]), out=once), TWICE),
        ("index_select", lambda: tallow.index_select(x, 0, rows, out=x[1:3]), APART),
        ("index_select", lambda: tallow.index_select(x, 0, tallow.arange(3), out=once), TWICE),
        ("masked_select", lambda: tallow.masked_select(x, x > 2, out=x), APART),
        ("masked_select", lambda: tallow.masked_select(x, x > 2, out=once), TWICE),
        ("take", lambda: tallow.take(x, rows, out=x[:2]), APART),
    ]


@pytest.mark.parametrize("number", range(len(overlapping())))
def test_memory_of_out_is_apart_where_reading_and_writing_would_mix(number: int) -> None:
    _, call, text = overlapping()[number]
    with pytest.raises(RuntimeError, match=f"^{text}"):
        call()


def test_pieces_beside_one_another_may_be_read_and_written() -> None:
    x = tallow.arange(4.0).view(2, 2)
    tallow.cat([x[:1]], out=x[1:])
    assert x.tolist() == [[0, 1], [0, 1]]


def wrong_types() -> list[tuple[Callable[[Any], Any], Any, str]]:
    x = tallow.ones(2, 2)
    rows = tallow.tensor([0])
    double = tallow.float64
    exact = "Expected out tensor to have dtype float, but got double instead"
    return [
        (lambda o: tallow.gather(x, 0, tallow.zeros(1, 1).long(), out=o), double, exact),
        (lambda o: tallow.mm(x, x, out=o), double, exact),
        (lambda o: tallow.sort(x, out=(o, tallow.empty(0).long())), double, exact),
        (
            lambda o: tallow.argmax(x, 0, out=o),
            double,
            "Expected out tensor to have dtype long int, but got double instead",
        ),
        (
            lambda o: tallow.amax(x, 0, out=o),
            tallow.int32,
            "Expected the dtype for input and out to match, but got Float for input's dtype and "
            "Int for out's dtype.",
        ),
        (
            lambda o: tallow.index_select(x, 0, rows, out=o),
            double,
            "index_select(): self and result must have the same scalar type",
        ),
        (
            lambda o: tallow.masked_select(x, x > 0, out=o),
            double,
            "masked_select(): self and result must have the same scalar type",
        ),
        (
            lambda o: tallow.take(x, rows, out=o),
            double,
            "take(): self and out expected to have the same dtype, but got self.dtype = Float",
        ),
        (
            lambda o: tallow.multinomial(x, 1, out=o),
            double,
            "multinomial expects Long tensor out, got: Double",
        ),
        (
            lambda o: tallow.add(x, x, out=o),
            tallow.int64,
            "result type Float can't be cast to the desired output type Long",
        ),
        (
            lambda o: tallow.arange(3, out=o, dtype=tallow.float64),
            tallow.float32,
            "dtype Double does not match dtype of out parameter (Float)",
        ),
    ]


@pytest.mark.parametrize("number", range(len(wrong_types())))
def test_a_wrong_type_of_out_is_refused_and_left_alone(number: int) -> None:
    call, dtype, text = wrong_types()[number]
    out = tallow.full((3,), 7).to(dtype)
    with pytest.raises(RuntimeError) as caught:
        call(out)
    assert str(caught.value).startswith(text)
    assert out.tolist() == [7, 7, 7]


@pytest.mark.parametrize("name", ["rand", "randn"])
def test_a_draw_has_the_digits_of_its_destination(name: str) -> None:
    tallow.manual_seed(1)
    expected = getattr(tallow, name)(5, dtype=tallow.float64)
    tallow.manual_seed(1)
    out = tallow.empty(0, dtype=tallow.float64)
    assert tallow.equal(getattr(tallow, name)(5, out=out), expected)


def test_factories_take_the_type_of_out_over() -> None:
    def of(dtype: Any) -> Any:
        return tallow.empty(0, dtype=dtype)

    assert tallow.arange(0, 5, 1.5, out=of(tallow.int64)).tolist() == [0, 1, 2, 3, 4]
    assert tallow.full((2,), 1.5, out=of(tallow.int64)).tolist() == [1, 1]
    assert tallow.zeros(2, out=of(tallow.bool)).tolist() == [False, False]
    assert tallow.eye(2, out=of(tallow.int64)).tolist() == [[1, 0], [0, 1]]
    assert tallow.linspace(0, 5, 4, out=of(tallow.int64)).tolist() == [0, 1, 3, 5]
    third = tallow.logspace(0, 1, 3, out=of(tallow.float64))[1].item()
    assert third == pytest.approx(10**0.5, rel=1e-15)
    with pytest.raises(ValueError, match="^step must be nonzero"):
        tallow.arange(0, 64, 0.5, out=of(tallow.int64))
