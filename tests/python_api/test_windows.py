"""tallow.signal.windows, against the formulas and against each other."""

from __future__ import annotations

import math

import pytest

import tallow
from tallow.signal import windows

NAMES = [name for name in windows.__all__ if name not in ("general_cosine",)]


@pytest.mark.parametrize("name", NAMES)
def test_no_sample_one_sample_and_symmetry(name: str) -> None:
    window = getattr(windows, name)
    assert window(0).shape == (0,)
    assert window(1).tolist() == [1.0]
    for length in (2, 7, 8):
        w = window(length, dtype=tallow.float64)
        assert tallow.allclose(w, w.flip(0), atol=1e-15)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "cosine"])
def test_periodic_window_is_a_symmetric_one_without_its_end(name: str) -> None:
    window = getattr(windows, name)
    assert tallow.allclose(window(6, sym=False), window(7)[:6])


def test_values() -> None:
    half = windows.cosine(3, sym=False, dtype=tallow.float64)
    expected = [math.sin(math.pi / 4 * (n + 0.5)) for n in range(3)]
    assert half.tolist() == pytest.approx(expected)
    assert windows.gaussian(3, std=2.0)[0].item() == pytest.approx(math.exp(-1 / 8))
    assert windows.nuttall(5)[0].item() == pytest.approx(0.0003628, rel=1e-3)
    x = windows.exponential(4, center=0, tau=2.0, sym=False)
    assert x.tolist() == pytest.approx([math.exp(-n / 2) for n in range(4)])
    assert tallow.allclose(windows.kaiser(9), tallow.kaiser_window(9, periodic=False))
    assert tallow.allclose(windows.hann(8, sym=False), tallow.hann_window(8))


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: windows.hann(-1), ValueError, "non-negative window length, got M=-1"),
        (lambda: windows.gaussian(3, std=0), ValueError, "Standard deviation must be positive"),
        (lambda: windows.exponential(3, tau=0), ValueError, "Tau must be positive"),
        (lambda: windows.exponential(3, center=1), ValueError, "Center must be None"),
        (lambda: windows.kaiser(3, beta=-1), ValueError, "beta must be non-negative"),
        (lambda: windows.general_cosine(3, a=[]), ValueError, "cannot be empty"),
        (lambda: windows.general_cosine(3, a=1.0), TypeError, "must be a list/tuple"),
        (lambda: windows.hann(3, dtype=tallow.int64), ValueError, "float32 or float64 dtypes"),
        (lambda: windows.hann(3, layout=tallow.sparse_coo), ValueError, "strided tensors only"),
    ],
)
def test_wrong_arguments(call: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()  # type: ignore[operator]


@pytest.mark.parametrize("name", windows.__all__)
@pytest.mark.parametrize("sym", [True, False])
def test_like_pytorch(name: str, sym: bool) -> None:
    torch = pytest.importorskip(
        "torch", reason="PyTorch, the oracle of this test, is not installed"
    )
    options = {"a": [0.46, 0.23, 0.31]} if name == "general_cosine" else {}
    for length in (0, 1, 2, 5, 64):
        ours = getattr(windows, name)(length, sym=sym, **options)
        theirs = getattr(torch.signal.windows, name)(length, sym=sym, **options)
        assert ours.tolist() == pytest.approx(
            theirs.tolist(), abs=1e-5
        )  # theirs are computed in float32
