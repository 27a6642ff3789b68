"""Moving a module to another device or dtype."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import tallow
from tallow._tensor import Tensor
from tallow._user_frame import outside_stacklevel
from tallow.nn._spelling import package
from tallow.nn.parameter import is_lazy

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Self


class ConvertMethods:
    """The part of :class:`Module` that changes where and as what its tensors are stored."""

    if TYPE_CHECKING:
        # Module answers this; see TraversalMethods.
        _apply: Callable[..., Self]

    def cpu(self) -> Self:
        """Move all parameters and buffers to the CPU."""
        return self._apply(lambda t: t.cpu())

    def cuda(self, device: Any = None) -> Self:
        """Move all parameters and buffers to a CUDA device (default: the current one)."""
        return self._apply(lambda t: t.cuda(device))

    def ipu(self, device: Any = None) -> Self:
        """Move all parameters and buffers to an IPU."""
        return self._apply(lambda t: _not_built_for("IPU"))

    def xpu(self, device: Any = None) -> Self:
        """Move all parameters and buffers to an XPU."""
        return self._apply(lambda t: _not_built_for("XPU"))

    def mtia(self, device: Any = None) -> Self:
        """Move all parameters and buffers to an MTIA device."""
        return self._apply(lambda t: _not_built_for("MTIA"))

    def type(self, dst_type: Any) -> Self:
        """Cast all parameters and buffers to ``dst_type``."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self) -> Self:
        """Cast floating-point parameters and buffers to ``float32``."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self) -> Self:
        """Cast floating-point parameters and buffers to ``float64``."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self) -> Self:
        """Cast floating-point parameters and buffers to ``float16``."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self) -> Self:
        """Cast floating-point parameters and buffers to ``bfloat16``."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move to ``device`` without copying: parameters and buffers become uninitialised."""
        return self._apply(lambda t: tallow.empty_like(t, device=device), recurse=recurse)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move and cast all parameters and buffers in place.

        Takes ``to(device=None, dtype=None, non_blocking=False, *, memory_format=None)``,
        ``to(dtype, non_blocking=False)`` or ``to(tensor, non_blocking=False)``. Only
        floating-point and complex tensors are cast; 4-d and 5-d tensors take the memory format.

        Raises:
            TypeError: the dtype is neither floating point nor complex.
            NotImplementedError: the module is on the meta device, where it has no values.
        """
        device, dtype, non_blocking, memory_format = parse_to(*args, **kwargs)
        if dtype is not None:
            if not (dtype.is_floating_point or dtype.is_complex):
                raise TypeError(
                    "nn.Module.to only accepts floating point or complex dtypes, but got desired "
                    f"dtype={dtype}"
                )
            if dtype.is_complex:
                warnings.warn(
                    "Complex modules are a new feature under active development whose design may "
                    "change, and some modules might not work as expected when using complex "
                    "tensors as parameters or buffers.",
                    stacklevel=outside_stacklevel(),
                )

        def convert(t: Tensor) -> Tensor:
            target = dtype if t.is_floating_point() or t.is_complex() else None
            if t.is_meta and device is not None and device.type != "meta":
                raise NotImplementedError(
                    f"Cannot copy out of meta tensor; no data! Please use {package()}.nn.Module."
                    f"to_empty() instead of {package()}.nn.Module.to() when moving module from "
                    "meta to a different device."
                )
            if memory_format is not None and not is_lazy(t) and t.dim() in (4, 5):
                return t.to(device, target, non_blocking, memory_format=memory_format)
            return t.to(device, target, non_blocking)

        return self._apply(convert)


def _not_built_for(device: str) -> Tensor:
    raise AssertionError(f"Torch not compiled with {device} enabled")


# The positional parameters of the three forms of ``to``, by the type of the first argument.
_BY_TENSOR: tuple[str, ...] = ("tensor", "non_blocking", "copy")
_BY_DTYPE = ("dtype", "non_blocking", "copy")
_BY_DEVICE = ("device", "dtype", "non_blocking", "copy")


def parse_to(*args: Any, **kwargs: Any) -> tuple[Any, Any, bool, Any]:
    """Read the arguments of :meth:`Module.to`.

    Returns:
        Device, dtype, ``non_blocking`` and memory format; ``None`` for what is not given.

    Raises:
        TypeError: the arguments match none of the forms.
    """
    if "tensor" in kwargs or (args and isinstance(args[0], Tensor)):
        form = _BY_TENSOR
    elif args and isinstance(args[0], tallow.dtype):
        form = _BY_DTYPE
    else:
        form = _BY_DEVICE
    given = dict(zip(form, args, strict=False))
    allowed = {*form, "memory_format"}
    if len(args) > len(form) or given.keys() & kwargs.keys() or kwargs.keys() - allowed:
        raise _no_such_form(args, kwargs)
    given.update(kwargs)
    like, device, dtype = given.get("tensor"), given.get("device"), given.get("dtype")
    fits = (
        (like is None or isinstance(like, Tensor))
        and (device is None or isinstance(device, (tallow.device, str, int)))
        and (dtype is None or isinstance(dtype, tallow.dtype))
        and isinstance(given.get("non_blocking", False), bool)
    )
    if not fits:
        raise _no_such_form(args, kwargs)
    if like is not None:
        device, dtype = like.device, like.dtype
    elif device is not None and not isinstance(device, tallow.device):
        device = tallow.device(device)
    return device, dtype, given.get("non_blocking", False), given.get("memory_format")


def _no_such_form(args: tuple[Any, ...], kwargs: dict[str, Any]) -> TypeError:
    got = [type(arg).__name__ for arg in args]
    got += [f"{name}={type(value).__name__}" for name, value in kwargs.items()]
    name = package()
    rest = (
        "bool non_blocking = False, bool copy = False, *, "
        f"{name}.memory_format memory_format = None)"
    )
    return TypeError(
        f"to() received an invalid combination of arguments - got ({', '.join(got)}), but expected "
        f"one of:\n * ({name}.device device = None, {name}.dtype dtype = None, {rest}\n"
        f" * ({name}.dtype dtype, {rest}\n * (Tensor tensor, {rest}\n"
    )
