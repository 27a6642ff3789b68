"""Sizes and dimensions: where separate numbers, one number or only a sequence is taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import tallow
from tallow import Tensor

x = tallow.arange(6.0).view(2, 3)


@pytest.mark.parametrize(
    ("call", "shape"),
    [
        (lambda: tallow.zeros(2, 3), (2, 3)),
        (lambda: tallow.zeros(2), (2,)),
        (lambda: tallow.zeros((2, 3)), (2, 3)),
        (lambda: tallow.zeros(size=(2,)), (2,)),
        (lambda: tallow.zeros(tallow.tensor(2), 3), (2, 3)),
        (lambda: tallow.full((3,), 1.0), (3,)),
        (lambda: x.new_full((2,), 1), (2,)),
        (lambda: tallow.tile(x, (2,)), (2, 6)),
        (lambda: x.tile(2), (2, 6)),
        (lambda: x.tile(2, 2), (4, 6)),
        (lambda: x.flip(0, 1), (2, 3)),
        (lambda: x.permute(1, 0), (3, 2)),
        (lambda: x.permute(dims=(1, 0)), (3, 2)),
        (lambda: x.reshape(3, 2), (3, 2)),
        (lambda: tallow.reshape(x, (3, 2)), (3, 2)),
        (lambda: x.broadcast_to(4, 2, 3), (4, 2, 3)),
        (lambda: tallow.broadcast_to(x, (4, 2, 3)), (4, 2, 3)),
        (lambda: x.view(1, 2, 1, 3).squeeze(0, 2), (2, 3)),
        (lambda: x.sum((0, 1)), ()),
        (lambda: x.sum_to_size(1, 3), (1, 3)),
        (lambda: x.any(0), (3,)),
        (lambda: x.clone().copy_(1), (2, 3)),  # type: ignore[arg-type]
    ],
)
def test_accepted(call: Callable[[], Tensor], shape: tuple[int, ...]) -> None:
    assert call().shape == shape


PLACE: Any = tallow  # calls that the types refuse as well


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda t: t.full(3, 1.0),
            "full(): argument 'size' (position 1) must be tuple of ints, not",
        ),
        (
            lambda t: t.full(size=3, fill_value=1),
            "full(): argument 'size' must be tuple of ints, n",
        ),
        (lambda t: t.zeros(size=3), "zeros(): argument 'size' must be tuple of ints, not int"),
        (lambda t: t.rand(size=2), "rand(): argument 'size' must be tuple of ints, not int"),
        (
            lambda t: t.tile(x, 2),
            "tile(): argument 'dims' (position 2) must be tuple of ints, not ",
        ),
        (lambda t: t.tile(x, 2, 2), "tile() takes 2 positional arguments but 3 were given"),
        (
            lambda t: t.permute(x, 0),
            "permute(): argument 'dims' (position 2) must be tuple of ints",
        ),
        (lambda t: t.permute(x, 1, 0), "permute() takes 2 positional arguments but 3 were given"),
        (lambda t: t.flip(x, 0), "flip(): argument 'dims' (position 2) must be tuple of ints, not"),
        (lambda t: t.flip(x, dims=0), "flip(): argument 'dims' must be tuple of ints, not int"),
        (
            lambda t: t.reshape(x, 6),
            "reshape(): argument 'shape' (position 2) must be tuple of int",
        ),
        (lambda t: t.reshape(x, 3, 2), "reshape() takes 2 positional arguments but 3 were given"),
        (lambda t: t.rot90(x, 1, 0), "rot90(): argument 'dims' (position 3) must be tuple of ints"),
        (
            lambda t: t.layer_norm(x, 3),
            "layer_norm(): argument 'normalized_shape' (position 2) mus",
        ),
        (lambda t: t.randint(3, 2), "randint("),
        (lambda t: t.normal(0.0, 1.0, 2), "normal() received an invalid combination of arguments"),
        (lambda t: t.empty_strided(2, 1), "empty_strided(): argument 'size' (position 1) must be "),
        (lambda t: x.new_full(2, 1), "new_full(): argument 'size' (position 1) must be tuple of i"),
        (lambda t: x.as_strided(2, 1), "as_strided(): argument 'size' (position 1) must be tuple "),
        (lambda t: x.unflatten(0, 2), "unflatten(): argument 'sizes' (position 2) must be tuple o"),
        (lambda t: x.split_with_sizes(2), "split_with_sizes(): argument 'split_sizes' (position 1"),
        (lambda t: x.expand(size=2), "expand(): argument 'size' must be tuple of ints, not int"),
        (
            lambda t: t.zeros(2.0),
            "zeros(): argument 'size' (position 1) must be tuple of ints, not",
        ),
        (
            lambda t: t.zeros(None),
            "zeros(): argument 'size' (position 1) must be tuple of ints, no",
        ),
        (
            lambda t: t.zeros([2.0]),
            "zeros(): argument 'size' (position 1) must be tuple of ints, b",
        ),
        (lambda t: t.nn.functional.pad(x, 1), "pad(): argument 'pad' (position 2) must be tuple"),
        (
            lambda t: t.zeros(2, 3.0),
            "zeros(): argument 'size' failed to unpack the object at pos 2 with error \"type must "
            'be tuple of ints,but got float"',
        ),
        (
            lambda t: x.permute(0, "a"),
            "permute(): argument 'dims' failed to unpack the object at pos 2 with error \"type mu",
        ),
    ],
)
def test_refused(call: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(TypeError) as caught:
        call(PLACE)
    assert str(caught.value).startswith(message)


def test_keywords_of_other_overloads_are_taken():
    x, square = tallow.arange(10), tallow.eye(3) * 2
    pieces = [tallow.tensor_split(x, sections=3), tallow.tensor_split(x, indices=[4, 7])]
    pieces.append(x.tensor_split(tensor_indices_or_sections=tallow.tensor([4, 7])))
    assert all([len(piece) for piece in piece_list] == [4, 3, 3] for piece_list in pieces)
    assert len(tallow.hsplit(input=x, indices=(2,))) == 2
    assert len(tallow.vsplit(square, sections=3)) == 3
    assert len(tallow.unsafe_split(input=x, split_size=5)) == 2
    assert tallow.det(input=square) == 8
    assert tallow.slogdet(input=square).sign == 1
    assert tallow.matrix_power(input=square, n=2)[0, 0] == 4
    assert tallow.cholesky_solve(square, input2=square)[0, 0] == 0.5
    assert tallow.isin(element=4, test_elements=x).item()
    assert tallow.poisson(input=tallow.zeros(2)).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (lambda a, b: a.add(2, b), lambda a, b: a.add(b, alpha=2)),
        (lambda a, b: a.clone().add_(-0.1, b), lambda a, b: a.add(b, alpha=-0.1)),
        (lambda a, b: tallow.add(a, 2, b), lambda a, b: a.add(b, alpha=2)),
        (lambda a, b: a.add(2, other=b), lambda a, b: a.add(b, alpha=2)),
        (lambda a, b: a.clone().sub_(2, b), lambda a, b: a.sub(b, alpha=2)),
        (lambda a, b: a.clone().addcmul_(3, b, b), lambda a, b: a.addcmul(b, b, value=3)),
        (lambda a, b: tallow.addcdiv(a, 3, b, b), lambda a, b: a.addcdiv(b, b, value=3)),
        (lambda a, b: a.addmm(2, b, b), lambda a, b: a.addmm(b, b, beta=2)),
        (lambda a, b: a.addmm(2, 3, b, b), lambda a, b: a.addmm(b, b, beta=2, alpha=3)),
        (lambda a, b: tallow.addmm(2, a, b, b), lambda a, b: a.addmm(b, b, beta=2)),
        (lambda a, b: tallow.addmm(2, a, 3, b, b), lambda a, b: a.addmm(b, b, beta=2, alpha=3)),
        (lambda a, b: a[0].addmv(2, 3, b, b[0]), lambda a, b: a[0].addmv(b, b[0], beta=2, alpha=3)),
        (lambda a, b: tallow.addr(2, a, 3, b[0], b[0]), lambda a, b: 2 * a + 3 * b[0].outer(b[0])),
    ],
)
@pytest.mark.filterwarnings("ignore:This overload of")
def test_numbers_before_tensors_are_taken_as_older_programs_write_them(
    old: Callable[..., Tensor], new: Callable[..., Tensor]
) -> None:
    a = tallow.tensor([[1.0, 2.0], [3.0, 4.0]])
    b = tallow.tensor([[0.5, -1.0], [2.0, 0.25]])
    assert tallow.equal(old(a, b), new(a, b))


@pytest.mark.parametrize(
    "call",
    [
        lambda a: a.add(a, 2),
        lambda a: a.add(2, 2, a),
        lambda a: a.addcmul(a, 2, a),
        lambda a: a.mul(2, a),
        lambda a: tallow.addmm(a, 2, a, a),
        lambda a: a.add("2", a),
    ],
)
def test_other_orders_are_refused(call: Callable[[Tensor], Tensor]) -> None:
    with pytest.raises(TypeError):
        call(tallow.ones(2, 2))
