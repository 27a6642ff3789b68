"""Record the losses that PyTorch gives the programs of examples/programs.

Run with an interpreter that has PyTorch: `python tools/record_programs.py`. Writes
tests/goldens/program_losses.json; `tests/test_programs.py` compares tallow with it.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = sorted((ROOT / "examples" / "programs").glob("*.py"))
GOLDENS = ROOT / "tests" / "goldens" / "program_losses.json"
LOSS = re.compile(r"-?\d+\.\d{6}")


def main() -> None:
    """Run every program with a line for each step, and write the numbers with six digits."""
    losses = {}
    for program in PROGRAMS:
        command = [sys.executable, str(program), "--every", "1"]
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        losses[program.stem] = [float(number) for number in LOSS.findall(output)]
        print(program.stem, len(losses[program.stem]), flush=True)
    made_by = f"tools/record_programs.py with PyTorch {torch.__version__}"
    lines = [f' "{name}": {json.dumps(values)}' for name, values in losses.items()]
    GOLDENS.write_text(
        f'{{"made_by": {json.dumps(made_by)},\n"losses": {{\n' + ",\n".join(lines) + "\n}}\n"
    )


if __name__ == "__main__":
    main()
