"""Backward hooks next to in-place operations: same gradients as without hooks, and hooks that see
what they would see next to the out-of-place form."""

from __future__ import annotations

import pytest

import tallow
from tallow import nn


class Fn(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, *args, **kwargs):
        return self.fn(*args, **kwargs)


def watch(module):
    """Return the list into which the module's hooks write (grad_input, grad_output)."""
    seen = []

    def to_lists(grads):
        return [None if grad is None else grad.tolist() for grad in grads]

    module.register_full_backward_hook(
        lambda m, gi, go: seen.append((to_lists(gi), to_lists(go))) and None
    )
    return seen


def leaf():
    return tallow.tensor([1.0, -2.0, 3.0], requires_grad=True)


def test_the_output_of_a_hooked_module_may_be_written_to():
    module = Fn(lambda a: a * 2)
    seen = watch(module)
    x = leaf()
    out = module(x)
    out.mul_(5)
    out.sum().backward()
    assert seen == [([[10, 10, 10]], [[5, 5, 5]])]
    assert x.grad.tolist() == [10, 10, 10]


def test_a_hooked_module_may_write_into_its_input():
    module = nn.ReLU(inplace=True)
    seen = watch(module)
    x = leaf()
    h = x * 2
    out = module(h)
    out.sum().backward()
    assert seen == [([[1, 0, 1]], [[1, 1, 1]])]
    assert x.grad.tolist() == [2, 0, 2]


def test_the_tensor_that_was_handed_in_has_the_new_value_and_its_history():
    module = Fn(lambda a: a.mul_(10))
    seen = watch(module)
    x = leaf()
    h = x * 1
    out = module(h)
    assert h.tolist() == [10, -20, 30]
    (out + h).sum().backward()
    assert x.grad.tolist() == [20, 20, 20]
    # The gradient of h went through the module's multiplication too, but not through its output.
    assert seen == [([[20, 20, 20]], [[1, 1, 1]])]


def test_a_part_of_the_output_may_be_written_to():
    module = Fn(lambda a: a * 2)
    seen = watch(module)
    x = leaf()
    out = module(x)
    out[1:] *= 7
    out[0] = 0.0
    out.sum().backward()
    assert seen == [([[0, 14, 14]], [[0, 7, 7]])]
    assert x.grad.tolist() == [0, 14, 14]


def test_an_output_that_is_a_view_may_be_written_to():
    module = nn.Flatten()
    seen = watch(module)
    x = tallow.ones(2, 1, 2, requires_grad=True)
    h = x * 3
    module(h).mul_(4).sum().backward()
    assert seen == [([[[[4, 4]], [[4, 4]]]], [[[4, 4], [4, 4]]])]
    assert x.grad.tolist() == [[[12, 12]], [[12, 12]]]


def test_what_the_written_view_is_a_view_of_is_up_to_date():
    module = Fn(lambda a: a[0])
    watch(module)
    x = tallow.ones(2, 2, requires_grad=True)
    h = x * 1
    module(h).mul_(4)
    h.sum().backward()
    assert x.grad.tolist() == [[4, 4], [1, 1]]


def test_an_input_that_is_a_view_may_be_written_to():
    module = nn.ReLU(inplace=True)
    seen = watch(module)
    x = tallow.tensor([[1.0, -1.0], [2.0, -2.0]], requires_grad=True)
    h = x * 3
    out = module(h[1])
    assert h.tolist() == [[3, -3], [6, 0]]
    (out * 2).sum().backward(retain_graph=True)
    assert seen == [([[2, 0]], [[2, 2]])]
    assert x.grad.tolist() == [[0, 0], [6, 0]]
    x.grad = None
    h.sum().backward()
    assert x.grad.tolist() == [[3, 3], [3, 0]]


def test_views_of_a_stand_in_follow_when_it_is_written_to():
    module = Fn(lambda a: a * 2)
    watch(module)
    x = leaf()
    out = module(x)
    part = out[:2]
    out.mul_(3)
    part.sum().backward()
    assert x.grad.tolist() == [6, 6, 0]


def test_a_tensor_the_module_keeps_follows_when_its_output_is_written_to():
    kept = []
    module = Fn(lambda a: kept.append(a * 2) or kept[0])
    watch(module)
    x = leaf()
    module(x).mul_(3)
    assert kept[0].tolist() == [6, -12, 18]
    kept[0].sum().backward()
    assert x.grad.tolist() == [6, 6, 6]


def test_an_output_follows_when_the_tensor_the_module_keeps_is_written_to():
    kept = []
    module = Fn(lambda a: kept.append(a * 2) or kept[0])
    watch(module)
    x = leaf()
    out = module(x)
    kept[0].mul_(3)
    out.sum().backward()
    assert x.grad.tolist() == [6, 6, 6]


