"""nn.functional: what Python adds to the native functions, and the functions written in Python."""

from __future__ import annotations

import inspect
import math
import pickle
from types import FunctionType

import numpy as np
import pytest

import tallow
from tallow import _C
from tallow.autograd import gradcheck, gradgradcheck
from tallow.nn import functional as F


def test_native_functions_are_the_same_objects():
    assert F.conv2d is tallow.conv2d
    assert F.bilinear is tallow.bilinear
    assert F.linear is _C._nn.linear


def test_functions_report_the_package_as_their_home():
    assert F.softmax.__module__ == "tallow.nn.functional"
    assert pickle.loads(pickle.dumps(F.softmax)) is F.softmax


def test_everything_in_all_is_there_and_documented():
    for name in F.__all__:
        assert getattr(F, name).__doc__, name


def test_overrides_get_every_argument():
    class Duck:
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return func, args, kwargs

    duck = Duck()
    for name in F.__all__:
        function = getattr(F, name)
        if not isinstance(function, FunctionType | tallow._C._Composite) or name in (
            "sigmoid",
            "tanh",
        ):
            continue  # these leave it to the native function or method
        parameters = inspect.signature(function).parameters.values()
        required = [p for p in parameters if p.default is p.empty and p.kind != p.KEYWORD_ONLY]
        if name.startswith("upsample") or name.endswith("_"):
            continue
        target, args, kwargs = function(*[duck] * len(required))
        given = len(args) + len(kwargs)
        assert target is function, name
        # Compositions hand on what they were given, the others everything they have.
        expected = required if hasattr(function, "__wrapped__") else list(parameters)
        assert given == len(expected), name


# Softmax.


def test_softmax_without_dim_warns_at_the_caller():
    with pytest.warns(UserWarning, match="^Implicit dimension choice for softmax") as caught:
        F.softmax(tallow.ones(2, 2))
    assert caught[0].filename == __file__


@pytest.mark.parametrize("ndim", range(6))
def test_the_implicit_dim(ndim):
    with pytest.warns(UserWarning, match="Implicit dimension"):
        assert F._get_softmax_dim("softmax", ndim, 1) == (0 if ndim in (0, 1, 3) else 1)


def test_gumbel_softmax_can_be_one_hot():
    logits = tallow.zeros(5, 4, requires_grad=True)
    sample = F.gumbel_softmax(logits, hard=True)
    assert sample.sum(-1).tolist() == pytest.approx([1] * 5)
    assert sorted(set(sample.detach().round().flatten().tolist())) == [0, 1]
    (sample * tallow.rand(5, 4)).sum().backward()
    assert logits.grad.abs().sum() > 0


# Losses.


def test_reductions():
    a, b = tallow.tensor([1.0, 2.0]), tallow.tensor([1.0, 4.0])
    assert F.mse_loss(a, b, reduction="none").tolist() == [0, 4]
    assert F.mse_loss(a, b, reduction="sum").item() == 4
    assert F.mse_loss(a, b).item() == 2
    with pytest.raises(ValueError, match="^x is not a valid value for reduction$"):
        F.mse_loss(a, b, reduction="x")


@pytest.mark.parametrize(
    ("kwargs", "reduction"),
    [({"size_average": False}, "sum"), ({"reduce": False}, "none"), ({"reduce": True}, "mean")],
)
def test_old_arguments_warn_and_work(kwargs, reduction):
    a, b = tallow.ones(2), tallow.zeros(2)
    with pytest.warns(UserWarning, match=f"please use reduction='{reduction}' instead"):
        assert F.l1_loss(a, b, **kwargs).tolist() == F.l1_loss(a, b, reduction=reduction).tolist()


@pytest.mark.parametrize("loss", [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss])
def test_shapes_that_broadcast_warn(loss):
    with pytest.warns(UserWarning, match="^Using a target size"):
        loss(tallow.ones(4, 1), tallow.ones(4))


def test_weights_average():
    a, b, w = tallow.ones(2), tallow.zeros(2), tallow.tensor([1.0, 3.0])
    assert F.mse_loss(a, b * 1, weight=w).item() == 1
    with pytest.raises(ValueError, match="must have the same size"):
        F.mse_loss(a, b, weight=tallow.ones(1))


