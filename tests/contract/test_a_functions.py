"""Autograd, A39 to A60: custom functions."""

import warnings

import pytest

from contract.autograd_helpers import TWICE, Function, G, R, T, fails
from contract.impl import sub, torch

autograd = sub("autograd")
fn_mod = sub("autograd.function")


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
    # PyTorch silently returns a constant if the incoming gradient does not require gradients.
    (g,) = torch.autograd.grad(C.apply(x).sum(), x, create_graph=True)
    assert g.requires_grad
    with pytest.raises(RuntimeError, match="^trying to differentiate twice"):
        g.sum().backward()
    fails(RuntimeError, "trying to differentiate twice a function", lambda: g.sum().backward())


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
