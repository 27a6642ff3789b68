"""NumPy scalars and arrays in restricted loads, limited to plain numbers.

PyTorch refuses them. Training scripts often save ``np.float64`` losses, so here they load, through
constructors that check every argument before NumPy sees it.
"""

from __future__ import annotations

import pickle
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ARRAY", "FUNCTIONS", "set_state", "takes_state"]

UnpicklingError = pickle.UnpicklingError

# Kind and size in bytes of the numbers that are let through.
_PLAIN = re.compile(r"b1|[iu][1248]|f[248]|c(8|16)")


class _ArrayClass:
    """Stands for the class ``numpy.ndarray`` inside a file."""


ARRAY = _ArrayClass()


def _dtype(code: Any, align: Any = False, copy: Any = True) -> Any:
    import numpy

    if type(code) is not str or not _PLAIN.fullmatch(code):
        raise UnpicklingError(f"NumPy data of type {code!r} is not allowed")
    # A copy of its own: the state that follows may change the byte order in place.
    return numpy.dtype(code, False, True)


def _is_plain(dtype: Any) -> bool:
    import numpy

    return isinstance(dtype, numpy.dtype) and bool(
        _PLAIN.fullmatch(f"{dtype.kind}{dtype.itemsize}")
    )


def _scalar(dtype: Any, data: Any) -> Any:
    import numpy

    if not _is_plain(dtype) or type(data) is not bytes or len(data) != dtype.itemsize:
        raise UnpicklingError("a NumPy scalar does not match its type")
    return numpy.frombuffer(data, dtype)[0]


def _reconstruct(kind: Any, shape: Any, code: Any) -> Any:
    import numpy

    if kind is not ARRAY or shape != (0,):
        raise UnpicklingError("only plain NumPy arrays are allowed")
    return numpy.empty((0,), numpy.int8)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "numpy.dtype": _dtype,
    "numpy.core.multiarray.scalar": _scalar,
    "numpy._core.multiarray.scalar": _scalar,
    "numpy.core.multiarray._reconstruct": _reconstruct,
    "numpy._core.multiarray._reconstruct": _reconstruct,
}


def takes_state(obj: Any) -> bool:
    """Tell whether an object is a NumPy array or data type made here."""
    import sys

    numpy = sys.modules.get("numpy")
    return numpy is not None and (
        type(obj) is numpy.ndarray or (isinstance(obj, numpy.dtype) and _is_plain(obj))
    )


def set_state(obj: Any, state: Any) -> None:
    """Give an array its shape, type and bytes, or a data type its byte order.

    Raises:
        UnpicklingError: the state does not fit.
    """
    import numpy

    if isinstance(obj, numpy.dtype):
        order = state[1] if type(state) is tuple and len(state) == 8 else None
        if order not in ("<", ">", "=", "|") or state[2:] != (None, None, None, -1, -1, 0):
            raise UnpicklingError("only plain NumPy data types are allowed")
        obj.__setstate__((3, *state[1:]))  # type: ignore[attr-defined]
        return
    if type(state) is not tuple or len(state) != 5:
        raise UnpicklingError("the state of a NumPy array is damaged")
    _, shape, dtype, fortran, data = state
    count = 1
    if type(shape) is not tuple or not all(type(n) is int and n >= 0 for n in shape):
        raise UnpicklingError(f"the shape {shape!r} of a NumPy array is damaged")
    for n in shape:
        count *= n
    if not _is_plain(dtype) or type(data) is not bytes or len(data) != count * dtype.itemsize:
        raise UnpicklingError("a NumPy array does not match its shape and type")
    obj.__setstate__((1, shape, dtype, bool(fortran), data))
