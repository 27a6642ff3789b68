"""Every OpCase on a CUDA device against the CPU, on the same inputs: results and gradients."""

from __future__ import annotations

import ctypes
import re
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import op_run
import tallow
from op_case import Filled, OpCase, Sample, filled, flatten, load_cases, map_leaves

HEADERS = Path(__file__).resolve().parents[2] / "csrc" / "backend"
CASES = {case.id: case for case in load_cases()}

# Cases whose calls have no tensor: where the result is made has to be said.
CREATION = frozenset(
    case.id for case in CASES.values() if not any(s.tensors() for _, s in case.all_samples())
)

# The one operator whose results lie elsewhere.
ON_THE_CPU = frozenset({"cpu"})


def on(device: str, tree: Any, requires_grad: bool) -> Any:
    """The arguments of a sample as tensors of a device."""

    def place(argument: Filled) -> Any:
        tensor = op_run.make_tensor(tallow, argument).to(device)
        if requires_grad and argument.spec.grad and argument.dtype in op_run.DIFFERENTIABLE:
            tensor.requires_grad_()
        return tensor

    return map_leaves(place, Filled, tree)


def on_cpu(value: Any) -> Any:
    return value.detach().cpu() if isinstance(value, tallow.Tensor) else value


def run(case: OpCase, device: str, arguments: Any, grad: bool) -> list[Any]:
    """Results of a call, followed by the gradients if there are any, all of them on the CPU."""
    args, kwargs = on(device, arguments, grad)
    if case.id in CREATION:
        kwargs["device"] = device
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outputs = flatten(case.function(tallow)(*args, **kwargs))
    for output in outputs:
        if isinstance(output, tallow.Tensor):
            wanted = "cpu" if case.id in ON_THE_CPU else device
            assert output.device.type == wanted, f"{case.id}: result on {output.device}"
    inputs = op_run.differentiable_inputs((args, kwargs))
    roots = [output for output in outputs if getattr(output, "requires_grad", False)]
    if inputs and roots:
        weights = [
            tallow.from_numpy(ramp.reshape(tuple(root.shape))).to(root.device, root.dtype)
            for root in roots
            for ramp in (np.linspace(0.5, 1.5, root.numel()),)
        ]
        outputs += tallow.autograd.grad(roots, inputs, weights, allow_unused=True)
    return [on_cpu(output) for output in outputs]


def assert_agree(case: OpCase, sample: Sample, given: list[Any], expected: list[Any]) -> None:
    assert len(given) == len(expected), f"{case.id}{sample}"
    for value, reference in zip(given, expected, strict=True):
        if not isinstance(reference, tallow.Tensor):
            assert value == reference or value != value, f"{case.id}{sample}"
            continue
        name = op_run.dtype_name(reference)
        assert op_run.dtype_name(value) == name, f"{case.id}{sample}"
        assert value.shape == reference.shape, f"{case.id}{sample}"
        rtol, atol = case.tolerance_of(name)
        wanted = op_run.to_numpy(reference)
        # Sums may cancel: what they lose is measured by the largest result.
        if wanted.size and wanted.dtype.kind in "fc":
            finite = np.abs(wanted[np.isfinite(wanted)])
            atol *= max(1.0, float(finite.max())) if finite.size else 1.0
        np.testing.assert_allclose(
            op_run.to_numpy(value), wanted, rtol=rtol, atol=atol, err_msg=f"{case.id}{sample}"
        )


def compare(case: OpCase, number: int, sample: Sample, dtype: str, grad: bool) -> None:
    arguments = filled(case, number, sample, dtype)
    expected = run(case, "cpu", arguments, grad)
    assert_agree(case, sample, run(case, "cuda", arguments, grad), expected)


