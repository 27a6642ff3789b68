"""Turns PyTorch's sample inputs and callables into ours."""

from __future__ import annotations

import types
from typing import Any

import numpy as np
import torch

import tallow


class Untranslatable(Exception):
    """A sample uses something that is no dense CPU tensor, such as a sparse layout."""


class Missing(Exception):
    """The function that an entry calls does not exist here."""


_NAMED = (torch.dtype, torch.layout, torch.memory_format)


def name_of(value: Any) -> str:
    """The last part of what a dtype, layout or memory format prints: 'float32'."""
    return str(value).rpartition(".")[2]


def _storage(value: torch.Tensor, known: dict[Any, Any]) -> Any:
    """Our bytes of a tensor's storage, the same ones for tensors that share it."""
    storage = value.untyped_storage()
    key = "storage", storage.data_ptr(), storage.nbytes()
    if key not in known:
        theirs = torch.empty(0, dtype=torch.uint8).set_(storage)
        # Memory of our own: what NumPy made cannot be resized, as out= may ask for.
        ours = tallow.empty(storage.nbytes(), dtype=tallow.uint8)
        ours.copy_(tallow.from_numpy(theirs.numpy().copy()))
        known[key] = storage, ours  # a storage that lives keeps its address
    return known[key][1]


def tensor(value: torch.Tensor, known: dict[Any, Any]) -> Any:
    """A tensor with the same values, sizes, strides and requires_grad.

    Tensors that share memory are translated to tensors that do.
    """
    if value.layout is not torch.strided or value.is_quantized or value.device.type != "cpu":
        raise Untranslatable(f"{value.layout} on {value.device}")
    dtype = getattr(tallow, name_of(value.dtype), None)
    if dtype is None:
        raise Untranslatable(str(value.dtype))
    source = value.detach().resolve_conj().resolve_neg()
    if source.untyped_storage().nbytes():
        ours = _storage(source, known)
        whole = ours.numel() // source.itemsize * source.itemsize
        ours = ours[:whole].view(dtype)
        ours = ours.as_strided(tuple(source.shape), source.stride(), source.storage_offset())
    else:
        ours = tallow.empty_strided(tuple(source.shape), source.stride(), dtype=dtype)
    if isinstance(value, torch.nn.Parameter):
        return tallow.nn.Parameter(ours, requires_grad=value.requires_grad)
    return ours.detach().requires_grad_(value.requires_grad)


def translate(value: Any, known: dict[Any, Any] | None = None) -> Any:
    """A tree of arguments with everything of torch replaced, equal tensors by equal ones."""
    known = {} if known is None else known
    if isinstance(value, torch.Tensor):
        if id(value) not in known:
            known[id(value)] = tensor(value, known)
        return known[id(value)]
    if isinstance(value, torch.Size):
        return tallow.Size(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(translate(item, known) for item in value))
    if isinstance(value, list | tuple):
        return type(value)(translate(item, known) for item in value)
    if isinstance(value, dict):
        return {key: translate(item, known) for key, item in value.items()}
    if isinstance(value, slice):
        return slice(*map(translate, (value.start, value.stop, value.step)))
    if isinstance(value, _NAMED):
        found = getattr(tallow, name_of(value), None)
        if found is None:
            raise Untranslatable(str(value))
        return found
    if isinstance(value, torch.device):
        return tallow.device(str(value))
    if isinstance(value, torch.Generator):
        return tallow.Generator().manual_seed(value.initial_seed())
    if isinstance(value, torch.nn.Module):
        raise Untranslatable("a Module as an argument")
    if callable(value) and not isinstance(value, type):
        return function(value)
    return value


def _walk(path: str) -> Any:
    found: Any = tallow
    for name in path.split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            try:
                found = __import__(f"{found.__name__}.{name}", fromlist=["_"])
            except (ImportError, AttributeError):
                raise Missing(f"tallow.{path}") from None
    return found


_NATIVE_HOMES = {
    "torch._C._linalg": ("linalg", "linalg_"),
    "torch._C._special": ("special", "special_"),
    "torch._C._fft": ("fft", "fft_"),
    "torch._C._nn": ("nn.functional", ""),
}


