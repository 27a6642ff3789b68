"""Values of the special functions in every interval of their kernels, and their edges."""

from __future__ import annotations

import math

import pytest

import tallow
from tallow import special

# Function, argument, value. Source: mpmath 1.3 with 340 digits.
VALUES = [
    ("bessel_j0", 0.0, 1.0),
    ("bessel_j0", 0.7, 0.8812008886074053),
    ("bessel_j0", -3.0, -0.26005195490193344),
    ("bessel_j0", 7.9, 0.19436184484127824),
    ("bessel_j0", 8.1, 0.14751745404437767),
    ("bessel_j0", 50.0, 0.055812327669251815),
    ("bessel_j0", 1000.5, 0.019486559987130137),
    ("bessel_j1", 0.0, 0.0),
    ("bessel_j1", 0.7, 0.32899574154005893),
    ("bessel_j1", -3.0, -0.33905895852593646),
    ("bessel_j1", 7.9, 0.2191793999217512),
    ("bessel_j1", 8.1, 0.24760776698159288),
    ("bessel_j1", 50.0, -0.097511828125175138),
    ("bessel_j1", 1000.5, 0.016027715373203338),
    ("i0", 0.0, 1.0),
    ("i0", 0.5, 1.0634833707413235),
    ("i0", -2.5, 3.289839144050123),
    ("i0", 7.99, 423.58420367467369),
    ("i0", 8.01, 431.5817860520924),
    ("i0", 100.0, 1.0737517071310738e42),
    ("i0", 700.0, 1.5295933476718737e302),
    ("i0e", 0.5, 0.64503527044915007),
    ("i0e", -2.5, 0.27004644161220274),
    ("i0e", 7.99, 0.14352476537933485),
    ("i0e", 8.01, 0.14333897941113851),
    ("i0e", 100.0, 0.039944379299096683),
    ("i0e", 100000.0, 0.0012615678379767768),
    ("i1", 0.0, 0.0),
    ("i1", 1e-09, 5.0000000000000003e-10),
    ("i1", 0.5, 0.25789430539089632),
    ("i1", -2.5, -2.5167162452886984),
    ("i1", 7.99, 396.11522620740127),
    ("i1", 8.01, 403.66693999770412),
    ("i1", -700.0, -1.5285003902339007e302),
    ("i1e", 1e-09, 4.9999999950000003e-10),
    ("i1e", 0.5, 0.1564208031848717),
    ("i1e", -2.5, -0.20658464953126655),
    ("i1e", 7.99, 0.13421733957828099),
    ("i1e", 8.01, 0.13406776900984483),
    ("i1e", -100000.0, -0.0012615615301218171),
    ("erfinv", 1e-12, 8.86226925452758e-13),
    ("erfinv", 0.3, 0.27246271472675435),
    ("erfinv", -0.99, -1.8213863677184495),
    ("erfinv", 0.9966, 2.0711509399065527),
    ("erfinv", 0.999998, 3.3611785626294728),
    ("erfinv", -0.9999999999, -4.5728249585449249),
    ("erfinv", 0.9999999999999998, 5.8050186831934533),
    ("erfcx", 0.0, 1.0),
    ("erfcx", 1e-10, 0.99999999988716208),
    ("erfcx", 0.4, 0.67078778529476151),
    ("erfcx", 3.0, 0.17900115118138995),
    ("erfcx", 25.0, 0.022549572432641359),
    ("erfcx", -0.5, 1.9523604891825571),
    ("erfcx", -5.0, 144009798674.66104),
    ("erfcx", -26.5, 1.9245531624185688e305),
    ("erfcx", -26.7, math.inf),
    ("erfcx", -27.0, math.inf),
    ("erfcx", -1e300, math.inf),
    ("ndtri", 1e-300, -37.047096299361199),
    ("ndtri", 1e-20, -9.2623400897984076),
    ("ndtri", 3e-15, -7.8039478380534667),
    ("ndtri", 0.01, -2.3263478740408411),
    ("ndtri", 0.133, -1.1123213672493114),
    ("ndtri", 0.135, -1.1030625561995975),
    ("ndtri", 0.5, 0.0),
    ("ndtri", 0.8, 0.84162123357291436),
    ("ndtri", 0.9999, 3.7190164854557084),
    ("digamma", 1e-09, -1000000000.5772156),
    ("digamma", 0.3, -3.5025242222001331),
    ("digamma", 1.9, 0.35618416116405966),
    ("digamma", 9.99, 2.2507003728312011),
    ("digamma", 10.01, 2.2528037003181357),
    ("digamma", 10000000000.0, 23.025850929890457),
    ("digamma", -0.7, -2.0739527936287038),
    ("digamma", -20.3, 5.3175499242397496),
    ("gammaln", 1e-09, 20.723265836369195),
    ("gammaln", 0.3, 1.0957979948180756),
    ("gammaln", 0.7, 0.26086724653166657),
    ("gammaln", 1.4, -0.11961291417237129),
    ("gammaln", 1.6, -0.11259176569675577),
    ("gammaln", 2.4, 0.21685932244884157),
    ("gammaln", 2.6, 0.35741186354897984),
    ("gammaln", 9.99, 12.779315214350193),
    ("gammaln", 10.01, 12.824350262448247),
    ("gammaln", 10000000000.0, 220258509288.81058),
    ("gammaln", -0.7, 1.4524729387568078),
    ("gammaln", -20.3, -41.887292480135242),
    ("gammainc", (0.3, 0.1), 0.5459128495917965),
    ("gammaincc", (0.3, 0.1), 0.4540871504082035),
    ("gammainc", (2.0, 3.5), 0.86411177459956675),
    ("gammaincc", (2.0, 3.5), 0.13588822540043325),
    ("gammainc", (50.0, 40.0), 0.070335066659394954),
    ("gammaincc", (50.0, 40.0), 0.92966493334060505),
    ("gammainc", (50.0, 60.0), 0.91559331890630817),
    ("gammaincc", (50.0, 60.0), 0.08440668109369183),
    ("gammainc", (0.001, 5.0), 0.99999884901866027),
    ("gammaincc", (0.001, 5.0), 1.1509813397308609e-6),
]
INF, NAN = math.inf, math.nan
# At 0, -0, infinity, -infinity and NaN.
EDGES = {
    "bessel_j0": [1, 1, 0, 0, NAN],
    "bessel_j1": [0, -0.0, 0, -0.0, NAN],
    "i0": [1, 1, INF, INF, NAN],
    "i0e": [1, 1, 0, 0, NAN],
    "i1": [0, -0.0, INF, -INF, NAN],
    "i1e": [0, -0.0, 0, -0.0, NAN],
    "erfinv": [0, -0.0, NAN, NAN, NAN],
    "erfcx": [1, 1, 0, INF, NAN],
    "ndtri": [-INF, -INF, NAN, NAN, NAN],
    "digamma": [-INF, INF, INF, NAN, NAN],
    "gammaln": [INF, INF, INF, INF, NAN],
}


