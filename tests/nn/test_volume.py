"""Volumes and sequences: functions and layers composed of those for images."""

from __future__ import annotations

import math

import numpy as np
import pytest

import tallow
import tallow.nn.functional as F


def draw(*shape: int, seed: int = 0) -> tallow.Tensor:
    return tallow.from_numpy(np.random.default_rng(seed).standard_normal(shape)).requires_grad_()


def direct_conv3d(x: np.ndarray, w: np.ndarray, s: int, p: int, d: int) -> np.ndarray:
    x = np.pad(x, [(0, 0), (0, 0)] + [(p, p)] * 3)
    reach = [d * (k - 1) + 1 for k in w.shape[2:]]
    out = [(n - r) // s + 1 for n, r in zip(x.shape[2:], reach, strict=True)]
    result = np.zeros((x.shape[0], w.shape[0], *out))
    for i, j, k in np.ndindex(*out):
        window = x[
            :,
            :,
            i * s : i * s + reach[0] : d,
            j * s : j * s + reach[1] : d,
            k * s : k * s + reach[2] : d,
        ]
        result[:, :, i, j, k] = np.einsum("ncdhw,mcdhw->nm", window, w)
    return result


@pytest.mark.parametrize(("s", "p", "d"), [(1, 0, 1), (2, 1, 1), (1, 2, 2)])
def test_conv3d_equals_the_definition(s: int, p: int, d: int) -> None:
    x, w = draw(2, 3, 5, 6, 4), draw(4, 3, 2, 3, 2, seed=1)
    expected = direct_conv3d(x.detach().numpy(), w.detach().numpy(), s, p, d)
    assert np.allclose(F.conv3d(x, w, None, s, p, d).detach().numpy(), expected)


def test_conv3d_has_derivatives() -> None:
    x, w, b = draw(1, 2, 3, 3, 3), draw(2, 1, 2, 2, 2, seed=1), draw(2, seed=2)
    assert tallow.autograd.gradcheck(lambda *a: F.conv3d(*a, 1, 1, 1, 2), (x, w, b))


def test_conv_transpose3d_is_the_adjoint_of_conv3d() -> None:
    x, w = draw(1, 2, 5, 4, 5), draw(3, 2, 3, 2, 3, seed=1)
    y = F.conv3d(x, w, None, 2, 1)
    other = draw(*y.shape, seed=2)
    (expected,) = tallow.autograd.grad(y, x, other)
    found = F.conv_transpose3d(other, w, None, 2, 1, (0, 0, 0))
    assert tallow.allclose(found, expected[:, :, : found.size(2), : found.size(3), : found.size(4)])


@pytest.mark.parametrize("grad", [False, True])
def test_max_pool3d_of_windows_in_the_padding_alone(grad: bool) -> None:
    x = tallow.rand(1, 2, 1, 2, 2, requires_grad=grad)
    pooled = F.max_pool3d(x, (2, 1, 1), (4, 1, 1), (1, 0, 0), (2, 1, 1))
    assert pooled.flatten().tolist() == [-float("inf")] * 8
    if grad:
        pooled.sum().backward()
        assert not x.grad.any()


def test_conv_transpose3d_refuses_to_cut_everything_off() -> None:
    x, weight = tallow.ones(1, 1, 1, 3, 3), tallow.ones(1, 1, 1, 1, 1)
    with pytest.raises(RuntimeError, match=r"\(-1 x 1 x 1\)\. Output size is too small"):
        F.conv_transpose3d(x, weight, padding=1)


def test_conv3d_refuses_a_window_larger_than_the_input() -> None:
    with pytest.raises(RuntimeError, match="Kernel size can't be greater than actual input size"):
        F.conv3d(tallow.ones(1, 1, 2, 2, 2), tallow.ones(1, 1, 3, 3, 3))


def test_max_pool3d_and_back() -> None:
    x = draw(2, 3, 4, 6, 4)
    values, indices = F.max_pool3d(x, 2, return_indices=True)
    expected = x.detach().numpy().reshape(2, 3, 2, 2, 3, 2, 2, 2).max((3, 5, 7))
    assert np.array_equal(values.detach().numpy(), expected)
    assert tallow.equal(x.flatten(2).gather(2, indices.flatten(2)), values.flatten(2))
    back = F.max_unpool3d(values, indices, 2)
    assert back.shape == x.shape
    assert tallow.allclose(back.sum(), values.sum())


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize("count_include_pad", [False, True])
def test_avg_pool3d_of_a_constant(ceil_mode: bool, count_include_pad: bool) -> None:
    x = tallow.ones(1, 1, 5, 5, 5, dtype=tallow.float64)
    y = F.avg_pool3d(x, 3, 2, 1, ceil_mode, count_include_pad)
    assert float(y[0, 0, 0, 0, 0]) == pytest.approx(8 / 27 if count_include_pad else 1)
    assert float(y[0, 0, 1, 1, 1]) == pytest.approx(1)


def test_adaptive_pools_of_volumes() -> None:
    x = draw(2, 3, 4, 6, 8)
    assert tallow.allclose(F.adaptive_avg_pool3d(x, (2, None, 4)), F.avg_pool3d(x, (2, 1, 2)))
    assert tallow.equal(F.adaptive_max_pool3d(x, 2), F.max_pool3d(x, (2, 3, 4)))


def test_fractional_max_pool_keeps_to_its_windows() -> None:
    x = draw(2, 3, 9, 7)
    samples = tallow.rand(2, 3, 2, dtype=tallow.float64)
    y, where = F.fractional_max_pool2d(x, 2, (4, 3), return_indices=True, _random_samples=samples)
    assert y.shape == (2, 3, 4, 3)
    assert tallow.equal(x.flatten(2).gather(2, where.flatten(2)), y.flatten(2))
    with pytest.raises(ValueError, match="requires specifying either an output_size or"):
        F.fractional_max_pool2d(x, 2)


def all_alignments(probabilities: np.ndarray, labels: list[int]) -> float:
    """The sum over every path, by enumeration."""
    time, classes = probabilities.shape
    total = 0.0
    for path in np.ndindex(*[classes] * time):
        collapsed = [c for i, c in enumerate(path) if c and (i == 0 or path[i - 1] != c)]
        if collapsed == labels:
            total += math.prod(probabilities[t, c] for t, c in enumerate(path))
    return total


@pytest.mark.parametrize("labels", [[1], [1, 2], [1, 1], []])
def test_ctc_loss_sums_over_all_alignments(labels: list[int]) -> None:
    x = draw(4, 1, 3).detach().log_softmax(-1)
    loss = F.ctc_loss(x, tallow.tensor([labels]).long(), [4], [len(labels)], reduction="none")
    expected = -math.log(all_alignments(x[:, 0].exp().numpy(), labels))
    assert float(loss) == pytest.approx(expected)


def test_ctc_loss_of_too_few_predictions() -> None:
    x = tallow.zeros(1, 1, 3).log_softmax(-1).requires_grad_()
    target = tallow.tensor([[1, 2]])
    assert F.ctc_loss(x, target, [1], [2]) == math.inf
    loss = F.ctc_loss(x, target, [1], [2], zero_infinity=True)
    loss.backward()
    assert loss == 0
    assert x.grad is not None
    assert x.grad.abs().sum() == 0


def test_avg_pool3d_of_integers_rounds_towards_zero() -> None:
    x = tallow.arange(64).view(1, 1, 4, 4, 4)
    assert F.avg_pool3d(x, 2).flatten().tolist()[:4] == [10, 12, 18, 20]
    assert F.avg_pool3d(-x, 2).flatten().tolist()[:4] == [-10, -12, -18, -20]
    assert F.avg_pool3d(x, 3, 2, 1).flatten().tolist()[:4] == [3, 5, 7, 12]
    assert F.avg_pool3d(x, 2, divisor_override=5).dtype == tallow.int64
