"""A program of examples/programs, written for PyTorch, with CUDA as the default device."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "examples" / "programs" / "resnet.py"
# Fewer and smaller pictures, and narrower stages: the emulator has no time for the rest.
SMALLER = [
    ("torch.arange(32.0)", "torch.arange(8.0)"),
    ("3, 32, 32", "3, 8, 8"),
    ("width=8", "width=2"),
    ("Stripes(256), batch_size=32", "Stripes(32), batch_size=8"),
    ("Stripes(64)", "Stripes(16)"),
]


@pytest.mark.skipif(not PROGRAM.exists(), reason="the examples are not beside the tests")
def test_the_residual_network_trains(tmp_path: Path) -> None:
    text = PROGRAM.read_text()
    for given, smaller in SMALLER:
        assert given in text
        text = text.replace(given, smaller)
    text = text.replace("    main()", '    torch.set_default_device("cuda")\n    main()')
    program = tmp_path / "resnet.py"
    program.write_text(text)
    command = [sys.executable, "-m", "tallow", program, "--steps", "8", "--every", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    losses = [float(loss) for loss in re.findall(r"loss (\S+)", done.stdout)]
    assert len(losses) == 8
    assert all(0 < loss < 10 for loss in losses)
    assert re.search(r"right on new pictures: \d+ of 16", done.stdout)
