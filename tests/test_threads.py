"""Results do not depend on threads, and threads and processes do not disturb each other."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tallow
import training

GOLDENS = json.loads((Path(__file__).parent / "goldens" / "training_losses.json").read_text())
# As stated in the README: PyTorch itself differs by 2e-7 between one and two threads.
TOLERANCE = 1e-4


def run_script(code: str, timeout: float = 60, **environment: str) -> str:
    """Run a program in a fresh process and return what it prints."""
    import os

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def fingerprint(losses: list[float], model: Any) -> str:
    """Hash of the losses and of every trained weight."""
    sha = hashlib.sha256(np.array(losses).tobytes())
    for parameter in model.parameters():
        sha.update(parameter.detach().numpy().tobytes())
    return sha.hexdigest()


@pytest.mark.parametrize("name", training.MODELS)
def test_losses_equal_pytorch(name: str) -> None:
    losses, _ = training.train(tallow, name)
    worst = np.abs(np.array(losses) - np.array(GOLDENS["losses"][name])).max()
    assert worst < TOLERANCE


@pytest.mark.parametrize("name", training.MODELS)
def test_training_has_the_same_bits_for_any_thread_count(name: str) -> None:
    prints = {}
    for threads in (1, 2, 3, 8):
        tallow.set_num_threads(threads)
        prints[threads] = fingerprint(*training.train(tallow, name, steps=40))
    assert len(set(prints.values())) == 1, prints


def test_two_python_threads_train_as_if_alone() -> None:
    def work(seed: int, out: dict[int, bytes]) -> None:
        generator = tallow.Generator().manual_seed(seed)
        weight = tallow.randn(64, 64, generator=generator).requires_grad_()
        x = tallow.randn(512, 64, generator=generator)
        for _ in range(10):
            weight.grad = None
            tallow.tanh(x @ weight).sum().backward()
            with tallow.no_grad():
                weight -= 1e-3 * weight.grad
        out[seed] = weight.detach().numpy().tobytes()

    alone: dict[int, bytes] = {}
    for seed in (1, 2, 3):
        work(seed, alone)
    together: dict[int, bytes] = {}
    threads = [threading.Thread(target=work, args=(seed, together)) for seed in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def test_other_python_threads_run_during_a_long_kernel() -> None:
    a = tallow.rand(1200, 1200)
    ticks, done = 0, threading.Event()

    def kernel() -> None:
        for _ in range(3):
            a @ a
        done.set()

    thread = threading.Thread(target=kernel)
    thread.start()
    while not done.wait(0.0005):
        ticks += 1
    thread.join()
    assert ticks > 3


def test_fork_after_use_leaves_both_processes_usable() -> None:
    out = run_script("""
        import os, signal, warnings
        warnings.simplefilter("ignore")
        import tallow
        tallow.set_num_threads(2)
        x = tallow.rand(512, 512)
        wanted = (x @ x).sum().item()
        for _ in range(5):
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                y = (x @ x).sum().item()
                g = tallow.rand(300, 300, requires_grad=True)
                (g @ g).sum().backward()
                os._exit(0 if y == wanted else 1)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert (x @ x).sum().item() == wanted
        print("fine")
    """)
    assert out == "fine"


def test_exit_while_a_thread_computes_is_clean() -> None:
    out = run_script("""
        import threading, tallow
        x = tallow.rand(400, 400, requires_grad=True)
        def work():
            while True:
                (x @ x).sum().backward()
        threading.Thread(target=work, daemon=True).start()
        for _ in range(20):
            x.detach() @ x.detach()
        print("done")
    """)
    assert out == "done"


def test_thread_count_follows_the_affinity_mask() -> None:
    code = """
        import os
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        import tallow
        print(tallow.get_num_threads())
    """
    assert run_script(code) == "1"


def test_thread_count_follows_omp_num_threads() -> None:
    assert run_script("import tallow; print(tallow.get_num_threads())", OMP_NUM_THREADS="1") == "1"


@pytest.mark.parametrize("count", [0, -1])
def test_a_thread_count_below_one_is_refused(count: int) -> None:
    with pytest.raises(RuntimeError, match="set_num_threads expects a positive integer"):
        tallow.set_num_threads(count)


def test_an_error_inside_the_pool_reaches_the_caller() -> None:
    tallow.set_num_threads(4)
    table = tallow.rand(1000, 64)
    index = tallow.arange(1000).repeat(50)
    index[40_007] = 1000
    with pytest.raises(IndexError):
        tallow.nn.functional.embedding(index, table)
    index[40_007] = 999
    assert tallow.nn.functional.embedding(index, table).shape == (50_000, 64)
