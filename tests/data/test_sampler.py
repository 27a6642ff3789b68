"""Samplers: order, length, and how far they move the random stream."""

from __future__ import annotations

from itertools import chain
from types import ModuleType
from typing import Any

import pytest

import tallow
from tallow.utils.data import (
    BatchSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)
from tallow.utils.data.distributed import DistributedSampler

MAKERS = {
    "random": lambda data, g: data.RandomSampler(range(10), generator=g),
    "twice": lambda data, g: data.RandomSampler(range(10), num_samples=23, generator=g),
    "exactly twice": lambda data, g: data.RandomSampler(range(10), num_samples=20, generator=g),
    "replacing": lambda data, g: data.RandomSampler(range(10), True, 70, generator=g),
    "subset": lambda data, g: data.SubsetRandomSampler([3, 5, 7, 9], generator=g),
    "weighted": lambda data, g: data.WeightedRandomSampler([1, 5.0, 2], 9, generator=g),
    "weighted once": lambda data, g: data.WeightedRandomSampler([1, 5.0, 2], 2, False, generator=g),
}


def drawn(library: ModuleType, make: Any, own_generator: bool) -> list[Any]:
    """Two passes, and what the generator yields afterwards."""
    library.manual_seed(11)
    generator = library.Generator().manual_seed(12) if own_generator else None
    sampler = make(library.utils.data, generator)
    keys = [list(sampler), list(sampler)]
    after = library.rand(1) if generator is None else library.rand(1, generator=generator)
    return [*keys, len(sampler), after.item()]


@pytest.mark.parametrize("own_generator", [False, True])
@pytest.mark.parametrize("name", MAKERS)
def test_keys_and_random_stream_are_pytorchs(torch, name, own_generator):
    import torch.utils.data

    assert drawn(tallow, MAKERS[name], own_generator) == drawn(torch, MAKERS[name], own_generator)


def test_known_order():
    tallow.manual_seed(0)
    first = list(RandomSampler(range(5)))
    tallow.manual_seed(0)
    assert list(RandomSampler(range(5))) == first
    assert sorted(first) == [0, 1, 2, 3, 4]


def test_a_pass_moves_the_default_generator_by_two_words_whatever_its_length():
    tallow.manual_seed(0)
    stream = tallow.rand(3).tolist()
    for length in (1, 7, 1000):
        tallow.manual_seed(0)
        list(RandomSampler(range(length)))
        assert tallow.rand(1).item() == stream[2]


def test_sequential():
    assert list(SequentialSampler("abc")) == [0, 1, 2]
    assert len(SequentialSampler("abc")) == 3


@pytest.mark.parametrize(("size", "drop", "count"), [(2, False, 3), (2, True, 2), (5, True, 1)])
def test_batches(size, drop, count):
    sampler = BatchSampler(SequentialSampler(range(5)), size, drop)
    batches = list(sampler)
    assert len(sampler) == len(batches) == count
    assert list(chain(*batches)) == list(range(5))[: sum(map(len, batches))]


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: RandomSampler([]), ValueError, "num_samples should be a positive integer value"),
        (lambda: RandomSampler("ab", num_samples=1.5), ValueError, "num_samples should be a posit"),
        (lambda: RandomSampler("ab", replacement=5), TypeError, "replacement should be a boolean"),
        (lambda: WeightedRandomSampler([[1.0]], 2), ValueError, "weights should be a 1d sequence"),
        (lambda: WeightedRandomSampler([1.0], 0), ValueError, "num_samples should be a positive"),
        (lambda: WeightedRandomSampler([1.0], 1, 3), ValueError, "replacement should be a boolean"),
        (lambda: BatchSampler("ab", 0, False), ValueError, "batch_size should be a positive inte"),
        (lambda: BatchSampler("ab", True, False), ValueError, "batch_size should be a positive"),
        (lambda: BatchSampler("ab", 2, 3), ValueError, "drop_last should be a boolean value"),
        (lambda: DistributedSampler("ab", 2, 2), ValueError, "Invalid rank 2, rank should be in"),
        (lambda: DistributedSampler("ab"), RuntimeError, "Requires distributed package"),
    ],
)
def test_bad_arguments(make, kind, message):
    with pytest.raises(kind) as error:
        make()
    assert str(error.value).startswith(message)


def test_the_base_class():
    with pytest.raises(NotImplementedError):
        iter(Sampler())
    assert list(SubsetRandomSampler([])) == []


@pytest.mark.parametrize("length", [0, 1, 7, 8])
@pytest.mark.parametrize("drop_last", [False, True])
def test_distributed_parts_are_pytorchs(torch, length, drop_last):
    from torch.utils.data.distributed import DistributedSampler as Expected

    if length == 0 and not drop_last:
        return
    for rank in range(3):
        ours = DistributedSampler(range(length), 3, rank, seed=5, drop_last=drop_last)
        theirs = Expected(range(length), 3, rank, seed=5, drop_last=drop_last)
        for epoch in (0, 1):
            ours.set_epoch(epoch)
            theirs.set_epoch(epoch)
            assert list(ours) == list(theirs)
            assert len(ours) == len(theirs)
