import warnings
from collections import namedtuple

import pytest

from contract.impl import nn, sub, torch

modmod = sub("nn.modules.module")


def leaf(*shape):
    return torch.ones(*(shape or (2,)), requires_grad=True)


class M(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, *a, **k):
        return self.f(*a, **k)


def L(g):
    return None if g is None else g.tolist()


def watch(m):
    log = []
    m.register_full_backward_hook(
        lambda m, gi, go: log.append(("b", [L(g) for g in gi], [L(g) for g in go]))
    )
    m.register_full_backward_pre_hook(lambda m, go: log.append(("p", [L(g) for g in go])))
    return log


FIRES = "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs require gradients."


def test_G01_pre_hook_then_hook_with_grads_as_tuples():
    m = M(lambda a: a * 3)
    log = watch(m)
    m(leaf()).sum().backward()
    assert log == [("p", [[1, 1]]), ("b", [[3, 3]], [[1, 1]])]


def test_G02_grad_input_slots_none_for_non_tensors_zeros_for_tensors_without_grad():
    m = M(lambda a, b, c: a * 3)
    log = watch(m)
    m(leaf(), 5, torch.ones(2)).sum().backward()
    assert log[1] == ("b", [[3, 3], None, [0, 0]], [[1, 1]])


def test_G03_grad_output_slots_none_for_non_tensor_detached_or_unused_outputs():
    m = M(lambda a: (a * 2, 7, a.detach(), a * 5))
    log = watch(m)
    m(leaf())[0].sum().backward()
    assert log[0] == ("p", [[1, 1], None, None, None])


def test_G04_output_is_a_view_made_by_BackwardHookFunction():
    m = M(lambda a: a * 2)
    watch(m)
    o = m(leaf())
    assert o.grad_fn.name() == "BackwardHookFunctionBackward" and o._is_view()


def test_G05_forward_receives_a_view_not_the_same_object():
    seen = []
    m = M(lambda a: (seen.append(a), a * 2)[1])
    watch(m)
    x = leaf()
    m(x)
    assert seen[0] is not x and seen[0].data_ptr() == x.data_ptr()


def test_G06_no_input_requires_grad_fires_on_outputs_with_warning_and_all_none_grad_input():
    w0 = nn.Parameter(torch.ones(2))
    m = M(lambda a: a * w0)
    log = watch(m)
    with warnings.catch_warnings(record=True) as w:
        warnings.simplefilter("always")
        m(torch.ones(2)).sum().backward()
    assert log == [("p", [[1, 1]]), ("b", [None], [[1, 1]])] and str(w[0].message).startswith(FIRES)


def test_G07_in_that_case_only_none_or_all_none_may_be_returned():
    w0 = nn.Parameter(torch.ones(2))
    m = M(lambda a: a * w0)
    m.register_full_backward_hook(lambda m, gi, go: (None,))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m(torch.ones(2)).sum().backward()
        m = M(lambda a: a * w0)
        m.register_full_backward_hook(lambda m, gi, go: (torch.ones(2),))
        with pytest.raises(
            RuntimeError,
            match="^Backward hook for Modules where no input requires gradient should always return None or None for all gradients.$",
        ):
            m(torch.ones(2)).sum().backward()


def test_G08_output_without_grad_never_fires():
    m = M(lambda a: a.detach())
    log = watch(m)
    o = m(leaf())
    assert log == [] and not o.requires_grad


def test_G09_under_no_grad_hooks_are_not_installed():
    m = M(lambda a: a * 2)
    log = watch(m)
    with torch.no_grad():
        o = m(leaf())
    assert o.grad_fn is None and log == []


@pytest.mark.parametrize("wrap,name", [(lambda t: {"a": t}, "dict"), (lambda t: [t], "list")])
def test_G10_dict_or_list_output_warns_and_hooks_fire_all_the_same(wrap, name):
    # In PyTorch they never fire.
    m = M(lambda a: wrap(a * 2))
    log = watch(m)
    with warnings.catch_warnings(record=True) as w:
        warnings.simplefilter("always")
        o = m(leaf())
    (o["a"] if name == "dict" else o[0]).sum().backward()
    assert (
        log == [("p", [[1, 1]]), ("b", [[2, 2]], [[1, 1]])]
        and str(w[0].message)
        == f"For backward hooks to be called, module output should be a Tensor or a tuple of Tensors but received <class '{name}'>"
    )


