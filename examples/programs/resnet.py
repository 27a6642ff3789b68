"""A residual network tells striped pictures of the size of CIFAR's apart.

python -m tallow examples/programs/resnet.py
"""

import argparse
import math
from itertools import islice

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset

CLASSES = 5


class Stripes(Dataset):
    """Noisy colour pictures (3, 32, 32); the class is the direction of their stripes."""

    def __init__(self, count):
        y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
        self.labels = torch.randint(CLASSES, (count,))
        angles = (math.pi * self.labels / CLASSES).view(-1, 1, 1)
        waves = torch.sin((x * torch.cos(angles) + y * torch.sin(angles)) * 0.9)
        self.pictures = waves.unsqueeze(1) + torch.randn(count, 3, 32, 32)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        return self.pictures[index], self.labels[index]


class Residual(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out_channels, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Identity()
        if stride != 1 or channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )

    def forward(self, x):
        """Return the sum of both ways, rectified."""
        out = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        out += self.shortcut(x)
        return F.relu(out, inplace=True)


def make_network(width=8):
    """Return three stages of residual blocks between a stem and a classifier."""
    network = nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        Residual(width, width),
        Residual(width, 2 * width, stride=2),
        Residual(2 * width, 4 * width, stride=2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.1),
        nn.Linear(4 * width, CLASSES),
    )
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


def shifted(pictures):
    """Return pictures moved by up to two pixels, with zeros coming in."""
    down, right = torch.randint(-2, 3, (2,)).tolist()
    return F.pad(pictures, (-right, right, -down, down))


def endless(loader):
    """Go through a loader again and again."""
    while True:
        yield from loader


def main():
    """Train with one cycle of the step size, then count right answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--every", type=int, default=10, help="steps from one line to the next")
    options = parser.parse_args()
    torch.manual_seed(5)
    loader = DataLoader(Stripes(256), batch_size=32, shuffle=True, drop_last=True)
    network = make_network()
    optimizer = torch.optim.SGD(
        network.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.005, total_steps=options.steps)
    loss_of = nn.CrossEntropyLoss(label_smoothing=0.1)
    for step, (pictures, labels) in enumerate(islice(endless(loader), options.steps), 1):
        loss = loss_of(network(shifted(pictures)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % options.every == 0:
            print(f"step {step}: loss {loss.item():.6f}")
    network.eval()
    new = Stripes(64)
    right = (network(new.pictures).argmax(1) == new.labels).sum().item()
    print(f"right on new pictures: {right} of {len(new)}")


if __name__ == "__main__":
    main()
