"""Computed parameters: parametrize, the ready-made parametrizations, the older norms, pruning."""

from __future__ import annotations

import copy
import importlib
import pickle
import warnings

import numpy as np
import pytest

import tallow
from tallow import nn
from tallow.nn.utils import parametrizations, parametrize, prune

STEPS = 3


def tools(lib, name="prune"):
    """A module of nn.utils, which PyTorch does not load by itself."""
    return importlib.import_module(f"{lib.__name__}.nn.utils.{name}")


def old_weight_norm(lib, layer, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return lib.nn.utils.weight_norm(layer, **options)


LAYERS = {
    "weight_norm": lambda lib: lib.nn.utils.parametrizations.weight_norm(lib.nn.Linear(5, 4)),
    "weight_norm whole": lambda lib: lib.nn.utils.parametrizations.weight_norm(
        lib.nn.Linear(5, 4), dim=None
    ),
    "weight_norm conv": lambda lib: lib.nn.utils.parametrizations.weight_norm(
        lib.nn.Conv1d(5, 2, 1), dim=1
    ),
    "spectral_norm": lambda lib: lib.nn.utils.parametrizations.spectral_norm(lib.nn.Linear(5, 4)),
    "spectral_norm bias": lambda lib: lib.nn.utils.parametrizations.spectral_norm(
        lib.nn.Linear(5, 4), "bias"
    ),
    "spectral_norm transposed": lambda lib: lib.nn.utils.parametrizations.spectral_norm(
        lib.nn.ConvTranspose1d(5, 2, 2), n_power_iterations=2
    ),
    "orthogonal householder": lambda lib: lib.nn.utils.parametrizations.orthogonal(
        lib.nn.Linear(5, 4)
    ),
    "orthogonal square": lambda lib: lib.nn.utils.parametrizations.orthogonal(lib.nn.Linear(5, 5)),
    "orthogonal tall": lambda lib: lib.nn.utils.parametrizations.orthogonal(
        lib.nn.Linear(5, 8), orthogonal_map="matrix_exp"
    ),
    "orthogonal cayley": lambda lib: lib.nn.utils.parametrizations.orthogonal(
        lib.nn.Linear(5, 4), orthogonal_map="cayley"
    ),
    "orthogonal plain": lambda lib: lib.nn.utils.parametrizations.orthogonal(
        lib.nn.Linear(5, 8), use_trivialization=False
    ),
    "old weight_norm": lambda lib: old_weight_norm(lib, lib.nn.Linear(5, 4)),
    "old weight_norm whole": lambda lib: old_weight_norm(lib, lib.nn.Linear(5, 4), dim=None),
    "old spectral_norm": lambda lib: lib.nn.utils.spectral_norm(lib.nn.Linear(5, 4)),
    "old spectral_norm conv": lambda lib: lib.nn.utils.spectral_norm(
        lib.nn.ConvTranspose1d(5, 2, 2), n_power_iterations=3
    ),
    "l1_unstructured": lambda lib: tools(lib).l1_unstructured(lib.nn.Linear(5, 4), "weight", 0.3),
    "random_unstructured": lambda lib: tools(lib).random_unstructured(
        lib.nn.Linear(5, 4), "weight", 7
    ),
    "ln_structured": lambda lib: tools(lib).ln_structured(lib.nn.Linear(5, 4), "weight", 2, 1, -1),
    "random_structured": lambda lib: tools(lib).random_structured(
        lib.nn.Linear(5, 4), "weight", 0.5, 0
    ),
    "pruned identity": lambda lib: tools(lib).identity(lib.nn.Linear(5, 4), "bias"),
    "pruned mask": lambda lib: tools(lib).custom_from_mask(
        lib.nn.Linear(5, 4), "bias", lib.tensor([0.0, 1.0, 1.0, 0.0])
    ),
    "pruned thrice": lambda lib: tools(lib).ln_structured(
        tools(lib).random_structured(
            tools(lib).l1_unstructured(lib.nn.Linear(5, 4), "weight", 4), "weight", 1, 1
        ),
        "weight",
        1,
        float("inf"),
        0,
    ),
}


def run(lib, make_layer):
    """Train a layer for some steps; return all it has and gives."""
    lib.manual_seed(5)
    layer = make_layer(lib)
    shape = (2, 5, 3) if "Conv" in type(layer).__name__ else (3, 5)
    optimizer = lib.optim.SGD(layer.parameters(), lr=0.1)
    found = {}
    for step in range(STEPS):
        x = lib.randn(*shape)
        optimizer.zero_grad()
        y = layer(x)
        (y * y).sum().backward()
        found[f"output {step}"] = y
        found.update((f"{step} {name} grad", p.grad) for name, p in layer.named_parameters())
        optimizer.step()
    layer.eval()
    found["evaluated"] = layer(lib.ones(*shape))
    found.update(layer.state_dict())
    return {name: value.detach().numpy() for name, value in found.items()}


@pytest.mark.parametrize("name", LAYERS)
def test_training_is_as_in_pytorch(name, torch):
    ours, theirs = run(tallow, LAYERS[name]), run(torch, LAYERS[name])
    assert list(ours) == list(theirs)
    for key in ours:
        np.testing.assert_allclose(ours[key], theirs[key], rtol=2e-4, atol=2e-5, err_msg=key)


@pytest.mark.parametrize("name", LAYERS)
def test_state_dicts_load_into_pytorch_and_back(name, torch):
    tallow.manual_seed(1)
    layer, other = LAYERS[name](tallow), LAYERS[name](torch)
    state = layer.state_dict()
    other.load_state_dict({key: torch.from_numpy(t.numpy()) for key, t in state.items()})
    again = LAYERS[name](tallow)
    again.load_state_dict({k: tallow.from_numpy(t.numpy()) for k, t in other.state_dict().items()})
    for key, value in again.state_dict().items():
        assert tallow.equal(value, state[key]), key


def test_all_public_names_of_pytorch_are_here(torch):
    for path in ("parametrize", "parametrizations", "prune", "stateless"):
        theirs = tools(torch, path)
        names = getattr(theirs, "__all__", None) or [
            name
            for name, value in vars(theirs).items()
            if getattr(value, "__module__", "") == theirs.__name__ and not name.startswith("_")
        ]
        assert names
        ours = tools(tallow, path)
        assert [name for name in names if not hasattr(ours, name)] == []
    assert [name for name in torch.nn.utils.__all__ if not hasattr(tallow.nn.utils, name)] == []


# parametrize.


class Twice(nn.Module):
    def forward(self, x):
        return 2 * x

    def right_inverse(self, x):
        return x / 2


class Returns(nn.Module):
    def __init__(self, forward, right_inverse=None):
        super().__init__()
        self.function = forward
        if right_inverse is not None:
            self.right_inverse = right_inverse

    def forward(self, *x):
        return self.function(*x)


def test_a_parametrized_tensor_keeps_its_value_and_its_parameter():
    layer = nn.Linear(2, 3)
    weight, value = layer.weight, layer.weight.detach().clone()
    parametrize.register_parametrization(layer, "weight", Twice())
    assert tallow.equal(layer.weight, value)
    assert layer.parametrizations.weight.original is weight
    assert type(layer).__name__ == "ParametrizedLinear"
    assert parametrize.type_before_parametrizations(layer) is nn.Linear


def test_assignment_goes_through_all_right_inverses():
    layer = nn.Linear(2, 3)
    for _ in range(2):
        parametrize.register_parametrization(layer, "weight", Twice())
    layer.weight = tallow.full((3, 2), 8.0)
    assert layer.parametrizations.weight.original.unique().tolist() == [2]
    assert layer.weight.unique().tolist() == [8]


def test_removing_gives_class_and_parameter_back():
    layer = nn.Linear(2, 3)
    weight = layer.weight
    parametrize.register_parametrization(layer, "weight", Twice())
    parametrize.register_parametrization(layer, "bias", Twice())
    parametrize.remove_parametrizations(layer, "bias", leave_parametrized=False)
    assert parametrize.is_parametrized(layer, "weight")
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is nn.Linear
    assert layer.weight is weight
    assert not parametrize.is_parametrized(layer)


def test_buffers_can_be_parametrized():
    layer = nn.BatchNorm1d(3)
    parametrize.register_parametrization(layer, "running_mean", Twice())
    assert "parametrizations.running_mean.original" in dict(layer.named_buffers())


def test_cached_values_are_computed_once_and_forgotten():
    calls = []
    layer = nn.Linear(2, 2)
    parametrize.register_parametrization(
        layer, "weight", Returns(lambda x: calls.append(1) or 2 * x)
    )
    calls.clear()
    with parametrize.cached():
        with parametrize.cached():
            layer(tallow.ones(2))
        layer(tallow.ones(2)).sum().backward()
    assert len(calls) == 1
    layer(tallow.ones(2))
    assert len(calls) == 2


def test_copies_are_independent_and_pickling_is_refused():
    layer = parametrize.register_parametrization(nn.Linear(2, 2), "weight", Twice())
    copied = copy.deepcopy(layer)
    copied.weight = tallow.zeros(2, 2)
    assert layer.weight.count_nonzero() == 4
    with pytest.raises(RuntimeError, match="only supported through state_dict"):
        pickle.dumps(layer)


def test_transfer_shares_the_originals():
    layer = parametrizations.weight_norm(nn.Linear(2, 3))
    other = parametrize.transfer_parametrizations_and_params(layer, nn.Linear(2, 3))
    assert tallow.equal(other.weight, layer.weight)
    with pytest.raises(ValueError, match="does not have a parametrization on bias"):
        parametrize.transfer_parametrizations_and_params(layer, other, "bias")


@pytest.mark.parametrize(
    ("forward", "inverse", "message"),
    [
        (lambda x: 3, None, "A parametrization must return a tensor. Got int."),
        (lambda x: x.double(), None, "Registering a parametrization may not change the dtype"),
        (lambda x: x[:1], None, "Registering a parametrization may not change the shape"),
        (lambda x: x, lambda x: 3, r"'right_inverse' must return a Tensor or a Sequence .* int"),
        (lambda x: x, lambda x: (x, 3), "'right_inverse' must .* Got element 1 of the sequence"),
        (lambda x: x, lambda x: x.double(), "When `right_inverse` outputs one tensor"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(forward, inverse, message):
    layer = nn.Linear(2, 3)
    with pytest.raises(ValueError, match=message):
        parametrize.register_parametrization(layer, "weight", Returns(forward, inverse))
    assert type(layer) is nn.Linear
    assert list(layer.state_dict()) == ["weight", "bias"]


@pytest.mark.parametrize(
    ("forward", "inverse", "message"),
    [
        (lambda x: 3, None, "A parametrization must return a tensor. Got int."),
        (lambda x: x.double(), None, "may not change the dtype .*module.weight.dtype"),
        (lambda x: x, lambda x: 3, "parametrization.right_inverse must return a tensor. Got: int"),
        (lambda x: x, lambda x: x[:1], "must have the same shape as module.weight"),
    ],
)
def test_a_second_parametrization_is_checked_too(forward, inverse, message):
    layer = parametrize.register_parametrization(nn.Linear(2, 3), "weight", Twice())
    with pytest.raises(ValueError, match="(?s)" + message):
        parametrize.register_parametrization(layer, "weight", Returns(forward, inverse))
    assert len(layer.parametrizations.weight) == 1


@pytest.mark.parametrize(
    ("inverse", "message"),
    [
        (lambda x: (x,), "must return a sequence of tensors of length 2. Got a .* length 1"),
        (lambda x: x, "must return a sequence of tensors. Got Tensor"),
        (lambda x: (x, x.double()), "Tensor 1 returned by `right_inverse` has dtype"),
        (lambda x: (x, 3), "Got element 1 of type int"),
    ],
)
def test_assigned_sequences_are_checked(inverse, message):
    product = Returns(lambda x, y: x * y, lambda x: (x, tallow.ones_like(x)))
    layer = parametrize.register_parametrization(nn.Linear(2, 3), "weight", product)
    product.right_inverse = inverse
    before = layer.weight.detach().clone()
    with pytest.raises(ValueError, match=message):
        layer.weight = tallow.ones(3, 2)
    assert tallow.equal(layer.weight, before)
    with pytest.raises(ValueError, match="Cannot leave unparametrized"):
        parametrize.remove_parametrizations(layer, "weight", leave_parametrized=False)


def test_mistakes_in_names():
    layer = nn.Linear(2, 3)
    with pytest.raises(ValueError, match="does not have a parameter, a buffer, or"):
        parametrize.register_parametrization(layer, "no", Twice())
    with pytest.raises(ValueError, match="does not have a parametrization on bias"):
        parametrize.remove_parametrizations(layer, "bias")
    with pytest.raises(AttributeError, match="most similar name here is 'parametrize'"):
        nn.utils.parametrise


# Ready-made ones.


@pytest.mark.parametrize("orthogonal_map", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(4, 4), (3, 5), (5, 3)])
def test_orthogonal_weights_stay_orthogonal_and_can_be_set(orthogonal_map, shape):
    layer = parametrizations.orthogonal(
        nn.Linear(shape[1], shape[0]).double(), orthogonal_map=orthogonal_map
    )

    def error(w):
        short = w if shape[0] <= shape[1] else w.T
        one = tallow.eye(min(shape), dtype=tallow.float64)
        return (short @ short.T - one).abs().max().item()

    layer(tallow.ones(shape[1], dtype=tallow.float64)).square().sum().backward()
    tallow.optim.SGD(layer.parameters(), lr=0.3).step()
    assert error(layer.weight) < 1e-12
    wanted = tallow.linalg.qr(tallow.randn(5, 5, dtype=tallow.float64))[0][: shape[0], : shape[1]]
    if shape[0] == shape[1]:
        wanted = tallow.linalg.qr(tallow.randn(4, 4, dtype=tallow.float64))[0]
    layer.weight = wanted
    assert (layer.weight - wanted).abs().max().item() < 1e-12


def test_orthogonal_refusals():
    with pytest.raises(ValueError, match="has no parameter or buffer with name 'no'"):
        parametrizations.orthogonal(nn.Linear(2, 3), "no")
    with pytest.raises(ValueError, match="Expected a matrix or batch of matrices"):
        parametrizations.orthogonal(nn.Linear(2, 3), "bias")
    with pytest.raises(ValueError, match="orthogonal_map has to be one of"):
        parametrizations.orthogonal(nn.Linear(2, 3), orthogonal_map="no")
    plain = parametrizations.orthogonal(nn.Linear(2, 2), use_trivialization=False)
    with pytest.raises(NotImplementedError, match="It is not possible to assign"):
        plain.weight = tallow.eye(2)


def test_spectral_norm_refusals():
    with pytest.raises(ValueError, match="Expected n_power_iterations to be positive"):
        parametrizations.spectral_norm(nn.Linear(2, 3), n_power_iterations=0)
    with pytest.raises(IndexError, match="Dimension out of range"):
        parametrizations.spectral_norm(nn.Linear(2, 3), dim=5)


def test_spectral_norm_iterates_in_training_only():
    layer = parametrizations.spectral_norm(nn.Linear(8, 9))
    before = layer.parametrizations.weight[0]._u.clone()
    layer.eval()(tallow.ones(8))
    assert tallow.equal(layer.parametrizations.weight[0]._u, before)
    layer.train()(tallow.ones(8))
    assert not tallow.equal(layer.parametrizations.weight[0]._u, before)


# The older forms.


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_old_weight_norm_is_read_by_the_new_one_and_can_be_removed():
    old, new = nn.utils.weight_norm(nn.Linear(2, 3)), parametrizations.weight_norm(nn.Linear(2, 3))
    new.load_state_dict(old.state_dict())
    assert tallow.equal(new.weight, old.weight)
    with pytest.raises(RuntimeError, match="Cannot register two weight_norm hooks"):
        nn.utils.weight_norm(old)
    assert list(nn.utils.remove_weight_norm(old).state_dict()) == ["bias", "weight"]
    assert tallow.equal(new.weight, old.weight)
    with pytest.raises(ValueError, match="weight_norm of 'weight' not found"):
        nn.utils.remove_weight_norm(old)


def test_old_spectral_norm_can_be_removed():
    layer = nn.utils.spectral_norm(nn.Linear(2, 3))
    with pytest.raises(RuntimeError, match="Cannot register two spectral_norm hooks"):
        nn.utils.spectral_norm(layer)
    assert list(nn.utils.remove_spectral_norm(layer).state_dict()) == ["bias", "weight"]
    assert not layer._forward_pre_hooks
    assert not layer._state_dict_hooks
    assert not layer._load_state_dict_pre_hooks
    with pytest.raises(ValueError, match="spectral_norm of 'weight' not found"):
        nn.utils.remove_spectral_norm(layer)


def test_old_spectral_norm_reads_files_without_the_second_vector(torch):
    ours = nn.utils.spectral_norm(nn.Linear(3, 4))
    theirs = torch.nn.utils.spectral_norm(torch.nn.Linear(3, 4))
    state = {name: value.clone() for name, value in ours.state_dict().items() if name != "weight_v"}
    state["weight"] = state["weight_orig"] / 1.5
    theirs.load_state_dict({name: torch.from_numpy(v.numpy()) for name, v in state.items()})
    ours.load_state_dict(state)
    np.testing.assert_allclose(ours.weight_v.numpy(), theirs.weight_v.numpy(), rtol=1e-3)


# Pruning.


def test_global_pruning_is_as_in_pytorch(torch):
    def run(lib):
        lib.manual_seed(3)
        net = lib.nn.Sequential(lib.nn.Linear(4, 5), lib.nn.Conv1d(3, 2, 2))
        p = tools(lib)
        p.ln_structured(net[1], "weight", 1, 2, 0)
        pairs = [(net[0], "bias"), (net[1], "weight"), (net[0], "weight")]
        scores = {(net[0], "bias"): lib.arange(5.0)}
        p.global_unstructured(pairs, p.L1Unstructured, scores, amount=0.4)
        return {name: t.numpy() for name, t in net.state_dict().items()}

    ours, theirs = run(tallow), run(torch)
    assert list(ours) == list(theirs)
    for name in ours:
        np.testing.assert_array_equal(ours[name], theirs[name])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: prune.l1_unstructured(m, "weight", 20), ValueError, "amount=20 should be"),
        (lambda m: prune.l1_unstructured(m, "weight", 1.5), ValueError, "amount=1.5 should either"),
        (lambda m: prune.l1_unstructured(m, "weight", "a"), TypeError, "Invalid type for amount"),
        (lambda m: prune.l1_unstructured(m, "no", 1), AttributeError, "no attribute 'no'"),
        (lambda m: prune.ln_structured(m, "weight", 1, 2, 5), IndexError, "Invalid index 5"),
        (lambda m: prune.ln_structured(m, "bias", 1, 2, 0), ValueError, "Structured pruning can"),
        (lambda m: prune.remove(m, "weight"), ValueError, "Parameter 'weight' of module"),
        (
            lambda m: prune.custom_from_mask(m, "weight", tallow.ones(2, 2)),
            AssertionError,
            "default_mask shape",
        ),
        (
            lambda m: prune.global_unstructured([(m, "weight")], prune.Identity, 3),
            TypeError,
            "importance_scores must be of type dict",
        ),
        (
            lambda m: prune.global_unstructured([(m, "weight")], prune.LnStructured, amount=1, n=1),
            TypeError,
            'Only "unstructured" PRUNING_TYPE',
        ),
        (
            lambda m: prune.l1_unstructured(m, "weight", 1, importance_scores=tallow.ones(2)),
            AssertionError,
            "importance_scores should have the same shape",
        ),
    ],
)
def test_wrong_pruning_changes_nothing(call, error, message):
    layer = nn.Linear(4, 3)
    with pytest.raises(error, match=message):
        call(layer)
    assert list(layer.state_dict()) == ["weight", "bias"]
    assert not layer._forward_pre_hooks


