"""Making modules without initialising them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """Construct a module whose parameters are not initialised.

    Args:
        module_cls: the class; its constructor has to take ``device``.
        args: passed to the constructor.
        kwargs: passed to the constructor; ``device`` is where the parameters will live.

    Raises:
        RuntimeError: ``module_cls`` is no Module, or its constructor has no ``device``.

    Example:
        >>> skip_init(tallow.nn.Linear, 2, 3)
        Linear(in_features=2, out_features=3, bias=True)
    """
    import inspect

    from tallow.nn.modules.module import Module

    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    parameters = inspect.signature(module_cls).parameters
    if "device" not in parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    device = kwargs.pop("device", "cpu")
    return module_cls(*args, **kwargs, device="meta").to_empty(device=device)
