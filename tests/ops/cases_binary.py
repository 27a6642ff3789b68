"""Cases of the elementwise functions of two or three operands."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_case import ALL, INTEGRAL, REAL, REAL_AND_BOOL, OpCase, Sample, T

# A nonzero divisor of either sign whose multiples have no ties.
DIVISOR = {"values": [3.0, -3.0, 2.0, -2.0, 1.0, -1.0, 7.0]}
DIVIDEND = {"values": [7.0, 7.0, -5.0, -5.0, 3.0, 9.0, -1.0]}
# Below these sums of float32 products the relative error of a cancelled result is unbounded.
FUSED = {"float16": (2e-3, 2e-3), "bfloat16": (1.6e-2, 1e-2)}


def binary(name: str, ref: Any, **options: Any) -> OpCase:
    """A function of two broadcast operands."""
    return OpCase(name, ref=ref, pointwise=2, **options)


def comparison(name: str, ref: Any) -> OpCase:
    """A comparison; small integers make equality happen."""
    return OpCase(
        name,
        ref=ref,
        pointwise=2,
        samples=(Sample(T(3, 40, dtype="int64"), T(40, dtype="int32")), Sample(T(7), 0.5)),
        dtypes=REAL_AND_BOOL,
        result="bool",
        grad=False,
        inplace=False,
    )


def floor_mod(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray(np.mod(x, y))


CASES = [
    binary(
        "add",
        lambda x, y, alpha=1: x + alpha * y,
        samples=(Sample(T(3, 5), T(5), alpha=2), Sample(T(4), 3), Sample(T(2, 2), 0.5)),
        dtypes=("float32", "float64", "float16", "bfloat16", "complex64", "complex128"),
        tolerance=FUSED,
    ),
    binary(
        "sub",
        lambda x, y, alpha=1: x - alpha * y,
        samples=(Sample(T(3, 5), T(5), alpha=2), Sample(T(4), 3)),
        tolerance=FUSED,
    ),
    binary("mul", lambda x, y: x * y, samples=(Sample(T(4), 3),), exact=True),
    binary("add", lambda x, y: x + y, variant="integers", dtypes=INTEGRAL, grad=False, exact=True),
    binary("mul", lambda x, y: x * y, variant="integers", dtypes=INTEGRAL, grad=False, exact=True),
    binary(
        "div",
        lambda x, y: x / y,
        samples=(Sample(T(4), 3), Sample(T(5), T(5, low=-3, high=-1))),
        domain=(0.5, 3),
    ),
    OpCase(
        "div",
        variant="rounding",
        ref=lambda x, y, rounding_mode: (
            np.trunc(x / y) if rounding_mode == "trunc" else np.floor(x / y)
        ),
        samples=[
            Sample(T(**DIVIDEND), T(**DIVISOR), rounding_mode="trunc", grad=False),
            Sample(T(**DIVIDEND), T(**DIVISOR), rounding_mode="floor", grad=False),
        ],
        out=True,
        inplace=True,
        grad=False,
    ),
    OpCase(
        "floor_divide",
        ref=lambda x, y: np.floor_divide(x, y),
        samples=[Sample(T(**DIVIDEND), T(**DIVISOR)), Sample(T(4, dtype="int64"), 2)],
        result="any",
        grad=False,
        out=True,
        inplace=True,
    ),
    OpCase(
        "remainder",
        ref=floor_mod,
        samples=[
            Sample(T(**DIVIDEND), T(**DIVISOR), grad=False),
            Sample(T(5, low=-9, high=9), 2.5),
            Sample(T(5, low=-9, high=9, dtype="int64"), 4),
        ],
        result="any",
        out=True,
        inplace=True,
    ),
    OpCase(
        "fmod",
        ref=np.fmod,
        samples=[
            Sample(T(**DIVIDEND), T(**DIVISOR), grad=False),
            Sample(T(5, low=-9, high=9), 2.5),
            Sample(T(5, low=-9, high=9, dtype="int64"), 4),
        ],
        result="any",
        out=True,
        inplace=True,
    ),
    binary(
        "pow",
        lambda x, y: np.power(x, y),
        samples=(
            Sample(T(6), 2),
            Sample(T(6), 0.5),
            Sample(T(6), 3),
            Sample(T(6), -1),
            Sample(T(6), 0),
            Sample(T(6, low=-2, high=2), 2),
            Sample(T(6, low=-2, high=2), 3),
        ),
        domain=(0.3, 2),
        tolerance={"float16": (2e-3, 1e-5)},
    ),
    OpCase(
        "pow",
        variant="scalar-base",
        ref=lambda x, y: np.power(float(x), y),
        samples=[Sample(2, T(5)), Sample(0.5, T(2, 3))],
        method=False,
    ),
    binary("maximum", np.maximum, exact=True, dtypes=REAL, inplace=False),
    binary("minimum", np.minimum, exact=True, dtypes=REAL, inplace=False),
    binary("fmax", np.fmax, exact=True, dtypes=REAL, inplace=False),
    binary("fmin", np.fmin, exact=True, dtypes=REAL, inplace=False),
    binary("atan2", np.arctan2, domain=(0.3, 2)),
    binary("hypot", np.hypot, domain=(0.3, 2)),
    binary("copysign", np.copysign),
    binary("xlogy", lambda x, y: x * np.log(y), domain=(0.3, 2)),
    binary("logaddexp", np.logaddexp, inplace=False),
    binary("logaddexp2", np.logaddexp2, inplace=False),
    OpCase(
        "nextafter",
        ref=np.nextafter,
        samples=[Sample(T(2, 3), T(3)), Sample(T(0, 3), T(3)), Sample(T(17), T(17))],
        dtypes=("float32", "float64"),
        gradgrad=False,
        out=True,
        inplace=True,
    ),
    binary("gcd", np.gcd, dtypes=INTEGRAL, grad=False, domain=(0, 90)),
    binary("lcm", np.lcm, dtypes=INTEGRAL, grad=False, domain=(0, 11)),
    binary("heaviside", np.heaviside, grad=False),
    binary("bitwise_and", np.bitwise_and, dtypes=(*INTEGRAL, "bool"), grad=False, domain=(-9, 90)),
    binary("bitwise_or", np.bitwise_or, dtypes=(*INTEGRAL, "bool"), grad=False, domain=(-9, 90)),
    binary("bitwise_xor", np.bitwise_xor, dtypes=(*INTEGRAL, "bool"), grad=False, domain=(-9, 90)),
    OpCase(
        "bitwise_left_shift",
        ref=np.left_shift,
        samples=[Sample(T(9, low=0, high=9), T(9, low=0, high=3)), Sample(T(4, high=9), 2)],
        dtypes=INTEGRAL,
        domain=(0, 3),
        grad=False,
        out=True,
        inplace=True,
    ),
    OpCase(
        "bitwise_right_shift",
        ref=np.right_shift,
        samples=[Sample(T(9, low=-9, high=90), T(9, low=0, high=3)), Sample(T(4, high=90), 2)],
        dtypes=INTEGRAL,
        domain=(0, 3),
        grad=False,
        out=True,
        inplace=True,
    ),
    comparison("eq", np.equal),
    comparison("ne", np.not_equal),
    comparison("lt", np.less),
    comparison("le", np.less_equal),
    comparison("gt", np.greater),
    comparison("ge", np.greater_equal),
    *[
        OpCase(
            f"logical_{word}",
            ref=getattr(np, f"logical_{word}"),
            pointwise=2,
            dtypes=ALL,
            result="bool",
            grad=False,
            inplace=False,
        )
        for word in ("and", "or", "xor")
    ],
    OpCase(
        "where",
        ref=np.where,
        samples=[
            Sample(T(3, 4, dtype="bool"), T(3, 4), T(4)),
            Sample(T(3, 1, dtype="bool"), T(4), T(1)),
            Sample(T(0, dtype="bool"), T(0), T(1)),
            Sample(T(dtype="bool"), T(2), T(2)),
        ],
        dtypes=ALL,
        method=False,
        out=False,
    ),
    OpCase(
        "clamp",
        ref=lambda x, min=None, max=None: np.clip(x, min, max),
        pointwise=0,
        samples=[
            Sample(T(7), min=-0.5, max=0.7),
            Sample(T(7), min=0.1),
            Sample(T(7), max=0.1),
            Sample(T(3, 4), min=T(4, low=-1, high=0), max=T(3, 1, low=0, high=1)),
            Sample(T(0), min=0.0),
            Sample(T(), max=0.0),
        ],
        out=True,
        inplace=True,
        layout_bits=True,
    ),
    OpCase(
        "lerp",
        ref=lambda x, end, weight: x + weight * (end - x),
        samples=[
            Sample(T(7), T(7), 0.3),
            Sample(T(7), T(7), 0.7),
            Sample(T(2, 3), T(3), T(2, 1)),
            Sample(T(0), T(0), 0.5),
        ],
        out=True,
        inplace=True,
        tolerance=FUSED,
    ),
    OpCase(
        "addcmul",
        ref=lambda x, a, b, value=1: x + value * a * b,
        pointwise=3,
        samples=[Sample(T(5), T(5), T(5), value=0.5), Sample(T(2, 3), T(3), T(2, 1), value=-2)],
        tolerance=FUSED,
    ),
    OpCase(
        "addcdiv",
        ref=lambda x, a, b, value=1: x + value * a / b,
        samples=[
            Sample(T(5), T(5), T(5, low=0.5), value=0.5),
            Sample(T(2, 3), T(3), T(2, 1, low=0.5)),
            Sample(T(0), T(0), T(0)),
        ],
        out=True,
        inplace=True,
        tolerance=FUSED,
    ),
    OpCase(
        "prelu",
        ref=lambda x, weight: np.where(
            x > 0, x, x * weight.reshape([1, -1] + [1] * (x.ndim - 2) if x.ndim > 1 else [-1])
        ),
        fn="nn.functional.prelu",
        samples=[Sample(T(2, 3, 4), T(3)), Sample(T(2, 3), T(1)), Sample(T(0, 3), T(3))],
    ),
    OpCase(
        "isclose",
        ref=np.isclose,
        samples=[
            Sample(T(3, values=[1.0, 2.0, 3.0]), T(3, values=[1.0, 2.1, 3.0])),
            Sample(T(values=[1.0, np.nan, np.inf]), T(values=[1.0, np.nan, np.inf])),
            Sample(T(values=[np.nan]), T(values=[np.nan]), equal_nan=True),
        ],
        dtypes=("float32", "float64"),
        result="bool",
        grad=False,
    ),
    OpCase(
        "rsub",
        ref=lambda x, y, alpha=1: y - alpha * x,
        samples=[Sample(T(4), T(4)), Sample(T(4), 3, alpha=2)],
        method=False,
        tolerance=FUSED,
    ),
    OpCase(
        "float_power",
        ref=np.float_power,
        samples=[Sample(T(4, low=0.3), 2.5), Sample(T(3, low=0.3), T(3))],
        result="float64",
    ),
    OpCase(
        "clamp_min",
        ref=np.maximum,
        samples=[Sample(T(7), 0.3), Sample(T(2, 3), T(3)), Sample(T(0), 1.0)],
        out=True,
        inplace=True,
    ),
    OpCase(
        "clamp_max",
        ref=np.minimum,
        samples=[Sample(T(7), 0.3), Sample(T(2, 3), T(3)), Sample(T(0), 1.0)],
        out=True,
        inplace=True,
    ),
]
