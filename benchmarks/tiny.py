"""What a call costs beside its arithmetic: `--cases ^tiny/`.

Two groups. `tiny/ops` has the operators of the group `ops` on inputs of 10 rows, `tiny/calls` the
attributes, functions and layers of tiny_table.py.
"""

from __future__ import annotations

import builtins
import copy
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled
from benchmarks.ops import label, setup_of
from benchmarks.ops_tables import TIER_0, TIER_1
from benchmarks.tiny_table import CALLS

ROWS = 10


def inputs(lib: ModuleType) -> dict[str, Any]:
    """What the expressions of the table may name, beside what the library has."""
    x, y, z = (filled(lib, ROWS, ROWS, seed=seed) * 0.45 + 0.5 for seed in range(3))
    leaf, stepped = x.clone().requires_grad_(), y.clone().requires_grad_()
    stepped.grad = z.clone()
    return {
        "x": x,
        "y": y,
        "z": z,
        "out": x.clone(),
        "spare": y.clone(),
        "b": y > 0.5,
        "i": lib.arange(ROWS * ROWS).view(ROWS, ROWS) % ROWS,
        "few": lib.tensor([0, 2]),
        "classes": (lib.arange(ROWS) * 7) % ROWS,
        "row": x[1].clone(),
        "one": lib.ones(1),
        "leaf": leaf,
        "made": leaf * 2,
        "stepped": stepped,
        "series": filled(lib, 2, 4, 8) * 0.5 + 0.5,
        "images": filled(lib, 2, 4, 6, 6) * 0.5 + 0.5,
        "volume": filled(lib, 1, 2, 4, 4, 4) * 0.5 + 0.5,
        "F": lib.nn.functional,
        "deepcopy": copy.deepcopy,
    }


def compiled(lib: ModuleType, expression: str, scope: dict[str, Any]) -> Callable[[], Any]:
    """The expression as a function; the names of the library that it needs go into the scope."""
    for name in re.findall(r"(?<![.\w])[A-Za-z_]\w*", expression):
        if name not in scope and not hasattr(builtins, name) and hasattr(lib, name):
            scope[name] = getattr(lib, name)
    call: Callable[[], Any] = eval(f"lambda: {expression}", scope)
    return call


def expression_setup(expression: str) -> Callable[[ModuleType], Callable[[], Any]]:
    def setup(lib: ModuleType) -> Callable[[], Any]:
        scope = inputs(lib)

        def make(part: re.Match[str]) -> str:
            name = f"part{part.start()}"
            scope[name] = compiled(lib, part[1], scope)()
            return name

        return compiled(lib, re.sub(r"\{(.*?)\}", make, expression), scope)

    return setup


def operators() -> Iterator[Case]:
    for words, variants, names in (*TIER_0, *TIER_1):
        for name in names.split() if "f" in variants else ():
            yield Case(
                f"tiny/ops/{label(words, 'f', name)}", setup_of(words, "f", name, ROWS), 1e-3
            )


def calls() -> Iterator[Case]:
    for line in CALLS.splitlines():
        if line and not line.startswith("--"):
            yield Case(f"tiny/calls/{line}", expression_setup(line), 1e-3)


CASES = [*operators(), *calls()]
