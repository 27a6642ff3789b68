"""What a hook changed: found by comparing what it was given, what is left and what it returned."""

from __future__ import annotations

from typing import Any

from tallow._explain.values import describe, tensors_in
from tallow._tensor import Tensor

__all__ = ["InPlace", "change_of"]


class InPlace:
    """The versions of the tensors that a hook is given, to notice writes.

    Args:
        args: what the hook is called with.
    """

    __slots__ = ("versions",)

    def __init__(self, args: Any) -> None:
        self.versions = [(tensor, _version(tensor)) for tensor in tensors_in(args)]

    def written(self) -> list[Tensor]:
        """Return the tensors that have been written to since."""
        return [tensor for tensor, version in self.versions if _version(tensor) != version]


def _version(tensor: Tensor) -> int:
    return 0 if tensor.is_inference() else tensor._version


def _compared(name: str, before: Any, after: Any) -> list[str]:
    """Say which values of a tuple, or that the only value, became another object."""
    if before is after:
        return []
    if isinstance(before, (tuple, list)) and isinstance(after, (tuple, list)):
        if len(before) != len(after):
            return [f"{name} replaced: {len(before)} values -> {len(after)}"]
        parts: list[str] = []
        for i, (old, new) in enumerate(zip(before, after, strict=True)):
            parts += _compared(f"{name}[{i}]", old, new)
        return parts
    old, new = describe(before), describe(after)
    return [f"{name} replaced" if old == new else f"{name} replaced: {old} -> {new}"]


def change_of(kind: str, args: Any, result: Any, in_place: InPlace | None) -> str:
    """Return in words what a hook did to the values that pass through it.

    Args:
        kind: which hook, see ``events.HOOK_KINDS``.
        args: what it was called with.
        result: what it returned.
        in_place: made from `args` before the call.
    """
    parts = []
    if result is not None:
        parts = _compared(*_pair(kind, args, result))
    for tensor in in_place.written() if in_place else ():
        parts.append(f"{_place(kind, args, tensor)} changed in place")
    return "; ".join(parts) if parts else "no change"


def _pair(kind: str, args: Any, result: Any) -> tuple[str, Any, Any]:
    """Return the name of what the result replaces, the old and the new value."""
    if kind == "forward pre-hook":
        if len(args) > 2:  # with keyword arguments
            return "arguments", (args[1], tuple(args[2].values())), _with_kwargs(result)
        return "args", args[1], result if isinstance(result, tuple) else (result,)
    if kind == "forward hook":
        return "output", args[-1], result
    if kind == "full backward pre-hook":
        return "grad_output", args[1], _as_tuple(result)
    if kind in ("full backward hook", "backward hook"):
        return "grad_input", args[1], _as_tuple(result)
    if kind == "tensor hook":
        return "grad", args[0], result
    if kind == "node pre-hook":
        return "grad_outputs", args[0], _as_tuple(result)
    return "grad_inputs", args[0], _as_tuple(result)


def _with_kwargs(result: Any) -> Any:
    if isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], dict):
        return result[0], tuple(result[1].values())
    return result


def _as_tuple(value: Any) -> Any:
    return (value,) if isinstance(value, Tensor) else value


def _place(kind: str, args: Any, tensor: Tensor) -> str:
    """Return what a tensor among the arguments of a hook is called."""
    names = {
        "forward pre-hook": ("module", "args", "kwargs"),
        "forward hook": ("module", "args", "output") if len(args) == 3 else _FORWARD_WITH_KWARGS,
        "full backward pre-hook": ("module", "grad_output"),
        "full backward hook": ("module", "grad_input", "grad_output"),
        "backward hook": ("module", "grad_input", "grad_output"),
        "tensor hook": ("grad",),
        "post-accumulate hook": ("the tensor",),
        "node pre-hook": ("grad_outputs",),
        "node hook": ("grad_inputs", "grad_outputs"),
    }[kind]
    for name, value in zip(names, args, strict=False):
        if value is tensor:
            return name
        if isinstance(value, (tuple, list)):
            for i, item in enumerate(value):
                if item is tensor:
                    return f"{name}[{i}]"
        if any(item is tensor for item in tensors_in(value)):
            return name
    return "a tensor"


_FORWARD_WITH_KWARGS = ("module", "args", "kwargs", "output")
