"""``FloatTensor`` and its like: types from before dtypes, still used to name, test and create."""

from __future__ import annotations

import functools
from typing import Any, NoReturn

import tallow
from tallow import _C

__all__ = ["NAMES", "dtype_of_type", "legacy_tensor", "tensor_type", "type_name", "typename"]

# Class name -> dtype name.
_KINDS = {
    "FloatTensor": "float32",
    "DoubleTensor": "float64",
    "HalfTensor": "float16",
    "BFloat16Tensor": "bfloat16",
    "LongTensor": "int64",
    "IntTensor": "int32",
    "ShortTensor": "int16",
    "CharTensor": "int8",
    "ByteTensor": "uint8",
    "BoolTensor": "bool",
    "ComplexFloatTensor": "complex64",
    "ComplexDoubleTensor": "complex128",
}
NAMES = frozenset(_KINDS)

# What contiguous_format was called while it meant something else in some functions.
legacy_contiguous_format = _C.contiguous_format


def __getattr__(name: str) -> Any:
    if name in NAMES:
        return globals().setdefault(name, tensor_type(name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _TensorType(type):
    """The type of `FloatTensor` and the others: they test and create tensors of one dtype."""

    dtype: Any
    is_cuda: bool

    def __instancecheck__(cls, instance: object) -> bool:
        if cls.is_cuda or not isinstance(instance, tallow.Tensor):
            return False
        return bool(instance.dtype == cls.dtype)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls.is_cuda:
            raise TypeError(
                f"type {cls._path()} not available. Torch not compiled with CUDA enabled."
            )
        return legacy_tensor(cls.dtype, args, **kwargs)

    def _path(cls) -> str:
        return f"{_C._get_namespace()}.{'cuda.' if cls.is_cuda else ''}{cls.__name__}"

    def __repr__(cls) -> str:
        return f"<class '{cls._path()}'>"


def tensor_type(name: str, cuda: bool = False) -> _TensorType:
    """Make the class called `name`, for instance ``FloatTensor``."""
    members = {
        "dtype": getattr(tallow, _KINDS[name]),
        "layout": tallow.strided,
        "is_cuda": cuda,
        "is_sparse": False,
        "__module__": "tallow.cuda" if cuda else "tallow",
        "__doc__": f"Tensors of dtype {_KINDS[name]}.",
    }
    return _TensorType(name, (), members)


def type_name(dtype: Any) -> str:
    """Return the old name of a dtype: ``torch.FloatTensor`` for ``torch.float32``."""
    return f"{_C._get_namespace()}.{_class_name(dtype)}"


@functools.cache
def _class_name(dtype: Any) -> str:
    return f"{_C._scalar_type_name(dtype)}Tensor"


def dtype_of_type(kind: Any) -> Any:
    """Return the dtype that a dtype, a tensor type or its name stands for."""
    if isinstance(kind, tallow.dtype):
        return kind
    if kind is tallow.Tensor:
        return tallow.get_default_dtype()
    if isinstance(kind, _TensorType):
        if kind.is_cuda:
            tallow.cuda._lazy_init()
        return kind.dtype
    name = kind if isinstance(kind, str) else getattr(kind, "__name__", repr(kind))
    package, _, last = name.rpartition(".")
    if package in ("torch.cuda", "tallow.cuda") and last in _KINDS:
        tallow.cuda._lazy_init()
    if package in ("torch", "tallow") and last in _KINDS:
        return getattr(tallow, _KINDS[last])
    if package in ("torch", "tallow") and last == "Tensor":
        return tallow.get_default_dtype()
    raise ValueError(f"invalid type: '{name}'")


def legacy_tensor(dtype: Any, args: tuple[Any, ...], device: Any = None) -> Any:
    """Make a tensor the way ``FloatTensor(...)`` does.

    Args:
        dtype: element type.
        args: nothing, sizes one by one, one ``Size``, one sequence of values, or one tensor.
        device: where the tensor lives.

    Raises:
        TypeError: other arguments, or a tensor of another dtype.
    """
    if len(args) == 1 and isinstance(args[0], tallow.Tensor):
        if args[0].dtype != dtype:
            _wrong_dtype(dtype, args[0].dtype)
        return args[0].detach()
    if len(args) == 1 and isinstance(args[0], tallow.Size):
        return tallow.empty(args[0], dtype=dtype, device=device)
    if len(args) == 1 and not isinstance(args[0], int):
        if not hasattr(args[0], "__len__"):
            raise TypeError(f"new(): data must be a sequence (got {type(args[0]).__name__})")
        return tallow.tensor(args[0], dtype=dtype, device=device)
    return tallow.empty(args or (0,), dtype=dtype, device=device)


def _wrong_dtype(wanted: Any, given: Any) -> NoReturn:
    raise TypeError(f"expected a tensor of type {type_name(wanted)}, got {type_name(given)}")


def typename(obj: Any) -> str:
    """Return the name of a value's type, with tensors under their old names.

    Args:
        obj: any value; a class stands for itself.

    Example:
        >>> typename(tallow.ones(1))
        'tallow.FloatTensor'
    """
    if isinstance(obj, tallow.Tensor):
        return str(obj.type())
    named = obj if hasattr(obj, "__qualname__") else type(obj)
    module = getattr(named, "__module__", None) or ""
    if module in ("builtins", "__builtin__", ""):
        return str(named.__qualname__)
    root, dot, rest = module.partition(".")
    if root == "tallow":
        module = _C._get_namespace() + dot + rest
    return f"{module}.{named.__qualname__}"
