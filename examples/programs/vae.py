"""A variational autoencoder of small pictures with one bright rectangle each.

python -m tallow examples/programs/vae.py
"""

import argparse
from itertools import islice

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Normal, kl_divergence
from torch.utils.data import DataLoader, TensorDataset

SIDE = 12


def make_pictures(count):
    """Return pictures (count, 1, SIDE, SIDE): dim, with a bright rectangle."""
    pictures = 0.1 * torch.rand(count, 1, SIDE, SIDE)
    corners = torch.randint(0, SIDE // 2, (count, 2))
    sizes = torch.randint(2, SIDE // 2 + 1, (count, 2))
    boxes = torch.cat([corners, corners + sizes], dim=1).tolist()
    for picture, (top, left, bottom, right) in zip(pictures, boxes, strict=True):
        picture[0, top:bottom, left:right] += 0.8
    return pictures


class VAE(nn.Module):
    """A picture becomes a distribution over codes, and a code a picture."""

    def __init__(self, width=64, code=6):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Flatten(),
            nn.Linear(16 * (SIDE // 4) ** 2, width),
            nn.SiLU(),
        )
        self.mean = nn.Linear(width, code)
        self.spread = nn.Linear(width, code)
        self.decoder = nn.Sequential(
            nn.Linear(code, width),
            nn.SiLU(),
            nn.Linear(width, SIDE**2),
            nn.Unflatten(1, (1, SIDE, SIDE)),
        )

    def forward(self, pictures):
        """Return scores of the pixels, and the distribution the code was drawn from."""
        hidden = self.encoder(pictures)
        posterior = Normal(self.mean(hidden), F.softplus(self.spread(hidden)) + 1e-3)
        return self.decoder(posterior.rsample()), posterior


def loss_of(model, pictures):
    """Return the negative bound on the likelihood, per picture."""
    scores, posterior = model(pictures)
    prior = Normal(torch.zeros_like(posterior.loc), torch.ones_like(posterior.scale))
    missed = F.binary_cross_entropy_with_logits(scores, pictures, reduction="sum")
    return (missed + kl_divergence(posterior, prior).sum()) / len(pictures)


def endless(loader):
    """Go through a loader again and again."""
    while True:
        yield from loader


def main():
    """Train with Adam."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--every", type=int, default=10, help="steps from one line to the next")
    options = parser.parse_args()
    torch.manual_seed(3)
    loader = DataLoader(TensorDataset(make_pictures(256)), batch_size=32, shuffle=True)
    model = VAE()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    for step, (pictures,) in enumerate(islice(endless(loader), options.steps), 1):
        loss = loss_of(model, pictures)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % options.every == 0:
            print(f"step {step}: loss {loss.item():.6f}")
    model.eval()
    with torch.no_grad():
        print(f"on new pictures: {loss_of(model, make_pictures(64)).item():.6f}")


if __name__ == "__main__":
    main()
