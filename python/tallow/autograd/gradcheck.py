"""Compare derivatives with finite differences."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import tallow
from tallow.autograd._differences import Case, as_tuple, differentiable, slope, tensor_outputs
from tallow.autograd.function import Function

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

    _Function = Callable[..., Any]

__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]


class GradcheckError(RuntimeError):
    """A derivative disagrees with finite differences."""


class _Tolerance(NamedTuple):
    eps: float
    atol: float
    rtol: float


class _Undefine(Function):
    """Identity that passes no gradient on for the outputs named in `dropped`."""

    @staticmethod
    def forward(ctx: Any, dropped: frozenset[int], *outputs: Tensor) -> tuple[Tensor, ...]:
        ctx.dropped = dropped
        return tuple(output.view_as(output) for output in outputs)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return None, *(None if i in ctx.dropped else grad for i, grad in enumerate(grads))


def _checked_inputs(inputs: tuple[Any, ...]) -> list[int]:
    """Positions of the inputs to differentiate with respect to."""
    chosen = [i for i, x in enumerate(inputs) if differentiable(x) and x.requires_grad]
    if not chosen:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them "
            "have requires_grad=True."
        )
    for i in chosen:
        x = inputs[i]
        if x.dtype not in (tallow.float64, tallow.complex128):
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or "
                "complex. This check will likely fail if all the inputs are not of double "
                "precision floating point or complex. ",
                stacklevel=4,
            )
        if any(step == 0 and size > 1 for step, size in zip(x.stride(), x.shape, strict=True)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs "
                "that are non-overlapping to be able to compute the numerical gradients "
                "correctly. You should call .contiguous on the input before passing it to "
                "gradcheck."
            )
    return chosen


def _close(analytical: Tensor, numerical: Tensor, tol: _Tolerance) -> bool:
    dtype = tallow.promote_types(analytical.dtype, numerical.dtype)
    return tallow.allclose(analytical.to(dtype), numerical.to(dtype), rtol=tol.rtol, atol=tol.atol)


def _mismatch(prefix: str, output: int, target: int, numerical: Any, analytical: Any) -> str:
    start = "Jacobian" if not prefix else f"{prefix}Jacobian"
    return (
        f"{start} mismatch for output {output} with respect to input {target},\n"
        f"numerical:{numerical}\nanalytical:{analytical}\n"
    )


def _check_slow(case: Case, tol: _Tolerance) -> None:
    numerical = [case.numerical(target, tol.eps) for target in case.targets]
    for k, (output, prefix, start) in enumerate(case.labels()):
        if output not in case.live:
            continue
        for j, analytical in enumerate(case.analytical(output, start)):
            if not _close(analytical, numerical[j][k], tol):
                raise GradcheckError(
                    _mismatch(prefix, output, case.chosen[j], numerical[j][k], analytical)
                )


def _unit(shape: Any, like: Tensor) -> Tensor:
    """A random real vector of length 1, which leaves the default generator alone."""
    generator = tallow.Generator().manual_seed(0)
    vector = tallow.rand(shape, generator=generator, dtype=tallow.float64, device="cpu").to(
        like.device
    )
    vector = vector / vector.square().sum().sqrt().clamp(min=1e-12)
    return vector.to(like.real.dtype if like.is_complex() else like.dtype)


def _check_fast(case: Case, tol: _Tolerance) -> None:
    """Compare one number per input and output: u^T J v for random unit vectors u and v."""
    starts = [_unit(output.shape, output) for output in case.outputs]
    for j, target in enumerate(case.targets):
        u = _unit(target.shape, target)
        along = [
            slope(target, u * axis, tol.eps, case.real_outputs) for axis in case.directions(target)
        ]
        for k, (output, _, start) in enumerate(case.labels()):
            if output not in case.live:
                continue
            v = starts[output]
            numerical = 0j
            for axis, slopes in zip(case.directions(target), along, strict=True):
                numerical += axis * (slopes[k] * v).sum().item()
            grad = case.grads(output, (v * start).to(case.outputs[output].dtype))[j]
            analytical = complex((grad * u).sum().item())
            # Each element may differ by atol; u and v bound how these differences add up.
            spread = tol.atol * float(u.abs().sum() * v.abs().sum())
            if abs(numerical - analytical) > max(spread, tol.atol) + tol.rtol * abs(numerical):
                raise GradcheckError(_fast_report(case, j, k, numerical, analytical, tol))


def _fast_report(
    case: Case, j: int, k: int, numerical: complex, analytical: complex, tol: _Tolerance
) -> str:
    output, prefix, start = case.labels()[k]
    full_numerical = case.numerical(case.targets[j], tol.eps)[k]
    full_analytical = case.analytical(output, start)[j]
    difference = (full_numerical - full_analytical).abs().max().item()
    real = not case.targets[j].is_complex()
    shown = [value.real if real else value for value in (numerical, analytical)]
    return (
        _mismatch(prefix, output, case.chosen[j], *shown)
        + "\nThese are products of the Jacobians with random vectors (fast mode). In full:\n\n"
        f"Numerical:\n {full_numerical}\nAnalytical:\n{full_analytical}\n\n"
        f"The max per-element difference (slow mode) is: {difference}.\n"
    )


def _check_constant(case: Case, tol: _Tolerance) -> None:
    """A function without a graph must not depend on its inputs."""
    for target in case.targets:
        for numerical in case.numerical(target, tol.eps):
            if not _close(tallow.zeros_like(numerical), numerical, tol):
                raise GradcheckError("Numerical gradient for function expected to be zero")


def _check_repeatable(case: Case, nondet_tol: float) -> None:
    for output in case.live:
        start = _unit(case.outputs[output].shape, case.outputs[output])
        start = start.to(case.outputs[output].dtype)
        pairs = zip(case.grads(output, start), case.grads(output, start), strict=True)
        for first, second in pairs:
            if first.numel() and float((first - second).abs().max()) > nondet_tol:
                raise GradcheckError(
                    "Backward is not reentrant, i.e., running backward with same input and "
                    "grad_output multiple times gives different values, although analytical "
                    "gradient matches numerical gradient."
                    f"The tolerance for nondeterminism was {nondet_tol}."
                )


def _check_linear(case: Case, check_dtypes: bool) -> None:
    """A zero gradient must give zero gradients, of the inputs' dtypes if wanted."""
    for output in case.live:
        grads = case.grads(output, tallow.zeros_like(case.outputs[output]))
        for grad, target in zip(grads, case.targets, strict=True):
            if grad.numel() and grad.ne(0).any().item():
                raise GradcheckError("backward not multiplied by grad_output")
            if check_dtypes and grad.dtype != target.dtype:
                raise GradcheckError(
                    f"gradient has dtype {grad.dtype}, but its input has {target.dtype}"
                )


