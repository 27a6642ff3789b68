"""The native callable around functions and methods that are written in Python."""

from __future__ import annotations

import copy
import gc
import inspect
import pickle
import weakref
from typing import Any

import pytest

import tallow
from tallow._composite import composite


class Duck:
    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func, args, kwargs


def test_it_looks_like_the_function() -> None:
    assert tallow.polar.__name__ == "polar"
    assert tallow.polar.__module__ == "tallow._composites.complex_numbers"
    assert tallow.polar.__doc__.startswith("Make complex numbers of size and angle.")
    assert list(inspect.signature(tallow.polar).parameters) == ["abs", "angle", "out"]
    assert inspect.isroutine(tallow.polar)
    assert repr(tallow.polar).startswith("<function polar at 0x")


def test_it_is_pickled_and_copied_by_name() -> None:
    assert pickle.loads(pickle.dumps(tallow.polar)) is tallow.polar
    assert copy.copy(tallow.polar) is tallow.polar
    assert copy.deepcopy(tallow.polar) is tallow.polar
    assert pickle.loads(pickle.dumps(tallow.nn.functional.grid_sample)) is (
        tallow.nn.functional.grid_sample
    )


def test_a_method_gets_its_tensor() -> None:
    x = tallow.ones(2)
    bound = x.type
    assert bound() == tallow.Tensor.type(x) == f"{tallow._C._get_namespace()}.FloatTensor"
    assert bound(dtype=tallow.float64).dtype == tallow.float64


@pytest.mark.parametrize(
    "call",
    [
        lambda duck: tallow.polar(duck, tallow.ones(1)),
        lambda duck: tallow.polar(tallow.ones(1), angle=duck),
        lambda duck: tallow.polar([tallow.ones(1), (duck,)], tallow.ones(1)),
    ],
)
def test_an_argument_takes_the_call_over(call: Any) -> None:
    function, args, kwargs = call(Duck())
    assert function is tallow.polar
    assert len(args) + len(kwargs or {}) == 2


def test_a_function_without_out_gets_it() -> None:
    @composite
    def twice(x: tallow.Tensor) -> tallow.Tensor:
        return 2 * x

    out = tallow.empty(0)
    assert twice(tallow.ones(2), out=out) is out
    assert out.tolist() == [2, 2]
    assert twice(tallow.ones(2), out=None).tolist() == [2, 2]
    assert twice(x=tallow.ones(1)).tolist() == [2]
    with pytest.raises(TypeError, match="unexpected keyword argument 'wrong'"):
        twice(tallow.ones(2), wrong=1)


def test_errors_pass_through() -> None:
    @composite
    def fails(x: tallow.Tensor) -> tallow.Tensor:
        raise KeyError(x)

    with pytest.raises(KeyError):
        fails(3)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
        fails()


def test_what_nobody_holds_is_freed() -> None:
    @composite
    def local(x: tallow.Tensor) -> tallow.Tensor:
        return x

    argument = tallow.ones(1)
    alive = weakref.ref(local)
    assert local(argument) is argument
    assert local(x=argument) is argument
    held = weakref.ref(argument)
    del argument
    assert held() is None
    del local
    gc.collect()  # the general way refers to its callable
    assert alive() is None
