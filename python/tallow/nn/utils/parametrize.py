"""Parameters and buffers that are computed from other tensors."""

from __future__ import annotations

import copyreg
from contextlib import contextmanager, suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any, TypeVar

import tallow
from tallow.nn.modules.container import ModuleDict, ModuleList
from tallow.nn.modules.module import Module
from tallow.nn.parameter import Parameter

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tallow._tensor import Tensor

__all__ = [
    "ParametrizationList",
    "cached",
    "is_parametrized",
    "register_parametrization",
    "remove_parametrizations",
    "transfer_parametrizations_and_params",
    "type_before_parametrizations",
]

_M = TypeVar("_M", bound=Module)

# Values computed inside cached(), by the list that computed them.
_cache: dict[ParametrizationList, Tensor] = {}
_cache_depth = 0


@contextmanager
def cached() -> Iterator[None]:
    """Compute every parametrized tensor at most once inside a ``with`` block.

    Blocks may be nested; the values are dropped at the end of the outermost one. Changing an
    original tensor inside the block does not change the value that is remembered.

    Example:
        >>> layer = tallow.nn.utils.parametrizations.weight_norm(tallow.nn.Linear(2, 2))
        >>> with cached():
        ...     layer.weight is layer.weight
        True
    """
    global _cache_depth
    _cache_depth += 1
    try:
        yield
    finally:
        _cache_depth -= 1
        if _cache_depth == 0:
            _cache.clear()


class ParametrizationList(ModuleList):
    r"""The modules that compute one tensor, in order, and the tensors they compute it from.

    These are ``original``, or ``original0``, ``original1``, ... where the ``right_inverse`` of the
    first module returned a sequence. :func:`register_parametrization` makes these lists.

    Args:
        modules: at least one module; the first gets the originals, each other the result so far.
        original: the tensor as it is without parametrization.
        unsafe: whether the result may differ from ``original`` in dtype and shape.

    Raises:
        ValueError: no modules, or one whose ``forward`` or ``right_inverse`` does not fit.
    """

    is_tensor: bool
    ntensors: int

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if len(modules) == 0:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        source = _originals(modules, original)
        self.is_tensor = isinstance(source, tallow.Tensor)
        if self.is_tensor:
            if source.dtype != dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {dtype}\nright_inverse(original).dtype: {source.dtype}"
                )
            # The very parameter stays, since optimisers may have it already.
            original.data = source
            self.ntensors = 1
            self._register("original", original)
        else:
            self.ntensors = len(source)
            for i, tensor in enumerate(source):
                if isinstance(original, Parameter):
                    tensor = Parameter(tensor, original.requires_grad)
                tensor.requires_grad_(original.requires_grad)
                self._register(f"original{i}", tensor)
        if not unsafe:
            _check_result(
                self(),
                dtype,
                shape,
                "Registering a parametrization may not change the {} of the tensor, unless "
                "`unsafe` flag is enabled.\nunparametrized {}: {}\nparametrized {}: {}",
            )

    def _register(self, name: str, tensor: Tensor) -> None:
        if isinstance(tensor, Parameter):
            self.register_parameter(name, tensor)
        else:
            self.register_buffer(name, tensor)

    def _originals(self) -> list[Tensor]:
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Change the originals so that the parametrized tensor becomes ``value``.

        Args:
            value: goes through the ``right_inverse`` of every module, last module first.

        Raises:
            RuntimeError: a module has no ``right_inverse``.
            ValueError: a ``right_inverse`` returns something that does not fit the originals.
        """
        with tallow.no_grad():
            source: Any = value
            for module in reversed(self):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                source = module.right_inverse(source)
            if self.is_tensor:
                if not isinstance(source, tallow.Tensor):
                    raise ValueError(
                        f"`right_inverse` should return a tensor. Got {type(source).__name__}"
                    )
                source = [source]
            else:
                self._check_sequence(source)
            originals = self._originals()
            for i, (original, tensor) in enumerate(zip(originals, source, strict=True)):
                which = "The tensor" if self.is_tensor else f"Tensor {i}"
                name = "original" if self.is_tensor else f"original{i}"
                if original.dtype != tensor.dtype:
                    raise ValueError(
                        f"{which} returned by `right_inverse` has dtype {tensor.dtype} while "
                        f"`{name}` has dtype {original.dtype}"
                    )
            for original, tensor in zip(originals, source, strict=True):
                original.data = tensor

    def _check_sequence(self, source: Any) -> None:
        if not _is_sequence(source):
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors. Got {type(source).__name__}."
            )
        if len(source) != self.ntensors:
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                f"Got a sequence of length {len(source)}."
            )
        for i, tensor in enumerate(source):
            if not isinstance(tensor, tallow.Tensor):
                raise ValueError(
                    "'right_inverse' must return a sequence of tensors. Got element "
                    f"{i} of type {type(tensor).__name__}."
                )

    def forward(self) -> Tensor:
        """Compute the tensor."""
        first, *rest = self
        value = first(*self._originals())
        for module in rest:
            value = module(value)
        return value


def _is_sequence(value: Any) -> bool:
    from collections.abc import Sequence

    return isinstance(value, Sequence)


def _originals(modules: Sequence[Module], original: Tensor) -> Any:
    """What ``right_inverse`` of all modules makes of a tensor, checked."""
    source: Any = original
    with tallow.no_grad():
        for module in reversed(modules):
            if hasattr(module, "right_inverse"):
                # One that says it is not implemented counts as missing.
                with suppress(NotImplementedError):
                    source = module.right_inverse(source)
    if isinstance(source, tallow.Tensor):
        return source
    problem = f"{type(source).__name__}"
    if _is_sequence(source):
        strange = [i for i, t in enumerate(source) if not isinstance(t, tallow.Tensor)]
        if not strange:
            return source
        i = strange[0]
        problem = f"element {i} of the sequence with type {type(source[i]).__name__}."
    raise ValueError(
        "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
        f"Got {problem}"
    )


def _check_result(value: Any, dtype: Any, shape: Any, message: str) -> None:
    if not isinstance(value, tallow.Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(value).__name__}.")
    for what, before, after in (("dtype", dtype, value.dtype), ("shape", shape, value.shape)):
        if before != after:
            raise ValueError(message.format(what, what, before, what, after))


class _Parametrized(property):
    """A class attribute that computes the tensor of the instance's list of the same name."""

    def __init__(self, name: str) -> None:
        def compute(module: Any) -> Tensor:
            entry = module.parametrizations[name]
            if _cache_depth == 0:
                return entry()
            if (value := _cache.get(entry)) is None:
                value = _cache[entry] = entry()
            return value

        def assign(module: Any, value: Tensor) -> None:
            module.parametrizations[name].right_inverse(value)

        super().__init__(compute, assign)


