"""Runs every OpCase of tests/ops/cases_*.py through everything that holds for all operators."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import op_run
import tallow
from op_case import (
    COMPLEX,
    FLOATING,
    HALF,
    INTEGRAL,
    REAL_AND_BOOL,
    Filled,
    OpCase,
    Sample,
    filled,
    flatten,
    load_cases,
    map_leaves,
    round_to,
)

CASES = load_cases()
LAYOUTS = ("transposed", "strided", "offset", "expanded")
# Gradients by finite differences cost two calls per element.
MOST_ELEMENTS_FOR_GRADCHECK = 64


def for_cases(wanted: Callable[[OpCase], bool] = lambda case: True) -> pytest.MarkDecorator:
    """Parametrise a test over the cases that it applies to."""
    return pytest.mark.parametrize(
        "case", [pytest.param(case, id=case.id) for case in CASES if wanted(case)]
    )


def assert_close(
    case: OpCase, sample: Sample, actual: Any, expected: np.ndarray, sums: bool = False
) -> None:
    """Compare one result with its reference at the tolerance of its dtype.

    The elements of `sums` may cancel: their error is measured by the largest of them.
    """
    dtype = op_run.dtype_name(actual) if hasattr(actual, "dtype") else "float64"
    rtol, atol = case.tolerance_of(dtype)
    if sums and expected.size:
        atol *= max(1.0, float(np.abs(expected).max()))
    assert tuple(getattr(actual, "shape", ())) == expected.shape, sample
    got = op_run.to_numpy(actual)
    if dtype in HALF:
        with np.errstate(over="ignore"):
            expected = round_to(expected, dtype).astype(np.float32)
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=atol, err_msg=f"{case.id}{sample}")


def assert_same_bits(case: OpCase, sample: Sample, actual: Any, expected: Any) -> None:
    """Compare two results of tallow byte for byte, after their dtypes and shapes."""
    assert op_run.dtype_name(actual) == op_run.dtype_name(expected), f"{case.id}{sample}"
    assert actual.shape == expected.shape, f"{case.id}{sample}"
    left, right = op_run.to_numpy(actual), op_run.to_numpy(expected)
    assert np.ascontiguousarray(left).tobytes() == np.ascontiguousarray(right).tobytes(), (
        f"{case.id}{sample}: bits differ\n{left}\n{right}"
    )


@pytest.mark.parametrize(
    ("case", "dtype"),
    [
        pytest.param(case, dtype, id=f"{case.id}-{dtype}")
        for case in CASES
        if case.ref is not None
        for dtype in case.dtypes
    ],
)
def test_forward_equals_numpy(case: OpCase, dtype: str) -> None:
    for number, sample in case.all_samples():
        outputs = op_run.run(tallow, case, number, sample, dtype, grad=False)
        expected = op_run.reference(case, number, sample, dtype)
        assert len(outputs) == len(expected), sample
        for output, reference in zip(outputs, expected, strict=True):
            assert_close(case, sample, output, reference)
        if case.result != "any":
            wanted = dtype if case.result == "same" else case.result
            assert op_run.dtype_name(outputs[0]) == wanted, sample


@for_cases(lambda case: case.exact and case.ref is not None)
def test_small_integers_are_exact(case: OpCase) -> None:
    for number, sample in case.all_samples():
        args, kwargs = op_run.tensors(tallow, case, number, sample, "float32", integers=True)
        outputs = flatten(case.function(tallow)(*args, **kwargs))
        for output, expected in zip(
            outputs, op_run.reference(case, number, sample, "float32", integers=True), strict=True
        ):
            np.testing.assert_array_equal(
                op_run.to_numpy(output), expected, err_msg=f"{case.id}{sample}"
            )


def relayout(tensor: Any, layout: str) -> Any:
    """The same values in other memory: never contiguous where that is possible."""
    shape = tuple(tensor.shape)
    if layout == "transposed" and tensor.dim() >= 2:
        return tensor.transpose(0, -1).contiguous().transpose(0, -1)
    if layout == "strided" and tensor.dim() >= 1:
        wide = tallow.zeros((*shape[:-1], 2 * shape[-1]), dtype=tensor.dtype)
        wide[..., ::2] = tensor
        return wide[..., ::2]
    if layout == "offset":
        store = tallow.zeros(tensor.numel() + 3, dtype=tensor.dtype)
        store[3:] = tensor.reshape(-1)
        return store[3:].view(shape)
    if layout == "expanded" and tensor.dim() >= 1 and shape[0] > 0:
        return tensor[:1].expand(shape)
    return tensor


@for_cases(lambda case: case.layouts)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_does_not_matter(case: OpCase, layout: str) -> None:
    function = case.function(tallow)

    def place(argument: Filled) -> Any:
        tensor = op_run.make_tensor(tallow, argument)
        # What is no operand may be written to, as running statistics are.
        return relayout(tensor, layout) if argument.spec.grad else tensor

    def densely(tensor: Any) -> Any:
        return tensor.clone(memory_format=tallow.contiguous_format)

    for number, sample in case.all_samples():
        args, kwargs = map_leaves(place, Filled, filled(case, number, sample, case.dtypes[0]))
        dense_args, dense_kwargs = map_leaves(densely, tallow.Tensor, (args, kwargs))
        outputs = flatten(function(*args, **kwargs))
        expected = flatten(function(*dense_args, **dense_kwargs))
        for output, wanted in zip(outputs, expected, strict=True):
            if case.layout_bits or not hasattr(wanted, "dtype"):
                assert_same_bits(case, sample, output, wanted)
            else:
                assert_close(case, sample, output, op_run.to_numpy(wanted))


def has_method(case: OpCase) -> bool:
    return case.method and case.fn is None and hasattr(tallow.Tensor, case.name)


@for_cases(has_method)
def test_method_equals_function(case: OpCase) -> None:
    function = case.function(tallow)
    for number, sample in case.all_samples():
        (self, *rest), kwargs = op_run.tensors(tallow, case, number, sample, case.dtypes[0])
        by_method = flatten(getattr(self, case.name)(*rest, **kwargs))
        for one, two in zip(by_method, flatten(function(self, *rest, **kwargs)), strict=True):
            if hasattr(one, "dtype"):
                assert_same_bits(case, sample, one, two)
            else:
                assert one == two


@for_cases(lambda case: case.method and case.fn is None)
def test_declared_method_exists(case: OpCase) -> None:
    assert hasattr(tallow.Tensor, case.name)


@for_cases(lambda case: case.out)
def test_out_receives_the_result(case: OpCase) -> None:
    function = case.function(tallow)
    for number, sample in case.all_samples():
        args, kwargs = op_run.tensors(tallow, case, number, sample, case.dtypes[0])
        expected = function(*args, **kwargs)
        if isinstance(expected, tuple):
            out = tuple(tallow.empty_like(leaf) for leaf in expected)
        else:
            out = tallow.empty_like(expected)
        returned = function(*args, **kwargs, out=out)
        for given, back, wanted in zip(
            flatten(out), flatten(returned), flatten(expected), strict=True
        ):
            assert back is given, sample
            assert_same_bits(case, sample, given, wanted)


@for_cases(lambda case: case.out)
def test_empty_out_is_resized(case: OpCase) -> None:
    function = case.function(tallow)
    for number, sample in case.all_samples():
        args, kwargs = op_run.tensors(tallow, case, number, sample, case.dtypes[0])
        expected = flatten(function(*args, **kwargs))
        out = tuple(tallow.empty(0, dtype=leaf.dtype) for leaf in expected)
        function(*args, **kwargs, out=out if len(out) > 1 else out[0])
        for given, wanted in zip(out, expected, strict=True):
            assert_same_bits(case, sample, given, wanted)


@for_cases(lambda case: case.out and case.grad)
def test_out_refuses_arguments_that_require_grad(case: OpCase) -> None:
    number, sample = next(iter(case.all_samples()))
    args, kwargs = op_run.tensors(tallow, case, number, sample, "float32", requires_grad=True)
    if not op_run.differentiable_inputs((args, kwargs)):
        pytest.skip("no argument of this sample can require a gradient")
    function = case.function(tallow)
    expected = flatten(function(*args, **kwargs))
    if not all(leaf.dtype.is_floating_point for leaf in expected):
        pytest.skip("the result has no gradient")
    out = tuple(tallow.empty_like(leaf) for leaf in expected)
    with pytest.raises(RuntimeError, match=r"out=\.\.\. arguments don't support automatic"):
        function(*args, **kwargs, out=out if len(out) > 1 else out[0])


def fits_in_place(self: Any, result: Any) -> bool:
    return result.shape == self.shape and result.dtype == self.dtype


@for_cases(lambda case: case.inplace)
def test_in_place_equals_out_of_place(case: OpCase) -> None:
    function = case.function(tallow)
    tried = 0
    for number, sample in case.all_samples():
        (self, *rest), kwargs = op_run.tensors(tallow, case, number, sample, case.dtypes[0])
        expected = function(self, *rest, **kwargs)
        if not fits_in_place(self, expected):
            continue
        version = self._version
        assert getattr(self, case.name + "_")(*rest, **kwargs) is self, sample
        assert_same_bits(case, sample, self, expected)
        assert self._version == version + 1, sample
        tried += 1
    assert tried, "no sample keeps shape and dtype"


@for_cases(lambda case: case.inplace and case.grad)
def test_in_place_has_the_same_gradient(case: OpCase) -> None:
    for number, sample in case.all_samples():
        collected = []
        for inplace in (False, True):
            args, kwargs = op_run.tensors(
                tallow, case, number, sample, case.grad_dtype, requires_grad=True
            )
            inputs = op_run.differentiable_inputs((args, kwargs))
            self = args[0].clone()
            result = case.function(tallow)(self, *args[1:], **kwargs)
            if not inputs or not fits_in_place(self, result):
                break
            if inplace:
                self = args[0].clone()
                result = getattr(self, case.name + "_")(*args[1:], **kwargs)
            collected.append(op_run.gradients(tallow, [result], inputs))
        for one, two in zip(*collected, strict=True) if len(collected) == 2 else ():
            assert (one is None) == (two is None), sample
            if one is not None:
                assert_same_bits(case, sample, one, two)


def gradcheck_arguments(
    case: OpCase, number: int, sample: Sample
) -> tuple[Callable[..., Any], tuple[Any, ...]] | None:
    """A function of the differentiable inputs alone, and those inputs."""
    if not sample.grad:
        return None
    tree = filled(case, number, sample, case.grad_dtype)
    inputs: list[Any] = []
    size = 0

    def collect(argument: Filled) -> Any:
        nonlocal size
        tensor = op_run.make_tensor(tallow, argument, requires_grad=True)
        if not tensor.requires_grad:
            return tensor
        size += tensor.numel()
        inputs.append(tensor)
        return Slot(len(inputs) - 1)

    args, kwargs = map_leaves(collect, Filled, tree)
    if not inputs or size > MOST_ELEMENTS_FOR_GRADCHECK:
        return None
    function = case.function(tallow)

    def of_inputs(*values: Any) -> Any:
        a, k = map_leaves(lambda slot: values[slot.index], Slot, (args, kwargs))
        return tuple(
            leaf
            for leaf in flatten(function(*a, **k))
            if hasattr(leaf, "dtype") and (leaf.dtype.is_floating_point or leaf.dtype.is_complex)
        )

    return of_inputs, tuple(inputs)


class Slot:
    """Marks the place of a differentiable input among the arguments."""

    def __init__(self, index: int) -> None:
        self.index = index


@for_cases(lambda case: case.grad)
def test_gradient_equals_finite_differences(case: OpCase) -> None:
    checked = 0
    for number, sample in case.all_samples():
        problem = gradcheck_arguments(case, number, sample)
        if problem is not None:
            assert tallow.autograd.gradcheck(*problem), sample
            checked += 1
    assert checked, "no sample is small enough for gradcheck"


@for_cases(lambda case: case.grad and case.gradgrad)
def test_second_derivative_equals_finite_differences(case: OpCase) -> None:
    for number, sample in case.all_samples():
        problem = gradcheck_arguments(case, number, sample)
        if problem is not None and sum(t.numel() for t in problem[1]) <= 24:
            assert tallow.autograd.gradgradcheck(*problem), sample


@for_cases(lambda case: case.grad)
def test_no_grad_records_nothing(case: OpCase) -> None:
    for number, sample in case.all_samples():
        args, kwargs = op_run.tensors(
            tallow, case, number, sample, case.grad_dtype, requires_grad=True
        )
        with tallow.no_grad():
            for leaf in flatten(case.function(tallow)(*args, **kwargs)):
                assert getattr(leaf, "grad_fn", None) is None, sample


@for_cases()
def test_thread_count_does_not_change_bits(case: OpCase) -> None:
    wanted = None
    for threads in (1, 2, 3, 8):
        tallow.set_num_threads(threads)
        found = op_run.digest(tallow, case, case.dtypes[0])
        assert wanted in (None, found), f"{case.id}: {threads} threads give other bits than 1"
        wanted = found


def hashes_at(level: str) -> dict[str, str]:
    """The hash of every case, computed by a process that runs at another level."""
    script = Path(op_run.__file__)
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "TALLOW_CPU_LEVEL": level},
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
    )
    hashes: dict[str, str] = json.loads(done.stdout)
    return hashes


def test_avx2_and_avx512_give_the_same_bits() -> None:
    available = tallow._C._cpu_levels()
    if not {"avx2", "avx512"} <= set(available):
        pytest.skip(f"needs the levels avx2 and avx512, this build and CPU have {available}")
    narrow, wide = hashes_at("avx2"), hashes_at("avx512")
    different = [case.id for case in CASES if case.isa_bits and narrow[case.id] != wide[case.id]]
    assert not different


@pytest.mark.parametrize("case", [pytest.param(c, id=c.id) for c in CASES if c.torch])
def test_equals_pytorch_in_every_dtype(case: OpCase, torch: ModuleType) -> None:
    has_complex = bool(set(COMPLEX) & set(case.dtypes))
    for dtype in (*REAL_AND_BOOL, *(COMPLEX if has_complex else ())):
        for number, sample in case.all_samples() if dtype not in case.lacks else ():
            if dtype == "bool" and any(spec.distinct for spec in sample.tensors()):
                continue  # two values cannot be distinct, and PyTorch leaves the order of ties open
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # PyTorch deprecates some of what it has
                    expected = op_run.run(torch, case, number, sample, dtype, grad=False)
            except (RuntimeError, TypeError, NotImplementedError, ValueError, IndexError):
                continue  # PyTorch has no such dtype here; dtypes beyond it are free
            outputs = op_run.run(tallow, case, number, sample, dtype, grad=False)
            assert len(outputs) == len(expected), sample
            for ours, theirs in zip(outputs, expected, strict=True):
                where = f"{case.id}{sample} {dtype}"
                if not hasattr(theirs, "dtype"):
                    assert ours == theirs, where
                    continue
                assert op_run.dtype_name(ours) == op_run.dtype_name(theirs), where
                assert_close(case, sample, ours, op_run.to_numpy(theirs))


@for_cases(lambda case: case.torch and case.grad)
def test_gradient_equals_pytorch(case: OpCase, torch: ModuleType) -> None:
    for dtype in {*FLOATING, case.grad_dtype} & set(case.dtypes):
        for number, sample in case.all_samples():
            expected = op_run.run(torch, case, number, sample, dtype, grad=True)
            outputs = op_run.run(tallow, case, number, sample, dtype, grad=True)
            assert len(outputs) == len(expected), f"{case.id}{sample}"
            for ours, theirs in zip(outputs, expected, strict=True):
                if hasattr(theirs, "dtype") and op_run.dtype_name(theirs) not in INTEGRAL:
                    assert_close(case, sample, ours, op_run.to_numpy(theirs), sums=True)


# Operators that the table does not describe, by the file that tests them instead.
ELSEWHERE = {
    **dict.fromkeys(
        (
            "rand", "randn", "randint", "rand_like", "randn_like", "randint_like", "randperm",
            "normal", "uniform_", "normal_", "bernoulli_", "exponential_", "geometric_", "cauchy_",
            "log_normal_", "random_", "bernoulli", "multinomial",
        ),
        "ops/test_random.py",
    ),
    **dict.fromkeys(
        (
            "dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout",
            "native_dropout",
        ),
        "ops/test_dropout.py",
    ),
    **dict.fromkeys(
        ("empty", "empty_strided", "empty_like", "new_empty"), "ops/test_creation.py"
    ),
    **dict.fromkeys(
        (
            "copy_", "zero_", "resize_", "set_", "result_type", "can_cast", "promote_types",
            "is_same_size", "is_set_to",
        ),
        "ops/test_memory_ops.py",
    ),
    **dict.fromkeys(("_fused_sgd_", "_fused_adam_", "_fused_adamw_"), "ops/test_optim.py"),
}  # fmt: skip
# Native entry points whose only callers are functions of tallow.nn.functional or derivatives, with
# the case that reaches them.
BEHIND = {
    "convolution": "conv2d",
    "cross_entropy_loss": "cross_entropy",
    "nll_loss_nd": "nll_loss",
    "nll_loss2d": "nll_loss",
    "log_sigmoid": "logsigmoid",
    "max_pool1d_with_indices": "max_pool1d",
    "max_pool2d_with_indices": "max_pool2d",
    "native_batch_norm": "batch_norm",
    "native_group_norm": "group_norm",
    "native_layer_norm": "layer_norm",
    "tanh_backward": "tanh",
    "sigmoid_backward": "sigmoid",
    "embedding_renorm_": "embedding",
    "_unique2": "unique",
    "_unique_consecutive": "unique",
    "_slice": "narrow",
    "__matmul__": "matmul",
}


def aliases() -> dict[str, str]:
    """Second names of operators, with the first."""
    first_names = {
        name: texts[0][0].partition("(")[0].rstrip("_")
        for name, texts, _, _ in tallow._C._signatures()
    }
    return {n: first for n, first in first_names.items() if n.rstrip("_") != first}


def test_every_operator_has_a_case() -> None:
    covered = {case.name for case in CASES} | {case.torch_fn for case in CASES}
    covered |= {(case.fn or "").rpartition(".")[2] for case in CASES}
    covered |= ELSEWHERE.keys() | {name for name, case in BEHIND.items() if case in covered}
    also = aliases()
    missing = [
        name
        for name, _, _, _ in tallow._C._signatures()
        if not {name, name.removesuffix("_"), also.get(name)} & covered
    ]
    assert not missing


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_operator_without_a_case_is_tested_elsewhere(name: str) -> None:
    text = (Path(__file__).parent / ELSEWHERE[name]).read_text()
    assert re.search(rf"\b{name}\b", text)


@pytest.mark.parametrize("name", sorted(n for n in aliases() if not n.endswith("_")))
def test_alias_equals_its_original(name: str) -> None:
    original = aliases()[name]
    for case in CASES:
        if case.name == original and case.fn is None and hasattr(tallow, name):
            function = case.function(tallow)
            for number, sample in case.all_samples():
                args, kwargs = op_run.tensors(tallow, case, number, sample, case.dtypes[0])
                ours = flatten(getattr(tallow, name)(*args, **kwargs))
                for one, two in zip(ours, flatten(function(*args, **kwargs)), strict=True):
                    assert_same_bits(case, sample, one, two)
