"""Geometric distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow.nn.functional import binary_cross_entropy_with_logits

from . import constraints
from ._binary import BinaryParams

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["Geometric"]


class Geometric(BinaryParams):
    """How many trials fail before one succeeds.

    Args:
        probs: probability of success, in (0, 1].
        logits: log odds of success, instead of ``probs``.
        validate_args: see :class:`Distribution`.

    Raises:
        ValueError: a probability of 0.

    Example:
        >>> from tallow.distributions import Geometric
        >>> Geometric(0.25).mean
        tensor(3.)
    """

    support = constraints.nonnegative_integer

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        self._set_params(probs, logits)
        super().__init__(self._param.shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not (self.probs > 0).all():
            value = self.probs
            raise ValueError(
                f"Expected parameter probs ({type(value).__name__} of shape {tuple(value.shape)}) "
                f"of distribution {self!r} to be positive but found invalid values:\n"
                f"{value[value <= 0]}"
            )

    @property
    def mean(self) -> Tensor:
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Tensor:
        return tallow.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with tallow.no_grad():
            u = self.probs.new_empty(shape).uniform_(tallow.finfo(self.probs.dtype).tiny, 1)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        value, probs = tallow.broadcast_tensors(value, self.probs)
        # 0 * log(1 - 1) is 0: certain success comes at once.
        failing = (-probs.masked_fill((probs == 1) & (value == 0), 0)).log1p()
        return value * failing + self.probs.log()

    def entropy(self) -> Tensor:
        return (
            binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none") / self.probs
        )
