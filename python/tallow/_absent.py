"""The error for a name that PyTorch may have and this package has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn

__all__ = ["AbsentName", "absent", "name_absent_ones"]

# Why names of PyTorch are not here, and what to use; the first pattern that matches counts.
_REASONS = (
    (
        r"sparse|_indices_copy|^s?spaddmm|^[dhs]{1,2}p?mm$",
        "of sparse layouts there are sparse_coo and sparse_csr; see tallow.sparse",
    ),
    (r"^(masked|nested)$", "masked and nested tensors are not supported: pad, and use a bool mask"),
    (
        r"^(quantiz|dequantiz|q_|q?u?int\d+x?\d*$|qu?int|fake_quant|fbgemm)",
        "quantised and odd integer types are not supported: use int8 .. int64, uint8 .. uint64",
    ),
    (r"^float4_", "numbers of 4 bits are not supported: use float8_e4m3fn"),
    (r"^(mkldnn|cudnn|miopen)_", "it is a kernel of a library that is not used here"),
    (r"^(export|package)$", "nothing is traced, so there is no program to export"),
)


class AbsentName(AttributeError):
    """A module has no such attribute; the text names the most similar one.

    The search waits until somebody reads the text, since ``hasattr`` fails often.

    Example:
        >>> str(AbsentName("tallow", "zeross", lambda: ["zeros", "ones"])).splitlines()[0]
        "module 'tallow' has no attribute 'zeross'; the most similar name here is 'zeros'"
    """

    def __init__(self, module: str, name: str, known: Callable[[], Iterable[str]]) -> None:
        super().__init__(f"module {module!r} has no attribute {name!r}", name=name)
        self._known = known

    def __str__(self) -> str:
        import difflib
        import re

        text = super().__str__()
        for pattern, reason in _REASONS:
            if re.search(pattern, self.name or ""):
                return f"{text}: {reason}"
        similar = difflib.get_close_matches(self.name or "", list(self._known()), 1, 0.6)
        return f"{text}; the most similar name here is {similar[0]!r}" if similar else text


def name_absent_ones(module: str) -> None:
    """Give a module that has all its names a ``__getattr__`` that names similar ones.

    Type checkers do not see it, so that they still know which names there are.

    Args:
        module: its name.

    Example:
        >>> try:
        ...     tallow.random.manual_sead
        ... except AttributeError as error:
        ...     print(error)
        module 'tallow.random' has no attribute 'manual_sead'; the most similar name here is
        'manual_seed'
    """
    import sys

    names = vars(sys.modules[module])

    def __getattr__(name: str) -> NoReturn:
        raise absent(module, name)

    names["__getattr__"] = __getattr__


def absent(module: str, name: str) -> AbsentName:
    """Return the error for a name that a module has not."""
    import sys

    names = vars(sys.modules[module])
    return AbsentName(module, name, lambda: [known for known in names if known[:1] != "_"])
