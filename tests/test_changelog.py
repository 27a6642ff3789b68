"""CHANGELOG.md, pyproject.toml and the module agree about the version."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import tallow

ROOT = Path(__file__).resolve().parents[1]
SECTIONS = {"Added", "Changed", "Fixed", "Performance", "Removed"}
pytestmark = pytest.mark.skipif(
    not (ROOT / "CHANGELOG.md").is_file(), reason="needs the source tree"
)


def version() -> str:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


def test_top_version_is_the_project_version() -> None:
    titles = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert titles[0].strip("[]") == version()


def test_module_version_is_the_project_version() -> None:
    assert tallow.__version__ == version()


def test_sections_have_known_names() -> None:
    names = re.findall(r"^### (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert set(names) <= SECTIONS
