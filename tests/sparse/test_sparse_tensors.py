"""Sparse tensors equal their dense twins in everything that is defined for them, and say so where
it is not."""

from __future__ import annotations

import copy
import io
import pickle
from typing import Any

import pytest

import tallow
from tallow import sparse

LAYOUTS = ("coordinates", "rows", "uncoalesced")


def dense_matrix(rows: int = 5, columns: int = 7, seed: int = 0, **options: Any) -> tallow.Tensor:
    generator = tallow.Generator().manual_seed(seed)
    full = tallow.randn(rows, columns, generator=generator, dtype=tallow.float64)
    return full.masked_fill(full.abs() < 0.7, 0).to(**options) if options else full * (full > 0.3)


def in_layout(dense: tallow.Tensor, layout: str) -> Any:
    if layout == "rows":
        return dense.to_sparse_csr()
    if layout == "coordinates":
        return dense.to_sparse()
    # Every element in two parts, in reverse order.
    found = dense.to_sparse()
    indices = tallow.cat([found.indices(), found.indices()], 1).flip(1)
    values = tallow.cat([found.values() * 0.25, found.values() * 0.75]).flip(0)
    return tallow.sparse_coo_tensor(indices, values, dense.shape)


# ---- Making them.


def test_coordinates_give_the_dense_tensor() -> None:
    x = tallow.sparse_coo_tensor([[0, 1, 1], [2, 0, 2]], [3.0, 4.0, 5.0], (2, 3))
    assert x.to_dense().tolist() == [[0, 0, 3], [4, 0, 5]]
    assert (x.layout, x.is_sparse, x.device.type) == (tallow.sparse_coo, True, "cpu")
    assert (x.sparse_dim(), x.dense_dim(), x._nnz(), x.shape) == (2, 0, 3, (2, 3))


def test_elements_of_the_same_place_are_added() -> None:
    x = tallow.sparse_coo_tensor([[2, 0, 2]], [1.0, 2.0, 3.0], (3,))
    assert not x.is_coalesced()
    with pytest.raises(RuntimeError, match="Cannot get values on an uncoalesced tensor"):
        x.values()
    summed = x.coalesce()
    assert summed.is_coalesced()
    assert summed.indices().tolist() == [[0, 2]]
    assert summed.values().tolist() == [2, 4]
    assert x.to_dense().equal(summed.to_dense())


def test_sizes_are_the_smallest_that_fit() -> None:
    assert tallow.sparse_coo_tensor([[0, 4]], tallow.ones(2, 3)).shape == (5, 3)
    assert tallow.sparse_csr_tensor([0, 1, 2], [3, 0], [1.0, 2.0]).shape == (2, 4)


def test_a_size_alone_has_no_elements() -> None:
    for x in (tallow.sparse_coo_tensor((2, 3)), tallow.sparse_coo_tensor(size=(2, 3))):
        assert (x._nnz(), x.shape) == (0, (2, 3))
        assert not x.to_dense().any()


@pytest.mark.parametrize("sparse_dim", [0, 1, 2, 3])
@pytest.mark.parametrize("shape", [(3, 2, 4), (0, 2, 4), (1, 1, 1)])
def test_dense_tensors_come_back(shape: tuple[int, ...], sparse_dim: int) -> None:
    dense = tallow.arange(24.0)[: shape[0] * shape[1] * shape[2]].view(shape) % 3
    x = dense.to_sparse(sparse_dim)
    assert (x.sparse_dim(), x.dense_dim()) == (sparse_dim, 3 - sparse_dim)
    assert x.to_dense().equal(dense)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int8", "int64", "bool", "complex64"])
def test_every_type_comes_back(dtype: str) -> None:
    dense = tallow.tensor([[0, 1], [2, 0]]).to(getattr(tallow, dtype))
    for x in (dense.to_sparse(), dense.to_sparse_csr()):
        assert x.dtype == dense.dtype
        assert x.to_dense().equal(dense)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (([[0, 5]], [1.0, 2.0], (3,)), RuntimeError, "size is 3 but found index 5"),
        (([[0, -1]], [1.0, 2.0], (3,)), RuntimeError, "found negative index -1 for dim 0"),
        (([[0, 1]], [1.0], (3,)), RuntimeError, "must have same nnz, but got nnz from indices: 2"),
        (([[0, 1]], [1.0, 2.0], (3, 3)), RuntimeError, "'len(size) == sparse_dim + dense_dim'"),
        (([0, 1], [1.0, 2.0], (3,)), RuntimeError, "indices must be sparse_dim x nnz"),
        (([[0.5, 1]], [1.0, 2.0], (3,)), TypeError, "indices must be integers"),
        (([[0]], tallow.ones(1, 2), (3, 3)), RuntimeError, "values has incorrect size"),
    ],
)
def test_parts_that_do_not_fit_are_refused(arguments: Any, error: type, text: str) -> None:
    with pytest.raises(error) as caught:
        tallow.sparse_coo_tensor(*arguments)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (([0, 2], [0], [1.0]), "must ascend from 0 to the number of elements, 1"),
        (([1, 1], [0], [1.0]), "must ascend from 0"),
        (([0, 2, 1], [0], [1.0]), "must ascend from 0"),
        (([0, 1], [3], [1.0], (1, 2)), "size is 2 but found index 3"),
        (([0, 1], [0], [1.0], (2, 2)), "size must be (1, columns)"),
        (([[0, 1]], [0], [1.0]), "must be vectors"),
    ],
)
def test_rows_that_do_not_fit_are_refused(arguments: Any, text: str) -> None:
    with pytest.raises(RuntimeError) as caught:
        tallow.sparse_csr_tensor(*arguments)
    assert text in str(caught.value)


