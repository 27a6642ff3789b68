"""The __torch_function__ protocol: types, modes, names, and switching it off."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import tallow
from tallow import _C, overrides
from tallow.nn import functional as F


class Field(tallow.Tensor):
    calls: list[str] = []

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.calls.append(func.__name__)
        return super().__torch_function__(func, types, args, kwargs)


class Duck:
    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func.__name__, len(args), kwargs


class Log(overrides.TorchFunctionMode):
    def __init__(self) -> None:
        self.names: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(func.__name__)
        return func(*args, **(kwargs or {}))


def field() -> Field:
    Field.calls.clear()
    return tallow.ones(2).as_subclass(Field)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda x: x.exp(), "exp"),
        (lambda x: tallow.add(x, 1), "add"),
        (lambda x: x + 1, "add"),
        (lambda x: 1 + x, "add"),
        (lambda x: tallow.ones(2) + x, "add"),
        (lambda x: x[0], "__getitem__"),
        (lambda x: tallow.stack([x, x]), "stack"),
        (lambda x: tallow.einsum("i,i->", x, x), "einsum"),
        (lambda x: tallow.unique(x), "unique"),
        (lambda x: F.relu(x), "relu"),
        (lambda x: F.softmax(x, 0), "softmax"),
        (lambda x: tallow.add(tallow.ones(2), 1, out=x), "add"),
    ],
)
def test_a_call_reaches_the_subclass_once(call: Any, name: str) -> None:
    result = call(field())
    assert Field.calls == [name]
    assert type(result) is Field


@pytest.mark.parametrize("name", ["backward", "__repr__", "__iter__", "register_hook"])
def test_methods_written_in_python_take_part(name: str) -> None:
    x = field().requires_grad_()
    Field.calls.clear()
    calls = {
        "backward": lambda: x.backward(tallow.ones(2)),
        "__repr__": lambda: repr(x),
        "__iter__": lambda: iter(x),
        "register_hook": lambda: x.register_hook(print),
    }
    calls[name]()
    assert Field.calls[0] == name


def test_other_types_may_take_over() -> None:
    assert tallow.add(tallow.ones(1), Duck())[0] == "add"
    assert F.softmax(Duck(), dim=0)[0] == "softmax"
    assert tallow.einsum("i->i", Duck())[0] == "einsum"


def test_a_type_that_merely_inherits_stays_what_it_is() -> None:
    class Plain(tallow.Tensor):
        pass

    x = tallow.ones(2).as_subclass(Plain)
    assert overrides.has_torch_function_unary(x)
    assert type(x + 1) is Plain
    assert type(x.max(0).values) is Plain


def test_unrelated_types_decline() -> None:
    class Other(tallow.Tensor):
        pass

    with pytest.raises(TypeError, match=r"^no implementation found for '.*add'"):
        tallow.add(tallow.ones(2).as_subclass(Other), field())


def test_has_torch_function() -> None:
    plain, special = tallow.ones(1), field()
    assert not overrides.has_torch_function_unary(plain)
    assert not overrides.has_torch_function_unary(tallow.nn.Parameter(plain))
    assert not overrides.has_torch_function_unary(3)
    assert overrides.has_torch_function((plain, special))
    assert not overrides.has_torch_function((plain, 3, None))
    assert overrides.has_torch_function_variadic(plain, Duck())


def test_subclasses_can_be_switched_off() -> None:
    x = field()
    with _C.DisableTorchFunctionSubclass():
        assert type(x + 1) is tallow.Tensor
        assert not overrides.has_torch_function_unary(x)
    assert Field.calls == []


def test_mode_sees_plain_tensors_factories_and_functional() -> None:
    with Log() as log:
        x = tallow.ones(2)
        x.exp()
        F.relu(x)
        _ = x + 1
    assert log.names == ["ones", "exp", "relu", "add"]
    x.exp()
    assert len(log.names) == 4


def test_modes_nest_from_the_inside_out() -> None:
    outer, inner = Log(), Log()
    with outer, inner:
        tallow.ones(2)
    assert outer.names == inner.names == ["ones"]


def test_mode_is_left_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), Log():
        raise ZeroDivisionError
    assert not overrides.has_torch_function_unary(tallow.ones(1))


def test_mode_belongs_to_its_thread() -> None:
    log = Log()
    with log:
        thread = threading.Thread(target=lambda: tallow.ones(2).exp())
        thread.start()
        thread.join()
    assert log.names == []


def test_mode_may_decline() -> None:
    class Decline(overrides.TorchFunctionMode):
        def __torch_function__(self, *args: Any, **kwargs: Any) -> Any:
            return NotImplemented

    with Decline(), pytest.raises(TypeError, match=r"^no implementation found for"):
        tallow.ones(2).exp()


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (tallow.add, "add"),
        (tallow.einsum, "functional.einsum"),
        (tallow.Tensor.add, "Tensor.add"),
        (tallow.Tensor.backward, "Tensor.backward"),
        (tallow.Tensor.grad.__get__, "Tensor.grad.__get__"),
        (F.softmax, "nn.functional.softmax"),
        (F.linear, "nn.functional.linear"),
        (tallow.linalg.norm, "linalg.norm"),
    ],
)
def test_resolve_name(function: Any, name: str) -> None:
    assert overrides.resolve_name(function).partition(".")[2] == name


def test_names_of_strangers() -> None:
    assert overrides.resolve_name(len) is None
    assert overrides.resolve_name([]) is None  # type: ignore[arg-type]


def test_catalogues() -> None:
    functions = overrides.get_overridable_functions()
    assert tallow.add in functions[tallow]
    assert tallow.Tensor.add in functions[tallow.Tensor]
    assert tallow.add in overrides.get_testing_overrides()
    assert tallow.is_tensor in overrides.get_ignored_functions()
    assert overrides.is_tensor_method_or_property(tallow.Tensor.add)
    assert not overrides.is_tensor_method_or_property(tallow.add)
    assert overrides.is_tensor_like(Duck())
    assert not overrides.is_tensor_like(3)


def test_wrap_torch_function() -> None:
    @overrides.wrap_torch_function(lambda x: (x,))
    def double(x: Any) -> Any:
        return x * 2

    assert double(3) == 6
    assert double(Duck())[0] == "double"


def test_types_are_those_that_override_even_under_a_mode() -> None:
    class Types(overrides.TorchFunctionMode):
        seen: Any = None

        def __torch_function__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            self.seen = types
            return func(*args, **(kwargs or {}))

    with Types() as mode:
        tallow.add(tallow.ones(2), 1)
        assert mode.seen == ()
        tallow.add(field(), tallow.ones(2))
        assert mode.seen == (Field,)


# ---- Attributes.


class Access(tallow.Tensor):
    seen: list[tuple[str, str, int, Any]] = []

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        cls.seen.append((func.__self__.__name__, func.__name__, len(args), kwargs or None))
        return super().__torch_function__(func, types, args, kwargs)


def accessed() -> Access:
    Access.seen.clear()
    return tallow.ones(2, 2, dtype=tallow.complex64).as_subclass(Access)


@pytest.mark.parametrize(
    "name",
    [
        *("shape", "dtype", "device", "layout", "ndim", "itemsize", "nbytes", "requires_grad"),
        *("is_leaf", "grad_fn", "output_nr", "retains_grad", "grad", "data", "_version", "_base"),
        *("is_cpu", "is_cuda", "is_meta", "is_sparse", "is_quantized", "is_nested"),
        *("T", "mT", "H", "mH", "real", "imag"),
        *("_backward_hooks", "_post_accumulate_grad_hooks"),
    ],
)
def test_reading_an_attribute_is_offered_as_its_getter(name: str) -> None:
    x = accessed()
    getattr(x, name)
    assert Access.seen == [(name, "__get__", 1, None)]


@pytest.mark.parametrize("name", ["T", "mT", "H", "mH", "real", "imag", "data"])
def test_a_tensor_read_from_an_attribute_has_the_type_of_the_whole(name: str) -> None:
    assert type(getattr(accessed(), name)) is Access


def test_the_base_and_the_gradient_keep_their_types() -> None:
    x = accessed()
    assert type(x._base) is tallow.Tensor
    x = tallow.ones(2).as_subclass(Access)
    x.grad = tallow.ones(2)
    assert type(x.grad) is tallow.Tensor


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("requires_grad", True),
        ("grad", None),
        ("data", tallow.ones(2, 2, dtype=tallow.complex64)),
        ("_backward_hooks", None),
    ],
)
def test_writing_an_attribute_is_offered_as_its_setter(name: str, value: Any) -> None:
    x = accessed()
    setattr(x, name, value)
    assert Access.seen == [(name, "__set__", 2, None)]


def test_deleting_the_gradient_is_offered_as_its_deleter() -> None:
    x = accessed()
    del x.grad
    assert Access.seen == [("grad", "__delete__", 1, None)]


def test_a_mode_sees_attributes_of_plain_tensors() -> None:
    x = tallow.ones(2, 2)
    with Log() as log:
        _ = x.T, x.shape, x.requires_grad
        x.requires_grad = True
    assert log.names == ["__get__", "__get__", "__get__", "__set__"]
    assert x.requires_grad


def test_a_type_that_opts_out_has_plain_attributes() -> None:
    class Plain(tallow.Tensor):
        __torch_function__ = _C._disabled_torch_function_impl

    x = tallow.ones(2, 2).as_subclass(Plain)
    assert type(x.T) is tallow.Tensor
    assert type(x.data) is tallow.Tensor


def test_names_of_accessors() -> None:
    assert overrides.resolve_name(tallow.Tensor.T.__get__) == "tallow.Tensor.T.__get__"  # type: ignore[attr-defined]
