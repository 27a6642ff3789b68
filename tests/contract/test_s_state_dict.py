import io
from collections import OrderedDict

import pytest

from contract.impl import nn, torch

P = nn.Parameter


def lin():
    return nn.Linear(2, 2)


def err(f):
    with pytest.raises(RuntimeError) as e:
        f()
    return str(e.value)


def test_S01_state_dict_is_ordered_with_metadata_detached_and_aliasing():
    l = lin()
    sd = l.state_dict()
    assert (
        type(sd) is OrderedDict
        and list(sd) == ["weight", "bias"]
        and sd._metadata == OrderedDict([("", {"version": 1})])
    )
    assert (
        not sd["weight"].requires_grad
        and type(sd["weight"]) is torch.Tensor
        and sd["weight"].data_ptr() == l.weight.data_ptr()
    )
    assert l.state_dict(keep_vars=True)["weight"] is l.weight


def test_S02_batchnorm_has_version_2_and_key_order_params_then_buffers():
    sd = nn.Sequential(nn.BatchNorm1d(2)).state_dict()
    assert list(sd) == [
        "0.weight",
        "0.bias",
        "0.running_mean",
        "0.running_var",
        "0.num_batches_tracked",
    ] and sd._metadata["0"] == {"version": 2}


def test_S03_prefix_and_destination():
    l = lin()
    d = {}
    assert (
        list(l.state_dict(prefix="p.")) == ["p.weight", "p.bias"]
        and l.state_dict(destination=d) is d
        and list(d) == ["weight", "bias"]
    )
    with pytest.warns(FutureWarning):
        l.state_dict({}, "p.")


def test_S04_load_ok_result_reprs():
    l = lin()
    r = l.load_state_dict(l.state_dict())
    assert (
        repr(r) == "<All keys matched successfully>"
        and r.missing_keys == []
        and r.unexpected_keys == []
    )
    r = l.load_state_dict({"zz": 1, "weight": torch.ones(2, 2)}, strict=False)
    assert (
        r == (["bias"], ["zz"])
        and repr(r) == "_IncompatibleKeys(missing_keys=['bias'], unexpected_keys=['zz'])"
    )


def test_S05_missing_message():
    assert (
        err(lambda: lin().load_state_dict({}))
        == 'Error(s) in loading state_dict for Linear:\n\tMissing key(s) in state_dict: "weight", "bias". '
    )


def test_S06_full_message_order_missing_unexpected_then_mismatch():
    assert err(lambda: lin().load_state_dict({"zz": 1, "weight": torch.ones(3, 2), "x.y": 2})) == (
        'Error(s) in loading state_dict for Linear:\n\tMissing key(s) in state_dict: "bias". \n\tUnexpected key(s) in state_dict: "zz", "x.y". '
        "\n\tsize mismatch for weight: copying a param with shape torch.Size([3, 2]) from checkpoint, the shape in current model is torch.Size([2, 2])."
    )


def test_S07_shape_mismatch_raises_even_when_not_strict_and_other_entries_are_still_copied():
    l = lin()
    assert "size mismatch for weight" in err(
        lambda: l.load_state_dict(
            {"weight": torch.ones(3, 2), "bias": torch.full((2,), 7.0)}, strict=False
        )
    )
    assert l.bias.tolist() == [7, 7]


def test_S08_non_tensor_value_and_non_mapping():
    assert err(lambda: lin().load_state_dict({"weight": [1], "bias": torch.ones(2)})) == (
        "Error(s) in loading state_dict for Linear:\n\tWhile copying the parameter named \"weight\", expected torch.Tensor or Tensor-like object from checkpoint but received <class 'list'>"
    )
    with pytest.raises(
        TypeError, match=r"^Expected state_dict to be dict-like, got <class 'list'>\.$"
    ):
        lin().load_state_dict([1])


def test_S09_nested_names_in_messages():
    s = nn.Sequential(OrderedDict(a=nn.Linear(2, 2), b=nn.Linear(2, 3)))
    assert err(lambda: s.load_state_dict({"a.weight": torch.ones(2, 3)})) == (
        'Error(s) in loading state_dict for Sequential:\n\tMissing key(s) in state_dict: "a.bias", "b.weight", "b.bias". '
        "\n\tsize mismatch for a.weight: copying a param with shape torch.Size([2, 3]) from checkpoint, the shape in current model is torch.Size([2, 2])."
    )


