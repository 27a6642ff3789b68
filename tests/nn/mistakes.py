"""Sixty mistakes that users of neural networks make, as modules that raise when they are called.

Each function returns the network and its arguments; the network's child ``part`` (or a module below
it) is where the error comes from. ``MISTAKES`` says what the notes on the error have to contain.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import tallow
import tallow.nn.functional as F
from tallow import nn


class Mistake(NamedTuple):
    """What is called with what, and what the notes must say."""

    part: Any  # the module that fails, or a function that is its forward
    args: tuple[Any, ...]
    axis: str | None = None  # what the caret line says
    hint: str | None = None
    kwargs: dict[str, Any] = {}
    path: str = "in part: "


class Part(nn.Module):
    """A module whose forward is the given function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args, **kwargs):
        """Call the function."""
        return self.function(*args, **kwargs)


class Net(nn.Module):
    """Calls its part."""

    def __init__(self, part):
        super().__init__()
        self.part = part

    def forward(self, *args, **kwargs):
        """Call the part: the line that the notes quote for layers of the package."""
        return self.part(*args, **kwargs)


def zeros(*shape, **options):
    return tallow.zeros(*shape, **options)


class Masked(nn.Module):
    def forward(self, x, mask=None):
        return x


class Misspelt(nn.Module):
    def foward(self, x):
        return x


class Typo(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(2, 2)

    def forward(self, x):
        return self.fc_1(x)


class NoSuper(nn.Module):
    def __init__(self):
        self.width = 3

    def forward(self, x):
        return x


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x):
        return self.conv(x) + x


def train_step(x):
    weight = zeros(3, requires_grad=True)
    (weight * x).backward()


def lstm_head(x):
    lstm, head = nn.LSTM(4, 8), nn.Linear(8, 2)
    return head(lstm(x))


def array(*shape, dtype="float64"):
    import numpy

    return numpy.zeros(shape, dtype)


def from_numpy(*shape, dtype="float64"):
    return tallow.from_numpy(array(*shape, dtype=dtype))


LABELS = tallow.tensor([0, 1, 2, 9])
INT = tallow.int64

