"""Turning a list of samples into one batch."""

from __future__ import annotations

import copy
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import tallow

from ...._tensor import Tensor

__all__ = ["collate", "default_collate", "default_collate_fn_map", "default_convert"]

_BAD = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found "

# Kinds of NumPy arrays that are no numbers: strings and objects.
np_str_obj_array_pattern = re.compile(r"[SaUO]")

CollateMap = dict[type | tuple[type, ...], Callable[..., Any]]


def _from_numpy(value: Any) -> Any:
    """Return a NumPy array or scalar as a tensor; anything else, and text, as it is."""
    # Looked up, not imported: data that never met NumPy shall not load it.
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, (numpy.ndarray, numpy.generic)):
        return value
    return value if value.dtype.kind in "OSUV" else tallow.as_tensor(value)


def _rebuilt_mapping(original: Mapping[Any, Any], items: dict[Any, Any]) -> Any:
    """Return a mapping of the type of ``original`` with other values, or a dict if that fails."""
    try:
        if isinstance(original, MutableMapping):
            clone = copy.copy(original)
            clone.update(items)
            return clone
        return type(original)(items)  # type: ignore[call-arg]
    except TypeError:
        return items


def _rebuilt_sequence(original: Sequence[Any], items: list[Any]) -> Any:
    """Return a sequence of the type of ``original`` with other items, or a list if that fails."""
    try:
        if isinstance(original, MutableSequence):
            clone = copy.copy(original)
            for position, item in enumerate(items):
                clone[position] = item
            return clone
        return type(original)(items)  # type: ignore[call-arg]
    except TypeError:
        return items


def default_convert(data: Any) -> Any:
    """Turn the NumPy arrays of one sample into tensors and leave the rest as it is.

    Args:
        data: any nesting of mappings, sequences and leaves.

    Returns:
        The same nesting; tuples become lists, named tuples stay.

    Example:
        >>> from tallow.utils.data import default_convert
        >>> default_convert({"a": (1, "b")})
        {'a': [1, 'b']}
    """
    converted = _from_numpy(data)
    if converted is not data or isinstance(data, (Tensor, str, bytes)):
        return converted
    if isinstance(data, Mapping):
        return _rebuilt_mapping(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple):
        if hasattr(data, "_fields"):
            return type(data)(*map(default_convert, data))
        return [default_convert(item) for item in data]
    if isinstance(data, Sequence):
        return _rebuilt_sequence(data, [default_convert(item) for item in data])
    return data


def collate(batch: Any, *, collate_fn_map: CollateMap | None = None) -> Any:
    """Turn a list of samples of the same structure into one such structure of batches.

    Args:
        batch: the samples; the type of the first decides.
        collate_fn_map: for each leaf type, or tuple of types, the function that joins a list of
            such leaves; called as ``function(batch, collate_fn_map=collate_fn_map)``.

    Raises:
        TypeError: a leaf of another type.
        RuntimeError: sequences of different lengths.
    """
    first = batch[0]
    if collate_fn_map is not None:
        kind = type(first)
        join = collate_fn_map.get(kind)
        if join is None:
            matches = (f for types, f in collate_fn_map.items() if isinstance(first, types))
            join = next(matches, None)
        if join is not None:
            return join(batch, collate_fn_map=collate_fn_map)

    def joined(items: list[Any]) -> Any:
        return collate(items, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _rebuilt_mapping(
            first, {key: joined([sample[key] for sample in batch]) for key in first}
        )
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(joined(list(items)) for items in zip(*batch, strict=True)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [joined(list(items)) for items in zip(*batch, strict=True)]
        return columns if isinstance(first, tuple) else _rebuilt_sequence(first, columns)
    raise TypeError(f"{_BAD}{type(first)}")


def _join_tensors(batch: list[Tensor], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    return tallow.stack(batch, 0)


def _join_floats(batch: list[float], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    return tallow.tensor(batch, dtype=tallow.float64)


def _join_ints(batch: list[int], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    return tallow.tensor(batch)


def _join_text(batch: list[Any], *, collate_fn_map: CollateMap | None = None) -> list[Any]:
    return batch


default_collate_fn_map: CollateMap = {
    Tensor: _join_tensors,
    float: _join_floats,
    int: _join_ints,
    str: _join_text,
    bytes: _join_text,
}


def default_collate(batch: Any) -> Any:
    """Turn a list of samples into one batch with a new first dimension.

    Tensors and NumPy arrays are stacked, numbers become a tensor (floats one of float64), text
    stays a list; mappings, named tuples and sequences are joined item by item, tuples into lists.

    Args:
        batch: samples of the same structure.

    Raises:
        TypeError: a sample of another type.
        RuntimeError: tensors or sequences of different sizes.

    Example:
        >>> from tallow.utils.data import default_collate
        >>> default_collate([(1, "a"), (2, "b")])
        [tensor([1, 2]), ['a', 'b']]
    """
    numpy = sys.modules.get("numpy")
    if numpy is not None and numpy.ndarray not in default_collate_fn_map:
        default_collate_fn_map[numpy.ndarray] = _join_arrays
        default_collate_fn_map[numpy.generic] = _join_scalars
    return collate(batch, collate_fn_map=default_collate_fn_map)


def _join_arrays(batch: list[Any], *, collate_fn_map: CollateMap | None = None) -> Tensor:
    if batch[0].dtype.kind in "OSUV":
        raise TypeError(f"{_BAD}{batch[0].dtype}")
    return tallow.stack([tallow.as_tensor(array) for array in batch], 0)


def _join_scalars(batch: list[Any], *, collate_fn_map: CollateMap | None = None) -> Any:
    if batch[0].dtype.kind in "SU":
        return batch
    return tallow.as_tensor(sys.modules["numpy"].asarray(batch))
