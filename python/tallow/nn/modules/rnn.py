"""Recurrent layers and cells."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import tallow
from tallow._tensor import Tensor
from tallow._user_frame import outside_stacklevel
from tallow.nn import init
from tallow.nn.functional import recurrent
from tallow.nn.modules.module import Module
from tallow.nn.parameter import Parameter
from tallow.nn.utils.rnn import PackedSequence

if TYPE_CHECKING:
    from typing import Any


__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

_GATES = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}


def _apply_permutation(tensor: Tensor, permutation: Tensor, dim: int = 1) -> Tensor:
    return tensor.index_select(dim, permutation)


class RNNBase(Module):
    """What recurrent layers share: parameters, checks and the run over layers and directions.

    Args:
        mode: ``RNN_TANH``, ``RNN_RELU``, ``LSTM`` or ``GRU``.
        input_size: features of the input.
        hidden_size: features of the state.
        num_layers: each layer after the first reads the outputs of the one before it.
        bias: whether the products get a summand.
        batch_first: take and return ``(N, L, H)`` instead of ``(L, N, H)``.
        dropout: probability of zeroing between layers, in training.
        bidirectional: each layer also runs backwards.
        proj_size: map the hidden state of an LSTM to this many features; 0 leaves it.
        device: where the parameters live.
        dtype: type of the parameters.

    Raises:
        TypeError: a size is not an integer.
        ValueError: a size or the dropout is out of range.
    """

    __constants__ = [
        "mode",
        "input_size",
        "hidden_size",
        "num_layers",
        "bias",
        "batch_first",
        "dropout",
        "bidirectional",
        "proj_size",
    ]
    mode: str
    input_size: int
    hidden_size: int
    num_layers: int
    bias: bool
    batch_first: bool
    dropout: float
    bidirectional: bool
    proj_size: int

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout) if not isinstance(dropout, bool) else dropout
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_sizes()
        self._all_weights: list[list[str]] = []
        directions = ["", "_reverse"] if bidirectional else [""]
        state_size = proj_size or hidden_size
        gates = _GATES[mode] * hidden_size
        for layer in range(num_layers):
            features = input_size if layer == 0 else state_size * len(directions)
            shapes = {"weight_ih": (gates, features), "weight_hh": (gates, state_size)}
            if bias:
                shapes |= {"bias_ih": (gates,), "bias_hh": (gates,)}  # type: ignore[dict-item]
            if proj_size:
                shapes["weight_hr"] = (proj_size, hidden_size)
            for suffix in directions:
                names = {kind: f"{kind}_l{layer}{suffix}" for kind in shapes}
                for kind, shape in shapes.items():
                    tensor = tallow.empty(shape, device=device, dtype=dtype)
                    setattr(self, names[kind], Parameter(tensor))
                self._all_weights.append(list(names.values()))
        self.reset_parameters()

    def _check_sizes(self) -> None:
        p = self.dropout
        if isinstance(p, bool) or not 0 <= p <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an "
                "element being zeroed"
            )
        if p > 0 and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero "
                f"dropout expects num_layers greater than 1, but got dropout={p} and num_layers=1",
                stacklevel=outside_stacklevel(),
            )
        for name in ("input_size", "hidden_size"):
            size = getattr(self, name)
            if not isinstance(size, int):
                raise TypeError(f"{name} should be of type int, got: {type(size).__name__}")
        for name in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if self.proj_size < 0:
            raise ValueError(
                "proj_size should be a positive integer or zero to disable projections"
            )
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.mode not in _GATES:
            raise ValueError("Unrecognized RNN mode: " + self.mode)

    @property
    def _flat_weights_names(self) -> list[str]:
        return [name for names in self._all_weights for name in names]

    @property
    def _flat_weights(self) -> list[Tensor]:
        return [getattr(self, name) for name in self._flat_weights_names]

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The parameters, grouped by layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def flatten_parameters(self) -> None:
        """Do nothing: the parameters need not lie in one block of memory."""

    def reset_parameters(self) -> None:
        """Draw all parameters uniformly from ``+-1 / sqrt(hidden_size)``."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}", f"{self.hidden_size}"]
        if self.proj_size != 0:
            parts.append(f"proj_size={self.proj_size}")
        if self.num_layers != 1:
            parts.append(f"num_layers={self.num_layers}")
        if self.bias is not True:
            parts.append(f"bias={self.bias}")
        if self.batch_first is not False:
            parts.append(f"batch_first={self.batch_first}")
        if self.dropout != 0:
            parts.append(f"dropout={self.dropout}")
        if self.bidirectional is not False:
            parts.append(f"bidirectional={self.bidirectional}")
        return ", ".join(parts)

    # Checks.

    def check_input(self, input: Tensor, batch_sizes: Tensor | None) -> None:
        """Raise unless the input has the right dtype, dimensions and features."""
        weight = getattr(self, self._all_weights[0][0])
        if input.dtype != weight.dtype:
            raise ValueError(
                f"RNN input dtype ({input.dtype}) does not match weight dtype ({weight.dtype}). "
                f"Convert input: input.to({weight.dtype}), or convert model: "
                f"model.to({input.dtype})"
            )
        expected = 2 if batch_sizes is not None else 3
        if input.dim() != expected:
            raise RuntimeError(f"input must have {expected} dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(
                "input.size(-1) must be equal to input_size. Expected "
                f"{self.input_size}, got {input.size(-1)}"
            )

    def get_expected_hidden_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """Return the shape that the initial hidden state has to have."""
        return (self._num_states(), self._batch(input, batch_sizes), self._state_size())

    def _num_states(self) -> int:
        return self.num_layers * (2 if self.bidirectional else 1)

    def _state_size(self) -> int:
        return self.proj_size or self.hidden_size

    def _batch(self, input: Tensor, batch_sizes: Tensor | None) -> int:
        if batch_sizes is not None:
            return int(batch_sizes[0])
        return input.size(0) if self.batch_first else input.size(1)

    def check_hidden_size(
        self,
        hx: Tensor,
        expected_hidden_size: tuple[int, int, int],
        msg: str = "Expected hidden size {}, got {}",
    ) -> None:
        """Raise unless a state has the expected shape."""
        if tuple(hx.size()) != tuple(expected_hidden_size):
            raise RuntimeError(msg.format(expected_hidden_size, list(hx.size())))

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise unless input and initial state fit the layer."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(hidden, self.get_expected_hidden_size(input, batch_sizes))

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """Reorder the samples of a state."""
        return hx if permutation is None else _apply_permutation(hx, permutation)

    # Running.

    def _initial_state(self, input: Tensor, batch: int) -> Any:
        shape = (self._num_states(), batch, self._state_size())
        return input.new_zeros(shape)

    def _check_dims(self, input: Tensor, hx: Any) -> None:
        if input.dim() not in (2, 3):
            raise ValueError(
                f"{self._get_name()}: Expected input to be 2D or 3D, got {input.dim()}D tensor "
                "instead"
            )
        if hx is None:
            return
        states = hx if isinstance(hx, tuple) else (hx,)
        if all(s.dim() == input.dim() for s in states):
            return
        kind = "batched 3-D" if input.dim() == 3 else "unbatched 2-D"
        if len(states) == 1:
            got = f"hx should also be {input.dim()}-D but got {hx.dim()}-D tensor"
        else:
            dims = ", ".join(f"{s.dim()}-D" for s in states)
            got = f"hx and cx should also be {input.dim()}-D but got ({dims}) tensors"
        raise RuntimeError(f"For {kind} input, {got}")

    def forward(self, input: Any, hx: Any = None) -> tuple[Any, Any]:
        """Run the layers over a sequence.

        Args:
            input: ``(L, N, input_size)``, ``(L, input_size)`` or a packed sequence.
            hx: initial state ``(layers * directions, N, hidden_size)``, a pair of them for an
                LSTM; zeros by default.

        Returns:
            The states of the last layer at every step, and the final states of all layers.
        """
        packed = isinstance(input, PackedSequence)
        if packed:
            data, batch_sizes, sorted_indices, unsorted_indices = input
            batched = True
        else:
            data, batch_sizes, sorted_indices, unsorted_indices = input, None, None, None
            self._check_dims(data, hx)
            batched = data.dim() == 3
            if not batched:
                data = data.unsqueeze(0 if self.batch_first else 1)
                hx = _map_state(hx, lambda s: s.unsqueeze(1))
        if hx is None:
            hx = self._initial_state(data, self._batch(data, batch_sizes))
        else:
            hx = self.permute_hidden(hx, sorted_indices)
        self.check_forward_args(data, hx, batch_sizes)
        if not packed and self.batch_first:
            data = data.transpose(0, 1)
        if data.size(0) == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        output, final = recurrent.run_layers(
            self.mode,
            data,
            None if batch_sizes is None else batch_sizes.tolist(),
            hx if isinstance(hx, tuple) else (hx,),
            [self._weights_of(names) for names in self._all_weights],
            self.bidirectional,
            self.dropout if self.training else 0.0,
        )
        state: Any = final if isinstance(hx, tuple) else final[0]
        if packed:
            sequence = PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices)
            return sequence, self.permute_hidden(state, unsorted_indices)
        if self.batch_first:
            output = output.transpose(0, 1)
        if not batched:
            output = output.squeeze(0 if self.batch_first else 1)
            state = _map_state(state, lambda s: s.squeeze(1))
        return output, state

    def _weights_of(self, names: list[str]) -> list[Tensor | None]:
        """Return ``w_ih, w_hh, b_ih, b_hh, w_hr`` of one direction of one layer."""
        values = [getattr(self, name) for name in names]
        projection = values.pop() if self.proj_size else None
        biases = values[2:] if self.bias else [None, None]
        return [*values[:2], *biases, projection]


