"""nn.init: bounds, moments, shapes, errors, and the stream of random numbers."""

from __future__ import annotations

import math

import pytest

import tallow
from tallow import nn
from tallow.nn import init


def empty(*shape):
    return tallow.empty(*shape)


def test_initialisers_return_their_argument_and_record_nothing():
    weight = nn.Parameter(empty(3, 3))
    for fill in (init.uniform_, init.normal_, init.ones_, init.zeros_, init.eye_):
        assert fill(weight) is weight
        assert weight.grad_fn is None
        assert weight.requires_grad


@pytest.mark.parametrize(
    ("name", "gain"), [("linear", 1), ("tanh", 5 / 3), ("relu", math.sqrt(2)), ("selu", 0.75)]
)
def test_gains(name, gain):
    assert init.calculate_gain(name) == gain


def test_an_unknown_nonlinearity_is_refused():
    with pytest.raises(ValueError, match="^Unsupported nonlinearity foo$"):
        init.calculate_gain("foo")


def test_xavier_and_kaiming_stay_inside_their_bounds():
    bound = math.sqrt(6 / (30 + 20))
    assert init.xavier_uniform_(empty(20, 30)).abs().max() <= bound
    bound = math.sqrt(6 / 30)
    assert init.kaiming_uniform_(empty(20, 30), nonlinearity="relu").abs().max() <= bound


def test_the_standard_deviation_follows_the_fan():
    values = init.kaiming_normal_(empty(200, 300), mode="fan_out", nonlinearity="relu")
    assert values.std().item() == pytest.approx(math.sqrt(2 / 200), rel=0.02)


def test_fans_count_the_window():
    assert init._calculate_fan_in_and_fan_out(empty(2, 3, 4, 5)) == (60, 40)


@pytest.mark.parametrize(("a", "b"), [(-2.0, 2.0), (-0.1, 0.1), (1.0, 5.0), (2.5, 3.0)])
def test_truncated_values_stay_inside(a, b):
    filter_ = pytest.warns(UserWarning) if a > 2 else None
    if filter_ is None:
        values = init.trunc_normal_(empty(1000), a=a, b=b)
    else:
        with filter_:
            values = init.trunc_normal_(empty(1000), a=a, b=b)
    assert values.min() >= a
    assert values.max() <= b


@pytest.mark.parametrize("shape", [(3, 5), (5, 3), (4, 4), (2, 3, 2), (1, 7)])
def test_orthogonal_gives_orthonormal_rows_or_columns(shape):
    matrix = init.orthogonal_(empty(*shape), gain=2.0).reshape(shape[0], -1) / 2
    product = matrix @ matrix.t() if shape[0] <= matrix.shape[1] else matrix.t() @ matrix
    assert tallow.allclose(product, tallow.eye(product.shape[0]), atol=1e-6)


def test_dirac_keeps_the_input_of_a_convolution():
    x = tallow.rand(1, 3, 5, 5)
    weight = init.dirac_(empty(3, 3, 3, 3))
    assert tallow.equal(nn.functional.conv2d(x, weight, padding=1), x)


def test_sparse_zeroes_a_fraction_of_each_column():
    values = init.sparse_(empty(10, 4), sparsity=0.35)
    assert (values == 0).sum(0).tolist() == [4] * 4


@pytest.mark.parametrize(
    ("fill", "shape", "message"),
    [
        (init.eye_, (3,), "Only tensors with 2 dimensions are supported"),
        (init.dirac_, (3, 3), "Only tensors with 3, 4, or 5 dimensions are supported"),
        (init.orthogonal_, (3,), "Only tensors with 2 or more dimensions are supported"),
        (init.xavier_uniform_, (3,), "Fan in and fan out can not be computed"),
    ],
)
def test_wrong_shapes_are_refused(fill, shape, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        fill(empty(*shape))


def test_an_empty_tensor_is_left_alone_with_a_warning():
    with pytest.warns(UserWarning, match="Initializing zero-element tensors is a no-op"):
        init.kaiming_uniform_(empty(0, 3))


def test_old_names_warn():
    with pytest.warns(FutureWarning, match=r"`nn.init.constant` is now deprecated"):
        assert init.constant(empty(2), 3.0).tolist() == [3, 3]


def test_a_generator_can_be_given():
    first = init.normal_(empty(5), generator=tallow.Generator().manual_seed(3))
    second = init.normal_(empty(5), generator=tallow.Generator().manual_seed(3))
    assert tallow.equal(first, second)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("uniform_", (-1.0, 2.0)),
        ("normal_", (1.0, 0.5)),
        ("trunc_normal_", (0.0, 1.0, -2.0, 2.0)),
        ("trunc_normal_", (0.1, 0.02, -2.0, 2.0)),
        ("trunc_normal_", (0.0, 1.0, 0.4, 0.6)),
        ("trunc_normal_", (0.0, 1.0, 1.0, 5.0)),
        ("xavier_uniform_", (0.5,)),
        ("xavier_normal_", ()),
        ("kaiming_uniform_", (math.sqrt(5),)),
        ("kaiming_normal_", (0.2, "fan_out")),
        ("sparse_", (0.3,)),
    ],
)
def test_the_values_are_those_of_pytorch(torch, name, args):
    torch.manual_seed(5)
    expected = getattr(torch.nn.init, name)(torch.empty(13, 17), *args)
    tallow.manual_seed(5)
    assert getattr(init, name)(empty(13, 17), *args).tolist() == expected.tolist()