def test_S10_unexpected_keys_are_reported_module_by_module_root_first():
    s = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    assert 'Unexpected key(s) in state_dict: "2.a", "k", "1.w". ' in err(
        lambda: s.load_state_dict(
            {"0.weight": torch.ones(1, 1), "0.bias": torch.ones(1), "1.w": 1, "2.a": 1, "k": 2}
        )
    )


def test_S11_default_load_copies_in_place_casts_dtype_bumps_version():
    l = lin()
    w = l.weight
    v = w._version
    l.load_state_dict({"weight": torch.ones(2, 2, dtype=torch.float64), "bias": torch.ones(2)})
    assert l.weight is w and w.dtype == torch.float32 and w._version == v + 1


def test_S12_assign_replaces_objects_keeps_requires_grad_of_module():
    l = lin()
    l.bias.requires_grad_(False)
    sd = {"weight": torch.ones(2, 2, dtype=torch.float64), "bias": P(torch.ones(2))}
    l.load_state_dict(sd, assign=True)
    assert (
        type(l.weight) is P
        and l.weight.dtype == torch.float64
        and l.weight.data_ptr() == sd["weight"].data_ptr()
        and l.weight.requires_grad
    )
    assert l.bias is sd["bias"] and not l.bias.requires_grad


def test_S13_zero_dim_slot_accepts_one_element_vector():
    m = nn.Module()
    m.register_buffer("s", torch.zeros(()))
    m.load_state_dict({"s": torch.ones(1)})
    assert m.s.shape == () and m.s == 1


def test_S14_none_slots_are_unexpected():
    m = nn.Module()
    m.register_parameter("w", None)
    assert 'Unexpected key(s) in state_dict: "w". ' in err(
        lambda: m.load_state_dict({"w": torch.ones(1)})
    )


def test_S15_input_dict_is_not_mutated():
    l = lin()
    d = dict(l.state_dict())
    k = list(d)
    l.register_load_state_dict_pre_hook(lambda m, sd, *a: sd.update(extra=1))
    l.load_state_dict(d, strict=False)
    assert list(d) == k


class Extra(nn.Module):
    def get_extra_state(self):
        return {"k": 1}

    def set_extra_state(self, v):
        self.v = v


def test_S16_extra_state():
    x = Extra()
    x.load_state_dict(x.state_dict())
    assert x.v == {"k": 1} and dict(x.state_dict()) == {"_extra_state": {"k": 1}}
    assert 'Missing key(s) in state_dict: "_extra_state". ' in err(lambda: x.load_state_dict({}))
    assert 'Unexpected key(s) in state_dict: "_extra_state". ' in err(
        lambda: nn.Module().load_state_dict(x.state_dict())
    )


def test_S17_state_dict_hook_order():
    log = []
    s = nn.Sequential(nn.Linear(1, 1))
    for m, t in ((s, ""), (s[0], "0")):
        m.register_state_dict_pre_hook(
            lambda m, prefix, keep_vars, t=t: log.append(("pre" + t, prefix, keep_vars))
        )
        m.register_state_dict_post_hook(
            lambda m, sd, prefix, lm, t=t: log.append(("post" + t, list(sd), prefix, lm))
        )
    s.state_dict()
    assert log == [
        ("pre", "", False),
        ("pre0", "0.", False),
        ("post0", ["0.weight", "0.bias"], "0.", {"version": 1}),
        ("post", ["0.weight", "0.bias"], "", {"version": 1}),
    ]


def test_S18_public_post_hook_must_return_none_private_one_may_replace_root_only():
    l = lin()
    l.register_state_dict_post_hook(lambda *a: {})
    assert err(l.state_dict) == "state_dict post-hook must return None"
    l = lin()
    l._register_state_dict_hook(lambda m, sd, p, lm: {"new": 1})
    assert l.state_dict() == {"new": 1} and list(nn.Sequential(l).state_dict()) == [
        "0.weight",
        "0.bias",
    ]


