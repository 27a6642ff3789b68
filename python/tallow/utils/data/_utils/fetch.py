"""From keys to a batch: the step that the main process and the workers share."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import tallow

from ..dataset import IterableDataset, Subset, TensorDataset
from .collate import default_collate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...._tensor import Tensor

    Collate = Callable[[Any], Any]
    Fetch = Callable[[Any], Any]

__all__ = ["make_fetch"]


def make_fetch(dataset: Any, auto_collation: bool, collate_fn: Collate, drop_last: bool) -> Fetch:
    """Return the function from a key, or from a list of keys, to what the loader yields.

    For a stream the keys only count; the function raises StopIteration at its end.
    """
    if isinstance(dataset, IterableDataset):
        return _stream_fetch(dataset, auto_collation, collate_fn, drop_last)
    if not auto_collation:
        return lambda key: collate_fn(dataset[key])
    if collate_fn is default_collate:
        return _row_fetch(dataset) or _sample_fetch(dataset, collate_fn)
    return _sample_fetch(dataset, collate_fn)


def _sample_fetch(dataset: Any, collate_fn: Collate) -> Fetch:
    fetch = getattr(dataset, "__getitems__", None)
    if callable(fetch):
        return lambda keys: collate_fn(fetch(keys))
    return lambda keys: collate_fn([dataset[key] for key in keys])


def _row_fetch(dataset: Any) -> Fetch | None:
    """Return a fetch that picks the rows of whole tensors, if that gives the same batches.

    Stacking n rows that were indexed one by one costs n + 1 operations per tensor, indexing with
    the list of rows costs one.
    """
    indices: Sequence[int] | None = None
    inner = dataset
    if type(dataset) is Subset:
        indices, inner = dataset.indices, dataset.dataset
    if type(inner) is not TensorDataset or not inner.tensors:
        return None
    tensors: tuple[Tensor, ...] = inner.tensors
    if any(tensor.requires_grad or type(tensor) is not tallow.Tensor for tensor in tensors):
        return None
    general = _sample_fetch(dataset, default_collate)

    def fetch(keys: list[int]) -> Any:
        chosen = keys if indices is None else [indices[key] for key in keys]
        rows = tallow.tensor(chosen, device="cpu")
        if rows.dtype != tallow.int64:
            return general(keys)
        return [tensor[rows] for tensor in tensors]

    return fetch


def _stream_fetch(
    dataset: Any, auto_collation: bool, collate_fn: Collate, drop_last: bool
) -> Fetch:
    stream = iter(dataset)
    if not auto_collation:
        return lambda key: collate_fn(next(stream))

    def fetch(keys: list[Any]) -> Any:
        samples = list(itertools.islice(stream, len(keys)))
        if not samples or (drop_last and len(samples) < len(keys)):
            raise StopIteration
        return collate_fn(samples)

    return fetch