MISTAKES: dict[str, Mistake] = {
    # Shapes of layers' inputs.
    "missing flatten": Mistake(nn.Linear(3136, 10), (zeros(4, 64, 7, 7),), "3136", "flatten(1)"),
    "wrong in_features": Mistake(nn.Linear(784, 10), (zeros(4, 780),), "784", "in_features=780"),
    "features first": Mistake(nn.Linear(20, 5), (zeros(20, 4),), "20", "transpose"),
    "channels last image": Mistake(
        nn.Conv2d(3, 8, 3), (zeros(2, 32, 32, 3),), "3", "permute(0, 3, 1, 2)"
    ),
    "channels last sequence": Mistake(
        nn.Conv1d(16, 8, 3), (zeros(2, 50, 16),), "16", "transpose(1, 2)"
    ),
    "wrong in_channels": Mistake(nn.Conv2d(1, 8, 3), (zeros(2, 3, 9, 9),), "1", "in_channels=3"),
    "grey picture without channel": Mistake(
        nn.Conv2d(1, 8, 3), (zeros(28, 28),), None, "unsqueeze"
    ),
    "batch without channel": Mistake(nn.Conv2d(1, 8, 3), (zeros(32, 28, 28),), "1", "unsqueeze(1)"),
    "channels last unbatched": Mistake(
        nn.Conv2d(3, 8, 3), (zeros(32, 32, 3),), "3", "permute(2, 0, 1)"
    ),
    "kernel larger than input": Mistake(nn.Conv2d(3, 8, 5), (zeros(2, 3, 4, 4),), None, "padding"),
    "transposed convolution": Mistake(
        nn.ConvTranspose2d(16, 8, 2), (zeros(2, 8, 4, 4),), "16", "in_channels=8"
    ),
    "pooled away": Mistake(nn.MaxPool2d(2), (zeros(2, 3, 1, 1),), None, "too small"),
    "wrong num_features": Mistake(nn.BatchNorm2d(16), (zeros(2, 8, 4, 4),), "16", "num_features=8"),
    "wrong num_features of a vector": Mistake(
        nn.BatchNorm1d(5), (zeros(4, 3),), "5", "num_features=3"
    ),
    "batch norm of the wrong rank": Mistake(nn.BatchNorm2d(8), (zeros(4, 8),), None, "BatchNorm1d"),
    "batch norm without batch": Mistake(nn.BatchNorm2d(8), (zeros(8, 4, 4),), None, "unsqueeze(0)"),
    "batch of one": Mistake(nn.BatchNorm1d(4), (zeros(1, 4),), None, "eval()"),
    "layer norm": Mistake(nn.LayerNorm(8), (zeros(2, 4),), "8", "normalized_shape"),
    "layer norm of images": Mistake(nn.LayerNorm(3), (zeros(2, 3, 8, 8),), "3", "permute"),
    "group norm": Mistake(nn.GroupNorm(2, 6), (zeros(2, 8, 3),), "6", "num_channels=8"),
    "recurrent input": Mistake(nn.LSTM(5, 8), (zeros(7, 2, 3),), "5", "input_size=3"),
    "recurrent state": Mistake(nn.GRU(5, 8), (zeros(7, 4, 5), zeros(1, 2, 8)), None, "(1, 4, 8)"),
    "attention": Mistake(
        nn.MultiheadAttention(8, 2), (zeros(3, 1, 6), zeros(3, 1, 6), zeros(3, 1, 6)), "8", "embed"
    ),
    "one slope per channel": Mistake(nn.PReLU(3), (zeros(2, 4, 5),), "3", "num_parameters"),
    "residual with other channels": Mistake(
        Residual(), (zeros(2, 3, 6, 6),), "axis 1", "1x1 convolution"
    ),
    # Values and dtypes of inputs.
    "float64 from numpy": Mistake(nn.Linear(4, 2), (from_numpy(3, 4),), None, ".float()"),
    "float64 picture": Mistake(nn.Conv2d(1, 2, 3), (from_numpy(1, 1, 5, 5),), None, ".float()"),
    "integers into a layer": Mistake(nn.Linear(4, 2), (zeros(3, 4, dtype=INT),), None, ".float()"),
    "bytes into a convolution": Mistake(
        nn.Conv2d(1, 2, 3), (zeros(1, 1, 5, 5, dtype=tallow.uint8),), None, "/ 255"
    ),
    "numpy array": Mistake(nn.Linear(4, 2), (array(3, 4),), None, "from_numpy"),
    "list": Mistake(nn.Linear(2, 2), ([[1.0, 2.0]],), None, "tallow.tensor("),
    "result of an LSTM": Mistake(lstm_head, (zeros(5, 1, 4),), None, "output, state ="),
    "token out of range": Mistake(
        nn.Embedding(10, 4), (tallow.tensor([3, 10]),), None, "num_embeddings=11"
    ),
    "float tokens": Mistake(nn.Embedding(10, 4), (zeros(3),), None, ".long()"),
    # Losses.
    "target out of range": Mistake(nn.CrossEntropyLoss(), (zeros(4, 5), LABELS), "5 classes", "9"),
    "float classes": Mistake(nn.CrossEntropyLoss(), (zeros(4, 5), zeros(4)), None, ".long()"),
    "classes in a column": Mistake(
        nn.CrossEntropyLoss(), (zeros(4, 5), zeros(4, 1, dtype=INT)), None, "squeeze(1)"
    ),
    "one-hot integers": Mistake(
        nn.CrossEntropyLoss(), (zeros(4, 5), zeros(4, 5, dtype=INT)), None, "argmax(1)"
    ),
    "batches that differ": Mistake(
        nn.CrossEntropyLoss(), (zeros(4, 5), zeros(3, dtype=INT)), "4", None
    ),
    "column against vector": Mistake(nn.BCELoss(), (zeros(4, 1), zeros(4)), None, "unsqueeze(1)"),
    "column against vector of logits": Mistake(
        nn.BCEWithLogitsLoss(), (zeros(4, 1), zeros(4)), None, "unsqueeze(1)"
    ),
    "logits as probabilities": Mistake(
        nn.BCELoss(), (zeros(4) + 3, zeros(4)), None, "BCEWithLogitsLoss"
    ),
    "integer labels": Mistake(
        nn.BCELoss(), (zeros(4) + 0.5, zeros(4, dtype=INT)), None, ".float()"
    ),
    "mean of integers": Mistake(lambda x: x.mean(), (zeros(3, dtype=INT),), None, ".float()"),
    # Tensors in forward.
    "matrix product": Mistake(lambda a, b: a @ b, (zeros(3, 4), zeros(3, 4)), "expected 3", ".T"),
    "product of batches": Mistake(
        lambda a, b: tallow.bmm(a, b), (zeros(2, 3, 4), zeros(4, 5)), None, "matmul"
    ),
    "join": Mistake(
        lambda a, b: tallow.cat([a, b], 1), (zeros(2, 3), zeros(3, 3)), "axis 0", "dim=0"
    ),
    "stack": Mistake(lambda a, b: tallow.stack([a, b]), (zeros(2), zeros(3)), None, "same shape"),
    "sum of shapes": Mistake(lambda a, b: a + b, (zeros(2, 3), zeros(2, 4)), "axis 1", None),
    "view of a wrong size": Mistake(lambda x: x.view(4, 5), (zeros(3, 6),), None, "18"),
    "view of a transposed tensor": Mistake(
        lambda x: x.t().view(-1), (zeros(3, 6),), None, "reshape"
    ),
    "dimension out of range": Mistake(lambda x: F.softmax(x, dim=2), (zeros(3, 6),), None, "2-d"),
    "index out of range": Mistake(lambda x: x[5], (zeros(3, 6),), None, "0 to 2"),
    "if of many": Mistake(lambda x: 1 if x > 0 else 0, (zeros(3),), None, "where"),
    "item of many": Mistake(lambda x: x.item(), (zeros(3),), None, "tolist()"),
    "numpy of a recorded tensor": Mistake(
        lambda x: x.numpy(), (zeros(3, requires_grad=True),), None, "detach()"
    ),
    "write into a leaf": Mistake(
        lambda x: x.add_(1), (zeros(3, requires_grad=True),), None, "no_grad()"
    ),
    "backward of many": Mistake(train_step, (zeros(3),), None, "sum()"),
    "cuda without a backend": Mistake(lambda x: x.cuda(), (zeros(3),), None, "device"),
    # Modules.
    "unexpected keyword": Mistake(Masked(), (zeros(3),), None, "mask", {"masks": None}),
    "missing argument": Mistake(Masked(), (), None, "forward(x, mask=None)"),
    "two inputs to a chain": Mistake(
        nn.Sequential(nn.Identity()), (zeros(3), zeros(3)), None, "one input"
    ),
    "misspelt forward": Mistake(Misspelt(), (zeros(3),), None, "foward"),
    "list called": Mistake(nn.ModuleList([nn.Identity()]), (zeros(3),), None, "Sequential"),
    "misspelt attribute": Mistake(Typo(), (zeros(2),), None, "fc1"),
    "super().__init__() forgotten": Mistake(
        NoSuper, (zeros(2),), None, "super().__init__()", path="in NoSuper(), called by Net"
    ),
}
