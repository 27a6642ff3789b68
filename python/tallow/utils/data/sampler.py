"""Samplers: in which order the keys of a data set are visited."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import tallow
from tallow._tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence, Sized


__all__ = [
    "BatchSampler",
    "RandomSampler",
    "Sampler",
    "SequentialSampler",
    "SubsetRandomSampler",
    "WeightedRandomSampler",
]

_T_co = TypeVar("_T_co", covariant=True)


def _home(generator: Any) -> Any:
    """Where a generator draws, whatever the default device is."""
    return "cpu" if generator is None else generator.device


def draw_seed(generator: Any = None) -> int:
    """Draw a seed: 63 bits of the given generator, or of the default one."""
    return int(
        tallow.empty((), dtype=tallow.int64, device=_home(generator))
        .random_(generator=generator)
        .item()
    )


def _check_count(num_samples: Any) -> None:
    if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
        raise ValueError(
            f"num_samples should be a positive integer value, but got num_samples={num_samples}"
        )


class Sampler(Generic[_T_co]):
    """Something that yields keys of a data set; subclasses write ``__iter__``."""

    def __iter__(self) -> Iterator[_T_co]:
        raise NotImplementedError


class SequentialSampler(Sampler[int]):
    """Visit all keys in order.

    Args:
        data_source: has a length.
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """Visit keys at random.

    Without a generator of its own, each pass draws one seed from the default generator, which
    then moves on independently of the length of the data.

    Args:
        data_source: has a length.
        replacement: draw each key independently, so that keys may repeat.
        num_samples: number of keys in one pass; the length of the data if missing.
        generator: where the random numbers come from.

    Raises:
        TypeError: ``replacement`` is not a bool.
        ValueError: the number of samples is not a positive int.

    Example:
        >>> import tallow
        >>> from tallow.utils.data import RandomSampler
        >>> list(RandomSampler(range(5), generator=tallow.Generator().manual_seed(0)))
        [4, 0, 1, 3, 2]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Any = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise TypeError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        _check_count(self.num_samples)

    @property
    def num_samples(self) -> int:
        """Number of keys in one pass."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        generator = self.generator
        if generator is None:
            generator = tallow.Generator().manual_seed(draw_seed())
        size, count = len(self.data_source), self.num_samples
        if self.replacement:
            # Blocks of 32, as PyTorch draws them: the block size does not change the keys, but
            # it decides how far an abandoned pass has moved the generator.
            for start in range(0, count, 32):
                shape = (min(32, count - start),)
                yield from tallow.randint(
                    size, shape, dtype=tallow.int64, generator=generator, device=generator.device
                ).tolist()
        else:
            for _ in range(count // size):
                yield from tallow.randperm(
                    size, generator=generator, device=generator.device
                ).tolist()
            # Drawn even when nothing is left over, so that the generator moves as PyTorch's does.
            rest = tallow.randperm(size, generator=generator, device=generator.device).tolist()
            yield from rest[: count % size]

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Visit the given keys at random, each once.

    Args:
        indices: the keys.
        generator: where the random numbers come from; the default generator if missing.
    """

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        for i in tallow.randperm(
            len(self.indices), generator=self.generator, device=_home(self.generator)
        ).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Draw keys with the given probabilities.

    Args:
        weights: one per key, >= 0; they need not add up to 1.
        num_samples: number of keys in one pass.
        replacement: draw each key independently, so that keys may repeat.
        generator: where the random numbers come from; the default generator if missing.

    Raises:
        ValueError: weights that are not one-dimensional, or another argument out of range.
    """

    weights: Tensor

    def __init__(
        self,
        weights: Sequence[float],
        num_samples: int,
        replacement: bool = True,
        generator: Any = None,
    ) -> None:
        _check_count(num_samples)
        if not isinstance(replacement, bool):
            raise ValueError(
                f"replacement should be a boolean value, but got replacement={replacement}"
            )
        values = tallow.as_tensor(weights, dtype=tallow.double, device=_home(generator))
        if values.dim() != 1:
            raise ValueError(
                "weights should be a 1d sequence but given weights have shape "
                f"{tuple(values.shape)}"
            )
        self.weights = values
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        drawn = tallow.multinomial(
            self.weights, self.num_samples, self.replacement, generator=self.generator
        )
        return iter(drawn.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler["list[int]"]):
    """Group the keys of another sampler into lists.

    Args:
        sampler: yields keys.
        batch_size: number of keys in a list.
        drop_last: leave out the last list if it is shorter.

    Raises:
        ValueError: an argument of the wrong kind.

    Example:
        >>> from tallow.utils.data import BatchSampler
        >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ValueError(
                f"batch_size should be a positive integer value, but got batch_size={batch_size}"
            )
        if not isinstance(drop_last, bool):
            raise ValueError(f"drop_last should be a boolean value, but got drop_last={drop_last}")
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[int]]:
        keys = iter(self.sampler)
        while batch := list(itertools.islice(keys, self.batch_size)):
            if len(batch) < self.batch_size and self.drop_last:
                return
            yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
