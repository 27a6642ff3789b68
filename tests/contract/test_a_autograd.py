import copy
import gc
import threading
import warnings

import pytest

from contract.impl import F, nn, sub, torch

autograd = sub("autograd")
graph = sub("autograd.graph")
fn_mod = sub("autograd.function")
Function = autograd.Function
T = torch.tensor


def R(*v, **k):
    return torch.tensor(list(v) or [1.0, 2.0], requires_grad=True, **k)


def fails(typ, pat, f):
    with pytest.raises(typ, match=pat) as e:
        f()
    return str(e.value)


TWICE = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph "
    "are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after calling backward."
)
SCALAR = "^grad can be implicitly created only for scalar outputs$"


# ---------------- leaves, modes
def test_A01_leaf_rules():
    x = R()
    y = x * 2
    assert (
        x.is_leaf
        and x.grad_fn is None
        and not y.is_leaf
        and y.requires_grad
        and T([1.0]).is_leaf
        and x.detach().is_leaf
        and not x.detach().requires_grad
        and not y.data.requires_grad
    )


def test_A02_non_leaf_grad_access_warns_and_is_none():
    y = R() * 2
    with pytest.warns(
        UserWarning,
        match="The .grad attribute of a Tensor that is not a leaf Tensor is being accessed",
    ):
        assert y.grad is None


def test_A03_requires_grad_flag_rules():
    y = R() * 2
    msg = r"^you can only change requires_grad flags of leaf variables\. If you want to use a computed variable in a subgraph that doesn't require differentiation use var_no_grad = var\.detach\(\)\.$"
    fails(RuntimeError, msg, lambda: y.requires_grad_(False))
    fails(RuntimeError, msg, lambda: setattr(y, "requires_grad", False))
    assert y.requires_grad_(True) is y
    fails(
        RuntimeError,
        "^only Tensors of floating point dtype can require gradients$",
        lambda: T([1]).requires_grad_(),
    )
    fails(
        RuntimeError,
        "^Only Tensors of floating point and complex dtype can require gradients$",
        lambda: torch.tensor([1], requires_grad=True),
    )


def test_A04_results_on_integer_or_bool_dtypes_never_require_grad():
    x = R()
    assert (
        not (x > 1).requires_grad
        and not x.argmax().requires_grad
        and not x.long().requires_grad
        and x.round().requires_grad
        and x.sign().requires_grad
        and not x.sort().indices.requires_grad
    )


def test_A05_no_grad_context_decorator_with_and_without_parens_generator_and_nesting():
    x = R()
    with torch.no_grad():
        assert not (x * 2).requires_grad and not torch.is_grad_enabled()
        with torch.enable_grad():
            assert (x * 2).requires_grad

    @torch.no_grad()
    def f():
        "doc"
        return x * 2

    @torch.no_grad
    def g():
        return x * 2

    @torch.enable_grad()
    def h():
        return x * 2

    @torch.no_grad()
    def gen():
        yield torch.is_grad_enabled()
        yield torch.is_grad_enabled()

    assert (
        not f().requires_grad
        and f.__name__ == "f"
        and not g().requires_grad
        and [(a, torch.is_grad_enabled()) for a in gen()] == [(False, True)] * 2
    )
    with torch.no_grad():
        assert h().requires_grad


def test_A06_set_grad_enabled_acts_immediately_and_as_context():
    x = R()
    torch.set_grad_enabled(False)
    a = x * 2
    torch.set_grad_enabled(True)
    with torch.set_grad_enabled(False):
        b = x * 2
    assert not a.requires_grad and not b.requires_grad and torch.is_grad_enabled()


def test_A07_grad_mode_restored_on_exception_and_is_per_thread():
    with pytest.raises(ValueError):
        with torch.no_grad():
            raise ValueError
    assert torch.is_grad_enabled()
    out = []
    with torch.no_grad():
        t = threading.Thread(target=lambda: out.append(torch.is_grad_enabled()))
        t.start()
        t.join()
    assert out == [True]


def test_A08_factory_requires_grad_inside_no_grad_still_makes_a_leaf_that_requires_grad():
    with torch.no_grad():
        x = R()
    assert x.requires_grad


