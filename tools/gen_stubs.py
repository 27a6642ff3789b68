"""Write the type stubs of the package from what the built module says about itself.

    python tools/gen_stubs.py           # write the files
    python tools/gen_stubs.py --check   # fail if they are not up to date

`_C.pyi` describes the native module, `_functions.pyi` its operators as functions and `_names.pyi`
the names that `tallow` loads lazily. Operators come from their registered signatures; other
functions from tools/stub_members.py, or else from the signatures in pybind11's docstrings.
"""

from __future__ import annotations

import argparse
import difflib
import keyword
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from stub_members import FUNCTIONS, VARIABLES

from tallow import _C
from tallow._names import LAZY

PACKAGE = Path(__file__).resolve().parents[1] / "python" / "tallow"

NATIVE_HEADER = '''"""Types of the native module; written by tools/gen_stubs.py, do not edit."""

from builtins import bool as _bool, float as _float, int as _int
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import EllipsisType
from typing import Any, NamedTuple, SupportsIndex, TypeAlias, TypeVar, overload

from numpy import ndarray

from tallow import _functions
from tallow._tensor import Tensor
from tallow.utils.hooks import RemovableHandle

# Members of TensorBase hide these names inside the class.
_device: TypeAlias = device
_dtype: TypeAlias = dtype
_layout: TypeAlias = layout
_memory_format: TypeAlias = memory_format

Number: TypeAlias = _bool | _int | _float | complex
Index: TypeAlias = (
    Tensor | ndarray[Any, Any] | SupportsIndex | slice | EllipsisType | Sequence[Any] | None
)
_T = TypeVar("_T")
'''

FUNCTIONS_HEADER = '''"""Native operators as functions; written by tools/gen_stubs.py, do not edit.

Exists for type checkers only: at run time these are the attributes of `_C._VariableFunctions`.
"""

from collections.abc import Sequence
from typing import overload

from tallow._C import Generator, Number, device, dtype, layout, memory_format{results}
from tallow._tensor import Tensor
'''

NAMES_HEADER = '''"""What `tallow` loads lazily; written by tools/gen_stubs.py, do not edit."""

{imports}

LAZY: dict[str, str]
'''

# Flags of csrc/python/op.h.
FUNCTION, METHOD, OUT, NN = 1, 2, 8, 16

# Kinds of arguments as csrc/python/convert.h names them.
KINDS = {
    "Tensor": "Tensor",
    "Tensor or Number": "Tensor | Number",
    "Number": "Number",
    "int": "int",
    "float": "float",
    "bool": "bool",
    "str": "str",
    "tuple of ints": "int | Sequence[int]",
    "tuple of Tensors": "Sequence[Tensor]",
    "torch.dtype": "dtype",
    "torch.device": "device | str | int",
    "torch.layout": "layout",
    "torch.memory_format": "memory_format",
    "torch.Generator": "Generator",
}

# Containers as pybind11 names them.
GENERICS = {"tuple": "tuple[Any, ...]", "list": "list[Any]", "dict": "dict[str, int]"}

# Name, overloads, description and flags, as `_C._signatures()` gives them.
Operator = tuple[str, list[Any], str, int]

# Inherited from object with a type that a stub must not change, or of no use to anybody.
LEFT_OUT = {*dir(type("Plain", (), {})), "_pybind11_conduit_v1_"} - {"__hash__"}
LEFT_OUT |= {"__buffer__", "__release_buffer__"}  # seen by Python 3.12 and later only

# Members whose types are not those of the class they are inherited from.
INCOMPATIBLE = {"TensorBase": ("__eq__", "__ne__"), "Size": ("__add__",)}


def outside(annotation: str) -> str:
    """An annotation that means the same where members hide builtin names."""
    names = r"(?<![\w*])(bool|float|int|device|dtype|layout|memory_format)\b(?!:)"
    return re.sub(names, r"_\1", annotation)


def result_name(fields: str) -> str:
    """The class of a result with named fields: `values, indices` gives `_ValuesIndices`."""
    return "_" + "".join(word.strip().capitalize() for word in fields.split(","))


def parameter_text(parameter: tuple[str, str, str, bool, bool], star: str) -> str:
    """`name: type = ...` for one parameter of an operator."""
    name, kind, default, _, variadic = parameter
    if keyword.iskeyword(name):
        name += "_"
    if variadic and star:
        return f"*{name}: {'Tensor' if 'Tensor' in kind else 'int'}"
    annotation = "Sequence[int]" if variadic and kind == "tuple of ints" else KINDS[kind]
    if default == "None":
        annotation += " | None"
    return f"{name}: {annotation}" + (" = ..." if default else "")


