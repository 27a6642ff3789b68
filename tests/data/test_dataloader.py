"""The data loader: batches, options, the random stream, and worker processes."""

from __future__ import annotations

import gc
import os
import random
import signal
import time
from itertools import chain
from types import ModuleType
from typing import Any

import pytest

import tallow
from tallow.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Subset,
    TensorDataset,
    default_collate,
    get_worker_info,
)

COLUMN = TensorDataset(tallow.arange(17))


class Stream(IterableDataset):
    """Numbers, each worker its share of them."""

    def __iter__(self):
        info = get_worker_info()
        return iter(range(17) if info is None else range(info.id, 17, info.num_workers))


class Numbers(Dataset):
    def __len__(self) -> int:
        return 10

    def __getitem__(self, index):
        return index


def numbers_of(loader: Any) -> list[Any]:
    return [batch.tolist() if hasattr(batch, "tolist") else batch for batch in loader]


# ---- batches


def test_batches_of_tensors():
    assert [b.tolist() for (b,) in DataLoader(COLUMN, 7)] == [
        [0, 1, 2, 3, 4, 5, 6],
        [7, 8, 9, 10, 11, 12, 13],
        [14, 15, 16],
    ]
    assert len(DataLoader(COLUMN, 7)) == 3
    assert len(DataLoader(COLUMN, 7, drop_last=True)) == 2


def test_no_batches():
    samples = list(DataLoader(COLUMN, None))
    assert samples[3][0].tolist() == 3
    assert len(samples) == 17


def test_lists_dicts_and_own_collation():
    assert numbers_of(DataLoader([1, 2, 3], 2)) == [[1, 2], [3]]
    assert list(DataLoader("abc", 2)) == [["a", "b"], ["c"]]
    assert list(DataLoader("abc", 2, collate_fn="".join)) == ["ab", "c"]


def test_streams():
    assert numbers_of(DataLoader(Stream(), 7)) == [
        list(range(7)),
        list(range(7, 14)),
        [14, 15, 16],
    ]
    assert len(list(DataLoader(Stream(), 7, drop_last=True))) == 2
    assert list(DataLoader(Stream(), None)) == list(range(17))
    with pytest.raises(TypeError, match="has no len"):
        len(DataLoader(Stream()))


def test_an_own_sampler_or_batch_sampler():
    assert numbers_of(DataLoader(Numbers(), 2, sampler=[4, 3, 3])) == [[4, 3], [3]]
    assert numbers_of(DataLoader(Numbers(), batch_sampler=[[1], [2, 3]])) == [[1], [2, 3]]


@pytest.mark.parametrize("keys", [[0, 2, -1], [5], [3, 3, 3]])
def test_rows_picked_at_once_equal_rows_stacked_one_by_one(keys):
    data = TensorDataset(tallow.randn(6, 2, 3), tallow.arange(6), tallow.randn(6).half())
    fast = next(iter(DataLoader(data, batch_sampler=[keys])))
    slow = default_collate([data[key] for key in keys])
    assert type(fast) is type(slow) is list
    for a, b in zip(fast, slow, strict=True):
        assert a.dtype == b.dtype
        assert a.is_contiguous()
        assert tallow.equal(a, b)
    part = Subset(data, [5, 4, 3, 2, 1, 0])
    again = next(iter(DataLoader(part, batch_sampler=[keys])))
    assert tallow.equal(again[1], default_collate([part[key] for key in keys])[1])


def test_rows_that_need_gradients_and_subclasses_of_datasets_take_the_slow_way():
    leaf = tallow.randn(4, 2, requires_grad=True)
    (batch,) = next(iter(DataLoader(TensorDataset(leaf), 4)))
    batch.sum().backward()
    assert leaf.grad.tolist() == [[1, 1]] * 4

    class Doubled(TensorDataset):
        def __getitem__(self, index):
            return [2 * part for part in super().__getitem__(index)]

    (batch,) = next(iter(DataLoader(Doubled(tallow.arange(3)), 3)))
    assert batch.tolist() == [0, 2, 4]


def test_a_key_out_of_range():
    with pytest.raises(IndexError, match="index 7 is out of bounds for dimension 0 with size 5"):
        list(DataLoader(TensorDataset(tallow.arange(5)), batch_sampler=[[0, 7]]))