def test_A09_inference_mode():
    with torch.inference_mode():
        y = torch.ones(2)
        assert (
            torch.is_inference_mode_enabled() and not torch.is_grad_enabled() and y.is_inference()
        )
        with torch.enable_grad():
            assert not (R() * 2).requires_grad
    fails(
        RuntimeError,
        "^Inplace update to inference tensor outside InferenceMode is not allowed",
        lambda: y.add_(1),
    )
    fails(RuntimeError, "^Inference tensors cannot be saved for backward", lambda: R() * y)
    assert (R() + y).requires_grad and not y.clone().is_inference()
    fails(RuntimeError, "^Inference tensors do not track version counter", lambda: y._version)
    fails(
        RuntimeError,
        "^Setting requires_grad=True on inference tensor outside InferenceMode is not allowed",
        lambda: y.requires_grad_(),
    )
    f = torch.inference_mode()(lambda x: x * 2)
    assert f(R()).is_inference()


# ---------------- backward / grad entry points
def test_A10_second_backward_needs_retain_graph_only_if_something_was_saved():
    x = R()
    y = (x * x).sum()
    y.backward()
    assert fails(RuntimeError, "^Trying to backward", y.backward) == TWICE
    x = R()
    y = (x + 1).sum()
    y.backward()
    y.backward()
    assert x.grad.tolist() == [2, 2]
    x = R()
    y = (x * x).sum()
    y.backward(retain_graph=True)
    y.backward()
    assert x.grad.tolist() == [4, 8]


def test_A11_implicit_grad_only_for_one_element_outputs():
    fails(RuntimeError, SCALAR, lambda: (R() * 2).backward())
    x = R(3.0)
    x.backward()  # one element, shape (1,), is enough; leaf itself
    assert x.grad.tolist() == [1]


def test_A12_explicit_gradient_shape_is_checked():
    x = R()
    (x * x).backward(T([1.0, 2.0]))
    assert x.grad.tolist() == [2, 8]
    fails(
        RuntimeError,
        r"^Mismatch in shape: grad_output\[0\] has a shape of torch.Size\(\[3\]\) and output\[0\] has a shape of torch.Size\(\[2\]\)\.$",
        lambda: (R() * 2).backward(torch.ones(3)),
    )


def test_A13_backward_on_tensor_without_graph():
    fails(
        RuntimeError,
        "^element 0 of tensors does not require grad and does not have a grad_fn$",
        lambda: T([1.0]).sum().backward(),
    )


def test_A14_grad_unused_inputs():
    x, y = R(), R()
    z = (x * 2).sum()
    fails(
        RuntimeError,
        r"^The differentiated Tensor at index 1 appears to not have been used in the graph\. Set allow_unused=True if this is the desired behavior\.$",
        lambda: torch.autograd.grad(z, [x, y]),
    )
    z = (x * 2).sum()
    assert torch.autograd.grad(z, [x, y], allow_unused=True)[1] is None
    assert torch.autograd.grad((x * 2).sum(), [x, y], materialize_grads=True)[1].tolist() == [0, 0]
    fails(
        ValueError,
        "^Expected allow_unused to be True or not passed when materialize_grads=True",
        lambda: torch.autograd.grad((x * 2).sum(), [x], allow_unused=False, materialize_grads=True),
    )
    fails(
        RuntimeError,
        "^One of the differentiated Tensors does not require grad$",
        lambda: torch.autograd.grad((x * 2).sum(), T([1.0])),
    )


def test_A15_grad_returns_tuple_sums_outputs_and_leaves_dot_grad_alone():
    x = R()
    g = torch.autograd.grad([x.sum(), (x * x).sum()], x)
    assert type(g) is tuple and g[0].tolist() == [3, 5] and x.grad is None
    assert torch.autograd.grad(x * x, x, grad_outputs=T([1.0, 10.0]))[0].tolist() == [2, 40]
    fails(
        RuntimeError,
        "^`inputs` argument to `grad\\(\\)` cannot be empty\\.$",
        lambda: torch.autograd.grad(x.sum(), []),
    )