# ---- Text, copies and files.


def test_text() -> None:
    x = tallow.sparse_coo_tensor([[0, 1], [2, 0]], [3.0, 4.0], (2, 3))
    assert str(x) == (
        "tensor(indices=tensor([[0, 1],\n                       [2, 0]]),\n"
        "       values=tensor([3., 4.]),\n"
        "       size=(2, 3), nnz=2, layout=tallow.sparse_coo)"
    )
    assert str(x.double().to_sparse_csr()) == (
        "tensor(crow_indices=tensor([0, 1, 2]),\n       col_indices=tensor([2, 0]),\n"
        "       values=tensor([3., 4.]), size=(2, 3), nnz=2, dtype=tallow.float64,\n"
        "       layout=tallow.sparse_csr)"
    )
    assert "indices=tensor([], size=(1, 0))" in str(tallow.sparse_coo_tensor((3,)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_copies_and_files(layout: str) -> None:
    x = in_layout(dense_matrix(), layout)
    file = io.BytesIO()
    tallow.save({"x": x, "both": [x, dense_matrix().to_sparse_csr()]}, file)
    file.seek(0)
    loaded = tallow.load(file, weights_only=True)["x"]
    for same in (loaded, pickle.loads(pickle.dumps(x)), copy.deepcopy(x), x.clone()):
        assert same.layout == x.layout
        assert same.to_dense().equal(x.to_dense())
        assert same._values().data_ptr() != x._values().data_ptr()


def test_a_file_cannot_promise_what_is_not_so() -> None:
    x = tallow.sparse_coo_tensor([[1, 0, 1]], [1.0, 2.0, 3.0], (2,), is_coalesced=True)
    file = io.BytesIO()
    tallow.save(x, file)
    file.seek(0)
    assert tallow.load(file).values().tolist() == [2, 4]


# ---- Functions: the same as for dense tensors.

UNARY: tuple[Any, ...] = (
    lambda x: x * 3,
    lambda x: 3 * x,
    lambda x: x / 4,
    lambda x: x // 0.5,
    lambda x: -x,
    lambda x: x**2,
    lambda x: x.abs(),
    lambda x: x.sqrt(),
    lambda x: x.tanh(),
    lambda x: x.float(),
    lambda x: x.to(tallow.complex128),
    lambda x: x.t(),
    lambda x: x.T,
    lambda x: x.transpose(0, 1),
    lambda x: x.permute(1, 0),
    lambda x: x.unsqueeze(0),
    lambda x: x.unsqueeze(-1),
    lambda x: x[1],
    lambda x: x[-1],
    lambda x: x[:, 2],
    lambda x: x[..., 0],
    lambda x: x[tallow.tensor([3, 0, 3])],
    lambda x: x.index_select(1, tallow.tensor([6, 5, 2, 2])),
    lambda x: x.narrow(1, 2, 3),
    lambda x: x.sum(0),
    lambda x: x.sum(1, keepdim=True),
    lambda x: tallow.cat([x, x]),
    lambda x: tallow.cat([x, x], 1),
    lambda x: tallow.stack([x, x], 1),
    lambda x: x + x,
    lambda x: x - 2 * x,
    lambda x: x * x,
    lambda x: x * x.t().t(),
    lambda x: x * tallow.arange(7.0, dtype=tallow.float64),
    lambda x: x @ x.t(),
    lambda x: tallow.zeros_like(x),
    lambda x: x.detach().clone().mul_(2),
    lambda x: x.clone().add_(x),
    lambda x: x.clone().zero_(),
    lambda x: x.isnan(),
)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("index", range(len(UNARY)))
def test_sparse_results_equal_dense_ones(index: int, layout: str) -> None:
    dense = dense_matrix()
    found = UNARY[index](in_layout(dense, layout))
    expected = UNARY[index](dense)
    assert isinstance(found, sparse.SparseTensor)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    tallow.testing.assert_close(found.to_dense(), expected)


DENSE_RESULTS: tuple[Any, ...] = (
    lambda x: x @ tallow.arange(14.0, dtype=tallow.float64).view(7, 2),
    lambda x: x @ tallow.arange(7.0, dtype=tallow.float64),
    lambda x: tallow.mm(x, tallow.ones(7, 0, dtype=tallow.float64)),
    lambda x: tallow.arange(10.0, dtype=tallow.float64).view(2, 5) @ x,
    lambda x: tallow.arange(5.0, dtype=tallow.float64) @ x,
    lambda x: tallow.ones(5, 7, dtype=tallow.float64) + x,
    lambda x: tallow.ones(5, 7, dtype=tallow.float64) - 2 * x,
    lambda x: tallow.ones(5, 7, dtype=tallow.float64).t().contiguous().t().add_(x, alpha=3),
    lambda x: tallow.addmm(
        tallow.ones(5, 2, dtype=tallow.float64), x, tallow.ones(7, 2, dtype=tallow.float64),
        beta=2, alpha=3,
    ),
    lambda x: tallow.nn.functional.linear(x, tallow.ones(3, 7, dtype=tallow.float64)),
    lambda x: x.sum(),
    lambda x: x.sum((0, 1)),
    lambda x: x.norm(),
    lambda x: x[1, 2],
    lambda x: x.any(),
)  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("index", range(len(DENSE_RESULTS)))
def test_dense_results_equal_dense_ones(index: int, layout: str) -> None:
    dense = dense_matrix()
    found = DENSE_RESULTS[index](in_layout(dense, layout))
    expected = DENSE_RESULTS[index](dense)
    assert type(found) is tallow.Tensor
    tallow.testing.assert_close(found, expected)


@pytest.mark.parametrize("dtype", ["int64", "complex64", "float16", "float32"])
def test_products_in_other_types(dtype: str) -> None:
    dense = tallow.tensor([[0, 2, 0], [3, 0, -1]]).to(getattr(tallow, dtype))
    other = tallow.arange(6).view(3, 2).to(dense.dtype)
    assert (dense.to_sparse() @ other).equal(dense @ other)


def test_products_of_batches() -> None:
    dense = tallow.stack([dense_matrix(3, 4), dense_matrix(3, 4, 1)])
    other = tallow.arange(40.0, dtype=tallow.float64).view(2, 4, 5)
    tallow.testing.assert_close(tallow.bmm(dense.to_sparse(), other), tallow.bmm(dense, other))


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("log", [False, True])
def test_softmax_is_over_the_listed_elements(dim: int, log: bool) -> None:
    dense = dense_matrix()
    hidden = dense.masked_fill(dense == 0, -float("inf"))
    found = (sparse.log_softmax if log else sparse.softmax)(dense.to_sparse(), dim)
    expected = (tallow.log_softmax if log else tallow.softmax)(hidden, dim)
    at = tuple(dense.to_sparse().indices())
    tallow.testing.assert_close(found.values(), expected[at])


def test_sampled_products_and_diagonals() -> None:
    pattern = dense_matrix(3, 4).to_sparse_csr()
    a, b = dense_matrix(3, 2, 1), dense_matrix(2, 4, 2)
    found = sparse.sampled_addmm(pattern, a, b, beta=2, alpha=3).to_dense()
    expected = (2 * pattern.to_dense() + 3 * a @ b) * (pattern.to_dense() != 0)
    tallow.testing.assert_close(found, expected)
    lines = tallow.arange(1.0, 9).view(2, 4)
    made = sparse.spdiags(lines, tallow.tensor([0, -1]), (4, 4)).to_dense()
    assert made.equal(tallow.diag(lines[0]) + tallow.diag(lines[1, :3], -1))


def test_masks_choose_places() -> None:
    dense = dense_matrix()
    mask = tallow.sparse_coo_tensor([[0, 4], [1, 6]], [1.0, 1.0], (5, 7))
    chosen = dense.sparse_mask(mask)
    assert chosen.to_dense().count_nonzero() <= 2
    assert chosen._values().tolist() == [dense[0, 1].item(), dense[4, 6].item()]


# ---- What is not defined.


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda x: x.exp(), NotImplementedError, "Could not run 'aten::exp' with arguments from"),
        (lambda x: x > 0, NotImplementedError, "Could not run 'aten::gt' with arguments from"),
        (lambda x: x.view(7, 5), NotImplementedError, "Could not run 'aten::view'"),
        (lambda x: x.max(), NotImplementedError, "Could not run 'aten::max'"),
        (lambda x: x.mean(), NotImplementedError, "Could not run 'aten::mean.dim'"),
        (lambda x: x[:, 1:3], NotImplementedError, "Could not run 'aten::as_strided'"),
        (lambda x: x + tallow.ones(5, 7), RuntimeError, "add(sparse, dense) is not supported"),
        (lambda x: x + 1, NotImplementedError, "add()"),
        (lambda x: x / x, RuntimeError, "Sparse division requires a scalar"),
        (lambda x: x.numpy(), TypeError, "can't convert Sparse layout tensor to numpy"),
        (lambda x: x.item(), RuntimeError, "a Tensor with 35 elements cannot be converted"),
        (lambda x: x.data_ptr(), RuntimeError, "Cannot access data pointer"),
        (lambda x: x.reshape(7, 5), RuntimeError, "reshape is not implemented for sparse"),
        (lambda x: x @ tallow.ones(6, 2), RuntimeError, "Expected dim 0 size 7, got 6"),
        (lambda x: x @ tallow.ones(7, 2), RuntimeError, "to have the same dtype"),
        (lambda x: x[9], IndexError, "select(): index 9 out of range"),
        (lambda x: x.index_select(0, tallow.tensor([5])), IndexError, "index 5 is out of range"),
        (lambda x: x.sum(2), IndexError, "Dimension out of range (expected to be in range of [-2"),
        (lambda x: x.__setitem__(0, 1), TypeError, "Cannot assign to a sparse tensor"),
        (lambda x: sparse.mm(x, x), RuntimeError, "cannot be multiplied (5x7 and 5x7)"),
        (lambda x: sparse.softmax(x.long(), 0), NotImplementedError, "not implemented for 'Long'"),
        (lambda x: x.transpose(0, 2), IndexError, "Dimension out of range"),
        (lambda x: tallow.mm(x, x.t(), out=tallow.empty(0)), NotImplementedError, "mm.out"),
        (lambda x: tallow.ones(2).sparse_mask(x), RuntimeError, "incompatible sizes"),
        (lambda x: x.to_sparse(layout=tallow.sparse_csc), NotImplementedError, "layout"),
    ],
)
def test_the_rest_is_refused(call: Any, error: type, text: str) -> None:
    with pytest.raises(error) as caught:
        call(dense_matrix().to_sparse())
    assert text in str(caught.value)


