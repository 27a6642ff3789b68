"""Every name of the first tier exists: what a training script touches on its way.

`t0_names.txt` is the tier of the contract, spelled out: operations with the methods and the in-place
methods that PyTorch has for them.
"""

import importlib
from pathlib import Path

import pytest

NAMES = (Path(__file__).parent / "t0_names.txt").read_text().split()


def find(path: str) -> object:
    owner, *rest = path.split(".")
    found = importlib.import_module(owner)
    for name in rest:
        owner = f"{owner}.{name}"
        if not hasattr(found, name):
            importlib.import_module(owner)
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("path", NAMES)
def test_T0(path: str) -> None:
    try:
        find(path)
    except (AttributeError, ImportError):
        pytest.fail(f"{path} is missing")
