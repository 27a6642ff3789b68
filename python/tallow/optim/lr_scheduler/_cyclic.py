"""Schedules that move learning rate and momentum in opposite directions."""

from __future__ import annotations

import math
import types
from typing import TYPE_CHECKING, Any

from ._base import LRScheduler, assign, one_per_group, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..optimizer import Optimizer


def _uses_beta1(optimizer: Optimizer) -> bool:
    """Tell where the optimiser keeps its momentum: in ``betas[0]`` or in ``momentum``."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError(
            "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
        )
    return "betas" in optimizer.defaults


def _set_momentum(group: dict[str, Any], use_beta1: bool, momentum: float) -> None:
    if use_beta1:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


class CyclicLR(LRScheduler):
    """Move the learning rate up and down between two bounds, and the momentum the other way.

    Args:
        optimizer: the optimiser whose learning rate is set.
        base_lr: lower bound, a number or one per parameter group.
        max_lr: upper bound, a number or one per parameter group.
        step_size_up: number of steps on the way up.
        step_size_down: number of steps on the way down; as many as up if missing.
        mode: ``"triangular"`` keeps the height, ``"triangular2"`` halves it with each cycle,
            ``"exp_range"`` multiplies it by ``gamma`` at each step.
        gamma: the factor of ``"exp_range"``.
        scale_fn: height of the wave in [0, 1] as a function, in place of ``mode``.
        scale_mode: ``"cycle"`` calls ``scale_fn`` with the number of the cycle, from 1 on,
            ``"iterations"`` with the number of the step.
        cycle_momentum: move the momentum too.
        base_momentum: lower bound of the momentum, a number or one per parameter group.
        max_momentum: upper bound of the momentum, a number or one per parameter group.
        last_epoch: number of the last step when a run is resumed.

    Raises:
        ValueError: an unknown mode, a list of the wrong length, or an optimiser without momentum.

    Source: Smith, Cyclical learning rates for training neural networks, arXiv:1506.01186.

    Example:
        >>> import tallow
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0, momentum=0.9)
        >>> schedule = tallow.optim.lr_scheduler.CyclicLR(optimizer, 0.0, 1.0, step_size_up=2)
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        lows = one_per_group("base_lr", base_lr, optimizer)
        self.max_lrs = one_per_group("max_lr", max_lr, optimizer)
        up = float(step_size_up)
        down = up if step_size_down is None else float(step_size_down)
        self.total_size = up + down
        self.step_ratio = up / self.total_size
        if scale_fn is None and mode not in _HEIGHTS:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else _HEIGHTS[mode][0]
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = _uses_beta1(optimizer)
            self.base_momentums = one_per_group("base_momentum", base_momentum, optimizer)
            self.max_momentums = one_per_group("max_momentum", max_momentum, optimizer)
            if last_epoch == -1:
                for group, low, high in zip(
                    optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True
                ):
                    _set_momentum(group, self.use_beta1, high)
                    group["max_momentum"] = high
                    group["base_momentum"] = low
        if last_epoch == -1:
            for group, low in zip(optimizer.param_groups, lows, strict=True):
                assign(group, "lr", low)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = lows

    def scale_fn(self, x: float) -> float:
        """Return the height of the wave in cycle ``x``, or at step ``x``."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return _HEIGHTS[self.mode][1](x, self.gamma)

    def get_lr(self) -> list[Any]:
        """Compute the rates of the present step, one per parameter group; set the momenta."""
        self._present()
        position = 1.0 + self.last_epoch / self.total_size
        cycle = math.floor(position)
        x = position - cycle
        ratio = self.step_ratio
        height = x / ratio if x <= ratio else (x - 1) / (ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            for group, low, high in zip(
                self.optimizer.param_groups, self.base_momentums, self.max_momentums, strict=True
            ):
                _set_momentum(group, self.use_beta1, high - (high - low) * height * scale)
        return [
            low + (high - low) * height * scale
            for low, high in zip(self.base_lrs, self.max_lrs, strict=True)
        ]

    def state_dict(self) -> dict[str, Any]:
        """Return everything but the optimiser; of a callable object its attributes.

        A plain function as ``scale_fn`` is left out, because it cannot be saved.
        """
        state = super().state_dict()
        custom = state.pop("_scale_fn_custom")
        state["_scale_fn_custom"] = (
            None
            if custom is None or isinstance(custom, types.FunctionType)
            else custom.__dict__.copy()
        )
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what ``state_dict`` returned.

        Args:
            state_dict: is left as it was.
        """
        state = dict(state_dict)
        attributes = state.pop("_scale_fn_custom")
        super().load_state_dict(state)
        if attributes is not None:
            self._scale_fn_custom.__dict__.update(attributes)


# For each mode what its height depends on, and the height.
_HEIGHTS: dict[str, tuple[str, Callable[[float, float], float]]] = {
    "triangular": ("cycle", lambda x, gamma: 1.0),
    "triangular2": ("cycle", lambda x, gamma: 1 / (2.0 ** (x - 1))),
    "exp_range": ("iterations", lambda x, gamma: gamma**x),
}


