"""Entry points of autograd and tools on the graph: edges, saved-tensor hooks, joint hooks."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

import tallow
from tallow.autograd import Variable, graph


def leaf(*values: float) -> tallow.Tensor:
    return tallow.tensor(values or (1.0, 2.0), requires_grad=True)


# ---- backward and grad


def test_backward_of_several_roots() -> None:
    x = leaf()
    tallow.autograd.backward([x.sum(), (x * x).sum()])
    assert x.grad.tolist() == [3, 5]


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda x: tallow.autograd.backward([x.sum(), x.sum()], tallow.tensor(1.0)),
         RuntimeError, "^got 2 tensors and 1 gradients$"),
        (lambda x: tallow.autograd.backward(x * 2, [3]),
         TypeError, "^gradients can be either Tensors or None, but got int$"),
        (lambda x: tallow.autograd.backward(x * 2, tallow.ones(1, 2)),
         RuntimeError, r"^Mismatch in shape: grad_output\[0\] has a shape of .*Size\(\[1, 2\]\)"),
        (lambda x: (x * 2).backward(), RuntimeError,
         "^grad can be implicitly created only for scalar outputs$"),
        (lambda x: tallow.autograd.grad(x.sum(), []), RuntimeError,
         r"^`inputs` argument to `grad\(\)` cannot be empty\.$"),
        (lambda x: x.sum().backward(inputs=[]), RuntimeError,
         r"^`inputs` argument to `backward\(\)` cannot be empty\.$"),
        (lambda x: tallow.autograd.grad(x.sum(), x, allow_unused=False, materialize_grads=True),
         ValueError, "^Expected allow_unused to be True or not passed"),
    ],
)  # fmt: skip
def test_wrong_arguments(call: Any, kind: type[Exception], message: str) -> None:
    x = leaf()
    with pytest.raises(kind, match=message):
        call(x)
    assert x.grad is None


def test_grad_of_a_dict_is_a_dict() -> None:
    x, y = leaf(), leaf()
    grads = tallow.autograd.grad((x * y).sum(), {"x": x, "y": y})
    assert {key: value.tolist() for key, value in grads.items()} == {"x": [1, 2], "y": [1, 2]}


def test_backward_restricted_to_a_dict_of_inputs() -> None:
    x, y = leaf(), leaf()
    (x * y).sum().backward(inputs={"x": x})
    assert x.grad.tolist() == [1, 2]
    assert y.grad is None


def test_batched_gradients_stack() -> None:
    x = leaf()
    (jacobian,) = tallow.autograd.grad(x * x, x, tallow.eye(2), is_grads_batched=True)
    assert jacobian.tolist() == [[2, 0], [0, 4]]


def test_batched_gradients_check_the_remaining_shape() -> None:
    x = leaf()
    with pytest.raises(RuntimeError, match=r"^If `is_grads_batched=True`"):
        tallow.autograd.grad(x * x, x, tallow.ones(2, 3), is_grads_batched=True)


def test_old_argument_names_warn() -> None:
    x = leaf()
    with pytest.warns(FutureWarning, match="`grad_variables` is deprecated"):
        tallow.autograd.backward(x * 2, grad_variables=tallow.ones(2))
    with pytest.warns(FutureWarning, match="only_inputs argument is deprecated"):
        tallow.autograd.grad((x * 2).sum(), x, only_inputs=False)


def test_cycle_warning_comes_once_and_points_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallow.autograd, "_warned_about_cycle", False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            tallow.autograd.backward(leaf().sum(), create_graph=True)
    assert [w.filename for w in caught] == [__file__]
    assert str(caught[0].message).startswith("Using backward() with create_graph=True")


# ---- edges and nodes


def test_edge_of_a_result_and_of_a_leaf() -> None:
    x = leaf()
    y = x * 2
    assert graph.get_gradient_edge(y).node is y.grad_fn
    assert graph.get_gradient_edge(x).node.variable is x
    with pytest.raises(RuntimeError, match=r"^It is not possible to get the gradient edge"):
        graph.get_gradient_edge(tallow.ones(1))


def test_edges_serve_as_roots_and_as_inputs() -> None:
    x = leaf()
    y = x * 2
    edge = graph.get_gradient_edge(y)
    assert tallow.autograd.grad(edge, x, tallow.ones(2), retain_graph=True)[0].tolist() == [2, 2]
    assert tallow.autograd.grad((y * 5).sum(), edge)[0].tolist() == [5, 5]


def test_nodes_are_instances_of_node() -> None:
    assert isinstance((leaf() * 2).grad_fn, graph.Node)
    assert not isinstance(3, graph.Node)


def test_increment_version() -> None:
    x = tallow.ones(2)
    graph.increment_version(x)
    graph.increment_version([x, x])
    assert x._version == 3


# ---- what is saved


def test_saved_tensors_hooks_pack_and_unpack() -> None:
    log = []
    x = leaf()

    def pack(tensor: tallow.Tensor) -> list[float]:
        log.append("pack")
        return tensor.tolist()

    def unpack(packed: list[float]) -> tallow.Tensor:
        log.append("unpack")
        return tallow.tensor(packed)

    with graph.saved_tensors_hooks(pack, unpack):
        y = x * x
    y.sum().backward()
    assert x.grad.tolist() == [2, 4]
    assert log == ["pack", "pack", "unpack", "unpack"]


def test_saved_tensors_hooks_nest() -> None:
    x = leaf()
    with graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        with graph.saved_tensors_hooks(lambda t: t + 100, lambda t: t):
            inner = x * x
        outer = x * x
    (inner.sum() + outer.sum()).backward()
    assert x.grad.tolist() == [2 + 202, 4 + 204]


def test_save_on_cpu_gives_the_same_gradient() -> None:
    x = leaf()
    with graph.save_on_cpu():
        y = x.exp() * x
    y.sum().backward()
    expected = x.detach().exp() * (1 + x.detach())
    tallow.testing.assert_close(x.grad, expected)


def keep() -> graph.saved_tensors_hooks:
    return graph.saved_tensors_hooks(lambda tensor: tensor, lambda tensor: tensor)


def test_hooks_can_be_disabled() -> None:
    refused = pytest.raises(RuntimeError, match=r"^not here$")
    with graph.disable_saved_tensors_hooks("not here"), refused, keep():
        pass


def test_hooks_cannot_be_disabled_while_active() -> None:
    refused = pytest.raises(RuntimeError, match=r"^too late$")
    with keep(), refused, graph.disable_saved_tensors_hooks("too late"):
        pass


def test_mutation_of_saved_tensors_can_be_allowed() -> None:
    x = leaf()
    with graph.allow_mutation_on_saved_tensors():
        a = x * 1
        y = (a * a).sum()
        with tallow.no_grad():
            a.zero_()
    y.backward()
    assert x.grad.tolist() == [2, 4]


# ---- hooks on several tensors


def test_multi_grad_hook_sees_all_gradients_once() -> None:
    log = []
    a, b, c = leaf(), leaf(), leaf()
    handle = graph.register_multi_grad_hook(
        [a, b, c], lambda grads: log.append([g if g is None else g.tolist() for g in grads])
    )
    (a * b).sum().backward()
    assert log == [[[1, 2], [1, 2], None]]
    handle.remove()
    (a * b).sum().backward()
    assert len(log) == 1


def test_multi_grad_hook_any_fires_with_the_first() -> None:
    log = []
    a, b = leaf(), leaf()
    graph.register_multi_grad_hook([a, b], lambda grad: log.append(grad.tolist()), mode="any")
    (a * b).sum().backward()
    (a + b).sum().backward()
    assert log == [[1, 2], [1, 1]]


def test_multi_grad_hook_knows_two_modes() -> None:
    with pytest.raises(ValueError, match=r"^Expects mode to be one of"):
        graph.register_multi_grad_hook([leaf()], print, mode="some")


# ---- the old name


def test_variable_makes_tensors() -> None:
    made = Variable(tallow.ones(1), requires_grad=True)
    assert type(made) is tallow.Tensor
    assert made.requires_grad
    assert isinstance(tallow.ones(1), Variable)
    assert Variable().numel() == 0


def test_variable_checks_its_arguments() -> None:
    with pytest.raises(TypeError, match=r"^Variable data has to be a tensor, but got int$"):
        Variable(3)
    with pytest.raises(RuntimeError, match=r"^Only Tensors of floating point and complex dtype"):
        Variable(tallow.ones(1, dtype=tallow.int64), requires_grad=True)
    with pytest.warns(UserWarning, match="volatile was removed"):
        Variable(tallow.ones(1), volatile=True)
