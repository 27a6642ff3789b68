"""What functions written in Python need to behave as native ones do: overrides and ``out=``."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

from tallow import _C
from tallow.overrides import handle_torch_function

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

    _F = TypeVar("_F", bound=Callable[..., Any])

__all__ = [
    "c_name",
    "check_floating",
    "check_tensors",
    "composite",
    "few",
    "fill_out",
    "recorded",
    "spelled",
    "wrong_arguments",
]


def _tensors(values: Any) -> list[Any]:
    found = []
    for value in values:
        if isinstance(value, list | tuple):
            found += _tensors(value)
        elif isinstance(value, _C.TensorBase) or hasattr(value, "__torch_function__"):
            found.append(value)
    return found


def fill_out(name: str, result: Any, out: Any) -> Any:
    """Write a result, or a tuple of results, into the tensors given as ``out=``.

    Args:
        name: the function's name, for messages.
        result: what was computed.
        out: the same structure; resized where it has another shape.

    Raises:
        RuntimeError: a target requires a gradient or cannot hold the result's kind of number.
    """
    if isinstance(result, tuple):
        for part, target in zip(result, out, strict=True):
            fill_out(name, part, target)
        return out
    if _C.is_grad_enabled() and (out.requires_grad or result.requires_grad):
        raise RuntimeError(
            f"{name}(): functions with out=... arguments don't support automatic differentiation, "
            "but one of the arguments requires grad."
        )
    if not _C._VariableFunctions.can_cast(result.dtype, out.dtype):
        raise RuntimeError(
            f"result type {_type_name(result)} can't be cast to the desired output type "
            f"{_type_name(out)}"
        )
    if out.shape != result.shape:
        out.resize_(result.shape)
    return out.copy_(result)


def _type_name(tensor: Tensor) -> str:
    return tensor.type().rpartition(".")[2].removesuffix("Tensor")


# What PyTorch, where they are one operation, calls the nodes of compositions that always end with
# an operation of their own. The last node has the name.
_NODES = {
    "adaptive_avg_pool3d": "AdaptiveAvgPool3DBackward0",
    "adaptive_max_pool3d": "AdaptiveMaxPool3DBackward0",
    "avg_pool3d": "AvgPool3DBackward0",
    "conv3d": "ConvolutionBackward0",
    "conv_transpose3d": "ConvolutionBackward0",
    "cross": "LinalgCrossBackward0",
    "embedding_bag": "EmbeddingBagBackward0",
    "fractional_max_pool2d": "FractionalMaxPool2DBackward0",
    "fractional_max_pool3d": "FractionalMaxPool3DBackward0",
    "ldexp": "LdexpBackward0",
    "max_pool3d": "MaxPool3DWithIndicesBackward0",
    "max_unpool3d": "MaxUnpool3DBackward0",
    "polar": "PolarBackward0",
    "renorm": "RenormBackward0",
    "segment_reduce": "SegmentReduceBackward0",
}


def spelled(**names: str) -> Callable[[_F], _F]:
    """Let the keywords of PyTorch's other overloads, or of its other names, stand for parameters.

    Args:
        names: for each such keyword the parameter it means.
    """

    def decorate(function: _F) -> _F:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if kwargs:
                kwargs = {names.get(name, name): value for name, value in kwargs.items()}
            return function(*args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate


def composite(function: _F) -> _F:
    """Let subclasses and modes take a function over, and give it ``out=`` if it lacks that."""
    code = function.__code__
    node = _NODES.get(function.__name__)
    has_out = "out" in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]

    def general(*args: Any, **kwargs: Any) -> Any:
        if _C._call_has_torch_function(args, kwargs):
            tensors = _tensors(args) + _tensors(kwargs.values())
            return handle_torch_function(call, tensors, *args, **kwargs)
        out = kwargs.pop("out")
        result = function(*args, **kwargs)
        return result if out is None else fill_out(function.__name__, result, out)

    parts = function, general, has_out, _C._named, node
    call: Any = _C._Composite(*parts)  # type: ignore[call-arg]
    functools.update_wrapper(call, function)
    return call


def recorded(x: Tensor, y: Tensor | None = None) -> bool:
    """Whether a derivative is wanted; without one, values are all there is to compute.

    Args:
        x: an input of the operation.
        y: another one.
    """
    if x.requires_grad or (y is not None and y.requires_grad):
        return _C.is_grad_enabled()
    return False


def few(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what one of the native functions for few numbers finds, or None.

    Arguments of other types are left to the general way, which refuses them in its own words.
    """
    try:
        return function(*arguments)
    except (TypeError, OverflowError):
        return None


def c_name(dtype: Any) -> str:
    """The name PyTorch's messages have for a dtype: 'Half', 'Long'."""
    name: str = _C._scalar_type_name(dtype)
    return name


def check_tensors(name: str, **arguments: Any) -> None:
    """Refuse arguments that are no tensors.

    Args:
        name: the function, for messages.
        arguments: by name, in the order of the function's parameters from the first on.

    Raises:
        TypeError: names the first that is no tensor.
    """
    for position, (argument, value) in enumerate(arguments.items(), start=1):
        if not isinstance(value, _C.TensorBase):
            raise TypeError(
                f"{name}(): argument '{argument}' (position {position}) must be Tensor, not "
                f"{type(value).__name__}"
            )


def wrong_arguments(name: str, given: tuple[Any, ...], *expected: str) -> TypeError:
    """Return the error for arguments that fit no form of a function.

    Args:
        name: the function.
        given: the arguments.
        expected: the forms, such as ``(Tensor input, int sections)``.
    """
    got = ", ".join(
        "Tensor" if isinstance(value, _C.TensorBase) else type(value).__name__ for value in given
    )
    forms = "\n".join(f" * {form}" for form in expected)
    return TypeError(
        f"{name}() received an invalid combination of arguments - got ({got}), but expected one "
        f"of:\n{forms}"
    )


_WITH_ALGORITHMS = frozenset((_C.float32, _C.float64, _C.complex64, _C.complex128))


def check_floating(name: str, *tensors: Tensor) -> None:
    """Refuse dtypes that a LAPACK-type routine has no algorithm for.

    Raises:
        RuntimeError: an integer or half type.
    """
    for tensor in tensors:
        if tensor.dtype in _WITH_ALGORITHMS:
            continue
        if not tensor.is_floating_point():
            raise RuntimeError(
                f"{name}: Expected a floating point or complex tensor as input. "
                f"Got {c_name(tensor.dtype)}"
            )
        raise RuntimeError(
            f"{name}: Low precision dtypes not supported. Got {c_name(tensor.dtype)}"
        )
