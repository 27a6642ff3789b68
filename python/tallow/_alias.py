"""Alias mode: serve ``torch`` and its submodules from this package, in this process."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING, Any

import tallow
from tallow import _C, version
from tallow.torch_version import TorchVersion

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from importlib.metadata import Distribution, DistributionFinder
    from types import ModuleType

__all__ = ["as_torch", "install", "is_installed", "torch_version", "uninstall"]

_OURS = "tallow"
_THEIRS = "torch"
# A package that much code saves tensors with; ours stands in where it is not installed.
_FORMAT = "safetensors"


def torch_version() -> TorchVersion:
    """Return the version to report as ``torch``: the mirrored release, marked as ours."""
    return TorchVersion(f"{version.torch}+{_OURS}.{version.tallow}")


class _SameModule(Loader):
    """Loads ``torch.x`` by importing ``tallow.x`` and handing out the very same module."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._own_spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(self.name)
        self._own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has just replaced the module's spec by the alias's.
        module.__spec__ = self._own_spec


class _Finder(MetaPathFinder):
    """Finds ``torch`` and everything below it, before any installed package of that name."""

    def __init__(self, block: Iterable[str]) -> None:
        self.block = frozenset(block)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        root, _, rest = fullname.partition(".")
        if root in self.block:
            raise ModuleNotFoundError(
                f"{root} is hidden, because it cannot work with tallow in the place of torch",
                name=fullname,
            )
        if root == _THEIRS:
            name = f"{_OURS}.{rest}" if rest else _OURS
        elif root == _FORMAT and PathFinder.find_spec(root) is None:
            name = f"{_OURS}.{fullname}"
        else:
            return None
        found = sys.modules.get(name)
        own = found.__spec__ if found is not None else importlib.util.find_spec(name)
        if own is None:
            return None
        spec = ModuleSpec(fullname, _SameModule(name), origin=own.origin)
        spec.submodule_search_locations = own.submodule_search_locations
        return spec

    def find_distributions(self, context: DistributionFinder.Context) -> Iterator[Distribution]:
        """Answer questions for the installed version of ``torch``."""
        if context.name == _THEIRS:
            yield _distribution()


def _distribution() -> Distribution:
    from importlib.metadata import Distribution

    class _Torch(Distribution):
        def read_text(self, filename: str) -> str | None:
            if filename in ("METADATA", "PKG-INFO"):
                return (
                    f"Metadata-Version: 2.1\nName: {_THEIRS}\nVersion: {torch_version()}\n"
                    f"Summary: tallow {version.tallow} in the place of torch\n"
                )
            return None

        def locate_file(self, path: Any) -> Any:
            from pathlib import Path

            return Path(tallow.__file__).parent / path

    return _Torch()


_finder: _Finder | None = None


def is_installed() -> bool:
    """Tell whether ``torch`` is served from here."""
    return _finder is not None


def install(block: Iterable[str] = ()) -> None:
    """Serve ``torch`` and its submodules from this package from now on.

    Args:
        block: packages that must not be imported meanwhile, because they need the real library.

    Raises:
        ImportError: the real ``torch`` has been imported already.
    """
    global _finder
    if _finder is not None:
        _finder.block |= frozenset(block)
        return
    loaded = sys.modules.get(_THEIRS)
    if loaded is not None and loaded is not tallow:
        raise ImportError(
            "torch has been imported in this process already; start alias mode before that, for "
            "instance with `python -m tallow script.py`",
            name=_THEIRS,
        )
    _finder = _Finder(block)
    sys.meta_path.insert(0, _finder)
    sys.modules[_THEIRS] = tallow
    _call_it(_THEIRS)
    vars(tallow)[_THEIRS] = tallow  # torch.torch, as there
    tallow.__version__ = torch_version()
    _C._set_namespace(_THEIRS)
    vars(_C).update(_private_names())
    _C._nn._parse_to = _parse_to  # type: ignore[attr-defined]


def _call_it(name: str) -> None:
    """Name the package, and the classes by whose module packages tell whose tensor it is."""
    tallow.__name__ = name  # packages that patch torch by its path compare it
    tallow.Tensor.__module__ = name
    tallow.nn.Parameter.__module__ = f"{name}.nn.parameter"


def _private_names() -> dict[str, Any]:
    """Return what much used packages take from ``torch._C``."""
    from tallow import _dispatch

    return {
        "DispatchKey": _dispatch.DispatchKey,
        "DispatchKeySet": _dispatch.DispatchKeySet,
        "_ExcludeDispatchKeyGuard": _dispatch.ExcludeDispatchKeyGuard,
        "_TensorMeta": type(tallow.Tensor),
        "_are_functorch_transforms_active": lambda: False,  # func computes with plain tensors
        "_get_accelerator": lambda check=False: (
            tallow.accelerator.current_accelerator(check) or tallow.device("cpu")
        ),
        "_get_privateuse1_backend_name": lambda: "privateuseone",
        "_jit_set_profiling_executor": lambda on: False,  # settings of a compiler
        "_jit_set_profiling_mode": lambda on: False,
        "_log_api_usage_once": lambda event: None,  # nothing is logged
    }


def _parse_to(*args: Any, **kwargs: Any) -> Any:
    """Return device, dtype, non_blocking and memory_format of the arguments of ``Module.to``."""
    from tallow.nn.modules._convert import parse_to

    return parse_to(*args, **kwargs)


def uninstall() -> None:
    """Stop serving ``torch``; modules imported meanwhile stay alive under their own names."""
    global _finder
    if _finder is None:
        return
    sys.meta_path.remove(_finder)
    _finder = None
    for name in list(sys.modules):
        if name == _THEIRS or name.startswith(_THEIRS + "."):
            del sys.modules[name]
    _call_it(_OURS)
    del vars(tallow)[_THEIRS]
    tallow.__version__ = version.__version__
    _C._set_namespace(_OURS)


@contextmanager
def as_torch(block: Iterable[str] = ()) -> Iterator[ModuleType]:
    """Serve ``torch`` from this package inside a ``with`` block.

    Args:
        block: packages that must not be imported meanwhile, because they need the real library.

    Yields:
        The package.

    Raises:
        ImportError: the real ``torch`` has been imported already.

    Example:
        >>> with as_torch():
        ...     import torch.nn.functional
        ...     torch.nn.functional is tallow.nn.functional
        True
    """
    was_installed = is_installed()
    install(block)
    try:
        yield tallow
    finally:
        if not was_installed:
            uninstall()
