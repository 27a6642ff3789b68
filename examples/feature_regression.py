"""From a correlation map to the numbers of a geometric transformation."""

import tallow
from tallow import nn


class FeatureRegression(nn.Module):
    """Two convolutions and a linear layer; ``use_cuda`` moves them in the constructor."""

    def __init__(self, output_dim=6, use_cuda=True):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(225, 128, kernel_size=7, padding=0),
            nn.BatchNorm2d(128),
            nn.ReLU(inplace=True),
            nn.Conv2d(128, 64, kernel_size=5, padding=0),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
        )
        self.linear = nn.Linear(64 * 5 * 5, output_dim)
        if use_cuda:
            self.conv.cuda()
            self.linear.cuda()

    def forward(self, x):
        """Return ``(N, output_dim)`` for maps of shape ``(N, 225, 15, 15)``."""
        x = self.conv(x)
        x = x.view(x.size(0), -1)
        return self.linear(x)


def main():
    """Run a random map forward and backward."""
    tallow.manual_seed(0)
    net = FeatureRegression(use_cuda=tallow.cuda.is_available())
    correlation = tallow.randn(2, 225, 15, 15, requires_grad=True)
    theta = net(correlation)
    theta.sum().backward()
    print(net)
    print(tuple(correlation.shape), "->", tuple(theta.shape))
    print(len(list(net.parameters())), "parameters; buffers:")
    for name, buffer in net.named_buffers():
        print(f"  {name} {tuple(buffer.shape)}")
    print("gradient of the input:", tuple(correlation.grad.shape))


if __name__ == "__main__":
    main()