def test_A16_backward_inputs_restricts_accumulation():
    a, b = R(), R()
    (a * b).sum().backward(inputs=[a])
    assert a.grad is not None and b.grad is None
    fails(
        RuntimeError,
        "^`inputs` argument to `backward\\(\\)` cannot be empty\\.$",
        lambda: (a * b).sum().backward(inputs=[]),
    )


def test_A17_accumulation_is_in_place_on_the_same_grad_tensor():
    x = R()
    (x * 2).sum().backward()
    g = x.grad
    (x * 3).sum().backward()
    assert x.grad is g and g.tolist() == [5, 5]


def test_A18_accumulation_under_create_graph_is_out_of_place():
    x = R()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (x * x).sum().backward(create_graph=True)
        g = x.grad
        (x * x).sum().backward(create_graph=True)
    assert x.grad is not g and g.tolist() == [2, 4] and x.grad.tolist() == [4, 8]


def test_A19_shared_upstream_gradient_is_not_aliased_between_leaves():
    a, b = R(), R()
    (a + b).backward(torch.ones(2))
    a.grad.add_(1)
    assert b.grad.tolist() == [1, 1]


def test_A20_grad_layout_follows_param_strides_when_dense():
    x = torch.ones(2, 3).t().requires_grad_()
    (x * 2).sum().backward()
    assert x.grad.stride() == (1, 3)


def test_A21_grad_setter_checks():
    x = R()
    fails(
        RuntimeError,
        r"^attempting to assign a gradient of size '\[1\]' to a tensor of size '\[2\]'\.",
        lambda: setattr(x, "grad", T([1.0])),
    )
    fails(
        TypeError,
        "^assigned grad expected to be a Tensor or None but got grad of type int$",
        lambda: setattr(x, "grad", 3),
    )
    fails(RuntimeError, "^can't assign Variable as its own grad$", lambda: setattr(x, "grad", x))
    fails(RuntimeError, "dtype", lambda: setattr(x, "grad", torch.ones(2, dtype=torch.float64)))
    x.grad = torch.ones(2)
    x.grad = None


def test_A22_broadcasting_reduces_gradients_to_the_input_shape():
    w, b = torch.ones(3, 1, requires_grad=True), torch.ones(4, requires_grad=True)
    (w * b).sum().backward()
    assert (
        w.grad.shape == (3, 1)
        and w.grad.flatten().tolist() == [4] * 3
        and b.grad.tolist() == [3] * 4
    )


def test_A23_higher_order():
    x = R()
    y = (x**3).sum()
    (g,) = torch.autograd.grad(y, x, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), x, create_graph=True)
    (k,) = torch.autograd.grad(h.sum(), x)
    assert g.tolist() == [3, 12] and h.tolist() == [6, 12] and k.tolist() == [6, 6]


def test_A24_create_graph_backward_warns_about_cycle_once_per_process():
    import subprocess
    import sys

    code = "import warnings,sys,importlib\ntorch=importlib.import_module(os.environ.get('CONTRACT_IMPL','torch'))\nw=[]\nwarnings.showwarning=lambda m,*a,**k:w.append(str(m))\nwarnings.simplefilter('always')\nfor _ in range(2): torch.ones(2,requires_grad=True).pow(2).sum().backward(create_graph=True)\nprint(len(w), w[0][:80])"
    out = subprocess.run(
        [sys.executable, "-c", "import os\n" + code], capture_output=True, text=True
    ).stdout
    assert out.startswith(
        "1 Using backward() with create_graph=True will create a reference cycle between th"
    )


# ---------------- version counter, in-place, views
INPL = (
    r"^one of the variables needed for gradient computation has been modified by an inplace operation: \[torch\.FloatTensor \[2\]\], which is output 0 of (Exp|ExpBackward0), is at version 1; "
    r"expected version 0 instead\. Hint: enable anomaly detection to find the operation that failed to compute its gradient, with torch\.autograd\.set_detect_anomaly\(True"
)


def test_A25_modified_saved_output_is_detected_at_backward_time():
    y = torch.exp(R())
    y.add_(1)
    fails(RuntimeError, INPL, y.sum().backward)


