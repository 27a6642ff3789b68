"""Version strings that compare by version number instead of letter by letter."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["TorchVersion"]

# Release number, optional pre-release, post-release or development mark, optional local part.
# Source: PEP 440.
_PATTERN = re.compile(
    r"v?(?P<release>\d+(?:\.\d+)*)"
    r"(?:[-_.]?(?P<pre>a|alpha|b|beta|c|rc|pre|preview)[-_.]?(?P<pre_n>\d*))?"
    r"(?:[-_.]?(?P<post>post|rev|r)[-_.]?(?P<post_n>\d*))?"
    r"(?:[-_.]?(?P<dev>dev)[-_.]?(?P<dev_n>\d*))?"
    r"(?:\+(?P<local>[a-z0-9._-]+))?",
    re.IGNORECASE,
)
_PRE_RANK = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}


def _key(version: Any) -> tuple[Any, ...]:
    if isinstance(version, (tuple, list)):
        version = ".".join(map(str, version))
    match = _PATTERN.fullmatch(str(version).strip())
    if match is None:
        raise ValueError(f"not a version: {version!r}")
    release = [int(part) for part in match["release"].split(".")]
    while len(release) > 1 and release[-1] == 0:
        release.pop()
    final = 3
    stage = final if match["pre"] is None else _PRE_RANK[match["pre"].lower()]
    if stage == final and match["dev"] and not match["post"]:
        stage = -1  # 1.0.dev1 comes before 1.0a1
    local = re.split(r"[._-]", match["local"].lower()) if match["local"] else []
    return (
        tuple(release),
        stage,
        int(match["pre_n"] or 0),
        -1 if match["post"] is None else int(match["post_n"] or 0),
        float("inf") if match["dev"] is None else int(match["dev_n"] or 0),
        tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in local),
    )


class TorchVersion(str):
    """A string such as ``'2.13.0'`` that is greater than ``'2.8'``.

    Compares with strings and with tuples of numbers; anything that is no version compares as
    text.

    Example:
        >>> TorchVersion("2.13.0") > "2.8"
        True
        >>> TorchVersion("2.13.0") >= (2, 13)
        True
    """

    __slots__ = ()

    def _compare(self, other: Any, operation: str) -> bool:
        try:
            return bool(getattr(_key(str(self)), operation)(_key(other)))
        except ValueError:
            return bool(getattr(str(self), operation)(other))

    def __lt__(self, other: Any) -> bool:
        return self._compare(other, "__lt__")

    def __le__(self, other: Any) -> bool:
        return self._compare(other, "__le__")

    def __gt__(self, other: Any) -> bool:
        return self._compare(other, "__gt__")

    def __ge__(self, other: Any) -> bool:
        return self._compare(other, "__ge__")

    def __eq__(self, other: object) -> bool:
        return self._compare(other, "__eq__")

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()
