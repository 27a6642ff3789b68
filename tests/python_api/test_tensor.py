"""Methods of Tensor that are written in Python."""

from __future__ import annotations

import copy
import os
import pickle

import numpy as np
import pytest

import tallow

o = tallow.ones


def leaf() -> tallow.Tensor:
    return tallow.tensor([1.0, 2.0], requires_grad=True)


def test_iteration() -> None:
    assert [row.tolist() for row in tallow.eye(2)] == [[1, 0], [0, 1]]
    with pytest.raises(TypeError, match=r"^iteration over a 0-d tensor$"):
        iter(tallow.tensor(1))
    assert [int(x) for x in reversed(tallow.arange(3))] == [2, 1, 0]


def test_containment() -> None:
    assert 3 in tallow.arange(5)
    assert 9 not in tallow.arange(5)
    with pytest.raises(RuntimeError, match=r"^Tensor.__contains__ only supports Tensor or scalar"):
        "a" in o(2)  # noqa: B015


def test_hash_is_identity() -> None:
    a, b = o(2), o(2)
    assert hash(a) == id(a)
    assert len({a, b}) == 2


def test_format() -> None:
    assert f"{tallow.tensor(3.14159):.2f}" == "3.14"
    assert f"{tallow.tensor(3)}" == "3"
    assert f"{o(2)}" == "tensor([1., 1.])"
    with pytest.raises(TypeError, match=r"^unsupported format string passed to Tensor.__format__$"):
        format(o(2), ".2f")


def test_numpy_conversion() -> None:
    np = pytest.importorskip("numpy")
    x = tallow.arange(3.0)
    assert np.asarray(x).tolist() == [0, 1, 2]
    assert np.asarray(x).ctypes.data == x.data_ptr()
    assert np.array(x).ctypes.data != x.data_ptr()
    assert x.__array__(np.float64).dtype == np.float64
    assert isinstance(np.sin(x), tallow.Tensor)


def test_deepcopy_copies_values_and_grad() -> None:
    x = leaf()
    x.grad = o(2)
    x.label = "weights"
    made = copy.deepcopy(x)
    made.grad.zero_()
    made.data.zero_()
    assert x.tolist() == [1, 2]
    assert x.grad.tolist() == [1, 1]
    assert made.requires_grad
    assert made.label == "weights"


def test_deepcopy_keeps_sharing() -> None:
    base = tallow.arange(6.0)
    part = base[2:4]
    new_base, new_part = copy.deepcopy((base, part))
    new_part.fill_(9)
    assert new_base.tolist() == [0, 1, 9, 9, 4, 5]
    assert base.tolist() == [0, 1, 2, 3, 4, 5]
    assert new_part.storage_offset() == 2


def test_deepcopy_keeps_strides_and_class() -> None:
    class Field(tallow.Tensor):
        pass

    x = tallow.arange(6.0).view(2, 3).t().as_subclass(Field)
    made = copy.deepcopy(x)
    assert type(made) is Field
    assert made.stride() == (1, 3)


def test_deepcopy_of_a_result_is_refused() -> None:
    with pytest.raises(RuntimeError, match=r"^Only Tensors created explicitly by the user"):
        copy.deepcopy(leaf() * 2)


def test_pickle_round_trip() -> None:
    x = tallow.arange(6.0).view(2, 3).t().requires_grad_()
    made = pickle.loads(pickle.dumps(x))
    assert made.tolist() == x.tolist()
    assert made.stride() == x.stride()
    assert made.requires_grad


def test_hooks_are_registered_and_removed() -> None:
    x = leaf()
    handle = x.register_hook(lambda grad: grad * 10)
    (x * 2).sum().backward()
    handle.remove()
    (x * 2).sum().backward()
    assert x.grad.tolist() == [22, 22]
    with pytest.raises(RuntimeError, match=r"^cannot register a hook on a tensor that doesn't"):
        o(1).register_hook(print)


def test_post_accumulate_hook() -> None:
    log = []
    x = leaf()
    x.register_post_accumulate_grad_hook(lambda t: log.append(t.grad.tolist()))
    (x * 2).sum().backward()
    assert log == [[2, 2]]
    with pytest.raises(RuntimeError, match=r"^post accumulate grad hooks cannot be registered"):
        (x * 2).register_post_accumulate_grad_hook(print)