def test_A26_modified_saved_leaf_is_detected_even_when_changed_under_no_grad():
    x, w = R(), R()
    y = x * w
    with torch.no_grad():
        w.add_(1)
    fails(
        RuntimeError,
        r"\[torch.FloatTensor \[2\]\] is at version 1; expected version 0 instead",
        y.sum().backward,
    )


def test_A27_each_inplace_write_bumps_version_once():
    x = T([1.0, 2.0])
    v = []
    for f in (
        lambda: x.add_(1),
        lambda: x.zero_(),
        lambda: x.__setitem__(0, 3),
        lambda: x.__iadd__(1),
        lambda: x.copy_(x.clone()),
        lambda: torch.add(x, 1, out=x),
        lambda: x + 1,
    ):
        f()
        v.append(x._version)
    assert v == [1, 2, 3, 4, 5, 6, 6]


def test_A28_views_and_detach_share_the_counter_data_does_not():
    x = T([1.0, 2.0])
    v, d, dd = x[0], x.detach(), x.data
    v.add_(1)
    assert x._version == v._version == d._version == 1 and dd._version == 0
    dd.add_(1)
    assert x._version == 1 and v._base is x and v._is_view() and d._base is None


def test_A29_inplace_on_leaf_or_on_view_of_leaf():
    fails(
        RuntimeError,
        r"^a leaf Variable that requires grad is being used in an in-place operation\.$",
        lambda: R().add_(1),
    )
    V = r"^a view of a leaf Variable that requires grad is being used in an in-place operation\.$"
    fails(RuntimeError, V, lambda: R()[0:1].add_(1))
    fails(RuntimeError, V, lambda: R().__setitem__(0, 5))
    fails(RuntimeError, V, lambda: R().view(2).mul_(1))
    x = R()
    with torch.no_grad():
        x.add_(1)
    x.data.add_(1)
    assert x.tolist() == [3, 4] and x._version == 1 and x.requires_grad


def test_A30_inplace_on_view_rewrites_base_history_as_CopySlices():
    x = R(1.0, 2.0, 3.0)
    y = x * 1
    v = y[1:]
    v.mul_(10)
    y.sum().backward()
    assert x.grad.tolist() == [1, 10, 10] and type(y.grad_fn).__name__ == "CopySlices"


def test_A31_setitem_of_differentiable_value_into_plain_tensor():
    x = torch.zeros(3)
    w = R(2.0)
    x[1] = (w * 3)[0]
    x.sum().backward()
    assert x.requires_grad and not x.is_leaf and w.grad.tolist() == [3]


def test_A32_base_modified_after_view_taken_updates_views_grad_fn():
    x = torch.zeros(3)
    v = x[1:]
    w = R(2.0)
    x.add_(w)
    v.sum().backward()
    assert w.grad.tolist() == [2]


def test_A33_multi_output_views_forbid_inplace():
    for f in (lambda t: t.unbind()[0], lambda t: t.split(1)[0], lambda t: t.chunk(2)[0]):
        fails(
            RuntimeError,
            "^Output 0 of (Unbind|Split|UnbindBackward0|SplitBackward0) is a view and is being modified inplace. This view is the output of a function that returns multiple views",
            lambda: f(R() * 1).mul_(2),
        )


def test_A34_view_made_in_no_grad_then_written_in_grad_mode():
    x = R()
    with torch.no_grad():
        v = x.view(2)
    fails(
        RuntimeError,
        "^A view was created in no_grad mode and is being modified inplace with grad mode enabled",
        lambda: v.add_(1),
    )


def test_A35_detach_():
    y = R() * 2
    y.detach_()
    assert y.is_leaf and not y.requires_grad and y.grad_fn is None
    fails(
        RuntimeError,
        "^Can't detach views in-place. Use detach\\(\\) instead",
        lambda: (R() * 2)[0:1].detach_(),
    )


def test_A36_overlapping_writes_are_errors():
    fails(
        RuntimeError,
        "^unsupported operation: more than one element of the written-to tensor refers to a single memory location",
        lambda: torch.ones(1).expand(3).add_(1),
    )
    x = torch.arange(4.0)
    fails(
        RuntimeError,
        "^unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location",
        lambda: x[1:].add_(x[:-1]),
    )


