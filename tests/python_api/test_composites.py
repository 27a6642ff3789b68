"""Operations composed of native ones: values against NumPy and definitions, derivatives."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tallow
from tallow import special


def draw(*shape: int, seed: int = 0) -> tallow.Tensor:
    return tallow.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def same(ours: Any, theirs: Any) -> bool:
    return np.allclose(np.asarray(ours.numpy()), theirs, rtol=1e-12, atol=1e-12, equal_nan=True)


# ---- pieces


def test_tensor_split_gives_nearly_equal_pieces() -> None:
    assert [p.numel() for p in tallow.tensor_split(tallow.arange(7), 3)] == [3, 2, 2]
    assert [p.tolist() for p in tallow.arange(5).tensor_split((1, 3))] == [[0], [1, 2], [3, 4]]
    assert [p.numel() for p in tallow.tensor_split(tallow.arange(3), (2, 1, 9))] == [2, 0, 2, 0]


@pytest.mark.parametrize(("name", "dim"), [("hsplit", 1), ("vsplit", 0), ("dsplit", 2)])
def test_split_along_a_named_dimension(name: str, dim: int) -> None:
    x = draw(4, 4, 4)
    for ours, theirs in zip(getattr(tallow, name)(x, 2), np.split(x.numpy(), 2, dim), strict=True):
        assert same(ours, theirs)
    with pytest.raises(RuntimeError, match=f"torch.{name} attempted to split along dimension"):
        getattr(tallow, name)(x, 3)


def test_column_stack_equals_numpy() -> None:
    a, b = draw(3), draw(3, 2)
    assert same(tallow.column_stack([a, b]), np.column_stack([a.numpy(), b.numpy()]))


def test_more_pieces_than_memory_holds_are_refused_by_name() -> None:
    for size in (0, 4):
        with pytest.raises(RuntimeError, match=f"tensor_split: no memory for {2**40} pieces"):
            tallow.tensor_split(tallow.arange(size), 2**40)
    with pytest.raises(RuntimeError, match=f"combinations: no memory for choices of {2**40} among"):
        tallow.combinations(tallow.arange(4), 2**40, with_replacement=True)


def test_no_combinations_have_a_gradient_too() -> None:
    x = tallow.ones(1, requires_grad=True)
    assert tallow.combinations(x, 4).shape == (0, 4)
    (grad,) = tallow.autograd.grad(tallow.combinations(x, 4).sum(), x)
    assert grad.tolist() == [0]


def test_combinations_with_replacement() -> None:
    x = tallow.tensor([1, 2, 3])
    assert tallow.combinations(x, 2, True).tolist() == [
        [1, 1],
        [1, 2],
        [1, 3],
        [2, 2],
        [2, 3],
        [3, 3],
    ]
    assert tallow.combinations(x, 4).shape == (0, 4)
    assert tallow.combinations(x, 2**40).shape == (0, 2**40)


# ---- scatters


def test_scatters_leave_the_input_alone() -> None:
    x = tallow.zeros(3, 3)
    assert tallow.select_scatter(x, tallow.ones(3), 0, 1)[1].tolist() == [1, 1, 1]
    assert tallow.slice_scatter(x, tallow.ones(3, 2), 1, 0, 3, 2)[:, ::2].sum() == 6
    assert tallow.diagonal_scatter(x, tallow.ones(3)).trace() == 3
    assert x.sum() == 0


def test_scatter_refuses_another_shape() -> None:
    with pytest.raises(RuntimeError, match="expected src to have a size equal to the slice"):
        tallow.select_scatter(tallow.zeros(3, 3), tallow.ones(2), 0, 1)


@pytest.mark.parametrize(
    ("reduce", "expected"), [("prod", [0.0, 12.0]), ("mean", [0.5, 8 / 3]), ("amax", [1.0, 4.0])]
)
def test_index_reduce(reduce: str, expected: list[float]) -> None:
    x = tallow.tensor([0.0, 1.0])
    found = x.index_reduce(0, tallow.tensor([1, 0, 1]), tallow.tensor([3.0, 1.0, 4.0]), reduce)
    assert found.tolist() == pytest.approx(expected)


# ---- complex numbers


def test_complex_and_its_views() -> None:
    re, im = draw(3).requires_grad_(), draw(3, seed=1).requires_grad_()
    z = tallow.complex(re, im)
    assert same(z.detach(), re.detach().numpy() + 1j * im.detach().numpy())
    assert same(tallow.view_as_real(z.detach())[:, 1], im.detach().numpy())
    assert tallow.autograd.gradcheck(lambda a, b: tallow.complex(a, b).abs(), (re, im))
    pairs = draw(2, 2)
    tallow.view_as_complex(pairs)[0] = 0
    assert pairs[0].tolist() == [0, 0]


@pytest.mark.parametrize("name", ["exp", "log", "sqrt", "sin", "cos", "sinh", "cosh", "log2"])
def test_complex_functions_equal_numpy(name: str) -> None:
    z = tallow.complex(draw(20), draw(20, seed=1))
    assert same(getattr(z, name)(), getattr(np, name)(z.numpy()))
    z.requires_grad_()
    assert tallow.autograd.gradcheck(lambda v: getattr(v, name)().abs(), (z,))


def test_angle_of_real_and_complex_numbers() -> None:
    x = tallow.tensor([-2.0, 0.0, 3.0, math.nan], dtype=tallow.float64)
    assert same(tallow.angle(x), np.array([math.pi, 0, 0, math.nan]))
    z = tallow.polar(tallow.tensor([2.0]), tallow.tensor([1.0]))
    assert tallow.allclose(z.angle(), tallow.tensor([1.0]))


# ---- statistics


@pytest.mark.parametrize("n", [0, 1, 2, 9])
def test_diff_equals_numpy(n: int) -> None:
    x = draw(4, 5)
    assert same(tallow.diff(x, n), np.diff(x.numpy(), min(n, 5)))


def test_integrals_equal_numpy() -> None:
    y, x = draw(3, 5), draw(5, seed=1)
    assert same(tallow.trapezoid(y, x), np.trapezoid(y.numpy(), x.numpy()))
    assert same(tallow.cumulative_trapezoid(y)[:, -1], np.trapezoid(y.numpy()))


@pytest.mark.parametrize("edge_order", [1, 2])
def test_gradient_equals_numpy(edge_order: int) -> None:
    x = draw(5, 6)
    expected = np.gradient(x.numpy(), 2.0, edge_order=edge_order)
    for ours, theirs in zip(
        tallow.gradient(x, spacing=2.0, edge_order=edge_order), expected, strict=True
    ):
        assert same(ours, theirs)


def test_covariances_equal_numpy() -> None:
    x = draw(3, 8)
    counts, weights = tallow.tensor([1, 2, 1, 3, 1, 1, 2, 1]), draw(8, seed=3).abs()
    assert same(tallow.cov(x), np.cov(x.numpy()))
    weighted = np.cov(x.numpy(), fweights=counts.numpy(), aweights=weights.numpy())
    assert same(tallow.cov(x, fweights=counts, aweights=weights), weighted)
    assert same(tallow.corrcoef(x), np.corrcoef(x.numpy()))


@pytest.mark.parametrize("mode", ["linear", "lower", "higher", "midpoint", "nearest"])
@pytest.mark.parametrize("dim", [None, 0, 1])
def test_quantile_equals_numpy(mode: str, dim: int | None) -> None:
    x = draw(5, 7)
    q = tallow.tensor([0.1, 0.5, 0.9], dtype=tallow.float64)
    expected = np.quantile(x.numpy(), q.numpy(), axis=dim, method=mode)
    assert same(tallow.quantile(x, q, dim, interpolation=mode), expected)
    x[0, 0] = math.nan
    expected = np.nanquantile(x.numpy(), 0.3, axis=dim, method=mode)
    assert same(tallow.nanquantile(x, 0.3, dim, interpolation=mode), expected)


def test_a_histogram_of_an_empty_range_is_one_wide_around_it() -> None:
    x = tallow.tensor([0.0, 0.6, 1.0, 1.4, 3.0])
    hist, edges = tallow.histogram(x, 2, range=(1.0, 1.0))
    assert edges.tolist() == [0.5, 1.0, 1.5]
    assert hist.tolist() == [1, 2]


def test_histograms_equal_numpy() -> None:
    x = draw(50)
    assert same(tallow.histc(x, 7), np.histogram(x.numpy(), 7)[0])
    hist, edges = tallow.histogram(x, 5, range=(-1.0, 1.0), density=True)
    expected = np.histogram(x.numpy(), 5, (-1, 1), density=True)
    assert same(hist, expected[0])
    assert same(edges, expected[1])


# ---- numbers


def test_divisors_and_multiples() -> None:
    a, b = tallow.tensor([0, 4, -6, 7]), tallow.tensor([5, 6, 4, 0])
    assert same(tallow.gcd(a, b), np.gcd(a.numpy(), b.numpy()))
    assert same(tallow.lcm(a, b), np.lcm(a.numpy(), b.numpy()))
    with pytest.raises(NotImplementedError, match="not implemented for 'Float'"):
        tallow.gcd(tallow.ones(1), tallow.ones(1))


@pytest.mark.parametrize("dtype", [tallow.int8, tallow.int16, tallow.int32, tallow.int64])
def test_multiples_of_the_smallest_number_wrap_around(dtype: tallow.dtype) -> None:
    least = tallow.iinfo(dtype).min
    odd = tallow.tensor([1, 3, 5, 7, 11, -1, -5], dtype=dtype)
    smallest = tallow.full_like(odd, least)
    for found in (tallow.lcm(smallest, odd), tallow.lcm(odd, smallest)):
        assert found.tolist() == [least] * 7
    assert tallow.gcd(smallest, odd).abs().tolist() == [1] * 7


def test_isin_equals_numpy() -> None:
    a, b = tallow.tensor([[1, 2], [3, 4]]), tallow.tensor([4, 1, 9])
    assert same(tallow.isin(a, b), np.isin(a.numpy(), b.numpy()))
    assert same(tallow.isin(a, b, invert=True), np.isin(a.numpy(), b.numpy(), invert=True))
    assert not tallow.isin(a, tallow.empty(0)).any()


def test_parts_of_floating_point_numbers() -> None:
    x = draw(9)
    mantissa, exponent = tallow.frexp(x)
    assert same(tallow.ldexp(mantissa, exponent), x.numpy())
    assert same(tallow.nextafter(x, x + 1), np.nextafter(x.numpy(), x.numpy() + 1))


def test_sinc_is_smooth_at_zero() -> None:
    x = tallow.tensor([0.0, 1e-9, 1e-3, 0.02, 0.5, 3.0], dtype=tallow.float64)
    assert same(tallow.sinc(x), np.sinc(x.numpy()))
    assert tallow.autograd.gradcheck(tallow.sinc, (x.requires_grad_(),))


# ---- distances


@pytest.mark.parametrize("p", [0.0, 0.5, 1.0, 2.0, 3.0, math.inf])
def test_cdist_equals_the_definition(p: float) -> None:
    a, b = draw(2, 4, 3), draw(2, 5, 3, seed=1)
    expected = np.linalg.norm(a.numpy()[:, :, None] - b.numpy()[:, None], p, axis=-1)
    assert same(tallow.cdist(a, b, p), expected)
    if p:
        assert tallow.autograd.gradcheck(
            lambda x, y: tallow.cdist(x, y, p), (a.requires_grad_(), b.requires_grad_())
        )


def test_cdist_of_equal_rows_has_no_gradient() -> None:
    x = tallow.ones(2, 3, requires_grad=True)
    tallow.cdist(x, x.detach()).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() == 0


def test_cdist_of_many_rows_is_exact_for_close_points_far_from_the_origin() -> None:
    near = draw(40, 6).float() * 1e-2 + 100
    x = tallow.cat([near, draw(30, 6, seed=1).float()])
    exact = tallow.cdist(x.double(), x.double(), compute_mode="donot_use_mm_for_euclid_dist")
    got = tallow.cdist(x, x)
    assert tallow.allclose(got.double(), exact, rtol=1e-4, atol=1e-6)
    assert got.diagonal().abs().max() == 0


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_cdist_of_many_rows_has_the_gradient_of_few(p: float) -> None:
    a, b = draw(2, 33, 3).requires_grad_(), draw(2, 5, 3, seed=1).requires_grad_()
    weight = draw(2, 33, 5, seed=2)
    whole = tallow.autograd.grad(tallow.cdist(a, b, p), (a, b), weight)
    rows = tallow.linalg.vector_norm(a.unsqueeze(-2) - b.unsqueeze(-3), p, dim=-1)
    for got, expected in zip(whole, tallow.autograd.grad(rows, (a, b), weight), strict=True):
        assert tallow.allclose(got, expected)


def test_pdist_takes_the_pairs_above_the_diagonal() -> None:
    x = draw(30, 4)
    above = np.triu_indices(30, 1)
    expected = np.linalg.norm(x.numpy()[above[0]] - x.numpy()[above[1]], axis=-1)
    assert same(tallow.nn.functional.pdist(x), expected)


def test_distances_to_oneself_are_zero_or_nan() -> None:
    x = draw(30, 4)
    x[3, 1] = math.inf
    found = tallow.cdist(x, x).diagonal()
    assert bool(found[3].isnan())
    found[3] = 0
    assert not found.any()


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_frexp_of_subnormal_and_special_numbers(dtype: str) -> None:
    info = np.finfo(dtype)
    ends = [0.0, -0.0, 1.0, -0.75, np.inf, -np.inf, np.nan, info.tiny, info.smallest_subnormal]
    values = np.array([*ends, info.max, info.tiny * 0.37, -3.3], dtype=dtype)
    mantissa, exponent = tallow.frexp(tallow.from_numpy(values))
    expected, powers = np.frexp(values)
    np.testing.assert_array_equal(mantissa.numpy(), expected)
    np.testing.assert_array_equal(np.signbit(mantissa.numpy()), np.signbit(expected))
    finite = np.isfinite(values)
    np.testing.assert_array_equal(exponent.numpy()[finite], powers[finite])


def test_angle_of_many_real_numbers() -> None:
    x = tallow.linspace(0, 1, 200)
    assert tallow.angle(x).tolist() == [0] * 200
    assert tallow.angle(-x).tolist() == pytest.approx([0, *[math.pi] * 199])
    x[7] = math.nan
    found = tallow.angle(-x)
    assert found.isnan().nonzero().tolist() == [[7]]
    assert found[5:7].tolist() == pytest.approx([math.pi] * 2)
    assert tallow.angle(tallow.zeros(0, 3)).shape == (0, 3)


def test_angle_of_real_numbers_keeps_nan_and_has_no_gradient() -> None:
    x = tallow.tensor([-2.0, -0.0, 0.0, 3.0, -math.inf, math.inf])
    assert tallow.angle(x).tolist() == pytest.approx([math.pi, 0, 0, 0, math.pi, 0])
    assert tallow.angle(tallow.tensor([math.nan, -1.0]))[0].isnan()
    x.requires_grad_()
    assert tallow.autograd.grad(tallow.angle(x)[:4].sum(), x)[0][:4].tolist() == [0, 0, 0, 0]


def test_renorm_limits_the_norm_of_slices() -> None:
    x = tallow.tensor([[3.0, 4.0], [0.3, 0.4]])
    assert tallow.allclose(tallow.renorm(x, 2, 0, 1).norm(2, 1), tallow.tensor([1.0, 0.5]))


# ---- spectra and windows


@pytest.mark.parametrize("hop", [2, 4])
def test_istft_undoes_stft(hop: int) -> None:
    x = draw(2, 40)
    window = tallow.hann_window(8, dtype=tallow.float64)
    spectrum = tallow.stft(x, 8, hop, window=window, return_complex=True)
    back = tallow.istft(spectrum, 8, hop, window=window, length=40)
    assert tallow.allclose(back, x)
    assert spectrum.shape == (2, 5, 40 // hop + 1)


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("hann", np.hanning),
        ("hamming", np.hamming),
        ("blackman", np.blackman),
        ("bartlett", np.bartlett),
    ],
)
def test_symmetric_windows_equal_numpy(name: str, reference: Callable[[int], Any]) -> None:
    window = getattr(tallow, f"{name}_window")
    for n in (0, 1, 2, 9):
        assert np.allclose(window(n, periodic=False, dtype=tallow.float64), reference(n))
    assert np.allclose(window(8, dtype=tallow.float64), reference(9)[:8])


def test_kaiser_window_equals_numpy() -> None:
    ours = tallow.kaiser_window(9, periodic=False, beta=5.0, dtype=tallow.float64)
    assert same(ours, np.kaiser(9, 5.0))


# ---- special functions. Values: NIST Digital Library of Mathematical Functions, recomputed.

VALUES = {
    "i0": [(0.0, 1.0), (1.0, 1.2660658777520084), (-30.0, 781672297823.9775)],
    "i1": [(0.0, 0.0), (1.0, 0.5651591039924851), (-2.0, -1.5906368546373291)],
    "i0e": [(50.0, 0.05656162664745419)],
    "bessel_j0": [(0.0, 1.0), (1.0, 0.7651976865579666), (30.0, -0.08636798358104031)],
    "bessel_j1": [(0.0, 0.0), (1.0, 0.4400505857449335), (-30.0, 0.11875106261662295)],
    "erfcx": [(0.0, 1.0), (1.0, 0.427583576155807), (50.0, 0.011281536265323773)],
    "ndtr": [(0.0, 0.5), (1.0, 0.8413447460685429)],
    "log_ndtr": [(-40.0, -804.6084420137538), (1.0, -0.17275377902344988)],
    "ndtri": [(0.5, 0.0), (0.975, 1.959963984540054), (1e-20, -9.262340089798408)],
    "entr": [(0.0, 0.0), (0.5, 0.34657359027997264), (-1.0, -math.inf)],
}


@pytest.mark.parametrize("name", VALUES)
def test_special_function_has_known_values(name: str) -> None:
    for x, expected in VALUES[name]:
        found = float(getattr(special, name)(tallow.tensor(x, dtype=tallow.float64)))
        assert found == pytest.approx(expected, rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("name", ["i0", "i1", "i0e", "i1e", "erfcx", "ndtr", "log_ndtr"])
def test_special_function_has_a_derivative(name: str) -> None:
    x = tallow.tensor([-3.0, -0.5, 0.7, 4.0], dtype=tallow.float64, requires_grad=True)
    assert tallow.autograd.gradcheck(getattr(special, name), (x,))
    assert tallow.autograd.gradgradcheck(getattr(special, name), (x,))


def test_incomplete_gamma_functions_add_up_to_one() -> None:
    a = tallow.tensor([0.5, 1.0, 3.0, 20.0], dtype=tallow.float64)
    x = tallow.tensor([0.2, 2.0, 9.0, 15.0], dtype=tallow.float64)
    assert same(special.gammainc(a, x) + special.gammaincc(a, x), np.ones(4))
    # P(1, x) = 1 - exp(-x).
    assert float(special.gammainc(a[1:2], x[1:2])) == pytest.approx(1 - math.exp(-2), rel=1e-13)
    assert tallow.autograd.gradcheck(lambda v: special.gammaincc(a, v), (x.requires_grad_(),))


def test_zeta_has_known_values() -> None:
    x, q = tallow.tensor([2.0, 4.0, 3.0]).double(), tallow.tensor([1.0, 1.0, -0.5]).double()
    expected = [math.pi**2 / 6, math.pi**4 / 90, 0.4143983221177648]
    assert special.zeta(x, q).tolist() == pytest.approx(expected, rel=1e-10)


# ---- matrices under old names, lists, methods


def test_cholesky_helpers_invert_and_solve() -> None:
    A = draw(3, 3)
    A = A @ A.mT + tallow.eye(3, dtype=tallow.float64)
    L = tallow.cholesky(A)
    assert tallow.allclose(tallow.cholesky_inverse(L), tallow.linalg.inv(A))
    b = draw(3, 2, seed=1)
    assert tallow.allclose(A @ tallow.cholesky_solve(b, L), b)


def test_low_rank_factors_find_a_low_rank_matrix() -> None:
    A = draw(8, 2) @ draw(2, 5, seed=1)
    U, S, V = tallow.svd_lowrank(A, q=2)
    assert tallow.allclose(U * S @ V.mT, A)


def test_foreach_in_place_returns_a_list_of_the_same_tensors() -> None:
    xs = (tallow.ones(2), tallow.ones(3))
    for result in (tallow._foreach_add_(xs, 1), tallow._foreach_zero_(xs)):
        assert type(result) is list
        assert [a is b for a, b in zip(result, xs, strict=True)] == [True, True]


def test_foreach_runs_on_every_tensor() -> None:
    xs = [tallow.ones(2), tallow.ones(3)]
    assert [y.sum().item() for y in tallow._foreach_add(xs, 1)] == [4, 6]
    tallow._foreach_addcmul_(xs, xs, xs, value=2)
    assert [x[0].item() for x in xs] == [3, 3]
    assert [n.item() for n in tallow._foreach_norm([tallow.tensor([3.0, 4.0])])] == [5]
    with pytest.raises(RuntimeError, match="must have the same number of tensors"):
        tallow._foreach_mul(xs, [1.0])


def test_methods_in_place() -> None:
    x = tallow.tensor([4, 6])
    assert x.gcd_(tallow.tensor([6, 4])) is x
    assert x.tolist() == [2, 2]


def test_other_sparse_layouts_are_refused_by_name() -> None:
    with pytest.raises(
        NotImplementedError, match="to_sparse_csc: tensors of the layout sparse_csc"
    ):
        tallow.ones(2, 2).to_sparse_csc()


def test_overrides_reach_functions_written_in_python() -> None:
    class Named(tallow.Tensor):
        pass

    assert type(tallow.diff(tallow.ones(3).as_subclass(Named))) is Named


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_hashes_of_floats_are_those_of_their_float64_bits(dtype: str) -> None:
    x = tallow.tensor([[1.5, -2.0, 3.0], [4.0, -0.0, 0.25]]).to(getattr(tallow, dtype))
    bits = x.double().numpy().view(np.uint64)
    assert tallow.hash_tensor(x).dtype == tallow.uint64
    assert tallow.hash_tensor(x).item() == int(np.bitwise_xor.reduce(bits, axis=None))
    for dim in (0, 1, -1):
        expected = np.bitwise_xor.reduce(bits, axis=dim).tolist()
        assert tallow.hash_tensor(x, dim).tolist() == expected
    assert x.hash_tensor(1, keepdim=True).shape == (2, 1)
    assert x.t().hash_tensor((0, 1)).item() == x.hash_tensor().item()


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 1025])
def test_hashes_of_integers(n: int) -> None:
    a = np.random.default_rng(n).integers(-(2**62), 2**62, n)
    expected = int(np.bitwise_xor.reduce(a.view(np.uint64)))
    assert tallow.hash_tensor(tallow.from_numpy(a)).item() == expected
    assert tallow.hash_tensor(tallow.ones(3, dtype=tallow.bool)).item() == 1
    assert tallow.hash_tensor(tallow.tensor(-3, dtype=tallow.int8)).item() == 2**64 - 3


def test_what_cannot_be_hashed() -> None:
    empty = tallow.zeros(0, 3)
    assert tallow.hash_tensor(empty, 1).shape == (0,)
    with pytest.raises(IndexError, match="Expected reduction dim 0 to have non-zero size"):
        tallow.hash_tensor(empty, (1, 0))
    with pytest.raises(RuntimeError, match="Expected reduction dim to be specified for input"):
        tallow.hash_tensor(empty)
    with pytest.raises(RuntimeError, match="Unknown hash_tensor mode: 1"):
        tallow.hash_tensor(tallow.ones(2), mode=1)
    with pytest.raises(RuntimeError, match="dim 0 appears multiple times"):
        tallow.hash_tensor(tallow.ones(2), (0, -1))
    with pytest.raises(IndexError, match="Dimension out of range"):
        tallow.hash_tensor(tallow.ones(2), 1)
    with pytest.raises(NotImplementedError, match='"xor_sum_cpu" not implemented for \'Complex'):
        tallow.hash_tensor(tallow.ones(2, dtype=tallow.complex64))
