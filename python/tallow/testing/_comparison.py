"""``assert_close`` for numbers, tensors and containers of them."""

from __future__ import annotations

import cmath
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import tallow

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = ["assert_allclose", "assert_close", "default_tolerances"]

# Relative and absolute tolerance: about the square root of the rounding error of each type.
_TOLERANCES = {
    "float16": (1e-3, 1e-5),
    "bfloat16": (1.6e-2, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex64": (1.3e-6, 1e-5),
    "complex128": (1e-7, 1e-7),
}


class _Rules(NamedTuple):
    """What a comparison looks at."""

    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_device: bool
    check_dtype: bool
    check_layout: bool
    check_stride: bool


class _Mismatch(Exception):
    """A difference: its description and the path to the item inside the containers."""

    def __init__(self, text: str, path: str, kind: type[Exception] = AssertionError) -> None:
        super().__init__(text)
        self.text = text
        self.path = path
        self.kind = kind


def _fail(text: str, path: str) -> NoReturn:
    raise _Mismatch(text, path)


def default_tolerances(*dtypes: Any) -> tuple[float, float]:
    """Return the loosest ``(rtol, atol)`` that the given dtypes call for; zero for integers."""
    pairs = [_TOLERANCES.get(repr(dtype).rpartition(".")[2], (0.0, 0.0)) for dtype in dtypes]
    return max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)


def _tolerances(rules: _Rules, *dtypes: Any) -> tuple[float, float]:
    if rules.rtol is None or rules.atol is None:
        return default_tolerances(*dtypes)
    return rules.rtol, rules.atol


def _within(limit: float) -> str:
    return f" (up to {limit} allowed)" if limit else ""


def _heading(subject: str, rtol: float, atol: float) -> str:
    return f"{subject} are not {'close' if rtol or atol else 'equal'}!\n\n"


def _compare_numbers(actual: Any, expected: Any, rules: _Rules, path: str) -> None:
    kinds = tuple(
        next(kind for kind in (bool, int, float, complex) if isinstance(value, kind))
        for value in (actual, expected)
    )
    if rules.check_dtype and kinds[0] is not kinds[1]:
        _fail(f"The (d)types do not match: {kinds[0]} != {kinds[1]}.", path)
    dtypes = {int: tallow.int64, float: tallow.float64, complex: tallow.complex128}
    rtol, atol = _tolerances(rules, *(dtypes.get(kind) for kind in kinds))
    difference = abs(actual - expected)
    both_nan = cmath.isnan(actual) and cmath.isnan(expected)
    if actual == expected or (rules.equal_nan and both_nan):
        return
    if cmath.isfinite(difference) and difference <= atol + rtol * abs(expected):
        return
    _fail_numbers(actual, expected, rtol, atol, path)


def _fail_numbers(actual: Any, expected: Any, rtol: float, atol: float, path: str) -> NoReturn:
    difference = abs(actual - expected)
    relative = difference / abs(expected) if expected else float("inf")
    _fail(
        _heading("Scalars", rtol, atol) + f"Expected {expected} but got {actual}.\n"
        f"Absolute difference: {difference}{_within(atol)}\n"
        f"Relative difference: {relative}{_within(rtol)}",
        path,
    )


def _attributes(tensor: Tensor, rules: _Rules) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("shape", tensor.shape)]
    if rules.check_layout:
        found.append(("layout", tensor.layout))
    if rules.check_device:
        found.append(("device", tensor.device))
    if rules.check_dtype:
        found.append(("dtype", tensor.dtype))
    if rules.check_stride:
        found.append(("stride()", tensor.stride()))
    return found


def _compare_tensors(actual: Tensor, expected: Tensor, rules: _Rules, path: str) -> None:
    pairs = zip(_attributes(actual, rules), _attributes(expected, rules), strict=True)
    for (name, one), (_, two) in pairs:
        if one != two:
            _fail(f"The values for attribute '{name}' do not match: {one} != {two}.", path)
    if actual.is_meta or expected.is_meta:
        return
    rtol, atol = _tolerances(rules, actual.dtype, expected.dtype)
    actual, expected = _dense(actual), _dense(expected)
    dtype = tallow.promote_types(actual.dtype, expected.dtype)
    if dtype == tallow.bool:
        dtype = tallow.uint8
    if not (dtype.is_floating_point or dtype.is_complex):
        dtype = tallow.int64
    actual, expected = actual.to(dtype), expected.to(dtype)
    close = _close(actual, expected, rtol, atol, rules.equal_nan)
    if close.all().item():
        return
    if actual.numel() == 1 and actual.dim() == 0:
        _fail_numbers(actual.item(), expected.item(), rtol, atol, path)
    _fail(_tensor_report(actual, expected, close, rtol, atol), path)


def _dense(tensor: Any) -> Tensor:
    dense: Tensor = tensor if tensor.layout is tallow.strided else tensor.to_dense()
    return dense.detach().cpu()


def _close(actual: Tensor, expected: Tensor, rtol: float, atol: float, equal_nan: bool) -> Tensor:
    if not (rtol or atol) and not equal_nan:
        return actual == expected
    return tallow.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan)