def test_A37_gradients_through_every_view_kind():
    x = torch.arange(12.0, requires_grad=True)
    y = x.view(3, 4).t()[1:, ::2].unsqueeze(0).permute(2, 0, 1).expand(2, 5, 3).reshape(-1)
    y.sum().backward()
    exp = torch.zeros(3, 4)
    exp[::2, 1:] = 5
    assert torch.equal(x.grad.view(3, 4), exp)


def test_A38_deepcopy_numpy_bool_float_guards():
    fails(
        RuntimeError,
        r"^Can't call numpy\(\) on Tensor that requires grad\. Use tensor\.detach\(\)\.numpy\(\) instead\.$",
        lambda: R().numpy(),
    )
    fails(
        RuntimeError,
        "^Boolean value of Tensor with more than one value is ambiguous$",
        lambda: bool(R()),
    )
    fails(
        RuntimeError,
        "^Only Tensors created explicitly by the user \\(graph leaves\\) support the deepcopy protocol at the moment",
        lambda: copy.deepcopy(R() * 2),
    )
    assert R().sum().item() == 3.0


# ---------------- custom Function
def G(fwd, bwd=None, **extra):
    d = {"forward": staticmethod(fwd)}
    if bwd:
        d["backward"] = staticmethod(bwd)
    d.update({k: staticmethod(v) for k, v in extra.items()})
    return type("G", (Function,), d)


def test_A39_forward_runs_without_grad_mode_and_ctx_is_the_node():
    seen = {}

    def f(ctx, x, y, k):
        seen.update(ctx=ctx, grad=torch.is_grad_enabled(), need=ctx.needs_input_grad)
        return x * k

    y = G(f, lambda ctx, g: (g * 3, None, None)).apply(R(), None, 3)
    assert (
        seen["need"] == (True, False, False)
        and not seen["grad"]
        and y.grad_fn is seen["ctx"]
        and y.grad_fn.name() == "GBackward"
        and repr(y).endswith("grad_fn=<GBackward>)")
    )


def test_A40_backward_runs_without_grad_mode_unless_create_graph():
    seen = []
    C = G(lambda ctx, x: x * 2, lambda ctx, g: (seen.append(torch.is_grad_enabled()), g * 2)[1])
    x = R()
    C.apply(x).sum().backward()
    torch.autograd.grad(C.apply(x).sum(), x, create_graph=True)
    assert seen == [False, True]


def test_A41_no_input_requires_grad_no_node():
    y = G(lambda ctx, x, k: x * k, lambda ctx, g: (g, None)).apply(T([1.0]), 3)
    assert not y.requires_grad and y.grad_fn is None


def test_A42_number_of_returned_gradients():
    fails(
        RuntimeError,
        r"^function GBackward returned an incorrect number of gradients \(expected 1, got 2\)$",
        lambda: G(lambda c, x: x * 2, lambda c, g: (g, g)).apply(R()).sum().backward(),
    )
    fails(
        RuntimeError,
        r"^function GBackward returned an incorrect number of gradients \(expected 2, got 1\)$",
        lambda: G(lambda c, x, y: x * 2, lambda c, g: g).apply(R(), R()).sum().backward(),
    )
    x = R()
    G(lambda c, x: x * 2, lambda c, g: (g, None, None)).apply(
        x
    ).sum().backward()  # trailing Nones are tolerated
    assert x.grad is not None
    fails(
        RuntimeError,
        "^function GBackward returned a gradient different than None at position 2, but the corresponding forward input was not a Variable$",
        lambda: G(lambda c, x, y: x * 2, lambda c, g: (g, g)).apply(R(), 3).sum().backward(),
    )


def test_A43_returned_gradient_type_shape_dtype():
    fails(
        RuntimeError,
        r"^expected Variable or None \(got int\)$",
        lambda: G(lambda c, x: x * 2, lambda c, g: 3).apply(R()).sum().backward(),
    )
    fails(
        RuntimeError,
        r"^Function GBackward returned an invalid gradient at index 0 - got \[5\] but expected shape compatible with \[2\]$",
        lambda: G(lambda c, x: x * 2, lambda c, g: torch.ones(5)).apply(R()).sum().backward(),
    )
    x = R()
    G(lambda c, x: x * 2, lambda c, g: torch.ones(2, 2).double()).apply(
        x
    ).sum().backward()  # expandable shape is summed, dtype is cast
    assert x.grad.tolist() == [2, 2] and x.grad.dtype == torch.float32


