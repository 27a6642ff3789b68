import copy
import pickle
import warnings

import pytest

from contract.impl import nn, torch

P = nn.Parameter
T = torch.tensor


def buf(m, **k):
    m.register_buffer("b", torch.zeros(1), **k)
    return m


def names(it):
    return [n for n, _ in it]


# ---- M01..M04 construction order
@pytest.mark.parametrize(
    "assign,msg",
    [
        (
            lambda s: setattr(s, "l", nn.Linear(1, 1)),
            "cannot assign module before Module.__init__() call",
        ),
        (
            lambda s: setattr(s, "w", P(torch.zeros(1))),
            "cannot assign parameters before Module.__init__() call",
        ),
        (
            lambda s: s.register_buffer("b", torch.zeros(1)),
            "cannot assign buffer before Module.__init__() call",
        ),
        (
            lambda s: s.register_parameter("w", None),
            "cannot assign parameter before Module.__init__() call",
        ),
    ],
)
def test_M01_assignment_before_super_init(assign, msg):
    class Bad(nn.Module):
        def __init__(self):
            assign(self)

    with pytest.raises(AttributeError) as e:
        Bad()
    assert str(e.value) == msg


def test_M02_plain_attributes_before_super_init_are_allowed_but_calling_fails():
    class Bad(nn.Module):
        def __init__(self):
            self.x = 1

        def forward(self, x):
            return x

    b = Bad()
    assert b.x == 1
    with pytest.raises(AttributeError, match="^'Bad' object has no attribute '_backward_hooks'$"):
        b(1)


def test_M03_base_init_rejects_arguments():
    class A(nn.Module):
        def __init__(self, **kw):
            super().__init__(**kw)

    with pytest.raises(
        TypeError, match=r"^A\.__init__\(\) got an unexpected keyword argument 'params'$"
    ):
        A(params=1)
    with pytest.raises(
        TypeError, match=r"^Module\.__init__\(\) takes 1 positional argument but 2 were given$"
    ):
        nn.Module(1)


def test_M04_call_super_init_enables_cooperative_inheritance():
    log = []

    class Mixin:
        def __init__(self, k):
            log.append(k)

    class A(nn.Module, Mixin):
        call_super_init = True

        def __init__(self):
            super().__init__(7)

    A()
    assert log == [7]


# ---- __setattr__ state machine
def E(f):
    with pytest.raises(Exception) as e:
        f(nn.Module())
    return type(e.value), e.value.args[0]


def seq(*steps):
    def f(m):
        for s in steps:
            s(m)

    return f


setw = lambda v: lambda m: setattr(m, "w", v() if callable(v) and not isinstance(v, type) else v)


def test_M05_parameter_slot_accepts_only_parameter_or_none():
    assert E(seq(setw(lambda: P(torch.zeros(2))), setw(lambda: torch.zeros(2)))) == (
        TypeError,
        "cannot assign 'torch.FloatTensor' as parameter 'w' (torch.nn.Parameter or None expected)",
    )
    t, msg = E(seq(setw(lambda: P(torch.zeros(2))), setw(lambda: nn.ReLU())))
    assert t is TypeError and msg.endswith(
        "modules.activation.ReLU' as parameter 'w' (torch.nn.Parameter or None expected)"
    )


def test_M06_parameter_slot_none_keeps_name_reserved_and_hidden():
    m = nn.Module()
    m.w = P(torch.zeros(2))
    m.w = None
    assert (
        m.w is None
        and "w" in m._parameters
        and list(m.parameters()) == []
        and len(m.state_dict()) == 0
    )
    m.w = P(torch.ones(1))
    assert names(m.named_parameters()) == ["w"]