NT = namedtuple("NT", "a b")


def test_G11_namedtuple_output_keeps_its_type():
    m = M(lambda a: NT(a * 2, 7))
    log = watch(m)
    o = m(leaf())
    o.a.sum().backward()
    assert type(o) is NT and o.b == 7 and len(log) == 2


def test_G12_returned_tuple_or_list_replaces_grad_input():
    for ret in (lambda g: (g * 10,), lambda g: [g * 10]):
        m = M(lambda a: a * 2)
        m.register_full_backward_hook(lambda m, gi, go: ret(gi[0]))
        x = leaf()
        m(x).sum().backward()
        assert x.grad.tolist() == [20, 20]


def test_G13_returning_tuple_of_none_drops_the_gradient():
    m = M(lambda a: a * 2)
    m.register_full_backward_hook(lambda m, gi, go: (None,))
    x = leaf()
    m(x).sum().backward()
    assert x.grad is None


def test_G14_wrong_length_return_raises():
    m = M(lambda a: a * 2)
    m.register_full_backward_hook(lambda m, gi, go: (gi[0], gi[0]))
    with pytest.raises(
        RuntimeError,
        match="^Backward hook returned an invalid number of grad_input, got 2, but expected 1$",
    ):
        m(leaf()).sum().backward()
    m = M(lambda a: a * 2)
    m.register_full_backward_pre_hook(lambda m, go: ())
    with pytest.raises(
        RuntimeError,
        match="^Backward pre hook returned an invalid number of grad_output, got 0, but expected 1$",
    ):
        m(leaf()).sum().backward()


def test_G15_bare_tensor_is_accepted_where_there_is_one_slot():
    # PyTorch measures the tensor with len() and complains about the number of gradients.
    m = M(lambda a: a * 2)
    m.register_full_backward_hook(lambda m, gi, go: gi[0] * 10)
    x = leaf(2)
    m(x).sum().backward()
    assert x.grad.tolist() == [20, 20]


def test_G16_replacement_with_wrong_shape_or_dtype_raises():
    m = M(lambda a: a * 2)
    m.register_full_backward_hook(lambda m, gi, go: (torch.ones(7),))
    with pytest.raises(RuntimeError, match="has changed the size of value"):
        m(leaf()).sum().backward()
    m = M(lambda a: a * 2)
    m.register_full_backward_hook(lambda m, gi, go: (gi[0].double(),))
    with pytest.raises(RuntimeError, match="has changed the type of value"):
        m(leaf()).sum().backward()


def test_G17_pre_hook_return_replaces_grad_output_for_module_and_hook():
    m = M(lambda a: a * 2)
    log = []
    m.register_full_backward_pre_hook(lambda m, go: (go[0] * 10,))
    m.register_full_backward_hook(lambda m, gi, go: log.append((L(gi[0]), L(go[0]))))
    x = leaf()
    m(x).sum().backward()
    assert x.grad.tolist() == [20, 20] and log == [([20, 20], [10, 10])]


def test_G18_hooks_chain_and_prepend():
    log = []
    x = leaf()
    m = M(lambda a: a * 2)
    m.register_full_backward_hook(lambda m, gi, go: (gi[0] + 1,))
    m.register_full_backward_hook(lambda m, gi, go: log.append(L(gi[0])))
    m.register_full_backward_hook(lambda m, gi, go: log.append("first"), prepend=True)
    m(x).sum().backward()
    assert log == ["first", [3, 3]] and x.grad.tolist() == [3, 3]