def test_A44_returning_none_means_no_gradient():
    x = R()
    G(lambda c, x: x * 2, lambda c, g: None).apply(x).sum().backward()
    assert x.grad is None


def test_A45_missing_methods():
    fails(
        NotImplementedError,
        "^You must implement the forward function for custom autograd.Function.$",
        lambda: type("E", (Function,), {}).apply(R()),
    )
    fails(
        NotImplementedError,
        "^You must implement either the backward or vjp method for your custom autograd.Function to use it with backward mode AD.$",
        lambda: G(lambda c, x: x * 2).apply(R()).sum().backward(),
    )


def test_A46_returning_an_input_as_is_gives_a_new_view_whose_inplace_is_forbidden():
    C = G(lambda c, x: x, lambda c, g: g)
    x = R() * 1
    y = C.apply(x)
    assert (
        y is not x
        and y._is_view()
        and y.data_ptr() == x.data_ptr()
        and type(y.grad_fn).__name__ == "GBackward"
    )
    fails(
        RuntimeError,
        "is a view and is being modified inplace. This view was created inside a custom Function",
        lambda: y.add_(1),
    )


def test_A47_mark_dirty():
    def f(c, x):
        x.add_(1)
        c.mark_dirty(x)
        return x

    C = G(f, lambda c, g: g)
    x = R() * 1
    y = C.apply(x)
    assert (
        y is x and type(x.grad_fn).__name__ == "GBackward" and x._version == 2
    )  # the write and the mark both count
    fails(
        RuntimeError,
        r"^a leaf Variable that requires grad has been used in an in-place operation\.$",
        lambda: C.apply(R()),
    )

    def g(c, x):
        x.add_(1)
        c.mark_dirty(x)
        return x * 1

    fails(
        RuntimeError,
        "^Some elements marked as dirty during the forward method were not returned as output",
        lambda: G(g, lambda c, g: g).apply(R() * 1),
    )


def test_A48_mark_non_differentiable_and_integer_outputs_and_materialization():
    seen = []

    def f(c, x):
        i = x * 3
        c.mark_non_differentiable(i)
        return x * 2, i, x.argmax()

    y, i, j = G(f, lambda c, *g: (seen.append(g), g[0])[1]).apply(R())
    assert not i.requires_grad and not j.requires_grad and y.requires_grad
    y.sum().backward()
    assert seen[0][1].tolist() == [0, 0] and seen[0][2].tolist() == 0


def test_A49_set_materialize_grads():
    seen = []

    def f(c, x):
        c.set_materialize_grads(False)
        return x * 2, x * 3

    y, z = G(f, lambda c, g, h: (seen.append(h), g)[1]).apply(R())
    y.sum().backward()
    y, z = G(lambda c, x: (x * 2, x * 3), lambda c, g, h: (seen.append(h), g)[1]).apply(R())
    y.sum().backward()
    assert seen[0] is None and seen[1].tolist() == [0, 0]


def test_A50_non_tensor_outputs_pass_through_with_none_gradients():
    seen = []
    r = G(lambda c, x: (x * 2, 7, "s"), lambda c, *g: (seen.append(g), g[0])[1]).apply(R())
    assert r[1:] == (7, "s")
    r[0].sum().backward()
    assert seen[0][1:] == (None, None)
    lst = G(lambda c, x: [x * 2], lambda c, g: g).apply(R())
    assert type(lst) is list and not lst[0].requires_grad  # a list is an opaque output


def test_A51_save_for_backward():
    def f(c, x, y):
        c.save_for_backward(x, None, y)
        return x * y

    seen = []
    C = G(f, lambda c, g: (seen.append(c.saved_tensors), (g, g))[1])
    a, b = R(), R()
    C.apply(a, b).sum().backward()
    assert seen[0][0] is a and seen[0][1] is None and seen[0][2] is b
    fails(
        TypeError,
        "^save_for_backward can only save variables, but argument 0 is of type int$",
        lambda: G(lambda c, x: (c.save_for_backward(3), x)[1], lambda c, g: g).apply(R()),
    )


