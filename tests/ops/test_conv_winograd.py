"""The Winograd algorithm: right to its error bound, for any shape, and not used where forbidden."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

import tallow
from tallow.nn import functional as F


@pytest.fixture(autouse=True)
def switches_as_before() -> Iterator[None]:
    yield
    tallow.backends.cpu.winograd = True
    tallow.use_deterministic_algorithms(False)


def reference(x: np.ndarray, w: np.ndarray, padding: tuple[int, int], dtype: str) -> np.ndarray:
    """Sums over channels and taps, one after the other, in `dtype`."""
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)]).astype(dtype)
    height, width = x.shape[2] - 2, x.shape[3] - 2
    total = np.zeros((x.shape[0], w.shape[0], height, width), dtype)
    for c in range(x.shape[1]):
        for i in range(3):
            for j in range(3):
                taps = w[:, c, i, j].astype(dtype)[:, None, None]
                total += x[:, c, None, i : i + height, j : j + width] * taps
    return total


def weight_gradient(x: np.ndarray, grad: np.ndarray, padding: tuple, dtype: str) -> np.ndarray:
    """Sums over the pixels of all images, one after the other, in `dtype`."""
    x = np.pad(x, [(0, 0), (0, 0), *((p, p) for p in padding)])
    height, width = grad.shape[2:]
    result = np.zeros((grad.shape[1], x.shape[1], 3, 3), dtype)
    rows = grad.swapaxes(0, 1).reshape(grad.shape[1], -1).astype(dtype)
    for i in range(3):
        for j in range(3):
            window = x[:, :, i : i + height, j : j + width].swapaxes(0, 1)
            columns = window.reshape(x.shape[1], -1).astype(dtype)
            for k, row in enumerate(rows):
                result[k, :, i, j] = np.cumsum(columns * row, axis=1, dtype=dtype)[:, -1]
    return result


def rms(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


# batch, channels, outputs, height, width, padding
SHAPES = [
    (1, 32, 32, 16, 16, (1, 1)),
    (1, 33, 47, 17, 19, (1, 1)),  # channels that fill no vector, tiles cut at both edges
    (3, 32, 64, 15, 13, (0, 0)),
    (5, 40, 32, 7, 7, (1, 1)),  # a group crosses images
    (1, 32, 32, 5, 401, (1, 1)),  # rows of tiles in parts
    (1, 64, 130, 31, 30, (2, 0)),  # three chunks of outputs, the last of two channels
    (2, 150, 32, 14, 14, (1, 1)),  # longer than one block of the sum
    (1, 32, 32, 401, 5, (2, 2)),  # many groups of narrow strips
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_forward_and_gradients_within_the_bound(shape: tuple) -> None:
    batch, channels, outputs, height, width, padding = shape
    random = np.random.RandomState(0)
    x = random.standard_normal((batch, channels, height, width)).astype("float32")
    w = random.standard_normal((outputs, channels, 3, 3)).astype("float32")
    bias = random.standard_normal(outputs).astype("float32")
    leaf = tallow.tensor(x).requires_grad_()
    weight = tallow.tensor(w).requires_grad_()
    out = F.conv2d(leaf, weight, tallow.tensor(bias), padding=padding)
    exact = reference(x, w, padding, "float64")
    sequential = rms(reference(x, w, padding, "float32") - exact)
    assert rms(out.detach().numpy() - bias[:, None, None] - exact) <= 2.5 * sequential

    grad = random.standard_normal(exact.shape).astype("float32")
    out.backward(tallow.tensor(grad))
    turned = w[:, :, ::-1, ::-1].swapaxes(0, 1)
    back = [reference(grad, turned, (2, 2), dtype) for dtype in ("float64", "float32")]
    (top, left) = padding
    window = (..., slice(top, top + height), slice(left, left + width))
    assert rms(leaf.grad.numpy() - back[0][window]) <= 2.5 * rms((back[1] - back[0])[window])

    exact = weight_gradient(x, grad, padding, "float64")
    sequential = rms(weight_gradient(x, grad, padding, "float32") - exact)
    assert rms(weight.grad.numpy() - exact) <= 2.5 * sequential


def test_long_sums_stay_within_the_bound() -> None:
    random = np.random.RandomState(0)
    x = random.uniform(0, 1, (4, 512, 8, 8)).astype("float32")
    w = random.uniform(0, 1, (32, 512, 3, 3)).astype("float32")
    exact = reference(x, w, (1, 1), "float64")
    sequential = rms(reference(x, w, (1, 1), "float32") - exact)
    out = F.conv2d(tallow.tensor(x), tallow.tensor(w), padding=1).numpy()
    assert rms(out - exact) <= 2.5 * sequential


def layer(dtype: str = "float32", groups: int = 1) -> tuple[tallow.Tensor, tallow.Tensor]:
    random = np.random.RandomState(1)
    x = random.randint(-3, 4, (2, 64, 20, 20)).astype(dtype)
    return tallow.tensor(x), tallow.tensor(
        random.randint(-3, 4, (64, 64 // groups, 3, 3)).astype(dtype)
    )


def integral(tensor: tallow.Tensor) -> bool:
    return bool((tensor == tensor.round()).all())


def test_it_is_used_and_rounds() -> None:
    if tallow._C._cpu_level() == "baseline":
        pytest.skip("this level does without")
    assert not integral(F.conv2d(*layer(), padding=1))


def test_switch_gives_exact_sums() -> None:
    assert tallow.backends.cpu.winograd is True
    tallow.backends.cpu.winograd = False
    assert tallow.backends.cpu.winograd is False
    assert integral(F.conv2d(*layer(), padding=1))


def test_deterministic_algorithms_switch_it_off_and_leave_the_switch() -> None:
    tallow.use_deterministic_algorithms(True)
    assert integral(F.conv2d(*layer(), padding=1))
    assert tallow.backends.cpu.winograd is True
    tallow.backends.cpu.winograd = True
    assert integral(F.conv2d(*layer(), padding=1))


@pytest.mark.parametrize(
    "options", [{"stride": 2}, {"dilation": 2}, {"groups": 2}], ids=lambda o: next(iter(o))
)
def test_other_windows_are_exact(options: dict[str, int]) -> None:
    x, w = layer(groups=options.get("groups", 1))
    x.requires_grad_()
    w.requires_grad_()
    out = F.conv2d(x, w, padding=1, **options)
    assert integral(out)
    out.backward(tallow.ones_like(out))
    assert integral(x.grad)
    assert integral(w.grad)


def test_double_precision_is_exact() -> None:
    assert integral(F.conv2d(*layer("float64"), padding=1))


def test_infinite_pixel_stays_in_its_tiles() -> None:
    x, w = layer()
    x[0, 0, 0, 0] = float("inf")
    out = F.conv2d(x, w, padding=1)
    assert out[0, :, 4:].isfinite().all()
    assert out[0, :, :, 4:].isfinite().all()
    assert out[1].isfinite().all()


def fingerprint() -> str:
    """Hash of results and gradients of layers that are divided in every way."""
    sha = hashlib.sha256()
    random = np.random.RandomState(0)
    for batch, channels, outputs, height, width, padding in [*SHAPES, (4, 64, 96, 28, 28, (1, 1))]:
        x = random.standard_normal((batch, channels, height, width)).astype("float32")
        w = random.standard_normal((outputs, channels, 3, 3)).astype("float32")
        leaf = tallow.tensor(x).requires_grad_()
        weight = tallow.tensor(w).requires_grad_()
        out = F.conv2d(leaf, weight, padding=padding)
        out.square().sum().backward()
        for result in (out.detach(), leaf.grad, weight.grad):
            sha.update(result.numpy().tobytes())
    return sha.hexdigest()


def test_bits_do_not_depend_on_threads() -> None:
    before = tallow.get_num_threads()
    prints = set()
    for threads in (1, 2, 3, 8):
        tallow.set_num_threads(threads)
        prints.add(fingerprint())
    tallow.set_num_threads(before)
    assert len(prints) == 1


def test_bits_do_not_depend_on_the_instruction_set() -> None:
    levels = [level for level in tallow._C._cpu_levels() if level != "baseline"]
    code = (
        "import sys; sys.path[:0] = {path!r}\n"
        "import test_conv_winograd as t\nprint(t.fingerprint())"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", code.format(path=[os.path.dirname(__file__), *sys.path])],
            env={**os.environ, "TALLOW_CPU_LEVEL": level},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for level in levels
    }
    assert len(prints) <= 1
