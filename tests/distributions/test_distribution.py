"""What all distributions share: checks, shapes, text; transforms, divergences, gradients."""

from __future__ import annotations

import math
import pickle

import pytest

import tallow
from tallow import distributions as D
from tallow.distributions import constraints

f64 = tallow.float64


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: D.Normal(0.0, -1.0), r"Expected parameter scale \(Tensor of shape \(\)\) of dist"),
        (lambda: D.Bernoulli(1.5), r"Expected parameter probs .*Interval\(lower_bound=0.0, upper"),
        (lambda: D.Categorical(), "Either `probs` or `logits` must be specified, but not both"),
        (lambda: D.Categorical(tallow.tensor(1.0)), "`probs` parameter must be at least one-dim"),
        (lambda: D.Uniform(1.0, 0.0), "Expected parameter low"),
        (lambda: D.Geometric(0.0), "Expected parameter probs .* to be positive but found"),
        (lambda: D.Dirichlet(tallow.tensor(1.0)), "`concentration` parameter must be at least one"),
        (lambda: D.MultivariateNormal(tallow.zeros(2)), "Exactly one of covariance_matrix or prec"),
        (
            lambda: D.MultivariateNormal(tallow.zeros(2), -tallow.eye(2)),
            r"Expected parameter covariance_matrix .*PositiveDefinite\(\)",
        ),
        (
            lambda: D.Independent(D.Normal(tallow.zeros(3), 1.0), 2),
            "Expected reinterpreted_batch_ndims <= len",
        ),
        (lambda: D.TransformedDistribution(D.Normal(0.0, 1.0), 3), "transforms must be a Trans"),
        (
            lambda: D.MixtureSameFamily(
                D.Categorical(tallow.ones(3)), D.Normal(tallow.zeros(2), 1.0)
            ),
            r"`mixture_distribution component` \(3\) does not equal",
        ),
    ],
)
def test_bad_parameters_are_refused(make, message):
    with pytest.raises(ValueError, match=f"(?s)^{message}"):
        make()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.5, "The value argument to log_prob must be a Tensor"),
        (tallow.tensor([2.0, 1.0]), r"Expected value argument .* within the support \(Boolean"),
        (tallow.zeros(3), r"Value is not broadcastable with batch_shape\+event_shape"),
    ],
)
def test_bad_values_are_refused(value, message):
    with pytest.raises(ValueError, match=f"(?s)^{message}"):
        D.Bernoulli(tallow.tensor([0.3, 0.7])).log_prob(value)


def test_checks_can_be_turned_off():
    assert D.Bernoulli(0.5, validate_args=False).log_prob(tallow.tensor(0.25)).isfinite()
    D.Distribution.set_default_validate_args(False)
    try:
        D.Normal(0.0, -1.0)
    finally:
        D.Distribution.set_default_validate_args(True)


def test_what_is_not_known_is_said():
    with pytest.raises(NotImplementedError):
        D.Bernoulli(0.5).rsample()
    with pytest.raises(NotImplementedError, match="does not implement mode"):
        _ = D.LogisticNormal(tallow.zeros(2), 1.0).mode
    with pytest.raises(NotImplementedError, match="^No KL"):
        D.kl_divergence(D.Normal(0.0, 1.0), D.Categorical(tallow.ones(2)))


def test_subclasses_with_their_own_constructor_must_expand_themselves():
    class Mine(D.Normal):
        def __init__(self) -> None:
            super().__init__(0.0, 1.0)

    with pytest.raises(NotImplementedError, match="must also define a custom .expand"):
        Mine().expand((2,))


def test_integer_parameters_and_pickles():
    normal = D.Normal(0, 1)
    assert normal.loc.dtype == tallow.float32
    again = pickle.loads(pickle.dumps(D.LogNormal(0.0, 1.0)))
    assert again.log_prob(tallow.tensor(1.0)).item() == pytest.approx(-0.9189385)


def test_samples_of_a_mixture_come_from_its_components():
    mixture = D.MixtureSameFamily(
        D.Categorical(tallow.tensor([0.0, 1.0])),
        D.Independent(D.Normal(tallow.tensor([[0.0, 0.0], [50.0, 90.0]]), tallow.ones(2, 2)), 1),
    )
    sample = mixture.sample((5,))
    assert sample.shape == (5, 2)
    assert (sample > 40).all()
    assert (mixture.variance < 2).all()


# ---- gradients of samples