def test_G19_order_in_a_nest_global_before_local_pre_outside_in_post_inside_out():
    log = []
    m = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    for n, s in m.named_modules():
        s.register_full_backward_hook(lambda m, gi, go, n=n: log.append("b" + n))
        s.register_full_backward_pre_hook(lambda m, go, n=n: log.append("p" + n))
    with (
        modmod.register_module_full_backward_hook(
            lambda m, gi, go: log.append("gb" + type(m).__name__)
        ),
        modmod.register_module_full_backward_pre_hook(
            lambda m, go: log.append("gp" + type(m).__name__)
        ),
    ):
        m(leaf()).sum().backward()
    assert log == [
        "gpSequential",
        "p",
        "gpLinear",
        "p1",
        "gbLinear",
        "b1",
        "gpLinear",
        "p0",
        "gbLinear",
        "b0",
        "gbSequential",
        "b",
    ]


def test_G20_hook_set_is_captured_at_forward_time():
    log = []
    m = M(lambda a: a * 2)
    h = m.register_full_backward_hook(lambda *a: log.append(1))
    o = m(leaf())
    h.remove()
    m.register_full_backward_hook(lambda *a: log.append(2))
    o.sum().backward()
    assert log == [1]


def test_G21_fires_on_every_backward_and_for_autograd_grad():
    m = M(lambda a: a * 2)
    log = watch(m)
    x = leaf()
    o = m(x).sum()
    o.backward(retain_graph=True)
    torch.autograd.grad(o, x)
    assert len(log) == 4


def test_G22_grad_with_respect_to_weights_only_fires_pre_hook_but_not_hook():
    m = nn.Linear(2, 1)
    log = watch(m)
    x = leaf()
    torch.autograd.grad(m(x).sum(), m.weight)
    assert [e[0] for e in log] == ["p"]


def test_G23_keyword_tensors_are_invisible_to_grad_input():
    m = M(lambda *, a: a * 2)
    log = watch(m)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m(a=leaf()).sum().backward()
    assert log == [("p", [[1, 1]]), ("b", [], [[1, 1]])]


def test_G24_inplace_on_module_input_or_output_works_with_full_hooks():
    # PyTorch refuses: "Output 0 of BackwardHookFunction is a view and is being modified inplace."
    m = M(lambda a: a.add_(1))
    log = watch(m)
    h = leaf() * 1
    m(h).sum().backward()
    assert log == [("p", [[1, 1]]), ("b", [[1, 1]], [[1, 1]])] and h.tolist() == [2, 2]
    m = M(lambda a: a * 2)
    log = watch(m)
    o = m(leaf())
    o.mul_(3)
    o.sum().backward()
    assert log == [("p", [[3, 3]]), ("b", [[6, 6]], [[3, 3]])]
    l = nn.Linear(2, 2)
    log = watch(l)
    nn.Sequential(l, nn.ReLU(inplace=True))(leaf()).sum().backward()
    assert [e[0] for e in log] == ["p", "b"]


def test_G25_inplace_strictly_inside_a_hooked_container_is_fine():
    m = nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True))
    log = watch(m)
    m(leaf()).sum().backward()
    assert len(log) == 2


def test_G26_regular_and_full_hooks_do_not_mix_on_a_module():
    msg = "^Cannot use both regular backward hooks and full backward hooks on a single Module. Please use only one of them.$"
    m = M(None)
    m.register_backward_hook(print)
    with pytest.raises(RuntimeError, match=msg):
        m.register_full_backward_hook(print)
    m = M(None)
    m.register_full_backward_hook(print)
    with pytest.raises(RuntimeError, match=msg):
        m.register_backward_hook(print)


def test_G27_removing_all_hooks_does_not_reset_the_kind():
    m = M(None)
    m.register_backward_hook(print).remove()
    with pytest.raises(RuntimeError):
        m.register_full_backward_hook(print)


def test_G28_global_kinds_do_not_mix_either():
    saved = modmod._global_is_full_backward_hook
    try:
        modmod._global_is_full_backward_hook = None
        modmod.register_module_full_backward_hook(print).remove()
        with pytest.raises(
            RuntimeError,
            match="^Cannot use both regular backward hooks and full backward hooks as a global Module hook. Please use only one of them.$",
        ):
            modmod.register_module_backward_hook(print)
    finally:
        modmod._global_is_full_backward_hook = saved


