"""Names of PyTorch's dispatcher, which packages use to step around a part of it.

Here a call goes straight to the kernel of its device, so nothing can be stepped around: keys are
names, sets of them are sets, and the guard guards nothing.
"""

from __future__ import annotations

from contextlib import nullcontext

__all__ = ["DispatchKey", "DispatchKeySet", "ExcludeDispatchKeyGuard"]


class _Names(type):
    """Every attribute is the key of that name."""

    def __getattr__(cls, name: str) -> str:
        if name.startswith("__"):
            raise AttributeError(name)
        return name


class DispatchKey(metaclass=_Names):
    """The keys: ``DispatchKey.AutocastCPU`` is the name itself.

    Example:
        >>> DispatchKey.AutocastCPU
        'AutocastCPU'
    """


class DispatchKeySet(frozenset[str]):
    """Some keys; ``|`` and ``-`` combine sets.

    Args:
        key: the only key of the set.

    Example:
        >>> DispatchKeySet(DispatchKey.CPU).has("CPU")
        True
    """

    def __new__(cls, key: str) -> DispatchKeySet:
        return super().__new__(cls, (key,))

    def has(self, key: str) -> bool:
        """Tell whether the key is in the set."""
        return key in self


class ExcludeDispatchKeyGuard(nullcontext[None]):
    """Do nothing, where PyTorch would leave out keys.

    Args:
        keys: any set.
    """

    def __init__(self, keys: frozenset[str]) -> None:
        super().__init__()
