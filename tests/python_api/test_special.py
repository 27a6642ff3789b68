"""Special functions that are composed in Python: values, edges, derivatives."""

from __future__ import annotations

import math

import pytest

import tallow
from tallow.autograd import gradcheck, gradgradcheck

POSITIVE = [0.01, 0.3, 0.75, 1.0, 1.5, 2.0, 3.3, 9.9, 10.0, 171.3, 1e4]


def test_lgamma_is_the_one_of_the_c_library():
    values = [*POSITIVE, -0.5, -1.2, -7.7, 1e-20, 1e300]
    got = tallow.lgamma(tallow.tensor(values, dtype=tallow.float64)).tolist()
    assert got == pytest.approx([math.lgamma(value) for value in values], rel=2e-14, abs=1e-14)


def test_lgamma_at_zeros_poles_and_infinity():
    x = tallow.tensor([1.0, 2.0, 0.0, -3.0, math.inf, -math.inf, math.nan])
    got = tallow.lgamma(x)
    assert got[:2].tolist() == [0, 0]
    assert tallow.isposinf(got[2:6]).all()
    assert tallow.isnan(got[6])


# Euler's and Catalan's constants, pi and zeta(3) give these in closed form (DLMF 5.4, 5.15).
@pytest.mark.parametrize(
    ("n", "x", "value"),
    [
        (0, 1.0, -0.5772156649015329),
        (0, 0.5, -1.9635100260214235),
        (0, -0.5, 0.03648997397857652),
        (1, 1.0, math.pi**2 / 6),
        (1, 0.5, math.pi**2 / 2),
        (2, 1.0, -2.404113806319188),
        (3, 1.0, math.pi**4 / 15),
    ],
)
def test_polygamma_in_closed_form(n, x, value):
    assert tallow.polygamma(n, tallow.tensor(x, dtype=tallow.float64)).item() == pytest.approx(
        value, rel=1e-14, abs=1e-15
    )


def test_digamma_at_its_poles():
    got = tallow.digamma(tallow.tensor([0.0, -0.0, -1.0]))
    assert got[:2].tolist() == [-math.inf, math.inf]
    assert tallow.isnan(got[2])


def test_erfinv_undoes_erf():
    y = tallow.tensor([0.0, 1e-300, 1e-9, 0.1, 0.476, 0.5, 1.0, 2.0, 3.0], dtype=tallow.float64)
    y = tallow.cat([-y, y])
    tallow.testing.assert_close(tallow.erfinv(tallow.erf(y)), y, rtol=1e-11, atol=0)


def test_erfinv_at_and_beyond_the_ends():
    got = tallow.erfinv(tallow.tensor([1.0, -1.0, 1.5, math.nan]))
    assert got[:2].tolist() == [math.inf, -math.inf]
    assert tallow.isnan(got[2:]).all()


def test_derivatives():
    x = tallow.tensor([0.3, 1.0, 2.5, 12.0], dtype=tallow.float64, requires_grad=True)
    unit = tallow.tensor([-0.9, 0.0, 0.4, 0.7], dtype=tallow.float64, requires_grad=True)
    for function, point in [
        (tallow.lgamma, x),
        (tallow.digamma, x),
        (lambda x: tallow.mvlgamma(x + 1, 3), x),
        (tallow.erfinv, unit),
    ]:
        assert gradcheck(function, (point,))
        assert gradgradcheck(function, (point,))


@pytest.mark.parametrize("name", ["lgamma", "digamma", "erfinv"])
def test_types_and_empty_inputs(name):
    function = getattr(tallow, name)
    assert function(tallow.ones(2, 0, dtype=tallow.int64)).dtype == tallow.float32
    assert function(tallow.ones((), dtype=tallow.bfloat16)).dtype == tallow.bfloat16
    with pytest.raises(NotImplementedError, match=f'"{name}" not implemented for'):
        function(tallow.ones(1, dtype=tallow.complex64))


def test_orders_out_of_range_are_refused():
    with pytest.raises(RuntimeError, match=r"^polygamma\(n, x\) does not support negative n"):
        tallow.polygamma(-1, tallow.ones(1))
    with pytest.raises(RuntimeError, match="^mvlgamma: p has to be greater than or equal to 1"):
        tallow.mvlgamma(tallow.ones(1), 0)
