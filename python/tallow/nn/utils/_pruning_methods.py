"""The methods of pruning: forward pre-hooks that hold chosen elements of a parameter at zero."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import tallow

if TYPE_CHECKING:
    from tallow._tensor import Tensor
    from tallow.nn.modules.module import Module

__all__ = [
    "BasePruningMethod",
    "CustomFromMask",
    "Identity",
    "L1Unstructured",
    "LnStructured",
    "PruningContainer",
    "RandomStructured",
    "RandomUnstructured",
    "hook_of",
]


class BasePruningMethod(ABC):
    """A forward pre-hook that multiplies a parameter by a mask; subclasses choose the mask.

    The parameter becomes ``<name>_orig``, the mask is the buffer ``<name>_mask``. A subclass
    defines :meth:`compute_mask` and says in ``PRUNING_TYPE`` what later rounds leave it to choose
    from: ``"unstructured"`` the elements not pruned yet, ``"structured"`` the slices along its
    ``dim`` not wholly pruned yet, ``"global"`` everything.
    """

    _tensor_name: str
    PRUNING_TYPE: str

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return the mask for a tensor: ``default_mask`` with more zeros."""

    def apply_mask(self, module: Module) -> Tensor:
        """Return the parameter with its mask applied."""
        name = self._tensor_name
        mask = getattr(module, name + "_mask")
        original: Tensor = getattr(module, name + "_orig")
        return mask.to(dtype=original.dtype) * original

    @classmethod
    def apply(
        cls,
        module: Any,
        name: str,
        *args: Any,
        importance_scores: Tensor | None = None,
        **kwargs: Any,
    ) -> Any:
        """Prune a parameter now, and again before every forward.

        Args:
            module: changed in place; not at all if the arguments do not fit.
            name: a parameter, which may have been pruned before.
            args: passed to the constructor.
            importance_scores: what is compared in the place of the values; of the same shape.
            kwargs: passed to the constructor.

        Returns:
            The hook: this method, or a :class:`PruningContainer` after earlier ones.
        """
        method: Any = cls(*args, **kwargs)
        method._tensor_name = name
        key = hook_of(module, name)
        present = getattr(module, name)
        if importance_scores is not None and importance_scores.shape != present.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, "
                f"got {importance_scores.shape} vs {present.shape}"
            )
        if key is None:
            default_mask = tallow.ones_like(present)
        else:
            default_mask = getattr(module, name + "_mask").detach().clone()
            container = PruningContainer()
            container._tensor_name = name
            for earlier in _methods(module._forward_pre_hooks[key]):
                container.add_pruning_method(earlier)
            container.add_pruning_method(method)
            method = container
        scores = present if importance_scores is None else importance_scores
        mask = method.compute_mask(scores, default_mask=default_mask)
        if key is None:
            del module._parameters[name]
            module.register_parameter(name + "_orig", present)
        else:
            del module._forward_pre_hooks[key]
        module.register_buffer(name + "_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(
        self,
        t: Tensor,
        default_mask: Tensor | None = None,
        importance_scores: Tensor | None = None,
    ) -> Tensor:
        """Return a pruned copy of a tensor.

        Args:
            t: any shape that the method can prune.
            default_mask: what is pruned already; nothing if missing.
            importance_scores: what is compared in the place of the values; of the same shape.

        Example:
            >>> L1Unstructured(2).prune(tallow.tensor([3.0, -1.0, 2.0, -4.0]))
            tensor([ 3., -0.,  0., -4.])
        """
        if importance_scores is None:
            importance_scores = t
        elif importance_scores.shape != t.shape:
            raise AssertionError(
                "importance_scores should have the same shape as tensor t, got "
                f"{importance_scores.shape} vs {t.shape}"
            )
        if default_mask is None:
            default_mask = tallow.ones_like(t)
        return t * self.compute_mask(importance_scores, default_mask=default_mask)

    def remove(self, module: Any) -> None:
        """Make the pruned parameter an ordinary one again; its zeros stay."""
        name = self._tensor_name
        if hook_of(module, name) is None:
            raise ValueError(
                f"Module {module} has to be pruned before pruning can be removed from "
                f"parameter '{name}'"
            )
        weight = self.apply_mask(module)
        if hasattr(module, name):
            delattr(module, name)
        original = module._parameters.pop(name + "_orig")
        original.data = weight.data
        del module._buffers[name + "_mask"]
        setattr(module, name, original)


