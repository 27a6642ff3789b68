"""Forward hooks: order, replacement, errors, and where they differ from PyTorch on purpose."""

from __future__ import annotations

import warnings

import pytest

import tallow
from tallow import nn
from tallow.nn.modules import module as module_file
from tallow.utils.hooks import RemovableHandle


class Add(nn.Module):
    def forward(self, x, y=1):
        return x + y


class Boom(nn.Module):
    def forward(self, *args, **kwargs):
        raise ValueError("boom")


def test_all_four_kinds_run_in_order():
    log = []
    layer = Add()
    layer.register_forward_hook(lambda *a: log.append("local"))
    layer.register_forward_pre_hook(lambda *a: log.append("local pre"))
    with (
        module_file.register_module_forward_hook(lambda *a: log.append("global")),
        module_file.register_module_forward_pre_hook(lambda *a: log.append("global pre")),
    ):
        layer(1)
    assert log == ["global pre", "local pre", "global", "local"]


def test_hooks_change_arguments_and_result():
    layer = Add()
    layer.register_forward_pre_hook(lambda m, args, kwargs: ((10,), {"y": 5}), with_kwargs=True)
    layer.register_forward_hook(lambda m, args, kwargs, out: (args, kwargs, out), with_kwargs=True)
    assert layer(1) == ((10,), {"y": 5}, 15)


def test_a_removed_hook_is_gone():
    layer = Add()
    handle = layer.register_forward_hook(lambda *a: "replaced")
    assert layer(1) == "replaced"
    handle.remove()
    assert layer(1) == 2


def test_without_hooks_the_result_is_the_same_object():
    marker = object()
    assert nn.Identity()(marker) is marker


# Where PyTorch has a bug (contract B.9).


def test_a_global_always_call_hook_gets_keyword_arguments_after_an_error_too():
    seen = []
    with (
        module_file.register_module_forward_hook(
            lambda *a: seen.append(a[1:]), with_kwargs=True, always_call=True
        ),
        pytest.raises(ValueError, match="boom"),
    ):
        Boom()(1, z=2)
    assert seen == [((1,), {"z": 2}, None)]


def test_a_hook_removed_during_its_phase_keeps_its_signature():
    seen, handles = [], {}
    layer = Add()
    layer.register_forward_hook(lambda *a: handles["second"].remove())
    handles["second"] = layer.register_forward_hook(
        lambda *a: seen.append(len(a)), with_kwargs=True
    )
    layer(1)
    assert seen == [4]


def test_an_always_call_hook_that_removes_itself_does_not_mask_the_error():
    layer = Boom()
    handles = []
    handles.append(layer.register_forward_hook(lambda *a: handles[0].remove(), always_call=True))
    layer.register_forward_hook(lambda *a: None, always_call=True)
    with pytest.raises(ValueError, match="boom"):
        layer(1)
    assert len(layer._forward_hooks) == 1


# Errors.


def test_a_failing_always_call_hook_becomes_a_warning():
    layer = Boom()
    layer.register_forward_hook(lambda *a: 1 / 0, always_call=True)
    with (
        pytest.warns(UserWarning, match="silenced as another error was raised in forward"),
        pytest.raises(ValueError, match="boom"),
    ):
        layer(1)


def test_an_error_in_a_pre_hook_reaches_the_caller_and_leaves_the_module_usable():
    layer = Add()
    with layer.register_forward_pre_hook(lambda *a: 1 / 0), pytest.raises(ZeroDivisionError):
        layer(1)
    assert layer(1) == 2


def test_gradients_stay_enabled_after_a_hook_has_raised():
    layer = nn.Linear(2, 2)
    layer.register_forward_hook(lambda *a: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        layer(tallow.ones(2))
    assert tallow.is_grad_enabled()


# Handles.


def test_handles_are_numbered_across_modules():
    first = Add().register_forward_hook(print)
    second = Add().register_forward_pre_hook(print)
    assert second.id == first.id + 1 == RemovableHandle.next_id - 1


def test_a_handle_outlives_its_module():
    handle = Add().register_forward_hook(print)
    handle.remove()


# Where warnings point.


def test_the_missing_dim_warning_of_softmax_blames_the_caller():
    layer = nn.Softmax()
    for hooked in (False, True):
        if hooked:
            layer.register_forward_hook(lambda *a: None)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            layer(tallow.ones(2))
        assert [w.filename for w in caught] == [__file__]


def test_registration_hooks_may_replace_what_is_registered():
    replacement = nn.Tanh()
    with module_file.register_module_module_registration_hook(lambda m, n, c: replacement):
        net = nn.Sequential(nn.ReLU())
    assert net[0] is replacement


# Calls that begin with plain hooks take a shortcut; these leave it halfway.


class Calls(nn.Module):
    """Calls the function with itself and returns or raises what it says."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.register_forward_pre_hook(lambda m, args: None)

    def forward(self, x):
        return self.function(self, x)


def test_an_always_called_hook_registered_by_a_forward_that_fails():
    seen = []

    def forward(module, x):
        module.register_forward_hook(
            lambda m, args, out: seen.append((args, out)), always_call=True
        )
        raise ValueError("boom")

    with pytest.raises(ValueError, match="boom"):
        Calls(forward)(7)
    assert seen == [((7,), None)]


def test_a_hook_with_keywords_registered_by_forward():
    seen = []

    def forward(module, x):
        module.register_forward_hook(
            lambda m, a, k, out: seen.append((a, k, out)), with_kwargs=True
        )
        return x + 1

    assert Calls(forward)(x=7) == 8
    assert seen == [((), {"x": 7}, 8)]


def test_a_global_hook_registered_by_forward():
    handles = []

    def forward(module, x):
        handles.append(module_file.register_module_forward_hook(lambda m, args, out: out * 10))
        return x + 1

    try:
        assert Calls(forward)(7) == 80
    finally:
        handles[0].remove()


def test_keyword_arguments_pass_plain_hooks():
    layer = Add()
    seen = []
    layer.register_forward_pre_hook(lambda m, args: seen.append(args))
    layer.register_forward_hook(lambda m, args, out: seen.append((args, out)))
    assert layer(1, y=5) == 6
    assert seen == [(1,), ((1,), 6)]


def test_prepended_hooks_run_first():
    layer, log = Add(), []
    for name in "ab":
        layer.register_forward_hook(lambda *a, n=name: log.append(n), prepend=True)
        layer.register_forward_pre_hook(lambda *a, n=name: log.append(n + "-pre"), prepend=True)
    layer(1)
    assert log == ["b-pre", "a-pre", "b", "a"]


def test_hooks_written_into_the_tables_are_honoured():
    layer = Add()
    layer._forward_hooks["mine"] = lambda m, args, out: out * 10
    assert layer(1) == 20
    layer._forward_pre_hooks["mine"] = lambda m, args: (4,)
    assert layer(1) == 50


def test_a_hook_may_delete_its_module():
    holder = [Add()]
    holder[0].register_forward_pre_hook(lambda m, args: holder.clear())
    holder[0].register_forward_hook(lambda m, args, out: out * 2)
    assert holder[0](1) == 4
    assert holder == []


def test_a_table_that_is_gone_is_an_error_and_no_crash():
    layer = Add()
    layer.register_forward_hook(lambda *a: None)
    layer.register_forward_pre_hook(lambda m, args: m.__dict__.pop("_forward_hooks") and None)
    with pytest.raises(AttributeError, match="_forward_hooks"):
        layer(1)
