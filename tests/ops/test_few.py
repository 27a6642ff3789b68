"""Transforms and poolings of few numbers, computed at once, against the way that many take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tallow
import tallow.nn.functional as F
from tallow import fft

REAL = {"rfft", "rfft2", "rfftn", "ihfft", "ihfft2", "ihfftn"}
NAMES = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
FORMS: list[tuple[Any, Any]] = [
    (None, None),
    (None, (0,)),
    (None, (-1, 0)),
    ((4,), (1,)),
    ((1, 2), (0, -1)),
    ((9, -1), (-2, -1)),
    ((7,), None),
]


def values(shape: tuple[int, ...], dtype: Any) -> tallow.Tensor:
    rng = np.random.default_rng(0)
    result = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    if np.issubdtype(dtype, np.floating):
        result = result.real
    return tallow.from_numpy(result.astype(dtype))


def general(call: Callable[[tallow.Tensor], Any], x: tallow.Tensor) -> Any:
    """The result by the general way, which is the one that has derivatives."""
    found = call(x.detach().requires_grad_())
    return [part.detach() for part in found] if isinstance(found, tuple) else found.detach()


@pytest.mark.parametrize("norm", [None, "forward", "ortho"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("name", [name + end for name in NAMES for end in ("n", "2")])
def test_transform_of_few_equals_that_of_many(name: str, dtype: Any, norm: Any) -> None:
    if name in REAL and np.issubdtype(dtype, np.complexfloating):
        return
    function = getattr(fft, name)
    for shape in ((3, 4), (5, 2), (2, 6, 7)):
        x = values(shape, dtype)
        for s, dim in FORMS[:-1] if len(shape) == 2 else FORMS:
            for view in (x, x.transpose(0, 1)):
                result = function(view, s, dim, norm)
                expected = general(lambda x: function(x, s, dim, norm), view)  # noqa: B023
                assert result.shape == expected.shape
                assert result.dtype == expected.dtype
                tolerance = 1e-5 if result.real.dtype == tallow.float32 else 1e-13
                assert tallow.allclose(result, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("n", [1, 2, 3, 8, 31, 32, 33])
def test_one_dimension_of_any_length(n: int) -> None:
    x = values((3, n), np.complex128)
    assert np.allclose(fft.fft(x).numpy(), np.fft.fft(x.numpy()), rtol=1e-13, atol=1e-13)
    assert np.allclose(fft.ifft(x, dim=0).numpy(), np.fft.ifft(x.numpy(), axis=0), atol=1e-15)
    assert np.allclose(fft.irfft(x, n).numpy(), np.fft.irfft(x.numpy(), n), atol=1e-14)


def test_multiples_of_an_eighth_of_the_circle_are_exact() -> None:
    assert fft.fft(tallow.tensor([0.0, 1.0, 0.0, 0.0])).tolist() == [1, -1j, -1, 1j]
    spectrum = fft.fft(tallow.eye(8, dtype=tallow.float64)[1])
    assert spectrum[1] == 0.5**0.5 * (1 - 1j)


@pytest.mark.parametrize(
    "call",
    [
        lambda: fft.fft(tallow.ones(3), norm="wrong"),
        lambda: fft.fft(tallow.ones(3), 0),
        lambda: fft.fft2(tallow.ones(3)),
        lambda: fft.fftn(tallow.ones(3, 3), dim=(0, 0)),
        lambda: fft.rfft(tallow.ones(3, dtype=tallow.complex64)),
        lambda: fft.fft(tallow.ones(3, dtype=tallow.float16)),
    ],
)
def test_wrong_arguments_are_refused_as_for_many(call: Callable[[], Any]) -> None:
    with pytest.raises((RuntimeError, IndexError)):
        call()


WINDOWS = [
    {"kernel_size": 2},
    {"kernel_size": (2, 1, 3), "stride": 1},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 2, "stride": (2, 3, 1), "ceil_mode": True},
    {"kernel_size": 3, "stride": 2, "padding": (1, 0, 1), "ceil_mode": True},
]
POOLS: dict[str, Callable[[tallow.Tensor], Any]] = {
    **{f"avg {w}": lambda x, w=w: F.avg_pool3d(x, **w) for w in WINDOWS},
    **{
        f"avg of inside {w}": lambda x, w=w: F.avg_pool3d(x, count_include_pad=False, **w)
        for w in WINDOWS
    },
    **{f"max {w}": lambda x, w=w: F.max_pool3d(x, return_indices=True, **w) for w in WINDOWS},
    "max dilated": lambda x: F.max_pool3d(x, 2, 1, 1, 2, return_indices=True),
    **{
        f"adaptive avg {size}": lambda x, size=size: F.adaptive_avg_pool3d(x, size)
        for size in (1, 2, (3, 1, 4), (5, None, 2))
    },
    **{
        f"adaptive max {size}": lambda x, size=size: F.adaptive_max_pool3d(
            x, size, return_indices=True
        )
        for size in (1, 2, (3, 1, 4), (5, None, 2))
    },
    "fractional": lambda x: F.fractional_max_pool3d(
        x, (2, 1, 2), (2, 3, 3), _random_samples=RANDOM, return_indices=True
    ),
    "fractional, one": lambda x: F.fractional_max_pool3d(
        x, 2, 1, _random_samples=RANDOM, return_indices=True
    ),
}
RANDOM = tallow.from_numpy(np.random.default_rng(1).random((2, 3, 3)))


@pytest.mark.parametrize("name", POOLS)
def test_pooling_of_few_equals_that_of_many(name: str) -> None:
    x = values((2, 3, 5, 4, 6), np.float64)
    x[0, 0, 1, 1, 1] = tallow.nan
    x[1, 1] = 1.0  # the first of equal maxima
    for volumes in (x, x[0]) if "fractional" not in name else (x,):
        found, expected = POOLS[name](volumes), general(POOLS[name], volumes)
        pairs = (
            zip(found, expected, strict=True) if isinstance(found, tuple) else [(found, expected)]
        )
        for part, other in pairs:
            assert part.shape == other.shape
            assert part.dtype == other.dtype
            assert tallow.allclose(part, other, rtol=1e-14, atol=1e-14, equal_nan=True)


def test_fractional_pooling_of_images_equals_that_of_many() -> None:
    x = values((2, 3, 7, 9), np.float32)
    samples = RANDOM[..., :2].float()

    def pool(x: tallow.Tensor) -> Any:
        return F.fractional_max_pool2d(x, 2, (5, 4), _random_samples=samples, return_indices=True)

    assert all(map(tallow.equal, pool(x), general(pool, x)))


IMAGES = [(2, 1, 5), (1, 2, 4, 3), (1, 1, 2, 3, 4), (1, 2, 1, 5)]
LINEAR = {3: "linear", 4: "bilinear", 5: "trilinear"}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear", "bicubic"])
@pytest.mark.parametrize(
    "how",
    [
        {"size": 3},
        {"size": 7},
        {"scale_factor": 2},
        {"scale_factor": 1.7},
        {"scale_factor": 0.6},
        {"scale_factor": 1.7, "recompute_scale_factor": True},
    ],
)
def test_resizing_of_few_equals_that_of_many(how: dict[str, Any], mode: str, dtype: Any) -> None:
    for shape in IMAGES:
        if mode == "bicubic" and len(shape) != 4:
            continue
        if "scale_factor" in how and how["scale_factor"] < 1 and 1 in shape[2:]:
            continue  # nothing would be left
        x = values(shape, dtype)
        name = LINEAR[len(shape)] if mode == "linear" else mode
        for align in (None,) if mode.startswith("nearest") else (False, True):
            options = {"mode": name, "align_corners": align, **how}
            result = F.interpolate(x, **options)
            expected = general(lambda x: F.interpolate(x, **options), x)  # noqa: B023
            assert result.shape == expected.shape
            tolerance = 2e-6 if dtype == np.float32 else 1e-14
            assert tallow.allclose(result, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("mode", ["constant", "reflect", "replicate"])
def test_padding_of_few_equals_that_of_many(mode: str) -> None:
    for shape in [*IMAGES, (4, 5), (3, 4, 4)]:
        x = values(shape, np.float32)
        for pad in ((1, 2), (0, 1, 1, 0), (-1, 0), (-1, 1, 0, -1), (0, 0, 1, 1, 1, 0)):
            try:
                expected = general(lambda x: F.pad(x, pad, mode), x)  # noqa: B023
            except (RuntimeError, NotImplementedError):
                with pytest.raises((RuntimeError, NotImplementedError)):
                    F.pad(x, pad, mode)
            else:
                assert tallow.equal(F.pad(x, pad, mode), expected)


def test_padding_with_a_value() -> None:
    assert F.pad(tallow.ones(2), (1, 0), value=0.5).tolist() == [0.5, 1.0, 1.0]
    with pytest.raises(RuntimeError, match="doesn't take in value argument"):
        F.pad(tallow.ones(1, 3), (1, 1), "reflect", 1.0)
    with pytest.raises(TypeError, match="must be tuple of ints, not int"):
        F.pad(tallow.ones(3), 1)


LABELS = tallow.tensor([[1, 2, 2], [3, 0, 0]])
SPECIAL = [-2.5, -1.0, -0.0, 0.0, 1e-40, 0.3, 7.0, tallow.inf, -tallow.inf, tallow.nan]
OTHERS: dict[str, Callable[[tallow.Tensor], Any]] = {
    **{f"polygamma {n}": lambda x, n=n: tallow.polygamma(n, x) for n in (1, 2, 5, 30)},
    **{f"cdist {p}": lambda x, p=p: tallow.cdist(x, x.flip(0), p) for p in (0, 1, 2, 3.5, np.inf)},
    **{f"pdist {p}": lambda x, p=p: F.pdist(x, p) for p in (0, 1, 2, 3.5, np.inf)},
    "cdist of a batch": lambda x: tallow.cdist(tallow.stack([x, -x]), tallow.stack([x, x])),
    "multi margin": lambda x: F.multi_margin_loss(x, tallow.tensor([1, 0, 3, 2]), reduction="none"),
    "multilabel margin": lambda x: F.multilabel_margin_loss(
        x, tallow.tensor([[1, 0, -1, 3, 3], [2, 2, 4, 1, 0], [-1] * 5, [4, -1, 0, 0, 0]])
    ),
    "multilabel margin of NaN": lambda x: F.multilabel_margin_loss(
        x.masked_fill(tallow.arange(5) == 1, tallow.nan),
        tallow.tensor([[0, -1, 0, 0, 0]] * 4),
        reduction="none",
    ).isnan(),
    "multi margin squared": lambda x: F.multi_margin_loss(x, tallow.tensor([1, 0, 3, 2]), 2, 0.5),
    "xlog1py": lambda x: tallow.special.xlog1py(x.abs(), x.flip(0).abs()),
    "entr": lambda x: tallow.special.entr(x.abs()),
    "cross": lambda x: tallow.cross(x[:, 1:4], x[:, :3], dim=1),
    "cross of columns": lambda x: tallow.linalg.cross(x[1:], x[:3], dim=-2),
    "cross, in the middle": lambda x: tallow.linalg.cross(
        x[:, :3].unsqueeze(2).expand(4, 3, 2), x[:, 1:4].unsqueeze(2).expand(4, 3, 2), dim=1
    ),
    **{
        f"ctc {reduction} {lengths}": lambda x, r=reduction, n=lengths: F.ctc_loss(
            x.log_softmax(-1).unsqueeze(1).expand(-1, 2, -1), LABELS, n[0], n[1], reduction=r
        )
        for reduction in ("none", "mean", "sum")
        for lengths in (((4, 4), (2, 1)), ((4, 2), (3, 0)), ((0, 1), (0, 1)), ((4, 2), (0, 1)))
    },
    "ctc of labels in a row": lambda x: F.ctc_loss(
        x.log_softmax(-1).unsqueeze(1).expand(-1, 2, -1), LABELS.flatten(), (4, 3), (3, 1)
    ),
    "ctc without infinity": lambda x: F.ctc_loss(
        x.log_softmax(-1).unsqueeze(1), LABELS[:1], [2], [3], zero_infinity=True
    ),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", OTHERS)
def test_values_of_few_equal_those_of_many(name: str, dtype: Any) -> None:
    x = values((4, 5), dtype)
    found, expected = OTHERS[name](x), general(OTHERS[name], x)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    tolerance = 3e-6 if dtype == np.float32 else 1e-12
    assert tallow.allclose(found, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [tallow.float32, tallow.float64])
def test_unusual_numbers_give_the_same(dtype: Any) -> None:
    x = tallow.tensor(SPECIAL, dtype=dtype)
    assert tallow.special.entr(x).tolist()[:4] == [-tallow.inf, -tallow.inf, 0.0, 0.0]
    assert tallow.special.xlog1py(x * 0, x).tolist()[5:7] == [0.0, 0.0]
    for function in (tallow.angle, lambda x: tallow.polygamma(1, x), lambda x: tallow.frexp(x)[0]):
        assert tallow.equal(function(x).isnan(), general(function, x).isnan())
        both = function(x).nan_to_num(0), general(function, x).nan_to_num(0)
        assert tallow.allclose(*both, rtol=1e-6, atol=0)
    assert tallow.frexp(x)[1].tolist() == tallow.frexp(x.requires_grad_())[1].tolist()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: F.multi_margin_loss(x, tallow.tensor([0, 1, 2, 5])), "target out of range"),
        (lambda x: F.multilabel_margin_loss(x, x.long() + 7), "target' is out of range"),
        (lambda x: F.pdist(x.unsqueeze(0)), "pdist only supports 2D tensors, got: 3D"),
        (lambda x: tallow.cdist(x, x[:, :2]), "must have the same number of columns"),
        (lambda x: tallow.polygamma(-1, x), "does not support negative n"),
        (
            lambda x: F.ctc_loss(x.unsqueeze(1), LABELS[:1], [5], [1]),
            "Expected input_lengths to have value at most 4, but got value 5",
        ),
    ],
)
def test_mistakes_are_named_as_for_many(call: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(RuntimeError, match=message):
        call(values((4, 5), np.float32))
