"""Points that fill a cube more evenly than random ones: the Sobol sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["SobolEngine"]


class SobolEngine:
    """Draw points of the Sobol sequence, optionally scrambled.

    Each prefix of a power of two of points is balanced. The numbers are PyTorch's, those of a
    scrambled engine for the same seed as well. SciPy supplies the direction numbers of Joe and Kuo.

    Args:
        dimension: number of coordinates, from 1 to 21,201.
        scramble: multiply the binary digits by a random lower triangular matrix and shift them.
        seed: of the scrambling; by default it takes numbers of the default generator.

    Raises:
        ValueError: a dimension out of range.
        ImportError: SciPy is not installed.

    Source: S. Joe and F. Y. Kuo, Constructing Sobol sequences with better two-dimensional
    projections, 2008; scrambling after J. Matousek, On the L2-discrepancy for anchored boxes, 1998.

    Example:
        >>> SobolEngine(2).draw(3)  # doctest: +SKIP
        tensor([[0.0000, 0.0000],
                [0.5000, 0.5000],
                [0.7500, 0.2500]])
    """

    MAXBIT = 30
    MAXDIM = 21201

    def __init__(self, dimension: int, scramble: bool = False, seed: int | None = None) -> None:
        if not 1 <= dimension <= self.MAXDIM:
            raise ValueError(
                "Supported range of dimensionality for SobolEngine is "
                f"[1, {self.MAXDIM}], given {dimension}"
            )
        self.dimension = dimension
        self.scramble = scramble
        self.seed = seed
        directions = _direction_numbers(dimension, self.MAXBIT)
        shift = tallow.zeros(dimension, dtype=tallow.int64)
        if scramble:
            directions, shift = self._scrambled(directions)
        # Step i from one point to the next is an exclusive or with directions[:, i].
        self._directions = directions.numpy()
        self.shift = shift
        self.quasi = shift.clone()
        self.num_generated = 0

    def _scrambled(self, directions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the direction numbers times a random matrix of bits, and the first point."""
        generator = None
        if self.seed is not None:
            generator = tallow.Generator()
            generator.manual_seed(self.seed)
        bits = self.MAXBIT
        powers = 2 ** tallow.arange(bits)
        digits = tallow.randint(2, (self.dimension, bits), generator=generator)
        matrix = tallow.randint(2, (self.dimension, bits, bits), generator=generator).tril()
        matrix.diagonal(dim1=-2, dim2=-1).fill_(1)
        # The first digit is the highest.
        spread = (directions.unsqueeze(-1) >> tallow.arange(bits - 1, -1, -1)) & 1
        product = (spread.double() @ matrix.double().mT).long() & 1
        return (product * powers.flip(0)).sum(-1), (digits * powers).sum(-1)

    def draw(self, n: int = 1, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """Return the next points.

        Args:
            n: how many.
            out: tensor to write them to, resized.
            dtype: floating-point type; the default one if not given.

        Returns:
            ``(n, dimension)``, from 0 inclusive to 1 exclusive.

        Raises:
            ValueError: more points than the sequence has, ``2 ** 30``.
        """
        steps = self._steps(n)
        dtype = dtype or tallow.get_default_dtype()
        result = tallow.from_numpy(steps).to(dtype) * 2.0**-self.MAXBIT
        if n > 0 and self.num_generated == n:  # PyTorch keeps the first point in the default dtype
            result[0] = self.shift / 2**self.MAXBIT
        return result if out is None else out.resize_(result.shape).copy_(result)

    def _steps(self, n: int) -> Any:
        """Return the next points as integers, and move on."""
        import numpy as np

        self._check_room(n)
        first = self.num_generated
        rows = [self.quasi.numpy()[None]] if first == 0 else []
        index = np.arange(max(first - 1, 0), first + n - 1)
        lowest_zero = np.log2((~index & (index + 1)).astype(np.float64)).astype(np.int64)
        steps = self._directions.T[lowest_zero]
        if len(steps):
            steps[0] ^= self.quasi.numpy()
            rows.append(np.bitwise_xor.accumulate(steps, axis=0))
        points = np.concatenate(rows) if rows else np.zeros((0, self.dimension), np.int64)
        if len(points):
            self.quasi = tallow.from_numpy(points[-1].copy())
        self.num_generated += n
        return points

    def draw_base2(self, m: int, out: Tensor | None = None, dtype: Any = None) -> Tensor:
        """Return the next ``2 ** m`` points, which with those before must be a power of two.

        Raises:
            ValueError: the number of points would be no power of two, and they out of balance.
        """
        n = 2**m
        total = self.num_generated + n
        if total & (total - 1):
            raise ValueError(
                "The balance properties of Sobol' points require n to be a power of 2. "
                f"{self.num_generated} points have been previously generated, then: "
                f"n={self.num_generated}+2**{m}={total}. If you still want to do this, please use "
                "'SobolEngine.draw()' instead."
            )
        return self.draw(n, out, dtype)

    def reset(self) -> SobolEngine:
        """Go back to the first point."""
        self.quasi = self.shift.clone()
        self.num_generated = 0
        return self

    def fast_forward(self, n: int) -> SobolEngine:
        """Leave out `n` points.

        Raises:
            ValueError: more points than the sequence has, ``2 ** 30``.
        """
        self._check_room(n)
        self.num_generated += n
        last = max(self.num_generated - 1, 0)
        state = self.shift.numpy().copy()
        for bit in range(self.MAXBIT):  # of the Gray code of the point's number
            if (last ^ last >> 1) >> bit & 1:
                state ^= self._directions[:, bit]
        self.quasi = tallow.from_numpy(state)
        return self

    def _check_room(self, n: int) -> None:
        if not 0 <= n <= 2**self.MAXBIT - self.num_generated:
            raise ValueError(
                f"SobolEngine: expected at most {2**self.MAXBIT - self.num_generated} further "
                f"points, given n={n}"
            )

    def __repr__(self) -> str:
        options = ["scramble=True"] if self.scramble else []
        options += [] if self.seed is None else [f"seed={self.seed}"]
        return f"{type(self).__name__}({', '.join([f'dimension={self.dimension}', *options])})"


def _direction_numbers(dimension: int, bits: int) -> Tensor:
    """Return ``(dimension, bits)`` integers."""
    try:
        from scipy.stats import qmc  # type: ignore[import-untyped]
    except ImportError:
        raise ImportError(
            "SobolEngine takes its direction numbers from SciPy: pip install scipy"
        ) from None
    engine = qmc.Sobol(dimension, scramble=False, bits=bits)
    return tallow.from_numpy(engine._sv.astype("int64"))