def test_type_names_and_converts() -> None:
    package = repr(tallow.float32).partition(".")[0]
    assert o(1).type() == f"{package}.FloatTensor"
    assert o(1).type(tallow.float64).dtype == tallow.float64
    assert o(1).type("torch.LongTensor").dtype == tallow.int64
    assert o(1).type(tallow.IntTensor).dtype == tallow.int32
    x = o(1)
    assert x.type(tallow.float32) is x
    with pytest.raises(ValueError, match="invalid type: 'foo'"):
        o(1).type("foo")


def test_legacy_constructor_copies_arrays() -> None:
    numpy = pytest.importorskip("numpy")
    array = numpy.array([[1.0, 2.5]])
    copy = tallow.Tensor(array)
    assert copy.dtype == tallow.float32
    assert copy.tolist() == [[1, 2.5]]
    assert tallow.Tensor(numpy.arange(3)).tolist() == [0, 1, 2]
    assert tallow.Tensor(numpy.array([7])).tolist() == [7]
    assert tallow.Tensor(numpy.array(3)).shape == (3,)  # no dimensions: a size


def test_legacy_types_create_and_test() -> None:
    assert tallow.FloatTensor(2, 3).shape == (2, 3)
    assert tallow.LongTensor([1.5, 2]).tolist() == [1, 2]
    assert tallow.FloatTensor().shape == (0,)
    assert isinstance(o(1), tallow.FloatTensor)
    assert not isinstance(o(1), tallow.LongTensor)
    assert not isinstance(o(1), tallow.cuda.FloatTensor)
    with pytest.raises(TypeError, match="not available"):
        tallow.cuda.FloatTensor([1])
    with pytest.raises(TypeError):
        tallow.FloatTensor(o(1).double())


def test_new_keeps_the_dtype() -> None:
    x = o(1).double()
    assert x.new(2, 3).dtype == tallow.float64
    assert x.new([1, 2]).tolist() == [1, 2]
    assert x.new().shape == (0,)
    assert x.new(tallow.Size([2, 2])).shape == (2, 2)


def test_cuda_says_that_there_is_none() -> None:
    with pytest.raises(AssertionError, match=r"^Torch not compiled with CUDA enabled: .*pip inst"):
        o(1).cuda()
    with pytest.raises((AssertionError, RuntimeError), match="CUDA"):
        o(1).to("cuda")


def test_other_device_requests() -> None:
    with pytest.raises(RuntimeError, match="when none is available"):
        o(1).pin_memory()
    with pytest.raises(AttributeError, match="on non-CUDA tensor type"):
        o(1).__cuda_array_interface__


def test_shared_memory_is_seen_by_forked_processes() -> None:
    x = o(3)
    assert not x.is_shared()
    assert x.share_memory_() is x
    assert x.is_shared()
    child = os.fork()
    if child == 0:
        x[1] = 7
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert x.tolist() == [1, 7, 1]


def test_a_subclass_stays_one_through_operations() -> None:
    class Field(tallow.Tensor):
        pass

    x = tallow.arange(4.0).as_subclass(Field)
    for result in (x + 1, 1 + x, x.exp(), x[0], x.split(2)[0], x.max(0).values, x.clone()):
        assert type(result) is Field
    assert type(x.tolist()) is list


def test_typename() -> None:
    package = repr(tallow.float32).partition(".")[0]
    assert tallow.typename(o(1)) == f"{package}.FloatTensor"
    assert tallow.typename(3) == "int"
    assert tallow.typename(tallow.nn.Linear) == f"{package}.nn.modules.linear.Linear"


def test_predicates() -> None:
    x = o(2, 3)
    assert tallow.is_tensor(x)
    assert not tallow.is_tensor(3)
    assert tallow.numel(x) == 6
    assert tallow.is_floating_point(x)
    assert not tallow.is_complex(x)
    assert tallow.is_signed(x)
    assert not tallow.is_inference(x)
    assert tallow.get_device(x) == -1
    assert tallow.is_nonzero(tallow.tensor([2]))
    assert tallow.is_storage(x.untyped_storage())
    with pytest.raises(
        TypeError, match=r"^numel\(\): argument 'input' \(position 1\) must be Tensor"
    ):
        tallow.numel(3)