def test_cross_entropy_is_nll_of_log_softmax():
    x, target = tallow.randn(4, 3), tallow.tensor([0, 2, 1, 1])
    expected = F.nll_loss(F.log_softmax(x, 1), target)
    assert tallow.allclose(F.cross_entropy(x, target), expected)


def test_kl_div_of_equal_distributions_is_zero():
    p = tallow.softmax(tallow.randn(3, 4), 1)
    assert F.kl_div(p.log(), p, reduction="batchmean").abs() < 1e-6


def test_margins():
    assert F.margin_ranking_loss(tallow.ones(1), tallow.zeros(1), tallow.ones(1), 2.0).item() == 1
    assert F.hinge_embedding_loss(tallow.tensor([0.25]), tallow.tensor([-1.0])).item() == 0.75
    with pytest.raises(ValueError, match="margin must be greater than 0"):
        F.triplet_margin_loss(tallow.ones(2), tallow.ones(2), tallow.ones(2), margin=0)


def test_margin_losses_check_their_targets():
    with pytest.raises(RuntimeError, match="target out of range"):
        F.multi_margin_loss(tallow.ones(2, 3), tallow.tensor([0, 5]))
    with pytest.raises(RuntimeError, match="'target' is out of range"):
        F.multilabel_margin_loss(tallow.ones(2), tallow.tensor([0, 2]))


# Shapes.


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("constant", [0, 0, 1, 2, 3, 0]),
        ("reflect", [3, 2, 1, 2, 3, 2]),
        ("replicate", [1, 1, 1, 2, 3, 3]),
        ("circular", [2, 3, 1, 2, 3, 1]),
    ],
)
def test_padding_modes(mode, expected):
    x = tallow.tensor([[1.0, 2.0, 3.0]])
    assert F.pad(x, (2, 1), mode=mode).tolist() == [expected]


@pytest.mark.parametrize("dtype", ["bool", "int16", "float32", "float64", "complex128"])
@pytest.mark.parametrize("width", [1, 3, 15, 16, 17, 70])
@pytest.mark.parametrize("pad", [(1, 1), (0, 2), (40, 0), (3, 19), (70, 90), (2, -1), (-1, 5)])
def test_constant_padding_fills_around_a_copy(dtype, width, pad):
    dtype = getattr(tallow, dtype)
    x = tallow.arange(2 * 3 * width).reshape(2, 3, width).to(dtype)
    left, right = pad
    expected = tallow.full((2, 5, left + width + right), 1, dtype=dtype)
    kept = x[:, :, max(-left, 0) : width + min(right, 0)]
    expected[:, 1:4, max(left, 0) : max(left, 0) + kept.size(2)] = kept
    assert tallow.equal(F.pad(x, (*pad, 1, 1), value=1), expected)


def test_padding_returns_a_copy():
    x = tallow.ones(1, 2)
    assert F.pad(x, (0, 0)).data_ptr() != x.data_ptr()
    assert F.pad(x, (0, 0), mode="replicate").data_ptr() != x.data_ptr()


@pytest.mark.parametrize(
    ("pad", "mode", "error", "message"),
    [
        ((1,), "constant", RuntimeError, "Padding length must be divisible by 2"),
        ((1, 1) * 3, "constant", RuntimeError, "Padding length should be less than or equal"),
        ((3, 1), "reflect", RuntimeError, "Argument #4: Padding size should be less"),
        ((4, 1), "circular", RuntimeError, "Padding value causes wrapping around"),
        ((-4, 1), "replicate", RuntimeError, r"input \(W: 3\) is too small"),
        ((1, 1), "foo", NotImplementedError, "Unrecognised padding mode foo"),
        ((1.5, 1), "constant", TypeError, r"pad\(\): argument 'pad' \(position 2\) must be"),
    ],
)
def test_impossible_paddings_are_refused(pad, mode, error, message):
    with pytest.raises(error, match="^" + message):
        F.pad(tallow.ones(1, 3), pad, mode=mode)