def _check_undefined(case: Case) -> None:
    """Missing gradients of some or all outputs must be treated as zeros."""
    live = [case.outputs[i] for i in case.live]
    alone = [frozenset({i}) for i in range(len(live))] if len(live) > 1 else []
    for dropped in (*alone, frozenset(range(len(live)))):
        outputs = _Undefine.apply(dropped, *live)
        starts = [tallow.ones_like(output) for output in outputs]
        grads = tallow.autograd.grad(
            outputs, case.targets, starts, retain_graph=True, allow_unused=True
        )
        if len(dropped) < len(live):
            continue
        if any(grad is not None and grad.ne(0).any().item() for grad in grads):
            raise GradcheckError(
                "backward returned gradients although no gradient of an output was defined"
            )


def gradcheck(
    func: _Function,
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False,
    check_backward_ad: bool = True,
    fast_mode: bool = False,
    masked: bool | None = None,
) -> bool:
    """Check the derivative of `func` against central differences.

    Args:
        func: takes the inputs and returns a tensor or several; must be deterministic.
        inputs: a tensor or a sequence of arguments; those to check are float64 or complex128
            tensors that require gradients and do not overlap themselves.
        eps: step of the differences.
        atol: absolute tolerance per element of the Jacobian.
        rtol: relative tolerance per element of the Jacobian.
        raise_exception: raise on a mismatch instead of returning ``False``.
        nondet_tol: largest difference allowed between two identical backward passes.
        check_undefined_grad: also check that missing gradients count as zeros.
        check_grad_dtypes: also check that gradients have the dtypes of the inputs.
        check_batched_grad: accepted; batched gradients are computed one after the other.
        check_batched_forward_grad: accepted, without effect.
        check_forward_ad: not available.
        check_backward_ad: check the backward pass.
        fast_mode: compare ``u^T J v`` for random vectors instead of the whole Jacobian ``J``:
            two calls of `func` per input instead of two per element.
        masked: accepted, without effect.

    Returns:
        ``True`` if all agree, ``False`` if not and `raise_exception` is off.

    Raises:
        GradcheckError: a derivative disagrees.
        ValueError: no input requires gradients.
        NotImplementedError: `check_forward_ad` is on.

    Example:
        >>> x = tallow.tensor([0.3, -1.0], dtype=tallow.float64, requires_grad=True)
        >>> gradcheck(tallow.sin, x)
        True
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError(
            "Expected at least one of check_forward_ad or check_backward_ad to be True"
        )
    if check_forward_ad:
        raise NotImplementedError("gradcheck: forward-mode derivatives are not available")
    arguments = as_tuple(inputs)
    chosen = _checked_inputs(arguments)
    tol = _Tolerance(eps, atol, rtol)
    with tallow.enable_grad():
        try:
            case = Case(func, arguments, chosen)
            if not case.live:
                _check_constant(case, tol)
                return True
            (_check_fast if fast_mode else _check_slow)(case, tol)
            _check_repeatable(case, nondet_tol)
            _check_linear(case, check_grad_dtypes)
            if check_undefined_grad:
                _check_undefined(case)
        except GradcheckError:
            if raise_exception:
                raise
            return False
    return True


def gradgradcheck(
    func: _Function,
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    check_batched_grad: bool = False,
    check_fwd_over_rev: bool = False,
    check_rev_over_rev: bool = True,
    fast_mode: bool = False,
    masked: bool = False,
) -> bool:
    """Check the second derivative of `func`: :func:`gradcheck` of its backward pass.

    Args:
        func: takes the inputs and returns a tensor or several; must be deterministic.
        inputs: as for :func:`gradcheck`.
        grad_outputs: gradients to start the backward pass with; random by default.
        eps: step of the differences.
        atol: absolute tolerance per element of the Jacobian.
        rtol: relative tolerance per element of the Jacobian.
        gen_non_contig_grad_outputs: make the random gradients non-contiguous.
        raise_exception: raise on a mismatch instead of returning ``False``.
        nondet_tol: largest difference allowed between two identical backward passes.
        check_undefined_grad: also check that missing gradients count as zeros.
        check_grad_dtypes: also check that gradients have the dtypes of the inputs.
        check_batched_grad: accepted; batched gradients are computed one after the other.
        check_fwd_over_rev: not available.
        check_rev_over_rev: check the derivative of the backward pass.
        fast_mode: as for :func:`gradcheck`.
        masked: accepted, without effect.

    Returns:
        ``True`` if all agree, ``False`` if not and `raise_exception` is off.

    Example:
        >>> x = tallow.tensor([0.3, -1.0], dtype=tallow.float64, requires_grad=True)
        >>> gradgradcheck(tallow.sin, x)
        True
    """
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError(
            "Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True"
        )
    arguments = as_tuple(inputs)
    chosen = _checked_inputs(arguments)
    if grad_outputs is None:
        outputs = [output for output in tensor_outputs(func, arguments) if output.requires_grad]
        starts = tuple(_random_start(output, gen_non_contig_grad_outputs) for output in outputs)
    else:
        starts = tuple(start.detach().requires_grad_() for start in as_tuple(grad_outputs))

    def gradients(*args: Any) -> tuple[Tensor, ...]:
        values, given = args[: len(arguments)], args[len(arguments) :]
        live = [output for output in tensor_outputs(func, values) if output.requires_grad]
        grads = tallow.autograd.grad(
            live, [values[i] for i in chosen], given, create_graph=True, allow_unused=True
        )
        return tuple(grad for grad in grads if grad is not None)

    return gradcheck(
        gradients,
        (*arguments, *starts),
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        check_forward_ad=check_fwd_over_rev,
        fast_mode=fast_mode,
    )


def _random_start(output: Tensor, non_contiguous: bool) -> Tensor:
    generator = tallow.Generator().manual_seed(1)
    start = tallow.randn(output.shape, generator=generator, dtype=tallow.float64, device="cpu")
    start = start.to(output.device, output.dtype)
    if non_contiguous and start.dim() > 0 and start.numel() > 1:
        start = tallow.stack([start, start], -1)[..., 0]
    return start.requires_grad_()
