"""Marks for a profiler; the emulator is one."""

from __future__ import annotations

import ctypes

import pytest

from tallow.cuda import nvtx


@pytest.fixture
def marks(emulator: ctypes.CDLL) -> ctypes.CDLL:
    emulator.tallow_emu_marks.restype = ctypes.c_char_p
    emulator.tallow_emu_marks()
    return emulator


def told(marks: ctypes.CDLL) -> list[str]:
    return marks.tallow_emu_marks().decode().splitlines()


def test_points_and_nested_ranges(marks: ctypes.CDLL) -> None:
    nvtx.mark("here")
    assert nvtx.range_push("outer") == 0
    assert nvtx.range_push("inner") == 1
    assert nvtx.range_pop() == 1
    assert nvtx.range_pop() == 0
    assert told(marks) == ["mark here", "push outer", "push inner", "pop", "pop"]


def test_ranges_with_a_number(marks: ctypes.CDLL) -> None:
    first, second = nvtx.range_start("a"), nvtx.range_start("b")
    assert first != second
    nvtx.range_end(first)
    nvtx.range_end(second)
    assert told(marks) == ["start a", "start b", f"end {first}", f"end {second}"]


def test_a_context_ends_its_range_when_it_is_left_by_an_error(marks: ctypes.CDLL) -> None:
    with pytest.raises(ValueError, match="x"), nvtx.range("step {}", 3):
        raise ValueError("x")
    assert told(marks) == ["push step 3", "pop"]