WINDOW_ERRORS = [
    ({"kernel_size": (1, 2, 3)}, "It is expected kernel_size equals to 2, but got size 3"),
    ({"kernel_size": 0}, "kernel size should be greater than zero, but got kernel_height: 0"),
    ({"kernel_size": 2, "stride": (1, 0)}, "stride should be greater than zero, but got stride_h"),
    ({"kernel_size": 2, "padding": -1}, "padding should be non-negative, but got pad_height: -1"),
    ({"kernel_size": 2, "dilation": 0}, "dilation should be greater than zero, but got dilation_"),
    ({"kernel_size": 2, "dilation": 2**31}, "value cannot be converted to type int without overf"),
]


@pytest.mark.parametrize(("options", "message"), WINDOW_ERRORS)
def test_unfold_and_fold_refuse_windows(options, message):
    for call in (
        lambda: F.unfold(tallow.ones(2, 3, 4, 4), **options),
        lambda: F.fold(tallow.ones(2, 12, 9), 4, **options),
    ):
        with pytest.raises(RuntimeError) as error:
            call()
        assert str(error.value).startswith(message)


@pytest.mark.parametrize("shape", [(3, 4), (2, 0, 4, 4), (2, 3, 4, 0), (1, 2, 3, 4, 4)])
def test_unfold_refuses_what_is_no_image(shape):
    with pytest.raises(RuntimeError, match=r"^Expected 3D or 4D \(batch mode\) tensor"):
        F.unfold(tallow.ones(shape), 1)


def test_unfold_and_fold_have_no_form_for_integers():
    with pytest.raises(NotImplementedError, match="im2col_out_cpu.*Long"):
        F.unfold(tallow.ones(1, 1, 2, 2, dtype=tallow.int64), 1)
    with pytest.raises(NotImplementedError, match="col2im_out_cpu.*Long"):
        F.fold(tallow.ones(1, 1, 4, dtype=tallow.int64), 2, 1)


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_fold_is_the_transpose_of_unfold(stride, dilation):
    window = {"kernel_size": (2, 3), "dilation": dilation, "padding": (1, 2), "stride": stride}
    x = tallow.arange(2 * 3 * 6 * 7, dtype=tallow.float64).view(2, 3, 6, 7).requires_grad_()
    columns = F.unfold(x, **window)
    weight = tallow.arange(columns.numel(), dtype=tallow.float64).view(columns.shape)
    (columns * weight).sum().backward()
    assert x.grad.equal(F.fold(weight, (6, 7), **window))
    assert F.unfold(x[0], **window).equal(columns[0])
    assert F.fold(weight[1], (6, 7), **window).equal(x.grad[1])
    assert F.unfold(x.to(memory_format=tallow.channels_last), **window).equal(columns)


def test_fold_adds_up_what_unfold_copies():
    x = tallow.randn(2, 3, 5, 6)
    counts = F.fold(F.unfold(tallow.ones_like(x), 3, padding=1), (5, 6), 3, padding=1)
    summed = F.fold(F.unfold(x, 3, padding=1), (5, 6), 3, padding=1)
    assert tallow.allclose(summed, x * counts, atol=1e-5)


def test_one_hot():
    assert F.one_hot(tallow.tensor([0, 2]), 4).tolist() == [[1, 0, 0, 0], [0, 0, 1, 0]]
    assert F.one_hot(tallow.empty(0, dtype=tallow.int64), 3).shape == (0, 3)
    with pytest.raises(RuntimeError, match="Class values must be smaller than num_classes"):
        F.one_hot(tallow.tensor([3]), 2)
    with pytest.raises(RuntimeError, match="LongTensor"):
        F.one_hot(tallow.ones(2))


def test_pixel_unshuffle_undoes_pixel_shuffle():
    x = tallow.randn(2, 8, 3, 2)
    assert tallow.equal(F.pixel_unshuffle(F.pixel_shuffle(x, 2), 2), x)


@pytest.mark.parametrize("images", [1, 40])  # computed by definition, and by kernels
def test_resizing_copies_sides_that_keep_their_length(images):
    volume = tallow.rand(images, 2, 3, 3, 3)
    for x, mode in ((volume[..., 0, 0], "linear"), (volume[..., 0], "bilinear"), (volume, "tri")):
        resized = F.interpolate(x, scale_factor=1.3, mode="trilinear" if mode == "tri" else mode)
        assert tallow.equal(resized, x)
    image = volume[..., 0]
    assert tallow.equal(F.interpolate(image, scale_factor=1.3, mode="nearest"), image)
    wider = F.interpolate(image, scale_factor=(1.3, 2), mode="bilinear")
    assert tallow.equal(wider[:, :, :, 0], image[:, :, :, 0])
    for mode in ("bilinear", "bicubic"):
        resized = F.interpolate(image, scale_factor=1.3, mode=mode, antialias=True)
        assert tallow.allclose(resized, image)


