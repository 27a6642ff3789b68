"""Autograd, A61 to A87: hooks, tools, the engine."""

import gc
import threading
import warnings

import pytest

from contract.autograd_helpers import TWICE, Function, G, R, T, fails
from contract.impl import F, nn, sub, torch

autograd = sub("autograd")
graph = sub("autograd.graph")


# ---------------- hooks on tensors and nodes
def test_A61_tensor_hook_replaces_grad_and_chains_in_order():
    log = []
    x = R()
    x.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: log.append(g.tolist()))
    x.register_hook(lambda g: g + 1)
    (x * 2).sum().backward()
    assert x.grad.tolist() == [21, 21] and log == [[20, 20]]


def test_A62_tensor_hook_checks():
    fails(
        RuntimeError,
        "^cannot register a hook on a tensor that doesn't require gradient$",
        lambda: T([1.0]).register_hook(lambda g: g),
    )

    def run(h):
        x = R()
        x.register_hook(h)
        (x * 2).sum().backward()

    fails(
        RuntimeError,
        "^hook '<lambda>' has changed the type of value \\(was torch.FloatTensor got torch.DoubleTensor\\)$",
        lambda: run(lambda g: g.double()),
    )
    fails(
        RuntimeError,
        "^hook '<lambda>' has changed the size of value$",
        lambda: run(lambda g: g[:1]),
    )
    fails(TypeError, "^expected Variable, but hook returned 'int'$", lambda: run(lambda g: 3))


def test_A63_hook_removal_handle_and_leaf_hook_fires_before_accumulation_once_per_backward():
    log = []
    x = R()
    h = x.register_hook(lambda g: log.append(x.grad))
    y = (x * 2 + x * 3).sum()
    y.backward(retain_graph=True)
    h.remove()
    y.backward(retain_graph=True)
    assert log == [None]


def test_A64_retain_grad_sees_the_value_after_all_tensor_hooks():
    x = R()
    y = x * 2
    y.register_hook(lambda g: g * 3)
    y.retain_grad()
    y.register_hook(lambda g: g * 5)
    y.sum().backward()
    assert (
        y.grad.tolist() == [15, 15]
        and x.grad.tolist() == [30, 30]
        and y.retains_grad
        and not x.retains_grad
    )
    fails(
        RuntimeError,
        "^can't retain_grad on Tensor that has requires_grad=False$",
        lambda: T([1.0]).retain_grad(),
    )


def test_A65_hook_registered_before_inplace_stays_with_the_old_value():
    log = []
    x = R()
    y = x * x
    y.register_hook(lambda g: log.append(("old", g.tolist())))
    y.mul_(2)
    y.register_hook(lambda g: log.append(("new", g.tolist())))
    y.sum().backward()
    assert log == [("new", [1, 1]), ("old", [2, 2])]


def test_A66_grad_wrt_intermediate_includes_its_hooks():
    x = R()
    y = x * 3
    y.register_hook(lambda g: g * 10)
    assert torch.autograd.grad(y.sum(), y)[0].tolist() == [10, 10]


def test_A67_post_accumulate_grad_hook():
    log = []
    x = R()
    x.register_post_accumulate_grad_hook(
        lambda p: (log.append(p.grad.tolist()), setattr(p, "grad", None))[1]
    )
    (x * 2).sum().backward()
    assert log == [[2, 2]] and x.grad is None
    fails(
        RuntimeError,
        "^post accumulate grad hooks cannot be registered on non-leaf tensors$",
        lambda: (R() * 2).register_post_accumulate_grad_hook(print),
    )
    log.clear()
    x = R()
    x.register_post_accumulate_grad_hook(lambda p: log.append("post"))
    x.register_hook(lambda g: log.append("hook"))
    (x * 2).sum().backward()
    torch.autograd.grad((x * 2).sum(), x)
    assert log == ["hook", "post", "hook"]  # autograd.grad accumulates nothing


def test_A68_node_surface():
    x = R()
    y = x * 2
    z = y.exp()
    n = z.grad_fn
    assert (
        n.name() == "ExpBackward0"
        and type(n).__name__ == "ExpBackward0"
        and n is z.grad_fn
        and isinstance(n, graph.Node)
    )
    ((m, i),) = n.next_functions
    assert m.name() == "MulBackward0" and i == 0
    acc = m.next_functions[0][0]
    assert (
        type(acc).__name__ == "AccumulateGrad"
        and acc.name() == "torch::autograd::AccumulateGrad"
        and acc.variable is x
        and acc is (x * 5).grad_fn.next_functions[0][0]
    )
    assert (x + 1).grad_fn.next_functions[1] == (None, 0) and (x + T([1.0])).grad_fn.next_functions[
        1
    ] == (None, 0)


