"""A policy learns to keep a ball in the middle of a shaking tray: REINFORCE with a baseline.

python -m tallow examples/programs/reinforce.py
"""

import argparse

import torch
import torch.nn as nn
from torch.distributions import Categorical


class Tray:
    """A ball rolls on a tray that can be tilted left or right; it falls off one unit away."""

    def reset(self):
        """Put the ball near the middle; return place and speed."""
        self.state = 0.2 * torch.rand(2) - 0.1
        return self.state

    def step(self, action):
        """Tilt left (0) or right (1); return the state, and whether the ball is still there."""
        place, speed = self.state.tolist()
        shake = 0.02 * (torch.rand(()).item() - 0.5)
        speed += 0.05 if action == 1 else -0.05
        speed += 0.1 * place + shake
        place += speed
        self.state = torch.tensor([place, speed])
        return self.state, abs(place) < 1


class Policy(nn.Module):
    """The distribution of the next action, and what the state is worth."""

    def __init__(self, width=32):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, width), nn.Tanh())
        self.action = nn.Linear(width, 2)
        self.value = nn.Linear(width, 1)

    def forward(self, state):
        """Return a distribution and a number."""
        hidden = self.body(state)
        return Categorical(logits=self.action(hidden)), self.value(hidden).squeeze(-1)


def play(policy, tray, longest=60):
    """Play until the ball falls; return log-probabilities, entropies and values of the moves."""
    log_probabilities, entropies, values = [], [], []
    state = tray.reset()
    for _ in range(longest):
        actions, value = policy(state)
        action = actions.sample()
        log_probabilities.append(actions.log_prob(action))
        entropies.append(actions.entropy())
        values.append(value)
        state, on_the_tray = tray.step(action.item())
        if not on_the_tray:
            break
    return torch.stack(log_probabilities), torch.stack(entropies), torch.stack(values)


def discounted(length, factor=0.95):
    """Return what each move of a game earned: one point for every move after it, discounted."""
    returns, total = [], 0.0
    for _ in range(length):
        total = 1 + factor * total
        returns.append(total)
    return torch.tensor(returns[::-1]) * (1 - factor)


def main():
    """Play one game a step and learn from it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--every", type=int, default=10, help="steps from one line to the next")
    options = parser.parse_args()
    torch.manual_seed(6)
    policy, tray = Policy(), Tray()
    optimizer = torch.optim.RMSprop(policy.parameters(), lr=3e-3)
    for step in range(1, options.steps + 1):
        log_probabilities, entropies, values = play(policy, tray)
        returns = discounted(len(values))
        gain = (returns - values).detach()
        loss = -(log_probabilities * gain).mean() - 0.01 * entropies.mean()
        loss = loss + nn.functional.huber_loss(values, returns)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % options.every == 0:
            print(f"step {step}: loss {loss.item():.6f} after {len(values)} moves")


if __name__ == "__main__":
    main()
