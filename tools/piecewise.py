"""Write csrc/cpu/simd_pieces.h: functions of a >= 0 as polynomials on 32 intervals.

    python tools/piecewise.py > csrc/cpu/simd_pieces.h

Interval k is centred on k times the width. Its coefficients are fitted one after the other, each
rounded to float before the next, with least squares at Chebyshev points, relative to the function.
Needs mpmath and NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp
import numpy as np

mp.mp.dps = 30
INTERVALS = 32
POINTS = 60
Function = Callable[[mp.mpf], mp.mpf]


@dataclass(frozen=True)
class Pieces:
    """A function, its name in C++, the intervals' width and the polynomials' degree.

    With `split` there is a row more, the second: what rounding the constant coefficient lost. It
    is f(a) - a that is approximated in the first two intervals of such a function.
    """

    name: str
    comment: str
    function: Function
    width: float
    degree: int
    split: bool


def normal_tail(a: mp.mpf) -> mp.mpf:
    """1 - Phi(a)."""
    return mp.erfc(a / mp.sqrt(2)) / 2


def gelu_slope(a: mp.mpf) -> mp.mpf:
    """The slope of gelu at -a."""
    return normal_tail(a) - a * mp.npdf(a)


PIECES = [
    Pieces("kNormalTail", "1 - Phi(a)", normal_tail, 5 / 32, 6, split=False),
    Pieces("kGeluSlope", "1 - Phi(a) - a phi(a)", gelu_slope, 5 / 32, 6, split=False),
    Pieces("kErf", "erf(a)", mp.erf, 1 / 8, 5, split=True),
    Pieces("kTanh", "tanh(a)", mp.tanh, 37 / 128, 6, split=True),
]


def coefficients(pieces: Pieces, k: int) -> list[float]:
    """Return the column of the table for interval k."""
    centre = mp.mpf(k) * pieces.width
    angles = (np.arange(POINTS) + 0.5) * np.pi / POINTS
    d = np.cos(angles) * pieces.width / 2 * 1.001
    values = [pieces.function(centre + mp.mpf(float(x))) for x in d]
    size = np.array([abs(float(value)) for value in values])
    weight = 1 / np.maximum(size, size.max() / 20)
    constant = pieces.function(centre)
    high = mp.mpf(float(np.float32(float(constant))))
    if pieces.split and k < 2:
        constant, high = constant - centre, mp.mpf(0)
        values = [value - centre - mp.mpf(float(x)) for value, x in zip(values, d, strict=True)]
    base = constant if pieces.split else high
    rest = np.array([float(value - base) for value in values])
    powers = np.vstack([d**i for i in range(1, pieces.degree + 1)]).T
    column = [float(high), float(constant - high)] if pieces.split else [float(high)]
    for i in range(pieces.degree):
        fitted = np.linalg.lstsq(powers[:, i:] * weight[:, None], rest * weight, rcond=None)[0]
        slope = float(mp.diff(pieces.function, 0)) - 1
        column.append(float(np.float32(slope if pieces.split and k == i == 0 else fitted[0])))
        rest = rest - column[-1] * powers[:, i]
    return column


def main() -> None:
    """Print the header."""
    print("// Polynomials on 32 intervals, see piecewise() in simd_table.h; row i holds the")
    print("// coefficients of order i (after the second row where the first is in two parts).")
    print("// Written by tools/piecewise.py.")
    print("#pragma once\n")
    print("namespace tallow::cpu::TALLOW_ISA::math {\n")
    print("// clang-format off")
    for pieces in PIECES:
        rows = np.array([coefficients(pieces, k) for k in range(INTERVALS)], np.float32).T
        print(f"// {pieces.comment}; intervals of {pieces.width}")
        print(f"alignas(64) inline constexpr float {pieces.name}[{len(rows)}][{INTERVALS}] = {{")
        for row in rows:
            words = [f"{value:.9g}f".replace("e-0", "e-") for value in row.tolist()]
            words = [w if "." in w or "e" in w else w.replace("f", ".f") for w in words]
            lines = [", ".join(words[i : i + 5]) for i in range(0, INTERVALS, 5)]
            print("  {" + ",\n   ".join(lines) + "},")
        print("};")
    print("// clang-format on\n")
    print("}  // namespace tallow::cpu::TALLOW_ISA::math")


if __name__ == "__main__":
    main()
