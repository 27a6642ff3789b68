"""Counting floating point operations of the calls inside a ``with`` block."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tallow._absent import name_absent_ones
from tallow.overrides import TorchFunctionMode

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

__all__ = ["FlopCounterMode"]


def _product(result: Any, a: Any, b: Any) -> int:
    """Two per product of elements; the last dimension of ``a`` meets the last but one of ``b``."""
    rows = a.shape[-2] if a.dim() > 1 else 1
    columns = b.shape[-1] if b.dim() > 1 else 1
    batch = max(math.prod(a.shape[:-2]), math.prod(b.shape[:-2]))
    return 2 * batch * rows * a.shape[-1] * columns


def _product_and_sum(result: Any, added: Any, a: Any, b: Any) -> int:
    return _product(result, a, b)


def _linear(result: Any, x: Any, weight: Any, *_: Any) -> int:
    return 2 * x.numel() * weight.shape[0]


def _convolution(result: Any, x: Any, weight: Any, *_: Any) -> int:
    return 2 * result.numel() * math.prod(weight.shape[1:])


def _transposed(result: Any, x: Any, weight: Any, *_: Any) -> int:
    return 2 * x.numel() * math.prod(weight.shape[1:])


def _attention(result: Any, query: Any, key: Any, value: Any, *_: Any) -> int:
    scores = math.prod(query.shape[:-1]) * key.shape[-2]
    return 2 * scores * (query.shape[-1] + value.shape[-1])


def _attention_module(result: Any, query: Any, key: Any, value: Any, *_: Any) -> int:
    width = query.shape[-1]
    projections = 2 * width * (2 * query.numel() + key.numel() + value.numel())
    batch = query.shape[1] if query.dim() == 3 else 1
    return projections + 4 * batch * query.shape[0] * key.shape[0] * width


_COUNTS: dict[str, Callable[..., int]] = {
    **dict.fromkeys(("mm", "bmm", "matmul", "__matmul__", "mv", "dot"), _product),
    **dict.fromkeys(("addmm", "baddbmm"), _product_and_sum),
    "linear": _linear,
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _convolution),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed),
    "scaled_dot_product_attention": _attention,
    "multi_head_attention_forward": _attention_module,
}


class FlopCounterMode(TorchFunctionMode):
    """Count the operations of matrix products, convolutions and attention, by module.

    Calls of functions are counted, so a backward pass adds nothing: multiply by three for an
    estimate of a training step.

    Args:
        mods: ignored, as in PyTorch, which finds the modules itself.
        depth: how many levels of modules the table has.
        display: whether to print the table at the end of the block.
        custom_mapping: not available.

    Raises:
        NotImplementedError: ``custom_mapping`` is given.

    Example:
        >>> from tallow.utils.flop_counter import FlopCounterMode
        >>> with FlopCounterMode(display=False) as counter:
        ...     _ = tallow.nn.Linear(3, 4)(tallow.ones(2, 3))
        >>> counter.get_total_flops()
        48
    """

    def __init__(
        self,
        mods: Any = None,
        depth: int = 2,
        display: bool = True,
        custom_mapping: dict[Any, Any] | None = None,
    ) -> None:
        super().__init__()
        if custom_mapping:
            raise NotImplementedError("FlopCounterMode: custom_mapping is not supported")
        self.depth = depth
        self.display = display
        self._counts: dict[str, dict[Any, int]] = {"Global": {}}
        self._path: list[str] = ["Global"]
        self._hooks: list[Any] = []

    def get_total_flops(self) -> int:
        """Return the number of operations so far."""
        return sum(self._counts["Global"].values())

    def get_flop_counts(self) -> dict[str, dict[Any, int]]:
        """Return the operations by module path and function."""
        return {path: dict(counts) for path, counts in self._counts.items()}

    def get_table(self, depth: int | None = None) -> str:
        """Return the counts as lines of text, one for each module down to a depth."""
        depth = self.depth if depth is None else depth
        lines = [
            f"{path:<40} {sum(counts.values()):>16,}"
            for path, counts in self._counts.items()
            if path == "Global" or path.count(".") <= depth
        ]
        return "\n".join([f"{'Module':<40} {'FLOP':>16}", *lines])

    def __enter__(self) -> Self:
        from tallow.nn.modules import module as modules

        names: dict[int, str] = {}

        def enter(module: Any, inputs: Any) -> None:
            if len(self._path) == 1:
                root = type(module).__name__
                for path, part in module.named_modules():
                    names[id(part)] = f"{root}.{path}" if path else root
            self._path.append(names.get(id(module), type(module).__name__))

        def leave(module: Any, inputs: Any, outputs: Any) -> None:
            self._path.pop()

        self._counts = {"Global": {}}
        self._hooks = [
            modules.register_module_forward_pre_hook(enter),
            modules.register_module_forward_hook(leave, always_call=True),
        ]
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        for hook in self._hooks:
            hook.remove()
        if self.display and error[0] is None:
            print(self.get_table())  # noqa: T201  # what it is for

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call the function and add what it costs to the modules that run."""
        result = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        count = _COUNTS.get(name)
        if count is not None:
            tensors = [*args, *(kwargs or {}).values()]
            flops = count(result, *tensors[: 3 if name in _WITH_THREE else 2])
            for path in dict.fromkeys(self._path):
                counts = self._counts.setdefault(path, {})
                counts[func] = counts.get(func, 0) + flops
        return result


_WITH_THREE = frozenset(
    ("addmm", "baddbmm", "multi_head_attention_forward", "scaled_dot_product_attention")
)

name_absent_ones(__name__)
