"""Cases of conversion, copying and filling."""

from __future__ import annotations

import numpy as np

from op_case import ALL, REAL_AND_BOOL, OpCase, Sample, T

# Method -> dtype of its result. bfloat16 has no NumPy type, so its values come from PyTorch.
CONVERSIONS = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "long": "int64",
    "int": "int32",
    "short": "int16",
    "char": "int8",
    "byte": "uint8",
    "bool": "bool",
}


def conversion(name: str, dtype: str) -> OpCase:
    return OpCase(
        name,
        ref=lambda x: x.astype(dtype),
        samples=[Sample(T(3, 5)), Sample(T(0)), Sample(T())],
        dtypes=REAL_AND_BOOL,
        domain=(0, 90) if dtype == "uint8" else (-90, 90),
        result=dtype,
        # Finite differences in float64 see the rounding of a conversion to a narrower type.
        grad=dtype == "float64",
        tolerance={"float16": (1e-3, 1e-3)},
    )


CASES = [
    *(conversion(name, dtype) for name, dtype in CONVERSIONS.items()),
    OpCase("bfloat16", samples=[Sample(T(3, 5))], result="bfloat16", grad=False),
    *(
        OpCase(name, samples=[Sample(T(3))], dtypes=("float32",), result="any", grad=False)
        for name in ("cfloat", "cdouble")
    ),
    OpCase("cpu", ref=lambda x: x, samples=[Sample(T(3, 5))], dtypes=ALL),
    OpCase("clone", ref=lambda x: x, samples=[Sample(T(3, 5)), Sample(T(0))], dtypes=ALL),
    OpCase("contiguous", ref=lambda x: x, samples=[Sample(T(3, 5))], dtypes=ALL),
    OpCase("detach", ref=lambda x: x, samples=[Sample(T(3, 5))], dtypes=ALL, grad=False),
    OpCase(
        "type_as",
        ref=lambda x, y: x,
        samples=[Sample(T(3, 5), T(2, grad=False))],
        dtypes=ALL,
    ),
    OpCase(
        "to",
        ref=lambda x, other: x,
        samples=[Sample(T(3, 5), T(2, grad=False))],
        dtypes=ALL,
    ),
    OpCase(
        "fill",
        ref=lambda x, value: np.full_like(x, value),
        samples=[Sample(T(3, 5), 2), Sample(T(0), 1), Sample(T(3), T())],
        inplace=True,
        method=False,
    ),
]
