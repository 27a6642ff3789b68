"""The data loader: batches from a data set, in this process or from worker processes."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import warnings
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import tallow

from ._utils.collate import default_collate, default_convert
from ._utils.fetch import make_fetch
from ._utils.pinning import pinned
from ._utils.transport import receive
from ._utils.worker import Failure, Task, get_worker_info, run_worker
from .dataset import IterableDataset
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, draw_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_collate_fn_t = Any  # a function from a list of samples to a batch, in annotations

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

_T_co = TypeVar("_T_co", covariant=True)

# What decides the order of the batches is fixed once the samplers are made.
_FIXED = frozenset(
    ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")
)


class _InfiniteConstantSampler(Sampler[None]):
    """Stands in for the keys of a stream: None, without end."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


class DataLoader(Generic[_T_co]):
    """Iterate over a data set in batches.

    Each pass draws one seed from the default generator, or from ``generator``, and with
    ``shuffle`` one more, exactly as PyTorch does, so the order for a seed is the same.

    Args:
        dataset: map-style or iterable-style.
        batch_size: number of samples in a batch; None yields single samples.
        shuffle: visit the samples in a new random order at each pass.
        sampler: yields the keys instead; excludes ``shuffle``.
        batch_sampler: yields lists of keys instead; excludes all of the above and ``drop_last``.
        num_workers: number of processes that prepare batches; 0 prepares them in this one.
        collate_fn: turns a list of samples into a batch.
        pin_memory: copy batches to page-locked memory, where there is an accelerator.
        drop_last: leave out the last batch if it is smaller.
        timeout: seconds to wait for a batch of a worker; 0 waits without end.
        worker_init_fn: called in each worker with its number.
        multiprocessing_context: start method of the workers, or a context of multiprocessing.
        generator: where the random numbers come from.
        prefetch_factor: batches that each worker prepares ahead, 2 if missing.
        persistent_workers: keep the workers from pass to pass.
        pin_memory_device: accepted for compatibility.
        in_order: accepted for compatibility; batches always come in the order of the keys.

    Raises:
        ValueError: options that exclude each other or are out of range.

    Example:
        >>> import tallow
        >>> from tallow.utils.data import DataLoader, TensorDataset
        >>> data = TensorDataset(tallow.arange(5), tallow.arange(5) * 2)
        >>> for x, y in DataLoader(data, batch_size=2):
        ...     print(x.tolist(), y.tolist())
        [0, 1] [0, 2]
        [2, 3] [4, 6]
        [4] [8]
    """

    _initialized = False
    _iterator: Any = None
    _stated_length: int | None = None

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler[Any] | Iterable[Any] | None = None,
        batch_sampler: Sampler[list[Any]] | Iterable[list[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        prefetch_factor = _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        stream = isinstance(dataset, IterableDataset)
        if stream:
            _check_stream(shuffle, sampler, batch_sampler)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "batch_sampler option is mutually exclusive with batch_size, shuffle, "
                    "sampler, and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError(
                "batch_size=None option disables auto-batching and is mutually exclusive with "
                "drop_last"
            )
        if sampler is None:
            if stream:
                sampler = _InfiniteConstantSampler()
            elif shuffle:
                sampler = RandomSampler(dataset, generator=generator)
            else:
                sampler = SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            keys: Any = sampler
            batch_sampler = BatchSampler(keys, batch_size, drop_last)

        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.generator = generator
        if collate_fn is None:
            collate_fn = default_convert if batch_sampler is None else default_collate
        self.collate_fn = collate_fn
        self.persistent_workers = persistent_workers
        self._initialized = True

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in _FIXED:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized"
            )
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> Any:
        """The context that starts the workers, None for the default."""
        return self._multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        if context is not None:
            if self.num_workers == 0:
                raise ValueError(
                    "multiprocessing_context can only be used with multi-process loading "
                    f"(num_workers > 0), but got num_workers={self.num_workers}"
                )
            context = _context(context)
        self._multiprocessing_context = context

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.sampler if self.batch_sampler is None else self.batch_sampler

    def __iter__(self) -> Iterator[Any]:
        if self.num_workers == 0:
            return _SingleProcessDataLoaderIter(self)
        if not self.persistent_workers:
            return _MultiProcessingDataLoaderIter(self)
        if self._iterator is None or not self._iterator._workers:
            self._iterator = _MultiProcessingDataLoaderIter(self)
        else:
            self._iterator.restart(self)
        iterator: Iterator[Any] = self._iterator
        return iterator

    def __len__(self) -> int:
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        stream: Any = self.dataset
        length = len(stream)
        self._stated_length = length
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)


def _check_workers(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool
) -> int | None:
    if num_workers < 0:
        raise ValueError(
            "num_workers option should be non-negative; "
            "use num_workers=0 to disable multiprocessing."
        )
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError(
            "prefetch_factor option could only be specified in multiprocessing."
            "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
        )
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")
    return 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor


