"""state_dict and load_state_dict."""

from __future__ import annotations

from collections import OrderedDict

import pytest

import tallow
from tallow import nn
from tallow.nn.modules.utils import consume_prefix_in_state_dict_if_present


def net():
    return nn.Sequential(OrderedDict(a=nn.Linear(2, 3), norm=nn.BatchNorm1d(3)))


def test_keys_are_parameters_then_buffers_then_children():
    assert list(net().state_dict()) == [
        "a.weight",
        "a.bias",
        "norm.weight",
        "norm.bias",
        "norm.running_mean",
        "norm.running_var",
        "norm.num_batches_tracked",
    ]


def test_a_round_trip_gives_equal_outputs():
    source, target = net().eval(), net().eval()
    assert repr(target.load_state_dict(source.state_dict())) == "<All keys matched successfully>"
    x = tallow.rand(4, 2)
    assert tallow.equal(source(x), target(x))


def test_values_share_memory_and_carry_no_history():
    layer = nn.Linear(2, 2)
    weight = layer.state_dict()["weight"]
    assert not weight.requires_grad
    assert weight.data_ptr() == layer.weight.data_ptr()


def test_all_problems_are_listed_at_once():
    with pytest.raises(RuntimeError) as caught:
        nn.Linear(2, 2).load_state_dict({"weight": tallow.ones(3, 2), "more": tallow.ones(1)})
    message = str(caught.value)
    assert message.startswith("Error(s) in loading state_dict for Linear:\n\tMissing key(s)")
    assert '"more"' in message
    assert "size mismatch for weight" in message


def test_assign_takes_the_given_tensors():
    layer = nn.Linear(2, 2)
    state = {"weight": tallow.ones(2, 2, dtype=tallow.float64), "bias": tallow.ones(2)}
    layer.load_state_dict(state, assign=True)
    assert layer.weight.dtype == tallow.float64
    assert layer.weight.data_ptr() == state["weight"].data_ptr()
    assert isinstance(layer.weight, nn.Parameter)


def test_loading_changes_neither_the_dict_nor_its_metadata():
    state = nn.Linear(2, 2).state_dict()
    metadata = {k: dict(v) for k, v in state._metadata.items()}
    nn.Linear(2, 2).load_state_dict(state, assign=True)
    assert {k: dict(v) for k, v in state._metadata.items()} == metadata
    assert list(state) == ["weight", "bias"]


def test_a_batch_norm_of_version_one_gets_its_counter():
    state = nn.BatchNorm1d(2).state_dict()
    del state["num_batches_tracked"]
    del state._metadata
    assert not nn.BatchNorm1d(2).load_state_dict(state).missing_keys


def test_a_public_post_hook_may_be_a_bound_method():
    class Recorder:
        def __init__(self):
            self.keys = []

        def record(self, module, state, prefix, metadata):
            self.keys = list(state)

    recorder, layer = Recorder(), nn.Linear(1, 1)
    layer.register_state_dict_post_hook(recorder.record)
    layer.state_dict()
    assert recorder.keys == ["weight", "bias"]


def test_extra_state_travels_along():
    class Counter(nn.Module):
        count = 0

        def get_extra_state(self):
            return {"count": self.count}

        def set_extra_state(self, state):
            self.count = state["count"]

    source, target = Counter(), Counter()
    source.count = 7
    target.load_state_dict(source.state_dict())
    assert target.count == 7


def test_a_prefix_can_be_removed():
    state = nn.DataParallel(nn.Linear(1, 1)).state_dict()
    consume_prefix_in_state_dict_if_present(state, "module.")
    nn.Linear(1, 1).load_state_dict(state)


@pytest.mark.parametrize("state", [[1], 3, None])
def test_what_is_no_mapping_is_refused(state):
    with pytest.raises(TypeError, match="^Expected state_dict to be dict-like"):
        nn.Linear(1, 1).load_state_dict(state)
