"""Names for type annotations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import IO, Any, TypeAlias, Union

from tallow import Size, Tensor, dtype
from tallow._C import device as _device

__all__ = ["Device", "FileLike", "Number", "Size", "Storage"]

_TensorOrTensors: TypeAlias = Union[Tensor, Sequence[Tensor]]  # noqa: UP007
_TensorOrOptionalTensors: TypeAlias = Union[Tensor, Sequence[Tensor | None]]  # noqa: UP007
_size: TypeAlias = Union[Size, list[int], tuple[int, ...]]  # noqa: UP007

Number: TypeAlias = Union[int, float, bool]  # noqa: UP007
Device: TypeAlias = Union[_device, str, int, None]  # noqa: UP007
FileLike: TypeAlias = Union[str, os.PathLike[str], IO[bytes]]  # noqa: UP007
Storage: TypeAlias = Any
SymInt: TypeAlias = int
SymFloat: TypeAlias = float
SymBool: TypeAlias = bool

# Types that are public under other names.
_int, _float, _bool, _complex, _str, _bytes = int, float, bool, complex, str, bytes
_dtype = dtype
