"""Recurrent layers on top of each other as functions of a flat list of weights.

PyTorch's modules call these; programs that make the weights themselves do as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallow import _C
from tallow._composite import composite, wrong_arguments
from tallow.nn.functional.recurrent import run_layers

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["gru", "lstm", "rnn_relu", "rnn_tanh"]

_REST = ("params", "has_biases", "num_layers", "dropout", "train", "bidirectional")
_PADDED = ("input", "hx", *_REST, "batch_first")
_PACKED = ("data", "batch_sizes", "hx", *_REST)
_KINDS = {
    "params": "tuple of Tensors",
    "has_biases": "bool",
    "num_layers": "int",
    "dropout": "float",
    "train": "bool",
    "bidirectional": "bool",
    "batch_first": "bool",
}


def _bound(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, of the form for padded or of that for packed sequences."""
    states = "tuple of Tensors" if name == "lstm" else "Tensor"
    for names in (_PADDED, _PACKED):
        given = dict(zip(names, args, strict=False))
        if len(args) > len(names) or given.keys() & kwargs.keys():
            continue
        given |= kwargs
        if given.keys() == set(names) and _fits(given, name == "lstm"):
            return given
    kinds = {"hx": states, **_KINDS}
    forms = [
        "(" + ", ".join(f"{kinds.get(one, 'Tensor')} {one}" for one in names) + ")"
        for names in (_PACKED, _PADDED)
    ]
    raise wrong_arguments(name, (*args, *kwargs.values()), *forms)


def _fits(given: dict[str, Any], several_states: bool) -> bool:
    def tensors(value: Any) -> bool:
        return isinstance(value, list | tuple) and all(isinstance(t, _C.TensorBase) for t in value)

    single = [given[n] for n in ("input", "data", "batch_sizes") if n in given]
    states = given["hx"]
    return (
        all(isinstance(value, _C.TensorBase) for value in single)
        and (tensors(states) if several_states else isinstance(states, _C.TensorBase))
        and tensors(given["params"])
        and isinstance(given["num_layers"], int)
    )


def _run(name: str, mode: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Tensor, ...]:
    given = _bound(name, args, kwargs)
    data = given["input"] if "input" in given else given["data"]
    lengths = given["batch_sizes"].tolist() if "batch_sizes" in given else None
    states = tuple(given["hx"]) if name == "lstm" else (given["hx"],)
    if len(states) != (2 if name == "lstm" else 1):
        raise RuntimeError("lstm expects two hidden states")
    weights = _grouped(name, given, states)
    first = given.get("batch_first", False)
    if first:
        data = data.transpose(0, 1)
    if not data.size(0):
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    dropout = given["dropout"] if given["train"] else 0.0
    output, final = run_layers(
        mode, data, lengths, states, weights, given["bidirectional"], dropout
    )
    return output.transpose(0, 1) if first else output, *final


def _grouped(
    name: str, given: dict[str, Any], states: tuple[Tensor, ...]
) -> list[list[Tensor | None]]:
    """The weights ``w_ih, w_hh, b_ih, b_hh, w_hr`` of each direction of each layer."""
    projected = len(states) == 2 and states[0].size(-1) != states[1].size(-1)
    each = 2 + 2 * bool(given["has_biases"]) + projected
    count = given["num_layers"] * (2 if given["bidirectional"] else 1)
    params = list(given["params"])
    if len(params) != each * count:
        raise RuntimeError(
            f"got an incorrect number of RNN parameters: {name}: expected {each * count}, {each} "
            f"for each of {count} layers and directions, given {len(params)}"
        )
    for state in states:
        if state.dim() != 3 or state.size(0) < count:
            raise RuntimeError(
                f"Expected more hidden states in stacked_rnn: {name}: expected hx of shape "
                f"({count}, batch, hidden), given {tuple(state.shape)}"
            )
    groups = []
    for begin in range(0, len(params), each):
        group: list[Tensor | None] = params[begin : begin + each]
        projection = group.pop() if projected else None
        groups.append([*group, *[None] * (4 - len(group)), projection])
    return groups


@composite
def lstm(*args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
    """Run layers of long short-term memories over a sequence.

    Args:
        args: ``input (L, N, features), hx, params, has_biases, num_layers, dropout, train,
            bidirectional, batch_first``, where `hx` is a pair ``(layers * directions, N, hidden)``
            and `params` has ``w_ih, w_hh, b_ih, b_hh`` of each layer and direction; or
            ``data, batch_sizes`` of a packed sequence in the place of `input`, without
            `batch_first`.
        kwargs: the same by name.

    Returns:
        The states of the last layer at every step, and both final states of all layers.

    Raises:
        TypeError: neither form.
        RuntimeError: another number of weights, states of another shape, or no steps.

    Example:
        >>> layer = tallow.nn.LSTM(3, 4)
        >>> x, state = tallow.ones(5, 2, 3), tallow.zeros(1, 2, 4)
        >>> weights = list(layer.parameters())
        >>> output, h, c = tallow.lstm(
        ...     x, (state, state), weights, True, 1, 0.0, False, False, False
        ... )
        >>> bool((output == layer(x)[0]).all())
        True
    """
    return _run("lstm", "LSTM", args, kwargs)


@composite
def gru(*args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
    """Run layers of gated recurrent units over a sequence.

    Args:
        args: as those of :func:`lstm`; `hx` is one tensor.
        kwargs: the same by name.

    Returns:
        The states of the last layer at every step, and the final states of all layers.
    """
    return _run("gru", "GRU", args, kwargs)


@composite
def rnn_tanh(*args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
    """Run recurrent layers with hyperbolic tangents over a sequence; see :func:`gru`."""
    return _run("rnn_tanh", "RNN_TANH", args, kwargs)


@composite
def rnn_relu(*args: Any, **kwargs: Any) -> tuple[Tensor, ...]:
    """Run recurrent layers with rectifiers over a sequence; see :func:`gru`."""
    return _run("rnn_relu", "RNN_RELU", args, kwargs)