def test_gamma_samples_move_as_their_quantiles_do():
    # For concentration 1 the cdf is 1 - exp(-z), and E1 gives its derivative: dz/da is
    # checked against differences of quantiles, found by bisection of the series.
    from tallow.distributions._implicit import _gamma_slope

    def cdf(a: float, z: float) -> float:
        term = total = 1 / a
        for n in range(1, 2000):
            term *= z / (a + n)
            total += term
        return total * math.exp(-z + a * math.log(z) - math.lgamma(a))

    for a, z in [(0.1, 0.01), (1.0, 0.5), (2.5, 4.0), (40.0, 33.0)]:
        step = 1e-4 * a
        slope_in_a = (cdf(a + step, z) - cdf(a - step, z)) / (2 * step)
        slope_in_z = (cdf(a, z * 1.0001) - cdf(a, z * 0.9999)) / (0.0002 * z)
        got = _gamma_slope(tallow.tensor(z, dtype=f64), tallow.tensor(a, dtype=f64)).item()
        assert got == pytest.approx(-slope_in_a / slope_in_z, rel=1e-5)


def test_the_mean_of_rsample_has_the_gradient_of_the_mean():
    tallow.manual_seed(0)
    concentration = tallow.tensor([0.4, 3.0, 900.0, 2e5], dtype=f64, requires_grad=True)
    D.Gamma(concentration, 1.0).rsample((400,)).mean(0).sum().backward()
    assert concentration.grad.tolist() == pytest.approx([1, 1, 1, 1], rel=0.15)
    weights = tallow.tensor([2.0, 3.0, 0.5], dtype=f64, requires_grad=True)
    D.Dirichlet(weights).rsample((400,))[:, 0].mean().backward()
    other = weights.detach().clone().requires_grad_()
    D.Dirichlet(other).mean[0].backward()
    assert weights.grad.tolist() == pytest.approx(other.grad.tolist(), abs=0.02)


# ---- divergences


PAIRS = [
    (D.Normal(0.5, 2.0), D.Normal(-1.0, 1.5)),
    (D.Gamma(2.0, 1.0), D.Gamma(3.0, 2.5)),
    (D.Beta(2.0, 1.5), D.Beta(1.0, 3.0)),
    (D.Laplace(0.5, 2.0), D.Laplace(-1.0, 1.5)),
    (D.Gumbel(0.5, 1.0), D.Gumbel(-1.0, 1.5)),
    (D.Exponential(2.0), D.Gamma(1.5, 0.7)),
    (D.Gamma(2.0, 1.0), D.Exponential(0.5)),
    (D.Normal(0.5, 2.0), D.Laplace(-1.0, 1.5)),
    (D.Uniform(0.0, 1.0), D.Normal(0.2, 0.7)),
    (D.Beta(2.0, 1.5), D.Uniform(-1.0, 2.0)),
    (D.Poisson(3.0), D.Poisson(2.0)),
    (D.Geometric(0.3), D.Geometric(0.6)),
    (D.Binomial(6, 0.3), D.Binomial(6, 0.6)),
    (D.Bernoulli(0.3), D.Bernoulli(0.6)),
    (D.Categorical(tallow.tensor([0.3, 0.7])), D.Categorical(tallow.tensor([0.6, 0.4]))),
    (D.HalfNormal(1.0), D.HalfNormal(2.0)),
    (D.Pareto(1.5, 3.0), D.Pareto(1.0, 2.0)),
    (D.LogNormal(0.0, 1.0), D.LogNormal(1.0, 2.0)),
]


@pytest.mark.parametrize(("p", "q"), PAIRS, ids=lambda d: type(d).__name__)
def test_a_divergence_is_the_mean_of_the_difference_of_logarithms(p, q):
    tallow.manual_seed(1)
    x = p.sample((20_000,))
    differences = p.log_prob(x) - q.log_prob(x)
    error = 5 * differences.std().item() / math.sqrt(len(x)) + 1e-6
    assert D.kl_divergence(p, q).item() == pytest.approx(differences.mean().item(), abs=error)


def test_divergences_of_vectors_and_of_what_cannot_be():
    p = D.MultivariateNormal(tallow.zeros(2), tallow.tensor([[2.0, 0.5], [0.5, 1.0]]))
    q = D.MultivariateNormal(tallow.ones(2), tallow.eye(2))
    assert D.kl_divergence(p, p).abs().item() < 1e-6
    expected = 0.5 * (3 + 2 - 2 - math.log(1.75))
    assert D.kl_divergence(p, q).item() == pytest.approx(expected, rel=1e-6)
    both = D.Independent(D.Normal(tallow.zeros(2), 1.0), 1)
    assert D.kl_divergence(both, D.Independent(D.Normal(tallow.ones(2), 1.0), 1)).item() == 1
    assert D.kl_divergence(D.Normal(0.0, 1.0), D.Gamma(1.0, 1.0)).item() == math.inf