def test_every_pass_is_new_and_passes_may_overlap():
    loader = DataLoader(Numbers(), 5, shuffle=True)
    first, second = iter(loader), iter(loader)
    assert sorted(next(first).tolist() + next(first).tolist()) == list(range(10))
    assert len(list(second)) == len(second) == 2
    with pytest.raises(StopIteration):
        next(first)


# ---- the random stream


def epochs(library: ModuleType, **options: Any) -> list[Any]:
    library.manual_seed(3)
    data = library.utils.data
    column = data.TensorDataset(library.arange(17))
    if options.pop("own_generator", False):
        options["generator"] = library.Generator().manual_seed(4)
    if options.pop("replacing", False):
        options["sampler"] = data.RandomSampler(column, True, 40)
    loader = data.DataLoader(column, 5, **options)
    seen = [[b.tolist() for (b,) in loader] for _ in range(3)]
    return [seen, library.rand(1).item()]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"shuffle": True},
        {"shuffle": True, "drop_last": True},
        {"shuffle": True, "own_generator": True},
        {"replacing": True},
        {"shuffle": True, "num_workers": 2},
    ],
    ids=str,
)
def test_order_and_random_stream_are_pytorchs(torch, options):
    import torch.utils.data

    assert epochs(tallow, **options) == epochs(torch, **options)


def test_four_words_per_shuffled_pass():
    tallow.manual_seed(0)
    stream = tallow.rand(5).tolist()
    tallow.manual_seed(0)
    list(DataLoader(COLUMN, shuffle=True))
    assert tallow.rand(1).item() == stream[4]


def test_a_pass_leaves_nothing_for_the_garbage_collector():
    def run() -> None:
        for _ in DataLoader(COLUMN, 5, shuffle=True):
            pass
        next(iter(DataLoader(Numbers(), 5)))

    run()
    gc.collect()
    gc.disable()
    try:
        run()
        assert gc.collect() == 0
    finally:
        gc.enable()


# ---- options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_workers": -1}, "num_workers option should be non-negative"),
        ({"timeout": -1}, "timeout option should be non-negative"),
        ({"batch_size": 0}, "batch_size should be a positive integer value, but got batch_size=0"),
        ({"batch_size": None, "drop_last": True}, "batch_size=None option disables auto-batching"),
        ({"sampler": [1], "shuffle": True}, "sampler option is mutually exclusive with shuffle"),
        ({"batch_sampler": [[0]], "batch_size": 3}, "batch_sampler option is mutually exclusive"),
        ({"prefetch_factor": 2}, "prefetch_factor option could only be specified in multiproc"),
        ({"persistent_workers": True}, "persistent_workers option needs num_workers > 0"),
        ({"multiprocessing_context": "fork"}, "multiprocessing_context can only be used with"),
        (
            {"multiprocessing_context": "xx", "num_workers": 1},
            "multiprocessing_context option should specify a valid start method in",
        ),
        ({"drop_last": None}, "drop_last should be a boolean value, but got drop_last=None"),
    ],
)
def test_options_that_do_not_go_together(options, message):
    with pytest.raises(ValueError, match="^" + message):
        DataLoader(COLUMN, **options)


@pytest.mark.parametrize(
    "options", [{"shuffle": True}, {"sampler": [1]}, {"batch_sampler": [[1]]}], ids=str
)
def test_a_stream_has_no_keys_to_choose(options):
    with pytest.raises(ValueError, match="^DataLoader with IterableDataset: expected unspecified"):
        DataLoader(Stream(), **options)


def test_what_decides_the_order_cannot_be_changed_later():
    loader = DataLoader(COLUMN, 2)
    for name in ("batch_size", "sampler", "batch_sampler", "drop_last", "dataset"):
        with pytest.raises(ValueError, match=f"{name} attribute should not be set after DataLoad"):
            setattr(loader, name, None)
    loader.timeout = 3


def test_a_stream_longer_than_it_said():
    class Liar(Stream):
        def __len__(self) -> int:
            return 5

    loader = DataLoader(Liar())
    assert len(loader) == 5
    iterator = iter(loader)
    for _ in range(5):
        next(iterator)
    with pytest.warns(UserWarning, match="was reported to be 5 .* but 6 samples have been fetched"):
        next(iterator)


