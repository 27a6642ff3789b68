"""Losses with the gradient of the input."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled, integers


def classes(name: str, rows: int, columns: int) -> Case:
    """A loss of class scores against class numbers."""

    def setup(lib: ModuleType) -> Any:
        x, target = filled(lib, rows, columns, grad=True), integers(lib, columns, rows)
        call = getattr(lib.nn.functional, name)
        return lambda: lib.autograd.grad(call(x, target), [x])

    return Case(f"loss/{name}-{rows}x{columns}", setup)


def pair(name: str, call: Callable[[Any, Any, Any], Any]) -> Case:
    """A loss of 64 x 1000 elements against as many, those between 0 and 1."""

    def setup(lib: ModuleType) -> Any:
        x, target = filled(lib, 64, 1000, grad=True), filled(lib, 64, 1000, seed=1).abs()
        return lambda: lib.autograd.grad(call(lib.nn.functional, x, target), [x])

    return Case(f"loss/{name}", setup)


def cross_entropy_images(lib: ModuleType) -> Any:
    x, target = filled(lib, 4, 21, 64, 64, grad=True), integers(lib, 21, 4, 64, 64)
    return lambda: lib.autograd.grad(lib.nn.functional.cross_entropy(x, target), [x])


CASES = [
    classes("cross_entropy", 64, 10),
    classes("cross_entropy", 4096, 1000),
    classes("cross_entropy", 64, 50257),
    classes("nll_loss", 64, 10),
    classes("multi_margin_loss", 64, 10),
    Case("loss/cross_entropy-4x21x64x64", cross_entropy_images),
    pair("mse", lambda F, x, t: F.mse_loss(x, t)),
    pair("l1", lambda F, x, t: F.l1_loss(x, t)),
    pair("smooth_l1", lambda F, x, t: F.smooth_l1_loss(x, t)),
    pair("bce_logits", lambda F, x, t: F.binary_cross_entropy_with_logits(x, t)),
    pair("kl_div", lambda F, x, t: F.kl_div(x, t, reduction="batchmean")),
    pair("cosine", lambda F, x, t: F.cosine_similarity(x, t).sum()),
]
