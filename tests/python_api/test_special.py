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


# Digits from power series in 80 decimal digits; PyTorch's own are good to 1e-6 in places.
@pytest.mark.parametrize(
    ("name", "x", "value"),
    [
        ("airy_ai", -9.0, -0.022133721547341403),
        ("airy_ai", -2.349, -0.007637647708614008),
        ("airy_ai", 0.5, 0.23169360648083348),
        ("airy_ai", 2.49, 0.01599040626721469),
        ("airy_ai", 2.51, 0.015465372012725553),
        ("airy_ai", 9.0, 2.47116843087249e-09),
        ("airy_ai", -12.0, -0.06655517505437313),
        ("bessel_y0", 0.001, -4.471416611375923),
        ("bessel_y0", 1.99, 0.5092771201920098),
        ("bessel_y0", 2.01, 0.5114178360472612),
        ("bessel_y0", 24.0, -0.15283402879758778),
        ("bessel_y0", 26.0, 0.012044625860755602),
        ("bessel_y1", 0.001, -636.6221672311394),
        ("bessel_y1", 1.99, -0.1126814084217741),
        ("bessel_y1", 5.0, 0.14786314339122683),
        ("bessel_y1", 40.0, -0.005793505821549633),
        ("modified_bessel_k0", 1.0, 0.42102443824070834),
        ("modified_bessel_k1", 1.0, 0.6019072301972346),
        ("scaled_modified_bessel_k0", 1000.0, 0.03962832160075424),
        ("scaled_modified_bessel_k1", 1000.0, 0.03964813081296021),
        ("spherical_bessel_j0", 1.0, 0.8414709848078965),
    ],
)
def test_functions_of_the_second_kind(name, x, value):
    function = getattr(tallow.special, name)
    double = tallow.tensor(x, dtype=tallow.float64)
    assert function(double).item() == pytest.approx(value, rel=2e-13)
    single = double.float()
    assert function(single).equal(function(single.double()).float())


@pytest.mark.parametrize(
    ("name", "at_zero", "at_infinity"),
    [
        ("airy_ai", 0.3550280538878172, math.nan),
        ("bessel_y0", -math.inf, math.nan),
        ("bessel_y1", -math.inf, math.nan),
        ("modified_bessel_k0", math.inf, 0.0),
        ("modified_bessel_k1", math.inf, 0.0),
        ("scaled_modified_bessel_k0", math.inf, 0.0),
        ("scaled_modified_bessel_k1", math.inf, 0.0),
        ("spherical_bessel_j0", 1.0, 0.0),
    ],
)
def test_functions_of_the_second_kind_at_the_edges(name, at_zero, at_infinity):
    x = tallow.tensor([0.0, math.inf, math.nan], dtype=tallow.float64)
    got = getattr(tallow.special, name)(x).tolist()
    assert got == pytest.approx([at_zero, at_infinity, math.nan], nan_ok=True)
    if "_k" in name or "_y" in name:
        assert getattr(tallow.special, name)(tallow.tensor(-1.0)).isnan()


@pytest.mark.parametrize(
    ("name", "coefficients"),  # of degree 3, from the constant up
    [
        ("chebyshev_polynomial_t", [0, -3, 0, 4]),
        ("chebyshev_polynomial_u", [0, -4, 0, 8]),
        ("chebyshev_polynomial_v", [1, -4, -4, 8]),
        ("chebyshev_polynomial_w", [-1, -4, 4, 8]),
        ("shifted_chebyshev_polynomial_t", [-1, 18, -48, 32]),
        ("shifted_chebyshev_polynomial_u", [-4, 40, -96, 64]),
        ("shifted_chebyshev_polynomial_v", [-7, 56, -112, 64]),
        ("shifted_chebyshev_polynomial_w", [-1, 24, -80, 64]),
        ("hermite_polynomial_h", [0, -12, 0, 8]),
        ("hermite_polynomial_he", [0, -3, 0, 1]),
        ("laguerre_polynomial_l", [1, -3, 1.5, -1 / 6]),
        ("legendre_polynomial_p", [0, -1.5, 0, 2.5]),
    ],
)
def test_polynomials_by_their_coefficients(name, coefficients):
    function = getattr(tallow.special, name)
    x = tallow.tensor([-1.5, -1.0, -0.3, 0.0, 0.7, 1.0, 4.0], dtype=tallow.float64)
    expected = sum(c * x**power for power, c in enumerate(coefficients))
    assert tallow.allclose(function(x, 3), expected)
    mixed = function(x[:4], tallow.tensor([-1, 0, 3, 1]))
    assert mixed[:2].tolist() == [0, 1]
    assert tallow.isclose(mixed[2], expected[2])
    assert function(2.0, tallow.tensor([3.7])).item() == function(tallow.tensor(2.0), 3).item()
    assert function(tallow.ones(0), 3).shape == (0,)


def test_polynomials_of_huge_degree_are_refused():
    with pytest.raises(RuntimeError, match="expected degrees of at most 10000, given"):
        tallow.special.legendre_polynomial_p(tallow.ones(2), 2**62)
    with pytest.raises(TypeError, match="expected at least one Tensor"):
        tallow.special.legendre_polynomial_p(1.0, 2)
    with pytest.raises(NotImplementedError, match="not implemented for 'ComplexFloat'"):
        tallow.special.legendre_polynomial_p(tallow.ones(2, dtype=tallow.complex64), 2)


@pytest.mark.parametrize("name", ["erfinv", "lgamma", "digamma"])
def test_special_functions_write_into_out(name: str) -> None:
    x = tallow.tensor([0.25, 0.5])
    out = tallow.empty(0, dtype=tallow.float64)
    function = getattr(tallow, name)
    assert function(x, out=out) is out
    assert out.equal(function(x).double())
    assert tallow.polygamma(1, x, out=out).equal(tallow.polygamma(1, x).double())
