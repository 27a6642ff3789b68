"""LeNet for 28x28 images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tallow import nn

if TYPE_CHECKING:
    from tallow import Tensor

__all__ = ["LeNet"]


def _stage(*layers: tuple[str, nn.Module]) -> nn.Sequential:
    stage = nn.Sequential()
    for name, layer in layers:
        stage.add_module(name, layer)
    return stage


class LeNet(nn.Module):
    """Two stages of convolution and pooling, then three linear layers; 61,610 parameters.

    Maps images of shape ``(N, 1, 28, 28)`` to ten scores each.

    Source: LeCun et al., Gradient-based learning applied to document recognition, Proceedings of
    the IEEE 86, 1998, with ReLU and max pooling.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = _stage(
            ("conv1", nn.Conv2d(1, 6, 3, padding=1)),
            ("relu1", nn.ReLU()),
            ("pool1", nn.MaxPool2d(2, 2)),
        )
        self.layer2 = _stage(
            ("conv2", nn.Conv2d(6, 16, 5)),
            ("relu2", nn.ReLU()),
            ("pool2", nn.MaxPool2d(2, 2)),
        )
        self.layer3 = _stage(
            ("fc1", nn.Linear(16 * 5 * 5, 120)),
            ("relu3", nn.ReLU()),
            ("fc2", nn.Linear(120, 84)),
            ("relu4", nn.ReLU()),
            ("fc3", nn.Linear(84, 10)),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return the scores of the ten digits.

        Args:
            images: ``(N, 1, 28, 28)``, ink 1 on paper 0.

        Returns:
            ``(N, 10)``.
        """
        features = self.layer2(self.layer1(images))
        scores: Tensor = self.layer3(features.view(features.size(0), -1))
        return scores
