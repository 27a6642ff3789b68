"""Score tallow against PyTorch's own databases of test inputs; PyTorch must be installed.

python tools/parity_score.py [--modules] [--tier T0] [--only REGEX] [--errors] [--samples N]
"""

from __future__ import annotations

import argparse
import faulthandler
import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "tests")]


def main() -> None:
    """Print every failing entry and the share of entries that pass, tier by tier."""
    faulthandler.enable()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tier", choices=("T0", "T1", "T2"), action="append")
    parser.add_argument("--only", default="", help="regular expression on the entry's name")
    parser.add_argument("--errors", action="store_true", help="wrong inputs instead of samples")
    parser.add_argument("--modules", action="store_true", help="layers and optimisers")
    parser.add_argument("--samples", type=int, default=12)
    options = parser.parse_args()

    import torch

    import tallow

    torch.set_num_threads(1)
    tallow.set_num_threads(1)
    from parity import databases, ops
    from parity.tiers import tier

    if options.modules:
        score_modules(options.only)
        return
    tiers = options.tier or ["T0", "T1"]
    total: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    gone: Counter[str] = Counter()
    for entry in databases.op_db():
        which, name = tier(entry.name), databases.entry_id(entry)
        if which not in tiers or not re.search(options.only, name):
            continue
        failed = (
            ops.error_failures(entry)
            if options.errors
            else ops.failures(entry, most=options.samples)
        )
        total[which] += 1
        passed[which] += not failed
        gone[which] += any(kind.startswith("missing") for kind in failed)
        for kind, text in failed.items():
            print(f"{which} {name} {kind} {text}".replace("\n", " ")[:400], flush=True)
    for which in tiers:
        if total[which]:
            share = 100 * passed[which] / total[which]
            print(
                f"{which}: {passed[which]} of {total[which]} entries ({share:.1f} %), "
                f"{gone[which]} need a name that is missing"
            )


def score_modules(only: str) -> None:
    """Print the failing layers and optimisers, and the shares of those that pass."""
    import torch

    from parity import databases, modules

    runs = [
        ("layers", e.formatted_name, lambda e=e: modules.module_failures(e, torch.float32))
        for e in databases.module_db()
    ]
    runs += [
        ("optimisers", e.optim_cls.__name__, lambda e=e: modules.optimizer_failures(e))
        for e in databases.optim_db()
    ]
    total: Counter[str] = Counter()
    passed: Counter[str] = Counter()
    for what, name, run in runs:
        if not re.search(only, name):
            continue
        failed = run()
        total[what] += 1
        passed[what] += not failed
        for kind, text in failed.items():
            print(f"{what} {name} {kind} {text}".replace("\n", " ")[:400], flush=True)
    for what in total:
        print(f"{what}: {passed[what]} of {total[what]} entries")


if __name__ == "__main__":
    main()
