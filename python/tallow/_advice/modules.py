"""Errors of calling and writing modules."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from tallow._advice.rules import Finding, hint, rule

if TYPE_CHECKING:
    from typing import Any

    Values = dict[str, Any]


@rule(r"got an unexpected keyword argument '(\w+)'")
def _keyword(match: Any, values: Values, module: Any) -> Finding | None:
    if module is None:
        return None
    code = getattr(getattr(module.forward, "__func__", module.forward), "__code__", None)
    known = list(code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]) if code else []
    close = difflib.get_close_matches(match[1], known, 1)
    meant = f"did you mean {close[0]}? " if close else ""
    return Finding(f"{meant}{_signature(module)}")


@rule(r"forward\(\) (missing \d+ required|takes .* positional arguments? but)")
def _arguments(match: Any, values: Values, module: Any) -> Finding | None:
    if module is None:
        return None
    if type(module).__name__ == "Sequential":
        return Finding("a Sequential hands one input from layer to layer; write a forward for more")
    return Finding(f"the signature is {_signature(module)}")


def _signature(module: Any) -> str:
    import inspect

    return f"forward{inspect.signature(module.forward)}".replace("forward(self, ", "forward(")


@rule(r'is missing the required "forward" function')
def _forward(match: Any, values: Values, module: Any) -> Finding | None:
    if module is None:
        return None
    kind = type(module).__name__
    if kind in ("ModuleList", "ModuleDict"):
        return Finding(f"a {kind} only holds modules: loop over it, or use Sequential")
    names = [name for name in vars(type(module)) if callable(getattr(module, name, None))]
    close = difflib.get_close_matches("forward", names, 1, 0.7)
    return Finding(
        f"did you mean forward where it says {close[0]}?" if close else "define forward(self, x)"
    )


@rule(r"^'(\w+)' object has no attribute '(\w+)'")
def _attribute(match: Any, values: Values, module: Any) -> Finding | None:
    if module is None or type(module).__name__ != match[1]:
        return None
    if "_modules" not in module.__dict__:
        return Finding(f"call super().__init__() first in {match[1]}.__init__()")
    close = difflib.get_close_matches(match[2], [n for n in dir(module) if n[0] != "_"], 1)
    return Finding(f"did you mean {close[0]}?") if close else None


hint(
    r"before Module\.__init__\(\) call",
    "call super().__init__() at the start of __init__, before anything is assigned",
)


@rule(r"^Error\(s\) in loading state_dict for (\w+)")
def _state_dict(match: Any, values: Values, module: Any) -> Finding | None:
    missing, unexpected = values.get("missing", []), values.get("unexpected", [])
    for key in ("state_dict", "model_state_dict", "model", "net"):
        if key in unexpected and missing:
            return Finding(f'that is a whole checkpoint: did you mean checkpoint["{key}"]?')
    prefix = _common_prefix(unexpected, missing)
    if prefix:
        maker = {"module.": "DataParallel puts", "_orig_mod.": "compile() puts"}
        who = maker.get(prefix, "a wrapper has put")
        return Finding(
            f'{who} "{prefix}" before the keys: load '
            f'{{k.removeprefix("{prefix}"): v for k, v in state_dict.items()}}'
        )
    prefix = _common_prefix(missing, unexpected)
    if prefix:
        return Finding(f'the model has "{prefix}" before its keys: load into {prefix[:-1]} of it')
    sizes = re.search(r"size mismatch for (\S+): .*?Size\(\[(\d+).*?Size\(\[(\d+)", match.string)
    if sizes is None or sizes[2] == sizes[3]:
        return None
    return Finding(
        f"{sizes[1]} has {sizes[2]} rows in the checkpoint and {sizes[3]} in the model: make the "
        "model for the same number of classes, or leave this key out and pass strict=False"
    )


def _common_prefix(longer: list[str], shorter: list[str]) -> str | None:
    """Return what turns every key of ``shorter`` into one of ``longer``."""
    if not longer or len(longer) != len(shorter):
        return None
    prefix = longer[0].removesuffix(shorter[0])
    if prefix == longer[0] or {prefix + key for key in shorter} != set(longer):
        return None
    return prefix or None