def test_M07_parameter_replaces_plain_attribute_buffer_or_module_of_same_name():
    m = nn.Module()
    m.w = 3
    m.w = P(torch.zeros(1))
    assert "w" not in m.__dict__ and list(m._parameters) == ["w"]
    m = buf(nn.Module(), persistent=False)
    m.b = P(torch.zeros(1))
    assert not m._buffers and list(m._parameters) == ["b"] and not m._non_persistent_buffers_set
    m = nn.Module()
    m.c = nn.ReLU()
    m.c = P(torch.zeros(1))
    assert not m._modules and list(m._parameters) == ["c"]


def test_M08_module_slot_accepts_module_or_none():
    assert E(seq(lambda m: setattr(m, "c", nn.ReLU()), lambda m: setattr(m, "c", 3))) == (
        TypeError,
        "cannot assign 'int' as child module 'c' (torch.nn.Module or None expected)",
    )
    m = nn.Module()
    m.c = nn.ReLU()
    m.c = None
    assert (
        m.c is None
        and m._modules == {"c": None}
        and list(m.children()) == []
        and names(m.named_modules()) == [""]
        and repr(m) == "Module(\n  (c): None\n)"
    )


def test_M09_module_replaces_buffer():
    m = buf(nn.Module())
    m.b = nn.ReLU()
    assert not m._buffers and list(m._modules) == ["b"]


def test_M10_buffer_slot_takes_tensor_or_none_keeps_persistence():
    m = buf(nn.Module(), persistent=False)
    m.b = torch.ones(1)
    assert (
        m._buffers["b"].tolist() == [1]
        and "b" in m._non_persistent_buffers_set
        and len(m.state_dict()) == 0
        and names(m.named_buffers()) == ["b"]
    )
    m.b = None
    assert m._buffers == {"b": None}
    assert E(lambda m: (buf(m), setattr(m, "b", 3))) == (
        TypeError,
        "cannot assign 'int' as buffer 'b' (torch.nn.Buffer, torch.Tensor or None expected)",
    )


def test_M11_plain_tensor_attribute_is_not_registered():
    m = nn.Module()
    m.x = torch.zeros(1)
    assert not m._buffers and not m._parameters and "x" in m.__dict__


def test_M12_nn_Buffer_assignment_registers_and_stays_a_plain_tensor():
    m = nn.Module()
    m.b = nn.Buffer(torch.zeros(1))
    m.c = nn.Buffer(torch.zeros(1), persistent=False)
    assert (
        list(m._buffers) == ["b", "c"]
        and list(m.state_dict()) == ["b"]
        and repr(m.b) == "tensor([0.])"
    )


REG = [
    (
        lambda m: m.register_buffer("a.b", torch.zeros(1)),
        KeyError,
        'buffer name can\'t contain "."',
    ),
    (
        lambda m: m.register_buffer("", torch.zeros(1)),
        KeyError,
        'buffer name can\'t be empty string ""',
    ),
    (
        lambda m: m.register_buffer(3, torch.zeros(1)),
        TypeError,
        "buffer name should be a string. Got int",
    ),
    (
        lambda m: m.register_buffer("b", 3),
        TypeError,
        "cannot assign 'int' object to buffer 'b' (torch Tensor or None required)",
    ),
    (
        lambda m: m.register_buffer("forward", torch.zeros(1)),
        KeyError,
        "attribute 'forward' already exists",
    ),
    (lambda m: m.register_parameter("a.b", None), KeyError, 'parameter name can\'t contain "."'),
    (
        lambda m: m.register_parameter("", None),
        KeyError,
        'parameter name can\'t be empty string ""',
    ),
    (
        lambda m: m.register_parameter(3, None),
        TypeError,
        "parameter name should be a string. Got int",
    ),
    (
        lambda m: m.register_parameter("w", 3),
        TypeError,
        "cannot assign 'int' object to parameter 'w' (torch.nn.Parameter or None required)",
    ),
    (
        lambda m: m.register_parameter("w", torch.zeros(1)),
        TypeError,
        "cannot assign 'torch.FloatTensor' object to parameter 'w' (torch.nn.Parameter or None required)",
    ),
    (
        lambda m: m.register_parameter("w", P(torch.zeros(1)) * 2),
        TypeError,
        "cannot assign 'torch.FloatTensor' object to parameter 'w' (torch.nn.Parameter or None required)",
    ),
    (
        lambda m: (setattr(m, "w", 1), m.register_parameter("w", None)),
        KeyError,
        "attribute 'w' already exists",
    ),
    (
        lambda m: m.add_module("a.b", nn.ReLU()),
        KeyError,
        'module name can\'t contain ".", got: a.b',
    ),
    (lambda m: m.add_module("", nn.ReLU()), KeyError, 'module name can\'t be empty string ""'),
    (lambda m: m.add_module(3, nn.ReLU()), TypeError, "module name should be a string. Got int"),
    (lambda m: m.add_module("c", 3), TypeError, "int is not a Module subclass"),
    (lambda m: m.add_module("train", nn.ReLU()), KeyError, "attribute 'train' already exists"),
]


