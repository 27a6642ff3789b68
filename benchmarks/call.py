"""From Python call to result on tensors so small that the arithmetic costs nothing."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from benchmarks.case import Case, filled


def add(lib: ModuleType) -> Any:
    a, b = filled(lib, 4), filled(lib, 4, seed=1)
    return lambda: a + b


def add_recorded(lib: ModuleType) -> Any:
    a, b = filled(lib, 4, grad=True), filled(lib, 4, seed=1)
    return lambda: a + b


def add_function(lib: ModuleType) -> Any:
    a, b, call = filled(lib, 4), filled(lib, 4, seed=1), lib.add
    return lambda: call(a, b)


def add_keyword(lib: ModuleType) -> Any:
    a, b, call = filled(lib, 4), filled(lib, 4, seed=1), lib.add
    return lambda: call(a, other=b)


def mul_scalar(lib: ModuleType) -> Any:
    a = filled(lib, 4)
    return lambda: a * 2.0


def relu(lib: ModuleType) -> Any:
    a, call = filled(lib, 4), lib.nn.functional.relu
    return lambda: call(a)


def total(lib: ModuleType) -> Any:
    a = filled(lib, 4)
    return lambda: a.sum()


def matmul(lib: ModuleType) -> Any:
    a, b = filled(lib, 4, 4), filled(lib, 4, 4, seed=1)
    return lambda: a @ b


def softmax(lib: ModuleType) -> Any:
    a, call = filled(lib, 4, 4), lib.nn.functional.softmax
    return lambda: call(a, dim=-1)


# ---- views, creation, conversion


def view(lib: ModuleType) -> Any:
    a = filled(lib, 4, 4)
    return lambda: a.view(16)


def index(lib: ModuleType) -> Any:
    a = filled(lib, 4, 4)
    return lambda: a[1]


def slices(lib: ModuleType) -> Any:
    a = filled(lib, 4, 4)
    return lambda: a[:, 1:3]


def transpose(lib: ModuleType) -> Any:
    a = filled(lib, 4, 4)
    return lambda: a.transpose(0, 1)


def shape(lib: ModuleType) -> Any:
    a = filled(lib, 4, 4)
    return lambda: a.shape


def zeros(lib: ModuleType) -> Any:
    call = lib.zeros
    return lambda: call(4)


def tensor(lib: ModuleType) -> Any:
    call, data = lib.tensor, [1.0, 2.0, 3.0]
    return lambda: call(data)


def item(lib: ModuleType) -> Any:
    a = filled(lib, 1)
    return lambda: a.item()


def to_numpy(lib: ModuleType) -> Any:
    a = filled(lib, 4)
    return lambda: a.numpy().sum()


# ---- modules and hooks


def empty(lib: ModuleType) -> Any:
    class Empty(lib.nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            return x

    return Empty()


def module(lib: ModuleType) -> Any:
    layer, x = empty(lib), filled(lib, 4)
    return lambda: layer(x)


def module_forward_hook(lib: ModuleType) -> Any:
    layer, x = empty(lib), filled(lib, 4)
    layer.register_forward_hook(lambda module, inputs, output: None)
    return lambda: layer(x)


def module_two_hooks(lib: ModuleType) -> Any:
    layer, x = empty(lib), filled(lib, 4)
    layer.register_forward_pre_hook(lambda module, inputs: None)
    layer.register_forward_hook(lambda module, inputs, output: None)
    return lambda: layer(x)


def module_backward_hook(lib: ModuleType) -> Any:
    """The forward part of a full backward hook; the graph is dropped."""
    layer, x = empty(lib), filled(lib, 4, grad=True)
    layer.register_full_backward_hook(lambda module, grad_input, grad_output: None)
    return lambda: layer(x)


def attribute(lib: ModuleType) -> Any:
    layer = lib.nn.Linear(4, 4)
    return lambda: layer.weight


def linear(lib: ModuleType) -> Any:
    layer, x = lib.nn.Linear(4, 4), filled(lib, 4)
    return lambda: layer(x)


def mlp(lib: ModuleType) -> Any:
    nn = lib.nn
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    x = filled(lib, 2, 4)
    return lambda: net(x)


# ---- autograd


def function_apply(lib: ModuleType) -> Any:
    class Double(lib.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x.view_as(x)

        @staticmethod
        def backward(ctx: Any, grad: Any) -> Any:
            return grad

    x = filled(lib, 4, grad=True)
    return lambda: Double.apply(x)


def backward_one_element(lib: ModuleType) -> Any:
    x = filled(lib, 1, grad=True)

    def step() -> Any:
        x.grad = None
        (x * 2.0).backward()
        return x.grad

    return step


def backward(lib: ModuleType) -> Any:
    x, y = filled(lib, 4, grad=True), filled(lib, 4, seed=1)

    def step() -> Any:
        x.grad = None
        (x * y).sum().backward()
        return x.grad

    return step


def chain(lib: ModuleType) -> Any:
    x, y = filled(lib, 1, grad=True), filled(lib, 1, seed=1)

    def step() -> Any:
        z = x
        for _ in range(100):
            z = z * y
        x.grad = None
        z.backward()
        return x.grad

    return step


def no_grad(lib: ModuleType) -> Any:
    a, b = filled(lib, 4, grad=True), filled(lib, 4, seed=1)

    def call() -> Any:
        with lib.no_grad():
            return a + b

    return call


# ---- batches


def data_loader(lib: ModuleType) -> Any:
    data = lib.utils.data.TensorDataset(filled(lib, 1000, 8), lib.arange(1000))
    loader = lib.utils.data.DataLoader(data, batch_size=10)
    return lambda: [batch for batch, _ in loader][-1]


CASES = [
    Case(f"call/{setup.__name__}", setup)
    for setup in (
        add, add_recorded, add_function, add_keyword, mul_scalar, relu, total, matmul, softmax,
        view, index, slices, transpose, shape, zeros, tensor, item, to_numpy,
        module, module_forward_hook, module_two_hooks, module_backward_hook, attribute, linear, mlp,
        function_apply, backward_one_element, backward, chain, no_grad, data_loader,
    )
]  # fmt: skip
