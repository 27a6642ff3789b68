"""Repositories with a ``hubconf.py``: fetching them, and calling what is in there."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
import tempfile
import urllib.error
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["entry", "folder_of", "hubconf"]

_GITHUB = "https://github.com"
_TRUSTED_OWNERS = ("facebookresearch", "facebookincubator", "pytorch", "fairinternal")


def folder_of(github: str, force_reload: bool, verbose: bool, trust_repo: Any) -> str:
    """Return the folder with a copy of a repository, fetched if it is not there.

    Args:
        github: ``owner/repository``, or with ``:`` and a branch or tag.
        force_reload: fetch it again.
        verbose: say where the copy is.
        trust_repo: True for yes, False to ask, ``'check'`` to ask what was not asked before.

    Raises:
        ValueError: another form of name, or of `trust_repo`.
        PermissionError: the answer was no.
        RuntimeError: there is no such repository or branch.
    """
    from tallow import hub

    found = re.fullmatch(r"([\w.-]+)/([\w.-]+)(?::([\w./-]+))?", github)
    if not found:
        raise ValueError(
            f"hub: expected a repository 'owner/name' or 'owner/name:branch', given {github!r}"
        )
    owner, name, ref = found.groups()
    directory = hub.get_dir()
    os.makedirs(directory, exist_ok=True)
    _check_trust(directory, owner, name, trust_repo)
    for branch in (ref,) if ref else ("main", "master"):
        folder = os.path.join(directory, "_".join((owner, name, branch.replace("/", "_"))))
        if os.path.isdir(folder) and not force_reload:
            if verbose:
                sys.stderr.write(f"Using cache found in {folder}\n")
            return folder
    for branch in (ref,) if ref else ("main", "master"):
        folder = os.path.join(directory, "_".join((owner, name, branch.replace("/", "_"))))
        url = f"{_GITHUB}/{owner}/{name}/zipball/{branch}"
        if verbose:
            sys.stderr.write(f'Downloading: "{url}" to {folder}\n')
        try:
            _fetch(url, folder)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
        else:
            return folder
    raise RuntimeError(f"hub: cannot find {ref or 'the branch main or master'} in {owner}/{name}")


def _check_trust(directory: str, owner: str, name: str, trust_repo: Any) -> None:
    if trust_repo not in (True, False, "check", None):
        raise ValueError(
            f"hub: expected trust_repo to be True, False or 'check', given {trust_repo!r}"
        )
    path = os.path.join(directory, "trusted_list")
    known = []
    if os.path.exists(path):
        with open(path) as file:
            known = file.read().split()
    trusted = f"{owner}_{name}" in known
    if trust_repo in ("check", None) and (trusted or owner in _TRUSTED_OWNERS):
        return
    if trust_repo is not True:
        answer = input(
            f"hub: {owner}/{name} will run its code here. Trust it, now and later (y/N)? "
        )
        if answer.strip().lower() not in ("y", "yes"):
            raise PermissionError(f"Untrusted repository: {owner}/{name}")
    if not trusted:
        with open(path, "a") as file:
            file.write(f"{owner}_{name}\n")


def _fetch(url: str, folder: str) -> None:
    """Put the only folder in an archive into the place of `folder`, all of it or nothing."""
    from tallow import hub

    with tempfile.TemporaryDirectory(dir=os.path.dirname(folder)) as work:
        archive = os.path.join(work, "archive.zip")
        hub.download_url_to_file(url, archive, progress=False)
        with zipfile.ZipFile(archive) as file:
            file.extractall(os.path.join(work, "content"))
        (top,) = os.listdir(os.path.join(work, "content"))
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(os.path.join(work, "content", top), folder)


def hubconf(folder: str) -> ModuleType:
    """Import the ``hubconf.py`` of a folder, from which it may import its neighbours.

    Raises:
        FileNotFoundError: there is none.
        RuntimeError: packages that it lists as ``dependencies`` are not installed.
    """
    path = os.path.join(folder, "hubconf.py")
    if not os.path.isfile(path):
        raise FileNotFoundError(f"hub: there is no {path}")
    sys.path.insert(0, folder)
    try:
        spec = importlib.util.spec_from_file_location("hubconf", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(folder)
    missing = [
        name for name in getattr(module, "dependencies", ()) if not importlib.util.find_spec(name)
    ]
    if missing:
        raise RuntimeError(f"Missing dependencies: {', '.join(missing)}")
    return module


def entry(module: ModuleType, model: str) -> Callable[..., Any]:
    """Return a function of a ``hubconf.py``.

    Raises:
        ValueError: its name is no string.
        RuntimeError: there is no such function.
    """
    if not isinstance(model, str):
        raise ValueError("Invalid input: model should be a string of function name")
    function = getattr(module, model, None)
    if not callable(function):
        raise RuntimeError(f"Cannot find callable {model} in hubconf")
    return function
