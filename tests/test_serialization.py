"""Saving and loading: PyTorch's format both ways, restricted loads, damaged files, safe writing."""

from __future__ import annotations

import collections
import gc
import io
import os
import pickle
import random
import stat
import subprocess
import sys
import zipfile
from typing import Any

import pytest

import tallow
from tallow import nn, serialization
from tallow._serialization.archive import ArchiveError, ArchiveReader, ArchiveWriter
from tallow.storage import UntypedStorage

DTYPES = [
    *("float32", "float64", "float16", "bfloat16", "complex64", "complex128"),
    *("int64", "int32", "int16", "int8", "uint8", "bool", "uint16", "uint32", "uint64"),
    *("float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu"),
]


def saved(obj: Any, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    tallow.save(obj, file, **options)
    file.seek(0)
    return file


def round_trip(obj: Any, **options: Any) -> Any:
    return tallow.load(saved(obj), **options)


class Custom:
    def __init__(self) -> None:
        self.value = 3


# ---- what comes back


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (17,), (2, 3, 4)])
def test_tensors_of_every_dtype_and_shape(dtype, shape):
    tensor = (tallow.arange(24)[: tallow.ones(shape).numel()] % 2).view(shape)
    tensor = tensor.to(getattr(tallow, dtype))
    again = round_trip(tensor)
    assert again.dtype == tensor.dtype
    assert again.shape == tensor.shape
    assert tallow.equal(again, tensor)


def test_views_keep_sharing_and_bring_the_whole_storage():
    base = tallow.arange(10.0)
    a, b, t = round_trip([base, base[2:4], base.view(2, 5).t()])
    a[2] = 99
    assert b[0] == 99
    assert t[2, 0] == 99
    assert b.storage_offset() == 2
    assert t.stride() == (1, 5)
    assert b.untyped_storage().nbytes() == 40


def test_plain_objects():
    obj = [1, -5, 1 << 80, 2.5, True, None, "é", b"ab", (1, (2, 3)), {1, 2}, {"k": [1]}, 1 + 2j]
    assert round_trip(obj) == obj


def test_dtypes_sizes_devices_and_counters():
    obj = [tallow.bfloat16, tallow.Size([1, 2]), tallow.device("cpu"), collections.Counter("aab")]
    assert round_trip(obj) == obj
    assert type(round_trip(obj)[1]) is tallow.Size


def test_state_dict_keeps_order_and_metadata():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    state = net.state_dict()
    again = round_trip(state)
    assert type(again) is collections.OrderedDict
    assert list(again) == list(state)
    assert again._metadata == state._metadata
    net.load_state_dict(again)


def test_parameters_and_gradients_flags():
    parameter = nn.Parameter(tallow.ones(2), requires_grad=False)
    again = round_trip([parameter, tallow.ones(1, requires_grad=True)])
    assert type(again[0]) is nn.Parameter
    assert not again[0].requires_grad
    assert again[1].requires_grad
    assert again[1].is_leaf


def test_attributes_of_tensors():
    tensor = tallow.ones(2)
    tensor.note = "kept"
    assert round_trip(tensor).note == "kept"


def test_subclasses_need_permission():
    file = saved(tallow.ones(2).as_subclass(MyTensor))
    with pytest.raises(pickle.UnpicklingError, match="MyTensor"):
        tallow.load(file)
    file.seek(0)
    with serialization.safe_globals([MyTensor]):
        assert type(tallow.load(file)) is MyTensor


class MyTensor(tallow.Tensor):
    pass


def test_meta_tensors_have_no_bytes():
    again = round_trip(tallow.ones(3, 2, device="meta"))
    assert again.is_meta
    assert again.shape == (3, 2)


def test_storages():
    tensor = tallow.arange(3.0)
    untyped, typed = round_trip([tensor.untyped_storage(), tensor.storage()])
    assert isinstance(untyped, UntypedStorage)
    assert typed.tolist() == [0, 1, 2]
    assert typed.data_ptr() == untyped.data_ptr()


def test_optimizer_and_whole_modules():
    net = nn.Linear(2, 1)
    optimizer = tallow.optim.Adam(net.parameters())
    net(tallow.ones(1, 2)).sum().backward()
    optimizer.step()
    state = round_trip(optimizer.state_dict())
    assert tallow.equal(state["state"][0]["exp_avg"], optimizer.state_dict()["state"][0]["exp_avg"])
    again = round_trip(net, weights_only=False)
    assert tallow.equal(again.weight, net.weight)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("weights_only", [True, False])
