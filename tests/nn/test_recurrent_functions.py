"""Recurrent layers as functions of a flat list of weights, beside the modules."""

from __future__ import annotations

from typing import Any

import pytest

import tallow
from tallow import nn

KINDS = {
    "lstm": (nn.LSTM, {}),
    "gru": (nn.GRU, {}),
    "rnn_tanh": (nn.RNN, {}),
    "rnn_relu": (nn.RNN, {"nonlinearity": "relu"}),
}


def state_of(name: str, layer: Any, batch: int) -> Any:
    count = layer.num_layers * (2 if layer.bidirectional else 1)
    hidden = tallow.randn(count, batch, layer.proj_size or layer.hidden_size)
    return (hidden, tallow.randn(count, batch, layer.hidden_size)) if name == "lstm" else hidden


def flat(output: Any, state: Any) -> list[Any]:
    return [output, *(state if isinstance(state, tuple) else (state,))]


@pytest.mark.parametrize("name", list(KINDS))
@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"num_layers": 2, "bidirectional": True},
        {"num_layers": 2, "bias": False},
    ],
)
def test_functions_do_what_modules_do(name: str, first: bool, options: dict[str, Any]) -> None:
    kind, more = KINDS[name]
    layer = kind(3, 4, batch_first=first, **options, **more)
    x = tallow.randn(2, 5, 3, requires_grad=True)
    state = state_of(name, layer, 2 if first else 5)
    rest = (layer.bias, layer.num_layers, 0.0, True, layer.bidirectional, first)
    found = getattr(tallow, name)(x, state, layer._flat_weights, *rest)
    expected = flat(*layer(x, state))
    assert all(tallow.equal(a, b) for a, b in zip(found, expected, strict=True))
    grads = [tallow.autograd.grad(result[0].sum(), x)[0] for result in (found, expected)]
    assert tallow.equal(*grads)


def test_projections_have_a_weight_more() -> None:
    layer = nn.LSTM(3, 4, proj_size=2, num_layers=2)
    x, state = tallow.randn(5, 2, 3), state_of("lstm", layer, 2)
    found = tallow.lstm(x, state, layer._flat_weights, True, 2, 0.0, False, False, False)
    expected = flat(*layer(x, state))
    assert all(tallow.equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("name", list(KINDS))
def test_packed_sequences(name: str) -> None:
    kind, more = KINDS[name]
    layer = kind(3, 4, **more)
    packed = nn.utils.rnn.pack_sequence([tallow.randn(n, 3) for n in (4, 2, 1)])
    state = state_of(name, layer, 3)
    rest = (layer._flat_weights, True, 1, 0.0, False, False)
    found = getattr(tallow, name)(packed.data, packed.batch_sizes, state, *rest)
    output, final = layer(packed, state)
    expected = flat(output.data, final)
    assert all(tallow.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_dropout_is_for_training() -> None:
    layer = nn.GRU(3, 4, 2, dropout=0.5)
    x, state = tallow.randn(5, 2, 3), tallow.zeros(2, 2, 4)
    for train in (True, False):
        layer.train(train)
        results = []
        for module in (False, True):
            tallow.manual_seed(0)
            arguments = (x, state, layer._flat_weights, True, 2, 0.5, train, False, False)
            results.append(layer(x, state)[0] if module else tallow.gru(*arguments)[0])
        assert tallow.equal(*results)


def test_arguments_have_names() -> None:
    from tallow import _VF

    layer = nn.RNN(3, 4)
    x, state = tallow.randn(5, 2, 3), tallow.zeros(1, 2, 4)
    found = _VF.rnn_tanh(
        x, hx=state, params=layer._flat_weights, has_biases=True, num_layers=1, dropout=0.0,
        train=False, bidirectional=False, batch_first=False,
    )  # fmt: skip
    assert tallow.equal(found[0], layer(x)[0])


def test_wrong_arguments_are_refused() -> None:
    layer = nn.LSTM(3, 4)
    x, state = tallow.randn(5, 2, 3), tallow.zeros(1, 2, 4)
    weights = layer._flat_weights
    rest = (True, 1, 0.0, False, False, False)
    with pytest.raises(TypeError, match=r"lstm\(\) received an invalid combination of arguments"):
        tallow.lstm(x, state, weights, *rest)
    with pytest.raises(TypeError, match=r"gru\(\) received an invalid combination of arguments"):
        tallow.gru(x)
    with pytest.raises(RuntimeError, match="lstm expects two hidden states"):
        tallow.lstm(x, (state,), weights, *rest)
    with pytest.raises(RuntimeError, match="got an incorrect number of RNN parameters: lstm"):
        tallow.lstm(x, (state, state), weights[:3], *rest)
    with pytest.raises(RuntimeError, match="Expected more hidden states in stacked_rnn: lst"):
        tallow.lstm(x, (state[0], state[0]), weights, *rest)
    with pytest.raises(RuntimeError, match="Expected sequence length to be larger than 0 in RNN"):
        tallow.lstm(x[:0], (state, state), weights, *rest)
