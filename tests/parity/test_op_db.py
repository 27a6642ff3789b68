"""Every entry of PyTorch's operator database, by tier.

`known_failures.txt` names the entries that do not agree yet, with the reason. An entry listed there
that agrees fails the test, so the list can only shrink. `tools/parity_score.py` prints details.
"""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

SAMPLES = 4  # of each entry and dtype; the tool tries more


def known_failures() -> set[str]:
    lines = (Path(__file__).parent / "known_failures.txt").read_text().splitlines()
    return {line.split("#")[0].strip() for line in lines} - {""}


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("tier", ["T0", "T1", "T2"])
def test_entries_agree_with_pytorch(tier: str, torch: ModuleType) -> None:
    from parity import databases, ops, tiers

    entries = [entry for entry in databases.op_db() if tiers.tier(entry.name) == tier]
    known = known_failures()
    found = {}
    for entry in entries:
        name = databases.entry_id(entry)
        failed = ops.failures(entry, most=SAMPLES)
        if name in known and not failed:
            found[name] = "agrees now: remove it from known_failures.txt"
        elif failed and name not in known:
            found[name] = str(failed)
    assert not found


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("tier", ["T0", "T1", "T2"])
def test_wrong_inputs_are_refused_as_pytorch_does(tier: str, torch: ModuleType) -> None:
    from parity import databases, ops, tiers

    entries = [entry for entry in databases.op_db() if tiers.tier(entry.name) == tier]
    found = {databases.entry_id(entry): ops.error_failures(entry) for entry in entries}
    found = {name: failed for name, failed in found.items() if failed}
    assert not {name: failed for name, failed in found.items() if name not in known_failures()}
