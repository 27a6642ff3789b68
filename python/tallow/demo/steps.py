"""What happens, step by step, when a module is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tallow
from tallow import nn
from tallow.autograd import Function

if TYPE_CHECKING:
    from typing import Any

    from tallow import Tensor

    from .model import LeNet

__all__ = ["eight_steps"]


class Probabilities(Function):
    """Softmax with a backward of its own."""

    @staticmethod
    def forward(ctx: Any, scores: Tensor) -> Tensor:
        """Return the shares; they are kept for the derivative."""
        result = tallow.softmax(scores, 1)
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        """Return the gradient of the scores."""
        (result,) = ctx.saved_tensors
        return result * (grad - (grad * result).sum(1, keepdim=True))


class Reader(nn.Module):
    """Reads one digit."""

    def __init__(self, lenet: LeNet) -> None:
        super().__init__()
        self.lenet = lenet

    def forward(self, images: Tensor) -> Any:
        """Return the probabilities of the ten digits."""
        return Probabilities.apply(self.lenet(images))


def _note_shape(module: nn.Module, args: Any) -> None:
    """Look at the arguments, as a pre-hook may."""


def _note_output(module: nn.Module, args: Any, output: Tensor) -> None:
    """Look at the output, as a hook may."""


def eight_steps(lenet: LeNet, image: Tensor) -> list[str]:
    """Call a small module around a trained network once and show what ran, in order.

    Args:
        lenet: becomes the child of the module.
        image: ``(1, 1, 28, 28)``.

    Returns:
        The lines of the trace. The eight steps in it: the call of Reader with its pre-hook (1), its
        forward (2), the call of the child, where all begins again (3), Probabilities.apply (4) and
        its forward (5), whose value returns (6), the end of forward (7), and the hook (8).
    """
    reader = Reader(lenet)
    handles = [
        register(hook)
        for module in (reader, lenet)
        for register, hook in (
            (module.register_forward_pre_hook, _note_shape),
            (module.register_forward_hook, _note_output),
        )
    ]
    with tallow.explain() as trace:
        reader(image)
    for handle in handles:
        handle.remove()
    return trace.text(depth=5, columns=("in", "out", "note")).split("\n")
