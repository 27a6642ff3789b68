"""Tensor printing and the error texts users meet first. RELAX=1 in the environment accepts any message of the right type
(an implementation may print a better message as long as it contains the same key phrase)."""

import os

import pytest

from contract.impl import F, nn, torch

T = torch.tensor
i = float("inf")
REPR = [
    (lambda: T(1.5), "tensor(1.5000)"),
    (lambda: T(3), "tensor(3)"),
    (lambda: T(True), "tensor(True)"),
    (lambda: T([1.0, 2.0]), "tensor([1., 2.])"),
    (lambda: T([True, False]), "tensor([ True, False])"),
    (lambda: T([]), "tensor([])"),
    (lambda: torch.empty(2, 0), "tensor([], size=(2, 0))"),
    (lambda: torch.empty(0, dtype=torch.int64), "tensor([], dtype=torch.int64)"),
    (lambda: T([1.5, 2]), "tensor([1.5000, 2.0000])"),
    (lambda: T([1e-5, 1.0]), "tensor([1.0000e-05, 1.0000e+00])"),
    (lambda: T([1e8, 1.0]), "tensor([1.0000e+08, 1.0000e+00])"),
    (lambda: T([1e5, 1.0]), "tensor([1.0000e+05, 1.0000e+00])"),
    (lambda: T([99999.0, 0.5]), "tensor([9.9999e+04, 5.0000e-01])"),
    (lambda: T([1000.5, 0.001]), "tensor([1.0005e+03, 1.0000e-03])"),
    (lambda: T([10000.5]), "tensor([10000.5000])"),
    (lambda: T([16777216.0]), "tensor([16777216.])"),
    (lambda: T([float("nan"), i, -i]), "tensor([nan, inf, -inf])"),
    (lambda: T([-1.0, 2.0]), "tensor([-1.,  2.])"),
    (lambda: T([-0.0]), "tensor([-0.])"),
    (lambda: T([1.0, 2.0], dtype=torch.float64), "tensor([1., 2.], dtype=torch.float64)"),
    (lambda: T([1, 2], dtype=torch.int32), "tensor([1, 2], dtype=torch.int32)"),
    (lambda: T([100, -5]), "tensor([100,  -5])"),
    (lambda: T([1.0, 2.0], requires_grad=True), "tensor([1., 2.], requires_grad=True)"),
    (lambda: T([1.0, 2.0], requires_grad=True) * 2, "tensor([2., 4.], grad_fn=<MulBackward0>)"),
    (lambda: torch.arange(2000), "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])"),
    (lambda: torch.eye(2), "tensor([[1., 0.],\n        [0., 1.]])"),
    (
        lambda: torch.arange(8.0).reshape(2, 2, 2),
        "tensor([[[0., 1.],\n         [2., 3.]],\n\n        [[4., 5.],\n         [6., 7.]]])",
    ),
    (
        lambda: torch.zeros(40, 40),
        "tensor([[0., 0., 0.,  ..., 0., 0., 0.],\n        [0., 0., 0.,  ..., 0., 0., 0.],\n        [0., 0., 0.,  ..., 0., 0., 0.],\n        ...,\n        [0., 0., 0.,  ..., 0., 0., 0.],\n        [0., 0., 0.,  ..., 0., 0., 0.],\n        [0., 0., 0.,  ..., 0., 0., 0.]])",
    ),
    (
        lambda: nn.Parameter(torch.ones(1)),
        "Parameter containing:\ntensor([1.], requires_grad=True)",
    ),
    (lambda: torch.Size([1, 2]), "torch.Size([1, 2])"),
    (lambda: torch.float32, "torch.float32"),
    (lambda: torch.device("cpu"), "device(type='cpu')"),
    (lambda: torch.device("cuda", 0), "device(type='cuda', index=0)"),
    (
        lambda: torch.ones(2).max(0),
        "torch.return_types.max(\nvalues=tensor(1.),\nindices=tensor(0))",
    ),
    (
        lambda: torch.nn.functional.linear(
            torch.zeros(1, 1), torch.zeros(1, 1, requires_grad=True), torch.zeros(1)
        ),
        "tensor([[0.]], grad_fn=<AddmmBackward0>)",
    ),
]


