"""Models from repositories with a hubconf.py: from a folder, or an archive that is fetched."""

from __future__ import annotations

import io
import urllib.error
import zipfile
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from tallow import hub

CODE = """
dependencies = ["math"]
from neighbour import SIZE

def sizes(count=2, **options):
    "Return some sizes."
    return [SIZE] * count + list(options)

def _hidden():
    pass

NUMBER = 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "repository"
    made.mkdir()
    (made / "hubconf.py").write_text(CODE)
    (made / "neighbour.py").write_text("SIZE = 7\n")
    return made


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path) -> list[str]:
    """Answer downloads of owner/name with an archive of the folder; the addresses asked for."""
    asked: list[str] = []

    def download(url: str, path: str, progress: bool = True) -> None:
        asked.append(url)
        if not url.endswith("/zipball/master"):
            raise urllib.error.HTTPError(url, 404, "Not Found", Message(), io.BytesIO())
        with zipfile.ZipFile(path, "w") as file:
            for source in folder.iterdir():
                file.write(source, f"owner-name-1234/{source.name}")

    monkeypatch.setattr(hub, "download_url_to_file", download)
    monkeypatch.setattr(hub._Hub, "directory", str(tmp_path / "hub"))
    return asked


def test_a_function_of_a_folder(folder: Path) -> None:
    assert hub.load(str(folder), "sizes", 3, source="local", option=1) == [7, 7, 7, "option"]


@pytest.mark.parametrize(
    ("model", "source", "error", "message"),
    [
        ("absent", "local", RuntimeError, "Cannot find callable absent in hubconf"),
        ("NUMBER", "local", RuntimeError, "Cannot find callable NUMBER in hubconf"),
        (3, "local", ValueError, "model should be a string"),
        ("sizes", "elsewhere", ValueError, 'Unknown source: "elsewhere"'),
    ],
)
def test_other_calls_are_refused(
    folder: Path, model: Any, source: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        hub.load(str(folder), model, source=source)


def test_missing_packages_and_files_are_named(folder: Path) -> None:
    (folder / "hubconf.py").write_text("dependencies = ['absent_one', 'math', 'absent_two']")
    with pytest.raises(RuntimeError, match="Missing dependencies: absent_one, absent_two"):
        hub.load(str(folder), "sizes", source="local")
    with pytest.raises(FileNotFoundError, match="hubconf.py"):
        hub.load(str(folder / "nowhere"), "sizes", source="local")


def test_a_repository_is_fetched_once(fetched: list[str]) -> None:
    assert hub.load("owner/name", "sizes", trust_repo=True) == [7, 7]
    main, master = (f"https://github.com/owner/name/zipball/{ref}" for ref in ("main", "master"))
    assert fetched == [main, master]
    assert hub.list("owner/name") == ["sizes"]
    assert hub.help("owner/name", "sizes") == "Return some sizes."
    assert fetched == [main, master]
    assert hub.load("owner/name:master", "sizes", 1, force_reload=True) == [7]
    assert fetched == [main, master, master]


def test_a_branch_that_is_not_there_is_named(fetched: list[str]) -> None:
    with pytest.raises(RuntimeError, match="cannot find other in owner/name"):
        hub.load("owner/name:other", "sizes", trust_repo=True)
    with pytest.raises(ValueError, match="expected a repository 'owner/name'"):
        hub.load("name", "sizes", trust_repo=True)


def test_strangers_are_asked_about(fetched: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter(["n", "y"])
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    with pytest.raises(PermissionError, match="Untrusted repository: owner/name"):
        hub.load("owner/name", "sizes")
    assert not fetched
    assert hub.load("owner/name", "sizes") == hub.load("owner/name", "sizes") == [7, 7]
    with pytest.raises(ValueError, match="expected trust_repo to be"):
        hub.load("owner/name", "sizes", trust_repo="maybe")
