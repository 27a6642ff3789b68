"""Devices, copies between them and the host, and what may not be mixed."""

from __future__ import annotations

import copy
import io
import os
import pickle
import subprocess
import sys

import pytest

import tallow
from tallow import accelerator, cuda
from tallow.multiprocessing.reductions import reduce_tensor

SHAPES = [(), (0,), (1,), (7,), (3, 5), (2, 0, 3), (2, 3, 4, 5)]
DTYPES = [tallow.float32, tallow.float64, tallow.float16, tallow.bfloat16, tallow.int64,
          tallow.uint8, tallow.bool, tallow.complex64]  # fmt: skip


def values(shape: tuple[int, ...], dtype: tallow.dtype = tallow.float32) -> tallow.Tensor:
    return tallow.randn(shape).mul(4).to(dtype)


def test_cuda_is_there() -> None:
    assert cuda.is_available()
    assert cuda.why_unavailable() == ""
    assert cuda.device_count() >= 1
    assert accelerator.current_accelerator() == tallow.device("cuda")
    properties = cuda.get_device_properties(0)
    assert properties.name == cuda.get_device_name("cuda:0")
    assert properties.total_memory > 0
    assert cuda.get_device_capability() == (properties.major, properties.minor)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_there_and_back(shape: tuple[int, ...], dtype: tallow.dtype) -> None:
    x = values(shape, dtype)
    there = x.cuda()
    assert there.is_cuda
    assert there.device == tallow.device("cuda:0")
    assert there.dtype == dtype
    assert there.shape == x.shape
    assert tallow.equal(there.cpu(), x)


STORED = ["uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz",
          "float8_e5m2fnuz", "float8_e8m0fnu"]  # fmt: skip
OTHERS = ["bool", "uint8", "int16", "int64", "bfloat16", "float32", "float64", "complex64"]


@pytest.mark.parametrize("name", STORED)
@pytest.mark.parametrize("other", OTHERS)
def test_stored_types_convert_as_on_the_cpu(name: str, other: str) -> None:
    stored, plain = getattr(tallow, name), getattr(tallow, other)
    bits = tallow.randint(0, 256, (9, 8), dtype=tallow.uint8).view(stored)
    numbers = bits.float().isfinite() & (bits.float().abs() < 2**62)
    x = tallow.where(numbers, bits, tallow.ones_like(bits))
    assert tallow.equal(x.cuda().to(plain).cpu(), x.to(plain))
    assert tallow.equal(x.cuda().t().to(plain).cpu(), x.t().to(plain))
    y = (tallow.randn(5, 7) * 9).abs().to(plain)
    assert tallow.equal(y.cuda().to(stored).cpu(), y.to(stored))
    assert tallow.equal(y[:, ::2].cuda().to(stored).cpu(), y[:, ::2].to(stored))


def test_large_numbers_become_uint64() -> None:
    x = tallow.tensor([2.0**63, 1.8e19, 2.0**70, -1.0], dtype=tallow.float64)
    assert x.cuda().to(tallow.uint64).tolist() == x.to(tallow.uint64).tolist()
    y = tallow.tensor([2**64 - 1, 2**63 + 2**39 + 1], dtype=tallow.uint64)
    assert y.cuda().float().tolist() == y.float().tolist()
    assert y.cuda().long().tolist() == y.long().tolist()


@pytest.mark.parametrize("name", STORED)
def test_stored_types_move_and_nothing_else(name: str) -> None:
    x = tallow.tensor([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]]).to(getattr(tallow, name))
    there = x.cuda()
    for move in (
        lambda y: y.t().contiguous(),
        lambda y: y[:, ::2].clone(),
        lambda y: y[tallow.tensor([1, 0], device=y.device)],
        lambda y: tallow.cat([y, y]),
        lambda y: y.flip(0),
        lambda y: tallow.zeros_like(y),
        lambda y: y.clone().fill_(2),
    ):
        assert move(there).cpu().tolist() == move(x).tolist()
    for call in (
        lambda: there + there,
        lambda: there == there,
        lambda: there * there,
        lambda: there.float() / there if name.startswith("uint") else there / there,
        lambda: there.sqrt(),
    ):
        with pytest.raises(NotImplementedError, match="not implemented for '(UInt|Float8)"):
            call()
    with pytest.raises(NotImplementedError, match="not implemented for '(UInt|Float8)"):
        there.to(tallow.uint16 if name != "uint16" else tallow.float8_e5m2)


