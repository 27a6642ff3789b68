"""Running modules on several devices."""

from __future__ import annotations

from tallow._absent import name_absent_ones
from tallow.nn.parallel.data_parallel import DataParallel, data_parallel
from tallow.nn.parallel.distributed import DistributedDataParallel

__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]

name_absent_ones(__name__)
