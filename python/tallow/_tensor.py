"""``Tensor``: the Python half of the native tensor type."""

from __future__ import annotations

import functools
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar

import tallow
from tallow import _C, _legacy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy

    from tallow.utils.hooks import RemovableHandle

    _Method = TypeVar("_Method", bound=Callable[..., Any])

__all__ = ["Tensor"]


def _overridable(method: _Method) -> _Method:
    """Let subclasses and modes take over a method written in Python, as native ones do."""

    def general(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        if _C._has_torch_function(self):
            from tallow.overrides import handle_torch_function

            return handle_torch_function(call, (self,), self, *args, **kwargs)
        return method(self, *args, **kwargs)  # another argument overrides

    call: Any = _C._Composite(method, general, True, None, None)  # type: ignore[call-arg]
    functools.update_wrapper(call, method)
    return call


class Tensor(_C.TensorBase):
    """A multi-dimensional array of one dtype that can record how it was computed.

    ``Tensor(2, 3)`` is uninitialised, of the default dtype and the given sizes; ``Tensor([1, 2])``
    holds the given values. :func:`tallow.tensor`, :func:`tallow.zeros` and their like say more
    clearly what is meant.

    Example:
        >>> x = tallow.tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        tensor([2., 4.])
    """

    __module__ = "tallow"

    # NumPy leaves mixed arithmetic to types of higher priority than its own.
    __array_priority__ = 1000

    _make_subclass = staticmethod(_C._make_subclass)
    _is_param = False

    # ---- overrides and copies

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: tuple[type, ...],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        from tallow.overrides import converted, get_default_nowrap_functions

        if not all(issubclass(cls, other) for other in types):
            return NotImplemented
        with _C.DisableTorchFunctionSubclass():
            result = func(*args, **(kwargs or {}))
        if func in get_default_nowrap_functions():
            return result
        return converted(result, cls)

    @_overridable
    def __deepcopy__(self, memo: dict[Any, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
                "protocol at the moment.  If you were attempting to deepcopy a module, this may "
                "be because of a torch.nn.utils.weight_norm usage, see "
                "https://github.com/pytorch/pytorch/pull/103001"
            )
        if id(self) in memo:
            return memo[id(self)]
        from copy import deepcopy

        copied = self._with_copied_storage(memo)
        if type(self) is not Tensor:
            copied = copied.as_subclass(type(self))
        if self.requires_grad:
            copied.requires_grad_()
        memo[id(self)] = copied
        if self.grad is not None:
            copied.grad = deepcopy(self.grad, memo)
        copied.__dict__.update(deepcopy(self.__dict__, memo))
        return copied

    def _with_copied_storage(self, memo: dict[Any, Any]) -> Tensor:
        """The same view of a copy of the storage; tensors that share keep sharing."""
        if self.is_meta:
            return self.detach().clone()
        storage = self.untyped_storage()
        key = "storage", storage.data_ptr()
        if key not in memo:
            memo[key] = storage.clone()
        return _C._tensor_from_storage(
            memo[key], self.dtype, self.storage_offset(), self.size(), self.stride()
        )

    @_overridable
    def __reduce_ex__(self, proto: Any) -> Any:
        from tallow import _utils

        return _utils._reduce_tensor(self, proto)

    # ---- autograd

    @_overridable
    def backward(
        self,
        gradient: Tensor | None = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: Any = None,
    ) -> None:
        """Add the gradient of this tensor to ``.grad`` of the leaves it was computed from.

        Args:
            gradient: gradient of this tensor, of the same shape; 1 by default, which is allowed
                for one-element real tensors.
            retain_graph: keep what was saved, so that the graph can be walked again.
            create_graph: record the backward pass, so that it can be differentiated.
            inputs: restrict accumulation to these tensors.

        Raises:
            RuntimeError: nothing requires gradients, the gradient is missing or of the wrong
                shape, or the graph was freed by an earlier pass.

        Example:
            >>> x = tallow.tensor([1.0, 2.0], requires_grad=True)
            >>> (x * x).sum().backward()
            >>> x.grad
            tensor([2., 4.])
        """
        if gradient is None and inputs is None and not create_graph:
            _C._backward(self, None, bool(retain_graph))
            return
        tallow.autograd.backward(self, gradient, retain_graph, create_graph, inputs=inputs)

    def graph(self, model: Any = None) -> Any:
        """Return the autograd graph behind this tensor, to look at or to draw.

        Modules are drawn as boxes if the forward pass ran under
        ``tallow.autograd.graph.record_scopes()``, ``tallow.explain()`` or ``tallow.nan_guard()``;
        otherwise, given a `model`, what uses its parameters is.

        Args:
            model: gives parameters their names.

        Returns:
            A graph with ``nodes``, ``edges``, ``svg()``, ``dot()`` and ``save(path)``; notebooks
            show it as a picture.

        Raises:
            RuntimeError: the tensor does not require gradients.
            TypeError: `model` is no Module.

        Example:
            >>> x = tallow.ones(2, requires_grad=True)
            >>> x.exp().sum().graph()
            <autograd graph: 3 nodes, 2 edges, 8 B saved for backward>
        """
        from tallow._explain.graph import graph_of

        return graph_of([self], model)

    # ---- other libraries

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: Any = None,
        dl_device: Any = None,
        copy: Any = None,
    ) -> Any:
        """Return a DLPack capsule that shares this tensor's memory.

        Raises:
            BufferError: the tensor requires gradients or has no data.
        """
        return _C._to_dlpack(self, stream, max_version, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        """Return DLPack's device type and index: ``(1, 0)`` for the CPU, ``(2, i)`` for CUDA."""
        return (2, self.get_device()) if self.is_cuda else (1, 0)

    def new_tensor(
        self, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        """Copy `data` into a new tensor of this one's dtype and device unless told otherwise."""
        dtype = self.dtype if dtype is None else dtype
        device = self.device if device is None else device
        return tallow.tensor(data, dtype=dtype, device=device, requires_grad=requires_grad)

    def apply_(self, callable: Callable[[Any], Any]) -> Tensor:
        """Replace every element by ``callable(element)``, in place. Slow; for CPU tensors.

        Raises:
            RuntimeError: the tensor requires gradients.
        """
        if self.requires_grad:
            raise RuntimeError(
                "Can't call apply_() on Variable that requires grad. Use "
                "var.detach().apply_() instead."
            )
        values = [callable(value) for value in self.reshape(-1).tolist()]
        self.copy_(tallow.tensor(values, dtype=self.dtype, device=self.device).view(self.shape))
        return self

    @_overridable
    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
        """Call `hook` with the gradient of this tensor whenever it is computed.

        Args:
            hook: may return a gradient to use instead.

        Returns:
            A handle whose ``remove()`` takes the hook away.

        Raises:
            RuntimeError: the tensor does not require gradients.

        Example:
            >>> x = tallow.ones(1, requires_grad=True)
            >>> handle = x.register_hook(lambda grad: grad * 10)
            >>> (x * 2).backward()
            >>> x.grad
            tensor([20.])
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._backward_hooks is None:
            self._backward_hooks = OrderedDict()
        handle = tallow.utils.hooks.RemovableHandle(self._backward_hooks)
        self._backward_hooks[handle.id] = hook
        return handle

    @_overridable
    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHandle:
        """Call `hook` with this leaf after its ``.grad`` has been updated.

        Args:
            hook: returns nothing.

        Returns:
            A handle whose ``remove()`` takes the hook away.

        Raises:
            RuntimeError: the tensor is not a leaf that requires gradients.
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self.grad_fn is not None:
            raise RuntimeError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors"
            )
        if self._post_accumulate_grad_hooks is None:
            self._post_accumulate_grad_hooks = OrderedDict()
        handle = tallow.utils.hooks.RemovableHandle(self._post_accumulate_grad_hooks)
        self._post_accumulate_grad_hooks[handle.id] = hook
        return handle

    # ---- text

    @_overridable
    def __repr__(self, *, tensor_contents: str | None = None) -> str:
        from tallow._tensor_str import tensor_text

        return tensor_text(self, tensor_contents)

    @_overridable
    def __format__(self, spec: str) -> str:
        if self.dim() == 0 and not self.is_meta and type(self) is Tensor:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    # ---- containers and conversion

    @_overridable
    def __iter__(self) -> Iterator[Tensor]:
        if self.dim() == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    @_overridable
    def __reversed__(self) -> Tensor:
        return self if self.dim() == 0 else self.flip(0)

    @_overridable
    def __contains__(self, element: Any) -> bool:
        if isinstance(element, (Tensor, bool, int, float, complex)):
            return bool((self == element).any().item())
        raise RuntimeError(
            "Tensor.__contains__ only supports Tensor or scalar, but you passed in a "
            f"{type(element)}."
        )

    @_overridable
    def __rdiv__(self, other: Any) -> Any:
        return self.reciprocal() * other

    @_overridable
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray[Any, Any]:
        array = self.numpy()
        if dtype is not None:
            array = array.astype(dtype, copy=False)
        return array.copy() if copy else array

    @_overridable
    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        # NumPy hands read-only results of comparisons here; tensors always own writable memory.
        return tallow.from_numpy(array if array.flags.writeable else array.copy())

    @property
    def __cuda_array_interface__(self) -> Any:
        if self.is_cuda:
            if self.requires_grad:
                raise RuntimeError(
                    "Can't get __cuda_array_interface__ on Variable that requires grad. If "
                    "gradients aren't required, use var.detach() to get Variable that doesn't "
                    "require grad."
                )
            name, size = repr(self.dtype).rpartition(".")[2], self.element_size()
            if name == "bfloat16" or name.startswith("float8"):
                raise AttributeError(f"NumPy's array interface has no type like {name}")
            kind = name[0]  # of bool, uint8, int64, float32, complex64: the letters used there
            return {
                "typestr": f"{'|' if size == 1 else '<'}{kind}{size}",
                "shape": tuple(self.shape),
                "strides": tuple(step * size for step in self.stride()),
                "data": (self.data_ptr() if self.numel() else 0, False),
                "version": 2,
            }
        raise AttributeError(
            f"Can't get __cuda_array_interface__ on non-CUDA tensor type: {self.type()} "
            "If CUDA data is required use tensor.cuda() to copy tensor to device memory."
        )

    # ---- distinct values

    @_overridable
    def unique(
        self,
        sorted: bool = True,
        return_inverse: bool = False,
        return_counts: bool = False,
        dim: int | None = None,
    ) -> Any:
        """See :func:`tallow.unique`."""
        return tallow.unique(self, sorted, return_inverse, return_counts, dim)

    @_overridable
    def unique_consecutive(
        self, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
    ) -> Any:
        """See :func:`tallow.unique_consecutive`."""
        return tallow.unique_consecutive(self, return_inverse, return_counts, dim)

    # ---- types, devices, storage

    @_overridable
    def type(self, dtype: Any = None, non_blocking: bool = False) -> Any:
        """Return the name of the tensor's type, or the tensor converted to another.

        Args:
            dtype: a dtype, a class such as ``FloatTensor`` or its name; ``None`` asks.
            non_blocking: accepted, without effect on the CPU.

        Raises:
            ValueError: unknown type.

        Example:
            >>> tallow.ones(1).type()
            'tallow.FloatTensor'
        """
        if dtype is None:
            return _legacy.type_name(self.dtype)
        if isinstance(dtype, _C.dtype):
            return self.to(dtype, non_blocking=non_blocking)
        return self.to(_legacy.dtype_of_type(dtype), non_blocking=non_blocking)

    @_overridable
    def new(self, *args: Any, **kwargs: Any) -> Tensor:
        """Make a tensor of the same dtype from sizes or values, like the class constructors."""
        return _legacy.legacy_tensor(self.dtype, args, device=kwargs.get("device", self.device))

    def cuda(self, *args: Any, **kwargs: Any) -> Tensor:
        """Copy to a CUDA device, the current one by default; self if it is there.

        Args:
            *args: the device, or its index; then whether not to wait for a copy from page-locked
                memory.
            **kwargs: `device`, `non_blocking`, and `memory_format` as of :meth:`to`.

        Raises:
            AssertionError: the CUDA plugin is not installed.
            RuntimeError: there is no driver or no such device.
        """
        from tallow.cuda import _lazy_init

        _lazy_init()
        return super().cuda(*args, **kwargs)

    def pin_memory(self, device: Any = None) -> Tensor:
        """Copy to page-locked memory, from which copies to a device can be asynchronous.

        Args:
            device: accepted for compatibility.

        Raises:
            RuntimeError: there is no accelerator.
        """
        if not tallow.accelerator.is_available():
            raise RuntimeError("Cannot access accelerator device when none is available.")
        return super().pin_memory()

    def record_stream(self, stream: Any) -> None:
        """Keep the memory, once it is free, from reuse before a stream has done its work.

        Args:
            stream: a stream, other than the one the tensor was made on, that uses it.
        """
        _C._cuda.record_stream(self, stream.cuda_stream)

    @_overridable
    def storage(self) -> Any:
        """Return the storage as elements of the tensor's dtype."""
        return tallow.storage.TypedStorage(
            wrap_storage=self.untyped_storage(), dtype=self.dtype, _internal=True
        )

    _typed_storage = storage

    @_overridable
    def share_memory_(self) -> Tensor:
        """Move the data to memory that processes forked from this one share; return the tensor."""
        from tallow._shared_memory import share

        return share(self)


_C._set_tensor_class(Tensor)


class _LazyMethod:
    """A method whose function is imported when first used, and then takes this one's place."""

    def __init__(self, home: str, function: str) -> None:
        self._home, self._function = home, function

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        import importlib

        found = getattr(importlib.import_module(f"tallow.{self._home}"), self._function)
        if self._name != self._function:
            found = _inplace(found, self._name)
        setattr(Tensor, self._name, found)
        return found if instance is None else found.__get__(instance, owner)


def _inplace(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    def run(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        result = function(self, *args, **kwargs)
        if not tallow.can_cast(result.dtype, self.dtype):
            from tallow._composite import c_name

            raise RuntimeError(
                f"result type {c_name(result.dtype)} can't be cast to the desired output type "
                f"{c_name(self.dtype)}"
            )
        return self.copy_(result)

    run.__name__ = run.__qualname__ = name
    run.__doc__ = f"Do :func:`tallow.{function.__name__}` in place."
    return run


def _add_lazy_methods() -> None:
    from tallow._methods import INPLACE, METHODS

    chosen = [(name, home, name) for name, home in METHODS.items()]
    chosen += [(f"{name}_", METHODS[name], name) for name in INPLACE]
    for name, home, function in chosen:
        if not hasattr(Tensor, name):
            method = _LazyMethod(home, function)
            method.__set_name__(Tensor, name)
            setattr(Tensor, name, method)


_add_lazy_methods()
