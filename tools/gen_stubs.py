"""Write python/tallow/_C.pyi from what the built module says about itself.

    python tools/gen_stubs.py           # write the file
    python tools/gen_stubs.py --check   # fail if it is not up to date

Operators come from their registered signatures; the other functions from the signatures that
pybind11 puts into docstrings; classes from their members, with the types of the table below.
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

from tallow import _C

PATH = Path(__file__).resolve().parents[1] / "python" / "tallow" / "_C.pyi"

HEADER = '''"""Types of the native module; written by tools/gen_stubs.py, do not edit."""

from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias, overload

from tallow._tensor import Tensor

# Members of TensorBase hide these names inside the class.
_bool: TypeAlias = bool
_float: TypeAlias = float
_int: TypeAlias = int
_device: TypeAlias = device
_dtype: TypeAlias = dtype
_layout: TypeAlias = layout

Number: TypeAlias = _bool | _int | _float | complex
'''

# Flags of csrc/python/op.h.
FUNCTION, METHOD, INPLACE, OUT, NN = 1, 2, 4, 8, 16

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

# Types of members that carry no signature; any other member is Any.
MEMBERS = {
    **dict.fromkeys(("T", "H", "mT", "mH", "data"), "Tensor"),
    **dict.fromkeys(("grad", "_base"), "Tensor | None"),
    **dict.fromkeys(("_version", "itemsize", "nbytes", "ndim", "output_nr"), "int"),
    **dict.fromkeys(("is_leaf", "requires_grad", "retains_grad"), "bool"),
    **dict.fromkeys(("is_cpu", "is_cuda", "is_meta", "is_sparse", "is_quantized"), "bool"),
    "device": "device",
    "dtype": "dtype",
    "grad_fn": "Node | None",
    "layout": "layout",
    "shape": "Size",
}
METHODS = {
    **dict.fromkeys(("dim", "ndimension", "nelement", "numel", "data_ptr"), "int"),
    **dict.fromkeys(("element_size", "get_device", "storage_offset", "__len__", "__int__"), "int"),
    **dict.fromkeys(("__index__", "__hash__"), "int"),
    **dict.fromkeys(("is_complex", "is_floating_point", "is_signed", "__bool__"), "bool"),
    **dict.fromkeys(("is_inference", "is_pinned", "is_conj", "is_neg", "_is_view"), "bool"),
    **dict.fromkeys(("is_contiguous",), "bool"),
    **dict.fromkeys(("detach_", "requires_grad_", "__getitem__"), "Tensor"),
    **dict.fromkeys(("retain_grad", "__setitem__"), "None"),
    "__float__": "float",
    "item": "Number",
}
BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor")
BINARY += ("lshift", "rshift")
METHODS |= {f"__{form}{name}__": "Tensor" for name in BINARY for form in ("", "r", "i")}
METHODS |= dict.fromkeys(("__neg__", "__pos__", "__abs__", "__invert__"), "Tensor")
METHODS |= dict.fromkeys(("__lt__", "__le__", "__gt__", "__ge__"), "Tensor")
# Inherited from object with a type that a stub must not change.
LEFT_OUT = {
    "__class__", "__delattr__", "__dir__", "__doc__", "__eq__", "__format__", "__getattribute__",
    "__getstate__", "__init__", "__init_subclass__", "__module__", "__ne__", "__new__",
    "__reduce__", "__reduce_ex__", "__repr__", "__setattr__", "__sizeof__", "__str__",
    "__subclasshook__", "__dict__", "__weakref__", "__hash__",
}  # fmt: skip


def outside(annotation: str) -> str:
    """An annotation that means the same inside TensorBase, where members hide builtin names."""
    return re.sub(r"\b(bool|float|int|device|dtype|layout)\b", r"_\1", annotation)


def parameter_text(parameter: tuple[str, str, str, bool, bool]) -> str:
    """`name: type = default` for one parameter of an operator."""
    name, kind, default, _, variadic = parameter
    if keyword.iskeyword(name):
        name += "_"
    if variadic:
        return f"*{name}: {'Tensor' if 'Tensor' in kind else '_int'}"
    annotation = outside(KINDS[kind])
    if default == "None":
        annotation += " | None"
    return f"{name}: {annotation}" + (" = ..." if default else "")


def operator_lines(
    name: str, overloads: list[Any], flags: int, method: bool, indent: str
) -> Iterator[str]:
    """The stub of an operator as a function, or as a method of its first parameter."""
    for text, parameters, result in overloads:
        words, keyword_only = ["self"] if method else [], False
        for position, parameter in enumerate(parameters):
            if method and position == 0:
                continue
            if parameter[3] and not keyword_only and not any("*" in word for word in words):
                words.append("*")
            keyword_only = keyword_only or parameter[3]
            words.append(parameter_text(parameter))
        if flags & OUT and not method:
            if not any(word.startswith("*") for word in words):
                words.append("*")
            words.append("out: Any = ...")
        named = re.search(r"-> \((.*)\)", text)
        result_text = "Any" if named else outside(result)
        if len(overloads) > 1:
            yield f"{indent}@overload"
        if not method:
            yield f"{indent}@staticmethod"
        yield f"{indent}def {name}({', '.join(words)}) -> {result_text}: ..."


def python_signature(name: str, doc: str | None, default: str, indent: str, method: bool) -> str:
    """The stub of a function from the first line of its docstring, if that is a signature."""
    first = (doc or "").splitlines()[0] if doc else ""
    found = re.fullmatch(rf"{re.escape(name)}\((.*)\) -> (.+)", first)
    if not found:
        self = "self, " if method else ""
        default = outside(default) if method else default
        return f"{indent}def {name}({self}*args: Any, **kwargs: Any) -> {default}: ..."
    text = re.sub(r"typing\.SupportsInt \| typing\.SupportsIndex", "int", found[1])
    text = re.sub(r"typing\.SupportsFloat \| typing\.SupportsIndex", "float", text)
    text = re.sub(r"\bobject\b|\bhandle\b", "Any", text).replace("tallow._C.", "")
    text = re.sub(r" = [^,)]+", " = ...", text)
    text = re.sub(r"\bself: \w+", "self", text)
    result = re.sub(r"\bobject\b", "Any", found[2]).replace("tallow._C.", "")
    result = {"list": "list[Any]", "dict": "dict[str, int]", "tuple": "tuple[Any, ...]"}.get(
        result, result
    )
    text = re.sub(r": tuple\b(?!\[)", ": tuple[Any, ...]", text)
    if method:
        text, result = outside(text), outside(result)
    return f"{indent}def {name}({text}) -> {result}: ..."


def class_lines(name: str, cls: type, operators: dict[str, Any]) -> Iterator[str]:
    """The stub of a class: hand-written members first, then operators."""
    base = next((b.__name__ for b in cls.__bases__ if b is not object), "")
    base = {"tuple": "tuple[int, ...]", "pybind11_object": ""}.get(base, base)
    yield f"class {name}({base}):" if base else f"class {name}:"
    if name == "TensorBase":
        # Operators would hide these from the types that follow.
        yield "    __hash__: ClassVar[Any]"
    for member in sorted(vars(cls)):
        value = vars(cls)[member]
        if member in LEFT_OUT or member in operators or member == "__hash__":
            continue
        if callable(value) or isinstance(value, classmethod | staticmethod):
            default = METHODS.get(member, "Any") if name == "TensorBase" else "Any"
            yield python_signature(
                member, getattr(value, "__doc__", None), default, "    ", method=True
            )
        else:
            kind = MEMBERS.get(member, "Any") if name == "TensorBase" else "Any"
            yield f"    {member}: {outside(kind)}"
    if name == "TensorBase":
        for operator, (overloads, flags) in sorted(operators.items()):
            if flags & METHOD and hasattr(cls, operator):
                yield from operator_lines(operator, overloads, flags, True, "    ")
    yield "    def __getattr__(self, name: str) -> Any: ..." if name == "Node" else "    ..."


def stub() -> str:
    """The whole text of the stub."""
    operators = {name: (overloads, flags) for name, overloads, _, flags in _C._signatures()}
    lines = [HEADER]
    instances = {
        name: type(value).__name__
        for name, value in vars(_C).items()
        if str(type(value).__module__).startswith(("tallow", "torch"))
        and not isinstance(value, type)
    }
    for name, value in sorted(vars(_C).items()):
        if isinstance(value, type) and name != "_VariableFunctionsClass":
            lines += ["", *class_lines(name, value, operators)]
    for title, flag in (("_VariableFunctionsClass", FUNCTION), ("_nn", NN)):
        lines += ["", f"class {title}:"]
        for name, (overloads, flags) in sorted(operators.items()):
            if flags & flag and not keyword.iskeyword(name):
                lines += operator_lines(name, overloads, flags, False, "    ")
    lines += ["", "_VariableFunctions: _VariableFunctionsClass"]
    lines += [f"{name}: {kind}" for name, kind in sorted(instances.items()) if name[0] != "_"]
    lines += ["__version__: str", ""]
    for name, value in sorted(vars(_C).items()):
        if callable(value) and not isinstance(value, type) and name not in instances:
            lines.append(python_signature(name, value.__doc__, "Any", "", method=False))
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check the stub; the status is 1 if the check fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = stub()
    if not check:
        PATH.write_text(text)
        return 0
    present = PATH.read_text() if PATH.is_file() else ""
    difference = difflib.unified_diff(
        present.splitlines(), text.splitlines(), str(PATH.name), "the built module", lineterm=""
    )
    printed = list(difference)
    print("\n".join(printed[:60]))
    return int(bool(printed))


if __name__ == "__main__":
    sys.exit(main())
