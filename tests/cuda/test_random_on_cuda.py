"""Random numbers of the CUDA devices: Philox by position, reproducible, distributed as wanted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import tallow

N = 4000

# What is drawn, and the mean and variance it should have.
DISTRIBUTIONS: dict[str, tuple[Callable[[], tallow.Tensor], float, float]] = {
    "rand": (lambda: tallow.rand(N, device="cuda"), 0.5, 1 / 12),
    "rand-double": (lambda: tallow.rand(N, device="cuda", dtype=tallow.float64), 0.5, 1 / 12),
    "randn": (lambda: tallow.randn(N, device="cuda"), 0.0, 1.0),
    "normal": (lambda: tallow.empty(N, device="cuda").normal_(2.0, 3.0), 2.0, 9.0),
    "bernoulli": (lambda: tallow.empty(N, device="cuda").bernoulli_(0.3), 0.3, 0.21),
    "bernoulli-tensor": (lambda: tallow.full((N,), 0.3, device="cuda").bernoulli(), 0.3, 0.21),
    "exponential": (lambda: tallow.empty(N, device="cuda").exponential_(2.0), 0.5, 0.25),
    "geometric": (lambda: tallow.empty(N, device="cuda").geometric_(0.5), 2.0, 2.0),
    "randint": (lambda: tallow.randint(3, 13, (N,), device="cuda").float(), 7.5, 8.25),
    "multinomial": (
        lambda: tallow.tensor([0.0, 3.0, 1.0], device="cuda").multinomial(N, True).float(),
        1.25,
        0.1875,
    ),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_mean_and_variance(name: str) -> None:
    draw, mean, variance = DISTRIBUTIONS[name]
    x = draw().cpu().double()
    assert x.numel() == N
    error = (variance / N) ** 0.5
    assert abs(x.mean().item() - mean) < 5 * error
    assert abs(x.var().item() / variance - 1) < 0.25


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_the_same_seed_gives_the_same_numbers(name: str) -> None:
    draw, _, _ = DISTRIBUTIONS[name]
    tallow.manual_seed(3)
    first, second = draw(), draw()
    tallow.manual_seed(3)
    assert tallow.equal(draw(), first)
    assert not tallow.equal(first, second)


def test_a_number_depends_on_its_position_alone() -> None:
    tallow.manual_seed(4)
    long = tallow.rand(1000, device="cuda")
    tallow.manual_seed(4)
    assert tallow.equal(tallow.rand(10, device="cuda"), long[:10])


def test_philox_gives_the_published_words() -> None:
    # Source: the known answers of Random123 1.14 for philox4x32, 10 rounds, counter 0 and key 0:
    # 6627e8d5 e169c58d bc57ac4c 9b00dbd8. rand() keeps the upper 24 bits of each.
    tallow.manual_seed(0)
    words = [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    expected = [(word >> 8) / 2**24 for word in words]
    assert tallow.rand(4, device="cuda").tolist() == expected


def test_randperm_is_a_permutation() -> None:
    order = tallow.randperm(1500, device="cuda")
    assert tallow.equal(order.sort()[0].cpu(), tallow.arange(1500))
    assert not tallow.equal(order.cpu(), tallow.arange(1500))


def test_dropout_keeps_a_share_and_its_gradient_uses_the_same_mask() -> None:
    x = tallow.ones(N, device="cuda", requires_grad=True)
    y = tallow.nn.functional.dropout(x, 0.25)
    y.sum().backward()
    kept = (y != 0).cpu()
    assert abs(kept.float().mean().item() - 0.75) < 0.04
    assert tallow.equal(x.grad, y.detach())


def test_a_bad_probability_is_refused_before_anything_is_written() -> None:
    p = tallow.tensor([0.5, 1.5], device="cuda")
    with pytest.raises(RuntimeError, match="p_in >= 0 && p_in <= 1"):
        p.bernoulli()
