"""Autograd, A01 to A38: leaves, modes, entry points, in-place writes, views."""

import copy
import threading
import warnings

import pytest

from contract.autograd_helpers import SCALAR, TWICE, R, T, fails
from contract.impl import torch


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
