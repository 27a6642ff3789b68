"""A softmax over many classes that spends less on the rare ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import tallow
from tallow.nn.modules.container import ModuleList, Sequential
from tallow.nn.modules.linear import Linear
from tallow.nn.modules.module import Module

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tallow._tensor import Tensor

__all__ = ["AdaptiveLogSoftmaxWithLoss"]


class _ASMoutput(NamedTuple):
    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """A softmax that spends less on rare classes, with its loss.

    Source: E. Grave et al., Efficient softmax approximation for GPUs, ICML 2017.

    Args:
        in_features: size of the input.
        n_classes: number of classes, sorted from frequent to rare.
        cutoffs: where a new cluster of classes begins, increasing.
        div_value: how much smaller the features of each next cluster are.
        head_bias: whether the head adds something.
        device: where the parameters live.
        dtype: type of the parameters.
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        if (
            cutoffs != sorted(cutoffs)
            or min(cutoffs) <= 0
            or max(cutoffs) > n_classes - 1
            or len(set(cutoffs)) != len(cutoffs)
            or any(int(c) != c for c in cutoffs)
        ):
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
                "order, where each value is between 1 and n_classes-1"
            )
        self.in_features, self.n_classes = in_features, n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value, self.head_bias = div_value, head_bias
        self.shortlist_size = self.cutoffs[0]
        self.n_clusters = len(self.cutoffs) - 1
        self.head_size = self.shortlist_size + self.n_clusters
        options = {"device": device, "dtype": dtype}
        self.head = Linear(in_features, self.head_size, bias=head_bias, **options)
        self.tail = ModuleList()
        for i in range(self.n_clusters):
            hidden = int(in_features // (div_value ** (i + 1)))
            size = self.cutoffs[i + 1] - self.cutoffs[i]
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, bias=False, **options),
                    Linear(hidden, size, bias=False, **options),
                )
            )

    def reset_parameters(self) -> None:
        """Draw all weights anew."""
        self.head.reset_parameters()
        for part in self.tail.modules():
            if isinstance(part, Linear):
                part.reset_parameters()

    def forward(self, input_: Tensor, target_: Tensor) -> _ASMoutput:
        batched = target_.dim() > 0
        if batched:
            if input_.shape[0] != target_.shape[0]:
                raise RuntimeError(
                    "Input and target should have the same size in the batch dimension."
                )
            if input_.dim() != 2:
                raise RuntimeError(
                    "1D target tensor expects 2D input tensors, but found inputs with size",
                    input_.size(),
                )
        elif input_.dim() != 1:
            raise RuntimeError(
                "0D target tensor expects 1D input tensors, but found inputs with size",
                input_.size(),
            )
        input = input_ if batched else input_.unsqueeze(0)
        target = target_ if batched else target_.unsqueeze(0)
        if bool(((target < 0) | (target >= self.n_classes)).any()):
            raise RuntimeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{int(target.min())}, {int(target.max())}] were found. "
            )
        output = self._of_target(input, target)
        loss = (-output).mean()
        return _ASMoutput(output if batched else output.squeeze(0), loss)

    def _of_target(self, input: Tensor, target: Tensor) -> Tensor:
        """The log-probability of each target."""
        head = self.head(input).log_softmax(1)
        place = target
        parts = []
        for i in range(self.n_clusters):
            low, high = self.cutoffs[i], self.cutoffs[i + 1]
            rows = ((target >= low) & (target < high)).nonzero().squeeze(1)
            if rows.numel() == 0:
                continue
            place = place.index_fill(0, rows, self.shortlist_size + i)
            inside = self.tail[i](input.index_select(0, rows)).log_softmax(1)
            chosen = inside.gather(1, (target[rows] - low).unsqueeze(1)).squeeze(1)
            parts.append((rows, chosen))
        output = head.gather(1, place.unsqueeze(1)).squeeze(1)
        for rows, chosen in parts:
            output = output.index_add(0, rows, chosen)
        return output

    def _log_prob_from_head(self, input: Tensor, head: Tensor) -> Tensor:
        normalised = head.log_softmax(1)
        parts = [normalised[:, : self.shortlist_size]]
        for i in range(self.n_clusters):
            inside = self.tail[i](input).log_softmax(1)
            parts.append(inside + normalised[:, self.shortlist_size + i].unsqueeze(1))
        return tallow.cat(parts, 1)

    def log_prob(self, input: Tensor) -> Tensor:
        """Return the log-probabilities of all classes, ``(N, n_classes)``."""
        return self._log_prob_from_head(input, self.head(input))

    def predict(self, input: Tensor) -> Tensor:
        """Return the most probable class of each row."""
        return self.log_prob(input).argmax(1)
