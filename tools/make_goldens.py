"""Record what PyTorch computes, for tests that must not need PyTorch.

Run with an interpreter that has PyTorch: `python tools/make_goldens.py`. Writes
tests/goldens/training_losses.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import training  # noqa: E402


def main() -> None:
    """Train every model once on one thread and write its losses."""
    torch.set_num_threads(1)
    goldens = {
        "made_by": f"tools/make_goldens.py with PyTorch {torch.__version__}",
        "losses": {
            name: [round(loss, 8) for loss in training.train(torch, name)[0]]
            for name in training.MODELS
        },
    }
    path = ROOT / "tests" / "goldens" / "training_losses.json"
    path.write_text(json.dumps(goldens, indent=1) + "\n")
    print(f"{path.relative_to(ROOT)}: {', '.join(goldens['losses'])}")


if __name__ == "__main__":
    main()