# ---- transforms


TRANSFORMS = [
    (D.ExpTransform(), [0.3, -2.0]),
    (D.SigmoidTransform(), [0.3, -2.0]),
    (D.SoftplusTransform(), [0.3, 2.0]),
    (D.TanhTransform(), [0.3, -0.5]),
    (D.AffineTransform(1.0, -2.0), [0.3, -2.0]),
    (D.PowerTransform(2.0), [0.3, 2.0]),
    (D.ComposeTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)]), [0.3, -2.0]),
    (D.CumulativeDistributionTransform(D.Normal(0.0, 1.0)), [0.3, -2.0]),
]


@pytest.mark.parametrize(("transform", "x"), TRANSFORMS, ids=lambda part: type(part).__name__)
def test_transforms_know_their_inverse_and_their_slope(transform, x):
    x = tallow.tensor(x, dtype=f64, requires_grad=True)
    y = transform(x)
    (slope,) = tallow.autograd.grad(y.sum(), x)
    assert tallow.allclose(transform.log_abs_det_jacobian(x, y), slope.abs().log())
    assert tallow.allclose(transform.inv(y), x)
    assert transform.codomain.check(y).all()


@pytest.mark.parametrize(
    ("transform", "size"), [(D.StickBreakingTransform(), 3), (D.CorrCholeskyTransform(), 3)]
)
def test_vector_transforms_know_their_volume(transform, size):
    x = tallow.tensor([0.3, -0.4, 0.7], dtype=f64)
    y = transform(x)
    assert transform.forward_shape((size,)) == y.shape
    assert transform.inverse_shape(y.shape) == x.shape
    assert transform.codomain.check(y)
    assert tallow.allclose(transform.inv(y), x)

    def free(x: tallow.Tensor) -> tallow.Tensor:
        y = transform(x)
        return y[:-1] if y.dim() == 1 else y[[1, 2, 2], [0, 0, 1]]

    jacobian = tallow.autograd.functional.jacobian(free, x)
    volume = jacobian.diagonal().abs().log().sum()  # both are triangular
    assert tallow.allclose(transform.log_abs_det_jacobian(x, y), volume)


@pytest.mark.parametrize("registry", [D.transform_to, D.biject_to])
@pytest.mark.parametrize(
    "constraint",
    [
        constraints.real,
        constraints.positive,
        constraints.greater_than(2.0),
        constraints.less_than(1.0),
        constraints.interval(2.0, 3.0),
        constraints.unit_interval,
        constraints.simplex,
        constraints.independent(constraints.positive, 1),
    ],
    ids=repr,
)
def test_the_registries_map_into_the_region(registry, constraint):
    assert constraint.check(registry(constraint)(tallow.tensor([-3.0, 0.2, 2.0]))).all()


def test_a_cached_transform_gives_the_argument_back():
    x = tallow.tensor(30.0)
    transform = D.TanhTransform(cache_size=1)
    assert transform.inv(transform(x)) is x
    with pytest.raises(ValueError, match="cache_size must be 0 or 1"):
        D.ExpTransform(cache_size=2)
    with pytest.raises(NotImplementedError, match="Cannot transform _Boolean constraints"):
        D.biject_to(constraints.boolean)


# ---- random numbers


def test_serial_draws_leave_the_generator_where_single_ones_would(torch):
    def run(library):
        library.manual_seed(1)
        first = library.randn(3, dtype=library.float64).tolist()  # leaves a spare number
        gamma = library.distributions.Gamma(library.full((5,), 0.7), 1.0).sample().tolist()
        return first, gamma, library.randn(3, dtype=library.float64).tolist()

    import torch.distributions

    assert run(tallow) == run(torch)


def test_poisson_and_binomial_functions():
    with pytest.raises(RuntimeError, match="invalid Poisson rate, expected rate to be non-negat"):
        tallow.poisson(tallow.tensor([-1.0]))
    with pytest.raises(RuntimeError, match="invalid Poisson rate"):
        tallow.poisson(tallow.tensor([tallow.nan]))
    assert tallow.poisson(tallow.zeros(0)).shape == (0,)
    assert tallow.binomial(tallow.tensor(tallow.nan), tallow.tensor(0.5)).isnan()
    with pytest.raises(RuntimeError, match="expected parameters of one shape, given"):
        tallow._C._VariableFunctions._draw_binomial(tallow.ones(3), tallow.ones(2))
    counts = tallow.binomial(tallow.full((200,), 50.0), tallow.tensor(0.5))
    assert 20 < counts.mean().item() < 30


