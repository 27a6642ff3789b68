"""no_grad, enable_grad, set_grad_enabled, inference_mode: as contexts and decorators."""

from __future__ import annotations

import threading
from collections.abc import Generator

import pytest

import tallow
from tallow.autograd import grad_mode


def leaf() -> tallow.Tensor:
    return tallow.ones(2, requires_grad=True)


def test_no_grad_block_records_nothing() -> None:
    with tallow.no_grad():
        assert not (leaf() * 2).requires_grad
    assert (leaf() * 2).requires_grad


def test_enable_grad_inside_no_grad() -> None:
    with tallow.no_grad(), tallow.enable_grad():
        assert (leaf() * 2).requires_grad


@pytest.mark.parametrize("bare", [True, False])
def test_decorator_with_and_without_parentheses(bare: bool) -> None:
    def work() -> bool:
        """Doc."""
        return tallow.is_grad_enabled()

    wrapped = tallow.no_grad(work) if bare else tallow.no_grad()(work)
    assert wrapped() is False
    assert wrapped.__name__ == "work"
    assert wrapped.__doc__ == "Doc."
    assert tallow.is_grad_enabled()


def test_mode_is_restored_after_an_exception() -> None:
    with pytest.raises(ValueError), tallow.no_grad():
        raise ValueError
    assert tallow.is_grad_enabled()


def test_one_object_can_be_entered_twice() -> None:
    mode = tallow.no_grad()
    with mode:
        with mode:
            pass
        assert not tallow.is_grad_enabled()
    assert tallow.is_grad_enabled()


def test_each_thread_has_its_own_mode() -> None:
    seen = []
    with tallow.no_grad():
        thread = threading.Thread(target=lambda: seen.append(tallow.is_grad_enabled()))
        thread.start()
        thread.join()
    assert seen == [True]


def test_generator_holds_the_mode_only_while_it_runs() -> None:
    @tallow.no_grad()
    def numbers() -> Generator[bool, None, str]:
        yield tallow.is_grad_enabled()
        yield tallow.is_grad_enabled()
        return "end"

    seen = [(inside, tallow.is_grad_enabled()) for inside in numbers()]
    assert seen == [(False, True), (False, True)]


def test_generator_passes_values_errors_and_close_through() -> None:
    log: list[object] = []

    @tallow.no_grad()
    def echo() -> Generator[object, object, str]:
        received = yield "first"
        log.append(received)
        try:
            yield "second"
        except KeyError:
            log.append(("caught", tallow.is_grad_enabled()))
        try:
            yield "third"
        finally:
            log.append(("closed", tallow.is_grad_enabled()))

    steps = echo()
    assert next(steps) == "first"
    assert steps.send(5) == "second"
    assert steps.throw(KeyError()) == "third"
    steps.close()
    assert log == [5, ("caught", False), ("closed", False)]
    assert tallow.is_grad_enabled()


def test_generator_returns_its_value() -> None:
    @tallow.no_grad()
    def inner() -> Generator[int, int, int]:
        return (yield 1)

    def outer() -> Generator[int, int, int]:
        return (yield from inner())

    steps = outer()
    next(steps)
    with pytest.raises(StopIteration) as end:
        steps.send(9)
    assert end.value.value == 9


def test_set_grad_enabled_acts_at_once() -> None:
    tallow.set_grad_enabled(False)
    try:
        assert not tallow.is_grad_enabled()
    finally:
        tallow.set_grad_enabled(True)


def test_set_grad_enabled_as_context_restores() -> None:
    with tallow.set_grad_enabled(False):
        assert not tallow.is_grad_enabled()
    assert tallow.is_grad_enabled()


def test_set_grad_enabled_as_decorator_leaves_the_present_mode_alone() -> None:
    @tallow.set_grad_enabled(False)
    def work() -> bool:
        return tallow.is_grad_enabled()

    assert tallow.is_grad_enabled()
    assert work() is False
    assert tallow.is_grad_enabled()


def test_set_grad_enabled_wants_a_bool() -> None:
    with pytest.raises(TypeError, match="must be bool, not int"):
        tallow.set_grad_enabled(1)  # type: ignore[arg-type]
    assert tallow.is_grad_enabled()


def test_decorating_a_class_wraps_its_constructor_and_warns() -> None:
    with pytest.warns(FutureWarning, match="Decorating classes is deprecated"):

        @tallow.no_grad()
        class Made:
            def __init__(self) -> None:
                self.mode = tallow.is_grad_enabled()

    assert Made().mode is False
    assert isinstance(Made(), Made)


def test_inference_mode_switches_both_flags_and_restores_them() -> None:
    with tallow.no_grad():
        with tallow.inference_mode():
            assert tallow.is_inference_mode_enabled()
            with tallow.inference_mode(False):
                assert not tallow.is_inference_mode_enabled()
                assert tallow.is_grad_enabled()
        assert not tallow.is_inference_mode_enabled()
        assert not tallow.is_grad_enabled()


def test_inference_mode_as_decorator() -> None:
    @tallow.inference_mode
    def bare() -> bool:
        return tallow.is_inference_mode_enabled()

    @tallow.inference_mode(False)
    def off() -> bool:
        return tallow.is_inference_mode_enabled()

    assert bare() is True
    with tallow.inference_mode():
        assert off() is False


def test_inference_tensor_is_marked_and_clone_is_not() -> None:
    with tallow.inference_mode():
        made = tallow.ones(2)
    assert made.is_inference()
    assert not made.clone().is_inference()


def test_set_multithreading_enabled_changes_nothing() -> None:
    with grad_mode.set_multithreading_enabled(False):
        assert tallow.is_grad_enabled()


def test_modes_print_how_they_were_made() -> None:
    assert repr(tallow.set_grad_enabled(True)).endswith("set_grad_enabled(mode=True)")


def test_a_leaf_that_no_longer_requires_grad_gets_none() -> None:
    seen = []
    x = tallow.ones(2, requires_grad=True)
    y = x * 2
    x.register_hook(lambda grad: seen.append("tensor"))
    x.register_post_accumulate_grad_hook(lambda leaf: seen.append("leaf"))
    x.requires_grad_(False)
    y.sum().backward()
    assert x.grad is None
    assert seen == ["tensor", "leaf"]


def test_one_mode_object_can_be_entered_again_inside_itself() -> None:
    mode = tallow.no_grad()
    with mode, tallow.enable_grad(), mode:
        assert not tallow.is_grad_enabled()
    assert tallow.is_grad_enabled()


def test_leaving_a_mode_that_was_not_entered_is_refused() -> None:
    with pytest.raises(RuntimeError, match="without having been entered"):
        tallow.no_grad().__exit__(None, None, None)
    assert tallow.is_grad_enabled()
