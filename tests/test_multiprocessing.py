"""Tensors between processes, functions in several processes, and workers that end well."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time

import pytest

import tallow
from tallow import multiprocessing as mp
from tallow.utils.data import DataLoader, Dataset, TensorDataset, get_worker_info
from tallow.utils.data._utils import transport

METHODS = ["fork", "spawn", "forkserver"]


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def double(number, inbox, outbox):
    tensor = inbox.get()
    tensor.mul_(2)
    outbox.put("done")
    inbox.get()  # stay until the other side has what it needs


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_both_sides_of_a_queue_see_changes(method):
    context = mp.get_context(method)
    inbox, outbox = context.Queue(), context.Queue()
    process = context.Process(target=double, args=(0, inbox, outbox))
    process.start()
    tensor = tallow.arange(6.0).view(2, 3).t()
    inbox.put(tensor)
    assert outbox.get(timeout=60) == "done"
    assert tensor.tolist() == [[0, 6], [2, 8], [4, 10]]
    assert tensor.is_shared()
    inbox.put(None)
    process.join()
    assert process.exitcode == 0


def send_back(outbox, done):
    parameter = tallow.nn.Parameter(tallow.ones(2))
    outbox.put([parameter, tallow.zeros(0, 3), tallow.ones(3, dtype=tallow.bool)[1:]])
    done.get()


def test_parameters_empty_tensors_and_views():
    context = mp.get_context("fork")
    outbox, done = context.Queue(), context.Queue()
    process = context.Process(target=send_back, args=(outbox, done))
    process.start()
    parameter, empty, view = outbox.get(timeout=60)
    assert type(parameter) is tallow.nn.Parameter
    assert parameter.requires_grad
    assert parameter.tolist() == [1, 1]
    assert empty.shape == (0, 3)
    assert view.tolist() == [True, True]
    done.put(None)
    process.join()


def test_results_with_a_history_are_refused():
    from multiprocessing.reduction import ForkingPickler

    result = tallow.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="^Cowardly refusing to serialize non-leaf tensor"):
        ForkingPickler.dumps(result)


def test_a_shared_tensor_gives_its_descriptor_back():
    before = descriptors()
    tensor = tallow.ones(1000).share_memory_()
    assert descriptors() > before
    del tensor
    assert descriptors() == before


def test_too_much_shared_memory_is_an_error():
    from tallow import _shared_memory

    with pytest.raises(RuntimeError, match=r"^unable to allocate \d+ bytes of shared memory"):
        _shared_memory.create(1 << 60)


def test_sharing_strategies():
    mp.set_sharing_strategy("file_system")
    assert mp.get_sharing_strategy() in mp.get_all_sharing_strategies()
    with pytest.raises(AssertionError, match="invalid sharing strategy"):
        mp.set_sharing_strategy("magic")


# ---- one function in several processes


def add_number(number, tensor):
    tensor[number] += number + 1


def raise_in_second(number):
    if number == 1:
        raise KeyError("second")
    time.sleep(30)


def kill_itself(number):
    os.kill(os.getpid(), signal.SIGKILL)


def exit_with_three(number):
    sys.exit(3)


def test_spawned_processes_share_the_arguments():
    tensor = tallow.zeros(2)
    mp.spawn(add_number, (tensor,), nprocs=2)
    assert tensor.tolist() == [1, 2]


def test_the_first_error_ends_all_processes():
    start = time.monotonic()
    with pytest.raises(mp.ProcessRaisedException, match="(?s)-- Process 1 terminated.*KeyError"):
        mp.start_processes(raise_in_second, nprocs=2, start_method="fork")
    assert time.monotonic() - start < 25


def test_killed_and_exited_processes_are_reported():
    with pytest.raises(mp.ProcessExitedException, match="process 0 terminated with signal SIGKILL"):
        mp.start_processes(kill_itself, start_method="fork")
    context = mp.start_processes(exit_with_three, start_method="fork", join=False)
    with pytest.raises(mp.ProcessExitedException, match="terminated with exit code 3") as caught:
        while not context.join():
            pass
    assert caught.value.exit_code == 3
    assert caught.value.pid == context.pids()[0]


# ---- workers of the data loader


class Rows(Dataset):
    """Samples that say which worker made them, of 64 kB each."""

    def __init__(self) -> None:
        self.base = tallow.arange(16_384.0)

    def __len__(self) -> int:
        return 6

    def __getitem__(self, index):
        assert get_worker_info() is not None
        return {"row": self.base + index, "index": index, "view": self.base[:2]}


@pytest.mark.parametrize("method", METHODS)
def test_large_batches_arrive_whole_and_leave_nothing_open(method):
    def once() -> None:
        loader = DataLoader(Rows(), 2, num_workers=2, multiprocessing_context=method)
        for number, batch in enumerate(loader):
            assert batch["index"].tolist() == [2 * number, 2 * number + 1]
            assert batch["row"].shape == (2, 16_384)
            assert batch["row"][1, 5].item() == 5 + 2 * number + 1
            batch["row"].add_(1)  # memory of our own
            assert batch["view"].tolist() == [[0, 1], [0, 1]]

    once()  # a forkserver and a resource sharer may stay
    before = descriptors()
    once()
    assert descriptors() == before


def test_a_view_travels_without_the_rest_of_its_storage():
    ours, theirs = mp.get_context("fork").Pipe()
    whole = tallow.arange(1_000_000)
    transport.send(theirs, whole[10:12])
    got = transport.receive(ours)
    assert got.tolist() == [10, 11]
    assert got.untyped_storage().nbytes() == 16


def test_tensors_that_share_keep_sharing():
    ours, theirs = mp.get_context("fork").Pipe()
    tensor = tallow.zeros(20_000)
    transport.send(theirs, [tensor, tensor, tensor.view(100, 200)])
    first, second, third = transport.receive(ours)
    first.add_(1)
    assert second.sum().item() == third.sum().item() == 20_000


class Products(Dataset):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, index):
        tallow.set_num_threads(2)
        left = tallow.ones(300, 300)
        return (left @ left).sum()


def test_the_thread_pool_works_after_a_fork():
    before = tallow.get_num_threads()
    tallow.set_num_threads(2)
    try:
        square = tallow.ones(600, 600)
        assert (square @ square)[0, 0].item() == 600  # the pool has threads now
        values = list(DataLoader(Products(), None, num_workers=2, multiprocessing_context="fork"))
        assert [value.item() for value in values] == [300.0**3] * 4
    finally:
        tallow.set_num_threads(before)


SLOW_LOADER = """
import os, signal, sys, time, tallow
from tallow.utils.data import DataLoader, Dataset
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
class Slow(Dataset):
    def __len__(self): return 1000
    def __getitem__(self, index):
        time.sleep(0.02)
        return index