def test_limits_of_formats_are_read_only_and_cannot_be_inherited() -> None:
    for info in (tallow.finfo(tallow.float32), tallow.iinfo(tallow.int8)):
        before = info.max
        with pytest.raises(
            AttributeError, match=r"^attribute 'max' of 'tallow\..info' objects is no"
        ):
            info.max = 1
        with pytest.raises(AttributeError, match=r"^'tallow\..info' object has no attribute 'foo'"):
            info.foo = 1
        with pytest.raises(AttributeError):
            del info.max
        assert info.max == before
        assert copy.copy(info) == copy.deepcopy(info) == pickle.loads(pickle.dumps(info)) == info
        with pytest.raises(TypeError, match="is not an acceptable base type"):
            type("Mine", (type(info),), {})


def test_the_default_of_finfo_follows_the_default_dtype() -> None:
    assert tallow.finfo().dtype == "float32"
    tallow.set_default_dtype(tallow.float64)
    try:
        assert tallow.finfo().dtype == "float64"
    finally:
        tallow.set_default_dtype(tallow.float32)


def test_finfo_and_iinfo() -> None:
    info = tallow.finfo(tallow.float32)
    assert (info.bits, info.eps, info.tiny) == (32, 2.0**-23, 2.0**-126)
    assert info.max == 3.4028234663852886e38
    assert repr(info).startswith("finfo(resolution=1e-06, min=-3.40282e+38")
    assert tallow.finfo() == info
    assert tallow.finfo(tallow.complex128).dtype == "float64"
    assert tallow.iinfo(tallow.int8).min == -128
    assert tallow.iinfo(tallow.uint8).max == 255
    with pytest.raises(TypeError, match="requires a floating point input type"):
        tallow.finfo(tallow.int32)
    with pytest.raises(TypeError, match="requires an integer input type"):
        tallow.iinfo(tallow.float32)
    with pytest.raises(TypeError, match="must be"):
        tallow.finfo("float32")


def test_an_array_on_the_right_of_a_tensor_is_an_operand() -> None:
    array = np.array([1.0, 3.0])
    total = tallow.ones(2) + array
    assert total.dtype == tallow.float64
    assert total.tolist() == [2.0, 4.0]
    assert (tallow.ones(2) == array).tolist() == [True, False]
    assert (array == tallow.ones(2)).tolist() == [True, False]


def test_a_function_names_the_type_it_does_not_take() -> None:
    with pytest.raises(TypeError, match=r"must be Tensor, not numpy\.ndarray"):
        tallow.add(tallow.ones(2), np.ones(2))
    with pytest.raises(TypeError, match=r"must be Tensor, not tallow\.Size"):
        tallow.add(tallow.ones(2), tallow.Size([2]))


def test_a_product_with_an_array_on_the_right() -> None:
    x = tallow.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=tallow.float64)
    product = x @ np.eye(2)
    assert isinstance(product, tallow.Tensor)
    assert product.tolist() == x.tolist()


@pytest.mark.parametrize("other", [2.0, [1.0], "a", None])
def test_a_matrix_product_takes_tensors_only(other: object) -> None:
    with pytest.raises(TypeError, match=r"^unsupported operand type\(s\) for @: 'Tensor' and"):
        tallow.ones(2, 2) @ other  # type: ignore[operator]
    with pytest.raises(TypeError):
        other @ tallow.ones(2, 2)  # type: ignore[operator]


@pytest.mark.parametrize("other", [[1.0], "a", None])
def test_adding_in_place_what_is_no_number_raises(other: object) -> None:
    x = tallow.ones(2)
    with pytest.raises(TypeError, match=r"^unsupported operand type\(s\) for \+"):
        x += other  # type: ignore[operator]
    assert x.tolist() == [1, 1]


def test_without_grad_mode_arrays_share_the_memory_of_leaves() -> None:
    np = pytest.importorskip("numpy")
    leaf = tallow.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="Can't call numpy"):
        leaf.numpy()
    with tallow.no_grad():
        leaf.numpy()[0] = 5
        assert np.asarray(leaf).tolist() == [5, 1]
    assert leaf.tolist() == [5, 1]


def test_size_takes_what_stands_for_an_integer() -> None:
    made = tallow.Size([tallow.tensor(3), True, tallow.tensor([2])])
    assert made == (3, 1, 2)
    assert [type(size) for size in made] == [int, int, int]
    for wrong in (tallow.tensor(3.5), 2.5, "2", tallow.tensor([1, 2])):
        with pytest.raises(TypeError, match="takes an iterable of 'int'"):
            tallow.Size([wrong])