def _map_state(state: Any, fn: Any) -> Any:
    if state is None:
        return None
    return tuple(fn(s) for s in state) if isinstance(state, tuple) else fn(state)


class RNN(RNNBase):
    """Elman network: ``h' = tanh(w_ih x + b_ih + w_hh h + b_hh)``.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        num_layers: each layer after the first reads the outputs of the one before it.
        nonlinearity: ``tanh`` or ``relu``.
        bias: whether the products get a summand.
        batch_first: take and return ``(N, L, H)`` instead of ``(L, N, H)``.
        dropout: probability of zeroing between layers, in training.
        bidirectional: each layer also runs backwards.
        device: where the parameters live.
        dtype: type of the parameters.

    Example:
        >>> output, state = RNN(3, 5)(tallow.ones(7, 2, 3))
        >>> output.shape, state.shape
        (tallow.Size([7, 2, 5]), tallow.Size([1, 2, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        _reject_projection(kwargs)
        self.nonlinearity = nonlinearity
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        super().__init__(
            f"RNN_{nonlinearity.upper()}",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
            **kwargs,
        )


def _reject_projection(kwargs: dict[str, Any]) -> None:
    if "proj_size" in kwargs:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


class LSTM(RNNBase):
    """Long short-term memory; see :func:`tallow.nn.functional.recurrent.lstm_cell`.

    Args:
        input_size: features of the input.
        hidden_size: features of the states.
        num_layers: each layer after the first reads the outputs of the one before it.
        bias: whether the products get a summand.
        batch_first: take and return ``(N, L, H)`` instead of ``(L, N, H)``.
        dropout: probability of zeroing between layers, in training.
        bidirectional: each layer also runs backwards.
        proj_size: map the hidden state to this many features; 0 leaves it.
        device: where the parameters live.
        dtype: type of the parameters.

    Example:
        >>> output, (hidden, cell) = LSTM(3, 5, batch_first=True)(tallow.ones(2, 7, 3))
        >>> output.shape, hidden.shape, cell.shape
        (tallow.Size([2, 7, 5]), tallow.Size([1, 2, 5]), tallow.Size([1, 2, 5]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            "LSTM",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )

    def get_expected_cell_size(
        self, input: Tensor, batch_sizes: Tensor | None
    ) -> tuple[int, int, int]:
        """Return the shape that the initial cell state has to have."""
        return (self._num_states(), self._batch(input, batch_sizes), self.hidden_size)

    def check_forward_args(self, input: Tensor, hidden: Any, batch_sizes: Tensor | None) -> None:
        """Raise unless input and initial states fit the layer."""
        self.check_input(input, batch_sizes)
        self.check_hidden_size(
            hidden[0],
            self.get_expected_hidden_size(input, batch_sizes),
            "Expected hidden[0] size {}, got {}",
        )
        self.check_hidden_size(
            hidden[1],
            self.get_expected_cell_size(input, batch_sizes),
            "Expected hidden[1] size {}, got {}",
        )

    def permute_hidden(self, hx: Any, permutation: Tensor | None) -> Any:
        """Reorder the samples of both states."""
        if permutation is None:
            return tuple(hx) if isinstance(hx, list) else hx
        return tuple(_apply_permutation(s, permutation) for s in hx)

    def _initial_state(self, input: Tensor, batch: int) -> Any:
        cell = input.new_zeros((self._num_states(), batch, self.hidden_size))
        return (super()._initial_state(input, batch), cell)


class GRU(RNNBase):
    """Gated recurrent unit; see :func:`tallow.nn.functional.recurrent.gru_cell`.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        num_layers: each layer after the first reads the outputs of the one before it.
        bias: whether the products get a summand.
        batch_first: take and return ``(N, L, H)`` instead of ``(L, N, H)``.
        dropout: probability of zeroing between layers, in training.
        bidirectional: each layer also runs backwards.
        device: where the parameters live.
        dtype: type of the parameters.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        _reject_projection(kwargs)
        super().__init__(
            "GRU",
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            device=device,
            dtype=dtype,
            **kwargs,
        )


class RNNCellBase(Module):
    """What recurrent cells share."""

    __constants__ = ["input_size", "hidden_size", "bias"]
    input_size: int
    hidden_size: int
    bias: bool
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None
    bias_hh: Tensor | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows = num_chunks * hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, input_size),
            "weight_hh": (rows, hidden_size),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
        }
        for name, shape in shapes.items():
            absent = name.startswith("bias") and not bias
            tensor = None if absent else tallow.empty(shape, device=device, dtype=dtype)
            self.register_parameter(name, None if tensor is None else Parameter(tensor))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters uniformly from ``+-1 / sqrt(hidden_size)``."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        parts = [f"{self.input_size}", f"{self.hidden_size}"]
        if self.bias is not True:
            parts.append(f"bias={self.bias}")
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            parts.append(f"nonlinearity={self.nonlinearity}")
        return ", ".join(parts)

    def _prepare(self, input: Tensor, states: tuple[Tensor, ...] | None, n: int) -> Any:
        """Check, give a batch dimension, and fill in zero states."""
        if input.dim() not in (1, 2):
            raise ValueError(
                f"{self._get_name()}: Expected input to be 1D or 2D, got {input.dim()}D instead"
            )
        if states is not None:
            for state in states:
                if state.dim() not in (1, 2):
                    raise ValueError(
                        f"{self._get_name()}: Expected hidden to be 1D or 2D, got {state.dim()}D "
                        "instead"
                    )
        if input.dim() == 1:
            input = input.unsqueeze(0)
            states = None if states is None else tuple(s.unsqueeze(0) for s in states)
        if states is None:
            states = (input.new_zeros((input.size(0), self.hidden_size)),) * n
        if input.size(1) != self.input_size:
            raise RuntimeError(
                f"input has inconsistent input_size: got {input.size(1)} expected {self.input_size}"
            )
        for i, state in enumerate(states):
            if state.size(0) != input.size(0):
                raise RuntimeError(
                    f"Input batch size {input.size(0)} doesn't match hidden{i} batch size "
                    f"{state.size(0)}"
                )
            if state.size(1) != self.hidden_size:
                raise RuntimeError(
                    f"hidden{i} has inconsistent hidden_size: got {state.size(1)}, expected "
                    f"{self.hidden_size}"
                )
        return input, states

    def _cell(self, fn: Any, input: Tensor, state: Any) -> Any:
        return fn(input, state, self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)


class RNNCell(RNNCellBase):
    """One step of an Elman network.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        bias: whether the products get a summand.
        nonlinearity: ``tanh`` or ``relu``.
        device: where the parameters live.
        dtype: type of the parameters.
    """

    __constants__ = ["input_size", "hidden_size", "bias", "nonlinearity"]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        batched = input.dim() == 2
        input, (hx,) = self._prepare(input, None if hx is None else (hx,), 1)
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        tanh = self.nonlinearity == "tanh"
        cell = recurrent.rnn_tanh_cell if tanh else recurrent.rnn_relu_cell
        state = self._cell(cell, input, hx)
        return state if batched else state.squeeze(0)


class LSTMCell(RNNCellBase):
    """One step of a long short-term memory.

    Args:
        input_size: features of the input.
        hidden_size: features of the states.
        bias: whether the products get a summand.
        device: where the parameters live.
        dtype: type of the parameters.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        batched = input.dim() == 2
        input, states = self._prepare(input, None if hx is None else tuple(hx), 2)
        hidden, cell = self._cell(recurrent.lstm_cell, input, states)
        return (hidden, cell) if batched else (hidden.squeeze(0), cell.squeeze(0))


class GRUCell(RNNCellBase):
    """One step of a gated recurrent unit.

    Args:
        input_size: features of the input.
        hidden_size: features of the state.
        bias: whether the products get a summand.
        device: where the parameters live.
        dtype: type of the parameters.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        batched = input.dim() == 2
        input, (hx,) = self._prepare(input, None if hx is None else (hx,), 1)
        state = self._cell(recurrent.gru_cell, input, hx)
        return state if batched else state.squeeze(0)
