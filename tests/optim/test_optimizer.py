"""Parameter groups, state, hooks and checkpoints of the optimiser base class."""

from __future__ import annotations

import copy
import pickle

import pytest

import tallow
from tallow import nn
from tallow.optim import SGD, Adam, AdamW, Optimizer
from tallow.optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)


def parameter(*values: float) -> nn.Parameter:
    return nn.Parameter(tallow.tensor(values or (1.0, 1.0)))


def stepped(optimizer: Optimizer) -> Optimizer:
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = tallow.ones_like(p)
    optimizer.step()
    return optimizer


# ---- what may be optimised


@pytest.mark.parametrize(
    ("params", "kind", "message"),
    [
        (list, ValueError, "optimizer got an empty parameter list"),
        (
            lambda: [5],
            TypeError,
            "optimizer can only optimize Tensors, but one of the params is int",
        ),
        (lambda: [[parameter()]], TypeError, "optimizer can only optimize Tensors"),
        (lambda: [parameter() * 1], ValueError, "can't optimize a non-leaf Tensor"),
        (lambda: tallow.ones(1), TypeError, "params argument given to the optimizer should be an"),
        (
            lambda: [{"params": {parameter()}}],
            TypeError,
            "optimizer parameters need to be organized",
        ),
        (lambda: [("a", parameter()), parameter()], ValueError, "all optimizer params should be"),
        (lambda: [{"params": [parameter()]}, 5], TypeError, "param_group must be a dict, but got"),
        (lambda: [{"lr": 1.0}], KeyError, "'params'"),
    ],
)
def test_bad_parameters_are_refused(params, kind, message):
    with pytest.raises(kind) as error:
        SGD(params(), lr=0.1)
    assert str(error.value).startswith(message)


def test_one_tensor_as_a_group_and_a_generator_are_accepted():
    p = parameter()
    assert SGD([{"params": p}]).param_groups[0]["params"] == [p]
    assert SGD(x for x in [p]).param_groups[0]["params"] == [p]


def test_a_parameter_listed_twice_is_a_warning_and_in_two_groups_an_error():
    p = parameter()
    with pytest.warns(UserWarning, match="optimizer contains a parameter group with duplicate"):
        SGD([p, p])
    with pytest.raises(ValueError, match="some parameters appear in more than one parameter group"):
        SGD([{"params": [p]}, {"params": [p]}])


def test_a_refused_group_leaves_the_optimiser_and_the_dict_as_they_were():
    p = parameter()
    optimizer = SGD([p])
    group = {"params": p, "lr": 5.0}
    with pytest.raises(ValueError, match="more than one"):
        optimizer.add_param_group(group)
    assert len(optimizer.param_groups) == 1
    assert group == {"params": p, "lr": 5.0}


def test_groups_take_missing_options_from_the_defaults():
    optimizer = SGD([{"params": [parameter()], "lr": 0.5}, {"params": [parameter()]}], lr=0.1)
    assert [group["lr"] for group in optimizer.param_groups] == [0.5, 0.1]
    optimizer.add_param_group({"params": parameter(), "momentum": 0.9})
    assert optimizer.param_groups[2]["momentum"] == 0.9


