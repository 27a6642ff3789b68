"""The training run: data, loop, progress."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import tallow
from tallow import nn
from tallow.datasets import load_digits
from tallow.optim import Adam
from tallow.optim.lr_scheduler import OneCycleLR
from tallow.utils.data import DataLoader, TensorDataset, random_split

from .images import enlarge, enlarge_moved

if TYPE_CHECKING:
    from typing import Any

    from tallow import Tensor

    from .model import LeNet

__all__ = ["Progress", "accuracy", "split_digits", "train"]

TEST_SHARE = 0.2
BATCH_SIZE = 32
LARGEST_RATE = 3e-3


def split_digits() -> tuple[Any, tuple[Tensor, Tensor]]:
    """Return a data set to learn from, and images and labels to test with, split at random."""
    digits, labels = load_digits()
    everything = TensorDataset(digits.float() / 16, labels)
    learn, test = random_split(everything, [1 - TEST_SHARE, TEST_SHARE])
    test_digits, test_labels = everything[test.indices]
    return learn, (enlarge(test_digits), test_labels)


def accuracy(net: LeNet, images: Tensor, labels: Tensor) -> float:
    """Return the share of images that a network reads correctly."""
    net.eval()
    with tallow.no_grad():
        right = (net(images).argmax(1) == labels).sum().item()
    net.train()
    return right / len(labels)


class Progress:
    """Shows how far the training is, on one line of the terminal that is written again and again.

    In a file or a pipe, where a line cannot be rewritten, only every fifth pass appears.

    Args:
        passes: number of passes over the data.
    """

    def __init__(self, passes: int) -> None:
        self._passes = passes
        self._start = time.perf_counter()
        self._live = sys.stdout.isatty()

    @property
    def seconds(self) -> float:
        """Time since the beginning."""
        return time.perf_counter() - self._start

    def show(self, done: int, loss: float, share: float) -> None:
        """Report the end of a pass."""
        filled = 24 * done // self._passes
        line = (
            f"  pass {done:2}/{self._passes} [{'#' * filled}{'.' * (24 - filled)}] "
            f"loss {loss:.4f}  test accuracy {share:6.2%}  {self.seconds:5.1f} s"
        )
        if self._live:
            sys.stdout.write("\r" + line + ("\n" if done == self._passes else ""))
        elif done % 5 == 0 or done == self._passes:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()


def train(net: LeNet, learn: Any, test: tuple[Tensor, Tensor], passes: int) -> tuple[float, float]:
    """Train a network and report progress.

    Args:
        net: trained in place.
        learn: data set of pairs of a digit ``(8, 8)`` and its label.
        test: images ``(N, 1, 28, 28)`` and labels.
        passes: number of passes over ``learn``.

    Returns:
        Share of the test images read correctly, and seconds.
    """
    loader: DataLoader[Any] = DataLoader(learn, BATCH_SIZE, shuffle=True)
    optimizer = Adam(net.parameters())
    schedule = OneCycleLR(optimizer, LARGEST_RATE, epochs=passes, steps_per_epoch=len(loader))
    criterion = nn.CrossEntropyLoss()
    progress = Progress(passes)
    share = 0.0
    for done in range(1, passes + 1):
        total = 0.0
        for digits, labels in loader:
            optimizer.zero_grad()
            loss = criterion(net(enlarge_moved(digits)), labels)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        share = accuracy(net, *test)
        progress.show(done, total / len(loader), share)
    return share, progress.seconds
