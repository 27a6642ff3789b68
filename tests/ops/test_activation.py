"""Activations: accuracy, limits, in-place forms, derivatives at the kinks, errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tallow
import tallow.nn.functional as F
from ulp import spread_floats, ulp_error

erfc = np.vectorize(math.erfc, otypes=[np.float64])


def softplus(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def gelu_tanh(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


ACCURACY: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any], float, float, float]] = [
    ("gelu", F.gelu, lambda x: 0.5 * x * erfc(-x / math.sqrt(2)), 0.0, 20.0, 2.0),
    ("gelu", F.gelu, lambda x: 0.5 * x * erfc(-x / math.sqrt(2)), -13.0, 0.0, 5.0),
    ("gelu-tanh", lambda x: F.gelu(x, approximate="tanh"), gelu_tanh, -7.0, 20.0, 0.51),
    ("silu", F.silu, lambda x: x / (1 + np.exp(-x)), -88.0, 20.0, 2.0),
    ("mish", F.mish, lambda x: x * np.tanh(softplus(x)), -80.0, 20.0, 0.51),
    ("softplus", F.softplus, softplus, -80.0, 20.0, 1.5),
    ("logsigmoid", F.logsigmoid, lambda x: -softplus(-x), -100.0, 80.0, 1.5),
    ("elu", F.elu, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), -50.0, 50.0, 0.51),
]


@pytest.mark.parametrize(("name", "function", "reference", "low", "high", "bound"), ACCURACY)
def test_float32_error_is_below_the_bound(
    name: str,
    function: Callable[[Any], Any],
    reference: Callable[[Any], Any],
    low: float,
    high: float,
    bound: float,
) -> None:
    x = spread_floats(low, high)
    result = function(tallow.from_numpy(x)).numpy()
    assert ulp_error(result, reference(x.astype(np.float64))) <= bound


# What each activation tends to at minus and plus infinity.
LIMITS = [
    (F.relu, 0.0, math.inf),
    (F.relu6, 0.0, 6.0),
    (F.leaky_relu, -math.inf, math.inf),
    (F.elu, -1.0, math.inf),
    (F.celu, -1.0, math.inf),
    (F.selu, -1.7580993408473766, math.inf),
    (F.gelu, 0.0, math.inf),
    (lambda x: F.gelu(x, approximate="tanh"), 0.0, math.inf),
    (F.silu, 0.0, math.inf),
    (F.mish, 0.0, math.inf),
    (F.softplus, 0.0, math.inf),
    (F.logsigmoid, -math.inf, 0.0),
    (F.hardtanh, -1.0, 1.0),
    (F.hardsigmoid, 0.0, 1.0),
    (F.hardshrink, -math.inf, math.inf),
    (F.softshrink, -math.inf, math.inf),
]


@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64, tallow.float16])
@pytest.mark.parametrize(("function", "low", "high"), LIMITS)
def test_infinities_give_the_limits_and_nan_stays(
    function: Callable[[Any], Any], low: float, high: float, dtype: Any
) -> None:
    result = function(tallow.tensor([-math.inf, math.inf, math.nan], dtype=dtype)).tolist()
    assert result[0] == pytest.approx(low, rel=1e-3)
    assert result[1] == pytest.approx(high, rel=1e-3)
    assert math.isnan(result[2])


@pytest.mark.parametrize(
    "function",
    [F.gelu, F.silu, F.mish, F.softplus, F.elu, lambda x: F.gelu(x, approximate="tanh")],
)
def test_slopes_of_smooth_activations_have_limits_too(function: Callable[[Any], Any]) -> None:
    x = tallow.tensor([-math.inf, -1e30, 1e30, math.inf], requires_grad=True)
    function(x).sum().backward()
    assert x.grad.tolist() == [0.0, 0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("function", "points", "slopes"),
    [
        (F.relu, [-0.0, 0.0], [0.0, 0.0]),
        (F.relu6, [0.0, 6.0], [0.0, 0.0]),
        (F.leaky_relu, [0.0], [0.01]),
        (lambda x: F.elu(x, 2.0), [0.0], [2.0]),
        (F.hardtanh, [-1.0, 1.0], [0.0, 0.0]),
        (F.hardswish, [-3.0, 3.0], [0.0, 1.0]),
        (F.hardsigmoid, [-3.0, 3.0], [0.0, 0.0]),
        (F.hardshrink, [-0.5, 0.5], [0.0, 0.0]),
        (F.softshrink, [-0.5, 0.5], [0.0, 0.0]),
        (lambda x: F.threshold(x, 1.0, 7.0), [1.0, 1.5], [0.0, 1.0]),
    ],
)
def test_slope_at_a_kink(
    function: Callable[[Any], Any], points: list[float], slopes: list[float]
) -> None:
    x = tallow.tensor(points, requires_grad=True)
    function(x).sum().backward()
    assert x.grad.tolist() == pytest.approx(slopes)


INPLACE = [F.relu, F.relu6, F.leaky_relu, F.elu, F.selu, F.celu, F.silu, F.mish, F.hardtanh]


@pytest.mark.parametrize("function", [*INPLACE, F.hardswish, F.hardsigmoid])
def test_inplace_form_has_the_values_and_gradients_of_the_other(
    function: Callable[..., Any],
) -> None:
    data = tallow.linspace(-4, 4, 33, dtype=tallow.float64)
    results = []
    for inplace in (False, True):
        x = data.clone().requires_grad_()
        y = x * 1
        z = function(y, inplace=inplace)
        assert (z is y) == inplace
        z.square().sum().backward()
        results.append((z.detach(), x.grad))
    assert tallow.equal(results[0][0], results[1][0])
    tallow.testing.assert_close(results[0][1], results[1][1])


@pytest.mark.parametrize("function", [F.leaky_relu, F.elu])
def test_inplace_form_with_a_decreasing_branch_is_differentiable(
    function: Callable[..., Any],
) -> None:
    x = tallow.tensor([-1.0, 2.0], requires_grad=True)
    function(x * 1, -0.5, inplace=True).sum().backward()
    expected = -0.5 * math.exp(-1) if function is F.elu else -0.5
    assert x.grad.tolist() == pytest.approx([expected, 1.0])


def test_relu_of_integers_and_negative_zero() -> None:
    assert F.relu(tallow.tensor([-2, 3])).tolist() == [0, 3]
    assert math.copysign(1, F.relu(tallow.tensor([-0.0])).item()) == -1


def test_prelu_broadcasts_its_weight_over_channels() -> None:
    x = -tallow.ones(2, 3, 2)
    weight = tallow.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = F.prelu(x, weight)
    assert y[0].tolist() == [[-1.0, -1.0], [-2.0, -2.0], [-3.0, -3.0]]
    y.sum().backward()
    assert weight.grad.tolist() == [-4.0, -4.0, -4.0]
    assert F.prelu(tallow.tensor(-1.0), tallow.tensor([0.5])).item() == -0.5


def test_glu_gates_the_first_half_with_the_second() -> None:
    x = tallow.tensor([[1.0, 2.0, 0.0, 100.0]])
    assert F.glu(x).tolist() == [[0.5, 2.0]]
    assert F.glu(x.T, dim=0).tolist() == [[0.5], [2.0]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: F.relu(tallow.tensor([True])),
            RuntimeError,
            "Boolean inputs not supported for relu",
        ),
        (
            lambda: F.gelu(tallow.tensor([1])),
            NotImplementedError,
            "\"GeluKernelImpl\" not implemented for 'Long'",
        ),
        (
            lambda: F.gelu(tallow.ones(1), approximate="x"),
            RuntimeError,
            "approximate argument must be either none or tanh.",
        ),
        (
            lambda: F.hardtanh(tallow.ones(1), 2.0, 1.0),
            ValueError,
            "min_val cannot be greater than max_val",
        ),
        (
            lambda: F.celu(tallow.ones(1), 0.0),
            RuntimeError,
            "ZeroDivisionError: alpha cannot be 0 for CELU",
        ),
        (
            lambda: F.softshrink(tallow.ones(1), -1),
            RuntimeError,
            "lambda must be in range [0, 3.40282e+38] for input dtype Float, but found -1",
        ),
        (
            lambda: F.prelu(tallow.ones(2, 3), tallow.ones(2)),
            RuntimeError,
            "Mismatch of parameter numbers and input channel size. Found parameter numbers = 2 and "
            "channel size = 3.",
        ),
        (
            lambda: F.glu(tallow.ones(3)),
            RuntimeError,
            "Halving dimension must be even, but dimension 0 is size 3",
        ),
        (
            lambda: F.glu(tallow.tensor(1.0)),
            RuntimeError,
            "glu does not support scalars because halving size must be even",
        ),
    ],
)
def test_wrong_input(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        call()
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize(
    ("function", "node"),
    [
        (F.relu, "ReluBackward0"),
        (F.relu6, "HardtanhBackward0"),
        (F.leaky_relu, "LeakyReluBackward0"),
        (F.elu, "EluBackward0"),
        (F.celu, "CeluBackward0"),
        (F.gelu, "GeluBackward0"),
        (F.silu, "SiluBackward0"),
        (F.softplus, "SoftplusBackward0"),
        (F.logsigmoid, "LogSigmoidBackward0"),
        (F.hardswish, "HardswishBackward0"),
        (F.glu, "GluBackward0"),
        (F.tanhshrink, "SubBackward0"),
        (F.softsign, "DivBackward0"),
    ],
)
def test_graph_nodes_have_pytorch_names(function: Callable[[Any], Any], node: str) -> None:
    assert function(tallow.ones(2, requires_grad=True)).grad_fn.name() == node


def test_bounds_of_hardtanh_lose_their_fractions_for_unsigned_integers() -> None:
    x = tallow.tensor([0, 1, 200], dtype=tallow.uint8)
    assert tallow.nn.functional.hardtanh(x, -0.5, 3.5).tolist() == [0, 1, 3]
    with pytest.raises(RuntimeError, match="unsigned type with negative limits"):
        tallow.nn.functional.hardtanh(x, -1.0, 1.0)
