"""Two convolutional networks: one paints discs, the other tells them from real ones.

python -m tallow examples/programs/dcgan.py
"""

import argparse

import torch
import torch.nn as nn

SIDE, NOISE = 16, 8


def real_pictures(count):
    """Return pictures (count, 1, SIDE, SIDE) of discs on a dark ground."""
    row = torch.arange(SIDE, dtype=torch.float32)
    y, x = torch.meshgrid(row, row, indexing="ij")
    centre = 4 + 8 * torch.rand(count, 2, 1, 1)
    radius = 2 + 3 * torch.rand(count, 1, 1)
    distance = torch.hypot(y - centre[:, 0], x - centre[:, 1])
    return torch.tanh(radius - distance).unsqueeze(1)


def make_painter(width=8):
    """Return a network from noise (N, NOISE, 1, 1) to pictures."""
    return nn.Sequential(
        nn.ConvTranspose2d(NOISE, 4 * width, 4, bias=False),
        nn.BatchNorm2d(4 * width),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(4 * width, 2 * width, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(inplace=True),
        nn.ConvTranspose2d(2 * width, 1, 4, stride=2, padding=1, bias=False),
        nn.Tanh(),
    )


def make_critic(width=8):
    """Return a network from pictures to one score each, high for real ones."""
    return nn.Sequential(
        nn.Conv2d(1, width, 4, stride=2, padding=1, bias=False),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.LeakyReLU(0.2, inplace=True),
        nn.Conv2d(2 * width, 1, 4, bias=False),
        nn.Flatten(0),
    )


def small_weights(module):
    """Draw the weights that the authors of DCGAN recommend."""
    # Source: Radford et al., Unsupervised Representation Learning with DCGANs (2015), section 4.
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


def main():
    """Train both in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--every", type=int, default=10, help="steps from one line to the next")
    options = parser.parse_args()
    torch.manual_seed(4)
    painter, critic = make_painter().apply(small_weights), make_critic().apply(small_weights)
    right = nn.BCEWithLogitsLoss()
    painting = torch.optim.Adam(painter.parameters(), lr=2e-4, betas=(0.5, 0.999))
    judging = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
    real, fake = torch.ones(32), torch.zeros(32)
    for step in range(1, options.steps + 1):
        painted = painter(torch.randn(32, NOISE, 1, 1))
        judging.zero_grad()
        seen = right(critic(real_pictures(32)), real) + right(critic(painted.detach()), fake)
        seen.backward()
        judging.step()
        painting.zero_grad()
        fooled = right(critic(painted), real)
        fooled.backward()
        painting.step()
        if step % options.every == 0:
            print(f"step {step}: critic {seen.item():.6f} painter {fooled.item():.6f}")


if __name__ == "__main__":
    main()
