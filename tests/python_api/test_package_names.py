"""Names that popular packages import or compare, found by running them in alias mode."""

from __future__ import annotations

import io
import typing
from typing import Any

import pytest

import tallow
from tallow import _dynamo, distributed, nn, onnx
from tallow._subclasses import fake_tensor
from tallow.autograd import forward_ad
from tallow.autograd import profiler as autograd_profiler
from tallow.distributed import rpc, tensor
from tallow.distributed._tensor.experimental import implicit_replication
from tallow.distributions import Distribution, Normal, kl_divergence, register_kl
from tallow.fx.experimental.proxy_tensor import get_proxy_mode
from tallow.nn.parallel import scatter_gather
from tallow.utils import _pytree
from tallow.utils.flop_counter import FlopCounterMode


@pytest.mark.parametrize(
    "kind", [nn.Module, nn.Linear, nn.LSTM, nn.Conv2d, nn.MultiheadAttention, nn.ModuleList]
)
def test_hints_of_modules_can_be_evaluated(kind: type) -> None:
    class Mine(kind):  # type: ignore[misc, valid-type]
        width: int

    assert typing.get_type_hints(Mine)["width"] is int


def test_hints_of_the_other_classes_users_derive_from() -> None:
    for kind in (
        tallow.optim.Optimizer,
        tallow.optim.lr_scheduler.LRScheduler,
        tallow.utils.data.TensorDataset,
        tallow.utils.data.WeightedRandomSampler,
        tallow.no_grad,
    ):
        typing.get_type_hints(kind)


def test_configuration_names_the_build() -> None:
    text = tallow.__config__.show()
    assert "USE_CUDA=0" in text
    assert tallow.backends.cpu.get_cpu_capability() in text
    assert f"get_num_threads() : {tallow.get_num_threads()}" in tallow.__config__.parallel_info()


LATER_DTYPES = [
    ("uint16", 2, False, False, False),
    ("uint32", 4, False, False, False),
    ("uint64", 8, False, False, False),
    ("float8_e4m3fn", 1, True, False, True),
    ("float8_e5m2", 1, True, False, True),
    ("float8_e4m3fnuz", 1, True, False, True),
    ("float8_e5m2fnuz", 1, True, False, True),
    ("float8_e8m0fnu", 1, True, False, False),
    ("complex32", 4, False, True, True),
]


@pytest.mark.parametrize(("name", "size", "floating", "is_complex", "signed"), LATER_DTYPES)
def test_facts_about_dtypes(
    name: str, size: int, floating: bool, is_complex: bool, signed: bool
) -> None:
    dtype = getattr(tallow, name)
    assert (dtype.itemsize, dtype.is_floating_point) == (size, floating)
    assert (dtype.is_complex, dtype.is_signed) == (is_complex, signed)
    assert repr(dtype).endswith(f".{name}")
    assert dtype != tallow.float32


def test_no_tensor_has_a_dtype_known_by_name() -> None:
    dtype: Any = tallow.complex32
    x = tallow.ones(2)
    for attempt in (
        lambda: tallow.zeros(2, dtype=dtype),
        lambda: tallow.tensor([1.0], dtype=dtype),
        lambda: x.to(dtype),
        lambda: x.view(dtype),
        lambda: tallow.promote_types(dtype, tallow.float32),
        lambda: tallow.set_default_dtype(dtype),
        dtype.to_real,
    ):
        with pytest.raises(NotImplementedError, match="dtype .*complex32 is known by name only"):
            attempt()
    assert tallow.get_default_dtype() == tallow.float32


def test_limits_of_dtypes_known_by_name() -> None:
    info = tallow.finfo(tallow.float8_e4m3fn)
    assert (info.max, info.min, info.eps, info.tiny, info.bits) == (448, -448, 0.125, 2**-6, 8)
    assert tallow.finfo(tallow.float8_e8m0fnu).min == 2.0**-127
    assert tallow.finfo(tallow.complex32).dtype == "float16"
    assert tallow.iinfo(tallow.uint64).max == 2**64 - 1


def test_operators_by_namespace() -> None:
    assert tallow.ops.aten.add(tallow.ones(1), 1).item() == 2
    assert tallow.ops.aten.add.Tensor(tallow.ones(1), 1).item() == 2
    assert repr(tallow.ops.aten.clone.default) == "aten.clone.default"
    assert tallow.ops.aten.add_(tallow.ones(1), 2).item() == 3
    assert tallow.ops.aten.clone.default is tallow.ops.aten.clone.default
    assert not hasattr(tallow.ops.torch_sparse, "spmm_sum")
    with pytest.raises(AttributeError, match="'_OpNamespace' 'foo' object has no attribute 'bar'"):
        _ = tallow.ops.foo.bar
    with pytest.raises(NotImplementedError, match="known by name only"):
        tallow.ops.aten._to_copy.default(tallow.ones(1))
    with pytest.raises(OSError, match=r"load_library: /no\.so"):
        tallow.ops.load_library("/no.so")