def _refuse_pickling(self: Any) -> Any:
    raise RuntimeError(
        "Serialization of parametrized modules is only supported through state_dict(). "
        "See the section on modules and state_dict in the documentation of tallow.save"
    )


def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    if id(self) in memo:
        return memo[id(self)]
    copied = self.__new__(type(self))
    memo[id(self)] = copied
    copied.__dict__ = deepcopy(self.__dict__, memo)
    for slot in copyreg._slotnames(type(self)):  # type: ignore[attr-defined]
        if hasattr(self, slot):
            setattr(copied, slot, deepcopy(getattr(self, slot), memo))
    return copied


def _give_own_class(module: Module) -> None:
    """Put a class of its own below the module's, to hold the properties of this module alone."""
    plain = type(module)
    members: dict[str, Any] = {"__getstate__": _refuse_pickling}
    if not hasattr(plain, "__deepcopy__"):
        members["__deepcopy__"] = _deepcopy
    module.__class__ = type(f"Parametrized{plain.__name__}", (plain,), members)


def register_parametrization(
    module: _M, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> _M:
    """Let a module compute one of its parameters or buffers.

    ``module.parametrizations[tensor_name]`` becomes a :class:`ParametrizationList` that holds the
    trained tensor, and ``module.<tensor_name>`` what ``parametrization`` makes of it. A second
    registration for the same tensor is applied to the result of the first. If
    ``parametrization`` has a method ``right_inverse``, the present value goes through it first
    and the tensor can be assigned to; if that returns a sequence, ``forward`` gets so many tensors.

    Args:
        module: changed in place; its class gets a subclass of its own.
        tensor_name: name of a parameter or buffer.
        parametrization: maps the original to the tensor that the module sees.
        unsafe: whether dtype and shape may change. Nothing is checked then.

    Returns:
        The module.

    Raises:
        ValueError: there is no such tensor, or the parametrization does not fit.

    Example:
        >>> class Symmetric(tallow.nn.Module):
        ...     def forward(self, x):
        ...         return x.triu() + x.triu(1).T
        >>> layer = register_parametrization(tallow.nn.Linear(3, 3), "weight", Symmetric())
        >>> tallow.equal(layer.weight, layer.weight.T)
        True
        >>> list(layer.state_dict())
        ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        entry: Any = module.parametrizations[tensor_name]
        if not unsafe:
            _check_next(module, tensor_name, parametrization)
        entry.append(parametrization)
        entry.unsafe |= unsafe
    elif tensor_name in module._buffers or tensor_name in module._parameters:
        original = getattr(module, tensor_name)
        entry = ParametrizationList([parametrization], original, unsafe=unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _give_own_class(module)
            module.parametrizations = ModuleDict()
        setattr(type(module), tensor_name, _Parametrized(tensor_name))
        module.parametrizations[tensor_name] = entry
    else:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    return module


def _check_next(module: Module, name: str, parametrization: Any) -> None:
    """Refuse a further parametrization that changes the tensor's dtype or shape."""
    present = getattr(module, name)
    value = parametrization(present)
    _check_result(
        value,
        present.dtype,
        present.shape,
        "Registering a parametrization may not change the {} of the tensor, unless the `unsafe` "
        f"flag is enabled.\nmodule.{name}.{{}}: {{}}\nparametrization(module.{name}).{{}}: {{}}",
    )
    if not hasattr(parametrization, "right_inverse"):
        return
    try:
        back = parametrization.right_inverse(value)
    except NotImplementedError:
        return
    if not isinstance(back, tallow.Tensor):
        raise ValueError(
            f"parametrization.right_inverse must return a tensor. Got: {type(back).__name__}"
        )
    for what in ("dtype", "shape"):
        if getattr(back, what) != getattr(present, what):
            raise ValueError(
                f"The tensor returned by parametrization.right_inverse must have the same {what} "
                f"as module.{name}, unless the `unsafe` flag is enabled.\n"
                f"module.{name}.{what}: {getattr(present, what)}\n"
                f"returned {what}: {getattr(back, what)}"
            )


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Tell whether a module has a parametrized tensor, or that of a certain name.

    Example:
        >>> layer = tallow.nn.utils.parametrizations.weight_norm(tallow.nn.Linear(2, 2))
        >>> is_parametrized(layer), is_parametrized(layer, "bias")
        (True, False)
    """
    entries = getattr(module, "parametrizations", None)
    if not isinstance(entries, ModuleDict):
        return False
    return len(entries) > 0 if tensor_name is None else tensor_name in entries


def remove_parametrizations(module: _M, tensor_name: str, leave_parametrized: bool = True) -> _M:
    """Make a parametrized tensor a plain parameter or buffer again.

    Args:
        module: changed in place.
        tensor_name: name of a parametrized tensor.
        leave_parametrized: keep the computed value; otherwise the original comes back.

    Returns:
        The module, of its former class again if no parametrized tensor is left.

    Raises:
        ValueError: the tensor is not parametrized, or there is not one original to come back.

    Example:
        >>> layer = tallow.nn.utils.parametrizations.weight_norm(tallow.nn.Linear(2, 2))
        >>> list(remove_parametrizations(layer, "weight").state_dict())
        ['bias', 'weight']
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    entries: Any = module.parametrizations
    entry = entries[tensor_name]
    if entry.is_tensor:
        tensor = entry.original
        if leave_parametrized:
            with tallow.no_grad():
                tensor.data = getattr(module, tensor_name).detach()
    elif leave_parametrized:
        value = getattr(module, tensor_name)
        tensor = Parameter(value.detach()) if value.requires_grad else value
    else:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    delattr(type(module), tensor_name)
    del entries[tensor_name]
    if isinstance(tensor, Parameter):
        module.register_parameter(tensor_name, tensor)
    else:
        module.register_buffer(tensor_name, tensor)
    if not is_parametrized(module):
        del module.parametrizations
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """Return the class that a module had before a tensor of it was parametrized.

    Example:
        >>> layer = tallow.nn.utils.parametrizations.weight_norm(tallow.nn.Linear(2, 2))
        >>> type_before_parametrizations(layer).__name__
        'Linear'
    """
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: _M, tensor_name: str | None = None
) -> _M:
    """Give a module the parametrizations of another, together with their originals.

    Args:
        from_module: has the parametrizations; left as it is and shares them afterwards.
        to_module: changed in place; a tensor that it lacks is created.
        tensor_name: the tensor to transfer; None for all parametrized ones.

    Returns:
        ``to_module``.

    Raises:
        ValueError: ``tensor_name`` is not parametrized in ``from_module``.

    Example:
        >>> layer = tallow.nn.utils.parametrizations.weight_norm(tallow.nn.Linear(2, 2))
        >>> other = transfer_parametrizations_and_params(layer, tallow.nn.Linear(2, 2))
        >>> tallow.equal(other.weight, layer.weight)
        True
    """
    if not is_parametrized(from_module, tensor_name):
        raise ValueError(f"Module {from_module} does not have a parametrization on {tensor_name}")
    sources: Any = from_module.parametrizations
    names = list(sources) if tensor_name is None else [tensor_name]
    for name in names:
        if not hasattr(to_module, name):
            setattr(to_module, name, Parameter(getattr(from_module, name)))
        for parametrization in sources[name]:
            register_parametrization(to_module, name, parametrization)
        targets: Any = to_module.parametrizations
        for key in sources[name]._parameters:
            setattr(targets[name], key, getattr(sources[name], key))
        for key in sources[name]._buffers:
            setattr(targets[name], key, getattr(sources[name], key))
    return to_module
