"""Measuring how long a statement takes: repeated runs, and tables that compare them."""

from __future__ import annotations

from tallow._absent import name_absent_ones

from ._compare import Compare
from ._measurement import Measurement, TaskSpec, select_unit, trim_sigfig
from ._timer import Timer, timer

__all__ = ["Compare", "Measurement", "TaskSpec", "Timer", "select_unit", "timer", "trim_sigfig"]

name_absent_ones(__name__)