@pytest.mark.parametrize("i", range(len(REG)))
def test_M13_registration_errors(i):
    f, typ, msg = REG[i]
    assert E(f) == (typ, msg)


def test_M14_add_module_accepts_none_and_register_module_is_an_alias():
    m = nn.Module()
    m.add_module("c", None)
    m.register_module("d", nn.ReLU())
    assert m.c is None and names(m.named_children()) == ["d"]


def test_M15_getattr_and_delattr():
    m = nn.Module()
    with pytest.raises(AttributeError, match="^'Module' object has no attribute 'foo'$"):
        m.foo
    with pytest.raises(AttributeError):
        del m.foo
    m.w = P(torch.zeros(1))
    del m.w
    assert not hasattr(m, "w")
    buf(m, persistent=False)
    del m.b
    assert not m._buffers and not m._non_persistent_buffers_set


def test_M16_attribute_error_inside_property_names_the_attribute_that_is_missing():
    class A(nn.Module):
        @property
        def p(self):
            return self.nope

    with pytest.raises(AttributeError, match="'A' object has no attribute 'nope'"):
        A().p  # PyTorch says that 'p' is missing


# ---- traversal
def test_M17_named_modules_prefix_memo_duplicates():
    l = nn.Linear(2, 2)
    s = nn.Sequential(l, l)
    assert names(s.named_modules()) == ["", "0"] and names(
        s.named_modules(remove_duplicate=False)
    ) == ["", "0", "1"]
    assert names(s.named_children()) == ["0"] and len(s) == 2
    assert (
        names(s.named_modules(prefix="q")) == ["q", "q.0"]
        and names(s.named_modules(memo={l})) == [""]
        and names(s.named_modules(memo={s})) == []
    )


def test_M18_named_parameters_dedup_prefix_recurse_and_state_dict_keeps_all_names():
    l = nn.Linear(2, 2)
    s = nn.Sequential(l, l)
    assert names(s.named_parameters()) == ["0.weight", "0.bias"]
    assert (
        names(s.named_parameters(remove_duplicate=False))
        == ["0.weight", "0.bias", "1.weight", "1.bias"]
        == list(s.state_dict())
    )
    assert (
        names(s.named_parameters(prefix="p")) == ["p.0.weight", "p.0.bias"]
        and names(s.named_parameters(recurse=False)) == []
    )
    a, b = nn.Linear(2, 2), nn.Linear(2, 2)
    b.weight = a.weight
    assert names(nn.Sequential(a, b).named_parameters()) == ["0.weight", "0.bias", "1.bias"]


def test_M19_traversals_are_lazy_generators_in_registration_order_parent_first():
    m = nn.Module()
    m.z = nn.Linear(1, 1)
    m.a = nn.Sequential(nn.ReLU())
    assert names(m.named_modules()) == ["", "z", "a", "a.0"]
    assert all(
        type(x).__name__ == "generator"
        for x in (m.modules(), m.parameters(), m.buffers(), m.children(), m.named_modules())
    )


