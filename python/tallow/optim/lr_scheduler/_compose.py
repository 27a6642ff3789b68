"""Schedules made of other schedules."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING, Any

from ._base import LRScheduler, assign, snapshot
from ._plateau import ReduceLROnPlateau

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..optimizer import Optimizer


class _ComposedScheduler(LRScheduler):
    """Parts that all act on one optimiser, saved and loaded together."""

    _schedulers: list[LRScheduler]

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimiser, with the states of the parts in a list."""
        state = super().state_dict()
        del state["_schedulers"]
        state["_schedulers"] = [part.state_dict() for part in self._schedulers]
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned.

        Args:
            state_dict: is left as it was.
        """
        state = dict(state_dict)
        parts = state.pop("_schedulers")
        super().load_state_dict(state)
        for part, saved in zip(self._schedulers, parts, strict=True):
            part.load_state_dict(saved)

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = False
        self._advance()

    def _rewind(self) -> None:
        for part in self._schedulers:
            part._rewind()


def _check_same_optimizer(kind: str, optimizer: Any, schedulers: Sequence[LRScheduler]) -> None:
    for number, part in enumerate(schedulers):
        if part.optimizer is not optimizer:
            raise ValueError(
                f"{kind} expects all schedulers to belong to the same optimizer, but got scheduler "
                f"{type(part).__name__} at index {number} has {part.optimizer}, which is different "
                f"from {type(optimizer).__name__}."
            )


class SequentialLR(_ComposedScheduler):
    """Use one schedule after the other.

    Args:
        optimizer: the optimiser that all schedules act on.
        schedulers: at least one.
        milestones: step numbers at which the next schedule takes over, one less than schedules.
        last_epoch: number of the last step when a run is resumed.

    Raises:
        ValueError: no schedule, a wrong number of milestones, a schedule of another optimiser, or
            one that needs a measured quantity.

    Example:
        >>> import tallow
        >>> from tallow.optim import lr_scheduler
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0)
        >>> warm = lr_scheduler.ConstantLR(optimizer, factor=0.5)
        >>> rest = lr_scheduler.ExponentialLR(optimizer, gamma=0.9)
        >>> schedule = lr_scheduler.SequentialLR(optimizer, [warm, rest], milestones=[1])
        >>> schedule.get_last_lr()
        [0.5]
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        if len(schedulers) < 1:
            raise ValueError("SequentialLR expects at least one scheduler, but got no scheduler.")
        for number, part in enumerate(schedulers):
            if isinstance(part, ReduceLROnPlateau):
                raise ValueError(
                    "SequentialLR does not support `ReduceLROnPlateau` scheduler as it requires "
                    "additional kwargs to be specified when calling `step`, but got one at index "
                    f"{number} in the given schedulers sequence."
                )
        _check_same_optimizer("SequentialLR", optimizer, schedulers)
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "Sequential Schedulers expects number of schedulers provided to be one more than "
                f"the number of milestone points, but got number of schedulers {len(schedulers)} "
                f"and the number of milestones to be equal to {len(milestones)}"
            )
        self._schedulers = schedulers
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        self.optimizer = optimizer
        # Each part has already acted on the rate: start over, and let only the first one act.
        for group in optimizer.param_groups:
            assign(group, "lr", snapshot(group["initial_lr"]))
        for part in schedulers:
            part._rewind()
        schedulers[0]._initial_step()
        self._last_lr = schedulers[0].get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Advance the schedule in charge by one and set the learning rates."""
        if self.last_epoch == 0:
            self._warn_about_order()
        self._advance()

    def _advance(self, epoch: int | None = None) -> None:
        self.last_epoch += 1
        number = bisect_right(self._milestones, self.last_epoch)
        part = self._schedulers[number]
        if number > 0 and self._milestones[number - 1] == self.last_epoch:
            part._update_lr(0)
        else:
            part._advance()
        self._last_lr = part.get_last_lr()

    def _update_lr(self, epoch: int | None = None) -> None:
        # A schedule around this one hands over: begin with the first part.
        self.last_epoch = 0
        self._schedulers[0]._update_lr(0)
        self._last_lr = self._schedulers[0].get_last_lr()


class ChainedScheduler(_ComposedScheduler):
    """Let several schedules act on the learning rate at every step, in order.

    Args:
        schedulers: at least one, all of one optimiser.
        optimizer: that optimiser; taken from the first schedule if missing.

    Raises:
        ValueError: no schedule, or schedules of different optimisers.

    Example:
        >>> import tallow
        >>> from tallow.optim import lr_scheduler
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0)
        >>> schedule = lr_scheduler.ChainedScheduler([
        ...     lr_scheduler.ConstantLR(optimizer, factor=0.5),
        ...     lr_scheduler.ExponentialLR(optimizer, gamma=0.5),
        ... ])
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.25]
    """

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        if len(schedulers) < 1:
            raise ValueError(
                "ChainedScheduler expects at least one scheduler to be chained, but got no "
                "scheduler."
            )
        optimizer = optimizer or schedulers[0].optimizer
        _check_same_optimizer("ChainedScheduler", optimizer, schedulers)
        self._schedulers = list(schedulers)
        self.optimizer = optimizer
        self._remember()

    def step(self) -> None:  # type: ignore[override]
        """Advance every schedule by one and set the learning rates."""
        if getattr(self._schedulers[0], "_step_count", 0) == 1:
            self._warn_about_order()
        self._advance()

    def _advance(self, epoch: int | None = None) -> None:
        for part in self._schedulers:
            part._advance()
        self._remember()

    def _update_lr(self, epoch: int | None = None) -> None:
        # A schedule around this one hands over: begin again.
        for part in self._schedulers:
            part._update_lr(0)
        self._remember()
