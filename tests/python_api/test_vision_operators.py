"""The operators that stand in for torchvision's library, beside their definitions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tallow
from tallow import Tensor

tallow.ops.load_library("/somewhere/torchvision/_C.so")
OPS = tallow.ops.torchvision
ROIS = [
    [0, 1.0, 1.0, 5.0, 6.0],
    [1, -2.5, 0.5, 3.5, 9.5],
    [1, 2.0, 2.0, 2.0, 2.0],
    [0, 20, 20, 30, 30],
]


def images(channels: int = 4, height: int = 7, width: int = 6) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, channels, height, width))


def test_other_libraries_of_that_package_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallow.ops, "refused_libraries", set())
    with pytest.raises(OSError, match="need libtorch"):
        tallow.ops.load_library("/somewhere/torchvision/image.so")
    assert OPS._cuda_version() == -1


# --- nms ------------------------------------------------------------------------------------------


def greedy_nms(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> list[int]:
    kept: list[int] = []
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for i in np.argsort(-scores, kind="stable"):
        for k in kept:
            size = np.minimum(boxes[i, 2:], boxes[k, 2:]) - np.maximum(boxes[i, :2], boxes[k, :2])
            common = size.clip(0).prod()
            if common / (areas[i] + areas[k] - common) > threshold:
                break
        else:
            kept.append(int(i))
    return kept


@pytest.mark.parametrize("count", [0, 1, 2, 31, 255, 256, 257, 600])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7])
def test_nms_keeps_what_no_better_box_covers(count: int, threshold: float) -> None:
    rng = np.random.default_rng(count)
    corner = rng.uniform(0, 60, (count, 2))
    boxes = np.concatenate([corner, corner + rng.uniform(1, 30, (count, 2))], 1)
    scores = rng.integers(0, 40, count) / 40  # with equal ones
    kept = OPS.nms(tallow.tensor(boxes), tallow.tensor(scores), threshold)
    assert kept.dtype == tallow.int64
    assert kept.tolist() == greedy_nms(boxes, scores, threshold)


def test_nms_of_a_long_chain_keeps_every_other_box() -> None:
    at = tallow.arange(100.0)
    boxes = tallow.stack([at, at * 0, at + 1.9, at * 0 + 1], 1)
    assert OPS.nms(boxes, -at, 0.3).tolist() == list(range(0, 100, 2))


@pytest.mark.parametrize(
    ("boxes", "scores", "text"),
    [
        (tallow.ones(4), tallow.ones(1), "boxes should be a 2d tensor, got 1D"),
        (tallow.ones(2, 3), tallow.ones(2), "boxes should have 4 elements in dimension 1, got 3"),
        (tallow.ones(2, 4), tallow.ones(2, 1), "scores should be a 1d tensor, got 2D"),
        (tallow.ones(2, 4), tallow.ones(3), "same number of elements in dimension 0, got 2 and 3"),
        (tallow.ones(2, 4), tallow.ones(2).double(), "dets should have the same type as scores"),
        (tallow.ones(2, 4).half(), tallow.ones(2).half(), '"nms_kernel" not implemented for \'Ha'),
    ],
)
def test_wrong_boxes_are_refused(boxes: Tensor, scores: Tensor, text: str) -> None:
    with pytest.raises((RuntimeError, NotImplementedError), match=text):
        OPS.nms(boxes, scores, 0.5)


# --- regions --------------------------------------------------------------------------------------


def interpolated(plane: np.ndarray, y: float, x: float) -> float:
    height, width = plane.shape
    if not (-1 <= y <= height and -1 <= x <= width):
        return 0.0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    top, left = int(y), int(x)
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    above = plane[top, left] * (1 - x + left) + plane[top, right] * (x - left)
    below = plane[bottom, left] * (1 - x + left) + plane[bottom, right] * (x - left)
    return above * (1 - y + top) + below * (y - top)


def aligned(
    x: np.ndarray, roi: Any, scale: float, bins: Any, ratio: int, shift: float, least: float
) -> np.ndarray:
    """All channels in all bins."""
    left, top, right, bottom = (value * scale - shift for value in roi[1:])
    steps = [max(bottom - top, least) / bins[0], max(right - left, least) / bins[1]]
    grid = [ratio if ratio > 0 else max(math.ceil(step), 0) for step in steps]
    out = np.zeros((x.shape[1], *bins))
    for c, i, j in np.ndindex(out.shape):
        for a, b in np.ndindex(*grid):
            y = top + i * steps[0] + (a + 0.5) * steps[0] / grid[0]
            at = left + j * steps[1] + (b + 0.5) * steps[1] / grid[1]
            out[c, i, j] += interpolated(x[int(roi[0]), c], y, at) / (grid[0] * grid[1])
    return out


def own_channels(all_channels: np.ndarray) -> np.ndarray:
    """Of channels in bins those that belong to the bin."""
    height, width = all_channels.shape[1:]
    split = all_channels.reshape(-1, height, width, height, width)
    return np.einsum("cijij->cij", split)


@pytest.mark.parametrize("ratio", [-1, 1, 3])
@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize(("bins", "scale"), [((2, 3), 1.0), ((1, 1), 0.5)])
def test_roi_align(ratio: int, shifted: bool, bins: tuple[int, int], scale: float) -> None:
    x = images()
    result = OPS.roi_align(
        tallow.tensor(x), tallow.tensor(ROIS).double(), scale, *bins, ratio, shifted
    )
    shift, least = (0.5, -math.inf) if shifted else (0.0, 1.0)
    expected = [aligned(x, roi, scale, bins, ratio, shift, least) for roi in ROIS]
    assert np.allclose(result.numpy(), np.stack(expected))


def test_ps_roi_align_takes_channels_of_its_own_for_each_bin() -> None:
    x, bins = images(12), (2, 3)
    rois = tallow.tensor(ROIS).double()
    result, channels = OPS.ps_roi_align(tallow.tensor(x), rois, 1.0, *bins, 2)
    expected = [own_channels(aligned(x, roi, 1.0, bins, 2, 0.5, -math.inf)) for roi in ROIS]
    assert np.allclose(result.numpy(), np.stack(expected))
    assert channels.dtype == tallow.int32
    assert channels[1].flatten().tolist() == list(range(12))


def whole_bins(roi: Any, scale: float, bins: Any, shape: Any, border: int) -> dict[Any, Any]:
    """The rows and columns of each bin."""
    left, top, right, bottom = (
        math.floor(abs(v * scale) + 0.5) * (-1 if v < 0 else 1) for v in roi[1:]
    )
    result = {}
    for i, j in np.ndindex(*bins):
        sides = []
        for k, n, begin, end, size in (
            (i, bins[0], top, bottom, shape[0]),
            (j, bins[1], left, right, shape[1]),
        ):
            step = max(end - begin + border, 1) / n
            limit = size - 1 + border
            sides.append(
                slice(
                    min(max(math.floor(k * step) + begin, 0), limit),
                    min(max(math.ceil((k + 1) * step) + begin, 0), limit),
                )
            )
        result[i, j] = tuple(sides)
    return result


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_roi_pool_finds_maxima_and_their_places(scale: float) -> None:
    x, bins = images(3), (2, 3)
    x[0, 0] = -np.inf
    values, places = OPS.roi_pool(tallow.tensor(x), tallow.tensor(ROIS).double(), scale, *bins)
    assert places.dtype == tallow.int32
    for number, roi in enumerate(ROIS):
        for (i, j), area in whole_bins(roi, scale, bins, x.shape[2:], 1).items():
            for c in range(3):
                plane = x[int(roi[0]), c]
                value, place = float(values[number, c, i, j]), int(places[number, c, i, j])
                if plane[area].size == 0:
                    assert (value, place) == (0, -1)
                elif np.isinf(plane).all():
                    assert (value, place) == (np.finfo(np.float64).min, -1)
                else:
                    assert value == plane[area].max() == plane.flatten()[place]


def test_the_first_of_equal_maxima_is_the_place() -> None:
    x = tallow.ones(1, 1, 4, 4)
    assert OPS.roi_pool(x, tallow.tensor([[0, 1.0, 1, 3, 3]]), 1.0, 1, 1)[1].item() == 5


def test_ps_roi_pool_means_over_whole_pixels() -> None:
    x, bins = images(12), (2, 3)
    values, channels = OPS.ps_roi_pool(tallow.tensor(x), tallow.tensor(ROIS).double(), 1.0, *bins)
    for number, roi in enumerate(ROIS):
        for (i, j), area in whole_bins(roi, 1.0, bins, x.shape[2:], 0).items():
            for c in range(2):
                part = x[int(roi[0]), int(channels[number, c, i, j])][area]
                assert np.allclose(values[number, c, i, j].item(), part.mean() if part.size else 0)


def call(name: str, x: Tensor, rois: Tensor) -> tuple[Tensor, Any]:
    """An operator's result, and its gradient as a function of that of the result."""
    shape = x.shape
    if name == "roi_align":
        result = OPS.roi_align(x, rois, 1.0, 2, 3, -1, True)
        return result, lambda g: OPS._roi_align_backward(g, rois, 1.0, 2, 3, *shape, -1, True)
    if name == "ps_roi_align":
        result, mapping = OPS.ps_roi_align(x, rois, 1.0, 2, 3, 2)
        return result, lambda g: OPS._ps_roi_align_backward(g, rois, mapping, 1.0, 2, 3, 2, *shape)
    result, mapping = getattr(OPS, name)(x, rois, 1.0, 2, 3)
    backward = getattr(OPS, f"_{name}_backward")
    return result, lambda g: backward(g, rois, mapping, 1.0, 2, 3, *shape)


