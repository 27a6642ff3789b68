"""Sorting, the largest few, searching."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled, integers, values


def sort(rows: int, columns: int) -> Case:
    def setup(lib: ModuleType) -> Any:
        x = filled(lib, rows, columns)
        return lambda: x.sort(1)[0]

    def in_numpy(np: ModuleType) -> Any:
        x = np.asarray(values(rows, columns))
        return lambda: np.sort(x, 1)

    return Case(f"sort/sort-{rows}x{columns}", setup, arrays=in_numpy)


def topk(rows: int, columns: int, k: int) -> Case:
    def setup(lib: ModuleType) -> Any:
        x = filled(lib, rows, columns)
        return lambda: x.topk(k)[0]

    return Case(f"sort/topk{k}-{rows}x{columns}", setup)


def argsort(lib: ModuleType) -> Any:
    x = filled(lib, 256, 1024)
    return lambda: x.argsort(dim=1, stable=True)


def sort_integers(lib: ModuleType) -> Any:
    x = integers(lib, 1 << 30, 1 << 18)
    return lambda: x.sort()[0]


def median(lib: ModuleType) -> Any:
    x = filled(lib, 256, 1024)
    return lambda: x.median(1)[0]


def unique(lib: ModuleType) -> Any:
    x = integers(lib, 1000, 1 << 16)
    return lambda: lib.unique(x)


def searchsorted(lib: ModuleType) -> Any:
    edges, x = filled(lib, 1024).sort()[0], filled(lib, 1 << 16, seed=1)
    return lambda: lib.searchsorted(edges, x)


def bincount(lib: ModuleType) -> Any:
    x = integers(lib, 1000, 1 << 18)
    return lambda: lib.bincount(x)


CASES = [
    sort(1, 1 << 20),
    sort(1024, 1024),
    sort(1024, 16),
    sort(160, 100),
    topk(1024, 1000, 5),
    topk(4096, 16, 5),
    topk(64, 50257, 50),
    topk(4, 50257, 300),
    topk(1, 1 << 20, 10),
    *(
        Case(f"sort/{setup.__name__}", setup)
        for setup in (argsort, sort_integers, median, unique, searchsorted, bincount)
    ),
]
