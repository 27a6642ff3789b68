"""Anomaly detection: find the forward call behind a bad gradient."""

from __future__ import annotations

import warnings

from tallow import _C

__all__ = ["detect_anomaly", "set_detect_anomaly"]


class set_detect_anomaly:
    """Switch anomaly detection on or off, at once; as a context manager the old mode comes back.

    While it is on every recorded operation remembers its Python traceback, and a backward
    function that raises or returns NaN names the forward call it belongs to.

    Args:
        mode: whether to detect anomalies.
        check_nan: whether NaN in a gradient is an error.

    Example:
        >>> with tallow.autograd.set_detect_anomaly(True):
        ...     tallow.is_anomaly_enabled()
        True
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = _C.is_anomaly_enabled(), _C.is_anomaly_check_nan_enabled()
        _C._set_anomaly_enabled(mode, check_nan)

    def __enter__(self) -> None:
        """Do nothing: the constructor has switched the mode."""

    def __exit__(self, *exc_info: object) -> None:
        _C._set_anomaly_enabled(*self._before)


class detect_anomaly:
    """Detect anomalies inside a ``with`` block; see :class:`set_detect_anomaly`.

    Args:
        check_nan: whether NaN in a gradient is an error.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._before = _C.is_anomaly_enabled(), _C.is_anomaly_check_nan_enabled()
        self.check_nan = check_nan
        warnings.warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should "
            "only be enabled for debugging.",
            stacklevel=2,
        )

    def __enter__(self) -> None:
        self._before = _C.is_anomaly_enabled(), _C.is_anomaly_check_nan_enabled()
        _C._set_anomaly_enabled(True, self.check_nan)

    def __exit__(self, *exc_info: object) -> None:
        _C._set_anomaly_enabled(*self._before)
