"""Recurrent networks; :mod:`tallow.nn.modules.rnn` is their door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow import _C
from tallow.nn.functional.dropout import dropout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow._tensor import Tensor

__all__ = ["gru_cell", "lstm_cell", "rnn_relu_cell", "rnn_tanh_cell", "run_layers"]

_VF = _C._VariableFunctions


def rnn_tanh_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """Advance an Elman network by one step: ``tanh(w_ih x + b_ih + w_hh h + b_hh)``."""
    return _VF._rnn_layer("RNN_TANH", input, [input.size(0)], hx, w_ih, w_hh, None, b_ih, b_hh)[1]


def rnn_relu_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """Advance an Elman network by one step: ``relu(w_ih x + b_ih + w_hh h + b_hh)``."""
    return _VF._rnn_layer("RNN_RELU", input, [input.size(0)], hx, w_ih, w_hh, None, b_ih, b_hh)[1]


def lstm_cell(
    input: Tensor,
    hx: tuple[Tensor, Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Advance a long short-term memory by one step; returns the hidden and the cell state.

    Source: S. Hochreiter, J. Schmidhuber, Neural Computation 9 (1997), with the forget gate of F.
    Gers, J. Schmidhuber, F. Cummins, Neural Computation 12 (2000). Gates: in, forget, cell, out.
    """
    _, hidden, cell = _VF._rnn_layer(
        "LSTM", input, [input.size(0)], hx[0], w_ih, w_hh, hx[1], b_ih, b_hh
    )
    return hidden, cell


def gru_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """Advance a gated recurrent unit by one step.

    Source: K. Cho et al., EMNLP 2014, with the reset gate applied after the product. Gates: reset,
    update, new.
    """
    return _VF._rnn_layer("GRU", input, [input.size(0)], hx, w_ih, w_hh, None, b_ih, b_hh)[1]


def run_layers(
    mode: str,
    input: Tensor,
    batch_sizes: Sequence[int] | None,
    state: tuple[Tensor, ...],
    weights: Sequence[Sequence[Tensor | None]],
    bidirectional: bool,
    dropout_p: float,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Run all layers of a recurrent network.

    Args:
        mode: ``RNN_TANH``, ``RNN_RELU``, ``LSTM`` or ``GRU``.
        input: ``(steps, batch, features)``, or the data of a packed sequence.
        batch_sizes: of a packed sequence, one per step.
        state: initial hidden (and cell) state, ``(layers * directions, batch, size)``.
        weights: per layer and direction ``w_ih, w_hh, b_ih, b_hh, w_hr``, ``None`` if absent.
        bidirectional: each layer also runs backwards.
        dropout_p: applied between layers.

    Returns:
        The outputs in the form of ``input``, and the final state.
    """
    directions = 2 if bidirectional else 1
    layers = len(weights) // directions
    initial = list(zip(*(s.unbind(0) for s in state), strict=True))
    finals: list[tuple[Tensor, ...]] = []
    for layer in range(layers):
        outputs = []
        for direction in range(directions):
            k = layer * directions + direction
            hidden, cell = (*initial[k], None)[:2]
            w_ih, w_hh, b_ih, b_hh, w_hr = weights[k]
            assert w_ih is not None
            assert w_hh is not None
            start = (mode, input, batch_sizes or (), hidden, w_ih, w_hh, cell)
            output, *final = _VF._rnn_layer(*start, b_ih, b_hh, w_hr, direction == 1)
            outputs.append(output)
            finals.append(tuple(final))
        input = outputs[0] if directions == 1 else _VF.cat(outputs, -1)
        if dropout_p > 0 and layer < layers - 1:
            input = dropout(input, dropout_p)
    return input, tuple(_VF.stack(parts) for parts in zip(*finals, strict=True))
