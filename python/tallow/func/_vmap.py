"""vmap: one call of the function per element of the mapped dimension."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import tallow
from tallow.utils._pytree import (
    _broadcast_to_and_flatten,
    tree_flatten,
    tree_structure,
    tree_unflatten,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tallow import Tensor

__all__ = ["vmap"]


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """Return a function that applies ``func`` along a dimension of its arguments.

    The mechanism is the plain one: ``func`` is called once per element with views of the
    arguments, and the results are stacked. What it computes is what PyTorch's computes; what it
    costs is a loop. Unlike PyTorch's, ``func`` may read values and branch on them. Changing a
    tensor in place that ``func`` did not get as a mapped argument happens once per element.

    Args:
        func: returns a tree of tensors.
        in_dims: the dimension to map over: one for all arguments, or a tuple with one per
            argument, or in the structure of the arguments; None for what is given to every call as
            it is. Arguments by keyword always are.
        out_dims: where the mapped dimension comes in the results: one for all, or in the structure
            of the results; None for a result that is the same in every call.
        randomness: ``"error"`` refuses random numbers, ``"same"`` gives every call the same ones,
            ``"different"`` others; these are not the numbers that PyTorch draws for the batch.
        chunk_size: calls that PyTorch makes at once; here always one, so it only has to be None
            or > 0.

    Returns:
        A function of the same arguments.

    Raises:
        RuntimeError: another ``randomness``; random numbers that are refused.
        ValueError: dimensions that do not fit, sizes that differ, or results that are no tensors.

    Example:
        >>> vmap(tallow.dot)(tallow.ones(2, 3), tallow.arange(6.0).view(2, 3))
        tensor([ 3., 12.])
        >>> vmap(lambda x: x.sum(), in_dims=1)(tallow.arange(6.0).view(2, 3))
        tensor([3., 5., 7.])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. "
            f"Got {randomness}"
        )
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        mapped = _Mapped(func, in_dims, args)
        results = _results(func, mapped, kwargs, randomness)
        stacked = _stacked(func, results, out_dims)
        if mapped.size == 0:
            return _emptied(stacked, out_dims)
        return stacked

    return wrapper


def _name(func: Any) -> str:
    return getattr(func, "__name__", None) or repr(func)


class _Mapped:
    """The arguments of one call, and how to take them apart."""

    def __init__(self, func: Any, in_dims: Any, args: tuple[Any, ...]) -> None:
        self._leaves, self._spec = tree_flatten(args)
        name = _name(func)
        call = f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)"
        if not isinstance(in_dims, int | tuple):
            raise ValueError(
                f"{call}: expected `in_dims` to be int or a (potentially nested) tuple matching "
                f"the structure of inputs, got: {type(in_dims)}."
            )
        if not args:
            raise ValueError(
                f"vmap({name})(<inputs>): got no inputs. Maybe you forgot to add inputs, or you "
                "are trying to vmap over a function with no inputs. The latter is unsupported."
            )
        dims = _broadcast_to_and_flatten(in_dims, self._spec)
        if dims is None:
            raise ValueError(
                f"{call}: in_dims is not compatible with the structure of `inputs`. in_dims has "
                f"structure {tree_structure(in_dims)} but inputs has structure {self._spec}."
            )
        self._dims = dims
        pairs = [
            (leaf, dim) for leaf, dim in zip(self._leaves, dims, strict=True) if dim is not None
        ]
        for leaf, dim in pairs:
            _check_dim(call, dim, leaf)
        sizes = [leaf.size(dim) for leaf, dim in pairs]
        if not sizes:
            raise ValueError("vmap: Expected at least one Tensor to vmap over")
        if len(set(sizes)) > 1:
            raise ValueError(
                "vmap: Expected all tensors to have the same size in the mapped dimension, got "
                f"sizes {sizes} for the mapped dimension"
            )
        self.size = sizes[0]

    def at(self, index: int) -> Any:
        """The arguments of one element."""
        return tree_unflatten(
            [
                leaf if dim is None else leaf.select(dim, index)
                for leaf, dim in zip(self._leaves, self._dims, strict=True)
            ],
            self._spec,
        )

    def example(self) -> Any:
        """Arguments of the right shapes where there is no element."""
        return tree_unflatten(
            [
                leaf
                if dim is None
                else leaf.new_zeros([n for d, n in enumerate(leaf.shape) if d != dim % leaf.dim()])
                for leaf, dim in zip(self._leaves, self._dims, strict=True)
            ],
            self._spec,
        )


