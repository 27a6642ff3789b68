"""Runs one entry of the operator database on PyTorch and on tallow."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

import tallow
from parity.compare import Difference, check, leaves
from parity.translate import Missing, Untranslatable, function, name_of, translate

FLOATS = (torch.float32, torch.float64)
# Results without defined values: only shape and dtype are compared.
UNDEFINED = (
    "empty",
    "empty_permuted",
    "empty_like",
    "new_empty",
    "new_empty_strided",
    "empty_strided",
    "resize_",
    "resize_as_",
    "set_",
)
# PyTorch loses digits here: in float32 near poles and in squarings, in the others also in float64.
SCALE = {
    "polygamma": 50,
    "special.polygamma": 50,
    "matrix_exp": 1000,
    "special.bessel_j0": 10,
    "special.bessel_y0": 100,
    "special.bessel_y1": 1000,
    "special.airy_ai": 1000,
}
SEED = 7


def dtypes_of(entry: Any) -> list[torch.dtype]:
    """float32 and float64, or what the entry has instead."""
    floats = [dtype for dtype in FLOATS if dtype in entry.dtypes]
    others = [d for d in (torch.int64, torch.bool, torch.complex64) if d in entry.dtypes]
    return floats or others[:1]


def samples(entry: Any, dtype: torch.dtype, grad: bool, most: int) -> Iterator[Any]:
    """At most `most` samples, spread evenly over those of the entry."""
    torch.manual_seed(SEED)
    found = list(entry.sample_inputs("cpu", dtype, requires_grad=grad))
    step = max(1, len(found) / most)
    for number in range(min(most, len(found))):
        yield found[int(number * step)]


def _both(entry: Any, ours: Any, sample: Any) -> tuple[Any, Any, list[Any], list[Any]]:
    """Results and leaf tensors of both packages on one sample."""
    theirs_in = (sample.input, sample.args, sample.kwargs)
    ours_in = translate(theirs_in)
    process, our_process = sample.output_process_fn_grad, translate(sample.output_process_fn_grad)
    torch.manual_seed(SEED)
    expected = entry.op(theirs_in[0], *theirs_in[1], **theirs_in[2])
    tallow.manual_seed(SEED)
    actual = ours(ours_in[0], *ours_in[1], **ours_in[2])
    expected, actual = process(expected), our_process(actual)
    return expected, actual, leaves(list(theirs_in)), leaves(list(ours_in))


def _roots(tree: Any, package: Any) -> list[Any]:
    tensors = [leaf for leaf in leaves(tree) if isinstance(leaf, package.Tensor)]
    return [leaf for leaf in tensors if leaf.requires_grad and not leaf.is_complex()]


def _gradients(roots: list[Any], inputs: list[Any], package: Any) -> list[Any]:
    weights = []
    for root in roots:
        ramp = np.linspace(0.5, 1.5, root.numel()).reshape(tuple(root.shape))
        weights.append(package.from_numpy(ramp).to(root.dtype))
    found = package.autograd.grad(roots, inputs, weights, allow_unused=True)
    return [
        package.zeros_like(value) if grad is None else grad
        for grad, value in zip(found, inputs, strict=True)
    ]


def _real(tree: Any) -> Any:
    """Complex results as pairs of real numbers, so that both parts are weighted."""
    return [
        leaf.abs() if hasattr(leaf, "is_complex") and leaf.is_complex() else leaf
        for leaf in leaves(tree)
    ]


def check_sample(entry: Any, ours: Any, sample: Any, *, grad: bool) -> None:
    """Compare values, and gradients if asked for."""
    expected, actual, their_leaves, our_leaves = _both(entry, ours, sample)
    values = entry.name not in UNDEFINED
    check(expected, actual, values=values, scale=SCALE.get(entry.name, 1))
    if not grad:
        return
    expected, actual = _real(expected), _real(actual)
    their_roots, our_roots = _roots(expected, torch), _roots(actual, tallow)
    if not their_roots:
        return
    if len(their_roots) != len(our_roots):
        raise Difference(
            "gradient", f"{len(our_roots)} results with a gradient instead of {len(their_roots)}"
        )
    pairs = [
        (a, b)
        for a, b in zip(their_leaves, our_leaves, strict=True)
        if isinstance(a, torch.Tensor) and a.requires_grad
    ]
    if not pairs:
        return
    theirs, mine = zip(*pairs, strict=True)
    try:
        want = _gradients(their_roots, list(theirs), torch)
    except (NotImplementedError, RuntimeError):  # PyTorch has no derivative here
        return
    got = _gradients(our_roots, list(mine), tallow)
    try:
        check(want, got, scale=10)
    except Difference as difference:
        raise Difference("gradient", f"{difference.kind}: {difference}") from None


def _words(values: Any, named: Any) -> str:
    def word(value: Any) -> str:
        if isinstance(value, torch.Tensor):
            strided = "" if value.is_contiguous() else "s"
            return f"{name_of(value.dtype)}{list(value.shape)}{strided}"
        if isinstance(value, list | tuple):
            return "(" + ", ".join(map(word, value)) + ")"
        return repr(value)

    words = [word(v) for v in values]
    words += [f"{k}={word(v)}" for k, v in named.items()]
    return ", ".join(words)[:200]


def _describe(sample: Any) -> str:
    return _words((sample.input, *sample.args), sample.kwargs)


def _describe_arguments(call: Any) -> str:
    return _words(call.args, call.kwargs)


def failures(entry: Any, *, most: int = 12) -> dict[str, str]:
    """What fails, by 'forward float32', 'gradient float64'...: the first failure of each kind."""
    found: dict[str, str] = {}
    try:
        ours = function(entry.op)
    except Missing as missing:
        return {f"missing {name_of(dtype)}": str(missing) for dtype in dtypes_of(entry)}
    for dtype in dtypes_of(entry):
        grad = bool(entry.supports_autograd and dtype in FLOATS)
        for sample in samples(entry, dtype, grad, most):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    check_sample(entry, ours, sample, grad=grad)
                except Untranslatable:
                    continue
                except Missing as missing:
                    kind, text = "missing", str(missing)
                except Difference as difference:
                    kind, text = difference.kind, str(difference)
                except Exception as error:  # whatever our side raises is the finding
                    kind, text = "raises", f"{type(error).__name__}: {error}"
                else:
                    continue
            key = f"{kind} {name_of(dtype)}"
            found.setdefault(key, f"({_describe(sample)}): {text}")
    return found


_NAMES_OF_TORCH = re.compile(r"\btorch\.")


def _accepted(entry: Any, sample: Any) -> bool:
    """Does PyTorch itself take this input, which its database calls wrong?"""
    try:
        entry.op(sample.input, *sample.args, **sample.kwargs)
    except Exception:  # whatever it raises, the input is refused
        return False
    return True


def error_failures(entry: Any) -> dict[str, str]:
    """Wrong inputs that we accept, or refuse with another type or text."""
    if entry.error_inputs_func is None:
        return {}
    found: dict[str, str] = {}
    try:
        ours = function(entry.op)
    except Missing as missing:
        return {"missing": str(missing)}
    torch.manual_seed(SEED)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in entry.error_inputs("cpu"):
            sample = case.sample_input
            try:
                args = translate((sample.input, sample.args, sample.kwargs))
            except (Untranslatable, RuntimeError):  # such as more dimensions than tallow has
                continue
            where = f"({_describe(sample)})"
            if _accepted(entry, sample):
                continue
            try:
                ours(args[0], *args[1], **args[2])
            except case.error_type as error:
                text = _NAMES_OF_TORCH.sub("tallow.", case.error_regex)
                if not (re.search(case.error_regex, str(error)) or re.search(text, str(error))):
                    found.setdefault(
                        "text", f"{where}: {str(error)[:150]!r} instead of {case.error_regex!r}"
                    )
            except Exception as error:
                found.setdefault(
                    "type",
                    f"{where}: {type(error).__name__}: {error} instead of "
                    f"{case.error_type.__name__} {case.error_regex!r}",
                )
            else:
                found.setdefault("accepted", f"{where} accepted instead of {case.error_regex!r}")
    return found