def test_antialiasing_centres_its_windows_whatever_the_corners():
    row = tallow.tensor([1.0, 2.0, 4.0, 8.0]).view(1, 1, 1, 4)
    # One element: a step of 0, so that the window lies around the border before the first.
    kw = {"mode": "bilinear", "align_corners": True, "antialias": True}
    assert F.interpolate(row, size=(1, 1), **kw).item() == 1
    assert F.interpolate(row, size=(1, 4), **kw).tolist() == row.tolist()


def test_resizing_to_the_same_size_changes_nothing():
    x = tallow.rand(1, 2, 4, 5)
    for mode in ("nearest", "bilinear", "bicubic", "area"):
        assert tallow.allclose(F.interpolate(x, size=(4, 5), mode=mode), x, atol=1e-6)


# Sizes around the lanes of a vector, one line and many.
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 3, 5, 7), (3, 7, 16, 17), (2, 16, 3, 33)])
@pytest.mark.parametrize("size", [(1, 1), (7, 40), (33, 5)])
@pytest.mark.parametrize("align_corners", [False, True])
def test_bilinear_resizing_weights_the_four_neighbours(shape, size, align_corners):
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)

    def places(length, count):
        at = np.arange(count)
        if align_corners:
            at = at * ((length - 1) / (count - 1) if count > 1 else 0)
        else:
            at = np.maximum((at + 0.5) * length / count - 0.5, 0)
        low = np.minimum(at.astype(int), length - 1)
        return low, np.minimum(low + 1, length - 1), at - low

    r0, r1, down = places(shape[2], size[0])
    c0, c1, along = places(shape[3], size[1])
    rows = x[:, :, r0] * (1 - down)[:, None] + x[:, :, r1] * down[:, None]
    expected = rows[..., c0] * (1 - along) + rows[..., c1] * along
    for t in (tallow.from_numpy(x), tallow.from_numpy(x).to(memory_format=tallow.channels_last)):
        y = F.interpolate(t, size=size, mode="bilinear", align_corners=align_corners)
        np.testing.assert_allclose(y.numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("mode", ["nearest", "bilinear", "bicubic"])
def test_resizing_keeps_channels_last(mode):
    x = tallow.randn(2, 5, 6, 7)
    y = F.interpolate(x.to(memory_format=tallow.channels_last), scale_factor=1.5, mode=mode)
    assert y.is_contiguous(memory_format=tallow.channels_last)
    assert tallow.allclose(y, F.interpolate(x, scale_factor=1.5, mode=mode), atol=1e-6)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("size", [(2, 3), (5, 9)])
def test_gradients_of_resizing(mode, size):
    x = tallow.randn(2, 2, 4, 5, dtype=tallow.float64, requires_grad=True)
    assert gradcheck(lambda x: F.interpolate(x, size=size, mode=mode), x)
    assert gradgradcheck(lambda x: F.interpolate(x, size=size, mode=mode) ** 2, x)


def test_antialiasing_averages_what_is_covered():
    x = tallow.arange(8.0).view(1, 1, 1, 8)
    small = F.interpolate(x, size=(1, 2), mode="bilinear", antialias=True)
    assert small.mean().item() == pytest.approx(3.5)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({}, "either size or scale_factor should be defined"),
        ({"size": 2, "scale_factor": 2}, "only one of size or scale_factor"),
        ({"size": (2,)}, "Input and output must have the same number of spatial dimensions"),
        ({"size": 2, "align_corners": True}, "align_corners option can only be set"),
    ],
)
def test_resizing_arguments_that_do_not_fit(kwargs, message):
    with pytest.raises(ValueError, match=message):
        F.interpolate(tallow.ones(1, 1, 2, 2), **kwargs)


# Attention and distances.


def test_attention_averages_values():
    q = tallow.zeros(1, 2, 4)
    v = tallow.tensor([[[0.0], [2.0], [4.0]]])
    out = F.scaled_dot_product_attention(q, tallow.zeros(1, 3, 4), v)
    assert out.flatten().tolist() == pytest.approx([2, 2])


