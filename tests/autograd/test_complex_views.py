"""Views under another type: parts of complex numbers, pairs as complex numbers, view(dtype)."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

import tallow
from tallow import Tensor


def node(tensor: Tensor) -> str:
    return type(tensor.grad_fn).__name__


def leaf() -> Tensor:
    return tallow.ones(2, 3, dtype=tallow.complex64, requires_grad=True)


def test_parts_are_views() -> None:
    z = tallow.tensor([1 + 2j, 3 + 4j])
    assert z.real._base is z
    assert (z.imag.tolist(), z.imag.stride(), z.imag.storage_offset()) == ([2, 4], (2,), 1)
    z.imag.mul_(10)
    z.real[0] = -1
    assert z.tolist() == [-1 + 20j, 3 + 40j]


@pytest.mark.parametrize(
    ("take", "name"),
    [
        (lambda z: z.real, "SelectBackward0"),
        (lambda z: tallow.imag(z), "SelectBackward0"),
        (lambda z: tallow.view_as_real(z), "ViewAsRealBackward0"),
        (lambda z: tallow.view_as_complex(tallow.view_as_real(z)), "ViewAsComplexBackward0"),
        (lambda z: tallow.complex(z.real, z.imag), "ComplexBackward0"),
    ],
)
def test_node_names(take: Callable[[Tensor], Tensor], name: str) -> None:
    assert node(take(leaf() * 1)) == name


def test_a_real_tensor_is_its_own_real_part_and_has_no_imaginary_one() -> None:
    x = tallow.ones(2, requires_grad=True) * 1
    assert x.real is x
    with pytest.raises(RuntimeError, match="^imag is not implemented for tensors with non-complex"):
        _ = x.imag


@pytest.mark.parametrize(("part", "grad"), [("real", 7 - 5j), ("imag", 5 + 1j)])
def test_writing_through_a_part_is_differentiated(part: str, grad: complex) -> None:
    x = leaf()
    z = x * (1 + 1j)
    view = getattr(z, part)
    view.mul_(3)
    assert (node(z), node(view)) == ("CopySlices", "AsStridedBackward0")
    (z * (2 - 1j)).real.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[grad] * 3] * 2


def test_writing_through_a_slice_of_a_part_leaves_the_rest() -> None:
    x = leaf()
    z = x * (1 + 1j)
    z[0].real[1:].mul_(2)
    z.real.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[1 - 1j, 2 - 2j, 2 - 2j], [1 - 1j] * 3]


def test_a_part_follows_a_write_to_the_whole() -> None:
    x = leaf()
    z = x * (1 + 1j)
    part = z[0].real[1:]
    z.mul_(2)
    assert node(part) == "AsStridedBackward0"
    part.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [[0, 2 - 2j, 2 - 2j], [0] * 3]


def test_writing_through_pairs_as_complex_numbers_is_differentiated() -> None:
    x = tallow.arange(6.0, requires_grad=True)
    y = x * 1
    tallow.view_as_complex(y.view(3, 2)).mul_(1j)
    y.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [1, -1] * 3


def test_pairs_as_complex_numbers_follow_a_write_to_the_real_base() -> None:
    x = tallow.arange(8.0, requires_grad=True)
    y = x * 1
    z = tallow.view_as_complex(y.view(4, 2))[1:3]
    y.mul_(2)
    (z * (1 + 2j)).real.sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [0, 0, 2, -4, 2, -4, 0, 0]


def test_a_part_can_be_assigned() -> None:
    value = tallow.ones(2, requires_grad=True)
    z = tallow.zeros(2, dtype=tallow.complex64)
    z.real = value
    z.imag = 5
    assert z.tolist() == [1 + 5j, 1 + 5j]
    z.real.sum().backward()
    assert value.grad is not None
    assert value.grad.tolist() == [1, 1]


@pytest.mark.parametrize("value", ["a", None, object()])
def test_a_part_takes_only_numbers_and_tensors(value: object) -> None:
    z = tallow.zeros(2, dtype=tallow.complex64)
    with pytest.raises(TypeError, match="^can't assign a "):
        z.real = value  # type: ignore[assignment]


@pytest.mark.parametrize(("re", "im"), [((5,), ()), ((), (5,)), ((3, 5), (5,)), ((2, 1), (3,))])
def test_complex_repeats_the_smaller_part(re: tuple[int, ...], im: tuple[int, ...]) -> None:
    parts = [tallow.arange(1.0, 1 + math.prod(shape)).reshape(shape) for shape in (re, im)]
    z = tallow.complex(*parts)
    for part, given in zip((z.real, z.imag), parts, strict=True):
        assert part.tolist() == given.expand(z.shape).tolist()


def test_complex_of_parts_is_no_view_and_sums_over_what_was_broadcast() -> None:
    re = tallow.ones(3, requires_grad=True)
    im = tallow.ones(2, 1, requires_grad=True)
    z = tallow.complex(re, im)
    assert (z.shape, z._is_view(), z._version) == ((2, 3), False, 0)
    (z * (2 + 3j)).real.sum().backward()
    assert re.grad is not None
    assert im.grad is not None
    assert (re.grad.tolist(), im.grad.tolist()) == ([4, 4, 4], [[-9], [-9]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tallow.view_as_real(tallow.ones(2)), "view_as_real is only supported for complex"),
        (lambda: tallow.view_as_complex(tallow.ones(2).int()), "view_as_complex is only supported"),
        (lambda: tallow.view_as_complex(tallow.tensor(1.0)), "Input tensor must have one or more"),
        (
            lambda: tallow.view_as_complex(tallow.ones(3)),
            "Tensor must have a last dimension of siz",
        ),
        (
            lambda: tallow.view_as_complex(tallow.ones(2, 3).t()),
            "Tensor must have a last dimension with stride 1",
        ),
        (
            lambda: tallow.view_as_complex(tallow.ones(3, 3)[:, :2]),
            "Tensor must have a stride divisible by 2 for all but last dimension",
        ),
        (
            lambda: tallow.view_as_complex(tallow.ones(5)[1:3]),
            "Tensor must have a storage_offset divisible by 2",
        ),
        (
            lambda: tallow.complex(tallow.ones(2).int(), tallow.ones(2)),
            "Expected both inputs to be Half, Float or Double tensors but got Int and Float",
        ),
        (
            lambda: tallow.complex(tallow.ones(2).double(), tallow.ones(2)),
            "Expected object of scalar type Double but got scalar type Float for second argument",
        ),
    ],
)
def test_what_cannot_be_viewed_is_told(call: Callable[[], Tensor], message: str) -> None:
    with pytest.raises(RuntimeError, match=f"^{message}"):
        call()


@pytest.mark.parametrize("dtype", [tallow.float32, tallow.int32, tallow.float64, tallow.uint8])
def test_a_view_by_dtype_has_no_history_and_is_no_view_to_autograd(dtype: tallow.dtype) -> None:
    x = tallow.ones(2, 4, requires_grad=True)
    view = (x * 1).view(dtype)
    assert not view.requires_grad
    assert view.is_leaf
    assert not view._is_view()


def test_a_write_through_a_view_by_dtype_counts() -> None:
    x = tallow.zeros(4)
    bits = x.view(tallow.int32)
    bits.fill_(0x3F800000)
    assert x.tolist() == [1, 1, 1, 1]
    assert x._version == 1


def test_pairs_beside_a_single_element_may_have_any_stride() -> None:
    x = tallow.arange(64.0)
    assert tallow.view_as_complex(x.as_strided((3, 1, 2), (2, 7, 1))).stride() == (1, 3)
    assert tallow.view_as_complex(tallow.zeros(2, 1).T).shape == (1,)
    with pytest.raises(RuntimeError, match="stride divisible by 2"):
        tallow.view_as_complex(x.as_strided((2, 2), (3, 1)))
