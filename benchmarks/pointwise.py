"""Elementwise functions, in a cache and out of every cache."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from benchmarks.case import Case, Work, filled, values

SIZES = {"1k": 1 << 10, "32k": 1 << 15, "1m": 1 << 20, "16m": 1 << 24}


def out_of_cache(size: str, tensors: int) -> Work | None:
    """Reading and writing so many float32 tensors, for the size that no cache holds."""
    return Work(bytes=4 * tensors * SIZES[size]) if size == "16m" else None


def unary(name: str, size: str, call: Callable[[Any, Any], Any] | None = None) -> Case:
    def setup(lib: ModuleType) -> Any:
        x = filled(lib, SIZES[size]).abs_()
        if call is not None:
            return lambda: call(lib, x)
        function = getattr(lib, name)
        return lambda: function(x)

    def in_numpy(np: ModuleType) -> Any:
        x, function = abs(np.asarray(values(SIZES[size]))), getattr(np, name)
        return lambda: function(x)

    in_both = call is None and name in ("exp", "tanh", "sqrt", "sin", "log1p")
    return Case(
        f"pointwise/{name}-{size}",
        setup,
        arrays=in_numpy if in_both else None,
        work=out_of_cache(size, tensors=2),
    )


def binary(name: str, size: str, call: Callable[[Any, Any], Any]) -> Case:
    def setup(lib: ModuleType) -> Any:
        a, b = filled(lib, SIZES[size]), filled(lib, SIZES[size], seed=1)
        return lambda: call(a, b)

    def in_numpy(np: ModuleType) -> Any:
        a, b = np.asarray(values(SIZES[size])), np.asarray(values(SIZES[size], seed=1))
        return lambda: call(a, b)

    return Case(
        f"pointwise/{name}-{size}",
        setup,
        arrays=in_numpy,
        work=out_of_cache(size, tensors=3),
    )


def functional(name: str) -> Callable[[Any, Any], Any]:
    return lambda lib, x: getattr(lib.nn.functional, name)(x)


def broadcast(lib: ModuleType) -> Any:
    a, b = filled(lib, 1024, 1024), filled(lib, 1024, seed=1)
    return lambda: a + b


def broadcast_columns(lib: ModuleType) -> Any:
    a, b = filled(lib, 1024, 1024), filled(lib, 1024, 1, seed=1)
    return lambda: a * b


def transposed(lib: ModuleType) -> Any:
    a, b = filled(lib, 1024, 1024), filled(lib, 1024, 1024, seed=1).t()
    return lambda: a + b


def strided(lib: ModuleType) -> Any:
    a = filled(lib, 1024, 2048)[:, ::2]
    return lambda: a + 1.0


def in_place(lib: ModuleType) -> Any:
    a, b = filled(lib, SIZES["1m"]), lib.zeros(SIZES["1m"])
    return lambda: a.add_(b)


def where(lib: ModuleType) -> Any:
    a, b = filled(lib, SIZES["1m"]), filled(lib, SIZES["1m"], seed=1)
    mask = a > 0
    return lambda: lib.where(mask, a, b)


def clamp(lib: ModuleType) -> Any:
    a = filled(lib, SIZES["1m"])
    return lambda: a.clamp(-0.5, 0.5)


def addcmul(lib: ModuleType) -> Any:
    a, b, c = (filled(lib, SIZES["1m"], seed=seed) for seed in range(3))
    return lambda: lib.addcmul(a, b, c, value=0.5)


def integer_add(lib: ModuleType) -> Any:
    a = lib.arange(SIZES["1m"])
    return lambda: a + a


def half_add(lib: ModuleType) -> Any:
    a, b = filled(lib, SIZES["1m"]).bfloat16(), filled(lib, SIZES["1m"], seed=1).bfloat16()
    return lambda: a + b


def dropout(lib: ModuleType) -> Any:
    a = filled(lib, SIZES["1m"])

    def call() -> Any:
        lib.manual_seed(0)
        return lib.nn.functional.dropout(a, 0.5)

    return call


def gelu_step(lib: ModuleType) -> Any:
    x = filled(lib, SIZES["1m"], grad=True)
    ones = lib.ones(SIZES["1m"])
    return lambda: lib.autograd.grad(lib.nn.functional.gelu(x), [x], ones)


CASES = [
    *(unary(name, size) for name in ("relu", "exp", "tanh", "sigmoid") for size in SIZES),
    *(unary(name, "1m") for name in ("log", "log1p", "sqrt", "sin", "cos", "erf", "rsqrt", "abs")),
    *(unary(name, "1m", functional(name)) for name in ("gelu", "silu", "softplus", "hardswish")),
    unary("gelu-tanh", "1m", lambda lib, x: lib.nn.functional.gelu(x, approximate="tanh")),
    unary("pow3", "1m", lambda lib, x: x**3),
    *(binary("add", size, lambda a, b: a + b) for size in SIZES),
    *(binary("mul", size, lambda a, b: a * b) for size in ("1k", "1m")),
    binary("div", "1m", lambda a, b: a / b),
    binary("less", "1m", lambda a, b: a < b),
    Case("pointwise/add-broadcast-rows", broadcast),
    Case("pointwise/mul-broadcast-columns", broadcast_columns),
    Case("pointwise/add-transposed", transposed),
    Case("pointwise/add-strided", strided),
    Case("pointwise/add_inplace-1m", in_place),
    Case("pointwise/where-1m", where),
    Case("pointwise/clamp-1m", clamp),
    Case("pointwise/addcmul-1m", addcmul),
    Case("pointwise/int64-add-1m", integer_add),
    Case("pointwise/bfloat16-add-1m", half_add, tolerance=1e-2),
    Case("pointwise/dropout-1m", dropout),
    Case("pointwise/gelu-1m-step", gelu_step),
]
