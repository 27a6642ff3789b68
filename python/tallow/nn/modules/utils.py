"""Small helpers for the arguments of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow.nn.functional._validate import list_with_default as _list_with_default  # noqa: F401
from tallow.nn.functional._validate import ntuple as _ntuple

if TYPE_CHECKING:
    from typing import Any

__all__ = ["consume_prefix_in_state_dict_if_present"]

_single = _ntuple(1, "_single")
_pair = _ntuple(2, "_pair")
_triple = _ntuple(3, "_triple")
_quadruple = _ntuple(4, "_quadruple")


def _reverse_repeat_tuple(t: tuple[Any, ...], n: int) -> tuple[Any, ...]:
    """Repeat each element ``n`` times, last element first: the order :func:`F.pad` wants."""
    return tuple(x for x in reversed(t) for _ in range(n))


def consume_prefix_in_state_dict_if_present(state_dict: dict[str, Any], prefix: str) -> None:
    """Remove ``prefix`` from the keys (and the metadata) of ``state_dict``, in place.

    Args:
        state_dict: what :meth:`Module.state_dict` returned, for example of a wrapped model.
        prefix: for example ``"module."``.

    Example:
        >>> state = {"module.weight": 1, "step": 2}
        >>> consume_prefix_in_state_dict_if_present(state, "module.")
        >>> state
        {'step': 2, 'weight': 1}
    """
    for key in list(state_dict):
        if key.startswith(prefix):
            state_dict[key[len(prefix) :]] = state_dict.pop(key)
    metadata = getattr(state_dict, "_metadata", None)
    if metadata is None:
        return
    # Metadata is keyed by module paths: the wrapper itself is "module", without the dot.
    for key in list(metadata):
        if key and (key == prefix.rstrip(".") or key.startswith(prefix)):
            metadata[key[len(prefix) :]] = metadata.pop(key)