def test_M20_own_parameters_come_before_childrens():
    m = nn.Module()
    m.c = nn.Linear(1, 1)
    m.w = P(torch.zeros(1))
    assert names(m.named_parameters()) == ["w", "c.weight", "c.bias"]


def test_M21_apply_is_children_first_and_returns_self():
    log = []
    s = nn.Sequential(nn.Linear(1, 1), nn.ReLU())
    assert s.apply(lambda m: log.append(type(m).__name__)) is s and log == [
        "Linear",
        "ReLU",
        "Sequential",
    ]


def test_M22_train_eval():
    s = nn.Sequential(nn.Linear(1, 1))
    assert s.training and s.eval() is s and not s[0].training and s.train() is s and s[0].training
    for bad in ("x", 1, None):
        with pytest.raises(ValueError, match="^training mode is expected to be boolean$"):
            s.train(bad)


def test_M23_requires_grad_():
    s = nn.Sequential(nn.Linear(1, 1))
    assert s.requires_grad_(False) is s and not any(p.requires_grad for p in s.parameters())


def test_M24_zero_grad_none_by_default_else_zeroed_in_place_and_detached():
    l = nn.Linear(2, 2)
    l(torch.ones(1, 2)).sum().backward()
    g = l.weight.grad
    l.zero_grad(set_to_none=False)
    assert l.weight.grad is g and g.abs().sum() == 0
    l.zero_grad()
    assert l.weight.grad is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        l(torch.ones(1, 2)).pow(2).sum().backward(create_graph=True)
    g = l.weight.grad
    assert g.grad_fn is not None
    l.zero_grad(set_to_none=False)
    assert g.grad_fn is None and not g.requires_grad


def test_M25_dtype_conversion_keeps_parameter_identity_but_not_buffer_identity():
    b = nn.BatchNorm1d(2)
    w, rm, ptr = b.weight, b.running_mean, b.weight.data_ptr()
    b.double()
    assert b.weight is w and w.dtype == torch.float64 and w.data_ptr() != ptr
    assert (
        b.running_mean is not rm
        and b.running_mean.dtype == torch.float64
        and b.num_batches_tracked.dtype == torch.int64
    )


def test_M26_conversion_converts_grad_in_place_too():
    l = nn.Linear(2, 2)
    l(torch.ones(1, 2)).sum().backward()
    g = l.weight.grad
    l.double()
    assert l.weight.grad is g and g.dtype == torch.float64


def test_M27_to_signatures():
    l = nn.Linear(2, 2)
    assert l.to(torch.float64) is l and l.weight.dtype == torch.float64
    assert l.to("cpu", torch.float32).weight.dtype == torch.float32
    assert l.to(torch.zeros(1, dtype=torch.float16)).weight.dtype == torch.float16
    assert l.to(dtype=torch.bfloat16).weight.dtype == torch.bfloat16
    with pytest.raises(
        TypeError,
        match="^nn.Module.to only accepts floating point or complex dtypes, but got desired dtype=torch.int32$",
    ):
        l.to(torch.int32)
    assert (
        l.type(torch.float64).weight.dtype == torch.float64
        and l.half().weight.dtype == torch.float16
        and l.float().weight.dtype == torch.float32
        and l.cpu() is l
    )


def test_M28_get_submodule_parameter_buffer():
    s = nn.Sequential(nn.Linear(1, 1))
    l = s[0]
    assert (
        s.get_submodule("") is s
        and s.get_submodule("0") is l
        and s.get_parameter("0.weight") is l.weight
    )
    for f, msg in [
        (lambda: l.get_submodule("weight"), "`weight` is not an nn.Module"),
        (lambda: l.get_submodule("x.y"), "Linear has no attribute `x`"),
        (lambda: l.get_parameter("in_features"), "`in_features` is not an nn.Parameter"),
        (lambda: l.get_parameter("zz"), "Linear has no attribute `zz`"),
        (lambda: l.get_buffer("weight"), "`weight` is not a buffer"),
    ]:
        with pytest.raises(AttributeError) as e:
            f()
        assert str(e.value) == msg


