"""Downloads of published weights."""

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


name_absent_ones(__name__)
