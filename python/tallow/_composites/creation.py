"""Making tensors in ways that the core does not need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tallow
from tallow._composite import composite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tallow import Tensor

__all__ = [
    *("asarray", "constant_pad_nd", "empty_permuted", "range", "resize_as_", "scalar_tensor"),
]


def scalar_tensor(s: Any, **options: Any) -> Tensor:
    """Make a 0-d tensor of the default dtype, or of the one given.

    Args:
        s: a number.
        **options: `dtype`, `device`, `requires_grad` and so on of a new tensor.

    Example:
        >>> scalar_tensor(2)
        tensor(2.)
    """
    options.setdefault("dtype", None)
    if options["dtype"] is None:
        options["dtype"] = (
            tallow.get_default_dtype() if not isinstance(s, complex) else tallow.tensor(s).dtype
        )
    return tallow.full((), s, **options)


def range(start: float, end: float | None = None, step: float = 1, **options: Any) -> Tensor:
    """Return the numbers from `start` to `end`, which belongs to them; prefer `arange`.

    Args:
        start: first number; 0 if `end` is missing.
        end: last number.
        step: distance.
        **options: `dtype`, `device` and so on of a new tensor.
    """
    if end is None:
        start, end = 0, start
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) / step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    count = int((end - start) / step) + 1
    dtype = options.pop("dtype", None) or tallow.get_default_dtype()
    return (
        start
        + step * tallow.arange(count, dtype=tallow.float64, device=options.pop("device", None))
    ).to(dtype, **options)


@composite
def constant_pad_nd(input: Tensor, pad: Sequence[int], value: float = 0) -> Tensor:
    """Put constants around a tensor; see :func:`tallow.nn.functional.pad`."""
    return tallow.nn.functional.pad(input, list(pad), "constant", value)


def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Any = None) -> Tensor:
    """Resize a tensor in place to the sizes of another."""
    if memory_format is None:
        return input.resize_(the_template.shape)
    return input.resize_(the_template.shape, memory_format=memory_format)


def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool | None = None,
) -> Tensor:
    """Make a tensor of anything that holds numbers, without a copy where possible.

    Args:
        obj: tensor, NumPy array, object with DLPack or the buffer protocol, sequence or number.
        dtype: element type.
        device: where the tensor lives.
        copy: True always copies, False never does.
        requires_grad: record operations on the result; None: if they were on `obj`.

    Raises:
        ValueError: `copy` is False, but a copy is needed.

    Example:
        >>> asarray([1, 2])
        tensor([1, 2])
    """
    if isinstance(obj, tallow.Tensor) and dtype is device is copy is requires_grad is None:
        return obj
    result = tallow.as_tensor(obj, dtype=dtype, device=device)
    shares = result is obj or (hasattr(obj, "__array_interface__") and dtype is None)
    if copy is False and not shares:
        raise ValueError("can't alias arbitrary sequence into a tensor.")
    if copy and shares:
        result = result.clone()
    if requires_grad is None or requires_grad == result.requires_grad:
        return result
    return result.requires_grad_() if requires_grad else result.detach()


def empty_permuted(size: Sequence[int], physical_layout: Sequence[int], **options: Any) -> Tensor:
    """Make a tensor of arbitrary values whose dimensions lie in memory in a given order.

    Args:
        size: its sizes.
        physical_layout: the dimensions, from the one with the largest stride to the smallest.
        **options: `dtype`, `device` and so on of a new tensor.

    Raises:
        RuntimeError: the order does not name every dimension once.

    Example:
        >>> empty_permuted((2, 3, 5, 7), (0, 2, 3, 1)).stride()
        (105, 1, 21, 3)
    """
    n = len(size)
    if len(physical_layout) != n:
        raise RuntimeError(
            "Number of dimensions in size does not match the length of the physical_layout; i.e. "
            f"len(size) = {n} is not equal to len(physical_layout) = {len(physical_layout)}"
        )
    for index, dim in enumerate(physical_layout):
        if not 0 <= dim < n:
            raise RuntimeError(
                f"Dimension out of range (expected to be between 0 and {n - 1}, but got {dim} at "
                f"index {index}).  NB: negative dims not currently supported; file an issue if you "
                "want it."
            )
    if len(set(physical_layout)) != n:
        raise RuntimeError("Duplicate dim not allowed")
    memory = tallow.empty([size[dim] for dim in physical_layout], **options)
    return memory.permute([list(physical_layout).index(dim) for dim, _ in enumerate(size)])