def test_pickle_protocols(protocol, weights_only):
    obj = {"a": tallow.ones(2), "b": b"x", "c": bytearray(b"y"), "d": frozenset([1]), "e": ()}
    again = tallow.load(saved(obj, pickle_protocol=protocol), weights_only=weights_only)
    assert again.pop("a").tolist() == [1, 1]
    del obj["a"]
    assert again == obj


def test_the_same_bytes_under_two_types_cannot_be_saved():
    tensor = tallow.ones(4)
    with pytest.raises(RuntimeError, match="Cannot save multiple tensors or storages that view"):
        saved([tensor, tensor.view(tallow.int32)])


# ---- PyTorch reads ours, we read PyTorch's


def everything(library: Any) -> dict[str, Any]:
    base = library.arange(10.0)
    return {
        "base": base,
        "view": base[2:5],
        "transposed": base.view(2, 5).t(),
        "half": library.ones(3).half(),
        "brain": library.ones(3, dtype=library.bfloat16),
        "complex": library.ones(2, dtype=library.complex64),
        "tokens": library.tensor([1, 65535], dtype=library.uint16),
        "wide": [library.ones(2, dtype=kind) for kind in (library.uint32, library.uint64)],
        "eight bits": library.ones(6).to(library.float8_e4m3fn)[1:5:2],
        "others": [
            library.ones(2).to(getattr(library, f"float8_{kind}"))
            for kind in ("e5m2", "e4m3fnuz", "e5m2fnuz", "e8m0fnu")
        ],
        "empty": library.empty(0, 3),
        "scalar": library.tensor(3),
        "bools": library.tensor([True, False]),
        "parameter": library.nn.Parameter(library.ones(2)),
        "module": library.nn.BatchNorm1d(3).state_dict(),
        "plain": [1, 2.5, "é", b"ab", (1, 2), {1}, None, True],
        "dtype": library.bfloat16,
        "size": library.Size([1, 2]),
        "device": library.device("cpu"),
        "meta": library.ones(2, device="meta"),
    }


def described(obj: Any) -> Any:
    """Say what an object is in words that do not depend on the library."""
    if hasattr(obj, "stride") and hasattr(obj, "storage_offset"):
        values = "meta" if obj.is_meta else obj.tolist()
        kind = (type(obj).__name__, str(obj.dtype).split(".")[1], bool(obj.requires_grad))
        return [*kind, list(obj.shape), list(obj.stride()), obj.storage_offset(), values]
    if isinstance(obj, dict):
        rest = getattr(obj, "_metadata", None)
        return [type(obj).__name__, {key: described(item) for key, item in obj.items()}, rest]
    if type(obj) in (list, tuple):
        return [described(item) for item in obj]
    return str(obj).replace("tallow.", "torch.")


@pytest.mark.parametrize("options", [{}, {"mmap": True}, {"weights_only": False}], ids=str)
def test_pytorch_loads_our_files(torch, tmp_path, options):
    tallow.save(everything(tallow), tmp_path / "ours.pt")
    theirs = torch.load(tmp_path / "ours.pt", **options)
    assert described(theirs) == described(everything(torch))
    theirs["base"][2] = 99
    assert theirs["view"][0] == 99


@pytest.mark.parametrize("options", [{}, {"mmap": True}, {"weights_only": False}], ids=str)
@pytest.mark.parametrize("protocol", [2, 5])
def test_we_load_pytorchs_files(torch, tmp_path, options, protocol):
    torch.save(everything(torch), tmp_path / "theirs.pt", pickle_protocol=protocol)
    ours = tallow.load(tmp_path / "theirs.pt", **options)
    assert described(ours) == described(everything(tallow))
    ours["base"][2] = 99
    assert ours["view"][0] == 99


