"""Matrix products."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.case import Case, Work, both, filled, values


def product(n: int, layout: str) -> Case:
    """n x n matrices; T marks a factor that is the transpose of a contiguous one."""

    def setup(lib: ModuleType) -> Any:
        a, b = filled(lib, n, n), filled(lib, n, n, seed=1)
        a = a.t() if layout[0] == "T" else a
        b = b.t() if layout[1] == "T" else b
        return lambda: a @ b

    def in_numpy(np: ModuleType) -> Any:
        a, b = np.asarray(values(n, n)), np.asarray(values(n, n, seed=1))
        a = a.T if layout[0] == "T" else a
        b = b.T if layout[1] == "T" else b
        return lambda: a @ b

    work = Work(multiply_adds=n**3) if n >= 256 else None
    return Case(f"gemm/{layout.lower()}-{n}", setup, arrays=in_numpy, work=work)


def typed(n: int, dtype: str, tolerance: float) -> Case:
    def setup(lib: ModuleType) -> Any:
        a, b = (filled(lib, n, n, seed=seed).to(getattr(lib, dtype)) for seed in (0, 1))
        return lambda: a @ b

    return Case(f"gemm/{dtype}-{n}", setup, tolerance)


def linear(rows: int, inputs: int, outputs: int) -> list[Case]:
    def make(lib: ModuleType, grad: bool) -> Any:
        x = filled(lib, rows, inputs, grad=grad)
        w = filled(lib, outputs, inputs, seed=1, grad=grad)
        b = filled(lib, outputs, seed=2, grad=grad)
        return lib.nn.functional.linear, x, w, b

    work = Work(multiply_adds=rows * inputs * outputs) if rows >= 64 else None
    return both("gemm", f"linear-{rows}x{inputs}x{outputs}", make, work)


def vector(rows: int, columns: int) -> Case:
    def setup(lib: ModuleType) -> Any:
        a, x = filled(lib, rows, columns), filled(lib, columns, seed=1)
        return lambda: a @ x

    def in_numpy(np: ModuleType) -> Any:
        a, x = np.asarray(values(rows, columns)), np.asarray(values(columns, seed=1))
        return lambda: a @ x

    return Case(f"gemm/mv-{rows}x{columns}", setup, arrays=in_numpy)


def batched(count: int, m: int, k: int, n: int) -> Case:
    def setup(lib: ModuleType) -> Any:
        a, b = filled(lib, count, m, k), filled(lib, count, k, n, seed=1)
        return lambda: lib.bmm(a, b)

    return Case(f"gemm/bmm-{count}x{m}x{k}x{n}", setup)


CASES = [
    *(product(n, "NN") for n in (16, 32, 64, 128, 256, 512, 1024, 2048)),
    *(product(n, layout) for layout in ("NT", "TN") for n in (32, 64, 256, 512, 1024, 2048)),
    typed(512, "float64", 1e-10),
    typed(512, "bfloat16", 2e-2),
    *linear(128, 768, 3072),
    *linear(256, 768, 2304),
    *linear(1024, 768, 768),
    *linear(1024, 3072, 768),
    *linear(64, 784, 256),
    *linear(64, 400, 120),
    *linear(32, 256, 10),
    *linear(8, 4096, 4096),
    *linear(1, 4096, 4096),
    vector(1024, 1024),
    vector(4096, 4096),
    batched(192, 128, 64, 128),
    batched(1024, 16, 16, 16),
    batched(16, 64, 64, 64),
]