def test_M29_set_submodule():
    s = nn.Sequential(nn.Linear(1, 1))
    s.set_submodule("0", nn.Tanh())
    assert isinstance(s[0], nn.Tanh)
    s.set_submodule("new", nn.ReLU())
    assert names(s.named_children()) == ["0", "new"]
    with pytest.raises(AttributeError):
        s.set_submodule("zz", nn.ReLU(), strict=True)
    with pytest.raises(ValueError, match="^Cannot set the submodule without a target name!$"):
        s.set_submodule("", nn.ReLU())
    with pytest.raises(ValueError, match="^`module` is not an nn.Module, found <class 'int'>$"):
        s.set_submodule("0", 3)


def test_M30_dir_lists_members_but_not_digit_names():
    s = nn.Sequential(nn.Linear(1, 1))
    s.reg = nn.ReLU()
    s.w = P(torch.zeros(1))
    buf(s)
    d = dir(s)
    assert "0" not in d and {"reg", "w", "b", "training", "forward"} <= set(d) and d == sorted(d)


# ---- repr
class X(nn.Module):
    def __init__(self, extra="", child=False):
        super().__init__()
        self.e = extra
        if child:
            self.a = nn.ReLU()

    def extra_repr(self):
        return self.e


@pytest.mark.parametrize(
    "args,out",
    [
        (("",), "X()"),
        (("k=1",), "X(k=1)"),
        (("k=1\nj=2",), "X(\n  k=1\n  j=2\n)"),
        (("k=1", True), "X(\n  k=1\n  (a): ReLU()\n)"),
        (("", True), "X(\n  (a): ReLU()\n)"),
    ],
)
def test_M31_repr_shape(args, out):
    assert repr(X(*args)) == out


def test_M32_repr_builtin_layers():
    for m, s in [
        (nn.Linear(784, 256), "Linear(in_features=784, out_features=256, bias=True)"),
        (nn.ReLU(), "ReLU()"),
        (nn.ReLU(inplace=True), "ReLU(inplace=True)"),
        (nn.Softmax(dim=-1), "Softmax(dim=-1)"),
        (nn.Softmax(), "Softmax(dim=None)"),
        (nn.LeakyReLU(), "LeakyReLU(negative_slope=0.01)"),
        (
            nn.Conv2d(1, 6, 3, padding=1),
            "Conv2d(1, 6, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1))",
        ),
        (
            nn.Conv2d(4, 8, 3, stride=2, padding="valid", dilation=2, groups=2, bias=False),
            "Conv2d(4, 8, kernel_size=(3, 3), stride=(2, 2), padding=valid, dilation=(2, 2), groups=2, bias=False)",
        ),
        (
            nn.MaxPool2d(2, 2),
            "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
        ),
        (
            nn.BatchNorm2d(128),
            "BatchNorm2d(128, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)",
        ),
        (nn.Dropout(0.5), "Dropout(p=0.5, inplace=False)"),
        (nn.Embedding(10, 3), "Embedding(10, 3)"),
        (nn.LayerNorm(5), "LayerNorm((5,), eps=1e-05, elementwise_affine=True, bias=True)"),
        (nn.GELU(), "GELU(approximate='none')"),
        (nn.Flatten(), "Flatten(start_dim=1, end_dim=-1)"),
        (nn.Identity(), "Identity()"),
        (nn.LSTM(3, 4, batch_first=True), "LSTM(3, 4, batch_first=True)"),
        (nn.AdaptiveAvgPool2d(1), "AdaptiveAvgPool2d(output_size=1)"),
        (nn.CrossEntropyLoss(), "CrossEntropyLoss()"),
        (nn.GroupNorm(2, 4), "GroupNorm(2, 4, eps=1e-05, affine=True, bias=True)"),
        (nn.ConvTranspose2d(1, 2, 3), "ConvTranspose2d(1, 2, kernel_size=(3, 3), stride=(1, 1))"),
        (nn.Module(), "Module()"),
    ]:
        assert repr(m) == s


