"""Storages, tensors over foreign memory, and pickles of tensors outside of files."""

from __future__ import annotations

import pickle

import pytest

import tallow
from tallow import nn
from tallow.storage import TypedStorage, UntypedStorage


def test_untyped_storage_is_a_sequence_of_bytes():
    tensor = tallow.tensor([1, 258], dtype=tallow.int16)
    storage = tensor.untyped_storage()
    assert storage.tolist() == list(storage) == [1, 0, 2, 1]
    assert (storage.size(), len(storage), storage[-1], storage[1:3].tolist()) == (4, 4, 1, [0, 2])
    storage[0] = 3
    storage[1:3].fill_(0)
    assert tensor.tolist() == [3, 256]
    assert storage.clone().data_ptr() != storage.data_ptr()
    with pytest.raises(IndexError, match="index 9 out of range for storage of size 4"):
        storage[9]
    with pytest.raises(RuntimeError, match="size does not match, self was 4 bytes but src was 2"):
        storage.copy_(UntypedStorage(2))
    assert pickle.loads(pickle.dumps(storage)).tolist() == storage.tolist()


def test_typed_storage_is_a_sequence_of_elements():
    storage = tallow.arange(3.0).storage()
    assert isinstance(storage, TypedStorage)
    storage[1] = 7.0
    assert storage.tolist() == [0, 7, 2]
    assert (len(storage), storage.nbytes(), storage.element_size(), storage[-1]) == (3, 12, 4, 2)
    assert storage.type().endswith(".FloatStorage")
    assert TypedStorage([1, 2], dtype=tallow.int8).clone().fill_(5).tolist() == [5, 5]
    assert pickle.loads(pickle.dumps(storage)).tolist() == [0, 7, 2]
    with pytest.raises(RuntimeError, match="slices are only supported in UntypedStorage"):
        storage[:2]


def test_frombuffer_shares_writable_and_copies_read_only_memory():
    memory = bytearray(range(8))
    tensor = tallow.frombuffer(memory, dtype=tallow.int16, count=2, offset=4)
    assert tensor.tolist() == [0x0504, 0x0706]
    tensor[0] = 0
    assert memory[4:6] == b"\0\0"
    with pytest.raises(BufferError):
        memory.clear()
    data = b"abcd"
    tallow.frombuffer(data, dtype=tallow.uint8).fill_(0)
    assert data == b"abcd"


def test_frombuffer_holds_the_buffer_as_long_as_its_memory_is_used():
    memory = bytearray(8)
    part = tallow.frombuffer(memory, dtype=tallow.uint8)[2:4]
    with pytest.raises(BufferError):
        memory.append(0)
    del part
    memory.append(0)


@pytest.mark.parametrize(
    ("buffer", "message"),
    [
        (3, "object does not implement Python buffer protocol."),
        (memoryview(bytearray(8))[::2], "frombuffer(): the memory of the buffer is not contiguous"),
        (b"", "both buffer length (0) and count (-1) must not be 0"),
    ],
)
def test_frombuffer_refuses_what_is_no_memory(buffer, message):
    with pytest.raises(ValueError) as error:
        tallow.frombuffer(buffer, dtype=tallow.uint8)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"offset": 2}, "buffer length (14 bytes) after offset (2 bytes) must be a multiple of"),
        ({"count": 9}, "requested buffer length (9 * 4 bytes) after offset (0 bytes) must not"),
        ({"offset": 99}, "offset (99 bytes) must be non-negative and no greater than buffer"),
        ({"count": 0}, "both buffer length (16) and count (0) must not be 0"),
    ],
)
def test_frombuffer_errors(options, message):
    with pytest.raises(ValueError) as error:
        tallow.frombuffer(bytearray(16), dtype=tallow.int32, **options)
    assert str(error.value).startswith(message)


def test_old_names_of_storages():
    storage = tallow.FloatStorage([1, 2])
    assert type(storage) is TypedStorage
    assert storage.dtype == tallow.float32
    assert isinstance(tallow.arange(3).storage(), tallow.LongStorage)
    assert not isinstance(storage, tallow.LongStorage)
    assert len(tallow.BoolStorage(3)) == 3
    with pytest.raises(AttributeError):
        tallow.storage.NoStorage


def test_a_storage_from_a_file(tmp_path):
    path = tmp_path / "bytes"
    path.write_bytes(b"abc")
    private = UntypedStorage.from_file(str(path), shared=False, nbytes=3)
    private[0] = 0
    assert path.read_bytes() == b"abc"
    shared = UntypedStorage.from_file(str(path), shared=True, nbytes=2)
    shared[0] = ord("x")
    assert path.read_bytes() == b"xbc"


def test_tensors_and_parameters_pickle_and_copy():
    parameter = nn.Parameter(tallow.ones(2))
    for again in pickle.loads(pickle.dumps([parameter, tallow.ones(2, requires_grad=True)])):
        assert again.requires_grad
        assert again.tolist() == [1, 1]
    assert type(pickle.loads(pickle.dumps(parameter))) is nn.Parameter
