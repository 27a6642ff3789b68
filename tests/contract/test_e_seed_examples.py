"""The runnable modern form of every example the five source pages show."""

import inspect
import warnings

import pytest

from contract.impl import F, nn, sub, torch

overrides = sub("overrides")
modmod = sub("nn.modules.module")


def chain(spec):
    """A Sequential assembled one child at a time, the way the pages do it with add_module."""
    seq = nn.Sequential()
    for name, layer in spec:
        seq.add_module(name, layer)
    return seq


class MLP(nn.Module):
    """784 -> 256 -> ReLU -> 10; extra keyword arguments are forwarded to the base constructor (which accepts none)."""

    def __init__(self, **kw):
        super().__init__(**kw)
        self.hidden, self.act, self.output = nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10)

    def forward(self, x):
        return self.output(self.act(self.hidden(x)))


class FeatureL2Norm(nn.Module):
    """Divide every position by the length of its channel vector; eps sits inside the root. Uses pow, sum(dim), +, unsqueeze, expand_as, div."""

    eps = 1e-6

    def forward(self, feature):
        length = torch.pow(torch.sum(torch.pow(feature, 2), dim=1) + self.eps, 0.5)
        return torch.div(feature, length.unsqueeze(1).expand_as(feature))


class FeatureRegression(nn.Module):
    """15x15 correlation map with 225 channels -> output_dim numbers. use_cuda=True moves both children in the constructor."""

    def __init__(self, output_dim=6, use_cuda=True):
        super().__init__()

        def block(i, o, k):
            return [
                nn.Conv2d(i, o, kernel_size=k, padding=0),
                nn.BatchNorm2d(o),
                nn.ReLU(inplace=True),
            ]

        self.conv = nn.Sequential(*block(225, 128, 7), *block(128, 64, 5))
        self.linear = nn.Linear(64 * 5 * 5, output_dim)
        if use_cuda:
            for child in self.children():
                child.cuda()

    def forward(self, x):
        y = self.conv(x)
        return self.linear(y.view(y.size(0), -1))


class LeNet(nn.Module):
    """Three named stages; works on 1x28x28 because (28/2 - 4)/2 = 5 and 16*5*5 = 400."""

    def __init__(self):
        super().__init__()
        self.layer1 = chain(
            [("conv1", nn.Conv2d(1, 6, 3, padding=1)), ("pool1", nn.MaxPool2d(2, 2))]
        )
        self.layer2 = chain([("conv2", nn.Conv2d(6, 16, 5)), ("pool2", nn.MaxPool2d(2, 2))])
        self.layer3 = chain(
            [("fc1", nn.Linear(400, 120)), ("fc2", nn.Linear(120, 84)), ("fc3", nn.Linear(84, 10))]
        )

    def forward(self, x):
        y = self.layer2(self.layer1(x))
        return self.layer3(y.view(y.size(0), -1))


def net_parts(module, c_in, c_mid, c_out):
    same = dict(kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))
    module.conv0 = nn.Sequential(nn.Conv2d(c_in, c_mid, **same), nn.LeakyReLU())
    module.conv1 = nn.Sequential(nn.Conv2d(c_mid, 2 * c_out, **same))


class NetF(nn.Module):
    def __init__(self, *channels):
        super().__init__()
        net_parts(self, *channels)

    def forward(self, x):
        return self.conv1(self.conv0(x))


class NetC(nn.Module):
    """Same network, but __call__ itself is overridden: legal, and it silently gives up this module's own hooks."""

    def __init__(self, *channels):
        super().__init__()
        net_parts(self, *channels)

    def __call__(self, x):
        return self.conv1(self.conv0(x))


def test_E01_print_mlp_and_output_grad_fn(capsys):
    net = MLP()
    print(net)
    assert capsys.readouterr().out == (
        "MLP(\n  (hidden): Linear(in_features=784, out_features=256, bias=True)\n  (act): ReLU()\n"
        "  (output): Linear(in_features=256, out_features=10, bias=True)\n)\n"
    )
    s = repr(net(torch.rand(2, 784)))
    assert s.startswith("tensor([[") and s.endswith("grad_fn=<AddmmBackward0>)")


