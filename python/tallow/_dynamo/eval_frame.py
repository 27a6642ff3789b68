"""What packages ask about captured graphs."""

from __future__ import annotations

from typing import Any

__all__ = ["OptimizedModule", "is_dynamo_supported"]


class OptimizedModule:
    """The class of compiled modules: ``compile`` returns modules as they are, so none is one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise NotImplementedError("_dynamo.OptimizedModule: modules are not captured as graphs")


def is_dynamo_supported() -> bool:
    """Tell whether graphs can be captured: no, functions run as they are."""
    return False
