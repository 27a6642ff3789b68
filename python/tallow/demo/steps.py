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


def eight_steps(lenet: LeNet, image: Tensor) -> list[str]:
    """Call a small module around a trained network once and say what ran, in order.

    Args:
        lenet: becomes the child of the module.
        image: ``(1, 1, 28, 28)``.

    Returns:
        One line per event. Each line is written by the code it speaks of, when that code runs.
    """
    lines: list[str] = []

    def log(step: str, depth: int, event: str, value: Tensor) -> None:
        lines.append(f"  {step:>3}  {'  ' * depth + event:<46} {tuple(value.shape)}")

    class Probabilities(Function):
        """Softmax with a backward of its own."""

        @classmethod
        def apply(cls, scores: Tensor) -> Any:
            log("4", 1, "Probabilities.apply is called with", scores)
            result = super().apply(scores)
            log("6", 1, "its value returns to forward", result)
            return result

        @staticmethod
        def forward(ctx: Any, scores: Tensor) -> Tensor:
            log("5", 2, "Probabilities.forward(ctx, ...) gets", scores)
            result = tallow.softmax(scores, 1)
            ctx.save_for_backward(result)
            return result

        @staticmethod
        def backward(ctx: Any, grad: Tensor) -> Tensor:
            (result,) = ctx.saved_tensors
            return result * (grad - (grad * result).sum(1, keepdim=True))

    class Reader(nn.Module):
        """Reads one digit."""

        def __init__(self) -> None:
            super().__init__()
            self.lenet = lenet

        def __call__(self, images: Tensor) -> Any:
            log("1", 0, "Reader.__call__ is called with", images)
            result = super().__call__(images)
            log("", 0, "Reader.__call__ returns", result)
            return result

        def forward(self, images: Tensor) -> Any:
            log("2", 0, "Reader.forward gets", images)
            result = Probabilities.apply(self.lenet(images))
            log("7", 0, "Reader.forward returns", result)
            return result

    reader = Reader()
    reader.register_forward_pre_hook(
        lambda module, args: log("", 0, "forward pre-hook of Reader sees", args[0])
    )
    reader.register_forward_hook(
        lambda module, args, result: log("8", 0, "forward hook of Reader sees", result)
    )
    handles = [
        lenet.register_forward_pre_hook(
            lambda module, args: log("3", 1, "child LeNet: step 1 again, with", args[0])
        ),
        lenet.register_forward_hook(
            lambda module, args, result: log("", 1, "forward hook of LeNet sees", result)
        ),
    ]
    reader(image)
    for handle in handles:
        handle.remove()
    return lines
