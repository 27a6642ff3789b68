"""The schedule that looks at a measured quantity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, SupportsFloat

from ..optimizer import Optimizer
from ._base import LRScheduler, assign

if TYPE_CHECKING:
    from collections.abc import Sequence


class ReduceLROnPlateau(LRScheduler):
    """Multiply the learning rate by ``factor`` when a measured quantity stops improving.

    Args:
        optimizer: the optimiser whose learning rate is set.
        mode: ``"min"`` when smaller is better, ``"max"`` when larger is.
        factor: the factor, < 1.
        patience: number of steps without improvement that are still accepted.
        threshold: how much better than the best so far counts as an improvement.
        threshold_mode: ``"rel"`` when ``threshold`` is a share of the best, ``"abs"`` when it is
            a difference.
        cooldown: number of steps after a change during which nothing is counted.
        min_lr: smallest rate, a number or one per parameter group.
        eps: changes smaller than this are not made.

    Raises:
        ValueError: an argument out of range.
        TypeError: ``optimizer`` is not an Optimizer.

    Example:
        >>> import tallow
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0)
        >>> schedule = tallow.optim.lr_scheduler.ReduceLROnPlateau(
        ...     optimizer, factor=0.5, patience=0
        ... )
        >>> schedule.step(1.0); schedule.step(1.0)
        >>> schedule.get_last_lr()
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: Sequence[float] | float = 0,
        eps: float = 1e-8,
    ) -> None:
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        self.factor = factor
        self.optimizer = optimizer
        count = len(optimizer.param_groups)
        if isinstance(min_lr, (list, tuple)):
            if len(min_lr) != count:
                raise ValueError(f"expected {count} min_lrs, got {len(min_lr)}")
            self.default_min_lr = None
            self.min_lrs = list(min_lr)
        else:
            self.default_min_lr = min_lr
            self.min_lrs = [min_lr] * count
        self.patience = patience
        self.cooldown = cooldown
        self.eps = eps
        self.last_epoch = 0
        self._remember()
        if mode not in ("min", "max"):
            raise ValueError(f"mode {mode} is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError(f"threshold mode {threshold_mode} is unknown!")
        self.mode_worse = math.inf if mode == "min" else -math.inf
        self.mode = mode
        self.threshold = threshold
        self.threshold_mode = threshold_mode
        self._reset()

    def _reset(self) -> None:
        self.best = self.mode_worse
        self.cooldown_counter = 0
        self.num_bad_epochs = 0

    def step(self, metrics: SupportsFloat, epoch: int | None = None) -> None:  # type: ignore[override]
        """Look at the measured quantity and reduce the learning rate if it is time.

        Args:
            metrics: the quantity, a number or a one-element tensor.
            epoch: number of this step; deprecated.
        """
        current = float(metrics)
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self._is_better(current, self.best):
            self.best = current
            self.num_bad_epochs = 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self._reduce_lr()
            self.cooldown_counter = self.cooldown
            self.num_bad_epochs = 0
        self._remember()

    def _reduce_lr(self) -> None:
        groups = self.optimizer.param_groups
        if len(groups) != len(self.min_lrs):
            if self.default_min_lr is None:
                raise RuntimeError(
                    "The number of param groups in the `optimizer` "
                    f"({len(groups)}) differs from when `ReduceLROnPlateau` was initialized "
                    f"({len(self.min_lrs)}), usually due to a new param group being added to the "
                    "optimizer. Please modify the `min_lrs` field to match the length of the "
                    "`optimizer` param groups."
                )
            self.min_lrs = [self.default_min_lr] * len(groups)
        for group, smallest in zip(groups, self.min_lrs, strict=True):
            old = float(group["lr"])
            new = max(old * self.factor, smallest)
            if old - new > self.eps:
                assign(group, "lr", new)

    @property
    def in_cooldown(self) -> bool:
        """Whether a change was made less than ``cooldown`` steps ago."""
        return self.cooldown_counter > 0

    def _is_better(self, value: float, best: float) -> bool:
        if self.mode == "min":
            if self.threshold_mode == "rel":
                return value < best * (1.0 - self.threshold)
            return value < best - self.threshold
        if self.threshold_mode == "rel":
            return value > best * (1.0 + self.threshold)
        return value > best + self.threshold
