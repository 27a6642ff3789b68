"""Functions written in Python: shapes, grids, products, norms, distinct values."""

from __future__ import annotations

import math
from typing import Any

import pytest

import tallow

o = tallow.ones


def nested(value: Any) -> Any:
    if isinstance(value, tallow.Tensor):
        return value.tolist()
    return [nested(item) for item in value]


def test_atleast() -> None:
    point = tallow.tensor(1.0)
    assert tallow.atleast_1d(point).shape == (1,)
    assert tallow.atleast_2d(o(3)).shape == (1, 3)
    assert tallow.atleast_3d(o(3)).shape == (1, 3, 1)
    assert tallow.atleast_3d(o(3, 2)).shape == (3, 2, 1)
    assert [t.shape for t in tallow.atleast_1d(point, o(2, 2))] == [(1,), (2, 2)]
    assert isinstance(tallow.atleast_1d([point]), tuple)
    with pytest.raises(TypeError, match=r"^atleast_1d\(\)"):
        tallow.atleast_1d(3)


def test_block_diag() -> None:
    result = tallow.block_diag(o(2, 1), tallow.tensor(3), o(3) * 2)
    assert nested(result) == [[1, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 3, 0, 0, 0], [0, 0, 2, 2, 2]]
    assert tallow.block_diag().shape == (1, 0)
    with pytest.raises(RuntimeError, match=r"Input 0 has 3 dimensions$"):
        tallow.block_diag(o(2, 2, 2))


def test_broadcast_shapes() -> None:
    assert tallow.broadcast_shapes((2, 1), (3,), 1) == (2, 3)
    assert tallow.broadcast_shapes() == ()
    assert tallow.broadcast_shapes((0,), (1,)) == (0,)
    with pytest.raises(
        RuntimeError, match=r"^Attempting to broadcast a dimension of length 3 at -1"
    ):
        tallow.broadcast_shapes((2,), (3,))
    with pytest.raises(ValueError, match="negative length"):
        tallow.broadcast_shapes((-1,))


def test_broadcast_tensors_shares_memory() -> None:
    a, b = o(2, 1), o(3)
    x, y = tallow.broadcast_tensors(a, b)
    assert x.shape == y.shape == (2, 3)
    assert x.data_ptr() == a.data_ptr()
    with pytest.raises(RuntimeError, match=r"^The size of tensor a \(2\) must match"):
        tallow.broadcast_tensors(o(2), o(3))


def test_meshgrid() -> None:
    a, b = tallow.arange(2), tallow.arange(3)
    assert nested(tallow.meshgrid(a, b, indexing="ij")) == [
        [[0, 0, 0], [1, 1, 1]],
        [[0, 1, 2], [0, 1, 2]],
    ]
    assert nested(tallow.meshgrid([a, b], indexing="xy")) == [
        [[0, 1], [0, 1], [0, 1]],
        [[0, 0], [1, 1], [2, 2]],
    ]
    with pytest.warns(UserWarning, match="it will be required to pass the indexing") as caught:
        tallow.meshgrid(a, b)
    assert caught[0].filename == __file__


