"""Einstein summation: parse the equation, then contract operands from left to right."""

from __future__ import annotations

import functools
import math
import string
from typing import TYPE_CHECKING, Any

import tallow
from tallow.overrides import handle_torch_function, has_torch_function

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow import Size, Tensor

    # A letter, or the position (counted from the left) of a dimension an ellipsis stands for.
    _Label = str | int

__all__ = ["einsum"]

# Subscript lists number the letters, capitals first; implicit outputs are in this order too.
_LETTERS = string.ascii_uppercase + string.ascii_lowercase
_ELLIPSIS = "..."


def einsum(*args: Any) -> Tensor:
    """Sum products of elements over the subscripts that the output does not name.

    Args:
        *args: an equation such as ``'ij,jk->ik'`` and the operands (one by one or as a list), or
            operands each followed by a list of subscript numbers in [0, 52), with the list of the
            output last. ``...`` stands for dimensions that broadcast. Without an output, the
            subscripts that appear once are kept, in alphabetical order.

    Raises:
        RuntimeError: the equation is malformed or does not fit the operands.
        ValueError: no operands.

    Example:
        >>> einsum("ij,j->i", tallow.ones(2, 3), tallow.ones(3))
        tensor([3., 3.])
    """
    if len(args) < 2:
        raise ValueError(
            "einsum(): must specify the equation string and at least one operand, or at least one "
            "operand and its subscripts list"
        )
    if isinstance(args[0], str):
        equation, operands = args[0], args[1:]
    else:
        equation, operands = _equation_of_lists(args)
    if len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    if has_torch_function(operands):
        return handle_torch_function(einsum, operands, equation, *operands)
    for i, operand in enumerate(operands):
        if not isinstance(operand, tallow.Tensor):
            raise TypeError(
                f"expected Tensor as element {i} in argument 1, but got {type(operand).__name__}"
            )
    return _contract(equation, operands)


def _equation_of_lists(args: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """Translate operands with subscript lists into an equation."""

    def text(subscripts: Sequence[Any]) -> str:
        parts = []
        for subscript in subscripts:
            if subscript is Ellipsis:
                parts.append(_ELLIPSIS)
            elif isinstance(subscript, int) and 0 <= subscript < len(_LETTERS):
                parts.append(_LETTERS[subscript])
            else:
                raise ValueError(
                    "einsum(): subscript in subscript list is not within the valid range [0, 52)"
                )
        return "".join(parts)

    operands = args[0 : len(args) - 1 : 2]
    equation = ",".join(text(subscripts) for subscripts in args[1::2][: len(operands)])
    if len(args) % 2:
        equation += "->" + text(args[-1])
    return equation, tuple(operands)


def _tokens(text: str, offset: int, where: str) -> list[str]:
    """Split the subscripts of one operand (or of the output) into letters and ellipsis."""
    found: list[str] = []
    i = 0
    while i < len(text):
        if text[i] == " ":
            i += 1
        elif text[i] == ".":
            if _ELLIPSIS in found:
                raise RuntimeError(
                    f"einsum(): found '.' for {where} for which an ellipsis was already found"
                )
            if text[i : i + 3] != _ELLIPSIS:
                raise RuntimeError(
                    f"einsum(): found '.' for {where} that is not part of any ellipsis"
                    + (" (...)" if where == "output" else "")
                )
            found.append(_ELLIPSIS)
            i += 3
        elif text[i] in _LETTERS:
            found.append(text[i])
            i += 1
        else:
            raise RuntimeError(
                f"einsum(): invalid subscript given at index {offset + i} in the equation string, "
                "subscripts must be in [a-zA-Z]"
            )
    return found


class _Equation:
    """Subscripts of every operand and of the output, with ellipses spelled out."""

    def __init__(self, equation: str, dims: Sequence[int]) -> None:
        left, arrow, right = equation.partition("->")
        terms = left.split(",")
        if len(terms) != len(dims):
            which = "fewer" if len(dims) < len(terms) else "more"
            raise RuntimeError(
                f"einsum(): {which} operands were provided than specified in the equation"
            )
        offset = 0
        tokens = []
        for i, term in enumerate(terms):
            tokens.append(_tokens(term, offset, f"operand {i}"))
            offset += len(term) + 1
        covered = [
            self._covered(i, found, count)
            for i, (found, count) in enumerate(zip(tokens, dims, strict=True))
        ]
        self.broadcast = max(covered)
        self.inputs: list[list[_Label]] = [
            self._spelled(found, count) for found, count in zip(tokens, covered, strict=True)
        ]
        self.output = self._output(arrow, right, len(left) + 2)

    @staticmethod
    def _covered(index: int, tokens: list[str], dims: int) -> int:
        """How many dimensions the ellipsis of an operand stands for."""
        letters = len(tokens) - tokens.count(_ELLIPSIS)
        exact = _ELLIPSIS not in tokens
        if letters > dims or (exact and letters != dims):
            note = " and no ellipsis was given" if exact else ""
            relation = "does not match" if exact else "is greater than"
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({letters}) {relation} the "
                f"number of dimensions ({dims}) for operand {index}{note}"
            )
        return dims - letters

    def _spelled(self, tokens: list[str], covered: int) -> list[_Label]:
        labels: list[_Label] = []
        for token in tokens:
            if token == _ELLIPSIS:
                labels.extend(range(self.broadcast - covered, self.broadcast))
            else:
                labels.append(token)
        return labels

    def _output(self, arrow: str, right: str, offset: int) -> list[_Label]:
        letters = [label for term in self.inputs for label in term if isinstance(label, str)]
        if not arrow:
            once = [letter for letter in _LETTERS if letters.count(letter) == 1]
            return [*range(self.broadcast), *once]
        tokens = _tokens(right, offset, "output")
        for token in tokens:
            if tokens.count(token) > 1:
                raise RuntimeError(
                    f"einsum(): output subscript {token} appears more than once in the output"
                )
            if token != _ELLIPSIS and token not in letters:
                raise RuntimeError(
                    f"einsum(): output subscript {token} does not appear in the equation for any "
                    "input operand"
                )
        return self._spelled(tokens, self.broadcast)


