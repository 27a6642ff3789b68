"""Schedules that multiply the learning rate step by step."""

from __future__ import annotations

import types
from collections import Counter
from typing import TYPE_CHECKING, Any

from ._base import LRScheduler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..optimizer import Optimizer


class _FunctionScheduler(LRScheduler):
    """A schedule given by one Python function per parameter group."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[int], float] | list[Callable[[int], float]],
        last_epoch: int = -1,
    ) -> None:
        count = len(optimizer.param_groups)
        if isinstance(lr_lambda, (list, tuple)):
            if len(lr_lambda) != count:
                raise ValueError(f"Expected {count} lr_lambdas, but got {len(lr_lambda)}")
            self.lr_lambdas = list(lr_lambda)
        else:
            self.lr_lambdas = [lr_lambda] * count
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimiser; of callable objects their attributes.

        Plain functions are left out, because they cannot be saved: build the schedule with them
        again before loading.
        """
        state = super().state_dict()
        del state["lr_lambdas"]
        state["lr_lambdas"] = [
            None if isinstance(function, types.FunctionType) else function.__dict__.copy()
            for function in self.lr_lambdas
        ]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned.

        Args:
            state_dict: is left as it was.
        """
        state = dict(state_dict)
        saved = state.pop("lr_lambdas")
        super().load_state_dict(state)
        for function, attributes in zip(self.lr_lambdas, saved, strict=True):
            if attributes is not None:
                function.__dict__.update(attributes)


class LambdaLR(_FunctionScheduler):
    """Multiply the first learning rate by a function of the step number.

    Args:
        optimizer: the optimiser whose learning rate is set.
        lr_lambda: takes the step number, returns the factor; or a list, one per parameter group.
        last_epoch: number of the last step when a run is resumed.

    Raises:
        ValueError: a list of the wrong length.

    Example:
        >>> import tallow
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0)
        >>> schedule = tallow.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5**step)
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    def get_lr(self) -> list[Any]:
        """Compute the rates of the present step, one per parameter group."""
        self._present()
        return [
            base * function(self.last_epoch)
            for base, function in zip(self.base_lrs, self.lr_lambdas, strict=True)
        ]