@pytest.mark.parametrize(
    ("tensors", "indexing", "message"),
    [
        ((), "ij", "^meshgrid expects a non-empty TensorList$"),
        ((o(2), o(2).long()), "ij", "^meshgrid expects all tensors to have the same dtype$"),
        ((o(2), o(2)), "q", 'indexing must be one of "xy" or "ij", but received: q$'),
        ((o(2, 2),), "ij", "Expected 0D or 1D tensor"),
    ],
)
def test_meshgrid_errors(tensors: Any, indexing: str, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        tallow.meshgrid(*tensors, indexing=indexing)


def test_cartesian_prod() -> None:
    a, b = tallow.arange(2), tallow.arange(2)
    assert nested(tallow.cartesian_prod(a, b)) == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert tallow.cartesian_prod(a) is a
    with pytest.raises(RuntimeError, match=r"^Expect a 1D vector, but got shape \[2, 2\]$"):
        tallow.cartesian_prod(o(2, 2))


def test_split() -> None:
    x = tallow.arange(5)
    assert nested(tallow.split(x, 2)) == [[0, 1], [2, 3], [4]]
    assert nested(tallow.split(x, split_size_or_sections=[2, 3])) == [[0, 1], [2, 3, 4]]
    assert nested(x.split((1, 4))) == [[0], [1, 2, 3, 4]]
    assert [t.shape for t in o(2, 3).split(2, dim=1)] == [(2, 2), (2, 1)]


def test_chain_matmul_is_the_product_in_any_order() -> None:
    matrices = [tallow.randn(a, b) for a, b in ((2, 30), (30, 3), (3, 40), (40, 1))]
    expected = matrices[0] @ matrices[1] @ matrices[2] @ matrices[3]
    tallow.testing.assert_close(tallow.chain_matmul(*matrices), expected, rtol=1e-4, atol=1e-4)
    assert tallow.chain_matmul(matrices[0]) is matrices[0]
    with pytest.raises(RuntimeError, match="Expected one or more matrices"):
        tallow.chain_matmul()


def test_tensordot() -> None:
    assert tallow.tensordot(o(2, 3, 4), o(3, 4, 5)).tolist() == [[12] * 5] * 2
    assert tallow.tensordot(o(2, 3), o(3, 2), ([1, 0], [0, 1])).item() == 6
    assert tallow.tensordot(o(2, 3), o(3, 2), 0).shape == (2, 3, 3, 2)
    assert tallow.tensordot(o(2, 1), o(3, 2), 1).tolist() == [[3, 3], [3, 3]]
    assert tallow.tensordot(o(2, 3), o(3, 2), tallow.tensor([[1], [0]])).shape == (2, 2)


@pytest.mark.parametrize(
    ("dims", "message"),
    [
        (-1, "^tensordot expects dims >= 0, but got dims=-1$"),
        (5, "^tensordot expects dims < ndim_a or ndim_b, but got dims=5$"),
        (([1], [0, 1]), "^both dimension lists should have same length$"),
        (([1, 1], [0, 0]), "^dim 1 appears multiple times in the list of dims$"),
        (([0], [0]), "^contracted dimensions need to match, but first has size 2 in dim 0"),
    ],
)
def test_tensordot_errors(dims: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        tallow.tensordot(o(2, 3), o(3, 2), dims)


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({}, math.sqrt(30)),
        ({"p": 1}, 10),
        ({"p": math.inf}, 4),
        ({"p": -math.inf}, 1),
        ({"p": 0}, 4),
        ({"p": 3}, 100 ** (1 / 3)),
        ({"p": None}, math.sqrt(30)),
        ({"dim": 0}, [math.sqrt(10), math.sqrt(20)]),
        ({"p": "fro", "dim": (0, 1), "keepdim": True}, [[math.sqrt(30)]]),
    ],
)
def test_norm(kwargs: dict[str, Any], expected: Any) -> None:
    x = tallow.tensor([[1.0, -2.0], [3.0, -4.0]])
    for result in (tallow.norm(x, **kwargs), x.norm(**kwargs)):
        tallow.testing.assert_close(result, tallow.tensor(expected), check_dtype=False)


def test_norm_converts_first_and_refuses_unknown_orders() -> None:
    assert tallow.norm(o(2).half(), dtype=tallow.float64).dtype == tallow.float64
    with pytest.raises(RuntimeError, match="p='foo' is not implemented"):
        tallow.norm(o(2, 3), "foo")


def test_unravel_index() -> None:
    rows, columns = tallow.unravel_index(tallow.tensor([5, 7]), (3, 4))
    assert (rows.tolist(), columns.tolist()) == ([1, 1], [1, 3])
    with pytest.raises(TypeError, match="to be integer dtype"):
        tallow.unravel_index(o(1), (3,))
    with pytest.raises(ValueError, match="cannot have negative values"):
        tallow.unravel_index(tallow.tensor([1]), (-3, 4))


