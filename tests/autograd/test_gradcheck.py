"""gradcheck and gradgradcheck find wrong derivatives, and accept right ones."""

from __future__ import annotations

from typing import Any

import pytest

import tallow
from tallow.autograd import Function, gradcheck, gradgradcheck
from tallow.autograd.gradcheck import GradcheckError


def double(*values: float) -> tallow.Tensor:
    return tallow.tensor(values or (0.5, -1.5), dtype=tallow.float64, requires_grad=True)


def wrong(x: tallow.Tensor) -> tallow.Tensor:
    return x.detach() * 2 + x * 0


def function(forward: Any, backward: Any) -> Any:
    members = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Made", (Function,), members).apply


@pytest.mark.parametrize("fast_mode", [False, True])
def test_right_derivatives_pass(fast_mode: bool) -> None:
    assert gradcheck(lambda a, b: (a * b, a.exp()), (double(), double()), fast_mode=fast_mode)
    assert gradgradcheck(lambda a, b: a.exp() * b, (double(), double()), fast_mode=fast_mode)


def test_mismatch_shows_both_jacobians() -> None:
    with pytest.raises(GradcheckError) as error:
        gradcheck(wrong, double())
    text = str(error.value)
    assert text.startswith(
        "Jacobian mismatch for output 0 with respect to input 0,\nnumerical:tensor([[2.0000"
    )
    assert "analytical:tensor([[0., 0.],\n        [0., 0.]]" in text
    assert isinstance(error.value, RuntimeError)


def test_mismatch_in_fast_mode_shows_the_full_jacobians_too() -> None:
    with pytest.raises(GradcheckError, match=r"The max per-element difference"):
        gradcheck(wrong, double(), fast_mode=True)


def test_mismatch_can_be_returned() -> None:
    assert gradcheck(wrong, double(), raise_exception=False) is False


def test_wrong_second_derivative() -> None:
    square = function(
        lambda ctx, x: (ctx.save_for_backward(x), x * x)[1],
        lambda ctx, g: g * 2 * ctx.saved_tensors[0].detach(),
    )
    assert gradcheck(square, double())
    with pytest.raises(GradcheckError):
        gradgradcheck(square, double())


def test_no_input_requires_gradients() -> None:
    with pytest.raises(ValueError, match=r"^gradcheck expects at least one input tensor"):
        gradcheck(tallow.sin, tallow.ones(1, dtype=tallow.float64))


def test_single_precision_warns() -> None:
    with pytest.warns(UserWarning, match=r"^Input #0 requires gradient and is not a double"):
        gradcheck(tallow.sin, tallow.ones(1, requires_grad=True), atol=1e-1)


def test_overlapping_input_is_refused() -> None:
    with pytest.raises(RuntimeError, match="has a dimension with stride 0"):
        gradcheck(tallow.sin, double(1).expand(3))


def test_constant_function() -> None:
    assert gradcheck(lambda x: (x > 0).double(), double())
    with pytest.raises(
        GradcheckError, match=r"^Numerical gradient for function expected to be zero"
    ):
        gradcheck(lambda x: x.detach() * 2, double())


def test_gradient_that_changes_between_passes() -> None:
    noise = iter(range(1000))
    noisy = function(lambda ctx, x: x * 2, lambda ctx, g: g * (2 + 1e-8 * next(noise)))
    with pytest.raises(GradcheckError, match=r"^Backward is not reentrant"):
        gradcheck(noisy, double())
    assert gradcheck(noisy, double(), nondet_tol=1e-3)


def test_gradient_that_ignores_the_incoming_one() -> None:
    affine = function(lambda ctx, x: x * 2, lambda ctx, g: g * 2 + 1e-6)
    with pytest.raises(GradcheckError, match=r"^backward not multiplied by grad_output$"):
        gradcheck(affine, double())


def test_missing_gradients_must_be_tolerated() -> None:
    def forward(ctx: Any, x: tallow.Tensor) -> Any:
        ctx.set_materialize_grads(False)
        return x * 2, x * 3

    def careless(ctx: Any, a: Any, b: Any) -> Any:
        return a * 2 + b * 3

    def careful(ctx: Any, a: Any, b: Any) -> Any:
        parts = [g * k for g, k in ((a, 2), (b, 3)) if g is not None]
        return sum(parts) if parts else None

    with pytest.raises(TypeError):
        gradcheck(function(forward, careless), double())
    assert gradcheck(function(forward, careful), double())


def test_non_contiguous_inputs_and_empty_ones() -> None:
    grid = tallow.rand(3, 4, dtype=tallow.float64)
    assert gradcheck(tallow.sin, grid.t()[::2].detach().requires_grad_())
    assert gradcheck(tallow.sin, tallow.zeros(0, dtype=tallow.float64, requires_grad=True))
    assert gradcheck(tallow.sin, tallow.tensor(0.5, dtype=tallow.float64, requires_grad=True))


def test_inputs_are_left_as_they_were() -> None:
    x = double(0.25, 0.5)
    gradcheck(tallow.sin, x)
    gradgradcheck(tallow.sin, x)
    assert x.tolist() == [0.25, 0.5]
    assert x.grad is None
    assert x._version == 0


def test_default_generator_is_left_alone() -> None:
    before = tallow.get_rng_state()
    gradcheck(tallow.sin, double(), fast_mode=True)
    gradgradcheck(tallow.sin, double())
    assert tallow.equal(before, tallow.get_rng_state())


def test_forward_mode_is_not_available() -> None:
    with pytest.raises(NotImplementedError):
        gradcheck(tallow.sin, double(), check_forward_ad=True)
    with pytest.raises(AssertionError, match=r"^Expected at least one of"):
        gradcheck(tallow.sin, double(), check_backward_ad=False)


def test_given_and_non_contiguous_grad_outputs() -> None:
    start = tallow.ones(2, dtype=tallow.float64)
    assert gradgradcheck(tallow.sin, double(), start)
    assert gradgradcheck(tallow.sin, double(), gen_non_contig_grad_outputs=True)
