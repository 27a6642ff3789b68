"""Averaged models and their learning-rate schedule."""

from __future__ import annotations

import pytest

import tallow
from tallow import nn
from tallow.optim import SGD, swa_utils


def set_all(model, value):
    for parameter in model.parameters():
        nn.init.constant_(parameter, value)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 3.0),
        ({"avg_fn": swa_utils.get_swa_avg_fn()}, 3.0),
        ({"multi_avg_fn": swa_utils.get_ema_multi_avg_fn(0.5)}, 3.5),
        ({"avg_fn": swa_utils.get_ema_avg_fn(0.5)}, 3.5),
        ({"use_buffers": True}, 3.0),
    ],
)
def test_averages(options, expected):
    model = nn.BatchNorm1d(2)
    averaged = swa_utils.AveragedModel(model, **options)
    for value in (0.0, 4.0, 5.0):
        set_all(model, value)
        model.running_mean.fill_(value)
        averaged.update_parameters(model)
    assert averaged.module.weight.tolist() == pytest.approx([expected] * 2)
    assert averaged.n_averaged.item() == 3
    wanted = 3.0 if "use_buffers" in options else 5.0
    assert averaged.module.running_mean.tolist() == pytest.approx([wanted] * 2)


def test_state_and_forward():
    averaged = swa_utils.AveragedModel(nn.Linear(1, 1))
    assert list(averaged.state_dict()) == ["n_averaged", "module.weight", "module.bias"]
    x = tallow.ones(1, 1)
    assert tallow.equal(averaged(x), averaged.module(x))


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"^Invalid decay value 2 provided"):
        swa_utils.get_ema_avg_fn(2)
    with pytest.raises(AssertionError, match="Only one of avg_fn and multi_avg_fn"):
        swa_utils.AveragedModel(nn.ReLU(), avg_fn=print, multi_avg_fn=print)
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=1.0)
    with pytest.raises(ValueError, match="^anneal_strategy must by one of 'cos' or 'linear'"):
        swa_utils.SWALR(optimizer, 0.1, anneal_strategy="x")
    with pytest.raises(ValueError, match="^anneal_epochs must be equal or greater than 0"):
        swa_utils.SWALR(optimizer, 0.1, anneal_epochs=-1)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"anneal_epochs": 3}, [0.5, 0.4, 0.2, 0.1, 0.1]),
        ({"anneal_epochs": 4, "anneal_strategy": "linear"}, [0.5, 0.4, 0.3, 0.2, 0.1]),
        ({"anneal_epochs": 0}, [0.1, 0.1, 0.1, 0.1, 0.1]),
    ],
)
def test_the_rate_moves_to_its_final_value(options, expected):
    optimizer = SGD(nn.Linear(1, 1).parameters(), lr=0.5)
    schedule = swa_utils.SWALR(optimizer, swa_lr=0.1, **options)
    rates = []
    for _ in expected:
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert rates == pytest.approx(expected)


def test_statistics_of_batch_normalisation_are_computed_anew():
    model = nn.BatchNorm1d(1).eval()
    batches = [tallow.tensor([[0.0], [2.0]]), [tallow.tensor([[4.0], [6.0]])]]
    swa_utils.update_bn(batches, model)
    assert model.running_mean.item() == 3
    assert model.momentum == 0.1
    assert not model.training