def legacy(m, *args):
    log = []
    m.register_backward_hook(
        lambda m, gi, go: log.append(
            (
                [None if g is None else tuple(g.shape) for g in gi],
                [None if g is None else tuple(g.shape) for g in go],
            )
        )
    )
    with warnings.catch_warnings(record=True) as w:
        warnings.simplefilter("always")
        o = m(*args)
    while not isinstance(o, torch.Tensor):
        o = o[0]
    if o.requires_grad:
        o.sum().backward()
    return log, [str(x.message) for x in w]


def test_G29_legacy_hook_is_a_post_hook_on_the_last_node_of_the_output():
    log, w = legacy(nn.Linear(3, 2), leaf(4, 3))
    assert log == [
        ([(2,), (4, 3), (3, 2)], [(4, 2)])
    ]  # AddmmBackward0: grads of bias, input, weight.T
    assert w == [
        "Using a non-full backward hook when the forward contains multiple autograd Nodes is deprecated and will be removed in future versions. This hook will be missing some grad_input. Please use register_full_backward_hook to get the documented behavior."
    ]
    log, w = legacy(nn.Sequential(nn.Linear(3, 2), nn.ReLU()), leaf(4, 3))
    assert log == [([(4, 2)], [(4, 2)])]  # only ReluBackward0 is seen


def test_G30_legacy_walks_dict_first_tensor_value_else_index_zero():
    log, w = legacy(M(lambda a: [a * 2]), leaf())
    assert len(log) == 1 and w[0].startswith(
        "Using non-full backward hooks on a Module that does not return a single Tensor or a tuple of Tensors is deprecated"
    )
    m = M(lambda a: {"n": 1, "t": a * 2})
    n = []
    m.register_backward_hook(lambda *a: n.append(1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m(leaf())["t"].sum().backward()
    assert n == [1]
    m = M(lambda a: 5)
    m.register_backward_hook(print)
    with pytest.raises(TypeError):
        m(leaf())


def test_G31_legacy_two_outputs_from_two_nodes_sees_only_the_first():
    log, w = legacy(M(lambda a: (a * 2, a * 3)), leaf())
    assert len(log) == 1 and "when outputs are generated by different autograd Nodes" in w[0]


def test_G32_legacy_output_without_grad_fn_registers_nothing():
    p = nn.Parameter(torch.ones(2))
    log, w = legacy(M(lambda a: p), leaf())
    assert log == [] and w == []


def test_G33_legacy_hook_must_return_a_tuple_of_grad_inputs_or_none():
    m = M(lambda a: a * 2)
    m.register_backward_hook(lambda m, gi, go: (gi[0] * 10, None))
    x = leaf()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m(x).sum().backward()
        assert x.grad.tolist() == [20, 20]
        m = M(lambda a: a * 2)
        m.register_backward_hook(lambda m, gi, go: gi[0])
        with pytest.raises(TypeError, match="expected tuple, but hook returned 'Tensor'"):
            m(leaf()).sum().backward()


def test_G34_exception_in_hook_propagates_unchanged():
    def h(m, gi, go):
        raise ValueError("in hook")

    m = M(lambda a: a * 2)
    m.register_full_backward_hook(h)
    with pytest.raises(ValueError, match="in hook"):
        m(leaf()).sum().backward()


def test_G35_same_tensor_passed_twice_gets_two_slots_and_total_grad_accumulates():
    m = M(lambda a, b: a * b)
    log = watch(m)
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    m(x, x).sum().backward()
    assert log[1][1] == [[1, 2], [1, 2]] and x.grad.tolist() == [2, 4]


def test_G36_hook_only_modules_with_no_tensor_output_are_untouched():
    m = M(lambda a: ())
    watch(m)
    assert m(leaf()) == ()


def test_G37_legacy_register_backward_hook_has_no_prepend():
    with pytest.raises(TypeError):
        M(None).register_backward_hook(print, prepend=True)


def test_G38_double_backward_through_a_hooked_module():
    m = M(lambda a: a**3)
    log = watch(m)
    x = torch.tensor([1.0, 2.0], requires_grad=True)
    (g,) = torch.autograd.grad(m(x).sum(), x, create_graph=True)
    g.sum().backward()
    assert x.grad.tolist() == [6, 12] and [e[0] for e in log] == ["p", "b"]
