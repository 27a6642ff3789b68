"""The named tuples of functions with several results."""

from __future__ import annotations

import pickle

import pytest

import tallow
from tallow import return_types


def test_print_as_a_call() -> None:
    assert repr(tallow.ones(2, 3).max(1)) == (
        "tallow.return_types.max(\nvalues=tensor([1., 1.]),\nindices=tensor([0, 0]))"
    )
    assert repr(tallow.linalg.slogdet(tallow.eye(2))) == (
        "tallow.return_types.linalg_slogdet(\nsign=tensor(1.),\nlogabsdet=tensor(0.))"
    )


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("max", lambda x: x.max(1)),
        ("sort", lambda x: x.sort()),
        ("topk", lambda x: x.topk(2)),
        ("linalg_qr", tallow.linalg.qr),
        ("histogram", lambda x: tallow.histogram(x, 3)),
    ],
)
def test_live_in_return_types_and_survive_pickling(name: str, make: object) -> None:
    result = make(tallow.arange(9.0).view(3, 3).cos())  # type: ignore[operator]
    assert type(result) is getattr(return_types, name)
    assert type(result).__module__ == "tallow.return_types"
    copy = pickle.loads(pickle.dumps(result))
    assert type(copy) is type(result)
    assert all(tallow.equal(a, b) for a, b in zip(copy, result, strict=True))


def test_unknown_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="most similar name here is 'topk'"):
        _ = return_types.topkk
    assert {"max", "svd", "aminmax"} <= set(dir(return_types))
