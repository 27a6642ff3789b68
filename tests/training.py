"""Training runs that PyTorch and tallow execute alike; tools/make_goldens.py records PyTorch's."""

from __future__ import annotations

from types import ModuleType
from typing import Any

STEPS = 200
BATCH = 32


def mlp(lib: ModuleType) -> Any:
    """Two linear layers."""
    nn = lib.nn
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))


def lenet(lib: ModuleType) -> Any:
    """Two convolutions with pooling and three linear layers."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


MODELS = {"mlp": mlp, "lenet": lenet}
OPTIMIZERS = {
    "mlp": lambda lib, parameters: lib.optim.Adam(parameters, lr=1e-3),
    "lenet": lambda lib, parameters: lib.optim.SGD(parameters, lr=0.02, momentum=0.9),
}


def train(lib: ModuleType, name: str, steps: int = STEPS) -> tuple[list[float], Any]:
    """Losses of every step, and the trained model.

    Weights, data, noise and dropout all come from one seeded stream, so this also compares the
    random numbers. The classes are ten fixed random pictures seen through noise. With this seed no
    maximum or sign is decided by a rounding error, which would make runs differ by 1e-3: PyTorch's
    own losses change by less than 1e-6 when its weights are disturbed in the last bit.
    """
    lib.manual_seed(7)
    model = MODELS[name](lib)
    pictures = 2 * lib.rand(10, 1, 28, 28) - 1
    optimizer = OPTIMIZERS[name](lib, model.parameters())
    losses = []
    for _ in range(steps):
        labels = lib.randint(0, 10, (BATCH,))
        images = pictures[labels] + 0.1 * lib.randn(BATCH, 1, 28, 28)
        optimizer.zero_grad()
        loss = lib.nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, model
