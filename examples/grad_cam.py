"""Grad-CAM: where does a residual network look? Hooks on a block whose output is overwritten."""

import tallow
import tallow.nn.functional as F
from tallow import nn


class Block(nn.Module):
    """A residual block that writes in place wherever it can."""

    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        """Return ``x`` plus what the block adds to it."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += x
        return out


class ResNet(nn.Module):
    """Says in which quarter of a picture the bright square is."""

    def __init__(self, channels=8):
        super().__init__()
        self.stem = nn.Conv2d(1, channels, 3, padding=1)
        self.block1 = Block(channels)
        self.block2 = Block(channels)
        self.relu = nn.ReLU(inplace=True)  # overwrites what block2 returned
        self.head = nn.Linear(channels * 4, 4)

    def forward(self, x):
        """Return four scores for each picture of ``x``, ``(N, 1, 12, 12)``."""
        x = self.relu(self.block2(self.block1(self.stem(x))))
        return self.head(F.adaptive_avg_pool2d(x, 2).flatten(1))


def pictures(count):
    """Return noisy pictures with a square in one quarter, and the number of that quarter."""
    labels = tallow.arange(count) % 4
    images = tallow.rand(count, 1, 12, 12) * 0.3
    for image, label in zip(images, labels.tolist(), strict=True):
        row, column = 6 * (label // 2) + 1, 6 * (label % 2) + 1
        image[0, row : row + 4, column : column + 4] += 1.0
    return images, labels


def trained_net(steps=12):
    """Return a network that knows the quarters."""
    tallow.manual_seed(0)
    net = ResNet()
    optimizer = tallow.optim.Adam(net.parameters(), lr=0.01)
    images, labels = pictures(32)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(net(images), labels).backward()
        optimizer.step()
    return net.eval()


def grad_cam(net, layer, image, label):
    """Return how much each place of ``layer``'s output speaks for ``label``.

    Source: R. Selvaraju et al., Grad-CAM: Visual explanations from deep networks via
    gradient-based localization, ICCV 2017.
    """
    seen = {}

    def keep_output(_module, _args, output):
        seen["output"] = output.detach().clone()  # the next layer overwrites it

    def keep_gradient(_module, _grad_input, grad_output):
        seen["gradient"] = grad_output[0]

    with layer.register_forward_hook(keep_output), layer.register_full_backward_hook(keep_gradient):
        net(image)[0, label].backward()
    weights = seen["gradient"].mean(dim=(2, 3), keepdim=True)
    return F.relu((weights * seen["output"]).sum(1))[0]


def main():
    """Train, and say for each quarter where the network looked."""
    net = trained_net()
    images, labels = pictures(4)
    for image, label in zip(images, labels.tolist(), strict=True):
        heat = grad_cam(net, net.block2, image[None], label)
        quarters = F.avg_pool2d(heat[None], 6).flatten()
        shares = ", ".join(f"{share:.0%}" for share in (quarters / quarters.sum()).tolist())
        print(f"square in quarter {label}: heat {shares}")
        assert quarters.argmax().item() == label


if __name__ == "__main__":
    main()