def _slice(input: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1) -> Any:
    """`torch.ops.aten.slice`, which indexing spells here."""
    return input[(slice(None),) * (dim % input.dim()) + (slice(start, end, step),)]


def function(call: Any) -> Any:
    """Our function of the same name, or the same Python code with tallow in the place of torch."""
    if str(call).startswith("aten.slice"):
        return _slice
    module, name = getattr(call, "__module__", None) or "", getattr(call, "__name__", "")
    if isinstance(call, types.MethodDescriptorType | types.WrapperDescriptorType):
        return _walk(f"Tensor.{name}")
    if module in _NATIVE_HOMES:
        home, prefix = _NATIVE_HOMES[module]
        try:
            return _walk(f"{home}.{name.removeprefix(prefix)}")
        except Missing:
            return _walk(f"_C._nn.{name}") if home == "nn.functional" else _raise(home, name)
    if isinstance(call, types.FunctionType):
        if module == "torch._tensor":
            return _walk(f"Tensor.{name}")
        if module == "torch.functional":
            return _walk(name)
        for home in ("signal.windows", "masked"):
            if module.startswith(f"torch.{home}"):
                return _walk(f"{home}.{name}")
        if module.startswith("torch.nn.functional"):
            return _walk(f"nn.functional.{name.removeprefix('_')}")
        return rebound(call)
    if isinstance(call, types.BuiltinFunctionType) and module.startswith("torch"):
        return _walk(name)
    return call


def _raise(home: str, name: str) -> Any:
    raise Missing(f"tallow.{home}.{name}")


class _Package:
    """`torch` inside PyTorch's own test helpers: our names, no fallback."""

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(tallow, name)
        except AttributeError:
            raise Missing(f"tallow.{name}") from None


_PACKAGE = _Package()


_REBOUND: dict[types.FunctionType, types.FunctionType] = {}


def _global(value: Any) -> Any:
    if value is torch:
        return _PACKAGE
    if isinstance(value, types.ModuleType) and value.__name__.startswith("torch.nn"):
        return _walk(value.__name__.removeprefix("torch."))
    if isinstance(value, types.FunctionType) and value.__module__.startswith("torch.testing"):
        return rebound(value)
    return value


def _used_names(code: types.CodeType) -> set[str]:
    inner = [_used_names(c) for c in code.co_consts if isinstance(c, types.CodeType)]
    return set(code.co_names).union(*inner)


def rebound(call: types.FunctionType) -> Any:
    """A Python helper of the databases, running on tallow."""
    if call in _REBOUND:
        return _REBOUND[call]
    if call.__name__ == "freeze_rng_state":
        return _REBOUND.setdefault(call, tallow.random.fork_rng)
    used = _used_names(call.__code__)
    cells = tuple(types.CellType(None) for _ in call.__closure__ or ())
    names: dict[str, Any] = {"__builtins__": call.__globals__["__builtins__"]}
    made = types.FunctionType(call.__code__, names, call.__name__, None, cells)
    _REBOUND[call] = made
    names.update((n, _global(v)) for n, v in call.__globals__.items() if n in used)
    for cell, source in zip(cells, call.__closure__ or (), strict=True):
        cell.cell_contents = translate(source.cell_contents)
    made.__defaults__ = tuple(map(translate, call.__defaults__ or ()))
    made.__kwdefaults__ = {k: translate(v) for k, v in (call.__kwdefaults__ or {}).items()}
    return made


def to_numpy(value: Any) -> np.ndarray:
    """The values of a tensor of either package; half types become float32."""
    value = value.detach()
    if isinstance(value, torch.Tensor):
        value = value.resolve_conj().resolve_neg().clone()  # a copy has no lazy zeros
        if value.layout is not torch.strided:
            raise Untranslatable(str(value.layout))
    if name_of(value.dtype) in ("float16", "bfloat16"):
        value = value.float()
    return np.asarray(value.numpy())
