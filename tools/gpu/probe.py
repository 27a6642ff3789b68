"""Say what GPU machine this is: versions of everything, and a device's description as JSON."""

from __future__ import annotations

import importlib.util
import json
import platform
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "pytest", "pybind11", "scikit-build-core", "cmake", "ninja", "torch")
QUERY = "name,driver_version,memory.total,clocks.max.sm,power.limit"


def first_line(*command: str) -> str:
    """The last line that a program prints about itself, or why there is none."""
    if shutil.which(command[0]) is None:
        return "not installed"
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[-1] if lines else f"status {done.returncode}"


def installed(package: str) -> str:
    """The version of a package, if it is there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def describe() -> dict[str, object]:
    """Everything that a result depends on."""
    about: dict[str, object] = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "gpu": first_line("nvidia-smi", f"--query-gpu={QUERY}", "--format=csv,noheader"),
        "nvcc": first_line("nvcc", "--version"),
        "g++": first_line("g++", "-dumpfullversion"),
        **{package: installed(package) for package in PACKAGES},
    }
    if importlib.util.find_spec("tallow") is not None:
        import tallow

        about["tallow"] = tallow.__version__
        about["why no device"] = tallow.cuda.why_unavailable()
    return about


if __name__ == "__main__":
    found = describe()
    text = json.dumps(found, indent=1)
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text + "\n")
    print(text)
    print(found["gpu"])
