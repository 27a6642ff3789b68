"""The base class of the learning-rate schedules."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from ..._tensor import Tensor
from ..optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_EPOCH_DEPRECATED = (
    "The epoch parameter in `scheduler.step()` was not necessary and is being deprecated where "
    "possible. Please use `scheduler.step()` to step the scheduler. With an epoch, the closed form "
    "of the schedule is used where there is one."
)


def snapshot(value: Any) -> Any:
    """Return a learning rate that later in-place changes do not reach."""
    return value.clone() if isinstance(value, Tensor) else value


def assign(group: dict[str, Any], name: str, value: Any) -> None:
    """Set an option of a group; one held in a tensor is overwritten in place."""
    if isinstance(group[name], Tensor):
        group[name].fill_(float(value))
    else:
        group[name] = value


def one_per_group(name: str, value: Any, optimizer: Optimizer) -> list[Any]:
    """Return ``value`` once for each parameter group, or the given list of them, copied."""
    count = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * count
    if len(value) != count:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. "
            f"{name} has {len(value)} values, param_groups has {count}."
        )
    return list(value)


class LRScheduler:
    """Set the learning rate of every parameter group at each call of ``step``.

    Subclasses write ``get_lr``, which returns the new rates from the present ones and
    ``last_epoch``; one that can also compute them from ``last_epoch`` alone writes
    ``_get_closed_form_lr``.

    Args:
        optimizer: its groups get an entry ``"initial_lr"``.
        last_epoch: number of the last step when a run is resumed, -1 for a fresh start.

    Raises:
        TypeError: ``optimizer`` is not an Optimizer.
        KeyError: resuming with groups that lack ``"initial_lr"``.
    """

    if TYPE_CHECKING:
        _get_closed_form_lr: Callable[[], list[Any]] | None
    else:
        _get_closed_form_lr = None

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.optimizer = optimizer
        for number, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", snapshot(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{number}] when resuming "
                    "scheduler with last_epoch >= 0. Load the optimizer's state first, or start "
                    "with last_epoch=-1."
                )
        self.base_lrs = [snapshot(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        self._get_lr_called_within_step = False
        self._advance()
        self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimiser, as a dict."""
        return {name: value for name, value in self.__dict__.items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned.

        Args:
            state_dict: its entries become attributes.
        """
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """Return the rates that the last step set, one per parameter group."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """Compute the rates of the present step, one per parameter group."""
        raise NotImplementedError

    def step(self, epoch: int | None = None) -> None:
        """Advance the schedule by one and set the learning rates.

        Args:
            epoch: jump to this step instead; deprecated.
        """
        if self._step_count == 1:
            self._warn_about_order()
        if epoch is not None:
            warnings.warn(_EPOCH_DEPRECATED, UserWarning, stacklevel=2)
        self._advance(epoch)

    def _advance(self, epoch: int | None = None) -> None:
        self._step_count += 1
        self._update_lr(epoch)

    def _warn_about_order(self) -> None:
        if not getattr(self.optimizer.step, "hooked", False):
            warnings.warn(
                "Seems like `optimizer.step()` has been overridden after learning rate scheduler "
                "initialization. Please, make sure to call `optimizer.step()` before "
                "`lr_scheduler.step()`.",
                UserWarning,
                stacklevel=3,
            )
        elif not self.optimizer._opt_called:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`. Call them in "
                "the opposite order, or the first value of the schedule is never used.",
                UserWarning,
                stacklevel=3,
            )

    def _update_lr(self, epoch: int | None = None) -> None:
        before = self.last_epoch
        self.last_epoch = before + 1 if epoch is None else epoch
        closed_form = None if epoch is None else self._get_closed_form_lr
        self._get_lr_called_within_step = True
        try:
            rates = self.get_lr() if closed_form is None else closed_form()
        except BaseException:
            self.last_epoch = before
            raise
        finally:
            self._get_lr_called_within_step = False
        self._set(rates)

    def _set(self, rates: Iterable[Any]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            assign(group, "lr", rate)
        self._remember()

    def _remember(self) -> None:
        self._last_lr = [snapshot(group["lr"]) for group in self.optimizer.param_groups]

    def _present(self) -> list[Any]:
        """Return the rates in use, and warn when ``get_lr`` was called from outside ``step``."""
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, "
                "please use `get_last_lr()`.",
                UserWarning,
                stacklevel=3,
            )
        return [snapshot(group["lr"]) for group in self.optimizer.param_groups]

    def _rewind(self) -> None:
        """Take back the constructor's step; composed schedules do so when they start."""
        self.last_epoch -= 1
