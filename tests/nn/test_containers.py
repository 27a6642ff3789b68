"""Sequential, ModuleList, ModuleDict, ParameterList and ParameterDict."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import tallow
from tallow import nn


def kinds(modules):
    return [type(m).__name__ for m in modules]


def test_sequential_chains_its_children():
    net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    x = tallow.rand(4, 2)
    assert tallow.equal(net(x), net[1](net[0](x)))


def test_an_empty_sequential_returns_its_input():
    assert nn.Sequential()(5) == 5


def test_a_slice_shares_the_children_and_keeps_their_names():
    net = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh(), c=nn.ELU()))
    part = net[1:]
    assert list(part._modules) == ["b", "c"]
    assert part[0] is net[1]


@pytest.mark.parametrize("index", [3, -4])
def test_an_index_outside_is_an_error(index):
    with pytest.raises(IndexError, match=f"^index {index} is out of range$"):
        nn.Sequential(nn.ReLU(), nn.Tanh(), nn.ELU())[index]


def test_insert_works_when_children_have_names():
    net = nn.Sequential(OrderedDict(a=nn.ReLU(), b=nn.Tanh()))
    assert kinds(net.insert(0, nn.ELU())) == ["ELU", "ReLU", "Tanh"]


def test_a_sequential_can_be_extended_by_itself():
    net = nn.Sequential(nn.ReLU(), nn.Tanh())
    assert kinds(net.extend(net)) == ["ReLU", "Tanh"] * 2


def test_what_is_no_module_is_refused():
    with pytest.raises(TypeError, match="^int is not a Module subclass$"):
        nn.Sequential(3)


def test_module_list_registers_and_behaves_as_a_list():
    layers = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))
    assert len(list(layers.parameters())) == 6
    del layers[0]
    layers.insert(-1, nn.ReLU())
    assert kinds(layers) == ["Linear", "ReLU", "Linear"]
    assert list(layers._modules) == ["0", "1", "2"]


def test_module_list_folds_equal_neighbours_when_printed():
    layers = nn.ModuleList([nn.ReLU(), nn.ReLU(), nn.Tanh()])
    assert repr(layers) == "ModuleList(\n  (0-1): 2 x ReLU()\n  (2): Tanh()\n)"


def test_module_dict_keeps_insertion_order():
    heads = nn.ModuleDict({"z": nn.ReLU()})
    heads.update([("a", nn.Tanh())])
    assert list(heads) == ["z", "a"]
    assert isinstance(heads.pop("z"), nn.ReLU)


def test_a_name_that_is_a_method_is_refused():
    with pytest.raises(KeyError, match="attribute 'keys' already exists"):
        nn.ModuleDict({"keys": nn.ReLU()})


def test_parameter_list_turns_tensors_into_parameters():
    weights = nn.ParameterList([tallow.zeros(2), 3])
    weights.append(tallow.ones(1))
    assert [type(w).__name__ for w in weights] == ["Parameter", "int", "Parameter"]
    assert list(weights.state_dict()) == ["0", "2"]


def test_parameter_dict_turns_tensors_into_parameters():
    scales = nn.ParameterDict({"a": tallow.zeros(2)})
    scales["b"] = 3
    assert scales.popitem() == ("b", 3)
    assert list(scales | {"c": tallow.ones(1)}) == ["a", "c"]
    with pytest.raises(KeyError, match="popitem"):
        nn.ParameterDict().popitem()


def test_containers_without_forward_say_so():
    with pytest.raises(NotImplementedError, match="ModuleList"):
        nn.ModuleList()(1)
    with pytest.raises(RuntimeError, match="should not be called"):
        nn.ParameterList()(1)