def test_E02_repr_layout_of_a_2x10_result_wraps_at_80_columns():
    t = (torch.arange(20.0).view(2, 10) / 100 - 0.1).requires_grad_() @ torch.eye(10)
    assert repr(t) == (
        "tensor([[-0.1000, -0.0900, -0.0800, -0.0700, -0.0600, -0.0500, -0.0400, -0.0300,\n         -0.0200, -0.0100],\n"
        "        [ 0.0000,  0.0100,  0.0200,  0.0300,  0.0400,  0.0500,  0.0600,  0.0700,\n          0.0800,  0.0900]], grad_fn=<MmBackward0>)"
    )


def test_E03_eight_step_call_flow():
    log = []

    class Sq(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            log.append("Function.forward")
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            log.append("Function.backward")
            return 2 * ctx.saved_tensors[0] * g

    class Traced(nn.Module):
        def __call__(self, *a, **k):
            log.append(f"{type(self).__name__}.__call__")
            r = super().__call__(*a, **k)
            log.append(f"{type(self).__name__} returns")
            return r

    class Leaf(Traced):
        def forward(self, x):
            log.append("Leaf.forward")
            return Sq.apply(x)

    class Root(Traced):
        def __init__(self):
            super().__init__()
            self.leaf = Leaf()

        def forward(self, x):
            log.append("Root.forward")
            return self.leaf(x)

    r = Root()
    r.register_forward_hook(lambda *a: log.append("Root hook"))
    r.leaf.register_forward_hook(lambda *a: log.append("Leaf hook"))
    x = torch.tensor(3.0, requires_grad=True)
    y = r(x)
    assert log == [
        "Root.__call__",
        "Root.forward",
        "Leaf.__call__",
        "Leaf.forward",
        "Function.forward",
        "Leaf hook",
        "Leaf returns",
        "Root hook",
        "Root returns",
    ]
    y.backward()
    assert log[-1] == "Function.backward" and x.grad == 6 and y.grad_fn.name() == "SqBackward"


def test_E04_feature_l2_norm_values_and_gradients():
    m = FeatureL2Norm()
    x = torch.randn(2, 225, 15, 15)
    assert repr(m) == "FeatureL2Norm()" and torch.allclose(
        m(x).pow(2).sum(1), torch.ones(2, 15, 15), atol=1e-5
    )
    assert torch.autograd.gradcheck(
        m, torch.randn(2, 3, 2, 2, dtype=torch.double, requires_grad=True)
    )


def test_E05_feature_regression_cpu():
    m = FeatureRegression(use_cuda=False)
    x = torch.randn(2, 225, 15, 15, requires_grad=True)
    y = m(FeatureL2Norm()(x))
    y.sum().backward()
    assert (
        y.shape == (2, 6)
        and x.grad.shape == x.shape
        and len(list(m.parameters())) == 10
        and m.linear.in_features == 1600
    )
    assert [n for n, _ in m.named_buffers()] == [
        "conv.1.running_mean",
        "conv.1.running_var",
        "conv.1.num_batches_tracked",
        "conv.4.running_mean",
        "conv.4.running_var",
        "conv.4.num_batches_tracked",
    ]
    assert repr(m.conv[1]).startswith("BatchNorm2d(128, eps=1e-05, momentum=0.1, affine=True")


def test_E06_feature_regression_default_wants_cuda():
    if torch.cuda.is_available():
        pytest.skip("has CUDA")
    with pytest.raises((AssertionError, RuntimeError)):
        FeatureRegression()


def test_E07_lenet_shapes_names_and_manual_sgd_step():
    m = LeNet()
    y = m(torch.randn(4, 1, 28, 28))
    assert y.shape == (4, 10) and sum(p.numel() for p in m.parameters()) == 61610
    assert [n for n, _ in m.named_modules()] == [
        "",
        "layer1",
        "layer1.conv1",
        "layer1.pool1",
        "layer2",
        "layer2.conv2",
        "layer2.pool2",
        "layer3",
        "layer3.fc1",
        "layer3.fc2",
        "layer3.fc3",
    ]
    F.cross_entropy(y, torch.tensor([1, 2, 3, 4])).backward()
    w = m.layer3.fc3.weight
    w0 = w.detach().clone()
    with torch.no_grad():
        for p in m.parameters():
            p -= 0.1 * p.grad  # weight = weight - learning_rate * gradient
    assert torch.allclose(w, w0 - 0.1 * w.grad) and m.layer1.conv1 is m.layer1[0]
    with pytest.raises(AttributeError):
        nn.Conv(1, 6, 3)  # the page's nn.Conv and add_moudle are typos
    with pytest.raises(AttributeError):
        m.layer1.add_moudle


def test_E08_forward_version_and_call_override_agree_but_only_one_runs_hooks():
    a, b = NetF(3, 4, 5), NetC(3, 4, 5)
    b.load_state_dict(a.state_dict())
    x = torch.randn(1, 3, 8, 8)
    assert (
        torch.equal(a(x), b(x))
        and a(x).shape == (1, 10, 8, 8)
        and a(x).grad_fn.name() == "ConvolutionBackward0"
    )
    n = []
    a.register_forward_hook(lambda *_: n.append("a"))
    b.register_forward_hook(lambda *_: n.append("b"))
    a(x)
    b(x)
    assert n == ["a"]
    assert repr(a) == (
        "NetF(\n  (conv0): Sequential(\n    (0): Conv2d(3, 4, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))\n    (1): LeakyReLU(negative_slope=0.01)\n  )\n"
        "  (conv1): Sequential(\n    (0): Conv2d(4, 10, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))\n  )\n)"
    )


def test_E09_direct_forward_equals_call_when_there_are_no_hooks():
    m = MLP()
    x = torch.rand(2, 784)
    assert torch.equal(m(x), m.forward(x))


# ---- softmax in the three layers
def test_E10_all_spellings_agree():
    x = torch.randn(3, 4)
    r = torch.softmax(x, dim=-1)
    for o in (
        nn.Softmax(dim=-1)(x),
        F.softmax(x, dim=-1),
        torch._C._VariableFunctions.softmax(x, -1),
        x.softmax(-1),
        F.softmax(x, 1),
        torch.softmax(x, 1, torch.float32),
    ):
        assert torch.equal(o, r)
    assert torch.allclose(r.sum(-1), torch.ones(3)) and torch.equal(
        nn.Softmax2d()(torch.randn(2, 3, 4, 4)).sum(1).round(), torch.ones(2, 4, 4)
    )


def test_E11_torch_softmax_is_the_same_object_as_in_VariableFunctions():
    assert torch.softmax is torch._C._VariableFunctions.softmax and "built-in" in repr(
        torch.softmax
    )


def test_E12_implicit_dim_rule_and_warning_text():
    with warnings.catch_warnings(record=True) as w:
        warnings.simplefilter("always")
        assert [F._get_softmax_dim("softmax", n, 3) for n in range(6)] == [0, 0, 1, 0, 1, 1]
        x = torch.randn(2, 3, 4)
        n = len(w)
        line = inspect.currentframe().f_lineno + 1
        y = F.softmax(x)
    assert (
        torch.equal(y, F.softmax(x, 0))
        and str(w[n].message)
        == "Implicit dimension choice for softmax has been deprecated. Change the call to include dim=X as an argument."
    )
    assert (
        w[n].category is UserWarning and w[n].lineno == line and w[n].filename == __file__
    )  # _stacklevel=3 points at the caller of F.softmax


def test_E13_dim_missing_or_out_of_range_or_integer_input():
    x = torch.randn(2, 3)
    with pytest.raises(
        TypeError, match=r'softmax\(\) missing 1 required positional arguments?: "dim"'
    ):
        torch.softmax(x)
    with pytest.raises(
        IndexError,
        match=r"^Dimension out of range \(expected to be in range of \[-2, 1\], but got 5\)$",
    ):
        torch.softmax(x, 5)
    with pytest.raises(NotImplementedError, match="not implemented for 'Long'"):
        torch.softmax(torch.tensor([1, 2]), 0)
    assert torch.softmax(torch.tensor([1, 2]), 0, dtype=torch.float64).dtype == torch.float64


def test_E14_dtype_is_applied_before_the_exponential():
    h = torch.tensor([1.0, 2.0], dtype=torch.float16)
    assert (
        F.softmax(h, 0, dtype=torch.float32).dtype == torch.float32
        and F.softmax(h, 0).dtype == torch.float16
    )
    big = torch.tensor([3e38, 3e38])
    assert F.softmax(big, 0).tolist() == [0.5, 0.5]


def test_E15_edge_values():
    i = float("inf")
    nan = lambda t: torch.isnan(t).all().item()
    assert torch.softmax(torch.tensor(3.0), 0) == 1 and torch.softmax(torch.tensor(3.0), -1) == 1
    assert (
        nan(torch.softmax(torch.tensor([-i, -i]), 0))
        and nan(torch.softmax(torch.tensor([i, 1.0]), 0))
        and torch.softmax(torch.tensor([-i, 1.0]), 0).tolist() == [0, 1]
    )
    assert torch.softmax(torch.empty(2, 0), 1).shape == (2, 0) and torch.softmax(
        torch.empty(0, 2), 1
    ).shape == (0, 2)


def test_E16_softmax_class_surface():
    m = nn.Softmax(dim=1)
    assert (
        m.__constants__ == ["dim"]
        and m.extra_repr() == "dim=1"
        and repr(nn.LogSoftmax(dim=1)) == "LogSoftmax(dim=1)"
    )
    st = dict(m.__getstate__())
    del st["dim"]
    n = nn.Softmax.__new__(nn.Softmax)
    n.__setstate__(st)
    assert n.dim is None
    assert (
        list(inspect.signature(F.softmax).parameters) == ["input", "dim", "_stacklevel", "dtype"]
        and inspect.signature(F.softmax).parameters["_stacklevel"].default == 3
    )


def test_E17_softmax_gradients():
    x = torch.randn(3, 4, dtype=torch.double, requires_grad=True)
    assert (
        torch.autograd.gradcheck(lambda t: F.softmax(t, 1), x)
        and torch.autograd.gradgradcheck(lambda t: F.softmax(t, 1), x)
        and torch.softmax(x, 0).grad_fn.name() == "SoftmaxBackward0"
        and torch.log_softmax(x, 0).grad_fn.name() == "LogSoftmaxBackward0"
    )


# ---- the override protocol
class Sub(torch.Tensor):
    calls = []

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        cls.calls.append((overrides.resolve_name(func), [t.__name__ for t in types], kwargs))
        return super().__torch_function__(func, types, args, kwargs or {})


class Duck:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return ("duck", func.__name__, args[1:], kwargs)


class Declines:
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        return NotImplemented


def test_E18_has_torch_function_unary():
    f = overrides.has_torch_function_unary
    assert (
        not f(torch.ones(1))
        and not f(nn.Parameter(torch.ones(1)))
        and not f(3)
        and f(torch.ones(1).as_subclass(Sub))
        and f(Duck())
    )


def test_E19_functional_passes_itself_and_every_argument_to_the_override():
    Sub.calls.clear()
    r = F.softmax(torch.ones(2, 2).as_subclass(Sub), dim=1)
    assert (
        type(r) is Sub
        and Sub.calls[0][0].endswith("nn.functional.softmax")
        and Sub.calls[0][1:] == (["Sub"], {"dim": 1, "_stacklevel": 3, "dtype": None})
        and len(Sub.calls) == 1
    )
    assert F.softmax(Duck(), dim=0) == (
        "duck",
        "softmax",
        (),
        {"dim": 0, "_stacklevel": 3, "dtype": None},
    ) and torch.add(torch.ones(1), Duck())[:2] == ("duck", "add")


def test_E20_all_declining_raises_type_error():
    with pytest.raises(
        TypeError,
        match="^no implementation found for '.*nn.functional.softmax' on types that implement __torch_function__: ",
    ):
        F.softmax(Declines(), dim=0)


def test_E21_disabling():
    t = torch.ones(2).as_subclass(Sub)
    with torch._C.DisableTorchFunctionSubclass():
        assert type(F.softmax(t, 0)) is torch.Tensor and not overrides.has_torch_function_unary(t)


def test_E22_mode_sees_calls_on_plain_tensors():
    seen = []

    class Mode(overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            seen.append(func.__name__)
            return func(*args, **(kwargs or {}))

    x = torch.ones(2)
    with Mode():
        F.softmax(x, dim=0)
    assert seen[0] == "softmax"


# ---- tracing state and _slow_forward
def test_E23_tracing_state_is_none_and_slow_forward_falls_through():
    assert torch._C._get_tracing_state() is None and not torch.jit.is_tracing()
    m = nn.ReLU()
    assert torch.equal(m._slow_forward(torch.ones(1)), torch.ones(1))


def test_E24_while_tracing_call_goes_through_slow_forward():
    log = []

    class M(nn.Module):
        def __init__(self):
            super().__init__()
            self.l = nn.Linear(2, 2)

        def forward(self, x):
            log.append(torch._C._get_tracing_state() is not None)
            return self.l(x)

        def _slow_forward(self, *a, **k):
            log.append("slow")
            return super()._slow_forward(*a, **k)

    m = M()
    x = torch.ones(1, 2)
    m(x)
    assert log == [False]
    log.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        t = torch.jit.trace(m, x)
    assert log[:2] == ["slow", True] and torch.allclose(t(x), m(x))


# ---- package layout
def test_E25_nn_directory():
    for p in (
        "nn.modules",
        "nn.modules.module",
        "nn.modules.linear",
        "nn.modules.conv",
        "nn.modules.activation",
        "nn.modules.container",
        "nn.modules.batchnorm",
        "nn.modules.pooling",
        "nn.modules.loss",
        "nn.modules.rnn",
        "nn.modules.utils",
        "nn.modules._functions",
        "nn.parameter",
        "nn.parallel",
        "nn.parallel.data_parallel",
        "nn.init",
        "nn.utils",
        "nn.utils.rnn",
        "nn.utils.clip_grad",
        "nn.functional",
        "nn.backends",
    ):
        sub(p)
    assert (
        nn.DataParallel is sub("nn.parallel").DataParallel
        and nn.Parameter is sub("nn.parameter").Parameter
        and nn.Linear is sub("nn.modules.linear").Linear
        and nn.functional is F
        and nn.Module is modmod.Module
    )


def test_E26_data_parallel_on_cpu_is_a_pass_through_with_module_prefix():
    d = nn.DataParallel(nn.Linear(2, 2))
    x = torch.ones(1, 2)
    assert torch.equal(d(x), d.module(x)) and list(d.state_dict()) == [
        "module.weight",
        "module.bias",
    ]
    if not torch.cuda.is_available():
        assert d.device_ids == []


def test_E27_functional_bilinear_is_the_documented_door():
    a, b, w = torch.randn(4, 2), torch.randn(4, 3), torch.randn(5, 2, 3)
    assert torch.allclose(F.bilinear(a, b, w), torch.bilinear(a, b, w, None)) and torch.allclose(
        F.bilinear(a, b, w), torch.einsum("bi,oij,bj->bo", a, w, b), atol=1e-5
    )


def test_E28_module_surface_named_by_the_pages():
    for n in (
        "forward",
        "add_module",
        "cuda",
        "cpu",
        "__call__",
        "parameters",
        "named_parameters",
        "children",
        "named_children",
        "modules",
        "named_modules",
        "train",
        "eval",
        "zero_grad",
        "__repr__",
        "__dir__",
        "__setstate__",
        "extra_repr",
        "_slow_forward",
        "_call_impl",
    ):
        assert callable(getattr(nn.Module, n))
    sig = lambda f: list(inspect.signature(f).parameters)
    assert (
        sig(nn.Module.named_parameters) == ["self", "prefix", "recurse", "remove_duplicate"]
        and sig(nn.Module.named_modules) == ["self", "memo", "prefix", "remove_duplicate"]
        and sig(nn.Module.parameters) == ["self", "recurse"]
    )
    assert inspect.signature(nn.Module.zero_grad).parameters["set_to_none"].default is True


def test_E29_override_order_is_subclass_first_then_left_to_right_and_each_type_once():
    order = []

    def make(name, base):
        return type(
            name,
            (base,),
            {
                "__torch_function__": classmethod(
                    lambda cls, func, types, args=(), kwargs=None: (
                        order.append(cls.__name__),
                        NotImplemented,
                    )[1]
                )
            },
        )

    A = make("A", object)
    B = make("B", A)
    Cc = make("C", object)
    with pytest.raises(TypeError):
        overrides.handle_torch_function(F.softmax, (A(), Cc(), B(), A()), A())
    assert order == ["B", "A", "C"]
