"""Layers for volumes, lazy layers, bags, and losses with layers of their own."""

from __future__ import annotations

import pytest

import tallow
from tallow import nn

VOLUME = (2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv3d(3, 4, 3, padding=1), (2, 4, 4, 5, 6)),
        (nn.Conv3d(3, 4, 3, padding="same", padding_mode="circular"), (2, 4, 4, 5, 6)),
        (nn.ConvTranspose3d(3, 2, 2, stride=2), (2, 2, 8, 10, 12)),
        (nn.MaxPool3d(2), (2, 3, 2, 2, 3)),
        (nn.AvgPool3d(2, ceil_mode=True), (2, 3, 2, 3, 3)),
        (nn.LPPool3d(2, 2), (2, 3, 2, 2, 3)),
        (nn.AdaptiveAvgPool3d((1, None, 2)), (2, 3, 1, 5, 2)),
        (nn.AdaptiveMaxPool3d(2), (2, 3, 2, 2, 2)),
        (nn.FractionalMaxPool3d(2, output_size=2), (2, 3, 2, 2, 2)),
    ],
)
def test_layers_for_volumes_give_the_expected_size(layer: nn.Module, shape: object) -> None:
    assert layer(tallow.rand(VOLUME)).shape == shape


@pytest.mark.parametrize(
    ("layer", "shape", "whole"),
    [
        (nn.LazyLinear(2), (3, 7), nn.Linear),
        (nn.LazyConv1d(4, 3), (2, 3, 9), nn.Conv1d),
        (nn.LazyConv2d(4, 3, groups=3, bias=False), (2, 3, 9, 9), nn.Conv2d),
        (nn.LazyConvTranspose2d(4, 3, 2), (2, 3, 4, 4), nn.ConvTranspose2d),
        (nn.LazyBatchNorm2d(), (2, 3, 4, 4), nn.BatchNorm2d),
        (nn.LazyInstanceNorm1d(affine=True), (2, 3, 4), nn.InstanceNorm1d),
    ],
)
def test_lazy_layer_becomes_whole_with_the_first_input(
    layer: nn.Module, shape: tuple[int, ...], whole: type
) -> None:
    if isinstance(layer, nn.LazyConv2d):
        layer = nn.LazyConv2d(6, 3, groups=3, bias=False)
    assert layer.has_uninitialized_params()
    layer(tallow.rand(shape)).sum().backward()
    assert type(layer) is whole
    assert all(p.grad is not None for p in layer.parameters())


def test_lazy_layer_takes_its_shape_from_a_state_dict() -> None:
    layer, other = nn.LazyLinear(2), nn.Linear(5, 2)
    layer.load_state_dict(other.state_dict())
    x = tallow.rand(3, 5)
    assert tallow.equal(layer(x), other(x))


def test_lazy_layer_starts_from_the_same_numbers_as_the_whole_one() -> None:
    tallow.manual_seed(3)
    lazy = nn.LazyConv2d(4, 3)
    lazy(tallow.ones(1, 2, 5, 5))
    tallow.manual_seed(3)
    assert tallow.equal(lazy.weight, nn.Conv2d(2, 4, 3).weight)


def test_embedding_bag_prints_and_copies_a_table() -> None:
    bag = nn.EmbeddingBag.from_pretrained(tallow.eye(3), mode="sum", padding_idx=-1)
    assert repr(bag) == "EmbeddingBag(3, 3, mode='sum', padding_idx=2)"
    assert not bag.weight.requires_grad
    assert bag(tallow.tensor([[0, 2, 1]])).tolist() == [[1, 1, 0]]


def test_adaptive_softmax_is_a_distribution_over_all_classes() -> None:
    layer = nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3, 7], div_value=2)
    x, target = tallow.rand(5, 8), tallow.tensor([0, 4, 11, 6, 2])
    log_prob = layer.log_prob(x)
    assert tallow.allclose(log_prob.exp().sum(1), tallow.ones(5))
    output, loss = layer(x, target)
    assert tallow.allclose(output, log_prob.gather(1, target.unsqueeze(1)).squeeze(1))
    assert tallow.allclose(loss, -output.mean())
    assert tallow.equal(layer.predict(x), log_prob.argmax(1))


def test_adaptive_softmax_refuses_wrong_cutoffs_and_targets() -> None:
    with pytest.raises(ValueError, match="cutoffs should be a sequence of unique, positive"):
        nn.AdaptiveLogSoftmaxWithLoss(8, 12, [7, 3])
    layer = nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3])
    with pytest.raises(RuntimeError, match=r"Target values should be in \[0, 11\]"):
        layer(tallow.rand(1, 8), tallow.tensor([12]))


def test_linear_cross_entropy_is_a_linear_layer_and_a_loss() -> None:
    loss = nn.LinearCrossEntropyLoss(4, 3, bias=True)
    x, target = tallow.rand(5, 4), tallow.tensor([0, 1, 2, 1, 0])
    expected = nn.functional.cross_entropy(loss.linear(x), target)
    assert tallow.allclose(loss(x, target), expected)


def test_sync_batch_norm_replaces_batch_norm_and_computes_alone() -> None:
    net = nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.BatchNorm2d(3), nn.ReLU()))
    assert type(net[0]) is nn.SyncBatchNorm
    tallow.manual_seed(0)
    x = tallow.randn(4, 3, 5)
    assert tallow.equal(nn.SyncBatchNorm(3)(x), nn.BatchNorm1d(3)(x))  # alone there is no sync
    with pytest.raises(ValueError, match="expected at least 2D input"):
        nn.SyncBatchNorm(3)(x[0, 0])


def test_batch_norm_of_no_images_keeps_its_statistics() -> None:
    layer = nn.BatchNorm1d(5)
    y = layer(tallow.ones(0, 5, 9))
    y.sum().backward()
    assert y.shape == (0, 5, 9)
    assert layer.running_mean.tolist() == [0] * 5
    assert layer.weight.grad.tolist() == [0] * 5
