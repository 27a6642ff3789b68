"""Curves, histograms and pictures for TensorBoard, written by the package tensorboardX.

``pip install tallow[tensorboard]`` brings it.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["SummaryWriter"]


def _plain(value: Any) -> Any:
    """Turn tensors into arrays, in containers too."""
    import tallow

    if isinstance(value, tallow.Tensor):
        value = value.detach()
        return (value.float() if value.dtype == tallow.bfloat16 else value).numpy()
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_plain, value)) if type(value) in (list, tuple) else value
    return value


def _converting(name: str) -> Any:
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        write = getattr(super(type(self)._base, self), name)
        return write(*map(_plain, args), **{key: _plain(value) for key, value in kwargs.items()})

    method.__name__ = name
    return method


def _make_writer() -> type:
    try:
        Writer = importlib.import_module("tensorboardX").SummaryWriter
    except ImportError as error:
        raise ImportError(
            "SummaryWriter needs the package tensorboardX: pip install tensorboardX, or "
            "tallow[tensorboard]"
        ) from error
    # add_graph needs the tracing of the real PyTorch.
    names = [name for name in dir(Writer) if name.startswith("add_") and name != "add_graph"]

    def add_graph(self: Any, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("add_graph(): drawing a model needs tracing to PyTorch's IR")

    members: dict[str, Any] = {name: _converting(name) for name in names}
    made = type("SummaryWriter", (Writer,), {**members, "add_graph": add_graph})
    made.__module__ = __name__
    made._base = made  # type: ignore[attr-defined]
    return made


def __getattr__(name: str) -> Any:
    if name != "SummaryWriter":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = globals()[name] = _make_writer()
    return made
