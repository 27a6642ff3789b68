"""Cases of the elementwise functions of one tensor."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from op_case import (
    ALL,
    COMPLEX,
    FLOATING,
    INTEGRAL,
    REAL,
    REAL_AND_BOOL,
    OpCase,
    Sample,
    T,
)

# Values where formulas break: signed zeros, infinities, NaN, the ends of the range, ties.
SPECIAL = T(
    values=[0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, math.inf, -math.inf, math.nan, 1e-6]
)

# PyTorch keeps a constant of these derivatives in float32.
FLOAT_CONSTANT = {"float64": (1e-7, 1e-8)}


def erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erf, otypes=[np.float64])(x)


def erfc(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erfc, otypes=[np.float64])(x)


def softplus(x: np.ndarray, beta: float = 1, threshold: float = 20) -> np.ndarray:
    return np.where(x * beta > threshold, x, np.log1p(np.exp(np.minimum(x * beta, 50))) / beta)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def gelu(x: np.ndarray, approximate: str = "none") -> np.ndarray:
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * erfc(-x / math.sqrt(2))


def sign(x: np.ndarray) -> np.ndarray:
    """NaN has the sign 0 here, unlike in NumPy."""
    x = np.asarray(x)
    return np.asarray((x > 0) * 1 - (x < 0) * 1).astype(x.dtype)


def unary(name: str, ref: Any, **options: Any) -> OpCase:
    """A floating-point function, tried at the special values too."""
    options.setdefault("samples", (Sample(SPECIAL, grad=False),))
    return OpCase(name, ref=ref, pointwise=1, **options)


def activation(name: str, ref: Any, *samples: Sample, **options: Any) -> OpCase:
    """A function of nn.functional; the samples carry its parameters."""
    options = {"method": False, "out": False, "inplace": False, "pointwise": 1, **options}
    return OpCase(name, samples=samples, fn=f"nn.functional.{name}", ref=ref, **options)


CASES = [
    unary("neg", np.negative, dtypes=REAL, exact=True),
    unary("abs", np.abs, dtypes=REAL, exact=True),
    unary("sign", sign, dtypes=REAL_AND_BOOL, exact=True),
    unary("square", np.square, dtypes=REAL, domain=(-9, 9)),
    unary("reciprocal", np.reciprocal, domain=(0.5, 3)),
    unary("floor", np.floor, dtypes=REAL, exact=True),
    unary("ceil", np.ceil, dtypes=REAL, exact=True),
    unary("trunc", np.trunc, dtypes=REAL, exact=True),
    unary("frac", lambda x: x - np.trunc(x)),
    unary("sqrt", np.sqrt, domain=(0.1, 4)),
    unary("rsqrt", lambda x: 1 / np.sqrt(x), domain=(0.1, 4)),
    unary("exp", np.exp),
    unary("exp2", np.exp2),
    unary("expm1", np.expm1),
    unary("log", np.log, domain=(0.1, 4)),
    unary("log2", np.log2, domain=(0.1, 4)),
    unary("log10", np.log10, domain=(0.1, 4)),
    unary("log1p", np.log1p, domain=(-0.9, 4)),
    unary("sin", np.sin),
    unary("cos", np.cos),
    unary("tan", np.tan, domain=(-1.4, 1.4)),
    unary("asin", np.arcsin, domain=(-0.95, 0.95)),
    unary("acos", np.arccos, domain=(-0.95, 0.95)),
    unary("atan", np.arctan),
    unary("sinh", np.sinh),
    unary("cosh", np.cosh),
    unary("tanh", np.tanh),
    unary("asinh", np.arcsinh),
    unary("acosh", np.arccosh, domain=(1.1, 4)),
    unary("atanh", np.arctanh, domain=(-0.95, 0.95)),
    unary("erf", erf),
    unary("erfc", erfc),
    unary("sinc", np.sinc, domain=(-3, 3)),
    unary("sigmoid", sigmoid),
    unary("relu", lambda x: np.where(np.isnan(x), x, np.maximum(x, 0)), exact=True, out=False),
    OpCase(
        "round",
        ref=lambda x, decimals=0: np.round(x, decimals),
        pointwise=1,
        samples=[
            Sample(SPECIAL, grad=False),
            Sample(T(7), decimals=2, grad=False),
            Sample(T(7, high=90), decimals=-1, grad=False),
        ],
    ),
    OpCase(
        "nan_to_num",
        ref=lambda x, nan=0.0, posinf=None, neginf=None: np.nan_to_num(
            x, True, nan, posinf, neginf
        ),
        pointwise=1,
        samples=[Sample(SPECIAL, nan=3.0, posinf=7.0, neginf=-7.0), Sample(T(4), nan=1.0)],
    ),
    OpCase("positive", ref=lambda x: x, pointwise=1, dtypes=REAL, out=False, inplace=False),
    OpCase(
        "logical_not",
        ref=np.logical_not,
        pointwise=1,
        dtypes=ALL,
        result="bool",
        grad=False,
        inplace=False,
    ),
    OpCase(
        "bitwise_not",
        ref=np.invert,
        pointwise=1,
        dtypes=(*INTEGRAL, "bool"),
        grad=False,
        domain=(-9, 90),
    ),
    *[
        OpCase(
            name,
            ref=ref,
            pointwise=1,
            samples=[Sample(SPECIAL)],
            result="bool",
            grad=False,
            out=False,
            inplace=False,
        )
        for name, ref in (("isnan", np.isnan), ("isinf", np.isinf), ("isfinite", np.isfinite))
    ],
    OpCase(
        "real",
        ref=np.real,
        pointwise=1,
        dtypes=COMPLEX,
        out=False,
        inplace=False,
        method=False,
        result="any",
    ),
    OpCase(
        "imag",
        ref=np.imag,
        pointwise=1,
        dtypes=COMPLEX,
        out=False,
        inplace=False,
        method=False,
        result="any",
    ),
    OpCase("conj", ref=np.conj, pointwise=1, dtypes=COMPLEX, out=False, inplace=False),
    OpCase(
        "isposinf",
        ref=np.isposinf,
        pointwise=1,
        samples=[Sample(SPECIAL)],
        result="bool",
        grad=False,
        inplace=False,
    ),
    OpCase(
        "isneginf",
        ref=np.isneginf,
        pointwise=1,
        samples=[Sample(SPECIAL)],
        result="bool",
        grad=False,
        inplace=False,
    ),
    OpCase(
        "signbit",
        ref=np.signbit,
        pointwise=1,
        samples=[Sample(T(7))],
        result="bool",
        grad=False,
        inplace=False,
        dtypes=REAL,
    ),
    unary("sgn", sign, dtypes=REAL),
    unary(
        "logit",
        lambda x, eps=None: np.log(
            (x if eps is None else np.clip(x, eps, 1 - eps))
            / (1 - (x if eps is None else np.clip(x, eps, 1 - eps)))
        ),
        samples=(Sample(T(7, low=-0.2, high=1.2), 0.1),),
        domain=(0.1, 0.9),
        inplace=False,
        # log(x / (1 - x)) loses digits near x = 1/2.
        tolerance={"float16": (2e-3, 1e-3), "bfloat16": (2e-2, 1e-2)},
    ),
    unary("deg2rad", np.deg2rad, samples=()),
    unary("rad2deg", np.rad2deg, samples=()),
    OpCase("conj_physical", ref=np.conj, pointwise=1, dtypes=COMPLEX, out=False, inplace=False),
    # nn.functional
    activation("gelu", gelu, Sample(T(9), approximate="tanh"), Sample(T(9, low=-9, high=9))),
    activation("silu", lambda x: x * sigmoid(x)),
    activation("mish", lambda x: x * np.tanh(softplus(x))),
    activation("softplus", softplus, Sample(T(9), beta=2, threshold=2), domain=(-3, 3)),
    activation("logsigmoid", lambda x: -softplus(-x)),
    activation("softsign", lambda x: x / (1 + np.abs(x))),
    # Half types: tanh is rounded before the subtraction, as in PyTorch.
    activation("tanhshrink", lambda x: x - np.tanh(x), dtypes=FLOATING),
    activation("relu6", lambda x: np.clip(x, 0, 6), domain=(-4, 9)),
    activation(
        "leaky_relu",
        lambda x, negative_slope=0.01: np.where(x > 0, x, x * negative_slope),
        Sample(T(9), negative_slope=0.3),
    ),
    activation(
        "elu",
        lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x)),
        Sample(T(9), alpha=0.7),
    ),
    activation(
        "selu",
        lambda x: (
            1.0507009873554804934193349852946
            * np.where(x > 0, x, 1.6732632423543772848170429916717 * np.expm1(x))
        ),
    ),
    activation(
        "celu",
        lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x / alpha)),
        Sample(T(9), alpha=0.7),
        tolerance=FLOAT_CONSTANT,
    ),
    activation(
        "hardtanh",
        lambda x, min_val=-1.0, max_val=1.0: np.clip(x, min_val, max_val),
        Sample(T(9), min_val=-0.3, max_val=0.9),
    ),
    activation(
        "hardsigmoid",
        lambda x: np.clip(x / 6 + 0.5, 0, 1),
        domain=(-5, 5),
        tolerance=FLOAT_CONSTANT,
    ),
    activation("hardswish", lambda x: x * np.clip(x / 6 + 0.5, 0, 1), domain=(-5, 5)),
    activation(
        "threshold",
        lambda x, threshold, value: np.where(x > threshold, x, value),
        Sample(T(9), threshold=0.5, value=20.0),
        Sample(T(2, 0), threshold=0.5, value=20.0),
        pointwise=0,
    ),
    activation(
        "glu",
        lambda x, dim=-1: np.split(x, 2, dim)[0] * sigmoid(np.split(x, 2, dim)[1]),
        Sample(T(2, 6)),
        Sample(T(4, 3), dim=0),
        Sample(T(0, 4)),
        pointwise=0,
    ),
    OpCase(
        "hardshrink",
        ref=lambda x, lambd=0.5: np.where(np.abs(x) > lambd, x, 0),
        pointwise=1,
        samples=[Sample(T(9), 0.3)],
        inplace=False,
    ),
    activation(
        "softshrink",
        lambda x, lambd=0.5: np.sign(x) * np.maximum(np.abs(x) - lambd, 0),
        Sample(T(9), 0.3),
    ),
]