def test_pruned_elements_get_no_gradient_and_stay_zero_when_removed():
    layer = prune.l1_unstructured(nn.Linear(4, 4), "weight", 0.5)
    layer(tallow.ones(4)).sum().backward()
    assert tallow.equal(layer.weight_orig.grad != 0, layer.weight_mask == 1)
    original = layer.weight_orig
    prune.remove(layer, "weight")
    assert layer.weight is original
    assert layer.weight.count_nonzero().item() == 8
    assert not prune.is_pruned(layer)


def test_containers_check_what_they_hold():
    layer = prune.l1_unstructured(nn.Linear(4, 4), "weight", 1)
    prune.l1_unstructured(layer, "weight", 1)
    (container,) = layer._forward_pre_hooks.values()
    assert len(container) == 2
    assert [type(method) for method in container] == [prune.L1Unstructured] * 2
    with pytest.raises(TypeError, match="is not a BasePruningMethod subclass"):
        container.add_pruning_method(3)
    other = prune.Identity()
    other._tensor_name = "bias"
    with pytest.raises(ValueError, match="Can only add pruning methods acting on"):
        container.add_pruning_method(other)


# Small helpers.


def test_weights_of_convolutions_change_their_memory_format():
    net = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Conv1d(2, 2, 2))
    before = net[0].weight.detach().clone()
    nn.utils.convert_conv2d_weight_memory_format(net, tallow.channels_last)
    assert net[0].weight.is_contiguous(memory_format=tallow.channels_last)
    assert tallow.equal(net[0].weight, before)


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_norm_except_dim(dim, torch):
    x = tallow.randn(3, 4, 5)
    ours = tallow.norm_except_dim(x, 2, dim)
    theirs = torch.norm_except_dim(torch.from_numpy(x.numpy()), 2, dim)
    assert tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-6)


@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 3), (0, 3), (2, 0, 3, 2)])
def test_geqrf(shape, torch):
    x = tallow.randn(*shape, dtype=tallow.float64)
    ours, theirs = tallow.geqrf(x), torch.geqrf(torch.from_numpy(x.numpy()))
    np.testing.assert_allclose(ours.a.numpy(), theirs.a.numpy(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours.tau.numpy(), theirs.tau.numpy(), rtol=1e-10, atol=1e-12)


def test_geqrf_refuses():
    with pytest.raises(RuntimeError, match="must have at least 2 dimensions"):
        tallow.geqrf(tallow.ones(3))
    with pytest.raises(NotImplementedError, match="derivative for 'geqrf'"):
        tallow.geqrf(tallow.ones(3, 3, requires_grad=True))
