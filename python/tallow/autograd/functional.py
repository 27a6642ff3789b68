"""Jacobians, Hessians and their products with vectors, for functions of tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow._absent import name_absent_ones
from tallow.autograd._functional_args import (
    OUTPUTS,
    as_tensors,
    call,
    filled,
    finish,
    gradients_of,
    require_all,
    vector,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

    _Tensors = tuple[Tensor, ...]
    _Function = Callable[..., Any]

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

_SECOND = (
    "While computing the hessian, found that the jacobian of the user-provided function with "
    "respect to input {} is independent of the input. This is not allowed in strict mode. You "
    "should ensure that your function is twice differentiable and that the jacobian depends on "
    "the inputs (this would be violated by a linear function for example)."
)


_RETURNS = "the user-provided function returns"
_TAKES = "the input to the user-provided function is"
_INDEPENDENT = (
    "The output of the user-provided function is independent of input {}. This is not allowed in "
    "strict mode."
)


def vjp(
    func: _Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return ``func(*inputs)`` and the product of `v` with its Jacobian.

    Args:
        func: takes the tensors of `inputs`, returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple of tensors.
        v: shaped like the output; may be left out when that has one element.
        create_graph: let the results be differentiated.
        strict: raise when the output does not depend on some input, instead of returning zeros.

    Returns:
        The output, and one product per input, shaped like it.

    Raises:
        RuntimeError: `v` has the wrong size, or `strict` is violated.

    Example:
        >>> vjp(lambda x: x * x, tallow.tensor([1.0, 2.0]), tallow.ones(2))[1]
        tensor([2., 4.])
    """
    with tallow.enable_grad():
        leaves, many_inputs, outputs, many_outputs = call(func, inputs, create_graph, strict, "vjp")
        starts = vector(v, outputs, many_outputs, "vjp", _RETURNS)
    with tallow.set_grad_enabled(create_graph or tallow.is_grad_enabled()):
        grads = gradients_of(outputs, leaves, starts, create_graph)
        require_all(grads, strict, _INDEPENDENT)
        products = filled(grads, leaves)
    return (
        finish(outputs, create_graph, many_outputs),
        finish(products, create_graph, many_inputs),
    )


