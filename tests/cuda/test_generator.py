"""Random numbers on devices."""

from __future__ import annotations

import pytest

import tallow
from tallow import cuda


def test_seeds_repeat() -> None:
    tallow.manual_seed(3)
    first = tallow.rand(1000, device="cuda")
    tallow.manual_seed(3)
    assert tallow.equal(tallow.rand(1000, device="cuda"), first)
    assert not tallow.equal(tallow.rand(1000, device="cuda"), first)
    assert 0 <= first.min().item() <= first.max().item() < 1
    assert abs(first.mean().item() - 0.5) < 0.05


def test_the_state_is_a_seed_and_an_offset() -> None:
    cuda.manual_seed_all(7)
    state = cuda.get_rng_state()
    assert state.shape == (16,)
    assert state.view(tallow.int64).tolist() == [7, 0]
    first = tallow.randn(5, device="cuda")
    assert cuda.get_rng_state().view(tallow.int64)[1].item() > 0
    cuda.set_rng_state(state)
    assert tallow.equal(tallow.randn(5, device="cuda"), first)
    assert cuda.initial_seed() == 7
    with pytest.raises(RuntimeError, match="^RNG state is wrong size"):
        cuda.set_rng_state(tallow.zeros(3, dtype=tallow.uint8))


def test_generators_of_ones_own() -> None:
    generator = tallow.Generator(device="cuda").manual_seed(5)
    assert generator.device == tallow.device("cuda:0")
    first = tallow.rand(4, device="cuda", generator=generator)
    again = tallow.Generator("cuda").manual_seed(5)
    assert tallow.equal(tallow.rand(4, device="cuda", generator=again), first)
    with pytest.raises(RuntimeError, match="^Expected a 'cpu' device type for generator"):
        tallow.rand(4, generator=generator)
    with pytest.raises(RuntimeError, match="^Expected a 'cuda' device type for generator"):
        tallow.rand(4, device="cuda", generator=tallow.Generator())


def test_fork_rng_restores_devices() -> None:
    tallow.manual_seed(1)
    tallow.rand(3, device="cuda")
    before = cuda.get_rng_state()
    with tallow.random.fork_rng():
        tallow.rand(3, device="cuda")
    assert tallow.equal(cuda.get_rng_state(), before)
