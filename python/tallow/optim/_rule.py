"""What the optimisers share: the loop over parameters, step counters and argument checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

from .._tensor import Tensor
from .optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable


class PerParameterOptimizer(Optimizer):
    """An optimiser whose rule looks at one parameter, its gradient and its state at a time.

    Subclasses write :meth:`_new_state` and :meth:`_update`; those with a native kernel for lists
    of parameters override :meth:`_step_group`, and fall back to it. Complex parameters reach
    ``_update`` as real pairs. Sparse gradients are refused unless the class says otherwise.
    """

    _takes_sparse_gradients = False
    _refusal_of_sparse = ""  # a text of its own

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update every parameter that has a gradient once.

        Args:
            closure: evaluates the model again, calls ``backward`` and returns the loss.

        Returns:
            What ``closure`` returned, or None.
        """
        loss = None
        if closure is not None:
            with tallow.enable_grad():
                loss = closure()
        with tallow.set_grad_enabled(bool(self.defaults.get("differentiable"))):
            for group in self.param_groups:
                self._step_group(group)
        return loss

    def _step_group(self, group: dict[str, Any]) -> None:
        for param in group["params"]:
            if param.grad is not None:
                self._step_parameter(param, group)

    def _step_parameter(self, param: Tensor, group: dict[str, Any]) -> None:
        grad: Any = param.grad
        if grad.is_sparse and not self._takes_sparse_gradients:
            name = type(self).__name__
            raise RuntimeError(
                self._refusal_of_sparse or f"{name} does not support sparse gradients"
            )
        state = self.state[param] if self._keeps_state(group) else {}
        if not state:
            state.update(self._new_state(param, group))
        if group.get("maximize"):
            grad = -grad
        if not param.is_complex():
            self._update(param, grad, state, group)
            return
        pairs = {name: as_real(value) for name, value in state.items()}
        self._update(as_real(param), as_real(grad), pairs, group)
        for name in pairs.keys() - state.keys():
            state[name] = pairs[name].view(param.dtype).squeeze(-1)

    def _keeps_state(self, group: dict[str, Any]) -> bool:
        return True

    def _new_state(self, param: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        return {}

    def _update(
        self, param: Tensor, grad: Tensor, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        raise NotImplementedError

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        # Files from before 2021 hold the step count as a number.
        for value in self.state.values():
            if isinstance(value, dict) and isinstance(value.get("step"), (int, float)):
                value["step"] = new_step_count(float(value["step"]))


def with_gradients(group: dict[str, Any]) -> tuple[list[Tensor], list[Tensor]]:
    """Return the parameters of a group that have a gradient, and the gradients."""
    params = [param for param in group["params"] if param.grad is not None]
    return params, [param.grad for param in params]


def suits_native_step(group: dict[str, Any], params: list[Tensor], grads: list[Tensor]) -> bool:
    """Tell whether a step can go through one native call for the whole list of parameters.

    What cannot: steps that autograd records, sparse gradients, complex parameters, and parameters
    of several types.
    """
    if group["differentiable"]:
        return False
    if set(map(type, grads)) != {Tensor} and any(grad.is_sparse for grad in grads):
        return False
    dtypes = {tensor.dtype for tensor in params}
    dtypes.update(tensor.dtype for tensor in grads)
    return len(dtypes) == 1 and dtypes.pop().is_floating_point


def new_step_count(value: float = 0.0) -> Tensor:
    """Return a step counter: a 0-d float32 tensor on the CPU, as PyTorch's checkpoints have it."""
    return tallow.tensor(value, dtype=tallow.float32, device="cpu")


def advance(step: Tensor) -> float:
    """Count one step and return the new number.

    Raises:
        RuntimeError: a CUDA graph is being recorded, which would repeat this number for ever.
    """
    if tallow._C._cuda.is_loaded() and _is_recorded():
        raise RuntimeError(
            "Attempting CUDA graph capture of step(), but this optimizer counts its steps on the "
            "host; record forward and backward only"
        )
    step += 1
    count: Any = step.item()
    return float(count)


def places_steps_on_device(
    optimizer: Optimizer, group: dict[str, Any], params: list[Tensor]
) -> bool:
    """Tell whether steps are counted on the device, for a CUDA graph to record.

    Once they are they stay there, because a graph may count on.

    Raises:
        RuntimeError: a graph is being recorded and the steps are counted on the host.
    """
    if not tallow._C._cuda.is_loaded() or not all(param.is_cuda for param in params):
        return False
    if any(param.is_complex() for param in params) or group["differentiable"]:
        return False
    from tallow.cuda._captured_step import is_warming_up

    states = optimizer.state
    chosen = (
        group["capturable"]
        or is_warming_up()
        or any(states[param]["step"].is_cuda for param in params if states.get(param))
    )
    if not chosen and _is_recorded():
        raise RuntimeError(
            "Attempting CUDA graph capture of step() for an instance of "
            f"{type(optimizer).__name__} but param_groups' capturable is False."
        )
    return bool(chosen)


def on_device(step: Tensor, param: Tensor) -> Tensor:
    """Return a step count beside its parameter.

    Raises:
        RuntimeError: it is on the host while a graph is recorded.
    """
    if step.device == param.device:
        return step
    if _is_recorded():
        raise RuntimeError(
            "Attempting CUDA graph capture of step() before a step has run: call it once first"
        )
    return step.to(param.device)


def _is_recorded() -> bool:
    from tallow.cuda._recording import is_current_stream_capturing

    return is_current_stream_capturing()


def number(value: float | Tensor) -> float:
    """Return an option that may be given as a one-element tensor as a Python number."""
    if isinstance(value, Tensor):
        content: Any = value.item()
        return float(content)
    return value


def check_lr(lr: float | Tensor) -> None:
    """Raise ValueError unless ``lr`` is a number >= 0 or a one-element tensor."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not lr >= 0.0:
        raise ValueError(f"Invalid learning rate: {lr}")


def check_not_negative(name: str, value: float) -> None:
    """Raise ValueError unless ``value`` >= 0."""
    if not value >= 0.0:
        raise ValueError(f"Invalid {name} value: {value}")


def check_betas(betas: tuple[Any, Any]) -> None:
    """Raise ValueError unless both decay rates are in [0, 1)."""
    for index in (0, 1):
        if not 0.0 <= betas[index] < 1.0:
            raise ValueError(f"Invalid beta parameter at index {index}: {betas[index]}")
    if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor):
        raise ValueError("betas must be either both floats or both Tensors")


def check_implementation(
    foreach: bool | None, fused: bool | None, differentiable: bool = False
) -> None:
    """Raise RuntimeError for combinations of implementation switches that PyTorch refuses.

    All of them mean the same here: a step is one native call over the parameter list.
    """
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")


def decayed(grad: Tensor, param: Tensor, group: dict[str, Any]) -> Tensor:
    """Return the gradient with the L2 penalty's added."""
    weight_decay = group["weight_decay"]
    return grad.add(param, alpha=weight_decay) if weight_decay != 0 else grad


def as_real(value: Any) -> Any:
    """Return a complex tensor as a view of real pairs, anything else as it is."""
    if isinstance(value, Tensor) and value.is_complex():
        return value.unsqueeze(-1).view(value.dtype.to_real())
    return value
