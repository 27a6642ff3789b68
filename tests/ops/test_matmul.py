"""Matrix products: sizes around the register blocks, layouts, error texts, gradients' layouts."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tallow
from tallow.nn import functional as F

# Beside the edges of vectors, register blocks, panels, blocks of the sum and what is packed at a
# time; thin and empty ones.
SIZES = [
    (1, 1, 1),
    (1, 5, 7),
    (5, 1, 7),
    (7, 5, 1),
    (6, 64, 3),
    (7, 65, 257),
    (64, 120, 40),
    (3, 70, 300),
    (17, 33, 65),
    (50, 129, 255),
    (16, 100, 256),
    (2, 3, 4097),
    (1, 600, 70),
    (600, 1, 70),
    (4, 530, 9),
    (1030, 1030, 530),
    (13, 13, 0),
    (0, 4, 3),
    (4, 0, 3),
]
LAYOUTS: dict[str, Callable[[np.ndarray], Any]] = {
    "rows": lambda x: tallow.tensor(x),
    "columns": lambda x: tallow.tensor(np.ascontiguousarray(x.T)).t(),
    "strided": lambda x: tallow.tensor(np.repeat(x, 2, axis=1))[:, ::2],
}


def integers(seed: int, *shape: int, dtype: str = "float32") -> np.ndarray:
    return np.random.RandomState(seed).randint(-3, 4, shape).astype(dtype)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize("right", LAYOUTS)
def test_product_of_small_integers_is_exact(
    size: tuple[int, int, int], left: str, right: str
) -> None:
    m, n, k = size
    a, b = integers(1, m, k), integers(2, k, n)
    product = LAYOUTS[left](a) @ LAYOUTS[right](b)
    np.testing.assert_array_equal(product.numpy(), a @ b)


@pytest.mark.parametrize("dtype", ["float64", "int8", "uint8", "int64", "complex64", "complex128"])
@pytest.mark.parametrize("size", [(7, 65, 130), (1, 40, 33), (40, 1, 33), (65, 300, 3)], ids=str)
def test_every_type_is_exact(dtype: str, size: tuple[int, int, int]) -> None:
    m, n, k = size
    a, b = integers(1, m, k).astype(dtype), integers(2, k, n).astype(dtype)
    np.testing.assert_array_equal((tallow.tensor(a) @ tallow.tensor(b)).numpy(), a @ b)


def test_half_types_sum_in_float32() -> None:
    a = tallow.ones(3, 4096, dtype=tallow.float16)
    assert (a @ a.t()).tolist() == [[4096.0] * 3] * 3
    b = tallow.full((2, 1000), 0.1, dtype=tallow.bfloat16)
    expected = np.float32(b.float().numpy() @ b.float().numpy().T)
    np.testing.assert_allclose((b @ b.t()).float().numpy(), expected, rtol=2**-8)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(
    "size", [(17, 33, 65), (40, 130, 129), (70, 64, 1), (33, 17, 128)], ids=str
)
@pytest.mark.parametrize("left", LAYOUTS)
@pytest.mark.parametrize("right", LAYOUTS)
def test_half_products_are_rounded_once(
    dtype: str, size: tuple[int, int, int], left: str, right: str
) -> None:
    m, n, k = size
    a, b = integers(1, m, k), integers(2, k, n)
    x, y = (LAYOUTS[side](v).to(getattr(tallow, dtype)) for side, v in ((left, a), (right, b)))
    bias = tallow.tensor(integers(3, n)).to(x.dtype)
    expected = tallow.tensor(a @ b + integers(3, n)).to(x.dtype)
    assert tallow.equal(tallow.addmm(bias, x, y), expected)


def test_half_products_of_batches_and_repeats() -> None:
    a, b = integers(1, 3, 2, 20, 30), integers(2, 3, 1, 30, 40)
    x, y = tallow.tensor(a).bfloat16(), tallow.tensor(b).bfloat16()
    np.testing.assert_array_equal((x @ y.expand(3, 2, 30, 40)).float().numpy(), a @ b)
    np.testing.assert_array_equal((x @ y[0, 0]).float().numpy(), a @ b[0, 0])
    np.testing.assert_array_equal((x[0, 0] @ y).float().numpy(), a[0, 0] @ b)


@pytest.mark.parametrize("k", [400, 512, 1024, 4096])
def test_error_is_within_eight_units(k: int) -> None:
    random = np.random.RandomState(0)
    a = random.rand(64, k).astype("float32")
    b = random.rand(k, 48).astype("float32")
    exact = a.astype("float64") @ b.astype("float64")
    for x, y in ((a, b), (a[:1], b), (a, b[:, :1])):
        error = np.abs(
            (tallow.tensor(x) @ tallow.tensor(y)).numpy() - exact[: len(x), : y.shape[1]]
        )
        assert (error / exact[: len(x), : y.shape[1]]).max() <= 8 * 2.0**-24


BIG = [(300, 300, 300), (64, 120, 400), (16, 700, 4096), (1, 3000, 900), (6, 25, 9000)]


def fingerprint() -> str:
    """Hash of large products of every layout, for comparing threads and instruction sets."""
    sha = hashlib.sha256()
    random = np.random.RandomState(0)
    for m, n, k in BIG:
        a = random.standard_normal((m, k)).astype("float32")
        b = random.standard_normal((k, n)).astype("float32")
        for left in ("rows", "columns"):
            for right in ("rows", "columns"):
                sha.update((LAYOUTS[left](a) @ LAYOUTS[right](b)).numpy().tobytes())
    a = tallow.tensor(random.standard_normal((20, 30, 40)))
    sha.update((a @ a.transpose(1, 2)).numpy().tobytes())
    for m, n, k in [(17, 33, 65), (64, 120, 400), (100, 130, 257), (31, 16, 1)]:
        a = random.standard_normal((m, k)).astype("float32")
        b = random.standard_normal((k, n)).astype("float32")
        bias = tallow.tensor(random.standard_normal((n, m)).astype("float32")).bfloat16().t()
        for left in LAYOUTS:
            for right in LAYOUTS:
                x, y = LAYOUTS[left](a).bfloat16(), LAYOUTS[right](b).bfloat16()
                sum = tallow.addmm(bias, x, y, beta=0.5, alpha=3)
                sha.update(sum.float().numpy().tobytes())
    return sha.hexdigest()


def test_bits_do_not_depend_on_threads() -> None:
    prints = set()
    for threads in (1, 2, 3, 8):
        tallow.set_num_threads(threads)
        prints.add(fingerprint())
    assert len(prints) == 1


def test_bits_do_not_depend_on_the_instruction_set() -> None:
    levels = [level for level in tallow._C._cpu_levels() if level != "baseline"]
    code = (
        "import sys; sys.path[:0] = {path!r}\nimport test_matmul\nprint(test_matmul.fingerprint())"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", code.format(path=[os.path.dirname(__file__), *sys.path])],
            env={**os.environ, "TALLOW_CPU_LEVEL": level},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for level in levels
    }
    assert len(prints) <= 1


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 4)),
        ((5, 2, 3), (3,)),
        ((3,), (5, 3, 4)),
        ((5, 2, 3), (3, 4)),
        ((2, 3), (5, 3, 4)),
        ((1, 2, 3), (5, 3, 4)),
        ((6, 1, 2, 3), (5, 3, 4)),
        ((2, 1, 3, 1, 4, 5), (2, 1, 2, 5, 2)),
        ((0, 2, 3), (3, 4)),
        ((2, 3, 0), (0, 4)),
    ],
    ids=str,
)
def test_matmul_broadcasts_as_numpy(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    x, y = integers(1, *a), integers(2, *b)
    np.testing.assert_array_equal((tallow.tensor(x) @ tallow.tensor(y)).numpy(), x @ y)


def test_batches_of_any_strides() -> None:
    x = integers(1, 4, 5, 3, 6)  # (batch, time, head, feature), as in attention
    y = tallow.tensor(x).transpose(1, 2)
    z = x.transpose(0, 2, 1, 3)
    np.testing.assert_array_equal((y @ y.transpose(-1, -2)).numpy(), z @ z.swapaxes(-1, -2))
    np.testing.assert_array_equal((y @ y[0, 0].t()).numpy(), z @ z[0, 0].T)


def test_dot_of_a_long_vector_is_accurate() -> None:
    x = np.random.RandomState(0).rand(1_000_003).astype("float32")
    exact = float(np.dot(x.astype("float64"), x.astype("float64")))
    leaf = tallow.tensor(x)
    assert abs(tallow.dot(leaf, leaf).item() - exact) <= 8 * 2.0**-24 * exact


def test_beta_zero_ignores_nan() -> None:
    nan = tallow.full((2, 2), float("nan"))
    one = tallow.ones(2, 2)
    assert tallow.addmm(nan, one, one, beta=0).tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert tallow.baddbmm(nan[None], one[None], one[None], beta=0).flatten().tolist() == [2.0] * 4
    assert tallow.addmv(nan[0], one, one[0], beta=0).tolist() == [2.0, 2.0]


@pytest.mark.parametrize("name", ["addmm", "addmv", "baddbmm", "addbmm", "addr"])
def test_in_place_form_equals_function_and_keeps_identity(name: str) -> None:
    shapes = {
        "addmm": ((2, 4), (2, 3), (3, 4)),
        "addmv": ((2,), (2, 3), (3,)),
        "baddbmm": ((5, 2, 4), (5, 2, 3), (5, 3, 4)),
        "addbmm": ((2, 4), (5, 2, 3), (5, 3, 4)),
        "addr": ((2, 4), (2,), (4,)),
    }[name]
    self, a, b = (tallow.tensor(integers(i, *shape)) for i, shape in enumerate(shapes))
    expected = getattr(tallow, name)(self, a, b, beta=2, alpha=3)
    target = self.clone()
    version = target._version
    assert getattr(target, name + "_")(a, b, beta=2, alpha=3) is target
    assert tallow.equal(target, expected)
    assert target._version > version


def test_in_place_sum_is_recorded() -> None:
    x = tallow.ones(2, 2, requires_grad=True)
    y = x * 1
    y.addmm_(x, x, alpha=2)
    y.sum().backward()
    assert y.grad_fn.name() == "AddmmBackward0"
    assert x.grad.tolist() == [[9.0, 9.0], [9.0, 9.0]]


def names(tensor: Any) -> list[str]:
    return [fn.name() if fn else None for fn, _ in tensor.grad_fn.next_functions]


def test_linear_records_what_pytorch_records() -> None:
    x = tallow.ones(2, 3, requires_grad=True)
    w = tallow.ones(4, 3, requires_grad=True)
    b = tallow.ones(4, requires_grad=True)
    with_bias, without = F.linear(x, w, b), F.linear(x, w)
    assert with_bias.grad_fn.name() == "AddmmBackward0"
    assert [n.rpartition("::")[2] for n in names(with_bias)] == [
        "AccumulateGrad",
        "AccumulateGrad",
        "TBackward0",
    ]
    assert without.grad_fn.name() == "MmBackward0"


@pytest.mark.parametrize("shape", [(3,), (2, 3), (5, 2, 3), (6, 5, 2, 3), (0, 3), (2, 0, 3)])
def test_linear_of_any_rank_is_a_product_per_row(shape: tuple[int, ...]) -> None:
    x, w, b = integers(1, *shape), integers(2, 4, 3), integers(3, 4)
    args = [tallow.tensor(v).requires_grad_() for v in (x, w, b)]
    out = F.linear(*args)
    np.testing.assert_array_equal(out.detach().numpy(), x @ w.T + b)
    out.sum().backward()
    rows = x.reshape(-1, 3)
    np.testing.assert_array_equal(args[0].grad.numpy(), np.broadcast_to(w.sum(0), shape))
    np.testing.assert_array_equal(args[1].grad.numpy(), np.tile(rows.sum(0), (4, 1)))
    np.testing.assert_array_equal(args[2].grad.numpy(), np.full(4, len(rows), "float32"))


def test_gradient_of_a_linear_weight_is_contiguous() -> None:
    w = tallow.ones(4, 3, requires_grad=True)
    F.linear(tallow.ones(2, 3), w, tallow.ones(4)).sum().backward()
    assert w.grad.is_contiguous()


def test_product_with_itself_counts_twice() -> None:
    x = tallow.tensor(integers(1, 3, 3)).requires_grad_()
    (x @ x).sum().backward()
    ones = np.ones((3, 3), "float32")
    value = x.detach().numpy()
    np.testing.assert_array_equal(x.grad.numpy(), ones @ value.T + value.T @ ones)


def o(*shape: int, dtype: Any = None) -> Any:
    return tallow.ones(*shape, dtype=dtype or tallow.float32)


ERRORS: list[tuple[Callable[[], Any], type, str]] = [
    (lambda: o(2, 3) @ o(2, 3), RuntimeError,
     "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"),
    (lambda: tallow.mm(o(2), o(2, 3)), RuntimeError, "self must be a matrix"),
    (lambda: tallow.mm(o(2, 3), o(3)), RuntimeError, "mat2 must be a matrix"),
    (lambda: o(2, 3) @ o(3, 4, dtype=tallow.float64), RuntimeError,
     "expected m1 and m2 to have the same dtype, but got: float != double"),
    (lambda: tallow.bmm(o(2, 3), o(2, 3)), RuntimeError, "batch1 must be a 3D tensor"),
    (lambda: tallow.bmm(o(2, 3, 4), o(3, 4, 5)), RuntimeError,
     "Expected size for first two dimensions of batch2 tensor to be: [2, 4] but got: [3, 4]."),
    (lambda: tallow.bmm(o(2, 3, 4), o(2, 4, 5, dtype=tallow.float64)), RuntimeError,
     "expected scalar type Float but found Double"),
    (lambda: tallow.mv(o(2, 3), o(4)), RuntimeError,
     "size mismatch, got input (2), mat (2x3), vec (4)"),
    (lambda: tallow.mv(o(2), o(2)), RuntimeError, "vector + matrix @ vector expected, got 1, 1, 1"),
    (lambda: tallow.dot(o(3), o(4)), RuntimeError,
     "inconsistent tensor size, expected tensor [3] and src [4] to have the same number of "
     "elements, but got 3 and 4 elements respectively"),
    (lambda: tallow.dot(o(3, 1), o(3)), RuntimeError,
     "1D tensors expected, but got 2D and 1D tensors"),
    (lambda: tallow.tensor(1.0) @ o(3), RuntimeError,
     "both arguments to matmul need to be at least 1D, but they are 0D and 1D"),
    (lambda: o(3) @ o(4, 5), RuntimeError,
     "mat1 and mat2 shapes cannot be multiplied (1x3 and 4x5)"),
    (lambda: o(5, 2, 3) @ o(4, 5), RuntimeError,
     "mat1 and mat2 shapes cannot be multiplied (10x3 and 4x5)"),
    (lambda: o(5, 2, 3) @ o(4), RuntimeError, "size mismatch, got input (10), mat (10x3), vec (4)"),
    (lambda: o(5, 2, 3) @ o(4, 3, 5), RuntimeError,
     "The size of tensor a (5) must match the size of tensor b (4) at non-singleton dimension 0"),
    (lambda: o(5, 2, 3) @ o(5, 4, 5), RuntimeError,
     "Expected size for first two dimensions of batch2 tensor to be: [5, 3] but got: [5, 4]."),
    (lambda: F.linear(o(2, 5), o(4, 3), o(4)), RuntimeError,
     "mat1 and mat2 shapes cannot be multiplied (2x5 and 3x4)"),
    (lambda: F.linear(o(5, 2, 3), o(4, 4), o(4)), RuntimeError,
     "mat1 and mat2 shapes cannot be multiplied (10x3 and 4x4)"),
    (lambda: F.linear(o(2, 3), o(4, 3), o(5)), RuntimeError,
     "The expanded size of the tensor (4) must match the existing size (5) at non-singleton "
     "dimension 1.  Target sizes: [2, 4].  Tensor sizes: [5]"),
    (lambda: F.linear(o(2, 3, dtype=tallow.float64), o(4, 3), o(4)), RuntimeError,
     "mat1 and mat2 must have the same dtype, but got Double and Float"),
    (lambda: F.linear(o(2, 3), o(4, 3), o(4, dtype=tallow.float64)), RuntimeError,
     "self and mat2 must have the same dtype, but got Double and Float"),
    (lambda: F.linear(tallow.tensor(1.0), o(4, 3)), RuntimeError,
     "both arguments to linear need to be at least 1D, but they are 0D and 2D"),
    (lambda: tallow.addmm(o(4), o(2), o(2, 4)), RuntimeError,
     "mat1 must be a matrix, got 1-D tensor"),
    (lambda: o(2, 3).addmm_(o(2, 3), o(3, 4)), RuntimeError,
     "Bad in-place call: input tensor size [2, 3] and output tensor size [2, 4] should match"),
    (lambda: tallow.outer(o(2, 2), o(3)), RuntimeError,
     "outer: Expected 1-D argument self, but got 2-D"),
    (lambda: tallow.mm(o(2, 2).bool(), o(2, 2).bool()), NotImplementedError,
     "\"addmm_impl_cpu_\" not implemented for 'Bool'"),
    (lambda: F.bilinear(o(2, 3), o(2, 4), o(5, 3, 3)), RuntimeError,
     "bilinear(): input2 size does not match weight size: got 4 but expected 3"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_error_begins_as_pytorchs(number: int) -> None:
    call, kind, text = ERRORS[number]
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value).startswith(text)


def test_failed_in_place_sum_changes_nothing() -> None:
    x = o(2, 3)
    version = x._version
    with pytest.raises(RuntimeError):
        x.addmm_(o(2, 3), o(3, 4))
    assert x.tolist() == [[1.0] * 3] * 2
    assert x._version == version


def test_same_as_pytorch_for_odd_integer_factors(torch: Any) -> None:
    def run(package: Any) -> list[list[int]]:
        x = package.ones(2, 2, dtype=package.int64)
        return package.addmm(x, x, x, alpha=1.5).tolist()

    assert json.dumps(run(tallow)) == json.dumps(run(torch))