class _Factor:
    """A tensor whose dimensions carry distinct labels."""

    def __init__(self, tensor: Tensor, labels: list[_Label]) -> None:
        self.tensor = tensor
        self.labels = labels

    def without(self, dropped: set[_Label]) -> _Factor:
        """Sum over the given labels."""
        dims = [i for i, label in enumerate(self.labels) if label in dropped]
        if not dims:
            return self
        kept = [label for label in self.labels if label not in dropped]
        return _Factor(self.tensor.sum(dims), kept)

    def arranged(self, order: list[_Label]) -> Tensor:
        """The dimensions in this order, with size 1 for labels it does not have."""
        present = [self.labels.index(label) for label in order if label in self.labels]
        tensor = self.tensor.permute(present)
        shape = iter(tensor.shape)
        return tensor.reshape([next(shape) if label in self.labels else 1 for label in order])


def _diagonal(index: int, operand: Tensor, labels: list[_Label]) -> _Factor:
    """Replace dimensions with the same label by their common diagonal."""
    if len(set(labels)) == len(labels):
        return _Factor(operand, labels)
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            sizes = operand.size(second), operand.size(first)
            if sizes[0] != sizes[1]:
                raise RuntimeError(
                    f"einsum(): subscript {label} is repeated for operand {index} but the sizes "
                    f"don't match, {sizes[0]} != {sizes[1]}"
                )
            operand = operand.diagonal(0, first, second).movedim(-1, first)
            labels = labels[:second] + labels[second + 1 :]
    return _Factor(operand, labels)


def _common_sizes(factors: list[_Factor]) -> dict[_Label, int]:
    sizes: dict[_Label, int] = {}
    for i, factor in enumerate(factors):
        for label, size in zip(factor.labels, factor.tensor.shape, strict=True):
            known = sizes.setdefault(label, size)
            if known == 1:
                sizes[label] = size
            elif size not in (1, known):
                if isinstance(label, int):
                    raise RuntimeError(
                        f"einsum(): dimension {label} covered by ellipsis in operand {i} has size "
                        f"{size} which does not broadcast with previously seen ellipsis with size "
                        f"{known} for the respective dimension"
                    )
                raise RuntimeError(
                    f"einsum(): subscript {label} has size {size} for operand {i} which does not "
                    f"broadcast with previously seen size {known}"
                )
    return sizes


def _squeezed(factor: _Factor, sizes: dict[_Label, int]) -> _Factor:
    """Drop dimensions of size 1 that stand for larger ones: a missing label broadcasts."""
    dims = [
        i
        for i, label in enumerate(factor.labels)
        if factor.tensor.size(i) == 1 and sizes[label] != 1
    ]
    if not dims:
        return factor
    kept = [label for i, label in enumerate(factor.labels) if i not in dims]
    return _Factor(factor.tensor.squeeze(dims), kept)


class _Plan:
    """How two factors are multiplied: their dimensions in groups, by position.

    ``batch`` are shared and kept, ``summed`` shared and not kept, both by their positions in the
    left factor; ``rows`` and ``columns`` are those of one factor alone. ``left`` is the order
    batch, rows, summed and ``right`` batch, summed, columns; ``None`` where they are in it.
    """

    def __init__(
        self, left: tuple[_Label, ...], right: tuple[_Label, ...], keep: frozenset[_Label]
    ) -> None:
        shared = [label for label in left if label in right]
        summed = [label for label in shared if label not in keep]
        batch = [label for label in shared if label in keep]
        rows = [label for label in left if label not in shared]
        columns = [label for label in right if label not in shared]
        self.batch = [left.index(label) for label in batch]
        self.rows = [left.index(label) for label in rows]
        self.summed = [left.index(label) for label in summed]
        self.columns = [right.index(label) for label in columns]
        self.left = self._order(left, batch + rows + summed)
        self.right = self._order(right, batch + summed + columns)
        self.labels = batch + rows + columns

    @staticmethod
    def _order(labels: tuple[_Label, ...], wanted: list[_Label]) -> tuple[int, ...] | None:
        dims = tuple(labels.index(label) for label in wanted)
        return None if dims == tuple(range(len(dims))) else dims


