"""Training one module in several processes; here the group has one."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from tallow import distributed
from tallow.nn.modules.module import Module

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DistributedDataParallel"]


class DistributedDataParallel(Module):
    """Call the wrapped module; in a group of one there are no gradients to average.

    Args:
        module: what is called. At least one parameter requires a gradient.
        device_ids: no device, or one.
        output_device: accepted.
        dim: accepted.
        broadcast_buffers: accepted.
        init_sync: accepted.
        process_group: accepted.
        bucket_cap_mb: accepted.
        find_unused_parameters: accepted.
        **others: accepted: they tune the exchange with other processes.

    Raises:
        ValueError: no process group was made, or more than one device is named.
        RuntimeError: no parameter requires a gradient.
    """

    def __init__(
        self,
        module: Module,
        device_ids: list[Any] | None = None,
        output_device: Any = None,
        dim: int = 0,
        broadcast_buffers: bool = True,
        init_sync: bool = True,
        process_group: Any = None,
        bucket_cap_mb: float | None = None,
        find_unused_parameters: bool = False,
        **others: Any,
    ) -> None:
        super().__init__()
        self.process_group = distributed.new_group() if process_group is None else process_group
        if not any(parameter.requires_grad for parameter in module.parameters()):
            raise RuntimeError(
                "DistributedDataParallel is not needed when a module doesn't have any "
                "parameter that requires a gradient."
            )
        if device_ids is not None and len(device_ids) > 1:
            raise ValueError("device_ids can only be None or contain a single element.")
        self.module = module
        self.device_ids = device_ids
        self.output_device = output_device
        self.dim = dim
        self.broadcast_buffers = broadcast_buffers
        self.find_unused_parameters = find_unused_parameters
        self.require_backward_grad_sync = True

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        """Call the wrapped module."""
        return self.module(*inputs, **kwargs)

    @contextlib.contextmanager
    def no_sync(self) -> Iterator[None]:
        """Leave gradients of a block unaveraged, which they are in a group of one."""
        before, self.require_backward_grad_sync = self.require_backward_grad_sync, False
        try:
            yield
        finally:
            self.require_backward_grad_sync = before
