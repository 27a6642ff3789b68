"""The examples of the documentation and of every docstring run and print what they say."""

from __future__ import annotations

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
import sys
from pathlib import Path

import pytest

import tallow

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), ROOT / "CONTRIBUTING.md"])
in_source_tree = pytest.mark.skipif(
    not (ROOT / "README.md").is_file(), reason="needs the source tree"
)
# Running __main__ is what the command line does.
MODULES = sorted(
    {
        info.name
        for info in pkgutil.walk_packages(tallow.__path__, "tallow.")
        if not info.name.endswith("__main__") and not info.name.startswith("tallow._C")
    }
    | {"tallow"}
)


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name: str) -> None:
    real_torch = getattr(sys.modules.get("torch"), "__name__", None) == "torch"
    if name == "tallow._alias" and real_torch:
        pytest.skip("PyTorch has been imported in this process, where alias mode refuses to start")
    module = importlib.import_module(name)
    names = {"tallow": tallow, "nn": tallow.nn, "F": tallow.nn.functional}
    result = doctest.testmod(
        module, extraglobs=names, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert result.failed == 0


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


@in_source_tree
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_blocks_run(page: Path) -> None:
    """Blocks with >>> are checked as doctests, others are run; a page's blocks share names."""
    names: dict[str, object] = {}
    quoted = re.findall(r"^`[\w./-]+`\n```python\n(.*?)^```", page.read_text(), re.M | re.S)
    for code in blocks(page, "python"):
        if code in quoted:
            continue
        if code.startswith(">>>"):
            test = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), 0)
            out = io.StringIO()
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
            runner.run(test, out=out.write, clear_globs=False)
            names.update(test.globs)
            assert runner.failures == 0, out.getvalue()
        else:
            exec(compile(code, str(page), "exec"), names)


@in_source_tree
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_excerpts_equal_the_sources(page: Path) -> None:
    """A block under a line that is only a file's name quotes that file."""
    quoted = re.findall(r"^`([\w./-]+)`\n```\w+\n(.*?)^```", page.read_text(), re.M | re.S)
    for name, excerpt in quoted:
        assert excerpt in (ROOT / name).read_text(), f"{page.name} misquotes {name}"


@in_source_tree
def test_readme_example_prints_what_it_shows() -> None:
    text = (ROOT / "README.md").read_text()
    found = re.search(r"^```python\n(.*?)^```\n+```text\n(.*?)^```", text, re.M | re.S)
    assert found, "README.md has no example followed by its output"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(found[1], "README.md", "exec"), {})
    assert printed.getvalue() == found[2]


@in_source_tree
def test_readme_is_short() -> None:
    assert (ROOT / "README.md").read_text().count("\n") <= 120


@in_source_tree
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_exist(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    targets = re.findall(r"\]\(([^)#\s]+)", text)
    missing = [
        target
        for target in targets
        if not target.startswith(("http:", "https:")) and not (page.parent / target).exists()
    ]
    quoted = re.findall(
        r"`((?:csrc|python|tests|docs|cmake|tools|benchmarks|examples)/[\w./-]+)`", text
    )
    missing += [path for path in quoted if not (ROOT / path).exists()]
    assert not missing


def test_public_functions_have_docstrings() -> None:
    bare = [
        name
        for name in tallow.nn.functional.__all__
        if not (getattr(tallow.nn.functional, name).__doc__ or "").strip()
    ]
    bare += [name for name in tallow.nn.modules.__all__ if not getattr(tallow.nn, name).__doc__]
    assert not bare