def test_A69_node_hooks_order_tensor_hook_prehook_posthook():
    log = []
    x = R(0.0)
    z = x.exp()
    n = z.grad_fn
    n.register_hook(lambda gi, go: log.append("post"))
    n.register_prehook(lambda go: log.append("pre"))
    z.register_hook(lambda g: log.append("tensor"))
    z.sum().backward()
    assert log == ["tensor", "pre", "post"]


def test_A70_node_hook_returns():
    x = R(0.0)
    z = x.exp()
    z.grad_fn.register_prehook(lambda go: (go[0] * 10,))
    z.grad_fn.register_hook(lambda gi, go: (gi[0] + 1,))
    z.sum().backward()
    assert x.grad.tolist() == [11]
    z = R().exp()
    z.grad_fn.register_prehook(lambda go: go[0])
    fails(TypeError, "^expected tuple, but hook returned 'Tensor'$", z.sum().backward)


def test_A71_saved_attributes():
    z = R(0.0).exp()
    assert z.grad_fn._saved_result.tolist() == [1]
    z.sum().backward()
    assert fails(RuntimeError, "^Trying to backward", lambda: z.grad_fn._saved_result) == TWICE


def test_A72_multi_grad_hook():
    log = []
    a, b = R(), R()
    graph.register_multi_grad_hook([a, b], lambda gs: log.append([g.tolist() for g in gs]))
    (a * b).sum().backward()
    assert log == [[[1, 2], [1, 2]]]


# ---------------- saved tensor hooks, anomaly, checking tools, engine
def test_A73_saved_tensors_hooks():
    log = []
    x = R()
    with graph.saved_tensors_hooks(
        lambda t: (log.append("pack"), t.tolist())[1], lambda o: (log.append("unpack"), T(o))[1]
    ):
        y = x * x
    y.sum().backward()
    assert x.grad.tolist() == [2, 4] and log == ["pack", "pack", "unpack", "unpack"]

    def inplace():
        with graph.saved_tensors_hooks(lambda t: t.add_(1), lambda o: o):
            R() * R()

    fails(RuntimeError, "^A saved tensor pack hook is modifying its input in place", inplace)


def test_A74_anomaly_mode_nan():
    x = T([-1.0], requires_grad=True)
    with warnings.catch_warnings(record=True) as w:
        warnings.simplefilter("always")
        with torch.autograd.detect_anomaly():
            fails(
                RuntimeError,
                "^Function 'SqrtBackward0' returned nan values in its 0th output.$",
                torch.sqrt(x).sum().backward,
            )
    assert (
        "Anomaly Detection has been enabled" in str(w[0].message)
        and "Error detected in SqrtBackward0. Traceback of forward call that caused the error:"
        in str(w[1].message)
        and "test_a_hooks.py" in str(w[1].message)
    )


def test_A75_anomaly_changes_the_inplace_hint():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with torch.autograd.set_detect_anomaly(True):
            y = torch.exp(R())
            y.add_(1)
            fails(
                RuntimeError,
                r"Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable in question was changed in there or anywhere later. Good luck!$",
                y.sum().backward,
            )
    assert not torch.is_anomaly_enabled()


def test_A76_gradcheck():
    x = torch.randn(3, dtype=torch.double, requires_grad=True)
    assert torch.autograd.gradcheck(torch.sin, x) and torch.autograd.gradgradcheck(torch.sin, x)
    bad = lambda t: t.detach() * 2 + t * 0
    with pytest.raises(
        RuntimeError, match="^Jacobian mismatch for output 0 with respect to input 0,\nnumerical:"
    ):
        torch.autograd.gradcheck(bad, x)
    assert torch.autograd.gradcheck(bad, x, raise_exception=False) is False
    fails(
        ValueError,
        "^gradcheck expects at least one input tensor to require gradient",
        lambda: torch.autograd.gradcheck(torch.sin, torch.ones(1, dtype=torch.double)),
    )


def test_A77_deep_graphs_do_not_overflow_on_backward_or_on_free():
    x = R(1.0)
    y = x
    for _ in range(100_000):
        y = y + 1
    y.backward()
    assert x.grad.tolist() == [1]
    y = x
    for _ in range(100_000):
        y = y + 1
    del y
    gc.collect()


