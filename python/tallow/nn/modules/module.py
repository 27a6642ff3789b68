"""The base class of all layers and networks, and the hooks that apply to every module."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tallow import _C
from tallow._tensor import Tensor
from tallow.nn._spelling import package, typename
from tallow.nn.modules._convert import ConvertMethods
from tallow.nn.modules._hooks import HookMethods
from tallow.nn.modules._state import StateMethods
from tallow.nn.modules._state import _IncompatibleKeys as _IncompatibleKeys
from tallow.nn.modules._traversal import TraversalMethods
from tallow.nn.parameter import Buffer, Parameter
from tallow.utils.hooks import BackwardHook, RemovableHandle
from tallow.utils.hooks import WrappedHook as _WrappedHook  # noqa: F401  # old pickles name it

if TYPE_CHECKING:
    from tallow.nn.modules._hooks import ForwardHook, Hook

__all__ = [
    "Module",
    "register_module_backward_hook",
    "register_module_buffer_registration_hook",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
    "register_module_module_registration_hook",
    "register_module_parameter_registration_hook",
]

_get_tracing_state = _C._get_tracing_state
_get_watcher = _C._watcher  # explain() or nan_guard(), or None

# Hooks of every module. The call path reads these tables directly, and so may programs.
_global_forward_pre_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_forward_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_forward_hooks_with_kwargs: OrderedDict[int, bool] = OrderedDict()
_global_forward_hooks_always_called: OrderedDict[int, bool] = OrderedDict()
_global_backward_pre_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_backward_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_is_full_backward_hook: bool | None = None
_global_parameter_registration_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_buffer_registration_hooks: OrderedDict[int, Hook] = OrderedDict()
_global_module_registration_hooks: OrderedDict[int, Hook] = OrderedDict()


def _register(table: OrderedDict[int, Hook], hook: Hook) -> RemovableHandle:
    handle = RemovableHandle(table)
    table[handle.id] = hook
    return handle


def register_module_forward_pre_hook(hook: Hook) -> RemovableHandle:
    """Run ``hook(module, args)`` before every forward of every module.

    See :meth:`Module.register_forward_pre_hook`; global hooks run before those of the module.
    """
    return _register(_global_forward_pre_hooks, hook)


def register_module_forward_hook(
    hook: Hook, *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Run ``hook(module, args, output)`` after every forward of every module.

    See :meth:`Module.register_forward_hook`; global hooks run before those of the module.
    """
    handle = RemovableHandle(
        _global_forward_hooks,
        extra_dict=[_global_forward_hooks_with_kwargs, _global_forward_hooks_always_called],
    )
    _global_forward_hooks[handle.id] = hook
    if with_kwargs:
        _global_forward_hooks_with_kwargs[handle.id] = True
    if always_call:
        _global_forward_hooks_always_called[handle.id] = True
    return handle


def register_module_full_backward_pre_hook(hook: Hook) -> RemovableHandle:
    """Run ``hook(module, grad_output)`` in the backward pass of every module.

    See :meth:`Module.register_full_backward_pre_hook`.
    """
    return _register(_global_backward_pre_hooks, hook)


def register_module_full_backward_hook(hook: Hook) -> RemovableHandle:
    """Run ``hook(module, grad_input, grad_output)`` in the backward pass of every module.

    See :meth:`Module.register_full_backward_hook`.

    Raises:
        RuntimeError: a regular backward hook has been registered globally before.
    """
    _claim_global_backward_kind(full=True)
    return _register(_global_backward_hooks, hook)


def register_module_backward_hook(hook: Hook) -> RemovableHandle:
    """Run ``hook`` after the node that made the output of any module; deprecated.

    See :meth:`Module.register_backward_hook`.

    Raises:
        RuntimeError: a full backward hook has been registered globally before.
    """
    _claim_global_backward_kind(full=False)
    return _register(_global_backward_hooks, hook)


