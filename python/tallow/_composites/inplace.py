"""In-place functions of the top level that are methods by nature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallow._composite import check_tensors, composite

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = [
    *("as_strided_", "conj_physical_", "detach_", "i0_", "ldexp_"),
]


def _function(name: str) -> Callable[..., Tensor]:
    def call(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        check_tensors(name, input=input)
        changed: Tensor = getattr(input, name)(*args, **kwargs)
        return changed

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"Do what :meth:`tallow.Tensor.{name}` does."
    return composite(call)


as_strided_ = _function("as_strided_")
detach_ = _function("detach_")
i0_ = _function("i0_")
ldexp_ = _function("ldexp_")


@composite
def conj_physical_(input: Tensor) -> Tensor:
    """Conjugate complex numbers in place; real ones stay."""
    check_tensors("conj_physical_", input=input)
    return input.copy_(input.conj().clone()) if input.is_complex() else input