def test_required_options():
    class Mine(Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": required})

    with pytest.raises(ValueError, match="didn't specify a value of required optimization param"):
        Mine([parameter()])
    assert Mine([{"params": [parameter()], "lr": 1}]).param_groups[0]["lr"] == 1
    assert repr(required) == "<required parameter>"


def test_named_parameters_are_kept_with_their_names():
    net = nn.Linear(2, 2)
    optimizer = SGD(net.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]
    with pytest.raises(ValueError, match="cannot add param group without names"):
        optimizer.add_param_group({"params": [parameter()]})


def test_repr_lists_options_sorted_and_without_the_parameters():
    assert repr(SGD([parameter()], lr=0.1)) == (
        "SGD (\nParameter Group 0\n    dampening: 0\n    differentiable: False\n    foreach: None\n"
        "    fused: None\n    lr: 0.1\n    maximize: False\n    momentum: 0\n    nesterov: False\n"
        "    weight_decay: 0\n)"
    )


# ---- gradients and closures


def test_zero_grad_drops_or_clears_gradients():
    p = parameter()
    optimizer = SGD([p])
    p.grad = grad = tallow.ones(2)
    optimizer.zero_grad(set_to_none=False)
    assert p.grad is grad
    assert grad.tolist() == [0, 0]
    optimizer.zero_grad()
    assert p.grad is None


def test_a_closure_runs_with_gradients_and_its_loss_is_returned():
    p = parameter(2.0)
    optimizer = SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with tallow.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 4
    assert p.item() == 1


def test_parameters_without_gradient_are_left_alone():
    a, b = parameter(), parameter()
    optimizer = Adam([a, b], lr=0.1)
    a.grad = tallow.ones(2)
    optimizer.step()
    assert b.tolist() == [1, 1]
    assert list(optimizer.state_dict()["state"]) == [0]


def test_a_step_is_not_recorded_and_bumps_the_version_once():
    p = parameter()
    version = p._version
    stepped(Adam([p]))
    assert p.is_leaf
    assert p.requires_grad
    assert p._version == version + 1


def test_a_differentiable_step_is_recorded():
    leaf = tallow.ones(2, requires_grad=True)
    p = leaf.clone()
    p.grad = tallow.ones(2)
    SGD([p], lr=0.5, differentiable=True).step()
    p.sum().backward()
    assert leaf.grad.tolist() == [1, 1]


# ---- hooks


def test_step_hooks_run_global_then_local_and_in_reverse_after():
    log = []
    optimizer = SGD([parameter()])
    optimizer.register_step_pre_hook(lambda o, args, kwargs: log.append(("pre", args, kwargs)))
    optimizer.register_step_post_hook(lambda o, args, kwargs: log.append(("post", args, kwargs)))
    handles = [
        register_optimizer_step_pre_hook(lambda o, a, k: log.append(("global pre", a, k))),
        register_optimizer_step_post_hook(lambda o, a, k: log.append(("global post", a, k))),
    ]
    optimizer.step(closure=None)
    for handle in handles:
        handle.remove()
    seen = ((optimizer,), {"closure": None})
    assert log == [(name, *seen) for name in ("global pre", "pre", "post", "global post")]
    optimizer.step()
    assert len(log) == 6


def test_a_pre_hook_may_replace_the_arguments():
    optimizer = SGD([parameter()])
    optimizer.register_step_pre_hook(lambda o, args, kwargs: (args, {"closure": lambda: 7}))
    assert optimizer.step() == 7


def test_a_pre_hook_with_another_result_is_an_error():
    optimizer = SGD([parameter()])
    optimizer.register_step_pre_hook(lambda *_: 5)
    with pytest.raises(RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwarg"):
        optimizer.step()


def test_a_step_of_a_subclass_is_wrapped_once():
    calls = []

    class Mine(SGD):
        def step(self, closure=None):
            calls.append("mine")
            return super().step(closure)

    optimizer = Mine([parameter()])
    optimizer.register_step_pre_hook(lambda *_: calls.append("hook"))
    optimizer.step()
    # The step of the base class is a step as well: PyTorch runs its hooks there too.
    assert calls == ["hook", "mine", "hook"]


def test_state_dict_hooks():
    log = []
    optimizer = SGD([parameter()])
    optimizer.register_state_dict_pre_hook(lambda o: log.append("second"))
    optimizer.register_state_dict_pre_hook(lambda o: log.append("first"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda o, state: {"keys": list(state)})
    assert optimizer.state_dict() == {"keys": ["state", "param_groups"]}
    assert log == ["first", "second"]


def test_load_state_dict_hooks():
    log = []
    optimizer = SGD([parameter()])
    good = {"state": {}, "param_groups": [{"params": [0], "lr": 9}]}
    optimizer.register_load_state_dict_pre_hook(lambda o, state: good)
    optimizer.register_load_state_dict_post_hook(lambda o: log.append(o.param_groups[0]["lr"]))
    optimizer.load_state_dict({"something": "else"})
    assert log == [9]


# ---- checkpoints


def test_state_dict_numbers_parameters_across_groups():
    optimizer = Adam([{"params": [parameter(), parameter()]}, {"params": [parameter()]}])
    state = stepped(optimizer).state_dict()
    assert [group["params"] for group in state["param_groups"]] == [[0, 1], [2]]
    assert list(state["state"]) == [0, 1, 2]
    assert list(state["state"][0]) == ["step", "exp_avg", "exp_avg_sq"]
    assert state["state"][0]["step"].dtype == tallow.float32
    assert list(state["param_groups"][0])[-1] == "params"


def test_sgd_without_momentum_keeps_no_state():
    assert stepped(SGD([parameter()])).state_dict()["state"] == {}


def test_loaded_state_continues_the_run():
    a, b = parameter(), parameter()
    first, second = Adam([a], lr=0.1, amsgrad=True), Adam([b], lr=0.5)
    stepped(first)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    b.data.copy_(a.data)
    stepped(first)
    stepped(second)
    assert a.tolist() == b.tolist()
    assert second.param_groups[0]["amsgrad"] is True


def test_loading_converts_state_to_the_parameter_but_not_the_step():
    saved = stepped(Adam([parameter()])).state_dict()
    p = nn.Parameter(tallow.ones(2, dtype=tallow.float64))
    optimizer = Adam([p])
    optimizer.load_state_dict(saved)
    assert optimizer.state[p]["exp_avg"].dtype == tallow.float64
    assert optimizer.state[p]["step"].dtype == tallow.float32


def test_loading_a_step_number_from_old_files():
    p = parameter()
    optimizer = Adam([p])
    state = {"step": 5, "exp_avg": tallow.ones(2), "exp_avg_sq": tallow.ones(2)}
    optimizer.load_state_dict({"state": {0: state}, "param_groups": [{"params": [0]}]})
    assert optimizer.state[p]["step"].item() == 5
    assert optimizer.param_groups[0]["betas"] == (0.9, 0.999)


def test_nested_state_is_converted_too():
    p = parameter()
    optimizer = SGD([p])
    state = {
        "list": [tallow.ones(1, dtype=tallow.float64), 3],
        "dict": {"x": tallow.ones(1).half()},
    }
    optimizer.load_state_dict(
        {"state": {0: state, "global": 5}, "param_groups": [{"params": [0], "lr": 1.0}]}
    )
    assert optimizer.state[p]["list"][0].dtype == tallow.float32
    assert optimizer.state[p]["dict"]["x"].dtype == tallow.float32
    assert optimizer.state["global"] == 5


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([[1], [1]], "loaded state dict has a different number of parameter groups"),
        ([[1, 2]], "loaded state dict contains a parameter group that doesn't match the size of"),
    ],
)
def test_loading_a_different_structure_fails_and_changes_nothing(groups, message):
    optimizer = stepped(SGD([parameter()], lr=0.1))
    loaded = {"state": {}, "param_groups": [{"params": ids, "lr": 9.0} for ids in groups]}
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(loaded)
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_names_survive_loading():
    optimizer = SGD([("b", parameter())], lr=0.2)
    optimizer.load_state_dict(SGD([parameter()], lr=0.3).state_dict())
    assert optimizer.param_groups[0]["param_names"] == ["b"]


def test_pickle_and_deepcopy():
    optimizer = stepped(SGD([parameter()], lr=0.1, momentum=0.9))
    for other in (pickle.loads(pickle.dumps(optimizer)), copy.deepcopy(optimizer)):
        assert repr(other) == repr(optimizer)
        (p,) = other.param_groups[0]["params"]
        assert other.state[p]["momentum_buffer"].tolist() == [1, 1]
        stepped(other)


def test_adamw_is_an_adam_with_decoupled_decay():
    assert isinstance(AdamW([parameter()]), Adam)
    assert AdamW([parameter()]).param_groups[0]["decoupled_weight_decay"] is True
