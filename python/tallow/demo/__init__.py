"""``python -m tallow demo``: LeNet learns to read handwritten digits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import tallow

from .model import LeNet
from .picture import write_picture
from .steps import eight_steps
from .training import split_digits, train

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LeNet", "main"]

GOAL = 0.98


def _say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, test, explain one call, save, load and draw.

    Args:
        arguments: options, as on the command line.

    Returns:
        0 if at least 98 % of the test digits are read correctly, otherwise 1.
    """
    import argparse

    parser = argparse.ArgumentParser(prog="python -m tallow demo", description=main.__doc__)
    parser.add_argument("--passes", type=int, default=30, help="passes over the data (30)")
    parser.add_argument("--seed", type=int, default=0, help="seed of all random numbers (0)")
    parser.add_argument(
        "--output", type=Path, default=Path("tallow-demo"), help="folder for the files"
    )
    options = parser.parse_args(arguments)

    tallow.manual_seed(options.seed)
    learn, (images, labels) = split_digits()
    net = LeNet()
    count = sum(parameter.numel() for parameter in net.parameters())
    _say(
        f"LeNet ({count:,} parameters) learns from {len(learn):,} handwritten digits and is tested "
        f"on {len(labels)} others, {tallow.get_num_threads()} threads"
    )
    share, seconds = train(net, learn, (images, labels), options.passes)
    _say(f"  reads {share:.2%} of the test digits after {seconds:.1f} s\n")

    _say("One call of a module, step by step (what runs, and the shape it sees):")
    _say("\n".join(eight_steps(net, images[:1])) + "\n")

    options.output.mkdir(parents=True, exist_ok=True)
    _save_and_load(net, images, options.output / "lenet.pt")
    with tallow.no_grad():
        read = net(images).argmax(1)
    picture = options.output / "digits.png"
    shown = write_picture(picture, images, labels, read)
    wrong = int((read != labels).sum().item())
    _say(f"Drew {shown} test digits with what was read, mistakes ({wrong}) first: {picture}")
    return 0 if share >= GOAL else 1


def _save_and_load(net: LeNet, images: tallow.Tensor, path: Path) -> None:
    net.eval()
    tallow.save(net.state_dict(), path)
    again = LeNet().eval()
    again.load_state_dict(tallow.load(path))
    with tallow.no_grad():
        same = tallow.equal(net(images), again(images))
    _say(f"Saved the model to {path} ({path.stat().st_size:,} bytes) and loaded it again:")
    if not same:
        raise RuntimeError("the loaded model predicts something else")
    _say(f"  both give the same scores, bit for bit, for all {len(images)} test digits\n")
