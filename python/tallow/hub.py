"""Downloads of published weights, and models from repositories with a ``hubconf.py``."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import urlparse

import tallow
from tallow._absent import name_absent_ones

try:
    from tqdm import tqdm  # type: ignore[import-untyped]
except ImportError:
    from tallow._progress import Counter as tqdm

__all__ = [
    "download_url_to_file",
    "get_dir",
    "help",
    "list",
    "load",
    "load_state_dict_from_url",
    "set_dir",
    "tqdm",
]

# Published names end in the start of the file's SHA-256: resnet18-bf5a0f2c.pth
HASH_REGEX = re.compile(r"-([a-f0-9]*)\.")
_BLOCK = 1 << 16


class _Hub:
    directory: str | None = None


def _get_torch_home() -> str:
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    return os.path.expanduser(os.environ.get("TORCH_HOME", os.path.join(cache, "torch")))


def get_dir() -> str:
    """Return the folder of downloads: ``$TORCH_HOME/hub``, by default under ``~/.cache/torch``."""
    return _Hub.directory or os.path.join(_get_torch_home(), "hub")


def set_dir(d: str | os.PathLike[str]) -> None:
    """Choose the folder of downloads."""
    _Hub.directory = os.path.expanduser(d)


def download_url_to_file(
    url: str, dst: str, hash_prefix: str | None = None, progress: bool = True
) -> None:
    """Download a file; it appears under its name only when it is complete.

    Args:
        url: address.
        dst: path to write.
        hash_prefix: start of the expected SHA-256 in hexadecimal.
        progress: show how much has come, on the standard error stream.

    Raises:
        RuntimeError: the hash differs.
    """
    import hashlib
    import tempfile
    import urllib.request

    dst = os.path.expanduser(dst)
    digest = hashlib.sha256()
    request = urllib.request.Request(url, headers={"User-Agent": "tallow.hub"})
    handle, partial = tempfile.mkstemp(dir=os.path.dirname(dst) or ".", suffix=".partial")
    try:
        with urllib.request.urlopen(request) as source, os.fdopen(handle, "wb") as file:
            total = int(source.headers.get("Content-Length") or 0) or None
            with tqdm(total=total, disable=not progress, unit="B", unit_scale=True) as bar:
                while block := source.read(_BLOCK):
                    file.write(block)
                    digest.update(block)
                    bar.update(len(block))
        if hash_prefix is not None and not digest.hexdigest().startswith(hash_prefix):
            raise RuntimeError(
                f'invalid hash value (expected "{hash_prefix}", got "{digest.hexdigest()}")'
            )
        os.replace(partial, dst)
    except BaseException:
        os.unlink(partial)
        raise


def load_state_dict_from_url(
    url: str,
    model_dir: str | None = None,
    map_location: Any = None,
    progress: bool = True,
    check_hash: bool = False,
    file_name: str | None = None,
    weights_only: bool = True,
) -> dict[str, Any]:
    """Load weights from a URL, from the folder of downloads if they are there already.

    Args:
        url: address of a file written by :func:`tallow.save`.
        model_dir: folder of downloads; by default ``checkpoints`` inside :func:`get_dir`.
        map_location: as for :func:`tallow.load`.
        progress: show how much has come.
        check_hash: require the file to have the hash its name ends in.
        file_name: name inside the folder; by default the last part of the URL.
        weights_only: as for :func:`tallow.load`.

    Raises:
        RuntimeError: the hash differs.
    """
    folder = os.path.join(get_dir(), "checkpoints") if model_dir is None else model_dir
    os.makedirs(folder, exist_ok=True)
    name = file_name or os.path.basename(urlparse(url).path)
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        found = HASH_REGEX.search(name) if check_hash else None
        download_url_to_file(url, path, found.group(1) if found else None, progress)
    return tallow.load(path, map_location=map_location, weights_only=weights_only)


def list(
    github: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: Any = "check",
    verbose: bool = True,
) -> Any:
    """Return the names of the functions that a repository's ``hubconf.py`` offers.

    Args:
        github: ``owner/repository``, or ``owner/repository:branch``.
        force_reload: fetch it again.
        skip_validation: accepted; whether a branch exists turns out when it is fetched.
        trust_repo: True for code that may run, False to ask, ``'check'`` to ask once.
        verbose: say where the copy is.
    """
    from tallow import _hub_code

    module = _hub_code.hubconf(_hub_code.folder_of(github, force_reload, verbose, trust_repo))
    return [name for name, value in vars(module).items() if callable(value) and name[0] != "_"]


def help(
    github: str,
    model: str,
    force_reload: bool = False,
    skip_validation: bool = False,
    trust_repo: Any = "check",
) -> str | None:
    """Return the docstring of a function that a repository offers; see :func:`load`."""
    from tallow import _hub_code

    module = _hub_code.hubconf(_hub_code.folder_of(github, force_reload, True, trust_repo))
    return _hub_code.entry(module, model).__doc__


def load(
    repo_or_dir: str,
    model: str,
    *args: Any,
    source: str = "github",
    trust_repo: Any = "check",
    force_reload: bool = False,
    verbose: bool = True,
    skip_validation: bool = False,
    **kwargs: Any,
) -> Any:
    """Call a function of a repository's ``hubconf.py``, which mostly returns a model.

    Args:
        repo_or_dir: ``owner/repository``, ``owner/repository:branch``, or a folder.
        model: name of the function.
        args: its arguments.
        source: ``'github'``, or ``'local'`` for a folder.
        trust_repo: True for code that may run, False to ask, ``'check'`` to ask once.
        force_reload: fetch it again.
        verbose: say where the copy is.
        skip_validation: accepted; whether a branch exists turns out when it is fetched.
        kwargs: keyword arguments of the function.

    Raises:
        ValueError: another source or form of name.
        FileNotFoundError: no ``hubconf.py``.
        RuntimeError: no such function, or packages are missing.
        PermissionError: the repository is not trusted.
    """
    from tallow import _hub_code

    source = source.lower()
    if source not in ("github", "local"):
        raise ValueError(f'Unknown source: "{source}". Allowed values: "github" | "local".')
    folder = os.path.expanduser(repo_or_dir)
    if source == "github":
        folder = _hub_code.folder_of(repo_or_dir, force_reload, verbose, trust_repo)
    return _hub_code.entry(_hub_code.hubconf(folder), model)(*args, **kwargs)


name_absent_ones(__name__)
