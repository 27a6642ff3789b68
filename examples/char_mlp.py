"""A program written for PyTorch: it learns to continue a text, letter by letter.

    python -m tallow examples/char_mlp.py

runs it on tallow; with PyTorch installed, ``python examples/char_mlp.py`` prints the same losses.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

TEXT = """the quick brown fox jumps over the lazy dog. a wizard's job is to vex chumps quickly.
pack my box with five dozen liquor jugs. how vexingly quick daft zebras jump. """
CONTEXT = 6

letters = sorted(set(TEXT))
number = {letter: i for i, letter in enumerate(letters)}


class CharMLP(nn.Module):
    """Predicts the next letter from the last ones."""

    def __init__(self, width=64, features=12):
        super().__init__()
        self.embedding = nn.Embedding(len(letters), features)
        self.layers = nn.Sequential(
            nn.Linear(CONTEXT * features, width),
            nn.Tanh(),
            nn.Linear(width, len(letters)),
        )

    def forward(self, x):
        """Return a score for each letter that may follow."""
        return self.layers(self.embedding(x).flatten(1))


def make_dataset():
    """Return pairs of a piece of the text and the letter after it."""
    codes = [number[letter] for letter in TEXT]
    x = torch.tensor([codes[i : i + CONTEXT] for i in range(len(codes) - CONTEXT)])
    y = torch.tensor(codes[CONTEXT:])
    return TensorDataset(x, y)


def continue_text(model, start, length):
    """Return the start with the likeliest letters after it."""
    model.eval()
    codes = [number[letter] for letter in start]
    with torch.no_grad():
        for _ in range(length):
            scores = model(torch.tensor([codes[-CONTEXT:]]))
            codes.append(F.softmax(scores, dim=-1).argmax(1).item())
    return "".join(letters[code] for code in codes)


def main():
    """Train, and continue a text."""
    torch.manual_seed(42)
    model = CharMLP()
    loader = DataLoader(make_dataset(), batch_size=32, shuffle=True)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=30)
    for epoch in range(30):
        total = 0.0
        for x, y in loader:
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        scheduler.step()
        if epoch % 5 == 4:
            print(f"epoch {epoch + 1:2}: loss {total / len(loader):.4f}")
    print(continue_text(model, "the quick", 30))


if __name__ == "__main__":
    main()
