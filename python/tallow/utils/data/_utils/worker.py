"""What runs in a worker process of the data loader."""

from __future__ import annotations

import random
import signal
import sys
import threading
import traceback
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import tallow

from .transport import send

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection

__all__ = ["Failure", "Task", "WorkerInfo", "get_worker_info", "run_worker"]


class WorkerInfo:
    """What a worker knows about itself.

    Attributes:
        id: number of the worker, from 0 on.
        num_workers: how many there are.
        seed: what the generators of this worker were seeded with.
        dataset: this worker's copy of the data set.
    """

    def __init__(self, id: int, num_workers: int, seed: int, dataset: Any) -> None:
        self.id = id
        self.num_workers = num_workers
        self.seed = seed
        self.dataset = dataset

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value}" for name, value in self.__dict__.items())
        return f"WorkerInfo({fields})"


_worker_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """Return what the present worker process knows about itself, None in the main process."""
    return _worker_info


class Failure:
    """An exception on its way from a worker to the main process."""

    def __init__(self, error: BaseException, place: str) -> None:
        self.kind = type(error)
        trace = "".join(traceback.format_exception(error))
        self.text = f"Caught {self.kind.__name__} {place}.\nOriginal {trace}"

    def raise_again(self) -> None:
        """Raise the exception; one whose constructor wants more than a text as RuntimeError."""
        if self.kind is KeyError:
            # The message of a KeyError is printed in quotes, with its line breaks escaped.
            raise KeyError(_Verbatim(self.text))
        try:
            error = self.kind(self.text)
        except Exception:
            raise RuntimeError(self.text) from None
        raise error


class _Verbatim(str):
    """Text that prints as itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _seed_everything(base_seed: int, worker_id: int) -> None:
    seed = base_seed + worker_id
    random.seed(seed)
    tallow.manual_seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        words = [worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]
        numpy.random.seed(numpy.random.SeedSequence(words).generate_state(4))


class Task:
    """What a worker has to do; it travels to the worker process once.

    Attributes:
        make: returns a fresh function from keys to a batch.
        init_fn: called with the number of the worker before anything else.
        base_seed: seed of worker 0.
        worker_id: number of the worker.
        num_workers: how many there are.
        dataset: shown in the worker's :class:`WorkerInfo`.
    """

    def __init__(
        self,
        make: Callable[[], Any],
        init_fn: Callable[[int], Any] | None,
        base_seed: int,
        worker_id: int,
        num_workers: int,
        dataset: Any,
    ) -> None:
        self.make = make
        self.init_fn = init_fn
        self.base_seed = base_seed
        self.worker_id = worker_id
        self.num_workers = num_workers
        self.dataset = dataset


def _receive(requests: Connection, inbox: SimpleQueue[Any]) -> None:
    """Move requests to a queue without bound, so that the main process never waits in ``send``."""
    try:
        while (request := requests.recv()) is not None:
            inbox.put(request)
    except (EOFError, OSError):
        pass
    inbox.put(None)


def run_worker(
    requests: Connection, results: Connection, not_ours: tuple[Connection, ...], task: Task
) -> None:
    """Answer each request ``(keys,)`` with ``(batch,)`` until None arrives.

    An answer of None says that the stream has ended; a :class:`Failure` takes the place of a batch
    that could not be made. The request ``()`` starts the data set again. When the main process is
    gone, so is this one.
    """
    global _worker_info
    for connection in not_ours:
        connection.close()
    # Ctrl-C reaches every process of a terminal; the main one decides what becomes of the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # One thread per worker: the processes are what runs in parallel.
    tallow.set_num_threads(1)
    _seed_everything(task.base_seed, task.worker_id)
    _worker_info = WorkerInfo(
        task.worker_id, task.num_workers, task.base_seed + task.worker_id, task.dataset
    )
    place = f"in DataLoader worker process {task.worker_id}"
    inbox: SimpleQueue[Any] = SimpleQueue()
    threading.Thread(target=_receive, args=(requests, inbox), daemon=True).start()
    fetch: Any = None
    broken: Failure | None = None
    try:
        if task.init_fn is not None:
            task.init_fn(task.worker_id)
        fetch = task.make()
    except Exception as error:
        broken = Failure(error, place)
    try:
        while (request := inbox.get()) is not None:
            try:
                if broken is not None:
                    send(results, broken)
                elif request:
                    send(results, (fetch(*request),))
                else:
                    fetch = task.make()
            except StopIteration:
                send(results, None)
            except OSError:
                raise
            except Exception as error:
                send(results, Failure(error, place))
    except OSError:
        pass
