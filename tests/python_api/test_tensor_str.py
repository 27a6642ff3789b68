"""The text of tensors: formats, wrapping, summaries, suffixes and print options."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

import tallow
from tallow import _C, _tensor_str
from tallow._tensor_str import get_printoptions, printoptions

T = tallow.tensor
INF = math.inf


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: T(1.5), "tensor(1.5000)"),
        (lambda: T(True), "tensor(True)"),
        (lambda: T([True, False]), "tensor([ True, False])"),
        (lambda: T([100, -5]), "tensor([100,  -5])"),
        (lambda: T([-1.0, 2.0]), "tensor([-1.,  2.])"),
        (lambda: T([1e-5, 1.0]), "tensor([1.0000e-05, 1.0000e+00])"),
        (lambda: T([1.0, 1000.0]), "tensor([   1., 1000.])"),
        (lambda: T([1.0, 1001.0]), "tensor([1.0000e+00, 1.0010e+03])"),
        (lambda: T([0.0001]), "tensor([1.0000e-04])"),
        (lambda: T([math.nan, 1e10]), "tensor([       nan, 1.0000e+10])"),
        (lambda: T([math.nan, INF, -INF]), "tensor([nan, inf, -inf])"),
        (lambda: T([]), "tensor([])"),
        (lambda: tallow.empty(2, 0), "tensor([], size=(2, 0))"),
        (lambda: tallow.zeros(2, device="meta"), "tensor(..., device='meta', size=(2,))"),
        (lambda: tallow.arange(2000), "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"),
        (lambda: tallow.eye(2), "tensor([[1., 0.],\n        [0., 1.]])"),
        (lambda: T([1.0], requires_grad=True), "tensor([1.], requires_grad=True)"),
        (lambda: T([1.0], requires_grad=True) * 2, "tensor([2.], grad_fn=<MulBackward0>)"),
    ],
)
def test_text(make: Any, text: str) -> None:
    assert repr(make()) == text


def test_other_dtypes_are_named() -> None:
    package = repr(tallow.float32).partition(".")[0]
    assert repr(T([1], dtype=tallow.uint8)) == f"tensor([1], dtype={package}.uint8)"
    assert repr(T([1.0], dtype=tallow.float64)) == f"tensor([1.], dtype={package}.float64)"
    assert repr(T([], dtype=tallow.int64)) == f"tensor([], dtype={package}.int64)"


def test_subclasses_go_by_their_name() -> None:
    class Field(tallow.Tensor):
        pass

    assert repr(tallow.ones(2).as_subclass(Field)) == "Field([1., 1.])"


def test_rows_wrap_at_the_line_width() -> None:
    with printoptions(linewidth=20):
        assert repr(tallow.arange(10.0)) == (
            "tensor([0., 1., 2.,\n        3., 4., 5.,\n        6., 7., 8.,\n        9.])"
        )


def test_edge_items_and_threshold() -> None:
    with printoptions(edgeitems=1, threshold=10):
        assert repr(tallow.zeros(4, 4)) == (
            "tensor([[0.,  ..., 0.],\n        ...,\n        [0.,  ..., 0.]])"
        )


def test_profiles_and_precision() -> None:
    tallow.set_printoptions(profile="short")
    assert get_printoptions()["precision"] == 2
    tallow.set_printoptions(profile="full")
    assert get_printoptions()["threshold"] == INF
    tallow.set_printoptions(precision=1)
    assert repr(T([1.25])) == "tensor([1.2])"
    tallow.set_printoptions(profile="default")
    with pytest.raises(KeyError):
        tallow.set_printoptions(profile="none such")


def test_scientific_notation_can_be_forced_and_forbidden() -> None:
    with printoptions(sci_mode=True):
        assert repr(T([-1.5, 2.5])) == "tensor([-1.5000e+00,  2.5000e+00])"
    with printoptions(sci_mode=False):
        assert repr(T([1e30, 2.0])).startswith("tensor([1000000015047466219876688855040., ")


def test_options_come_back_after_an_error() -> None:
    before = get_printoptions()
    with pytest.raises(ZeroDivisionError), printoptions(precision=9):
        1 / 0
    assert get_printoptions() == before


def test_printing_records_nothing_and_asks_no_override() -> None:
    class Loud(tallow.Tensor):
        @classmethod
        def __torch_function__(
            cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            if func is not tallow.Tensor.__repr__:
                raise AssertionError(f"printing called {func}")
            return super().__torch_function__(func, types, args, kwargs)

    assert repr(tallow.ones(2).as_subclass(Loud)) == "Loud([1., 1.])"


def random_values(rng: random.Random) -> tuple[list[float], tuple[int, ...], str]:
    shape = tuple(rng.choice([0, 1, 2, 3, 5, 11, 40]) for _ in range(rng.randint(0, 3)))
    dtype = rng.choice(["float32", "float32", "float64", "float16", "int64", "uint8", "bool"])
    count = math.prod(shape)
    if dtype == "bool":
        return [rng.random() < 0.5 for _ in range(count)], shape, dtype
    if dtype in ("int64", "uint8"):
        return [rng.randint(0, 255) for _ in range(count)], shape, dtype
    scale = 10.0 ** rng.choice([0, 0, 1, 3, 5, -1, -4])
    values = [rng.gauss(0, 1) * scale for _ in range(count)]
    if rng.random() < 0.3:
        values = [float(round(value)) for value in values]
    if values and rng.random() < 0.3:
        values[rng.randrange(count)] = rng.choice([INF, -INF, math.nan, 0.0, -0.0])
    return values, shape, dtype


def random_options(rng: random.Random) -> dict[str, Any]:
    return {
        "precision": rng.choice([0, 2, 4, 8]),
        "threshold": rng.choice([0, 20, 1000]),
        "edgeitems": rng.choice([0, 1, 3]),
        "linewidth": rng.choice([10, 40, 80]),
        "sci_mode": rng.choice([None, None, True, False]),
    }


@pytest.fixture
def torch_names() -> Iterator[None]:
    """Spell names as in alias mode: their lengths decide where lines wrap."""
    before = _C._get_namespace()
    _C._set_namespace("torch")
    yield
    _C._set_namespace(before)


@pytest.mark.usefixtures("torch_names")
@pytest.mark.parametrize("seed", range(20))
def test_same_text_as_pytorch(torch: ModuleType, seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(25):
        values, shape, dtype = random_values(rng)
        options = random_options(rng) if rng.random() < 0.5 else {"profile": "default"}
        theirs = torch.tensor(values, dtype=torch.float64).to(getattr(torch, dtype)).view(shape)
        ours = tallow.tensor(theirs.flatten().tolist(), dtype=getattr(tallow, dtype)).view(shape)
        torch.set_printoptions(**options)
        tallow.set_printoptions(**options)
        try:
            assert repr(ours) == repr(theirs)
        finally:
            torch.set_printoptions(profile="default")
            _tensor_str.set_printoptions(profile="default")