def for_cases(case_ids: Iterable[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", sorted(case_ids))


@for_cases(CASES)
def test_agrees_with_the_cpu(name: str) -> None:
    case = CASES[name]
    for number, sample in case.all_samples():
        compare(case, number, sample, case.dtypes[0], grad=case.grad and sample.grad)


@for_cases(name for name, case in CASES.items() if len(case.dtypes) > 1)
def test_agrees_in_other_dtypes(name: str) -> None:
    case = CASES[name]
    number, sample = list(case.all_samples())[-1]
    for dtype in case.dtypes[1:]:
        compare(case, number, sample, dtype, grad=False)


@for_cases(name for name, case in CASES.items() if case.layouts and name not in CREATION)
def test_layout_does_not_matter(name: str) -> None:
    case = CASES[name]

    def transposed(argument: Filled, device: str) -> Any:
        tensor = op_run.make_tensor(tallow, argument).to(device)
        if not argument.spec.grad or tensor.dim() < 2:
            return tensor
        return tensor.transpose(0, -1).contiguous().transpose(0, -1)

    for number, sample in list(case.all_samples())[-3:]:
        results = []
        for device in ("cpu", "cuda"):
            args, kwargs = map_leaves(
                lambda argument, device=device: transposed(argument, device),
                Filled,
                filled(case, number, sample, case.dtypes[0]),
            )
            results.append(flatten(case.function(tallow)(*args, **kwargs)))
        expected, given = ([on_cpu(value) for value in part] for part in results)
        assert_agree(case, sample, given, expected)


@for_cases(name for name, case in CASES.items() if case.out)
def test_out_receives_the_result(name: str) -> None:
    case = CASES[name]
    function = case.function(tallow)
    number, sample = list(case.all_samples())[-1]
    args, kwargs = on("cuda", filled(case, number, sample, case.dtypes[0]), False)
    if name in CREATION:
        kwargs["device"] = "cuda"
    expected = flatten(function(*args, **kwargs))
    # Every second element of a row, so that the result is written with strides.
    outs = tuple(
        tallow.empty((*value.shape, 2), dtype=value.dtype, device="cuda")[..., 0]
        for value in expected
    )
    function(*args, **kwargs, out=outs if len(outs) > 1 else outs[0])
    for out, value in zip(outs, expected, strict=True):
        assert tallow.equal(out.isnan() | (out == value), tallow.ones_like(out, dtype=tallow.bool))


@for_cases(name for name, case in CASES.items() if case.inplace)
def test_in_place_equals_out_of_place(name: str) -> None:
    case = CASES[name]
    for number, sample in case.all_samples():
        (self, *rest), kwargs = on("cuda", filled(case, number, sample, case.dtypes[0]), False)
        expected = case.function(tallow)(self, *rest, **kwargs)
        if expected.shape != self.shape or expected.dtype != self.dtype:
            continue
        getattr(self, case.name + "_")(*rest, **kwargs)
        assert_agree(case, sample, [on_cpu(self)], [on_cpu(expected)])


# What operators do by compositions of others on a CUDA device.
WITHOUT_KERNEL = {
    "index.bincount",
    "index.move_squares",
    "index.pick_planes",
    "index.sample",
    "index.sample_backward",
    "index.weighted_taps",
    "linalg.cholesky",
    "linalg.lu",
    "linalg.solve_triangular",
}


class Plugin(ctypes.Structure):
    """struct Plugin of csrc/backend/plugin.h."""

    _fields_ = (
        ("abi", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("backend_size", ctypes.c_uint32),
        ("runtime_size", ctypes.c_uint32),
        ("operations", ctypes.c_uint32),
        ("version", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("kernels", ctypes.c_void_p),
        ("runtime", ctypes.c_void_p),
        ("start", ctypes.c_void_p),
        ("library_version", ctypes.c_void_p),
    )


def names_of_kernels(headers: Path) -> list[str]:
    """The entries of struct Backend in order, the first of which is the table's own name."""
    text = "".join(path.read_text() for path in sorted(headers.glob("*.h")))

    def body(struct: str) -> str:
        return text.partition(f"struct {struct} {{")[2].partition("\n};")[0]

    names = ["name"]
    for kind, family in re.findall(r"(\w+Kernels) (\w+);", body("Backend")):
        names += [f"{family}.{entry}" for entry in re.findall(r"\(\*(\w+)\)\(", body(kind))]
    return names


@pytest.mark.skipif(not HEADERS.is_dir(), reason="needs the sources")
def test_no_kernel_is_missing(emulator: ctypes.CDLL) -> None:
    emulator.tallow_backend_v1.restype = ctypes.POINTER(Plugin)
    plugin = emulator.tallow_backend_v1().contents
    assert plugin.size == ctypes.sizeof(Plugin)
    assert plugin.name == b"cuda-emulator"
    names = names_of_kernels(HEADERS)
    assert len(names) * ctypes.sizeof(ctypes.c_void_p) == plugin.backend_size
    table = (ctypes.c_void_p * len(names)).from_address(plugin.kernels)
    missing = {name for name, entry in zip(names, table, strict=True) if not entry}
    assert missing == WITHOUT_KERNEL
