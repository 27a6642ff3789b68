"""The random number generators of CUDA devices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallow import _C
from tallow.cuda._device import _index, device_count

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tallow import Tensor

__all__ = [
    "get_rng_state",
    "get_rng_state_all",
    "initial_seed",
    "manual_seed",
    "manual_seed_all",
    "seed",
    "seed_all",
    "set_rng_state",
    "set_rng_state_all",
]

_runtime = _C._cuda


def get_rng_state(device: Any = "cuda") -> Tensor:
    """Return the state of a device's generator as a tensor of bytes on the CPU."""
    return _runtime.default_generator(_index(device)).get_state()


def get_rng_state_all() -> list[Tensor]:
    """Return the states of all devices' generators."""
    return [get_rng_state(i) for i in range(device_count())]


def set_rng_state(new_state: Tensor, device: Any = "cuda") -> None:
    """Set the state of a device's generator."""
    _runtime.default_generator(_index(device)).set_state(new_state)


def set_rng_state_all(new_states: Iterable[Tensor]) -> None:
    """Set the states of all devices' generators."""
    for i, state in enumerate(new_states):
        set_rng_state(state, i)


def manual_seed(seed: int) -> None:
    """Seed the current device's generator; before CUDA is used, that of every device."""
    if _runtime.is_initialized():
        _runtime.default_generator(_index()).manual_seed(int(seed))
    else:
        _runtime.seed_all(int(seed))


def manual_seed_all(seed: int) -> None:
    """Seed the generators of all devices, also of those that are used later."""
    _runtime.seed_all(int(seed))


def seed() -> None:
    """Seed the current device's generator with a number nobody can predict."""
    if device_count():
        _runtime.default_generator(_index()).seed()


def seed_all() -> None:
    """Seed all devices' generators with one number nobody can predict."""
    if device_count():
        _runtime.seed_all(_runtime.default_generator(0).seed())


def initial_seed() -> int:
    """Return the seed of the current device's generator."""
    return _runtime.default_generator(_index()).initial_seed()
