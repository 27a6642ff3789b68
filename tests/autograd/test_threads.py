"""Autograd in several threads: passes side by side, and what belongs to one thread alone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

import tallow
from tallow import Tensor
from tallow.autograd import Function
from tallow.autograd.graph import saved_tensors_hooks


def in_threads(work: Callable[[int], Any], count: int = 4) -> list[Any]:
    """Run work(0), work(1), ... at the same time; return results and exceptions."""
    results: list[Any] = [None] * count
    start = threading.Barrier(count)

    def run(i: int) -> None:
        start.wait()
        try:
            results[i] = work(i)
        except Exception as error:
            results[i] = error

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def leaf(size: int = 3) -> Tensor:
    return tallow.ones(size, requires_grad=True)


# ---- Passes side by side.


def test_every_thread_may_differentiate_its_own_graph() -> None:
    def work(i: int) -> list[float]:
        x = leaf()
        for _ in range(20):
            y = x
            for _ in range(20):
                y = y * 1
            (y * i).sum().backward()
        assert x.grad is not None
        values: list[float] = x.grad.tolist()
        return values

    assert in_threads(work) == [[20.0 * i] * 3 for i in range(4)]


def test_threads_add_up_in_a_leaf_they_share() -> None:
    x = leaf(1000)

    def work(i: int) -> None:
        for _ in range(50):
            (x * 2).sum().backward()

    assert in_threads(work) == [None] * 4
    assert x.grad is not None
    assert (x.grad == 400).all()


def test_threads_may_differentiate_one_graph_that_is_retained() -> None:
    x = leaf()
    y = (x * x).sum()
    results = in_threads(lambda i: tallow.autograd.grad(y, [x], retain_graph=True)[0].tolist())
    assert results == [[2, 2, 2]] * 4


def test_a_graph_may_be_differentiated_in_another_thread_than_it_was_made_in() -> None:
    x = leaf()
    y = (x * x).sum()
    assert in_threads(lambda i: y.backward(), 1) == [None]
    assert x.grad is not None
    assert x.grad.tolist() == [2, 2, 2]


def test_graphs_of_several_threads_may_meet() -> None:
    x = leaf()
    parts = in_threads(lambda i: x * i)
    tallow.stack(parts).sum().backward()
    assert x.grad is not None
    assert x.grad.tolist() == [6, 6, 6]


def test_an_error_in_one_thread_is_that_threads_own() -> None:
    class Fails(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor, fails: bool) -> Tensor:
            ctx.fails = fails
            return x.clone()

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
            if ctx.fails:
                raise ValueError("on purpose")
            return g, None

    def work(i: int) -> list[float]:
        x = leaf()
        Fails.apply(x, i == 1).sum().backward()
        assert x.grad is not None
        values: list[float] = x.grad.tolist()
        return values

    results = in_threads(work)
    assert str(results.pop(1)) == "on purpose"
    assert results == [[1, 1, 1]] * 3


def test_backward_and_hooks_run_in_the_thread_that_asked() -> None:
    seen: list[int] = []

    class Notes(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.clone()

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Tensor:
            seen.append(threading.get_ident())
            return g

    x = leaf()
    x.register_hook(lambda g: seen.append(threading.get_ident()))
    y = Notes.apply(x).sum()

    def work(i: int) -> int:
        y.backward()
        return threading.get_ident()

    (asked,) = in_threads(work, 1)
    assert seen == [asked, asked]


# ---- What belongs to one thread.


def test_a_new_thread_records_whatever_the_one_that_started_it_does() -> None:
    with tallow.no_grad():
        assert in_threads(lambda i: tallow.is_grad_enabled()) == [True] * 4
    with tallow.inference_mode():
        assert in_threads(lambda i: tallow.is_inference_mode_enabled()) == [False] * 4


def test_grad_mode_is_each_threads_own() -> None:
    x = leaf()
    inside = threading.Barrier(2)

    def work(i: int) -> bool:
        with tallow.set_grad_enabled(i == 0):
            inside.wait()
            recorded = (x * 2).requires_grad
            inside.wait()
        return recorded

    assert in_threads(work, 2) == [True, False]
    assert tallow.is_grad_enabled()


def test_a_pass_under_no_grad_in_another_thread_computes_the_same() -> None:
    x = leaf()
    y = (x * x).sum()

    def work(i: int) -> list[float]:
        with tallow.no_grad():
            values: list[float] = tallow.autograd.grad(y, [x])[0].tolist()
            return values

    assert in_threads(work, 1) == [[2, 2, 2]]


def test_hooks_of_saved_tensors_are_each_threads_own() -> None:
    x = leaf()
    packed: list[Tensor] = []

    def pack(value: Tensor) -> Tensor:
        packed.append(value)
        return value

    with saved_tensors_hooks(pack, lambda value: value):
        in_threads(lambda i: x * x)
    assert packed == []


def test_anomaly_mode_holds_for_all_threads() -> None:
    with tallow.autograd.set_detect_anomaly(True):
        assert in_threads(lambda i: tallow.is_anomaly_enabled()) == [True] * 4


@pytest.mark.parametrize("threads", [1, 4])
def test_create_graph_belongs_to_the_pass(threads: int) -> None:
    def work(i: int) -> bool:
        x = leaf()
        (g,) = tallow.autograd.grad((x * x).sum(), [x], create_graph=i % 2 == 0)
        return g.requires_grad

    assert in_threads(work, threads) == [i % 2 == 0 for i in range(threads)]