def test_A77b_deep_graph_in_a_thread_with_a_256_KiB_stack():
    out = []

    def work():
        x = R(1.0)
        y = x
        for _ in range(100_000):
            y = y + 1
        y.backward()
        del y
        out.append(x.grad.tolist())

    old = threading.stack_size(256 * 1024)
    try:
        t = threading.Thread(target=work)
        t.start()
        t.join()
    finally:
        threading.stack_size(old)
    assert out == [[1]]


def test_A78_deep_chain_of_python_functions():
    C = G(lambda c, x: x.clone(), lambda c, g: g)
    x = R(1.0)
    y = x
    for _ in range(20_000):
        y = C.apply(y)
    y.backward()
    del y
    gc.collect()
    assert x.grad.tolist() == [1]


def test_A79_wide_and_diamond_graphs_visit_each_node_once():
    n = []
    x = R(1.0)
    y = x
    for _ in range(30):
        y = y + y  # 2**30 paths
    y.register_hook(lambda g: n.append(1))
    y.backward()
    assert x.grad.item() == 2.0**30 and n == [1]


def test_A80_concurrent_backward_from_threads_accumulates_correctly():
    x = R()
    ts = [threading.Thread(target=lambda: (x * x).sum().backward()) for _ in range(4)]
    [t.start() for t in ts]
    [t.join() for t in ts]
    assert x.grad.tolist() == [8, 16]


def test_A81_cpu_hooks_run_on_the_calling_thread_and_in_reverse_creation_order():
    ids = []
    log = []
    x = R()
    a = x * 2
    b = x * 3
    a.register_hook(lambda g: (ids.append(threading.get_ident()), log.append("a"))[2:] or None)
    b.register_hook(lambda g: log.append("b"))
    (a + b).sum().backward()
    assert ids == [threading.get_ident()] and log == ["b", "a"]


def test_A82_checkpoint_recomputes():
    cp = sub("utils.checkpoint")
    n = []
    x = R(0.0)
    y = cp.checkpoint(lambda t: (n.append(1), t.exp())[1], x, use_reentrant=False)
    y.sum().backward()
    assert n == [1, 1] and x.grad.tolist() == [1]


def test_A83_functional_jacobian_hessian():
    af = sub("autograd.functional")
    assert af.jacobian(lambda x: x * x, T([1.0, 2.0])).tolist() == [[2, 0], [0, 4]] and af.hessian(
        lambda x: (x**3).sum(), T([1.0, 2.0])
    ).tolist() == [[6, 0], [0, 12]]


def test_A84_variable_alias():
    v = autograd.Variable(torch.ones(1), requires_grad=True)
    assert (
        type(v) is torch.Tensor and v.requires_grad and isinstance(torch.ones(1), autograd.Variable)
    )


def test_A85_everything_is_freed_by_reference_counting_alone():
    import weakref

    refs = {}

    class Payload:
        pass

    class Fn(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.payload = Payload()
            refs["ctx"] = weakref.ref(ctx.payload)
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    gc.collect()
    gc.disable()
    try:
        y = Fn.apply(R()).exp()
        assert refs["ctx"]() is not None
        del y
        assert refs["ctx"]() is None  # dropping the output drops the graph and its contexts
        p = R()
        r = weakref.ref(p)
        q = (p * 2).sum()
        q.backward()
        del p, q
        assert r() is None
        m = nn.Linear(2, 2)
        m.register_full_backward_hook(lambda *a: None)
        r = weakref.ref(m)
        o = m(R())
        del m
        assert r() is not None  # a live graph keeps a backward-hooked module alive
        del o
        assert r() is None
    finally:
        gc.enable()


def test_A86_clone_and_to_are_differentiable_detach_is_not():
    x = R()
    assert (
        x.clone().grad_fn.name() == "CloneBackward0"
        and x.double().requires_grad
        and x.to(torch.float64).grad_fn.name() == "ToCopyBackward0"
        and not x.detach().requires_grad
    )
    x.double().sum().backward()
    assert x.grad.dtype == torch.float32


def test_A87_where_max_and_ties():
    x = R(1.0, 1.0)
    x.max().backward()
    assert x.grad.tolist() == [0.5, 0.5]  # full reduction shares equally
    x = R(1.0, 1.0)
    x.max(0).values.backward()
    assert sorted(x.grad.tolist()) == [0, 1]  # dim reduction: one index
    x = T([0.0], requires_grad=True)
    x.abs().backward()
    assert x.grad.item() == 0
    x.grad = None
    F.relu(x).backward()
    assert x.grad.item() == 0
