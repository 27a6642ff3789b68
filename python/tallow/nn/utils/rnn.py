"""Sequences of different lengths: padding them, and packing them without padding."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

import tallow
from tallow._absent import name_absent_ones
from tallow._tensor import Tensor

if TYPE_CHECKING:
    from typing import Any, Self

__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]

_Fields = namedtuple("_Fields", ["data", "batch_sizes", "sorted_indices", "unsorted_indices"])


class PackedSequence(_Fields):
    """Sequences of different lengths without padding, step after step, longest sequence first.

    Made by :func:`pack_padded_sequence` and :func:`pack_sequence`.

    Args:
        data: all first elements, then all second ones, and so on: ``(sum of lengths, *)``.
        batch_sizes: how many sequences reach each step; int64, on the CPU.
        sorted_indices: where in the original batch each sequence was.
        unsorted_indices: the inverse permutation.
    """

    __slots__ = ()

    def __new__(
        cls,
        data: Any,
        batch_sizes: Any = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        """Check where ``batch_sizes`` is and complete the indices."""
        if batch_sizes is None:  # a pair of the first two, in old programs
            data, batch_sizes = data
        if batch_sizes.device.type != "cpu":
            raise ValueError(
                "batch_sizes should always be on CPU. Instances of PackedSequence should never be "
                "created manually. They should be instantiated by functions like pack_sequence "
                "and pack_padded_sequences in nn.utils.rnn."
            )
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Convert the data as :meth:`Tensor.to` does; itself if nothing changes."""
        data = self.data.to(*args, **kwargs)
        if data is self.data:
            return self
        kwargs = {k: v for k, v in kwargs.items() if k not in ("device", "dtype")}
        indices = [
            None if index is None else index.to(data.device, **kwargs)
            for index in (self.sorted_indices, self.unsorted_indices)
        ]
        return type(self)(data, self.batch_sizes, *indices)

    def pin_memory(self) -> PackedSequence:
        """Move to memory that devices can read directly."""
        indices = [
            None if index is None else index.pin_memory()
            for index in (self.sorted_indices, self.unsorted_indices)
        ]
        return type(self)(self.data.pin_memory(), self.batch_sizes, *indices)

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move to a CUDA device."""
        return self if self.is_cuda else self.to(*args, **{"device": "cuda", **kwargs})

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """Move to the CPU."""
        return self.to(*args, **{"device": "cpu", **kwargs})

    def double(self) -> PackedSequence:
        """Cast to ``float64``."""
        return self.to(dtype=tallow.float64)

    def float(self) -> PackedSequence:
        """Cast to ``float32``."""
        return self.to(dtype=tallow.float32)

    def half(self) -> PackedSequence:
        """Cast to ``float16``."""
        return self.to(dtype=tallow.float16)

    def long(self) -> PackedSequence:
        """Cast to ``int64``."""
        return self.to(dtype=tallow.int64)

    def int(self) -> PackedSequence:
        """Cast to ``int32``."""
        return self.to(dtype=tallow.int32)

    def short(self) -> PackedSequence:
        """Cast to ``int16``."""
        return self.to(dtype=tallow.int16)

    def char(self) -> PackedSequence:
        """Cast to ``int8``."""
        return self.to(dtype=tallow.int8)

    def byte(self) -> PackedSequence:
        """Cast to ``uint8``."""
        return self.to(dtype=tallow.uint8)

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a CUDA device."""
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        """Whether the data is in memory that devices can read directly."""
        return self.data.is_pinned()


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Return the permutation that undoes ``permutation``."""
    if permutation is None:
        return None
    positions = tallow.arange(permutation.numel(), device=permutation.device)
    return tallow.empty_like(permutation).scatter_(0, permutation, positions)


def pack_padded_sequence(
    input: Tensor,
    lengths: Any,
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Remove the padding of a batch of sequences.

    Args:
        input: ``(L, N, *)``.
        lengths: ``N`` lengths; a list or a tensor on the CPU.
        batch_first: ``input`` is ``(N, L, *)``.
        enforce_sorted: demand that the lengths do not increase; otherwise sort.

    Raises:
        RuntimeError: a length is not positive or too large, there are too few or too many of them,
            or they are not sorted.

    Example:
        >>> pack_padded_sequence(tallow.tensor([[1, 2], [3, 0]]), [2, 1]).data
        tensor([1, 2, 3])
    """
    lengths = tallow.as_tensor(lengths, dtype=tallow.int64, device="cpu")
    sorted_indices = None
    if not enforce_sorted:
        lengths, sorted_indices = tallow.sort(lengths, descending=True)
        sorted_indices = sorted_indices.to(input.device)
        input = input.index_select(0 if batch_first else 1, sorted_indices)
    if batch_first:
        input = input.transpose(0, 1)
    counts = lengths.tolist()
    steps, batch = input.shape[:2]
    if len(counts) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(counts)} "
            f"(batch_size={batch})"
        )
    if any(before < after for before, after in pairwise(counts)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You "
            "can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            "sidestep this requirement if you do not need ONNX exportability."
        )
    if counts and counts[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    if counts and counts[0] > steps:
        raise RuntimeError(
            f"Expected all lengths to be at most the number of steps in input, {steps}, but found "
            f"{counts[0]}"
        )
    batch_sizes = [sum(count > t for count in counts) for t in range(counts[0] if counts else 0)]
    data = tallow.cat([input[t, :size] for t, size in enumerate(batch_sizes)])
    return PackedSequence(
        data, tallow.tensor(batch_sizes, dtype=tallow.int64, device="cpu"), sorted_indices
    )


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Put the padding back that :func:`pack_padded_sequence` removed.

    Args:
        sequence: the packed sequences.
        batch_first: return ``(N, L, *)``.
        padding_value: what fills the gaps.
        total_length: pad to this many steps instead of the length of the longest sequence.

    Returns:
        ``(L, N, *)`` in the original order of the batch, and the lengths.

    Raises:
        ValueError: ``total_length`` is too small.
    """
    batch_sizes = sequence.batch_sizes.tolist()
    steps = len(batch_sizes)
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                "Expected total_length to be at least the length of the longest sequence in "
                f"input, but got total_length={total_length} and max sequence length being {steps}"
            )
        steps = total_length
    data = sequence.data
    padded = data.new_full((steps, batch_sizes[0], *data.shape[1:]), padding_value)
    for t, part in enumerate(data.split(batch_sizes)):
        padded[t, : batch_sizes[t]] = part
    counts = [sum(size > i for size in batch_sizes) for i in range(batch_sizes[0])]
    lengths = tallow.tensor(counts, dtype=tallow.int64, device="cpu")
    if batch_first:
        padded = padded.transpose(0, 1)
    if sequence.unsorted_indices is not None:
        # Last, so that the result lies in its own order: random draws later on follow it.
        padded = padded.index_select(0 if batch_first else 1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices.cpu()]
    return padded, lengths


def pad_sequence(
    sequences: Any,
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Stack sequences of different lengths, filling up the shorter ones.

    Args:
        sequences: tensors ``(L, *)`` that differ in ``L`` only.
        batch_first: return ``(N, L, *)`` instead of ``(L, N, *)``.
        padding_value: what fills the gaps.
        padding_side: ``right`` or ``left``.

    Raises:
        RuntimeError: nothing to stack, or an unknown side.

    Example:
        >>> pad_sequence([tallow.tensor([1, 2]), tallow.tensor([3])], batch_first=True)
        tensor([[1, 2],
                [3, 0]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            "pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    sequences = list(sequences.unbind(0) if isinstance(sequences, Tensor) else sequences)
    if not sequences:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"Expected padding_side to be one of left or right, but got {padding_side}."
        )
    length = max(sequence.size(0) for sequence in sequences)
    sizes = (len(sequences), length) if batch_first else (length, len(sequences))
    whole = sequences[0].new_full((*sizes, *sequences[0].shape[1:]), padding_value)
    padded = whole if batch_first else whole.transpose(0, 1)
    for i, sequence in enumerate(sequences):
        n = sequence.size(0)
        start = 0 if padding_side == "right" else length - n
        padded[i, start : start + n] = sequence
    return whole


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """Undo :func:`pad_sequence`.

    Args:
        padded_sequences: ``(L, N, *)``.
        lengths: ``N`` lengths.
        batch_first: the sequences are ``(N, L, *)``.
    """
    if not batch_first:
        padded_sequences = padded_sequences.transpose(0, 1)
    rows = tallow.contiguous_format
    return [
        sequence[: int(n)].clone(memory_format=rows)
        for sequence, n in zip(padded_sequences, lengths, strict=True)
    ]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Pack tensors ``(L, *)`` of different lengths; see :func:`pack_padded_sequence`."""
    lengths = [sequence.size(0) for sequence in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """Undo :func:`pack_sequence`."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


name_absent_ones(__name__)
