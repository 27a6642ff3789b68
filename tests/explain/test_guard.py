"""tallow.nan_guard(): the first producer of NaN or Inf, by module path and op."""

from __future__ import annotations

import gc
import threading

import pytest

import tallow
from tallow import nn
from tallow.autograd import Function

NAN = float("nan")
LAYERS = 50


def deep_net() -> nn.Sequential:
    return nn.Sequential(
        *(nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Identity()) for _ in range(LAYERS))
    )


def caught(model: nn.Module, x: tallow.Tensor | None = None, backward: bool = True, **options):
    """Run one step and return the error it must raise."""
    x = tallow.ones(2, 4) if x is None else x
    with pytest.raises(tallow.NonFiniteError) as caught, tallow.nan_guard(model, **options):
        y = model(x)
        if backward:
            y.sum().backward()
    return caught.value


class NanGradient(Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad):
        return tallow.full(grad.shape, NAN)


class Breaks(nn.Module):
    """Does something to its input."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


@pytest.mark.parametrize("layer", range(LAYERS))
def test_a_bad_weight_is_found_in_every_layer(layer):
    model = deep_net()
    with tallow.no_grad():
        model[layer][0].weight[1, 2] = NAN
    error = caught(model)
    assert (error.path, error.op, error.direction) == (f"{layer}.0", "linear", "forward")
    assert f"parameter {layer}.0.weight" in str(error)
    assert "15 of 16 finite, 1 NaN" in str(error)


@pytest.mark.parametrize("layer", range(LAYERS))
def test_an_op_that_makes_nan_is_found_in_every_layer(layer):
    model = deep_net()
    model[layer][2] = Breaks(lambda x: (x - x).log() * 0)
    error = caught(model)
    assert (error.path, error.op, error.direction) == (f"{layer}.2", "log", "forward")
    assert "its inputs were finite" in str(error)


@pytest.mark.parametrize("layer", range(LAYERS))
def test_a_bad_derivative_is_found_in_every_layer(layer):
    model = deep_net()
    model[layer][2] = Breaks(lambda x: (x - x).sqrt() + x)
    error = caught(model)
    assert (error.path, error.op, error.direction) == (f"{layer}.2", "SqrtBackward0", "backward")


@pytest.mark.parametrize("layer", range(LAYERS))
def test_a_function_with_a_bad_backward_is_found_in_every_layer(layer):
    model = deep_net()
    model[layer][2] = Breaks(NanGradient.apply)
    error = caught(model)
    assert (error.path, error.direction) == (f"{layer}.2", "backward")
    assert error.op == "NanGradientBackward"


@pytest.mark.parametrize("layer", [0, 1, 24, 49])
def test_hooks_that_plant_nan_are_found(layer):
    model = deep_net()
    model[layer][1].register_forward_hook(lambda module, args, output: output * NAN)
    assert caught(model).path == f"{layer}.1"

    model = deep_net()
    hook = model[layer][1].register_full_backward_hook(
        lambda module, grad_input, grad_output: (tallow.full((2, 4), NAN),)
    )
    error = caught(model, tallow.ones(2, 4, requires_grad=True))
    assert (error.path, error.direction) == (f"{layer}.1", "backward")
    assert error.op == "<lambda>"
    hook.remove()

    model[layer][1].register_forward_hook(
        lambda module, args, output: output.register_hook(lambda grad: grad * NAN) and None
    )
    error = caught(model)
    assert (error.path, error.direction) == (f"{layer}.1", "backward")


def test_a_module_that_returns_nan_without_computing_it_is_found():
    model = deep_net()
    model[3][2] = Breaks(lambda x: tallow.full((2, 4), NAN))
    error = caught(model)
    assert error.path == "3.2"
    assert "which no op has computed" in str(error)


def test_bad_input_is_named_before_the_first_op():
    x = tallow.ones(2, 4)
    x[1, 1] = NAN
    error = caught(deep_net(), x)
    assert "NaN in input 0 of Sequential, before its first op" in str(error)
    assert "7 of 8 finite, 1 NaN" in str(error)


def test_the_message_says_everything():
    model = nn.Sequential(nn.Linear(2, 2))
    guard = tallow.nan_guard(model)
    with tallow.no_grad():
        model[0].weight.copy_(tallow.eye(2))
        model[0].bias.zero_()
    with guard:
        model(tallow.ones(1, 2))
        with tallow.no_grad():
            model[0].bias[0] = NAN
        with pytest.raises(tallow.NonFiniteError) as caught:
            model(tallow.tensor([[1.0, 3.0]]))
    assert str(caught.value).split("\n") == [
        "NaN in the output of op linear in 0 (Linear), forward pass of call 2 of the model",
        "  its inputs were bad already: parameter 0.bias",
        "  input 0: f32[1, 2], from 1 to 3, 2 of 2 finite",
        "  input 1 (0.weight): f32[2, 2], from 0 to 1, 4 of 4 finite",
        "  input 2 (0.bias): f32[2], from 0 to 0, 1 of 2 finite, 1 NaN",
    ]
    assert caught.value.iteration == 2


def test_infinities_count_unless_switched_off():
    model = nn.Sequential(nn.Linear(2, 2), Breaks(lambda x: x / 0))
    x = tallow.ones(1, 2)
    error = caught(model, x, backward=False)
    assert (error.path, error.op) == ("1", "div")
    assert str(error).startswith("Inf in the output of op div in 1 (Breaks)")
    with tallow.nan_guard(model, inf=False):
        model(x)


def test_infinities_that_the_program_writes_are_no_find():
    mask = tallow.tensor([[True, False]])
    attend = Breaks(lambda x: x.masked_fill(mask, -tallow.inf).softmax(1))
    add = Breaks(lambda x: (x + tallow.tensor([-tallow.inf, 0.0])).softmax(1))
    with tallow.nan_guard(nn.Sequential(nn.Linear(2, 2), attend, add)) as guard:
        guard(tallow.ones(1, 2)).sum().backward()


def test_large_finite_values_are_no_find():
    model = nn.Sequential(Breaks(lambda x: x * 3e38))
    with tallow.nan_guard(model):
        model(tallow.ones(64))


@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16, tallow.float64])
def test_other_dtypes_are_checked(dtype):
    model = nn.Sequential(Breaks(lambda x: x * 2), Breaks(lambda x: x.log()))
    with tallow.nan_guard(model):
        model(tallow.full((300,), 2.0, dtype=dtype))
    assert caught(model, tallow.full((3,), -1.0, dtype=dtype), backward=False).path == "1"


def test_overflow_of_half_precision_is_found():
    model = nn.Sequential(Breaks(lambda x: x * x))
    error = caught(model, tallow.full((4,), 300.0, dtype=tallow.float16), backward=False)
    assert str(error).startswith("Inf in the output of op mul in 0 (Breaks)")


def test_what_is_checked_can_be_chosen():
    model = nn.Sequential(Breaks(lambda x: (x - x).sqrt() + x))
    x = tallow.ones(2, requires_grad=True)
    with tallow.nan_guard(model, check="forward"):
        model(x).sum().backward()
    assert caught(model, x, check="backward").direction == "backward"
    model = nn.Sequential(Breaks(lambda x: x.log()))
    with tallow.nan_guard(model, check="backward"):
        model(-x)


def test_warn_and_callback_report_once_per_iteration():
    model = nn.Sequential(Breaks(lambda x: x.log()), Breaks(lambda x: x + 1))
    x = -tallow.ones(2)
    with tallow.nan_guard(model, action="warn"):
        for _ in range(2):
            with pytest.warns(RuntimeWarning, match="op log in 0") as warned:
                model(x)
            assert len(warned) == 1
    finds: list[tallow.NonFiniteError] = []
    with tallow.nan_guard(model, action=finds.append):
        for _ in range(3):
            model(x)
    assert [(find.path, find.op, find.iteration) for find in finds] == [
        ("0", "log", 1),
        ("0", "log", 2),
        ("0", "log", 3),
    ]


def test_called_like_the_model_it_checks_the_backward_pass_too():
    model = nn.Sequential(Breaks(lambda x: (x - x).sqrt() + x))
    guarded = tallow.nan_guard(model)
    y = guarded(tallow.ones(2, requires_grad=True))
    tallow.zeros(2).log()  # outside: nobody looks
    with pytest.raises(tallow.NonFiniteError, match="SqrtBackward0 of 0"):
        y.sum().backward()
    guarded.close()
    assert tallow._C._watcher() is None


def test_a_guard_that_is_gone_checks_nothing():
    model = nn.Sequential(nn.Linear(2, 2))
    guarded = tallow.nan_guard(model)
    guarded(tallow.ones(1, 2))
    assert tallow._C._watcher() is not None
    del guarded
    assert tallow._C._watcher() is None


def test_code_outside_the_model_is_called_so():
    model = nn.Linear(2, 2)
    with pytest.raises(tallow.NonFiniteError) as caught, tallow.nan_guard(model):
        (model(tallow.ones(1, 2)) * 0).log().sum()
    assert caught.value.path is None
    assert "Inf in the output of op log in code outside the model" in str(caught.value)


def test_it_works_inside_explain():
    model = nn.Sequential(nn.Linear(2, 2), Breaks(lambda x: (x * 0).log()))
    with tallow.explain() as trace:
        error = caught(model, tallow.ones(1, 2))
    assert error.path == "1"
    assert trace.find("call", "Breaks")[0].error.startswith("NonFiniteError")


def test_the_graph_and_the_model_stay_usable():
    model = nn.Sequential(nn.Linear(2, 2), Breaks(lambda x: (x - x).sqrt() + x))
    x = tallow.ones(1, 2)
    caught(model, x)
    model.zero_grad()
    model[1] = nn.ReLU()
    model(x).sum().backward()
    assert model[0].weight.grad.isfinite().all()
    gc.collect()


def test_other_threads_are_not_checked():
    model = nn.Sequential(Breaks(lambda x: x.log()))
    errors: list[BaseException] = []

    def work() -> None:
        try:
            model(-tallow.ones(2))
        except BaseException as error:
            errors.append(error)

    with tallow.nan_guard(model):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert not errors


def test_misuse_is_refused():
    model = nn.Linear(1, 1)
    with pytest.raises(TypeError, match="model must be a Module, not function"):
        tallow.nan_guard(lambda x: x)
    with pytest.raises(ValueError, match="check must be among .* got 'all'"):
        tallow.nan_guard(model, check="all")
    with pytest.raises(ValueError, match="action must be among .* got 'log'"):
        tallow.nan_guard(model, action="log")
    with tallow.nan_guard(model) as guard, pytest.raises(RuntimeError, match="active already"):
        guard.__enter__()
