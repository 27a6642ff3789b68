"""Data sets: how samples are reached, combined and split."""

from __future__ import annotations

import itertools
import math
import warnings
from abc import ABC, abstractmethod
from bisect import bisect_right
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import tallow
from tallow._tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


__all__ = [
    "ChainDataset",
    "ConcatDataset",
    "Dataset",
    "IterableDataset",
    "StackDataset",
    "Subset",
    "TensorDataset",
    "random_split",
]

_T_co = TypeVar("_T_co", covariant=True)


class Dataset(Generic[_T_co]):
    """A map from keys, usually the numbers from 0 on, to samples.

    Subclasses write ``__getitem__``, usually ``__len__``, and may write ``__getitems__``, which
    takes a list of keys and returns a list of samples.

    Example:
        >>> from tallow.utils.data import DataLoader, Dataset
        >>> class Squares(Dataset):
        ...     def __len__(self):
        ...         return 5
        ...     def __getitem__(self, index):
        ...         return index * index
        >>> list(DataLoader(Squares(), batch_size=3))
        [tensor([0, 1, 4]), tensor([ 9, 16])]
    """

    def __getitem__(self, index: Any) -> _T_co:
        raise NotImplementedError("Subclasses of Dataset should implement __getitem__.")

    def __add__(self, other: Dataset[_T_co]) -> Dataset[_T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[_T_co], ABC):
    """A stream of samples; subclasses write ``__iter__``.

    With worker processes each worker iterates over its own copy: use ``get_worker_info`` in
    ``__iter__`` to give each a part of the stream.
    """

    @abstractmethod
    def __iter__(self) -> Iterator[_T_co]: ...

    def __add__(self, other: Dataset[_T_co]) -> Dataset[_T_co]:
        return ChainDataset([self, other])


class TensorDataset(Dataset["tuple[Tensor, ...]"]):
    """Tensors side by side: sample ``i`` is the tuple of their rows ``i``.

    Args:
        tensors: all with the same first dimension.

    Raises:
        AssertionError: the first dimensions differ.

    Example:
        >>> import tallow
        >>> from tallow.utils.data import TensorDataset
        >>> TensorDataset(tallow.arange(3), tallow.arange(3) * 10)[1]
        (tensor(1), tensor(10))
    """

    tensors: tuple[Tensor, ...]

    def __init__(self, *tensors: Tensor) -> None:
        if any(tensor.size(0) != tensors[0].size(0) for tensor in tensors):
            raise AssertionError("Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return self.tensors[0].size(0)


class StackDataset(Dataset[Any]):
    """Data sets side by side: sample ``i`` is the tuple, or the dict, of their samples ``i``.

    Args:
        args: data sets of equal length, for tuples.
        kwargs: data sets of equal length, for dicts.

    Raises:
        ValueError: no data set, both kinds, or lengths that differ.
    """

    datasets: tuple[Any, ...] | dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise ValueError(
                "Supported either ``tuple``- (via ``args``) or``dict``- (via ``kwargs``) like "
                "input/output, but both types are given."
            )
        parts = args or tuple(kwargs.values())
        if not parts:
            raise ValueError("At least one dataset should be passed")
        self._length = len(parts[0])
        if any(len(part) != self._length for part in parts):
            raise ValueError("Size mismatch between datasets")
        self.datasets = kwargs or args

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: dataset[index] for name, dataset in self.datasets.items()}
        return tuple(dataset[index] for dataset in self.datasets)

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        if isinstance(self.datasets, dict):
            columns = [_samples(part, indices) for part in self.datasets.values()]
            names = list(self.datasets)
            return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
        return list(zip(*(_samples(part, indices) for part in self.datasets), strict=True))

    def __len__(self) -> int:
        return self._length


def _samples(dataset: Any, indices: list[Any]) -> list[Any]:
    """Return several samples, in one call where the data set offers that."""
    fetch = getattr(dataset, "__getitems__", None)
    if not callable(fetch):
        return [dataset[index] for index in indices]
    samples = fetch(indices)
    if len(samples) != len(indices):
        raise ValueError(
            f"Nested dataset's output size mismatch. Expected {len(indices)}, got {len(samples)}"
        )
    return list(samples)


