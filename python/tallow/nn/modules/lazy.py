"""Layers that learn the size of their input from the first batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from tallow.nn.modules.batchnorm import BatchNorm1d, BatchNorm2d, BatchNorm3d
from tallow.nn.modules.conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from tallow.nn.modules.instancenorm import InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from tallow.nn.modules.linear import Linear
from tallow.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

if TYPE_CHECKING:
    from tallow._tensor import Tensor
    from tallow.nn.modules.module import Module

__all__ = [
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyBatchNorm3d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConv3d",
    "LazyConvTranspose1d",
    "LazyConvTranspose2d",
    "LazyConvTranspose3d",
    "LazyInstanceNorm1d",
    "LazyInstanceNorm2d",
    "LazyInstanceNorm3d",
    "LazyLinear",
    "LazyModuleMixin",
]


class LazyModuleMixin:
    """What lazy layers share: parameters without a shape until the first call.

    Before the first forward call :meth:`initialize_parameters` gives them one; the layer then
    becomes an instance of `cls_to_become`.
    """

    cls_to_become: ClassVar[type[Any] | None] = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        module: Any = self
        self._load_hook = module._register_load_state_dict_pre_hook(self._lazy_load_hook)
        self._initialize_hook = module.register_forward_pre_hook(
            self._infer_parameters, with_kwargs=True
        )

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        # A parameter without a shape is saved as it is.
        module: Any = self
        for name, value in [*module._parameters.items(), *module._buffers.items()]:
            if value is None or name in module._non_persistent_buffers_set:
                continue
            whole = is_lazy(value) or keep_vars
            destination[prefix + name] = value if whole else value.detach()

    def _lazy_load_hook(
        self, state_dict: Any, prefix: str, local_metadata: Any, strict: Any, *rest: Any
    ) -> None:
        module: Any = self
        for name, value in [*module._parameters.items(), *module._buffers.items()]:
            given = state_dict.get(prefix + name)
            if value is not None and is_lazy(value) and given is not None and not is_lazy(given):
                from tallow.autograd.grad_mode import no_grad

                with no_grad():
                    value.materialize(given.shape)

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Give parameters their shape from the arguments of the first call."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {type(self).__name__}"
        )

    def has_uninitialized_params(self) -> bool:
        """Tell whether a parameter or buffer has no shape yet."""
        module: Any = self
        values = [*module._parameters.values(), *module._buffers.values()]
        return any(is_lazy(value) for value in values if value is not None)

    def _infer_parameters(self, module: Any, args: Any, kwargs: Any = None) -> None:
        module.initialize_parameters(*args, **(kwargs or {}))
        if module.has_uninitialized_params():
            raise RuntimeError(
                f"module {self._get_name()} has not been fully initialized"  # type: ignore[attr-defined]
            )
        module._initialize_hook.remove()
        module._load_hook.remove()
        del module._initialize_hook, module._load_hook
        if module.cls_to_become is not None:
            module.__class__ = module.cls_to_become


class LazyLinear(LazyModuleMixin, Linear):
    """A :class:`tallow.nn.Linear` whose `in_features` is the last size of the first input.

    Example:
        >>> layer = LazyLinear(2)
        >>> layer(tallow.ones(3, 4)).shape, layer
        (tallow.Size([3, 2]), Linear(in_features=4, out_features=2, bias=True))
    """

    cls_to_become = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(0, 0, False)
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        self.out_features = out_features
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        if not self.has_uninitialized_params() and self.in_features != 0:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Give weight and bias their shape."""
        if self.has_uninitialized_params():
            from tallow.autograd.grad_mode import no_grad

            with no_grad():
                self.in_features = input.shape[-1]
                module: Any = self
                module.weight.materialize((self.out_features, self.in_features))
                if self.bias is not None:
                    module.bias.materialize((self.out_features,))
                self.reset_parameters()
        if self.in_features == 0:
            self.in_features = self.weight.shape[-1]


