"""The table format of the operator tests: one OpCase per operator, in tests/ops/cases_*.py.

An entry alone gets its operator everything in test_ops_generic.py: forward against NumPy in every
dtype, layouts, out=, in-place, method spelling, first and second derivatives, thread counts,
instruction-set levels, and PyTorch where it is installed.

Example of a table file::

    from op_case import FLOATING_AND_HALF, OpCase, Sample, T

    CASES = [
        OpCase(
            "softmax",
            ref=lambda x, dim: np.exp(x) / np.exp(x).sum(dim, keepdims=True),
            samples=[Sample(T(5), dim=0), Sample(T(2, 3, 4), dim=1), Sample(T(0, 3), dim=1)],
        ),
        OpCase("exp", ref=np.exp, pointwise=1, domain=(-3, 3)),
    ]
"""

from __future__ import annotations

import importlib.util
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

FLOATING = ("float32", "float64")
HALF = ("float16", "bfloat16")
FLOATING_AND_HALF = FLOATING + HALF
INTEGRAL = ("uint8", "int8", "int16", "int32", "int64")
COMPLEX = ("complex64", "complex128")
REAL = FLOATING_AND_HALF + INTEGRAL
REAL_AND_BOOL = (*REAL, "bool")
ALL = (*REAL_AND_BOOL, *COMPLEX)

# rtol, atol by the dtype of a result. float32 and the half types use PyTorch's test defaults.
TOLERANCE = {
    "float64": (1e-9, 1e-11),
    "complex128": (1e-9, 1e-11),
    "float32": (1.3e-6, 1e-5),
    "complex64": (1.3e-6, 1e-5),
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
}

# Sizes that hurt: nothing, one, primes, beside powers of two, 0-d.
POINTWISE_SHAPES = ((), (0,), (1,), (3, 0, 2), (7,), (15,), (17,), (2, 3, 5), (4, 33), (1, 65, 1))
BROADCAST_SHAPES = (
    ((), ()),
    ((5,), ()),
    ((0,), (1,)),
    ((3, 1), (4,)),
    ((2, 3, 4), (3, 1)),
    ((1, 17), (16, 1)),
    ((33,), (33,)),
    ((2, 0, 4), (4,)),
)


class T:
    """A tensor argument: its shape and where its values come from.

    Args:
        shape: sizes.
        low, high: range of random values; default is the case's domain.
        dtype: fixed dtype name; default is the dtype under test.
        values: use exactly these values instead of random ones.
        distinct: draw values without ties, for sorting and arg-reductions.
        grad: False for an argument that never requires a gradient.
    """

    def __init__(
        self,
        *shape: int,
        low: float | None = None,
        high: float | None = None,
        dtype: str | None = None,
        values: Any = None,
        distinct: bool = False,
        grad: bool = True,
    ) -> None:
        self.shape = np.shape(values) if values is not None else shape
        self.low, self.high, self.dtype = low, high, dtype
        self.values, self.distinct, self.grad = values, distinct, grad

    def __repr__(self) -> str:
        return f"T{self.shape}" if self.dtype is None else f"T{self.shape}:{self.dtype}"


class Sample:
    """The arguments of one call; every T among them (also inside a list) becomes a tensor."""

    def __init__(self, *args: Any, grad: bool = True, **kwargs: Any) -> None:
        self.args, self.kwargs, self.grad = args, kwargs, grad

    def __repr__(self) -> str:
        words = [repr(a) for a in self.args] + [f"{k}={v!r}" for k, v in self.kwargs.items()]
        return f"({', '.join(words)})"

    def tensors(self) -> list[T]:
        """The tensor arguments, in order."""
        found: list[T] = []
        map_leaves(lambda leaf: found.append(leaf), T, (self.args, self.kwargs))
        return found


@dataclass(frozen=True)
class Filled:
    """A tensor argument with its drawn values."""

    spec: T
    array: np.ndarray
    dtype: str