def test_copies_keep_the_memory_order() -> None:
    x = tallow.randn(2, 3, 4, 5).to(memory_format=tallow.channels_last)
    assert x.cuda().stride() == x.stride()
    assert x.cuda().cpu().stride() == x.stride()
    assert tallow.randn(3, 4).t().cuda().stride() == (1, 4)


def test_strided_and_expanded_sources() -> None:
    x = tallow.randn(6, 8)
    for view in (x[::2, 1::3], x.t(), x[1], x[:, 2], x[:1].expand(6, 8), x[0, 0].expand(3)):
        assert tallow.equal(view.cuda().cpu(), view)
    there = x.cuda()
    assert tallow.equal(there[::2, 1::3].cpu(), x[::2, 1::3])
    there[::2, 1] = tallow.zeros(3)
    x[::2, 1] = 0
    assert tallow.equal(there.cpu(), x)


def test_copy_between_devices_and_types() -> None:
    x = tallow.randn(4, 5)
    into = tallow.empty(5, 4, dtype=tallow.float64, device="cuda").t()
    assert into.copy_(x) is into
    assert tallow.equal(into.cpu(), x.double())
    back = tallow.empty(4, 5, dtype=tallow.int32)
    back.copy_(into)
    assert tallow.equal(back, x.int())
    assert x.to("cuda", tallow.float16).dtype == tallow.float16


def test_to_is_the_identity_where_it_can_be() -> None:
    x = tallow.ones(2, device="cuda")
    assert x.cuda() is x
    assert x.to("cuda") is x
    assert x.to("cuda:0") is x
    assert x.to("cuda", copy=True) is not x


def test_creation_on_the_device() -> None:
    assert tallow.zeros(3, device="cuda").tolist() == [0, 0, 0]
    assert tallow.full((2,), 7, device="cuda").tolist() == [7, 7]
    assert tallow.arange(5, device="cuda").tolist() == [0, 1, 2, 3, 4]
    assert tallow.tensor([[1.5, 2]], device="cuda").tolist() == [[1.5, 2]]
    assert tallow.tensor(3, device=0).item() == 3
    assert tallow.empty(2, 3, device="cuda").shape == (2, 3)
    assert tallow.zeros_like(tallow.ones(2, device="cuda")).is_cuda


def test_printing_names_the_device() -> None:
    assert repr(tallow.tensor([1.0, 2], device="cuda")) == "tensor([1., 2.], device='cuda:0')"


def test_numpy_is_refused() -> None:
    x = tallow.ones(2, device="cuda")
    with pytest.raises(TypeError, match=r"^can't convert cuda:0 device type tensor to numpy\. Use "
                       r"Tensor\.cpu\(\)"):  # fmt: skip
        x.numpy()
    assert x.numpy(force=True).tolist() == [1, 1]
    with pytest.raises(BufferError):
        memoryview(x.untyped_storage())


def test_pickle_deepcopy_and_files() -> None:
    x = tallow.randn(3, device="cuda")
    assert tallow.equal(copy.deepcopy(x).cpu(), x.cpu())
    assert pickle.loads(pickle.dumps(x)).device == x.device
    file = io.BytesIO()
    tallow.save({"x": x, "view": x[1:]}, file)
    file.seek(0)
    loaded = tallow.load(file)
    assert loaded["x"].device == x.device
    assert loaded["view"].data_ptr() == loaded["x"].data_ptr() + 4
    file.seek(0)
    assert tallow.equal(tallow.load(file, map_location="cpu")["x"], x.cpu())
    file = io.BytesIO()
    tallow.save(x.cpu(), file)
    file.seek(0)
    assert tallow.load(file, map_location="cuda").is_cuda
    file.seek(0)
    with pytest.raises(RuntimeError, match="^Attempting to deserialize object on CUDA device 63"):
        tallow.load(file, map_location="cuda:63")


def test_mixing_devices_is_refused() -> None:
    x, y = tallow.ones(2, device="cuda"), tallow.ones(2)
    message = (
        "^Expected all tensors to be on the same device, but found at least two devices, "
        "cuda:0 and cpu!"
    )
    for call in (
        lambda: x + y,
        lambda: y + x,
        lambda: tallow.cat([x, y]),
        lambda: tallow.where(x > 0, x, y),
        lambda: x @ y,
        lambda: tallow.nn.functional.linear(x, tallow.ones(3, 2)),
        lambda: x.add_(y),
        lambda: y.add_(x),
        lambda: y.add_(x[0]),
    ):
        with pytest.raises(RuntimeError, match=message):
            call()
    assert x.tolist() == y.tolist() == [1, 1]


