"""Streams, events, pinned memory, and backward on the streams of forward."""

from __future__ import annotations

import threading

import pytest

import tallow
from tallow import cuda


def test_the_default_stream_is_current() -> None:
    assert cuda.current_stream() == cuda.default_stream()
    assert cuda.current_stream().cuda_stream == 0
    assert cuda.default_stream().device == tallow.device("cuda:0")


def test_a_context_changes_the_stream_and_back() -> None:
    side = cuda.Stream()
    assert side != cuda.default_stream()
    with cuda.stream(side):
        assert cuda.current_stream() == side
        with side:
            assert cuda.current_stream() == side
    assert cuda.current_stream() == cuda.default_stream()
    with cuda.stream(None):
        assert cuda.current_stream() == cuda.default_stream()


def test_each_thread_has_its_own_stream() -> None:
    seen = []
    with cuda.stream(cuda.Stream()):
        thread = threading.Thread(target=lambda: seen.append(cuda.current_stream()))
        thread.start()
        thread.join()
    assert seen == [cuda.default_stream()]


def test_streams_are_handed_out_in_turn() -> None:
    made = {cuda.Stream().cuda_stream for _ in range(80)}
    assert len(made) == 32


def test_priorities_are_clamped() -> None:
    assert cuda.Stream(priority=-100).priority <= cuda.Stream().priority == 0


def test_events_order_streams() -> None:
    side = cuda.Stream()
    x = tallow.ones(1000, device="cuda")
    side.wait_stream(cuda.current_stream())
    with cuda.stream(side):
        y = x * 2
    event = side.record_event()
    event.wait()
    assert (y + 1).sum().item() == 3000
    event.synchronize()
    assert event.query()
    side.synchronize()
    assert side.query()


def test_a_missing_event_is_seen(emulator: object) -> None:
    """Work of another stream has not run yet when nobody waits for it."""
    side = cuda.Stream()
    x = tallow.zeros(4, device="cuda")
    cuda.synchronize()
    with cuda.stream(side):
        x.fill_(1)
    stale = x.tolist()
    side.synchronize()
    assert stale == [0, 0, 0, 0]
    assert x.tolist() == [1, 1, 1, 1]


def test_events_stay_in_their_process() -> None:
    event = cuda.Event()
    event.record()
    for request in (
        lambda: cuda.Event(interprocess=True),
        event.ipc_handle,
        lambda: cuda.Event.from_ipc_handle("cuda", b""),
    ):
        with pytest.raises(NotImplementedError, match="^Event"):
            request()


def test_events_measure_time() -> None:
    start, end = cuda.Event(enable_timing=True), cuda.Event(enable_timing=True)
    with pytest.raises(ValueError, match="^Both events must be recorded"):
        start.elapsed_time(end)
    start.record()
    tallow.ones(100, device="cuda").add_(1)
    end.record()
    end.synchronize()
    assert start.elapsed_time(end) >= 0
    with pytest.raises(ValueError, match="enable_timing=True"):
        cuda.Event().elapsed_time(end)


def test_an_event_that_was_never_recorded_is_done() -> None:
    event = cuda.Event()
    assert event.query()
    event.synchronize()
    event.wait()


def test_pinned_memory() -> None:
    x = tallow.randn(100)
    assert not x.is_pinned()
    pinned = x.pin_memory()
    assert pinned.is_pinned()
    assert pinned.pin_memory() is pinned
    assert tallow.equal(pinned, x)
    assert pinned[10:].is_pinned()
    assert tallow.zeros(3, pin_memory=True).is_pinned()
    with pytest.raises(RuntimeError, match="^cannot pin 'cuda:0'"):
        x.cuda().pin_memory()


def test_copies_from_pinned_memory_are_asynchronous(emulator: object) -> None:
    x = tallow.ones(100).pin_memory()
    waits = emulator.tallow_emu_wait_count()
    there = x.to("cuda", non_blocking=True)
    assert emulator.tallow_emu_wait_count() == waits
    assert there.sum().item() == 100
    back = tallow.empty(100, pin_memory=True)
    back.copy_(there * 2, non_blocking=True)
    cuda.current_stream().synchronize()
    assert back.sum().item() == 200


def test_a_pinned_block_is_not_reused_while_it_is_copied(emulator: object) -> None:
    x = tallow.ones(100).pin_memory()
    address = x.data_ptr()
    there = x.to("cuda", non_blocking=True)
    del x
    other = tallow.zeros(100).pin_memory()
    assert other.data_ptr() != address
    cuda.synchronize()
    assert there.sum().item() == 100


def test_copies_to_pageable_memory_wait() -> None:
    x = tallow.arange(1000.0, device="cuda")
    back = x.to("cpu", non_blocking=True)
    assert back.sum().item() == 499500


def test_the_loader_pins_batches() -> None:
    data = tallow.utils.data.TensorDataset(tallow.arange(6.0), tallow.arange(6))
    for x, y in tallow.utils.data.DataLoader(data, batch_size=2, pin_memory=True):
        assert x.is_pinned()
        assert y.is_pinned()


def test_backward_runs_on_the_streams_of_forward() -> None:
    side = cuda.Stream()
    seen = []
    x = tallow.ones(4, device="cuda", requires_grad=True)
    side.wait_stream(cuda.current_stream())
    with cuda.stream(side):
        y = x * 3
        y.register_hook(lambda grad: seen.append(cuda.current_stream()))
    cuda.current_stream().wait_stream(side)
    z = (y * 2).sum()
    z.backward()
    assert seen == [side]
    assert cuda.current_stream() == cuda.default_stream()
    assert x.grad is not None
    assert x.grad.tolist() == [6, 6, 6, 6]


def test_backward_ends_before_the_callers_next_work() -> None:
    side = cuda.Stream()
    with cuda.stream(side):
        x = tallow.ones(4, device="cuda", requires_grad=True)
        loss = (x * 5).sum()
    loss.backward()
    assert x.grad is not None
    assert (x.grad + 1).tolist() == [6, 6, 6, 6]
