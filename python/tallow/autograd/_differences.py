"""Jacobians by finite differences and by backward passes, for the gradient checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tallow import Tensor

__all__ = ["Case", "as_tuple", "differentiable", "slope", "tensor_outputs"]


def as_tuple(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, tallow.Tensor) else tuple(value)


def differentiable(value: Any) -> bool:
    return isinstance(value, tallow.Tensor) and (value.is_floating_point() or value.is_complex())


def tensor_outputs(func: Callable[..., Any], inputs: tuple[Any, ...]) -> tuple[Tensor, ...]:
    outputs = as_tuple(func(*inputs))
    for output in outputs:
        if not isinstance(output, tallow.Tensor):
            raise TypeError(
                f"gradcheck expects the function to return tensors, but got {type(output).__name__}"
            )
    return tuple(output for output in outputs if differentiable(output))


def _parts(output: Tensor) -> list[tuple[str, complex]]:
    """The real functions an output stands for: name for messages, and gradient that selects it."""
    if not output.is_complex():
        return [("", 1.0)]
    only = "While considering the {} part of complex outputs only, "
    return [(only.format("imaginary"), 1j), (only.format("real"), 1.0)]


def _part(output: Tensor, start: complex) -> Tensor:
    """The real function selected by the gradient `start`."""
    if not output.is_complex():
        return output
    return output.imag if start == 1j else output.real


def _positions(shape: Sequence[int]) -> Iterator[tuple[int, ...]]:
    if not shape:
        yield ()
        return
    for i in range(shape[0]):
        for rest in _positions(shape[1:]):
            yield (i, *rest)


def _shifted(x: Tensor, shift: Any, evaluate: Callable[[], list[Tensor]]) -> list[Tensor]:
    """Evaluate with `shift` added to the data of `x`, invisibly to autograd; then undo it."""
    data = x.data
    before = data.clone()
    data.add_(shift)
    try:
        return evaluate()
    finally:
        data.copy_(before)


def slope(x: Tensor, direction: Any, eps: float, evaluate: Callable[[], list[Tensor]]) -> Any:
    """Central difference of every real output along `direction`, which is added to `x`."""
    above = _shifted(x, direction * eps, evaluate)
    below = _shifted(x, direction * -eps, evaluate)
    return [(a - b) / (2 * eps) for a, b in zip(above, below, strict=True)]


class Case:
    """A function, its inputs, and the real outputs it is looked at through."""

    def __init__(
        self, func: Callable[..., Any], inputs: tuple[Any, ...], chosen: list[int]
    ) -> None:
        self.func = func
        self.inputs = inputs
        self.chosen = chosen
        self.targets = [inputs[i] for i in chosen]
        self.outputs = tensor_outputs(func, inputs)
        self.live = [i for i, output in enumerate(self.outputs) if output.requires_grad]

    def real_outputs(self) -> list[Tensor]:
        """Every part of every differentiable output, as constants."""
        outputs = tensor_outputs(self.func, self.inputs)
        return [
            _part(output.detach(), start).clone()
            for output in outputs
            for _, start in _parts(output)
        ]

    def labels(self) -> list[tuple[int, str, complex]]:
        """Output index, message prefix and selecting gradient of each of `real_outputs`."""
        return [
            (i, prefix, start)
            for i, output in enumerate(self.outputs)
            for prefix, start in _parts(output)
        ]

    def directions(self, x: Tensor) -> list[complex]:
        """A complex input varies along both axes; its gradient is d/dRe + i d/dIm."""
        return [1.0, 1j] if x.is_complex() else [1.0]

    def grads(self, output: int, start: Tensor) -> list[Tensor]:
        """Gradients of one output with respect to every target, zeros where there is none."""
        grads = tallow.autograd.grad(
            self.outputs[output], self.targets, start, retain_graph=True, allow_unused=True
        )
        return [
            tallow.zeros_like(x) if grad is None else grad.detach()
            for grad, x in zip(grads, self.targets, strict=True)
        ]

    def numerical(self, target: Tensor, eps: float) -> list[Tensor]:
        """One matrix (input elements x output elements) per real output."""
        rows: list[list[Tensor]] = [[] for _ in self.labels()]
        for position in _positions(target.shape):
            row: list[Any] = [0.0] * len(rows)
            for axis in self.directions(target):
                step = tallow.zeros_like(target, requires_grad=False)
                step[position] = axis
                slopes = slope(target, step, eps, self.real_outputs)
                row = [old + axis * new for old, new in zip(row, slopes, strict=True)]
            for matrix, value in zip(rows, row, strict=True):
                matrix.append(value.reshape(-1))
        sizes = [self.outputs[i].numel() for i, _, _ in self.labels()]
        return [
            tallow.stack(matrix) if matrix else target.new_zeros(0, n).detach()
            for matrix, n in zip(rows, sizes, strict=True)
        ]

    def analytical(self, output: int, start: complex) -> list[Tensor]:
        """One matrix (input elements x output elements) per target."""
        out = self.outputs[output]
        columns: list[list[Tensor]] = [[] for _ in self.targets]
        for position in _positions(out.shape):
            one = tallow.zeros_like(out, requires_grad=False)
            one[position] = start
            for column, grad in zip(columns, self.grads(output, one), strict=True):
                column.append(grad.reshape(-1))
        return [
            tallow.stack(column, 1) if column else x.new_zeros(x.numel(), 0).detach()
            for column, x in zip(columns, self.targets, strict=True)
        ]
