"""The default source of random numbers."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from tallow._absent import name_absent_ones
from tallow._C import default_generator

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tallow import Generator, Tensor

__all__ = [
    "default_generator",
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]


def manual_seed(seed: Any) -> Generator:
    """Start the default generator anew; the same seed gives the same numbers.

    Args:
        seed: any integer from ``-2**63`` to ``2**64 - 1``.

    Returns:
        The default generator.

    Example:
        >>> _ = manual_seed(0)
        >>> tallow.rand(3)
        tensor([0.4963, 0.7682, 0.0885])
    """
    from tallow import _C

    _C._cuda.seed_all(int(seed))
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Start the default generator from a seed taken from the system; return the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """Return the seed the default generator was started with."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """Return the state of the default generator as bytes."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Put the default generator into a state returned by :func:`get_rng_state`.

    Args:
        new_state: uint8 tensor.
    """
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(
    devices: Iterable[Any] | None = None,
    enabled: bool = True,
    _caller: str = "fork_rng",
    _devices_kw: str = "devices",
    device_type: str | None = None,
) -> Iterator[None]:
    """Restore the default generator at the end of a ``with`` block.

    Args:
        devices: CUDA devices whose generators to restore too; all by default.
        enabled: ``False`` makes the block do nothing.
        device_type: kind of the devices: CUDA.
    """
    if not enabled:
        yield
        return
    from tallow import cuda

    if devices is None:
        devices = range(cuda.device_count()) if cuda.is_initialized() else ()
    before = get_rng_state()
    on_devices = [(device, cuda.get_rng_state(device)) for device in devices]
    try:
        yield
    finally:
        set_rng_state(before)
        for device, state in on_devices:
            cuda.set_rng_state(state, device)


name_absent_ones(__name__)
