"""Lists and dictionaries that refuse changes: what nodes keep their arguments in."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["immutable_dict", "immutable_list"]


def _refuse(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
    kind = type(self).__name__
    raise TypeError(
        f"'{kind}' object does not support mutation. If you are attempting to modify the kwargs or "
        "args of a torch.fx.Node object, instead create a new copy of it and assign the copy to "
        "the node: node.args = (*node.args[:-1], value)"
    )


class immutable_list(list[Any]):
    """A list that cannot be changed."""

    __delitem__ = __iadd__ = __imul__ = __setitem__ = append = clear = _refuse
    extend = insert = pop = remove = reverse = sort = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self))

    def __reduce__(self) -> Any:
        return type(self), (list(self),)


class immutable_dict(dict[Any, Any]):
    """A dictionary that cannot be changed."""

    __delitem__ = __ior__ = __setitem__ = clear = pop = _refuse
    popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> Any:
        return type(self), (dict(self),)
