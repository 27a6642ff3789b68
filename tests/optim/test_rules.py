"""The numbers of each optimiser, compared with PyTorch's over 100 steps and with hand-made ones."""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import pytest

import tallow
from tallow import nn, optim

RULES: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01}),
    ("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"maximize": True, "lr": 0.01}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.01, "lr": 0.01}),
    ("Adam", {"maximize": True, "betas": (0.5, 0.9)}),
    ("AdamW", {"lr": 0.01}),
    ("AdamW", {"amsgrad": True, "eps": 1e-3}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9, "centered": True, "weight_decay": 0.01, "lr": 1e-3}),
    ("Adagrad", {"lr_decay": 0.01, "weight_decay": 0.01, "initial_accumulator_value": 0.1}),
    ("Adadelta", {"weight_decay": 0.1, "rho": 0.8}),
    ("Adamax", {"weight_decay": 0.1}),
    ("NAdam", {}),
    ("NAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {}),
    ("RAdam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("ASGD", {"t0": 10, "weight_decay": 0.01, "lambd": 0.01}),
    ("Rprop", {}),
    ("Adafactor", {}),
    ("Adafactor", {"lr": 0.1, "weight_decay": 0.1, "d": 2.0, "beta2_decay": -0.5}),
    ("Adafactor", {"maximize": True, "eps": (1e-10, 0.1)}),
    ("LBFGS", {}),
    ("LBFGS", {"lr": 0.5, "history_size": 3}),
    ("LBFGS", {"line_search_fn": "strong_wolfe"}),
]
RELATIVE = {"float32": 2e-6, "float64": 1e-13}


def fitted(library: ModuleType, name: str, options: dict[str, Any], dtype: str) -> Any:
    """Fit a small nonlinear model from a fixed start; the same program for both libraries."""
    kind = getattr(library, dtype)
    library.manual_seed(1)
    start = [library.randn(5, 7), library.randn(7), library.randn(())]
    x, y = library.randn(16, 5).to(kind), library.randn(16, 7).to(kind)
    params = [library.nn.Parameter(value.to(kind)) for value in start]
    optimizer = getattr(library.optim, name)(params, **options)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = ((x @ params[0] + params[1] * params[2] - y) ** 2).mean()
        loss.backward()
        return loss

    for _ in range(1 if name == "LBFGS" else 100):
        optimizer.step(closure)
    values = [value for param in params for value in param.detach().reshape(-1).tolist()]
    return values, optimizer.state_dict()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "options"), RULES)
def test_100_steps_give_pytorchs_numbers_and_state(torch, name, options, dtype):
    ours, state = fitted(tallow, name, options, dtype)
    theirs, expected = fitted(torch, name, options, dtype)
    scale = max(map(abs, theirs))
    # Gradients differ in their last bits, which 100 steps of the adaptive rules amplify.
    slack = 200 if name in ("Rprop", "Adadelta", "LBFGS", "RMSprop") else 20
    assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) <= (
        slack * RELATIVE[dtype] * scale
    )
    assert [list(entry) for entry in state["state"].values()] == [
        list(entry) for entry in expected["state"].values()
    ]
    assert state["param_groups"] == expected["param_groups"]


def gradients(library: ModuleType, dtype: Any) -> list[list[Any]]:
    library.manual_seed(7)
    shapes = ((3, 4), (5,), ())
    return [[library.randn(shape).to(dtype) for shape in shapes] for _ in range(100)]


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}])
def test_sgd_has_pytorchs_bits_for_equal_gradients(torch, options):
    def run(library: ModuleType) -> list[Any]:
        params = [library.nn.Parameter(g.clone()) for g in gradients(library, library.float32)[0]]
        optimizer = library.optim.SGD(params, lr=0.1, **options)
        for step in gradients(library, library.float32):
            for param, grad in zip(params, step, strict=True):
                param.grad = grad
            optimizer.step()
        return [param.tolist() for param in params]

    assert run(tallow) == run(torch)


NATIVE = [
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("Adam", {"amsgrad": True, "weight_decay": 0.01}),
    ("AdamW", {"maximize": True}),
]


@pytest.mark.parametrize(("name", "options"), NATIVE)
def test_the_list_kernel_and_the_tensor_operations_agree(name, options, monkeypatch):
    def run() -> list[float]:
        params = [nn.Parameter(g.clone()) for g in gradients(tallow, tallow.float64)[0]]
        optimizer = getattr(optim, name)(params, lr=0.01, **options)
        for step in gradients(tallow, tallow.float64):
            for param, grad in zip(params, step, strict=True):
                param.grad = grad
            optimizer.step()
        return [value for param in params for value in param.reshape(-1).tolist()]

    native = run()
    for module in ("sgd", "adam"):
        monkeypatch.setattr(f"tallow.optim.{module}.suits_native_step", lambda *_: False)
    assert run() == pytest.approx(native, rel=1e-13)


