"""Looking at the recorded graph, and hooks on what it saves and computes."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import tallow
from tallow import _C
from tallow._absent import absent
from tallow.utils.hooks import RemovableHandle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tallow import Tensor
    from tallow._explain.graph import record_scopes

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "record_scopes",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


# One recorded operation: what ``tensor.grad_fn`` is. Nodes have ``name()``, ``next_functions``
# (pairs of the node that receives the gradient of an input and the output of that node it belongs
# to), ``register_hook(fn)`` and ``register_prehook(fn)``.
Node = _C.Node


def __getattr__(name: str) -> Any:
    if name == "record_scopes":  # loaded when it is used
        from tallow._explain.graph import record_scopes

        return record_scopes
    raise absent(__name__, name)


class GradientEdge(NamedTuple):
    """A place in the graph where a gradient flows: output `output_nr` of `node`."""

    node: Any
    output_nr: int
    ownership_token: Any = None


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Return the edge that receives the gradient of `tensor`.

    Args:
        tensor: any tensor that requires gradients.

    Raises:
        RuntimeError: `tensor` does not require gradients.

    Example:
        >>> x = tallow.ones(1, requires_grad=True)
        >>> get_gradient_edge(x * 2).node.name()
        'MulBackward0'
    """
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require "
            "gradients"
        )
    return GradientEdge(_C._accumulate_node(tensor), tensor.output_nr)


def increment_version(tensor: Tensor | Iterable[Tensor]) -> None:
    """Count a write that autograd could not see, so that stale saved tensors are noticed.

    Args:
        tensor: the tensor, or tensors, that were written by other means.
    """
    for one in (tensor,) if isinstance(tensor, tallow.Tensor) else tensor:
        _C._increment_version(one)


class _Disabled(threading.local):
    """Why saved-tensor hooks are refused in this thread, and how many are active."""

    message: str | None = None
    active: int = 0


_hooks_state = _Disabled()


class saved_tensors_hooks:
    """Replace what is kept for the backward pass inside a ``with`` block.

    Args:
        pack_hook: turns a tensor that is to be saved into any object.
        unpack_hook: turns that object back into a tensor with the same contents.

    Example:
        >>> x = tallow.ones(2, requires_grad=True)
        >>> with saved_tensors_hooks(lambda t: t.tolist(), tallow.tensor):
        ...     y = (x * x).sum()
        >>> y.backward()
        >>> x.grad
        tensor([2., 2.])
    """

    def __init__(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> None:
        if _hooks_state.message is not None:
            raise RuntimeError(_hooks_state.message)
        _C._push_saved_tensors_hooks(self.pack_hook, self.unpack_hook)
        _hooks_state.active += 1

    def __exit__(self, *exc_info: object) -> None:
        _hooks_state.active -= 1
        _C._pop_saved_tensors_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Keep what is saved for backward in main memory, and bring it back when it is needed.

    Args:
        pin_memory: copy through page-locked memory when the tensor is on an accelerator.
        device_type: the accelerator the pinned copies are for.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        def pack(tensor: Tensor) -> tuple[tallow.device, Tensor]:
            if not pin_memory:
                return tensor.device, tensor.cpu()
            available = tallow.cuda.is_available() and not tensor.is_sparse
            copy = tallow.empty(
                tensor.size(),
                dtype=tensor.dtype,
                device=tensor.device,
                layout=tensor.layout,
                pin_memory=available,
            )
            copy.copy_(tensor)
            return tensor.device, copy

        def unpack(packed: tuple[tallow.device, Tensor]) -> Tensor:
            device, tensor = packed
            return tensor.to(device, non_blocking=pin_memory)

        super().__init__(pack, unpack)
        self.device_type = device_type


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Refuse :class:`saved_tensors_hooks` inside a ``with`` block.

    Args:
        error_message: text of the error that using them raises.

    Raises:
        RuntimeError: hooks are already active.
    """
    if _hooks_state.active:
        raise RuntimeError(error_message)
    before = _hooks_state.message
    _hooks_state.message = error_message
    try:
        yield
    finally:
        _hooks_state.message = before


@contextlib.contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[None]:
    """Let tensors be written in place after they were saved for backward.

    Every saved tensor is copied when it is saved, so later writes cannot change it; this trades
    memory for freedom.
    """
    with saved_tensors_hooks(lambda tensor: tensor.detach().clone(), lambda saved: saved):
        yield


class _MultiGradHook:
    """Collects the gradients of several tensors in one backward pass."""

    def __init__(self, tensors: Sequence[Tensor], fn: Callable[..., None], first_only: bool):
        self._nodes = [_C._accumulate_node(tensor) for tensor in tensors]
        self._fn = fn
        self._first_only = first_only
        self._lock = threading.Lock()
        # Per backward pass: gradients so far, how many have come, how many will.
        self._passes: dict[int, tuple[list[Tensor | None], int, int]] = {}
        self._done: int = -1

    def receive(self, index: int, grad: Tensor) -> None:
        """Note the gradient of tensor `index`; call the user's function when it is due."""
        task = _C._current_graph_task_id()
        if self._first_only:
            with self._lock:
                if self._done == task:
                    return
                self._done = task
            self._fn(grad)
            return
        with self._lock:
            if task not in self._passes:
                expected = sum(map(_C._will_engine_execute_node, self._nodes))
                self._passes[task] = [None] * len(self._nodes), 0, expected
            grads, received, expected = self._passes[task]
            grads[index] = grad
            received += 1
            self._passes[task] = grads, received, expected
            if received < expected:
                return
            del self._passes[task]
        self._fn(grads)


class _JointHandle(RemovableHandle):
    """Removes one hook from several tensors."""

    def __init__(self, handles: list[RemovableHandle]) -> None:
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()

    def __getstate__(self) -> Any:
        return self.handles

    def __setstate__(self, state: Any) -> None:
        self.handles = state


def register_multi_grad_hook(
    tensors: Sequence[Tensor],
    fn: Callable[..., None],
    *,
    mode: str = "all",
) -> RemovableHandle:
    """Call `fn` once per backward pass with the gradients of several tensors.

    Args:
        tensors: tensors that require gradients.
        fn: with ``mode='all'`` receives a list with one gradient, or ``None``, per tensor as
            soon as all that this pass computes are known; with ``mode='any'`` receives the first
            gradient that becomes known. Its return value is ignored.
        mode: ``'all'`` or ``'any'``.

    Returns:
        A handle whose ``remove()`` takes the hook away.

    Raises:
        ValueError: unknown mode.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    collector = _MultiGradHook(tensors, fn, mode == "any")
    handles = [
        tensor.register_hook(functools.partial(collector.receive, i))
        for i, tensor in enumerate(tensors)
    ]
    return _JointHandle(handles)
