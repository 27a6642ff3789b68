"""Run OpCases on tensors that end where memory that nobody may read begins.

    python tests/op_page_ends.py [CASE ...]

A kernel that reads beyond an input, or beyond the gradient of a result, ends the process; the last
line says which case ran. tests/test_ops_generic.py runs all of them.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from typing import Any

import numpy as np

import tallow
from op_case import Filled, OpCase, filled, flatten, load_cases, map_leaves
from op_run import DIFFERENTIABLE

PROT_NONE = 0
protect = ctypes.CDLL(None, use_errno=True).mprotect
protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]


def at_page_end(tensor: tallow.Tensor) -> tallow.Tensor:
    """A copy of a tensor of any layout, its last element followed by an unreadable page."""
    size, stride = tensor.size(), tensor.stride()
    span = 1 + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    nbytes = span * tensor.element_size() if tensor.numel() else 0
    room = -(-nbytes // mmap.PAGESIZE) * mmap.PAGESIZE
    memory = mmap.mmap(-1, room + mmap.PAGESIZE)
    whole = np.frombuffer(memory, np.uint8)
    failed = protect(whole.ctypes.data + room, mmap.PAGESIZE, PROT_NONE)
    assert not failed, ctypes.get_errno()
    elements = tallow.from_numpy(whole)[room - nbytes : room].view(tensor.dtype)
    copy = elements.as_strided(size, stride, elements.storage_offset())
    return copy.copy_(tensor)


def tensors(case: OpCase, number: int, sample: Any, dtype: str) -> Any:
    """The arguments of a sample, as leaves of a graph where their dtype allows it."""

    def make(argument: Filled) -> tallow.Tensor:
        array = np.array(argument.array, order="C", copy=True)
        plain = tallow.from_numpy(array.reshape(-1)).to(getattr(tallow, argument.dtype))
        tensor = at_page_end(plain.reshape(array.shape))
        wanted = case.grad and argument.spec.grad
        return tensor.requires_grad_(wanted and argument.dtype in DIFFERENTIABLE)

    return map_leaves(make, Filled, filled(case, number, sample, dtype))


def run(case: OpCase, number: int, sample: Any, dtype: str) -> None:
    """Call the operator and differentiate what it returns."""
    args, kwargs = tensors(case, number, sample, dtype)
    results = flatten(case.function(tallow)(*args, **kwargs))
    roots = [r for r in results if getattr(r, "requires_grad", False)]
    if not roots:
        return
    inputs = [t for t in flatten([args, list(kwargs.values())]) if is_leaf_of(t)]
    ones = [at_page_end(tallow.ones_like(root)) for root in roots]
    tallow.autograd.grad(roots, inputs, ones, allow_unused=True)


def is_leaf_of(value: Any) -> bool:
    """Is it an argument that a gradient is asked for?"""
    return isinstance(value, tallow.Tensor) and value.requires_grad


def main(only: list[str]) -> None:
    for case in load_cases():
        if only and case.id not in only:
            continue
        for dtype in sorted({case.dtypes[0], *case.dtypes[-1:]}):
            for number, sample in case.all_samples():
                print(f"{case.id}{sample} {dtype}", flush=True)
                run(case, number, sample, dtype)


if __name__ == "__main__":
    main(sys.argv[1:])
