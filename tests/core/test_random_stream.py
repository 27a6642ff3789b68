"""The generator's stream: bit for bit that of PyTorch 2.13, without PyTorch."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tallow
from random_draws import DRAWS, fingerprint

TESTS = Path(__file__).parent.parent
# Made by running the same expressions on PyTorch 2.13 (x86-64, AVX2).
GOLDENS = json.loads((TESTS / "goldens" / "random_draws.json").read_text())
LEVELS = tallow._C._cpu_levels()
SEEDS = (0, 1, 42, 2**31, 2**32 - 1)


def words(seed: int, count: int) -> np.ndarray:
    """The first words of a seed, from NumPy's generator of the same kind."""
    return np.random.RandomState(seed).randint(0, 2**32, count, dtype=np.uint32)


def doubles(seed: int, count: int) -> np.ndarray:
    """53-bit uniforms: the first word of each pair is the high half."""
    pairs = words(seed, 2 * count).astype(np.uint64).reshape(count, 2)
    return ((pairs[:, 0] << np.uint64(32) | pairs[:, 1]) & np.uint64(2**53 - 1)) / 2.0**53


def state() -> Any:
    return tallow.get_rng_state().numpy()


@pytest.mark.parametrize("name", DRAWS)
def test_draws_equal_pytorchs(name: str) -> None:
    assert fingerprint(tallow, name) == GOLDENS[name]