def _check_dim(call: str, dim: Any, leaf: Any) -> None:
    if isinstance(dim, bool) or not isinstance(dim, int):
        raise ValueError(
            f"{call}: Got in_dim={dim} for an input but in_dim must be either an integer "
            "dimension or None."
        )
    if not isinstance(leaf, tallow.Tensor):
        raise ValueError(
            f"{call}: Got in_dim={dim} for an input but the input is of type {type(leaf)}. We "
            "cannot vmap over non-Tensor arguments, please use None as the respective in_dim"
        )
    if not -leaf.dim() <= dim < leaf.dim():
        raise ValueError(
            f"{call}: Got in_dim={dim} for some input, but that input is a Tensor of "
            f"dimensionality {leaf.dim()} so expected in_dim to satisfy "
            f"-{leaf.dim()} <= in_dim < {leaf.dim()}."
        )


def _results(func: Any, mapped: _Mapped, kwargs: Any, randomness: str) -> list[Any]:
    """What the function returns for each element; for an example where there is none."""
    if mapped.size == 0:
        with tallow.random.fork_rng():
            return [func(*mapped.example(), **kwargs)]
    if randomness == "different":
        return [func(*mapped.at(i), **kwargs) for i in range(mapped.size)]
    start = tallow.get_rng_state()
    results = []
    for i in range(mapped.size):
        if randomness == "same" and i > 0:
            tallow.set_rng_state(start)
        results.append(func(*mapped.at(i), **kwargs))
        if randomness == "error" and not tallow.equal(tallow.get_rng_state(), start):
            tallow.set_rng_state(start)
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use "
                "the 'same' or 'different' randomness flags on vmap or perform the randomness "
                "operation out of vmap"
            )
    return results


def _stacked(func: Any, results: list[Any], out_dims: Any) -> Any:
    name = _name(func)
    spec = tree_structure(results[0])
    columns = [spec.flatten_up_to(result) for result in results]
    for leaf in (leaf for column in columns for leaf in column):
        if not isinstance(leaf, tallow.Tensor):
            raise ValueError(
                f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(leaf)}. "
                "Did you mean to set out_dims= to None for output?"
            )
    dims = _out_dims(name, out_dims, spec)
    parts = zip(*columns, strict=True)
    return spec.unflatten(
        [_joined(name, list(part), dim) for part, dim in zip(parts, dims, strict=True)]
    )


def _out_dims(name: str, out_dims: Any, spec: Any) -> list[Any]:
    dims = _broadcast_to_and_flatten(out_dims, spec)
    if dims is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with "
            f"the structure of `outputs`. out_dims has structure {tree_structure(out_dims)} but "
            f"outputs has structure {spec}."
        )
    if any(dim is not None and not isinstance(dim, int) for dim in dims):
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python "
            "collection of ints representing where in the outputs the vmapped dimension should "
            "appear."
        )
    return dims


def _joined(name: str, parts: list[Tensor], dim: int | None) -> Tensor:
    if dim is not None:
        return tallow.stack(parts, dim)
    first = parts[0]
    if any(part is not first and not tallow.equal(part, first) for part in parts):
        raise ValueError(
            f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None"
        )
    return first


def _emptied(stacked: Any, out_dims: Any) -> Any:
    """The results for no element, from those for one example."""
    leaves, spec = tree_flatten(stacked)
    dims = _broadcast_to_and_flatten(out_dims, spec) or []
    return spec.unflatten(
        [
            leaf if dim is None else leaf.narrow(dim, 0, 0)
            for leaf, dim in zip(leaves, dims, strict=True)
        ]
    )