def test_a_tensor_without_dimensions() -> None:
    x = tallow.sparse_coo_tensor(tallow.zeros(0, 1, dtype=tallow.int64), tallow.tensor([3.0]), ())
    assert x.item() == x.to_dense().item() == x.sum().item() == 3
    assert (tallow.tensor(1.0) + 2 * x).item() == 7
    assert tallow.tensor(1.0).add_(x, alpha=2).item() == 7
    for call in (lambda: x.sum(0), lambda: x[0], lambda: sparse.softmax(x, 0)):
        with pytest.raises(IndexError, match=r"Dimension out of range \(expected .* \[-1, 0\]"):
            call()


def test_sparse_tensors_in_text_and_in_comparisons() -> None:
    x = dense_matrix().to_sparse()
    assert f"{x}" == str(x)
    tallow.testing.assert_close(x, x.clone())
    tallow.testing.assert_close({"x": x.to_sparse_csr()}, {"x": x.to_sparse_csr()})
    with pytest.raises(AssertionError, match="Mismatched elements"):
        tallow.testing.assert_close(x, x * 2)
    with pytest.raises(AssertionError, match="'layout' do not match"):
        tallow.testing.assert_close(x, x.to_dense())


def test_layers_keep_sparse_buffers() -> None:
    class Graph(tallow.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("adjacent", tallow.eye(3).to_sparse())

    layer = Graph().double()
    assert layer.adjacent.dtype == tallow.float64
    state = {"adjacent": tallow.ones(3, 3).to_sparse()}
    layer.load_state_dict(state)
    assert layer.adjacent.to_dense().equal(tallow.ones(3, 3).double())
    assert copy.deepcopy(layer).adjacent.is_sparse


def test_dense_tensors_have_no_places() -> None:
    for name in ("indices", "values", "coalesce"):
        with pytest.raises(RuntimeError, match="layout but got Strided"):
            getattr(tallow.ones(2), name)()
    assert (tallow.ones(2, 3).sparse_dim(), tallow.ones(2, 3).dense_dim()) == (0, 2)


def test_nothing_of_it_is_loaded_before_it_is_used() -> None:
    import subprocess
    import sys

    code = "import sys, tallow; tallow.nn.Linear(2, 2)(tallow.ones(1, 2)).sum().backward(); "
    code += "sys.exit('tallow.sparse' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
