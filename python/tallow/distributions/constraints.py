"""Constraints: regions in which the parameters and the samples of distributions lie.

``check(value)`` tells for each event whether it lies inside. Some are made once and have names,
such as ``positive``; others are classes with parameters, such as ``interval(0, 1)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tallow import Tensor

__all__ = [
    "Constraint",
    "MixtureSameFamilyConstraint",
    "boolean",
    "cat",
    "corr_cholesky",
    "dependent",
    "dependent_property",
    "greater_than",
    "greater_than_eq",
    "half_open_interval",
    "independent",
    "integer_interval",
    "interval",
    "is_dependent",
    "less_than",
    "lower_cholesky",
    "lower_triangular",
    "multinomial",
    "nonnegative",
    "nonnegative_integer",
    "one_hot",
    "positive",
    "positive_definite",
    "positive_integer",
    "positive_semidefinite",
    "real",
    "real_vector",
    "simplex",
    "square",
    "stack",
    "symmetric",
    "unit_interval",
]

_TOLERANCE = 1e-6


class Constraint:
    """A region of the space of events.

    Attributes:
        is_discrete: whether the region is a set of separate points.
        event_dim: number of dimensions of one event; ``check`` removes them.
    """

    is_discrete: Any = False
    event_dim: Any = 0

    def check(self, value: Tensor) -> Tensor:
        """Tell for each event whether it lies inside.

        Args:
            value: batch of events.

        Returns:
            Booleans of the batch shape.
        """
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__.lstrip('_')}()"


class _Dependent(Constraint):
    """Depends on the parameters of the distribution, so that nothing can be checked here."""

    def __init__(self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented):
        self._is_discrete = is_discrete
        self._event_dim = event_dim

    @property
    def is_discrete(self) -> Any:
        """Whether the region is a set of separate points."""
        if self._is_discrete is NotImplemented:
            raise NotImplementedError(".is_discrete cannot be determined statically")
        return self._is_discrete

    @property
    def event_dim(self) -> Any:
        """Number of dimensions of one event."""
        if self._event_dim is NotImplemented:
            raise NotImplementedError(".event_dim cannot be determined statically")
        return self._event_dim

    def __call__(
        self, *, is_discrete: Any = NotImplemented, event_dim: Any = NotImplemented
    ) -> Any:
        """Return one that knows more."""
        return _Dependent(
            is_discrete=self._is_discrete if is_discrete is NotImplemented else is_discrete,
            event_dim=self._event_dim if event_dim is NotImplemented else event_dim,
        )

    def check(self, value: Tensor) -> Tensor:
        raise ValueError("Cannot determine validity of dependent constraint")


class _DependentProperty(property, _Dependent):
    """Decorates a ``support`` that depends on the parameters: on the class it is ``dependent``."""

    def __init__(
        self,
        fn: Callable[[Any], Any] | None = None,
        *,
        is_discrete: Any = NotImplemented,
        event_dim: Any = NotImplemented,
    ) -> None:
        property.__init__(self, fn)
        _Dependent.__init__(self, is_discrete=is_discrete, event_dim=event_dim)

    def __call__(self, fn: Callable[[Any], Any]) -> Any:  # type: ignore[override]
        """Decorate a method, after the facts have been given."""
        return _DependentProperty(fn, is_discrete=self._is_discrete, event_dim=self._event_dim)


def is_dependent(constraint: Any) -> bool:
    """Tell whether a constraint depends on parameters.

    Args:
        constraint: any.
    """
    return isinstance(constraint, _Dependent)


class independent(Constraint):
    """Take further dimensions into the event, which lies inside if all its parts do.

    Args:
        base_constraint: of the parts.
        reinterpreted_batch_ndims: how many dimensions.
    """

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        if not isinstance(base_constraint, Constraint):
            raise AssertionError(f"base_constraint must be a Constraint, got {base_constraint!r}")
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    @property
    def is_discrete(self) -> Any:
        """Whether the region is a set of separate points."""
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> Any:
        """Number of dimensions of one event."""
        return self.base_constraint.event_dim + self.reinterpreted_batch_ndims

    def check(self, value: Tensor) -> Tensor:
        result = self.base_constraint.check(value)
        count = self.reinterpreted_batch_ndims
        if result.dim() < count:
            expected = self.base_constraint.event_dim + count
            raise ValueError(f"Expected value.dim() >= {expected} but got {value.dim()}")
        return result.reshape((*result.shape[: result.dim() - count], -1)).all(-1)

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(Constraint):
    """The region of each component of a mixture.

    Args:
        base_constraint: of the components.
    """

    def __init__(self, base_constraint: Constraint) -> None:
        self.base_constraint = base_constraint

    @property
    def is_discrete(self) -> Any:
        """Whether the region is a set of separate points."""
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> Any:
        """Number of dimensions of one event."""
        return self.base_constraint.event_dim

    def check(self, value: Tensor) -> Tensor:
        # The components are the last dimension of the batch.
        result = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        return result.all(-1)

    def __repr__(self) -> str:
        return f"MixtureSameFamilyConstraint({self.base_constraint!r})"


class _Boolean(Constraint):
    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return (value == 0) | (value == 1)


class _OneHot(Constraint):
    is_discrete = True
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return ((value == 0) | (value == 1)).all(-1) & (value.sum(-1) == 1)


class _Real(Constraint):
    def check(self, value: Tensor) -> Tensor:
        return value == value  # false for nan only


class _Bounded(Constraint):
    """A region given by bounds, which the text shows."""

    def __repr__(self) -> str:
        bounds = ", ".join(f"{name}={bound}" for name, bound in vars(self).items())
        return f"{self._shown}({bounds})"

    _shown = ""


class greater_than(_Bounded):
    """Greater than a bound.

    Args:
        lower_bound: outside the region.
    """

    _shown = "GreaterThan"

    def __init__(self, lower_bound: Any) -> None:
        self.lower_bound = lower_bound

    def check(self, value: Tensor) -> Tensor:
        return self.lower_bound < value


class greater_than_eq(_Bounded):
    """Greater than a bound or equal to it.

    Args:
        lower_bound: inside the region.
    """

    _shown = "GreaterThanEq"

    def __init__(self, lower_bound: Any) -> None:
        self.lower_bound = lower_bound

    def check(self, value: Tensor) -> Tensor:
        return self.lower_bound <= value


class less_than(_Bounded):
    """Less than a bound.

    Args:
        upper_bound: outside the region.
    """

    _shown = "LessThan"

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Tensor:
        return value < self.upper_bound


class interval(_Bounded):
    """Between two bounds, both inside.

    Args:
        lower_bound: the lower one.
        upper_bound: the upper one.
    """

    _shown = "Interval"

    def __init__(self, lower_bound: Any, upper_bound: Any) -> None:
        self.lower_bound = lower_bound
        self.upper_bound = upper_bound

    def check(self, value: Tensor) -> Tensor:
        return (self.lower_bound <= value) & (value <= self.upper_bound)


class half_open_interval(interval):
    """Between two bounds, the lower one inside.

    Args:
        lower_bound: the lower one.
        upper_bound: the upper one.
    """

    _shown = "HalfOpenInterval"

    def check(self, value: Tensor) -> Tensor:
        return (self.lower_bound <= value) & (value < self.upper_bound)


class integer_interval(interval):
    """Whole numbers between two bounds, both inside.

    Args:
        lower_bound: the lower one.
        upper_bound: the upper one.
    """

    _shown = "IntegerInterval"
    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return (value % 1 == 0) & super().check(value)


class _IntegerGreaterThan(greater_than_eq):
    _shown = "IntegerGreaterThan"
    is_discrete = True

    def check(self, value: Tensor) -> Tensor:
        return (value % 1 == 0) & super().check(value)


class multinomial(Constraint):
    """Counts that add up to at most a bound.

    Args:
        upper_bound: the number of trials.
    """

    is_discrete = True
    event_dim = 1

    def __init__(self, upper_bound: Any) -> None:
        self.upper_bound = upper_bound

    def __repr__(self) -> str:
        return "Multinomial()"

    def check(self, value: Tensor) -> Tensor:
        return (value >= 0).all(-1) & (value.sum(-1) <= self.upper_bound)


class _Simplex(Constraint):
    event_dim = 1

    def check(self, value: Tensor) -> Tensor:
        return (value >= 0).all(-1) & ((value.sum(-1) - 1).abs() < _TOLERANCE)


class _Matrix(Constraint):
    event_dim = 2

    def _whole(self, holds: Tensor) -> Tensor:
        return holds.reshape((*holds.shape[:-2], -1)).all(-1)


class _Square(_Matrix):
    def check(self, value: Tensor) -> Tensor:
        square = value.shape[-1] == value.shape[-2]
        return tallow.full(value.shape[:-2], square, dtype=tallow.bool, device=value.device)


class _Symmetric(_Square):
    def check(self, value: Tensor) -> Tensor:
        if value.shape[-1] != value.shape[-2]:
            return super().check(value)
        return self._whole(tallow.isclose(value, value.mT, atol=_TOLERANCE))


class _PositiveSemidefinite(_Symmetric):
    def check(self, value: Tensor) -> Tensor:
        symmetric = super().check(value)
        if not symmetric.all():
            return symmetric
        return (tallow.linalg.eigvalsh(value) >= 0).all(-1)


class _PositiveDefinite(_Symmetric):
    def check(self, value: Tensor) -> Tensor:
        symmetric = super().check(value)
        if not symmetric.all():
            return symmetric
        return tallow.linalg.cholesky_ex(value).info == 0


class _LowerTriangular(_Matrix):
    def check(self, value: Tensor) -> Tensor:
        return self._whole(value.tril() == value)


class _LowerCholesky(_LowerTriangular):
    def check(self, value: Tensor) -> Tensor:
        return super().check(value) & (value.diagonal(dim1=-2, dim2=-1) > 0).all(-1)


class _CorrCholesky(_LowerCholesky):
    def check(self, value: Tensor) -> Tensor:
        tolerance = tallow.finfo(value.dtype).eps * value.shape[-1] * 10
        norms = value.detach().square().sum(-1).sqrt()
        return super().check(value) & ((norms - 1).abs() < tolerance).all(-1)


class cat(Constraint):
    """Constraints on parts that lie side by side along a dimension.

    Args:
        cseq: one for each part.
        dim: the dimension.
        lengths: of the parts; all 1 if missing.
    """

    def __init__(
        self, cseq: Sequence[Constraint], dim: int = 0, lengths: Sequence[int] | None = None
    ) -> None:
        self.cseq = list(cseq)
        self.dim = dim
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)

    @property
    def is_discrete(self) -> bool:
        """Whether the region is a set of separate points."""
        return any(part.is_discrete for part in self.cseq)

    @property
    def event_dim(self) -> int:
        """Number of dimensions of one event."""
        return max(part.event_dim for part in self.cseq)

    def check(self, value: Tensor) -> Tensor:
        parts = value.split(self.lengths, self.dim)
        checks = [each.check(part) for each, part in zip(self.cseq, parts, strict=True)]
        return tallow.cat(checks, self.dim)

    def __repr__(self) -> str:
        return f"{type(self).__name__.title()}()"


class stack(cat):
    """Constraints on the slices of a dimension.

    Args:
        cseq: one for each slice.
        dim: the dimension.
    """

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0) -> None:
        super().__init__(cseq, dim)

    @property
    def event_dim(self) -> int:
        """Number of dimensions of one event."""
        dim = super().event_dim
        return dim + 1 if self.dim + dim < 0 else dim

    def check(self, value: Tensor) -> Tensor:
        slices = value.unbind(self.dim)
        checks = [each.check(part) for each, part in zip(self.cseq, slices, strict=True)]
        return tallow.stack(checks, self.dim)


dependent = _Dependent()
dependent_property = _DependentProperty
boolean = _Boolean()
one_hot = _OneHot()
nonnegative_integer = _IntegerGreaterThan(0)
positive_integer = _IntegerGreaterThan(1)
real = _Real()
real_vector = independent(real, 1)
positive = greater_than(0.0)
nonnegative = greater_than_eq(0.0)
unit_interval = interval(0.0, 1.0)
simplex = _Simplex()
lower_triangular = _LowerTriangular()
lower_cholesky = _LowerCholesky()
corr_cholesky = _CorrCholesky()
square = _Square()
symmetric = _Symmetric()
positive_semidefinite = _PositiveSemidefinite()
positive_definite = _PositiveDefinite()