def test_A52_saved_tensors_freed_after_backward_and_version_checked():
    def f(c, x):
        c.save_for_backward(x)
        return x * 2

    C = G(f, lambda c, g: (c.saved_tensors, g)[1])
    y = C.apply(R()).sum()
    y.backward()
    assert fails(RuntimeError, "^Trying to backward", y.backward) == TWICE
    x = R() * 1
    y = C.apply(x).sum()
    x.add_(1)
    fails(RuntimeError, "modified by an inplace operation", y.backward)
    y = G(lambda c, x: x * 2, lambda c, g: g).apply(R()).sum()
    y.backward()
    y.backward()  # nothing saved: may run twice


def test_A53_saving_an_output_gives_back_a_tensor_with_this_node_as_grad_fn():
    def f(c, x):
        y = x.exp()
        c.save_for_backward(y)
        return y

    C = G(f, lambda c, g: g * c.saved_tensors[0])
    x = R(0.0)
    y = C.apply(x)
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    g.sum().backward()
    assert x.grad.tolist() == [1]


def test_A54_setup_context_style():
    seen = []

    def setup(ctx, inputs, output):
        seen.append((len(inputs), type(output).__name__))
        ctx.k = inputs[1]

    C = G(lambda x, k: x * k, lambda c, g: (g * c.k, None), setup_context=setup)
    x = R()
    C.apply(x, 3).sum().backward()
    assert x.grad.tolist() == [3, 3] and seen == [(2, "Tensor")]


def test_A55_once_differentiable():
    def bwd(c, g):
        return g * 2

    C = type(
        "G",
        (Function,),
        {
            "forward": staticmethod(lambda c, x: x * 2),
            "backward": staticmethod(fn_mod.once_differentiable(bwd)),
        },
    )
    x = R()
    v = torch.ones(2, requires_grad=True)
    (g,) = torch.autograd.grad(C.apply(x), x, v, create_graph=True)
    fails(
        RuntimeError,
        "trying to differentiate twice a function that was marked with @once_differentiable",
        lambda: g.sum().backward(),
    )
    (g,) = torch.autograd.grad(C.apply(x).sum(), x, create_graph=True)
    assert not g.requires_grad  # TRAP: silent if grad_output does not require grad


def test_A56_exceptions_pass_through_forward_and_backward():
    def boom(*a):
        raise ValueError("b")

    with pytest.raises(ValueError):
        G(boom, boom).apply(R())
    y = G(lambda c, x: x * 2, boom).apply(R()).sum()
    with pytest.raises(ValueError):
        y.backward()


def test_A57_tensors_inside_containers_are_not_tracked():
    assert not G(lambda c, xs: xs[0] * 2, lambda c, g: g).apply([R()]).requires_grad


def test_A58_keyword_arguments_are_bound_to_positions_but_must_not_skip_one():
    def f(c, x, y=None, k=1):
        return x * k

    C = G(f, lambda c, g: (g * 4, None, None))
    x = R()
    C.apply(
        x, y=None, k=4
    ).sum().backward()  # 2.13 accepts keywords (older releases raised TypeError)
    assert x.grad.tolist() == [4, 4]
    fails(TypeError, "missing required argument: 'y'", lambda: C.apply(x, k=4))


def test_A59_instantiating_a_function_is_deprecated_and_calling_it_is_an_error():
    C = G(lambda c, x: x, lambda c, g: g)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fails(
            RuntimeError,
            "^Legacy autograd function with non-static forward method is deprecated",
            lambda: C()(R()),
        )


def test_A60_reentrant_backward_inside_backward():
    def bwd(c, g):
        with torch.enable_grad():
            z = torch.ones(2).requires_grad_()
            (z * 2).sum().backward()
        return z.grad * g

    x = R()
    G(lambda c, x: x * 2, bwd).apply(x).sum().backward()
    assert x.grad.tolist() == [2, 2]


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
        and "test_a_autograd.py" in str(w[1].message)
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
