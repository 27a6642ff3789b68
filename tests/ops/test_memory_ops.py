"""Operations on memory rather than on values: copies, sharing, resizing, and questions of type."""

from __future__ import annotations

import pytest

import tallow


def test_copy_broadcasts_and_converts():
    target = tallow.zeros(2, 3, dtype=tallow.int64)
    assert target.copy_(tallow.tensor([1.9, -2.9, 3.0])) is target
    assert target.tolist() == [[1, -2, 3], [1, -2, 3]]


def test_copy_of_a_larger_source_raises():
    with pytest.raises(RuntimeError, match="must match the size of tensor b"):
        tallow.zeros(2).copy_(tallow.ones(3))


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3)])
def test_zero_and_fill_write_everywhere(shape):
    x = tallow.ones(shape)
    x.fill_(7)
    assert (x == 7).all()
    x.zero_()
    assert (x == 0).all()


def test_zero_writes_only_the_view():
    x = tallow.ones(4)
    x[::2].zero_()
    assert x.tolist() == [0, 1, 0, 1]


def test_resize_keeps_what_still_fits():
    x = tallow.arange(6)
    assert x.resize_(2, 2).tolist() == [[0, 1], [2, 3]]
    assert x.resize_(3, 4).shape == (3, 4)
    assert x.reshape(-1)[:4].tolist() == [0, 1, 2, 3]


def test_resize_of_a_tensor_that_requires_grad_raises():
    with pytest.raises(RuntimeError, match="cannot resize variables that require grad"):
        tallow.ones(2, requires_grad=True).resize_(3)


def test_set_shares_the_source():
    x, y = tallow.zeros(1), tallow.ones(2, 2)
    x.set_(y)
    assert x.is_set_to(y)
    y[0, 0] = 5
    assert x.tolist() == [[5, 1], [1, 1]]


def test_set_sees_a_storage():
    source = tallow.arange(6.0)
    storage = source.untyped_storage()
    x = tallow.empty(0)
    assert x.set_(storage) is x
    assert x.tolist() == source.tolist()
    assert x.set_(storage, 1, (2, 2)).tolist() == [[1, 2], [3, 4]]
    assert x.set_(storage, 1, (2, 2), (1, 2)).tolist() == [[1, 3], [2, 4]]
    assert x.set_(source, 2, 2, (2,)).tolist() == [2, 4]
    x[0] = 9
    assert source[2] == 9
    assert tallow.empty(0).set_(tallow.TypedStorage([1.0, 2.0])).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((tallow.ones(2),), RuntimeError, "Could not set tensor of type"),
        ((tallow.TypedStorage([1.0]),), RuntimeError, "Expected a Storage of type"),
        ((3,), TypeError, "must be Tensor or Storage, not int"),
        ((tallow.ones(2).untyped_storage(), 1, (2, 2)), RuntimeError, "out of bounds"),
        ((tallow.ones(2).untyped_storage(), -1, (1,)), RuntimeError, "storage offset"),
        ((tallow.ones(2).untyped_storage(), 0, (1,), (1, 1)), RuntimeError, "mismatch in length"),
    ],
)
def test_set_refuses_what_does_not_fit(arguments, error, message):
    x = tallow.zeros(3, dtype=tallow.int32)
    with pytest.raises(error, match=message):
        x.set_(*arguments)
    assert x.tolist() == [0, 0, 0]


def test_is_same_size_compares_shapes():
    assert tallow.ones(2, 3).is_same_size(tallow.zeros(2, 3, dtype=tallow.int8))
    assert not tallow.is_same_size(tallow.ones(2), tallow.ones(2, 1))


def test_type_questions():
    assert tallow.promote_types(tallow.uint8, tallow.int8) == tallow.int16
    assert tallow.promote_types(tallow.float16, tallow.bfloat16) == tallow.float32
    assert tallow.result_type(tallow.ones(2, dtype=tallow.int32), 1.5) == tallow.float32
    assert tallow.can_cast(tallow.int32, tallow.float16)
    assert not tallow.can_cast(tallow.float32, tallow.int64)


# ---- Volumes with the channels behind the sizes.


def test_volumes_can_have_their_channels_last() -> None:
    order = tallow.channels_last_3d
    x = tallow.arange(2 * 3 * 2 * 4 * 5).view(2, 3, 2, 4, 5)
    strides = (120, 1, 60, 15, 3)
    made = (
        x.contiguous(memory_format=order),
        x.to(memory_format=order),
        x.clone(memory_format=order),
        x.float().to(tallow.int64, memory_format=order),
    )
    for y in made:
        assert y.stride() == strides
        assert y.equal(x)
        assert y.is_contiguous(memory_format=order)
        assert not y.is_contiguous()
        assert y.contiguous(memory_format=order) is y
    assert tallow.empty(2, 3, 2, 4, 5, memory_format=order).stride() == strides
    assert tallow.empty_like(x, memory_format=order).stride() == strides
    assert (made[0] + 1).stride() == strides
    assert not x.is_contiguous(memory_format=order)
    assert not tallow.ones(2, 3, 4, 4).is_contiguous(memory_format=order)


def test_layers_of_volumes_take_the_order() -> None:
    layer = tallow.nn.Conv3d(3, 4, 2).to(memory_format=tallow.channels_last_3d)
    assert layer.weight.is_contiguous(memory_format=tallow.channels_last_3d)
    x = tallow.rand(2, 3, 4, 4, 4)
    expected = tallow.nn.functional.conv3d(x, layer.weight.contiguous(), layer.bias)
    found = layer(x.contiguous(memory_format=tallow.channels_last_3d))
    tallow.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("order", "rank"), [(tallow.channels_last, 4), (tallow.channels_last_3d, 5)]
)
def test_orders_are_refused_for_other_ranks(order: tallow.memory_format, rank: int) -> None:
    for dims in {3, 4, 5} - {rank}:
        with pytest.raises(RuntimeError, match=f"required rank {rank} tensor to use channels_last"):
            tallow.ones((2,) * dims).contiguous(memory_format=order)