class ConcatDataset(Dataset[_T_co]):
    """Data sets one after the other.

    Args:
        datasets: at least one, none of them iterable-style.

    Raises:
        AssertionError: no data set, or an iterable-style one.

    Example:
        >>> from tallow.utils.data import ConcatDataset
        >>> ConcatDataset([[1, 2], [3]])[2]
        3
    """

    datasets: list[Any]
    cumulative_sizes: list[int]

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise AssertionError("datasets should not be an empty iterable")
        if any(isinstance(dataset, IterableDataset) for dataset in self.datasets):
            raise AssertionError("ConcatDataset does not support IterableDataset")
        self.cumulative_sizes = list(itertools.accumulate(map(len, self.datasets)))

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: int) -> _T_co:
        if index < 0:
            if -index > len(self):
                raise ValueError("absolute value of index should not exceed dataset length")
            index += len(self)
        number = bisect_right(self.cumulative_sizes, index)
        before = self.cumulative_sizes[number - 1] if number else 0
        sample: _T_co = self.datasets[number][index - before]
        return sample


class ChainDataset(IterableDataset[Any]):
    """Streams one after the other.

    Args:
        datasets: iterable-style data sets.
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for dataset in self._checked():
            yield from dataset

    def __len__(self) -> int:
        return sum(len(dataset) for dataset in self._checked())

    def _checked(self) -> Iterator[Any]:
        for dataset in self.datasets:
            if not isinstance(dataset, IterableDataset):
                raise AssertionError("ChainDataset only supports IterableDataset")
            yield dataset


class Subset(Dataset[_T_co]):
    """Some samples of another data set.

    Args:
        dataset: where the samples are.
        indices: their keys in ``dataset``, in order.

    Example:
        >>> from tallow.utils.data import Subset
        >>> Subset("abcd", [3, 0])[0]
        'd'
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[int]) -> list[Any]:
        chosen = [self.indices[i] for i in indices]
        fetch = getattr(self.dataset, "__getitems__", None)
        if callable(fetch):
            return list(fetch(chosen))
        return [self.dataset[i] for i in chosen]

    def __len__(self) -> int:
        return len(self.indices)


def random_split(
    dataset: Any, lengths: Sequence[int | float], generator: Any = None
) -> list[Subset[Any]]:
    """Split a data set at random into parts that do not overlap.

    Args:
        dataset: has a length.
        lengths: lengths that add up to it, or fractions that add up to 1. What rounding leaves
            over is handed out to the parts in turn.
        generator: where the random numbers come from; the default generator if missing.

    Returns:
        One Subset per length.

    Raises:
        ValueError: the lengths do not add up, or a fraction is not in [0, 1].

    Example:
        >>> import tallow
        >>> from tallow.utils.data import random_split
        >>> generator = tallow.Generator().manual_seed(0)
        >>> [list(part.indices) for part in random_split(range(5), [2, 3], generator)]
        [[4, 0], [1, 3, 2]]
    """
    total = len(dataset)
    counts: list[Any] = list(lengths)
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        counts = _counts_of_fractions(lengths, total)
    if sum(counts) != total:
        raise ValueError("Sum of input lengths does not equal the length of the input dataset!")
    generator = generator or tallow.default_generator
    order = tallow.randperm(total, generator=generator, device=generator.device).tolist()
    parts: list[Subset[Any]] = []
    for end, count in zip(itertools.accumulate(counts), counts, strict=True):
        parts.append(Subset(dataset, order[end - count : end]))
    return parts


def _counts_of_fractions(fractions: Sequence[float], total: int) -> list[int]:
    for number, fraction in enumerate(fractions):
        if not 0 <= fraction <= 1:
            raise ValueError(f"Fraction at index {number} is not between 0 and 1")
    counts = [math.floor(total * fraction) for fraction in fractions]
    for left in range(total - sum(counts)):
        counts[left % len(counts)] += 1
    for number, count in enumerate(counts):
        if count == 0:
            warnings.warn(
                f"Length of split at index {number} is 0. This might result in an empty dataset.",
                stacklevel=3,
            )
    return counts