@dataclass(frozen=True)
class OpCase:
    """One operator and what to check about it.

    Attributes:
        name: the operator's name in the table of `_C._signatures()`.
        samples: calls to try; made automatically for `pointwise`.
        fn: path below the package, "softmax" or "nn.functional.conv2d"; default is `name`,
            found in the package, in `_C._nn`, or as a method.
        torch_fn: the same for PyTorch; default is `fn`.
        ref: the result in NumPy; receives the inputs as float64 (integers stay integers) and the
            keyword arguments. None leaves the values to PyTorch and to gradcheck.
        dtypes: dtypes that the operator accepts and that are tested against `ref`.
        domain: default range of random values.
        pointwise: number of operands of an elementwise operator (0: not elementwise).
        result: dtype name of the result, or "same" as the tested dtype.
        grad, gradgrad: check first and second derivatives in float64.
        method, out, inplace: which other spellings exist; out and inplace default to `pointwise`.
        exact: on small integers the result is exact, so compare with ==.
        layouts: False where the meaning depends on the strides, as for as_strided.
        layout_bits: a strided input gives the same bits as its contiguous copy; default
            `pointwise`.
        isa_bits: AVX2 and AVX-512 give the same bits.
        tolerance: (rtol, atol) by result dtype, where looser than TOLERANCE; say why beside it.
        torch: compare with PyTorch where it is installed.
        lacks: dtypes that PyTorch has for this operator and tallow has not. Complex dtypes are
            compared only where `dtypes` contains them.
        variant: distinguishes several cases of one operator.
    """

    name: str
    samples: Sequence[Sample] = ()
    fn: str | None = None
    torch_fn: str | None = None
    ref: Callable[..., Any] | None = None
    dtypes: tuple[str, ...] = FLOATING_AND_HALF
    domain: tuple[float, float] = (-2.0, 2.0)
    pointwise: int = 0
    result: str = "same"
    grad: bool = True
    gradgrad: bool = True
    method: bool = True
    out: bool | None = None
    inplace: bool | None = None
    exact: bool = False
    layouts: bool = True
    layout_bits: bool | None = None
    isa_bits: bool = True
    tolerance: dict[str, tuple[float, float]] = field(default_factory=dict)
    torch: bool = True
    lacks: tuple[str, ...] = ()
    variant: str = ""

    def __post_init__(self) -> None:
        for name in ("out", "inplace", "layout_bits"):
            if getattr(self, name) is None:
                object.__setattr__(self, name, self.pointwise > 0)
        object.__setattr__(self, "samples", tuple(self.samples))

    @property
    def id(self) -> str:
        """Name of the case in test ids."""
        return self.name + (f"-{self.variant}" if self.variant else "")

    @property
    def grad_dtype(self) -> str:
        """The dtype in which derivatives are checked."""
        return "float64" if "float64" in self.dtypes else "complex128"

    def all_samples(self) -> Iterator[tuple[int, Sample]]:
        """Numbered samples, the automatic ones of a pointwise operator included."""
        samples = list(self.samples)
        if self.pointwise == 1:
            samples += [Sample(T(*shape)) for shape in POINTWISE_SHAPES]
        elif self.pointwise == 2:
            samples += [Sample(T(*a), T(*b)) for a, b in BROADCAST_SHAPES]
        elif self.pointwise == 3:
            samples += [Sample(T(*a), T(*b), T(*a)) for a, b in BROADCAST_SHAPES]
        return iter(enumerate(samples))

    def tolerance_of(self, dtype: str) -> tuple[float, float]:
        """rtol and atol for a result of this dtype; integers and booleans are exact."""
        return self.tolerance.get(dtype) or TOLERANCE.get(dtype, (0.0, 0.0))

    def function(self, package: ModuleType) -> Callable[..., Any]:
        """The callable in tallow or in torch."""
        path = self.fn or self.name
        if package.__name__ == "torch" and self.torch_fn is not None:
            path = self.torch_fn
        found = _resolve(package, path)
        if not callable(found):  # Tensor.float is a method, tallow.float a dtype
            found = None
        if found is None:
            found = getattr(package._C._nn, path, None)
        if found is None and hasattr(package.Tensor, path):
            return lambda self, *args, **kwargs: getattr(self, path)(*args, **kwargs)
        if found is None:
            raise AttributeError(f"{package.__name__} has no operator '{path}'")
        return found


