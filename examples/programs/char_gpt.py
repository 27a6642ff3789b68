"""A small GPT learns to continue a text, letter by letter.

python -m tallow examples/programs/char_gpt.py
"""

import argparse
import math

import torch
import torch.nn as nn
import torch.nn.functional as F

TEXT = """a tensor is a box of numbers. a layer turns one box into another. the loss says how far
the last box is from the truth. the gradient says which way is down, and a step goes that way. """
CONTEXT = 32

letters = sorted(set(TEXT))
codes = torch.tensor([letters.index(letter) for letter in TEXT])


class Attention(nn.Module):
    """Every position looks at itself and at those before it."""

    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, x):
        """Mix the positions of each row of a batch."""
        batch, length, width = x.shape
        parts = self.queries_keys_values(x).view(batch, length, 3, self.heads, -1)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(q, k, v, dropout_p=dropout, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    """Attention, then a perceptron, each beside a shortcut."""

    def __init__(self, width, heads, dropout):
        super().__init__()
        self.before_attention = nn.LayerNorm(width)
        self.attention = Attention(width, heads, dropout)
        self.before_perceptron = nn.LayerNorm(width)
        wide, narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.perceptron = nn.Sequential(wide, nn.GELU(), narrow, nn.Dropout(dropout))

    def forward(self, x):
        """Add what both parts have to say."""
        x = x + self.attention(self.before_attention(x))
        return x + self.perceptron(self.before_perceptron(x))


class GPT(nn.Module):
    """Scores for the letter after each position."""

    def __init__(self, width=48, heads=4, depth=2, dropout=0.1):
        super().__init__()
        self.letter = nn.Embedding(len(letters), width)
        self.position = nn.Embedding(CONTEXT, width)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.Sequential(*[Block(width, heads, dropout) for _ in range(depth)])
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, len(letters), bias=False)
        self.head.weight = self.letter.weight
        nn.init.normal_(self.letter.weight, std=0.02)

    def forward(self, x):
        """Map codes (batch, length) to scores (batch, length, letters)."""
        h = self.dropout(self.letter(x) + self.position.weight[: x.shape[1]])
        return self.head(self.norm(self.blocks(h)))

    @torch.no_grad()
    def continue_text(self, start, length):
        """Append letters, each drawn by its probability."""
        self.eval()
        x = torch.tensor([[letters.index(letter) for letter in start]])
        for _ in range(length):
            scores = self(x[:, -CONTEXT:])[:, -1] / 0.5
            x = torch.cat([x, scores.softmax(-1).multinomial(1)], dim=1)
        return "".join(letters[code] for code in x[0])


def main():
    """Train with warm-up and decay of the step size, then write some text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--every", type=int, default=10, help="steps from one line to the next")
    options = parser.parse_args()
    torch.manual_seed(1)
    model = GPT()
    biases = [p for p in model.parameters() if p.dim() < 2]
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    groups = [{"params": matrices}, {"params": biases, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=3e-3, betas=(0.9, 0.95), weight_decay=0.1)
    half = 0.5 * math.pi / options.steps
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / 10, math.cos(half * step) ** 2)
    )
    for step in range(1, options.steps + 1):
        starts = torch.randint(len(codes) - CONTEXT, (16,))
        rows = torch.stack([codes[start : start + CONTEXT + 1] for start in starts])
        loss = F.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % options.every == 0:
            print(f"step {step}: loss {loss.item():.6f}")
    print(repr(model.continue_text("a ", 60)))


if __name__ == "__main__":
    main()
