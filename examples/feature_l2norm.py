"""A layer without parameters: every position's channel vector is divided by its length."""

import tallow
from tallow import nn


class FeatureL2Norm(nn.Module):
    """Make the channel vector at every position one long."""

    def forward(self, feature):
        """Return a tensor like ``feature``, ``(N, C, H, W)``."""
        epsilon = 1e-6  # inside the root, so that the gradient of an empty position is finite
        norm = tallow.pow(tallow.sum(tallow.pow(feature, 2), 1) + epsilon, 0.5)
        return tallow.div(feature, norm.unsqueeze(1).expand_as(feature))


def main():
    """Normalise random features and check the gradient."""
    tallow.manual_seed(0)
    layer = FeatureL2Norm()
    feature = tallow.randn(2, 225, 15, 15, requires_grad=True)
    result = layer(feature)
    lengths = result.pow(2).sum(1)
    print(layer, tuple(feature.shape), "->", tuple(result.shape))
    print(f"squared lengths between {lengths.min().item():.4f} and {lengths.max().item():.4f}")

    small = tallow.randn(2, 3, 2, 2, dtype=tallow.float64, requires_grad=True)
    print("gradient agrees with finite differences:", tallow.autograd.gradcheck(layer, small))


if __name__ == "__main__":
    main()
