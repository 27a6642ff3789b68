"""einsum: values against plain loops, every way to write it, and the error texts."""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

import tallow
from tallow.testing import assert_close

o = tallow.ones


def by_loops(equation: str, operands: list[Any]) -> Any:
    """Sum over all values of all subscripts. The equation has an output and no ellipsis."""
    left, right = equation.split("->")
    terms = left.split(",")
    sizes: dict[str, int] = {}
    for term, operand in zip(terms, operands, strict=True):
        for letter, size in zip(term, operand.shape, strict=True):
            sizes[letter] = max(sizes.get(letter, 1), size)
    result = tallow.zeros([sizes[letter] for letter in right], dtype=tallow.float64)
    for values in itertools.product(*(range(size) for size in sizes.values())):
        place = dict(zip(sizes, values, strict=True))
        product = 1.0
        for term, operand in zip(terms, operands, strict=True):
            index = tuple(
                place[letter] if size > 1 else 0
                for letter, size in zip(term, operand.shape, strict=True)
            )
            product *= operand[index].item() if index else operand.item()
        result[tuple(place[letter] for letter in right)] += product
    return result


@pytest.mark.parametrize("seed", range(40))
def test_values(seed: int) -> None:
    rng = random.Random(seed)
    sizes = {letter: rng.choice([1, 2, 3]) for letter in "abcdX"}
    terms = ["".join(rng.choices("abcdX", k=rng.randint(0, 3))) for _ in range(rng.randint(1, 3))]
    operands = []
    for term in terms:
        shape = [1 if rng.random() < 0.1 and term.count(x) == 1 else sizes[x] for x in term]
        operands.append(tallow.randn(shape, dtype=tallow.float64))
    letters = sorted(set("".join(terms)))
    rng.shuffle(letters)
    equation = ",".join(terms) + "->" + "".join(letters[: rng.randint(0, len(letters))])
    assert_close(tallow.einsum(equation, *operands), by_loops(equation, operands))


@pytest.mark.parametrize(
    ("args", "shape"),
    [
        (("ij,jk->ik", o(2, 3), o(3, 4)), (2, 4)),
        (("ij,jk", o(2, 3), o(3, 4)), (2, 4)),
        (("ba", o(2, 3)), (3, 2)),
        (("...i->i...", o(2, 3)), (3, 2)),
        (("...ij,...jk->...ik", o(5, 1, 2, 3), o(4, 3, 2)), (5, 4, 2, 2)),
        (("...i->", o(2, 3)), ()),
        (("i...i->...", o(2, 3, 2)), (3,)),
        (("i j -> j i", o(2, 3)), (3, 2)),
        (("ij,", o(2, 3), o(())), (2, 3)),
        (("", o(())), ()),
        (("ij,jk", [o(2, 3), o(3, 2)]), (2, 2)),
        ((o(2, 3), [0, 1], o(3, 4), [1, 2], [0, 2]), (2, 4)),
        ((o(2, 3), [0, 1], o(3, 4), [1, 2]), (2, 4)),
        ((o(2, 3), [0, ...]), (3, 2)),
        (("ij,jk->ik", o(2, 1), o(4, 5)), (2, 5)),
        (("ij,j->i", o(2, 0), o(0)), (2,)),
    ],
)
def test_ways_to_write_it(args: Any, shape: tuple[int, ...]) -> None:
    assert tuple(tallow.einsum(*args).shape) == shape


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("ij,jk->ik", o(2, 3), o(4, 5)), "subscript j has size 4 for operand 1 which does not "
         "broadcast with previously seen size 3"),
        (("ij->ijk", o(2, 3)), "output subscript k does not appear in the equation"),
        (("ij->ii", o(2, 3)), "output subscript i appears more than once in the output"),
        (("ij,jk", o(2, 3)), "fewer operands were provided than specified in the equation"),
        (("ij", o(2, 3), o(2)), "more operands were provided than specified in the equation"),
        (("i1->i", o(2, 3)), "invalid subscript given at index 1 in the equation string"),
        (("ij->->i", o(2, 3)), "invalid subscript given at index 4 in the equation string"),
        (("i->i", o(2, 3)), r"the number of subscripts in the equation \(1\) does not match"),
        (("...ijk->i", o(2, 3)), r"the number of subscripts in the equation \(3\) is greater than"),
        (("ij->i.", o(2, 3)), "found '.' for output that is not part of any ellipsis"),
        (("......i", o(2, 3)), "found '.' for operand 0 for which an ellipsis was already found"),
        (("ii->i", o(2, 3)), "subscript i is repeated for operand 0 but the sizes don't match"),
        (("...,...->...", o(2, 3), o(4, 3)), "dimension 0 covered by ellipsis in operand 1"),
    ],
)  # fmt: skip
def test_errors(args: Any, message: str) -> None:
    with pytest.raises(RuntimeError, match=rf"^einsum\(\): {message}"):
        tallow.einsum(*args)


def test_arguments_of_wrong_types() -> None:
    with pytest.raises(TypeError, match=r"^expected Tensor as element 0 in argument 1"):
        tallow.einsum("a", 3)
    with pytest.raises(ValueError, match="must specify the equation string"):
        tallow.einsum("ij")
    with pytest.raises(ValueError, match="not within the valid range"):
        tallow.einsum(o(2), [52])


def test_gradients() -> None:
    a = tallow.randn(2, 3, dtype=tallow.float64, requires_grad=True)
    b = tallow.randn(3, 4, dtype=tallow.float64, requires_grad=True)
    assert tallow.autograd.gradcheck(lambda a, b: tallow.einsum("ij,jk->ki", a, b), (a, b))
    square = tallow.randn(3, 3, dtype=tallow.float64, requires_grad=True)
    assert tallow.autograd.gradcheck(lambda a: tallow.einsum("ii->i", a), square)
