"""Limited-memory BFGS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import tallow

from ._rule import as_real, check_lr, number
from .optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable

    from .._tensor import Tensor
    from .optimizer import ParamsT

__all__ = ["LBFGS"]


class LBFGS(Optimizer):
    """Follow the quasi-Newton direction that the last few gradients imply.

    All parameters are treated as one long vector. A step evaluates the model several times, so
    ``step`` needs a closure.

    Args:
        params: tensors or ``(name, tensor)`` pairs; one group only.
        lr: length of a step in units of the quasi-Newton step, >= 0.
        max_iter: largest number of iterations in one call of ``step``.
        max_eval: largest number of evaluations in one call; 1.25 ``max_iter`` if missing.
        tolerance_grad: stop when no element of the gradient is larger than this.
        tolerance_change: stop when parameters or loss change by less than this.
        history_size: number of past gradients that are remembered.
        line_search_fn: ``"strong_wolfe"``, or None for steps of length ``lr``.

    Raises:
        ValueError: a negative ``lr`` or more than one parameter group.

    Source: Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms 7.4 and 7.5; the
    line search is described at :func:`_strong_wolfe`.

    Example:
        >>> import tallow
        >>> weight = tallow.nn.Parameter(tallow.tensor([3.0, -2.0]))
        >>> optimizer = tallow.optim.LBFGS([weight], line_search_fn="strong_wolfe")
        >>> def closure():
        ...     optimizer.zero_grad()
        ...     loss = (weight * weight).sum()
        ...     loss.backward()
        ...     return loss
        >>> first_loss = optimizer.step(closure)
        >>> bool(weight.abs().max() < 1e-6)
        True
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params: list[Tensor] = self.param_groups[0]["params"]

    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Run up to ``max_iter`` iterations.

        Args:
            closure: evaluates the model again, calls ``backward`` and returns the loss.

        Returns:
            What the first call of ``closure`` returned.

        Raises:
            RuntimeError: ``line_search_fn`` is not known.
        """
        group = self.param_groups[0]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        with tallow.no_grad():
            return self._step(closure, group, self.state[self._params[0]])

    def _step(
        self, closure: Callable[[], Any], group: dict[str, Any], state: dict[str, Any]
    ) -> Any:
        lr, tolerance = number(group["lr"]), group["tolerance_change"]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first_loss, loss, grad = self._evaluate(closure)
        evaluations = 1
        state["func_evals"] += 1
        if grad.abs().max() <= group["tolerance_grad"]:
            return first_loss
        for iteration in range(1, group["max_iter"] + 1):
            state["n_iter"] += 1
            self._choose_direction(grad, group["history_size"], state)
            direction = state["d"]
            if "prev_flat_grad" in state:
                state["prev_flat_grad"].copy_(grad)
            else:
                state["prev_flat_grad"] = grad.clone()
            state["prev_loss"] = previous = loss
            length = lr
            if state["n_iter"] == 1:
                length = min(1.0, 1.0 / float(grad.abs().sum())) * lr
            state["t"] = length
            slope = grad.dot(direction)
            if slope > -tolerance:
                break
            used = 0
            if group["line_search_fn"] is not None:
                start = [param.clone() for param in self._params]
                found, used = _strong_wolfe(
                    lambda t: self._evaluate_at(closure, start, t, direction),  # noqa: B023
                    _Point(0.0, loss, grad, slope),
                    direction,
                    length,
                    tolerance,
                )
                self._move_from(start, found.t, direction)
                state["t"], loss, grad = found.t, found.loss, found.grad
            else:
                self._move(length, direction)
                if iteration != group["max_iter"]:
                    _, loss, grad = self._evaluate(closure)
                    used = 1
            evaluations += used
            state["func_evals"] += used
            if (
                evaluations >= group["max_eval"]
                or grad.abs().max() <= group["tolerance_grad"]
                or (direction * state["t"]).abs().max() <= tolerance
                or abs(loss - previous) < tolerance
            ):
                break
        return first_loss

    def _choose_direction(self, grad: Tensor, size: int, state: dict[str, Any]) -> None:
        """Set ``d`` to minus the inverse Hessian estimate times the gradient."""
        if state["n_iter"] == 1:
            state.update(
                al=[None] * size,
                d=grad.neg(),
                t=0.0,
                old_dirs=[],
                old_stps=[],
                ro=[],
                H_diag=tallow.ones((), dtype=grad.dtype, device=grad.device),
            )
            return
        changes, steps, inverses = state["old_dirs"], state["old_stps"], state["ro"]
        change = grad.sub(state["prev_flat_grad"])
        step = state["d"].mul(state["t"])
        curvature = change.dot(step)
        # Source: Nocedal and Wright, section 7.2: a pair without positive curvature is skipped.
        if curvature > 1e-10:
            if len(changes) == size:
                for past in (changes, steps, inverses):
                    past.pop(0)
            changes.append(change)
            steps.append(step)
            inverses.append(1.0 / curvature)
            state["H_diag"] = curvature / change.dot(change)
        shares = state["al"]
        q = grad.neg()
        for i in reversed(range(len(changes))):
            shares[i] = steps[i].dot(q) * inverses[i]
            q.add_(changes[i], alpha=-float(shares[i]))
        result = q.mul(state["H_diag"])
        for i in range(len(changes)):
            back = changes[i].dot(result) * inverses[i]
            result.add_(steps[i], alpha=float(shares[i] - back))
        state["d"] = result

    def _evaluate(self, closure: Callable[[], Any]) -> tuple[Any, float, Tensor]:
        with tallow.enable_grad():
            loss = closure()
        return loss, float(loss), self._flat_gradient()

    def _evaluate_at(
        self, closure: Callable[[], Any], start: list[Tensor], t: float, direction: Tensor
    ) -> tuple[float, Tensor]:
        """Return loss and gradient a little along the direction; the parameters stay."""
        self._move_from(start, t, direction)
        _, loss, grad = self._evaluate(closure)
        self._move_from(start, 0.0, direction)
        return loss, grad

    def _flat_gradient(self) -> Tensor:
        parts = [
            tallow.zeros(param.numel(), dtype=param.dtype, device=param.device)
            if param.grad is None
            else param.grad.reshape(-1)
            for param in self._params
        ]
        parts = [as_real(part).reshape(-1) for part in parts]
        return tallow.cat(parts)

    def _move(self, t: float, direction: Tensor) -> None:
        offset = 0
        for param in self._params:
            target = as_real(param)
            count = target.numel()
            target.add_(direction[offset : offset + count].view(target.shape), alpha=t)
            offset += count

    def _move_from(self, start: list[Tensor], t: float, direction: Tensor) -> None:
        for param, value in zip(self._params, start, strict=True):
            param.copy_(value)
        if t != 0.0:
            self._move(t, direction)


class _Point(NamedTuple):
    """Where the line search has been: step length, loss, gradient and slope along the line."""

    t: float
    loss: float
    grad: Tensor
    slope: Tensor


def _cubic_minimum(a: _Point, b: _Point, low: float, high: float) -> float:
    """Return where the cubic through two points with slopes has its minimum, within bounds.

    Source: Nocedal and Wright, equation 3.59.
    """
    if a.t > b.t:
        a, b = b, a
    mean = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = mean * mean - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2.0
    root = square.sqrt()
    t = b.t - (b.t - a.t) * ((b.slope + root - mean) / (b.slope - a.slope + 2 * root))
    return min(max(float(t), low), high)


def _strong_wolfe(
    evaluate: Callable[[float], tuple[float, Tensor]],
    start: _Point,
    direction: Tensor,
    length: float,
    tolerance: float,
    c1: float = 1e-4,
    c2: float = 0.9,
    max_steps: int = 25,
) -> tuple[_Point, int]:
    """Find a step that lowers the loss enough and flattens the slope enough.

    Args:
        evaluate: returns loss and gradient at a step length.
        start: the point at step length 0.
        direction: unit of the step length; the loss falls along it.
        length: where to look first.
        tolerance: stop when the bracket moves no element by more than this.
        c1: share of the first slope by which the loss has to fall.
        c2: share of the first slope that may be left.
        max_steps: largest number of evaluations after the first.

    Returns:
        The point found and the number of evaluations.

    Source: Nocedal and Wright, algorithms 3.5 and 3.6, with the cubic steps and the safeguards of
    Schmidt's minFunc (2005).
    """

    def at(t: float) -> _Point:
        loss, grad = evaluate(t)
        return _Point(t, loss, grad, grad.dot(direction))

    def falls_enough(point: _Point) -> bool:
        return bool(point.loss <= start.loss + c1 * point.t * start.slope)

    def is_flat(point: _Point) -> bool:
        return bool(point.slope.abs() <= -c2 * start.slope)

    previous, point, steps = start, at(length), 0
    while steps < max_steps:
        if not falls_enough(point) or (steps > 1 and point.loss >= previous.loss):
            break
        if is_flat(point):
            return point, steps + 1
        if point.slope >= 0:
            break
        further = point.t + 0.01 * (point.t - previous.t)
        t = _cubic_minimum(previous, point, further, point.t * 10)
        previous, point, steps = point, at(t), steps + 1
    else:
        previous = start

    low, high = (previous, point) if previous.loss <= point.loss else (point, previous)
    reach = float(direction.abs().max())
    stuck = False
    while steps < max_steps and abs(high.t - low.t) * reach >= tolerance:
        left, right = min(low.t, high.t), max(low.t, high.t)
        t = _cubic_minimum(low, high, left, right)
        # A minimum at the rim of the bracket twice in a row makes no progress: move inwards.
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:
            if stuck or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        point, steps = at(t), steps + 1
        if not falls_enough(point) or point.loss >= low.loss:
            high = point
            if high.loss < low.loss:
                low, high = high, low
        elif is_flat(point):
            return point, steps + 1
        else:
            if point.slope * (high.t - low.t) >= 0:
                high = low
            low = point
    return low, steps + 1
