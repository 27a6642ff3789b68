"""Advanced indexing, masks, take and put beyond their table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tallow
from tallow.autograd import gradcheck, gradgradcheck

T = tallow.tensor


def ramp(*shape: int) -> Any:
    return tallow.arange(float(np.prod(shape))).reshape(shape)


# Index tuples for a tensor of shape (4, 3, 5), as NumPy understands them.
MASK = np.array([[True, False, True], [False] * 3, [True] * 3, [False, True, False]])
INDICES: list[tuple[Any, ...]] = [
    (np.array([2, 0, 2]),),
    (np.array([[1, -1], [0, 3]]),),
    (np.array([1, 2]), np.array([0, 2])),
    (np.array([[1], [2]]), np.array([0, 2])),
    (slice(None), np.array([2, 2, 0])),
    (Ellipsis, np.array([4, 0])),
    (np.array([1, 2]), slice(None), np.array([0, 4])),
    (np.array([1, 2]), slice(1, None), np.array([[0], [4]])),
    (slice(None), np.array([0, 1]), np.array([3, 3])),
    (MASK,),
    (MASK[:, 0],),
    (MASK, np.array([1])),
    (slice(None), MASK[0]),
    (MASK[:, 1], np.array([0]), slice(None, None, 2)),
    (np.zeros((4, 3, 5), dtype=bool),),
    (np.ones((4, 3, 5), dtype=bool),),
    (np.array([], dtype=np.int64),),
    (np.array(2), np.array([0, 1])),
    (None, np.array([1, 3])),
    (0, np.array([1, 2])),
    (np.array([1, 2]), 0),
]


def has_repeats(index: tuple[Any, ...]) -> bool:
    """Does the index name an element twice?"""
    picked = np.arange(60).reshape(4, 3, 5)[index]
    return len(np.unique(picked)) != picked.size


def to_tallow(index: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(tallow.from_numpy(i.copy()) if isinstance(i, np.ndarray) else i for i in index)


@pytest.mark.parametrize("number", range(len(INDICES)))
@pytest.mark.parametrize("layout", ["contiguous", "transposed", "strided"])
def test_reading_equals_numpy(number: int, layout: str) -> None:
    x = ramp(4, 3, 5)
    if layout == "transposed":
        x = x.permute(2, 1, 0).contiguous().permute(2, 1, 0)
    if layout == "strided":
        x = tallow.stack([x, -x], -1)[..., 0]
    index = INDICES[number]
    got = x[to_tallow(index)]
    expected = x.numpy()[index]
    assert got.shape == expected.shape
    np.testing.assert_array_equal(got.numpy(), expected)


@pytest.mark.parametrize("number", range(len(INDICES)))
@pytest.mark.parametrize("transposed", [False, True])
def test_writing_equals_numpy(number: int, transposed: bool) -> None:
    index = INDICES[number]
    x = ramp(4, 3, 5)
    if transposed:
        x = x.permute(2, 0, 1).contiguous().permute(1, 2, 0)
    expected = x.numpy().copy()
    values = -1 - np.arange(expected[index].size, dtype=np.float32).reshape(expected[index].shape)
    expected[index] = values
    x[to_tallow(index)] = tallow.from_numpy(values)
    np.testing.assert_array_equal(x.numpy(), expected)
    expected[index] = 7
    x[to_tallow(index)] = 7
    np.testing.assert_array_equal(x.numpy(), expected)


@pytest.mark.parametrize("number", range(len(INDICES)))
def test_derivatives(number: int) -> None:
    index = to_tallow(INDICES[number])
    x = tallow.randn(4, 3, 5, dtype=tallow.float64, requires_grad=True)
    if x[index].numel() == 0:
        assert tallow.autograd.grad(x[index].sum(), x)[0].tolist() == tallow.zeros(4, 3, 5).tolist()
        return
    assert gradcheck(lambda x: x[index], (x,))
    assert gradgradcheck(lambda x: x[index], (x,))
    if has_repeats(INDICES[number]):
        return  # what is written over has no derivative
    values = tallow.randn(x[index].shape, dtype=tallow.float64, requires_grad=True)

    def write(x: Any, values: Any) -> Any:
        y = x * 1
        y[index] = values
        return y

    assert gradcheck(write, (x, values))


@pytest.mark.parametrize("accumulate", [False, True])
def test_index_put_derivatives(accumulate: bool) -> None:
    x = tallow.randn(4, 3, dtype=tallow.float64, requires_grad=True)
    values = tallow.randn(2, 1, dtype=tallow.float64, requires_grad=True)
    index = (T([0, 3]),)
    assert gradcheck(lambda x, v: x.index_put(index, v, accumulate), (x, values))
    assert gradgradcheck(lambda x, v: x.index_put(index, v, accumulate), (x, values))


def test_repeated_positions() -> None:
    index = (T([1, 1, 0]),)
    values = T([3.0, 4.0, 5.0])
    assert tallow.ones(3).index_put(index, values).tolist() == [5, 4, 1]
    assert tallow.ones(3).index_put(index, values, accumulate=True).tolist() == [6, 8, 1]


def test_uint8_is_a_mask() -> None:
    assert ramp(3)[T([1, 0, 1], dtype=tallow.uint8)].tolist() == [0, 2]


def test_slices_keep_the_memory_order_of_images() -> None:
    x = ramp(6, 3, 2, 2).to(memory_format=tallow.channels_last)
    assert x[T([4, 1])].stride() == (12, 1, 6, 3)


def test_take_and_put() -> None:
    x = ramp(2, 3)
    assert x.take(T([[0, -1], [4, 2]])).tolist() == [[0, 5], [4, 2]]
    assert x.t().take(T([1, 2])).tolist() == [3, 1]
    assert x.put(T([-1, 0]), T([8.0, 9.0])).tolist() == [[9, 1, 2], [3, 4, 8]]
    assert x.put(T([1, 1]), T([8.0, 9.0]), accumulate=True).tolist() == [[0, 18, 2], [3, 4, 5]]
    turned = ramp(2, 3).t()
    assert turned.put_(T([1]), T([9.0])) is turned
    assert turned.tolist() == [[0, 9], [1, 4], [2, 5]]


@pytest.mark.parametrize("accumulate", [False, True])
def test_put_derivatives(accumulate: bool) -> None:
    x = tallow.randn(2, 3, dtype=tallow.float64, requires_grad=True)
    source = tallow.randn(2, dtype=tallow.float64, requires_grad=True)
    assert gradcheck(lambda x, s: x.put(T([4, 1]), s, accumulate), (x, source))
    assert gradgradcheck(lambda x, s: x.put(T([4, 1]), s, accumulate), (x, source))


def test_masked_fill_broadcasts_both_ways() -> None:
    mask = T([[True], [False]])
    assert tallow.ones(3).masked_fill(mask, 9).tolist() == [[9, 9, 9], [1, 1, 1]]
    assert tallow.ones(2, 3).masked_fill(mask, T(9.0)).tolist() == [[9, 9, 9], [1, 1, 1]]


def test_masked_fill_with_a_tensor_gives_it_a_gradient() -> None:
    x = tallow.randn(2, 3, dtype=tallow.float64, requires_grad=True)
    value = T(2.0, dtype=tallow.float64, requires_grad=True)
    mask = T([[True, False, True]])
    assert gradcheck(lambda x, v: x.masked_fill(mask, v), (x, value))
    x.masked_fill(mask, value).sum().backward()
    assert value.grad.item() == 4


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_masked_fill_hides_what_was_there(value: float) -> None:
    x = T([1.0, value], requires_grad=True)
    y = x.masked_fill(T([False, True]), 0)
    assert y.tolist() == [1, 0]
    y.sum().backward()
    assert x.grad.tolist() == [1, 0]


def test_masked_scatter_uses_the_first_elements() -> None:
    mask = T([[True, False, True], [True, False, False]])
    expected = [[10, 1, 11], [12, 4, 5]]
    assert ramp(2, 3).masked_scatter(mask, ramp(9) + 10).tolist() == expected
    turned = ramp(2, 3).t().contiguous().t()
    assert turned.masked_scatter_(mask, ramp(3) + 10).tolist() == expected


def test_masked_scatter_gives_unused_elements_no_gradient() -> None:
    source = tallow.zeros(2, 2, requires_grad=True)
    tallow.zeros(3).masked_scatter(T([True, False, True]), source).sum().backward()
    assert source.grad.tolist() == [[1, 1], [0, 0]]


@pytest.mark.parametrize("size", [0, 1, 31, 32 * 1024, 32 * 1024 + 1, 100_003])
def test_nonzero_of_every_density(size: int) -> None:
    for share in (0.0, 0.02, 0.5, 1.0):
        mask = tallow.rand(size) < share
        np.testing.assert_array_equal(
            mask.nonzero(as_tuple=True)[0].numpy(), np.nonzero(mask.numpy())[0]
        )


def test_nonzero_of_a_scalar() -> None:
    assert T(3.0).nonzero().shape == (1, 0)
    assert T(0.0).nonzero().shape == (0, 0)
    assert T([[0.0, -0.0], [float("nan"), 2.0]]).nonzero().tolist() == [[1, 0], [1, 1]]


@pytest.mark.parametrize("name", ["tril", "triu"])
@pytest.mark.parametrize("transposed", [False, True])
def test_triangles_in_place(name: str, transposed: bool) -> None:
    x = ramp(3, 4).t() if transposed else ramp(4, 3)
    expected = getattr(np, name)(x.numpy(), 1)
    assert getattr(x, name + "_")(1) is x
    np.testing.assert_array_equal(x.numpy(), expected)


BAD: list[tuple[Callable[[Any], Any], type[Exception], str]] = [
    (
        lambda x: x[T([0, 2])],
        IndexError,
        "index 2 is out of bounds for dimension 0 with size 2 (element 1 of the index)",
    ),
    (
        lambda x: x[T([0]), T([-4])],
        IndexError,
        "index -4 is out of bounds for dimension 1 with size 3",
    ),
    (
        lambda x: x[T([0, 1]), T([0, 1, 2])],
        IndexError,
        "shape mismatch: indexing tensors could not be broadcast together with shapes [2], [3]",
    ),
    (lambda x: x[T([0]), T([0]), T([0])], IndexError, "too many indices for tensor of dimension 2"),
    (lambda x: x[T([0.0])], IndexError, "tensors used as indices must be long, int, byte or bool"),
    (
        lambda x: x[T([True])],
        IndexError,
        "The shape of the mask [1] at index 0 does not match the shape of the indexed tensor [2",
    ),
    (
        lambda x: x.index_put_((T([0, 1]),), tallow.ones(4)),
        RuntimeError,
        "shape mismatch: value tensor of shape [4] cannot be broadcast to indexing result of shape",
    ),
    (
        lambda x: x.index_put_((T([0, 2]),), tallow.ones(3)),
        IndexError,
        "index 2 is out of bounds for dimension 0 with size 2",
    ),
    (
        lambda x: x.index_put_((T([0]),), tallow.ones(3).double()),
        RuntimeError,
        "Index put requires the source and destination dtypes match, got Float for the destination",
    ),
    (
        lambda x: x.take(T([6])),
        IndexError,
        "out of range: tried to access index 6 on a tensor of 6 elements.",
    ),
    (lambda x: x.take(T([1.0])), RuntimeError, "take(): Expected a long tensor for index, but got"),
    (
        lambda x: x.put_(T([0, 6]), T([1.0, 2.0])),
        IndexError,
        "out of range: tried to access index 6 on a tensor of 6 elements.",
    ),
    (
        lambda x: x.masked_fill_(T([True, False]), 1),
        RuntimeError,
        "The size of tensor a (3) must match the size of tensor b (2) at non-singleton dimension 1",
    ),
    (
        lambda x: x.masked_fill_(T([1, 0, 0]), 1),
        RuntimeError,
        "masked_fill_ only supports boolean masks, but got mask with dtype",
    ),
    (
        lambda x: x.masked_fill_(T([True, False, False]), T([1.0])),
        RuntimeError,
        "masked_fill_ only supports a 0-dimensional value tensor, but got tensor with 1 dimension",
    ),
    (lambda x: x.masked_select(T([1, 0, 1])), RuntimeError, "masked_select: expected BoolTensor"),
    (
        lambda x: x.masked_scatter_(T([True, False, True]), T([9.0])),
        RuntimeError,
        "Number of elements of source < number of ones in mask",
    ),
    (lambda x: x[0].tril(), RuntimeError, "tril: input tensor must have at least 2 dimensions"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_arguments_raise_and_write_nothing(number: int) -> None:
    call, kind, message = BAD[number]
    x = ramp(2, 3)
    with pytest.raises(kind) as error:
        call(x)
    assert str(error.value).startswith(message)
    assert x.tolist() == ramp(2, 3).tolist()


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", "int64", "complex128"])
@pytest.mark.parametrize("shape", [(9, 40), (9, 40, 3)], ids=str)
@pytest.mark.parametrize(
    "index",
    [
        [*range(40)],
        [2, 1, *range(40), 38, 37],
        [*range(20, 40), *range(20)],
        [*range(0, 40, 2)],
        [5, 5, 6, 7, 8, 8, 9, 10, 11, 12],
    ],
    ids=["all", "mirrored", "rolled", "every second", "repeated"],
)
def test_index_select_of_neighbours(dtype: str, shape: tuple[int, ...], index: list[int]) -> None:
    x = np.random.RandomState(0).randint(0, 100, shape).astype(dtype)
    positions = tallow.tensor(index)
    got = tallow.tensor(x).index_select(1, positions)
    np.testing.assert_array_equal(got.numpy(), x.take(index, 1))
    strided = tallow.tensor(x[::2].copy().repeat(2, 0))[::2]
    np.testing.assert_array_equal(strided.index_select(1, positions).numpy(), x[::2].take(index, 1))


@pytest.mark.parametrize(
    "shape", [(), (1,), (3, 1, 5, 2), (1, 1), (2, 40_000), (40_000, 2), (7, 0)]
)
@pytest.mark.parametrize("share", [0.0, 0.02, 0.9, 1.0])
def test_nonzero_in_all_shapes(shape: tuple[int, ...], share: float) -> None:
    a = np.random.default_rng(1).random(shape) < share
    expected = np.stack(np.nonzero(np.atleast_1d(a)), 1)[:, : len(shape)]
    np.testing.assert_array_equal(tallow.nonzero(tallow.from_numpy(np.array(a))).numpy(), expected)


@pytest.mark.parametrize("columns", [1, 63, 64, 65, 257, 1100])
def test_index_add_of_long_slices(columns: int) -> None:
    rng = np.random.default_rng(columns)
    x, source = (rng.integers(0, 9, (n, columns)).astype(np.float32) for n in (40, 300))
    index = rng.integers(0, 40, 300)
    expected = x.copy()
    np.add.at(expected, index, source)
    found = tallow.from_numpy(x).index_add(0, tallow.from_numpy(index), tallow.from_numpy(source))
    np.testing.assert_array_equal(found.numpy(), expected)


# ---- Lists that hold more than numbers are tuples, as in PyTorch 2.13, which warns of it.


@pytest.mark.parametrize(
    "index",
    [
        [slice(0, 1), 0],
        [0, None],
        [[0, 1], [1, 0]],
        [[0, 1], 0],
        [[0, 1]],
        [(0, 1), (1, 2)],
        [Ellipsis, 0],
        [tallow.tensor([0, 1]), tallow.tensor([1, 2])],
        [0, tallow.tensor(1)],
        [range(2), 1],
        [slice(None)] * 3,
    ],
    ids=str,
)
def test_a_list_of_more_than_numbers_is_a_tuple(index: list[Any]) -> None:
    x = tallow.arange(24).view(2, 3, 4)
    with pytest.warns(UserWarning, match="Using a non-tuple sequence for multidimensional"):
        found = x[index]
    assert found.equal(x[tuple(index)])
    written, expected = x.clone(), x.clone()
    with pytest.warns(UserWarning, match="Using a non-tuple sequence"):
        written[index] = -1
    expected[tuple(index)] = -1
    assert written.equal(expected)


@pytest.mark.parametrize("index", [[1, 0], [True, False], [0] * 40, [[0]] * 32, range(2), []])
def test_other_sequences_are_index_tensors(index: Any) -> None:
    x = tallow.arange(24).view(2, 3, 4)
    assert x[index].equal(x[tallow.tensor(list(index), dtype=None if len(index) else tallow.long)])


def test_too_many_indices_in_a_list() -> None:
    with pytest.warns(UserWarning), pytest.raises(IndexError, match="too many indices"):
        tallow.ones(2)[[slice(None)] * 3]
