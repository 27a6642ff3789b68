"""Names that programs import and few of them need: copies, streams, futures, files, hints."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest

import tallow
from tallow import cpu, func, futures, linalg
from tallow.nn import functional as F

COPIES: list[tuple[str, tuple[int, ...], tuple[Any, ...]]] = [
    ("as_strided", (2, 3), ((2,), (3,), 1)),
    ("diagonal", (3, 3), (1,)),
    ("expand", (2, 1), ((2, 3),)),
    ("permute", (2, 3), ((1, 0),)),
    ("select", (2, 3), (1, 0)),
    ("split", (5,), (2,)),
    ("split_with_sizes", (5,), ((2, 3),)),
    ("squeeze", (2, 1), ()),
    ("t", (2, 3), ()),
    ("transpose", (2, 3), (0, 1)),
    ("unbind", (2, 3), (1,)),
    ("unfold", (5,), (0, 2, 1)),
    ("unsqueeze", (2,), (0,)),
    ("view", (2, 3), ((3, 2),)),
]


@pytest.mark.parametrize(("name", "shape", "args"), COPIES)
def test_copies_equal_views_and_share_nothing(
    name: str, shape: tuple[int, ...], args: tuple[Any, ...]
) -> None:
    x = tallow.randn(shape, dtype=tallow.float64, requires_grad=True)
    views = getattr(x, name)(*args)
    copies = getattr(tallow, f"{name}_copy")(x, *args)
    pairs = zip(views, copies, strict=True) if isinstance(copies, tuple) else [(views, copies)]
    for view, copy in pairs:
        assert copy.equal(view)
        assert copy.is_contiguous()
        assert copy.untyped_storage().data_ptr() != x.untyped_storage().data_ptr()
    assert tallow.autograd.gradcheck(lambda x: getattr(tallow, f"{name}_copy")(x, *args), (x,))


def test_slices_are_copied() -> None:
    x = tallow.arange(6)
    assert tallow.slice_copy(x, 0, 1, 5, 2).tolist() == [1, 3]
    assert tallow.slice_copy(x).equal(x)
    with pytest.raises(IndexError, match=r"slice\(\) cannot be applied to a 0-dim tensor"):
        tallow.slice_copy(tallow.tensor(1))
    with pytest.raises(RuntimeError, match="slice step must be positive"):
        tallow.slice_copy(x, 0, 0, 2, 0)


def test_copies_go_to_out() -> None:
    out = tallow.empty(0)
    assert tallow.t_copy(tallow.ones(2, 3), out=out) is out
    assert out.shape == (3, 2)


@pytest.mark.parametrize(
    ("values", "size", "expected"),
    [
        ([1, 0, 2], 4, [[0], [2], [-1], [-1]]),
        ([1, 0, 2], 1, [[0]]),
        ([1, 0, 2], 0, []),
        ([[0, 1], [0, 0]], 2, [[0, 1], [-1, -1]]),
        (3, 2, [[], []]),
        ([], 1, [[-1]]),
    ],
)
def test_nonzero_static(values: Any, size: int, expected: Any) -> None:
    found = tallow.nonzero_static(tallow.tensor(values), size=size)
    assert found.dtype == tallow.int64
    assert found.tolist() == expected


def test_nonzero_static_refuses_other_sizes() -> None:
    with pytest.raises(RuntimeError, match="'size' must be an non-negative integer"):
        tallow.ones(2).nonzero_static(size=-1)
    with pytest.raises(TypeError, match="argument 'fill_value' must be int, not float"):
        tallow.nonzero_static(tallow.ones(2), size=1, fill_value=1.5)


class TestFactors:
    """lu_factor_ex, solve_ex and ormqr."""

    def test_lu_tells_the_first_zero(self) -> None:
        matrices = tallow.stack([tallow.eye(2), tallow.ones(2, 2), tallow.zeros(2, 2)])
        packed, pivots, info = linalg.lu_factor_ex(matrices)
        assert info.tolist() == [0, 2, 1]
        assert info.dtype == tallow.int32
        assert packed[0].equal(linalg.lu_factor(matrices[0]).LU)
        assert pivots.shape == (3, 2)
        with pytest.raises(RuntimeError, match=re.escape("linalg.lu_factor_ex: U[2,2] is zero")):
            linalg.lu_factor_ex(tallow.ones(2, 2), check_errors=True)

    def test_solve_marks_singular_matrices(self) -> None:
        matrices = tallow.stack([2 * tallow.eye(2), tallow.ones(2, 2)])
        result, info = linalg.solve_ex(matrices, tallow.ones(2, 2, 1))
        assert info.tolist() == [0, 2]
        assert result[0].flatten().tolist() == [0.5, 0.5]
        assert result[1].isnan().all()
        with pytest.raises(linalg.LinAlgError, match="the input matrix is singular"):
            linalg.solve_ex(matrices, tallow.ones(2, 2, 1), check_errors=True)

    @pytest.mark.parametrize("shape", [(0, 0), (0, 2, 2)])
    def test_nothing_to_factor(self, shape: tuple[int, ...]) -> None:
        empty = tallow.ones(shape)
        assert linalg.lu_factor_ex(empty).info.shape == shape[:-2]
        assert linalg.solve_ex(empty, empty).info.shape == shape[:-2]

    @pytest.mark.parametrize("left", [True, False])
    @pytest.mark.parametrize("transpose", [True, False])
    @pytest.mark.parametrize("dtype", [tallow.float64, tallow.complex128])
    def test_ormqr_multiplies_by_q(self, left: bool, transpose: bool, dtype: Any) -> None:
        a = tallow.randn(2, 5, 3, dtype=dtype)
        packed, tau = tallow.geqrf(a)
        other = tallow.randn(2, 5, 5, dtype=dtype)
        q = tallow.ormqr(packed, tau, tallow.eye(5, dtype=dtype).expand(2, 5, 5).contiguous())
        assert tallow.allclose(q[..., :3], linalg.householder_product(packed, tau))
        factor = q.mH if transpose else q
        expected = factor @ other if left else other @ factor
        assert tallow.allclose(tallow.ormqr(packed, tau, other, left, transpose), expected)

    def test_ormqr_refuses_other_sizes(self) -> None:
        a, tau = tallow.ones(3, 2), tallow.ones(2)
        with pytest.raises(RuntimeError, match=r"other.shape\[-2\] must be equal to input.shape"):
            tallow.ormqr(a, tau, tallow.ones(4, 4))
        with pytest.raises(RuntimeError, match="Expected input and tau to have the same dtype"):
            tallow.ormqr(a, tau.double(), tallow.ones(3, 4))
        with pytest.raises(RuntimeError, match="other must have at least 2 dimensions"):
            tallow.ormqr(a, tau, tallow.ones(3))


def test_grid_samplers_take_codes() -> None:
    x, grid = tallow.randn(1, 1, 4, 4), tallow.rand(1, 2, 2, 2) * 2 - 1
    expected = F.grid_sample(x, grid, "nearest", "border", align_corners=True)
    assert tallow.grid_sampler(x, grid, 1, 1, True).equal(expected)
    assert tallow.grid_sampler_2d(x, grid, 1, 1, True).equal(expected)
    with pytest.raises(RuntimeError, match=r"grid_sampler_3d\(\): expected 5D input"):
        tallow.grid_sampler_3d(x, grid, 1, 1, True)
    with pytest.raises(RuntimeError, match="expected padding_mode in 0 .. 2"):
        tallow.grid_sampler(x, grid, 1, 3, True)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_gradients_of_convolutions_stand_alone(dims: int) -> None:
    from tallow.nn import grad

    name = f"conv{dims}d"
    x = tallow.randn(2, 4, *[6] * dims, dtype=tallow.float64, requires_grad=True)
    w = tallow.randn(6, 2, *[3] * dims, dtype=tallow.float64, requires_grad=True)
    y = getattr(F, name)(x, w, None, 2, 1, 1, 2)
    g = tallow.randn(y.shape, dtype=tallow.float64)
    of_x, of_w = tallow.autograd.grad(y, (x, w), g)
    found_x = getattr(grad, f"{name}_input")(x.shape, w, g, 2, 1, 1, 2)
    found_w = getattr(grad, f"{name}_weight")(x, w.shape, g, stride=2, padding=1, groups=2)
    assert tallow.allclose(found_x, of_x)
    assert tallow.allclose(found_w, of_w)
    assert found_x.requires_grad
    with tallow.no_grad():
        assert not getattr(grad, f"{name}_input")(x.shape, w, g, 2, 1, 1, 2).requires_grad


class TestFiles:
    """Tensors over files."""

    def test_shared_ones_write_back(self, tmp_path: Path) -> None:
        path = str(tmp_path / "values")
        x = tallow.from_file(path, shared=True, size=3, dtype=tallow.int32)
        x[1] = 7
        private = tallow.from_file(path, size=3, dtype=tallow.int32)
        private[0] = 5
        assert tallow.from_file(path, size=3, dtype=tallow.int32).tolist() == [0, 7, 0]
        assert private.tolist() == [5, 7, 0]

    def test_what_cannot_be_mapped_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "short"
        path.write_bytes(b"1234")
        with pytest.raises(RuntimeError, match="is smaller than the required mapping size <8>"):
            tallow.from_file(str(path), size=2)
        with pytest.raises(RuntimeError, match="unable to open file <.*> in read-only mode"):
            tallow.from_file(str(tmp_path / "none"), size=2)
        with pytest.raises(RuntimeError, match="pin_memory=True is not supported"):
            tallow.from_file(str(path), size=1, pin_memory=True)
        assert path.read_bytes() == b"1234"
        assert tallow.from_file(str(path)).shape == (0,)


class TestStreams:
    """Streams and events of the CPU."""

    def test_nothing_waits(self) -> None:
        stream = tallow.Stream()
        with stream, cpu.stream(cpu.current_stream()):
            stream.wait_stream(tallow.Stream("cpu"))
            assert stream.query()
        assert stream.device == tallow.device("cpu")
        assert cpu.is_available()
        assert cpu.device_count() == 1
        assert cpu.synchronize() is None

    def test_events_measure(self) -> None:
        begin, end = (tallow.Event(enable_timing=True) for _ in range(2))
        begin.record()
        tallow.Stream().record_event(end)
        assert begin.elapsed_time(end) >= 0
        with pytest.raises(RuntimeError, match="Both events must be created with"):
            begin.elapsed_time(tallow.Event())
        with pytest.raises(RuntimeError, match="Both events must be recorded"):
            begin.elapsed_time(tallow.Event(enable_timing=True))

    @pytest.mark.parametrize("kind", [tallow.Stream, tallow.Event])
    def test_devices_that_are_not_there(self, kind: Any) -> None:
        with pytest.raises(RuntimeError, match="is not linked with support for cuda devices"):
            kind("cuda")
        with pytest.raises(RuntimeError, match="is not linked with support for meta devices"):
            kind("meta")


class TestFutures:
    """Results that come later."""

    def test_other_threads_set_results(self) -> None:
        later: futures.Future[int] = futures.Future()
        doubled = later.then(lambda done: done.value() * 2)
        threading.Thread(target=later.set_result, args=(4,)).start()
        assert doubled.wait() == 8
        assert later.done()

    def test_callbacks_after_the_result_run_at_once(self) -> None:
        later: futures.Future[int] = futures.Future()
        later.set_result(1)
        seen: list[int] = []
        later.add_done_callback(lambda done: seen.append(done.value()))
        assert seen == [1]

    def test_errors_travel(self) -> None:
        later: futures.Future[int] = futures.Future()
        after = later.then(lambda done: done.wait() + 1)
        later.set_exception(ValueError("lost"))
        for future in (later, after):
            with pytest.raises(ValueError, match="lost"):
                future.wait()

    def test_results_are_set_once(self) -> None:
        later: futures.Future[int] = futures.Future()
        with pytest.raises(RuntimeError, match="not completed"):
            later.value()
        later.set_result(1)
        with pytest.raises(RuntimeError, match="Attempting to mark a completed Future as complete"):
            later.set_result(2)
        with pytest.raises(AssertionError, match="3 is of type .* not an Exception"):
            futures.Future().set_exception(3)
        with pytest.raises(ValueError, match="Expected devices to have indices, got cpu"):
            futures.Future(devices=["cpu"])

    def test_many_at_once(self) -> None:
        both: list[futures.Future[int]] = [futures.Future(), futures.Future()]
        for number, future in enumerate(both):
            future.set_result(number)
        assert futures.collect_all(both).wait() == both
        assert futures.wait_all(both) == [0, 1]
        assert futures.wait_all([]) == []


def test_autocast_has_its_older_names() -> None:
    assert tallow.get_autocast_cpu_dtype() == tallow.bfloat16
    assert tallow.get_autocast_gpu_dtype() == tallow.float16
    tallow.set_autocast_gpu_dtype(tallow.bfloat16)
    assert tallow.get_autocast_dtype("cuda") == tallow.bfloat16
    tallow.set_autocast_gpu_dtype(tallow.float16)
    assert tallow.autocast_increment_nesting() == 1
    assert tallow.autocast_decrement_nesting() == 0
    with cpu.amp.autocast():
        assert tallow.is_autocast_cpu_enabled()


def test_levels_of_determinism() -> None:
    for level, name in enumerate(("default", "warn", "error")):
        tallow.set_deterministic_debug_mode(name)
        assert tallow.get_deterministic_debug_mode() == level
        tallow.set_deterministic_debug_mode(level)
        assert tallow.are_deterministic_algorithms_enabled() == (level > 0)
    tallow.set_deterministic_debug_mode(0)
    with pytest.raises(RuntimeError, match="expected 0, 1, or 2, but got 3"):
        tallow.set_deterministic_debug_mode(3)
    with pytest.raises(TypeError, match="debug_mode must be str or int"):
        tallow.set_deterministic_debug_mode(1.0)


def test_devices_have_modules() -> None:
    assert tallow.get_device_module() is cpu
    assert tallow.get_device_module("cuda") is tallow.cuda
    with pytest.raises(RuntimeError, match="does not have a corresponding module"):
        tallow.get_device_module("meta")
    with pytest.raises(RuntimeError, match="Invalid value of device '3'"):
        tallow.get_device_module(3)


def test_functionalized_functions_do_the_same() -> None:
    x = tallow.ones(2)
    assert func.functionalize(lambda x: x.add_(1))(x).tolist() == x.tolist() == [2, 2]
    with pytest.raises(RuntimeError, match="received invalid argument for remove=x"):
        func.functionalize(lambda x: x, remove="x")(x)


def test_cond_calls_one_of_two() -> None:
    x = tallow.ones(1)
    assert tallow.cond(x > 0, lambda x: x + 1, lambda x: x, (x,)).item() == 2
    assert tallow.cond(False, lambda: 1, lambda: 2) == 2
    with pytest.raises(RuntimeError, match="Expected pred to be bool or single-element tensor"):
        tallow.cond(tallow.ones(2) > 0, lambda: 1, lambda: 2)


class TestMethods:
    """Methods of tensors that answer for layouts which are not here."""

    def test_dense_tensors_say_so(self) -> None:
        x = tallow.ones(2, 3)
        assert x.sparse_dim() == 0
        assert x.dense_dim() == 2
        assert x.dequantize().equal(x)
        assert x.const_data_ptr() == x.data_ptr()
        for name in ("coalesce", "indices", "is_coalesced", "values"):
            with pytest.raises(RuntimeError, match=f"{name} expected sparse .* but got Strided"):
                getattr(x, name)()
        with pytest.raises(NotImplementedError, match="to_sparse_bsr: tensors of the layout"):
            x.to_sparse_bsr()

    def test_in_place_functions(self) -> None:
        x = tallow.arange(4.0)
        assert tallow.as_strided_(x, (2,), (2,)) is x
        assert x.tolist() == [0, 2]
        z = tallow.tensor([1 + 2j])
        assert tallow.conj_physical_(z).tolist() == z.tolist() == [1 - 2j]
        assert tallow.gcd_(tallow.tensor([4]), tallow.tensor([6])).tolist() == [2]
        with pytest.raises(TypeError, match=r"gcd_\(\): argument 'input' \(position 1\)"):
            tallow.gcd_(4, tallow.tensor([6]))

    @pytest.mark.parametrize("name", ["sinc_", "digamma_", "lgamma_", "i0_"])
    def test_integers_are_not_rounded_in_place(self, name: str) -> None:
        x = tallow.tensor([1, 2])
        with pytest.raises(RuntimeError, match="result type Float can't be cast to the desired"):
            getattr(x, name)()
        assert x.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sparse_bsr_tensor", "of sparse layouts there are sparse_coo and sparse_csr"),
        ("nested", "masked and nested tensors are not supported"),
        ("quantize_per_tensor", "quantised and odd integer types are not supported"),
        ("uint3", "quantised and odd integer types are not supported"),
        ("float4_e2m1fn_x2", "numbers of 4 bits are not supported"),
        ("export", "nothing is traced"),
    ],
)
def test_absent_names_say_why(name: str, hint: str) -> None:
    with pytest.raises(AttributeError, match=hint):
        getattr(tallow, name)


def test_older_modules_are_there() -> None:
    from tallow.nn.common_types import _size_2_t
    from tallow.utils import model_zoo

    assert model_zoo.load_url is tallow.hub.load_state_dict_from_url
    assert _size_2_t == int | tuple[int, int]


def test_dense_tensors_become_one_and_come_apart() -> None:
    from tallow._utils import _flatten_dense_tensors, _unflatten_dense_tensors

    given = [tallow.ones(2, 3), tallow.arange(2.0), tallow.tensor(5.0)]
    flat = _flatten_dense_tensors(given)
    assert flat.tolist() == [1.0] * 6 + [0.0, 1.0, 5.0]
    again = _unflatten_dense_tensors(flat, given)
    assert all(tallow.equal(a, b) for a, b in zip(again, given, strict=True))
