"""Every layer: it prints, gives the right shape, passes gradients, and agrees with PyTorch."""

from __future__ import annotations

import warnings

import pytest

import tallow
from nn.layer_cases import LAYERS, LayerCase
from tallow import nn

BY_ID = {case.id: case for case in LAYERS}


def make_inputs(case: LayerCase) -> list[tallow.Tensor]:
    return [
        tallow.randn(entry, requires_grad=True)
        if isinstance(entry, tuple)
        else tallow.tensor(entry)
        for entry in case.inputs
    ]


def tensors(value):
    if isinstance(value, (tuple, list)):
        return [t for entry in value for t in tensors(entry)]
    return [] if value is None else [value]


def run(case: LayerCase, layer, inputs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tensors(layer(*inputs, **case.call))


@pytest.fixture(params=BY_ID)
def case(request) -> LayerCase:
    return BY_ID[request.param]


def test_ids_are_unique():
    assert len(BY_ID) == len(LAYERS)


def test_repr(case):
    text = repr(case.build(nn))
    assert text.startswith(case.name + "(")
    assert case.repr is None or text == case.repr


def test_shape_and_gradients(case):
    layer = case.build(nn)
    inputs = make_inputs(case)
    outputs = run(case, layer, inputs)
    if case.output is not None:
        assert tuple(outputs[0].shape) == case.output
    wanted = [t for t in [*layer.parameters(), *inputs] if t.requires_grad]
    sum(t.sum() for t in outputs if t.is_floating_point()).backward()
    for tensor in wanted:
        assert tensor.grad is not None
        assert tensor.grad.shape == tensor.shape


def test_pytorch_gives_the_same(torch, case):
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = case.build(torch.nn)
    tallow.manual_seed(0)
    ours = case.build(nn)
    assert repr(ours).replace("tallow.", "torch.") == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for key, value in theirs.state_dict().items():
        assert ours.state_dict()[key].tolist() == value.tolist(), key

    our_inputs = make_inputs(case)
    their_inputs = [
        torch.tensor(t.tolist(), dtype=getattr(torch, repr(t.dtype).split(".")[1])).reshape(
            tuple(t.shape)
        )
        for t in our_inputs
    ]
    for ours_, theirs_ in zip(our_inputs, their_inputs, strict=True):
        theirs_.requires_grad_(ours_.requires_grad)
    torch.manual_seed(1)
    expected = run(case, theirs, their_inputs)
    tallow.manual_seed(1)
    found = run(case, ours, our_inputs)
    for a, b in zip(found, expected, strict=True):
        assert_close(torch, a, b, 1e-5)
    weighted_sum(torch, expected).backward()
    weighted_sum(tallow, found).backward()
    pairs = zip(
        [*ours.parameters(), *our_inputs], [*theirs.parameters(), *their_inputs], strict=True
    )
    for a, b in pairs:
        assert (a.grad is None) == (b.grad is None)
        if b.grad is not None:
            assert_close(torch, a.grad, b.grad, 1e-4)
    for key, value in theirs.state_dict().items():
        assert_close(torch, ours.state_dict()[key], value, 1e-5)


def weighted_sum(package, outputs):
    """Add up the outputs with different weights, so that no gradient is uniform."""
    return sum(
        (t * package.arange(t.numel()).cos().reshape(t.shape)).sum()
        for t in outputs
        if t.is_floating_point()
    )


def assert_close(torch, found, expected, tolerance):
    assert tuple(found.shape) == tuple(expected.shape)
    torch.testing.assert_close(
        torch.tensor(found.tolist()).reshape(expected.shape),
        torch.tensor(expected.tolist()).reshape(expected.shape),
        rtol=tolerance,
        atol=tolerance,
        equal_nan=True,
    )


# What only some layers do.


@pytest.mark.parametrize("name", ["ReLU", "ELU", "SELU", "SiLU", "Mish", "Hardtanh", "LeakyReLU"])
def test_inplace_activations_overwrite_and_differentiate(name):
    x = tallow.randn(4, 4)
    linear, activation = nn.Linear(4, 4), getattr(nn, name)(inplace=True)
    hidden = linear(x)
    out = activation(hidden)
    assert out is hidden
    out.sum().backward()
    inplace = linear.weight.grad.clone()
    linear.zero_grad()
    getattr(nn, name)()(linear(x)).sum().backward()
    assert tallow.allclose(inplace, linear.weight.grad)


def test_dropout_is_silent_in_evaluation():
    x = tallow.ones(5)
    assert nn.Dropout(0.5).eval()(x) is not None
    assert tallow.equal(nn.Dropout(0.5).eval()(x), x)


@pytest.mark.parametrize("p", [-0.1, 1.1])
def test_dropout_probabilities_are_checked(p):
    with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
        nn.Dropout(p)


def test_batch_norm_updates_its_statistics_in_training_only():
    norm = nn.BatchNorm1d(2)
    norm(tallow.tensor([[0.0, 2.0], [2.0, 6.0]]))
    assert norm.running_mean.tolist() == pytest.approx([0.1, 0.4])
    assert norm.num_batches_tracked.item() == 1
    norm.eval()(tallow.ones(2, 2))
    assert norm.num_batches_tracked.item() == 1


@pytest.mark.parametrize(
    ("layer", "shape", "message"),
    [
        (nn.BatchNorm2d(3), (2, 3), r"^expected 4D input \(got 2D input\)"),
        (nn.InstanceNorm2d(3), (2, 3), r"^expected 3D or 4D input \(got 2D input\)"),
        (nn.CircularPad2d(1), (2, 3), r"^expected 3D or 4D input"),
        (nn.Softmax2d(), (3,), r"^Softmax2d: expected input to be 3D or 4D"),
        (nn.LSTM(2, 3), (2,), "^LSTM: Expected input to be 2D or 3D"),
        (nn.GRUCell(2, 3), (2, 2, 2), "^GRUCell: Expected input to be 1D or 2D"),
    ],
)
def test_wrong_ranks_are_refused(layer, shape, message):
    with pytest.raises(ValueError, match=message):
        layer(tallow.ones(shape))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Conv2d(3, 4, 3, groups=2), "in_channels must be divisible by groups"),
        (lambda: nn.Conv2d(2, 2, 3, padding="foo"), "Invalid padding string 'foo'"),
        (lambda: nn.Conv2d(2, 2, 3, padding="same", stride=2), "padding='same' is not supported"),
        (lambda: nn.ConvTranspose2d(2, 2, 3, padding_mode="reflect"), 'Only "zeros" padding mode'),
        (lambda: nn.GroupNorm(2, 3), "must be divisible by num_groups"),
        (lambda: nn.RNN(2, 3, nonlinearity="x"), "Unknown nonlinearity 'x'"),
        (lambda: nn.GRU(2, 3, proj_size=1), "proj_size argument is only supported for LSTM"),
        (lambda: nn.GRU(0, 2), "input_size must be greater than zero"),
        (lambda: nn.LSTM(2, 0), "hidden_size must be greater than zero"),
        (lambda: nn.MultiheadAttention(0, 1), "must be greater than 0"),
    ],
)
def test_impossible_arguments_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_an_embedding_keeps_its_padding_row():
    table = nn.Embedding(3, 2, padding_idx=1)
    table(tallow.tensor([0, 1, 1])).sum().backward()
    assert table.weight[1].tolist() == [0, 0]
    assert table.weight.grad[1].tolist() == [0, 0]


def test_a_pretrained_embedding_is_frozen():
    table = tallow.ones(2, 3)
    layer = nn.Embedding.from_pretrained(table)
    assert not layer.weight.requires_grad
    assert layer.weight.data_ptr() == table.data_ptr()


def test_causal_masks_hide_the_future():
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0).eval()
    mask = nn.Transformer.generate_square_subsequent_mask(3)
    x = tallow.rand(3, 1, 4)
    first = layer(x, src_mask=mask, is_causal=True)[0]
    changed = tallow.cat([x[:1], tallow.rand(2, 1, 4)])
    assert tallow.allclose(layer(changed, src_mask=mask)[0], first, atol=1e-6)