class OneCycleLR(LRScheduler):
    """Raise the learning rate once to ``max_lr``, then let it fall far below the first rate.

    It is meant to be stepped after every batch. The momentum moves the other way.

    Args:
        optimizer: the optimiser whose learning rate is set.
        max_lr: the largest rate, a number or one per parameter group.
        total_steps: length of the cycle; or give the next two.
        epochs: number of passes over the data.
        steps_per_epoch: number of batches per pass.
        pct_start: share of the cycle, in [0, 1], on the way up.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: move the momentum too.
        base_momentum: lower bound of the momentum, a number or one per parameter group.
        max_momentum: upper bound of the momentum, a number or one per parameter group.
        div_factor: ``max_lr`` over the first rate.
        final_div_factor: the first rate over the last one.
        three_phase: come back to the first rate symmetrically before the long fall.
        last_epoch: number of the last step when a run is resumed.

    Raises:
        ValueError: an argument out of range, an optimiser without momentum, or more steps than
            the cycle has.

    Source: Smith and Topin, Super-convergence, arXiv:1708.07120.

    Example:
        >>> import tallow
        >>> optimizer = tallow.optim.SGD([tallow.ones(1)], lr=1.0, momentum=0.9)
        >>> schedule = tallow.optim.lr_scheduler.OneCycleLR(
        ...     optimizer, max_lr=1.0, total_steps=4, pct_start=0.5
        ... )
        >>> optimizer.step(); schedule.step()
        >>> schedule.get_last_lr()
        [1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        self.total_steps = _cycle_length(total_steps, epochs, steps_per_epoch)
        if not 0 <= pct_start <= 1 or not isinstance(pct_start, (float, int)):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in _ANNEALING:
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        self._schedule_phases = _phases(self.total_steps, float(pct_start), three_phase)
        self._anneal_func_type = anneal_strategy
        highs = one_per_group("max_lr", max_lr, optimizer)
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = _uses_beta1(optimizer)
            tops = one_per_group("max_momentum", max_momentum, optimizer)
            bottoms = one_per_group("base_momentum", base_momentum, optimizer)
        if last_epoch == -1:
            for number, (group, high) in enumerate(zip(optimizer.param_groups, highs, strict=True)):
                group["initial_lr"] = high / div_factor
                group["max_lr"] = high
                group["min_lr"] = group["initial_lr"] / final_div_factor
                if cycle_momentum:
                    _set_momentum(group, self.use_beta1, tops[number])
                    group["max_momentum"] = tops[number]
                    group["base_momentum"] = bottoms[number]
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[Any]:
        """Compute the rates of the present step, one per parameter group; set the momenta."""
        self._present()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"Tried to step {step} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        start = 0.0
        for phase in self._schedule_phases[:-1]:
            if step <= phase["end_step"]:
                break
            start = phase["end_step"]
        else:
            phase = self._schedule_phases[-1]
        done = (step - start) / (phase["end_step"] - start)
        between = _ANNEALING[self._anneal_func_type]
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(between(group[phase["start_lr"]], group[phase["end_lr"]], done))
            if self.cycle_momentum:
                momentum = between(
                    group[phase["start_momentum"]], group[phase["end_momentum"]], done
                )
                _set_momentum(group, self.use_beta1, momentum)
        return [snapshot(rate) for rate in rates]


def _cycle_length(total: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total is not None:
        if not isinstance(total, int) or total <= 0:
            raise ValueError(f"Expected positive integer total_steps, but got {total}")
        return total
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    if not isinstance(epochs, int) or epochs <= 0:
        raise ValueError(f"Expected positive integer epochs, but got {epochs}")
    if not isinstance(steps_per_epoch, int) or steps_per_epoch <= 0:
        raise ValueError(f"Expected positive integer steps_per_epoch, but got {steps_per_epoch}")
    return epochs * steps_per_epoch


def _phases(total: int, up: float, three_phase: bool) -> list[dict[str, Any]]:
    """Return where each phase ends and between which entries of a group it moves."""
    top = up * total - 1
    stops = [(top, "initial_lr", "max_lr", "max_momentum", "base_momentum")]
    if three_phase:
        stops.append((2 * up * total - 2, "max_lr", "initial_lr", "base_momentum", "max_momentum"))
        stops.append((total - 1, "initial_lr", "min_lr", "max_momentum", "max_momentum"))
    else:
        stops.append((total - 1, "max_lr", "min_lr", "base_momentum", "max_momentum"))
    names = ("end_step", "start_lr", "end_lr", "start_momentum", "end_momentum")
    return [dict(zip(names, stop, strict=True)) for stop in stops]


_ANNEALING: dict[str, Callable[[float, float, float], float]] = {
    "cos": lambda start, end, done: end + (start - end) / 2.0 * (math.cos(math.pi * done) + 1),
    "linear": lambda start, end, done: (end - start) * done + start,
}