def operator_forms(
    overloads: list[Any], flags: int, name: str, method: bool
) -> Iterator[tuple[str, str]]:
    """Parameters and result of every way to call an operator."""
    writes = name.endswith("_")
    takes_out = flags & OUT and not method and not writes
    for text, parameters, result in overloads:
        if (method or writes) and parameters[:1] and parameters[0][1] == "Number":
            continue  # a number has no methods, and nothing is written into it
        fields = re.search(r"-> \((.*)\)", text)
        if fields:
            result = result_name(fields[1])
        # `*size` is given as separate arguments, if it is the first of them, or as one sequence.
        first = parameters[1 if method else 0 :][:1]
        forms = ("*", "") if any(variadic for *_, variadic in first) else ("",)
        for star in forms:
            words, keyword_only = ["self"] if method else [], False
            for position, parameter in enumerate(parameters):
                if position == 0 and (method or writes) and parameter[1] == "Tensor or Number":
                    parameter = (parameter[0], "Tensor", *parameter[2:])
                if method and position == 0:
                    continue
                begins = parameter[3] and not keyword_only
                if begins and not any(word.startswith("*") for word in words):
                    words.append("*")
                keyword_only = keyword_only or parameter[3]
                words.append(parameter_text(parameter, star))
            if takes_out:
                if not any(word.startswith("*") for word in words):
                    words.append("*")
                out = (
                    f"tuple[{', '.join(['Tensor'] * len(fields[1].split(',')))}]" if fields else ""
                )
                words.append(f"out: {out or 'Tensor'} | None = ...")
            yield ", ".join(words), result


def definition(
    name: str, forms: list[tuple[str, str]], doc: str, indent: str, decorators: tuple[str, ...] = ()
) -> Iterator[str]:
    """The lines of a function with one or several signatures."""
    for number, (parameters, result) in enumerate(forms):
        for decorator in (*(["overload"] if len(forms) > 1 else []), *decorators):
            yield f"{indent}@{decorator}"
        head = f"{indent}def {name}({parameters}) -> {result}:"
        if doc and number == 0:
            yield head
            yield f"{indent}    {doc!r}" if '"' in doc else f'{indent}    """{doc}"""'
        else:
            yield f"{head} ..."


def split_signature(text: str) -> tuple[str, str]:
    """Parameters and result of `(a: int) -> str`."""
    parameters, result = text.rsplit(" -> ", 1)
    return parameters[1:-1], result


def documented_signature(name: str, doc: str | None, method: bool) -> tuple[str, str]:
    """What pybind11 wrote into the first line of a docstring, or a signature that allows all."""
    first = (doc or "").splitlines()[0] if doc else ""
    found = re.fullmatch(rf"{re.escape(name)}(\(.*\)) -> (.+)", first)
    if not found:
        return f"{'self, ' if method else ''}*args: Any, **kwargs: Any", "Any"
    text = found[0].replace("tallow._C.", "")
    text = re.sub(r"typing\.SupportsInt \| typing\.SupportsIndex", "int", text)
    text = re.sub(r"typing\.SupportsFloat \| typing\.SupportsIndex", "float", text)
    text = re.sub(r"\bobject\b|\bhandle\b", "Any", text)
    text = re.sub(r" = [^,)]+", " = ...", text)
    text = re.sub(r"\bself: \w+", "self", text)
    text = re.sub(r"\b(tuple|list|dict)\b(?!\[)", lambda m: GENERICS[m[1]], text)
    return split_signature(text[len(name) :])


def function_lines(name: str, value: Any, owner: str, indent: str) -> Iterator[str]:
    """A function that is no operator."""
    entry = FUNCTIONS.get(owner, {}).get(name)
    if entry is None:
        forms = [documented_signature(name, getattr(value, "__doc__", None), bool(owner))]
    else:
        forms = [split_signature(text) for text in ([entry] if isinstance(entry, str) else entry)]
    forms = [(outside(parameters), outside(result)) for parameters, result in forms]
    decorators = ("classmethod",) if forms[0][0].startswith("cls") and name != "__new__" else ()
    for line in definition(name, forms, "", indent, decorators if owner else ()):
        ignored = name in INCOMPATIBLE.get(owner, ())
        yield line + ("  # type: ignore[override]" if ignored else "")


