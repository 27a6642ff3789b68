"""Two LSTM cells learn to continue sine waves, trained on all of them at once with L-BFGS.

python -m tallow examples/programs/lstm_sine.py
"""

import argparse
import math

import torch
import torch.nn as nn


class Waves(nn.Module):
    """Reads a wave value by value and says the next one each time."""

    def __init__(self, width=16):
        super().__init__()
        self.width = width
        self.first = nn.LSTMCell(1, width)
        self.second = nn.LSTMCell(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, waves, more=0):
        """Map waves (N, T) to their next values (N, T + more); the last ones from its own."""
        zeros = waves.new_zeros(len(waves), self.width)
        first, second = (zeros, zeros), (zeros, zeros)
        said = []
        for value in waves.split(1, dim=1):
            first = self.first(value, first)
            second = self.second(first[0], second)
            said.append(self.out(second[0]))
        for _ in range(more):
            first = self.first(said[-1], first)
            second = self.second(first[0], second)
            said.append(self.out(second[0]))
        return torch.cat(said, dim=1)


def make_waves(count, length):
    """Return sine waves (count, length) with different starts and periods."""
    start = 2 * math.pi * torch.rand(count, 1)
    period = 16 + 8 * torch.rand(count, 1)
    return torch.sin(start + 2 * math.pi * torch.arange(length) / period)


def main():
    """Count evaluations of the loss as steps: L-BFGS asks for several before it moves on."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--every", type=int, default=10, help="steps from one line to the next")
    options = parser.parse_args()
    torch.manual_seed(7)
    torch.set_default_dtype(torch.float64)
    waves = make_waves(12, 40)
    model = Waves()
    loss_of = nn.MSELoss()
    optimizer = torch.optim.LBFGS(
        model.parameters(), lr=0.5, max_iter=10, line_search_fn="strong_wolfe"
    )
    steps = 0

    def closure():
        nonlocal steps
        optimizer.zero_grad()
        loss = loss_of(model(waves[:, :-1]), waves[:, 1:])
        loss.backward()
        steps += 1
        if steps <= options.steps and steps % options.every == 0:
            print(f"step {steps}: loss {loss.item():.6f}")
        return loss

    while steps < options.steps:
        optimizer.step(closure)
    with torch.no_grad():
        new = make_waves(4, 60)
        said = model(new[:, :40], more=19)
        print(f"continuing new waves: loss {loss_of(said, new[:, 1:]).item():.6f}")


if __name__ == "__main__":
    main()