@pytest.mark.parametrize(("name", "argument", "value"), VALUES)
def test_float64_is_right_to_some_units_in_the_last_place(name, argument, value):
    numbers = argument if isinstance(argument, tuple) else (argument,)
    tensors = [tallow.tensor(x, dtype=tallow.float64) for x in numbers]
    got = getattr(special, name)(*tensors).item()
    assert got == pytest.approx(value, rel=2e-14, abs=1e-300)


@pytest.mark.parametrize("name", sorted({name for name, *_ in VALUES}))
def test_every_lane_gives_what_a_single_number_does(name):
    rows = [x if isinstance(x, tuple) else (x,) for n, x, _ in VALUES if n == name]
    columns = [tallow.tensor(x, dtype=tallow.float64) for x in zip(*rows, strict=True)]
    function = getattr(special, name)
    together = function(*(column.repeat(3) for column in columns)).tolist()
    assert together == function(*columns).tolist() * 3
    assert together[: len(rows)] == [
        function(*(tallow.tensor(x, dtype=tallow.float64) for x in row)).item() for row in rows
    ]


@pytest.mark.parametrize("name", EDGES)
def test_edges(name):
    x = tallow.tensor([0.0, -0.0, INF, -INF, NAN], dtype=tallow.float64)
    expected = tallow.tensor(EDGES[name], dtype=tallow.float64)
    got = getattr(special, name)(x)
    assert tallow.equal(got.isnan(), expected.isnan())
    assert got.nan_to_num().tolist() == expected.nan_to_num().tolist()


@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float16, tallow.bfloat16])
def test_other_types_are_computed_in_double_and_rounded_once(dtype):
    x = tallow.linspace(-0.9, 0.9, 37).to(dtype)
    assert tallow.equal(special.erfinv(x), special.erfinv(x.double()).to(dtype))


def test_integers_give_the_default_type():
    assert special.i0(tallow.tensor([1, 2])).dtype == tallow.float32


def test_nextafter_moves_by_one_unit_in_the_last_place():
    x = tallow.tensor([0.0, 1.0, 1.0, -1.0, INF, 3.0, 0.0, NAN])
    y = tallow.tensor([1.0, 2.0, 0.0, 0.0, 0.0, 3.0, -0.0, 1.0])
    got = tallow.nextafter(x, y).tolist()
    assert got[:6] == [
        2.0**-149,
        1 + 2.0**-23,
        1 - 2.0**-24,
        2.0**-24 - 1,
        3.4028234663852886e38,
        3,
    ]
    assert math.copysign(1, got[6]) == -1
    assert math.isnan(got[7])


def test_unknown_functions_are_refused():
    with pytest.raises(ValueError, match="no function 'j7' of one tensor"):
        tallow._C._VariableFunctions._special(tallow.ones(1), "j7")
    with pytest.raises(ValueError, match="no function 'j7' of two tensors"):
        tallow._C._VariableFunctions._special_binary(tallow.ones(1), tallow.ones(1), "j7")
