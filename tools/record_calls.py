"""Record what PyTorch computes in the small calls of the benchmarks, for tests without PyTorch.

Run with an interpreter that has PyTorch: `python tools/record_calls.py`. Writes
tests/goldens/calls.json.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from recorded_calls import GOLDENS, calls, describe


def main() -> None:
    """Make every call; leave out what raises, gives no numbers, or others the next time."""
    torch.set_num_threads(1)
    kept = {}
    for name, setup in calls():
        found = describe(torch, setup)
        failed = any(len(digest) == 1 for digest in found)
        if found and not failed and found == describe(torch, setup):
            kept[name] = found
    lines = [f"{json.dumps(name)}: {json.dumps(found)}" for name, found in kept.items()]
    GOLDENS.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{len(kept)} calls")


if __name__ == "__main__":
    main()