def _tensor_report(
    actual: Tensor, expected: Tensor, close: Tensor, rtol: float, atol: float
) -> str:
    wrong = (~close).sum().item()
    total = actual.numel()
    text = _heading("Tensor-likes", rtol, atol)
    text += f"Mismatched elements: {wrong} / {total} ({wrong / total:.1%})\n"
    absolute = (actual - expected).abs().masked_fill(close, 0)
    relative = (absolute / expected.abs()).masked_fill(close, 0)
    lines = []
    for name, difference, limit in (("absolute", absolute, atol), ("relative", relative, rtol)):
        place = int(difference.argmax())
        index = tuple(
            int(i) for i in tallow.unravel_index(tallow.tensor(place, device="cpu"), actual.shape)
        )
        value = difference.reshape(-1)[place].item()
        lines.append(f"Greatest {name} difference: {value} at index {index}{_within(limit)}")
    return text + "\n".join(lines)


def _as_tensor(value: Any) -> Any:
    if type(value).__module__ == "numpy" and type(value).__name__ == "ndarray":
        return tallow.from_numpy(value)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, complex))


def _compare(actual: Any, expected: Any, rules: _Rules, path: str) -> None:
    if actual is None or expected is None:
        if actual is not expected:
            _fail(f"None mismatch: {actual} is not {expected}", path)
        return
    if isinstance(actual, bool) and isinstance(expected, bool):
        if actual is not expected:
            _fail(f"Booleans mismatch: {actual} is not {expected}", path)
        return
    if _is_number(actual) and _is_number(expected):
        _compare_numbers(actual, expected, rules, path)
        return
    if type(actual) is type(expected):
        actual, expected = _as_tensor(actual), _as_tensor(expected)
    if isinstance(actual, tallow.Tensor) and isinstance(expected, tallow.Tensor):
        related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
        if type(actual) is type(expected) or (rules.allow_subclasses and related):
            _compare_tensors(actual, expected, rules, path)
            return
    elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
        _compare_mappings(actual, expected, rules, path)
        return
    elif _is_sequence(actual) and _is_sequence(expected):
        _compare_sequences(actual, expected, rules, path)
        return
    text = (
        f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}."
    )
    raise _Mismatch(text, path, TypeError)


def _is_sequence(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _compare_mappings(actual: Any, expected: Any, rules: _Rules, path: str) -> None:
    missing = sorted(expected.keys() - actual.keys(), key=str)
    extra = sorted(actual.keys() - expected.keys(), key=str)
    if missing or extra:
        _fail(
            "The keys of the mappings do not match:\n"
            f"Missing keys in the actual mapping: {missing}\n"
            f"Additional keys in the actual mapping: {extra}",
            path,
        )
    for key in sorted(expected, key=str):
        _compare(actual[key], expected[key], rules, f"{path}[{key!r}]")


def _compare_sequences(actual: Any, expected: Any, rules: _Rules, path: str) -> None:
    if len(actual) != len(expected):
        _fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path)
    for i, (one, two) in enumerate(zip(actual, expected, strict=True)):
        _compare(one, two, rules, f"{path}[{i}]")


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:
    """Check that two values agree: ``|actual - expected| <= atol + rtol * |expected|``.

    Args:
        actual: a number, tensor or NumPy array, or a sequence or mapping of such.
        expected: the same structure.
        allow_subclasses: let tensors of related classes be compared.
        rtol: relative tolerance; given together with `atol`, or chosen by dtype: 1e-3 for
            float16, 1.6e-2 for bfloat16, 1.3e-6 for float32, 1e-7 for float64, 0 for integers.
        atol: absolute tolerance; by default 1e-5, 1e-7 for float64 and 0 for integers.
        equal_nan: let NaN equal NaN.
        check_device: compare devices.
        check_dtype: compare dtypes.
        check_layout: compare layouts.
        check_stride: compare strides.
        msg: replaces the report, or makes a new one from it.

    Raises:
        AssertionError: the values differ; the text says where and by how much.
        TypeError: values that cannot be compared.
        ValueError: only one of `rtol` and `atol` is given.

    Example:
        >>> assert_close(tallow.tensor([1.0]), tallow.tensor([1.0 + 1e-7]))
    """
    __tracebackhide__ = True
    if (rtol is None) != (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise ValueError(
            f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}."
        )
    rules = _Rules(
        allow_subclasses,
        rtol,
        atol,
        equal_nan,
        check_device,
        check_dtype,
        check_layout,
        check_stride,
    )
    try:
        _compare(actual, expected, rules, "")
    except _Mismatch as mismatch:
        text = mismatch.text
        if mismatch.kind is AssertionError and msg is not None:
            text = msg(text) if callable(msg) else msg
        if mismatch.path:
            text += f"\n\nThe failure occurred for item {mismatch.path}"
        raise mismatch.kind(text) from None


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """Check that two tensors agree; deprecated, use :func:`assert_close`.

    Args:
        actual: a tensor, or anything a tensor can be made of.
        expected: likewise.
        rtol: relative tolerance; given together with `atol`, or chosen by dtype.
        atol: absolute tolerance.
        equal_nan: let NaN equal NaN.
        msg: replaces the report.

    Raises:
        AssertionError: the values differ.
    """
    __tracebackhide__ = True
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a "
        "future release. Please use `torch.testing.assert_close()` instead.",
        FutureWarning,
        stacklevel=2,
    )
    one = tallow.as_tensor(actual)
    two = tallow.as_tensor(expected, dtype=one.dtype)
    if rtol is None and atol is None:
        loose = {"float16": (1e-3, 1e-3), "bfloat16": (1e-2, 1e-2), "float32": (1e-4, 1e-5)}
        rtol, atol = loose.get(repr(one.dtype).rpartition(".")[2], (1e-5, 1e-8))
    assert_close(
        one,
        two,
        rtol=rtol,
        atol=atol,
        equal_nan=equal_nan,
        check_device=True,
        check_dtype=False,
        msg=msg or None,
    )
