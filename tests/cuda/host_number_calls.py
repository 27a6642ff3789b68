"""Call operators on CUDA tensors with one 0-d CPU tensor, on a page that is closed to kernels.

Kernels get such numbers by value, or the call is refused. On a GPU one that reads host memory ends
the context, here it ends the process; the last line printed says which. Run by
test_bad_input_on_cuda.py.
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import mmap
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import op_run
import tallow
from op_case import Filled, OpCase, filled, load_cases, map_leaves


class HostPage:
    """One page of host memory, closed while kernels run: one that reads it ends the process."""

    def __init__(self) -> None:
        self.map = mmap.mmap(-1, mmap.PAGESIZE)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        self.libc = ctypes.CDLL(None)

    def one(self, dtype: tallow.dtype) -> tallow.Tensor:
        return tallow.frombuffer(self.map, dtype=dtype, count=1).reshape(()).fill_(1)

    def protect(self, closed: bool) -> None:
        address = ctypes.c_void_p(self.address)
        assert self.libc.mprotect(address, mmap.PAGESIZE, 0 if closed else 3) == 0


def with_number(case: OpCase, arguments: Any, place: int, number: Any) -> tuple[Any, Any]:
    """The arguments on the device, but `number(dtype)` for the tensor in one place."""
    counter = itertools.count()

    def put(argument: Filled) -> Any:
        tensor = op_run.make_tensor(tallow, argument)
        return number(tensor.dtype) if next(counter) == place else tensor.cuda()

    return map_leaves(put, Filled, arguments)


def calls_with_numbers() -> Iterator[tuple[OpCase, Any, int]]:
    for case in load_cases():
        for number, sample in case.all_samples():
            if (count := len(sample.tensors())) > 1:
                arguments = filled(case, number, sample, case.dtypes[0])
                for place in range(count):
                    yield case, arguments, place


def main() -> None:
    page = HostPage()
    for case, arguments, place in calls_with_numbers():
        function = case.function(tallow)
        for make in (lambda d: tallow.ones((), dtype=d, device="cuda"), page.one):
            args, kwargs = with_number(case, arguments, place, make)
            print(f"{case.id}, tensor {place}", flush=True)
            try:
                function(*args, **kwargs)
            except (RuntimeError, ValueError, IndexError, TypeError, AssertionError):
                break  # not a call for 0-d tensors, or one that refuses those of the CPU
            finally:
                page.protect(True)
                with contextlib.suppress(IndexError):
                    tallow.cuda.synchronize()
                page.protect(False)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
