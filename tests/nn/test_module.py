"""Module: registration, attributes, traversal, conversion, printing, pickling."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections import OrderedDict

import pytest

import tallow
from tallow import nn


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(tallow.tensor(3.0))

    def forward(self, x):
        return self.factor * x


def test_a_module_is_its_forward():
    assert Scale()(tallow.tensor(2.0)).item() == 6.0


def test_an_assigned_parameter_is_registered():
    assert list(dict(Scale().named_parameters())) == ["factor"]


def test_a_new_module_has_the_documented_state():
    state = vars(nn.Module())
    assert state["training"] is True
    assert state["_is_full_backward_hook"] is None
    assert {k for k, v in state.items() if type(v) is dict} == {
        "_parameters",
        "_buffers",
        "_modules",
    }
    assert sum(type(v) is OrderedDict for v in state.values()) == 11


def test_no_state_is_shared_between_modules():
    a, b = nn.Module(), nn.Module()
    assert all(vars(a)[k] is not vars(b)[k] for k in vars(a) if isinstance(vars(a)[k], dict | set))


# Attributes.


def test_an_attribute_error_in_a_property_keeps_its_own_message():
    class Broken(nn.Module):
        @property
        def size(self):
            return self.missing

    with pytest.raises(AttributeError, match=r"^'Broken' object has no attribute 'missing'$"):
        _ = Broken().size


def test_hasattr_is_false_for_a_property_that_raises():
    class Broken(nn.Module):
        @property
        def size(self):
            raise AttributeError("not yet")

    assert not hasattr(Broken(), "size")


def test_a_property_that_works_is_not_disturbed():
    class Fine(nn.Module):
        @property
        def size(self):
            return 5

    assert Fine().size == 5


def test_a_subclass_may_extend_getattr():
    class Wrapper(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def __getattr__(self, name):
            try:
                return super().__getattr__(name)
            except AttributeError:
                return getattr(self.inner, name)

    assert Wrapper(nn.Linear(2, 3)).out_features == 3


@pytest.mark.parametrize("value", [1, "a", None, [1], tallow.ones(1)])
def test_plain_values_are_plain_attributes(value):
    module = nn.Module()
    module.value = value
    assert module.__dict__["value"] is value


def test_a_name_changes_its_kind_with_the_value():
    module = nn.Module()
    module.slot = 1
    module.slot = nn.ReLU()
    assert "slot" in module._modules
    assert "slot" not in module.__dict__


def test_an_attribute_that_exists_is_not_turned_into_a_buffer():
    module = nn.Module()
    module.slot = 1
    with pytest.raises(KeyError, match="attribute 'slot' already exists"):
        module.slot = nn.Buffer(tallow.ones(1))
    assert module.slot == 1


def test_a_buffer_replaced_by_a_buffer_takes_its_persistence():
    module = nn.Module()
    module.b = nn.Buffer(tallow.ones(1))
    module.b = nn.Buffer(tallow.zeros(1), persistent=False)
    assert list(module.state_dict()) == []


def test_deleting_a_parameter_frees_its_name():
    module = Scale()
    del module.factor
    module.factor = nn.ReLU()
    assert list(module._modules) == ["factor"]


# Traversal.


def test_shared_modules_are_visited_once():
    shared = nn.Linear(2, 2)
    net = nn.Sequential(shared, nn.Sequential(shared))
    assert [name for name, _ in net.named_modules()] == ["", "0", "1"]
    assert len(list(net.parameters())) == 2


def test_traversal_survives_a_cycle():
    a, b = nn.Module(), nn.Module()
    a.b = b
    b._modules["a"] = a
    assert list(a.modules()) == [a, b]


def test_get_and_set_submodule_follow_paths():
    net = nn.Sequential(nn.Sequential(nn.Linear(1, 1)))
    net.set_submodule("0.0", nn.ReLU())
    assert isinstance(net.get_submodule("0.0"), nn.ReLU)
    with pytest.raises(AttributeError):
        net.get_submodule("0.1")


def test_a_tree_that_is_too_deep_gives_recursion_error():
    net = nn.Identity()
    for _ in range(3000):
        net = nn.Sequential(net)
    with pytest.raises(RecursionError):
        net.train()
    while isinstance(net, nn.Sequential):  # dismantle it from the top
        net = net._modules.popitem()[1]


# Conversion.


def test_to_keeps_parameters_and_replaces_buffers():
    norm = nn.BatchNorm1d(2)
    weight, mean = norm.weight, norm.running_mean
    assert norm.to(tallow.float64) is norm
    assert norm.weight is weight
    assert weight.dtype == tallow.float64
    assert norm.running_mean is not mean
    assert norm.num_batches_tracked.dtype == tallow.int64


def test_to_takes_the_dtype_of_a_tensor():
    layer = nn.Linear(1, 1).to(tallow.zeros(1, dtype=tallow.float16))
    assert layer.weight.dtype == tallow.float16


@pytest.mark.parametrize(
    ("args", "kwargs"), [((1, 2, 3, 4, 5), {}), ((), {"foo": 1}), (([1],), {}), (("cpu", 3), {})]
)
def test_to_rejects_what_it_does_not_know(args, kwargs):
    with pytest.raises(TypeError, match=r"^to\(\) received an invalid combination of arguments"):
        nn.Linear(1, 1).to(*args, **kwargs)


def test_to_rejects_integer_dtypes():
    with pytest.raises(TypeError, match="only accepts floating point or complex dtypes"):
        nn.Linear(1, 1).to(tallow.int64)


@pytest.mark.parametrize("name", ["cuda", "xpu", "ipu", "mtia"])
def test_devices_that_are_not_there_are_refused(name):
    if name == "cuda" and tallow.cuda.is_available():
        pytest.skip("there is a CUDA device")
    with pytest.raises(AssertionError, match=f"not compiled with {name.upper()} enabled"):
        getattr(nn.Linear(1, 1), name)()


def test_meta_modules_need_to_empty():
    layer = nn.Linear(2, 2, device="meta")
    with pytest.raises(NotImplementedError, match="to_empty"):
        layer.to("cpu")
    assert layer.to_empty(device="cpu").weight.device.type == "cpu"


def test_zero_grad_leaves_no_gradient():
    layer = nn.Linear(2, 1)
    layer(tallow.ones(1, 2)).sum().backward()
    layer.zero_grad()
    assert all(p.grad is None for p in layer.parameters())


# Copies.


def test_copies_are_independent():
    a = Scale()
    b = copy.deepcopy(a)
    with tallow.no_grad():
        b.factor.fill_(0.0)
    assert a.factor.item() == 3.0


def test_a_module_survives_pickling():
    layer = nn.Linear(2, 3)
    again = pickle.loads(pickle.dumps(layer))
    assert tallow.equal(layer.weight, again.weight)
    assert isinstance(again.weight, nn.Parameter)


def test_a_module_is_freed_without_the_collector():
    gc.disable()
    try:
        net = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        net(tallow.ones(1, 2)).sum().backward()
        alive = weakref.ref(net)
        del net
        assert alive() is None
    finally:
        gc.enable()


# Printing.


def test_repr_indents_children():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.ReLU())
            self.head = None

    net = Net()
    net.add_module("tail", None)
    assert repr(net) == ("Net(\n  (body): Sequential(\n    (0): ReLU()\n  )\n  (tail): None\n)")


def test_dir_lists_what_is_registered():
    names = dir(Scale())
    assert "factor" in names
    assert names == sorted(names)


def test_compile_is_honoured_and_not_copied():
    module = Scale()
    module._compiled_call_impl = lambda x: "compiled"
    assert module(1) == "compiled"
    assert copy.deepcopy(module)(tallow.tensor(1.0)).item() == 3.0