@pytest.mark.parametrize("name", ["roi_align", "ps_roi_align", "roi_pool", "ps_roi_pool"])
@pytest.mark.parametrize("dtype", [tallow.float16, tallow.float32, tallow.float64])
def test_gradients_of_regions_are_the_transposed_maps(name: str, dtype: tallow.dtype) -> None:
    x, rois = tallow.tensor(images(12)).to(dtype), tallow.tensor(ROIS).to(dtype)
    result, gradient = call(name, x, rois)
    grad = (tallow.arange(result.numel()).view(result.shape) % 5 - 2).to(dtype)
    found = gradient(grad)
    assert result.dtype == found.dtype == dtype
    assert found.shape == x.shape
    tolerance = 3e-2 if dtype == tallow.float16 else 1e-5
    left, right = (result.double() * grad.double()).sum(), (found.double() * x.double()).sum()
    assert math.isclose(left.item(), right.item(), rel_tol=tolerance, abs_tol=tolerance)


@pytest.mark.parametrize("name", ["roi_align", "ps_roi_align", "roi_pool", "ps_roi_pool"])
def test_no_regions_and_no_images(name: str) -> None:
    for x, rois in (
        (tallow.ones(1, 6, 4, 4), tallow.ones(0, 5)),
        (tallow.ones(1, 6, 0, 4), tallow.zeros(1, 5)),
    ):
        result, gradient = call(name, x, rois)
        assert result.shape == (len(rois), 1 if name[:2] == "ps" else 6, 2, 3)
        assert not result.nan_to_num().any()
        assert gradient(tallow.ones_like(result)).shape == x.shape


