"""Backward hooks of modules with keyword tensors, and with outputs that are structures."""

from __future__ import annotations

import warnings
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field

import pytest

import tallow
from tallow import nn


class Fn(nn.Module):
    def __init__(self, fn):
        super().__init__()
        self.fn = fn

    def forward(self, *args, **kwargs):
        return self.fn(*args, **kwargs)


def leaf():
    return tallow.ones(2, requires_grad=True)


def to_lists(grads):
    return [None if grad is None else grad.tolist() for grad in grads]


def watch(module):
    log = []
    module.register_full_backward_pre_hook(lambda m, go: log.append(("pre", to_lists(go))))
    module.register_full_backward_hook(
        lambda m, gi, go: log.append(("hook", to_lists(gi), to_lists(go)))
    )
    return log


def call(module, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return module(*args, **kwargs)


Pair = namedtuple("Pair", "a b")


@dataclass
class Output:
    logits: object
    extra: object = None
    hidden: tuple = field(default_factory=tuple)


@dataclass(frozen=True)
class Frozen:
    logits: object


class ModelOutput(OrderedDict):
    """A mapping whose items are attributes too, as model libraries return them."""

    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


ONE, TWO = [1, 1], [2, 2]


@pytest.mark.parametrize(
    ("wrap", "pick"),
    [
        (lambda t: {"out": t}, lambda r: r["out"]),
        (lambda t: [t], lambda r: r[0]),
        (lambda t: Frozen(t), lambda r: r.logits),
        (lambda t: ModelOutput(logits=t), lambda r: r.logits),
        (lambda t: {"deep": [{"out": (t,)}]}, lambda r: r["deep"][0]["out"][0]),
        (lambda t: [Pair(t, 1)][:1], lambda r: r[0].a),
    ],
    ids=["dict", "list", "frozen dataclass", "model output", "nested", "list of namedtuple"],
)
def test_hooks_fire_for_the_structure(wrap, pick):
    module = Fn(lambda a: wrap(a * 2))
    log = watch(module)
    x = leaf()
    result = call(module, x)
    assert type(result) is type(wrap(x))
    pick(result).sum().backward()
    assert log[0][1][0] == ONE
    assert log[1][1] == [TWO]
    assert x.grad.tolist() == TWO


def test_there_is_a_slot_for_every_leaf_of_the_structure():
    module = Fn(lambda a: Output(logits=a * 2, extra={"n": 3, "aux": a * 5}, hidden=(a * 7,)))
    log = watch(module)
    result = call(module, leaf())
    (result.logits + result.hidden[0]).sum().backward()
    assert log[0] == ("pre", [ONE, None, None, ONE])
    assert log[1] == ("hook", [[9, 9]], [ONE, None, None, ONE])


def test_the_structure_is_the_one_the_module_returned():
    made = []
    module = Fn(lambda a: made.append({"out": a * 2, "n": 1}) or made[0])
    watch(module)
    assert call(module, leaf()) is made[0]
    assert made[0]["n"] == 1


def test_the_warning_stays():
    module = Fn(lambda a: {"out": a * 2})
    watch(module)
    with pytest.warns(UserWarning, match="should be a Tensor or a tuple of Tensors but") as caught:
        module(leaf())
    assert caught[0].filename == __file__


def test_hooks_replace_gradients_in_a_structure():
    module = Fn(lambda a: {"x": a * 2, "y": a * 3})
    module.register_full_backward_pre_hook(lambda m, go: (go[0] * 10, go[1]))
    module.register_full_backward_hook(lambda m, gi, go: (gi[0] + 1,))
    x = leaf()
    result = call(module, x)
    (result["x"] + result["y"]).sum().backward()
    assert x.grad.tolist() == [24, 24]


def test_a_structure_that_contains_itself_does_no_harm():
    def loop(a):
        result = [a * 2]
        result.append(result)
        return result

    module = Fn(loop)
    log = watch(module)
    call(module, leaf())[0].sum().backward()
    assert len(log) == 2


def test_an_object_that_is_no_structure_passes_through():
    marker = object()
    module = Fn(lambda a: marker)
    watch(module)
    assert call(module, leaf()) is marker


def test_a_tuple_has_one_slot_per_item_as_in_pytorch():
    # The state of an LSTM is a tuple inside the result.
    lstm = nn.LSTM(2, 3)
    log = watch(lstm)
    x = tallow.ones(4, 1, 2, requires_grad=True)
    out, (h, c) = lstm(x)
    assert isinstance(h, tallow.Tensor)
    assert c.shape == (1, 1, 3)
    out.sum().backward()
    assert log[0] == ("pre", [tallow.ones(4, 1, 3).tolist(), None])


def test_hooks_fire_when_only_a_nested_tensor_of_a_tuple_is_used():
    module = Fn(lambda a: (a * 2, {"aux": (a * 3,)}))
    log = watch(module)
    x = leaf()
    module(x)[1]["aux"][0].sum().backward()
    assert log == [("pre", [None, None]), ("hook", [[3, 3]], [None, None])]
    assert x.grad.tolist() == [3, 3]


def test_hooks_fire_after_the_gradient_of_a_keyword_tensor_is_known():
    module = Fn(lambda *, a: a * 2)
    log = watch(module)
    x = leaf()
    x.register_hook(lambda g: log.append("x"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is missing, so nobody is warned
        module(a=x).sum().backward()
    assert log == [("pre", [ONE]), ("hook", [], [ONE]), "x"]
    assert x.grad.tolist() == TWO


def test_positional_and_keyword_tensors_together():
    module = Fn(lambda a, b=None: a * 2 + b * 3)
    log = watch(module)
    x, y = leaf(), leaf()
    module(x, b=y).sum().backward()
    assert log[1] == ("hook", [TWO], [ONE])
    assert y.grad.tolist() == [3, 3]


def test_a_positional_tensor_without_gradient_beside_a_keyword_tensor_with_one():
    module = Fn(lambda a, b=None: a * b)
    log = watch(module)
    module(tallow.ones(2), b=leaf()).sum().backward()
    assert log[1] == ("hook", [None], [ONE])


def test_a_keyword_tensor_may_be_written_to():
    module = Fn(lambda *, a: a.mul_(4))
    watch(module)
    x = leaf()
    h = x * 1
    module(a=h)
    h.sum().backward()
    assert x.grad.tolist() == [4, 4]
