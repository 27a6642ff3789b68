"""Cases of recurrent networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from op_case import OpCase, Sample, T

GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def step(
    mode: str, x: np.ndarray, h: np.ndarray, c: Any, w_hh: np.ndarray, b_hh: Any
) -> tuple[np.ndarray, Any]:
    from_state = h @ w_hh.T + (0 if b_hh is None else b_hh)
    if mode == "GRU":
        (r, z, n), (r_h, z_h, n_h) = np.split(x, 3, -1), np.split(from_state, 3, -1)
        reset, update = sigmoid(r + r_h), sigmoid(z + z_h)
        new = np.tanh(n + reset * n_h)
        return (1 - update) * new + update * h, c
    if mode == "LSTM":
        enter, forget, new, out = np.split(x + from_state, 4, -1)
        c = sigmoid(forget) * c + sigmoid(enter) * np.tanh(new)
        return sigmoid(out) * np.tanh(c), c
    gates = x + from_state
    return np.tanh(gates) if mode == "RNN_TANH" else np.maximum(gates, 0), c


def layer(
    mode: str,
    x: np.ndarray,
    batch_sizes: tuple[int, ...],
    h: np.ndarray,
    w_ih: np.ndarray,
    w_hh: np.ndarray,
    c: Any = None,
    b_ih: Any = None,
    b_hh: Any = None,
    w_hr: Any = None,
    reverse: bool = False,
) -> list[np.ndarray]:
    from_input = x @ w_ih.T + (0 if b_ih is None else b_ih)
    steps = np.split(from_input, np.cumsum(batch_sizes)[:-1]) if batch_sizes else list(from_input)
    h, c = h.copy(), None if c is None else c.copy()
    outputs = [h] * len(steps)
    for t in reversed(range(len(steps))) if reverse else range(len(steps)):
        n = len(steps[t])
        hidden, cell = step(mode, steps[t], h[:n], None if c is None else c[:n], w_hh, b_hh)
        h[:n] = outputs[t] = hidden if w_hr is None else hidden @ w_hr.T
        if c is not None:
            c[:n] = cell
    output = np.concatenate(outputs) if batch_sizes else np.stack(outputs)
    return [output, h] if c is None else [output, h, c]


def sample(
    mode: str, batch_sizes: tuple[int, ...] = (), hidden: int = 2, bias: bool = True, **kwargs: Any
) -> Sample:
    batch, features, rows = 2, 1, GATES[mode] * hidden
    x = T(sum(batch_sizes), features) if batch_sizes else T(3, batch, features)
    width = kwargs["w_hr"].shape[0] if "w_hr" in kwargs else hidden
    grad = kwargs.pop("grad", True)
    if mode == "LSTM":
        kwargs["cx"] = T(batch, hidden)
    if bias:
        kwargs |= {"b_ih": T(rows), "b_hh": T(rows)}
    weights = (T(rows, features), T(rows, width))
    return Sample(mode, x, batch_sizes, T(batch, width), *weights, grad=grad, **kwargs)


def with_short_names(mode: str, *args: Any, cx: Any = None, **kwargs: Any) -> list[np.ndarray]:
    return layer(mode, *args, c=cx, **kwargs)


CASES = [
    OpCase(
        "_rnn_layer",
        fn="_C._VariableFunctions._rnn_layer",
        ref=with_short_names,
        samples=[
            sample(mode),
            sample(mode, (2, 2, 1), reverse=True),
            sample(mode, (2, 1), bias=False),
            sample(mode, hidden=0),
            sample(mode, hidden=70, grad=False),
        ]
        + ([sample(mode, w_hr=T(1, 2))] if mode == "LSTM" else []),
        dtypes=("float32", "float64"),
        domain=(-1, 1),
        method=False,
        torch=False,  # nn.LSTM and the like are compared in tests/nn/layer_cases.py
        tolerance={"float32": (1e-5, 1e-5)},
        variant=mode,
    )
    for mode in GATES
]