@pytest.mark.parametrize("name", ["roi_align", "ps_roi_align", "roi_pool", "ps_roi_pool"])
def test_wrong_regions_are_refused(name: str) -> None:
    x = tallow.ones(1, 6, 4, 4)
    with pytest.raises(RuntimeError, match=r"rois must have shape as Tensor\[K, 5\]"):
        call(name, x, tallow.ones(1, 4))
    with pytest.raises(RuntimeError, match="Expected tensor for argument #1 'input' to have the"):
        call(name, x, tallow.ones(1, 5).double())
    with pytest.raises(IndexError, match="numbers of images from 0 to 0"):
        call(name, x, tallow.ones(1, 5))
    with pytest.raises(NotImplementedError, match="not implemented for 'BFloat16'"):
        call(name, x.bfloat16(), tallow.ones(1, 5).bfloat16())
    if name[:2] == "ps":
        with pytest.raises(RuntimeError, match="input channels must be a multiple of pooling"):
            call(name, tallow.ones(1, 5, 4, 4), tallow.zeros(1, 5))


# --- convolution with moved places ----------------------------------------------------------------

SETTINGS = (2, 1, 1, 2, 1, 2, 2, 3)  # stride, padding, dilation, groups and groups of offsets


def deformed_inputs(size: float = 1.0) -> list[Tensor]:
    rng = np.random.default_rng(1)
    shapes = [(2, 6, 7, 6), (4, 3, 3, 2), (2, 2 * 3 * 6, 4, 8), (2, 3 * 6, 4, 8), (4,)]
    tensors = [tallow.tensor(rng.normal(size=shape)) for shape in shapes]
    tensors[2] = tensors[2] * size
    return tensors


