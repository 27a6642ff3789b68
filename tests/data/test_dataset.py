"""Data sets and how they are combined and split."""

from __future__ import annotations

import pytest

import tallow
from tallow.utils.data import (
    ChainDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    StackDataset,
    Subset,
    TensorDataset,
    random_split,
)

PAIRS = TensorDataset(tallow.arange(10.0).view(5, 2), tallow.arange(5))


class Stream(IterableDataset):
    def __init__(self, length: int) -> None:
        self.length = length

    def __iter__(self):
        return iter(range(self.length))

    def __len__(self) -> int:
        return self.length


class Batched(Dataset):
    """Says by its values whether samples were asked for one by one."""

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index):
        return index

    def __getitems__(self, indices):
        return [100 + index for index in indices]


def test_tensor_dataset_indexes_all_tensors():
    assert [part.tolist() for part in PAIRS[1]] == [[2, 3], 1]
    assert [part.tolist() for part in PAIRS[3:]] == [[[6, 7], [8, 9]], [3, 4]]
    assert len(PAIRS) == 5
    with pytest.raises(IndexError):
        PAIRS[7]


def test_tensor_dataset_wants_equal_lengths():
    with pytest.raises(AssertionError, match="Size mismatch between tensors"):
        TensorDataset(tallow.ones(2), tallow.ones(3))


def test_a_dataset_without_getitem():
    with pytest.raises(NotImplementedError, match="Subclasses of Dataset should implement"):
        Dataset()[0]
    with pytest.raises(TypeError, match="abstract"):
        IterableDataset()


def test_plus_concatenates():
    both = PAIRS + PAIRS
    assert isinstance(both, ConcatDataset)
    assert len(both) == 10
    assert isinstance(Stream(1) + Stream(2), ChainDataset)


@pytest.mark.parametrize(("index", "value"), [(0, "a"), (1, "b"), (2, "c"), (-1, "d"), (-4, "a")])
def test_concat_finds_the_part(index, value):
    assert ConcatDataset(["ab", "", "cd"])[index] == value


def test_concat_errors():
    both = ConcatDataset(["ab", "cd"])
    with pytest.raises(ValueError, match="absolute value of index should not exceed dataset"):
        both[-5]
    with pytest.raises(IndexError):
        both[4]
    with pytest.raises(AssertionError, match="datasets should not be an empty iterable"):
        ConcatDataset([])
    with pytest.raises(AssertionError, match="ConcatDataset does not support IterableDataset"):
        ConcatDataset([Stream(1)])


def test_chain_runs_through_all_streams():
    chain = ChainDataset([Stream(2), Stream(0), Stream(1)])
    assert list(chain) == [0, 1, 0]
    assert len(chain) == 3
    with pytest.raises(AssertionError, match="ChainDataset only supports IterableDataset"):
        list(ChainDataset([PAIRS]))


def test_subset_of_a_subset():
    inner = Subset("abcdef", [5, 3, 1])
    assert [Subset(inner, [2, 0])[i] for i in range(2)] == ["b", "f"]
    assert len(inner) == 3


def test_stack_makes_tuples_or_dicts():
    assert StackDataset("ab", "cd")[1] == ("b", "d")
    assert StackDataset(x="ab", y="cd")[1] == {"x": "b", "y": "d"}
    assert len(StackDataset("ab", "cd")) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StackDataset(), "At least one dataset should be passed"),
        (lambda: StackDataset("a", x="a"), "Supported either ``tuple``-"),
        (lambda: StackDataset("a", "ab"), "Size mismatch between datasets"),
    ],
)
def test_stack_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_several_samples_in_one_call_reach_the_inner_dataset():
    assert next(iter(DataLoader(Batched(), 2))).tolist() == [100, 101]
    assert next(iter(DataLoader(Subset(Batched(), [5, 4]), 2))).tolist() == [105, 104]
    assert [x.tolist() for x in next(iter(DataLoader(StackDataset(Batched(), Batched()), 2)))] == [
        [100, 101],
        [100, 101],
    ]
    assert next(iter(DataLoader(ConcatDataset([Batched(), Batched()]), 2))).tolist() == [0, 1]


# ---- random_split


def test_random_split_is_one_permutation():
    generator = tallow.Generator().manual_seed(0)
    assert [part.indices for part in random_split(range(5), [2, 3], generator)] == [
        [4, 0],
        [1, 3, 2],
    ]


@pytest.mark.parametrize(
    ("total", "fractions", "counts"),
    [(10, [0.33, 0.33, 0.34], [4, 3, 3]), (5, [0.5, 0.5], [3, 2]), (5, [0.05, 0.95], [1, 4])],
)
def test_fractions_are_rounded_down_and_the_rest_dealt_out(total, fractions, counts):
    assert [len(part) for part in random_split(range(total), fractions)] == counts


def test_random_split_errors_and_warning():
    for lengths in ([2, 2], [0.5, 0.6], []):
        with pytest.raises(ValueError, match="Sum of input lengths does not equal the length of"):
            random_split(range(5), lengths)
    with pytest.raises(ValueError, match="Fraction at index 0 is not between 0 and 1"):
        random_split(range(5), [1.5, -0.5])
    with pytest.warns(UserWarning, match="Length of split at index 2 is 0"):
        random_split(range(3), [0.5, 0.25, 0.25])
