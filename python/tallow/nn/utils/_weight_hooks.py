"""Finding and removing the forward pre-hooks that compute a weight, for the older forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tallow.nn.modules.module import Module


def _key_of(module: Module, kind: type, name: str) -> Any:
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, kind) and hook.name == name:  # type: ignore[attr-defined]
            return key
    return None


def refuse_second(module: Module, kind: type, what: str, name: str) -> None:
    """Raise if a hook of this kind computes the parameter already.

    Raises:
        RuntimeError: one does; ``what`` is the function that put it there.
    """
    if _key_of(module, kind, name) is not None:
        raise RuntimeError(f"Cannot register two {what} hooks on the same parameter {name}")


def remove_hook(module: Module, kind: type, what: str, name: str) -> Any:
    """Take the hook away, leaving a parameter with the present weight, and return it.

    Raises:
        ValueError: there is none; ``what`` is the function that would have put it there.
    """
    key = _key_of(module, kind, name)
    if key is None:
        raise ValueError(f"{what} of '{name}' not found in {module}")
    hook: Any = module._forward_pre_hooks.pop(key)
    hook.remove(module)
    return hook
