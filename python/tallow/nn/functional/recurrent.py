"""Recurrent networks, written with other functions; :mod:`tallow.nn.modules.rnn` is their door.

A sequence is a list of steps, each ``(batch, features)``. Batches may shrink from step to step:
that is a packed sequence, whose longest samples come first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow import _C
from tallow.nn.functional.dropout import dropout
from tallow.nn.functional.linear import linear

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tallow._tensor import Tensor

    # Takes what a step adds to the gates, and the state; returns the new state.
    Step = Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]

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
    return (linear(input, w_ih, b_ih) + linear(hx, w_hh, b_hh)).tanh()


def rnn_relu_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """Advance an Elman network by one step: ``relu(w_ih x + b_ih + w_hh h + b_hh)``."""
    return (linear(input, w_ih, b_ih) + linear(hx, w_hh, b_hh)).relu()


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
    return _lstm_state(linear(input, w_ih, b_ih) + linear(hx[0], w_hh, b_hh), hx[1])


def _lstm_state(gates: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    enter, forget, new, out = gates.chunk(4, -1)
    cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
    return out.sigmoid() * cell.tanh(), cell


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
    return _gru_state(linear(input, w_ih, b_ih), linear(hx, w_hh, b_hh), hx)


def _gru_state(from_input: Tensor, from_state: Tensor, hidden: Tensor) -> Tensor:
    reset_i, update_i, new_i = from_input.chunk(3, -1)
    reset_h, update_h, new_h = from_state.chunk(3, -1)
    reset = (reset_i + reset_h).sigmoid()
    update = (update_i + update_h).sigmoid()
    new = (new_i + reset * new_h).tanh()
    return new + update * (hidden - new)


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
            output, final = _run_direction(
                mode, input, batch_sizes, initial[k], weights[k], reverse=direction == 1
            )
            outputs.append(output)
            finals.append(final)
        input = outputs[0] if directions == 1 else _VF.cat(outputs, -1)
        if dropout_p > 0 and layer < layers - 1:
            input = dropout(input, dropout_p)
    return input, tuple(_VF.stack(parts) for parts in zip(*finals, strict=True))


def _run_direction(
    mode: str,
    input: Tensor,
    batch_sizes: Sequence[int] | None,
    state: tuple[Tensor, ...],
    weights: Sequence[Tensor | None],
    reverse: bool,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    assert w_ih is not None
    assert w_hh is not None
    # What the inputs add to the gates does not depend on the state: one product for all steps.
    from_input = linear(input, w_ih, b_ih)
    steps = from_input.unbind(0) if batch_sizes is None else from_input.split(list(batch_sizes))
    step = _STEPS[mode](w_hh, b_hh, w_hr)
    run = _run_backward if reverse else _run_forward
    outputs, final = run(step, steps, state)
    return (_VF.stack(outputs) if batch_sizes is None else _VF.cat(outputs)), final


def _run_forward(
    step: Step, steps: Sequence[Tensor], state: tuple[Tensor, ...]
) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    outputs = []
    finished: list[tuple[Tensor, ...]] = []  # states of the samples that have ended
    for x in steps:
        batch = x.size(0)
        if batch < state[0].size(0):
            finished.append(tuple(s[batch:] for s in state))
            state = tuple(s[:batch] for s in state)
        state = step(x, state)
        outputs.append(state[0])
    if finished:
        parts = [state, *reversed(finished)]
        state = tuple(_VF.cat(pieces) for pieces in zip(*parts, strict=True))
    return outputs, state


def _run_backward(
    step: Step, steps: Sequence[Tensor], state: tuple[Tensor, ...]
) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    outputs = []
    initial = state
    state = tuple(s[: steps[-1].size(0)] for s in initial)
    for x in reversed(steps):
        batch, running = x.size(0), state[0].size(0)
        if batch > running:  # the shorter samples join in
            state = tuple(
                _VF.cat([s, start[running:batch]]) for s, start in zip(state, initial, strict=True)
            )
        state = step(x, state)
        outputs.append(state[0])
    outputs.reverse()
    return outputs, state


def _tanh_step(w_hh: Tensor, b_hh: Tensor | None, w_hr: Tensor | None) -> Step:
    return lambda x, state: ((x + linear(state[0], w_hh, b_hh)).tanh(),)


def _relu_step(w_hh: Tensor, b_hh: Tensor | None, w_hr: Tensor | None) -> Step:
    return lambda x, state: ((x + linear(state[0], w_hh, b_hh)).relu(),)


def _lstm_step(w_hh: Tensor, b_hh: Tensor | None, w_hr: Tensor | None) -> Step:
    def step(x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        hidden, cell = _lstm_state(x + linear(state[0], w_hh, b_hh), state[1])
        return (hidden if w_hr is None else linear(hidden, w_hr)), cell

    return step


def _gru_step(w_hh: Tensor, b_hh: Tensor | None, w_hr: Tensor | None) -> Step:
    return lambda x, state: (_gru_state(x, linear(state[0], w_hh, b_hh), state[0]),)


_STEPS = {"RNN_TANH": _tanh_step, "RNN_RELU": _relu_step, "LSTM": _lstm_step, "GRU": _gru_step}