@pytest.mark.parametrize("weights_only", [True, False])
def test_we_load_files_of_the_old_format(torch, tmp_path, weights_only):
    obj = everything(torch)
    torch.save(obj, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    ours = tallow.load(tmp_path / "old.pt", weights_only=weights_only)
    assert described(ours) == described(everything(tallow))
    with pytest.raises(RuntimeError, match="mmap can only be used with files saved with"):
        tallow.load(tmp_path / "old.pt", mmap=True)


def test_whole_modules_and_optimizers_cross_over(torch, tmp_path):
    theirs = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    torch.save(theirs, tmp_path / "module.pt")
    ours = tallow.load(tmp_path / "module.pt", weights_only=False)
    assert type(ours) is nn.Sequential
    assert ours(tallow.ones(1, 2)).tolist()[0] == pytest.approx(
        theirs(torch.ones(1, 2)).tolist()[0]
    )
    tallow.save(nn.Linear(2, 3), tmp_path / "ours.pt")
    assert type(torch.load(tmp_path / "ours.pt", weights_only=False)) is torch.nn.Linear
    optimizer = tallow.optim.Adam(ours.parameters())
    ours(tallow.ones(1, 2)).sum().backward()
    optimizer.step()
    tallow.save(optimizer.state_dict(), tmp_path / "optimizer.pt")
    adam = torch.optim.Adam(theirs.parameters())
    adam.load_state_dict(torch.load(tmp_path / "optimizer.pt"))
    assert adam.state_dict()["state"][0]["step"] == 1


def test_the_archive_is_laid_out_like_pytorchs(tmp_path):
    path = tmp_path / "model.v2.pt"
    tallow.save({"a": tallow.arange(6.0), "b": tallow.ones(3)}, path)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        names = [
            "data.pkl .format_version .storage_alignment byteorder data/0 data/1 version "
            ".data/serialization_id"
        ][0].split()
        assert archive.namelist() == [f"model.v2/{name}" for name in names]
        assert archive.read("model.v2/version") == b"3\n"
        assert archive.read("model.v2/byteorder") == b"little"
        data = path.read_bytes()
        for info in archive.infolist():
            start = data.index(archive.read(info), info.header_offset + 30 + len(info.filename))
            assert start % 64 == 0
    assert b"ctorch._utils\n_rebuild_tensor_v2\n" in data
    assert b"tallow" not in data


# ---- restricted loads


def test_classes_are_refused_by_default_and_can_be_allowed():
    file = saved(Custom())
    with pytest.raises(pickle.UnpicklingError) as error:
        tallow.load(file)
    text = str(error.value)
    assert text.startswith("Weights only load failed.")
    assert "weights_only" in text
    assert "Unsupported global: GLOBAL" in text
    assert "Custom was not an allowed global by default. Please use" in text
    file.seek(0)
    assert serialization.get_unsafe_globals_in_checkpoint(file) == [f"{__name__}.Custom"]
    with serialization.safe_globals([Custom]):
        assert serialization.get_unsafe_globals_in_checkpoint(file) == []
        assert tallow.load(file).value == 3
    assert serialization.get_safe_globals() == []
    serialization.add_safe_globals([(Custom, f"{__name__}.Custom")])
    try:
        file.seek(0)
        assert tallow.load(file).value == 3
    finally:
        serialization.clear_safe_globals()


class Evil:
    def __init__(self, function: Any, *args: Any) -> None:
        self.call = function, args

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize(
    "evil",
    [
        Evil(os.system, "touch pwned"),
        Evil(eval, "1"),
        Evil(getattr, "text", "upper"),
        Evil(print, "x"),
        Evil(bytearray, 1 << 40),
        Evil(tallow._utils._rebuild_from_type_v2, os.system, tallow.Tensor, ("true",), None),
    ],
)
def test_calls_are_refused(evil):
    with pytest.raises(pickle.UnpicklingError):
        tallow.load(saved(evil))


@pytest.mark.parametrize(
    "program",
    [
        b"\x80\x02ctorch\nnn.Linear\n.",
        b"\x80\x02ctorch._utils\n__builtins__\n.",
        b"\x80\x02cos\nsystem\n.",
        b"\x80\x02]K\x01K\x02s.",  # an item of a list
        b"\x80\x02}K\x01a.",  # appended to a dict
        b"\x80\x02K\x01}b.",  # the state of a number
        b"\x80\x02ccollections\nOrderedDict\n)R}X\x09\x00\x00\x00__class__K\x01sb.",
        b"\x80\x02h\x05.",  # an object that is not there
        b"\x80\x02X\xff\xff\xff\x7fabc.",  # longer than the file
        b"\x80\x02K\x01Q.",  # a storage named by a number
        b"\x80\x02(t",  # no end
        b"\x80\x02.",  # nothing
        b"\x80\x02i",  # an opcode that builds objects
        b"\x80\x02}]K\x01s.",  # a list as a key
    ],
)
def test_programs_that_data_does_not_need_are_refused(program):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", program)
    file.seek(0)
    with pytest.raises(pickle.UnpicklingError, match="^Weights only load failed"):
        tallow.load(file)


def tampered(change: Any) -> io.BytesIO:
    """A file whose one tensor is described by changed arguments."""
    file = io.BytesIO()

    class Changed:
        def __reduce__(self) -> Any:
            storage = tallow.arange(6.0).storage()
            args = {"offset": 0, "size": (2, 3), "stride": (3, 1), **change}
            return tallow._utils._rebuild_tensor_v2, (
                storage,
                args["offset"],
                args["size"],
                args["stride"],
                False,
                collections.OrderedDict(),
            )

    tallow.save(Changed(), file)
    file.seek(0)
    return file


@pytest.mark.parametrize(
    "change",
    [
        {"offset": 1},
        {"offset": -1},
        {"size": (3, 3)},
        {"stride": (4, 1)},
        {"stride": (-3, 1)},
        {"size": (2,)},
        {"size": (1 << 62, 4), "stride": (1, 1)},
        {"size": (-1, 3)},
        {"size": ("a", 3)},
        {"size": (2.0, 3)},
        {"offset": 1 << 70},
    ],
    ids=str,
)
def test_tensors_that_leave_their_storage_are_refused(change):
    with pytest.raises(pickle.UnpicklingError):
        tallow.load(tampered(change))


def test_an_expanded_tensor_is_legal():
    again = round_trip(tallow.ones(1).expand(1 << 40))
    assert again.shape == (1 << 40,)


@pytest.mark.parametrize("protocol", [2, 4])
def test_numpy_numbers_load(protocol):
    np = pytest.importorskip("numpy")
    obj = [np.float64(1.5), np.int32(3), np.bool_(True), np.arange(6.0).reshape(2, 3)]
    obj += [np.asfortranarray(np.ones((2, 2))), np.ones(2, ">f4"), np.dtype("f4"), np.zeros((0, 2))]
    again = tallow.load(saved(obj, pickle_protocol=protocol))
    for a, b in zip(again, obj, strict=True):
        assert type(a) is type(b)
        assert np.array_equal(a, b) if isinstance(b, np.ndarray) else a == b


def test_numpy_objects_are_refused():
    np = pytest.importorskip("numpy")
    for value in (np.array([object()]), np.array(["a"]), np.zeros(1, [("x", "f4")])):
        with pytest.raises(pickle.UnpicklingError, match="NumPy data of type"):
            tallow.load(saved(value))


# ---- arguments


def test_map_location():
    tensor = tallow.ones(2)
    seen = []

    def ask(storage: Any, location: str) -> Any:
        seen.append((storage.nbytes(), location))

    assert round_trip(tensor, map_location=ask).tolist() == [1, 1]
    assert seen == [(8, "cpu")]
    assert round_trip(tensor, map_location="meta").is_meta
    assert round_trip(tensor, map_location={"cpu": "meta"}).is_meta
    assert not round_trip(tensor, map_location=tallow.device("cpu")).is_meta
    with pytest.raises(RuntimeError, match="^Attempting to deserialize object on a CUDA device"):
        round_trip(tensor, map_location="cuda")
    with pytest.raises(RuntimeError, match="^don't know how to restore data location of"):
        round_trip(tensor, map_location="xyz")
    with pytest.raises(TypeError, match="'int' object is not callable"):
        round_trip(tensor, map_location=5)


def test_mmap_changes_stay_in_memory(tmp_path):
    path = tmp_path / "x.pt"
    tallow.save(tallow.arange(1000.0), path)
    mapped = tallow.load(path, mmap=True)
    mapped[0] = 7
    assert mapped[999] == 999
    assert tallow.load(path)[0] == 0
    with pytest.raises(ValueError, match="f must be a file path in order to use the mmap argument"):
        tallow.load(io.BytesIO(), mmap=True)


def test_an_own_pickle_module():
    assert tallow.load(saved(Custom(), pickle_module=pickle), pickle_module=pickle).value == 3
    with pytest.raises(RuntimeError, match="Can not safely load weights when explicit pickle_mod"):
        tallow.load(saved(1), pickle_module=pickle, weights_only=True)


def test_bad_file_arguments(tmp_path):
    with pytest.raises(AttributeError, match="expected 'f' to be string, path, or a file-like"):
        tallow.save(1, 5)
    with pytest.raises(AttributeError, match="'int' object has no attribute"):
        tallow.load(5)
    with pytest.raises(RuntimeError, match="^Parent directory .* does not exist."):
        tallow.save(1, tmp_path / "nowhere" / "x.pt")
    with pytest.raises(FileNotFoundError):
        tallow.load(tmp_path / "missing.pt")
    with pytest.raises(IsADirectoryError):
        tallow.save(1, tmp_path)
    with pytest.raises(NotImplementedError):
        tallow.save(1, tmp_path / "x", _use_new_zipfile_serialization=False)


def test_an_archive_inside_a_longer_file():
    file = io.BytesIO(b"before" + saved(tallow.ones(2)).getvalue())
    file.seek(6)
    assert tallow.load(file).tolist() == [1, 1]


def test_a_file_object_without_readinto():
    class Plain:
        def __init__(self, data: bytes) -> None:
            self._file = io.BytesIO(data)
            self.read, self.seek, self.tell = self._file.read, self._file.seek, self._file.tell

    assert tallow.load(Plain(saved(tallow.ones(2)).getvalue())).tolist() == [1, 1]


def test_nothing_is_left_for_the_garbage_collector():
    obj = {"a": tallow.ones(3), "net": nn.Linear(2, 2)}
    saved(obj)
    tallow.load(saved(obj["a"]))
    tallow.load(saved(obj), weights_only=False)
    gc.collect()
    gc.disable()
    try:
        tallow.load(saved(obj["a"]))
        tallow.load(saved(obj), weights_only=False)
        assert gc.collect() == 0
    finally:
        gc.enable()


# ---- writing safely


def test_a_failed_save_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "model.pt"
    tallow.save("old", path)
    with pytest.raises(Exception, match="lambda"):
        tallow.save([tallow.ones(2), lambda: 1], path)
    assert tallow.load(path) == "old"
    assert os.listdir(tmp_path) == ["model.pt"]


def test_an_error_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "model.pt"
    tallow.save("old", path)
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        tallow.save("new", path)
    monkeypatch.undo()
    assert tallow.load(path) == "old"
    assert os.listdir(tmp_path) == ["model.pt"]


def test_a_killed_save_leaves_a_whole_file(tmp_path):
    path = tmp_path / "model.pt"
    tallow.save("old", path)
    program = (
        "import os, sys, tallow\n"
        "os.replace = lambda *_: os._exit(9)\n"  # the machine stops before the last step
        "tallow.save(tallow.ones(1000), sys.argv[1])\n"
    )
    assert subprocess.run([sys.executable, "-c", program, str(path)], check=False).returncode == 9
    assert tallow.load(path) == "old"


def test_mode_and_symbolic_links_are_kept(tmp_path):
    path, link = tmp_path / "real.pt", tmp_path / "link.pt"
    tallow.save("old", path)
    path.chmod(0o640)
    link.symlink_to(path)
    tallow.save("new", link)
    assert link.is_symlink()
    assert tallow.load(path) == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_device_is_written_to():
    tallow.save(tallow.ones(2), "/dev/null")


# ---- damaged files


def test_messages_say_what_is_wrong(tmp_path):
    good = saved({"a": tallow.arange(6.0)}).getvalue()
    path = tmp_path / "x.pt"

    path.write_bytes(b"")
    with pytest.raises(EOFError, match="the file is empty"):
        tallow.load(path)
    path.write_bytes(b"hello world")
    with pytest.raises(pickle.UnpicklingError, match=r"(?s)x\.pt.*no checkpoint: it begins"):
        tallow.load(path)
    path.write_bytes(good[: len(good) // 2])
    with pytest.raises(RuntimeError, match=r"x\.pt: failed finding central directory"):
        tallow.load(path)
    broken = bytearray(good)
    broken[good.index(tallow.arange(6.0).numpy().tobytes()) + 5] ^= 1
    path.write_bytes(broken)
    with pytest.raises(RuntimeError, match=r"record archive/data/0 is damaged: its check sum"):
        tallow.load(path)


def test_a_record_that_is_missing_or_has_another_size():
    def without(name: str, replacement: bytes | None = None) -> io.BytesIO:
        source = zipfile.ZipFile(saved(tallow.arange(6.0)))
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as target:
            for record in source.namelist():
                if record == name and replacement is None:
                    continue
                data = replacement if record == name else source.read(record)
                target.writestr(record, data)
        file.seek(0)
        return file

    assert tallow.load(without("archive/version")).tolist() == [0, 1, 2, 3, 4, 5]
    with pytest.raises(RuntimeError, match="record archive/data/0 is missing"):
        tallow.load(without("archive/data/0"))
    with pytest.raises(RuntimeError, match=r"record archive/data\.pkl is missing"):
        tallow.load(without("archive/data.pkl"))
    with pytest.raises(pickle.UnpicklingError, match="record data/0 has 4 bytes, but 6 elements"):
        tallow.load(without("archive/data/0", b"1234"))


def test_files_from_big_endian_machines():
    np = pytest.importorskip("numpy")
    source = zipfile.ZipFile(saved(tallow.arange(6.0)))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as target:
        for record in source.namelist():
            data = {
                "archive/byteorder": b"big",
                "archive/data/0": np.arange(6, dtype=">f4").tobytes(),
            }.get(record, source.read(record))
            target.writestr(record, data)
    file.seek(0)
    assert tallow.load(file).tolist() == [0, 1, 2, 3, 4, 5]


def test_compressed_archives_load_and_cannot_lie_about_their_size():
    source = zipfile.ZipFile(saved(tallow.arange(1000.0)))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for record in source.namelist():
            target.writestr(record, source.read(record))
    file.seek(0)
    assert tallow.load(file)[999] == 999


def test_torchscript_archives_are_recognised():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02.")
        archive.writestr("m/constants.pkl", b"")
    file.seek(0)
    with pytest.raises(RuntimeError, match="TorchScript archive"):
        tallow.load(file)


def mutations(data: bytes, count: int, seed: int) -> Any:
    source = random.Random(seed)
    for _ in range(count):
        changed = bytearray(data)
        for _ in range(source.choice((1, 1, 2, 5, 20))):
            position = source.randrange(len(changed))
            kind = source.random()
            if kind < 0.7:
                changed[position] = source.randrange(256)
            elif kind < 0.85:
                del changed[position : position + source.randrange(50)]
            else:
                changed[position:position] = source.randbytes(8)
        yield bytes(changed)


EXPECTED = (RuntimeError, pickle.UnpicklingError, EOFError, MemoryError)


def test_changed_archives_load_or_raise_one_of_the_documented_errors():
    data = saved(everything(tallow)).getvalue()
    for changed in mutations(data, 1000, seed=1):
        try:
            tallow.load(io.BytesIO(changed))
        except EXPECTED:
            continue


def test_changed_pickles_load_or_raise_one_of_the_documented_errors():
    source = zipfile.ZipFile(saved(everything(tallow)))
    records = {name: source.read(name) for name in source.namelist()}
    for changed in mutations(records["archive/data.pkl"], 1000, seed=2):
        file = io.BytesIO()
        writer = ArchiveWriter(file.write, "archive")
        for name, data in records.items():
            name = name.partition("/")[2]
            writer.add(name, changed if name == "data.pkl" else data)
        writer.close()
        file.seek(0)
        try:
            tallow.load(file)
        except EXPECTED:
            continue


def test_changed_files_of_the_old_format(torch):
    file = io.BytesIO()
    torch.save({"a": torch.ones(3)}, file, _use_new_zipfile_serialization=False)
    for changed in mutations(file.getvalue(), 1000, seed=3):
        try:
            tallow.load(io.BytesIO(changed))
        except EXPECTED:
            continue


# ---- the archive alone


def test_an_archive_of_many_records_and_large_numbers(monkeypatch):
    import tallow._serialization.archive as module

    # 64-bit fields are used from 4 GiB on; lower the limits to see them in a small file.
    monkeypatch.setattr(module, "_LIMIT16", 3)
    file = io.BytesIO()
    writer = ArchiveWriter(file.write, "m")
    for number in range(5):
        writer.add(str(number), bytes([number]) * number * 100)
    writer.close()
    with zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 5
    reader = ArchiveReader(io.BytesIO(file.getvalue()))
    assert [reader.size(str(number)) for number in range(5)] == [0, 100, 200, 300, 400]
    assert reader.read("3") == b"\x03" * 300


@pytest.mark.parametrize("names", [("a/x", "b/x"), ("a/x", "a/x"), ("x",)])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_with_confusing_names_are_refused(names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    file.seek(0)
    with pytest.raises(ArchiveError):
        ArchiveReader(file)
