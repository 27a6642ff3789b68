"""Schedules that follow half a cosine."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ._base import LRScheduler

if TYPE_CHECKING:
    from ..optimizer import Optimizer


class CosineAnnealingLR(LRScheduler):
    """Let the learning rate swing between its first value and ``eta_min`` on a cosine.

    ``lr = eta_min + (first_lr - eta_min) * (1 + cos(pi * step / T_max)) / 2``, computed from the
    present rate so that other schedules can act on it too.

    Args:
        optimizer: the optimiser whose learning rate is set.
        T_max: number of steps from the largest to the smallest rate.
        eta_min: the smallest rate.
        last_epoch: number of the last step when a run is resumed.

    Source: Loshchilov and Hutter, arXiv:1608.03983, without the restarts.

    Example:
        >>> import tallow
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0)
        >>> schedule = tallow.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        self.T_max = T_max
        self.eta_min = eta_min
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Compute the rates of the present step, one per parameter group."""
        present = self._present()
        step, low = self.last_epoch, self.eta_min
        if self._is_initial or step == 0:
            return present
        if (step - 1 - self.T_max) % (2 * self.T_max) == 0:
            # At the bottom the ratio below is 0 / 0: take the first step up from the base rate.
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [
                rate + (base - low) * rise
                for rate, base in zip(present, self.base_lrs, strict=True)
            ]
        now = 1 + math.cos(math.pi * step / self.T_max)
        before = 1 + math.cos(math.pi * (step - 1) / self.T_max)
        return [now / before * (rate - low) + low for rate in present]

    def _get_closed_form_lr(self) -> list[Any]:
        height = 1 + math.cos(math.pi * self.last_epoch / self.T_max)
        return [self.eta_min + (base - self.eta_min) * height / 2 for base in self.base_lrs]


class CosineAnnealingWarmRestarts(LRScheduler):
    """Let the learning rate fall on half a cosine again and again, each time more slowly.

    Args:
        optimizer: the optimiser whose learning rate is set.
        T_0: number of steps of the first fall, an int > 0.
        T_mult: factor by which each fall is longer than the one before, an int >= 1.
        eta_min: the smallest rate.
        last_epoch: number of the last step when a run is resumed.

    Raises:
        ValueError: an argument out of range.

    Source: Loshchilov and Hutter, arXiv:1608.03983, equation 5.

    Example:
        >>> import tallow
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0)
        >>> schedule = tallow.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,
        T_mult: int = 1,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(T_0, int) or T_0 <= 0:
            raise ValueError(f"Expected positive integer T_0, but got {T_0}")
        if not isinstance(T_mult, int) or T_mult < 1:
            raise ValueError(f"Expected integer T_mult >= 1, but got {T_mult}")
        if not isinstance(eta_min, (float, int)):
            raise ValueError(
                f"Expected float or int eta_min, but got {eta_min} of type {type(eta_min)}"
            )
        self.T_0 = T_0
        self.T_i = T_0
        self.T_mult = T_mult
        self.eta_min = eta_min
        self.T_cur: float = last_epoch
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Compute the rates of the present step, one per parameter group."""
        self._present()
        height = 1 + math.cos(math.pi * self.T_cur / self.T_i)
        return [self.eta_min + (base - self.eta_min) * height / 2 for base in self.base_lrs]

    def step(self, epoch: float | None = None) -> None:
        """Advance the schedule by one, or jump to ``epoch``, and set the learning rates.

        Args:
            epoch: may be a fraction: ``epoch + batch / batches`` changes the rate after each batch.

        Raises:
            ValueError: ``epoch`` is negative.
        """
        self._advance(epoch)

    def _advance(self, epoch: float | None = None) -> None:
        # Not counted: the number of steps says nothing here, as one step may be a fraction.
        self._update_lr(epoch)

    def _update_lr(self, epoch: float | None = None) -> None:
        if epoch is None and self.last_epoch < 0:
            epoch = 0
        if epoch is None:
            epoch = self.last_epoch + 1
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        else:
            self._jump(epoch)
        self.last_epoch = math.floor(epoch)
        self._get_lr_called_within_step = True
        try:
            rates = self.get_lr()
        finally:
            self._get_lr_called_within_step = False
        self._set(rates)

    def _jump(self, epoch: float) -> None:
        if epoch < 0:
            raise ValueError(f"Expected non-negative epoch, but got {epoch}")
        if epoch < self.T_0:
            self.T_i, self.T_cur = self.T_0, epoch
        elif self.T_mult == 1:
            self.T_i, self.T_cur = self.T_0, epoch % self.T_0
        else:
            # The falls before number n take T_0 * (T_mult**n - 1) / (T_mult - 1) steps together.
            n = int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
            self.T_cur = epoch - self.T_0 * (self.T_mult**n - 1) / (self.T_mult - 1)
            self.T_i = self.T_0 * self.T_mult**n