# ---- worker processes


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_give_the_same_batches_in_the_same_order(workers):
    assert numbers_of(DataLoader(Numbers(), 3, num_workers=workers)) == numbers_of(
        DataLoader(Numbers(), 3)
    )
    assert sorted(chain(*numbers_of(DataLoader(Stream(), 2, num_workers=workers)))) == list(
        range(17)
    )


class Draws(Numbers):
    def __getitem__(self, index):
        info = get_worker_info()
        return [info.id, tallow.initial_seed(), random.random(), tallow.rand(1).item()]


def test_workers_draw_pytorchs_numbers(torch):
    import torch.utils.data

    class Expected(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return 4

        def __getitem__(self, index):
            info = torch.utils.data.get_worker_info()
            return [info.id, torch.initial_seed(), random.random(), torch.rand(1).item()]

    tallow.manual_seed(5)
    ours = list(DataLoader(Subset(Draws(), range(4)), None, num_workers=2))
    torch.manual_seed(5)
    assert ours == list(torch.utils.data.DataLoader(Expected(), batch_size=None, num_workers=2))


def test_persistent_workers_stay():
    loader = DataLoader(Numbers(), 3, shuffle=True, num_workers=2, persistent_workers=True)
    iterator = iter(loader)
    processes = [worker.process.pid for worker in iterator._workers]
    next(iterator)  # given up half way
    for _ in range(2):
        iterator = iter(loader)
        assert [worker.process.pid for worker in iterator._workers] == processes
        assert sorted(chain(*numbers_of(iterator))) == list(range(10))


class Breaks(Numbers):
    def __init__(self, how: str) -> None:
        self.how = how

    def __getitem__(self, index):
        if index != 5:
            return index
        if self.how == "raise":
            raise KeyError("no such thing")
        if self.how == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.how == "unpicklable":
            return lambda: index
        time.sleep(20)
        return index


@pytest.mark.parametrize(
    ("how", "kind", "message"),
    [
        ("raise", KeyError, "Caught KeyError in DataLoader worker process .*no such thing"),
        ("die", RuntimeError, r"DataLoader worker \(pid\(s\) \d+\) exited unexpectedly"),
        ("unpicklable", AttributeError, "Can't (pickle|get) local object"),
        ("hang", RuntimeError, "DataLoader timed out after 0.2 seconds"),
    ],
)
def test_trouble_in_a_worker_reaches_the_main_process(how, kind, message):
    loader = DataLoader(Breaks(how), None, num_workers=1, timeout=0.2 if how == "hang" else 0)
    with pytest.raises(kind, match=f"(?s){message}"):
        list(loader)
    assert numbers_of(DataLoader(Numbers(), 10, num_workers=1)) == [list(range(10))]


def test_an_init_function_runs_first_and_its_errors_arrive():
    def init(number: int) -> None:
        get_worker_info().dataset.how = f"worker {number}"

    class Tells(Breaks):
        def __getitem__(self, index):
            return self.how

    loader = DataLoader(Tells("nothing"), None, num_workers=1, worker_init_fn=init)
    assert set(loader) == {"worker 0"}
    with pytest.raises(ZeroDivisionError):
        list(DataLoader(Numbers(), num_workers=1, worker_init_fn=lambda number: 1 // number))


def test_large_lists_of_keys_do_not_block():
    data = TensorDataset(tallow.arange(200_000))
    total = sum(b.sum().item() for (b,) in DataLoader(data, 50_000, shuffle=True, num_workers=2))
    assert total == 199_999 * 100_000


def test_a_loader_given_up_ends_its_workers():
    iterator = iter(DataLoader(Numbers(), num_workers=2))
    next(iterator)
    processes = [worker.process for worker in iterator._workers]
    del iterator
    assert all(not process.is_alive() for process in processes)


# Python 3.12 and later warn of fork() in a process that has threads.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_too_many_workers_are_a_warning():
    available = len(os.sched_getaffinity(0))
    with pytest.warns(UserWarning, match="This DataLoader will create"):
        list(DataLoader(Numbers(), num_workers=available + 1))


def test_random_sampler_is_what_shuffle_uses():
    assert isinstance(DataLoader(COLUMN, shuffle=True).sampler, RandomSampler)
