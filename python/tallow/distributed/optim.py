"""Optimisers for several processes; here the group has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tallow.optim.optimizer import Optimizer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["ZeroRedundancyOptimizer"]


class ZeroRedundancyOptimizer(Optimizer):
    """Share an optimiser's state out among processes: in a group of one, run that optimiser.

    Args:
        params: parameters, as for the optimiser.
        optimizer_class: the optimiser to run.
        process_group: accepted.
        parameters_as_bucket_view: accepted.
        overlap_with_ddp: has to be False.
        **defaults: options of the optimiser.

    Raises:
        NotImplementedError: `overlap_with_ddp` is True.

    Example:
        >>> from tallow.distributed.optim import ZeroRedundancyOptimizer
        >>> weight = tallow.nn.Parameter(tallow.ones(1))
        >>> optimizer = ZeroRedundancyOptimizer([weight], tallow.optim.SGD, lr=0.5)
        >>> weight.sum().backward()
        >>> optimizer.step()
        >>> weight.item()
        0.5
    """

    def __init__(
        self,
        params: Iterable[Any],
        optimizer_class: type[Optimizer],
        process_group: Any = None,
        parameters_as_bucket_view: bool = False,
        overlap_with_ddp: bool = False,
        **defaults: Any,
    ) -> None:
        if overlap_with_ddp:
            raise NotImplementedError(
                "ZeroRedundancyOptimizer: overlap_with_ddp=True is not supported"
            )
        self.optim = optimizer_class(params, **defaults)
        super().__init__(self.optim.param_groups, self.optim.defaults)
        # One state and one list of groups, whichever of the two is asked.
        self.optim.param_groups, self.optim.state = self.param_groups, self.state

    def step(self, closure: Callable[[], Any] | None = None, **kwargs: Any) -> Any:
        """Run a step of the optimiser."""
        return self.optim.step(closure, **kwargs)

    def consolidate_state_dict(self, to: int = 0) -> None:
        """Collect the state of all processes: it is all here."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Load the state of the optimiser."""
        super().load_state_dict(state_dict)
        self.optim.param_groups, self.optim.state = self.param_groups, self.state
