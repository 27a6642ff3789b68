"""What an operator of the user takes and returns, from annotations or from a line of text."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Any, NamedTuple, get_args, get_origin

import tallow

if TYPE_CHECKING:
    import inspect
    from collections.abc import Callable, Iterable

__all__ = ["Parameter", "Schema", "accepts", "infer", "parse"]


class Parameter(NamedTuple):
    """One argument: its type is spelled as in ``Tensor?`` or ``int[]``."""

    name: str
    type: str
    default: Any = None
    has_default: bool = False
    keyword_only: bool = False
    mutated: bool = False


_SCALARS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "SymInt": (int,),
    "float": (int, float),
    "bool": (bool,),
    "str": (str,),
    "Scalar": (bool, int, float, complex),
    "Device": (tallow.device, str),
    "ScalarType": (tallow.dtype,),
    "Tensor": (tallow.Tensor,),
}


def accepts(type_: str, value: Any) -> bool:
    """Tell whether a value is of a type spelled as in ``Tensor?`` or ``int[]``."""
    if type_.endswith("?"):
        return value is None or accepts(type_[:-1], value)
    if type_.endswith("]"):
        inner = type_[: type_.index("[")]
        return isinstance(value, list | tuple) and all(accepts(inner, item) for item in value)
    return isinstance(value, _SCALARS[type_])


class Schema(NamedTuple):
    """Parameters and types of the results."""

    parameters: tuple[Parameter, ...]
    returns: tuple[str, ...]

    def __str__(self) -> str:
        parts: list[str] = []
        marks = iter("abcdefghijklmnopqrstuvwxyz")
        for number, one in enumerate(self.parameters):
            if one.keyword_only and (not number or not self.parameters[number - 1].keyword_only):
                parts.append("*")
            kind = one.type
            if one.mutated:
                kind = kind.replace("Tensor", f"Tensor({next(marks)}0!)", 1)
            default = f"={_spelled(one.default)}" if one.has_default else ""
            parts.append(f"{kind} {one.name}{default}")
        result = self.returns[0] if len(self.returns) == 1 else f"({', '.join(self.returns)})"
        return f"({', '.join(parts)}) -> {result}"

    def bind(
        self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Return the values of positional and of keyword-only parameters.

        Raises:
            RuntimeError: an argument is missing, one too many, or of another type.
        """
        where = f"Declaration: {name}{self}"
        places = [one for one in self.parameters if not one.keyword_only]
        if len(args) > len(places):
            raise RuntimeError(
                f"{name}() expected at most {len(places)} argument(s) but received {len(args)} "
                f"argument(s). {where}"
            )
        given = dict(zip((one.name for one in places), args, strict=False))
        for key in kwargs:
            if key in given or key not in {one.name for one in self.parameters}:
                what = "twice the" if key in given else "an unknown"
                raise RuntimeError(f"{name}() received {what} argument {key!r}. {where}")
        given |= kwargs
        for position, one in enumerate(self.parameters):
            if one.name not in given:
                if not one.has_default:
                    raise RuntimeError(
                        f"{name}() is missing value for argument {one.name!r}. {where}"
                    )
                given[one.name] = one.default
            elif not accepts(one.type, given[one.name]):
                raise RuntimeError(
                    f"{name}() Expected a value of type {one.type!r} for argument {one.name!r} but "
                    f"instead found type {type(given[one.name]).__name__!r}.\n"
                    f"Position: {position}\nValue: {given[one.name]}\n{where}"
                )
        keyword = {one.name: given[one.name] for one in self.parameters if one.keyword_only}
        return [given[one.name] for one in places], keyword


def _spelled(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)


def _kind(annotation: Any) -> str | None:
    """The spelling of an annotation, or None if an operator cannot have it."""
    import types
    from collections.abc import Sequence
    from typing import Union

    plain: list[tuple[Any, str]] = [
        (tallow.Tensor, "Tensor"),
        (int, "SymInt"),
        (float, "float"),
        (bool, "bool"),
        (str, "str"),
        (int | float | bool, "Scalar"),
        (Union[int, float, bool], "Scalar"),  # noqa: UP007 - equal, with another type
        (tallow.dtype, "ScalarType"),
        (tallow.device, "Device"),
    ]
    for known, spelling in plain:
        if annotation == known:
            return spelling
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType) and type(None) in inner and len(inner) == 2:
        kind = _kind(inner[0] if inner[1] is type(None) else inner[1])
        return kind and f"{kind}?"
    if origin in (list, Sequence) and len(inner) == 1:
        kind = _kind(inner[0])
        return kind and f"{kind}[]"
    return None