def test_records_of_a_saved_file(tmp_path: Any) -> None:
    path = str(tmp_path / "x.pt")
    tallow.save({"a": tallow.arange(3), "b": tallow.ones(2)}, path)
    reader = tallow.PyTorchFileReader(path)
    assert reader.has_record("data.pkl")
    assert not reader.has_record("data/7")
    assert "data/1" in reader.get_all_records()
    assert reader.get_record_size("data/0") == 24
    assert reader.get_storage_from_record("data/0", 3, tallow.int64).tolist() == [0, 1, 2]
    assert reader.get_storage_from_record("data/0", 0, tallow.int64).shape == (0,)
    with pytest.raises(RuntimeError, match="data/7 is missing"):
        reader.get_record("data/7")
    with pytest.raises(RuntimeError):
        tallow.PyTorchFileReader(io.BytesIO(b"no archive"))


@pytest.mark.parametrize(
    "make",
    [
        tensor.DTensor,
        tensor.DeviceMesh,
        tensor.Shard,
        tensor.DTensor.from_local,
        rpc.rpc_async,
        scatter_gather.scatter,
        scatter_gather.gather,
        scatter_gather.scatter_kwargs,
        onnx.export,
        autograd_profiler.emit_nvtx,
        _dynamo.OptimizedModule,
        fake_tensor.FakeTensor,
    ],
)
def test_what_is_known_by_name_refuses(make: Any) -> None:
    with pytest.raises(NotImplementedError):
        make(1, 2, 3)


def test_questions_have_answers() -> None:
    x = tallow.ones(1)
    assert not onnx.is_in_onnx_export()
    assert not rpc.is_available()
    assert not distributed.is_available()
    assert not isinstance(x, tensor.DTensor)
    assert not fake_tensor.is_fake(x)
    assert get_proxy_mode() is None
    assert forward_ad.unpack_dual(x) == (x, None)
    with implicit_replication():
        _dynamo.graph_break()
        _dynamo.mark_static_address(x)
        _dynamo.mark_dynamic(x, 0)


def test_capture_settings_are_kept() -> None:
    with _dynamo.config.patch(verbose=True):
        assert _dynamo.config.verbose
    assert not _dynamo.config.verbose
    with _dynamo.config.patch({"new": 1}):
        assert _dynamo.config.new == 1
    assert not hasattr(_dynamo.config, "new")


def test_formulas_for_abstract_classes() -> None:
    class Abstract:
        pass

    class Mine(Normal, Abstract):
        pass

    register_kl(Mine, Abstract)(lambda p, q: tallow.tensor(3.0))
    assert kl_divergence(Mine(0.0, 1.0), Mine(0.0, 1.0)).item() == 3
    with pytest.raises(TypeError, match="Expected type_q to be a Distribution subclass"):
        register_kl(Distribution, 3)  # type: ignore[arg-type]


def test_kinds_of_dict_in_trees() -> None:
    pairs, keys = _pytree._dict_flatten_with_keys({"a": 1})
    assert keys == ["a"]
    assert [value for _, value in pairs] == [1]
    assert _pytree._get_node_type({}) is dict


def test_optimizer_that_wraps_another_steps() -> None:
    class Wrapper(tallow.optim.Optimizer):
        def __init__(self, inner: tallow.optim.Optimizer) -> None:
            self.inner = inner

        def step(self, closure: Any = None) -> None:  # type: ignore[override]
            self.inner.step()

    weight = tallow.ones(1, requires_grad=True)
    weight.grad = tallow.ones(1)
    Wrapper(tallow.optim.SGD([weight], lr=0.5)).step()
    assert weight.item() == 0.5


class TestFlopCounter:
    """Figures of PyTorch's counter."""

    def test_layers_and_products(self) -> None:
        net = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1),
            nn.Conv2d(8, 8, 3, groups=4),
            nn.ConvTranspose2d(8, 4, 2, stride=2),
            nn.Flatten(),
            nn.Linear(4 * 12 * 12, 7),
        )
        with FlopCounterMode(display=False) as counter:
            net(tallow.ones(2, 3, 8, 8))
            tallow.ones(2, 3, 4) @ tallow.ones(4, 5)
            tallow.baddbmm(tallow.ones(2, 3, 3), tallow.ones(2, 3, 4), tallow.ones(2, 4, 3))
        counts = {path: sum(c.values()) for path, c in counter.get_flop_counts().items()}
        assert counts["Sequential.0"] == 55296
        assert counts["Sequential.1"] == 20736
        assert counts["Sequential.2"] == 18432
        assert counts["Sequential.4"] == 16128
        assert counts["Sequential"] == 110592
        assert counter.get_total_flops() == counts["Global"] == 110592 + 240 + 144

    def test_attention(self) -> None:
        x = tallow.ones(2, 3, 8)
        with FlopCounterMode(display=False) as counter:
            nn.MultiheadAttention(8, 2, batch_first=True)(x, x, x)
        assert counter.get_total_flops() == 3648
        with counter:
            nn.functional.scaled_dot_product_attention(x, x, x)
        assert counter.get_total_flops() == 2 * 2 * 3 * 3 * (8 + 8)

    def test_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        with FlopCounterMode(depth=1):
            nn.Linear(2, 3)(tallow.ones(1, 2))
        assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
            ["Module", "FLOP"],
            ["Global", "12"],
            ["Linear", "12"],
        ]

    def test_own_formulas_are_refused(self) -> None:
        with pytest.raises(NotImplementedError, match="custom_mapping"):
            FlopCounterMode(custom_mapping={abs: len})


