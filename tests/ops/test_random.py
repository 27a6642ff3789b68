"""Random fills and samples beyond their streams (tests/core/test_random_stream.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tallow

FLOATING = [tallow.float16, tallow.bfloat16, tallow.float32, tallow.float64]

# name, arguments, mean and standard deviation of what is drawn
MOMENTS = [
    ("uniform_", (-1, 3), 1, 4 / 12**0.5),
    ("normal_", (2, 3), 2, 3),
    ("bernoulli_", (0.3,), 0.3, 0.21**0.5),
    ("exponential_", (2,), 0.5, 0.5),
    ("geometric_", (0.25,), 4, 12**0.5),
    ("log_normal_", (0, 0.5), np.exp(0.125), np.exp(0.125) * np.sqrt(np.exp(0.25) - 1)),
    ("random_", (10,), 4.5, 8.25**0.5),
]


@pytest.mark.parametrize(("name", "args", "mean", "deviation"), MOMENTS)
def test_moments(name: str, args: tuple[float, ...], mean: float, deviation: float) -> None:
    drawn = getattr(tallow.empty(200_000, dtype=tallow.float64), name)(*args).numpy()
    assert drawn.mean() == pytest.approx(mean, abs=5 * deviation / 200_000**0.5)
    assert drawn.std() == pytest.approx(deviation, rel=0.02)


def test_cauchy_has_its_quartiles() -> None:
    drawn = tallow.empty(200_000).cauchy_(1, 2).numpy()
    np.testing.assert_allclose(np.quantile(drawn, [0.25, 0.5, 0.75]), [-1, 1, 3], atol=0.05)


@pytest.mark.parametrize("dtype", FLOATING)
def test_uniform_stays_below_its_upper_bound(dtype: Any) -> None:
    drawn = tallow.empty(50_000, dtype=dtype).uniform_(-0.1, 0.3).float().numpy()
    top = tallow.tensor(0.3, dtype=dtype).item()
    assert drawn.min() >= tallow.tensor(-0.1, dtype=dtype).item()
    assert drawn.max() < top


@pytest.mark.parametrize("shape", [(), (1,), (0,), (15,), (16,), (3, 0), (33, 7)])
def test_shapes(shape: tuple[int, ...]) -> None:
    for function in (tallow.rand, tallow.randn):
        assert function(shape).shape == shape
        assert function(*shape).shape == shape if shape else True
    assert tallow.randint(5, shape).shape == shape
    like = tallow.zeros(shape, dtype=tallow.float64)
    for drawn in (tallow.rand_like(like), tallow.randn_like(like), tallow.randint_like(like, 9)):
        assert (drawn.shape, drawn.dtype) == (shape, tallow.float64)


def test_default_types() -> None:
    assert tallow.rand(1).dtype == tallow.randn(1).dtype == tallow.float32
    assert tallow.randint(2, (1,)).dtype == tallow.randperm(1).dtype == tallow.int64
    assert tallow.randint_like(tallow.zeros(1), 1, 4).dtype == tallow.float32


def test_elements_are_drawn_in_memory_order() -> None:
    tallow.manual_seed(1)
    straight = tallow.rand(3, 4)
    tallow.manual_seed(1)
    turned = tallow.zeros(4, 3).t().uniform_()
    assert turned.t().reshape(3, 4).tolist() == straight.tolist()


def test_gaps_between_elements_are_not_touched() -> None:
    store = tallow.zeros(4, 6)
    store[:, ::2].normal_()
    assert (store[:, 1::2] == 0).all()
    assert (store[:, ::2] != 0).all()


@pytest.mark.parametrize("dtype", [tallow.complex64, tallow.complex128])
def test_complex_numbers_have_unit_variance_together(dtype: Any) -> None:
    drawn = tallow.randn(100_000, dtype=dtype).numpy()
    assert (abs(drawn) ** 2).mean() == pytest.approx(1, rel=0.02)
    assert drawn.real.std() == pytest.approx(0.5**0.5, rel=0.02)


def test_random_covers_the_whole_type() -> None:
    assert tallow.empty(5000, dtype=tallow.int8).random_().min().item() == 0
    assert tallow.empty(5000, dtype=tallow.int8).random_().max().item() == 127
    assert tallow.empty(5000, dtype=tallow.uint8).random_(250, 256).max().item() == 255
    drawn = tallow.empty(64, dtype=tallow.int64).random_(-(2**63), None)
    assert (drawn < 0).any()
    assert (drawn > 0).any()


@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_randperm_is_a_permutation(n: int) -> None:
    assert sorted(tallow.randperm(n).tolist()) == list(range(n))


def test_normal_takes_tensors_and_numbers() -> None:
    mean, std = tallow.tensor([10.0, 20.0]), tallow.tensor([0.0, 0.0])
    assert tallow.normal(mean, std).tolist() == [10, 20]
    assert tallow.normal(mean, 0.0).tolist() == [10, 20]
    assert tallow.normal(3.0, std).tolist() == [3, 3]
    assert tallow.normal(3.0, 0.0, (2, 2)).tolist() == [[3, 3], [3, 3]]
    assert tallow.normal(mean).shape == (2,)


def test_bernoulli_follows_each_probability() -> None:
    p = tallow.tensor([0.0, 1.0, 0.5]).expand(1000, 3)
    drawn = tallow.bernoulli(p).numpy().mean(0)
    assert list(drawn[:2]) == [0, 1]
    assert drawn[2] == pytest.approx(0.5, abs=0.08)
    ints = tallow.zeros(1000, 3, dtype=tallow.int64).bernoulli_(p)
    assert ints.float().mean(0)[:2].tolist() == [0, 1]


@pytest.mark.parametrize("dtype", [tallow.bool, tallow.int64, tallow.uint8, tallow.float16])
def test_bernoulli_writes_into_any_type(dtype: tallow.dtype) -> None:
    out = tallow.empty(3, dtype=dtype)
    assert tallow.bernoulli(tallow.tensor([0.0, 1.0, 1.0]), out=out) is out
    assert out.tolist() == [0, 1, 1]


@pytest.mark.parametrize("dtype", [tallow.bfloat16, tallow.float32, tallow.float64])
def test_bernoulli_draws_the_same_for_any_layout(dtype: tallow.dtype) -> None:
    p = tallow.rand(3001).to(dtype)
    apart = tallow.zeros(3001, 2, dtype=dtype)[:, 0].copy_(p)
    drawn = []
    for probabilities in (p, apart, p[:1500]):
        tallow.manual_seed(7)
        drawn.append(tallow.bernoulli(probabilities))
    assert tallow.equal(drawn[0], drawn[1])
    assert tallow.equal(drawn[0][:1500], drawn[2])
    for kind in (tallow.bool, tallow.float16, tallow.int64):
        tallow.manual_seed(7)
        assert tallow.equal(tallow.zeros(3001, dtype=kind).bernoulli_(p).to(dtype), drawn[0])


def test_multinomial_without_replacement_repeats_nothing() -> None:
    drawn = tallow.multinomial(tallow.ones(6, 9), 9)
    assert [sorted(row) for row in drawn.tolist()] == [list(range(9))] * 6


@pytest.mark.parametrize("replacement", [False, True])
@pytest.mark.parametrize("samples", [1, 2])
def test_multinomial_never_draws_a_zero_weight(replacement: bool, samples: int) -> None:
    weights = tallow.tensor([0.0, 1.0, 0.0, 3.0]).expand(500, 4)
    drawn = tallow.multinomial(weights, samples, replacement)
    assert set(drawn.reshape(-1).tolist()) == {1, 3}
    share = (drawn[:, 0] == 3).float().mean().item()
    assert share == pytest.approx(0.75, abs=0.08)


def test_multinomial_of_a_vector() -> None:
    assert tallow.multinomial(tallow.tensor([0.0, 2.0]), 1).tolist() == [1]


@pytest.mark.parametrize("name", [row[0] for row in MOMENTS] + ["cauchy_"])
def test_a_fill_cuts_the_history(name: str) -> None:
    args: tuple[float, ...] = (0.5,) if name == "geometric_" else ()
    leaf = tallow.ones(3, requires_grad=True)
    filled = getattr(leaf * 2, name)(*args)
    filled.sum().backward()
    assert leaf.grad.tolist() == [0, 0, 0]


def test_a_fill_is_seen_by_saved_tensors() -> None:
    x = tallow.ones(3, requires_grad=True)
    y = x.exp()
    y.detach().uniform_()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_a_leaf_that_requires_grad_is_filled_under_no_grad_only() -> None:
    leaf = tallow.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        leaf.normal_()
    with tallow.no_grad():
        leaf.normal_()
    assert leaf.requires_grad


BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (
        lambda: tallow.empty(2).uniform_(1, 0),
        RuntimeError,
        "uniform_ expects to return a [from, to",
    ),
    (lambda: tallow.empty(2).uniform_(0, 1e39), RuntimeError, "to is out of bounds for float"),
    (lambda: tallow.empty(2).uniform_(-3e38, 3e38), RuntimeError, "uniform_ expects to-from <="),
    (
        lambda: tallow.empty(2, dtype=tallow.int64).uniform_(),
        NotImplementedError,
        "\"check_uniform_bounds\" not implemented for 'Long'",
    ),
    (lambda: tallow.empty(2).normal_(0, -1), RuntimeError, "normal expects std >= 0.0, but found"),
    (
        lambda: tallow.randn(2, dtype=tallow.int64),
        NotImplementedError,
        "\"normal_kernel_cpu\" not implemented for 'Long'",
    ),
    (lambda: tallow.empty(2).bernoulli_(2), RuntimeError, "bernoulli_ expects p to be in [0, 1],"),
    (lambda: tallow.empty(2).exponential_(0), RuntimeError, "exponential_ expects lambda > 0.0"),
    (
        lambda: tallow.empty(2, dtype=tallow.int64).exponential_(),
        RuntimeError,
        "Exponential distribution is a continuous probability distribution",
    ),
    (lambda: tallow.empty(2).geometric_(1), RuntimeError, "geometric_ expects p to be in (0, 1)"),
    (lambda: tallow.empty(2).cauchy_(0, 0), RuntimeError, "cauchy_ expects sigma > 0.0, but found"),
    (lambda: tallow.empty(2).log_normal_(0, 0), RuntimeError, "log_normal_ expects std > 0.0, but"),
    (lambda: tallow.empty(2).random_(5, 5), RuntimeError, "random_ expects 'from' to be less than"),
    (
        lambda: tallow.empty(2, dtype=tallow.uint8).random_(-3, 30),
        RuntimeError,
        "from is out of bounds for unsigned char",
    ),
    (
        lambda: tallow.randint(0, 300, (2,), dtype=tallow.uint8),
        RuntimeError,
        "to - 1 is out of bounds for unsigned char",
    ),
    (lambda: tallow.randperm(-1), RuntimeError, "n must be non-negative, got-1"),
    (lambda: tallow.randperm(3000, dtype=tallow.float16), RuntimeError, "n cannot be greater than"),
    (
        lambda: tallow.bernoulli(tallow.tensor([1.5])),
        RuntimeError,
        "Expected p_in >= 0 && p_in <= 1 to be true, but got 1.5",
    ),
    (
        lambda: tallow.bernoulli(tallow.tensor([1, 0])),
        NotImplementedError,
        "\"bernoulli_tensor_cpu_p_\" not implemented for 'Long'",
    ),
    (
        lambda: tallow.normal(tallow.zeros(2), tallow.tensor([1.0, -1.0])),
        RuntimeError,
        "normal expects all elements of std >= 0.0",
    ),
    (
        lambda: tallow.multinomial(tallow.tensor([1, 2]), 1),
        RuntimeError,
        "multinomial only supports floating-point dtypes for input, got: Long",
    ),
    (
        lambda: tallow.multinomial(tallow.ones(2), 3),
        RuntimeError,
        "cannot sample n_sample > prob_dist.size(-1) samples without replacement",
    ),
    (lambda: tallow.multinomial(tallow.ones(2), 0), RuntimeError, "cannot sample n_sample <= 0"),
    (lambda: tallow.multinomial(tallow.ones(()), 1), RuntimeError, "prob_dist must be 1 or 2 dim"),
    (
        lambda: tallow.multinomial(tallow.tensor([1.0, -1.0]), 1),
        RuntimeError,
        "probability tensor contains either `inf`, `nan` or element < 0",
    ),
    (
        lambda: tallow.multinomial(tallow.zeros(2), 2, True),
        RuntimeError,
        "invalid multinomial distribution (sum of probabilities <= 0)",
    ),
    (
        lambda: tallow.empty(1).expand(3).normal_(),
        RuntimeError,
        "unsupported operation: more than one element of the written-to tensor refers to a single",
    ),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_bad_arguments_raise_and_draw_nothing(number: int) -> None:
    call, kind, message = BAD[number]
    before = tallow.get_rng_state().tolist()
    with pytest.raises(kind) as error:
        call()
    assert str(error.value).startswith(message)
    assert tallow.get_rng_state().tolist() == before


@pytest.mark.parametrize(
    "draw",
    [
        tallow.bernoulli,
        lambda x: tallow.bernoulli(x, 0.3),
        lambda x: tallow.normal(x, 1.0),
        lambda x: tallow.nn.functional.gumbel_softmax(x, dim=0),
    ],
)
def test_draws_around_a_transposed_tensor_go_row_by_row(draw: Callable[..., Any]) -> None:
    x = tallow.linspace(0, 1, 35).view(7, 5).t()
    tallow.manual_seed(1)
    turned = draw(x)
    tallow.manual_seed(1)
    assert tallow.equal(turned, draw(x.contiguous()))
    assert turned.is_contiguous()