def _check_stream(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    for name, value in (
        ("shuffle", shuffle or None),
        ("sampler", sampler),
        ("batch_sampler", batch_sampler),
    ):
        if value is not None:
            raise ValueError(
                f"DataLoader with IterableDataset: expected unspecified {name} option, "
                f"but got {name}={value}"
            )


def _context(context: Any) -> Any:
    """Return a multiprocessing context for a start method or a context."""
    import multiprocessing
    from multiprocessing.context import BaseContext

    if isinstance(context, str):
        methods = multiprocessing.get_all_start_methods()
        if context not in methods:
            raise ValueError(
                "multiprocessing_context option should specify a valid start method in "
                f"{methods!r}, but got multiprocessing_context={context!r}"
            )
        return multiprocessing.get_context(context)
    if not isinstance(context, BaseContext):
        raise TypeError(
            "multiprocessing_context option should be a valid context object or a string "
            f"specifying the start method, but got multiprocessing_context={context}"
        )
    return context


class _BaseDataLoaderIter:
    """One pass over the keys of a loader."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._pins = loader.pin_memory and tallow.accelerator.is_available()
        if loader.pin_memory and not self._pins:
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device "
                "pinned memory won't be used.",
                stacklevel=3,
            )
        self._loader = loader
        self._begin(loader)

    def _begin(self, loader: DataLoader[Any]) -> None:
        self._sampler_iter = iter(loader._index_sampler)
        self._base_seed = draw_seed(loader.generator)
        self._stated_length = loader._stated_length
        self._num_yielded = 0

    def __iter__(self) -> Iterator[Any]:
        return self

    def __len__(self) -> int:
        return len(self._loader._index_sampler)

    def __next__(self) -> Any:
        data = pinned(self._next_data()) if self._pins else self._next_data()
        self._num_yielded += 1
        if self._stated_length is not None and self._num_yielded > self._stated_length:
            warnings.warn(
                f"Length of IterableDataset {self._loader.dataset} was reported to be "
                f"{self._stated_length} (when accessing len(dataloader)), but {self._num_yielded} "
                "samples have been fetched.",
                stacklevel=2,
            )
        return data

    def _next_data(self) -> Any:
        raise NotImplementedError


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """Prepares each batch when it is asked for."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        self._fetch = make_fetch(
            loader.dataset, loader._auto_collation, loader.collate_fn, loader.drop_last
        )

    def _next_data(self) -> Any:
        return self._fetch(next(self._sampler_iter))


class _Worker:
    """A worker process, the two ends of its pipes, and how many answers it owes."""

    def __init__(self, context: Any, task: Task) -> None:
        their_requests, self.requests = context.Pipe(duplex=False)
        self.results, their_results = context.Pipe()  # two-way pipes carry descriptors
        ours = (self.requests, self.results)
        self.process = context.Process(
            target=run_worker, args=(their_requests, their_results, ours, task), daemon=True
        )
        self.process.start()
        # Each side may hold its own ends only: then the death of the other closes the pipes.
        their_requests.close()
        their_results.close()
        self.owed = 0

    def ask(self, *request: Any) -> None:
        try:
            self.requests.send(request)
        except OSError:
            self._report_death()
        self.owed += len(request)

    def answer(self, timeout: float) -> Any:
        if timeout > 0 and not self.results.poll(timeout):
            raise RuntimeError(f"DataLoader timed out after {timeout} seconds")
        try:
            result = receive(self.results)
        except (EOFError, OSError):
            self._report_death()
        self.owed -= 1
        return result

    def _report_death(self) -> None:
        self.process.join(1)
        raise RuntimeError(
            f"DataLoader worker (pid(s) {self.process.pid}) exited unexpectedly "
            f"with exit code {self.process.exitcode}"
        ) from None

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.requests.send(None)
        self.requests.close()
        self.results.close()

    def join(self) -> None:
        self.process.join(5)
        if self.process.is_alive():
            self.process.terminate()
            self.process.join()


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Hands keys to worker processes in turn and takes their batches in the same order."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._workers: list[_Worker] = []
        self._pid = os.getpid()
        super().__init__(loader)
        self._timeout = loader.timeout
        self._warn_about_number(loader.num_workers)
        context = loader.multiprocessing_context
        # This also prepares new processes for tensors, and for alias mode.
        from tallow import multiprocessing

        if context is None:
            context = multiprocessing.get_context()
        make = functools.partial(
            make_fetch, loader.dataset, loader._auto_collation, loader.collate_fn, loader.drop_last
        )
        for number in range(loader.num_workers):
            task = Task(
                make,
                loader.worker_init_fn,
                self._base_seed,
                number,
                loader.num_workers,
                loader.dataset,
            )
            self._workers.append(_Worker(context, task))
        self._fill()

    def _warn_about_number(self, num_workers: int) -> None:
        available = len(os.sched_getaffinity(0))
        if num_workers > available:
            warnings.warn(
                f"This DataLoader will create {num_workers} worker processes in total. Our "
                f"suggested max number of worker in current system is {available}, which is "
                "smaller than what this DataLoader is going to create.",
                stacklevel=4,
            )

    def restart(self, loader: DataLoader[Any]) -> None:
        """Begin a new pass with the same workers."""
        for worker in self._workers:
            while worker.owed:
                worker.answer(self._timeout)
            worker.ask()
        self._begin(loader)
        self._fill()

    def _fill(self) -> None:
        self._turn = 0
        self._ended: set[int] = set()
        ahead = self._loader.prefetch_factor or 1
        for _ in range(ahead):
            for worker in self._workers:
                self._ask(worker)

    def _ask(self, worker: _Worker) -> None:
        keys = next(self._sampler_iter, _END)
        if keys is not _END:
            worker.ask(keys)

    def _next_data(self) -> Any:
        while any(worker.owed for worker in self._workers):
            number = self._turn
            worker = self._workers[number]
            self._turn = (number + 1) % len(self._workers)
            if not worker.owed:
                continue
            result = worker.answer(self._timeout)
            if isinstance(result, Failure):
                self._shutdown()
                result.raise_again()
            if result is None:
                self._ended.add(number)
            if number in self._ended:
                continue
            self._ask(worker)
            return result[0]
        if not self._loader.persistent_workers:
            self._shutdown()
        raise StopIteration

    def _shutdown(self) -> None:
        workers, self._workers = self._workers, []
        if os.getpid() != self._pid:
            return  # a copy that a fork has made; the workers belong to the parent
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()

    def __del__(self) -> None:
        self._shutdown()


_END = object()