def test_places_that_are_not_moved_make_a_convolution() -> None:
    x, weight, offset, mask, bias = deformed_inputs(0.0)
    expected = tallow.nn.functional.conv2d(x, weight, bias, (2, 1), (1, 2), (1, 2), 2)
    for factors, used in ((mask * 0, False), (mask * 0 + 1, True)):
        result = OPS.deform_conv2d(x, weight, offset, factors, bias, *SETTINGS, used)
        assert tallow.allclose(result, expected)


def test_moved_places_are_interpolated() -> None:
    x = tallow.arange(12.0).view(1, 1, 3, 4)
    one = tallow.ones(1, 1, 1, 1)
    offset = tallow.zeros(1, 2, 3, 4)
    offset[0, :, 1, 1] = tallow.tensor([0.5, -0.25])
    offset[0, :, 2, 3] = tallow.tensor([0.5, 0.5])
    offset[0, :, 0, 0] = tallow.tensor([-1.0, 0.0])
    factors = tallow.full((1, 1, 3, 4), 2.0)
    bias = tallow.zeros(1)
    result = (
        OPS.deform_conv2d(x, one, offset, factors, bias, 1, 1, 0, 0, 1, 1, 1, 1, True)[0, 0] / 2
    )
    assert result[1, 1].item() == 5 + 2 - 0.25
    assert result[2, 3].item() == 11 / 4  # beyond the border there are zeros
    assert result[0, 0].item() == 0
    assert result[1, 2].item() == 6


@pytest.mark.parametrize("used", [False, True])
def test_gradients_of_moved_places(used: bool) -> None:
    given = deformed_inputs()
    grad = OPS.deform_conv2d(*given, *SETTINGS, used).sin()
    grads = OPS._deform_conv2d_backward(grad, *given, *SETTINGS, used)
    assert [g.shape for g in grads] == [t.shape for t in given]
    for number, found in enumerate(grads):
        step = 1e-6 * tallow.tensor(np.random.default_rng(number).normal(size=found.shape))
        ends = []
        for sign in (1, -1):
            moved = [t + sign * step if k == number else t for k, t in enumerate(given)]
            ends.append((OPS.deform_conv2d(*moved, *SETTINGS, used) * grad).sum().item())
        change = (found * step).sum().item()
        assert math.isclose((ends[0] - ends[1]) / 2, change, rel_tol=1e-5, abs_tol=1e-13)


def test_moved_places_in_half_precision_and_without_images() -> None:
    half = [tensor.half() for tensor in deformed_inputs()]
    result = OPS.deform_conv2d(*half, *SETTINGS, True)
    wide = OPS.deform_conv2d(*[tensor.float() for tensor in half], *SETTINGS, True)
    assert result.dtype == tallow.float16
    assert tallow.equal(result, wide.half())
    x, weight, offset, mask, bias = deformed_inputs()
    none = (x[:0], weight, offset[:0], mask[:0], bias)
    assert OPS.deform_conv2d(*none, *SETTINGS, True).shape == (0, 4, 4, 8)


def test_wrong_arguments_of_moved_places_are_refused() -> None:
    x, weight, offset, mask, bias = deformed_inputs()

    def check(text: str, *tensors: Tensor) -> None:
        with pytest.raises(RuntimeError, match=text):
            OPS.deform_conv2d(*tensors, *SETTINGS, True)

    check("of 4 dimensions, given 3", x[0], weight, offset, mask, bias)
    check("expected weight of the input's type", x, weight.float(), offset, mask, bias)
    check(r"expected offset of shape \(2, 36, 4, 8\)", x, weight, offset[:, 1:], mask, bias)
    check(r"expected mask of shape \(2, 18, 4, 8\)", x, weight, offset, mask[:1], bias)
    check(r"expected bias of shape \(4,\)", x, weight, offset, mask, bias[:1])
    check("do not fit 2 groups", x[:, :4], weight, offset, mask, bias)
    check("Calculated output size too small", x[:, :, :0, :1], weight, offset, mask, bias)


def test_names_without_kernels_say_so() -> None:
    with pytest.raises(NotImplementedError, match="Could not run 'torchvision::box_iou_rotated'"):
        OPS.box_iou_rotated(tallow.ones(1, 5), tallow.ones(1, 5))