def _resolve(package: ModuleType, path: str) -> Any:
    found: Any = package
    for part in path.split("."):
        found = getattr(found, part, None)
    return found


def map_leaves(function: Callable[[Any], Any], kind: type, tree: Any) -> Any:
    """Replace every leaf of type `kind` in nested lists, tuples and dicts."""
    if isinstance(tree, kind):
        return function(tree)
    if isinstance(tree, list | tuple):
        return type(tree)([map_leaves(function, kind, item) for item in tree])
    if isinstance(tree, dict):
        return {key: map_leaves(function, kind, item) for key, item in tree.items()}
    return tree


def flatten(result: Any) -> list[Any]:
    """The tensors, arrays or numbers of a result as a flat list."""
    if isinstance(result, tuple | list):
        return [leaf for item in result for leaf in flatten(item)]
    return [result]


def round_to(array: np.ndarray, dtype: str) -> np.ndarray:
    """`array` rounded to `dtype`, kept in a NumPy type that holds such values exactly."""
    if dtype == "bfloat16":
        bits = array.astype(np.float32).view(np.uint32).astype(np.uint64)
        rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16 << 16
        return rounded.astype(np.uint32).view(np.float32)
    return array.astype(dtype)


def draw(spec: T, case: OpCase, dtype: str, seed: int, integers: bool = False) -> np.ndarray:
    """The NumPy values of one tensor argument, exactly representable in its dtype."""
    wanted = spec.dtype or dtype
    if spec.values is not None:
        values = np.asarray(spec.values)
        if wanted in (*INTEGRAL, "bool"):
            values = np.nan_to_num(values, nan=0, posinf=100, neginf=-100)
            values = np.abs(values) if wanted == "uint8" else values
        return round_to(values, wanted)
    random = np.random.RandomState(seed)
    low = case.domain[0] if spec.low is None else spec.low
    high = case.domain[1] if spec.high is None else spec.high
    if spec.distinct:
        count = int(np.prod(spec.shape))
        steps = random.permutation(count).reshape(spec.shape)
        if wanted in INTEGRAL:
            return steps.astype(wanted)
        # Multiples of a power of two around the middle, so that few bits hold many of them.
        step = 2.0 ** np.floor(np.log2((high - low) / max(count, 1)))
        return round_to((steps - count // 2) * step, wanted)
    if wanted == "bool":
        return np.asarray(random.rand(*spec.shape) < 0.5)
    if wanted in INTEGRAL:
        lowest = max(int(np.ceil(low)), 0) if wanted == "uint8" else int(np.ceil(low))
        return random.randint(lowest, max(int(np.floor(high)), lowest) + 1, spec.shape).astype(
            wanted
        )
    values = random.uniform(low, high, spec.shape)
    if integers:
        values = np.rint(values)
    if wanted in COMPLEX:
        return (values + 1j * random.uniform(low, high, spec.shape)).astype(wanted)
    return round_to(np.asarray(values), wanted)


def filled(
    case: OpCase, number: int, sample: Sample, dtype: str, integers: bool = False
) -> tuple[list[Any], dict[str, Any]]:
    """Positional and keyword arguments with every T replaced by its drawn values."""
    first_seed = zlib.crc32(case.name.encode()) % 2**24 + 1000 * number
    counter = iter(range(first_seed, first_seed + 1000))

    def fill(spec: T) -> Filled:
        return Filled(spec, draw(spec, case, dtype, next(counter), integers), spec.dtype or dtype)

    args, kwargs = map_leaves(fill, T, (sample.args, sample.kwargs))
    return list(args), kwargs


@cache
def load_cases(folder: Path | None = None) -> tuple[OpCase, ...]:
    """Every case of every table file, in file order."""
    found: list[OpCase] = []
    for path in sorted((folder or Path(__file__).parent / "ops").glob("cases_*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += module.CASES
    names = [case.id for case in found]
    doubles = sorted({name for name in names if names.count(name) > 1})
    assert not doubles, f"give these cases a variant: {doubles}"
    return tuple(found)
