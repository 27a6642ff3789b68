"""cat, stack, repeat, roll, flip and their kin beyond their table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tallow
from tallow.autograd import gradcheck

T = tallow.tensor


def ramp(*shape: int) -> Any:
    return tallow.arange(float(np.prod(shape))).reshape(shape)


@pytest.mark.parametrize("dim", [0, 1, -1])
def test_cat_of_many_layouts(dim: int) -> None:
    parts = [ramp(4, 3).t(), ramp(3, 8)[:, ::2], ramp(1, 4).expand(3, 4), tallow.ones(3, 4)]
    expected = np.concatenate([p.numpy() for p in parts], dim)
    np.testing.assert_array_equal(tallow.cat(parts, dim).numpy(), expected)


@pytest.mark.parametrize("dtype", [tallow.uint8, tallow.float16, tallow.float32, tallow.int64])
@pytest.mark.parametrize("widths", [(1, 1, 1), (1, 0, 2), (3, 5), (4, 17, 1), (16, 33)])
def test_cat_of_narrow_parts(dtype: Any, widths: tuple[int, ...]) -> None:
    parts = [ramp(5000, width).to(dtype) for width in widths]
    expected = np.concatenate([p.numpy() for p in parts], 1)
    np.testing.assert_array_equal(tallow.cat(parts, 1).numpy(), expected)


def test_cat_of_large_and_empty_parts() -> None:
    parts = [ramp(3, 50_000), tallow.zeros(3, 0), -ramp(3, 77_777), tallow.zeros(3, 1)]
    expected = np.concatenate([p.numpy() for p in parts], 1)
    for threads in (1, 3):
        tallow.set_num_threads(threads)
        np.testing.assert_array_equal(tallow.cat(parts, 1).numpy(), expected)


def test_cat_promotes() -> None:
    assert tallow.cat([T([1]), T([2.5])]).tolist() == [1, 2.5]
    assert tallow.cat([T([1], dtype=tallow.int8), T([True])]).dtype == tallow.int8
    assert tallow.stack([T(1), T(2.5)]).dtype == tallow.float32


def test_cat_gives_each_type_its_own_gradient() -> None:
    a = tallow.ones(2, dtype=tallow.float16, requires_grad=True)
    b = tallow.ones(3, dtype=tallow.float64, requires_grad=True)
    (tallow.cat([a, b]) * tallow.arange(5.0)).sum().backward()
    assert (a.grad.dtype, a.grad.tolist()) == (tallow.float16, [0, 1])
    assert (b.grad.dtype, b.grad.tolist()) == (tallow.float64, [2, 3, 4])


def test_an_empty_vector_joins_anything() -> None:
    nothing = tallow.zeros(0, requires_grad=True)
    x = tallow.ones(2, 3, requires_grad=True)
    joined = tallow.cat([nothing, x, nothing], 1)
    assert joined.shape == (2, 3)
    joined.sum().backward()
    assert nothing.grad.shape == (0,)
    assert x.grad.tolist() == [[1, 1, 1]] * 2


def test_cat_with_zero_size_parts_has_gradients_of_their_shape() -> None:
    parts = [tallow.ones(n, 3, requires_grad=True) for n in (2, 0, 1)]
    tallow.cat(parts).sum().backward()
    assert [tuple(p.grad.shape) for p in parts] == [(2, 3), (0, 3), (1, 3)]


def test_the_same_tensor_twice() -> None:
    x = tallow.ones(2, requires_grad=True)
    tallow.cat([x, x]).sum().backward()
    assert x.grad.tolist() == [2, 2]


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0, 2)])
def test_stack_inserts_a_dimension_anywhere(shape: tuple[int, ...]) -> None:
    for dim in range(-len(shape) - 1, len(shape) + 1):
        got = tallow.stack([ramp(*shape), -ramp(*shape)], dim)
        expected = np.stack([ramp(*shape).numpy(), -ramp(*shape).numpy()], dim)
        np.testing.assert_array_equal(got.numpy(), expected)


def test_dstack_raises_dimensions() -> None:
    assert tallow.dstack([ramp(2), ramp(2)]).shape == (1, 2, 2)
    assert tallow.dstack([ramp(2, 3), ramp(2, 3)]).shape == (2, 3, 2)


@pytest.mark.parametrize("repeats", [(2,), (1, 3), (2, 1, 3), (0, 2), (2, 2, 1, 2)])
@pytest.mark.parametrize("transposed", [False, True])
def test_repeat(repeats: tuple[int, ...], transposed: bool) -> None:
    x = ramp(3, 2).t() if transposed else ramp(2, 3)
    if len(repeats) < 2:
        with pytest.raises(RuntimeError, match="^Number of dimensions of repeat dims can not be"):
            x.repeat(*repeats)
        return
    np.testing.assert_array_equal(x.repeat(*repeats).numpy(), np.tile(x.numpy(), repeats))
    if 0 not in repeats:
        double = x.double().requires_grad_()
        assert gradcheck(lambda x: x.repeat(repeats), (double,))


def test_repeat_interleave_with_counts() -> None:
    assert ramp(3).repeat_interleave(T([2, 0, 1])).tolist() == [0, 0, 2]
    assert ramp(2, 2).repeat_interleave(T([1, 2]), 1).tolist() == [[0, 1, 1], [2, 3, 3]]
    assert tallow.repeat_interleave(T([2, 0, 3])).tolist() == [0, 0, 2, 2, 2]
    assert ramp(2).repeat_interleave(T(2)).tolist() == [0, 0, 1, 1]
    x = tallow.ones(2, dtype=tallow.float64, requires_grad=True)
    assert gradcheck(lambda x: x.repeat_interleave(T([3, 1])), (x,))


@pytest.mark.parametrize("shift", [0, 1, -1, 5, -7, 13])
def test_roll_by_any_distance(shift: int) -> None:
    x = ramp(3, 5)
    np.testing.assert_array_equal(x.roll(shift, 1).numpy(), np.roll(x.numpy(), shift, 1))
    np.testing.assert_array_equal(x.roll(shift).numpy(), np.roll(x.numpy(), shift))


@pytest.mark.parametrize("dims", [(), (0,), (1,), (0, 1), (-1, 0)])
@pytest.mark.parametrize("transposed", [False, True])
def test_flip(dims: tuple[int, ...], transposed: bool) -> None:
    x = ramp(37, 18).t() if transposed else ramp(18, 37)
    np.testing.assert_array_equal(x.flip(dims).numpy(), np.flip(x.numpy(), dims))


@pytest.mark.parametrize("k", range(-1, 5))
def test_rot90(k: int) -> None:
    x = tallow.randn(2, 3, 2, dtype=tallow.float64, requires_grad=True)
    got = x.rot90(k, (0, 2))
    np.testing.assert_array_equal(got.detach().numpy(), np.rot90(x.detach().numpy(), k, (0, 2)))
    assert gradcheck(lambda x: x.rot90(k, (0, 2)), (x,))


def test_meshgrid_gives_views() -> None:
    a, b = tallow.meshgrid(ramp(2), ramp(3), indexing="ij")
    assert a.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert b.stride() == (0, 1)


def test_nodes_have_pytorchs_names() -> None:
    x = tallow.ones(2, 2, requires_grad=True)
    calls = {
        "CatBackward0": tallow.cat([x, x]),
        "StackBackward0": tallow.stack([x, x]),
        "RepeatBackward0": x.repeat(1, 2),
        "RollBackward0": x.roll(1),
        "FlipBackward0": x.flip(0),
        "Rot90Backward0": x.rot90(),
    }
    assert {name: out.grad_fn.name() for name, out in calls.items()} == {n: n for n in calls}


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: tallow.cat([]), ValueError, "torch.cat(): expected a non-empty list of Tensors"),
    (
        lambda: tallow.cat([T(1.0), T(2.0)]),
        RuntimeError,
        "zero-dimensional tensor (at position 0) cannot be concatenated",
    ),
    (
        lambda: tallow.cat([ramp(2), ramp(2, 2)]),
        RuntimeError,
        "Tensors must have same number of dimensions: got 1 and 2",
    ),
    (
        lambda: tallow.cat([ramp(2, 3), ramp(2, 2)]),
        RuntimeError,
        "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 2 for",
    ),
    (lambda: tallow.cat([ramp(2)], 1), IndexError, "Dimension out of range (expected to be in"),
    (lambda: tallow.stack([]), RuntimeError, "stack expects a non-empty TensorList"),
    (
        lambda: tallow.stack([ramp(2, 3), ramp(2, 2)]),
        RuntimeError,
        "stack expects each tensor to be equal size, but got [2, 3] at entry 0 and [2, 2] at",
    ),
    (
        lambda: ramp(2, 3).repeat(2, -1),
        RuntimeError,
        "Trying to create tensor with negative dimension -3: [4, -3]",
    ),
    (
        lambda: ramp(2, 3).roll((1, 2), 0),
        RuntimeError,
        "shifts and dimensions must align. shifts: 2, dims:1",
    ),
    (lambda: ramp(2).flip(0, 0), RuntimeError, "dim 0 appears multiple times in the list of dims"),
    (lambda: ramp(2).rot90(), RuntimeError, "expected total dims >= 2, but got total dims = 1"),
    (
        lambda: ramp(3).repeat_interleave(T([1, 2])),
        RuntimeError,
        "repeats must have the same size as input along dim",
    ),
    (lambda: ramp(1).repeat_interleave(T([-1])), RuntimeError, "repeats can not be negative"),
    (
        lambda: tallow.meshgrid(ramp(2), ramp(2), indexing="yx"),
        RuntimeError,
        'torch.meshgrid: indexing must be one of "xy" or "ij", but received: yx',
    ),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_arguments(number: int) -> None:
    call, kind, message = BAD[number]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value).startswith(message)


def test_a_dimension_may_be_moved_once_only() -> None:
    x = tallow.ones(2, 3, 4)
    with pytest.raises(RuntimeError, match=r"^movedim: repeated dim in `source` \(\[0, -3\]\)"):
        x.movedim((0, -3), (0, 1))
    with pytest.raises(RuntimeError, match=r"^movedim: repeated dim in `destination`"):
        x.movedim((0, 1), (1, 1))


def test_narrow_from_a_tensor() -> None:
    x = tallow.arange(6).view(2, 3)
    assert x.narrow(1, tallow.tensor(-2), 2).tolist() == [[1, 2], [4, 5]]
    for start in (tallow.tensor(1.0), tallow.tensor([1]), tallow.tensor(True)):
        with pytest.raises(RuntimeError, match=r"^start must be an 0-dim integral Tensor\."):
            x.narrow(1, start, 2)


def test_cat_of_strided_parts_of_several_dtypes() -> None:
    x = np.arange(24.0).reshape(4, 6)
    parts = [tallow.tensor(x).t(), tallow.tensor(x.astype("int32")).t()[:, 1:3]]
    parts.append(tallow.tensor(x[:1]).float().expand(2, 6).t())
    expected = np.concatenate([x.T, x.T[:, 1:3], x[:1].repeat(2, 0).T], 1)
    got = tallow.cat(parts, 1)
    assert got.dtype == tallow.float64
    assert got._version == 0
    np.testing.assert_array_equal(got.numpy(), expected)
