"""LeNet put together with add_module, and one step of gradient descent by hand."""

import tallow
import tallow.nn.functional as F
from tallow import nn


class LeNet(nn.Module):
    """Three named stages for 28x28 images."""

    def __init__(self):
        super().__init__()
        layer1 = nn.Sequential()
        layer1.add_module("conv1", nn.Conv2d(1, 6, 3, padding=1))
        layer1.add_module("pool1", nn.MaxPool2d(2, 2))
        self.layer1 = layer1

        layer2 = nn.Sequential()
        layer2.add_module("conv2", nn.Conv2d(6, 16, 5))
        layer2.add_module("pool2", nn.MaxPool2d(2, 2))
        self.layer2 = layer2

        layer3 = nn.Sequential()
        layer3.add_module("fc1", nn.Linear(400, 120))
        layer3.add_module("fc2", nn.Linear(120, 84))
        layer3.add_module("fc3", nn.Linear(84, 10))
        self.layer3 = layer3

    def forward(self, x):
        """Return ten scores for each image of ``x``, ``(N, 1, 28, 28)``."""
        x = self.layer1(x)
        x = self.layer2(x)
        x = x.view(x.size(0), -1)
        return self.layer3(x)


def main():
    """Print the network and take three steps down the gradient."""
    tallow.manual_seed(0)
    net = LeNet()
    print(net)
    print("parameters:", sum(p.numel() for p in net.parameters()))
    print("layer1.conv1 is layer1[0]:", net.layer1.conv1 is net.layer1[0])

    images, labels = tallow.randn(4, 1, 28, 28), tallow.tensor([1, 2, 3, 4])
    lr = 0.1
    for step in range(3):
        net.zero_grad()
        loss = F.cross_entropy(net(images), labels)
        loss.backward()
        with tallow.no_grad():  # otherwise the update itself would be recorded
            for p in net.parameters():
                p -= lr * p.grad
        print(f"step {step}: loss {loss.item():.4f}")


if __name__ == "__main__":
    main()
