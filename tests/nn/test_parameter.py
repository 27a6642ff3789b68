"""Parameter, Buffer and their uninitialised forms."""

from __future__ import annotations

import copy
import pickle

import pytest

import tallow
from tallow import nn


def test_a_parameter_shares_memory_and_is_a_leaf():
    data = tallow.ones(2)
    parameter = nn.Parameter(data)
    data[0] = 5
    assert parameter[0].item() == 5
    assert parameter.is_leaf
    assert parameter.requires_grad


def test_results_are_plain_tensors():
    parameter = nn.Parameter(tallow.ones(2))
    assert type(parameter + 1) is tallow.Tensor
    assert type(parameter.data) is tallow.Tensor
    assert type(parameter.detach()) is tallow.Tensor


def test_no_argument_gives_an_empty_parameter():
    assert nn.Parameter().shape == (0,)


def test_integers_need_requires_grad_false():
    with pytest.raises(RuntimeError, match="floating point and complex dtype"):
        nn.Parameter(tallow.tensor([1]))
    assert nn.Parameter(tallow.tensor([1]), requires_grad=False).dtype == tallow.int64


@pytest.mark.parametrize("again", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
def test_copies_stay_parameters_and_lose_the_gradient(again):
    parameter = nn.Parameter(tallow.ones(2), requires_grad=True)
    parameter.sum().backward()
    copied = again(parameter)
    assert type(copied) is nn.Parameter
    assert copied.requires_grad
    assert copied.grad is None
    assert tallow.equal(copied, parameter)


def test_a_tensor_subclass_keeps_its_type():
    class Tagged(tallow.Tensor):
        pass

    parameter = nn.Parameter(tallow.ones(2).as_subclass(Tagged))
    assert type(parameter) is Tagged
    assert isinstance(parameter, nn.Parameter)
    module = nn.Module()
    module.w = parameter
    assert list(module._parameters) == ["w"]


def test_a_buffer_is_a_plain_tensor_that_modules_recognise():
    buffer = nn.Buffer(tallow.ones(2), persistent=False)
    assert type(buffer) is tallow.Tensor
    assert isinstance(buffer, nn.Buffer)
    assert not isinstance(tallow.ones(2), nn.Buffer)


def test_an_uninitialised_parameter_becomes_an_ordinary_one():
    parameter = nn.UninitializedParameter()
    with pytest.raises(RuntimeError, match="shape of an uninitialized parameter"):
        _ = parameter.shape
    parameter.materialize((2, 3))
    assert type(parameter) is nn.Parameter
    assert parameter.shape == (2, 3)