def _claim_global_backward_kind(full: bool) -> None:
    global _global_is_full_backward_hook
    if _global_is_full_backward_hook is (not full):
        raise RuntimeError(
            "Cannot use both regular backward hooks and full backward hooks as a global Module "
            "hook. Please use only one of them."
        )
    _global_is_full_backward_hook = full


def register_module_parameter_registration_hook(hook: Hook) -> RemovableHandle:
    """Run ``hook(module, name, parameter)`` whenever a module registers a parameter.

    A result other than ``None`` is registered in place of the parameter.
    """
    return _register(_global_parameter_registration_hooks, hook)


def register_module_buffer_registration_hook(hook: Hook) -> RemovableHandle:
    """Run ``hook(module, name, buffer)`` whenever a module registers a buffer.

    A result other than ``None`` is registered in place of the buffer.
    """
    return _register(_global_buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook: Hook) -> RemovableHandle:
    """Run ``hook(module, name, submodule)`` whenever a module registers a child.

    A result other than ``None`` is registered in place of the child.
    """
    return _register(_global_module_registration_hooks, hook)


def _forward_unimplemented(self: Module, *input: Any) -> None:
    """Compute the output; every subclass that is called has to define this.

    Code that wants hooks to run calls the module itself, not this method.
    """
    raise NotImplementedError(
        f'Module [{type(self).__name__}] is missing the required "forward" function'
    )


_HOOK_TABLES = (
    "_backward_pre_hooks",
    "_backward_hooks",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_state_dict_hooks",
    "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks",
    "_load_state_dict_post_hooks",
)


