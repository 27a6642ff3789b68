"""Find the polynomials of csrc/cpu/simd_math*.h: minimax approximations by a Remez exchange.

    python tools/minimax.py             # list what can be computed
    python tools/minimax.py exp-double  # print coefficients, lowest order first, and the error

Needs mpmath. A target is a function on an interval, divided by `scale` and expanded in powers of
`variable`; the error that is made as small as possible is weighted by `weight`. The coefficients
printed are not rounded to the format they are used in, which costs up to half an ulp each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import mpmath as mp

mp.mp.dps = 40
Function = Callable[[mp.mpf], mp.mpf]


@dataclass(frozen=True)
class Target:
    """A function of t in [low, high], approximated by a polynomial of `degree` in t.

    The error of the polynomial times `weight` is what counts: with weight 1 / f it is relative.
    """

    function: Function
    low: float
    high: float
    degree: int
    weight: Function


def solve(target: Target, nodes: list[mp.mpf]) -> tuple[list[mp.mpf], mp.mpf]:
    """Return the polynomial whose weighted errors at the nodes alternate, and their size."""
    n = len(nodes)
    system, values = mp.matrix(n, n), mp.matrix(n, 1)
    for i, t in enumerate(nodes):
        for j in range(n - 1):
            system[i, j] = t**j
        system[i, n - 1] = (-1) ** i / target.weight(t)
        values[i] = target.function(t)
    solution = mp.lu_solve(system, values)
    return [solution[j] for j in range(n - 1)], abs(solution[n - 1])


def exchange(target: Target, coefficients: list[mp.mpf], nodes: list[mp.mpf]) -> list[mp.mpf]:
    """Return the places of the largest error between its sign changes."""

    def error(t: mp.mpf) -> mp.mpf:
        value = mp.polyval(coefficients[::-1], t)
        return (value - target.function(t)) * target.weight(t)

    count = 24 * len(nodes)
    middle, half = mp.mpf(target.low + target.high) / 2, mp.mpf(target.high - target.low) / 2
    grid = [middle - half * mp.cos(mp.pi * i / count) for i in range(count + 1)]
    errors = [error(t) for t in grid]
    found: list[tuple[mp.mpf, mp.mpf]] = []
    for t, e in zip(grid, errors, strict=True):
        if found and (e > 0) == (found[-1][1] > 0):
            if abs(e) > abs(found[-1][1]):
                found[-1] = (t, e)
        else:
            found.append((t, e))
    while len(found) > len(nodes):
        found.pop(0 if abs(found[0][1]) < abs(found[-1][1]) else -1)
    return [t for t, _ in found]


def remez(target: Target, rounds: int = 12) -> tuple[list[mp.mpf], mp.mpf]:
    """Return the coefficients, lowest order first, and the largest weighted error."""
    n = target.degree + 2
    middle, half = mp.mpf(target.low + target.high) / 2, mp.mpf(target.high - target.low) / 2
    nodes = [middle - half * mp.cos(mp.pi * i / (n - 1)) for i in range(n)]
    coefficients, size = solve(target, nodes)
    for _ in range(rounds):
        nodes = exchange(target, coefficients, nodes)
        if len(nodes) < n:
            break
        coefficients, size = solve(target, nodes)
    return coefficients, size


def normal_tail_far(u: mp.mpf) -> mp.mpf:
    """Return a exp(a^2 / 2) (1 - Phi(a)) with u = 1 / a^2."""
    a = 1 / mp.sqrt(u)
    return a * mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2)) / 2


def expm1_rest(r: mp.mpf) -> mp.mpf:
    """(e^r - 1 - r) / r^2."""
    if abs(r) < mp.mpf("1e-8"):
        return mp.mpf(1) / 2 + r / 6 + r * r / 24
    return (mp.expm1(r) - r) / r**2


def exp2m1_rest(r: mp.mpf) -> mp.mpf:
    """(2^r - 1) / r."""
    return mp.log(2) if abs(r) < mp.mpf("1e-15") else mp.expm1(r * mp.log(2)) / r


def atanh_rest(z: mp.mpf) -> mp.mpf:
    """(2 atanh(s) - 2 s) / s^3 with z = s^2."""
    if z < mp.mpf("1e-10"):
        return mp.mpf(2) / 3 + 2 * z / 5 + 2 * z * z / 7
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) - 2 * s) / s**3


def arctan_rest(z: mp.mpf) -> mp.mpf:
    """(atan t - t) / t^3 with z = t^2."""
    if z < mp.mpf("1e-10"):
        return -mp.mpf(1) / 3 + z / 5
    t = mp.sqrt(z)
    return (mp.atan(t) - t) / t**3


def sin_rest(z: mp.mpf) -> mp.mpf:
    """(sin r - r) / r^3 with z = r^2."""
    if z < mp.mpf("1e-10"):
        return -mp.mpf(1) / 6 + z / 120
    r = mp.sqrt(z)
    return (mp.sin(r) - r) / r**3


def cos_rest(z: mp.mpf) -> mp.mpf:
    """(cos r - 1 + r^2 / 2) / r^4 with z = r^2."""
    if z < mp.mpf("1e-6"):
        return mp.mpf(1) / 24 - z / 720 + z * z / 40320
    return (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2


def erf_rest(z: mp.mpf) -> mp.mpf:
    """(erf x - x) / x with z = x^2."""
    x = mp.sqrt(z)
    return 2 / mp.sqrt(mp.pi) - 1 if z < mp.mpf("1e-30") else mp.erf(x) / x - 1


HALF_LN2 = 0.3466
TARGETS = {
    # e^r = 1 + r + r^2 q(r)
    "exp-double": Target(expm1_rest, -HALF_LN2, HALF_LN2, 9, lambda r: r * r + 1e-9),
    "exp-float": Target(expm1_rest, -HALF_LN2, HALF_LN2, 4, lambda r: r * r + 1e-6),
    "exp-float-table": Target(expm1_rest, -HALF_LN2 / 16, HALF_LN2 / 16, 2, lambda r: r * r + 1e-9),
    "exp2-float": Target(exp2m1_rest, -0.5, 0.5, 5, lambda r: abs(r) + 1e-6),
    "normal-tail-far": Target(
        normal_tail_far, 1 / 16.5**2, 1 / 4.8**2, 5, lambda u: 1 / normal_tail_far(u)
    ),
    # log(1 + f) = 2 s + s^3 q(s^2), s = f / (2 + f)
    "log-double": Target(atanh_rest, 0.0, 0.02945, 6, lambda z: z + 1e-9),
    # erf x = x + x q(x^2), |x| <= 0.8
    "erf-double": Target(erf_rest, 0.0, 0.64, 10, lambda z: mp.mpf(1)),
    # atan t = t + t^3 q(t^2), |t| <= tan(1 / 2)
    "atan-double": Target(arctan_rest, 0.0, 0.2985, 14, lambda z: z + 1e-9),
    # sin r = r + r^3 q(r^2), cos r = 1 - r^2 / 2 + r^4 q(r^2)
    "sin-double": Target(sin_rest, 0.0, 0.617, 5, lambda z: z + 1e-9),
    "cos-double": Target(cos_rest, 0.0, 0.617, 5, lambda z: z * z + 1e-9),
}


def main() -> None:
    """Print the polynomials named on the command line."""
    for name in sys.argv[1:]:
        coefficients, size = remez(TARGETS[name])
        print(f"{name}: error 2^{float(mp.log(size, 2)):.1f}")
        for c in coefficients:
            print(f"  {mp.nstr(c, 20)}  {float(c).hex()}")
    if len(sys.argv) == 1:
        print("\n".join(TARGETS))


if __name__ == "__main__":
    main()