def test_M33_parameter_repr_and_type_algebra():
    p = P(torch.ones(2))
    assert repr(p) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"
    assert (
        type(p + 1) is torch.Tensor
        and type(p.detach()) is torch.Tensor
        and type(p.data) is torch.Tensor
        and type(copy.deepcopy(p)) is P
    )
    with pytest.raises(
        RuntimeError,
        match="^Only Tensors of floating point and complex dtype can require gradients$",
    ):
        P(torch.tensor([1]))
    assert P(torch.tensor([1]), requires_grad=False).dtype == torch.int64 and P().shape == (0,)


def test_M34_parameter_shares_data_and_is_leaf():
    t = torch.ones(2)
    p = P(t)
    t[0] = 5
    assert p[0] == 5 and p.is_leaf and p.requires_grad and isinstance(p, torch.Tensor)
    x = torch.ones(2, requires_grad=True) * 2
    assert P(x).is_leaf and P(x).grad_fn is None


def test_M35_isinstance_parameter_honours__is_param_flag_only_through_metaclass():
    assert not isinstance(torch.ones(1), P) and isinstance(P(torch.ones(1)), P)


def test_M36_deepcopy_module_keeps_sharing_and_drops_parameter_grad_but_plain_tensor_keeps_it():
    a = nn.Linear(2, 2)
    s = nn.Sequential(a, a)
    a(torch.ones(1, 2)).sum().backward()
    c = copy.deepcopy(s)
    assert (
        c[0] is c[1]
        and c[0].weight is not a.weight
        and torch.equal(c[0].weight, a.weight)
        and c[0].weight.grad is None
        and a.weight.grad is not None
    )
    t = torch.ones(2, requires_grad=True)
    t.sum().backward()
    u = copy.deepcopy(t)
    assert u.grad is not t.grad and torch.equal(u.grad, t.grad)


def test_M37_pickle_roundtrip_drops_parameter_grad():
    l = nn.Linear(2, 2)
    l(torch.ones(1, 2)).sum().backward()
    c = pickle.loads(pickle.dumps(l))
    assert (
        torch.equal(c.weight, l.weight)
        and type(c.weight) is P
        and c.weight.requires_grad
        and c.weight.grad is None
    )


def test_M38_deepcopy_of_non_leaf_tensor_is_an_error():
    x = torch.ones(1, requires_grad=True) * 2
    with pytest.raises(
        RuntimeError,
        match="^Only Tensors created explicitly by the user \\(graph leaves\\) support the deepcopy protocol at the moment",
    ):
        copy.deepcopy(x)


def test_M39_constants_lists():
    assert (
        nn.Softmax.__constants__ == ["dim"]
        and nn.Linear.__constants__ == ["in_features", "out_features"]
        and not hasattr(nn.Module, "__constants__")
    )


def test_M40_module_hash_and_eq_are_identity():
    a, b = nn.ReLU(), nn.ReLU()
    assert a != b and len({a, b}) == 2


def test_M41_cuda_without_backend_raises():
    if not torch.cuda.is_available():
        with pytest.raises((AssertionError, RuntimeError)):
            nn.Linear(1, 1).cuda()


def test_M42_share_memory_and_to_empty_and_meta():
    l = nn.Linear(2, 2, device="meta")
    assert l.weight.device.type == "meta" and l.weight.shape == (2, 2)
    with pytest.raises(NotImplementedError, match="Please use torch.nn.Module.to_empty"):
        l.to("cpu")
    assert l.to_empty(device="cpu").weight.device.type == "cpu"