class Module(HookMethods, StateMethods, TraversalMethods, ConvertMethods):
    """Base class of layers and networks: a tree of parameters, buffers and child modules.

    A subclass calls ``super().__init__()`` first, assigns parameters and child modules as
    attributes, and defines ``forward``. Calling the module runs the registered hooks around
    ``forward``.

    Example:
        >>> class Scale(Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.factor = tallow.nn.Parameter(tallow.tensor(3.0))
        ...
        ...     def forward(self, x):
        ...         return self.factor * x
        >>> Scale()(tallow.tensor(2.0))
        tensor(6., grad_fn=<MulBackward0>)
        >>> [name for name, _ in Scale().named_parameters()]
        ['factor']
    """

    dump_patches: bool = False
    _version: int = 1  # written into state_dict metadata; a subclass raises it when its keys change
    T_destination = TypeVar("T_destination", bound=dict[str, object])
    call_super_init: bool = False
    _compiled_call_impl: Callable[..., Any] | None = None

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _non_persistent_buffers_set: set[str]
    _modules: dict[str, Module | None]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init:
            if kwargs:
                raise TypeError(
                    f"{type(self).__name__}.__init__() got an unexpected keyword argument "
                    f"'{next(iter(kwargs))}'"
                )
            if args:
                raise TypeError(
                    f"{type(self).__name__}.__init__() takes 1 positional argument but "
                    f"{len(args) + 1} were given"
                )
        # Plain dict writes: __setattr__ would examine each of these.
        state = self.__dict__
        state["training"] = True
        state["_parameters"] = {}
        state["_buffers"] = {}
        state["_non_persistent_buffers_set"] = set()
        state["_is_full_backward_hook"] = None
        for table in _HOOK_TABLES:
            state[table] = OrderedDict()
        state["_modules"] = {}
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _C._define_module_subclass(cls)

    forward: Callable[..., Any] = _forward_unimplemented

    # Calling. csrc/python/module_slots.cpp takes the short way through these three methods, and
    # through __getattr__, where no subclass overrides them; what they mean is written here.

    def _wrapped_call_impl(self, *args: Any, **kwargs: Any) -> Any:
        try:
            if self._compiled_call_impl is not None:
                return self._compiled_call_impl(*args, **kwargs)
            return self._call_impl(*args, **kwargs)
        except Exception as error:
            from tallow._advice import annotate_call

            annotate_call(error, self, args, kwargs)
            raise

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        forward = self.forward if _get_tracing_state() is None else self._slow_forward
        if (watcher := _get_watcher()) is not None:
            return watcher.module_call(self, forward, args, kwargs)
        # The tables themselves are asked: programs write into them without registering.
        if not (
            self._backward_hooks
            or self._backward_pre_hooks
            or self._forward_hooks
            or self._forward_pre_hooks
            or _global_backward_pre_hooks
            or _global_backward_hooks
            or _global_forward_hooks
            or _global_forward_pre_hooks
        ):
            return forward(*args, **kwargs)
        return self._call_with_hooks(forward, args, kwargs)

    __call__: Callable[..., Any] = _wrapped_call_impl

    def _slow_forward(self, *input: Any, **kwargs: Any) -> Any:
        """Run ``forward`` inside the module's scope of the trace being recorded, if any."""
        tracing_state = _get_tracing_state()
        if tracing_state is None:
            return self.forward(*input, **kwargs)
        name = self._name_in_trace()
        if name is None:
            return self.forward(*input, **kwargs)
        tracing_state.push_scope(name)
        try:
            return self.forward(*input, **kwargs)
        finally:
            tracing_state.pop_scope()

    def _name_in_trace(self) -> str | None:
        from tallow import jit

        trace_module_map = getattr(jit._trace, "_trace_module_map", None)
        return None if trace_module_map is None else trace_module_map.get(self)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Run later calls through :func:`tallow.compile`, which takes the same arguments."""
        import tallow

        self._compiled_call_impl = tallow.compile(self._call_impl, *args, **kwargs)

    def _snapshot_forward_pre_hooks(self) -> list[tuple[Hook, bool]]:
        hooks = [(hook, False) for hook in _global_forward_pre_hooks.values()]
        flagged = self._forward_pre_hooks_with_kwargs
        hooks += [(hook, key in flagged) for key, hook in self._forward_pre_hooks.items()]
        if _get_watcher() is not None:
            hooks = [(self._observed("forward pre-hook", hook), flag) for hook, flag in hooks]
        return hooks

    def _snapshot_forward_hooks(self) -> list[ForwardHook]:
        # Flags are read together with the hooks: a hook that is removed while the phase runs is
        # still called, and with the arguments it was registered for.
        kwargs, always = _global_forward_hooks_with_kwargs, _global_forward_hooks_always_called
        hooks = [
            (key, hook, key in kwargs, key in always, True)
            for key, hook in _global_forward_hooks.items()
        ]
        kwargs, always = self._forward_hooks_with_kwargs, self._forward_hooks_always_called
        hooks += [
            (key, hook, key in kwargs, key in always, False)
            for key, hook in self._forward_hooks.items()
        ]
        if _get_watcher() is not None:
            hooks = [
                (key, self._observed("forward hook", hook), with_kwargs, always_call, is_global)
                for key, hook, with_kwargs, always_call, is_global in hooks
            ]
        return hooks

    def _get_backward_hooks(self) -> tuple[list[Hook], list[Hook]]:
        """Return the full and the regular backward hooks, global ones first."""
        full: list[Hook] = []
        regular: list[Hook] = []
        if _global_is_full_backward_hook is not None:
            kind = full if _global_is_full_backward_hook else regular
            kind.extend(_global_backward_hooks.values())
        if self._is_full_backward_hook is not None:
            kind = full if self._is_full_backward_hook else regular
            kind.extend(self._backward_hooks.values())
        if _get_watcher() is not None:
            full = [self._observed("full backward hook", hook) for hook in full]
            regular = [self._observed("backward hook", hook) for hook in regular]
        return full, regular

    def _get_backward_pre_hooks(self) -> list[Hook]:
        """Return the full backward pre-hooks, global ones first."""
        hooks = [*_global_backward_pre_hooks.values(), *self._backward_pre_hooks.values()]
        if _get_watcher() is not None:
            hooks = [self._observed("full backward pre-hook", hook) for hook in hooks]
        return hooks

    def _observed(self, kind: str, hook: Hook) -> Hook:
        """Make the calls of a hook visible to explain() and nan_guard()."""
        from tallow._explain.watcher import ObservedHook

        return ObservedHook(kind, self, hook)

    # Registering.

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter under ``name``.

        Args:
            name: attribute name; neither empty nor with a dot.
            param: a leaf, or ``None`` to reserve the name.

        Raises:
            KeyError: the name is malformed or in use.
            TypeError: ``name`` is no string or ``param`` no Parameter.
            ValueError: ``param`` is the result of a computation.
        """
        if "_parameters" not in self.__dict__:
            raise _uninitialised("parameter")
        self._check_name("parameter", name, self._parameters)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{typename(param)}' object to parameter '{name}' "
                f"({package()}.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be "
                f"created explicitly. To express '{name}' as a function of another Tensor, "
                "compute the value in the forward() method."
            )
        if param is not None:
            for hook in _global_parameter_registration_hooks.values():
                replaced = hook(self, name, param)
                if replaced is not None:
                    param = replaced
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is part of the module's state but not trained.

        Args:
            name: attribute name; neither empty nor with a dot.
            tensor: the values, or ``None`` to reserve the name.
            persistent: whether ``state_dict`` includes the buffer.

        Raises:
            KeyError: the name is malformed or in use.
            TypeError: ``name`` is no string or ``tensor`` no Tensor.
        """
        if "_buffers" not in self.__dict__:
            raise _uninitialised("buffer")
        self._check_name("buffer", name, self._buffers)
        if not _is_tensor_like(tensor) and tensor is not None:
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' "
                f"({package()} Tensor or None required)"
            )
        self._buffers[name] = self._hooked_buffer(name, tensor)
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a child module under ``name``.

        Args:
            name: attribute name; neither empty nor with a dot.
            module: the child, or ``None`` to reserve the name.

        Raises:
            KeyError: the name is malformed or in use.
            TypeError: ``name`` is no string or ``module`` no Module.
        """
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{typename(module)} is not a Module subclass")
        if not isinstance(name, str):
            raise TypeError(f"module name should be a string. Got {typename(name)}")
        if hasattr(self, name) and name not in self._modules:
            raise KeyError(f"attribute '{name}' already exists")
        if "." in name:
            raise KeyError(f'module name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError('module name can\'t be empty string ""')
        self._modules[name] = self._hooked_module(name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """Same as :meth:`add_module`."""
        self.add_module(name, module)

    def _check_name(self, kind: str, name: Any, slots: dict[str, Any]) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain "."')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if hasattr(self, name) and name not in slots:
            raise KeyError(f"attribute '{name}' already exists")

    def _hooked_buffer(self, name: str, tensor: Any) -> Any:
        for hook in _global_buffer_registration_hooks.values():
            replaced = hook(self, name, tensor)
            if replaced is not None:
                tensor = replaced
        return tensor

    def _hooked_module(self, name: str, module: Any) -> Any:
        for hook in _global_module_registration_hooks.values():
            replaced = hook(self, name, module)
            if replaced is not None:
                module = replaced
        return module

    # Attributes.

    def __getattr__(self, name: str) -> Any:
        # Only names that ordinary look-up has not found arrive here.
        state = self.__dict__
        if (members := state.get("_parameters")) is not None and name in members:
            return members[name]
        if (members := state.get("_modules")) is not None and name in members:
            return members[name]
        if (members := state.get("_buffers")) is not None and name in members:
            return members[name]
        if hasattr(type(self), name):
            # A property raised AttributeError; ask it again so that its own error comes out.
            return object.__getattribute__(self, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        state = self.__dict__
        parameters = state.get("_parameters")
        is_tensor = isinstance(value, Tensor)
        if is_tensor and isinstance(value, Parameter):
            if parameters is None:
                raise _uninitialised("parameters")
            self._forget(name, "__dict__", "_buffers", "_modules")
            self.register_parameter(name, value)
            return
        if parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as parameter '{name}' "
                    f"({package()}.nn.Parameter or None expected)"
                )
            parameters[name] = None
            return
        modules = state.get("_modules")
        if isinstance(value, Module):
            if modules is None:
                raise _uninitialised("module")
            self._forget(name, "__dict__", "_parameters", "_buffers")
            modules[name] = self._hooked_module(name, value)
            return
        if modules is not None and name in modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as child module '{name}' "
                    f"({package()}.nn.Module or None expected)"
                )
            modules[name] = self._hooked_module(name, value)
            return
        buffers = state.get("_buffers")
        if is_tensor and isinstance(value, Buffer):
            self.register_buffer(name, value, value.persistent)  # type: ignore[attr-defined]
        elif buffers is not None and name in buffers:
            if not is_tensor and value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as buffer '{name}' "
                    f"({package()}.nn.Buffer, {package()}.Tensor or None expected)"
                )
            buffers[name] = self._hooked_buffer(name, value)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in self._parameters:
            del self._parameters[name]
        elif name in self._buffers:
            del self._buffers[name]
            self._non_persistent_buffers_set.discard(name)
        elif name in self._modules:
            del self._modules[name]
        else:
            super().__delattr__(name)

    def _forget(self, name: str, *slots: str) -> None:
        """Remove ``name`` from the named containers, where it may be registered as another kind."""
        for slot in slots:
            members = self.__dict__ if slot == "__dict__" else self.__dict__[slot]
            members.pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def __dir__(self) -> list[str]:
        names = [
            *dir(type(self)),
            *self.__dict__,
            *self._parameters,
            *self._modules,
            *self._buffers,
        ]
        return sorted(name for name in names if not name[:1].isdigit())

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("_compiled_call_impl", None)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        # Pickles of older versions lack the containers that have been added since.
        for table in _HOOK_TABLES:
            self.__dict__.setdefault(table, OrderedDict())
        self.__dict__.setdefault("_non_persistent_buffers_set", set())
        self.__dict__.setdefault("_is_full_backward_hook", None)

    # Printing.

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """Return what ``repr`` shows between the parentheses; may have several lines."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        extra_lines = extra.split("\n") if extra else []
        child_lines = [
            f"({name}): {_addindent(repr(child), 2)}" for name, child in self._modules.items()
        ]
        if len(extra_lines) == 1 and not child_lines:
            return f"{self._get_name()}({extra})"
        lines = extra_lines + child_lines
        if not lines:
            return f"{self._get_name()}()"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"

    def _replicate_for_data_parallel(self) -> Module:
        """Return a shallow copy whose parameters may be replaced by those of another device."""
        replica = self.__new__(type(self))
        replica.__dict__ = self.__dict__.copy()
        replica._parameters = {}
        replica._buffers = replica._buffers.copy()
        replica._modules = replica._modules.copy()
        replica._is_replica = True
        return replica


def _uninitialised(what: str) -> AttributeError:
    from tallow._advice import advise

    return advise(AttributeError(f"cannot assign {what} before Module.__init__() call"))


def _is_tensor_like(value: Any) -> bool:
    return isinstance(value, Tensor) or hasattr(type(value), "__torch_function__")


def _addindent(text: str, spaces: int) -> str:
    """Indent every line of ``text`` but the first."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(" " * spaces + line for line in rest)])


# From here on calls without hooks and look-ups of members need not enter the methods above.
_C._define_module(
    Module,
    (
        _global_backward_hooks,
        _global_backward_pre_hooks,
        _global_forward_hooks,
        _global_forward_pre_hooks,
    ),
    BackwardHook,
)