def test_S19_load_hooks_order_signature_and_post_hook_may_edit_keys():
    log = []
    s = nn.Sequential(nn.Linear(1, 1))
    s.register_load_state_dict_pre_hook(
        lambda m, sd, prefix, lm, strict, miss, unexp, errs: log.append(
            ("pre", list(sd), prefix, lm, strict, miss, unexp, errs)
        )
    )
    s[0].register_load_state_dict_pre_hook(
        lambda m, sd, prefix, *a: log.append(("pre0", list(sd), prefix))
    )
    s[0].register_load_state_dict_post_hook(lambda m, keys: log.append("post0"))
    s.register_load_state_dict_post_hook(lambda m, keys: log.append("post"))
    s.load_state_dict(s.state_dict())
    assert log == [
        ("pre", ["0.weight", "0.bias"], "", {"version": 1}, True, [], [], []),
        ("pre0", ["0.weight", "0.bias"], "0."),
        "post0",
        "post",
    ]
    l = lin()
    l.register_load_state_dict_post_hook(lambda m, k: k.missing_keys.clear())
    l.load_state_dict({})
    l = lin()
    l.register_load_state_dict_post_hook(lambda m, k: 3)
    with pytest.raises(AssertionError):
        l.load_state_dict(l.state_dict())


def test_S20_pre_hook_can_rename_keys():
    l = lin()
    l.register_load_state_dict_pre_hook(
        lambda m, sd, p, *a: sd.update({p + "weight": sd.pop(p + "w")})
    )
    l.load_state_dict({"w": torch.ones(2, 2), "bias": torch.ones(2)})
    assert l.weight.sum() == 4


def test_S21_non_persistent_buffers_are_skipped_both_ways():
    m = nn.Module()
    m.register_buffer("a", torch.zeros(1))
    m.register_buffer("b", torch.zeros(1), persistent=False)
    assert list(m.state_dict()) == ["a"]
    assert 'Unexpected key(s) in state_dict: "b". ' in err(
        lambda: m.load_state_dict({"a": torch.ones(1), "b": torch.ones(1)})
    )


def test_S22_save_load_roundtrip_and_weights_only_default():
    l = lin()
    f = io.BytesIO()
    torch.save(l.state_dict(), f)
    f.seek(0)
    sd = torch.load(f)
    assert (
        type(sd) is OrderedDict
        and torch.equal(sd["weight"], l.weight)
        and sd._metadata == l.state_dict()._metadata
    )
    f = io.BytesIO()
    torch.save(l, f)
    f.seek(0)
    with pytest.raises(Exception) as e:
        torch.load(f)
    assert type(e.value).__name__ == "UnpicklingError" and "weights_only" in str(e.value)
    f.seek(0)
    assert torch.equal(torch.load(f, weights_only=False).weight, l.weight)


def test_S23_saved_views_keep_sharing_and_whole_storage():
    a = torch.arange(10.0)
    f = io.BytesIO()
    torch.save({"a": a, "b": a[2:4]}, f)
    f.seek(0)
    d = torch.load(f)
    d["a"][2] = 99
    assert d["b"][0] == 99 and d["b"].storage_offset() == 2


def test_S24_optimizer_state_dict_shape():
    p = P(torch.ones(2))
    o = torch.optim.SGD([p], lr=0.1, momentum=0.9)
    p.sum().backward()
    o.step()
    sd = o.state_dict()
    assert (
        set(sd) == {"state", "param_groups"}
        and sd["param_groups"][0]["params"] == [0]
        and list(sd["state"][0]) == ["momentum_buffer"]
    )


def test_S25_version_reaches_load_hook_only_with_metadata():
    seen = []

    class V(nn.Module):
        _version = 3

        def __init__(self):
            super().__init__()
            self.w = P(torch.zeros(1))

        def _load_from_state_dict(self, sd, prefix, lm, *a):
            seen.append(dict(lm))
            super()._load_from_state_dict(sd, prefix, lm, *a)

    v = V()
    v.load_state_dict(v.state_dict())
    v.load_state_dict(dict(v.state_dict()))
    v.load_state_dict(v.state_dict(), assign=True)
    assert seen == [{"version": 3}, {}, {"version": 3, "assign_to_params_buffers": True}]
