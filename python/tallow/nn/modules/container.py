"""Modules that hold other modules or parameters in a sequence or under names."""

from __future__ import annotations

import operator
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from tallow._tensor import Tensor
from tallow._user_frame import outside_stacklevel
from tallow.nn._spelling import typename
from tallow.nn.modules.module import Module, _addindent
from tallow.nn.parameter import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Self

__all__ = ["Container", "ModuleDict", "ModuleList", "ParameterDict", "ParameterList", "Sequential"]


def _wrap_index(index: Any, length: int) -> int:
    """Turn an index that may count from the end into a position.

    Raises:
        IndexError: there is no such position.
        TypeError: ``index`` is no integer.
    """
    index = operator.index(index)
    if not -length <= index < length:
        raise IndexError(f"index {index} is out of range")
    return index % length


class Container(Module):
    """Module with the given children; deprecated, since every :class:`Module` can hold children."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        warnings.warn(
            "`nn.Container` is deprecated. All of its functionality is now implemented in "
            "`nn.Module`. Subclass that instead.",
            FutureWarning,
            stacklevel=outside_stacklevel(),
        )
        for name, module in kwargs.items():
            self.add_module(name, module)


class Sequential(Module):
    """Feed the input through the children one after the other.

    Args:
        args: the modules, or one ``OrderedDict`` of name to module.

    Example:
        >>> net = Sequential(tallow.nn.Linear(4, 3), tallow.nn.ReLU())
        >>> net(tallow.ones(2, 4)).shape
        tallow.Size([2, 3])
        >>> net[1]
        ReLU()
    """

    _modules: dict[str, Module]  # type: ignore[assignment]

    def __init__(self, *args: Any) -> None:
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(args):
                self.add_module(str(i), module)

    def forward(self, input: Any) -> Any:
        for module in self._modules.values():
            input = module(input)
        return input

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]

    def _key(self, index: Any) -> str:
        return next(islice(self._modules, _wrap_index(index, len(self)), None))

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            # The slice keeps the names, so that its state_dict has the keys of the original.
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._key(index)]

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index: int | slice) -> None:
        if isinstance(index, slice):
            for key in list(self._modules)[index]:
                delattr(self, key)
        else:
            delattr(self, self._key(index))
        self._number_children(self._modules.values())

    def _number_children(self, modules: Iterable[Module]) -> None:
        self._modules = {str(i): module for i, module in enumerate(modules)}

    def pop(self, key: int | slice) -> Any:
        """Remove and return the child at a position; the names of the others become numbers."""
        module = self[key]
        del self[key]
        return module

    def append(self, module: Module) -> Self:
        """Add a child at the end."""
        return self.insert(len(self), module)

    def insert(self, index: int, module: Module) -> Self:
        """Add a child before position ``index``; the names of later ones become numbers."""
        n = len(self)
        if not -n <= index <= n:
            raise IndexError(f"Index out of range: {index}")
        if index == n:
            self.add_module(str(n), module)
        else:
            assert isinstance(module, Module), f"module should be of type: {Module}"
            modules = list(self._modules.values())
            modules.insert(index, module)
            self._number_children(modules)
        return self

    def extend(self, sequential: Iterable[Module]) -> Self:
        """Add several children at the end."""
        for module in list(sequential):
            self.append(module)
        return self

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise ValueError(
                "add operator supports only objects of Sequential class, but "
                f"{type(other)} is given."
            )
        return Sequential(*self, *other)

    def __iadd__(self, other: Sequential) -> Self:
        if not isinstance(other, Sequential):
            raise ValueError(
                "add operator supports only objects of Sequential class, but "
                f"{type(other)} is given."
            )
        return self.extend(other)

    def __mul__(self, other: int) -> Sequential:
        self._check_factor(other)
        return Sequential(*(list(self) * other))

    __rmul__ = __mul__

    def __imul__(self, other: int) -> Self:
        self._check_factor(other)
        return self.extend(list(self) * (other - 1))

    def _check_factor(self, factor: Any) -> None:
        if not isinstance(factor, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(factor)}")
        if factor <= 0:
            raise ValueError(f"Non-positive multiplication factor {factor} for {type(self)}")


class ModuleList(Module):
    """Hold modules in a list; unlike those of a plain list, they are registered as children.

    Args:
        modules: the initial modules.

    Example:
        >>> layers = ModuleList(tallow.nn.Linear(4, 4) for _ in range(2))
        >>> layers
        ModuleList(
          (0-1): 2 x Linear(in_features=4, out_features=4, bias=True)
        )
    """

    _modules: dict[str, Module]  # type: ignore[assignment]

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self += modules

    def _get_abs_string_index(self, idx: Any) -> str:
        return str(_wrap_index(idx, len(self)))

    def __getitem__(self, idx: int | slice) -> Any:
        if isinstance(idx, slice):
            return type(self)(list(self._modules.values())[idx])
        return self._modules[self._get_abs_string_index(idx)]

    def __setitem__(self, idx: int, module: Module) -> None:
        setattr(self, self._get_abs_string_index(idx), module)

    def __delitem__(self, idx: int | slice) -> None:
        modules = list(self._modules.values())
        if isinstance(idx, slice):
            del modules[idx]
        else:
            del modules[_wrap_index(idx, len(self))]
        self._modules = {str(i): module for i, module in enumerate(modules)}

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules.values())

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]

    def __repr__(self) -> str:
        # Equal neighbours share a line: (0-2): 3 x Linear(...)
        lines: list[str] = []
        start = 0
        texts = [repr(module) for module in self]
        for i, text in enumerate(texts):
            if i + 1 < len(texts) and texts[i + 1] == text:
                continue
            count = i + 1 - start
            label = f"({start}-{i}): {count} x " if count > 1 else f"({i}): "
            lines.append("  " + label + _addindent(text, 2))
            start = i + 1
        body = "\n" + "\n".join(lines) + "\n" if lines else ""
        return f"{self._get_name()}({body})"

    def insert(self, index: int, module: Module) -> None:
        """Insert ``module`` before position ``index``, as ``list.insert`` does."""
        modules = list(self._modules.values())
        modules.insert(index, module)
        self._modules = {str(i): child for i, child in enumerate(modules)}

    def append(self, module: Module | None) -> Self:
        """Add ``module`` at the end."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, key: int | slice) -> Any:
        """Remove and return the module at a position."""
        module = self[key]
        del self[key]
        return module

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several modules at the end.

        Raises:
            TypeError: ``modules`` is not iterable.
        """
        if not isinstance(modules, Iterable):
            raise TypeError(
                "ModuleList.extend should be called with an iterable, but got "
                f"{type(modules).__name__}"
            )
        for module in list(modules):
            self.append(module)
        return self


class ModuleDict(Module):
    """Hold modules under names; unlike those of a plain dict, they are registered as children.

    Args:
        modules: mapping or pairs of name and module.

    Example:
        >>> heads = ModuleDict({"a": tallow.nn.ReLU(), "b": tallow.nn.Tanh()})
        >>> list(heads)
        ['a', 'b']
    """

    _modules: dict[str, Module]  # type: ignore[assignment]

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def clear(self) -> None:
        """Remove all modules."""
        self._modules.clear()

    def pop(self, key: str) -> Module:
        """Remove and return the module under ``key``."""
        return self._modules.pop(key)

    def keys(self) -> Any:
        """Return a view of the names."""
        return self._modules.keys()

    def items(self) -> Any:
        """Return a view of the pairs of name and module."""
        return self._modules.items()

    def values(self) -> Any:
        """Return a view of the modules."""
        return self._modules.values()

    def update(self, modules: Any) -> None:
        """Add or replace modules from a mapping or from pairs.

        Raises:
            TypeError: ``modules`` or one of its elements is not iterable.
            ValueError: an element is not a pair.
        """
        for name, module in _pairs("ModuleDict", "ModuleDict", modules):
            self[name] = module


def _pairs(owner: str, message_owner: str, entries: Any) -> Iterator[tuple[Any, Any]]:
    """Yield pairs from a mapping, another container or an iterable of pairs, checking each."""
    if not isinstance(entries, Iterable):
        raise TypeError(
            f"{message_owner}.update should be called with an iterable of key/value pairs, "
            f"but got {type(entries).__name__}"
        )
    if isinstance(entries, (Mapping, ModuleDict, ParameterDict)):
        yield from entries.items()
        return
    for i, entry in enumerate(entries):
        if not isinstance(entry, Iterable):
            raise TypeError(
                f"{owner} update sequence element #{i} should be Iterable; is{type(entry).__name__}"
            )
        pair = tuple(entry)
        if len(pair) != 2:
            raise ValueError(
                f"{owner} update sequence element #{i} has length {len(pair)}; 2 is required"
            )
        yield pair


def _as_entry(value: Any) -> Any:
    """Turn a plain tensor into a Parameter and leave everything else."""
    if isinstance(value, Tensor) and not isinstance(value, Parameter):
        return Parameter(value)
    return value


def _entry_line(value: Any, type_text: str) -> str:
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    size = "x".join(str(n) for n in value.size())
    device = "" if value.device.type == "cpu" else f" ({value.device})"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"{kind} containing: [{type_text} of size {size}{device}]"


class ParameterList(Module):
    """Hold parameters, and any other objects, in a list; tensors become parameters.

    Args:
        values: the initial elements.

    Example:
        >>> weights = ParameterList([tallow.zeros(2), tallow.zeros(3)])
        >>> [name for name, _ in weights.named_parameters()]
        ['0', '1']
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self._size = 0
        if values is not None:
            self += values

    def _get_abs_string_index(self, idx: Any) -> str:
        return str(_wrap_index(idx, len(self)))

    def __getitem__(self, idx: Any) -> Any:
        if isinstance(idx, slice):
            return type(self)(self[i] for i in range(*idx.indices(len(self))))
        return getattr(self, self._get_abs_string_index(idx))

    def __setitem__(self, idx: int, param: Any) -> None:
        setattr(self, self._get_abs_string_index(idx), _as_entry(param))

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Any]:
        return iter([self[i] for i in range(len(self))])

    def __iadd__(self, parameters: Iterable[Any]) -> Self:
        return self.extend(parameters)

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not name.isdigit()]

    def append(self, value: Any) -> Self:
        """Add an element at the end."""
        setattr(self, str(self._size), _as_entry(value))
        self._size += 1
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add several elements at the end.

        Raises:
            TypeError: ``values`` is not iterable, or is a tensor.
        """
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(
                "ParameterList.extend should be called with an iterable, but got "
                f"{type(values).__name__}"
            )
        for value in list(values):
            self.append(value)
        return self

    def extra_repr(self) -> str:
        lines = []
        for i, value in enumerate(self):
            text = str(value.dtype) if isinstance(value, Tensor) else ""
            lines.append(f"  ({i}): {_entry_line(value, text)}")
        return "\n".join(lines)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterList should not be called.")


class ParameterDict(Module):
    """Hold parameters, and any other objects, under names; tensors become parameters.

    Args:
        parameters: mapping or pairs of name and element.

    Example:
        >>> scales = ParameterDict({"left": tallow.ones(1)})
        >>> scales["left"]
        Parameter containing:
        tensor([1.], requires_grad=True)
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self._keys: dict[str, None] = {}
        if parameters is not None:
            self.update(parameters)

    def _key_to_attr(self, key: Any) -> str:
        if not isinstance(key, str):
            raise TypeError(
                "Index given to ParameterDict cannot be used as a key as it is not a string "
                f"(type is '{type(key).__name__}'). Open an issue on github if you need "
                "non-string keys."
            )
        return key

    def __getitem__(self, key: str) -> Any:
        return getattr(self, self._key_to_attr(key))

    def __setitem__(self, key: str, value: Any) -> None:
        attr = self._key_to_attr(key)
        if key not in self._keys and hasattr(self, attr):
            raise KeyError(f"attribute '{attr}' already exists")
        setattr(self, attr, _as_entry(value))
        self._keys[key] = None

    def __delitem__(self, key: str) -> None:
        del self._keys[key]
        delattr(self, self._key_to_attr(key))

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def copy(self) -> ParameterDict:
        """Return a new container with the same elements."""
        return ParameterDict(OrderedDict(self.items()))

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the element under ``key``, after storing ``default`` if there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def clear(self) -> None:
        """Remove all elements."""
        for key in list(self._keys):
            del self[key]

    def pop(self, key: str) -> Any:
        """Remove and return the element under ``key``."""
        value = self[key]
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        """Remove and return the pair that was added last."""
        if not self._keys:
            raise KeyError("popitem(): dictionary is empty")
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return the element under ``key``, or ``default``."""
        return self[key] if key in self._keys else default

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """Return a new container with ``default`` under every key."""
        return ParameterDict((key, default) for key in keys)

    def keys(self) -> Any:
        """Return a view of the names."""
        return self._keys.keys()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Yield the pairs of name and element."""
        return ((key, self[key]) for key in self._keys)

    def values(self) -> Iterable[Any]:
        """Yield the elements."""
        return (self[key] for key in self._keys)

    def update(self, parameters: Any) -> None:
        """Add or replace elements from a mapping or from pairs.

        Raises:
            TypeError: ``parameters`` or one of its elements is not iterable.
            ValueError: an element is not a pair.
        """
        pairs = list(_pairs("ParameterDict", "ParametersDict", parameters))
        if isinstance(parameters, Mapping) and not isinstance(parameters, OrderedDict):
            pairs.sort(key=operator.itemgetter(0))  # as PyTorch: plain dicts once had no order
        for key, value in pairs:
            self[key] = value

    def extra_repr(self) -> str:
        return "\n".join(
            f"  ({key}): {_entry_line(value, typename(value))}" for key, value in self.items()
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("ParameterDict should not be called.")

    def __or__(self, other: Any) -> ParameterDict:
        copy = self.copy()
        copy.update(other)
        return copy

    def __ror__(self, other: Any) -> Any:
        copy = other.copy()
        copy.update(self.items())
        return copy

    def __ior__(self, other: Any) -> Self:
        self.update(other)
        return self
