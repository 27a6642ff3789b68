"""Trading time for memory: computing activations again in backward instead of keeping them."""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C, autograd
from tallow._absent import name_absent_ones
from tallow.amp.autocast_mode import autocast_as_now

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from tallow import Tensor

    ContextPair = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]

__all__ = [
    "CheckpointError",
    "checkpoint",
    "checkpoint_sequential",
    "get_device_states",
    "noop_context_fn",
    "set_checkpoint_early_stop",
    "set_device_states",
]

_early_stop_override: bool | None = None


class CheckpointError(RuntimeError):
    """The function saved other tensors when it was run again."""


class _StopRecomputation(Exception):
    """Everything that was missing has been computed."""


def noop_context_fn() -> ContextPair:
    """Return two contexts that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


@contextlib.contextmanager
def set_checkpoint_early_stop(enable: bool) -> Iterator[None]:
    """Decide whether checkpoints made in a ``with`` block stop as soon as they can.

    Args:
        enable: overrides the argument ``early_stop`` of :func:`checkpoint`.
    """
    global _early_stop_override
    before, _early_stop_override = _early_stop_override, enable
    try:
        yield
    finally:
        _early_stop_override = before


def get_device_states(*args: Any) -> tuple[list[int], list[Tensor]]:
    """Return the CUDA devices that tensors are on, and the states of their generators.

    Args:
        args: anything; what is no tensor, or not on such a device, does not count.
    """
    devices = sorted({x.get_device() for x in args if isinstance(x, tallow.Tensor) and x.is_cuda})
    return devices, [tallow.cuda.get_rng_state(device) for device in devices]


def set_device_states(devices: Any, states: Any, *, device_type: str | None = None) -> None:
    """Put states back that :func:`get_device_states` returned."""
    for device, state in zip(devices, states, strict=True):
        tallow.cuda.set_rng_state(state, device)


class _RandomState:
    """The states of the default generators, to be put back while a function runs again."""

    def __init__(self) -> None:
        self._state = tallow.get_rng_state()
        self._on_devices: list[Tensor] = []
        if tallow._C._cuda.is_loaded() and tallow.cuda.is_initialized():
            self._on_devices = tallow.cuda.get_rng_state_all()

    def _put_back(self) -> None:
        tallow.set_rng_state(self._state)
        if self._on_devices:
            tallow.cuda.set_rng_state_all(self._on_devices)

    @contextlib.contextmanager
    def restored(self) -> Iterator[None]:
        present = _RandomState()
        self._put_back()
        try:
            yield
        finally:
            present._put_back()


@contextlib.contextmanager
def _inside(blocks: Sequence[AbstractContextManager[Any]]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for block in blocks:
            stack.enter_context(block)
        yield


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], ContextPair] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    **kwargs: Any,
) -> Any:
    """Call a function without keeping what its backward needs; compute that again in backward.

    Args:
        function: called with ``args`` and ``kwargs``, once now and once in backward. It must
            compute the same both times.
        args: its arguments.
        use_reentrant: False saves nothing and runs the function again when the first saved tensor
            is wanted. True runs it inside a backward of its own, which works only for
            ``backward()`` without ``inputs``, only for tensors among ``args``, and only if one of
            them requires a gradient. The default is True, with a warning.
        context_fn: returns two contexts, one for each run; not with ``use_reentrant``.
        determinism_check: ``"default"`` compares shape, dtype and device of the saved tensors,
            ``"none"`` compares nothing.
        debug: accepted for compatibility; the messages are always the detailed ones.
        early_stop: stop the second run as soon as the last saved tensor is there.
        kwargs: keyword arguments of the function; ``preserve_rng_state=False`` is taken away and
            means that the second run need not draw the same random numbers.

    Returns:
        What the function returns.

    Raises:
        ValueError: an option that does not go with ``use_reentrant``.
        CheckpointError: in backward, when the second run saved other tensors.

    Source: Chen et al., Training deep nets with sublinear memory cost, arXiv:1604.06174.

    Example:
        >>> import tallow
        >>> from tallow.utils.checkpoint import checkpoint
        >>> x = tallow.zeros(2, requires_grad=True)
        >>> checkpoint(tallow.exp, x, use_reentrant=False).sum().backward()
        >>> x.grad
        tensor([1., 1.])
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. "
            "use_reentrant=False is recommended; the default is still use_reentrant=True.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = bool(kwargs.pop("preserve_rng_state", True))
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug:
            raise ValueError(
                "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
            )
        return CheckpointFunction.apply(function, preserve, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(
            f"determinism_check should be one of ['default', 'none'], but got {determinism_check}"
        )
    first, again = context_fn()
    if _early_stop_override is not None:
        early_stop = _early_stop_override
    if not tallow.is_grad_enabled():
        with first:
            return function(*args, **kwargs)

    def run_again() -> None:
        with again:
            function(*args, **kwargs)

    frame = _Frame(run_again, preserve, early_stop, determinism_check == "default")
    with autograd.graph.saved_tensors_hooks(frame.pack, frame.unpack), first:
        return function(*args, **kwargs)


class _Frame:
    """What one checkpointed call knows: how to run again, and what it would have saved.

    In place of its n-th saved tensor the graph holds the number n.
    """

    def __init__(
        self, run_again: Callable[[], None], preserve_rng: bool, early_stop: bool, check: bool
    ) -> None:
        self._run_again = run_again
        self._random = _RandomState() if preserve_rng else None
        self._autocast = autocast_as_now()
        self._early_stop = early_stop
        self._check = check
        self._expected: list[tuple[Any, ...]] = []
        self._computed: dict[int, Tensor] = {}

    def pack(self, tensor: Tensor) -> int:
        self._expected.append(_metadata(tensor))
        return len(self._expected) - 1

    def unpack(self, number: int) -> Tensor:
        if number not in self._computed:
            self._recompute()
        # Taken out, so that memory is free as soon as the node that asked is done. A second
        # backward over the same graph computes everything again.
        return self._computed.pop(number)

    def _recompute(self) -> None:
        computed: dict[int, Tensor] = {}
        total = len(self._expected)
        saved = 0
        # A backward that is itself recorded needs the history of what is computed here.
        recorded = tallow.is_grad_enabled()

        def keep(tensor: Tensor) -> Tensor | None:
            nonlocal saved
            number, saved = saved, saved + 1
            if number < total:
                computed[number] = tensor if recorded else tensor.detach()
            if saved == total and self._early_stop:
                raise _StopRecomputation
            return tensor if recorded else None

        def give_back(tensor: Tensor | None) -> Tensor:
            if tensor is None:
                raise CheckpointError(
                    "torch.utils.checkpoint: a checkpointed function may not run backward over "
                    "what it has itself computed"
                )
            return tensor

        random = contextlib.nullcontext() if self._random is None else self._random.restored()
        with (
            random,
            _inside(self._autocast),
            tallow.enable_grad(),
            autograd.graph.saved_tensors_hooks(keep, give_back),
            contextlib.suppress(_StopRecomputation),
        ):
            self._run_again()
        self._compare(computed, saved)
        self._computed = computed

    def _compare(self, computed: dict[int, Tensor], saved: int) -> None:
        total = len(self._expected)
        if saved < total or (saved > total and not self._early_stop):
            raise CheckpointError(
                "torch.utils.checkpoint: A different number of tensors was saved during the "
                "original forward and recomputation.\n"
                f"Number of tensors saved during forward: {total}\n"
                f"Number of tensors saved during recomputation: {saved}."
            )
        if not self._check:
            return
        differences = [
            f"tensor at position {number}:\nsaved metadata: {expected}\n"
            f"recomputed metadata: {_metadata(computed[number])}"
            for number, expected in enumerate(self._expected)
            if _metadata(computed[number]) != expected
        ]
        if differences:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have "
                "different metadata than during the forward pass.\n" + "\n".join(differences)
            )