def test_unique() -> None:
    x = tallow.tensor([3, 1, 2, 1, 3])
    assert tallow.unique(x).tolist() == [1, 2, 3]
    values, inverse, counts = x.unique(return_inverse=True, return_counts=True)
    assert values[inverse].tolist() == x.tolist()
    assert counts.tolist() == [2, 1, 2]
    assert tallow.unique(x.view(1, 5), return_inverse=True)[1].shape == (1, 5)
    assert tallow.unique(tallow.tensor([True, False, True])).tolist() == [False, True]
    assert tallow.unique(tallow.tensor([math.nan, math.nan, 1.0])).shape == (3,)


def test_unique_rows_and_columns() -> None:
    x = tallow.tensor([[1, 2], [1, 2], [0, 5]])
    values, inverse, counts = tallow.unique(x, dim=0, return_inverse=True, return_counts=True)
    assert (values.tolist(), inverse.tolist(), counts.tolist()) == (
        [[0, 5], [1, 2]],
        [1, 1, 0],
        [1, 2],
    )
    assert tallow.unique(tallow.tensor([[1, 1, 0], [2, 2, 5]]), dim=1).tolist() == [[0, 1], [5, 2]]


def test_unique_of_nothing() -> None:
    values, counts = tallow.unique(tallow.tensor([], dtype=tallow.int64), return_counts=True)
    assert (values.shape, counts.shape) == ((0,), (0,))


def test_unique_consecutive() -> None:
    x = tallow.tensor([1, 1, 2, 2, 1])
    values, inverse, counts = tallow.unique_consecutive(x, return_inverse=True, return_counts=True)
    assert (values.tolist(), inverse.tolist(), counts.tolist()) == (
        [1, 2, 1],
        [0, 0, 1, 1, 2],
        [2, 2, 1],
    )


def test_norms_and_products_of_matrices() -> None:
    x = tallow.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert tallow.linalg.matrix_norm(x, 1).item() == 6
    assert tallow.linalg.matrix_norm(x, math.inf).item() == 7
    assert tallow.linalg.norm(x, -1).item() == 4
    assert tallow.linalg.vecdot(x, x).tolist() == [5, 25]
    assert tallow.linalg.matrix_power(x, 3).tolist() == (x @ x @ x).tolist()
    assert tallow.linalg.multi_dot([x[0], x, x[1]]).item() == (x[0] @ x @ x[1]).item()
    assert tallow.linalg.vander(tallow.tensor([2, 3]), N=3).tolist() == [[1, 2, 4], [1, 3, 9]]
    assert tallow.linalg.matrix_norm(x, "nuc").item() == pytest.approx(34**0.5)


def test_fft_helpers() -> None:
    assert tallow.fft.fftfreq(4).tolist() == [0, 0.25, -0.5, -0.25]
    assert tallow.fft.rfftfreq(5, 0.5).tolist() == pytest.approx([0, 0.4, 0.8])
    x = tallow.arange(5)
    assert tallow.fft.fftshift(x).tolist() == [3, 4, 0, 1, 2]
    assert tallow.fft.ifftshift(tallow.fft.fftshift(x)).tolist() == x.tolist()


def test_special_functions_are_the_core_ones() -> None:
    assert tallow.special.expit is tallow.sigmoid
    assert "erf" in tallow.special.__all__
    with pytest.raises(AttributeError, match="has no attribute 'airy_bi'"):
        tallow.special.airy_bi


def test_broadcast_tensors_returns_tensors_of_the_common_shape_themselves() -> None:
    x, y = tallow.ones(2, 3), tallow.ones(3)
    same, expanded = tallow.broadcast_tensors(x, y)
    assert same is x
    assert expanded.shape == (2, 3)
