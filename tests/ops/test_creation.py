"""New tensors: types, bounds, layouts and refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tallow


@pytest.mark.parametrize(
    ("value", "dtype"),
    [
        (True, tallow.bool),
        (3, tallow.int64),
        (2.5, tallow.float32),
        (1 + 2j, tallow.complex64),
    ],
)
def test_full_takes_the_type_of_the_value(value: Any, dtype: Any) -> None:
    made = tallow.full((2,), value)
    assert (made.dtype, made.tolist()) == (dtype, [value] * 2)


def test_the_default_type_is_used() -> None:
    tallow.set_default_dtype(tallow.float64)
    try:
        for made in (
            tallow.zeros(1),
            tallow.eye(1),
            tallow.linspace(0, 1, 2),
            tallow.full((1,), 2.0),
        ):
            assert made.dtype == tallow.float64
        assert tallow.arange(3.0).dtype == tallow.float64
        assert tallow.arange(3).dtype == tallow.int64
    finally:
        tallow.set_default_dtype(tallow.float32)


@pytest.mark.parametrize("function", [tallow.zeros, tallow.ones, tallow.empty, tallow.rand])
def test_sizes_may_be_given_in_every_way(function: Any) -> None:
    for made in (function(2, 3), function((2, 3)), function([2, 3]), function(size=(2, 3))):
        assert made.shape == (2, 3)
    assert function(()).shape == ()
    assert function(0).shape == (0,)
    assert function(2, 0, 3).shape == (2, 0, 3)


def test_out_is_written() -> None:
    out = tallow.empty(0)
    assert tallow.arange(4.0, out=out) is out
    assert out.tolist() == [0, 1, 2, 3]


def test_options() -> None:
    made = tallow.zeros(
        2, dtype=tallow.float64, layout=tallow.strided, device="cpu", requires_grad=True
    )
    assert made.requires_grad
    assert made.is_leaf
    assert made.dtype == tallow.float64


def test_meta_tensors_have_shapes_only() -> None:
    for made in (
        tallow.zeros(3, device="meta"),
        tallow.arange(3, device="meta"),
        tallow.eye(3, device="meta")[0],
        tallow.rand(3, device="meta"),
        tallow.cat([tallow.zeros(1, device="meta"), tallow.zeros(2, device="meta")]),
    ):
        assert (made.shape, str(made.device)) == ((3,), "meta")


def test_like_keeps_the_memory_order() -> None:
    turned = tallow.zeros(4, 3, 2).permute(2, 0, 1)
    for function in (tallow.empty_like, tallow.zeros_like, tallow.ones_like, tallow.rand_like):
        assert function(turned).stride() == turned.stride()
    assert tallow.zeros_like(turned, memory_format=tallow.contiguous_format).is_contiguous()
    assert tallow.full_like(turned, 3, dtype=tallow.int8).dtype == tallow.int8


def test_empty_in_channels_last() -> None:
    made = tallow.empty(2, 3, 4, 5, memory_format=tallow.channels_last)
    assert made.stride() == (60, 1, 15, 3)


def test_new_takes_type_from_the_tensor() -> None:
    like = tallow.zeros(1, dtype=tallow.int16)
    assert like.new_zeros(2, 3).dtype == like.new_empty((2,)).dtype == tallow.int16
    assert like.new_full((2,), 7).tolist() == [7, 7]
    assert like.new_ones((2,), dtype=tallow.float32).tolist() == [1, 1]


@pytest.mark.parametrize(
    ("args", "dtype"),
    [((5,), "int64"), ((1, 9, 3), "int64"), ((5, 0, -2), "int64"), ((2.5,), "float32")],
)
def test_arange_types(args: tuple[float, ...], dtype: str) -> None:
    made = tallow.arange(*args)
    assert made.dtype == getattr(tallow, dtype)
    np.testing.assert_array_equal(made.numpy(), np.arange(*args, dtype=dtype))


def test_arange_is_exact_for_large_integers() -> None:
    start = 2**62 + 1
    assert tallow.arange(start, start + 3).tolist() == [start, start + 1, start + 2]


def test_arange_rounds_once() -> None:
    made = tallow.arange(0, 1000, 0.1).numpy()
    expected = (np.arange(10_000) * np.float64(0.1)).astype(np.float32)
    np.testing.assert_array_max_ulp(made, expected, 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("steps", [2, 3, 7, 100, 1001])
def test_linspace_has_exact_ends(dtype: str, steps: int) -> None:
    made = tallow.linspace(0.1, 5.7, steps, dtype=getattr(tallow, dtype)).numpy()
    assert made[0] == np.array(0.1, dtype)
    assert made[-1] == np.array(5.7, dtype)
    np.testing.assert_allclose(made, np.linspace(0.1, 5.7, steps), rtol=2 * np.finfo(dtype).eps)
    assert (np.diff(made) > 0).all()


def test_linspace_of_integers_truncates() -> None:
    assert tallow.linspace(0, 10, 4, dtype=tallow.int64).tolist() == [0, 3, 6, 10]
    assert tallow.linspace(-2.5, 2.5, 3, dtype=tallow.int32).tolist() == [-2, 0, 2]


@pytest.mark.parametrize("steps", [0, 1])
def test_short_linspaces(steps: int) -> None:
    assert tallow.linspace(3, 9, steps).tolist() == [3.0][:steps]


def test_logspace() -> None:
    np.testing.assert_allclose(tallow.logspace(0, 2, 3).tolist(), [1, 10, 100], rtol=1e-6)
    assert tallow.logspace(0, 3, 4, 2).tolist() == [1, 2, 4, 8]


@pytest.mark.parametrize(("n", "m"), [(0, None), (1, None), (3, None), (2, 4), (4, 2), (3, 0)])
def test_eye(n: int, m: int | None) -> None:
    made = tallow.eye(n) if m is None else tallow.eye(n, m)
    np.testing.assert_array_equal(made.numpy(), np.eye(n, m))


@pytest.mark.parametrize("name", ["tril_indices", "triu_indices"])
@pytest.mark.parametrize("offset", [-3, -1, 0, 1, 4])
def test_triangle_indices(name: str, offset: int) -> None:
    made = getattr(tallow, name)(3, 4, offset)
    expected = np.stack(getattr(np, name)(3, offset, 4))
    np.testing.assert_array_equal(made.numpy(), expected)


def test_creation_is_not_recorded() -> None:
    x = tallow.ones(2, requires_grad=True)
    assert not tallow.zeros_like(x * 2).requires_grad


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: tallow.zeros(2, -1), RuntimeError, "zeros: Dimension size must be non-negative."),
    (
        lambda: tallow.ones(2, -1),
        RuntimeError,
        "Trying to create tensor with negative dimension -1: [2, -1]",
    ),
    (lambda: tallow.zeros(2**62), RuntimeError, "Storage size calculation overflowed with"),
    (lambda: tallow.zeros(2**33, 2**33), RuntimeError, ""),
    (
        lambda: tallow.empty(10**13),
        tallow.OutOfMemoryError,
        "DefaultCPUAllocator: can't allocate memory: you tried to allocate 40000000000000 bytes.",
    ),
    (lambda: tallow.arange(0, 5, 0), RuntimeError, "step must be nonzero"),
    (
        lambda: tallow.arange(0, -5, 1),
        RuntimeError,
        "upper bound and lower bound inconsistent with step sign",
    ),
    (lambda: tallow.arange(float("inf")), RuntimeError, "unsupported range: 0 -> inf"),
    (
        lambda: tallow.arange(3, dtype=tallow.bool),
        NotImplementedError,
        "\"arange_cpu\" not implemented for 'Bool'",
    ),
    (lambda: tallow.linspace(0, 1, -1), RuntimeError, "number of steps must be non-negative"),
    (lambda: tallow.eye(-1), RuntimeError, "n must be greater or equal to 0, got -1"),
    (lambda: tallow.eye(1, -1), RuntimeError, "m must be greater or equal to 0, got -1"),
    (lambda: tallow.zeros("a"), TypeError, "zeros(): argument 'size' "),
    (lambda: tallow.empty(2, pin_memory=True), RuntimeError, "pin_memory=True requires a CUDA"),
    (lambda: tallow.ones(2, dtype=tallow.int64, requires_grad=True), RuntimeError, ""),
    (
        lambda: tallow.empty_strided((2, 2), (1,)),
        RuntimeError,
        "dimensionality of sizes (2) must match dimensionality of strides (1)",
    ),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_arguments(number: int) -> None:
    call, kind, message = BAD[number]
    with pytest.raises(kind) as error:
        call()
    assert str(error.value).startswith(message)


def test_the_ends_of_a_range_may_be_tensors() -> None:
    one, three = tallow.tensor(1), tallow.tensor(3.0)
    assert tallow.linspace(one, three, 3).tolist() == [1, 2, 3]
    assert tallow.linspace(1, three, 3).tolist() == [1, 2, 3]
    assert tallow.logspace(one, 3, 3, base=2).tolist() == [2, 4, 8]
    with pytest.raises(RuntimeError) as caught:
        tallow.linspace(tallow.ones(2), tallow.ones(1, 1), 3)
    assert str(caught.value) == (
        "linspace only supports 0-dimensional start and end tensors, but got start with "
        "1 dimension(s) and end with 2 dimension(s)."
    )
    with pytest.raises(TypeError, match=r"got \(int, int, float\)"):
        tallow.linspace(0, 3, 1.0)  # type: ignore[call-overload]
