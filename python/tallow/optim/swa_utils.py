"""Averages of a model's parameters over training: equal weights (SWA) or exponential ones (EMA).

Source: Izmailov et al., Averaging weights leads to wider optima and better generalization, 2018.
"""

from __future__ import annotations

import itertools
import math
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import tallow
from tallow._absent import name_absent_ones
from tallow._tensor import Tensor
from tallow.nn import Module

from .lr_scheduler import LRScheduler
from .lr_scheduler._base import one_per_group

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .optimizer import Optimizer

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


def _check_decay(decay: float) -> None:
    if decay < 0.0 or decay > 1.0:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Tensor, Tensor, Any], Tensor]:
    """Return a function from the average and a new value to the next exponential average.

    Args:
        decay: weight of the old average, in 0 .. 1.

    Raises:
        ValueError: ``decay`` is out of range.
    """
    _check_decay(decay)

    @tallow.no_grad()  # type: ignore[untyped-decorator]
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Callable[[Tensor, Tensor, Any], Tensor]:
    """Return a function from the mean of n values and a new value to the mean of n + 1."""

    @tallow.no_grad()  # type: ignore[untyped-decorator]
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[[list[Any], list[Any], Any], None]:
    """Return a function that updates a list of exponential averages in place.

    Args:
        decay: weight of the old average, in 0 .. 1.

    Raises:
        ValueError: ``decay`` is out of range.
    """
    _check_decay(decay)

    @tallow.no_grad()  # type: ignore[untyped-decorator]
    def ema_update(ema_params: list[Any], current_params: list[Any], _: Any) -> None:
        for average, current in zip(ema_params, current_params, strict=True):
            if average.is_floating_point() or average.is_complex():
                average.lerp_(current.to(average.dtype), 1 - decay)
            else:
                average.copy_(average * decay + current * (1 - decay))

    return ema_update


def get_swa_multi_avg_fn() -> Callable[[list[Any], list[Any], Any], None]:
    """Return a function that updates a list of means in place."""

    @tallow.no_grad()  # type: ignore[untyped-decorator]
    def swa_update(
        averaged_params: list[Any], current_params: list[Any], num_averaged: Any
    ) -> None:
        for average, current in zip(averaged_params, current_params, strict=True):
            average.copy_(average + (current - average) / (num_averaged + 1))

    return swa_update


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of the model's.

    Args:
        model: copied now; its values are taken at each ``update_parameters``.
        device: where the copy lives.
        avg_fn: from average, value and count to the next average; the mean by default.
        multi_avg_fn: updates lists of averages in place, instead of ``avg_fn``.
        use_buffers: average the buffers as well; otherwise they are copied.

    Raises:
        AssertionError: both functions are given.

    Example:
        >>> model = nn.Linear(1, 1)
        >>> averaged = tallow.optim.swa_utils.AveragedModel(model)
        >>> for value in (1.0, 3.0):
        ...     _ = nn.init.constant_(model.weight, value)
        ...     averaged.update_parameters(model)
        >>> averaged.module.weight.item()
        2.0
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[[Tensor, Tensor, Any], Tensor] | None = None,
        multi_avg_fn: Callable[[list[Any], list[Any], Any], None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tallow.tensor(0, dtype=tallow.long, device=device))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Call the averaged model."""
        return self.module(*args, **kwargs)

    def _tensors(self, model: Module) -> list[Any]:
        buffers: Any = model.buffers() if self.use_buffers else ()
        return [tensor.detach() for tensor in itertools.chain(model.parameters(), buffers)]

    @tallow.no_grad()  # type: ignore[untyped-decorator]
    def update_parameters(self, model: Module) -> None:
        """Take the present values of the model into the averages.

        Args:
            model: of the same structure.
        """
        averages, values = self._tensors(self.module), self._tensors(model)
        values = [value.to(average.device) for average, value in zip(averages, values, strict=True)]
        if self.n_averaged == 0:
            for average, value in zip(averages, values, strict=True):
                average.copy_(value)
        elif self.avg_fn is None:
            update = self.multi_avg_fn or get_swa_multi_avg_fn()
            update(averages, values, self.n_averaged)
        else:
            for average, value in zip(averages, values, strict=True):
                average.copy_(self.avg_fn(average, value, self.n_averaged))
        if not self.use_buffers:
            for buffer, value in zip(self.module.buffers(), model.buffers(), strict=True):
                buffer.copy_(value)
        self.n_averaged += 1


@tallow.no_grad()  # type: ignore[untyped-decorator]
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Compute the running statistics of batch normalisation anew, over one pass of the data.

    Args:
        loader: yields inputs, or tuples or lists that begin with them.
        model: its batch normalisation layers are changed.
        device: where the inputs are moved.
    """
    from tallow.nn.modules.batchnorm import _BatchNorm

    layers = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    was_training = model.training
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None  # the plain mean of all batches
    model.train()
    for batch in loader:
        inputs = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(inputs if device is None else inputs.to(device))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Move the learning rate to a constant value over some epochs.

    Args:
        optimizer: whose rates are set.
        swa_lr: the final rate, or one for each group.
        anneal_epochs: how long it takes, >= 0.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        last_epoch: see :class:`LRScheduler`.

    Raises:
        ValueError: another strategy, or a negative number of epochs.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: Any,
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        for group, rate in zip(
            optimizer.param_groups, one_per_group("swa_lr", swa_lr, optimizer), strict=True
        ):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must by one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """How much of the way to the final rate is done."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self) -> list[Any]:
        """Return the next rates, from the present ones."""
        step = self.last_epoch
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for group in self.optimizer.param_groups:
            final = group["swa_lr"]
            start = final if before == 1 else (group["lr"] - before * final) / (1 - before)
            rates.append(final * now + start * (1 - now))
        return rates


name_absent_ones(__name__)