class PruningContainer(BasePruningMethod):
    """Several methods that have pruned one parameter, one after the other.

    Args:
        args: methods that know the name of their parameter.
    """

    def __init__(self, *args: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if args:
            self._tensor_name = args[0]._tensor_name
        for method in args:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod | None) -> None:
        """Append a method for the same parameter.

        Raises:
            TypeError: not a pruning method.
            ValueError: the method belongs to another parameter.
        """
        if method is None:
            return
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self._tensor_name}' to PruningContainer {self}. Found '{method._tensor_name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Any:
        return iter(self._pruning_methods)

    def __getitem__(self, index: Any) -> Any:
        return self._pruning_methods[index]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Let the last method choose from what the mask has left."""
        method: Any = self._pruning_methods[-1]
        mask = default_mask.to(dtype=t.dtype)
        left: Any
        if method.PRUNING_TYPE == "unstructured":
            left = mask == 1
        elif method.PRUNING_TYPE == "structured":
            others = [d for d in range(t.dim()) if d != method.dim % t.dim()]
            left = [slice(None)] * t.dim()
            left[method.dim] = mask.sum(dim=others) != 0
            left = tuple(left)
        elif method.PRUNING_TYPE == "global":
            left = (slice(None),) * t.dim()
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask = mask.clone()
        mask[left] = method.compute_mask(t[left], default_mask=mask[left]).to(dtype=mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing, but makes the mask."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return ``default_mask``."""
        return default_mask


class _ByAmount(BasePruningMethod):
    """A method that prunes a number or a share of the elements or slices."""

    def __init__(self, amount: int | float) -> None:
        if isinstance(amount, bool) or not isinstance(amount, int | float):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        if amount < 0 or (isinstance(amount, float) and amount > 1):
            raise ValueError(
                f"amount={amount} should either be a float in the range [0, 1] or a "
                "non-negative integer"
            )
        self.amount = amount

    def _count(self, size: int) -> int:
        if isinstance(self.amount, float):
            return round(self.amount * size)
        if self.amount > size:
            raise ValueError(
                f"amount={self.amount} should be smaller than the number of parameters to "
                f"prune={size}"
            )
        return self.amount

    def _slices(self, t: Tensor, dim: int) -> int:
        """The number of slices to prune along a dimension."""
        if t.dim() <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found "
                f"tensor of shape {t.shape} with {t.dim()} dims"
            )
        if not -t.dim() <= dim < t.dim():
            raise IndexError(f"Invalid index {dim} for tensor of size {t.shape}")
        return self._count(t.size(dim))


def _without(default_mask: Tensor, pruned: Tensor) -> Tensor:
    """A mask without the elements that a vector of positions names."""
    mask = default_mask.clone(memory_format=tallow.contiguous_format)
    mask.view(-1)[pruned] = 0
    return mask


def _only_slices(default_mask: Tensor, dim: int, kept: Any) -> Tensor:
    """A mask without all slices along a dimension but those kept."""
    mask = tallow.zeros_like(default_mask)
    index: list[Any] = [slice(None)] * mask.dim()
    index[dim] = kept
    mask[tuple(index)] = 1
    return mask * default_mask


class RandomUnstructured(_ByAmount):
    """Prunes elements drawn at random.

    Args:
        amount: how many, or what share in [0, 1].
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return a mask with more zeros."""
        count = self._count(t.numel())
        if count == 0:
            return default_mask.clone()
        lots = tallow.rand_like(t, memory_format=tallow.contiguous_format)
        return _without(default_mask, lots.view(-1).topk(count).indices)


class L1Unstructured(_ByAmount):
    """Prunes the elements of smallest absolute value.

    Args:
        amount: how many, or what share in [0, 1].
    """

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return a mask with more zeros."""
        count = self._count(t.numel())
        if count == 0:
            return default_mask.clone()
        size = t.detach().abs().reshape(-1)
        return _without(default_mask, size.topk(count, largest=False).indices)


class RandomStructured(_ByAmount):
    """Prunes slices along one dimension, drawn at random.

    Args:
        amount: how many, or what share in [0, 1].
        dim: the dimension.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: int | float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return a mask with more zeros."""
        count = self._slices(t, self.dim)
        if count == 0:
            return default_mask
        lots = tallow.rand(t.size(self.dim), device=t.device)
        return _only_slices(default_mask, self.dim, lots > lots.kthvalue(count).values)


class LnStructured(_ByAmount):
    """Prunes the slices of smallest norm along one dimension.

    Args:
        amount: how many, or what share in [0, 1].
        n: order of the norm, as :func:`tallow.norm` takes it.
        dim: the dimension.
    """

    PRUNING_TYPE = "structured"

    def __init__(self, amount: int | float, n: Any, dim: int = -1) -> None:
        super().__init__(amount)
        self.n = n
        self.dim = dim

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return a mask with more zeros."""
        count = self._slices(t, self.dim)
        if count == 0:
            return default_mask
        others = [d for d in range(t.dim()) if d != self.dim % t.dim()]
        norms = tallow.norm(t.detach(), p=self.n, dim=others)
        kept = norms.topk(t.size(self.dim) - count, largest=True).indices
        return _only_slices(default_mask, self.dim, kept)


class CustomFromMask(BasePruningMethod):
    """Prunes what a given mask has zeros for.

    Args:
        mask: of the parameter's shape.
    """

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """Return a mask with the zeros of both."""
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {default_mask.shape} must match self.mask shape "
                f"{self.mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)


def hook_of(module: Module, name: str) -> Any:
    """The key of the hook that prunes a parameter, or None."""
    for key, hook in module._forward_pre_hooks.items():
        if isinstance(hook, BasePruningMethod) and hook._tensor_name == name:
            return key
    return None


def _methods(hook: Any) -> tuple[BasePruningMethod, ...]:
    return hook._pruning_methods if isinstance(hook, PruningContainer) else (hook,)