def test_a_query_that_sees_nothing_gets_zeros_and_finite_gradients():
    q = tallow.randn(1, 2, 4, requires_grad=True)
    mask = tallow.tensor([[False, False], [True, True]])
    out = F.scaled_dot_product_attention(q, q, q, attn_mask=mask)
    assert out[0, 0].tolist() == [0] * 4
    out.sum().backward()
    assert q.grad.isfinite().all()


def test_causal_attention_equals_the_causal_mask():
    q = tallow.randn(2, 3, 5, 4)
    mask = tallow.ones(5, 5, dtype=tallow.bool).tril()
    causal = F.scaled_dot_product_attention(q, q, q, is_causal=True)
    masked = F.scaled_dot_product_attention(q, q, q, attn_mask=mask)
    assert tallow.allclose(causal, masked)


def test_attention_repeats_heads_of_keys():
    q, k = tallow.randn(1, 4, 5, 8), tallow.randn(1, 2, 5, 8)
    out = F.scaled_dot_product_attention(q, k, k, enable_gqa=True)
    whole = k.repeat_interleave(2, 1)
    assert tallow.allclose(out, F.scaled_dot_product_attention(q, whole, whole))


def test_distances():
    x = tallow.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    assert F.pdist(x).tolist() == pytest.approx([5, 1, math.sqrt(18)])
    assert F.cosine_similarity(x[1], x[2], dim=0).item() == pytest.approx(0.8)
    assert F.normalize(x[1:2]).tolist()[0] == pytest.approx([0.6, 0.8])


def test_cosine_similarity_wants_floating_point():
    with pytest.raises(RuntimeError, match="yet common dtype is Long"):
        F.cosine_similarity(tallow.tensor([[1]]), tallow.tensor([[1]]))


# Second derivatives of functions written in Python.

SECOND = {
    "smooth_l1_loss": lambda x: F.smooth_l1_loss(x, tallow.zeros_like(x)),
    "kl_div": lambda x: F.kl_div(x, tallow.full_like(x, 0.3), reduction="sum"),
    "poisson_nll_loss": lambda x: F.poisson_nll_loss(x, tallow.full_like(x, 3.0), full=True),
    "soft_margin_loss": lambda x: F.soft_margin_loss(x, tallow.ones_like(x)),
    "cosine_similarity": lambda x: F.cosine_similarity(x, x.flip(0) + 1),
    "pairwise_distance": lambda x: F.pairwise_distance(x, x.flip(0) + 1),
    "pad": lambda x: F.pad(x, (1, 2), mode="reflect") ** 2,
    "interpolate": lambda x: F.interpolate(x[None], scale_factor=2, mode="linear") ** 2,
    "fold": lambda x: F.fold(x.reshape(1, 4, 2), (2, 3), (2, 2)) ** 2,
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x),
    "local_response_norm": lambda x: F.local_response_norm(x[None], 2, alpha=0.5),
    "gaussian_nll_loss": lambda x: F.gaussian_nll_loss(x, tallow.zeros_like(x), x**2 + 1),
}


@pytest.mark.parametrize("name", SECOND)
def test_first_and_second_derivatives(name):
    x = tallow.rand(2, 4, dtype=tallow.float64) + 0.3
    x.requires_grad_()
    assert tallow.autograd.gradcheck(SECOND[name], (x,))
    assert tallow.autograd.gradgradcheck(SECOND[name], (x,))


@pytest.mark.parametrize(
    ("shape", "fits"),
    [
        ((2, 4, 3), True),
        ((2, 4), True),
        ((2, 4, 1), True),
        ((2, 1, 3), True),
        ((1, 4, 3), True),
        ((1, 1, 3), False),
        ((4, 3), False),
        ((), False),
        ((5, 4, 3), False),
    ],
)
def test_variances_of_gaussian_nll_loss_may_lack_one_dimension(shape, fits):
    input, var = tallow.zeros(2, 4, 3), tallow.ones(shape)
    if fits:
        assert F.gaussian_nll_loss(input, input, var, reduction="none").shape == input.shape
    else:
        with pytest.raises(ValueError, match="var is of incorrect size"):
            F.gaussian_nll_loss(input, input, var)