@pytest.mark.parametrize(("name", "options"), NATIVE)
@pytest.mark.parametrize("layout", ["transposed", "expanded gradient", "strided"])
def test_any_memory_layout_gives_the_same_step(name, options, layout):
    values = tallow.randn(4, 6)
    grad = tallow.ones(4, 6) * 0.5

    def run(param: Any, grad: Any) -> Any:
        param = nn.Parameter(param)
        optimizer = getattr(optim, name)([param], lr=0.1, **options)
        for _ in range(3):
            param.grad = grad
            optimizer.step()
        return param.detach()

    expected = run(values.clone(), grad)
    if layout == "transposed":
        result = run(values.t().contiguous().t(), grad.t().contiguous().t())
    elif layout == "strided":
        result = run(tallow.stack([values, values], 2)[..., 0], grad)
    else:
        result = run(values.clone(), tallow.full((), 0.5).expand(4, 6))
    assert result.tolist() == expected.tolist()


@pytest.mark.parametrize("name", sorted({name for name, _ in RULES} - {"Adafactor"}))
def test_a_complex_parameter_moves_like_its_parts(name):
    def run(as_pairs: bool) -> Any:
        values = [[1.0, 2.0], [3.0, -1.0]]
        start = values if as_pairs else [complex(*pair) for pair in values]
        param = nn.Parameter(tallow.tensor(start))
        optimizer = getattr(optim, name)([param], lr=0.1)

        def closure() -> Any:
            optimizer.zero_grad()
            loss = (param * param.conj()).real.sum()
            loss.backward()
            return loss

        for _ in range(3):
            optimizer.step(closure)
        end = param.detach().tolist()
        return end if as_pairs else [[z.real, z.imag] for z in end]

    assert run(as_pairs=False) == [pytest.approx(pair, rel=1e-5) for pair in run(as_pairs=True)]


@pytest.mark.parametrize("name", [name for name in optim.__all__ if name[0].isupper()])
@pytest.mark.parametrize("size", [(), (0,), (1,), (3, 0), (17,), (2, 3, 4)])
def test_every_shape_can_be_stepped(name, size):
    if name in ("Optimizer", "SparseAdam"):
        return  # the latter takes no step at all, see below
    if name == "Muon":
        size = size if len(size) == 2 else (3, 5)
    param = nn.Parameter(tallow.randn(size))
    optimizer = getattr(optim, name)([param])
    before = param.detach().clone()

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (param * param).sum()
        loss.backward()
        return loss

    if name == "LBFGS" and param.numel() == 0:
        return  # there is no direction to go
    optimizer.step(closure)
    assert param.shape == before.shape
    assert param.numel() == 0 or not tallow.equal(param, before)


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW"])
@pytest.mark.parametrize("dtype", [tallow.float16, tallow.bfloat16])
def test_half_types_keep_their_dtype_and_move_the_right_way(name, dtype):
    param = nn.Parameter(tallow.ones(5, dtype=dtype))
    optimizer = getattr(optim, name)([param], lr=0.125)
    param.grad = tallow.ones(5, dtype=dtype)
    optimizer.step()
    assert param.dtype == dtype
    assert param.tolist() == pytest.approx([0.875] * 5, rel=1e-2)


def test_parameters_of_several_types_in_one_group():
    params = [nn.Parameter(tallow.ones(2, dtype=d)) for d in (tallow.float32, tallow.float64)]
    optimizer = optim.Adam(params, lr=0.5)
    for param in params:
        param.grad = tallow.ones_like(param)
    optimizer.step()
    for param in params:
        assert param.tolist() == pytest.approx([0.5, 0.5], rel=1e-6)
    assert optimizer.state[params[1]]["exp_avg"].dtype == tallow.float64


def test_a_learning_rate_may_be_a_tensor():
    rate = tallow.tensor(0.5)
    param = nn.Parameter(tallow.ones(2))
    optimizer = optim.SGD([param], lr=rate)
    param.grad = tallow.ones(2)
    optimizer.step()
    rate.fill_(0.25)
    optimizer.step()
    assert param.tolist() == [0.25, 0.25]


def test_a_parameter_that_gets_its_first_gradient_late():
    early, late = nn.Parameter(tallow.zeros(1)), nn.Parameter(tallow.zeros(1))
    optimizer = optim.SGD([early, late], lr=1.0, momentum=0.5)
    early.grad = tallow.ones(1)
    optimizer.step()
    late.grad = tallow.ones(1)
    optimizer.step()
    assert early.item() == -2.5
    assert late.item() == -1.0


