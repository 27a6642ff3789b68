"""Images read at the places of grids, and tables read by bags."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tallow
import tallow.nn.functional as F
from tallow.nn.functional.sampling import _composed

PADDINGS = ["zeros", "border", "reflection"]
# Sizes of the input and of the grid: more places than a block has, a single element, volumes.
SHAPES = [
    ((2, 3, 5, 7), (2, 11, 13, 2)),
    ((1, 1, 1, 1), (1, 3, 3, 2)),
    ((2, 9, 4, 1), (2, 1, 33, 2)),
    ((2, 3, 4, 5, 3), (2, 3, 2, 7, 3)),
]


def draw(*shape: int, seed: int = 0, dtype: str = "float64") -> tallow.Tensor:
    values = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    return tallow.from_numpy(values).requires_grad_()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("padding_mode", PADDINGS)
@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_grid_sample_equals_its_composition(
    mode: str, padding_mode: str, align: bool, dtype: str
) -> None:
    for shape, places in SHAPES:
        if mode == "bicubic" and len(shape) == 5:
            continue
        x, grid = draw(*shape, dtype=dtype), draw(*places, seed=1, dtype=dtype)
        found = F.grid_sample(x, grid, mode, padding_mode, align)
        expected = _composed(x, grid, mode, padding_mode, align)
        close = {"rtol": 1e-4, "atol": 1e-4} if dtype == "float32" else {"rtol": 1e-9}
        assert tallow.allclose(found, expected, **close)
        weight = draw(*found.shape, seed=2, dtype=dtype)
        for got, wanted in zip(
            tallow.autograd.grad(found, (x, grid), weight),
            tallow.autograd.grad(expected, (x, grid), weight, materialize_grads=True),
            strict=True,
        ):
            assert tallow.allclose(got, wanted, **close)


@pytest.mark.parametrize("padding_mode", PADDINGS)
@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_grid_sample_has_derivatives(mode: str, padding_mode: str) -> None:
    x, grid = draw(1, 2, 3, 4), draw(1, 2, 2, 2, seed=1)

    def read(a: tallow.Tensor, g: tallow.Tensor) -> tallow.Tensor:
        return F.grid_sample(a, g, mode, padding_mode, False)

    assert tallow.autograd.gradcheck(read, (x, grid))
    assert tallow.autograd.gradgradcheck(read, (x, grid))
    assert tallow.autograd.gradcheck(lambda a: read(a, grid.detach()), (x,))
    assert tallow.autograd.gradcheck(lambda g: read(x.detach(), g), (grid,))


def test_grid_sample_of_halves_and_of_strided_inputs() -> None:
    x, grid = draw(2, 3, 6, 5).detach(), draw(2, 4, 4, 2, seed=1).detach()
    expected = F.grid_sample(x, grid, align_corners=False)
    channels_last = x.contiguous(memory_format=tallow.channels_last)
    turned = grid.transpose(1, 2).contiguous().transpose(1, 2)
    assert tallow.equal(F.grid_sample(channels_last, turned, align_corners=False), expected)
    half = F.grid_sample(x.bfloat16(), grid.bfloat16(), align_corners=False)
    assert half.dtype == tallow.bfloat16
    rounded = F.grid_sample(x.bfloat16().double(), grid.bfloat16().double(), align_corners=False)
    assert tallow.allclose(half.double(), rounded, rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("place", [math.nan, math.inf, -math.inf, 1e30, -1e30])
def test_places_far_away_read_nothing_or_the_border(place: float) -> None:
    x = tallow.arange(12.0).reshape(1, 1, 3, 4) + 1
    grid = tallow.full((1, 1, 1, 2), place)
    assert F.grid_sample(x, grid, "nearest", "zeros", False).item() == 0
    border = F.grid_sample(x, grid, "bilinear", "border", False).item()
    assert border == (12 if place > 0 else 1)


def test_what_is_outside_stays_zero_beside_infinity() -> None:
    x = tallow.full((1, 1, 2, 2), math.inf)
    grid = tallow.full((1, 1, 1, 2), 5.0)
    assert F.grid_sample(x, grid, align_corners=False).item() == 0


def test_grid_sample_without_places_examples_or_channels() -> None:
    for shape, places in (((1, 2, 3, 3), (1, 0, 4, 2)), ((0, 2, 3, 3), (0, 4, 4, 2))):
        found = F.grid_sample(tallow.ones(*shape), tallow.ones(*places), align_corners=False)
        assert found.shape == (*shape[:2], *places[1:3])
    with pytest.raises(RuntimeError, match=r"grid_sampler\(\): expected input to have non-empty"):
        F.grid_sample(tallow.ones(1, 2, 0, 3), tallow.ones(1, 2, 2, 2), align_corners=False)


def test_identity_grid_returns_the_image() -> None:
    x = draw(2, 3, 4, 5)
    theta = tallow.tensor([[1.0, 0, 0], [0, 1, 0]]).double().expand(2, 2, 3)
    for align in (False, True):
        grid = F.affine_grid(theta, (2, 3, 4, 5), align)
        for mode in ("bilinear", "nearest", "bicubic"):
            assert tallow.allclose(F.grid_sample(x, grid, mode, align_corners=align), x)


def test_embedding_bag_reduces_each_bag() -> None:
    table = draw(6, 3)
    index, offsets = tallow.tensor([1, 2, 4, 5, 4, 3]), tallow.tensor([0, 3, 3])
    rows = table.detach()[index]
    expected = tallow.stack([rows[:3].mean(0), tallow.zeros(3).double(), rows[3:].mean(0)])
    assert tallow.allclose(F.embedding_bag(index, table, offsets), expected)
    total = F.embedding_bag(index.view(2, 3), table, mode="sum", padding_idx=4)
    assert tallow.allclose(total[0], rows[0] + rows[1])
    biggest = F.embedding_bag(index.view(2, 3), table, mode="max")
    assert tallow.allclose(biggest[1], rows[3:].amax(0))


@pytest.mark.parametrize("padding_idx", [None, 4])
@pytest.mark.parametrize("offsets", [[0, 3, 3, 5], [0, 7]])
@pytest.mark.parametrize(
    ("mode", "weighted"), [("sum", False), ("sum", True), ("mean", False), ("max", False)]
)
def test_embedding_bag_has_derivatives(
    mode: str, weighted: bool, offsets: list[int], padding_idx: int | None
) -> None:
    index = tallow.tensor([1, 2, 4, 5, 4, 3, 0])

    def bags(table: tallow.Tensor, *factors: tallow.Tensor) -> tallow.Tensor:
        return F.embedding_bag(
            *(index, table, tallow.tensor(offsets)),
            mode=mode,
            per_sample_weights=factors[0] if factors else None,
            padding_idx=padding_idx,
        )

    given = (draw(6, 17), draw(7, seed=1)) if weighted else (draw(6, 17),)
    assert tallow.autograd.gradcheck(bags, given)
    assert tallow.autograd.gradgradcheck(bags, given)
    if weighted:
        assert tallow.allclose(bags(given[0], given[1].detach()), bags(*given))


def test_the_last_offset_ends_the_last_bag() -> None:
    table = tallow.arange(15.0).reshape(5, 3)
    index, offsets = tallow.arange(5), tallow.tensor([0, 2, 3])
    found = F.embedding_bag(index, table, offsets, mode="sum", include_last_offset=True)
    assert found.tolist() == [[3, 5, 7], [6, 7, 8]]


@pytest.mark.parametrize(
    ("offsets", "words"),
    [
        ([1, 2], r"offsets\[0\] has to be 0"),
        ([0, 9], r"offsets\[-1\] can not be greater than input's length 5 but got"),
        ([0, 3, 2], "expected offsets that do not decrease"),
    ],
)
def test_offsets_that_are_none_are_refused(offsets: list[int], words: str) -> None:
    with pytest.raises(RuntimeError, match=words):
        F.embedding_bag(tallow.arange(5), tallow.ones(5, 2), tallow.tensor(offsets))