def _metadata(tensor: Tensor) -> tuple[Any, ...]:
    return (tuple(tensor.shape), tensor.dtype, tensor.device)


class CheckpointFunction(autograd.Function):
    """The reentrant variant: a node whose backward runs the function and a backward of it."""

    @staticmethod
    def forward(ctx: Any, function: Any, preserve_rng: bool, *args: Any) -> Any:
        """Run the function without recording it."""
        if not any(isinstance(arg, tallow.Tensor) and arg.requires_grad for arg in args):
            warnings.warn(
                "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=4
            )
        ctx.function = function
        ctx.random = _RandomState() if preserve_rng else None
        ctx.autocast = autocast_as_now()
        # Tensors go the way that checks for in-place changes; the rest is kept as it is.
        ctx.others = [None if isinstance(arg, tallow.Tensor) else arg for arg in args]
        ctx.places = [i for i, arg in enumerate(args) if isinstance(arg, tallow.Tensor)]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        return function(*args)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> tuple[Any, ...]:
        """Run the function again, recorded, and backward through it."""
        if _C._pass_is_partial():
            raise RuntimeError(
                f"When use_reentrant=True, {_C._get_namespace()}.utils.checkpoint is incompatible "
                "with .grad() or passing an `inputs` parameter to .backward(). To resolve this "
                "error, you can either set use_reentrant=False, or call .backward() without "
                "passing the `inputs` argument."
            )
        args = list(ctx.others)
        for place, tensor in zip(ctx.places, ctx.saved_tensors, strict=True):
            args[place] = tensor.detach().requires_grad_(tensor.requires_grad)
        random = contextlib.nullcontext() if ctx.random is None else ctx.random.restored()
        with random, _inside(ctx.autocast), tallow.enable_grad():
            outputs = ctx.function(*args)
        if isinstance(outputs, tallow.Tensor):
            outputs = (outputs,)
        wanted = [
            (output, grad)
            for output, grad in zip(outputs, grads, strict=True)
            if isinstance(output, tallow.Tensor) and output.requires_grad
        ]
        if not wanted:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        autograd.backward([output for output, _ in wanted], [grad for _, grad in wanted])
        return (
            None,
            None,
            *(arg.grad if isinstance(arg, tallow.Tensor) else None for arg in args),
        )


