"""An LSTM learns a small language from sentences of different lengths, packed without padding.

python -m tallow examples/programs/rnn_language_model.py
"""

import argparse
import random
from itertools import islice

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence
from torch.utils.data import DataLoader

WORDS = [
    "<pad>",
    "<end>",
    "the",
    "a",
    "cat",
    "dog",
    "bird",
    "old",
    "small",
    "sees",
    "hears",
    "sleeps",
]
PAD, END = 0, 1


def make_sentence(dice):
    """Return the codes of one sentence: a noun phrase, and a verb with or without another."""

    def noun_phrase():
        adjectives = dice.sample(["old", "small"], dice.randrange(3))
        return [dice.choice(["the", "a"]), *adjectives, dice.choice(["cat", "dog", "bird"])]

    words = noun_phrase()
    words += ["sleeps"] if dice.random() < 0.3 else [dice.choice(["sees", "hears"]), *noun_phrase()]
    return torch.tensor([WORDS.index(word) for word in words] + [END])


class LanguageModel(nn.Module):
    """Scores for the word after each word."""

    def __init__(self, features=16, width=32):
        super().__init__()
        self.embedding = nn.Embedding(len(WORDS), features, padding_idx=PAD)
        self.dropout = nn.Dropout(0.2)
        self.lstm = nn.LSTM(features, width, num_layers=2, batch_first=True, dropout=0.2)
        self.head = nn.Linear(width, len(WORDS))

    def forward(self, words, lengths):
        """Map padded codes (batch, longest) to scores (batch, longest, words)."""
        inputs = self.dropout(self.embedding(words))
        packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
        outputs, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.head(self.dropout(outputs))


def collate(sentences):
    """Pad sentences to the longest; keep how long each is without its last word."""
    lengths = torch.tensor([len(sentence) - 1 for sentence in sentences])
    return pad_sequence(sentences, batch_first=True, padding_value=PAD), lengths


def endless(loader):
    """Go through a loader again and again."""
    while True:
        yield from loader


def main():
    """Train with plain SGD whose step size falls when the loss stays."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--every", type=int, default=10, help="steps from one line to the next")
    options = parser.parse_args()
    torch.manual_seed(2)
    dice = random.Random(2)
    sentences = [make_sentence(dice) for _ in range(300)]
    loader = DataLoader(sentences, batch_size=16, shuffle=True, collate_fn=collate)
    model = LanguageModel()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.5)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=5)
    for step, (words, lengths) in enumerate(islice(endless(loader), options.steps), 1):
        scores = model(words[:, :-1], lengths)
        loss = F.cross_entropy(scores.transpose(1, 2), words[:, 1:], ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimizer.step()
        schedule.step(loss.item())
        if step % options.every == 0:
            print(f"step {step}: loss {loss.item():.6f}")
    print(f"step size at the end: {optimizer.param_groups[0]['lr']}")


if __name__ == "__main__":
    main()
