"""Every operator that programs use, on inputs of 10^6 elements: `--cases ^ops/`.

The names and their arguments are in ops_tables.py.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import partial
from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled, values
from benchmarks.ops_tables import TIER_0, TIER_1, Row

# Calls that are not function(*arguments).
SPECIAL: dict[str, Callable[..., Any]] = {
    "einsum": lambda lib, *x: lib.einsum("ij,jk->ik", *x),
    "mvlgamma": lambda lib, x: lib.mvlgamma(x + 2, 2),
    "polygamma": lambda lib, x: lib.polygamma(1, x),
    "take_along_dim": lambda lib, x, i: lib.take_along_dim(x, i, 1),
    "gradient": lambda lib, x: lib.gradient(x),
    # Of these only what is unique is compared: no signs of vectors, no positions of equals.
    "mode": lambda lib, *x: lib.mode(*x)[0],
    "linalg.eigh": lambda lib, x: lib.linalg.eigh(x)[0],
    "linalg.eigvals": lambda lib, x: lib.linalg.eigvals(x).sum(-1),
    "linalg.svd": lambda lib, x: lib.linalg.svd(x)[1],
    "slogdet": lambda lib, x: lib.slogdet(x)[1],
}

ROWS = 1000


class Inputs:
    """The arguments that the tables name, made of one library in one dtype when first used.

    Matrices have so many rows and columns, and what else there is has about as many elements; the
    tables are written for 1000.
    """

    def __init__(self, lib: ModuleType, variant: str, rows: int = ROWS) -> None:
        names = {"d": "float64", "h": "bfloat16", "i": "int64"}
        self.lib, self.dtype = lib, getattr(lib, names.get(variant, "float32"))
        self.step = variant == "s"
        self.rows, self.matrix = rows, (rows, rows)
        self.side = round(rows ** (2 / 3))  # of a cube

    def drawn(self, seed: int, *shape: int) -> Any:
        """Values in (0.05, 0.95), or integers of about 2^29."""
        x = self.lib.from_numpy(values(*shape, seed=seed)) * 0.45 + 0.5
        if not self.dtype.is_floating_point:
            x = x * 2**30
        return x.to(self.dtype).contiguous()

    def whole(self, seed: int, high: int, *shape: int) -> Any:
        """Integers in [0, high)."""
        x = (self.lib.from_numpy(values(*shape, seed=seed)) * 0.5 + 0.5) * high
        return x.long().clamp(0, high - 1)

    def make(self, name: str) -> Any:  # one entry per name
        lib, rows, side = self.lib, self.rows, self.side
        if name in ("x", "y", "z", "out"):
            return self.drawn(ord(name[0]), *self.matrix)
        if name in ("b", "c"):
            return lib.from_numpy(values(*self.matrix, seed=ord(name))) > 0
        made: dict[str, Callable[[], Any]] = {
            "signed": lambda: self.drawn(26, *self.matrix) * 4 - 2,
            "w": lambda: self.drawn(1, *self.matrix) + 1,
            "i": lambda: self.whole(2, 100, *self.matrix) + 1,
            "j": lambda: self.whole(3, 100, *self.matrix) + 1,
            "small": lambda: self.whole(4, 8, *self.matrix),
            "index": lambda: self.whole(5, rows, *self.matrix),
            "flat": lambda: self.whole(6, rows, rows * rows),
            "few_integers": lambda: self.whole(7, 100, 20),
            "order": lambda: (lib.arange(rows) * 7) % rows,
            "classes": lambda: (lib.arange(rows) * 7) % rows,
            "row": lambda: self.drawn(8, rows),
            "column": lambda: self.drawn(9, rows, 1),
            "one": lambda: self.drawn(10, 1),
            "vector": lambda: self.drawn(11, rows * rows),
            "sorted": lambda: self.drawn(12, rows).sort()[0],
            "transposed": lambda: self.drawn(13, *self.matrix).t(),
            "strided": lambda: self.drawn(14, rows, 2 * rows)[:, ::2],
            "narrow": lambda: self.drawn(15, rows * rows // 10, 10),
            "triples": lambda: self.drawn(16, rows * rows // 3, 3),
            "triples2": lambda: self.drawn(27, rows * rows // 3, 3),
            "few": lambda: self.drawn(17, rows // 2, 64),
            "batch": lambda: self.drawn(18, side, side, side),
            "batch2": lambda: self.drawn(19, side, side, side),
            "batch_one": lambda: self.drawn(20, side, side),
            "square": lambda: (
                self.drawn(21, side, side, side) * 0.01 + lib.eye(side, dtype=self.dtype)
            ),
            "definite": self.definite,
            "b_float": lambda: (lib.from_numpy(values(*self.matrix, seed=22)) > 0).to(self.dtype),
            "complex": lambda: lib.complex(
                self.drawn(23, *self.matrix), self.drawn(24, *self.matrix)
            ),
        }
        return made[name]()

    def definite(self) -> Any:
        side = self.side
        x = self.drawn(25, side, side, side)
        return x @ x.mT + self.lib.eye(side, dtype=self.dtype)

    def argument(self, word: str) -> Any:
        """What one word of a table's line stands for."""
        if word[0] == "[":
            return [self.argument(part) for part in word[1:-1].split(",")]
        if word[0].isalpha():
            tensor = self.make(word)
            if self.step and tensor.is_floating_point() and word not in ("b_float", "out"):
                tensor.requires_grad_()
            return tensor
        if self.rows != ROWS:
            word = word.replace(str(ROWS**2), str(self.rows**2)).replace(str(ROWS), str(self.rows))
        return ast.literal_eval(word)