class _LazyConvMixin(LazyModuleMixin):
    def __init__(self, out_channels: int, kernel_size: Any, *args: Any, **kwargs: Any) -> None:
        base: Any = self.cls_to_become
        names = list(base.__init__.__code__.co_varnames[4 : base.__init__.__code__.co_argcount])
        options = {**dict(zip(names, args, strict=False)), **kwargs}
        bias = options.pop("bias", True)
        super().__init__(0, 0, kernel_size, bias=False, **options)
        made: dict[str, Any] = {"device": options.get("device"), "dtype": options.get("dtype")}
        self.in_channels = 0
        self.out_channels = out_channels
        self.weight: Any = UninitializedParameter(**made)
        if bias:
            self.bias: Any = UninitializedParameter(**made)

    def reset_parameters(self) -> None:
        """Draw the parameters anew, once they have a shape."""
        if not self.has_uninitialized_params() and getattr(self, "in_channels", 0) != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Give weight and bias their shape."""
        module: Any = self
        if self.has_uninitialized_params():
            from tallow.autograd.grad_mode import no_grad

            with no_grad():
                n = len(module.kernel_size)
                if input.dim() not in (n + 1, n + 2):
                    raise RuntimeError(
                        f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to "
                        f"{type(self).__name__}, but got input of size: {input.shape}"
                    )
                self.in_channels = input.shape[input.dim() - n - 1]
                if self.in_channels % module.groups:
                    raise ValueError("in_channels must be divisible by groups")
                first, second = self.out_channels, self.in_channels // module.groups
                if module.transposed:
                    first, second = self.in_channels, self.out_channels // module.groups
                self.weight.materialize((first, second, *module.kernel_size))
                if self.bias is not None:
                    self.bias.materialize((self.out_channels,))
                self.reset_parameters()
        if self.in_channels == 0:
            dim = 0 if module.transposed else 1
            self.in_channels = self.weight.shape[dim] * (1 if module.transposed else module.groups)


class _LazyNormMixin(LazyModuleMixin):
    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool | None = None,
        track_running_stats: bool | None = None,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        normal = issubclass(self.cls_to_become, _BATCH_NORMS)  # type: ignore[arg-type]
        affine = normal if affine is None else affine
        tracked = normal if track_running_stats is None else track_running_stats
        super().__init__(0, eps, momentum, False, False)
        module: Any = self
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        self.affine, self.track_running_stats = affine, tracked
        if affine:
            module.weight = UninitializedParameter(**made)
            if bias:
                module.bias = UninitializedParameter(**made)
        if tracked:
            import tallow

            module.running_mean = UninitializedBuffer(**made)
            module.running_var = UninitializedBuffer(**made)
            module.num_batches_tracked = tallow.tensor(0, dtype=tallow.int64, device=device)

    def reset_parameters(self) -> None:
        """Start anew, once there is a shape."""
        if not self.has_uninitialized_params() and getattr(self, "num_features", 0) != 0:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor) -> None:
        """Give parameters and running statistics their shape."""
        if not self.has_uninitialized_params():
            return
        module: Any = self
        self.num_features = input.shape[1]
        names = ("weight", "bias", "running_mean", "running_var")
        for value in (getattr(module, name) for name in names):
            if value is not None:
                value.materialize((self.num_features,))
        self.reset_parameters()


_BATCH_NORMS = (BatchNorm1d, BatchNorm2d, BatchNorm3d)


def _made(base: type[Module], mixin: type, what: str) -> Any:
    name = f"Lazy{base.__name__}"
    doc = f"A :class:`tallow.nn.{base.__name__}` that learns `{what}` from its first input."
    return type(
        name, (mixin, base), {"cls_to_become": base, "__doc__": doc, "__module__": __name__}
    )


LazyConv1d = _made(Conv1d, _LazyConvMixin, "in_channels")
LazyConv2d = _made(Conv2d, _LazyConvMixin, "in_channels")
LazyConv3d = _made(Conv3d, _LazyConvMixin, "in_channels")
LazyConvTranspose1d = _made(ConvTranspose1d, _LazyConvMixin, "in_channels")
LazyConvTranspose2d = _made(ConvTranspose2d, _LazyConvMixin, "in_channels")
LazyConvTranspose3d = _made(ConvTranspose3d, _LazyConvMixin, "in_channels")
LazyBatchNorm1d = _made(BatchNorm1d, _LazyNormMixin, "num_features")
LazyBatchNorm2d = _made(BatchNorm2d, _LazyNormMixin, "num_features")
LazyBatchNorm3d = _made(BatchNorm3d, _LazyNormMixin, "num_features")
LazyInstanceNorm1d = _made(InstanceNorm1d, _LazyNormMixin, "num_features")
LazyInstanceNorm2d = _made(InstanceNorm2d, _LazyNormMixin, "num_features")
LazyInstanceNorm3d = _made(InstanceNorm3d, _LazyNormMixin, "num_features")