def class_lines(name: str, cls: type, operators: list[Operator]) -> Iterator[str]:
    """A class: members of its own first, then operators."""
    base = next((b.__name__ for b in cls.__bases__ if b is not object), "")
    base = {"tuple": "tuple[_int, ...]", "pybind11_object": ""}.get(base, base)
    yield f"class {name}({base}):" if base else f"class {name}:"
    registered = {operator for operator, *_ in operators}
    functions, variables = FUNCTIONS.get(name, {}), VARIABLES.get(name, {})
    members = {m: v for m, v in vars(cls).items() if m not in LEFT_OUT | registered}
    members |= {m: getattr(cls, m, None) for m in {*functions, *variables}}
    if name == "Node" or not members:
        yield "    def __getattr__(self, name: str) -> Any: ..." if members else "    ..."
    for member, value in sorted(members.items()):
        described = member in functions or callable(value) or isinstance(value, classmethod)
        if member in variables or not described:
            yield f"    {member}: {outside(variables.get(member, 'Any'))}"
        elif member != "__hash__" or member in functions:
            yield from function_lines(member, value, name, "    ")
    if name == "TensorBase":
        for operator, overloads, doc, flags in operators:
            if flags & METHOD and operator not in functions:
                forms = operator_forms(overloads, flags, operator, method=True)
                forms = [(outside(parameters), outside(result)) for parameters, result in forms]
                yield from definition(operator, forms, doc, "    ")


def native_stub(operators: list[Operator]) -> str:
    """The text of `_C.pyi`."""
    classes = tuple(value for value in vars(_C).values() if isinstance(value, type))
    instances = {
        name: type(value).__name__ for name, value in vars(_C).items() if type(value) in classes
    }
    del instances["_VariableFunctions"]  # given below as the module that describes it
    lines = [NATIVE_HEADER]
    for fields in sorted(set(named_results(operators))):
        lines += [f"class {result_name(fields)}(NamedTuple):"]
        lines += [f"    {field.strip()}: Tensor" for field in fields.split(",")] + [""]
    for name, value in sorted(vars(_C).items()):
        if isinstance(value, type) and name != "_VariableFunctionsClass":
            lines += ["", *class_lines(name, value, operators)]
    lines += ["", "class _VariableFunctionsClass: ...", "", "class _nn:"]
    for name, overloads, doc, flags in operators:
        if flags & NN:
            forms = operator_forms(overloads, flags, name, method=False)
            forms = [(outside(parameters), outside(result)) for parameters, result in forms]
            lines += definition(name, forms, doc, "    ", ("staticmethod",))
    lines.append("")
    lines += [f"{name}: {kind}" for name, kind in sorted(instances.items())]
    lines += ["__version__: str", "_cuda: Any", "_VariableFunctions = _functions", ""]
    for name, value in sorted(vars(_C).items()):
        if callable(value) and type(value) not in classes and not isinstance(value, type):
            lines += function_lines(name, value, "", "")
    return "\n".join(lines) + "\n"


def named_results(operators: list[Operator]) -> Iterator[str]:
    """The fields of every result that has names, once per signature."""
    for _, overloads, *_ in operators:
        for text, *_ in overloads:
            yield from re.findall(r"-> \((.*)\)", text)


def functions_stub(operators: list[Operator]) -> str:
    """The text of `_functions.pyi`."""
    results = "".join(
        f", {result_name(fields)}" for fields in sorted(set(named_results(operators)))
    )
    lines = [FUNCTIONS_HEADER.format(results=results)]
    for name, overloads, doc, flags in operators:
        if flags & FUNCTION and not keyword.iskeyword(name) and not name.startswith("__"):
            forms = list(operator_forms(overloads, flags, name, method=False))
            lines += definition(name, forms, doc, "")
    return "\n".join(lines) + "\n"


def names_stub() -> str:
    """The text of `_names.pyi`."""
    imports = [
        f"from tallow import {name} as {name}"
        if home == name
        else f"from tallow.{home} import {name} as {name}"
        for name, home in sorted(LAZY.items(), key=lambda item: item[::-1])
    ]
    return NAMES_HEADER.format(imports="\n".join(imports))


def stubs() -> dict[Path, str]:
    """Every generated file and its text."""
    operators = sorted(_C._signatures())
    return {
        PACKAGE / "_C.pyi": native_stub(operators),
        PACKAGE / "_functions.pyi": functions_stub(operators),
        PACKAGE / "_names.pyi": names_stub(),
    }


def main() -> int:
    """Write or check the stubs; the status is 1 if the check fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    differences: list[str] = []
    for path, text in stubs().items():
        if not check:
            path.write_text(text)
            continue
        present = path.read_text() if path.is_file() else ""
        differences += difflib.unified_diff(
            present.splitlines(), text.splitlines(), path.name, "the built module", lineterm=""
        )
    print("\n".join(differences[:60]))
    return int(bool(differences))


if __name__ == "__main__":
    sys.exit(main())
