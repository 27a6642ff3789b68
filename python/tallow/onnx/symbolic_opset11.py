"""Descriptions of operators for PyTorch's exporter: none, since nothing is exported."""

from __future__ import annotations

from tallow._absent import name_absent_ones

name_absent_ones(__name__)