@pytest.mark.parametrize("level", LEVELS[:-1])
def test_draws_are_the_same_at_every_instruction_set_level(level: str) -> None:
    code = (
        "import json, tallow\n"
        "from random_draws import DRAWS, fingerprint\n"
        "print(json.dumps({name: fingerprint(tallow, name) for name in DRAWS}))"
    )
    path = os.pathsep.join([str(TESTS), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "TALLOW_CPU_LEVEL": level, "PYTHONPATH": path},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == GOLDENS


@pytest.mark.filterwarnings("ignore:.*is out of bounds:UserWarning")
@pytest.mark.parametrize("name", DRAWS)
def test_draws_equal_those_of_an_installed_pytorch(name: str, torch: ModuleType) -> None:
    assert fingerprint(tallow, name) == fingerprint(torch, name)


@pytest.mark.parametrize("seed", SEEDS)
def test_float32_uses_24_bits_of_one_word(seed: int) -> None:
    tallow.manual_seed(seed)
    expected = ((words(seed, 2000) & 0xFFFFFF) / 2.0**24).astype(np.float32)
    np.testing.assert_array_equal(tallow.rand(2000).numpy(), expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_float64_uses_53_bits_of_two_words(seed: int) -> None:
    tallow.manual_seed(seed)
    drawn = tallow.rand(700, dtype=tallow.float64).numpy()
    np.testing.assert_array_equal(drawn, doubles(seed, 700))


@pytest.mark.parametrize("seed", SEEDS)
def test_small_ranges_are_word_modulo_range(seed: int) -> None:
    for low, high in ((0, 1), (0, 2), (-3, 4), (10, 10 + 2**28 - 1)):
        tallow.manual_seed(seed)
        drawn = tallow.randint(low, high, (1300,)).numpy()
        expected = words(seed, 1300).astype(np.int64) % (high - low) + low
        np.testing.assert_array_equal(drawn, expected)


def test_large_ranges_use_two_words() -> None:
    tallow.manual_seed(3)
    drawn = tallow.randint(0, 2**28, (50,)).numpy()
    pairs = words(3, 100).astype(np.uint64).reshape(50, 2)
    whole = pairs[:, 0] << np.uint64(32) | pairs[:, 1]
    np.testing.assert_array_equal(drawn, (whole % np.uint64(2**28)).astype(np.int64))


def test_permutation_is_a_forward_shuffle() -> None:
    tallow.manual_seed(5)
    drawn = tallow.randperm(100).tolist()
    numbers = words(5, 99)
    expected = list(range(100))
    for i in range(99):
        j = i + int(numbers[i]) % (100 - i)
        expected[i], expected[j] = expected[j], expected[i]
    assert drawn == expected


def test_a_pair_of_scalar_normals_is_shared_by_two_calls() -> None:
    u1, u2 = doubles(9, 2)
    radius, angle = np.sqrt(-2 * np.log1p(-u2)), 2 * np.pi * u1
    tallow.manual_seed(9)
    first = tallow.randn(1, dtype=tallow.float64).item()
    second = tallow.randn(1, dtype=tallow.float64).item()
    assert first == pytest.approx(radius * np.cos(angle), rel=1e-15)
    assert second == pytest.approx(radius * np.sin(angle), rel=1e-15)


def test_seeding_forgets_the_second_scalar_normal() -> None:
    tallow.manual_seed(9)
    expected = tallow.randn(3).tolist()
    tallow.manual_seed(9)
    tallow.randn(1)
    tallow.manual_seed(9)
    assert tallow.randn(3).tolist() == expected


def test_fused_dropout_keeps_where_a_53_bit_uniform_is_small() -> None:
    tallow.manual_seed(4)
    x = tallow.ones(3000)
    kept = tallow.dropout(x, 0.25, True).numpy() != 0
    np.testing.assert_array_equal(kept, doubles(4, 3000) < 0.75)


@pytest.mark.parametrize("drawn", [0, 1, 17, 623, 624, 625, 1248, 1249])
def test_state_bytes_have_pytorchs_layout(drawn: int) -> None:
    tallow.manual_seed(42)
    tallow.rand(drawn)
    data = bytes(state())
    assert len(data) == 5056
    seed, left, seeded, position = struct.unpack_from("<QiiQ", data)
    assert (seed, seeded) == (42, 1)
    in_block = (drawn - 1) % 624 + 1 if drawn else 0
    assert (position, left) == (in_block, 625 - in_block if drawn else 1)
    reference = np.random.RandomState(42)
    reference.randint(0, 2**32, drawn, dtype=np.uint32)
    block = np.frombuffer(data, "<u8", 624, 24)
    np.testing.assert_array_equal(block, reference.get_state()[1])
    assert data[24 + 624 * 8 :] == bytes(40)


def test_state_keeps_the_second_scalar_normal() -> None:
    tallow.manual_seed(1)
    tallow.randn(1, dtype=tallow.float64)
    saved = tallow.get_rng_state()
    following = tallow.randn(1, dtype=tallow.float64).item()
    _, normal, _, valid = struct.unpack_from("<dddi", bytes(saved.numpy()), 24 + 624 * 8)
    assert (normal, valid) == (following, 1)


def test_state_round_trips() -> None:
    tallow.manual_seed(11)
    tallow.rand(1000)
    saved = tallow.get_rng_state()
    expected = tallow.randn(33).tolist()
    tallow.manual_seed(12)
    tallow.set_rng_state(saved)
    assert tallow.initial_seed() == 11
    assert tallow.randn(33).tolist() == expected


def test_only_the_low_half_of_a_seed_matters() -> None:
    tallow.manual_seed(7)
    low = tallow.rand(5).tolist()
    tallow.manual_seed(2**33 + 7)
    assert tallow.rand(5).tolist() == low
    assert tallow.initial_seed() == 2**33 + 7


def test_bad_states_are_refused_and_change_nothing() -> None:
    tallow.manual_seed(2)
    tallow.rand(3)
    before = state().copy()
    good = tallow.get_rng_state()
    with pytest.raises(RuntimeError, match=r"^Expected a CPUGeneratorImplState of size 5056"):
        tallow.set_rng_state(good[:-1].clone())
    for offset, value in ((8, 0), (12, 0), (16, 9), (16, 255), (8, 200)):
        broken = good.clone()
        broken[offset] = value
        with pytest.raises(RuntimeError, match="^Invalid mt19937 state"):
            tallow.set_rng_state(broken)
    with pytest.raises(RuntimeError, match="^Invalid mt19937 state"):
        tallow.set_rng_state(tallow.zeros(5056, dtype=tallow.uint8))
    np.testing.assert_array_equal(state(), before)


def test_generators_are_independent() -> None:
    tallow.manual_seed(0)
    own = tallow.Generator().manual_seed(5)
    alone = tallow.rand(4, generator=own).tolist()
    assert tallow.rand(1).item() == pytest.approx(0.49625658988952637, abs=0)
    own.manual_seed(5)
    assert tallow.rand(4, generator=own).tolist() == alone


def test_random_numbers_do_not_depend_on_threads() -> None:
    drawn = set()
    for threads in (1, 2, 3, 8):
        tallow.set_num_threads(threads)
        tallow.manual_seed(0)
        x = tallow.randn(100_003)
        drawn.add(bytes(tallow.dropout(x, 0.5, True).numpy().data))
    assert len(drawn) == 1
