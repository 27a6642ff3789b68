"""``Distribution``: what all distributions have in common."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import tallow

from . import constraints
from .utils import lazy_property

if TYPE_CHECKING:
    from typing import Self

    from tallow import Tensor

    from .constraints import Constraint

__all__ = ["Distribution"]


class Distribution:
    """A batch of distributions of one family, independent of each other.

    A sample has the shape ``sample_shape + batch_shape + event_shape``; ``log_prob`` removes the
    event dimensions.

    Args:
        batch_shape: shape of the batch.
        event_shape: shape of one event; empty for numbers.
        validate_args: check parameters and values; by default yes, unless Python runs with ``-O``.

    Raises:
        ValueError: a parameter is outside its region.

    Example:
        >>> from tallow.distributions import Normal
        >>> normal = Normal(tallow.tensor([0.0, 1.0]), 2.0)
        >>> normal.batch_shape, normal.sample((3,)).shape
        (tallow.Size([2]), tallow.Size([3, 2]))
        >>> normal.log_prob(tallow.tensor(0.0))
        tensor([-1.6121, -1.7371])
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    _validate_args = __debug__

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Set whether distributions made from now on check their arguments by default.

        Args:
            value: True or False.

        Raises:
            ValueError: anything else.
        """
        if value not in (True, False):
            raise ValueError
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Any = (),
        event_shape: Any = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = tallow.Size(batch_shape)
        self._event_shape = tallow.Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if self._validate_args:
            self._check_parameters()

    def _check_parameters(self) -> None:
        try:
            arg_constraints = self.arg_constraints
        except NotImplementedError:
            arg_constraints = {}
            warnings.warn(
                f"{type(self)} does not define `arg_constraints`. Please set "
                "`arg_constraints = {}` or initialize the distribution with `validate_args=False` "
                "to turn off validation.",
                stacklevel=3,
            )
        for name, constraint in arg_constraints.items():
            if constraints.is_dependent(constraint):
                continue
            if name not in self.__dict__ and isinstance(
                getattr(type(self), name, None), lazy_property
            ):
                continue  # follows from another parameter
            value = getattr(self, name)
            if not constraint.check(value).all():
                raise ValueError(
                    f"Expected parameter {name} ({type(value).__name__} of shape "
                    f"{tuple(value.shape)}) of distribution {self!r} to satisfy the constraint "
                    f"{constraint!r}, but found invalid values:\n{value}"
                )

    # ---- shapes

    @property
    def batch_shape(self) -> Any:
        """Shape of the batch."""
        return self._batch_shape

    @property
    def event_shape(self) -> Any:
        """Shape of one event."""
        return self._event_shape

    def _extended_shape(self, sample_shape: Any = ()) -> Any:
        return tallow.Size((*sample_shape, *self._batch_shape, *self._event_shape))

    def expand(self, batch_shape: Any, _instance: Any = None) -> Self:
        """Return the same distribution for a larger batch, without copying parameters.

        Args:
            batch_shape: to which the present one is broadcast.
            _instance: where subclasses that write their own ``expand`` put the result.
        """
        new = self._new_instance(_instance)
        batch_shape = tallow.Size(batch_shape)
        for name, event_dim in self._expandable():
            if name in self.__dict__:
                value = self.__dict__[name]
                event = value.shape[value.dim() - event_dim :]
                new.__dict__[name] = value.expand((*batch_shape, *event))
        self._expand_parts(new, batch_shape)
        Distribution.__init__(new, batch_shape, self._event_shape, validate_args=False)
        new._validate_args = self._validate_args
        return new

    def _expandable(self) -> Any:
        """Names of the tensors that span the batch, each with its number of event dimensions."""
        for name, constraint in self.arg_constraints.items():
            yield name, constraint.event_dim

    def _expand_parts(self, new: Any, batch_shape: Any) -> None:
        """Give an expanded copy what is neither a parameter nor derived from one."""

    def _new_instance(self, _instance: Any) -> Any:
        """An empty object of the same class, which must have the constructor of one of ours."""
        ours = next(base for base in type(self).__mro__ if base.__module__.startswith(__package__))
        return self._get_checked_instance(ours, _instance)

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        if _instance is None and type(self).__init__ is not cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ "
                "method must also define a custom .expand() method."
            )
        return type(self).__new__(type(self)) if _instance is None else _instance

    # ---- what subclasses give

    @property
    def arg_constraints(self) -> dict[str, Constraint]:
        """Region of each parameter."""
        raise NotImplementedError

    @property
    def support(self) -> Any:
        """Region of the samples."""
        raise NotImplementedError

    @property
    def mean(self) -> Tensor:
        """Mean, of the shape of a sample."""
        raise NotImplementedError

    @property
    def mode(self) -> Tensor:
        """Most probable value."""
        raise NotImplementedError(f"{self.__class__} does not implement mode")

    @property
    def variance(self) -> Tensor:
        """Variance of each element."""
        raise NotImplementedError

    @property
    def stddev(self) -> Tensor:
        """Standard deviation of each element."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Draw samples, without gradients.

        Args:
            sample_shape: how many, as a shape.
        """
        with tallow.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """Draw samples as a differentiable function of the parameters.

        Args:
            sample_shape: how many, as a shape.

        Raises:
            NotImplementedError: ``has_rsample`` is False.
        """
        raise NotImplementedError

    def sample_n(self, n: int) -> Tensor:
        """Draw ``n`` samples; deprecated, use ``sample((n,))``.

        Args:
            n: how many.
        """
        warnings.warn(
            "sample_n will be deprecated. Use .sample((n,)) instead", UserWarning, stacklevel=2
        )
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """Return the logarithm of the probability, or of its density, at a value.

        Args:
            value: broadcast with the batch.

        Raises:
            ValueError: no tensor, a shape that does not fit, or a value outside the support.
        """
        raise NotImplementedError

    def cdf(self, value: Tensor) -> Tensor:
        """Return the probability of values up to ``value``.

        Args:
            value: broadcast with the batch.
        """
        raise NotImplementedError

    def icdf(self, value: Tensor) -> Tensor:
        """Return the value up to which the probability is ``value``.

        Args:
            value: in 0 .. 1, broadcast with the batch.
        """
        raise NotImplementedError

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """List all values, along a new first dimension.

        Args:
            expand: repeat them for the whole batch; otherwise batch dimensions have size 1.

        Raises:
            NotImplementedError: the values cannot be listed.
        """
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """Return the entropy in nats, of the shape of the batch."""
        raise NotImplementedError

    def perplexity(self) -> Tensor:
        """Return the exponential of the entropy."""
        return tallow.exp(self.entropy())

    # ---- checks and text

    def _validate_sample(self, value: Any) -> None:
        if not isinstance(value, tallow.Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        events = len(self._event_shape)
        if value.shape[value.dim() - events :] != self._event_shape:
            raise ValueError(
                "The right-most size of value must match event_shape: "
                f"{value.shape} vs {self._event_shape}."
            )
        expected = (*self._batch_shape, *self._event_shape)
        for given, wanted in zip(reversed(value.shape), reversed(expected), strict=False):
            if given != 1 and wanted != 1 and given != wanted:
                raise ValueError(
                    "Value is not broadcastable with batch_shape+event_shape: "
                    f"{value.shape} vs {tallow.Size(expected)}."
                )
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{type(self)} does not define `support` to enable sample validation. Please "
                "initialize the distribution with `validate_args=False` to turn off validation.",
                stacklevel=3,
            )
            return
        if not support.check(value).all():
            raise ValueError(
                f"Expected value argument ({type(value).__name__} of shape {tuple(value.shape)}) "
                f"to be within the support ({support!r}) of the distribution {self!r}, but found "
                f"invalid values:\n{value}"
            )

    def __repr__(self) -> str:
        names = [name for name in self.arg_constraints if name in self.__dict__]
        shown = []
        for name in names:
            value = self.__dict__[name]
            shown.append(f"{name}: {value if value.numel() == 1 else value.size()}")
        return f"{type(self).__name__}({', '.join(shown)})"