def test_writing_through_nested_hooked_modules():
    triple = Fn(lambda a: a.mul_(3))
    net = nn.Sequential(nn.Sequential(triple, nn.Identity()), nn.ReLU(inplace=True))
    log = []
    for name, module in net.named_modules():
        module.register_full_backward_hook(
            lambda m, gi, go, n=name: log.append((n, gi[0].tolist(), go[0].tolist()))
        )
    x = leaf()
    h = x * 1
    out = net(h)
    assert h.tolist() == out.tolist() == [3, 0, 9]
    out.sum().backward()
    assert x.grad.tolist() == [3, 0, 3]
    before, behind, after = [3, 0, 3], [1, 0, 1], [1, 1, 1]
    assert log == [
        ("1", behind, after),
        ("0.1", behind, behind),
        ("0.0", before, behind),
        ("0", before, behind),
        ("", before, after),
    ]


def residual_block(inplace):
    tallow.manual_seed(3)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(2, 2, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(2)
            self.conv2 = nn.Conv2d(2, 2, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(2)
            self.relu = nn.ReLU(inplace=inplace)

        def forward(self, x):
            out = self.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            if inplace:
                out += x
            else:
                out = out + x
            return self.relu(out)

    return Block()


@pytest.mark.parametrize("hooked", ["bn1", "bn2", "relu", "conv2", "", "all"])
def test_a_residual_block_trains_as_without_hooks(hooked):
    def gradients(inplace, names):
        block = residual_block(inplace)
        log = []
        for name in names:
            block.get_submodule(name).register_full_backward_hook(
                lambda m, gi, go, n=name: log.append((n, gi[0], go[0]))
            )
        tallow.manual_seed(5)
        x = tallow.randn(2, 2, 4, 4, requires_grad=True)
        (block(x * 1) ** 2).sum().backward()
        return [x.grad, *(p.grad for p in block.parameters())], log

    names = ["", "bn1", "bn2", "conv1", "conv2", "relu"] if hooked == "all" else [hooked]
    plain, _ = gradients(True, [])
    with_hooks, log = gradients(True, names)
    _, expected = gradients(False, names)
    for a, b in zip(plain, with_hooks, strict=True):
        assert tallow.equal(a, b)
    assert [entry[0] for entry in log] == [entry[0] for entry in expected]
    assert len(log) == len(names) + ("relu" in names)
    for (_, gi, go), (_, gi2, go2) in zip(log, expected, strict=True):
        assert tallow.allclose(gi, gi2, atol=1e-6)
        assert tallow.allclose(go, go2, atol=1e-6)


def test_writing_into_a_leaf_is_still_refused():
    module = nn.ReLU(inplace=True)
    watch(module)
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        module(leaf())
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        nn.Sequential(Fn(lambda a: a[:1].mul_(2)))(leaf())


def test_writing_into_a_leaf_through_nested_boundaries_is_still_refused():
    net = nn.Sequential(nn.Sequential(nn.ReLU(inplace=True)))
    for module in net.modules():
        watch(module)
    x = leaf()
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        net(x)
    assert x.is_leaf
    assert x.tolist() == [1, -2, 3]


def test_a_forbidden_view_stays_forbidden_behind_a_boundary():
    module = nn.ReLU(inplace=True)
    watch(module)
    first, _ = (leaf()[:2] * 1).unbind()
    with pytest.raises(RuntimeError, match="output of a function that returns multiple views"):
        module(first)


def test_a_saved_tensor_that_is_written_to_is_still_noticed():
    module = nn.Sigmoid()
    watch(module)
    out = module(leaf())
    out.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        out.sum().backward()


def test_second_derivatives_beside_an_in_place_operation():
    module = Fn(lambda a: a**3)
    watch(module)
    x = tallow.tensor([2.0], requires_grad=True)
    out = module(x)
    out += 1
    (grad,) = tallow.autograd.grad(out.sum(), x, create_graph=True)
    grad.sum().backward()
    assert x.grad.tolist() == [12]


def test_a_long_chain_of_boundaries_is_freed_without_recursion():
    module = nn.Identity()
    module.register_full_backward_hook(lambda *a: None)
    x = leaf()
    h = x
    for _ in range(20_000):
        h = module(h)
    h.sum().backward()
    del h
    assert x.grad.tolist() == [1, 1, 1]


def test_a_write_that_is_not_recorded_leaves_the_hooks_where_they_are():
    module = Fn(lambda a: a * 2)
    seen = watch(module)
    x = leaf()
    out = module(x)
    with tallow.no_grad():
        out.mul_(5)
    out.sum().backward()
    assert seen == [([[2, 2, 2]], [[1, 1, 1]])]
    assert x.grad.tolist() == [2, 2, 2]


def test_a_forbidden_view_that_crossed_a_boundary_is_still_forbidden():
    module = Fn(lambda a: a)
    watch(module)
    part = (leaf() * 1).chunk(3)[0]
    with pytest.raises(RuntimeError, match="^Output 0 of Split is a view and is being modified"):
        module(part).mul_(2)
