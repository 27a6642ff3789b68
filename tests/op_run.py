"""Runs OpCases on tallow or torch; `python op_run.py` prints a hash of every case's results."""

from __future__ import annotations

import hashlib
import json
import sys
import warnings
from types import ModuleType
from typing import Any

import numpy as np

from op_case import COMPLEX, FLOATING_AND_HALF, Filled, OpCase, Sample, filled, flatten, map_leaves
from op_case import load_cases as load_cases

DIFFERENTIABLE = FLOATING_AND_HALF + COMPLEX


def make_tensor(package: ModuleType, argument: Filled, requires_grad: bool = False) -> Any:
    """A contiguous tensor with these values."""
    array = np.array(argument.array, order="C", copy=True)
    # Through one dimension, because NumPy gives empty arrays strides of 0.
    tensor = package.from_numpy(array.reshape(-1)).to(getattr(package, argument.dtype))
    tensor = tensor.reshape(array.shape)
    if requires_grad and argument.spec.grad and argument.dtype in DIFFERENTIABLE:
        tensor.requires_grad_()
    return tensor


def tensors(
    package: ModuleType,
    case: OpCase,
    number: int,
    sample: Sample,
    dtype: str,
    *,
    requires_grad: bool = False,
    integers: bool = False,
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments of a sample as tensors."""
    return map_leaves(
        lambda f: make_tensor(package, f, requires_grad),
        Filled,
        filled(case, number, sample, dtype, integers),
    )


def reference(
    case: OpCase, number: int, sample: Sample, dtype: str, integers: bool = False
) -> list[np.ndarray]:
    """What NumPy says, computed in float64 from the values that the dtype under test can hold."""

    def widen(argument: Filled) -> np.ndarray:
        if argument.dtype in COMPLEX:
            return argument.array.astype(np.complex128)
        if argument.dtype in FLOATING_AND_HALF:
            return argument.array.astype(np.float64)
        return argument.array

    args, kwargs = map_leaves(widen, Filled, filled(case, number, sample, dtype, integers))
    assert case.ref is not None
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [np.asarray(leaf) for leaf in flatten(case.ref(*args, **kwargs))]


def to_numpy(value: Any) -> np.ndarray:
    """A result of tallow or torch as an array; half types become float32."""
    if not hasattr(value, "dtype"):
        return np.asarray(value)
    value = value.detach().clone()  # a copy has no lazy zeros or conjugation
    if dtype_name(value) in ("float16", "bfloat16"):
        value = value.float()
    return value.numpy()


def dtype_name(tensor: Any) -> str:
    """Like "float32", for tallow and torch."""
    return str(tensor.dtype).rpartition(".")[2]


def differentiable_inputs(tree: Any) -> list[Any]:
    """The tensors in a tree of arguments that require a gradient."""
    if isinstance(tree, list | tuple):
        return [leaf for item in tree for leaf in differentiable_inputs(item)]
    if isinstance(tree, dict):
        return differentiable_inputs(list(tree.values()))
    return [tree] if getattr(tree, "requires_grad", False) else []


def gradients(package: ModuleType, outputs: list[Any], inputs: list[Any]) -> list[Any]:
    """Gradients of a fixed uneven weighting of all outputs."""
    roots = [output for output in outputs if getattr(output, "requires_grad", False)]
    weights = []
    for root in roots:
        ramp = np.linspace(0.5, 1.5, root.numel()).reshape(tuple(root.shape))
        weights.append(package.from_numpy(ramp).to(root.dtype))
    return list(package.autograd.grad(roots, inputs, weights, allow_unused=True))


def run(
    package: ModuleType, case: OpCase, number: int, sample: Sample, dtype: str, *, grad: bool
) -> list[Any]:
    """Results of a sample, followed by the gradients if asked for and there are any."""
    args, kwargs = tensors(package, case, number, sample, dtype, requires_grad=grad)
    outputs = flatten(case.function(package)(*args, **kwargs))
    inputs = differentiable_inputs((args, kwargs)) if grad else []
    if inputs and any(getattr(output, "requires_grad", False) for output in outputs):
        return outputs + [g for g in gradients(package, outputs, inputs) if g is not None]
    return outputs


def digest(package: ModuleType, case: OpCase, dtype: str, *, grad: bool = True) -> str:
    """SHA-256 over the bytes of all results and gradients of a case."""
    sha = hashlib.sha256()
    for number, sample in case.all_samples():
        for leaf in run(package, case, number, sample, dtype, grad=grad and case.grad):
            sha.update(np.ascontiguousarray(to_numpy(leaf)).tobytes())
    return sha.hexdigest()


def main() -> None:
    """Print {case id: hash} for every case, for comparing processes with other settings."""
    import tallow

    hashes: dict[str, str] = {}
    for case in load_cases():
        try:
            hashes[case.id] = digest(tallow, case, case.dtypes[0])
        except Exception as error:  # reported by the tests that run the case themselves
            hashes[case.id] = f"{type(error).__name__}: {error}"
    json.dump(hashes, sys.stdout)


if __name__ == "__main__":
    main()