def test_torchvision_finds_what_it_imports() -> None:
    from tallow import _custom_ops, hub
    from tallow._dynamo.eval_frame import is_dynamo_supported
    from tallow._dynamo.utils import is_compile_supported
    from tallow.ao.quantization import DeQuantStub, QuantStub
    from tallow.jit.annotations import BroadcastingList2
    from tallow.onnx import operators, symbolic_helper, symbolic_opset11
    from tallow.types import _dtype
    from tallow.utils import model_zoo

    x = tallow.ones(2, 3)
    assert nn.Sequential(QuantStub(), DeQuantStub())(x) is x
    assert QuantStub("x86").qconfig == "x86"
    assert is_compile_supported("cpu")
    assert not is_dynamo_supported()
    assert BroadcastingList2[int]
    assert isinstance(tallow.float32, _dtype)
    assert symbolic_helper.parse_args("v", "i")(len) is len
    onnx.register_custom_op_symbolic("torchvision::nms", len, 11)
    assert not hasattr(symbolic_opset11, "squeeze")
    assert operators.shape_as_tensor(x).tolist() == [2, 3]
    assert operators.reshape_from_tensor_shape(x, tallow.tensor([6])).shape == (6,)
    with pytest.raises(RuntimeError, match="get_ctx"):
        _custom_ops.get_ctx()
    assert model_zoo.tqdm is hub.tqdm


def test_progress_counts_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from tallow._progress import Counter

    with Counter(total=4, unit="B") as counter:
        counter.update(3)
    assert counter.n == 3
    counter.disable = False
    counter.update()
    counter.close()
    assert capsys.readouterr().err == "\r4 (100%)\n"


def test_optimisers_written_after_pytorchs_find_its_helpers() -> None:
    from tallow.optim import optimizer as helpers

    class Descent(tallow.optim.Optimizer):
        @helpers._use_grad_for_differentiable
        def step(self) -> None:  # type: ignore[override]
            for group in self.param_groups:
                for p in group["params"]:
                    p.add_(p.grad, alpha=-helpers._get_value(group["lr"]))

    weight = nn.Parameter(tallow.ones(2))
    optimizer = Descent([weight], {"lr": tallow.tensor(0.5), "differentiable": False})
    weight.grad = tallow.tensor([1.0, 2.0])
    optimizer.step()
    assert weight.tolist() == [0.5, 0]
    assert helpers._default_to_fused_or_foreach([weight], False) == (False, False)
    assert helpers._disable_dynamo_if_unsupported()(len) is len
    assert helpers._dispatch_sqrt(4) == helpers._dispatch_sqrt(tallow.tensor(4.0)) == 2
    assert helpers._stack_if_compiling(3) == helpers._to_scalar(3) == 3
    assert helpers._to_scalar(tallow.ones(1)).dim() == 0
    assert helpers._get_scalar_dtype() is tallow.float32
    parts = [tallow.ones(2, dtype=tallow.complex64), tallow.ones(2)]
    helpers._view_as_real(parts)
    assert [part.shape for part in parts] == [(2, 2), (2,)]
    assert helpers._get_capturable_supported_devices() == ["cuda"]
    assert helpers._foreach_doc


def test_other_private_names_answer() -> None:
    from tallow.nn.modules.transformer import _get_activation_fn
    from tallow.utils import cpp_extension
    from tallow.utils._python_dispatch import is_traceable_wrapper_subclass
    from tallow.utils.checkpoint import get_device_states, set_device_states

    assert _get_activation_fn("relu") is nn.functional.relu
    assert not is_traceable_wrapper_subclass(tallow.ones(1))
    devices, states = get_device_states(tallow.ones(1), 3)
    assert (devices, states) == ([], [])
    set_device_states(devices, states)
    with pytest.raises(NotImplementedError, match="cpp_extension: mine: extensions need libtorch"):
        cpp_extension.load("mine", sources=["mine.cpp"])