def test_numbers_of_the_host_go_with_any_device() -> None:
    x = tallow.arange(3.0, device="cuda")
    half = tallow.tensor(0.5, dtype=tallow.float64)
    assert (x * half).tolist() == [0, 0.5, 1]
    assert (half * x).dtype == tallow.float32
    assert (2 - x).tolist() == [2, 1, 0]
    assert (x / 2 + half).tolist() == [0.5, 1, 1.5]


def test_indices_may_come_from_the_host() -> None:
    x = tallow.arange(6.0, device="cuda").view(2, 3)
    assert x[tallow.tensor([1, 0])].tolist() == [[3, 4, 5], [0, 1, 2]]
    assert x[:, tallow.tensor([True, False, True])].tolist() == [[0, 2], [3, 5]]


def test_wrong_devices_are_named() -> None:
    with pytest.raises(RuntimeError, match="^CUDA error: invalid device ordinal"):
        tallow.ones(1, device="cuda:63")
    with pytest.raises(RuntimeError, match="invalid device ordinal"):
        cuda.set_device(63)
    with pytest.raises(ValueError, match="^Expected a cuda device, but got: cpu"):
        cuda.synchronize("cpu")
    assert cuda.current_device() == 0


def test_a_second_device() -> None:
    if cuda.device_count() < 2:
        pytest.skip("needs two devices")
    x = tallow.arange(4.0, device="cuda:1")
    assert x.device.index == 1
    assert (x * 2).device == x.device
    assert x.to("cuda:0").device.index == 0
    assert x.to("cuda:0").tolist() == [0, 1, 2, 3]
    with cuda.device(1):
        assert cuda.current_device() == 1
        assert tallow.ones(1, device="cuda").device.index == 1
    assert cuda.current_device() == 0
    with pytest.raises(RuntimeError, match="found at least two devices, cuda:1 and cuda:0!"):
        x + tallow.ones(4, device="cuda:0")


def test_dlpack_shares_memory() -> None:
    x = tallow.arange(3.0, device="cuda")
    assert x.__dlpack_device__() == (2, 0)
    y = tallow.from_dlpack(x)
    assert y.data_ptr() == x.data_ptr()
    y.fill_(1)
    assert x.tolist() == [1, 1, 1]
    assert x.__cuda_array_interface__["data"] == (x.data_ptr(), False)


def test_modules_move() -> None:
    model = tallow.nn.Linear(3, 2)
    weight = model.weight
    assert model.cuda() is model
    assert model.weight is weight
    assert weight.is_cuda
    assert all(value.is_cuda for value in model.state_dict().values())
    model.load_state_dict({"weight": tallow.ones(2, 3), "bias": tallow.zeros(2)})
    assert model.weight.is_cuda
    assert model.cpu().weight.device.type == "cpu"


def test_gradients_cross_devices() -> None:
    x = tallow.tensor([1.0, 2], requires_grad=True)
    y = x.cuda()
    (y * y).sum().backward()
    assert x.grad is not None
    assert x.grad.device.type == "cpu"
    assert x.grad.tolist() == [2, 4]
    leaf = tallow.tensor([1.0, 2], device="cuda", requires_grad=True)
    (leaf.cpu() * 3).sum().backward()
    assert leaf.grad is not None
    assert leaf.grad.is_cuda
    assert leaf.grad.tolist() == [3, 3]


def test_a_forked_child_is_told_what_to_do() -> None:
    tallow.ones(1, device="cuda")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            tallow.ones(1, device="cuda")
            text = "no error"
        except RuntimeError as error:
            text = str(error)
        os.write(writer, text.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 1000).decode().startswith("Cannot re-initialize CUDA in forked")


def test_tensors_are_not_sent_to_other_processes() -> None:
    x = tallow.ones(3, device="cuda")
    assert x.share_memory_() is x
    assert x.is_shared()
    assert x.is_cuda
    with pytest.raises(RuntimeError, match="^a tensor on cuda:0 cannot be sent to another process"):
        reduce_tensor(x)
    assert x.tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("capability", "answer"), [("80", "tensor([2.], device='cuda:0')"), ("75", "")]
)
def test_an_old_device_is_refused_with_its_capability(
    capability: str, answer: str, emulator: object
) -> None:
    program = "import tallow; print(tallow.ones(1, device='cuda') + 1)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TALLOW_EMU_CAPABILITY": capability},
    )
    assert done.stdout.strip() == answer
    refusal = "RuntimeError: cuda:0 has compute capability 7.5, the CUDA plugin needs 8.0 or newer"
    assert (refusal in done.stderr) == (capability == "75")