def infer(function: Callable[..., Any], mutates_args: str | Iterable[str]) -> Schema:
    """Read the schema off a function's annotations.

    Args:
        function: every parameter and the result are annotated.
        mutates_args: names of the tensors it writes to, or 'unknown' for all.

    Raises:
        ValueError: an annotation or a default that operators cannot have, or an unknown name.
    """
    import inspect
    from typing import get_type_hints

    signature = inspect.signature(function)
    hints = get_type_hints(function)

    def refuse(what: str) -> ValueError:
        return ValueError(f"infer_schema(func): {what} Got func with signature {signature})")

    unknown = mutates_args == "unknown"
    mutated = (
        set() if unknown else {mutates_args} if isinstance(mutates_args, str) else set(mutates_args)
    )
    parameters = [
        _parameter(one, hints, mutated, unknown, refuse) for one in signature.parameters.values()
    ]
    lost = mutated - set(signature.parameters)
    if lost:
        raise refuse(
            f"{lost} in mutates_args were not found in the custom op's signature. mutates_args "
            "should contain the names of all args that the custom op mutates, or just the string "
            "'unknown' if you don't know."
        )
    if "return" not in hints:
        raise refuse("No return type annotation was provided. Please add one.")
    return Schema(tuple(parameters), _returns(hints["return"], refuse))


def _parameter(
    one: inspect.Parameter,
    hints: dict[str, Any],
    mutated: set[str],
    unknown: bool,
    refuse: Callable[[str], ValueError],
) -> Parameter:
    if one.kind not in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY):
        raise refuse("We do not support positional-only args, varargs, or varkwargs.")
    if one.name not in hints:
        raise refuse(f"Parameter {one.name} must have a type annotation.")
    kind = _kind(hints[one.name])
    if kind is None:
        raise refuse(
            f"Parameter {one.name} has unsupported type {hints[one.name]}. The valid types are "
            "Tensor, int, float, bool, str, dtype, device, numbers, and Optional, Sequence and "
            "List of them."
        )
    has_default = one.default is not one.empty
    if (
        has_default
        and one.default is not None
        and not isinstance(one.default, int | float | bool | str | tallow.dtype | tallow.device)
    ):
        raise refuse(
            f"Parameter {one.name} has an unsupported default value type {type(one.default)}."
        )
    writes = one.name in mutated or (unknown and kind.startswith("Tensor"))
    if writes and not kind.startswith("Tensor"):
        raise refuse(
            f"Parameter {one.name} is in mutates_args but only Tensors or collections of Tensors "
            "can be mutated"
        )
    return Parameter(
        one.name,
        kind,
        one.default if has_default else None,
        has_default,
        one.kind is one.KEYWORD_ONLY,
        writes,
    )


def _returns(annotation: Any, refuse: Callable[[str], ValueError]) -> tuple[str, ...]:
    if annotation is None or annotation is type(None):
        return ()
    parts = get_args(annotation) if get_origin(annotation) is tuple else (annotation,)
    kinds = [_kind(part) for part in parts]
    found = tuple(kind for kind in kinds if kind is not None and "?" not in kind)
    if len(found) < len(kinds):
        raise refuse(f"Return has unsupported type {annotation}.")
    return found


_ARGUMENT = re.compile(r"(?P<type>\w+)(?P<alias>\([^)]*\))?(?P<more>[\[\]\d?]*)\s+(?P<name>\w+)$")


def parse(text: str) -> Schema:
    """Read a schema such as ``(Tensor x, int n=3, *, float? z=None) -> (Tensor, Tensor)``.

    Raises:
        RuntimeError: the text is no schema, or names a type that is not supported.
    """
    head, arrow, tail = text.strip().rpartition("->")
    head, tail = head.strip(), tail.strip()
    if not arrow or not (head.startswith("(") and head.endswith(")")):
        raise RuntimeError(f"expected a schema like '(Tensor x) -> Tensor', given {text!r}")
    parameters: list[Parameter] = []
    keyword_only = False
    for part in _split(head[1:-1]):
        if part == "*":
            keyword_only = True
            continue
        declared, equals, default = part.partition("=")
        found = _ARGUMENT.match(declared.strip())
        if found is None or found["type"] not in _SCALARS:
            raise RuntimeError(f"cannot read the argument {part!r} of the schema {text!r}")
        parameters.append(
            Parameter(
                found["name"],
                found["type"] + re.sub(r"\d", "", found["more"]),
                _literal(default.strip()) if equals else None,
                bool(equals),
                keyword_only,
                "!" in (found["alias"] or ""),
            )
        )
    results = tail[1:-1] if tail.startswith("(") else tail
    returns = tuple(re.sub(r"\([^)]*\)", "", part).split()[0] for part in _split(results) if part)
    return Schema(tuple(parameters), returns)


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise RuntimeError(f"cannot read the default value {text!r} of a schema") from None


def _split(text: str) -> list[str]:
    """The parts between the commas that stand outside of brackets."""
    parts, depth, begin = [], 0, 0
    for place, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
            parts.append(text[begin:place].strip())
            begin = place + 1
    last = text[begin:].strip()
    return [*parts, last] if last else parts
