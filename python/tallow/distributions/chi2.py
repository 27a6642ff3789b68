"""Chi-squared distributions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import constraints
from .gamma import Gamma

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["Chi2"]


class Chi2(Gamma):
    """Sums of squares of standard normal numbers.

    Args:
        df: degrees of freedom, > 0.
        validate_args: see :class:`Distribution`.

    Example:
        >>> from tallow.distributions import Chi2
        >>> Chi2(3.0).variance
        tensor(6.)
    """

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        super().__init__(0.5 * df, 0.5, validate_args=validate_args)

    def _expandable(self) -> Any:
        return (("concentration", 0), ("rate", 0))

    @property
    def df(self) -> Tensor:
        """Degrees of freedom."""
        return self.concentration * 2
