"""Softmax as a native function, as a function of nn.functional, and as a module."""

import tallow
import tallow.nn.functional as F
from tallow import nn


def main():
    """Show that the three agree."""
    tallow.manual_seed(0)
    x = tallow.randn(2, 3)
    native = tallow.softmax(x, dim=-1)
    functional = F.softmax(x, dim=-1)
    module = nn.Softmax(dim=-1)
    print("input", x, "softmax", native, sep="\n")
    print("native equals functional:", tallow.equal(native, functional))
    print("native equals module:    ", tallow.equal(native, module(x)))
    print("where the native one lives:", tallow.softmax is tallow._C._VariableFunctions.softmax)
    print("the module:", module)
    print("rows add up to one:", tallow.allclose(native.sum(-1), tallow.ones(2)))
    half = x.half()
    print("in float32, whatever comes in:", F.softmax(half, dim=-1, dtype=tallow.float32).dtype)


if __name__ == "__main__":
    main()