class MultiplicativeLR(_FunctionScheduler):
    """Multiply the present learning rate by a function of the step number.

    Args:
        optimizer: the optimiser whose learning rate is set.
        lr_lambda: takes the step number, returns the factor; or a list, one per parameter group.
        last_epoch: number of the last step when a run is resumed.

    Raises:
        ValueError: a list of the wrong length.

    Example:
        >>> import tallow
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0)
        >>> schedule = tallow.optim.lr_scheduler.MultiplicativeLR(optimizer, lambda step: 0.5)
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    def get_lr(self) -> list[Any]:
        """Compute the rates of the present step, one per parameter group."""
        present = self._present()
        if self._is_initial:
            return present
        return [
            rate * function(self.last_epoch)
            for rate, function in zip(present, self.lr_lambdas, strict=True)
        ]


class StepLR(LRScheduler):
    """Multiply the learning rate by ``gamma`` every ``step_size`` steps.

    Args:
        optimizer: the optimiser whose learning rate is set.
        step_size: number of steps between two changes.
        gamma: the factor.
        last_epoch: number of the last step when a run is resumed.

    Example:
        >>> import tallow
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0)
        >>> schedule = tallow.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
        >>> for _ in range(3):
        ...     optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.step_size = step_size
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Compute the rates of the present step, one per parameter group."""
        present = self._present()
        if self.last_epoch == 0 or self.last_epoch % self.step_size != 0:
            return present
        return [rate * self.gamma for rate in present]

    def _get_closed_form_lr(self) -> list[Any]:
        factor = self.gamma ** (self.last_epoch // self.step_size)
        return [base * factor for base in self.base_lrs]


class MultiStepLR(LRScheduler):
    """Multiply the learning rate by ``gamma`` at each milestone.

    Args:
        optimizer: the optimiser whose learning rate is set.
        milestones: step numbers; one that is listed twice counts twice.
        gamma: the factor.
        last_epoch: number of the last step when a run is resumed.

    Example:
        >>> import tallow
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0)
        >>> schedule = tallow.optim.lr_scheduler.MultiStepLR(optimizer, [1, 3], gamma=0.5)
        >>> for _ in range(3):
        ...     optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        milestones: Iterable[int],
        gamma: float = 0.1,
        last_epoch: int = -1,
    ) -> None:
        self.milestones = Counter(milestones)
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Compute the rates of the present step, one per parameter group."""
        present = self._present()
        passed = self.milestones.get(self.last_epoch, 0)
        return [rate * self.gamma**passed for rate in present] if passed else present

    def _get_closed_form_lr(self) -> list[Any]:
        passed = sum(n for milestone, n in self.milestones.items() if milestone <= self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ConstantLR(LRScheduler):
    """Multiply the learning rate by ``factor`` for the first ``total_iters`` steps.

    Args:
        optimizer: the optimiser whose learning rate is set.
        factor: in [0, 1].
        total_iters: number of steps with the smaller rate.
        last_epoch: number of the last step when a run is resumed.

    Raises:
        ValueError: ``factor`` out of range.

    Example:
        >>> import tallow
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0)
        >>> tallow.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5).get_last_lr()
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        factor: float = 1.0 / 3,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0.0 <= factor <= 1.0:
            raise ValueError("Constant multiplicative factor expected to be between 0 and 1.")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Compute the rates of the present step, one per parameter group."""
        present = self._present()
        if self.last_epoch == 0:
            return [rate * self.factor for rate in present]
        if self.last_epoch == self.total_iters:
            return [rate * (1.0 / self.factor) for rate in present]
        return present

    def _get_closed_form_lr(self) -> list[Any]:
        waiting = self.last_epoch < self.total_iters
        return [base * (self.factor if waiting else 1.0) for base in self.base_lrs]


class LinearLR(LRScheduler):
    """Move the factor of the learning rate on a line from one value to another.

    Args:
        optimizer: the optimiser whose learning rate is set.
        start_factor: factor at step 0, in (0, 1].
        end_factor: factor from step ``total_iters`` on, in [0, 1].
        total_iters: number of steps in between.
        last_epoch: number of the last step when a run is resumed.

    Raises:
        ValueError: a factor out of range.

    Example:
        >>> import tallow
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0)
        >>> schedule = tallow.optim.lr_scheduler.LinearLR(optimizer, 0.5, total_iters=2)
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.75]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1.0 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        if not 0.0 < start_factor <= 1.0:
            raise ValueError(
                "Starting multiplicative factor expected to be greater than 0 and less or equal "
                "to 1."
            )
        if not 0.0 <= end_factor <= 1.0:
            raise ValueError("Ending multiplicative factor expected to be between 0 and 1.")
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = total_iters
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Compute the rates of the present step, one per parameter group."""
        present = self._present()
        if self.last_epoch == 0:
            return [rate * self.start_factor for rate in present]
        if self._is_initial or self.last_epoch > self.total_iters:
            return present
        rise = self.end_factor - self.start_factor
        before = self.total_iters * self.start_factor + (self.last_epoch - 1) * rise
        return [rate * (1.0 + rise / before) for rate in present]

    def _get_closed_form_lr(self) -> list[Any]:
        rise = self.end_factor - self.start_factor
        done = min(self.total_iters, self.last_epoch)
        factor = self.start_factor + rise * done / self.total_iters
        return [base * factor for base in self.base_lrs]


class ExponentialLR(LRScheduler):
    """Multiply the learning rate by ``gamma`` at every step.

    Args:
        optimizer: the optimiser whose learning rate is set.
        gamma: the factor.
        last_epoch: number of the last step when a run is resumed.

    Example:
        >>> import tallow
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0)
        >>> schedule = tallow.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Compute the rates of the present step, one per parameter group."""
        present = self._present()
        if self._is_initial or self.last_epoch == 0:
            return present
        return [rate * self.gamma for rate in present]

    def _get_closed_form_lr(self) -> list[Any]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class PolynomialLR(LRScheduler):
    """Let the learning rate fall to zero as a power of the remaining steps.

    ``lr = first_lr * (1 - step / total_iters) ** power``.

    Args:
        optimizer: the optimiser whose learning rate is set.
        total_iters: number of steps until zero.
        power: the exponent.
        last_epoch: number of the last step when a run is resumed.

    Example:
        >>> import tallow
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0)
        >>> schedule = tallow.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=2)
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_iters: int = 5,
        power: float = 1.0,
        last_epoch: int = -1,
    ) -> None:
        self.total_iters = total_iters
        self.power = power
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Compute the rates of the present step, one per parameter group."""
        present = self._present()
        if self._is_initial or self.last_epoch == 0 or self.last_epoch > self.total_iters:
            return present
        now = 1.0 - self.last_epoch / self.total_iters
        before = 1.0 - (self.last_epoch - 1) / self.total_iters
        return [rate * (now / before) ** self.power for rate in present]

    def _get_closed_form_lr(self) -> list[Any]:
        left = 1.0 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * left**self.power for base in self.base_lrs]