def test_generalised_pareto_with_tails_of_all_kinds(torch):
    shapes, value, u = [0.2, 0.0, -0.3, 0.6, 1.2, 1e-9], 0.5, 0.3

    def answers(lib):
        made = lib.distributions.GeneralizedPareto(0.0, 2.0, lib.tensor(shapes))
        x = lib.tensor(value)
        found = [made.mean, made.variance, made.mode, made.entropy(), made.support.upper_bound]
        found += [made.log_prob(x), made.cdf(x), made.log_cdf(x), made.log_survival_function(x)]
        return [t.tolist() for t in (*found, made.icdf(lib.tensor(u)))]

    for ours, theirs in zip(answers(tallow), answers(torch), strict=True):
        assert ours == pytest.approx(theirs, rel=2e-6, nan_ok=True)


def test_generalised_pareto_is_differentiable_where_it_is_exponential():
    concentration = tallow.tensor([0.0, 0.5], requires_grad=True)
    made = D.GeneralizedPareto(0.0, 1.0, concentration)
    (made.log_prob(tallow.tensor(0.5)) + made.rsample()).sum().backward()
    assert concentration.grad.isfinite().all()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: D.ContinuousBernoulli(), ValueError, "Either `probs` or `logits` must be spec"),
        (lambda: D.ContinuousBernoulli(1.5), ValueError, "The parameter probs has invalid values"),
        (lambda: D.LKJCholesky(1), ValueError, "Expected dim to be an integer greater than or"),
        (
            lambda: D.LowRankMultivariateNormal(tallow.ones(2), tallow.ones(2), tallow.ones(2)),
            ValueError,
            "cov_factor must be at least two-dimensional",
        ),
        (
            lambda: D.LowRankMultivariateNormal(tallow.ones(2), tallow.ones(3, 1), tallow.ones(2)),
            ValueError,
            "cov_factor must be a batch of matrices with shape 2 x m",
        ),
        (
            lambda: D.LowRankMultivariateNormal(tallow.ones(2), tallow.ones(2, 1), tallow.ones(3)),
            ValueError,
            "cov_diag must be a batch of vectors with shape",
        ),
        (lambda: D.Wishart(3.0), AssertionError, "Exactly one of covariance_matrix or prec"),
        (lambda: D.Wishart(0.5, tallow.eye(3)), ValueError, "Value of df=0.5 expected to be gre"),
        (lambda: D.Wishart(3.0, tallow.ones(2)), ValueError, "scale_tril must be at least two"),
    ],
)
def test_refusals_of_the_rarer_families(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_wishart_with_few_degrees_of_freedom_warns():
    with pytest.warns(UserWarning, match="Low df values detected"):
        D.Wishart(1.5, tallow.eye(2))


def distributions_for_divergences(lib):
    made = lib.distributions

    def t(*values):
        return lib.tensor(values, dtype=lib.float64)

    one = lib.eye(3, dtype=lib.float64)
    rank1 = (t(1.0, 2.0, 3.0), t(1.0, 2.0, 0.5)[:, None], t(0.5, 1.0, 2.0))
    rank2 = (t(0.0, 2.0, 1.0), lib.stack([t(1.0, 0.2, 0.5), t(0.0, 1.0, 1.0)], 1), t(1.5, 1.0, 0.2))
    return {
        "Bernoulli": [made.Bernoulli(t(0.3, 0.6)), made.Bernoulli(t(0.4, 0.2))],
        "Beta": [made.Beta(t(1.5, 2.0), t(0.5, 3.0)), made.Beta(t(2.5, 1.0), t(1.5, 2.0))],
        "ContinuousBernoulli": [
            made.ContinuousBernoulli(t(0.3, 0.5)),
            made.ContinuousBernoulli(t(0.6, 0.2)),
        ],
        "Exponential": [made.Exponential(t(0.7, 2.0)), made.Exponential(t(1.7, 0.2))],
        "Gamma": [made.Gamma(t(1.5, 2.0), t(0.5, 3.0)), made.Gamma(t(2.5, 1.0), t(1.5, 2.0))],
        "Gumbel": [made.Gumbel(t(0.5, 2.0), t(0.5, 3.0)), made.Gumbel(t(1.0, 1.0), t(1.5, 2.0))],
        "Laplace": [made.Laplace(t(0.5, 2.0), t(0.5, 3.0)), made.Laplace(t(1.0, 1.0), t(1.5, 2.0))],
        "Normal": [made.Normal(t(0.5, 2.0), t(0.5, 3.0)), made.Normal(t(1.0, 1.0), t(1.5, 2.0))],
        "Pareto": [made.Pareto(t(0.5, 2.0), t(2.5, 3.0)), made.Pareto(t(0.4, 1.0), t(1.5, 4.0))],
        "Uniform": [
            made.Uniform(t(0.5, 2.0), t(1.5, 3.0)),
            made.Uniform(t(0.1, -0.2), t(2.5, 4.0)),
            made.Uniform(t(0.0, 0.2), t(1.0, 0.8)),
        ],
        "Poisson": [made.Poisson(t(0.5, 2.0)), made.Poisson(t(2.0, 1.0))],
        "Binomial": [made.Binomial(3, t(0.5, 0.2)), made.Binomial(3, t(0.5, 0.7))],
        "Geometric": [made.Geometric(t(0.5, 0.2)), made.Geometric(t(0.3, 0.2))],
        "Cauchy": [made.Cauchy(t(0.5, 2.0), t(0.5, 3.0)), made.Cauchy(t(1.0, 1.0), t(1.5, 2.0))],
        "HalfNormal": [made.HalfNormal(t(0.5, 2.0)), made.HalfNormal(t(0.3, 0.2))],
        "LowRankMultivariateNormal": [
            made.LowRankMultivariateNormal(*rank1),
            made.LowRankMultivariateNormal(*rank2),
        ],
        "MultivariateNormal": [
            made.MultivariateNormal(t(1.0, 2.0, 0.0), 2 * one),
            made.MultivariateNormal(t(1.0, 1.0, 0.0), one + 0.5),
        ],
        "Wishart": [
            made.Wishart(t(4.0, 5.0), one[:2, :2] + 0.3),
            made.Wishart(t(3.0, 6.0), one[:2, :2] * 2),
        ],
        "Dirichlet": [made.Dirichlet(t(1.0, 2.0)), made.Dirichlet(t(2.0, 0.3))],
    }


def test_all_divergences_of_pytorch_are_here_with_its_numbers(torch):
    from torch.distributions.kl import _KL_REGISTRY

    def answer(lib, p, q):
        try:
            return lib.distributions.kl_divergence(p, q).reshape(-1).tolist()
        except NotImplementedError:
            return ["NotImplementedError"]

    ours, theirs = (distributions_for_divergences(lib) for lib in (tallow, torch))
    compared = 0
    for name_p, name_q in ((p.__name__, q.__name__) for p, q in _KL_REGISTRY):
        for i in range(len(ours.get(name_p, ()))):
            for j in range(len(ours.get(name_q, ()))):
                expected = answer(torch, theirs[name_p][i], theirs[name_q][j])
                found = answer(tallow, ours[name_p][i], ours[name_q][j])
                assert found == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True), (
                    name_p,
                    name_q,
                )
                compared += 1
    assert compared > 300


def test_the_samplers_under_the_native_names_of_pytorch() -> None:
    # The numbers of PyTorch 2.13 for this seed and these places.
    alpha = tallow.tensor([0.5, 2.0, 1.0])
    tallow.manual_seed(0)
    assert tallow.allclose(
        tallow._standard_gamma(alpha), tallow.tensor([7.8936e-04, 6.3154e-01, 8.0638e-01]), 1e-4
    )
    drawn = [
        tallow._sample_dirichlet(alpha, generator=tallow.Generator().manual_seed(1))
        for _ in range(2)
    ]
    assert drawn[0].equal(drawn[1])
    assert tallow.allclose(drawn[0].sum(), tallow.tensor(1.0))
    slope = tallow._standard_gamma_grad(alpha, alpha)
    assert tallow.allclose(slope, tallow.tensor([1.3374, 1.0862, 1.1736]), 1e-4)
    slope = tallow._dirichlet_grad(
        tallow.tensor([0.3, 0.7]), tallow.tensor([1.0, 2.0]), tallow.tensor(3.0)
    )
    assert tallow.allclose(slope, tallow.tensor([0.4123, 0.4161]), 1e-3)
