"""nn.utils: clipping, vectors of parameters, sequences of different lengths, fusion."""

from __future__ import annotations

import pytest

import tallow
from tallow import nn
from tallow.nn import utils
from tallow.nn.utils import rnn


def parameters(*gradients):
    result = []
    for gradient in gradients:
        parameter = nn.Parameter(tallow.zeros(len(gradient)))
        parameter.grad = tallow.tensor(gradient)
        result.append(parameter)
    return result


def test_clipping_by_norm_scales_all_gradients_alike():
    ps = parameters([3.0], [0.0, 4.0])
    assert utils.clip_grad_norm_(ps, 1.0).item() == pytest.approx(5.0)
    assert ps[0].grad.tolist() == pytest.approx([0.6], rel=1e-5)
    assert ps[1].grad.tolist() == pytest.approx([0.0, 0.8], rel=1e-5)


def test_small_gradients_are_left_alone():
    ps = parameters([3.0, 4.0])
    utils.clip_grad_norm_(ps, 10.0)
    assert ps[0].grad.tolist() == [3, 4]


@pytest.mark.parametrize(("order", "norm"), [(1.0, 7.0), (2.0, 5.0), (float("inf"), 4.0)])
def test_norms(order, norm):
    assert utils.get_total_norm([tallow.tensor([3.0]), tallow.tensor([-4.0])], order) == norm


def test_a_norm_that_is_not_finite_can_be_an_error_that_changes_nothing():
    ps = parameters([float("nan")], [1.0])
    with pytest.raises(RuntimeError, match="^The total norm of order 2.0 for gradients"):
        utils.clip_grad_norm_(ps, 0.5, error_if_nonfinite=True)
    assert ps[1].grad.tolist() == [1]


def test_clipping_by_value():
    ps = parameters([3.0, -4.0, 0.5])
    utils.clip_grad_value_(ps, 1.0)
    assert ps[0].grad.tolist() == [1, -1, 0.5]


def test_parameters_become_a_vector_and_come_back():
    layer = nn.Linear(2, 3)
    vector = utils.parameters_to_vector(layer.parameters())
    utils.vector_to_parameters(vector.detach() * 2, layer.parameters())
    assert tallow.equal(utils.parameters_to_vector(layer.parameters()), vector * 2)


def test_a_vector_that_is_too_short_changes_nothing():
    layer = nn.Linear(2, 3)
    before = layer.weight.clone()
    with pytest.raises(RuntimeError):
        utils.vector_to_parameters(tallow.ones(7), layer.parameters())
    assert tallow.equal(layer.weight, before)


# Sequences.

SEQUENCES = [tallow.tensor([1.0, 2.0, 3.0]), tallow.tensor([4.0]), tallow.tensor([5.0, 6.0])]


def test_padding_and_unpadding():
    padded = rnn.pad_sequence(SEQUENCES, batch_first=True, padding_value=9.0)
    assert padded.tolist() == [[1, 2, 3], [4, 9, 9], [5, 6, 9]]
    again = rnn.unpad_sequence(padded, tallow.tensor([3, 1, 2]), batch_first=True)
    assert [s.tolist() for s in again] == [s.tolist() for s in SEQUENCES]


def test_padding_on_the_left():
    padded = rnn.pad_sequence(SEQUENCES[:2], batch_first=True, padding_side="left")
    assert padded.tolist() == [[1, 2, 3], [0, 0, 4]]


def test_packing_sorts_and_unpacking_restores():
    packed = rnn.pack_sequence(SEQUENCES, enforce_sorted=False)
    assert packed.data.tolist() == [1, 5, 4, 2, 6, 3]
    assert packed.batch_sizes.tolist() == [3, 2, 1]
    assert [s.tolist() for s in rnn.unpack_sequence(packed)] == [s.tolist() for s in SEQUENCES]


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([2, 3], "must be sorted in decreasing order"),
        ([3, 0], "has to be greater than 0"),
        ([3, 2, 1], "to be equal to batch_size, but got 3"),
        ([4, 1], "at most the number of steps"),
    ],
)
def test_lengths_are_checked(lengths, message):
    with pytest.raises(RuntimeError, match=message):
        rnn.pack_padded_sequence(tallow.ones(3, 2, 1), lengths)


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_packed_batch_gives_what_single_sequences_give(name, bidirectional):
    layer = getattr(nn, name)(2, 3, num_layers=2, bidirectional=bidirectional)
    batch = [tallow.rand(n, 2) for n in (2, 4, 1)]
    packed, state = layer(rnn.pack_sequence(batch, enforce_sorted=False))
    outputs = rnn.unpack_sequence(packed)
    for i, sequence in enumerate(batch):
        output, final = layer(sequence)
        assert tallow.allclose(outputs[i], output, atol=1e-6)
        finals = final if isinstance(final, tuple) else (final,)
        states = state if isinstance(state, tuple) else (state,)
        for a, b in zip(states, finals, strict=True):
            assert tallow.allclose(a[:, i], b, atol=1e-6)


# Fusion.


def test_a_fused_convolution_equals_the_pair():
    conv, norm = nn.Conv2d(2, 3, 3).eval(), nn.BatchNorm2d(3)
    norm(tallow.randn(8, 3, 4, 4))
    x = tallow.randn(1, 2, 6, 6)
    expected = norm.eval()(conv(x))
    assert tallow.allclose(utils.fuse_conv_bn_eval(conv, norm)(x), expected, atol=1e-5)


def test_a_fused_linear_layer_equals_the_pair():
    linear, norm = nn.Linear(2, 3, bias=False).eval(), nn.BatchNorm1d(3).eval()
    x = tallow.randn(4, 2)
    assert tallow.allclose(utils.fuse_linear_bn_eval(linear, norm)(x), norm(linear(x)), atol=1e-5)


def test_skip_init_constructs_without_drawing():
    before = tallow.get_rng_state()
    layer = utils.skip_init(nn.Linear, 2, 3)
    assert tallow.equal(tallow.get_rng_state(), before)
    assert layer.weight.device.type == "cpu"


@pytest.mark.parametrize("batch_first", [False, True])
def test_padded_sequences_lie_in_their_own_order(batch_first: bool) -> None:
    # Dropout after them draws in memory order, so that the layout is part of the random stream.
    padded = rnn.pad_sequence(SEQUENCES, batch_first=batch_first)
    assert padded.is_contiguous()
    packed = rnn.pack_sequence(SEQUENCES, enforce_sorted=False)
    assert rnn.pad_packed_sequence(packed, batch_first=batch_first)[0].is_contiguous()
    parts = rnn.unpad_sequence(padded, tallow.tensor([3, 1, 2]), batch_first=batch_first)
    assert all(part.is_contiguous() for part in parts)
