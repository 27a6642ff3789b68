"""A pickle machine that can only build data: numbers, text, containers, tensors.

The standard unpickler calls whatever a file names. This one knows the opcodes that data needs and
calls only functions from a fixed list, with the effects of each opcode limited to types it knows.

Source: the opcode table of the standard module ``pickletools``.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from typing import TYPE_CHECKING, Any

from .allowed import Allowed, build_state

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SafeUnpickler", "UnpicklingError", "globals_in"]

UnpicklingError = pickle.UnpicklingError
_MARK = object()

_operations: dict[int, Callable[[SafeUnpickler], None]] = {}


def _operation(*codes: bytes) -> Callable[[Any], Any]:
    def register(function: Any) -> Any:
        for code in codes:
            _operations[code[0]] = function
        return function

    return register


class SafeUnpickler:
    """Runs one pickle.

    Args:
        data: the bytes; what follows the pickle is left alone.
        allowed: the names that may occur.
        persistent_load: returns the storage for a persistent id.
        position: where the pickle begins.

    Attributes:
        position: after ``load``, where the pickle ended.
    """

    def __init__(
        self,
        data: bytes,
        allowed: Allowed,
        persistent_load: Callable[[Any], Any],
        position: int = 0,
    ) -> None:
        self.data = data
        self.allowed = allowed
        self.persistent_load = persistent_load
        self.position = position
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def load(self) -> Any:
        """Return the object.

        Raises:
            UnpicklingError: an opcode or a name that is not allowed, or damaged data.
        """
        while True:
            code = self.take(1)[0]
            if code == pickle.STOP[0]:
                return self.pop()
            operation = _operations.get(code)
            if operation is None:
                raise UnpicklingError(f"Unsupported operand {code}")
            try:
                operation(self)
            except (TypeError, ValueError, AttributeError, OverflowError) as error:
                raise UnpicklingError(
                    f"the pickle is damaged before byte {self.position}: {error}"
                ) from error

    def take(self, count: int) -> bytes:
        """Return the next bytes of the pickle."""
        end = self.position + count
        if count < 0 or end > len(self.data):
            raise UnpicklingError(f"the pickle ended at byte {len(self.data)}, inside an opcode")
        part = self.data[self.position : end]
        self.position = end
        return part

    def number(self, layout: str) -> Any:
        """Return the next number of the pickle, in the notation of the module struct."""
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def line(self) -> str:
        """Return the next line of the pickle without its end."""
        end = self.data.find(b"\n", self.position)
        if end < 0:
            raise UnpicklingError("the pickle ended inside a name")
        return self.take(end + 1 - self.position)[:-1].decode()

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self.stack.append(value)

    def pop(self) -> Any:
        """Take the value on top of the stack."""
        if not self.stack or self.stack[-1] is _MARK:
            raise UnpicklingError("the pickle takes a value from an empty stack")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        """Take the values above the last mark, and the mark."""
        for position in range(len(self.stack) - 1, -1, -1):
            if self.stack[position] is _MARK:
                values = self.stack[position + 1 :]
                del self.stack[position:]
                return values
        raise UnpicklingError("the pickle looks for a mark that is not there")

    def top(self, kinds: tuple[type, ...], doing: str) -> Any:
        """Return the value on top of the stack, which must be of one of the given types."""
        if not self.stack or type(self.stack[-1]) not in kinds:
            found = type(self.stack[-1]) if self.stack else "nothing"
            names = " or ".join(kind.__name__ for kind in kinds)
            raise UnpicklingError(f"Can only {doing} {names}, but the pickle has {found}")
        return self.stack[-1]


@_operation(pickle.PROTO)
def _proto(machine: SafeUnpickler) -> None:
    version = machine.take(1)[0]
    if not 0 <= version <= pickle.HIGHEST_PROTOCOL:
        raise UnpicklingError(f"unsupported pickle protocol {version}")


@_operation(pickle.FRAME)
def _frame(machine: SafeUnpickler) -> None:
    machine.take(8)


def _constant(code: bytes, value: Any) -> None:
    _operations[code[0]] = lambda machine: machine.push(value)


_constant(pickle.NONE, None)
_constant(pickle.NEWTRUE, True)
_constant(pickle.NEWFALSE, False)
_constant(pickle.EMPTY_TUPLE, ())
_constant(pickle.MARK, _MARK)


def _fresh(code: bytes, kind: type) -> None:
    _operations[code[0]] = lambda machine: machine.push(kind())


_fresh(pickle.EMPTY_LIST, list)
_fresh(pickle.EMPTY_DICT, dict)
_fresh(pickle.EMPTY_SET, set)


def _fixed(code: bytes, layout: str) -> None:
    _operations[code[0]] = lambda machine: machine.push(machine.number(layout))


_fixed(pickle.BININT, "<i")
_fixed(pickle.BININT1, "<B")
_fixed(pickle.BININT2, "<H")
_fixed(pickle.BINFLOAT, ">d")


def _counted(code: bytes, layout: str, convert: Callable[[bytes], Any]) -> None:
    def operation(machine: SafeUnpickler) -> None:
        machine.push(convert(machine.take(machine.number(layout))))

    _operations[code[0]] = operation


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _long(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


_counted(pickle.LONG1, "<B", _long)
_counted(pickle.LONG4, "<i", _long)
_counted(pickle.SHORT_BINUNICODE, "<B", _text)
_counted(pickle.BINUNICODE, "<I", _text)
_counted(pickle.BINUNICODE8, "<Q", _text)
_counted(pickle.SHORT_BINBYTES, "<B", bytes)
_counted(pickle.BINBYTES, "<I", bytes)
_counted(pickle.BINBYTES8, "<Q", bytes)
_counted(pickle.BYTEARRAY8, "<Q", bytearray)
# Strings of Python 2, which old files have.
_counted(pickle.SHORT_BINSTRING, "<B", _text)
_counted(pickle.BINSTRING, "<i", _text)


def _remembered(code: bytes, layout: str) -> None:
    def operation(machine: SafeUnpickler) -> None:
        index = machine.number(layout)
        if index not in machine.memo:
            raise UnpicklingError(f"the pickle refers to object {index}, which is not there")
        machine.push(machine.memo[index])

    _operations[code[0]] = operation


_remembered(pickle.BINGET, "<B")
_remembered(pickle.LONG_BINGET, "<I")


def _remember(code: bytes, layout: str) -> None:
    def operation(machine: SafeUnpickler) -> None:
        index = machine.number(layout)
        value = machine.pop()
        machine.push(value)
        machine.memo[index] = value

    _operations[code[0]] = operation


_remember(pickle.BINPUT, "<B")
_remember(pickle.LONG_BINPUT, "<I")


@_operation(pickle.MEMOIZE)
def _memoize(machine: SafeUnpickler) -> None:
    value = machine.pop()
    machine.push(value)
    machine.memo[len(machine.memo)] = value


def _short_tuple(code: bytes, count: int) -> None:
    def operation(machine: SafeUnpickler) -> None:
        machine.push(tuple(reversed([machine.pop() for _ in range(count)])))

    _operations[code[0]] = operation


_short_tuple(pickle.TUPLE1, 1)
_short_tuple(pickle.TUPLE2, 2)
_short_tuple(pickle.TUPLE3, 3)


@_operation(pickle.TUPLE)
def _tuple(machine: SafeUnpickler) -> None:
    machine.push(tuple(machine.pop_to_mark()))


@_operation(pickle.FROZENSET)
def _frozenset(machine: SafeUnpickler) -> None:
    machine.push(frozenset(machine.pop_to_mark()))


@_operation(pickle.APPEND)
def _append(machine: SafeUnpickler) -> None:
    value = machine.pop()
    machine.top((list,), "append to").append(value)


@_operation(pickle.APPENDS)
def _appends(machine: SafeUnpickler) -> None:
    values = machine.pop_to_mark()
    machine.top((list,), "append to").extend(values)


@_operation(pickle.ADDITEMS)
def _add_items(machine: SafeUnpickler) -> None:
    values = machine.pop_to_mark()
    machine.top((set,), "add to").update(values)


_MAPPINGS = (dict, OrderedDict, Counter)


@_operation(pickle.SETITEM)
def _set_item(machine: SafeUnpickler) -> None:
    value = machine.pop()
    key = machine.pop()
    machine.top(_MAPPINGS, "set an item of")[key] = value


@_operation(pickle.SETITEMS)
def _set_items(machine: SafeUnpickler) -> None:
    values = machine.pop_to_mark()
    if len(values) % 2:
        raise UnpicklingError("the pickle has a key without a value")
    target = machine.top(_MAPPINGS, "set an item of")
    for key, value in zip(values[::2], values[1::2], strict=True):
        target[key] = value


@_operation(pickle.GLOBAL)
def _global(machine: SafeUnpickler) -> None:
    module = machine.line()
    machine.push(machine.allowed.find(module, machine.line()))


@_operation(pickle.STACK_GLOBAL)
def _stack_global(machine: SafeUnpickler) -> None:
    name = machine.pop()
    module = machine.pop()
    if type(name) is not str or type(module) is not str:
        raise UnpicklingError("the pickle names an object by something that is not text")
    machine.push(machine.allowed.find(module, name))


@_operation(pickle.REDUCE)
def _reduce(machine: SafeUnpickler) -> None:
    args = machine.pop()
    function = machine.pop()
    machine.push(machine.allowed.call(function, args))


@_operation(pickle.NEWOBJ)
def _new_object(machine: SafeUnpickler) -> None:
    args = machine.pop()
    kind = machine.pop()
    machine.push(machine.allowed.new(kind, args))


@_operation(pickle.BUILD)
def _build(machine: SafeUnpickler) -> None:
    state = machine.pop()
    obj = machine.pop()
    machine.push(obj)
    build_state(obj, state, machine.allowed)


@_operation(pickle.BINPERSID)
def _persistent(machine: SafeUnpickler) -> None:
    machine.push(machine.persistent_load(machine.pop()))


def globals_in(data: bytes) -> set[str]:
    """Return the full names of all objects that a pickle names, without building any.

    Args:
        data: the pickle.

    Raises:
        UnpicklingError: damaged data.
    """
    import pickletools

    names = set()
    recent: list[str] = []
    try:
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name == "GLOBAL":
                names.add(".".join(str(argument).split(" ", 1)))
            elif opcode.name == "STACK_GLOBAL" and len(recent) >= 2:
                names.add(".".join(recent[-2:]))
            elif isinstance(argument, str):
                recent.append(argument)
    except ValueError as error:
        raise UnpicklingError(str(error)) from None
    return names