def jvp(
    func: _Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return ``func(*inputs)`` and the product of its Jacobian with `v`.

    The product comes from differentiating the backward pass, which is linear in the gradient it
    starts with.

    Args:
        func: takes the tensors of `inputs`, returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple of tensors.
        v: shaped like the inputs; may be left out when there is one with one element.
        create_graph: let the results be differentiated.
        strict: raise when the output does not depend on some input, instead of returning zeros.

    Returns:
        The output, and one product per output, shaped like it.

    Raises:
        RuntimeError: `v` has the wrong size, or `strict` is violated.

    Example:
        >>> jvp(lambda x: x * x, tallow.tensor([1.0, 2.0]), tallow.ones(2))[1]
        tensor([2., 4.])
    """
    with tallow.enable_grad():
        given, many_inputs = as_tensors(inputs, "inputs", "jvp")
        direction = vector(v, given, many_inputs, "jvp", _TAKES)
        leaves, _, outputs, many_outputs = call(func, inputs, create_graph, strict, "jvp")
        starts = tuple(tallow.zeros_like(output, requires_grad=True) for output in outputs)
        grads = gradients_of(outputs, leaves, starts, True)
        require_all(grads, strict, _INDEPENDENT)
        products = filled(
            gradients_of(filled(grads, leaves), starts, direction, create_graph), outputs
        )
    return (
        finish(outputs, create_graph, many_outputs),
        finish(products, create_graph, many_outputs),
    )


def _basis(x: Tensor) -> Any:
    """Yield the tensors shaped like `x` that are 1 in one place and 0 elsewhere."""
    for i in range(x.numel()):
        one = tallow.zeros(x.numel(), dtype=x.dtype, device=x.device)
        one[i] = 1
        yield one.view(x.shape)


def _one_jacobian(
    output: Tensor, index: int, leaves: _Tensors, create_graph: bool, strict: bool
) -> list[Tensor]:
    """Jacobian of one output with respect to each leaf, shaped ``output.shape + leaf.shape``."""
    if output.is_complex():
        raise RuntimeError(
            f"grad can be implicitly created only for real scalar outputs but got {output.dtype}"
        )
    rows: list[list[Tensor]] = [[] for _ in leaves]
    for start in _basis(output):
        grads = gradients_of((output,), leaves, (start,), create_graph)
        require_all(
            grads,
            strict,
            f"Output {index} of the user-provided function is independent of input {{}}. This is "
            "not allowed in strict mode.",
        )
        for i, (row, grad) in enumerate(zip(rows, filled(grads, leaves), strict=True)):
            if strict and create_graph and not grad.requires_grad:
                raise RuntimeError(
                    "The jacobian of the user-provided function is independent of input "
                    f"{i}. This is not allowed in strict mode when create_graph=True."
                )
            row.append(grad)
    return [
        tallow.stack(row).view(output.shape + x.shape)
        if row
        else x.new_zeros(output.shape + x.shape)
        for row, x in zip(rows, leaves, strict=True)
    ]


def _check_strategy(strategy: str, vectorize: bool, strict: bool) -> None:
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your '
            'function has more outputs than inputs, "forward-mode" tends to be more performant. '
            'Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is "
            "only implemented for `vectorize=True`."
        )
    if strict and vectorize:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not "
            "supported together. Please either set `strict=False` or `vectorize=False`."
        )


def jacobian(
    func: _Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """Return the Jacobian of `func` at `inputs`.

    Args:
        func: takes the tensors of `inputs`, returns a tensor or a tuple of tensors.
        inputs: a tensor or a tuple of tensors.
        create_graph: let the result be differentiated.
        strict: raise when an output does not depend on some input, instead of returning zeros.
        vectorize: accepted; the rows are computed one after the other.
        strategy: accepted; the rows are computed by backward passes.

    Returns:
        A tensor of shape ``output.shape + input.shape``; a tuple of them when there are several
        inputs or several outputs, and a tuple (per output) of tuples (per input) for both.

    Raises:
        RuntimeError: `strict` is violated.

    Example:
        >>> jacobian(lambda x: x * x, tallow.tensor([1.0, 2.0]))
        tensor([[2., 0.],
                [0., 4.]])
    """
    _check_strategy(strategy, vectorize, strict)
    return _jacobian(func, inputs, create_graph, strict, "jacobian")


def _jacobian(func: _Function, inputs: Any, create_graph: bool, strict: bool, caller: str) -> Any:
    with tallow.enable_grad():
        leaves, many_inputs, outputs, many_outputs = call(
            func, inputs, create_graph, strict, caller
        )
        blocks = [
            finish(
                _one_jacobian(output, i, leaves, create_graph, strict), create_graph, many_inputs
            )
            for i, output in enumerate(outputs)
        ]
    return tuple(blocks) if many_outputs else blocks[0]


def _single_element(outputs: _Tensors, many: bool, caller: str) -> None:
    if many:
        raise RuntimeError(f"The function given to {caller} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {caller} should contain a single element"
        )


def hessian(
    func: _Function,
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """Return the Hessian at `inputs` of a function with a one-element result.

    Args:
        func: takes the tensors of `inputs`, returns a tensor with one element.
        inputs: a tensor or a tuple of tensors.
        create_graph: let the result be differentiated.
        strict: raise when the gradient does not depend on some input, instead of returning zeros.
        vectorize: accepted; the rows are computed one after the other.
        outer_jacobian_strategy: accepted; the rows are computed by backward passes.

    Returns:
        A tensor of shape ``input.shape + input.shape``, or a tuple of tuples of shape
        ``inputs[i].shape + inputs[j].shape``.

    Raises:
        RuntimeError: the result has several elements, or `strict` is violated.

    Example:
        >>> hessian(lambda x: (x**3).sum(), tallow.tensor([1.0, 2.0]))
        tensor([[ 6.,  0.],
                [ 0., 12.]])
    """
    _check_strategy(outer_jacobian_strategy, vectorize, strict)
    _, many_inputs = as_tensors(inputs, "inputs", "hessian")

    def gradient(*leaves: Tensor) -> _Tensors:
        outputs, many = as_tensors(func(*leaves), OUTPUTS, "hessian")
        _single_element(outputs, many, "hessian")
        if strict and not outputs[0].requires_grad:
            raise RuntimeError(
                "Output 0 of the user-provided function does not require gradients. The outputs "
                "must be computed in a differentiable manner from the input when running in "
                "strict mode."
            )
        grads = gradients_of(outputs, leaves, (tallow.ones_like(outputs[0]),), True)
        for i, grad in enumerate(grads):
            if strict and (grad is None or not grad.requires_grad):
                raise RuntimeError(_SECOND.format(i))
        return filled(grads, leaves)

    blocks = _jacobian(gradient, inputs, create_graph, strict, "hessian")
    return blocks if many_inputs else blocks[0]


def vhp(
    func: _Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return ``func(*inputs)`` and the product of `v` with the Hessian.

    Args:
        func: takes the tensors of `inputs`, returns a tensor with one element.
        inputs: a tensor or a tuple of tensors.
        v: shaped like the inputs; may be left out when there is one with one element.
        create_graph: let the results be differentiated.
        strict: raise when the gradient does not depend on some input, instead of returning zeros.

    Returns:
        The output, and one product per input, shaped like it.

    Raises:
        RuntimeError: `v` has the wrong size, the result has several elements, or `strict` is
            violated.

    Example:
        >>> vhp(lambda x: (x**3).sum(), tallow.tensor([1.0, 2.0]), tallow.ones(2))[1]
        tensor([ 6., 12.])
    """
    return _vhp(func, inputs, v, create_graph, strict, "vhp")


def hvp(
    func: _Function, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False
) -> tuple[Any, Any]:
    """Return ``func(*inputs)`` and the product of the Hessian with `v`.

    The Hessian of a twice continuously differentiable function is symmetric, so this is
    :func:`vhp`.

    Args:
        func: takes the tensors of `inputs`, returns a tensor with one element.
        inputs: a tensor or a tuple of tensors.
        v: shaped like the inputs; may be left out when there is one with one element.
        create_graph: let the results be differentiated.
        strict: raise when the gradient does not depend on some input, instead of returning zeros.

    Returns:
        The output, and one product per input, shaped like it.

    Raises:
        RuntimeError: `v` has the wrong size, the result has several elements, or `strict` is
            violated.

    Example:
        >>> hvp(lambda x: (x**3).sum(), tallow.tensor([1.0, 2.0]), tallow.ones(2))[1]
        tensor([ 6., 12.])
    """
    return _vhp(func, inputs, v, create_graph, strict, "hvp")


def _vhp(
    func: _Function, inputs: Any, v: Any, create_graph: bool, strict: bool, caller: str
) -> tuple[Any, Any]:
    with tallow.enable_grad():
        given, many_inputs = as_tensors(inputs, "inputs", caller)
        direction = vector(v, given, many_inputs, caller, _TAKES)
        leaves, _, outputs, many_outputs = call(func, inputs, create_graph, strict, caller)
        _single_element(outputs, many_outputs, caller)
        grads = gradients_of(outputs, leaves, (tallow.ones_like(outputs[0]),), True)
        require_all(grads, strict, _INDEPENDENT)
        gradient = filled(grads, leaves)
        if strict:
            for i, grad in enumerate(gradient):
                if not grad.requires_grad:
                    raise RuntimeError(_SECOND.format(i))
        products = filled(gradients_of(gradient, leaves, direction, create_graph), leaves)
    return (
        finish(outputs, create_graph, False),
        finish(products, create_graph, many_inputs),
    )


name_absent_ones(__name__)
