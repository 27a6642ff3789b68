"""Loss scaling: keep small half-precision gradients from vanishing."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from tallow import Tensor
    from tallow.optim import Optimizer

__all__ = ["GradScaler"]


class GradScaler:
    """Multiplies the loss by a factor, and divides the gradients by it before each step.

    A step whose gradients are not finite is left out, and the factor shrinks; after a run of good
    steps it grows again.

    Args:
        device: on ``'cuda'`` without CUDA the scaler does nothing.
        init_scale: first factor.
        growth_factor: the factor grows by this much...
        backoff_factor: ... and shrinks by this much.
        growth_interval: good steps before it grows.
        enabled: ``False`` makes every method pass its argument through.

    Example:
        >>> scaler = GradScaler("cpu", init_scale=4.0)
        >>> scaler.scale(tallow.tensor(2.0))
        tensor(8.)
    """

    def __init__(
        self,
        device: str = "cuda",
        init_scale: float = 2.0**16,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        self._device = device
        if device == "cuda" and enabled and not tallow.cuda.is_available():
            warnings.warn(
                "torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.",
                stacklevel=2,
            )
            enabled = False
        if enabled and growth_factor <= 1.0:
            raise AssertionError("The growth factor must be > 1.0.")
        if enabled and backoff_factor >= 1.0:
            raise AssertionError("The backoff factor must be < 1.0.")
        self._enabled = enabled
        self._scale = float(init_scale)
        self._growth_factor = growth_factor
        self._backoff_factor = backoff_factor
        self._growth_interval = growth_interval
        self._growth_tracker = 0
        # Per optimizer (by id) since the last update: did its gradients contain inf or nan?
        self._found_inf: dict[int, bool] = {}
        self._unscaled: set[int] = set()
        self._stepped: set[int] = set()

    def scale(self, outputs: Any) -> Any:
        """Multiply a loss, or every loss in a list or tuple, by the factor."""
        if not self._enabled:
            return outputs
        if isinstance(outputs, tallow.Tensor):
            return outputs * self._scale
        if isinstance(outputs, (list, tuple)):
            return type(outputs)(self.scale(output) for output in outputs)
        raise ValueError("outputs must be a Tensor or an iterable of Tensors")

    def _gradients(self, optimizer: Optimizer) -> list[Tensor]:
        return [
            parameter.grad
            for group in optimizer.param_groups
            for parameter in group["params"]
            if parameter.grad is not None
        ]

    def unscale_(self, optimizer: Optimizer) -> None:
        """Divide the gradients of an optimizer's parameters by the factor, in place.

        Raises:
            RuntimeError: called twice, or after ``step``, since the last ``update``.
        """
        if not self._enabled:
            return
        key = id(optimizer)
        if key in self._stepped:
            raise RuntimeError("unscale_() is being called after step().")
        if key in self._unscaled:
            raise RuntimeError(
                "unscale_() has already been called on this optimizer since the last update()."
            )
        self._unscaled.add(key)
        finite: dict[Any, list[Tensor]] = {}
        with tallow.no_grad():
            for grad in self._gradients(optimizer):
                finite.setdefault(grad.device, []).append(tallow.isfinite(grad).all())
                grad.mul_(1.0 / self._scale)
            # One wait for each device.
            self._found_inf[key] = not all(tallow.stack(each).all() for each in finite.values())

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """Unscale the gradients if that has not been done, then step if they are finite.

        Raises:
            RuntimeError: called twice since the last ``update``, or with a closure.
        """
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        key = id(optimizer)
        if key in self._stepped:
            raise RuntimeError("step() has already been called since the last update().")
        if key not in self._unscaled:
            self.unscale_(optimizer)
        self._stepped.add(key)
        return None if self._found_inf[key] else optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Adjust the factor after the steps of one iteration.

        Args:
            new_scale: use this factor instead.
        """
        if not self._enabled:
            return
        if new_scale is not None:
            self._scale = float(new_scale)
        elif not self._found_inf:
            raise AssertionError("No inf checks were recorded prior to update.")
        elif any(self._found_inf.values()):
            self._scale *= self._backoff_factor
            self._growth_tracker = 0
        else:
            self._growth_tracker += 1
            if self._growth_tracker == self._growth_interval:
                self._scale *= self._growth_factor
                self._growth_tracker = 0
        self._found_inf.clear()
        self._unscaled.clear()
        self._stepped.clear()

    def is_enabled(self) -> bool:
        """Tell whether the scaler does anything."""
        return self._enabled

    def get_scale(self) -> float:
        """Return the factor; 1 when disabled."""
        return self._scale if self._enabled else 1.0

    def get_growth_factor(self) -> float:
        """Return by how much the factor grows."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """Set by how much the factor grows."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """Return by how much the factor shrinks."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """Set by how much the factor shrinks."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """Return how many good steps let the factor grow."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """Set how many good steps let the factor grow."""
        self._growth_interval = new_interval

    def state_dict(self) -> dict[str, Any]:
        """Return the state as a dict; empty when disabled."""
        if not self._enabled:
            return {}
        return {
            "scale": self._scale,
            "growth_factor": self._growth_factor,
            "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval,
            "_growth_tracker": self._growth_tracker,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over a state made by :meth:`state_dict`.

        Raises:
            RuntimeError: the dict is empty, because the other scaler was disabled.
        """
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled "
                "instance of GradScaler."
            )
        self._scale = state_dict["scale"]
        self._growth_factor = state_dict["growth_factor"]
        self._backoff_factor = state_dict["backoff_factor"]
        self._growth_interval = state_dict["growth_interval"]
        self._growth_tracker = state_dict["_growth_tracker"]
