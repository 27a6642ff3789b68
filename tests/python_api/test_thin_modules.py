"""Modules that answer as a CPU-only build: cuda, amp, backends, distributed, compiler, ..."""

from __future__ import annotations

from typing import Any

import pytest

import tallow
from tallow import accelerator, amp, backends, compiler, cuda, distributed, hub, mps
from tallow.backends import cudnn


def test_cuda_answers() -> None:
    assert not cuda.is_available()
    assert not cuda.is_initialized()
    assert not cuda.is_bf16_supported()
    assert cuda.device_count() == 0
    assert cuda.memory_allocated() == cuda.max_memory_allocated() == 0
    assert cuda.empty_cache() is None
    assert cuda.manual_seed(1) is None
    assert cuda.manual_seed_all(1) is None
    assert cuda.get_rng_state_all() == []


@pytest.mark.parametrize(
    "name",
    ["synchronize", "current_device", "get_device_name", "get_device_properties", "init",
     "current_stream", "mem_get_info"],
)  # fmt: skip
def test_cuda_requests_say_that_there_is_none(name: str) -> None:
    with pytest.raises(AssertionError, match=r"^Torch not compiled with CUDA enabled$"):
        getattr(cuda, name)()


def test_cuda_contexts() -> None:
    with cuda.device(-1), cuda.stream(None), cuda.device_of(tallow.ones(1)):
        pass
    with pytest.raises(RuntimeError, match="compiled without CUDA"):
        cuda.device(0).__enter__()
    with pytest.raises(RuntimeError):
        cuda.Stream()
    with pytest.raises(RuntimeError, match="NVTX"):
        cuda.nvtx.range_push("x")
    assert issubclass(cuda.OutOfMemoryError, RuntimeError)


def test_accelerator_and_mps() -> None:
    assert not accelerator.is_available()
    assert accelerator.current_accelerator() is None
    assert accelerator.device_count() == 0
    with pytest.raises(RuntimeError, match="when none is available"):
        accelerator.set_device_index(0)
    assert not mps.is_available()
    assert not backends.mps.is_available()
    with pytest.raises(RuntimeError, match="without MPS backend"):
        mps.synchronize()


def test_backend_switches_are_remembered() -> None:
    with cudnn.flags(benchmark=True, deterministic=True):
        assert cudnn.benchmark
        assert cudnn.deterministic
    assert not cudnn.benchmark
    assert not cudnn.is_available()
    assert cudnn.version() is None
    assert backends.cuda.matmul.allow_tf32 is False
    with backends.cuda.sdp_kernel(enable_flash=False):
        assert not backends.cuda.flash_sdp_enabled()
    assert backends.cuda.flash_sdp_enabled()
    assert backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2", "AVX512")
    assert not backends.mkldnn.is_available()


def test_autocast_remembers_and_converts_nothing() -> None:
    x = tallow.ones(2, 2)
    with amp.autocast("cpu", dtype=tallow.bfloat16):
        assert tallow.is_autocast_enabled("cpu")
        assert (x @ x).dtype == tallow.float32
        with amp.autocast("cpu", enabled=False):
            assert not tallow.is_autocast_enabled("cpu")
        assert tallow.is_autocast_enabled("cpu")
    assert not tallow.is_autocast_enabled("cpu")
    assert tallow.get_autocast_dtype("cpu") == tallow.bfloat16


def test_autocast_as_decorator_and_its_errors() -> None:
    @tallow.autocast("cpu")
    def work() -> bool:
        return tallow.is_autocast_enabled("cpu")

    assert work()
    with pytest.raises(RuntimeError, match="device type at start of device string: foo"):
        tallow.autocast("foo")
    with pytest.warns(UserWarning, match=r"^CUDA is not available"), tallow.autocast("cuda"):
        assert not tallow.is_autocast_enabled("cuda")


def test_grad_scaler_without_cuda_does_nothing() -> None:
    with pytest.warns(UserWarning, match="CUDA is not available"):
        scaler = amp.GradScaler()
    loss = tallow.ones(())
    assert scaler.scale(loss) is loss
    assert not scaler.is_enabled()
    assert scaler.state_dict() == {}
    with pytest.warns(FutureWarning, match=r"torch.cuda.amp.GradScaler\(args...\)` is deprecated"):
        cuda.amp.GradScaler(enabled=False)


