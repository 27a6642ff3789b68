"""Views and in-place operations: histories, versions, and what is refused, as in PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import tallow
from tallow import Tensor

LEAF_VIEW = "a view of a leaf Variable that requires grad is being used in an in-place operation."
LEAF = "a leaf Variable that requires grad is being used in an in-place operation."


def node(tensor: Tensor) -> str:
    return type(tensor.grad_fn).__name__


def leaf() -> Tensor:
    return tallow.ones(3, 4, requires_grad=True)


def fresh() -> Tensor:
    return leaf() * 1


# ---- Who requires grad.


def test_a_view_taken_under_no_grad_requires_grad_with_its_base() -> None:
    base = fresh()
    with tallow.no_grad():
        view = base.view(-1)
    assert view.requires_grad
    assert view.is_leaf
    assert view.grad_fn is None


def test_a_view_requires_grad_once_its_base_does() -> None:
    base = tallow.ones(3)
    view = base.view(-1)
    base.requires_grad_()
    assert view.requires_grad
    with pytest.raises(RuntimeError, match=LEAF_VIEW):
        view.mul_(2)


def test_a_view_that_requires_grad_may_not_be_written_while_its_base_is_a_leaf() -> None:
    base = tallow.ones(3)
    view = base.view(-1).requires_grad_()
    assert not base.requires_grad
    with pytest.raises(RuntimeError, match=LEAF_VIEW):
        view.mul_(2)


def test_a_view_older_than_its_bases_history_is_refused_until_it_has_one() -> None:
    base = tallow.ones(3)
    view = base.view(-1)
    base.mul_(tallow.ones(3, requires_grad=True))
    with pytest.raises(RuntimeError, match=LEAF):
        view.mul_(2)
    assert node(view) == "AsStridedBackward0"  # derived here, and writable from now on
    view.mul_(2)
    assert node(base) == "CopySlices"


def test_grad_of_a_view_without_path_is_none() -> None:
    x = leaf()
    with tallow.no_grad():
        view = x.view(-1)
    total = (x * 2).sum() + view.sum()
    assert tallow.autograd.grad(total, [view], allow_unused=True) == (None,)


# ---- Histories after writes.


@pytest.mark.parametrize("recorded", [True, False])
def test_any_write_gives_a_view_its_history_from_the_base(recorded: bool) -> None:
    base = fresh()
    view = base.view(-1)
    assert node(view) == "ViewBackward0"
    with tallow.set_grad_enabled(recorded):
        base.mul_(2)
    assert node(view) == "AsStridedBackward0"


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (lambda x: x.t_(), "TBackward1"),
        (lambda x: x.transpose_(0, 1), "TransposeBackward1"),
        (lambda x: x.unsqueeze_(0), "UnsqueezeBackward1"),
        (lambda x: x.squeeze_(), "SqueezeBackward3"),
        (lambda x: x.squeeze_(0), "SqueezeBackward4"),
        (lambda x: x.squeeze_((0, 1)), "SqueezeBackward5"),
        (lambda x: x.zero_(), "ZeroBackward0"),
        (lambda x: x.fill_(2), "FillBackward2"),
        (lambda x: x.fill_(tallow.tensor(2.0)), "FillBackward3"),
        (lambda x: x[:], "SliceBackward0"),
        (lambda x: x[...], "AliasBackward0"),
        (lambda x: x[..., 0:], "AliasBackward0"),
        (lambda x: x[0:3,], "AliasBackward0"),
        (lambda x: x[..., -4:], "SliceBackward0"),
        (lambda x: x[None], "UnsqueezeBackward0"),
        (lambda x: x.t().reshape(-1), "UnsafeViewBackward0"),
        (lambda x: x.trace(), "TraceBackward0"),
        (lambda x: tallow.vdot(x[0], x[1]), "VdotBackward0"),
        (lambda x: x.sort()[0], "SortBackward0"),
        (lambda x: x.sort(stable=True)[0], "SortBackward1"),
        (lambda x: tallow.special.erfinv(x), "ErfinvBackward0"),
        (lambda x: tallow.linalg.det(x[:, :3]), "LinalgDetBackward0"),
    ],
)
def test_node_names(write: Callable[[Tensor], Tensor], name: str) -> None:
    assert node(write(fresh())) == name


def test_a_reshape_that_copies_is_no_view() -> None:
    assert fresh().reshape(-1)._is_view()
    assert not fresh().t().reshape(-1)._is_view()


@pytest.mark.parametrize("value", [1.5, tallow.tensor(1.5)])
@pytest.mark.parametrize("index", [..., slice(None), slice(0, 3)])
def test_assigning_a_number_to_everything_fills(index: object, value: object) -> None:
    x = fresh()
    x[index] = value
    assert node(x) == "FillBackward3"
    assert x.tolist() == [[1.5] * 4] * 3


def test_filling_with_a_tensor_sums_its_gradient() -> None:
    value = tallow.tensor(2.0, requires_grad=True)
    x = fresh()
    x.fill_(value)
    (x * tallow.arange(12.0).view(3, 4)).sum().backward()
    assert value.grad is not None
    assert value.grad.item() == 66


# ---- Forbidden views.


def no_grad_view(base: Tensor) -> Tensor:
    with tallow.no_grad():
        return base.view(-1)


def inference_view(base: Tensor) -> Tensor:
    with tallow.inference_mode():
        return base.view(-1)


FORBIDDEN = [
    (no_grad_view, "A view was created in no_grad mode"),
    (inference_view, "A view was created in inference mode"),
    (lambda base: base.unbind(0)[1], "Output 1 of Unbind is a view"),
    (lambda base: base.split(2)[0], "Output 0 of Split is a view"),
    (lambda base: base.chunk(2)[1].view(-1), "Output 0 of View is a view"),
    (
        lambda base: no_grad_view(base).view(3, 4),
        "Output 0 of View is a view of a view which was created in no_grad mode",
    ),
]


@pytest.mark.parametrize(("take", "message"), FORBIDDEN)
def test_writing_through_a_forbidden_view_raises(
    take: Callable[[Tensor], Tensor], message: str
) -> None:
    base = fresh()
    view = take(base)
    with pytest.raises(RuntimeError, match=f"^{message} and is being modified inplace"):
        view.mul_(2)
    assert base.tolist() == [[1.0] * 4] * 3
    assert base._version == 0


@pytest.mark.parametrize(("take", "message"), FORBIDDEN)
def test_a_forbidden_view_is_lost_when_its_base_is_written(
    take: Callable[[Tensor], Tensor], message: str
) -> None:
    base = fresh()
    view = take(base)
    base.mul_(2)
    with pytest.raises(RuntimeError, match=f"^{message} and its base or another view"):
        _ = view.grad_fn


WRITES: list[tuple[str, Callable[[Tensor, Tensor], object]]] = [
    ("mul_", lambda view, value: view.mul_(value)),
    ("copy_", lambda view, value: view.copy_(value)),
    ("fill_", lambda view, value: view.fill_(value.sum())),
    ("setitem", lambda view, value: view.__setitem__(slice(0, 2), value[:2])),
    ("index_put_", lambda view, value: view.index_put_((tallow.tensor([0]),), value[:1])),
    ("masked_fill_", lambda view, value: view.masked_fill_(view > 0, value.sum())),
    ("index_add_", lambda view, value: view.index_add_(0, tallow.tensor([0]), value[:1])),
    ("scatter_", lambda view, value: view.scatter_(0, tallow.tensor([0]), value)),
    ("put_", lambda view, value: view.put_(tallow.tensor([0]), value[:1])),
]


@pytest.mark.parametrize("write", [w for _, w in WRITES], ids=[n for n, _ in WRITES])
def test_a_forbidden_view_is_refused_for_the_sake_of_what_is_written(
    write: Callable[[Tensor, Tensor], object],
) -> None:
    base = tallow.ones(3, 4)
    view = base.unbind(0)[0]
    with pytest.raises(RuntimeError, match="created in no_grad mode and is being modified"):
        write(view, tallow.full((4,), 2.0, requires_grad=True))
    assert base.tolist() == [[1.0] * 4] * 3


# ---- Overwritten inputs.


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.addcmul_(x, x),
        lambda x: x.addcdiv_(x, x + 1),
        lambda x: x.mul_(x),
        lambda x: x.div_(x.view(3, 4)),
    ],
)
def test_an_input_that_was_overwritten_cannot_be_differentiated(
    write: Callable[[Tensor], Tensor],
) -> None:
    y = write(fresh())
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_a_saved_tensor_that_was_detached_in_place_is_told() -> None:
    x = leaf()
    y = x * 1
    z = y * x
    y.detach_()
    with pytest.raises(RuntimeError, match="detached in-place"):
        z.sum().backward()


# ---- Memory that overlaps.


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda x: x.fill_(2), 2),
        (lambda x: x.zero_(), 0),
        (lambda x: x.masked_fill_(x > 0, 4), 4),
    ],
)
def test_filling_an_expanded_tensor_is_allowed(
    write: Callable[[Tensor], Tensor], expected: float
) -> None:
    x = tallow.ones(1, 3).expand(5, 3)
    write(x)
    assert x.tolist() == [[expected] * 3] * 5


@pytest.mark.parametrize("take", [lambda x: x, lambda x: x[1:], lambda x: x.view(4)])
def test_index_put_refuses_values_from_the_memory_it_writes(
    take: Callable[[Tensor], Tensor],
) -> None:
    x = tallow.arange(4.0)
    with pytest.raises(RuntimeError, match="unsupported operation: some elements of the input"):
        x[x >= 0] = take(x)
    assert x.tolist() == [0, 1, 2, 3]


def test_as_strided_shares_the_gradient_among_elements_at_one_address() -> None:
    x = tallow.arange(4.0, requires_grad=True)
    expanded = x.expand(3, 4)
    part = expanded.as_strided((2,), (1,))
    x_grad, expanded_grad = tallow.autograd.grad(part.sum(), [x, expanded])
    assert x_grad.tolist() == [1, 1, 0, 0]
    assert expanded_grad.tolist() == [[pytest.approx(1 / 3)] * 2 + [0, 0]] * 3


def test_copying_a_tensor_to_itself_changes_nothing() -> None:
    x = tallow.arange(3.0).expand(2, 3)
    assert x.copy_(x) is x
    assert x._version == 1


def test_expand_names_the_last_dimension_that_does_not_fit() -> None:
    with pytest.raises(RuntimeError, match=r"^The expanded size of the tensor \(3\) must match"):
        tallow.ones(3, 4).expand(4, 3)


# ---- Version counters.


def test_views_follow_a_tensor_that_got_other_data() -> None:
    x = tallow.ones(3)
    view = x.view(-1)
    x.data = tallow.zeros(3)
    x.add_(1)
    assert (x._version, view._version) == (1, 1)
    view.add_(1)
    assert (x._version, view._version) == (2, 2)
    assert x.tolist() == [1, 1, 1]
    assert view.tolist() == [2, 2, 2]


# ---- Gradients where hooks meet grad().


def test_grad_sees_a_tensors_gradient_before_its_hooks_where_backward_goes_on() -> None:
    x = leaf()
    y = x * 2
    y.register_hook(lambda grad: grad * 3)
    both = tallow.autograd.grad(y.sum(), [x, y], retain_graph=True)
    assert [grad[0, 0].item() for grad in both] == [6, 1]
    (alone,) = tallow.autograd.grad(y.sum(), [y])
    assert alone[0, 0].item() == 3


# ---- Numbers and flags.


@pytest.mark.parametrize(
    ("result", "name"),
    [
        (lambda x: 1 - x, "RsubBackward1"),
        (lambda x: 2**x, "PowBackward2"),
        (lambda x: x - 1, "SubBackward0"),
        (lambda x: x**2, "PowBackward0"),
    ],
)
def test_a_number_on_the_left_has_its_own_node(
    result: Callable[[Tensor], Tensor], name: str
) -> None:
    assert type(result(tallow.ones(2, requires_grad=True)).grad_fn).__name__ == name


def test_plus_refuses_bool() -> None:
    with pytest.raises(RuntimeError, match=r"^The `\+` operator, on a bool tensor"):
        +tallow.tensor([True])


@pytest.mark.parametrize("value", [3, 1.5, "a", None])
def test_requires_grad_takes_only_a_bool(value: object) -> None:
    with pytest.raises(TypeError, match=r"requires_grad_\(\): argument 'requires_grad' \(position"):
        tallow.ones(2).requires_grad_(value)  # type: ignore[arg-type]


def test_size_of_a_scalar_has_no_dimensions() -> None:
    with pytest.raises(IndexError, match="^Dimension specified as 0 but tensor has no dimensions"):
        tallow.tensor(1.0).size(0)


def test_a_base_with_gaps_may_be_written_through_a_view() -> None:
    base = tallow.arange(12.0).view(3, 4)[:, :2].detach()
    factor = tallow.ones(2, requires_grad=True)
    base[0].mul_(factor)
    (base * base).sum().backward()
    assert factor.grad is not None
    assert factor.grad.tolist() == [0, 2]


def test_a_base_that_repeats_memory_has_no_gradient_through_a_view() -> None:
    base = tallow.arange(4.0).expand(3, 4).detach()
    base[0].mul_(tallow.ones(4, requires_grad=True))
    with pytest.raises(RuntimeError, match="^unsupported operation: more than one element"):
        (base * base).sum().backward()
