"""What the autograd tests share: leaves, error checks, a maker of custom functions."""

import pytest

from contract.impl import sub, torch

Function = sub("autograd").Function
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


def G(fwd, bwd=None, **extra):
    d = {"forward": staticmethod(fwd)}
    if bwd:
        d["backward"] = staticmethod(bwd)
    d.update({k: staticmethod(v) for k, v in extra.items()})
    return type("G", (Function,), d)