def named(lib: ModuleType, name: str) -> Callable[..., Any]:
    """The function of a table's name."""
    if name in SPECIAL:
        return lambda *arguments: SPECIAL[name](lib, *arguments)
    found: Any = lib
    for part in name.replace("F.", "nn.functional.").split("."):
        found = getattr(found, part)
    function: Callable[..., Any] = found
    return function


def leaves(arguments: list[Any]) -> Iterator[Any]:
    """The tensors among arguments that want a gradient."""
    for argument in arguments:
        if isinstance(argument, list):
            yield from leaves(argument)
        elif getattr(argument, "requires_grad", False):
            yield argument


def first(result: Any) -> Any:
    """The differentiable tensor of a result, which may be a tuple."""
    return next(x for x in result if x.requires_grad) if isinstance(result, tuple) else result


def setup_of(
    words: str, variant: str, name: str, rows: int = ROWS
) -> Callable[[ModuleType], Callable[[], Any]]:
    def setup(lib: ModuleType) -> Callable[[], Any]:
        inputs = Inputs(lib, variant, rows)
        arguments = [inputs.argument(word) for word in words.split()]
        function = named(lib, name)
        if variant != "s":
            return partial(function, *arguments)
        wanted = list(leaves(arguments))
        result = first(function(*arguments))
        weight = filled(lib, *result.shape, seed=99).to(result.dtype)
        return lambda: lib.autograd.grad(
            first(function(*arguments)), wanted, weight, allow_unused=True
        )

    return setup


LABELS = {"f": "", "d": "-float64", "h": "-bfloat16", "i": "-int64", "s": "-step"}

# Close eigenvalues magnify errors of their gradients: PyTorch's are up to 8 % from float64's.
ILL_CONDITIONED = ("linalg.eigh", "linalg.eigvalsh", "linalg.svd", "linalg.svdvals")


def label(words: str, variant: str, name: str) -> str:
    """A case's name: the operator, the arguments unless they are one x or two, the variant."""
    shown = "" if words in ("x", "x y") else "-" + words.replace(" ", "-")
    return f"{name}{shown}{LABELS[variant]}"


def cases(tier: str, table: list[Row]) -> Iterator[Case]:
    for words, variants, names in table:
        for name in names.split():
            for variant in variants:
                tolerance = 3e-2 if variant == "h" else 1e-3
                if variant == "s" and name in ILL_CONDITIONED:
                    tolerance = 0.3
                yield Case(
                    f"ops/{tier}/{label(words, variant, name)}",
                    setup_of(words, variant, name),
                    tolerance,
                )


CASES = [*cases("t0", TIER_0), *cases("t1", TIER_1)]
