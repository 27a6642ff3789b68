"""Anomaly detection: switching, NaN errors, forward tracebacks."""

from __future__ import annotations

import warnings

import pytest

import tallow
from tallow.autograd import detect_anomaly, set_detect_anomaly

pytestmark = pytest.mark.filterwarnings("ignore:Anomaly Detection has been enabled")


def negative_root() -> tallow.Tensor:
    return tallow.tensor([-1.0], requires_grad=True).sqrt().sum()


def test_context_switches_on_and_restores() -> None:
    with detect_anomaly(check_nan=False):
        assert tallow.is_anomaly_enabled()
        assert not tallow.is_anomaly_check_nan_enabled()
    assert not tallow.is_anomaly_enabled()
    assert tallow.is_anomaly_check_nan_enabled()


def test_context_warns_about_its_cost_where_it_is_made() -> None:
    with pytest.warns(UserWarning, match=r"^Anomaly Detection has been enabled") as caught:
        detect_anomaly()
    assert caught[0].filename == __file__


def test_function_switches_at_once() -> None:
    set_detect_anomaly(True)
    try:
        assert tallow.is_anomaly_enabled()
    finally:
        set_detect_anomaly(False)
    assert not tallow.is_anomaly_enabled()


def test_function_as_context_restores() -> None:
    with set_detect_anomaly(True):
        assert tallow.is_anomaly_enabled()
    assert not tallow.is_anomaly_enabled()


def test_nan_gradient_is_an_error_that_names_the_function() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with detect_anomaly():
            y = negative_root()
            with pytest.raises(
                RuntimeError, match=r"^Function 'SqrtBackward0' returned nan values"
            ):
                y.backward()


def test_warning_shows_the_forward_call() -> None:
    with detect_anomaly():
        y = negative_root()
        report = pytest.warns(UserWarning, match="Error detected in SqrtBackward0")
        with report as caught, pytest.raises(RuntimeError):
            y.backward()
    assert "negative_root" in str(caught[-1].message)


def test_nan_is_allowed_with_check_nan_off() -> None:
    x = tallow.tensor([-1.0], requires_grad=True)
    with set_detect_anomaly(True, check_nan=False):
        x.sqrt().sum().backward()
    assert x.grad.isnan().all()


def test_nan_is_allowed_outside() -> None:
    x = tallow.tensor([-1.0], requires_grad=True)
    x.sqrt().sum().backward()
    assert x.grad.isnan().all()
