"""Why a registered hook did not run: tallow.explain() gives the reason."""

from __future__ import annotations

import pytest

import tallow
from tallow import nn


def noop(*args):
    return None


def reasons(trace) -> dict[str, str]:
    return {f"{hook.path} {hook.kind}".strip(): hook.reason for hook in trace.silent_hooks}


def net() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 2), nn.ReLU())


def test_hooks_that_ran_are_not_listed():
    model = net()
    model[0].register_forward_pre_hook(noop)
    model[0].register_forward_hook(noop)
    model[0].register_full_backward_pre_hook(noop)
    model[1].register_full_backward_hook(noop)
    with tallow.explain() as trace:
        model(tallow.ones(1, 2, requires_grad=True)).sum().backward()
    assert trace.silent_hooks == []


def test_forward_was_called_directly():
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = nn.ReLU()

        def forward(self, x):
            return self.inner.forward(x)

    model = Outer()
    model.inner.register_forward_hook(noop)
    with tallow.explain() as trace:
        model(tallow.ones(2))
    reason = reasons(trace)["inner forward hook"]
    assert reason.startswith(f"forward was called directly ({__file__}:")
    assert "only module(x) runs hooks" in reason
    assert "inner: ReLU: forward hook noop did not run: forward was called" in str(trace)


def test_forward_of_the_model_itself_was_called():
    model = net()
    model.register_forward_pre_hook(noop)
    with tallow.explain() as trace:
        model.forward(tallow.ones(1, 2))
    (hook,) = trace.silent_hooks
    assert hook.reason.startswith("forward was called directly")


def test_the_module_was_not_called():
    model = net()
    model.register_module("spare", nn.Linear(2, 2))
    model.forward = lambda x: model[1](model[0](x))
    model.spare.register_full_backward_hook(noop)
    with tallow.explain() as trace:
        model(tallow.ones(1, 2)).sum().backward()
    assert reasons(trace) == {"spare full backward hook": "the module was not called"}


@pytest.mark.parametrize(
    ("mode", "word"), [(tallow.no_grad, "no_grad"), (tallow.inference_mode, "inference_mode")]
)
def test_gradients_were_off(mode, word):
    model = net()
    model[0].register_full_backward_hook(noop)
    with tallow.explain() as trace, mode():
        model(tallow.ones(1, 2))
    assert reasons(trace) == {"0 full backward hook": f"the module was called under {word}"}


def test_nothing_needs_grad():
    model = nn.ReLU()
    model.register_full_backward_hook(noop)
    with tallow.explain() as trace:
        model(tallow.ones(2))
    (hook,) = trace.silent_hooks
    assert hook.reason == "no input and no parameter needs grad"


def test_the_output_holds_no_tensor():
    class Count(nn.Linear):
        def forward(self, x):
            return int(x.numel())

    model = Count(2, 2)
    model.register_full_backward_hook(noop)
    with tallow.explain() as trace, pytest.warns(UserWarning, match="Tensor or a tuple"):
        model(tallow.ones(1, 2))
    (hook,) = trace.silent_hooks
    assert hook.reason == "the output (2) holds no tensor"


def test_the_output_is_detached():
    class Cut(nn.Module):
        def forward(self, x):
            return x.detach() * 2

    model = Cut()
    model.register_full_backward_hook(noop)
    with tallow.explain() as trace:
        model(tallow.ones(2, requires_grad=True))
    (hook,) = trace.silent_hooks
    assert hook.reason.startswith("the output needs no grad: it is detached")


def test_it_was_removed_before_the_call():
    model = net()
    handle = model[0].register_forward_hook(noop)
    with tallow.explain() as trace:
        handle.remove()
        model(tallow.ones(1, 2))
    assert reasons(trace) == {
        "0 forward hook": "it was removed before the module was called",
    }


def test_it_was_removed_during_the_call():
    model = net()
    handle = model[1].register_forward_hook(noop)
    model[1].register_forward_pre_hook(lambda module, args: handle.remove())
    with tallow.explain() as trace:
        model(tallow.ones(1, 2))
    assert reasons(trace) == {"1 forward hook": "it was removed while the module was called"}


def test_it_was_registered_after_the_call():
    model = net()
    with tallow.explain() as trace:
        model(tallow.ones(1, 2))
        model[0].register_forward_hook(noop)
    assert reasons(trace) == {
        "0 forward hook": "it was registered after the last call of the module"
    }


def test_forward_raised():
    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("on purpose")

    model = Broken()
    model.register_forward_hook(noop)
    with pytest.raises(ValueError, match="on purpose"), tallow.explain() as trace:
        model(tallow.ones(1))
    (hook,) = trace.silent_hooks
    assert hook.reason == "the call raised ValueError"


def test_no_backward_pass_ran():
    model = net()
    model[0].register_full_backward_pre_hook(noop)
    with tallow.explain() as trace:
        model(tallow.ones(1, 2))
    (hook,) = trace.silent_hooks
    assert hook.reason == "no backward pass ran inside the block"


def test_the_gradient_went_another_way():
    class Ignores(nn.Module):
        def __init__(self):
            super().__init__()
            self.used = nn.Linear(2, 2)
            self.unused = nn.Linear(2, 2)

        def forward(self, x):
            self.unused(x)
            return self.used(x)

    model = Ignores()
    model.unused.register_full_backward_hook(noop)
    with tallow.explain() as trace:
        model(tallow.ones(1, 2)).sum().backward()
    assert reasons(trace) == {
        "unused full backward hook": (
            "no gradient reached the output: the loss does not depend on it"
        )
    }