def test_adam_first_step_by_hand():
    param = nn.Parameter(tallow.tensor([1.0], dtype=tallow.float64))
    optimizer = optim.Adam([param], lr=0.1, betas=(0.5, 0.75), eps=0.0)
    for step, grad in enumerate((2.0, -1.0), 1):
        param.grad = tallow.tensor([grad], dtype=tallow.float64)
        optimizer.step()
        if step == 1:
            assert param.item() == pytest.approx(0.9, abs=1e-15)
    mean = (0.5 * 1.0 + 0.5 * -1.0) / (1 - 0.5**2)
    square = (0.75 * 1.0 + 0.25 * 1.0) / (1 - 0.75**2)
    assert param.item() == pytest.approx(0.9 - 0.1 * mean / math.sqrt(square), abs=1e-15)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: optim.SGD(p, lr=-1), "Invalid learning rate: -1"),
        (lambda p: optim.SGD(p, lr=float("nan")), "Invalid learning rate: nan"),
        (lambda p: optim.SGD(p, momentum=-1.0), "Invalid momentum value: -1.0"),
        (lambda p: optim.SGD(p, weight_decay=-1.0), "Invalid weight_decay value: -1.0"),
        (lambda p: optim.SGD(p, nesterov=True), "Nesterov momentum requires a momentum and zero"),
        (lambda p: optim.SGD(p, lr=tallow.ones(2)), "Tensor lr must be 1-element"),
        (lambda p: optim.Adam(p, betas=(1.5, 0.9)), "Invalid beta parameter at index 0: 1.5"),
        (lambda p: optim.Adam(p, betas=(0.5, 1.9)), "Invalid beta parameter at index 1: 1.9"),
        (lambda p: optim.AdamW(p, eps=-1.0), "Invalid epsilon value: -1.0"),
        (lambda p: optim.RMSprop(p, alpha=-2.0), "Invalid alpha value: -2.0"),
        (lambda p: optim.Adagrad(p, lr_decay=-1.0), "Invalid lr_decay value: -1.0"),
        (lambda p: optim.Adadelta(p, rho=2.0), "Invalid rho value: 2.0"),
        (lambda p: optim.NAdam(p, momentum_decay=-1.0), "Invalid momentum_decay value: -1.0"),
        (lambda p: optim.Rprop(p, etas=(2.0, 3.0)), "Invalid eta values: 2.0, 3.0"),
        (lambda p: optim.Adafactor(p, lr=-1.0), "Learning rate should be >= 0 but is: -1.0"),
        (lambda p: optim.Adafactor(p, eps=(-1.0, 1.0)), "epsilon1 should be >= 0 but is: -1.0"),
        (lambda p: optim.Adafactor(p, eps=(1.0, -1.0)), "epsilon2 should be >= 0 but is: -1.0"),
        (lambda p: optim.Adafactor(p, d=0.5), "Clipping threshold d should be >= 1 but is: 0.5"),
        (lambda p: optim.Adafactor(p, beta2_decay=1.0), "beta2_decay should be <= 0 but is: 1.0"),
        (lambda p: optim.Muon(p), "Muon only supports 2D parameters whereas we found"),
        (lambda p: optim.Muon(p, momentum=-1.0), "momentum should be >= 0 but is: -1.0"),
        (lambda p: optim.Muon(p, adjust_lr_fn="no"), "Adjust learning rate function no is not"),
        (lambda p: optim.SparseAdam(p, lr=0), "Invalid learning rate: 0"),
        (lambda p: optim.SparseAdam(p, betas=(0.5, 1.0)), "Invalid beta parameter at index 1: 1"),
        (lambda p: optim.LBFGS([{"params": p}, {"params": []}]), "LBFGS doesn't support per-param"),
    ],
)
def test_options_out_of_range(make, message):
    with pytest.raises(ValueError, match="^" + message):
        make([nn.Parameter(tallow.ones(1))])


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "Adagrad"])
def test_implementation_switches_exclude_each_other(name):
    params = [nn.Parameter(tallow.ones(1))]
    with pytest.raises(RuntimeError, match="`fused` and `foreach` cannot be `True` together"):
        getattr(optim, name)(params, fused=True, foreach=True)
    with pytest.raises(RuntimeError, match="`fused` does not support `differentiable`"):
        getattr(optim, name)(params, fused=True, differentiable=True)


def test_lbfgs_finds_the_minimum_of_rosenbrocks_function():
    point = nn.Parameter(tallow.tensor([-1.5, 2.0], dtype=tallow.float64))
    optimizer = optim.LBFGS([point], line_search_fn="strong_wolfe", max_iter=100)

    def closure() -> Any:
        optimizer.zero_grad()
        x, y = point[0], point[1]
        loss = (1 - x) ** 2 + 100 * (y - x * x) ** 2
        loss.backward()
        return loss

    optimizer.step(closure)
    assert point.tolist() == pytest.approx([1, 1], abs=1e-5)
    with pytest.raises(RuntimeError, match="only 'strong_wolfe' is supported"):
        optim.LBFGS([point], line_search_fn="golden").step(closure)
