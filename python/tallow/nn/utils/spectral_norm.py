"""Spectral normalisation by a forward pre-hook; the older form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import tallow
from tallow.nn import functional as F
from tallow.nn.modules.module import Module
from tallow.nn.parameter import Parameter
from tallow.nn.utils._power import as_matrix, output_dim
from tallow.nn.utils._weight_hooks import refuse_second, remove_hook

if TYPE_CHECKING:
    from tallow._tensor import Tensor

__all__ = ["SpectralNorm", "remove_spectral_norm", "spectral_norm"]

_M = TypeVar("_M", bound=Module)


class SpectralNorm:
    """The hook: before each forward, the weight is divided by its largest singular value."""

    _version = 1  # from 0, where state_dict held no vector v and the weight as last used

    def __init__(
        self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.name = name
        self.dim = dim
        self.n_power_iterations = n_power_iterations
        self.eps = eps

    def reshape_weight_to_matrix(self, weight: Tensor) -> Tensor:
        """Return the weight as outputs by inputs."""
        return as_matrix(weight, self.dim)

    def compute_weight(self, module: Any, do_power_iteration: bool) -> Tensor:
        """Return the normalised weight, after a step towards the singular vectors if wanted."""
        weight = getattr(module, self.name + "_orig")
        u = getattr(module, self.name + "_u")
        v = getattr(module, self.name + "_v")
        matrix = self.reshape_weight_to_matrix(weight)
        if do_power_iteration:
            with tallow.no_grad():
                # The vectors change in place, and other graphs may hold them.
                for _ in range(self.n_power_iterations):
                    F.normalize(tallow.mv(matrix.t(), u), dim=0, eps=self.eps, out=v)
                    F.normalize(tallow.mv(matrix, v), dim=0, eps=self.eps, out=u)
        u, v = u.clone(), v.clone()
        return weight / tallow.dot(u, tallow.mv(matrix, v))

    def remove(self, module: Any) -> None:
        """Put the present weight in the place of the original and the vectors."""
        with tallow.no_grad():
            weight = self.compute_weight(module, do_power_iteration=False)
        module.__dict__.pop(self.name, None)
        for suffix in ("_u", "_v", "_orig"):
            delattr(module, self.name + suffix)
        module.register_parameter(self.name, Parameter(weight.detach()))

    def __call__(self, module: Any, inputs: Any) -> None:
        """Compute the weight for the forward that follows."""
        setattr(module, self.name, self.compute_weight(module, do_power_iteration=module.training))

    def _attach(self, module: Any) -> None:
        weight = module._parameters[self.name]
        if weight is None:
            raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{self.name}` is None")
        if isinstance(weight, tallow.nn.UninitializedParameter):
            raise ValueError(
                "The module passed to `SpectralNorm` can't have uninitialized parameters. Make "
                "sure to run the dummy forward before applying spectral normalization"
            )
        with tallow.no_grad():
            matrix = self.reshape_weight_to_matrix(weight)
            u, v = (
                F.normalize(weight.new_empty(size).normal_(0, 1), dim=0, eps=self.eps)
                for size in matrix.shape
            )
        del module._parameters[self.name]
        module.register_parameter(self.name + "_orig", weight)
        # A plain attribute, for what reads the weight before the first forward.
        setattr(module, self.name, weight.data)
        module.register_buffer(self.name + "_u", u)
        module.register_buffer(self.name + "_v", v)
        module.register_forward_pre_hook(self)
        module._register_state_dict_hook(self._note_version)
        module._register_load_state_dict_pre_hook(_OldFiles(self))

    def _note_version(
        self, module: Any, state_dict: Any, prefix: str, local_metadata: dict[str, Any]
    ) -> None:
        versions = local_metadata.setdefault("spectral_norm", {})
        versions[self.name + ".version"] = self._version


class _OldFiles:
    """Completes a ``state_dict`` from before version 1: computes ``v`` from ``u``."""

    def __init__(self, hook: SpectralNorm) -> None:
        self.hook = hook

    def __call__(
        self,
        state_dict: dict[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        *rest: Any,
    ) -> None:
        hook = self.hook
        version = local_metadata.get("spectral_norm", {}).get(hook.name + ".version")
        if version is not None and version >= 1:
            return
        key = prefix + hook.name
        complete = all(key + suffix in state_dict for suffix in ("_orig", "_u", "_v"))
        if version is None and complete and key not in state_dict:
            return  # only the metadata is gone
        needed = [key + suffix for suffix in ("_orig", "_u", "")]
        missing = [name for name in needed if name not in state_dict]
        if missing:
            if strict:
                missing_keys.extend(missing)
            return
        with tallow.no_grad():
            original = state_dict[key + "_orig"]
            used = state_dict.pop(key)
            sigma = (original / used).mean()
            matrix = hook.reshape_weight_to_matrix(original)
            u = state_dict[key + "_u"]
            # Both u = W v / |W v| and sigma = u W v hold for the least-squares solution.
            v = tallow.linalg.multi_dot(
                [tallow.linalg.pinv(matrix.t() @ matrix), matrix.t(), u[:, None]]
            )
            v = v.squeeze(1)
            state_dict[key + "_v"] = v * (sigma / tallow.dot(u, tallow.mv(matrix, v)))


def spectral_norm(
    module: _M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> _M:
    """Divide a weight by its largest singular value, estimated by power iterations.

    The parameter becomes ``<name>_orig``, with buffers ``<name>_u`` and ``<name>_v``. New programs
    use :func:`tallow.nn.utils.parametrizations.spectral_norm`, which needs no hook.

    Args:
        module: changed in place.
        name: a parameter.
        n_power_iterations: iterations per forward in training mode, >= 1.
        eps: lower bound of the norms that vectors are divided by.
        dim: dimension of the outputs: 0, or 1 for transposed convolutions.

    Returns:
        The module.

    Raises:
        RuntimeError: the parameter is normalised already.
        ValueError: no iterations, or a parameter without values.

    Source: Miyato et al., Spectral normalization for GANs, arXiv:1802.05957, algorithm 1.

    Example:
        >>> list(spectral_norm(tallow.nn.Linear(2, 2)).state_dict())
        ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    refuse_second(module, SpectralNorm, "spectral_norm", name)
    if dim is None:
        dim = output_dim(module)
    SpectralNorm(name, n_power_iterations, dim, eps)._attach(module)
    return module


def remove_spectral_norm(module: _M, name: str = "weight") -> _M:
    """Make a weight that :func:`spectral_norm` divides a plain parameter again.

    Args:
        module: changed in place.
        name: the parameter.

    Returns:
        The module.

    Raises:
        ValueError: the parameter is not normalised.
    """
    hook = remove_hook(module, SpectralNorm, "spectral_norm", name)
    for table in (module._state_dict_hooks, module._load_state_dict_pre_hooks):
        for other, entry in list(table.items()):
            entry = getattr(entry, "hook", entry)
            owner = getattr(entry, "__self__", getattr(entry, "hook", None))
            if owner is hook:
                del table[other]
    return module
