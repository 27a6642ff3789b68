"""Random programs of views, in-place writes and arithmetic, against finite differences."""

from __future__ import annotations

import random

import pytest

import tallow

ROWS, COLUMNS = 3, 4


def run_program(seed: int, x: tallow.Tensor) -> tallow.Tensor:
    """Apply the operations that `seed` chooses to copies of the leaf `x`; return a scalar."""
    choose = random.Random(seed)
    constant = [[choose.uniform(-1, 1) for _ in range(COLUMNS)] for _ in range(ROWS)]
    pool = [x * 1, x + 0.5, tallow.tensor(constant, dtype=x.dtype)]
    for _ in range(choose.randint(4, 12)):
        a, b = choose.choice(pool), choose.choice(pool)
        same, operation = a.shape == b.shape, choose.randrange(11)
        if operation == 0:
            pool.append(a * b if same else a * 1.5)
        elif operation == 1:
            pool.append(a.t() if a.dim() == 2 else a.unsqueeze(0))
        elif operation == 2 and a.dim() > 0:
            pool.append(a[choose.randrange(a.shape[0])])
        elif operation == 3 and a.dim() > 0:
            pool.append(a[..., choose.randrange(a.shape[-1]) :])
        elif operation == 4:
            a.mul_(choose.uniform(0.5, 1.5))
        elif operation == 5:
            a.add_(b if same else 0.5)
        elif operation == 6 and a.dim() > 0:
            a[0] = b.sum()
        elif operation == 7:
            pool.append(a.reshape(-1))
        elif operation == 8:
            pool.append(a.sin())
        elif operation == 9 and a.dim() > 0:
            pool.append(a.sum(0))
        elif operation == 10:
            a.copy_(b if same else b.sum())
    return sum((weight + 1) * tensor.sum() for weight, tensor in enumerate(pool))


def leaf(values: list[float]) -> tallow.Tensor:
    return tallow.tensor(values, dtype=tallow.float64).view(ROWS, COLUMNS)


def slope(seed: int, values: list[float], i: int) -> float:
    step = 1e-6
    ends = []
    for sign in (1, -1):
        moved = list(values)
        moved[i] += sign * step
        ends.append(float(run_program(seed, leaf(moved))))
    return (ends[0] - ends[1]) / (2 * step)


@pytest.mark.parametrize("seed", range(150))
def test_gradient_is_the_slope(seed: int) -> None:
    choose = random.Random(seed + 10_000)
    values = [choose.uniform(-1, 1) for _ in range(ROWS * COLUMNS)]
    x = leaf(values).requires_grad_()
    try:
        (grad,) = tallow.autograd.grad(run_program(seed, x), x)
    except RuntimeError as error:
        # The program wrote over something that a derivative needs: told, not silently wrong.
        # Or it wrote to a view that was taken before its base got a history.
        told = ("modified by an inplace operation", "a leaf Variable that requires grad")
        assert any(text in str(error) for text in told)
        return
    for i in choose.sample(range(len(values)), 3):
        expected = slope(seed, values, i)
        assert grad.reshape(-1)[i].item() == pytest.approx(expected, rel=1e-4, abs=1e-5), seed
