"""state_dict: writing a module's state, and loading it back."""

from __future__ import annotations

import warnings
from collections import OrderedDict, namedtuple
from typing import TYPE_CHECKING

from tallow._tensor import Tensor
from tallow._user_frame import outside_stacklevel
from tallow.nn._spelling import package
from tallow.nn.parameter import Parameter, is_lazy
from tallow.utils.hooks import RemovableHandle, WrappedHook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from tallow.nn.modules.module import Module

    Hook = Callable[..., Any]

_EXTRA_STATE = "_extra_state"


class _IncompatibleKeys(namedtuple("_IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What :meth:`Module.load_state_dict` did not find, and what it had no use for."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class _SilentHook:
    """A state_dict post-hook that is not allowed to replace the result."""

    def __init__(self, hook: Hook) -> None:
        self.hook = hook

    def __call__(self, *args: Any) -> None:
        if self.hook(*args) is not None:
            raise RuntimeError("state_dict post-hook must return None")


class StateMethods:
    """The part of :class:`Module` that saves and loads state."""

    if TYPE_CHECKING:
        _version: int
        _parameters: dict[str, Parameter | None]
        _buffers: dict[str, Tensor | None]
        _non_persistent_buffers_set: set[str]
        _modules: dict[str, Module | None]
        _state_dict_hooks: OrderedDict[int, Hook]
        _state_dict_pre_hooks: OrderedDict[int, Hook]
        _load_state_dict_pre_hooks: OrderedDict[int, Hook]
        _load_state_dict_post_hooks: OrderedDict[int, Hook]

        # Hooks.

    def register_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Run ``hook(module, prefix, keep_vars)`` before this module's state is collected."""
        return _register(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Run ``hook(module, state_dict, prefix, local_metadata)`` after the state is collected.

        The hook may change ``state_dict`` in place and has to return ``None``.
        """
        return _register(self._state_dict_hooks, _SilentHook(hook))

    def _register_state_dict_hook(self, hook: Hook) -> RemovableHandle:
        """Like the public post-hook; a dict it returns replaces the result of the root module."""
        return _register(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook: Hook) -> RemovableHandle:
        """Run ``hook`` before this module's entries are loaded.

        Args:
            hook: called ``(module, state_dict, prefix, local_metadata, strict, missing_keys,
                unexpected_keys, error_msgs)``; may change all of them in place.
        """
        return self._register_load_state_dict_pre_hook(hook, with_module=True)

    def _register_load_state_dict_pre_hook(
        self, hook: Hook, with_module: bool = False
    ) -> RemovableHandle:
        wrapped = WrappedHook(hook, self if with_module else None)  # type: ignore[arg-type]
        return _register(self._load_state_dict_pre_hooks, wrapped)

    def register_load_state_dict_post_hook(self, hook: Hook) -> RemovableHandle:
        """Run ``hook(module, incompatible_keys)`` after the module and its children are loaded.

        The hook may change the two lists of ``incompatible_keys`` in place and has to return
        ``None``.
        """
        return _register(self._load_state_dict_post_hooks, hook)

    # Extra state.

    def get_extra_state(self) -> Any:
        """Return what besides tensors belongs to ``state_dict``; override with the setter."""
        raise RuntimeError(_not_overridden("get_extra_state"))

    def set_extra_state(self, state: Any) -> None:
        """Take back what :meth:`get_extra_state` returned."""
        raise RuntimeError(_not_overridden("set_extra_state"))

    # Saving.

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> Any:
        """Collect all parameters and persistent buffers of this module and those below it.

        Args:
            *args: the three following ones by position; deprecated.
            destination: mapping to fill; a new ``OrderedDict`` by default.
            prefix: put before every key.
            keep_vars: return the parameters themselves instead of detached tensors that share
                their memory.

        Returns:
            The mapping. A new one has an attribute ``_metadata`` with the version of each module.

        Example:
            >>> list(tallow.nn.Linear(2, 1).state_dict())
            ['weight', 'bias']
        """
        if args:
            warnings.warn(
                "Positional args are being deprecated, use kwargs instead. Refer to "
                "https://pytorch.org/docs/main/generated/torch.nn.Module.html"
                "#torch.nn.Module.state_dict for details.",
                FutureWarning,
                stacklevel=outside_stacklevel(),
            )
            given = dict(zip(("destination", "prefix", "keep_vars"), args, strict=False))
            destination = given.get("destination", destination)
            prefix = given.get("prefix", prefix)
            keep_vars = given.get("keep_vars", keep_vars)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        for hook in self._state_dict_hooks.values():
            replaced = hook(self, destination, prefix, local_metadata)
            if replaced is not None:
                destination = replaced
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        """Write this module's own entries."""
        for name, tensor in self._persistent_tensors():
            if tensor is not None:
                destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if type(self).get_extra_state is not StateMethods.get_extra_state:
            destination[prefix + _EXTRA_STATE] = self.get_extra_state()

    def _persistent_tensors(self) -> Iterator[tuple[str, Tensor | None]]:
        yield from self._parameters.items()
        for name, buffer in self._buffers.items():
            if name not in self._non_persistent_buffers_set:
                yield name, buffer

    # Loading.

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Copy parameters and buffers from ``state_dict``.

        Args:
            state_dict: key to tensor, as :meth:`state_dict` returns it; it is not changed.
            strict: demand that its keys are exactly those of this module.
            assign: put the given tensors into the module instead of copying their values.

        Returns:
            A named tuple of the lists ``missing_keys`` and ``unexpected_keys``.

        Raises:
            TypeError: ``state_dict`` is not a mapping.
            RuntimeError: keys differ (``strict``) or entries do not fit; all problems are listed,
                and the entries that fit have been loaded.

        Example:
            >>> source, target = tallow.nn.Linear(2, 1), tallow.nn.Linear(2, 1)
            >>> target.load_state_dict(source.state_dict())
            <All keys matched successfully>
        """
        from collections.abc import Mapping

        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        metadata = getattr(state_dict, "_metadata", None)
        entries: Any = OrderedDict(state_dict)  # hooks may edit this copy
        if metadata is not None:
            entries._metadata = metadata
        _load(self, entries, metadata, assign, "", missing, unexpected, errors)
        if strict:
            if unexpected:
                errors.insert(0, f"Unexpected key(s) in state_dict: {_quoted(unexpected)}. ")
            if missing:
                errors.insert(0, f"Missing key(s) in state_dict: {_quoted(missing)}. ")
        if errors:
            from tallow._advice import advise

            text = f"Error(s) in loading state_dict for {type(self).__name__}:\n\t"
            raise advise(
                RuntimeError(text + "\n\t".join(errors)), missing=missing, unexpected=unexpected
            )
        return _IncompatibleKeys(missing, unexpected)

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module's own entries, those under ``prefix``; problems go to the lists."""
        for hook in self._load_state_dict_pre_hooks.values():
            hook(
                state_dict,
                prefix,
                local_metadata,
                strict,
                missing_keys,
                unexpected_keys,
                error_msgs,
            )
        assign = local_metadata.get("assign_to_params_buffers", False)
        slots = {name: slot for name, slot in self._persistent_tensors() if slot is not None}
        for name, slot in slots.items():
            key = prefix + name
            if key in state_dict:
                error = self._load_entry(name, slot, key, state_dict[key], assign)
                if error is not None:
                    error_msgs.append(error)
            elif strict:
                missing_keys.append(key)
        self._load_extra_state(state_dict, prefix, strict, missing_keys, unexpected_keys)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != prefix + _EXTRA_STATE:
                    name, dot, _ = key[len(prefix) :].partition(".")
                    if name not in (self._modules if dot else slots):
                        unexpected_keys.append(key)

    def _load_entry(
        self, name: str, slot: Tensor, key: str, value: Any, assign: bool
    ) -> str | None:
        """Load one tensor; return what went wrong, if anything."""
        if not (isinstance(value, Tensor) or hasattr(type(value), "__torch_function__")):
            return (
                f'While copying the parameter named "{key}", expected {package()}.Tensor or '
                f"Tensor-like object from checkpoint but received {type(value)}"
            )
        lazy = is_lazy(slot)
        if not lazy and slot.dim() == 0 and tuple(value.shape) == (1,):
            value = value[0]  # scalars were once written as vectors of one element
        if not lazy and value.shape != slot.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {value.shape} from "
                f"checkpoint, the shape in current model is {slot.shape}."
            )
        if slot.is_meta and not value.is_meta and not assign:
            warnings.warn(
                f"for {key}: copying from a non-meta parameter in the checkpoint to a meta "
                "parameter in the current model, which is a no-op. (Did you mean to pass "
                "`assign=True` to assign items in the state dictionary to their corresponding key "
                "in the module instead of copying them in place?)",
                stacklevel=outside_stacklevel(),
            )
        try:
            self._store_entry(name, slot, value, assign)
        except Exception as error:
            return (
                f'While copying the parameter named "{key}", whose dimensions in the model are '
                f"{slot.size()} and whose dimensions in the checkpoint are {value.size()}, an "
                f"exception occurred : {error.args}."
            )
        return None

    def _store_entry(self, name: str, slot: Tensor, value: Tensor, assign: bool) -> None:
        from tallow.autograd.grad_mode import no_grad

        with no_grad():
            if not assign:
                slot.copy_(value)
                return
            if isinstance(slot, Parameter):
                if not isinstance(value, Parameter):
                    value = Parameter(value, requires_grad=slot.requires_grad)
                else:
                    value.requires_grad_(slot.requires_grad)
            setattr(self, name, value)

    def _load_extra_state(
        self,
        state_dict: Any,
        prefix: str,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
    ) -> None:
        key = prefix + _EXTRA_STATE
        if type(self).set_extra_state is not StateMethods.set_extra_state:
            if key in state_dict:
                self.set_extra_state(state_dict[key])
            elif strict:
                missing_keys.append(key)
        elif strict and key in state_dict:
            unexpected_keys.append(key)


def _register(table: OrderedDict[int, Hook], hook: Hook) -> RemovableHandle:
    handle = RemovableHandle(table)
    table[handle.id] = hook
    return handle


def _load(
    module: Any,
    state_dict: Any,
    metadata: Any,
    assign: bool,
    prefix: str,
    missing: list[str],
    unexpected: list[str],
    errors: list[str],
) -> None:
    """Load ``module`` and what is below it, then run its post-hooks."""
    local_metadata = {} if metadata is None else dict(metadata.get(prefix[:-1], {}))
    if assign:
        local_metadata["assign_to_params_buffers"] = True
    # Every module notes its missing keys; load_state_dict decides whether that is an error.
    module._load_from_state_dict(
        state_dict, prefix, local_metadata, True, missing, unexpected, errors
    )
    for name, child in module._modules.items():
        if child is not None:
            child_prefix = f"{prefix}{name}."
            entries = {
                key: value for key, value in state_dict.items() if key.startswith(child_prefix)
            }
            _load(child, entries, metadata, assign, child_prefix, missing, unexpected, errors)
    keys = _IncompatibleKeys(missing, unexpected)
    for hook in module._load_state_dict_post_hooks.values():
        if hook(module, keys) is not None:
            raise AssertionError(
                "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to "
                "return new values, if incompatible_keys need to be modified, it should be done "
                "inplace."
            )


def _quoted(keys: list[str]) -> str:
    return ", ".join(f'"{key}"' for key in keys)


def _not_overridden(method: str) -> str:
    return (
        f"Reached a code path in Module.{method}() that should never be called: a class that "
        "overrides one of get_extra_state and set_extra_state has to override the other."
    )
