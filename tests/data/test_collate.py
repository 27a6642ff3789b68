"""Turning samples into batches."""

from __future__ import annotations

import collections
from typing import NamedTuple

import pytest

import tallow
from tallow.utils.data import default_collate, default_convert
from tallow.utils.data._utils.collate import collate, default_collate_fn_map

np = pytest.importorskip("numpy")


class Pair(NamedTuple):
    a: object
    b: object


class MyList(list):
    pass


def plain(value):
    """The batch with tensors as (dtype name, values)."""
    if isinstance(value, tallow.Tensor):
        return str(value.dtype).split(".")[-1], value.tolist()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, Pair):
        return Pair(*map(plain, value))
    if isinstance(value, (list, tuple)):
        return type(value)(map(plain, value))
    return value


@pytest.mark.parametrize(
    ("samples", "batch"),
    [
        ([1, 2], ("int64", [1, 2])),
        ([1.5, 2], ("float64", [1.5, 2.0])),
        ([1, 2.5], ("float32", [1.0, 2.5])),
        ([True, False], ("bool", [True, False])),
        (["a", "b"], ["a", "b"]),
        ([b"a"], [b"a"]),
        ([(1, "x"), (2, "y")], [("int64", [1, 2]), ["x", "y"]]),
        ([[1], [2]], [("int64", [1, 2])]),
        ([{"k": 1}, {"k": 2}], {"k": ("int64", [1, 2])}),
        ([Pair(1, 2), Pair(3, 4)], Pair(("int64", [1, 3]), ("int64", [2, 4]))),
        ([MyList([1]), MyList([2])], MyList([("int64", [1, 2])])),
        ([range(2), range(2)], [("int64", [0, 0]), ("int64", [1, 1])]),
        ([np.ones(2), np.zeros(2)], ("float64", [[1.0, 1.0], [0.0, 0.0]])),
        ([np.float32(1), np.float32(2)], ("float32", [1.0, 2.0])),
        ([np.float64(1)], ("float64", [1.0])),
        ([np.int32(7)], ("int32", [7])),
        ([np.bool_(True)], ("bool", [True])),
        ([()], []),
        ([{}], {}),
    ],
)
def test_structures(samples, batch):
    result = plain(default_collate(samples))
    assert result == batch
    assert type(result) is type(batch)


def test_tensors_are_stacked_and_gradients_flow():
    a = tallow.ones(2, requires_grad=True)
    default_collate([a, a]).sum().backward()
    assert a.grad.tolist() == [2, 2]


def test_mappings_keep_their_type():
    samples = [collections.OrderedDict(a=1, b=2), collections.OrderedDict(a=3, b=4)]
    result = default_collate(samples)
    assert type(result) is collections.OrderedDict
    assert list(result) == ["a", "b"]
    assert samples[0] == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("samples", "kind", "message"),
    [
        ([None, None], TypeError, "default_collate: batch must contain tensors, numpy arrays, num"),
        ([np.array("a")], TypeError, "default_collate: batch must contain .* found <U1"),
        ([(1, 2), (3,)], RuntimeError, "each element in list of batch should be of equal size"),
        ([tallow.ones(2), tallow.ones(3)], RuntimeError, "stack expects each tensor to be equal"),
        ([{"a": 1}, {"b": 2}], KeyError, "'a'"),
        ([], IndexError, "list index out of range"),
    ],
)
def test_samples_that_do_not_fit(samples, kind, message):
    with pytest.raises(kind, match=message):
        default_collate(samples)


def test_own_types_through_the_map():
    class Mine:
        pass

    def join(batch, *, collate_fn_map=None):
        return len(batch)

    assert collate([(Mine(), 1)], collate_fn_map={Mine: join, **default_collate_fn_map})[0] == 1


@pytest.mark.parametrize(
    ("sample", "result"),
    [
        (1, 1),
        ("a", "a"),
        (None, None),
        ((1, np.ones(1)), [1, ("float64", [1.0])]),
        ({"a": np.float32(1)}, {"a": ("float32", 1.0)}),
        (Pair(1, np.ones(1)), Pair(1, ("float64", [1.0]))),
    ],
)
def test_convert_only_changes_numpy_data(sample, result):
    assert plain(default_convert(sample)) == result


def test_convert_leaves_text_arrays_alone():
    text = np.array("a")
    assert default_convert(text) is text
