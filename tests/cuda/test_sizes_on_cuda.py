"""Sizes at which kernels split their work: several segments, tiles, chunks and launches.

The limits are those of csrc/cuda/kernels: a warp sums 2048 elements of a row, a thread 256 of a
column, a tile of sorting has 1024 elements, a segment of running totals 512, a chunk of a mask
1024, and more than 64 positions are sorted before they are written to. The emulator runs threads in
two orders here: what lacks a barrier comes out wrong in one of them.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import tallow


@pytest.fixture(autouse=True, params=["forward", "shuffled"])
def _thread_order(request: pytest.FixtureRequest, device: tallow.device) -> Iterator[None]:
    """The order in which the emulator runs the threads of a block."""
    if tallow._C._cuda.plugin_name() != "cuda-emulator":
        if request.param != "forward":
            pytest.skip("a GPU has its own order")
        yield
        return
    library = ctypes.CDLL(os.environ["TALLOW_CUDA_LIBRARY"])
    library.tallow_emu_set_order(2 if request.param == "shuffled" else 0, 7)
    yield
    library.tallow_emu_set_order(0, 0)


def on_both(function: Callable[..., Any], *arguments: Any) -> tuple[list[Any], list[Any]]:
    """The results on the CPU, and those of the CUDA device."""

    def results(device: str) -> list[Any]:
        found = function(*(a.to(device) if isinstance(a, tallow.Tensor) else a for a in arguments))
        found = found if isinstance(found, tuple | list) else [found]
        return [value.cpu() for value in found]

    return results("cpu"), results("cuda")


def assert_same(function: Callable[..., Any], *arguments: Any) -> None:
    expected, given = on_both(function, *arguments)
    for value, reference in zip(given, expected, strict=True):
        assert value.dtype == reference.dtype
        np.testing.assert_array_equal(value.numpy(), reference.numpy())


def assert_close(function: Callable[..., Any], *arguments: Any, rtol: float = 1e-5) -> None:
    expected, given = on_both(function, *arguments)
    for value, reference in zip(given, expected, strict=True):
        assert value.dtype == reference.dtype
        np.testing.assert_allclose(value.numpy(), reference.numpy(), rtol=rtol, atol=1e-5)


ROWS = [(3, 2047), (2, 2049), (1, 5000)]
COLUMNS = [(257, 5), (700, 9)]


@pytest.mark.parametrize(("shape", "dim"), [(s, 1) for s in ROWS] + [(s, 0) for s in COLUMNS])
@pytest.mark.parametrize(
    "reduce",
    [
        tallow.sum,
        tallow.mean,
        lambda x, dim: tallow.var_mean(x, dim),
        lambda x, dim: tallow.max(x, dim),
        lambda x, dim: tallow.min(x, dim),
        lambda x, dim: tallow.linalg.vector_norm(x, 2, dim),
        lambda x, dim: tallow.count_nonzero(x > 0, dim),
    ],
    ids=["sum", "mean", "var_mean", "max", "min", "norm", "count_nonzero"],
)
def test_reductions_of_several_segments(
    reduce: Callable[..., Any], shape: tuple[int, int], dim: int
) -> None:
    assert_close(lambda x: reduce(x, dim), tallow.randn(shape))


def test_sums_have_the_same_bits_every_time() -> None:
    x = tallow.randn(3, 5000, device="cuda")
    assert tallow.equal(x.sum(), x.sum())
    assert tallow.equal(x.sum(0), x.sum(0))


def test_argmax_takes_the_first_of_equals_and_of_nans() -> None:
    x = tallow.zeros(5000)
    x[[40, 3000, 4999]] = 1.0
    assert_same(tallow.argmax, x)
    x[[2222, 3333]] = float("nan")
    assert_same(tallow.argmax, x)


@pytest.mark.parametrize("n", [31, 1024, 1025, 2500])
@pytest.mark.parametrize("descending", [False, True])
def test_sorting_keeps_the_order_of_equals(n: int, descending: bool) -> None:
    x = tallow.randint(0, 50, (2, n))
    assert_same(lambda t: tallow.sort(t, dim=1, stable=True, descending=descending), x)


def test_selection_from_long_rows() -> None:
    x = tallow.randn(2, 1500)
    x[0, 7] = float("nan")
    assert_same(lambda t: tallow.topk(t, 20), x)
    assert_same(lambda t: tallow.kthvalue(t, 700), x)
    assert_same(lambda t: tallow.median(t, 1), x)
    assert_same(lambda t: tallow.nanmedian(t, 1), x)
    assert_same(lambda t: tallow.mode(t, 1), tallow.randint(0, 40, (2, 1500)))


def test_unique_and_search_of_long_rows() -> None:
    x = tallow.randint(0, 300, (2300,))
    assert_same(lambda t: tallow.unique(t, return_inverse=True, return_counts=True), x)
    assert_same(tallow.searchsorted, tallow.sort(tallow.randn(2300))[0], tallow.randn(40))


@pytest.mark.parametrize("shape", [(1, 1500), (1500, 3), (2, 600, 3)])
def test_running_totals_of_several_segments(shape: tuple[int, ...]) -> None:
    x = tallow.randn(shape)
    dim = int(np.argmax(shape))
    assert_close(lambda t: tallow.cumsum(t, dim), x)
    assert_close(lambda t: tallow.logcumsumexp(t, dim), x)
    assert_same(lambda t: tallow.cummax(t, dim), x)
    assert_same(lambda t: tallow.cumsum(t, dim), tallow.randint(-9, 9, shape))


def test_masks_of_several_chunks() -> None:
    x = tallow.randn(50, 70)
    assert_same(tallow.nonzero, x > 0.5)
    assert_same(lambda t: t[t > 0.5], x)


def test_writes_happen_in_the_order_of_the_index() -> None:
    index = tallow.randint(0, 9, (300,))
    values = tallow.randn(300, 4)

    def put(accumulate: bool) -> Callable[..., tallow.Tensor]:
        return lambda i, v: tallow.zeros(9, 4, device=v.device).index_put_(
            (i,), v, accumulate=accumulate
        )

    assert_same(put(False), index, values)
    assert_close(put(True), index, values)
    assert_close(
        lambda i, v: tallow.zeros(9, device=v.device).scatter_add_(0, i, v), index, values[:, 0]
    )
    assert_same(
        lambda i, v: tallow.zeros(9, device=v.device).scatter_(0, i, v), index, values[:, 0]
    )
    assert_same(
        lambda i, v: tallow.zeros(9, device=v.device).scatter_reduce_(0, i, v, "amax"),
        index,
        values[:, 0],
    )


def test_the_gradient_of_an_embedding_has_the_same_bits_every_time() -> None:
    index = tallow.randint(0, 7, (40, 5)).cuda()
    weights = tallow.randn(40, 5, 6).cuda()

    def gradient() -> tallow.Tensor:
        table = tallow.zeros(7, 6, device="cuda", requires_grad=True)
        (tallow.nn.functional.embedding(index, table) * weights).sum().backward()
        return table.grad

    assert tallow.equal(gradient(), gradient())


def test_joining_many_tensors() -> None:
    parts = [tallow.randn(2, 1 + n % 5) for n in range(40)]
    assert_same(lambda *tensors: tallow.cat(tensors, 1), *parts)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW"])
def test_optimizers_step_more_tensors_than_fit_a_launch(optimizer: str) -> None:
    values = [tallow.randn(1 + 7 * n) for n in range(40)]
    options = {"momentum": 0.9, "nesterov": True} if optimizer == "SGD" else {"amsgrad": True}

    def step(*tensors: tallow.Tensor) -> list[tallow.Tensor]:
        params = [tensor.clone().requires_grad_() for tensor in tensors]
        steps = getattr(tallow.optim, optimizer)(
            params, lr=0.1, weight_decay=0.01, fused=True, **options
        )
        for _ in range(3):
            for param in params:
                param.grad = param.detach() * 0.5 + 0.1
            steps.step()
        return [param.detach() for param in params]

    assert_close(step, *values)


@pytest.mark.parametrize("n", [0, 1, 63, 64, 65, 3001])
def test_counts_of_numbers(n: int) -> None:
    index = tallow.randint(0, 97, (n,))
    assert_same(tallow.bincount, index)
    assert_same(lambda x: tallow.bincount(x, minlength=200), index)
    assert_same(lambda x: tallow.bincount(x[::2].to(tallow.uint8)), index)
    weights = tallow.randint(0, 9, (n,))
    assert_same(lambda x, w: tallow.bincount(x, w.float()), index, weights)
    assert_same(lambda x, w: tallow.bincount(x, w), index, weights)


def test_counts_of_negative_numbers_are_refused() -> None:
    with pytest.raises(RuntimeError, match="^bincount only supports 1-d non-negative integral"):
        tallow.bincount(tallow.tensor([3, -1], device="cuda"))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(1, 1), (5, 64), (33, 7)], ids=str)
@pytest.mark.parametrize("align_corners", [False, True])
def test_weighted_neighbours_and_their_gradient(
    mode: str, size: tuple[int, int], align_corners: bool
) -> None:
    def resized(x: tallow.Tensor) -> tuple[tallow.Tensor, tallow.Tensor]:
        leaf = x.detach().requires_grad_()
        out = tallow.nn.functional.interpolate(
            leaf, size=size, mode=mode, align_corners=align_corners
        )
        (grad,) = tallow.autograd.grad(out.square().sum(), [leaf])
        return out.detach(), grad

    assert_close(resized, tallow.randn(2, 3, 17, 9), rtol=1e-4)


def test_weighted_neighbours_out_of_range_are_reported() -> None:
    x = tallow.randn(2, 5, device="cuda")
    positions = tallow.tensor([[0, 9]], device="cuda")
    tallow._C._VariableFunctions._weighted_taps(x, 1, positions, tallow.ones(1, 2, device="cuda"))
    with pytest.raises(IndexError, match="9"):
        tallow.cuda.synchronize()
