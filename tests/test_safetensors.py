"""Files of the safetensors format: round trips, the bytes, and files that are not right."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest

import tallow
from tallow.safetensors import SafetensorError, safe_open
from tallow.safetensors.torch import load, load_file, load_model, save, save_file, save_model

DTYPES = [
    "bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64",
    "complex64", "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz",
    "float8_e5m2fnuz", "float8_e8m0fnu",
]  # fmt: skip


def some_tensors():
    tensors = {name: tallow.ones(2, 3).to(getattr(tallow, name)) for name in DTYPES}
    return {**tensors, "empty": tallow.zeros(0, 3), "scalar": tallow.tensor(1.5)}


def test_every_dtype_comes_back(tmp_path):
    tensors = some_tensors()
    save_file(tensors, tmp_path / "x.safetensors", metadata={"format": "pt"})
    for loaded in (load_file(tmp_path / "x.safetensors"), load(save(tensors))):
        assert loaded.keys() == tensors.keys()
        for name, tensor in tensors.items():
            assert loaded[name].dtype == tensor.dtype
            assert loaded[name].shape == tensor.shape
            assert tallow.equal(loaded[name], tensor)


def test_the_bytes_are_those_of_the_format():
    data = save({"b": tallow.tensor([1, 2], dtype=tallow.int16), "a": tallow.tensor([1.0])})
    length = int.from_bytes(data[:8], "little")
    assert length % 8 == 0
    assert json.loads(data[8 : 8 + length]) == {
        "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
        "b": {"dtype": "I16", "shape": [2], "data_offsets": [4, 8]},
    }
    assert data[8 + length :] == b"\0\0\x80\x3f\1\0\2\0"


def test_types_are_in_the_order_of_the_formats_own_writer():
    names = ["f64", "i64", "u8", "f16", "bf16", "f8_e4m3", "bool", "u64"]
    kinds = ["float64", "int64", "uint8", "float16", "bfloat16", "float8_e4m3fn", "bool", "uint64"]
    data = save(
        {n: tallow.ones(1, dtype=getattr(tallow, k)) for n, k in zip(names, kinds, strict=True)}
    )
    length = int.from_bytes(data[:8], "little")
    written = list(json.loads(data[8 : 8 + length]))
    assert written == ["u64", "i64", "f64", "bf16", "f16", "f8_e4m3", "u8", "bool"]


def test_changes_of_loaded_tensors_stay_in_memory(tmp_path):
    path = tmp_path / "x.safetensors"
    save_file({"x": tallow.zeros(4)}, path)
    load_file(path)["x"].add_(1)
    assert load_file(path)["x"].tolist() == [0, 0, 0, 0]


def test_open_files(tmp_path):
    path = tmp_path / "x.safetensors"
    save_file({"x": tallow.arange(6).view(2, 3)}, path, metadata={"k": "v"})
    with safe_open(path, framework="pt", device="cpu") as file:
        assert file.metadata() == {"k": "v"}
        assert file.get_slice("x").get_shape() == [2, 3]
        assert file.get_slice("x").get_dtype() == "I64"
        assert file.get_slice("x")[1:, 0].tolist() == [3]
        with pytest.raises(SafetensorError, match="File does not contain tensor y"):
            file.get_tensor("y")
        kept = file.get_tensor("x")
    assert kept.tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(SafetensorError, match="File is closed"):
        file.get_tensor("x")
    with pytest.raises(SafetensorError, match="framework 'np' is not supported"):
        safe_open(path, framework="np")


def test_what_cannot_be_saved_is_refused(tmp_path):
    tensor = tallow.ones(2, 3)
    for bad, message in [
        ({"x": tensor.t()}, "You are trying to save a non contiguous tensor: `x`"),
        ({"x": [1]}, "Key `x` is invalid, expected torch.Tensor"),
        ([tensor], r"Expected a dict of \[str, torch.Tensor\]"),
        ({"__metadata__": tensor}, "Key `__metadata__` is invalid"),
    ]:
        with pytest.raises(ValueError, match="^" + message):
            save_file(bad, tmp_path / "x")
    with pytest.raises(RuntimeError, match="^Some tensors share memory"):
        save({"x": tensor, "y": tensor.view(6)})
    assert not list(tmp_path.iterdir())


class Tied(tallow.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = tallow.nn.Embedding(4, 3)
        self.head = tallow.nn.Linear(3, 4)
        self.head.weight = self.embed.weight


def test_modules_with_tied_weights(tmp_path):
    first, second = Tied(), Tied()
    save_model(first, tmp_path / "x")
    assert set(load_file(tmp_path / "x")) == {"embed.weight", "head.bias"}
    assert load_model(second, tmp_path / "x") == ([], [])
    assert tallow.equal(second.head.weight, first.embed.weight)
    with pytest.raises(RuntimeError, match=r"^Error\(s\) in loading state_dict for Linear"):
        load_model(tallow.nn.Linear(3, 4), tmp_path / "x")
    missing, unexpected = load_model(tallow.nn.Linear(3, 4), tmp_path / "x", strict=False)
    assert sorted(missing) == ["bias", "weight"]
    assert sorted(unexpected) == ["embed.weight", "head.bias"]


def file_of(header: object, data: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(1,), offsets=(0, 4), **more):
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\1\2\3",
        (1 << 63).to_bytes(8, "little"),
        (9).to_bytes(8, "little") + b"{}",
        file_of(b"[]"),
        file_of(b"{"),
        file_of(b"\xff\xfe"),
        file_of(b"{" * 90_000),
        file_of(b'{"a":' * 90_000),
        file_of({"x": 3}),
        file_of({"x": entry("F33")}, bytes(4)),
        file_of({"x": entry(shape=[-1])}, bytes(4)),
        file_of({"x": entry(shape=[True])}, bytes(4)),
        file_of({"x": entry(shape=[1 << 62, 1 << 62], offsets=[0, 0])}),
        file_of({"x": entry(offsets=[4, 0])}, bytes(4)),
        file_of({"x": entry(offsets=[4, 8])}, bytes(8)),
        file_of({"x": entry()}, bytes(3)),
        file_of({"x": entry()}, bytes(5)),
        file_of({"x": entry(), "y": entry()}, bytes(4)),
        file_of({"x": entry(more=1)}, bytes(4)),
        file_of({"__metadata__": {"a": 1}}),
        file_of(b'{"x":1,"x":2}'),
    ],
    ids=range(22),
)
def test_files_that_are_not_right_are_refused(data, tmp_path):
    with pytest.raises(SafetensorError):
        load(data)
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(SafetensorError):
        load_file(tmp_path / "x")


def test_bytes_that_are_not_aligned_are_copied():
    assert load(file_of({"x": entry()}, b"\0\0\x80\x3f"))["x"].tolist() == [1.0]
    assert load(file_of(b'{ "x":' + json.dumps(entry()).encode() + b"}", b"\0\0\x80\x3f"))


def test_changed_files_load_or_raise(tmp_path):
    whole = save(some_tensors())
    draw = random.Random(0)
    for _ in range(2000):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        if draw.random() < 0.1:
            del data[draw.randrange(len(data)) :]
        try:
            for tensor in load(bytes(data)).values():
                tensor.clone()
        except SafetensorError:
            pass


def test_programs_that_import_safetensors_run_in_alias_mode(tmp_path):
    code = (
        "import torch; from safetensors.torch import save_file, load_file\n"
        "from safetensors import safe_open\n"
        f"path = {str(tmp_path / 'x')!r}\n"
        "save_file({'x': torch.arange(3)}, path); print(load_file(path))"
    )
    done = subprocess.run(
        [sys.executable, "-m", "tallow", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stdout == "{'x': tensor([0, 1, 2])}\n", done.stderr
