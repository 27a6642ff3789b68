"""gather, scatter and index_* beyond their table: bounds, repeats, accumulation, derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tallow
from tallow.autograd import gradcheck, gradgradcheck

T = tallow.tensor
REDUCTIONS = ("sum", "prod", "mean", "amax", "amin")


def ramp(*shape: int) -> Any:
    return tallow.arange(float(np.prod(shape))).reshape(shape)


def reduced(
    x: np.ndarray, index: np.ndarray, src: np.ndarray, how: str, include: bool
) -> np.ndarray:
    """scatter_reduce along dim 0, one element at a time."""
    functions: dict[str, Callable[[list[float]], float]] = {
        "sum": sum,
        "prod": lambda v: float(np.prod(v)),
        "mean": lambda v: sum(v) / len(v),
        "amax": max,
        "amin": min,
    }
    out = x.copy()
    for target in np.ndindex(*x.shape):
        values = [
            src[(i, *target[1:])]
            for i in range(index.shape[0])
            if index[(i, *target[1:])] == target[0]
        ]
        if values:
            out[target] = functions[how]([x[target], *values] if include else values)
    return out


@pytest.mark.parametrize("how", REDUCTIONS)
@pytest.mark.parametrize("include", [False, True])
@pytest.mark.parametrize("inplace", [False, True])
def test_scatter_reduce(how: str, include: bool, inplace: bool) -> None:
    x = tallow.randn(4, 3, dtype=tallow.float64)
    src = tallow.randn(6, 3, dtype=tallow.float64)
    index = tallow.randint(0, 4, (6, 3))
    expected = reduced(x.numpy(), index.numpy(), src.numpy(), how, include)
    if inplace:
        got = x.clone()
        assert got.scatter_reduce_(0, index, src, how, include_self=include) is got
    else:
        got = x.scatter_reduce(0, index, src, how, include_self=include)
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize("how", REDUCTIONS)
@pytest.mark.parametrize("include", [False, True])
def test_scatter_reduce_gradients(how: str, include: bool) -> None:
    x = tallow.randn(3, 2, dtype=tallow.float64, requires_grad=True)
    src = tallow.randn(4, 2, dtype=tallow.float64, requires_grad=True)
    index = T([[0, 1], [0, 2], [2, 1], [0, 1]])

    def function(x: Any, src: Any) -> Any:
        return x.scatter_reduce(0, index, src, how, include_self=include)

    assert gradcheck(function, (x, src))
    assert gradgradcheck(function, (x, src))


@pytest.mark.parametrize("zeros", [[0], [0, 2], [1]])
def test_scatter_product_gradients_with_zeros(zeros: list[int]) -> None:
    src = tallow.randn(4, dtype=tallow.float64)
    src[zeros] = 0
    src.requires_grad_()
    x = tallow.randn(2, dtype=tallow.float64, requires_grad=True)
    index = T([0, 0, 0, 1])
    assert gradcheck(lambda x, src: x.scatter_reduce(0, index, src, "prod"), (x, src))


@pytest.mark.parametrize("how", ["amax", "amin"])
def test_scatter_extremes_share_the_gradient_of_ties(how: str) -> None:
    x = T([1.0, 5.0], requires_grad=True)
    src = T([1.0, 1.0], requires_grad=True)
    x.scatter_reduce(0, T([0, 0]), src, how).sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), [1 / 3, 1])
    np.testing.assert_allclose(src.grad.tolist(), [1 / 3, 1 / 3])


def test_scatter_takes_the_last_of_repeated_positions() -> None:
    assert tallow.zeros(2).scatter(0, T([1, 1, 1]), T([3.0, 4.0, 5.0])).tolist() == [0, 5]
    assert tallow.zeros(2, 1).index_copy(0, T([1, 1]), T([[3.0], [4.0]])).tolist() == [[0], [4]]


@pytest.mark.parametrize("reduce", ["add", "multiply"])
def test_scatter_with_a_reduction(reduce: str) -> None:
    got = T([2.0, 3.0]).scatter(0, T([1, 1]), T([4.0, 5.0]), reduce=reduce)
    assert got.tolist() == ([2, 12] if reduce == "add" else [2, 60])
    assert T([2.0, 3.0]).scatter_(0, T([1]), 4, reduce=reduce).tolist()[1] in (7, 12)


def test_src_may_be_larger_than_the_index() -> None:
    x = tallow.zeros(2, 3, dtype=tallow.float64, requires_grad=True)
    src = tallow.randn(4, 5, dtype=tallow.float64, requires_grad=True)
    index = T([[2, 0]])
    got = x.scatter(1, index, src)
    assert got.tolist()[0] == [src[0, 1].item(), 0, src[0, 0].item()]
    for name in ("scatter", "scatter_add"):
        assert gradcheck(lambda x, s, name=name: getattr(x, name)(1, index, s), (x, src))


def test_source_may_be_the_destination_itself() -> None:
    x = ramp(4)
    assert x.clone().scatter_(0, T([1, 2, 3]), x[:3]).tolist() == [0, 0, 1, 2]
    y = ramp(4)
    y.scatter_(0, T([1, 2, 3]), y[:3])
    assert y.tolist() == [0, 0, 1, 2]
    z = ramp(4)
    z.index_add_(0, T([1, 2, 3]), z[:3])
    assert z.tolist() == [0, 1, 3, 5]


@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16])
@pytest.mark.parametrize("name", ["index_add", "scatter_add", "index_put"])
def test_half_sums_are_rounded_once(dtype: Any, name: str) -> None:
    # One by one, 4096 ones stop at 2048 in float16 and at 256 in bfloat16.
    index = tallow.zeros(4096, dtype=tallow.int64)
    ones = tallow.ones(4096, dtype=dtype)
    none = tallow.zeros(1, dtype=dtype)
    got = (
        none.index_put((index,), ones, accumulate=True)
        if name == "index_put"
        else getattr(none, name)(0, index, ones)
    )
    assert got.item() == 4096
    assert got.dtype == dtype


def test_sums_do_not_depend_on_threads() -> None:
    index = tallow.randint(0, 50, (5000,))
    src = tallow.randn(5000, 64)
    lines = index[:, None].expand(5000, 64).contiguous()
    seen = set()
    for threads in (1, 2, 3, 8):
        tallow.set_num_threads(threads)
        none = tallow.zeros(50, 64)
        results = (
            none.index_add(0, index, src),
            none.scatter_add(0, lines, src),
            none.index_put((index,), src, accumulate=True),
        )
        seen.add(b"".join(bytes(r.numpy().data) for r in results))
    assert len(seen) == 1


@pytest.mark.parametrize("dtype", [tallow.int32, tallow.int64])
def test_both_index_types(dtype: Any) -> None:
    index = T([[2, 0], [1, 1]], dtype=dtype)
    assert ramp(2, 3).gather(1, index).tolist() == [[2, 0], [4, 4]]
    assert tallow.zeros(2, 3).scatter(1, index, 1).tolist() == [[1, 0, 1], [0, 1, 0]]
    assert ramp(3).index_select(0, index[0]).tolist() == [2, 0]


def test_zero_dimensional_tensors() -> None:
    scalar = T(3.0)
    assert scalar.gather(0, T(0)).tolist() == 3
    assert scalar.gather(0, T([0, 0])).tolist() == [3, 3]
    assert scalar.scatter(0, T(0), 5).tolist() == 5
    assert scalar.index_select(0, T([0])).tolist() == 3
    assert scalar.index_fill(0, T(0), 4).tolist() == 4
    assert scalar.index_add(0, T(0), T(2.0)).tolist() == 5


def test_negative_positions_count_from_the_end_where_pytorch_lets_them() -> None:
    assert ramp(3).index_fill(0, T([-1]), 9).tolist() == [0, 1, 9]
    assert ramp(2, 2).take_along_dim(T([[-1], [0]]), 1).tolist() == [[1], [2]]


def test_take_along_dim_broadcasts() -> None:
    x = ramp(2, 3)
    assert x.take_along_dim(T([[0, 2]]), 1).tolist() == [[0, 2], [3, 5]]
    assert x.take_along_dim(T([5, 0])).tolist() == [5, 0]


BAD: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (
        lambda x: x.gather(1, T([[0], [3]])),
        RuntimeError,
        "index 3 is out of bounds for dimension 1 with size 3 (element 1 of the index)",
    ),
    (
        lambda x: x.gather(1, T([[-1]])),
        RuntimeError,
        "index -1 is out of bounds for dimension 1 with size 3",
    ),
    (lambda x: x.gather(1, T([[1.0]])), RuntimeError, "gather(): Expected dtype int32/int64 for"),
    (lambda x: x.gather(1, T([0])), RuntimeError, "Index tensor must have the same number of dim"),
    (
        lambda x: x.gather(1, T([[0], [0], [0]])),
        RuntimeError,
        "Size does not match at dimension 0 expected index [3, 1] to be no larger than self",
    ),
    (
        lambda x: x.gather(2, T([[0]])),
        IndexError,
        "Dimension out of range (expected to be in range",
    ),
    (
        lambda x: x.scatter_(1, T([[3]]), 1),
        RuntimeError,
        "index 3 is out of bounds for dimension 1",
    ),
    (
        lambda x: x.scatter_(1, T([[0, 1, 2, 0]]), ramp(2, 3)),
        RuntimeError,
        "Expected index [1, 4] to be no larger than self [2, 3] apart from dimension 1 and to be",
    ),
    (
        lambda x: x.scatter_(1, T([[0]]), ramp(2, 3).double()),
        RuntimeError,
        "scatter(): Expected self.dtype to be equal to src.dtype",
    ),
    (
        lambda x: x.scatter_(1, T([[0]]), 1, reduce="mean"),
        RuntimeError,
        "reduce argument must be either add or multiply.",
    ),
    (
        lambda x: x.scatter_reduce_(1, T([[0]]), ramp(1, 1), "max"),
        RuntimeError,
        "reduce argument must be either sum, prod, mean, amax or amin, got max",
    ),
    (lambda x: x.index_select(0, T([2])), IndexError, "index out of range in self"),
    (
        lambda x: x.index_select(0, T([[0]])),
        IndexError,
        "index_select(): Index is supposed to be a",
    ),
    (
        lambda x: x.index_add_(0, T([0, 2]), ramp(2, 3)),
        RuntimeError,
        "index 2 is out of bounds for dimension 0 with size 2",
    ),
    (
        lambda x: x.index_add_(0, T([0]), ramp(1, 2)),
        RuntimeError,
        "source tensor shape must match self tensor shape, excluding the specified dimension.",
    ),
    (
        lambda x: x.index_add_(0, T([1, 0]), ramp(1, 3)),
        RuntimeError,
        "index_add_(): Number of indices (2) should be equal to source.size(dim): (1), for dim: 0",
    ),
    (
        lambda x: x.index_copy_(0, T([0, -1]), ramp(2, 3)),
        IndexError,
        "index_copy_(): index -1 is out of bounds for dimension 0 with size 2",
    ),
    (
        lambda x: x.index_copy_(0, T([0]), ramp(1, 2)),
        RuntimeError,
        "index_copy_(): Source/destination tensor must have same slice shapes.",
    ),
    (
        lambda x: x.index_fill_(0, T([0, 2]), 1),
        IndexError,
        "index 2 is out of bounds for dimension 0 with size 2",
    ),
    (
        lambda x: x.index_fill_(0, T([0]), T([5.0])),
        RuntimeError,
        "index_fill_ only supports a 0-dimensional value tensor, but got tensor with 1 dim",
    ),
    (
        lambda x: x.take_along_dim(T([[3]]), 1),
        RuntimeError,
        "index 3 is out of bounds for dimension 1 with size 3",
    ),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_arguments_raise_and_write_nothing(number: int) -> None:
    call, kind, message = BAD[number]
    x = ramp(2, 3)
    with pytest.raises(kind) as error:
        call(x)
    assert str(error.value).startswith(message)
    assert x.tolist() == ramp(2, 3).tolist()


@pytest.mark.parametrize("place", [0, 20_000, 99_999])
def test_the_first_bad_position_is_named_whatever_the_threads(place: int) -> None:
    index = tallow.zeros(100_000, dtype=tallow.int64)
    index[place:] = 7
    for threads in (1, 3):
        tallow.set_num_threads(threads)
        with pytest.raises(IndexError, match=rf"index 7 \(element {place} of the index\)"):
            tallow.ones(5).index_select(0, index)


def test_index_fill_with_a_tensor_gives_it_a_gradient() -> None:
    x = tallow.randn(3, 2, dtype=tallow.float64, requires_grad=True)
    value = T(2.0, dtype=tallow.float64, requires_grad=True)
    assert gradcheck(lambda x, v: x.index_fill(0, T([0, 2]), v), (x, value))
