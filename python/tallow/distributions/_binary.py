"""What distributions of yes and no share: parameters as probabilities or log odds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all, lazy_property, logits_to_probs, probs_to_logits

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["BinaryParams", "one_of"]


def one_of(probs: Any, logits: Any) -> None:
    """Refuse both parameters, or none of them.

    Args:
        probs: probabilities or None.
        logits: their logarithms or None.

    Raises:
        ValueError: both are given, or neither is.
    """
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


class BinaryParams(Distribution):
    """Has ``probs``, and ``logits`` with the log odds; the one not given follows."""

    arg_constraints: Any = {"probs": constraints.unit_interval, "logits": constraints.real}

    def _set_params(self, probs: Any, logits: Any, *others: Any) -> tuple[Tensor, ...]:
        one_of(probs, logits)
        name = "logits" if probs is None else "probs"
        value, *rest = broadcast_all(logits if probs is None else probs, *others)
        self.__dict__[name] = value
        return tuple(rest)

    @property
    def _param(self) -> Tensor:
        """The parameter that was given, or the first of both."""
        return self.__dict__["probs"] if "probs" in self.__dict__ else self.__dict__["logits"]

    @property
    def param_shape(self) -> Any:
        """Shape of the parameter."""
        return self._param.size()

    @lazy_property
    def logits(self) -> Tensor:
        """Log odds."""
        return probs_to_logits(self.probs, is_binary=True)

    @lazy_property
    def probs(self) -> Tensor:
        """Probabilities."""
        return logits_to_probs(self.logits, is_binary=True)
