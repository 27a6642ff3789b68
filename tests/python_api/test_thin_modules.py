"""Modules that answer as a CPU-only build: cuda, amp, backends, distributed, compiler, ..."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest

import tallow
from tallow import (
    accelerator,
    amp,
    backends,
    compiler,
    cuda,
    distributed,
    hub,
    jit,
    mps,
    nn,
    xpu,
)
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
    with pytest.raises(AssertionError, match=r"^Torch not compiled with CUDA enabled: .*pip inst"):
        getattr(cuda, name)()


def test_cuda_contexts() -> None:
    with cuda.device(-1), cuda.stream(None), cuda.device_of(tallow.ones(1)):
        pass
    with pytest.raises(RuntimeError, match="compiled without CUDA"):
        cuda.device(0).__enter__()
    with pytest.raises(AssertionError, match="pip install"):
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
    for missing in (accelerator.get_device_capability, accelerator.get_memory_info):
        with pytest.raises(RuntimeError, match="when none is available"):
            missing()
    accelerator.empty_host_cache()
    accelerator.reset_accumulated_memory_stats()
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
    assert not distributed.is_available()  # no talk with other processes
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
        whole = tallow.zeros(1, 2)
        distributed.all_gather_into_tensor(whole, x)
        assert whole.tolist() == [[1, 1]]
        assert distributed.get_process_group_ranks() == [0]
        world = distributed.group.WORLD
        assert distributed.get_global_rank(world, 0) == distributed.get_group_rank(world, 0) == 0
        with pytest.raises(ValueError, match="rank 1 is not part of group"):
            distributed.get_global_rank(world, 1)
    finally:
        distributed.destroy_process_group()
    with pytest.raises(NotImplementedError, match="world_size is 2"):
        distributed.init_process_group(world_size=2)


def test_names_of_backends() -> None:
    assert distributed.Backend("GLOO") == distributed.Backend.GLOO == "gloo"
    assert distributed.group.WORLD is distributed.GroupMember.WORLD is None
    with pytest.raises(ValueError, match="must be string-ish"):
        distributed.Backend(3)  # type: ignore[arg-type]


def test_distributed_data_parallel_calls_its_module() -> None:
    linear = nn.Linear(2, 1)
    with pytest.raises(ValueError, match="Default process group has not been initialized"):
        nn.parallel.DistributedDataParallel(linear)
    distributed.init_process_group("gloo", world_size=1, rank=0)
    try:
        model = nn.parallel.DistributedDataParallel(linear)
        x = tallow.ones(3, 2)
        assert tallow.equal(model(x), linear(x))
        assert list(model.state_dict()) == ["module.weight", "module.bias"]
        with model.no_sync():
            assert not model.require_backward_grad_sync
        assert model.require_backward_grad_sync
        with pytest.raises(RuntimeError, match="parameter that requires a gradient"):
            nn.parallel.DistributedDataParallel(nn.ReLU())
        with pytest.raises(ValueError, match="device_ids can only be None or"):
            nn.parallel.DistributedDataParallel(linear, device_ids=[0, 1])
    finally:
        distributed.destroy_process_group()
    from tallow.distributed.fsdp import FullyShardedDataParallel

    with pytest.raises(NotImplementedError, match="FullyShardedDataParallel"):
        FullyShardedDataParallel(linear)


def test_zero_redundancy_optimizer_is_the_optimizer() -> None:
    from tallow.distributed.optim import ZeroRedundancyOptimizer

    runs = []
    for make in (
        lambda p: tallow.optim.SGD(p, lr=0.1, momentum=0.9),
        lambda p: ZeroRedundancyOptimizer(p, tallow.optim.SGD, lr=0.1, momentum=0.9),
    ):
        weight = nn.Parameter(tallow.ones(2))
        optimizer = make([weight])
        for _ in range(3):
            optimizer.zero_grad()
            weight.pow(2).sum().backward()
            optimizer.step()
        optimizer.load_state_dict(optimizer.state_dict())
        optimizer.param_groups[0]["lr"] = 0.5
        optimizer.step()
        runs.append(weight.tolist())
    assert runs[0] == runs[1]
    with pytest.raises(NotImplementedError, match="overlap_with_ddp=True"):
        ZeroRedundancyOptimizer([weight], tallow.optim.SGD, overlap_with_ddp=True)


def test_xpu_answers() -> None:
    assert not xpu.is_available()
    assert not xpu.is_initialized()
    assert not xpu.is_bf16_supported()
    assert xpu.device_count() == 0
    assert xpu.get_rng_state_all() == []
    assert xpu.empty_cache() is xpu.seed() is None
    assert xpu.manual_seed(1) is xpu.manual_seed_all(1) is None
    for call in (xpu.synchronize, xpu.current_device):
        with pytest.raises(AssertionError, match=r"^Torch not compiled with XPU enabled$"):
            call()


def test_marks_for_a_compiler_change_nothing() -> None:
    assert jit._overload(len) is jit._overload_method(len) is len
    assert not isinstance(3, tallow.SymInt)
    assert not isinstance(True, tallow.SymBool)


def test_arithmetic_of_sizes() -> None:
    answers = [
        tallow.sym_int(2.5), tallow.sym_float(2), tallow.sym_not(True), tallow.sym_max(1, 2.0),
        tallow.sym_min(1, 2.0), tallow.sym_sum([1, 2]), tallow.sym_sqrt(4),
        tallow.sym_ite(True, 1, 2),
    ]  # fmt: skip
    assert repr(answers) == "[2, 2.0, False, 2.0, 1.0, 3, 2.0, 1]"


def test_checks_raise_their_error() -> None:
    tallow._assert(tallow.tensor(True), "fine")
    tallow._check(True, lambda: "fine")
    with pytest.raises(AssertionError, match="^why$"):
        tallow._assert(False, "why")
    for name, kind in {
        "_check": RuntimeError, "_check_index": IndexError, "_check_type": TypeError,
        "_check_value": ValueError, "_check_not_implemented": NotImplementedError,
    }.items():  # fmt: skip
        with pytest.raises(kind, match="^why$"):
            getattr(tallow, name)(False, lambda: "why")
    with pytest.raises(RuntimeError, match=r"^Expected cond to be True, but got False\."):
        tallow._check(False)
    with pytest.raises(TypeError, match="cond must be a bool"):
        tallow._check(1)
    with pytest.raises(TypeError, match="message must be a callable"):
        tallow._check(False, "text")


def test_attention_may_be_limited_to_what_a_cpu_has() -> None:
    from tallow.nn.attention import SDPBackend, sdpa_kernel

    q = tallow.ones(1, 1, 2, 4)
    for chosen in (SDPBackend.MATH, [SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION]):
        with sdpa_kernel(chosen):
            assert nn.functional.scaled_dot_product_attention(q, q, q).shape == q.shape
    for missing in (SDPBackend.EFFICIENT_ATTENTION, []):
        with pytest.raises(RuntimeError, match="^No viable backend"), sdpa_kernel(missing):
            pass
    with (
        pytest.raises(AssertionError, match="list of SDPBackend instances, got int"),
        sdpa_kernel(
            1  # type: ignore[arg-type]
        ),
    ):
        pass


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
    with pytest.raises(RuntimeError, match="^flush_denormal expects a bool, but got int"):
        tallow.set_flush_denormal(1)  # type: ignore[arg-type]


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


def test_a_device_is_the_default_inside_its_block() -> None:
    with tallow.device("meta") as device:
        assert tallow.get_default_device() == device == tallow.ones(2).device
        assert tallow.tensor([1.0]).device == tallow.as_tensor([1.0]).device == device
        assert tallow.nn.Linear(2, 2).weight.is_meta
        with tallow.device("cpu"):
            assert tallow.hann_window(3).device.type == "cpu"
        assert tallow.hann_window(3).is_meta
        assert tallow.Tensor([1.0]).device.type == "cpu"
    assert tallow.ones(2).device.type == "cpu"
    with pytest.raises(RuntimeError, match="this thread is in no `with device:` block"):
        device.__exit__()


ON_CPU = tallow.tensor([[4.0, 1.0], [1.0, 3.0]])


@pytest.mark.parametrize(
    "call",
    [
        lambda x: tallow.linalg.pinv(x),
        lambda x: tallow.linalg.qr(x).Q,
        lambda x: tallow.fft.irfft(tallow.fft.rfft(x)),
        lambda x: tallow.istft(tallow.stft(x.flatten(), 4, return_complex=True), 4),
        lambda x: tallow.histogram(x, 3).hist,
        lambda x: tallow.quantile(x, 0.5),
        lambda x: tallow.isin(x, 4.0),
        lambda x: tallow.cov(x),
        lambda x: tallow.gradient(x)[0],
        lambda x: tallow.nn.functional.fractional_max_pool2d(x[None], 1, 1),
        lambda x: tallow.nn.functional.embedding_bag(x.long() % 2, x),
        lambda x: tallow.distributions.MultivariateNormal(x[0], x).entropy(),
        lambda x: tallow.mvlgamma(x + 3, 2),
        lambda x: tallow.nn.utils.rnn.pack_padded_sequence(x[..., None], [2, 1]).batch_sizes,
    ],
)
def test_functions_of_tensors_stay_with_them(
    call: Callable[[tallow.Tensor], tallow.Tensor],
) -> None:
    with tallow.device("meta"):
        assert call(ON_CPU).device.type == "cpu"


def test_data_is_shuffled_on_the_cpu() -> None:
    data = tallow.utils.data.TensorDataset(tallow.arange(4))
    with tallow.device("meta"):
        loader = tallow.utils.data.DataLoader(data, batch_size=2, shuffle=True)
        assert sorted(tallow.cat([rows for (rows,) in loader]).tolist()) == [0, 1, 2, 3]


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


NAMESPACES = (
    "accelerator amp autograd autograd.functional autograd.graph backends compiler cuda distributed"
    " distributions fft func hub jit linalg multiprocessing nn nn.functional nn.init nn.modules"
    " nn.parallel nn.utils nn.utils.rnn optim optim.lr_scheduler optim.swa_utils overrides profiler"
    " random serialization special storage testing utils utils.checkpoint utils.data"
)


@pytest.mark.parametrize("path", NAMESPACES.split())
def test_a_name_that_is_missing_is_named_with_the_most_similar_one(path):
    module = importlib.import_module(f"tallow.{path}")
    known = max(getattr(module, "__all__", None) or dir(module), key=len)
    with pytest.raises(AttributeError) as caught:
        getattr(module, known + "x")
    text = str(caught.value)
    assert text.startswith(f"module 'tallow.{path}' has no attribute '{known}x'; the most similar")


def test_names_of_several_processes_can_be_mentioned():
    mesh: distributed.device_mesh.DeviceMesh | None = None
    assert not isinstance(mesh, distributed.DeviceMesh)
    for refused in (
        lambda: distributed.init_device_mesh("cpu", (2,)),
        lambda: distributed.fsdp.fully_shard(tallow.nn.Linear(1, 1)),
        lambda: distributed.fsdp.MixedPrecisionPolicy(),
        lambda: distributed.DeviceMesh("cpu", [0]),
    ):
        with pytest.raises(NotImplementedError, match="process"):
            refused()
