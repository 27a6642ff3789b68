"""A multi-layer perceptron as a module: layers in __init__, their order in forward."""

import tallow
from tallow import nn


class MLP(nn.Module):
    """784 -> 256 -> 10; keyword arguments go to the base class, which takes none."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)  # first, or the layers below cannot be registered
        self.hidden = nn.Linear(784, 256)
        self.act = nn.ReLU()
        self.output = nn.Linear(256, 10)

    def forward(self, x):
        """Return ten scores for each row of ``x``."""
        return self.output(self.act(self.hidden(x)))


def main():
    """Print the network, a result, and the parameters."""
    tallow.manual_seed(0)
    net = MLP()
    print(net)
    x = tallow.rand(2, 784)
    y = net(x)
    print(y)
    print("net(x) equals net.forward(x):", tallow.equal(y, net.forward(x)))
    for name, parameter in net.named_parameters():
        print(f"{name:14} {tuple(parameter.shape)}")


if __name__ == "__main__":
    main()
