"""The shortcuts of calls and member look-up mean what the Python methods of Module mean."""

from __future__ import annotations

import pytest

import tallow
from tallow import nn


class Echo(nn.Module):
    def forward(self, *args, **kwargs):
        return args, kwargs


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8, 20])
def test_any_number_of_arguments_arrives(count):
    assert Echo()(*range(count)) == (tuple(range(count)), {})
    assert Echo()(*range(count), a=1, b=2) == (tuple(range(count)), {"a": 1, "b": 2})


def test_a_wrong_number_of_arguments_is_the_error_of_forward():
    with pytest.raises(TypeError, match=r"forward\(\) missing 1 required positional argument"):
        nn.ReLU()()


def test_forward_may_be_a_static_method():
    class Static(nn.Module):
        @staticmethod
        def forward(x):
            return x * 2

    assert Static()(4) == 8


def test_forward_may_be_an_instance_attribute_or_a_property():
    echo = Echo()
    echo.forward = lambda x: x + 1
    assert echo(1) == 2

    class Chosen(nn.Module):
        @property
        def forward(self):
            return lambda x: x * 10

    assert Chosen()(2) == 20


def test_forward_may_be_replaced_while_it_runs():
    class Once(nn.Module):
        def forward(self, x):
            del Once.forward
            return x

    assert Once()(1) == 1
    with pytest.raises(NotImplementedError):
        Once()(1)


def test_methods_assigned_to_a_class_later_are_honoured():
    class Late(Echo):
        pass

    late = Late()
    late()
    Late.__call__ = lambda self, x: ("call", x)
    assert late(1) == ("call", 1)
    del Late.__call__
    assert late(1) == ((1,), {})
    Late._call_impl = lambda self, x: ("impl", x)
    assert late(1) == ("impl", 1)


def test_methods_assigned_to_module_itself_are_honoured():
    echo, original = Echo(), nn.Module.__call__
    nn.Module.__call__ = lambda self, *args: "patched"
    try:
        assert echo(1) == "patched"
    finally:
        nn.Module.__call__ = original
    assert echo(1) == ((1,), {})


def test_a_call_impl_of_one_instance_is_honoured():
    echo = Echo()
    echo._call_impl = lambda x: ("mine", x)
    assert echo(1) == ("mine", 1)


def test_an_overridden_call_impl_may_call_the_inherited_one():
    class Counting(Echo):
        count = 0

        def _call_impl(self, *args, **kwargs):
            self.count += 1
            return super()._call_impl(*args, **kwargs)

    counting = Counting()
    assert counting(1) == ((1,), {})
    assert counting.count == 1


def test_members_are_found_in_all_three_tables():
    module = nn.Module()
    module.w = nn.Parameter(tallow.ones(1))
    module.child = nn.ReLU()
    module.register_buffer("b", tallow.ones(1))
    assert module.w is module._parameters["w"]
    assert module.child is module._modules["child"]
    assert module.b is module._buffers["b"]


def test_an_instance_attribute_hides_a_member():
    module = nn.Linear(1, 1)
    module.__dict__["weight"] = "mine"
    assert module.weight == "mine"


def test_a_missing_attribute_names_class_and_attribute():
    with pytest.raises(AttributeError, match=r"^'Linear' object has no attribute 'nothing'$"):
        _ = nn.Linear(1, 1).nothing


def test_getattr_and_getattribute_of_a_subclass_are_honoured():
    class Asked(nn.Linear):
        def __getattribute__(self, name):
            return "always" if name == "special" else super().__getattribute__(name)

    class Fallback(nn.Linear):
        pass

    assert Asked(1, 1).special == "always"
    assert isinstance(Asked(1, 1).weight, nn.Parameter)
    layer = Fallback(1, 1)
    Fallback.__getattr__ = lambda self, name: f"no {name}"
    assert layer.unknown == "no unknown"


def test_modules_nested_too_deep_give_recursion_error():
    net = nn.Identity()
    for _ in range(3000):
        net = nn.Sequential(net)
    with pytest.raises(RecursionError):
        net(1)
    while isinstance(net, nn.Sequential):
        net = net._modules.popitem()[1]


def test_deleted_hook_tables_are_reported_as_missing_attributes():
    echo = Echo()
    del echo.__dict__["_forward_hooks"]
    with pytest.raises(AttributeError, match="has no attribute '_forward_hooks'"):
        echo(1)


# ---- what a module was when it was called before does not count


class Twice(nn.Module):
    def forward(self, x):
        return x * 2


@pytest.fixture
def called():
    module = Twice()
    assert [module(1), module(2)] == [2, 4]
    return module


def test_hooks_of_every_kind_are_seen_after_calls_without_them(called):
    seen = []
    handles = [
        called.register_forward_pre_hook(lambda module, args: seen.append("pre")),
        called.register_forward_hook(lambda module, args, result: seen.append("hook")),
        called.register_forward_hook(
            lambda module, args, kwargs, result: seen.append("options"), with_kwargs=True
        ),
    ]
    assert [called(1), called(1)] == [2, 2]
    assert seen == ["pre", "hook", "options"] * 2
    for handle in handles:
        handle.remove()
    assert called(1) == 2
    assert len(seen) == 6


def test_a_backward_hook_is_seen_after_calls_without_it(called):
    seen = []
    called.register_full_backward_hook(lambda module, inputs, outputs: seen.append(module))
    x = tallow.ones(2, requires_grad=True)
    called(x).sum().backward()
    called(x).sum().backward()
    assert seen == [called, called]


def test_a_global_hook_is_seen_after_calls_without_it(called):
    seen = []
    handle = nn.modules.module.register_module_forward_hook(lambda *args: seen.append(args[0]))
    called(1)
    handle.remove()
    called(1)
    assert seen == [called]


def test_a_first_hook_that_forward_registers_runs_from_the_next_call_on():
    class Registers(nn.Module):
        def forward(self, x):
            if x == 3:
                self.register_forward_hook(lambda module, args, result: result + 1)
            return x

    module = Registers()
    assert [module(1), module(2), module(3), module(4)] == [1, 2, 3, 5]


def test_a_forward_assigned_later_is_honoured(called):
    called.forward = lambda x: x + 1
    assert [called(1), called(1)] == [2, 2]
    del called.forward
    assert called(2) == 4


def test_a_forward_assigned_to_the_class_later_is_honoured():
    class Changed(Twice):
        pass

    module = Changed()
    assert [module(1), module(1)] == [2, 2]
    Changed.forward = lambda self, x: x + 5
    assert module(1) == 6
    del Changed.forward
    assert module(1) == 2


def test_a_class_assigned_later_is_honoured(called):
    class Other(nn.Module):
        def forward(self, x):
            return -x

    called.__class__ = Other
    assert called(1) == -1


def test_a_call_impl_assigned_later_is_honoured(called):
    called._call_impl = lambda x: "mine"
    assert called(1) == "mine"


def test_hook_tables_replaced_later_are_honoured(called):
    called._forward_hooks = {0: lambda module, args, result: "replaced"}
    assert called(1) == "replaced"


def test_many_modules_take_turns():
    modules = [Twice() for _ in range(600)]
    for module in modules[::3]:
        module.register_forward_hook(lambda module, args, result: result + 1)
    for _ in range(3):
        assert [module(1) for module in modules] == [3, 2, 2] * 200


def test_a_table_of_members_that_is_no_dict_is_asked():
    class Table:
        def __contains__(self, name):
            return name == "scale"

        def __getitem__(self, name):
            return 7

    module = Twice()
    module.__dict__["_buffers"] = Table()
    assert module.scale == 7
    assert not hasattr(module, "other")
