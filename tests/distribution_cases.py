"""One or two distributions of each family, with values, made from this package or from PyTorch.

``python tests/distribution_cases.py``, where PyTorch is installed, writes the golden numbers.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from types import ModuleType
from typing import Any

GOLDENS = Path(__file__).parent / "goldens" / "distributions.json"

# Family, positional and keyword parameters, values in the support. Lists become float64 leaves.
CASES: dict[str, tuple[str, list[Any], dict[str, Any], Any]] = {
    "normal": ("Normal", [[0.3, -1.0], [0.5, 2.0]], {}, [0.1, 2.0]),
    "uniform": ("Uniform", [[0.3, -1.0], [0.5, 2.0]], {}, [0.4, 1.0]),
    "bernoulli": ("Bernoulli", [[0.3, 0.9]], {}, [1.0, 0.0]),
    "bernoulli logits": ("Bernoulli", [], {"logits": [0.3, -0.9]}, [1.0, 0.0]),
    "categorical": ("Categorical", [[[0.2, 0.3, 0.5], [1.0, 1.0, 2.0]]], {}, [1.0, 2.0]),
    "categorical logits": ("Categorical", [], {"logits": [[0.2, 0.3], [1.0, 2.0]]}, [1.0, 0.0]),
    "one-hot": ("OneHotCategorical", [[0.2, 0.3, 0.5]], {}, [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
    "straight-through": (
        "OneHotCategoricalStraightThrough",
        [[0.2, 0.3, 0.5]],
        {},
        [[0.0, 1.0, 0.0]],
    ),
    "multinomial": ("Multinomial", [4, [0.2, 0.3, 0.5]], {}, [[2.0, 1.0, 1.0], [0.0, 0.0, 4.0]]),
    "binomial": ("Binomial", [5, [0.2, 0.7]], {}, [1.0, 4.0]),
    "binomial of many": ("Binomial", [5000, [0.2, 0.7]], {}, [1003.0, 3400.0]),
    "beta": ("Beta", [[0.5, 2.0], [3.0, 1.5]], {}, [0.2, 0.7]),
    "dirichlet": ("Dirichlet", [[[0.5, 2.0, 3.0], [1.0, 1.0, 1.0]]], {}, [[0.2, 0.3, 0.5]]),
    "gamma": ("Gamma", [[0.5, 2.0], [3.0, 1.5]], {}, [0.2, 1.7]),
    "exponential": ("Exponential", [[0.5, 2.0]], {}, [0.2, 1.7]),
    "laplace": ("Laplace", [[0.5, 2.0], [3.0, 1.5]], {}, [0.2, 2.7]),
    "log-normal": ("LogNormal", [[0.5, 2.0], [0.3, 1.5]], {}, [0.2, 2.7]),
    "poisson": ("Poisson", [[0.5, 12.0]], {}, [2.0, 7.0]),
    "geometric": ("Geometric", [[0.5, 0.2]], {}, [2.0, 7.0]),
    "gumbel": ("Gumbel", [[0.5, 2.0], [3.0, 1.5]], {}, [0.2, 2.7]),
    "cauchy": ("Cauchy", [[0.5, 2.0], [3.0, 1.5]], {}, [0.2, 2.7]),
    "t": ("StudentT", [[1.5, 4.0], [3.0, 1.5], [1.0, 2.0]], {}, [0.2, 2.7]),
    "half-normal": ("HalfNormal", [[1.5, 4.0]], {}, [0.2, 2.7]),
    "half-cauchy": ("HalfCauchy", [[1.5, 4.0]], {}, [0.2, 2.7]),
    "chi-squared": ("Chi2", [[1.5, 4.0]], {}, [0.2, 2.7]),
    "covariance": ("MultivariateNormal", [[1.5, 4.0], [[2.0, 0.5], [0.5, 1.0]]], {}, [[0.2, 2.7]]),
    "precision": (
        "MultivariateNormal",
        [[1.5, 4.0]],
        {"precision_matrix": [[2.0, 0.5], [0.5, 1.0]]},
        [[0.2, 2.7]],
    ),
    "triangle": (
        "MultivariateNormal",
        [[[1.5, 4.0], [0.0, 1.0]]],
        {"scale_tril": [[2.0, 0.0], [0.5, 1.0]]},
        [[0.2, 2.7]],
    ),
    "relaxed bernoulli": ("RelaxedBernoulli", [[0.7], [0.3, 0.7]], {}, [0.2, 0.7]),
    "relaxed one-hot": (
        "RelaxedOneHotCategorical",
        [[0.7], [0.2, 0.3, 0.5]],
        {},
        [[0.1, 0.1, 0.8]],
    ),
    "von mises": ("VonMises", [[0.5, 2.0], [3.0, 5.5]], {}, [0.2, 2.7]),
    "pareto": ("Pareto", [[0.5, 2.0], [3.0, 1.5]], {}, [1.2, 2.7]),
    "weibull": ("Weibull", [[0.5, 2.0], [3.0, 1.5]], {}, [1.2, 2.7]),
    "kumaraswamy": ("Kumaraswamy", [[0.5, 2.0], [3.0, 0.5]], {}, [0.2, 0.7]),
    "inverse gamma": ("InverseGamma", [[0.5, 2.5], [3.0, 1.5]], {}, [0.2, 0.7]),
    "f": ("FisherSnedecor", [[2.5, 3.5], [3.0, 5.5]], {}, [0.2, 0.7]),
    "negative binomial": ("NegativeBinomial", [[2.5, 3.5], [0.3, 0.5]], {}, [2.0, 7.0]),
    "continuous bernoulli": ("ContinuousBernoulli", [[0.3, 0.9, 0.5]], {}, [0.2, 0.7, 0.4]),
    "continuous logits": ("ContinuousBernoulli", [], {"logits": [0.3, -0.9]}, [0.2, 0.7]),
    "generalised pareto": (
        "GeneralizedPareto",
        [[0.5, -2.0], [3.0, 1.5], [0.3, -0.4]],
        {},
        [0.7, -1.0],
    ),
    "heavy tail": ("GeneralizedPareto", [[0.5, 0.0], [3.0, 1.5], [0.8, 1.4]], {}, [0.7, 3.0]),
    "low rank": (
        "LowRankMultivariateNormal",
        [[1.5, 4.0, 0.0], [[2.0], [0.5], [1.0]], [0.5, 1.0, 2.0]],
        {},
        [[0.2, 2.7, 1.0]],
    ),
    "correlation": (
        "LKJCholesky",
        [3, [0.7, 2.0]],
        {},
        [[[1.0, 0.0, 0.0], [0.6, 0.8, 0.0], [0.48, 0.6, 0.64]]],
    ),
    "wishart": (
        "Wishart",
        [[4.5, 7.0], [[2.0, 0.5], [0.5, 1.0]]],
        {},
        [[[3.0, 0.4], [0.4, 2.0]]],
    ),
    "wishart precision": (
        "Wishart",
        [[3.5]],
        {"precision_matrix": [[2.0, 0.5], [0.5, 1.0]]},
        [[[3.0, 0.4], [0.4, 2.0]]],
    ),
    "logistic normal": ("LogisticNormal", [[0.5, 2.5], [3.0, 1.5]], {}, [[0.2, 0.3, 0.5]]),
}


def make(library: ModuleType, name: str) -> tuple[Any, Any, list[Any]]:
    """Return a distribution, values in its support, and its parameters as leaves."""
    import importlib

    distributions = importlib.import_module(f"{library.__name__}.distributions")
    family, args, kwargs, values = CASES[name]
    leaves = []

    def leaf(value: Any) -> Any:
        if isinstance(value, int):
            return value
        tensor = library.tensor(value, dtype=library.float64, requires_grad=True)
        leaves.append(tensor)
        return tensor

    made = getattr(distributions, family)(
        *map(leaf, args), **{key: leaf(value) for key, value in kwargs.items()}
    )
    return made, library.tensor(values, dtype=library.float64), leaves


def numbers(value: Any) -> list[float]:
    return value.detach().double().flatten().tolist()


def attempt(function: Any, *leaves: Any) -> Any:
    """The numbers of a result and of its gradients, or the kind of exception."""
    try:
        value = function()
    except Exception as error:
        return type(error).__name__
    found = [list(value.shape), numbers(value)]
    if leaves and value.requires_grad:
        try:
            value.sum().backward()
        except Exception as error:
            return [*found, type(error).__name__]
        found += [None if leaf.grad is None else numbers(leaf.grad) for leaf in leaves]
    return found


FACTS = ("mean", "mode", "variance", "stddev")


def describe(library: ModuleType, name: str) -> dict[str, Any]:
    """What a distribution answers to every question, as plain data."""
    made, values, _ = make(library, name)
    answers: dict[str, Any] = {fact: attempt(lambda f=fact: getattr(made, f)) for fact in FACTS}
    for question in ("log_prob", "cdf"):
        fresh, _, leaves = make(library, name)
        answers[question] = attempt(lambda d=fresh, q=question: getattr(d, q)(values), *leaves)
    third = library.full(tuple(made.batch_shape), 0.3, dtype=library.float64)
    answers["icdf"] = attempt(lambda: made.icdf(third))
    fresh, _, leaves = make(library, name)
    answers["entropy"] = attempt(fresh.entropy, *leaves)
    answers["enumerate_support"] = attempt(made.enumerate_support)
    library.manual_seed(5)
    answers["sample"] = attempt(lambda: made.sample((4,)))
    wide = (3, *made.batch_shape)
    answers["expanded sample"] = attempt(lambda: made.expand(wide).sample())
    answers["expanded log_prob"] = attempt(lambda: made.expand(wide).log_prob(values))
    fresh, _, leaves = make(library, name)
    # The mean of several, so that no single number decides.
    answers["rsample"] = attempt(lambda: fresh.rsample((2,)).pow(2), *leaves)
    answers["next"] = library.rand(1).item()
    text = repr(made).replace(library.__name__, "lib")
    shapes = [list(made.batch_shape), list(made.event_shape)]
    answers["text"] = [text, *shapes, bool(made.has_rsample), bool(made.has_enumerate_support)]
    return answers


def main() -> None:
    import torch

    warnings.simplefilter("ignore")
    goldens = {name: describe(torch, name) for name in CASES}
    lines = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in goldens.items()]
    GOLDENS.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
