"""Tensors that a Module registers by assignment: parameters, buffers and their lazy forms."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from tallow import _C
from tallow._tensor import Tensor
from tallow.nn._spelling import package

__all__ = [
    "Buffer",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "UninitializedTensorMixin",
    "is_lazy",
]

_VF = _C._VariableFunctions


def _has_mark(tensor: Tensor, name: str) -> bool:
    return bool(getattr(tensor, name, False))


class _ParameterMeta(type(Tensor)):  # type: ignore[misc]
    """Let ``isinstance(t, Parameter)`` accept tensor subclasses that carry ``_is_param``."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        return (
            cls is Parameter and isinstance(instance, Tensor) and _has_mark(instance, "_is_param")
        )


class Parameter(Tensor, metaclass=_ParameterMeta):
    """A leaf tensor that a :class:`Module` registers as a parameter when it is assigned to it.

    Args:
        data: the values; storage is shared. ``None`` gives an empty tensor.
        requires_grad: whether gradients are wanted.

    Raises:
        RuntimeError: ``requires_grad`` with a dtype that is neither floating point nor complex.

    Example:
        >>> Parameter(tallow.ones(2))
        Parameter containing:
        tensor([1., 1.], requires_grad=True)
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Parameter:
        """Share the storage of ``data``."""
        if data is None:
            data = _VF.empty(0)
        if type(data) is Tensor or type(data) is Parameter:
            return Tensor._make_subclass(cls, data, requires_grad)
        # A user's subclass keeps its type and is marked instead; see _ParameterMeta.
        marked: Any = _VF.detach(data).requires_grad_(requires_grad)
        if type(marked) is not type(data):
            raise RuntimeError(
                f"Creating a Parameter from an instance of type {type(data).__name__} requires "
                "that detach() returns an instance of the same type, but return type "
                f"{type(marked).__name__} was found instead. To use the type as a Parameter, "
                "please correct the detach() semantics defined by its __torch_function__() "
                "implementation."
            )
        marked._is_param = True
        return marked

    def __deepcopy__(self, memo: dict[int, Any]) -> Parameter:
        if id(self) in memo:
            return memo[id(self)]
        memo[id(self)] = copied = type(self)(self.data.clone(), self.requires_grad)
        return copied

    def __repr__(self) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__()

    def __reduce_ex__(self, proto: Any) -> tuple[Any, ...]:
        from tallow._utils import _get_obj_state, _rebuild_parameter, _rebuild_parameter_with_state

        state = _get_obj_state(self)
        hooks: OrderedDict[int, Any] = OrderedDict()  # tensor hooks are not pickled
        if not state:
            return (_rebuild_parameter, (self.data, self.requires_grad, hooks))
        return (_rebuild_parameter_with_state, (self.data, self.requires_grad, hooks, state))

    __torch_function__ = _C._disabled_torch_function_impl  # type: ignore[assignment]


class UninitializedTensorMixin:
    """A tensor that has a dtype and a device but no shape yet."""

    # What may be called: nothing here reads or writes elements.
    _allowed_methods = frozenset(
        [
            "__hash__",
            "_has_compatible_shallow_copy_type",
            "char",
            "copy_",
            "cpu",
            "cuda",
            "double",
            "float",
            "get_device",
            "half",
            "int",
            "is_complex",
            "is_floating_point",
            "long",
            "requires_grad_",
            "short",
            "size",
            "to",
        ]
    )
    cls_to_become: type[Tensor]
    data: Any  # of the tensor that this is mixed into

    def materialize(self, shape: tuple[int, ...], device: Any = None, dtype: Any = None) -> None:
        """Give the tensor a shape and turn it into an ordinary parameter or buffer.

        Args:
            shape: sizes of the new, uninitialised data.
            device: defaults to the present device.
            dtype: defaults to the present dtype.
        """
        device = self.data.device if device is None else device
        dtype = self.data.dtype if dtype is None else dtype
        self.data = _VF.empty(shape, device=device, dtype=dtype)
        self.__class__ = self.cls_to_become  # type: ignore[assignment]

    @property
    def shape(self) -> Any:
        """Raise: there is no shape yet."""
        raise RuntimeError(
            "Can't access the shape of an uninitialized parameter or buffer. This error usually "
            "happens in `load_state_dict` when trying to load an uninitialized parameter into an "
            "initialized one. Call `forward` to initialize the parameters before accessing their "
            "attributes."
        )

    def share_memory_(self) -> Any:
        """Raise: there is nothing to share yet."""
        raise RuntimeError(
            "Can't share memory on an uninitialized parameter or buffer. Call `forward` to "
            "initialize the parameters before calling `module.share_memory()`."
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __reduce_ex__(self, proto: Any) -> tuple[Any, ...]:
        return (type(self), (self.requires_grad,))  # type: ignore[attr-defined]

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        # Attribute getters and setters arrive as method-wrappers; they are harmless.
        name = getattr(func, "__name__", "")
        if name in cls._allowed_methods or type(func).__name__ == "method-wrapper":
            return super().__torch_function__(func, types, args, kwargs or {})  # type: ignore[misc]
        raise ValueError(
            f"Attempted to use an uninitialized parameter in {func}. This error happens when you "
            "are using a `LazyModule` or explicitly manipulating "
            f"`{package()}.nn.parameter.{cls.__name__}` objects. When using LazyModules Call "
            "`forward` with a dummy batch to initialize the parameters before calling torch "
            "functions"
        )


class UninitializedParameter(  # type: ignore[misc, override]
    UninitializedTensorMixin, Parameter
):
    """A parameter whose shape the first forward call of a lazy module decides."""

    cls_to_become = Parameter

    def __new__(
        cls, requires_grad: bool = True, device: Any = None, dtype: Any = None
    ) -> UninitializedParameter:
        """Note dtype and device."""
        data = _VF.empty(0, device=device, dtype=dtype)
        return Tensor._make_subclass(cls, data, requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> UninitializedParameter:
        if id(self) in memo:
            return memo[id(self)]
        memo[id(self)] = copied = type(self)(self.requires_grad, self.data.device, self.data.dtype)
        return copied


class _BufferMeta(type(Tensor)):  # type: ignore[misc]
    """Let ``isinstance(t, Buffer)`` recognise the tensors that :class:`Buffer` marks."""

    def __instancecheck__(cls, instance: Any) -> bool:
        if super().__instancecheck__(instance):
            return True
        return cls is Buffer and isinstance(instance, Tensor) and _has_mark(instance, "_is_buffer")


class Buffer(Tensor, metaclass=_BufferMeta):
    """Mark a tensor so that a :class:`Module` registers it as a buffer when it is assigned to it.

    Args:
        data: the values; storage is shared. ``None`` gives an empty tensor.
        persistent: whether the buffer belongs to the module's ``state_dict``.

    Returns:
        A plain tensor.

    Example:
        >>> module = tallow.nn.Module()
        >>> module.steps = Buffer(tallow.zeros(1))
        >>> list(module.state_dict())
        ['steps']
    """

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        """Share the storage of ``data``."""
        if data is None:
            data = _VF.empty(0)
        marked = data.detach().requires_grad_(data.requires_grad)
        marked.persistent = persistent
        marked._is_buffer = True
        return marked

    __torch_function__ = _C._disabled_torch_function_impl  # type: ignore[assignment]


class UninitializedBuffer(  # type: ignore[misc, override]
    UninitializedTensorMixin, Tensor
):
    """A buffer whose shape the first forward call of a lazy module decides."""

    cls_to_become = Tensor

    def __new__(
        cls,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> UninitializedBuffer:
        """Note dtype, device and persistence."""
        data = _VF.empty(0, device=device, dtype=dtype)
        made = Tensor._make_subclass(cls, data, requires_grad)
        made.persistent = persistent
        made._is_buffer = True
        return made


def is_lazy(param: Any) -> bool:
    """Tell whether ``param`` is a parameter or buffer without a shape."""
    return isinstance(param, UninitializedTensorMixin)