@pytest.mark.parametrize("k", range(len(REPR)))
def test_T01_repr(k):
    f, s = REPR[k]
    assert repr(f()) == s


def test_T02_printoptions():
    try:
        torch.set_printoptions(precision=2)
        assert repr(T([1.23456])) == "tensor([1.23])"
        torch.set_printoptions(sci_mode=True, precision=4)
        assert repr(T([1.23456])) == "tensor([1.2346e+00])"
    finally:
        torch.set_printoptions(profile="default", sci_mode=None)


def test_T03_format_spec_only_on_zero_dim():
    assert f"{T(3.14159):.2f}" == "3.14" and f"{T(3.0)}" == "3.0"
    with pytest.raises(TypeError):
        f"{T([1.0, 2.0]):.2f}"


o = torch.ones
ERR = [
    (
        lambda: o(2, 3) @ o(2, 3),
        RuntimeError,
        "mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)",
    ),
    (
        lambda: o(2, 3) + o(2, 4),
        RuntimeError,
        "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
    ),
    (lambda: o(2)[5], IndexError, "index 5 is out of bounds for dimension 0 with size 2"),
    (lambda: o(2, 3)[0, 0, 0], IndexError, "too many indices for tensor of dimension 2"),
    (lambda: o(2, 3).view(4), RuntimeError, "shape '[4]' is invalid for input of size 6"),
    (
        lambda: o(2, 3).t().view(6),
        RuntimeError,
        "view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous subspaces). Use .reshape(...) instead.",
    ),
    (
        lambda: torch.cat([o(2, 3), o(3, 4)]),
        RuntimeError,
        "Sizes of tensors must match except in dimension 0. Expected size 3 but got size 4 for tensor number 1 in the list.",
    ),
    (
        lambda: torch.stack([o(2), o(3)]),
        RuntimeError,
        "stack expects each tensor to be equal size, but got [2] at entry 0 and [3] at entry 1",
    ),
    (
        lambda: o(2, 3).sum(5),
        IndexError,
        "Dimension out of range (expected to be in range of [-2, 1], but got 5)",
    ),
    (
        lambda: nn.Linear(3, 4)(o(2, 5)),
        RuntimeError,
        "mat1 and mat2 shapes cannot be multiplied (2x5 and 3x4)",
    ),
    (
        lambda: nn.Linear(3, 4)(o(2, 3).double()),
        RuntimeError,
        "mat1 and mat2 must have the same dtype, but got Double and Float",
    ),
    (
        lambda: nn.Conv2d(3, 4, 3)(o(1, 2, 8, 8)),
        RuntimeError,
        "Given groups=1, weight of size [4, 3, 3, 3], expected input[1, 2, 8, 8] to have 3 channels, but got 2 channels instead",
    ),
    (
        lambda: nn.Conv2d(3, 4, 9)(o(1, 3, 4, 4)),
        RuntimeError,
        "Calculated padded input size per channel: (4 x 4). Kernel size: (9 x 9). Kernel size can't be greater than actual input size",
    ),
    (
        lambda: F.max_pool2d(o(1, 1, 1, 1), 2),
        RuntimeError,
        "Given input size: (1x1x1). Calculated output size: (1x0x0). Output size is too small",
    ),
    (lambda: F.cross_entropy(o(2, 3), T([0, 5])), IndexError, "Target 5 is out of bounds."),
    (
        lambda: F.cross_entropy(o(2, 3), T([0, 1, 2])),
        ValueError,
        "Expected input batch_size (2) to match target batch_size (3).",
    ),
    (
        lambda: nn.BatchNorm1d(3)(o(1, 3)),
        ValueError,
        "Expected more than 1 value per channel when training, got input size torch.Size([1, 3])",
    ),
    (
        lambda: nn.BatchNorm2d(3)(o(2, 4, 2, 2)),
        RuntimeError,
        "running_mean should contain 4 elements not 3",
    ),
    (lambda: nn.BatchNorm2d(3)(o(2, 3)), ValueError, "expected 4D input (got 2D input)"),
    (lambda: nn.Embedding(3, 2)(T([5])), IndexError, "index out of range in self"),
    (
        lambda: o(3, dtype=torch.int64).mean(),
        RuntimeError,
        "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. Got: Long",
    ),
    (
        lambda: o(2).add_(o(3)),
        RuntimeError,
        "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0",
    ),
    (
        lambda: o(2, dtype=torch.int64).add_(1.5),
        RuntimeError,
        "result type Float can't be cast to the desired output type Long",
    ),
    (
        lambda: torch.tensor([[1, 2], [3]]),
        ValueError,
        "expected sequence of length 2 at dim 1 (got 1)",
    ),
    (lambda: o(2).item(), RuntimeError, "a Tensor with 2 elements cannot be converted to Scalar"),
    (lambda: int(o(2)), ValueError, "only one element tensors can be converted to Python scalars"),
    (
        lambda: bool(o(2)),
        RuntimeError,
        "Boolean value of Tensor with more than one value is ambiguous",
    ),
    (lambda: bool(o(0)), RuntimeError, "Boolean value of Tensor with no values is ambiguous"),
    (lambda: torch.nosuch, AttributeError, "module 'torch' has no attribute 'nosuch'"),
    (lambda: o(2).nosuch, AttributeError, "'Tensor' object has no attribute 'nosuch'"),
    (
        lambda: F.dropout(o(2), p=2),
        ValueError,
        "dropout probability has to be between 0 and 1, but got 2",
    ),
    (
        lambda: torch.gather(o(2, 2), 1, T([0])),
        RuntimeError,
        "Index tensor must have the same number of dimensions as input tensor",
    ),
    (lambda: torch.optim.SGD([], lr=0.1), ValueError, "optimizer got an empty parameter list"),
    (
        lambda: torch.optim.SGD([o(1, requires_grad=True) * 1], lr=0.1),
        ValueError,
        "can't optimize a non-leaf Tensor",
    ),
    (lambda: torch.optim.SGD([nn.Parameter(o(1))], lr=-1), ValueError, "Invalid learning rate: -1"),
    (
        lambda: torch.optim.Adam(o(1)),
        TypeError,
        "params argument given to the optimizer should be an iterable of Tensors or dicts, but got torch.FloatTensor",
    ),
    (
        lambda: nn.MultiheadAttention(5, 2),
        AssertionError,
        "embed_dim must be divisible by num_heads",
    ),
    (
        lambda: torch.einsum("ij,jk->ik", o(2, 3), o(4, 5)),
        RuntimeError,
        "einsum(): subscript j has size 4 for operand 1 which does not broadcast with previously seen size 3",
    ),
]


@pytest.mark.parametrize("k", range(len(ERR)))
def test_T04_error_texts(k):
    f, typ, msg = ERR[k]
    with pytest.raises(typ) as e:
        f()
    if not os.environ.get("RELAX"):
        assert str(e.value).startswith(msg.replace("module 'torch'", f"module '{torch.__name__}'"))


def test_T05_loss_broadcast_is_a_warning_not_an_error():
    with pytest.warns(
        UserWarning,
        match=r"^Using a target size \(torch.Size\(\[4\]\)\) that is different to the input size \(torch.Size\(\[4, 1\]\)\)\. This will likely lead to incorrect results due to broadcasting\.",
    ):
        assert F.mse_loss(torch.ones(4, 1), torch.arange(4.0)).shape == ()
