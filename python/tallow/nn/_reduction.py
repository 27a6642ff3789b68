"""How a loss reduces its elements: names, codes, and the arguments of old programs."""

from __future__ import annotations

import warnings

from tallow._user_frame import outside_stacklevel

_CODES = {"none": 0, "mean": 1, "sum": 2}


def get_enum(reduction: str) -> int:
    """Return the code of a reduction that the native losses take.

    Raises:
        ValueError: there is no such reduction.
    """
    code = _CODES.get(reduction)
    if code is not None:
        return code
    if reduction == "elementwise_mean":
        warnings.warn(
            "reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.",
            stacklevel=outside_stacklevel(),
        )
        return 1
    raise ValueError(f"{reduction} is not a valid value for reduction")


def legacy_get_string(
    size_average: bool | None, reduce: bool | None, emit_warning: bool = True
) -> str:
    """Return the reduction that the two flags of old programs mean; ``None`` counts as true."""
    whole = "sum" if size_average is False else "mean"
    reduction = "none" if reduce is False else whole
    if emit_warning:
        warnings.warn(
            "size_average and reduce args will be deprecated, please use "
            f"reduction='{reduction}' instead.",
            stacklevel=outside_stacklevel(),
        )
    return reduction


def legacy_get_enum(
    size_average: bool | None, reduce: bool | None, emit_warning: bool = True
) -> int:
    """Return the code of what :func:`legacy_get_string` returns."""
    return get_enum(legacy_get_string(size_average, reduce, emit_warning))
