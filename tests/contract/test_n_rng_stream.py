"""PyTorch's CPU generator is MT19937 seeded the classic way, so the whole stream can be predicted from numpy.
An implementation that passes these prints the same losses as PyTorch for the same seed."""

import math

import pytest

np = pytest.importorskip("numpy")
from contract.impl import F, nn, torch


def u32(n, seed=0):
    return np.random.RandomState(seed).randint(0, 2**32, size=n, dtype=np.uint32)


def f24(u):
    return ((u & 0xFFFFFF) / 2**24).astype(np.float32)


def f53(u, i):
    return (((int(u[2 * i]) << 32) | int(u[2 * i + 1])) & ((1 << 53) - 1)) / 2**53


def go(seed=0):
    torch.manual_seed(seed)


def test_N01_rand_float32_uses_low_24_bits_of_one_word():
    go()
    assert np.array_equal(torch.rand(64).numpy(), f24(u32(64)))


def test_N02_rand_float64_uses_low_53_bits_of_two_words_high_word_first():
    go()
    u = u32(16)
    assert torch.rand(8, dtype=torch.float64).tolist() == [f53(u, i) for i in range(8)]


def test_N03_uniform_is_affine_of_rand():
    go()
    assert np.allclose(
        torch.empty(8).uniform_(-1, 1).numpy(), f24(u32(8)) * 2 - 1, atol=0, rtol=1e-7
    )


def test_N04_randint_small_range_is_modulo():
    go()
    assert torch.randint(0, 10, (32,)).tolist() == [int(x) % 10 for x in u32(32)]
    go()
    assert torch.randint(5, 12, (8,)).tolist() == [int(x) % 7 + 5 for x in u32(8)]


def test_N05_randn_below_16_elements_double_box_muller_pairs():
    go()
    u = u32(8)
    out = []
    for i in (0, 2):
        r, t = math.sqrt(-2 * math.log1p(-f53(u, i + 1))), 2 * math.pi * f53(u, i)
        out += [r * math.cos(t), r * math.sin(t)]
    assert np.allclose(torch.randn(4).numpy(), out, rtol=1e-6)


def test_N06_randn_from_16_elements_float_box_muller_in_blocks_of_16():
    go()
    u = f24(u32(32))
    out = []
    for b in (u[:16], u[16:]):
        r, t = np.sqrt(-2 * np.log(1 - b[:8])), np.float32(2 * np.pi) * b[8:]
        out += [r * np.cos(t), r * np.sin(t)]
    assert np.allclose(torch.randn(32).numpy(), np.concatenate(out), atol=1e-6)


def test_N07_randn_tail_of_a_non_multiple_of_16_redraws_the_last_16():
    go()
    x = torch.randn(20)
    u = f24(u32(36))
    b = u[20:36]
    r, t = np.sqrt(-2 * np.log(1 - b[:8])), np.float32(2 * np.pi) * b[8:]
    assert np.allclose(x[4:].numpy(), np.concatenate([r * np.cos(t), r * np.sin(t)]), atol=1e-6)


def test_N08_randperm_is_a_forward_shuffle_with_modulo():
    go()
    u = u32(9)
    p = list(range(10))
    for i in range(9):
        z = int(u[i]) % (10 - i)
        p[i], p[i + z] = p[i + z], p[i]
    assert torch.randperm(10).tolist() == p


def test_N09_bernoulli_tensor_probabilities_use_float_words_scalar_p_and_dropout_use_double():
    go()
    assert torch.bernoulli(torch.full((8,), 0.5)).tolist() == [float(v < 0.5) for v in f24(u32(8))]
    e = [float(f53(u32(16), i) < 0.5) for i in range(8)]
    go()
    assert torch.empty(8).bernoulli_(0.5).tolist() == e
    go()
    assert F.dropout(torch.ones(8), 0.5).tolist() == [2 * v for v in e]


def test_N10_default_layer_initialisation_is_reproducible():
    go()
    w = nn.Linear(2, 2).weight.detach().numpy().ravel()
    b = 1 / math.sqrt(2)
    assert np.allclose(w, (f24(u32(4)) * 2 - 1) * b, rtol=1e-6)


def test_N11_generator_objects_are_independent_and_state_round_trips():
    g = torch.Generator().manual_seed(3)
    a = torch.rand(3, generator=g)
    g.manual_seed(3)
    assert torch.equal(a, torch.rand(3, generator=g)) and g.initial_seed() == 3
    go(5)
    s = torch.get_rng_state()
    a = torch.rand(3)
    torch.set_rng_state(s)
    assert torch.equal(a, torch.rand(3)) and s.dtype == torch.uint8 and torch.initial_seed() == 5


def test_N12_known_answer():
    go()
    assert [round(v, 4) for v in torch.rand(3).tolist()] == [0.4963, 0.7682, 0.0885]
    go(42)
    assert [round(v, 4) for v in torch.randn(3).tolist()] == [0.3367, 0.1288, 0.2345]