def scaled_step(scaler: amp.GradScaler, factor: float) -> float:
    parameter = tallow.nn.Parameter(tallow.zeros(1))
    optimizer = tallow.optim.SGD([parameter], lr=1.0)
    scaler.scale((parameter * factor).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    return parameter.item()


def test_grad_scaler_scales_steps_and_backs_off() -> None:
    scaler = amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    assert scaled_step(scaler, 3.0) == -3.0
    assert scaler.get_scale() == 8.0
    scaled_step(scaler, 3.0)
    assert scaler.get_scale() == 16.0
    assert scaled_step(scaler, float("inf")) == 0.0
    assert scaler.get_scale() == 8.0
    copy = amp.GradScaler("cpu")
    copy.load_state_dict(scaler.state_dict())
    assert copy.get_scale() == 8.0


def test_grad_scaler_checks_the_order_of_calls() -> None:
    scaler = amp.GradScaler("cpu")
    parameter = tallow.nn.Parameter(tallow.zeros(1))
    optimizer = tallow.optim.SGD([parameter], lr=1.0)
    scaler.scale(parameter.sum()).backward()
    scaler.unscale_(optimizer)
    assert parameter.grad.item() == 1.0
    with pytest.raises(RuntimeError, match=r"unscale_\(\) has already been called"):
        scaler.unscale_(optimizer)
    scaler.step(optimizer)
    with pytest.raises(RuntimeError, match=r"step\(\) has already been called"):
        scaler.step(optimizer)


def test_compile_and_its_companions_change_nothing() -> None:
    def double(x: Any) -> Any:
        return x * 2

    assert tallow.compile(double) is double
    assert tallow.compile(fullgraph=True)(double) is double
    assert compiler.disable(double) is double
    assert compiler.disable(recursive=False)(double) is double
    assert not compiler.is_compiling()
    with compiler.set_stance("force_eager"):
        pass
    with pytest.raises(RuntimeError, match="Either mode or options"):
        tallow.compile(double, mode="x", options={})


def test_a_group_of_one_process() -> None:
    assert distributed.is_available()
    assert not distributed.is_initialized()
    with pytest.raises(ValueError, match=r"^Default process group has not been initialized"):
        distributed.get_rank()
    distributed.init_process_group("gloo", world_size=1, rank=0)
    try:
        assert (distributed.get_rank(), distributed.get_world_size()) == (0, 1)
        x = tallow.ones(2)
        distributed.all_reduce(x)
        distributed.barrier()
        gathered = [tallow.zeros(2)]
        distributed.all_gather(gathered, x)
        assert gathered[0].tolist() == x.tolist() == [1, 1]
        assert distributed.broadcast(x, 0, async_op=True).wait()
    finally:
        distributed.destroy_process_group()
    with pytest.raises(NotImplementedError, match="world_size is 2"):
        distributed.init_process_group(world_size=2)


def test_settings_are_remembered() -> None:
    tallow.use_deterministic_algorithms(True, warn_only=True)
    assert tallow.are_deterministic_algorithms_enabled()
    assert tallow.is_deterministic_algorithms_warn_only_enabled()
    tallow.use_deterministic_algorithms(False)
    tallow.set_float32_matmul_precision("high")
    assert tallow.get_float32_matmul_precision() == "high"
    with pytest.warns(UserWarning, match="is not one of 'highest'"):
        tallow.set_float32_matmul_precision("x")
    tallow.set_float32_matmul_precision("highest")
    assert tallow.set_flush_denormal(False)
    assert not tallow.set_flush_denormal(True)


def test_default_device() -> None:
    assert tallow.get_default_device() == tallow.device("cpu")
    tallow.set_default_device("meta")
    try:
        assert tallow.get_default_device() == tallow.device("meta")
        assert tallow.zeros(2).device.type == "meta"
        assert tallow.zeros(2, device="cpu").device.type == "cpu"
    finally:
        tallow.set_default_device(None)
    assert tallow.zeros(2).device.type == "cpu"


def test_default_tensor_type() -> None:
    tallow.set_default_tensor_type(tallow.DoubleTensor)
    try:
        assert tallow.tensor([1.0]).dtype == tallow.float64
    finally:
        tallow.set_default_tensor_type("torch.FloatTensor")
    with pytest.raises(TypeError, match="only floating-point types"):
        tallow.set_default_tensor_type(tallow.LongTensor)


def test_random_state_round_trip() -> None:
    tallow.manual_seed(5)
    assert tallow.initial_seed() == 5
    state = tallow.get_rng_state()
    first = tallow.rand(3)
    tallow.set_rng_state(state)
    assert tallow.equal(first, tallow.rand(3))
    with tallow.random.fork_rng():
        tallow.rand(3)
        inside = tallow.get_rng_state()
    assert not tallow.equal(inside, tallow.get_rng_state())
    assert isinstance(tallow.seed(), int)


def test_weights_are_loaded_from_a_url_once(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "weights-0000.pth"
    tallow.save({"w": tallow.ones(2)}, source)
    monkeypatch.setattr(hub._Hub, "directory", str(tmp_path / "hub"))
    url = source.as_uri()
    assert hub.load_state_dict_from_url(url, progress=False)["w"].tolist() == [1, 1]
    source.unlink()
    assert hub.load_state_dict_from_url(url)["w"].tolist() == [1, 1]


def test_download_checks_the_hash_and_leaves_nothing_behind(tmp_path: Any) -> None:
    source = tmp_path / "data"
    source.write_bytes(b"abc")
    target = tmp_path / "copy"
    with pytest.raises(RuntimeError, match="invalid hash value"):
        hub.download_url_to_file(source.as_uri(), str(target), "0000", progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    hub.download_url_to_file(source.as_uri(), str(target), "ba7816bf", progress=False)
    assert target.read_bytes() == b"abc"


def test_folder_of_downloads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", "/somewhere")
    assert hub.get_dir() == "/somewhere/hub"