_plan = functools.lru_cache(maxsize=256)(_Plan)


def _product(left: _Factor, right: _Factor, keep: set[_Label]) -> _Factor:
    """Multiply two factors and sum over the shared labels that are not kept."""
    left = left.without(set(left.labels) - set(right.labels) - keep)
    right = right.without(set(right.labels) - set(left.labels) - keep)
    plan = _plan(tuple(left.labels), tuple(right.labels), frozenset(keep))
    order = plan.labels
    if not plan.summed:
        return _Factor(left.arranged(order) * right.arranged(order), order)
    one, two = left.tensor, right.tensor
    batch = [one.shape[i] for i in plan.batch]
    rows = [one.shape[i] for i in plan.rows]
    columns = [two.shape[i] for i in plan.columns]
    inner = math.prod([one.shape[i] for i in plan.summed])
    if plan.left is not None:
        one = one.permute(plan.left)
    if plan.right is not None:
        two = two.permute(plan.right)
    if len(batch) == len(rows) == len(plan.summed) == len(columns) == 1:
        return _Factor(tallow.bmm(one, two), order)
    count = math.prod(batch)
    result = tallow.bmm(
        one.reshape(count, math.prod(rows), inner), two.reshape(count, inner, math.prod(columns))
    )
    return _Factor(result.reshape(batch + rows + columns), order)


@functools.lru_cache(maxsize=256)
def _parsed(equation: str, dims: tuple[int, ...]) -> _Equation:
    return _Equation(equation, dims)


class _Direct:
    """One matrix product of two operands with known sizes, which is what nearly all calls are."""

    def __init__(
        self, plan: _Plan, output: list[_Label], left: Sequence[int], right: Sequence[int]
    ) -> None:
        batch = [left[i] for i in plan.batch]
        rows = [left[i] for i in plan.rows]
        columns = [right[i] for i in plan.columns]
        count = [math.prod(batch)] if batch else []
        inner = math.prod([left[i] for i in plan.summed])
        self.orders = plan.left, plan.right
        groups = [*count, math.prod(rows), inner], [*count, inner, math.prod(columns)]
        shape = [*count, math.prod(rows), math.prod(columns)]
        wanted = [*batch, *rows, *columns]
        # Each is None where nothing has to be done.
        self.left = None if groups[0] == [*batch, *rows, inner] else groups[0]
        self.right = None if groups[1] == [*batch, inner, *columns] else groups[1]
        if len(plan.summed) != 1:
            self.left, self.right = groups
        self.shape = None if shape == wanted else wanted
        order = [plan.labels.index(label) for label in output]
        self.order = None if order == sorted(order) else order

    def __call__(self, one: Tensor, two: Tensor) -> Tensor:
        first, second = self.orders
        if first is not None:
            one = one.permute(first)
        if second is not None:
            two = two.permute(second)
        if self.left is not None:
            one = one.reshape(self.left)
        if self.right is not None:
            two = two.reshape(self.right)
        result = one.matmul(two)
        if self.shape is not None:
            result = result.reshape(self.shape)
        return result if self.order is None else result.permute(self.order)


@functools.lru_cache(maxsize=256)
def _direct(equation: str, left: Size, right: Size) -> _Direct | None:
    """Return the one product that an equation of two operands means, if it is that simple."""
    parsed = _parsed(equation, (len(left), len(right)))
    one, two = parsed.inputs
    sizes: dict[_Label, int] = {}
    for label, size in zip(one + two, left + right, strict=True):
        if sizes.setdefault(label, size) != size:
            return None  # broadcasts, or is an error
    repeated = len(set(one)) != len(one) or len(set(two)) != len(two)
    plan = _plan(tuple(one), tuple(two), frozenset(parsed.output))
    if repeated or not plan.summed or set(plan.labels) != set(parsed.output):
        return None
    return _Direct(plan, parsed.output, left, right)


def _contract(equation: str, operands: Sequence[Tensor]) -> Tensor:
    if len(operands) == 2 and operands[0].dtype == operands[1].dtype:
        direct = _direct(equation, operands[0].shape, operands[1].shape)
        if direct is not None:
            return direct(operands[0], operands[1])
    parsed = _parsed(equation, tuple([operand.dim() for operand in operands]))
    factors = [
        _diagonal(i, operand, labels)
        for i, (operand, labels) in enumerate(zip(operands, parsed.inputs, strict=True))
    ]
    sizes = _common_sizes(factors)
    factors = [_squeezed(factor, sizes) for factor in factors]
    result = factors[0]
    for i, factor in enumerate(factors[1:], 1):
        later = {label for other in factors[i + 1 :] for label in other.labels}
        result = _product(result, factor, later | set(parsed.output))
    result = result.without(set(result.labels) - set(parsed.output))
    if result.labels == parsed.output:
        return result.tensor
    return result.tensor.permute([result.labels.index(label) for label in parsed.output])
