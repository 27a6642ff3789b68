"""tallow.func: each expression compared with what PyTorch prints for it, and whole models."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import tallow
from tallow import func, nn
from tallow.autograd import forward_ad

# PyTorch compiles decompositions when it first pushes a tangent, and traces to linearise.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning"),
]
EXPRESSIONS = """
f.grad(lambda x: x * 2)(x)
f.grad(lambda x: 3.0)(x)
f.grad(lambda x: x.sum())(3)
f.grad(lambda x: x.sum(), argnums=1)(x)
f.grad(lambda x, y: x.sum(), argnums=(0, 0))(x, x)
f.grad(lambda x: x.sum(), argnums="a")(x)
f.grad(lambda x, y: x.sum(), argnums=())(x, x)
f.grad(lambda x: (x.sum(), x.sum()))(x)
f.grad(lambda x: x.sum(), has_aux=True)(x)
f.grad(lambda x: x.sum())(x.long())
f.grad(lambda x, y: (x * y).sum(), argnums=(-1, 0))(x, x * 2)
f.grad(lambda d: (d["a"] * d["b"][0]).sum())({"a": x, "b": [x]})
f.grad(lambda x: lib.ones(()))(x)
f.grad(lambda x, k=1: (x * k).sum())(x, k=3)
f.grad(lambda x: (x * x).sum().detach())(x)
f.grad_and_value(lambda x: ((x * x).sum(), x), has_aux=True)(x)
f.grad(f.grad(lambda x: (x**3).sum()))(x[1])
f.grad(lambda x: f.grad(lambda y: (x * y * y).sum())(x).sum())(x)
f.grad(lambda x: (x * x * w).sum())(x).requires_grad
f.grad(lambda x: (x * x).sum())(w).requires_grad
f.grad(lambda x: (x * x).sum())(x).requires_grad
f.vjp(lambda x: (x * 2, x.sum()), x)[1]((x, x[0]))
f.vjp(lambda x: (x * 2, x.sum()), x)[1](x)
f.vjp(lambda x: (x * 2, x.sum()), x)[1]((x,))
f.vjp(lambda x, y: x * y, x, x)[1](x)
f.vjp(lambda x: (x, 3), x)
f.vjp(lambda x: x, 3)
f.vjp(lambda x: x, x, has_aux=True)
f.vjp(lambda x: (x, x * 5), x, has_aux=True)[2]
f.vjp(lambda d: {"o": d["a"]}, {"a": x})[0]
f.jvp(lambda x: x * x, (x,), (x,))
f.jvp(lambda x: x * x, x, (x,))
f.jvp(lambda x: x * x, (x,), x)
f.jvp(lambda x: x * x, (x,), (x, x))
f.jvp(lambda x: x * x, (x,), (x[:2],))
f.jvp(lambda x: 3, (x,), (x,))
f.jvp(lambda x: lib.ones(2), (x,), (x,))
f.jvp(lambda x: lib.ones(2), (x,), (x,), strict=True)
f.jvp(lambda x: (x * x, x), (x,), (x,), has_aux=True)
f.jvp(lambda d: {"o": d["a"] ** 2}, ({"a": x},), ({"a": x},))
f.jvp(lambda x: x, (), ())
f.jvp(lambda x: x, (3,), (3,))
f.jvp(lambda x: f.jvp(lambda y: y**3, (x,), (x,))[1], (x,), (lib.ones(3),))
f.jacrev(lambda x: x * x)(x)
f.jacrev(lambda x, y: x * y, argnums=(0, 1))(x, x)
f.jacrev(lambda x, y: x * y, argnums=(0,))(x, x)
f.jacrev(lambda x: (x, x.sum()))(x)
f.jacrev(lambda x: 3)(x)
f.jacrev(lambda x: x, has_aux=True)(x)
f.jacrev(lambda x: (x * x, x), has_aux=True)(x)
f.jacrev(lambda d: {"o": d["a"]})({"a": x[:2]})
f.jacrev(lambda x: x, chunk_size=0)
f.jacrev(lambda x: x * lib.ones(2, 3))(x)
f.jacrev(lambda x: lib.ones(2))(x)
f.jacrev(lambda x: x, argnums=1)(x)
f.jacrev(lambda x: x)(3)
f.jacrev(lambda x: x[:0])(x)
f.jacfwd(lambda x: x)(x[:0])
f.jacfwd(lambda x: x * x)(x)
f.jacfwd(lambda x, y: x * y, argnums=(0, 1))(x, x)
f.jacfwd(lambda x: (x, x.sum()))(x)
f.jacfwd(lambda x: 3)(x)
f.jacfwd(lambda x: (x * x, x), has_aux=True)(x)
f.jacfwd(lambda d: {"o": d["a"]})({"a": x[:2]})
f.jacfwd(lambda x: x, randomness="x")(x)
f.jacfwd(lambda x: lib.ones(2))(x)
f.hessian(lambda x: (x**3).sum())(x)
f.hessian(lambda x, y: (x * y).sum(), argnums=(0, 1))(x[:1], x[:1])
f.linearize(lambda x: x.sin(), x)[1](x)
f.linearize(lambda x: x.sin(), x)[1](x[:2])
f.linearize(lambda x: x.sin(), x)[1](x, x)
f.vmap(lambda x: x.sum())(m)
f.vmap(lambda x: x.sum(), in_dims=1)(m)
f.vmap(lambda x, y: x + y, in_dims=(0, None))(m, lib.ones(3))
f.vmap(lambda x, y: x + y, in_dims=(0, None))(m)
f.vmap(lambda x: x, in_dims=2)(m)
f.vmap(lambda x: x, in_dims=-1, out_dims=1)(m)
f.vmap(lambda x, y: x + y)(m, lib.ones(3))
f.vmap(lambda x: x, in_dims=None)(m)
f.vmap(lambda x: x)()
f.vmap(lambda x: x)(3)
f.vmap(lambda x: x)(lib.tensor(1.0))
f.vmap(lambda x: x, in_dims="a")(m)
f.vmap(lambda x: x, in_dims=("a",))(m)
f.vmap(lambda x: x, in_dims=[0])(m)
f.vmap(lambda x, y: x, in_dims=((0, 1), 0))(m, m)
f.vmap(lambda x, y: x, in_dims=(None, None))(m, m)
f.vmap(lambda x: 3.0)(m)
f.vmap(lambda x: None)(m)
f.vmap(lambda x: (x, None))(m)
f.vmap(lambda x: [])(m)
f.vmap(lambda x: (x, x.sum()), out_dims=(1, 0))(m)
f.vmap(lambda x: (x, x.sum()), out_dims=(1,))(m)
f.vmap(lambda x: x, out_dims=(0, 0))(m)
f.vmap(lambda x: x, out_dims=5)(m)
f.vmap(lambda x: x, out_dims=-2)(m)
f.vmap(lambda x: x, out_dims="a")(m)
f.vmap(lambda x: x, out_dims=None)(m)
f.vmap(lambda x: lib.ones(2))(m)
f.vmap(lambda x: lib.ones(2), out_dims=None)(m)
f.vmap(lambda x: {"a": x, "b": [x]}, out_dims={"a": 1, "b": [0]})(m)
f.vmap(lambda d: d["a"] + d["b"], in_dims=({"a": 0, "b": None},))({"a": m, "b": lib.ones(3)})
f.vmap(lambda x, k=None: x + k)(m, k=lib.ones(3))
f.vmap(lambda x, n: x * n, in_dims=(0, None))(m, 3)
f.vmap(lambda x, n: x * n, in_dims=0)(m, 3)
f.vmap(lambda x: x + lib.rand(3))(m)
f.vmap(lambda x: lib.rand(3), randomness="same")(m).std(0)
f.vmap(lambda x: lib.rand(3), randomness="different")(m).std(0) > 0
f.vmap(lambda x: x, chunk_size=0)(m)
f.vmap(lambda x: x, chunk_size=1)(m)
f.vmap(lambda x: x * 2)(m[:0])
f.vmap(lambda x: (x.sum(), x), out_dims=(0, 1))(m[:0])
f.vmap(f.vmap(lambda x: x * 2))(m)
f.vmap(f.grad(lambda x: (x**3).sum()))(m)
f.vmap(f.jacrev(lambda x: x**2))(m)
f.grad(lambda x: f.vmap(lambda y: y.sum() ** 2)(x).sum())(m)
{k: (tuple(t.shape), t.requires_grad, t.is_leaf) for k, t in f.stack_module_state(ls)[0].items()}
f.stack_module_state([lib.nn.BatchNorm1d(2), lib.nn.BatchNorm1d(2)])[1]
f.stack_module_state([])
f.stack_module_state([lib.nn.Linear(1, 1), lib.nn.Linear(1, 1).eval()])
f.stack_module_state([lib.nn.Linear(1, 1), lib.nn.ReLU()])
f.stack_module_state([lib.nn.Linear(1, 1), lib.nn.Linear(1, 1).requires_grad_(False)])
f.replace_all_batch_norm_modules_(lib.nn.Sequential(lib.nn.BatchNorm1d(2)))
f.functional_call(ls[0], {"weight": lib.ones(1, 3), "bias": lib.zeros(1)}, x)
f.functional_call(ls[0], ({"weight": lib.ones(1, 3)}, {"bias": lib.zeros(1)}), (x,))
f.functional_call(ls[0], ({"weight": lib.ones(1, 3)}, {"weight": lib.zeros(1)}), x)
f.functional_call(ls[0], dict(nothing=x, weight=lib.ones(1, 3), bias=lib.zeros(1)), x)
f.functional_call(ls[0], {"nothing": lib.zeros(1)}, x, strict=True)
f.functional_call(ls[0], {"a.b": lib.zeros(1)}, x)
f.functional_call(ls[0], {"weight": 3}, x)
f.functional_call(ls[0], 3, x)
""".strip().splitlines()


def printed(library, expression):
    library.manual_seed(0)
    names = {
        "lib": library,
        "f": importlib.import_module(f"{library.__name__}.func"),
        "x": library.tensor([1.0, 2.0, 3.0]),
        "w": library.ones(3, requires_grad=True),
        "m": library.arange(6.0).reshape(2, 3),
        "ls": [library.nn.Linear(3, 1) for _ in range(2)],
    }
    try:
        text = repr(eval(expression, names))
    except (TypeError, ValueError, RuntimeError, IndexError, AttributeError) as error:
        text = f"{type(error).__name__}: {error}"
    return " ".join(text.replace(library.__name__ + ".", "").split())


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_prints_what_pytorch_prints(expression, torch):
    ours, theirs = printed(tallow, expression), printed(torch, expression)
    for grad_fn in ("AddBackward0", "StackBackward0"):
        ours, theirs = (t.replace(f", grad_fn=<{grad_fn}>", "") for t in (ours, theirs))
    assert ours == theirs


def network(library):
    library.manual_seed(4)
    nn = library.nn
    net = nn.Sequential(nn.Linear(5, 6), nn.Tanh(), nn.LayerNorm(6), nn.Linear(6, 2))
    return net, library.randn(7, 5), library.randn(7, 2)


def run_transforms(library):
    """Per-sample gradients, Jacobians and curvature of a small network."""
    f = importlib.import_module(f"{library.__name__}.func")
    net, x, y = network(library)
    weights = {name: p.detach() for name, p in net.named_parameters()}

    def loss(weights, x, y):
        return ((f.functional_call(net, weights, (x,)) - y) ** 2).mean()

    def output(x):
        return f.functional_call(net, weights, (x,))

    found = f.vmap(f.grad(loss), in_dims=(None, 0, 0))(weights, x, y)
    found["jacrev"] = f.vmap(f.jacrev(output))(x)
    found["jacfwd"] = f.jacfwd(output)(x[0])
    found["hessian"] = f.hessian(lambda x: loss(weights, x, y[0]))(x[0])
    found["jvp"] = f.jvp(output, (x,), (x * 0.5,))[1]
    direction = {name: p * 0.1 for name, p in weights.items()}
    found["hvp"] = f.jvp(f.grad(lambda w: loss(w, x, y)), (weights,), (direction,))[1]["0.weight"]
    params, buffers = f.stack_module_state([net, net])
    call = lambda p, b, x: f.functional_call(net, (p, b), (x,))  # noqa: E731
    found["ensemble"] = f.vmap(call, in_dims=(0, 0, None))(params, buffers, x)
    return {name: value.detach().numpy() for name, value in found.items()}


def test_transforms_of_a_network_are_pytorchs(torch):
    ours, theirs = run_transforms(tallow), run_transforms(torch)
    assert list(ours) == list(theirs)
    for name in ours:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=2e-4, atol=2e-6, err_msg=name)


def test_a_gradient_can_be_differentiated_by_what_the_function_captured():
    scale = tallow.tensor(3.0, requires_grad=True)
    gradient = func.grad(lambda x: scale * x * x)(tallow.tensor(2.0))
    gradient.backward()
    assert scale.grad.item() == 4


def test_without_recording_outside_nothing_is_attached():
    scale = tallow.ones(2, requires_grad=True)
    with tallow.no_grad():
        gradient = func.grad(lambda x: (scale * x * x).sum())(scale)
        output, pull = func.vjp(lambda x: scale * x, scale)
    assert gradient.tolist() == [2, 2]
    assert not gradient.requires_grad
    assert not output.requires_grad
    assert not pull(tallow.ones(2))[0].requires_grad


def test_arguments_keep_their_state():
    x = tallow.ones(2)
    func.grad(lambda x: (x * x).sum())(x)
    func.jacfwd(lambda x: x * x)(x)
    assert not x.requires_grad
    assert x.grad is None


def test_layouts_and_half_types():
    x = tallow.arange(6.0).view(2, 3).t()
    assert tallow.equal(func.jacfwd(lambda x: x * x)(x), func.jacrev(lambda x: x * x)(x))
    half = func.grad(lambda x: (x * x).sum())(tallow.ones(3, dtype=tallow.bfloat16))
    assert half.dtype == tallow.bfloat16


def test_functional_call_gives_the_tensors_back_after_an_error():
    layer = nn.Linear(2, 1)
    weight = layer.weight
    with pytest.raises(RuntimeError):
        func.functional_call(layer, {"weight": tallow.ones(1, 2)}, tallow.ones(3))
    assert layer.weight is weight
    with pytest.raises(RuntimeError):
        func.functional_call(layer, {"weight": tallow.ones(1, 2), "new": weight}, tallow.ones(3))
    assert not hasattr(layer, "new")


class Counter(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(tallow.ones(1))
        self.b = self.a
        self.register_buffer("assigned", tallow.zeros(1))
        self.register_buffer("changed", tallow.zeros(1))

    def forward(self, x):
        self.assigned = self.assigned + 1
        self.changed.add_(1)
        return x + self.a + self.b


def test_functional_call_and_buffers_that_change():
    module = Counter()
    state = {"assigned": tallow.full((1,), 5.0), "changed": tallow.full((1,), 5.0)}
    func.functional_call(module, state, tallow.ones(1))
    assert {name: value.item() for name, value in state.items()} == {"assigned": 6, "changed": 6}
    assert module.assigned.item() == module.changed.item() == 0


def test_functional_call_and_tied_parameters():
    module, zero = Counter(), tallow.zeros(1)
    assert func.functional_call(module, {"a": zero}, zero).item() == 0
    assert func.functional_call(module, {"a": zero}, zero, tie_weights=False).item() == 1
    with pytest.raises(ValueError, match="got multiple values for keys .'a', 'b'., which are tied"):
        func.functional_call(module, {"a": zero, "b": zero.clone()}, zero)
    func.functional_call(
        module, {"b": zero, "assigned": zero, "changed": tallow.zeros(1)}, zero, strict=True
    )


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_older_functional_call_is_the_same():
    layer = nn.Linear(2, 1, bias=False)
    from tallow.nn.utils import stateless

    result = stateless.functional_call(layer, {"weight": tallow.ones(1, 2)}, tallow.ones(2))
    assert result.tolist() == [2]


def test_what_is_not_here_is_named():
    with pytest.raises(NotImplementedError, match="use tallow.func.jvp"):
        forward_ad.make_dual(tallow.ones(1), tallow.ones(1))
    with pytest.raises(NotImplementedError, match="use tallow.func.jvp"), forward_ad.dual_level():
        pass
    with pytest.raises(NotImplementedError, match="randomness='different' is not supported"):
        func.jacfwd(lambda x: x, randomness="different")
    with pytest.raises(AttributeError, match="has no attribute 'debug_unwrap'"):
        func.debug_unwrap
    assert tallow.vmap is func.vmap


def test_vmap_that_draws_without_leave_draws_nothing():
    before = tallow.get_rng_state()
    with pytest.raises(RuntimeError, match="called random operation while in randomness error"):
        func.vmap(lambda x: x + tallow.rand(1))(tallow.ones(3))
    assert tallow.equal(tallow.get_rng_state(), before)
