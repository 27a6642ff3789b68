"""What runs when, from __call__ down to a Function and back: the eight steps of a call."""

import tallow
from tallow import nn
from tallow.autograd import Function

log = []


class Square(Function):
    """A function with a backward of its own."""

    @staticmethod
    def forward(ctx, x):
        """Return the square."""
        log.append("Square.forward")
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        """Return the gradient of the square."""
        log.append("Square.backward")
        (x,) = ctx.saved_tensors
        return 2 * x * grad


class Traced(nn.Module):
    """Says when its ``__call__`` begins and ends."""

    def __call__(self, *args):
        """Call the module."""
        name = type(self).__name__
        log.append(f"{name}.__call__")
        result = super().__call__(*args)
        log.append(f"{name} returns")
        return result


class Leaf(Traced):
    """Calls the function."""

    def forward(self, x):
        """Return the square of ``x``."""
        log.append("Leaf.forward")
        return Square.apply(x)


class Root(Traced):
    """Calls the leaf."""

    def __init__(self):
        super().__init__()
        self.leaf = Leaf()

    def forward(self, x):
        """Return what the leaf returns."""
        log.append("Root.forward")
        return self.leaf(x)


def main():
    """Hang hooks on both modules, call the root and go backward."""
    root = Root()
    for module in (root, root.leaf):
        name = type(module).__name__
        module.register_forward_pre_hook(lambda *_, n=name: log.append(f"{n} pre-hook"))
        module.register_forward_hook(lambda *_, n=name: log.append(f"{n} hook"))
        module.register_full_backward_hook(lambda *_, n=name: log.append(f"{n} backward hook"))
    x = tallow.tensor(3.0, requires_grad=True)
    y = root(x)
    y.backward()
    print("\n".join(log))
    print(f"y = {y.item():g}, dy/dx = {x.grad.item():g}")


if __name__ == "__main__":
    main()
