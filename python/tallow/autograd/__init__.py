"""Automatic differentiation: run backward passes, define derivatives, inspect the graph."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C
from tallow.autograd import function, grad_mode, graph
from tallow.autograd.anomaly_mode import detect_anomaly, set_detect_anomaly
from tallow.autograd.function import Function
from tallow.autograd.grad_mode import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
    set_multithreading_enabled,
)
from tallow.autograd.gradcheck import gradcheck, gradgradcheck
from tallow.autograd.variable import Variable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from tallow import Tensor
    from tallow.autograd import functional
    from tallow.autograd.graph import GradientEdge

    _Roots: TypeAlias = Tensor | GradientEdge | Sequence[Tensor | GradientEdge]
    _Grads: TypeAlias = Tensor | Sequence[Tensor | None] | None

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "function",
    "functional",
    "grad",
    "grad_mode",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]

_warned_about_cycle = False


def __getattr__(name: str) -> Any:
    if name in ("forward_ad", "functional", "profiler"):
        import importlib

        return importlib.import_module(f"tallow.autograd.{name}")
    from tallow._absent import AbsentName

    raise AbsentName(__name__, name, lambda: __all__)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    # A GradientEdge is itself a tuple: it counts as one root.
    if isinstance(value, (tallow.Tensor, graph.GradientEdge)):
        return (value,)
    return tuple(value)


def _edges(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Strip gradient edges to what the engine needs: the node and which of its outputs."""
    return tuple(value[:2] if isinstance(value, graph.GradientEdge) else value for value in values)


def _check_given(root: Any, given: Tensor, index: int, batched: bool) -> None:
    """Check the shape and kind of the gradient that the caller starts `root` with."""
    if not isinstance(root, tallow.Tensor):
        return
    pair = (
        f"grad_output[{index}] has a shape of {given.shape} and "
        f"output[{index}] has a shape of {root.shape}."
    )
    if batched and given.shape[1:] != root.shape:
        raise RuntimeError(
            "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as "
            "the batch dimension. The sizes of the remaining dimensions are expected to match "
            f"the shape of corresponding output, but a mismatch was detected: {pair}"
        )
    if not batched and given.shape != root.shape:
        raise RuntimeError(f"Mismatch in shape: {pair}")
    if root.is_complex() != given.is_complex():
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same "
            f"dtype. Mismatch in dtype: grad_output[{index}] has a dtype of {given.dtype} and "
            f"output[{index}] has a dtype of {root.dtype}."
        )


def _implicit_grad(root: Any) -> Tensor | None:
    """The gradient of a one-element real root with respect to itself."""
    if not isinstance(root, tallow.Tensor):
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    if not root.requires_grad:
        return None
    if root.numel() != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs")
    if not root.is_floating_point():
        raise RuntimeError(
            f"grad can be implicitly created only for real scalar outputs but got {root.dtype}"
        )
    return tallow.ones_like(root)


def _start_grads(roots: tuple[Any, ...], grads: Any, batched: bool = False) -> tuple[Any, ...]:
    """Return one checked gradient per root."""
    if grads is None:
        given: tuple[Any, ...] = (None,) * len(roots)
    else:
        given = _as_tuple(grads)
    if len(given) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(given)} gradients")
    starts = []
    for i, (root, grad) in enumerate(zip(roots, given, strict=True)):
        if grad is None:
            starts.append(_implicit_grad(root))
        elif isinstance(grad, tallow.Tensor):
            _check_given(root, grad, i, batched)
            starts.append(grad)
        else:
            raise TypeError(
                f"gradients can be either Tensors or None, but got {type(grad).__name__}"
            )
    return tuple(starts)


def _warn_about_cycle() -> None:
    global _warned_about_cycle
    if _warned_about_cycle:
        return
    _warned_about_cycle = True
    warnings.warn(
        "Using backward() with create_graph=True will create a reference cycle between the "
        "parameter and its gradient which can cause a memory leak. We recommend using "
        "autograd.grad when creating the graph to avoid this. If you have to use this function, "
        "make sure to reset the .grad fields of your parameters to None after use to break the "
        "cycle and avoid the leak.",
        stacklevel=3,
    )