for number, batch in enumerate(DataLoader(Slow(), num_workers=2)):
    if number == 2:
        children = open(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read()
        print(children, flush=True)
"""


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_no_worker_outlives_the_main_process(how):
    program = subprocess.Popen(
        [sys.executable, "-c", SLOW_LOADER],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    children = [int(pid) for pid in program.stdout.readline().split()]
    assert len(children) == 2
    if how == signal.SIGINT:
        os.killpg(program.pid, how)  # as a terminal does
    else:
        program.send_signal(how)
    _, errors = program.communicate(timeout=60)
    if how == signal.SIGINT:
        assert errors.count("Traceback") == 1, errors
        assert "KeyboardInterrupt" in errors
    deadline = time.monotonic() + 20
    while any(map(alive, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, children))


ALIASED = """
import torch
import torch.multiprocessing as mp

def work(number, tensor):
    tensor[number] = number + 1

if __name__ == "__main__":
    tensor = torch.zeros(2)
    mp.spawn(work, (tensor,), nprocs=2)
    data = torch.utils.data.TensorDataset(torch.arange(4))
    loader = torch.utils.data.DataLoader(data, 2, num_workers=1, multiprocessing_context="spawn")
    print(tensor.tolist(), [batch.tolist() for (batch,) in loader])
"""


def test_spawned_processes_run_in_alias_mode_as_well(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(ALIASED)
    done = subprocess.run(
        [sys.executable, "-m", "tallow", str(script)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "[1.0, 2.0] [[0, 1], [2, 3]]\n", done.stderr


def test_workers_take_tensor_data_sets_by_shared_memory():
    data = TensorDataset(tallow.arange(50_000))
    loader = DataLoader(data, 10_000, num_workers=1, multiprocessing_context="spawn")
    assert [batch[0].item() for (batch,) in loader] == [0, 10_000, 20_000, 30_000, 40_000]
