"""Functions as PyTorch's documentation uses them that no table of cases covers."""

from __future__ import annotations

import pytest

import tallow


def test_asarray_keeps_history_unless_told_otherwise() -> None:
    x = tallow.tensor([1.0, 2.0], requires_grad=True)
    assert tallow.asarray(x + 2, copy=True).grad_fn is not None
    assert tallow.asarray(x) is x
    assert not tallow.asarray(x, requires_grad=False).requires_grad
    assert tallow.asarray(tallow.ones(2), requires_grad=True).requires_grad


def test_equal_promotes() -> None:
    assert tallow.equal(tallow.tensor([1, 2]), tallow.tensor([1.0, 2.0]))
    assert not tallow.equal(tallow.tensor([1, 2]), tallow.tensor([1.0, 2.5]))
    assert not tallow.equal(tallow.tensor([1, 2]), tallow.tensor([[1.0, 2.0]]))


def test_dim_order_can_refuse_ambiguity() -> None:
    assert tallow.empty(2, 2, 3, 4).dim_order(ambiguity_check=True) == (0, 1, 2, 3)
    assert tallow.empty(2, 3).t().dim_order() == (1, 0)
    with pytest.raises(RuntimeError, match="does not have unique dim order"):
        tallow.empty(1, 2, 3, 4).dim_order(ambiguity_check=True)
    formats = [tallow.contiguous_format, tallow.channels_last]
    assert tallow.empty(2, 2, 3, 4).dim_order(ambiguity_check=formats) == (0, 1, 2, 3)
    with pytest.raises(RuntimeError, match="does not have unique dim order"):
        tallow.empty(1, 1, 1, 1).dim_order(ambiguity_check=formats)


def test_empty_permuted() -> None:
    x = tallow.empty_permuted((2, 3, 5, 7), (0, 2, 3, 1))
    assert x.shape == (2, 3, 5, 7)
    assert x.stride() == (105, 1, 21, 3)
    with pytest.raises(RuntimeError, match="Duplicate dim not allowed"):
        tallow.empty_permuted((2, 3), (0, 0))
    with pytest.raises(RuntimeError, match="Dimension out of range"):
        tallow.empty_permuted((2, 3), (0, 2))
    with pytest.raises(RuntimeError, match="does not match the length of the physical_layout"):
        tallow.empty_permuted((2, 3), (0,))


@pytest.mark.parametrize("shape", [(3, 3), (2, 4, 3), (2, 3, 5)])
def test_lu_unpack_gives_factors(shape: tuple[int, ...]) -> None:
    tallow.manual_seed(0)
    A = tallow.randn(shape, dtype=tallow.float64)
    packed, pivots = tallow.linalg.lu_factor(A)
    P, L, U = tallow.lu_unpack(packed, pivots)
    assert tallow.allclose(P @ L @ U, A)
    assert tallow.lu_unpack(packed, pivots, unpack_pivots=False).P.numel() == 0
    assert tallow.lu_unpack(packed, pivots, unpack_data=False).L.numel() == 0
    if shape[-1] == shape[-2]:
        b = tallow.randn(*shape[:-1], 1, dtype=tallow.float64)
        assert tallow.allclose(A @ tallow.lu_solve(b, packed, pivots), b)


def test_histogramdd_counts_points_in_boxes() -> None:
    points = tallow.tensor([[0.0, 1.0], [1.0, 0.0], [2.0, 0.0], [2.0, 2.0]])
    found = tallow.histogramdd(points, bins=[3, 3], weight=tallow.tensor([1.0, 2.0, 4.0, 8.0]))
    assert found.hist.tolist() == [[0, 1, 0], [2, 0, 0], [4, 0, 8]]
    assert [edge.numel() for edge in found.bin_edges] == [4, 4]
    dense = tallow.histogramdd(points, 2, range=[0.0, 2.0, 0.0, 2.0], density=True)
    assert dense.hist.sum().item() == pytest.approx(1.0)  # boxes of volume 1
    with pytest.raises(RuntimeError, match="size of bins must be equal"):
        tallow.histogramdd(points, [3])


@pytest.mark.parametrize("norm", [None, "forward", "ortho", "backward"])
def test_hermitian_transforms_undo_each_other(norm: str | None) -> None:
    tallow.manual_seed(0)
    real = tallow.randn(4, 6, dtype=tallow.float64)
    half = tallow.fft.ihfft2(real, norm=norm)
    assert half.shape == (4, 4)
    assert tallow.allclose(tallow.fft.hfft2(half, s=(4, 6), norm=norm), real)
    again = tallow.fft.hfftn(tallow.fft.ihfftn(real, norm=norm), s=(4, 6), norm=norm)
    assert tallow.allclose(again, real)
    one = tallow.fft.ihfft2(real[:1], norm=norm)
    assert tallow.allclose(one[0], tallow.fft.ihfft(real[0], norm=norm))


def test_dlpack_functions() -> None:
    from tallow.utils.dlpack import from_dlpack, to_dlpack

    x = tallow.arange(3)
    shared = from_dlpack(to_dlpack(x))
    shared[0] = 7
    assert x.tolist() == [7, 1, 2]


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: tallow.histogramdd(tallow.tensor(1.0), 2), IndexError, "has no dimensions"),
        (lambda: tallow.histogramdd(tallow.ones(3, 2), [2, 0]), RuntimeError, "bins must be > 0"),
        (lambda: tallow.histogramdd(tallow.ones(3, 2), -1), RuntimeError, "bins must be > 0"),
        (lambda: tallow.histogram(tallow.ones(3), 0), RuntimeError, "bins must be > 0"),
        (lambda: tallow.histogram(tallow.arange(3), 2), NotImplementedError, "for 'Long'"),
        (
            lambda: tallow.histogramdd(tallow.ones(3, 2, dtype=tallow.int64), 2),
            NotImplementedError,
            "\"histogramdd\" not implemented for 'Long'",
        ),
        (
            lambda: tallow.histogramdd(tallow.ones(3, 2), 2, weight=tallow.ones(2)),
            RuntimeError,
            "weight tensor .* same shape as the input tensor excluding its innermost",
        ),
        (
            lambda: tallow.histogram(tallow.ones(3), 2, weight=tallow.ones(2)),
            RuntimeError,
            "weight tensor .* same shape as the input",
        ),
        (
            lambda: tallow.lu_unpack(tallow.ones(3), tallow.ones(3, dtype=tallow.int32)),
            RuntimeError,
            r"Expected tensor with 2 or more dimensions. Got size: \[3\]",
        ),
        (
            lambda: tallow.lu_unpack(tallow.ones(3, 3), tallow.ones(3)),
            RuntimeError,
            "LU_pivots is expected to be a contiguous tensor of .*int32 dtype",
        ),
        (
            lambda: tallow.lu_unpack(tallow.ones(2, 2), tallow.tensor([9, 0]).int()),
            RuntimeError,
            r"pivots passed to lu_unpack must be between 1 and LU.size\(-2\) inclusive",
        ),
        (
            lambda: tallow.ones(2).dim_order(ambiguity_check=3),
            TypeError,
            "must be a bool or a list",
        ),
        (lambda: tallow.signal.windows.hann(2.5), TypeError, "hann.* M must be an int, not float"),
    ],
)
def test_wrong_arguments_are_named(call: object, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call()  # type: ignore[operator]


def test_points_without_coordinates_lie_in_no_box() -> None:
    found = tallow.histogramdd(tallow.ones(3, 0), 2)
    assert found.hist.shape == ()
    assert found.hist.item() == 0
    assert found.bin_edges == ()
