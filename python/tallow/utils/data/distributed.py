"""The sampler for training by several processes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import tallow

from .sampler import Sampler

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DistributedSampler"]


class DistributedSampler(Sampler[int]):
    """Visit the keys that fall to one of several processes.

    Every process gets the same number of keys: the last ones are left out with ``drop_last``,
    otherwise the first ones are repeated. Call ``set_epoch`` before each pass, or every pass has
    the same order.

    Args:
        dataset: has a length.
        num_replicas: number of processes.
        rank: number of this process, from 0 on.
        shuffle: visit the keys in random order.
        seed: the same in all processes.
        drop_last: leave keys out rather than repeat some.

    Raises:
        ValueError: ``rank`` out of range.
        RuntimeError: ``num_replicas`` or ``rank`` is missing.

    Example:
        >>> from tallow.utils.data.distributed import DistributedSampler
        >>> list(DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
        [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            raise RuntimeError(
                "Requires distributed package to be available: "
                "without it give num_replicas and rank"
            )
        if rank >= num_replicas or rank < 0:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset = dataset
        self.num_replicas = num_replicas
        self.rank = rank
        self.epoch = 0
        self.drop_last = drop_last
        length = len(dataset)
        short = drop_last and length % num_replicas != 0
        self.num_samples = length // num_replicas if short else math.ceil(length / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        if self.shuffle:
            generator = tallow.Generator().manual_seed(self.seed + self.epoch)
            keys = tallow.randperm(len(self.dataset), generator=generator, device="cpu").tolist()
        else:
            keys = list(range(len(self.dataset)))
        missing = self.total_size - len(keys)
        if missing > 0:
            keys += (keys * math.ceil(missing / len(keys)))[:missing]
        return iter(keys[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of the next pass.

        Args:
            epoch: number of the pass.
        """
        self.epoch = epoch
