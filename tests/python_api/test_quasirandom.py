"""Sobol points are PyTorch's: the numbers below are those of 2.13."""

from __future__ import annotations

import pytest

import tallow
from tallow.quasirandom import SobolEngine

pytest.importorskip("scipy", reason="SciPy, which has the direction numbers, is not installed")


def test_points_of_the_sequence():
    drawn = [[0, 0, 0], [0.5, 0.5, 0.5], [0.75, 0.25, 0.25], [0.25, 0.75, 0.75]]
    assert SobolEngine(3).draw(4).tolist() == drawn
    assert SobolEngine(21201).draw(6)[5, -3:].tolist() == [0.875, 0.375, 0.125]


def test_points_come_one_by_one_or_together():
    engine = SobolEngine(5)
    parts = [engine.draw(n) for n in (1, 0, 1, 5, 9)]
    assert tallow.equal(tallow.cat(parts), SobolEngine(5).draw(16))
    assert engine.num_generated == 16
    assert tallow.equal(engine.reset().draw_base2(4), tallow.cat(parts))


@pytest.mark.parametrize("left_out", [0, 1, 2, 7, 8, 1000])
def test_fast_forward_leaves_points_out(left_out):
    engine = SobolEngine(3, scramble=True, seed=1)
    later = engine.draw(left_out + 3)[left_out:]
    assert tallow.equal(engine.reset().fast_forward(left_out).draw(3), later)


def test_scrambled_points_follow_the_seed():
    engine = SobolEngine(4, scramble=True, seed=11)
    assert engine.draw(2, dtype=tallow.float64).tolist() == [
        [0.7272080183029175, 0.11495503038167953, 0.7256116271018982, 0.32436323165893555],
        [0.16815890930593014, 0.557498593814671, 0.2883097557350993, 0.5875337980687618],
    ]
    engine.fast_forward(1000)
    assert engine.draw(1, dtype=tallow.float64).tolist() == [
        [0.3580738492310047, 0.4943553702905774, 0.10545575246214867, 0.8242576383054256]
    ]


def test_scrambling_without_a_seed_takes_numbers_of_the_default_generator():
    tallow.manual_seed(3)
    assert SobolEngine(2, True).draw(2, dtype=tallow.float64).tolist() == [
        [0.06846512854099274, 0.22452697157859802],
        [0.6214853525161743, 0.723084001801908],
    ]


def test_draw_writes_to_out():
    out = tallow.empty(0)
    assert SobolEngine(1).draw(3, out=out) is out
    assert out.tolist() == [[0.0], [0.5], [0.75]]


@pytest.mark.parametrize("dimension", [0, -1, 21202])
def test_a_dimension_out_of_range_raises(dimension):
    with pytest.raises(ValueError, match="Supported range of dimensionality for SobolEngine is"):
        SobolEngine(dimension)


def test_too_many_points_raise_and_nothing_moves():
    engine = SobolEngine(1)
    for call in (engine.draw, engine.fast_forward):
        with pytest.raises(ValueError, match="expected at most 1073741824 further points"):
            call(2**30 + 1)
    with pytest.raises(ValueError, match="The balance properties of Sobol' points require n"):
        SobolEngine(1).fast_forward(3).draw_base2(2)
    assert engine.draw().tolist() == [[0.0]]


def test_repr_is_the_call():
    assert repr(SobolEngine(2)) == "SobolEngine(dimension=2)"
    assert repr(SobolEngine(2, True, 3)) == "SobolEngine(dimension=2, scramble=True, seed=3)"