def backward(
    tensors: _Roots,
    grad_tensors: _Grads = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: _Grads = None,
    inputs: _Roots | Mapping[str, Tensor] | None = None,
) -> None:
    """Add the gradients of `tensors` to ``.grad`` of the leaves they were computed from.

    Args:
        tensors: one tensor (or gradient edge) or a sequence of them.
        grad_tensors: gradient of each with respect to the final scalar, of the same shape;
            ``None`` stands for 1 and is allowed for one-element real tensors.
        retain_graph: keep what was saved, so that the graph can be walked again; defaults to
            `create_graph`.
        create_graph: record the backward pass, so that it can be differentiated.
        grad_variables: old name of `grad_tensors`.
        inputs: restrict accumulation to these tensors.

    Raises:
        RuntimeError: no tensor requires gradients, a gradient is missing or of the wrong shape,
            or the graph was freed by an earlier pass.

    Example:
        >>> x = tallow.tensor([1.0, 2.0], requires_grad=True)
        >>> tallow.autograd.backward((x * x).sum())
        >>> x.grad
        tensor([2., 4.])
    """
    if grad_variables is not None:
        warnings.warn(
            "`grad_variables` is deprecated. Use `grad_tensors` instead.",
            FutureWarning,
            stacklevel=2,
        )
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to "
                "`backward()`. Please only use `grad_tensors`."
            )
        grad_tensors = grad_variables
    roots = _as_tuple(tensors)
    if isinstance(inputs, dict):
        inputs = tuple(inputs.values())
    targets = () if inputs is None else _as_tuple(inputs)
    if inputs is not None and not targets:
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    starts = _start_grads(roots, grad_tensors)
    if create_graph:
        _warn_about_cycle()
    retain = bool(create_graph if retain_graph is None else retain_graph)
    _C._engine_run_backward(
        _edges(roots), starts, retain, bool(create_graph), _edges(targets), True, True
    )


def grad(
    outputs: _Roots,
    inputs: _Roots | Mapping[str, Tensor],
    grad_outputs: _Grads = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> Any:
    """Return the gradients of the sum of `outputs` with respect to each of `inputs`.

    ``.grad`` of no tensor changes.

    Args:
        outputs: one tensor (or gradient edge) or a sequence of them.
        inputs: tensors (or gradient edges) to differentiate with respect to; with a dict of
            tensors the result is a dict with the same keys.
        grad_outputs: gradient of each output, of the same shape; ``None`` stands for 1.
        retain_graph: keep what was saved, so that the graph can be walked again; defaults to
            `create_graph`.
        create_graph: record the backward pass, so that it can be differentiated.
        only_inputs: has no effect.
        allow_unused: return ``None`` for inputs the outputs do not depend on, instead of raising.
        is_grads_batched: treat the first dimension of `grad_outputs` as a batch of gradients;
            the results gain the same first dimension.
        materialize_grads: return zeros in place of ``None``.

    Returns:
        A tuple with one gradient per input, or a dict.

    Raises:
        RuntimeError: an input is unused or does not require gradients, or a gradient is missing
            or of the wrong shape.

    Example:
        >>> x = tallow.tensor([1.0, 2.0], requires_grad=True)
        >>> tallow.autograd.grad((x**3).sum(), x)
        (tensor([ 3., 12.]),)
    """
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but "
            "got: allow_unused=False."
        )
    if allow_unused is None:
        allow_unused = materialize_grads
    if not only_inputs:
        warnings.warn(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To "
            "accumulate gradient for other parts of the graph, please use "
            "tallow.autograd.backward.",
            FutureWarning,
            stacklevel=2,
        )
    names = list(inputs) if isinstance(inputs, dict) else None
    targets = tuple(inputs.values()) if isinstance(inputs, dict) else _as_tuple(inputs)
    if not targets:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    roots = _as_tuple(outputs)
    starts = _start_grads(roots, grad_outputs, is_grads_batched)
    roots, edges = _edges(roots), _edges(targets)
    retain = bool(create_graph if retain_graph is None else retain_graph)
    if is_grads_batched:
        results = _batched_grads(roots, starts, retain, create_graph, edges, allow_unused)
    else:
        results = _C._engine_run_backward(
            roots, starts, retain, bool(create_graph), edges, allow_unused, False
        )
    if materialize_grads:
        results = tuple(
            tallow.zeros_like(target, requires_grad=create_graph) if result is None else result
            for target, result in zip(targets, results, strict=True)
        )
    return results if names is None else dict(zip(names, results, strict=True))


def _batched_grads(
    roots: tuple[Any, ...],
    starts: tuple[Any, ...],
    retain: bool,
    create_graph: bool,
    targets: tuple[Any, ...],
    allow_unused: bool,
) -> tuple[Tensor | None, ...]:
    """Run one backward pass per entry of the batch, and stack the results."""
    count = next((start.size(0) for start in starts if start is not None), 0)
    passes = []
    for i in range(count):
        one = tuple(start if start is None else start[i] for start in starts)
        keep = retain or i + 1 < count
        passes.append(
            _C._engine_run_backward(roots, one, keep, create_graph, targets, allow_unused, False)
        )
    return tuple(
        None if grads[0] is None else tallow.stack(grads) for grads in zip(*passes, strict=True)
    )
