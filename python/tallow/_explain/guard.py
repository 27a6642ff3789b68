"""``tallow.nan_guard()``: which op of which module made the first NaN or infinity."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow._explain.recorder import hook_name
from tallow._explain.values import TensorInfo, tensors_in
from tallow._explain.watcher import Watcher, current_watcher, scope_of, split_scope
from tallow._tensor import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow.nn import Module

__all__ = ["NonFiniteError", "nan_guard"]

# Ops that write a value the caller names: an infinity in their result was asked for.
_FILLS = {
    *("clamp", "clamp_", "fill_", "full_like", "index_fill", "index_fill_", "masked_fill"),
    *("masked_fill_", "masked_scatter", "masked_scatter_", "new_full", "pad", "scatter"),
    *("scatter_", "setitem", "where"),
}
# Ops whose result is not computed: memory as it is, or values as they were.
_NOT_COMPUTED = {
    *("empty_like", "new_empty", "new_empty_strided", "resize_", "set_", "detach", "as_subclass"),
}
_CHECKS = ("forward", "backward", "both")
_ACTIONS = ("raise", "warn")


class NonFiniteError(RuntimeError):
    """Raised by :func:`tallow.nan_guard` where the first NaN or infinity comes up.

    Attributes:
        path: of the module below the guarded model; ``""`` is the model itself, ``None`` outside.
        op: the op, the node of the backward pass, or the hook.
        direction: ``"forward"`` or ``"backward"``.
        iteration: how often the outermost module had been called, this call included.
    """

    __module__ = "tallow"

    path: str | None = None
    op: str = ""
    direction: str = ""
    iteration: int = 0


class nan_guard:  # used like a function
    """Find the first NaN or infinity, forward or backward, by module path and op.

    Use it around the steps to check, ``with tallow.nan_guard(model): ...``, or call it in place of
    the model, ``guarded = tallow.nan_guard(model); y = guarded(x)``; then backward passes of the
    calling thread are checked too for as long as ``guarded`` lives or until ``guarded.close()``.

    An infinity that the program itself writes (``masked_fill(mask, -inf)``), or that comes from an
    input that is no parameter, is not reported, nor is what ``tallow.full`` and its like return.

    Args:
        model: gives modules and parameters their names.
        check: ``"forward"``, ``"backward"`` or ``"both"``.
        inf: whether an infinity counts like a NaN.
        action: ``"raise"`` a :class:`NonFiniteError`, ``"warn"``, or a function that is called
            with the error. Without raising, the first find of each iteration is reported.

    Raises:
        TypeError: `model` is no Module.
        ValueError: an unknown `check` or `action`.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        >>> with tallow.no_grad():
        ...     handle = model[0].weight.fill_(float("nan"))
        >>> with tallow.nan_guard(model):
        ...     model(tallow.ones(1, 2))
        Traceback (most recent call last):
            ...
        tallow.NonFiniteError: NaN in the output of op linear in 0 (Linear), ...
    """

    def __init__(
        self,
        model: Module,
        check: str = "both",
        inf: bool = True,
        action: str | Callable[[NonFiniteError], Any] = "raise",
    ) -> None:
        from tallow.nn import Module

        if not isinstance(model, Module):
            raise TypeError(f"nan_guard(): model must be a Module, not {type(model).__name__}")
        if check not in _CHECKS:
            raise ValueError(f"nan_guard(): check must be among {_CHECKS}, got {check!r}")
        if not callable(action) and action not in _ACTIONS:
            raise ValueError(
                f"nan_guard(): action must be among {_ACTIONS} or a function, got {action!r}"
            )
        self.model = model
        self.inf = bool(inf)
        self.action = action
        self.iteration = 0
        self._check = check
        self._backward_only = False
        self._reported = -1  # the iteration of the last report
        self._watcher: Watcher | None = None

    # What the watcher asks.

    @property
    def watches_forward(self) -> bool:
        """Are results of ops checked now?"""
        return self._check != "backward" and not self._backward_only

    @property
    def watches_backward(self) -> bool:
        """Are results of backward nodes checked now?"""
        return self._check != "forward"

    # Switching on and off.

    def __enter__(self) -> nan_guard:
        if self._watcher is not None:
            raise RuntimeError("nan_guard(): this guard is active already")
        self._start(backward_only=False)
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the model under the guard, and check later backward passes."""
        if self._watcher is not None and not self._backward_only:
            return self.model(*args, **kwargs)
        self.close()
        self._start(backward_only=False)
        try:
            return self.model(*args, **kwargs)
        finally:
            self.close()
            if self.watches_backward:
                self._start(backward_only=True)

    def _start(self, backward_only: bool) -> None:
        self._backward_only = backward_only
        self._watcher = current_watcher()
        self._watcher.learn(self.model)
        self._watcher.add_guard(self)

    def close(self) -> None:
        """Stop checking."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.remove_guard(self)

    # Finds.

    def module_begins(self, module: Any, args: Any, kwargs: Any, outermost: bool) -> None:
        """A module is called: count iterations, and look at what comes from outside."""
        if not outermost:
            return
        self.iteration += 1
        if self.watches_forward:
            _C._unwatched_call(self._check_inputs, module, args, kwargs)

    def _check_inputs(self, module: Any, args: Any, kwargs: Any) -> None:
        for i, tensor in enumerate(tensors_in((args, kwargs))):
            if _C._has_bad_values(tensor) and _flaws(tensor)[0]:
                name = type(module).__name__
                text = f"NaN in input {i} of {name}, before its first op"
                self._report("", name, "forward", text, [tensor])
                return

    def module_ended(self, module: Any, args: Any, result: Any, scope: str) -> None:
        """A module has returned: find what no op has computed, such as a tensor made of NaN."""
        if self.watches_forward and self._reported != self.iteration:
            _C._unwatched_call(self._check_outputs, args, result, scope)

    def _check_outputs(self, args: Any, result: Any, scope: str) -> None:
        for tensor in tensors_in(result):
            if _C._has_bad_values(tensor) and _flaws(tensor)[0]:
                path = split_scope(scope)[1]
                text = f"NaN in the output of {self._where(path)}, which no op has computed"
                self._report(path, "forward", "forward", text, list(tensors_in(args)))
                return

    def found(
        self,
        kind: str,
        subject: Any,
        args: Any,
        result: Any,
        scope: str | None,
        in_backward: bool,
    ) -> None:
        """The result of an op, function, hook or node may be bad: look closely."""
        if self._reported == self.iteration and self.action != "raise":
            return
        is_forward = kind in ("op", "function") and not in_backward
        direction = "forward" if is_forward else "backward"
        if not (self.watches_forward if direction == "forward" else self.watches_backward):
            return
        if kind == "op" and subject in (_NOT_COMPUTED if scope else _NOT_COMPUTED | _FILLS):
            return
        results = list(tensors_in(result))
        has_nan = any(_flaws(tensor)[0] for tensor in results)
        has_inf = self.inf and any(_flaws(tensor)[1] for tensor in results)
        inputs = list(tensors_in(args))
        if not has_nan and (not has_inf or not self._infinity_counts(kind, subject, inputs)):
            return
        path = None if scope is None else split_scope(scope)[1]
        what = "NaN" if has_nan else "Inf"
        if kind == "node":
            name, note, _ = subject
            made_in = scope_of(note)
            path = None if made_in is None else split_scope(made_in)[1]
            text = f"{what} in the gradient that {name} of {self._where(path)} computed"
        elif kind in ("op", "function"):
            name = subject if kind == "op" else subject.__name__
            text = f"{what} in the output of {kind} {name} in {self._where(path)}"
        else:
            name = hook_name(subject[0])
            text = f"{what} in the gradient that {kind} {name} of {self._where(path)} returned"
        self._report(path, name, direction, text, inputs)

    def _infinity_counts(self, kind: str, subject: Any, inputs: list[Tensor]) -> bool:
        if kind == "op" and subject in _FILLS:
            return False
        return not any(_flaws(tensor)[1] and not self._name(tensor) for tensor in inputs)

    def _report(
        self, path: str | None, op: str, direction: str, text: str, inputs: list[Tensor]
    ) -> None:
        self._reported = self.iteration
        lines = [f"{text}, {direction} pass of call {self.iteration} of the model"]
        bad = [tensor for tensor in inputs if any(_flaws(tensor))]
        if bad:
            names = [self._name(tensor) for tensor in bad]
            known = [f"parameter {name}" for name in names if name]
            lines.append(f"  its inputs were bad already: {', '.join(known) or 'see below'}")
        elif inputs:
            lines.append("  its inputs were finite: this is where it began")
        for i, tensor in enumerate(inputs):
            name = self._name(tensor)
            lines.append(f"  input {i}{f' ({name})' if name else ''}: {_statistics(tensor)}")
        error = NonFiniteError("\n".join(lines))
        error.path, error.op, error.direction = path, op, direction
        error.iteration = self.iteration
        if self.action == "raise":
            raise error
        if self.action == "warn":
            warnings.warn(str(error), RuntimeWarning, stacklevel=2)
        elif callable(self.action):
            self.action(error)

    def _where(self, path: str | None) -> str:
        if path is None:
            return "code outside the model"
        if path == "":
            return type(self.model).__name__
        try:
            return f"{path} ({type(self.model.get_submodule(path)).__name__})"
        except AttributeError:
            return path

    def _name(self, tensor: Tensor) -> str:
        """Return the name of a parameter of the model, or ``""``."""
        # A frozen parameter is one too.
        if not (tensor._is_param or (tensor.is_leaf and tensor.requires_grad)):
            return ""
        return next((name for name, p in self.model.named_parameters() if p is tensor), "")


def _flaws(tensor: Tensor) -> tuple[bool, bool]:
    """Return whether a tensor has a NaN, and whether it has an infinity."""
    if not (tensor.is_floating_point() or tensor.is_complex()) or tensor.numel() == 0:
        return False, False
    with tallow.no_grad():
        plain = tensor.detach()
        if plain.is_complex():
            plain = plain.abs()
        return bool(plain.isnan().any()), bool(plain.isinf().any())


def _statistics(tensor: Tensor) -> str:
    """Return shape, range of the finite values and counts of the others."""
    info = str(TensorInfo(tensor))
    if not tensor.is_floating_point() or tensor.numel() == 0:
        return info
    with tallow.no_grad():
        plain = tensor.detach().double()
        finite = plain[plain.isfinite()]
        count = finite.numel()
        parts = [info]
        if count:
            parts.append(f"from {finite.min().item():.4g} to {finite.max().item():.4g}")
        parts.append(f"{count} of {plain.numel()} finite")
        nan = int(plain.isnan().sum().item())
        if nan:
            parts.append(f"{nan} NaN")
        if plain.numel() - count - nan:
            parts.append(f"{plain.numel() - count - nan} Inf")
    return ", ".join(parts)