def checkpoint_sequential(
    functions: Sequence[Callable[[Any], Any]],
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Call functions one after the other, keeping only what passes between segments of them.

    Args:
        functions: a Sequential module, or a list of functions of one argument.
        segments: number of segments; all but the last are checkpointed.
        input: argument of the first function.
        use_reentrant: as for :func:`checkpoint`.
        kwargs: ``preserve_rng_state``, as for :func:`checkpoint`.

    Returns:
        What the last function returns.

    Raises:
        ValueError: an unknown keyword argument.

    Example:
        >>> import tallow
        >>> from tallow.utils.checkpoint import checkpoint_sequential
        >>> x = tallow.zeros(2, requires_grad=True)
        >>> steps = [tallow.exp, tallow.log, tallow.exp]
        >>> checkpoint_sequential(steps, 2, x, use_reentrant=False).sum().backward()
        >>> x.grad
        tensor([1., 1.])
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be "
            "passed explicitly. use_reentrant=False is recommended; the default is still "
            "use_reentrant=True.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps = list(functions.children()) if isinstance(functions, tallow.nn.Sequential) else functions

    def run(start: int, end: int) -> Callable[[Any], Any]:
        def segment(value: Any) -> Any:
            for step in steps[start:end]:
                value = step(value)
            return value

        return segment

    size = len(steps) // segments
    last = size * (segments - 1)
    for start in range(0, last, size) if last else ():
        input = checkpoint(
            run(start, start + size),
            input,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve,
        )
    return run(last, len(steps))(input)


name_absent_ones(__name__)
